//! A QR code as one path of an inline SVG: no picture is fetched, and the policy of the pages allows it.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, ISO/IEC 18004 section 9.1.
const QUIET_ZONE: usize = 4;

/// A code, in modules.
pub(crate) struct Qr {
    /// Width and height with the quiet zone.
    pub(crate) size: usize,
    /// The dark modules.
    pub(crate) path: String,
    /// What assistive technology reads.
    pub(crate) label: String,
}

impl Qr {
    /// The code of this text; `None` if it is too long for one.
    pub(crate) fn of(text: &str, label: String) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (at, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (at % width + QUIET_ZONE, at / width + QUIET_ZONE);
                write!(path, "M{x} {y}h1v1h-1z").ok()?;
            }
        }
        Some(Self { size: width + 2 * QUIET_ZONE, path, label })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_finders_in_three_corners() {
        let qr = Qr::of("otpauth://totp/a:b?secret=MZXW6", "a code".to_owned()).unwrap();
        let dark = |x: usize, y: usize| qr.path.contains(&format!("M{x} {y}h1"));
        let far = qr.size - 5;
        for (x, y) in [(4, 4), (far, 4), (4, far)] {
            assert!(dark(x, y), "{x} {y}");
        }
        assert!(!dark(3, 3) && !dark(5, 5));
        assert!(Qr::of(&"a".repeat(5000), String::new()).is_none());
    }
}
