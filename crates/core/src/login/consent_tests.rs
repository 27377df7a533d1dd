use super::*;

fn list(scopes: &[&str]) -> Vec<String> {
    scopes.iter().map(|scope| (*scope).to_owned()).collect()
}

#[test]
fn every_combination() {
    type Case<'a> = (bool, bool, &'a [&'a str], &'a [&'a str], Option<&'a [&'a str]>, Option<&'a [&'a str]>);
    let cases: &[Case<'_>] = &[
        // first party, prompt=consent, granted, allowed before, just allowed: asked for
        (true, false, &["openid"], &[], None, None),
        (true, true, &["openid"], &["openid"], None, Some(&["openid"])),
        (true, true, &["openid"], &[], Some(&["openid"]), None),
        (false, false, &["openid", "email"], &[], None, Some(&["openid", "email"])),
        (false, false, &["openid", "email"], &["openid"], None, Some(&["email"])),
        (false, false, &["openid"], &["openid", "email"], None, None),
        (false, false, &["openid", "email"], &["openid"], Some(&["email"]), None),
        // Something new since the page was shown.
        (false, false, &["openid", "email"], &[], Some(&["openid"]), Some(&["email"])),
        (false, true, &["openid"], &["openid"], None, Some(&["openid"])),
        (false, true, &["openid"], &["openid"], Some(&["openid"]), None),
        // No scope at all.
        (false, false, &[], &[], None, Some(&[])),
        (false, false, &[], &[], Some(&[]), None),
        (false, false, &[], &["openid"], None, None),
    ];
    for (first_party, asked_for, granted, allowed, just_allowed, expect) in cases {
        let (allowed, just) = (list(allowed), just_allowed.map(list));
        let facts = ConsentFacts {
            first_party: *first_party,
            asked_for: *asked_for,
            granted,
            allowed: &allowed,
            just_allowed: just.as_deref(),
        };
        let expect = expect.map_or(Consent::Given, |scopes| Consent::Ask(list(scopes)));
        assert_eq!(decide(facts), expect, "{facts:?}");
    }
}
