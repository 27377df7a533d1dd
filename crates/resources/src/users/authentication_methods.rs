//! Second factors of a user one by one: made, read, changed and removed as authentication methods.

use gatewright_core::mfa::{Factor, otp};
use serde_json::Value;

use super::existing;
use super::factors::{as_method, log_removal};
use crate::authenticators::{self, Authenticator, Proof};
use crate::engine::field::{Field, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};

const PATH: &str = "/users/{id}/authentication-methods/{authentication_method_id}";

const CREATE: &[Field] = &[
    field("type", Shape::OneOf(&["phone", "email", "totp", "webauthn-roaming", "passkey"])).required(),
    field("name", Shape::text(1, 20)),
    field("totp_secret", SOME_TEXT),
    field("phone_number", Shape::format(Format::Phone)),
    field("preferred_authentication_method", Shape::OneOf(&["sms", "voice"])),
    field("email", TEXT),
    field("key_id", TEXT),
    field("public_key", TEXT),
    field("relying_party_identifier", TEXT),
];

const CHANGE: &[Field] = &[
    field("name", Shape::text(1, 20)),
    // Calls are not built.
    field("preferred_authentication_method", Shape::OneOf(&["sms"])),
];

/// Authentication methods by their ids.
pub static RESOURCE: Resource = Resource {
    name: "users",
    operations: &[
        Operation::new(
            "post_authentication_methods",
            Method::Post,
            "/users/{id}/authentication-methods",
            "Create an authentication method for a user",
            &["create:authentication_methods"],
            Handler::Custom(create),
        )
        .body(CREATE, Purpose::Create)
        .success(201)
        .unlogged_bodies(),
        Operation::new(
            "put_authentication_methods",
            Method::Put,
            "/users/{id}/authentication-methods",
            "Update all authentication methods of a user",
            &["update:authentication_methods"],
            Handler::Custom(replace),
        )
        .list_body(CREATE)
        .unlogged_bodies(),
        Operation::new(
            "patch_authentication_methods_by_authentication_method_id",
            Method::Patch,
            PATH,
            "Update an authentication method",
            &["update:authentication_methods"],
            Handler::Custom(change),
        )
        .body(CHANGE, Purpose::Update),
        Operation::new(
            "get_authentication_methods_by_authentication_method_id",
            Method::Get,
            PATH,
            "Get an authentication method by ID",
            &["read:authentication_methods"],
            Handler::Custom(read),
        ),
        Operation::new(
            "delete_authentication_methods_by_authentication_method_id",
            Method::Delete,
            PATH,
            "Delete an authentication method by ID",
            &["delete:authentication_methods"],
            Handler::Custom(remove),
        )
        .success(204),
    ],
};

/// The user's method that the path names.
async fn named(cx: &mut OpCx<'_>, input: &Input) -> Result<Authenticator, ApiError> {
    let user_id = existing(cx, input).await?;
    let found = authenticators::of_user(cx.tx, &cx.request.tenant, user_id).await?;
    let id = input.param("authentication_method_id");
    found.into_iter().find(|found| found.authenticator_id == id).ok_or_else(|| {
        ApiError::new(404, "The authentication method does not exist.")
            .code("inexistent_authentication_method")
    })
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(as_method(&named(cx, input).await?).into()) })
}

fn remove<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let found = named(cx, input).await?;
        let user_id = input.param("id");
        authenticators::remove(cx.tx, &cx.request.tenant, user_id, &found.authenticator_id).await?;
        log_removal(cx, user_id, found.factor).await?;
        Ok(Answer::default())
    })
}

fn create<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = existing(cx, input).await?;
        Ok(make(cx, user_id, &input.body).await?.into())
    })
}

/// Puts these in place of all that the user has.
fn replace<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = existing(cx, input).await?;
        for factor in authenticators::remove_all(cx.tx, &cx.request.tenant, user_id).await? {
            log_removal(cx, user_id, factor).await?;
        }
        let mut made = Vec::with_capacity(input.items.len());
        for body in &input.items {
            made.push(Value::Object(make(cx, user_id, body).await?));
        }
        Ok(Value::from(made).into())
    })
}

fn change<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut found = named(cx, input).await?;
        if let Some(name) = input.body.get("name").and_then(Value::as_str) {
            authenticators::rename(cx.tx, &cx.request.tenant, &found.authenticator_id, name).await?;
            found.name = Some(name.to_owned());
        }
        Ok(as_method(&found).into())
    })
}

/// Compat: what is made here counts as confirmed.
async fn make(cx: &mut OpCx<'_>, user_id: &str, body: &Map) -> Result<Map, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let proof = match text("type").unwrap_or_default() {
        "phone" => Proof::Phone(text("phone_number").ok_or_else(|| missing("phone_number"))?.to_owned()),
        "totp" => {
            let secret = text("totp_secret").ok_or_else(|| missing("totp_secret"))?;
            let secret = otp::from_base32(secret).filter(|secret| !secret.is_empty());
            Proof::Otp(secret.ok_or_else(|| {
                ApiError::invalid_body(
                    "'Object didn't pass validation for format base32' on property totp_secret",
                )
            })?)
        }
        other => {
            let text = format!("Authentication methods of the type {other} are not built in this version.");
            return Err(ApiError::unsupported(text));
        }
    };
    let request = cx.request;
    let enrolled = authenticators::of_user(cx.tx, &request.tenant, user_id).await?;
    if enrolled.iter().any(|found| found.factor == proof.factor()) {
        return Err(ApiError::conflict("The user has an authentication method of this type."));
    }
    let keys = (&*request.master_key, &request.random);
    let mut made =
        authenticators::insert(cx.tx, &request.tenant, keys, user_id, &proof, (request.now, false)).await?;
    if let Some(name) = text("name") {
        authenticators::rename(cx.tx, &request.tenant, &made.authenticator_id, name).await?;
        made.name = Some(name.to_owned());
    }
    let mut shown = as_method(&made);
    // Compat: whoever sent the secret sees it once more.
    if proof.factor() == Factor::Otp {
        shown.insert("totp_secret".to_owned(), text("totp_secret").into());
    }
    Ok(shown)
}

fn missing(name: &str) -> ApiError {
    ApiError::invalid_body(format_args!("'Missing required property: {name}'"))
}
