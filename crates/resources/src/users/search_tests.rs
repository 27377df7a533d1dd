//! What SQL finds is what a plain reading of the query finds in the documents, on both databases.

use gatewright_ambient::Random;
use gatewright_core::search::syntax::{Bound, Clause, Match, parse};
use gatewright_core::search::users::read;
use serde_json::{Map, Value, json};

use super::super::profile::Draft;
use super::super::rows;
use super::{BY_ID, Search};
use crate::testing::{Conversation, on_every_engine, tenant};

/// One of some values.
fn pick<'a>(random: &Random, values: &[&'a str]) -> &'a str {
    let index = random.digits(6).parse::<usize>().unwrap() % values.len();
    values[index]
}

fn chance(random: &Random, percent: u32) -> bool {
    random.digits(2).parse::<u32>().unwrap() < percent
}

const NAMES: &[&str] =
    &["jane", "Jane Smith", "JOHN", "john doe", "Jo", "Zoë", "a%b", "a_b", "a\\b", "100", ""];
const DOMAINS: &[&str] = &["example.com", "Example.org", "sub.example.com"];
const DATES: &[&str] = &["2023-12-31T23:59:59.999Z", "2024-01-01T00:00:00.000Z", "2024-02-10T10:20:30.500Z"];
const SCALARS: &[&str] = &[
    "1",
    "2",
    "10",
    "-1",
    "1.5",
    "true",
    "false",
    "\"gold\"",
    "\"Gold\"",
    "\"10\"",
    "\"true\"",
    "\"go ld\"",
    "null",
    "[]",
    "{}",
    "[1, \"gold\"]",
    "{\"b\": \"gold\"}",
    "[{\"b\": 2}, {\"b\": \"x\"}]",
    "{\"b\": {\"c\": false}}",
];

fn some_user(random: &Random, number: usize) -> Map<String, Value> {
    let local = format!("{}{number}", pick(random, &["a", "B", "jo"]));
    let provider = pick(random, &["auth0", "sms", "email"]);
    let connection = pick(random, &["one", "two"]);
    let date = || pick(random, DATES);
    let mut user = json!({
        "user_id": format!("{provider}|{local}"),
        "identities": [{"connection": connection, "provider": provider, "user_id": local, "isSocial": false}],
        "created_at": date(), "updated_at": date(),
    });
    for name in ["name", "given_name", "family_name", "nickname", "username"] {
        if chance(random, 60) {
            user[name] = pick(random, NAMES).into();
        }
    }
    if chance(random, 70) {
        let email = format!("{}{number}@{}", pick(random, &["jo", "Jane", "x"]), pick(random, DOMAINS));
        user["email"] = email.into();
        user["email_verified"] = chance(random, 50).into();
    }
    if chance(random, 30) {
        user["phone_number"] = format!("+6140000{number}").into();
    }
    if chance(random, 40) {
        user["last_login"] = date().into();
        user["logins_count"] = random.digits(1).parse::<i64>().unwrap().into();
        user["last_ip"] = pick(random, &["10.0.0.1", "::1"]).into();
    }
    if chance(random, 20) {
        user["blocked"] = chance(random, 50).into();
    }
    for name in ["app_metadata", "user_metadata"] {
        for key in ["a", "plan"] {
            if chance(random, 60) {
                user[name][key] = serde_json::from_str(pick(random, SCALARS)).unwrap();
            }
        }
    }
    user.as_object().unwrap().clone()
}

