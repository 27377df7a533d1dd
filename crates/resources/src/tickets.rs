//! `/tickets`: links to verify an address or to choose a password, for callers who bring them to the user
//! themselves. The links and their pages are those of the mails.

use gatewright_core::ids::Issuer;
use gatewright_jose::{random_token, token_hash};
use serde_json::{Value, json};

use crate::account_tickets::{self, AccountTicket, Purpose};
use crate::clients::CLIENTS;
use crate::engine::field::{BOOL, Field, SOME_TEXT, Shape, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::validate::Purpose as BodyPurpose;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::{connections, tenants, users};

/// Compat: five days, unless the caller says otherwise.
const LIFETIME_SECONDS: i64 = 432_000;

pub(crate) const IDENTITY: &[Field] = &[
    field("user_id", SOME_TEXT).required(),
    field("provider", SOME_TEXT).required(),
    field("connection_id", SOME_TEXT),
];

const URL: Shape = Shape::format(Format::Url);
const NOT_NEGATIVE: Shape = Shape::Int { min: 0, max: i32::MAX as i64 };

const VERIFY: &[Field] = &[
    field("user_id", SOME_TEXT).required().hint("The user whose address is to be verified"),
    field("result_url", URL),
    field("client_id", SOME_TEXT),
    field("organization_id", SOME_TEXT),
    field("ttl_sec", NOT_NEGATIVE),
    field("includeEmailInRedirect", BOOL),
    field("identity", Shape::object(IDENTITY)),
];

const CHANGE: &[Field] = &[
    field("user_id", SOME_TEXT),
    field("connection_id", SOME_TEXT),
    field("email", Shape::format(Format::Email)),
    field("result_url", URL),
    field("client_id", SOME_TEXT),
    field("organization_id", SOME_TEXT),
    field("ttl_sec", NOT_NEGATIVE),
    field("mark_email_as_verified", BOOL),
    field("includeEmailInRedirect", BOOL),
    field("identity", Shape::object(IDENTITY)),
];

/// `/tickets`.
pub static RESOURCE: Resource = Resource {
    name: "tickets",
    operations: &[
        Operation::new(
            "post_email_verification",
            Method::Post,
            "/tickets/email-verification",
            "Create a link that verifies an address",
            &["create:user_tickets"],
            Handler::Custom(verify),
        )
        .body(VERIFY, BodyPurpose::Create)
        .success(201),
        Operation::new(
            "post_password_change",
            Method::Post,
            "/tickets/password-change",
            "Create a link that sets a password",
            &["create:user_tickets"],
            Handler::Custom(change),
        )
        .body(CHANGE, BodyPurpose::Create)
        .success(201),
    ],
};

/// The account that a link is about.
pub(crate) struct Target {
    pub(crate) user_id: String,
    connection: String,
    email: String,
}

fn text<'a>(body: &'a Map, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// The issuer that links name. `auth0-custom-domain` may choose the host, if the tenant is served there.
pub(crate) async fn issuer(cx: &mut OpCx<'_>) -> Result<Issuer, ApiError> {
    let request = cx.request;
    let Some(named) = request.custom_domain.as_deref().filter(|host| !host.is_empty()) else {
        return Ok(request.issuer.clone());
    };
    let named = named.to_ascii_lowercase();
    let (host, port) = host_and_port(&named);
    let (_, own_port) = host_and_port(request.issuer.domain());
    let tenant = match port.is_none() || port == own_port {
        true => tenants::by_host(cx.tx, host).await?.map(|(tenant, _)| tenant),
        false => None,
    };
    if tenant.as_ref() != Some(&request.tenant) {
        let named: String = named.chars().take(255).collect();
        let problem = format!("The custom domain {named} is not one of this tenant's that is ready.");
        return Err(ApiError::new(400, problem).code("invalid_custom_domain"));
    }
    let scheme = if request.issuer.is_https() { "https" } else { "http" };
    let port = own_port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(Issuer::new(scheme, &format!("{host}{port}")))
}

fn host_and_port(domain: &str) -> (&str, Option<&str>) {
    domain.rsplit_once(':').map_or((domain, None), |(host, port)| (host, Some(port)))
}

/// What no link can be made for.
async fn check(cx: &mut OpCx<'_>, body: &Map) -> Result<(), ApiError> {
    if body.contains_key("organization_id") {
        return Err(ApiError::unsupported(
            "Nobody logs in to an organization here, so organization_id cannot be used.",
        ));
    }
    if let Some(client_id) = text(body, "client_id") {
        if body.contains_key("result_url") {
            return Err(ApiError::invalid_body("'Cannot be used with client_id' on property result_url"));
        }
        let request = cx.request;
        let found = CLIENTS.find(cx.tx, &request.tenant, &request.master_key, client_id).await?;
        found.map(drop).ok_or_else(|| CLIENTS.missing())?;
    }
    Ok(())
}

/// The user of this id, whose own identity must be the one that the body names if it names any.
async fn target(cx: &mut OpCx<'_>, body: &Map, user_id: &str) -> Result<Target, ApiError> {
    let user = users::by_id(cx.tx, &cx.request.tenant, user_id).await?.ok_or_else(users::missing)?;
    let own = &user["identities"][0];
    if let Some(named) = body.get("identity") {
        let connection = match named["connection_id"].as_str() {
            Some(id) => {
                let request = cx.request;
                connections::by_id(cx.tx, &request.tenant, &request.master_key, id).await?
            }
            None => None,
        };
        let elsewhere = named.get("connection_id").is_some()
            && connection.is_none_or(|connection| own["connection"] != connection.name.as_str());
        let local = named["user_id"].as_str().unwrap_or_default();
        let same = own["user_id"] == local || user_id == local;
        if elsewhere || !same || own["provider"] != named["provider"] {
            return Err(ApiError::unsupported(
                "identity must be the user's first one: links for others are not built.",
            ));
        }
    }
    let email = user["email"].as_str().ok_or_else(|| {
        ApiError::new(400, "The user has no e-mail address.").code("operation_not_supported")
    })?;
    Ok(Target {
        user_id: user_id.to_owned(),
        connection: own["connection"].as_str().unwrap_or_default().to_owned(),
        email: email.to_owned(),
    })
}

/// Whose address a body asks to verify.
pub(crate) async fn verification_target(cx: &mut OpCx<'_>, body: &Map) -> Result<Target, ApiError> {
    check(cx, body).await?;
    target(cx, body, text(body, "user_id").unwrap_or_default()).await
}

fn verify<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let target = verification_target(cx, &input.body).await?;
        ticket(cx, Purpose::VerifyEmail, target, &input.body).await
    })
}

