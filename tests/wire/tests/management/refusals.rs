//! What every operation refuses: made from the declarations, so a new operation is covered by being declared.

use gatewright_resources::engine::field::{Accepted, Field, Shape};
use gatewright_resources::engine::operation::Body;
use gatewright_resources::engine::validate::Purpose;
use gatewright_resources::engine::{Map, Operation};
use gatewright_testkit::{Answer, Page, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

/// A path of this operation whose parameters name nothing.
fn path_of(operation: &Operation) -> String {
    let segments = operation.path.split('/').map(|segment| match segment {
        "{id}" | "{user_id}" if operation.path.starts_with("/users") => "auth0%7Cnobody",
        segment if segment.starts_with('{') => "nothing",
        segment => segment,
    });
    format!("/api/v2{}", segments.collect::<Vec<_>>().join("/"))
}

async fn call(page: &Page, operation: &Operation, token: Option<&str>, body: Option<Value>) -> Answer {
    let method = Method::from_bytes(operation.method.name().as_bytes()).unwrap();
    let mut request = page.request(method, &path_of(operation));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    page.send(request).await
}

/// A machine's token without any scope.
async fn token_without_scopes(server: &Server) -> String {
    let admin = server.admin().await;
    let client =
        json!({"name": "Nobody", "app_type": "non_interactive", "grant_types": ["client_credentials"]});
    let client = admin.create("/clients", client).await;
    let audience = server.management_audience();
    let grant = json!({"client_id": client["client_id"], "audience": audience, "scope": []});
    admin.create("/client-grants", grant).await;
    let asked = json!({
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
        "audience": audience,
    });
    let answer = server.tool().post("/oauth/token", asked).await;
    answer.expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_operation_needs_a_token_with_one_of_its_scopes() {
    on_every_database(async |server: Server| {
        let (tool, powerless) = (server.tool(), token_without_scopes(&server).await);
        for operation in gatewright_resources::operations() {
            let id = operation.id;
            let body = operation.body.map(|_| json!({}));
            let anonymous = call(&tool, operation, None, body.clone()).await;
            assert_eq!(anonymous.status, 401, "{id}: {}", anonymous.body);
            let said = anonymous.json();
            assert_eq!((&said["statusCode"], &said["error"]), (&json!(401), &json!("Unauthorized")), "{id}");

            let refused = call(&tool, operation, Some(&powerless), body).await;
            let expected = format!("Insufficient scope, expected any of: {}", operation.scopes.join(","));
            let document = json!({
                "statusCode": 403, "error": "Forbidden", "message": expected, "errorCode": "insufficient_scope",
            });
            assert_eq!((refused.status, refused.json()), (403, document), "{id}");
        }
    })
    .await;
}

/// Every member that a body may hold, with the body that holds a wrong value there and is right elsewhere.
fn wrong_bodies(body: &Body) -> Vec<(String, Value)> {
    let whole = |members: Map| match body.is_list {
        true => json!([members]),
        false => Value::Object(members),
    };
    let prefix = if body.is_list { "[0]." } else { "" };
    wrong_members(body.fields, body.purpose)
        .into_iter()
        .map(|(path, members)| (format!("{prefix}{path}"), whole(members)))
        .collect()
}

fn wrong_members(fields: &'static [Field], purpose: Purpose) -> Vec<(String, Map)> {
    let taken = |field: &&Field| match field.accepted {
        Accepted::Always => true,
        Accepted::OnCreate => purpose == Purpose::Create,
        Accepted::OnUpdate => purpose == Purpose::Update,
    };
    let required = || match purpose {
        Purpose::Create => Shape::object(fields).example(),
        Purpose::Update => json!({}),
    };
    let with = |name: &str, value: Value| {
        let Value::Object(mut members) = required() else { unreachable!("an object's example is one") };
        members.insert(name.to_owned(), value);
        members
    };
    let mut wrong = Vec::new();
    for field in fields.iter().filter(taken) {
        let name = field.name;
        if let Some(value) = misfit(&field.shape) {
            wrong.push((name.to_owned(), with(name, value)));
        }
        match &field.shape {
            Shape::Object { fields, .. } => {
                let inner = wrong_members(fields, Purpose::Create);
                wrong.extend(
                    inner.into_iter().map(|(path, members)| {
                        (format!("{name}.{path}"), with(name, Value::Object(members)))
                    }),
                );
            }
            Shape::List { of, .. } => {
                wrong.extend(misfit(of).map(|value| (format!("{name}[0]"), with(name, json!([value])))));
            }
            _ => {}
        }
    }
    wrong
}

/// A value of a type that the shape does not have.
fn misfit(shape: &Shape) -> Option<Value> {
    match shape {
        Shape::Any => None,
        Shape::Text { .. } | Shape::OneOf(_) => Some(json!(7)),
        _ => Some(json!("text")),
    }
}

#[tokio::test]
async fn every_member_of_every_body_has_a_type() {
    on_every_database(async |server: Server| {
        let (tool, admin) = (server.tool(), server.admin().await);
        let mut seen = 0;
        for operation in gatewright_resources::operations() {
            let (id, Some(body)) = (operation.id, &operation.body) else { continue };
            let unknown = json!({"no_such_member": 1});
            let unknown = if body.is_list { json!([unknown]) } else { unknown };
            for (path, wrong) in wrong_bodies(body).into_iter().chain([(String::new(), unknown)]) {
                let answer = call(&tool, operation, Some(admin.token()), Some(wrong.clone())).await;
                let said = answer.json();
                assert_eq!(
                    (answer.status, &said["errorCode"]),
                    (400, &json!("invalid_body")),
                    "{id}: {wrong}"
                );
                let message = said["message"].as_str().unwrap();
                assert!(message.starts_with("Payload validation error: '"), "{id}: {message}");
                assert!(message.contains(&path), "{id}: {message} does not name {path}");
                seen += 1;
            }
        }
        assert!(seen > 400, "{seen} members were tried");
    })
    .await;
}
