//! The OpenAPI 3.1 document of what is built, made from the declarations: `GET /api/v2/openapi.json`.

use std::sync::LazyLock;

use gatewright_resources::engine::crud::Crud;
use gatewright_resources::engine::query::COMMON;
use gatewright_resources::engine::{Handler, Map, Operation, Resource, schema};
use gatewright_resources::{OWN_RESOURCES, RESOURCES, resource_servers};
use serde_json::{Value, json};

/// The document as it is sent.
pub static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The whole document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for resource in RESOURCES.iter().chain(OWN_RESOURCES) {
        for operation in resource.operations {
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method.name().to_lowercase()] = described(resource, operation);
        }
    }
    let scopes: Map =
        resource_servers::management_scopes().map(|scope| (scope.to_owned(), json!(""))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gatewright Management API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every operation needs a token for the audience https://DOMAIN/api/v2/ that holds any \
                            one of the operation's scopes.",
        },
        "servers": [{"url": "/api/v2"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes}},
                },
            },
            "schemas": {"error": error_schema()},
            "responses": {"error": {
                "description": "Refused; the message says why.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}},
            }},
        },
    })
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "statusCode": {"type": "integer"},
            "error": {"type": "string", "description": "The HTTP reason phrase."},
            "message": {"type": "string", "description": "What is wrong, naming the member and the rule."},
            "errorCode": {"type": "string", "description": "For programs."},
        },
        "required": ["statusCode", "error", "message"],
    })
}

fn described(resource: &Resource, operation: &Operation) -> Value {
    // Of several scopes any one is enough: alternatives, as OpenAPI has them.
    let security: Vec<Value> = operation.scopes.iter().map(|scope| json!({"token": [scope]})).collect();
    let mut described = json!({
        "operationId": operation.id,
        "tags": [resource.name],
        "summary": operation.summary,
        "security": security,
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": !body.is_optional,
            "content": {"application/json": {"schema": body.schema()}},
        });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let names = operation.path.split(['{', '}']).skip(1).step_by(2);
    let in_path =
        names.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let common = if matches!(operation.handler, Handler::List(_)) { COMMON } else { &[] };
    let in_query = operation.query.iter().chain(common).map(|field| {
        let mut parameter = json!({"name": field.name, "in": "query", "schema": schema::member(field)});
        if !field.hint.is_empty() {
            parameter["description"] = field.hint.into();
        }
        parameter
    });
    in_path.chain(in_query).collect()
}

fn responses(operation: &Operation) -> Value {
    let refused = json!({"$ref": "#/components/responses/error"});
    let mut answered = json!({"description": "Done."});
    if let Some(schema) = answer_schema(operation) {
        answered["content"] = json!({"application/json": {"schema": schema}});
    }
    let mut responses = json!({
        operation.success.to_string(): answered,
        "400": refused, "401": refused, "403": refused, "429": refused,
    });
    if operation.path.contains('{') {
        responses["404"] = refused;
    }
    responses
}

/// What is answered, where the declaration tells.
fn answer_schema(operation: &Operation) -> Option<Value> {
    let item = |of: &Crud| schema::answer(of.fields, Some(of.id_field));
    Some(match operation.handler {
        Handler::Create(of) | Handler::Read(of) | Handler::Update(of) => item(of),
        Handler::List(of) => json!({
            "description": "A bare array; an object with totals (include_totals), or with `next` (take, from).",
            "anyOf": [
                {"type": "array", "items": item(of)},
                {
                    "type": "object",
                    "properties": {
                        of.plural: {"type": "array", "items": item(of)},
                        "start": {"type": "integer"},
                        "limit": {"type": "integer"},
                        "length": {"type": "integer"},
                        "total": {"type": "integer"},
                        "next": {"type": "string"},
                    },
                },
            ],
        }),
        Handler::ReadSettings(of) | Handler::MergeSettings(of) | Handler::ReplaceSettings(of) => {
            schema::answer(of.fields, None)
        }
        Handler::Delete(_) => return None,
        Handler::Custom(_) if operation.success == 204 => return None,
        Handler::Custom(_) => json!({}),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    #[test]
    fn every_operation_is_described_once() {
        let document = super::document();
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(described.insert(id.to_owned()), "{method} {path}: {id} twice");
                let named: Vec<&Value> = operation["parameters"].as_array().unwrap().iter().collect();
                let in_path = named.iter().filter(|parameter| parameter["in"] == "path");
                for parameter in in_path {
                    assert!(path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap())), "{id}");
                }
            }
        }
        let built = gatewright_resources::operations().chain(gatewright_resources::own_operations());
        let built: BTreeSet<String> = built.map(|it| it.id.to_owned()).collect();
        assert_eq!(described, built);
    }

    #[test]
    fn an_operation_tells_what_it_takes() {
        let document = super::document();
        let create = &document["paths"]["/roles"]["post"];
        assert_eq!(create["security"], json!([{"token": ["create:roles"]}]));
        let body = &create["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(
            (&body["required"], &body["properties"]["name"]["maxLength"]),
            (&json!(["name"]), &json!(150))
        );
        assert!(create["responses"].get("200").is_some(), "as the operation answers");
        let list = document["paths"]["/roles"]["get"]["parameters"].to_string();
        for parameter in ["name_filter", "per_page", "include_totals", "from"] {
            assert!(list.contains(parameter), "{parameter}");
        }
    }
}
