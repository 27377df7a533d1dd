use super::super::tree::{Edge, Test, Tree};
use super::{Condition, Field, read};

fn shown(tree: &Tree<Condition>) -> String {
    let all = |trees: &[Tree<Condition>]| trees.iter().map(shown).collect::<Vec<_>>().join(" ");
    match tree {
        Tree::Everything => "everything".to_owned(),
        Tree::And(trees) => format!("and({})", all(trees)),
        Tree::Or(trees) => format!("or({})", all(trees)),
        Tree::Not(tree) => format!("not({})", shown(tree)),
        Tree::Is(Condition { field, test }) => {
            let field = match field {
                Field::Text(text) => format!("{text:?}"),
                Field::Number(number) => format!("{number:?}"),
                Field::Flag(name) => (*name).to_owned(),
                Field::Identity(identity) => format!("identity {identity:?}"),
                Field::Indexed(path) => format!("[{path}]"),
            };
            let edge = |edge: &Option<Edge>| match edge {
                None => "..".to_owned(),
                Some(edge) => format!("{}{}", edge.text, if edge.inclusive { "" } else { "!" }),
            };
            let test = match test {
                Test::Exists => "exists".to_owned(),
                Test::Is(truth) => format!("is {truth}"),
                Test::OneOf(texts) => format!("= {}", texts.join("|")),
                Test::Like(pattern) => format!("~ {}", pattern.parts().join("*")),
                Test::Within(low, high) => format!("in {} {}", edge(low), edge(high)),
                Test::Between(from, to) => format!("in {from} {to}"),
            };
            format!("{field} {test}")
        }
    }
}

fn check(query: &str, expect: &str) {
    let got = match read(query) {
        Ok(tree) => shown(&tree),
        Err(refused) => format!("! {refused}"),
    };
    assert_eq!(got, expect, "{query}");
}

#[test]
fn fields_have_types() {
    check("email:Jo@Example.com", "Email = jo@example.com");
    check("email:Jo*", "Email ~ jo*");
    check("name:\"Jane SMITH\"", "[name] = sjane smith");
    check("name:É*", "[name] ~ é*");
    check("username:Jane", "[username] = sJane");
    check("email.domain:Example.com", "[email.domain] = sexample.com");
    check("user_id:auth0|5f", "UserId = auth0|5f");
    check("identities.connection:\"google-oauth2\"", "identity Connection = google-oauth2");
    check("email_verified:true", "email_verified is true");
    check("blocked:false", "[blocked] = b0");
    check("logins_count:3", "LoginsCount in 3 3");
    check("logins_count:{100 TO *]", "LoginsCount in 101 9223372036854775807");
    check("logins_count:[100 TO 200}", "LoginsCount in 100 199");
    check("created_at:[2024-01-01 TO 2024-01-02]", "CreatedAt in 1704067200000000 1704239999999999");
    check("created_at:{2024-01-01 TO 2024-01-03}", "CreatedAt in 1704153600000000 1704239999999999");
    check("last_login:2024", "LastLogin in 1704067200000000 1735689599999999");
    check("last_login:[* TO 2024-01-01}", "LastLogin in -9223372036854775808 1704067199999999");
    check("phone_number:[+1 TO +2}", "PhoneNumber in +1 +2!");
    check("name:[A TO *]", "[name] in sa t!");
    check("*", "everything");
    check("_exists_:logins_count", "LoginsCount exists");
    check("blocked:*", "[blocked] exists");
}

#[test]
fn metadata_may_hold_anything() {
    check("app_metadata.plan:Gold", "[app_metadata.plan] = sGold");
    check("app_metadata.a.b:true", "[app_metadata.a.b] = strue|b1");
    check("app_metadata.seats:1", "[app_metadata.seats] = s1|nbff0000000000000");
    check("app_metadata.seats:[1 TO 2}", "[app_metadata.seats] in nbff0000000000000 nc000000000000000!");
    check("app_metadata.seats:[1 TO *]", "[app_metadata.seats] in nbff0000000000000 o!");
    check("app_metadata.since:[* TO 2024-01-01]", "[app_metadata.since] in s s2024-01-01");
    check("app_metadata.since:[* TO *]", "[app_metadata.since] exists");
    check("app_metadata.plan:g*d", "[app_metadata.plan] ~ g*d");
    check("user_metadata.city:\"Paris\"", "[user_metadata.city] = sParis");
    check("_exists_:user_metadata.city", "[user_metadata.city] exists");
    check("user_metadata.city:*", "[user_metadata.city] exists");
    check("app_metadata.x:nan", "[app_metadata.x] = snan");
}

#[test]
fn terms_without_a_field_look_in_texts_and_not_in_metadata() {
    check(
        "Jane",
        "or(Email = jane [name] = sjane [given_name] = sjane [family_name] = sjane [nickname] = sjane \
         [username] = sJane PhoneNumber = Jane UserId = Jane)",
    );
}

#[test]
fn what_is_refused() {
    check("email_verified:yes", "! email_verified is true or false");
    check("email_verified:t*", "! email_verified is no text, so it has no wildcards");
    check("blocked:[false TO true]", "! blocked is true or false, so it has no ranges");
    check("logins_count:many", "! logins_count is a whole number");
    check("logins_count:[a TO 2]", "! logins_count is a whole number");
    check("created_at:yesterday", "! created_at is a date such as 2024-03-01 or 2024-03-01T10:20:30Z");
    check("name:*sa", "! a term that begins with * needs 3 or more other characters");
    check("name:*usa", "[name] ~ *usa");
    check(
        "user_metadata.a:b*",
        "! user_metadata.a is compared as a whole: user_metadata has no wildcards and no ranges",
    );
    check(
        "user_metadata.a:[1 TO 2]",
        "! user_metadata.a is compared as a whole: user_metadata has no wildcards and no ranges",
    );
    for field in ["picture", "multifactor", "last_password_reset", "app_metadatax", "nonsense"] {
        let refused = read(&format!("{field}:x")).unwrap_err();
        assert!(refused.0.starts_with(&format!("{field} is not searchable. Fields: email,")), "{refused}");
    }
    check(&"a ".repeat(30), "! the query is too complex: name the fields of its terms");
}
