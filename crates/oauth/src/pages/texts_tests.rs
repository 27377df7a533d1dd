use super::*;

#[test]
fn the_language_is_chosen_among_the_enabled_ones() {
    let all = ["en", "de", "fr-CA", "ja"];
    for (enabled, ui_locales, accept, expect) in [
        (&all[..], None, None, "en"),
        (&all, None, Some("de-AT,de;q=0.9,en;q=0.8"), "de"),
        (&all, None, Some("en;q=0.1, ja;q=0.9"), "ja"),
        (&all, None, Some("ja;q=0, de"), "de"),
        (&all, Some("fr"), Some("de"), "fr"),
        (&all, Some("es pt ja"), Some("de"), "ja"),
        // Spanish is translated, but not enabled; Portuguese neither.
        (&all, Some("es"), Some("pt"), "en"),
        (&["de", "en"], None, Some("pt"), "de"),
        (&["xx"], None, Some("de"), "en"),
        (&[], Some("de"), None, "en"),
    ] {
        assert_eq!(choose(enabled, ui_locales, accept), expect, "{enabled:?} {ui_locales:?} {accept:?}");
    }
}

#[test]
fn every_language_has_every_text_with_the_same_placeholders() {
    let placeholders = |text: &str| {
        let mut names: Vec<String> = text
            .split("${")
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name.to_owned())
            .collect();
        names.sort();
        names
    };
    fn flat(value: &Value, path: &str, into: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => into.push((path.to_owned(), text.clone())),
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| flat(value, &format!("{path}/{name}"), into));
            }
            other => panic!("{path}: {other}"),
        }
    }
    let all = |json: &str| {
        let mut texts = Vec::new();
        flat(&serde_json::from_str(json).unwrap(), "", &mut texts);
        texts.sort();
        texts
    };
    let english = all(LANGUAGES[0].json);
    for language in LANGUAGES {
        let texts = all(language.json);
        assert_eq!(texts.len(), english.len(), "{}", language.code);
        for ((path, text), (english_path, english)) in texts.iter().zip(&english) {
            assert_eq!(path, english_path, "{}", language.code);
            let (got, expect) = (placeholders(text), placeholders(english));
            // A language may do without a name, but never invent one.
            assert!(got.iter().all(|name| expect.contains(name)), "{} {path}", language.code);
        }
    }
}

#[test]
fn values_are_text_and_never_templates() {
    let values = vec![("clientName", "${companyName}".to_owned()), ("companyName", "Acme".to_owned())];
    let texts = Texts::new("en", "consent", "consent", values);
    assert_eq!(texts.get("title"), "Allow ${companyName}?");
    assert_eq!(texts.get("backText"), "Back");
    assert_eq!(texts.find("nothing"), None);
    assert_eq!(texts.get("description"), "${companyName} asks for access to your account at Acme.");
}
