use serde_json::{Value, json};

use super::super::field::{BOOL, Field, Shape, TEXT, field};
use super::{Paging, Query};

const FIELDS: &[Field] = &[field("is_global", BOOL), field("strategy", Shape::list(&TEXT))];

fn parse(raw: &str) -> Query {
    Query::parse(raw, FIELDS).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

fn refusal(raw: &str) -> String {
    Query::parse(raw, FIELDS).err().map(|error| error.message.into_owned()).unwrap_or_default()
}

#[test]
fn values_are_checked_by_their_field() {
    assert_eq!(parse("is_global=true").bool("is_global"), Some(true));
    assert_eq!(parse("strategy=sms&strategy=email").all("strategy"), ["sms", "email"]);
    assert_eq!(parse("strategy%5B%5D=sms").all("strategy"), ["sms"]);
    assert_eq!(
        refusal("is_global=yes"),
        "Query validation error: 'Expected type boolean but found type string' on property is_global."
    );
    assert_eq!(
        refusal("per_page=101"),
        "Query validation error: 'Value 101 is greater than maximum 100' on property per_page (Number of results per page.)."
    );
    assert_eq!(refusal("per_page=0"), "");
    assert_eq!(
        refusal("take=0"),
        "Query validation error: 'Value 0 is less than minimum 1' on property take (Number of results per page.)."
    );
    assert_eq!(
        refusal("nonsense=1"),
        "Query validation error: 'Additional properties not allowed: nonsense'."
    );
    assert_eq!(
        refusal("page=1&page=2"),
        "Query validation error: 'Expected type integer but found type array' on property page."
    );
    assert_eq!(refusal("fields=%00"), "Query validation error: 'The character U+0000 is not allowed'.");
}

#[test]
fn checkpoint_paging_wins() {
    assert_eq!(parse("").paging(), Paging::Offset { page: 0, per_page: 50, include_totals: false });
    assert_eq!(
        parse("page=2&per_page=10&include_totals=true").paging(),
        Paging::Offset { page: 2, per_page: 10, include_totals: true }
    );
    assert_eq!(
        parse("take=5&include_totals=true&page=1").paging(),
        Paging::Checkpoint { take: 5, from: None }
    );
    assert_eq!(parse("from=abc").paging(), Paging::Checkpoint { take: 50, from: Some("abc".into()) });
    assert_eq!(parse("from=").paging(), Paging::Checkpoint { take: 50, from: None });
}

#[test]
fn totals_describe_the_page() {
    let page = parse("page=1&per_page=2&include_totals=true").paging();
    let body = page.offset_body("things", vec![json!(3)], 3);
    assert_eq!(body, json!({"start": 2, "limit": 2, "length": 1, "total": 3, "things": [3]}));
    assert_eq!(parse("page=1").paging().offset_body("things", vec![json!(3)], 3), json!([3]));
}

#[test]
fn fields_are_kept_or_removed() {
    let document = || match json!({"a": 1, "b": 2, "c": 3}) {
        Value::Object(members) => members,
        _ => unreachable!("an object literal"),
    };
    let check =
        |raw: &str, expect: Value| assert_eq!(Value::Object(parse(raw).project(document())), expect, "{raw}");
    check("", json!({"a": 1, "b": 2, "c": 3}));
    check("fields=a,%20b,zzz", json!({"a": 1, "b": 2}));
    check("fields=a&include_fields=false", json!({"b": 2, "c": 3}));
    check("include_fields=false", json!({"a": 1, "b": 2, "c": 3}));
}