fn some_term(random: &Random) -> String {
    let text =
        pick(random, &["name", "given_name", "family_name", "nickname", "username", "email", "user_id"]);
    let date = pick(random, &["created_at", "updated_at", "last_login"]);
    let moment = || {
        pick(random, &["2023", "2024-01", "2024-01-01", "2024-02-10T10:20", "2024-02-10T10:20:30.500Z", "*"])
    };
    let metadata = format!(
        "{}.{}",
        pick(random, &["app_metadata", "user_metadata"]),
        pick(random, &["a", "plan", "a.b", "a.b.c"])
    );
    let number = || pick(random, &["-1", "0", "1", "2", "5", "10", "*"]);
    let (open, close) = (pick(random, &["[", "{"]), pick(random, &["]", "}"]));
    match random.digits(2).parse::<u32>().unwrap() % 16 {
        0 => format!("{text}:\"{}\"", pick(random, NAMES).replace('\\', "\\\\")),
        1 => format!(
            "{text}:{}*",
            pick(random, &["j", "JO", "jane\\ ", "a\\%", "a\\_", "a\\\\", "auth0|", "x"])
        ),
        2 => format!("{text}:*{}*", pick(random, &["oHn", "mith", "auth0", "exam", "ane"])),
        3 => format!(
            "{text}:{open}\"{}\" TO \"{}\"{close}",
            pick(random, &["a", "J", "auth"]),
            pick(random, &["k", "Z", "z"])
        ),
        4 => format!(
            "email.domain:{}",
            pick(random, &["example.com", "EXAMPLE.ORG", "none", "*.example.com", "ex*"])
        ),
        5 => format!("{}:{}", pick(random, &["email_verified", "blocked"]), pick(random, &["true", "false"])),
        6 => format!("{date}:{open}{} TO {}{close}", moment(), moment()),
        7 => format!("{date}:{}", pick(random, &["2024", "2024-01-01", "2024-02-10T10:20:30.500Z"])),
        8 => format!("logins_count:{open}{} TO {}{close}", number(), number()),
        9 => format!("{metadata}:{}", pick(random, &["gold", "\"go ld\"", "10", "1.5", "true", "2", "x"])),
        10 => format!(
            "app_metadata.{}:{open}{} TO {}{close}",
            pick(random, &["a", "plan", "a.b"]),
            number(),
            pick(random, &["2", "10", "h", "*"])
        ),
        11 => format!(
            "app_metadata.{}:{}",
            pick(random, &["a", "plan"]),
            pick(random, &["g*", "*old", "G*d", "*"])
        ),
        12 => format!(
            "_exists_:{}",
            pick(
                random,
                &[
                    "email",
                    "name",
                    "blocked",
                    "last_login",
                    "logins_count",
                    "email_verified",
                    metadata.as_str(),
                    "app_metadata",
                    "user_metadata.a",
                    "phone_number",
                    "username"
                ]
            )
        ),
        13 => format!(
            "identities.{}",
            pick(random, &["connection:one", "provider:sms", "user_id:jo*", "user_id:a1", "connection:two"])
        ),
        14 => pick(random, &["jane", "Jo*", "*ample*", "100", "+6140000*"]).to_owned(),
        _ => format!("last_ip:{}", pick(random, &["10.0.0.1", "10*", "\"::1\""])),
    }
}

fn some_query(random: &Random, depth: u32) -> String {
    let inner = || some_query(random, depth - 1);
    match random.digits(1).as_str() {
        "0" | "1" if depth > 0 => format!("({} AND {})", inner(), inner()),
        "2" | "3" if depth > 0 => format!("({} OR {})", inner(), inner()),
        "4" if depth > 0 => format!("NOT {}", inner()),
        "5" if depth > 0 => format!("({} {} -{})", inner(), inner(), inner()),
        _ => some_term(random),
    }
}

/// The plain reading.
fn holds(clause: &Clause, user: &Value) -> bool {
    match clause {
        Clause::Everything => true,
        Clause::And(all) => all.iter().all(|clause| holds(clause, user)),
        Clause::Or(all) => all.iter().any(|clause| holds(clause, user)),
        Clause::Not(clause) => !holds(clause, user),
        Clause::Term(Some(field), wanted) => has(user, field, wanted),
        Clause::Term(None, wanted) => {
            ["email", "name", "given_name", "family_name", "nickname", "username", "phone_number", "user_id"]
                .iter()
                .any(|field| has(user, field, wanted))
        }
    }
}

fn has(user: &Value, field: &str, wanted: &Match) -> bool {
    if field == "email.domain" {
        let domain = user["email"].as_str().map(|email| email.split('@').next_back().unwrap());
        return domain.is_some_and(|domain| is(field, &domain.into(), wanted));
    }
    reached(user, &field.split('.').collect::<Vec<_>>()).iter().any(|value| match (wanted, value) {
        (Match::Exists | Match::Range(None, None), value) => !leaves(value).is_empty(),
        (_, Value::Object(_)) => false,
        (wanted, value) => is(field, value, wanted),
    })
}

/// The values at a path, through lists.
fn reached<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    match (value, path) {
        (Value::Array(items), _) => items.iter().flat_map(|item| reached(item, path)).collect(),
        (value, []) => vec![value],
        (Value::Object(members), [name, rest @ ..]) => {
            members.get(*name).into_iter().flat_map(|member| reached(member, rest)).collect()
        }
        _ => Vec::new(),
    }
}

fn leaves(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(members) => members.values().flat_map(leaves).collect(),
        leaf => vec![leaf],
    }
}

