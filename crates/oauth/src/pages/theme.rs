//! What the hosted pages take from a tenant's theme: colours, corners, the logo's place, the background.
//!
//! Text stays readable whatever the theme says, and a theme has one look, by day and by night. The transparency of
//! its colours is left out.

use std::fmt::Write as _;

use gatewright_core::colors::{Color, TEXT_CONTRAST};
use gatewright_core::redirect::origin_of;
use gatewright_resources::engine::Map;
use serde_json::Value;

/// Borders of controls stand out this much (WCAG 2.2, 1.4.11).
const CONTROL_CONTRAST: f64 = 3.0;

/// A tenant's theme.
pub(super) struct Theme(Value);

impl Theme {
    /// The theme, if the tenant has one.
    pub(super) fn of(settings: Map) -> Option<Self> {
        (!settings.is_empty()).then_some(Self(Value::Object(settings)))
    }

    fn text(&self, path: &str) -> &str {
        self.0.pointer(path).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, path: &str, or: f64) -> f64 {
        self.0.pointer(path).and_then(Value::as_f64).unwrap_or(or)
    }

    fn color(&self, name: &str, or: Color) -> Color {
        self.color_at(&format!("/colors/{name}")).unwrap_or(or)
    }

    fn color_at(&self, path: &str) -> Option<Color> {
        let text = self.text(path);
        // Without its transparency, of which `#rgba` and `#rrggbbaa` hold one or two digits.
        let opaque = match text.len() {
            5 => text.get(..4)?,
            9 => text.get(..7)?,
            _ => text,
        };
        Color::parse(opaque)
    }

    fn url(&self, path: &str) -> Option<&str> {
        Some(self.text(path)).filter(|url| origin_of(url).is_some())
    }

    /// The logo, if it is another one than the tenant's.
    pub(super) fn logo(&self) -> Option<&str> {
        self.url("/widget/logo_url")
    }

    /// The picture behind the card.
    pub(super) fn picture(&self) -> Option<&str> {
        self.url("/page_background/background_image_url")
    }

    /// Rules that follow the style sheet. Every value is a checked colour, a number or an encoded address.
    pub(super) fn css(&self) -> String {
        let surface = self.color("widget_background", Color::WHITE);
        let accent = self.color("primary_button", Color::BLACK);
        let field = self.color("input_background", surface);
        let page = self.color_at("/page_background/background_color").unwrap_or(surface);
        let on = |name: &str, ground: Color, contrast: f64| {
            self.color(name, ground.text_on()).readable_on(ground, contrast).hex()
        };
        let text = |name: &str| on(name, surface, TEXT_CONTRAST);
        let scheme = if surface.text_on() == Color::WHITE { "dark" } else { "light" };
        let mut css = format!(
            "--accent: {}; --on-accent: {}; --link: {}; --surface: {surface}; --sunken: {surface}; --line: {}; ",
            accent.hex(),
            on("primary_button_label", accent, TEXT_CONTRAST),
            text("links_focused_components"),
            self.color("widget_border", surface).hex(),
            surface = surface.hex(),
        );
        let _ = write!(
            css,
            "--text: {}; --muted: {}; --danger: {}; --danger-soft: {surface}; --good: {}; --good-soft: {surface}; \
             --control: {}; --page: {page}; --backdrop: {page}; ",
            text("body_text"),
            text("input_labels_placeholders"),
            text("error"),
            text("success"),
            on("input_border", field, CONTROL_CONTRAST),
            surface = surface.hex(),
            page = page.hex(),
        );
        // By night the style sheet sets the same names, so they are set again.
        let mut css = format!(
            ":root {{ color-scheme: {scheme}; {css}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {css}}} }}\n"
        );
        let _ = writeln!(
            css,
            "h1 {{ color: {}; text-align: {}; }}\n.description {{ text-align: {align}; }}\n\
             .brand svg {{ stroke: {}; }}\ninput {{ background: {}; color: {}; }}\n\
             .secondary {{ color: {}; border-color: {}; }}",
            text("header"),
            side(self.text("/widget/header_text_alignment"), "start"),
            text("icons"),
            field.hex(),
            on("input_filled_text", field, TEXT_CONTRAST),
            text("secondary_button_label"),
            on("secondary_button_border", surface, CONTROL_CONTRAST),
            align = side(self.text("/widget/header_text_alignment"), "start"),
        );
        self.shapes(&mut css);
        css
    }

