//! Colours that tenants choose, made readable: contrast as WCAG 2.2 defines it.

/// A colour of the screen, without transparency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

/// Text, and links in it, stand out this much (WCAG 2.2, 1.4.3).
pub const TEXT_CONTRAST: f64 = 4.5;

impl Color {
    /// White.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    /// Black.
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };

    /// Reads `#rgb` or `#rrggbb`.
    ///
    /// ```
    /// # use gatewright_core::colors::Color;
    /// assert_eq!(Color::parse("#fff"), Some(Color::WHITE));
    /// assert_eq!(Color::parse("red"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |from: usize, length: usize| u8::from_str_radix(digits.get(from..from + length)?, 16).ok();
        match digits.len() {
            3 => Some(Self { red: part(0, 1)? * 17, green: part(1, 1)? * 17, blue: part(2, 1)? * 17 }),
            6 => Some(Self { red: part(0, 2)?, green: part(2, 2)?, blue: part(4, 2)? }),
            _ => None,
        }
    }

    /// As `#rrggbb`.
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// How much two colours stand out from each other: 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Black or white, whichever can be read better on this colour.
    pub fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// This colour, moved towards black or white until it stands out from `background` by at least
    /// `wanted`.
    #[must_use]
    pub fn readable_on(self, background: Self, wanted: f64) -> Self {
        let end = background.text_on();
        let steps = (0..=20).map(|step| self.mixed(end, f64::from(step) / 20.0));
        steps.into_iter().find(|color| color.contrast(background) >= wanted).unwrap_or(end)
    }

    /// This colour as far down as a dark page needs: white text can be read on it well.
    #[must_use]
    pub fn dimmed(self) -> Self {
        let steps = (0..=20).map(|step| self.mixed(Self::BLACK, f64::from(step) / 20.0));
        steps.into_iter().find(|color| color.contrast(Self::WHITE) >= 14.0).unwrap_or(Self::BLACK)
    }

    fn mixed(self, other: Self, share: f64) -> Self {
        let part = |one: u8, other: u8| {
            let mixed = f64::from(one) * (1.0 - share) + f64::from(other) * share;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
            let mixed = mixed.round() as u8;
            mixed
        };
        Self {
            red: part(self.red, other.red),
            green: part(self.green, other.green),
            blue: part(self.blue, other.blue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Color, TEXT_CONTRAST};

    fn color(text: &str) -> Color {
        Color::parse(text).unwrap()
    }

    #[test]
    fn colours_are_read_and_written() {
        assert_eq!(color("#0aF").hex(), "#00aaff");
        assert_eq!(color("#123456").hex(), "#123456");
        for bad in ["", "#", "123456", "#12", "#1234", "#12345g", "#1234567", "#+1+2+3", "#ééé"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        for (one, other, expect) in [("#000", "#fff", 21.0), ("#777", "#fff", 4.48), ("#fff", "#fff", 1.0)] {
            assert!((color(one).contrast(color(other)) - expect).abs() < 0.01, "{one} {other}");
        }
    }

    #[test]
    fn every_accent_gets_text_that_can_be_read() {
        let parts = [0_u8, 51, 102, 153, 204, 255];
        let all = parts.iter().flat_map(|r| parts.iter().flat_map(move |g| parts.map(|b| (*r, *g, b))));
        for (r, g, b) in all {
            let accent = color(&format!("#{r:02x}{g:02x}{b:02x}"));
            assert!(accent.contrast(accent.text_on()) >= TEXT_CONTRAST, "{accent:?}");
            for surface in ["#ffffff", "#181b21"].map(color) {
                let link = accent.readable_on(surface, TEXT_CONTRAST);
                assert!(link.contrast(surface) >= TEXT_CONTRAST, "{accent:?} on {surface:?}");
            }
            assert!(accent.dimmed().contrast(Color::WHITE) >= 14.0, "{accent:?}");
        }
        // A colour that is good already stays as it is.
        assert_eq!(color("#3552d4").readable_on(Color::WHITE, TEXT_CONTRAST), color("#3552d4"));
    }
}
