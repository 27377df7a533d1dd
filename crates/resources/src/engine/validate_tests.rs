use serde_json::{Value, json};

use super::super::field::{BOOL, Field, INT, SOME_TEXT, Shape, TEXT, field};
use super::super::format::Format;
use super::{Purpose, body};

const FIELDS: &[Field] = &[
    field("name", Shape::Text { min: 1, max: 10, format: Format::NoAngleBrackets })
        .required()
        .hint("The name of the thing"),
    field("count", Shape::Int { min: 1, max: 9 }),
    field("big", INT),
    field("on", BOOL).nullable(),
    field("kind", Shape::OneOf(&["a", "b"])).immutable(),
    field("late", TEXT).only_on_update(),
    field("urls", Shape::list(&Shape::format(Format::CallbackUrl))),
    field("scopes", Shape::list(&Shape::object(&[field("value", SOME_TEXT).required()]))),
    field("nested", Shape::open_object(&[field("alg", Shape::OneOf(&["RS256"]))])),
    field("labels", Shape::TextMap { max_members: 2, max_length: 5 }),
];

fn check(purpose: Purpose, value: Value, expect: &str) {
    let got = body(value.clone(), FIELDS, purpose).err().unwrap_or_default();
    assert_eq!(got, expect, "{value}");
}

#[test]
fn a_create_body_is_checked_member_by_member() {
    let create = |value, expect| check(Purpose::Create, value, expect);
    create(json!({"name": "x"}), "");
    create(json!([]), "'Expected type object but found type array'");
    create(json!(null), "'Expected type object but found type null'");
    create(json!({}), "'Missing required property: name'");
    create(
        json!({"name": 1}),
        "'Expected type string but found type integer' on property name (The name of the thing)",
    );
    create(json!({"name": "x", "more": 1}), "'Additional properties not allowed: more'");
    create(json!({"name": "x", "late": "y"}), "'Additional properties not allowed: late'");
    create(
        json!({"name": "12345678901"}),
        "'String is too long (11 chars), maximum 10' on property name (The name of the thing)",
    );
    create(
        json!({"name": "<b>"}),
        "'String does not match pattern: ^[^<>]+$' on property name (The name of the thing)",
    );
    create(json!({"name": "x", "count": 0}), "'Value 0 is less than minimum 1' on property count");
    create(json!({"name": "x", "count": 10}), "'Value 10 is greater than maximum 9' on property count");
    create(
        json!({"name": "x", "count": 1.5}),
        "'Expected type integer but found type number' on property count",
    );
    create(json!({"name": "x", "count": 2.0}), "");
    create(json!({"name": "x", "big": i64::MAX}), "");
    create(
        json!({"name": "x", "big": u64::MAX}),
        "'Expected type integer but found type number' on property big",
    );
    create(json!({"name": "x", "on": null}), "");
    create(
        json!({"name": "x", "on": "true"}),
        "'Expected type boolean but found type string' on property on",
    );
    create(
        json!({"name": null}),
        "'Expected type string but found type null' on property name (The name of the thing)",
    );
    create(json!({"name": "x", "kind": "c"}), "'No enum match for: c' on property kind");
    create(json!({"name": "a\u{0}"}), "'The character U+0000 is not allowed'");
}

#[test]
fn nested_members_are_named_by_their_path() {
    let create = |value, expect| check(Purpose::Create, value, expect);
    create(
        json!({"name": "x", "urls": ["https://a", "nonsense"]}),
        "'Object didn't pass validation for format callback-url: nonsense' on property urls[1]",
    );
    create(json!({"name": "x", "scopes": [{}]}), "'Missing required property: value' on property scopes[0]");
    create(
        json!({"name": "x", "scopes": [{"value": "a", "b": 1}]}),
        "'Additional properties not allowed: b' on property scopes[0]",
    );
    create(
        json!({"name": "x", "nested": {"alg": "none"}}),
        "'No enum match for: none' on property nested.alg",
    );
    create(json!({"name": "x", "nested": {"other": 1}}), "");
    create(
        json!({"name": "x", "labels": {"a": "1", "b": "2", "c": "3"}}),
        "'Too many properties defined (3), maximum 2' on property labels",
    );
    create(
        json!({"name": "x", "labels": {"a": 1}}),
        "'Expected type string but found type integer' on property labels.a",
    );
    create(
        json!({"name": "x", "labels": {"a": "123456"}}),
        "'String is too long (6 chars), maximum 5' on property labels.a",
    );
}

#[test]
fn an_update_requires_nothing_and_refuses_what_cannot_change() {
    let update = |value, expect| check(Purpose::Update, value, expect);
    update(json!({}), "");
    update(json!({"late": "y"}), "");
    update(json!({"kind": "a"}), "'Additional properties not allowed: kind'");
}
