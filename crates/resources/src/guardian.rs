//! Settings of multi-factor authentication: `/guardian`. What is said of factors that this server lacks is stored only.

use gatewright_core::mfa::Factor;
use serde_json::{Value, json};

use crate::engine::field::{BOOL, Field, Shape, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource, Settings};
use crate::snapshot::Tenant;

pub mod enrollments;
pub mod phone;
pub mod providers;

/// Factors, in the order that lists have.
const FACTORS: &[&str] = &[
    "sms",
    "push-notification",
    "otp",
    "email",
    "duo",
    "webauthn-roaming",
    "webauthn-platform",
    "recovery-code",
];

const READS: &[&str] = &["read:guardian_factors"];
const UPDATES: &[&str] = &["update:guardian_factors"];

/// By factor, whether it is on.
static SWITCHES: Settings = Settings::plain("guardian/factors", "/guardian/factors", &[], || json!({}));
/// When a second factor is asked for.
static POLICIES: Settings =
    Settings::plain("guardian/policies", "/guardian/policies", &[], || json!({"policies": []}));

const FACTOR_FIELDS: &[Field] = &[field("enabled", BOOL).required()];
static POLICY_LIST: Shape = Shape::list(&Shape::OneOf(&["all-applications", "confidence-score"]));

/// Factors and policies.
pub static RESOURCE: Resource = Resource {
    name: "guardian",
    operations: &[
        Operation::new(
            "get_factors",
            Method::Get,
            "/guardian/factors",
            "Get factors and multi-factor authentication details",
            READS,
            Handler::Custom(list_factors),
        ),
        Operation::new(
            "put_factors_by_name",
            Method::Put,
            "/guardian/factors/{name}",
            "Update multi-factor authentication type",
            UPDATES,
            Handler::Custom(switch_factor),
        )
        .body(FACTOR_FIELDS, Purpose::Create)
        .writes_config(),
        Operation::new(
            "get_policies",
            Method::Get,
            "/guardian/policies",
            "Get multi-factor authentication policies",
            &["read:mfa_policies"],
            Handler::Custom(read_policies),
        ),
        Operation::new(
            "put_policies",
            Method::Put,
            "/guardian/policies",
            "Update multi-factor authentication policies",
            &["update:mfa_policies"],
            Handler::Custom(set_policies),
        )
        .shaped_body(&POLICY_LIST)
        .writes_config(),
    ],
};

/// Factors that are switched on, of those that this server has; and whether any is, be it one that it lacks.
pub fn enabled(tenant: &Tenant) -> (Vec<Factor>, bool) {
    let switches = tenant.settings_of(&SWITCHES);
    let on = |name: &str| switches.get(name).and_then(Value::as_bool).unwrap_or(false);
    let usable = |factor: &Factor| {
        on(factor.switch())
            && match factor {
                Factor::Phone => phone::takes_sms(tenant),
                Factor::Otp | Factor::RecoveryCode => true,
            }
    };
    let enabled = Factor::ALL.iter().copied().filter(usable).collect();
    (enabled, FACTORS.iter().any(|name| on(name)))
}

/// Whether the tenant's policy asks for a factor at every login.
pub fn asks_always(tenant: &Tenant) -> bool {
    let policies = tenant.settings_of(&POLICIES).remove("policies").unwrap_or_default();
    policies.as_array().into_iter().flatten().any(|policy| policy == "all-applications")
}

async fn settings(of: &Settings, cx: &mut OpCx<'_>) -> Result<Map, ApiError> {
    Ok(of.find(cx.tx, &cx.request.tenant, &cx.request.master_key).await?)
}

fn list_factors<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let switches = settings(&SWITCHES, cx).await?;
        let factor = |name: &&str| {
            let enabled = switches.get(*name).and_then(Value::as_bool).unwrap_or(false);
            json!({"name": name, "enabled": enabled, "trial_expired": false})
        };
        Ok(Value::from(FACTORS.iter().map(factor).collect::<Vec<_>>()).into())
    })
}

fn switch_factor<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let name = input.param("name");
        if !FACTORS.contains(&name) {
            let name: String = name.chars().take(100).collect();
            return Err(ApiError::invalid_path(format_args!("'No enum match for: {name}' on property name")));
        }
        let mut switches = settings(&SWITCHES, cx).await?;
        let enabled = input.body.get("enabled").cloned().unwrap_or_default();
        switches.insert(name.to_owned(), enabled.clone());
        SWITCHES.store(cx.tx, &cx.request.sealing(), switches).await?;
        Ok(json!({ "enabled": enabled }).into())
    })
}

fn read_policies<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let policies = settings(&POLICIES, cx).await?.remove("policies");
        Ok(policies.unwrap_or_else(|| json!([])).into())
    })
}

fn set_policies<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let policies = Map::from_iter([("policies".to_owned(), input.whole.clone())]);
        POLICIES.store(cx.tx, &cx.request.sealing(), policies).await?;
        Ok(input.whole.clone().into())
    })
}

#[cfg(test)]
#[path = "guardian_tests.rs"]
mod tests;
