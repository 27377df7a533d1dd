use super::*;

fn connection(strategy: &str) -> Connection {
    Connection { name: format!("my-{strategy}"), strategy: strategy.to_owned(), ..Connection::default() }
}

#[test]
fn every_combination() {
    let check = |strategies: &[&str], asked: Option<&str>, identifier_first: bool, expect: &str| {
        let all: Vec<Connection> = strategies.iter().map(|strategy| connection(strategy)).collect();
        let facts = ScreenFacts { connections: all.iter().collect(), asked, identifier_first };
        let got = match first(&facts) {
            Ok(First::Login(connection)) => format!("login {}", connection.name),
            Ok(First::Identifier(connection)) => format!("identifier {}", connection.name),
            Ok(First::Provider(connection)) => format!("provider {}", connection.name),
            Ok(First::Buttons) => "buttons".to_owned(),
            Err(why) => format!("{why:?}"),
        };
        assert_eq!(got, expect, "{strategies:?} {asked:?} {identifier_first}");
    };
    check(&["auth0"], None, false, "login my-auth0");
    check(&["auth0"], None, true, "identifier my-auth0");
    // Only codes: the identifier comes first whatever the tenant says, at the oldest connection.
    check(&["sms"], None, false, "identifier my-sms");
    check(&["email", "sms"], None, false, "identifier my-email");
    check(&["sms", "email"], None, true, "identifier my-sms");
    // A database wins over codes, however old, unless the request says otherwise.
    check(&["sms", "email", "auth0"], None, false, "login my-auth0");
    check(&["sms", "email", "auth0"], Some("my-sms"), false, "identifier my-sms");
    check(&["sms", "email", "auth0"], Some("my-email"), false, "identifier my-email");
    check(&["sms", "auth0"], Some("my-auth0"), false, "login my-auth0");
    check(&["sms", "auth0"], Some("my-auth0"), true, "identifier my-auth0");
    // A provider is gone to where the request names it; else there is a page that leads to it.
    check(&["auth0", "oauth2"], Some("my-oauth2"), false, "provider my-oauth2");
    check(&["oauth2", "auth0"], None, false, "login my-auth0");
    check(&["oauth2", "sms"], None, false, "identifier my-sms");
    check(&["oauth2"], None, true, "buttons");
    check(&["sms"], Some("my-email"), false, "ConnectionNotUsable");
    check(&["samlp"], Some("my-samlp"), false, "ConnectionNotUsable");
    check(&["samlp"], None, false, "NoConnection");
    check(&[], None, false, "NoConnection");
}