fn change<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let body = &input.body;
        check(cx, body).await?;
        let target = match (text(body, "user_id"), text(body, "connection_id"), text(body, "email")) {
            (Some(user_id), None, None) => target(cx, body, user_id).await?,
            (None, Some(connection_id), Some(email)) => {
                let user_id = holder(cx, connection_id, email).await?;
                target(cx, body, &user_id).await?
            }
            _ => {
                return Err(ApiError::invalid_body(
                    "'Either user_id, or connection_id and email, must be given' on property user_id",
                ));
            }
        };
        if !target.user_id.starts_with("auth0|") {
            return Err(ApiError::unsupported(
                "The user's main connection does not support this operation: only databases have passwords.",
            ));
        }
        ticket(cx, Purpose::ResetPassword, target, body).await
    })
}

/// The user of a connection with this address.
async fn holder(cx: &mut OpCx<'_>, connection_id: &str, email: &str) -> Result<String, ApiError> {
    let request = cx.request;
    let connection = connections::by_id(cx.tx, &request.tenant, &request.master_key, connection_id).await?;
    let connection = connection
        .ok_or_else(|| ApiError::new(404, "The connection does not exist.").code("inexistent_connection"))?;
    let user = users::by_identifier(cx.tx, &request.tenant, &connection.name, email).await?;
    let user = user.ok_or_else(users::missing)?;
    Ok(user["user_id"].as_str().unwrap_or_default().to_owned())
}

/// Stores a link and answers it.
async fn ticket(cx: &mut OpCx<'_>, purpose: Purpose, target: Target, body: &Map) -> Result<Answer, ApiError> {
    let request = cx.request;
    let secret = random_token(&request.random, 32);
    let lifetime = body.get("ttl_sec").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
    let flag = |name: &str| body.get(name).and_then(Value::as_bool);
    let new = AccountTicket {
        user_id: target.user_id,
        connection: target.connection,
        email: target.email,
        client_id: text(body, "client_id").map(str::to_owned),
        result_url: text(body, "result_url").map(str::to_owned),
        expires_at: request.now.plus_seconds(lifetime.unwrap_or(LIFETIME_SECONDS)),
        proves_email: purpose == Purpose::VerifyEmail || flag("mark_email_as_verified").unwrap_or(false),
        include_email: Some(flag("includeEmailInRedirect").unwrap_or(false)),
    };
    let hash = token_hash(&secret);
    account_tickets::insert(cx.tx, &request.tenant, purpose, &hash, &new, request.now).await?;
    let issuer = issuer(cx).await?;
    Ok(json!({"ticket": purpose.url(&issuer, &secret)}).into())
}
