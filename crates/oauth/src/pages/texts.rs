//! The words of the hosted pages: per language, prompt, screen and key, with the ids that Auth0 uses.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use gatewright_resources::snapshot::Tenant;
use serde_json::Value;

/// Prompt, then screen, then key.
type Dictionary = HashMap<String, HashMap<String, HashMap<String, String>>>;

/// A language whose pages are translated.
struct Language {
    code: &'static str,
    json: &'static str,
}

/// English first: what another language lacks is shown in it.
const LANGUAGES: &[Language] = &[
    Language { code: "en", json: include_str!("../../texts/en.json") },
    Language { code: "de", json: include_str!("../../texts/de.json") },
    Language { code: "fr", json: include_str!("../../texts/fr.json") },
    Language { code: "es", json: include_str!("../../texts/es.json") },
    Language { code: "ja", json: include_str!("../../texts/ja.json") },
];

static DICTIONARIES: LazyLock<Vec<(Dictionary, HashMap<String, String>)>> = LazyLock::new(|| {
    LANGUAGES
        .iter()
        .map(|language| {
            let mut prompts: HashMap<String, Value> =
                serde_json::from_str(language.json).expect("a test reads every dictionary");
            let common = prompts.remove("common").unwrap_or_default();
            let common = serde_json::from_value(common).expect("a test reads every dictionary");
            let prompts = prompts.into_iter().map(|(name, screens)| {
                (name, serde_json::from_value(screens).expect("a test reads every dictionary"))
            });
            (prompts.collect(), common)
        })
        .collect()
});

/// Chooses the language of a page: `ui_locales`, then `Accept-Language`, among those that the tenant
/// has enabled; else the tenant's first one, else English.
pub(crate) fn language(
    tenant: &Tenant,
    ui_locales: Option<&str>,
    accept_language: Option<&str>,
) -> &'static str {
    let enabled = tenant.settings.get("enabled_locales").and_then(Value::as_array);
    let enabled: Vec<&str> = enabled.into_iter().flatten().filter_map(Value::as_str).collect();
    choose(&enabled, ui_locales, accept_language)
}

fn choose(enabled: &[&str], ui_locales: Option<&str>, accept_language: Option<&str>) -> &'static str {
    let built = |wanted: &str| {
        let base = wanted.split(['-', '_']).next().unwrap_or_default();
        LANGUAGES.iter().map(|language| language.code).find(|code| code.eq_ignore_ascii_case(base))
    };
    let offered = |wanted: &&str| {
        let code = built(wanted)?;
        enabled.iter().any(|locale| built(locale) == Some(code)).then_some(code)
    };
    let asked = ui_locales.unwrap_or_default();
    let in_ui_locales = asked.split(' ').find_map(|wanted| offered(&wanted));
    in_ui_locales
        .or_else(|| by_preference(accept_language.unwrap_or_default()).iter().find_map(offered))
        .or_else(|| enabled.first().and_then(|locale| built(locale)))
        .unwrap_or("en")
}

/// The languages of an `Accept-Language` header, the most wanted first (RFC 9110 section 12.5.4).
fn by_preference(header: &str) -> Vec<&str> {
    let mut wanted: Vec<(&str, f32)> = header
        .split(',')
        .take(20)
        .map(|entry| {
            let (name, weight) = entry.split_once(";q=").unwrap_or((entry, "1"));
            (name.trim(), weight.trim().parse().unwrap_or(0.0))
        })
        .filter(|(name, weight)| !name.is_empty() && *weight > 0.0)
        .collect();
    wanted.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    wanted.into_iter().map(|(name, _)| name).collect()
}

/// The words of one screen.
#[derive(Clone)]
pub(crate) struct Texts {
    pub(crate) language: &'static str,
    prompt: &'static str,
    screen: &'static str,
    values: Vec<(&'static str, String)>,
    /// Whose own words come first.
    tenant: Option<Arc<Tenant>>,
}

impl Texts {
    /// The words of a screen; `values` fill the placeholders `${name}`.
    pub(crate) fn new(
        language: &'static str,
        prompt: &'static str,
        screen: &'static str,
        values: Vec<(&'static str, String)>,
    ) -> Self {
        Self { language, prompt, screen, values, tenant: None }
    }

    /// The same, with what the tenant wrote before what is built in.
    #[must_use]
    pub(crate) fn in_words_of(self, tenant: &Arc<Tenant>) -> Self {
        Self { tenant: Some(Arc::clone(tenant)), ..self }
    }

    /// The same with one more placeholder.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// The text of a key on this screen, or the one all screens share; the key itself if there is none.
    pub(crate) fn get(&self, key: &str) -> String {
        self.find(key).unwrap_or_else(|| key.to_owned())
    }

    /// The text of the first of these keys that the tenant wrote, else that of the first: Auth0 has two
    /// names for some texts.
    pub(crate) fn first(&self, keys: &[&str]) -> String {
        let own = keys.iter().find(|key| self.own(self.screen, self.prompt, key).is_some());
        own.or(keys.first()).map(|key| self.get(key)).unwrap_or_default()
    }

    /// The text of a key, if there is one in this language or in English.
    pub(crate) fn find(&self, key: &str) -> Option<String> {
        let own = || self.own(self.screen, self.prompt, key);
        let template =
            own().or_else(|| [self.language, "en"].into_iter().find_map(|code| self.built_in(code, key)))?;
        // Placeholders are filled from left to right, so a value that looks like one stays as it is.
        let (mut text, mut rest) = (String::new(), template);
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            let value = self.values.iter().find(|(known, _)| *known == name);
            text.push_str(value.map_or("", |(_, value)| value));
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }

    fn own(&self, screen: &str, prompt: &str, key: &str) -> Option<&str> {
        self.tenant.as_ref()?.prompt_text(prompt, screen, key, self.language)
    }

    /// The screen's own text, or that of all screens, which the tenant may have written too.
    fn built_in(&self, code: &str, key: &str) -> Option<&str> {
        let index = LANGUAGES.iter().position(|language| language.code == code)?;
        let (prompts, common) = &DICTIONARIES[index];
        let of_screen = prompts.get(self.prompt).and_then(|screens| screens.get(self.screen)?.get(key));
        let shared = || self.own("common", "common", key).or_else(|| common.get(key).map(String::as_str));
        of_screen.map(String::as_str).or_else(shared)
    }
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
