//! How the `scope` parameter is read.

use super::*;

#[test]
fn scopes_are_split_at_white_space_and_named_once() {
    let world = World::new();
    let report = world.decide(Flow::Code, API, "  openid\tprofile \n openid  read:orders profile ").unwrap();
    assert_eq!(report.scope_text(), "openid profile read:orders");
    assert_eq!(report.entries.len(), 3);
    assert!(report.grants("profile") && !report.grants("email"));
    // Scopes are case sensitive (RFC 6749 section 3.3).
    check(
        &world,
        Flow::Code,
        API,
        "OpenID Read:Orders",
        "-OpenID=not_defined_on_api -Read:Orders=not_defined_on_api",
    );
}

#[test]
fn the_scope_parameter_has_limits() {
    let world = World::new();
    let many = |n: usize| (0..n).map(|i| format!("s{i}")).collect::<Vec<_>>().join(" ");
    assert_eq!(world.decide(Flow::Code, API, &many(MAX_SCOPES)).unwrap().entries.len(), MAX_SCOPES);
    let repeated = "openid ".repeat(300);
    assert_eq!(world.decide(Flow::Code, API, &repeated).unwrap().granted(), ["openid"]);
    check(
        &world,
        Flow::Code,
        API,
        &many(MAX_SCOPES + 1),
        "invalid_request: scope must not name more than 100 scopes |",
    );
    let longest = "x".repeat(MAX_SCOPE_CHARS);
    assert_eq!(world.decide(Flow::Code, API, &longest).unwrap().entries.len(), 1);
    check(
        &world,
        Flow::Code,
        API,
        &format!("{longest}x"),
        "invalid_request: scope must not exceed 4096 characters |",
    );
}
