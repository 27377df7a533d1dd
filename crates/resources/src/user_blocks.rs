//! Who may not log in for a while, after too many failures: `/user-blocks` for accounts
//! (`crate::login_failures`), `/anomaly/blocks/ips` for addresses (`crate::rate_buckets`).

use std::net::IpAddr;

use gatewright_core::protection::{BruteForce, Throttle};
use gatewright_store::{params, sql};
use serde_json::{Value, json};

use crate::attack_protection::{BRUTE_FORCE, SUSPICIOUS_IP};
use crate::engine::field::{BOOL, Field, SOME_TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::login_failures::{self, Block};
use crate::rate_buckets::{FAILED_LOGINS, REFUSED_EXCHANGES, SIGN_UPS};
use crate::users;

const IDENTIFIER: &[Field] = &[
    field("identifier", SOME_TEXT).hint("An e-mail address, user name or phone number"),
    field("consider_brute_force_enablement", BOOL).hint("Changes nothing: only blocks that hold are shown"),
];

/// `/user-blocks`.
pub static RESOURCE: Resource = Resource {
    name: "user-blocks",
    operations: &[
        Operation::new(
            "get_user_blocks",
            Method::Get,
            "/user-blocks",
            "Get blocks by identifier",
            &["read:users"],
            Handler::Custom(by_identifier),
        )
        .query(IDENTIFIER),
        Operation::new(
            "delete_user_blocks",
            Method::Delete,
            "/user-blocks",
            "Unblock by identifier",
            &["update:users"],
            Handler::Custom(unblock_identifier),
        )
        .query(IDENTIFIER)
        .success(204),
        Operation::new(
            "get_user_blocks_by_id",
            Method::Get,
            "/user-blocks/{id}",
            "Get a user's blocks",
            &["read:users"],
            Handler::Custom(of_user),
        )
        .query(&[field("consider_brute_force_enablement", BOOL)]),
        Operation::new(
            "delete_user_blocks_by_id",
            Method::Delete,
            "/user-blocks/{id}",
            "Unblock a user",
            &["update:users"],
            Handler::Custom(unblock_user),
        )
        .success(204),
    ],
};

/// `/anomaly`.
pub static ANOMALY: Resource = Resource {
    name: "anomaly",
    operations: &[
        Operation::new(
            "get_ips_by_id",
            Method::Get,
            "/anomaly/blocks/ips/{id}",
            "Check if an IP address is blocked",
            &["read:anomaly_blocks"],
            Handler::Custom(address),
        ),
        Operation::new(
            "delete_ips_by_id",
            Method::Delete,
            "/anomaly/blocks/ips/{id}",
            "Unblock an IP address",
            &["delete:anomaly_blocks"],
            Handler::Custom(unblock_address),
        )
        .success(204),
    ],
};

sql!(
    NAMES,
    "SELECT identifier, connection FROM identities WHERE tenant_id = $1 AND user_id = $2
     UNION
     SELECT n.username, n.connection FROM identities i CROSS JOIN usernames n
     WHERE i.tenant_id = $1 AND i.user_id = $2
       AND n.tenant_id = i.tenant_id AND n.user_id = i.provider || '|' || i.local_id AND n.connection = i.connection"
);
sql!(
    ACCOUNTS,
    "SELECT provider || '|' || local_id FROM identities WHERE tenant_id = $1 AND user_id = $2 AND provider = 'auth0'"
);
sql!(TAT, "SELECT tat FROM rate_buckets WHERE tenant_id = $1 AND bucket = $2 AND caller = $3");
sql!(FORGET, "DELETE FROM rate_buckets WHERE tenant_id = $1 AND bucket = $2 AND caller = $3");

/// The blocks of an identifier that hold: none while the tenant's protection does not block.
async fn blocks(cx: &mut OpCx<'_>, identifier: &str) -> Result<Vec<Block>, ApiError> {
    let request = cx.request;
    let settings = BRUTE_FORCE.find(cx.tx, &request.tenant, &request.master_key).await?;
    let anywhere = IpAddr::from([0, 0, 0, 0]);
    match BruteForce::of(&settings, anywhere).filter(|protection| protection.blocks) {
        Some(protection) => {
            let most = protection.most();
            Ok(login_failures::blocks(cx.tx, &request.tenant, identifier, most, request.now).await?)
        }
        None => Ok(Vec::new()),
    }
}

fn shown(blocks: Vec<Block>) -> Answer {
    let blocks = blocks.into_iter().map(|block| {
        let mut shown = json!({"identifier": block.identifier, "connection": block.connection});
        if !block.ip.is_empty() {
            shown["ip"] = block.ip.into();
        }
        shown
    });
    json!({ "blocked_for": blocks.collect::<Vec<Value>>() }).into()
}

fn identifier(input: &Input) -> Result<&str, ApiError> {
    input
        .query
        .text("identifier")
        .ok_or_else(|| ApiError::invalid_query("'Missing required property: identifier'"))
}

fn by_identifier<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(shown(blocks(cx, identifier(input)?).await?)) })
}

fn unblock_identifier<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        login_failures::clear(cx.tx, &cx.request.tenant, identifier(input)?).await?;
        Ok(Answer::default())
    })
}

/// The blocks of any of a user's accounts.
fn of_user<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        let mut all = Vec::new();
        for row in cx.tx.all(&NAMES, &params![&cx.request.tenant, user_id]).await? {
            let connection = row.text(1)?;
            let found = blocks(cx, &row.text(0)?).await?;
            all.extend(found.into_iter().filter(|block| block.connection == connection));
        }
        Ok(shown(all))
    })
}

fn unblock_user<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = users::existing(cx, input).await?;
        for row in cx.tx.all(&ACCOUNTS, &params![&cx.request.tenant, user_id]).await? {
            login_failures::clear_account(cx.tx, &cx.request.tenant, &row.text(0)?).await?;
        }
        Ok(Answer::default())
    })
}

/// The stages in which addresses are slowed down, and their buckets.
const STAGES: &[(&str, &str)] = &[
    ("pre-login", FAILED_LOGINS),
    ("pre-user-registration", SIGN_UPS),
    ("pre-custom-token-exchange", REFUSED_EXCHANGES),
];

/// The address of the path.
fn ip(input: &Input) -> Result<IpAddr, ApiError> {
    input.id().parse().map_err(|_| {
        ApiError::invalid_path("'Object didn't pass validation for format ip-address' on property id")
    })
}

/// Compat: 200 with an empty body if it is blocked, 404 if not.
fn address<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (request, ip) = (cx.request, ip(input)?);
        let settings = SUSPICIOUS_IP.find(cx.tx, &request.tenant, &request.master_key).await?;
        for (stage, bucket) in STAGES {
            let Some(throttle) = Throttle::of(&settings, stage, ip).filter(|throttle| throttle.blocks) else {
                continue;
            };
            let row = cx.tx.opt(&TAT, &params![&request.tenant, *bucket, ip.to_string()]).await?;
            if let Some(row) = row
                && !throttle.limit.take(Some(row.time(0)?), request.now).allowed
            {
                return Ok(Answer::default());
            }
        }
        Err(ApiError::new(404, "The IP address is not blocked."))
    })
}

fn unblock_address<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let ip = ip(input)?.to_string();
        for (_, bucket) in STAGES {
            cx.tx.run(&FORGET, &params![&cx.request.tenant, *bucket, &ip]).await?;
        }
        Ok(Answer::default())
    })
}
