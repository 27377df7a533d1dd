use proptest::prelude::*;

use super::normalize_phone;

#[test]
fn writes_numbers_in_one_way() {
    let cases = [
        ("+61400000000", Some("+61400000000")),
        ("+610400000000", Some("+61400000000")),
        ("+61 0400 000 000", Some("+61400000000")),
        (" +1 (202) 555-0123 ", Some("+12025550123")),
        ("+15005550006", Some("+15005550006")),
        ("+44 (0)20 7946 0123", Some("+442079460123")),
        ("+49 030 123456", Some("+4930123456")),
        // Italian numbers keep their zero.
        ("+39 06 1234 5678", Some("+390612345678")),
        ("+33 1 23 45 67 89", Some("+33123456789")),
        ("+55.11.91234.5678", Some("+5511912345678")),
        // The Russian trunk prefix is 8, and these numbers do not have one.
        ("+78121234567", Some("+78121234567")),
        ("+78001234567", Some("+78001234567")),
        ("+7 8 916 123 45 67", Some("+79161234567")),
        ("+112025550123", Some("+12025550123")),
        // Not in a plan, but not impossible either.
        ("+15550100123", Some("+15550100123")),
        ("+88001712345678", Some("+8801712345678")),
        ("0400000000", None),
        ("61400000000", None),
        ("+", None),
        ("", None),
        ("+1", None),
        ("+12", None),
        ("+999999999999", None),
        ("+1234567890123456789", None),
        ("+1 800 FLOWERS", None),
        ("+61400000000 ext 5", None),
        ("++61400000000", None),
        ("+61400000000;drop", None),
        ("\u{ff0b}61400000000", None),
    ];
    for (input, expected) in cases {
        assert_eq!(normalize_phone(input).as_deref(), expected, "{input:?}");
    }
}

#[test]
fn numbers_that_begin_like_a_trunk_prefix_stay_apart() {
    let mut seen = std::collections::HashSet::new();
    for area in 300..=999 {
        let number = format!("+7{area}1234567");
        assert!(seen.insert(normalize_phone(&number).unwrap()), "{number} collides");
    }
}

#[test]
fn every_plan_keeps_its_own_example_numbers() {
    let mut examples = 0;
    for country in phonenumber::metadata::DATABASE.iter() {
        let descriptors = country.descriptors();
        for descriptor in [Some(descriptors.general()), descriptors.fixed_line(), descriptors.mobile()] {
            let Some(example) = descriptor.and_then(|descriptor| descriptor.example()) else { continue };
            let number = format!("+{}{example}", country.country_code());
            if number.len() >= 8 {
                assert_eq!(normalize_phone(&number).as_deref(), Some(number.as_str()), "{}", country.id());
                examples += 1;
            }
        }
    }
    assert!(examples > 400, "only {examples} examples");
}

#[test]
fn refuses_endless_input() {
    assert_eq!(normalize_phone(&format!("+61{}", " ".repeat(10_000))), None);
    assert_eq!(normalize_phone(&"+6".repeat(1_000_000)), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// One number, one spelling: normalising the result changes nothing, so it can be a key.
    #[test]
    fn the_result_is_a_fixed_point(input in "\\+[1-9][0-9 ().-]{4,20}") {
        if let Some(once) = normalize_phone(&input) {
            prop_assert!(once.len() <= 16 && once.starts_with('+'), "{}", once);
            prop_assert!(once[1..].bytes().all(|byte| byte.is_ascii_digit()), "{}", once);
            prop_assert_eq!(normalize_phone(&once), Some(once.clone()));
        }
    }

    /// Trunk prefixes and calling codes that the free pattern above seldom hits.
    #[test]
    fn the_result_is_a_fixed_point_with_trunk_prefixes(
        code in prop::sample::select(vec!["1", "7", "20", "36", "39", "44", "49", "52", "54", "55", "61", "81", "86", "91", "225", "375", "995"]),
        national in "0{0,3}[0-9]{5,12}",
    ) {
        if let Some(once) = normalize_phone(&format!("+{code}{national}")) {
            prop_assert_eq!(normalize_phone(&once), Some(once.clone()));
        }
    }

    #[test]
    fn no_input_panics(input in any::<String>(), tail in "\\+?[0-9+ ]{0,70}") {
        let _ = normalize_phone(&input);
        let _ = normalize_phone(&tail);
    }
}
