use proptest::prelude::*;
use serde_json::json;

use super::*;

fn liquid(template: &str, vars: Value) -> Result<String, TemplateError> {
    render(Syntax::Liquid, template, &vars)
}

fn vars() -> Value {
    json!({
        "code": "493817",
        "phone_number": "+61400000000",
        "application": { "name": "Acme" },
        "request_language": "fr-FR",
        "list": ["a", "b", "c"],
        "people": [{ "name": "Ann" }, { "nick": "bob" }],
    })
}

#[test]
fn macros_replace_the_code_and_nothing_else() {
    let cases = [
        ("Your code is @@password@@.", "Your code is 493817."),
        ("@@password@@ @@password@@", "493817 493817"),
        ("@@code@@ {{ code }} {% if code %} @@other@@", "@@code@@ {{ code }} {% if code %} @@other@@"),
        ("", ""),
    ];
    for (template, expected) in cases {
        assert_eq!(render(Syntax::MdWithMacros, template, &vars()).as_deref(), Ok(expected));
    }
}

#[test]
fn liquid_knows_the_documented_variables() {
    let cases = [
        ("{{ code }}", "493817"),
        ("{{ password }}", "493817"),
        ("@@password@@", "493817"),
        ("{{ code }} / @@password@@", "493817 / 493817"),
        ("Your {{ application.name }} code is {{code}}", "Your Acme code is 493817"),
        ("{{ phone_number }}", "+61400000000"),
        ("{% if request_language contains 'fr' %}Votre code{% else %}Your code{% endif %}", "Votre code"),
        ("{% case request_language %}{% when 'fr-FR', 'fr' %}oui{% else %}yes{% endcase %}", "oui"),
        ("{{ application.name | upcase | append: '!' }}", "ACME!"),
        ("{{ application.name | replace: 'm', 'MM' }}", "AcMMe"),
        ("{{ application.name | replace: 'm' }}", "Ace"),
        ("{{ list | join: ', ' }} {{ list | join }}", "a, b, c a b c"),
        ("{{ 'a-b' | split: '-' | last }}", "b"),
        ("{% assign x = 'y' %}{{ x }}{% capture z %}{{ x }}{{ x }}{% endcapture %}{{ z }}", "yyy"),
        ("{% comment %}{{ code }}{% endcomment %}{% raw %}{{ code }}{% endraw %}", "{{ code }}"),
        ("a {%- if true -%} b {%- endif -%} c", "abc"),
        ("ünï ✓ {{ application.name }}", "ünï ✓ Acme"),
    ];
    for (template, expected) in cases {
        assert_eq!(liquid(template, vars()).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn the_code_has_two_names_in_either_direction() {
    assert_eq!(liquid("{{ code }}{{ password }}@@password@@", json!({ "password": "1" })).unwrap(), "111");
    assert_eq!(render(Syntax::MdWithMacros, "@@password@@", &json!({ "password": "1" })).unwrap(), "1");
    assert_eq!(render(Syntax::MdWithMacros, "@@password@@", &json!({})).unwrap(), "@@password@@");
}

#[test]
fn a_value_is_not_a_template() {
    let vars = json!({ "code": "1", "application": { "name": "{{ code }} {% if %} " } });
    assert_eq!(liquid("{{ application.name }}", vars).unwrap(), "{{ code }} {% if %} ");
}

#[test]
fn unknown_names_are_nothing_at_every_depth() {
    let cases = [
        ("[{{ nothing }}]", "[]"),
        ("[{{ nothing.at.all }}]", "[]"),
        ("[{{ application.nothing }}]", "[]"),
        ("[{{ application.name.nothing }}]", "[]"),
        ("[{{ list[7] }}]", "[]"),
        ("[{{ nothing | upcase | append: nothing }}]", "[]"),
        ("[{{ nothing | default: 'x' }}]", "[x]"),
        ("{% if nothing %}a{% else %}b{% endif %}", "b"),
        ("{% if nothing.deep == 'x' %}a{% else %}b{% endif %}", "b"),
        ("{% unless nothing %}a{% endunless %}", "a"),
        ("{% for x in nothing %}a{% else %}none{% endfor %}", "none"),
        ("{% for p in people %}[{{ p.name }}{{ p.nick.deep }}]{% endfor %}", "[Ann][]"),
        ("{% assign x = nothing %}[{{ x }}{{ x.y }}]", "[]"),
    ];
    for (template, expected) in cases {
        assert_eq!(liquid(template, vars()).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn loops_count_as_liquid_does() {
    let cases = [
        ("{% for x in list %}{{ x }}{{ forloop.index }}{% endfor %}", "a1b2c3"),
        ("{% for x in list reversed %}{{ x }}{% endfor %}", "cba"),
        ("{% for x in list limit:2 offset:1 %}{{ x }}{% endfor %}", "bc"),
        ("{% for x in list offset:9 %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% for x in (1..4) %}{{ x }}{% endfor %}", "1234"),
        ("{% for x in (1..9) limit:2 offset:3 %}{{ x }}{% endfor %}", "45"),
        ("{% for x in (3..1) %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% for x in (1..9) %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}", "12"),
        ("{% for x in (1..4) %}{% if x == 3 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "124"),
        (
            "{% for x in list %}{% if forloop.first %}<{% endif %}{{ forloop.rindex0 }}{% if forloop.last %}>{% endif %}{% endfor %}",
            "<210>",
        ),
        (
            "{% for x in (1..2) %}{% for y in list %}{{ forloop.parentloop.index }}{{ y }}{% endfor %}{% endfor %}",
            "1a1b1c2a2b2c",
        ),
        ("{% for pair in application %}{{ pair[0] }}={{ pair[1] }}{% endfor %}", "name=Acme"),
        ("{% for x in list %}{% cycle 'odd', 'even' %}{% endfor %}", "oddevenodd"),
        ("{% for x in list %}{% assign last = x %}{% endfor %}{{ last }}{{ x }}", "c"),
    ];
    for (template, expected) in cases {
        assert_eq!(liquid(template, vars()).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn says_what_is_wrong_with_a_template() {
    for template in [
        "{% if %}",
        "{{ code",
        "{% for x in list %}",
        "{% endif %}",
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{% tablerow x in list %}{% endtablerow %}",
        "{{ 'now' | date: '%Y' }}",
        "{{ list | uniq }}",
        "{{ x | no_such_filter }}",
        "{% for x of list %}{% endfor %}",
        "{% for x in list by 2 %}{% endfor %}",
        "{{ list | join: 1, 2 }}",
        "{{ list | replace }}",
    ] {
        let Err(TemplateError::Invalid(text)) = check(Syntax::Liquid, template) else { panic!("{template}") };
        assert!(!text.is_empty() && text.chars().count() <= 300, "{text}");
        assert_eq!(check(Syntax::MdWithMacros, template), Ok(()));
    }
    assert_eq!(check(Syntax::Liquid, "{{ code | upcase }}"), Ok(()));
}

#[test]
fn errors_never_quote_a_value() {
    for template in
        ["{{ code | divided_by: 0 }}", "{% for x in (code..nothing) %}{% endfor %}", "{{ list[people] }}"]
    {
        let error = liquid(template, vars()).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("493817"), "{error:?}");
    }
}

/// The engine panics here; the message fails and the server does not.
#[test]
fn survives_the_engines_panics() {
    let smallest = "-9223372036854775808";
    assert_eq!(liquid(&format!("{{{{ {smallest} | divided_by: -1 }}}}"), vars()), Err(TemplateError::Failed));
    assert_eq!(liquid("{{ code }}", vars()).unwrap(), "493817");
}

#[test]
fn refuses_templates_that_are_too_large() {
    let long = "x".repeat(MAX_TEMPLATE_BYTES + 1);
    for syntax in [Syntax::MdWithMacros, Syntax::Liquid] {
        assert!(matches!(render(syntax, &long, &vars()), Err(TemplateError::TooLarge(_))));
        assert!(render(syntax, &long[1..], &vars()).is_ok());
    }
    let cases = [
        "{% if a %}".repeat(5000),
        format!("{{{{ {} }}}}", "a[".repeat(20_000)),
        format!("{{{{ {}b{} }}}}", "a[".repeat(5_000), "]".repeat(5_000)),
        format!("{{% if a{} %}}x{{% endif %}}", " and a".repeat(5_000)),
        format!("{{% if a{} %}}x{{% endif %}}", " or a".repeat(5_000)),
        " ".repeat(60_000),
        format!("{{% if a %}}{}{{% endif %}}", "{% elsif a %}".repeat(3_000)),
    ];
    for template in cases {
        let head: String = template.chars().take(30).collect();
        assert!(matches!(check(Syntax::Liquid, &template), Err(TemplateError::TooLarge(_))), "{head}");
    }
}

/// What the counts still let through must fit the stack of a test's thread, which is that of the
/// server's: 2 MiB, in a build without optimisation.
#[test]
fn the_deepest_template_fits_the_stack() {
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}x{}", open.repeat(depth), close.repeat(depth));
    let cases = [
        nested("{% if code %}", "{% endif %}", 200),
        nested("{% for x in (1..1) %}", "{% endfor %}", 200),
        nested("{% capture x %}", "{% endcapture %}", 200),
        nested("{% unless nothing %}", "{% endunless %}", 200),
        format!("{{% if nothing %}}{}{{% endif %}}", "{% elsif nothing %}".repeat(398)),
        format!("{{{{ {}code{} }}}}", "application[".repeat(200), "]".repeat(200)),
        format!("{{% if code{} %}}x{{% endif %}}", " and code".repeat(300)),
        format!("{{% if nothing{} %}}x{{% endif %}}", " or nothing".repeat(300)),
    ];
    for template in cases {
        let head: String = template.chars().take(30).collect();
        let result = liquid(&template, vars());
        assert!(
            !matches!(result, Err(TemplateError::TooLarge(_) | TemplateError::Invalid(_))),
            "{head}: {result:?}"
        );
    }
}

/// Each of these would run for minutes or fill the memory if nothing stopped it.
#[test]
fn stops_templates_that_never_end() {
    let doubling = "{% assign a = a | append: a %}".repeat(300);
    let cases = [
        "{% for x in (1..100000000) %}{% endfor %}".to_owned(),
        "{% for x in (1..9223372036854775807) %}{% endfor %}".to_owned(),
        "{% for x in (-9223372036854775808..9223372036854775807) %}{% endfor %}".to_owned(),
        "{% for a in (1..1000) %}{% for b in (1..1000) %}{% for c in (1..1000) %}{% endfor %}{% endfor %}{% endfor %}".to_owned(),
        format!("{{% assign a = 'xxxxxxxx' %}}{doubling}"),
        format!("{{% assign a = 'xxxxxxxx' %}}{{% for i in (1..300) %}}{}{{% endfor %}}", "{% assign a = a | append: a %}"),
        format!("{{% assign a = '{0}' %}}{{% assign a = a | replace: 'x', a %}}{{% assign a = a | replace: 'x', a %}}", "x".repeat(20_000)),
        format!("{{% assign a = '{0}' %}}{{{{ a | replace: '', a }}}}", "x".repeat(20_000)),
        format!("{{% assign a = '{0}' %}}{{{{ a | split: '' | join: a }}}}", "x".repeat(20_000)),
        format!("{{% assign a = '{0}' | split: '' %}}{{% for i in (1..100) %}}{{% assign a = a | concat: a %}}{{% endfor %}}", "x".repeat(1_000)),
        format!("{{% assign a = '{0}' %}}{{% for i in (1..100000) %}}{1}{{% endfor %}}", "x".repeat(30_000), "{% if a == a %}{% endif %}".repeat(150)),
        "{% capture a %}{% for i in (1..100000) %}xxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endcapture %}".to_owned(),
    ];
    for template in cases {
        let head: String = template.chars().take(80).collect();
        assert_eq!(liquid(&template, vars()), Err(TemplateError::TooMuchWork), "{head}");
    }
    let wide = format!("{{% for x in (1..10) %}}{}{{% endfor %}}", "x".repeat(7_000));
    assert_eq!(liquid(&wide, vars()), Err(TemplateError::OutputTooLarge));
    let macros = "@@password@@".repeat(5_000);
    let long_code = json!({ "code": "1".repeat(100) });
    assert_eq!(render(Syntax::MdWithMacros, &macros, &long_code), Err(TemplateError::OutputTooLarge));
}

/// A large but honest message has room to spare.
#[test]
fn ordinary_templates_fit_the_budget() {
    let languages: String = (0..60)
        .map(|n| format!("{{% elsif request_language == 'l{n}' %}}Text {n}: {{{{ code }}}}"))
        .collect();
    let template = format!("{{% if request_language == 'xx' %}}no{languages}{{% else %}}yes{{% endif %}}");
    assert_eq!(liquid(&template, vars()).unwrap(), "yes");
    let list = "{% for x in (1..500) %}{{ x }} {{ application.name | upcase }}{% endfor %}";
    assert!(liquid(list, vars()).unwrap().ends_with("500 ACME"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_template_panics(template in "(\\{\\{|\\}\\}|\\{%|%\\}|[a-z |:.'\"\\[\\]()]|if|endif|for|in|endfor|code|@@password@@){0,40}") {
        let _ = liquid(&template, vars());
        let _ = render(Syntax::MdWithMacros, &template, &vars());
    }

    #[test]
    fn text_without_marks_is_kept(template in "[^{}@]{0,100}") {
        prop_assert_eq!(liquid(&template, vars()), Ok(template.clone()));
        prop_assert_eq!(render(Syntax::MdWithMacros, &template, &vars()), Ok(template));
    }
}
