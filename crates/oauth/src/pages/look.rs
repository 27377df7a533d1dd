//! How a tenant's pages look: its logo, icon and colours, with contrast that is always enough.

use gatewright_core::colors::{Color, TEXT_CONTRAST};
use gatewright_core::redirect::origin_of;
use gatewright_http::RequestCx;
use gatewright_resources::branding::BRANDING;
use gatewright_resources::branding::themes::THEME;
use gatewright_resources::engine::Map;
use serde_json::Value;

use super::theme::Theme;

/// The card in light and in dark, as the style sheet has it.
const SURFACES: [&str; 2] = ["#ffffff", "#181b21"];

/// A tenant's branding as a page uses it.
pub(crate) struct Look {
    /// Shown instead of the sign and the tenant's name.
    pub(crate) logo: Option<String>,
    /// The icon of the browser's tab.
    pub(crate) favicon: Option<String>,
    /// The picture behind the card.
    picture: Option<String>,
    /// What the style sheet is followed by; made of checked values only.
    pub(crate) css: String,
}

impl Look {
    /// That of the request's tenant.
    pub(crate) fn of(cx: &RequestCx) -> Self {
        Self::new(&cx.tenant.settings_of(&BRANDING), cx.tenant.settings_of(&THEME))
    }

    /// That of these settings.
    pub(crate) fn new(branding: &Map, theme: Map) -> Self {
        let url = |name: &str| {
            let url = branding.get(name).and_then(Value::as_str).filter(|url| origin_of(url).is_some());
            url.map(str::to_owned)
        };
        let colors = branding.get("colors").unwrap_or(&Value::Null);
        let accent = colors.get("primary").and_then(Value::as_str).and_then(Color::parse);
        let page = colors.get("page_background").and_then(Background::read);
        // What a theme says comes last, so it counts.
        let theme = Theme::of(theme);
        let logo =
            theme.as_ref().and_then(|theme| theme.logo().map(str::to_owned)).or_else(|| url("logo_url"));
        let mut css = css(accent, page.as_ref());
        css.extend(theme.as_ref().map(Theme::css));
        let picture = theme.as_ref().and_then(|theme| theme.picture().map(str::to_owned));
        Self { logo, favicon: url("favicon_url"), picture, css }
    }

    /// Where pictures may come from: the page itself, and the origins of the addresses configured.
    pub(crate) fn image_sources(&self, more: Option<&str>) -> String {
        let mut sources = String::from("'self' data:");
        let own = [self.logo.as_deref(), self.favicon.as_deref(), self.picture.as_deref(), more];
        for url in own.into_iter().flatten() {
            let Some(origin) = origin_of(url) else { continue };
            if !sources.split(' ').any(|known| known == origin) {
                sources.push_str(&format!(" {origin}"));
            }
        }
        sources
    }
}

/// The page behind the card.
enum Background {
    Plain(Color),
    Gradient { start: Color, end: Color, angle: f64 },
}

impl Background {
    fn read(value: &Value) -> Option<Self> {
        let color = |value: &Value| value.as_str().and_then(Color::parse);
        if value.is_string() {
            return color(value).map(Self::Plain);
        }
        let (start, end) = (color(value.get("start")?)?, color(value.get("end")?)?);
        let angle = value.get("angle_deg").and_then(Value::as_f64).unwrap_or(0.0);
        Some(Self::Gradient { start, end, angle })
    }

    fn css(&self, shade: impl Fn(Color) -> Color) -> String {
        match self {
            Self::Plain(color) => shade(*color).hex(),
            Self::Gradient { start, end, angle } => {
                format!("linear-gradient({angle}deg, {}, {})", shade(*start).hex(), shade(*end).hex())
            }
        }
    }
}

fn css(accent: Option<Color>, page: Option<&Background>) -> String {
    let theme = |surface: &str, shade: &dyn Fn(Color) -> Color| {
        let mut rules = String::new();
        if let (Some(accent), Some(surface)) = (accent, Color::parse(surface)) {
            let (text, link) = (accent.text_on(), accent.readable_on(surface, TEXT_CONTRAST));
            let (accent, text, link) = (accent.hex(), text.hex(), link.hex());
            rules.push_str(&format!("--accent: {accent}; --on-accent: {text}; --link: {link}; "));
        }
        if let Some(page) = page {
            rules.push_str(&format!("--backdrop: {}; ", page.css(shade)));
        }
        rules
    };
    if accent.is_none() && page.is_none() {
        return String::new();
    }
    let light = theme(SURFACES[0], &|color| color);
    let dark = theme(SURFACES[1], &Color::dimmed);
    format!(":root {{ {light}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}")
}

#[cfg(test)]
mod tests {
    use super::{Background, Color, css};
    use serde_json::json;

    #[test]
    fn colours_become_rules_for_light_and_dark() {
        assert_eq!(css(None, None), "");
        let page = Background::read(&json!({"start": "#fff", "end": "#0af", "angle_deg": 35}));
        let rules = css(Color::parse("#ffdd00"), page.as_ref());
        assert!(rules.contains("--accent: #ffdd00; --on-accent: #000000;"), "{rules}");
        assert!(rules.contains("linear-gradient(35deg, #ffffff, #00aaff)"), "{rules}");
        assert_eq!(rules.matches("--backdrop").count(), 2);
        assert!(!rules.contains("--link: #ffdd00; --backdrop: linear-gradient(35deg, #ffffff"), "{rules}");
        // What is no colour never gets into a style sheet, wherever it comes from.
        assert!(Background::read(&json!("red;}")).is_none());
        assert!(Background::read(&json!({"start": "#fff", "end": "url(x)"})).is_none());
    }
}