    fn shapes(&self, css: &mut String) {
        let corners = |style: &str, radius: f64| match style {
            "pill" => 24.0,
            "sharp" => 0.0,
            _ => radius.clamp(0.0, 10.0),
        };
        let buttons =
            corners(self.text("/borders/buttons_style"), self.number("/borders/button_border_radius", 8.0));
        let inputs =
            corners(self.text("/borders/inputs_style"), self.number("/borders/input_border_radius", 8.0));
        let button_border = self.number("/borders/button_border_weight", 1.0).clamp(0.0, 10.0);
        // A field without a border could not be seen.
        let input_border = self.number("/borders/input_border_weight", 1.0).clamp(1.0, 3.0);
        let _ = writeln!(
            css,
            ".primary, .secondary {{ border-radius: {buttons}px; border-width: {button_border}px; }}\n\
             input {{ border-radius: {inputs}px; border-width: {input_border}px; }}"
        );
        match self.text("/widget/logo_position") {
            "none" => css.push_str(".brand { display: none; }\n"),
            position => {
                let _ = writeln!(css, ".brand {{ justify-content: {}; }}", side(position, "center"));
            }
        }
        let _ = writeln!(
            css,
            ".brand img {{ height: {}px; }}",
            self.number("/widget/logo_height", 40.0).clamp(1.0, 100.0)
        );
        // On a telephone the card is the page.
        let _ = write!(
            css,
            "@media (min-width: 481px) {{ .card {{ border-radius: {}px; border-width: {}px; {}}} body {{ place-items: center {}; ",
            self.number("/borders/widget_corner_radius", 12.0).clamp(0.0, 50.0),
            self.number("/borders/widget_border_weight", 1.0).clamp(0.0, 10.0),
            match self.0.pointer("/borders/show_widget_shadow").and_then(Value::as_bool) {
                Some(false) => "box-shadow: none; ",
                _ => "",
            },
            side(self.text("/page_background/page_layout"), "center"),
        );
        if let Some(picture) = self.picture() {
            let _ = write!(
                css,
                "background-image: url(\"{}\"); background-size: cover; background-position: center; ",
                encoded(picture)
            );
        }
        css.push_str("} }\n");
    }
}

/// A side in the words of CSS.
fn side(named: &str, or: &'static str) -> &'static str {
    match named {
        "left" => "start",
        "center" => "center",
        "right" => "end",
        _ => or,
    }
}

/// The address without what could end a string of CSS, or the style sheet.
fn encoded(url: &str) -> String {
    let mut safe = String::with_capacity(url.len());
    for character in url.chars() {
        match character {
            '"' | '<' | '>' | '\\' | '\'' | '(' | ')' => {
                let _ = write!(safe, "%{:02X}", u32::from(character));
            }
            character if character.is_control() || character.is_whitespace() => {}
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{Theme, encoded};
    use gatewright_core::colors::Color;
    use serde_json::{Value, json};

    fn css(theme: Value) -> String {
        Theme::of(theme.as_object().unwrap().clone()).unwrap().css()
    }

    #[test]
    fn colours_become_rules_and_text_stays_readable() {
        assert!(Theme::of(serde_json::Map::new()).is_none());
        let rules = css(json!({
            "colors": {"primary_button": "#ffdd0080", "primary_button_label": "#ffffff", "widget_background": "#222233",
                "body_text": "#222222", "header": "#abcdef", "error": "red;}", "input_background": "#fff"},
            "page_background": {"background_color": "#123"},
        }));
        assert!(rules.contains("--accent: #ffdd00;") && !rules.contains("--on-accent: #ffffff"), "{rules}");
        assert!(rules.contains("--surface: #222233;") && rules.contains("color-scheme: dark"), "{rules}");
        assert!(rules.contains("--backdrop: #112233;") && rules.contains("h1 { color: #abcdef;"), "{rules}");
        assert!(!rules.contains("red"), "{rules}");
        let body = rules.split("--text: ").nth(1).unwrap().split(';').next().unwrap();
        let (body, card) = (Color::parse(body).unwrap(), Color::parse("#222233").unwrap());
        assert!(body.contrast(card) >= 4.5, "{rules}");
        assert_eq!(rules.matches("--surface: #222233;").count(), 2, "by day and by night");
    }

    #[test]
    fn shapes_and_addresses_cannot_leave_their_place() {
        let rules = css(json!({
            "borders": {"buttons_style": "pill", "inputs_style": "rounded", "input_border_radius": 3,
                "input_border_weight": 0, "widget_corner_radius": 999, "show_widget_shadow": false},
            "widget": {"logo_position": "right", "logo_height": 52, "header_text_alignment": "center"},
            "page_background": {"background_image_url": "https://cdn.example/a\")}</style><script>.png", "page_layout": "left"},
        }));
        assert!(
            rules.contains("border-radius: 24px")
                && rules.contains("input { border-radius: 3px; border-width: 1px; }")
        );
        assert!(
            rules.contains(".card { border-radius: 50px;") && rules.contains("box-shadow: none;"),
            "{rules}"
        );
        assert!(
            rules.contains(".brand { justify-content: end; }") && rules.contains("height: 52px"),
            "{rules}"
        );
        assert!(
            rules.contains("place-items: center start;") && rules.contains("text-align: center"),
            "{rules}"
        );
        assert!(!rules.contains("</style") && !rules.contains("<script"), "{rules}");
        assert_eq!(encoded("https://a.example/x y\"'()\\<>"), "https://a.example/xy%22%27%28%29%5C%3C%3E");
    }
}