fn is(field: &str, value: &Value, wanted: &Match) -> bool {
    let ignores_case =
        matches!(field, "email" | "email.domain" | "name" | "given_name" | "family_name" | "nickname");
    let comparable = |text: &str| if ignores_case { text.to_lowercase() } else { text.to_owned() };
    let is_date = matches!(field, "created_at" | "updated_at" | "last_login");
    let number = |text: &str| text.parse::<f64>().ok();
    match (wanted, value) {
        (Match::Exists, value) => !value.is_null(),
        // A date as far as it is given: a prefix of the date that is stored.
        (Match::Text(text), Value::String(value)) if is_date => value.starts_with(text),
        (Match::Text(text), Value::String(value)) => comparable(text) == comparable(value),
        (Match::Text(text), Value::Bool(value)) => text == &value.to_string(),
        (Match::Text(text), Value::Number(value)) => number(text) == value.as_f64(),
        (Match::Like(pattern), Value::String(value)) => pattern.map(comparable).matches(&comparable(value)),
        (Match::Range(low, high), Value::String(value)) if is_date => {
            // Of the period that a bound names, an inclusive end takes all and an exclusive one nothing.
            let cut =
                |bound: &Bound| (bound.value.clone(), value[..bound.value.len().min(value.len())].to_owned());
            let above = low.as_ref().is_none_or(|low| {
                let (bound, start) = cut(low);
                if low.inclusive { start >= bound } else { start > bound }
            });
            let below = high.as_ref().is_none_or(|high| {
                let (bound, start) = cut(high);
                if high.inclusive { start <= bound } else { start < bound }
            });
            above && below
        }
        (Match::Range(low, high), value) => {
            let bounds = || [low, high].into_iter().flatten();
            let numeric = !field.contains("name")
                && field != "email"
                && field != "user_id"
                && bounds().all(|bound| number(&bound.value).is_some());
            let side = |bound: &Option<Bound>, wanted: std::cmp::Ordering| {
                bound.as_ref().is_none_or(|bound| {
                    let order = match value {
                        Value::Number(value) if numeric => value.as_f64().partial_cmp(&number(&bound.value)),
                        Value::String(value) if !numeric => {
                            Some(comparable(value).cmp(&comparable(&bound.value)))
                        }
                        _ => None,
                    };
                    order.is_some_and(|order| order == wanted || (bound.inclusive && order.is_eq()))
                })
            };
            side(low, std::cmp::Ordering::Greater) && side(high, std::cmp::Ordering::Less)
        }
        _ => false,
    }
}

async fn insert(server: &Conversation, user: &Map<String, Value>) {
    let text = |path: &str| Value::Object(user.clone()).pointer(path).unwrap().as_str().unwrap().to_owned();
    let draft = Draft {
        user: user.clone(),
        connection: text("/identities/0/connection"),
        provider: text("/identities/0/provider"),
        local_id: text("/identities/0/user_id"),
        identifier: text("/user_id"),
    };
    let now = gatewright_core::Timestamp::parse_iso8601(&text("/created_at")).unwrap();
    let change = gatewright_core::Timestamp::parse_iso8601(&text("/updated_at")).unwrap();
    let user_id = text("/user_id");
    server
        .write(move |tx| {
            Box::pin(async move {
                assert!(rows::insert(tx, &tenant(), draft, now).await?);
                let claimed = rows::claim(tx, &tenant(), &user_id).await?.unwrap();
                rows::store(tx, &tenant(), &user_id, &claimed, change).await
            })
        })
        .await;
}

#[tokio::test]
async fn sql_finds_what_a_plain_reading_finds() {
    on_every_engine(async |server| {
        let random = Random::seeded(41);
        let mut users = Vec::new();
        for number in 0..60 {
            let mut user = some_user(&random, number);
            // User names are unique in a connection.
            if let Some(username) =
                user.get("username").and_then(Value::as_str).filter(|name| !name.is_empty())
            {
                let unique = format!("{username}{number}");
                user.insert("username".to_owned(), unique.into());
            } else {
                user.remove("username");
            }
            insert(&server, &user).await;
            users.push(Value::Object(user));
        }
        users.sort_by_key(|user| user["user_id"].as_str().unwrap().to_owned());
        let mut found_some = 0;
        for _ in 0..500 {
            let query = some_query(&random, 3);
            let clause = parse(&query).unwrap();
            let Ok(tree) = read(&query) else { continue };
            let expect: Vec<String> = users
                .iter()
                .filter(|user| holds(&clause, user))
                .map(|user| user["user_id"].as_str().unwrap().to_owned())
                .collect();
            let (found, driven, count) = server
                .write(move |tx| {
                    Box::pin(async move {
                        let tenant = tenant();
                        let mut search = Search::plan(tx, &tenant, &tree).await?;
                        let driven = search.page(tx, BY_ID, 100, 0, None).await?;
                        let count = search.count(tx).await?;
                        search.driver = None;
                        Ok((search.page(tx, BY_ID, 100, 0, None).await?, driven, count))
                    })
                })
                .await;
            let ids = |users: &[Value]| -> Vec<String> {
                users.iter().map(|user| user["user_id"].as_str().unwrap().to_owned()).collect()
            };
            assert_eq!(ids(&driven), expect, "driven: {query}");
            assert_eq!(ids(&found), expect, "walked: {query}");
            assert_eq!(usize::try_from(count).unwrap(), expect.len(), "counted: {query}");
            found_some += usize::from(!expect.is_empty() && expect.len() < users.len());
        }
        assert!(found_some > 150, "only {found_some} queries told users apart");
    })
    .await;
}
