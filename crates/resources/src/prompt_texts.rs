//! What tenants wrote for the hosted pages: `/prompts/{prompt}/custom-text/{language}`.
//!
//! Every prompt, screen and language of the API can be stored, so that tools keep working; the pages use
//! those that are built. Writing replaces a prompt's texts in a language; an empty object removes them.

use std::collections::HashMap;

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::Value;

use crate::engine::field::{Field, Shape, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};

sql!(ONE, "SELECT doc FROM prompt_texts WHERE tenant_id = $1 AND prompt = $2 AND language = $3");
sql!(ALL, "SELECT prompt, language, doc FROM prompt_texts WHERE tenant_id = $1 ORDER BY prompt, language");
sql!(
    SET,
    "INSERT INTO prompt_texts (tenant_id, prompt, language, doc) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, prompt, language) DO UPDATE SET doc = $4"
);
sql!(DELETE, "DELETE FROM prompt_texts WHERE tenant_id = $1 AND prompt = $2 AND language = $3");

/// The texts of one screen: at most so many, each at most so long.
const TEXTS: Shape = Shape::TextMap { max_members: 300, max_length: 2000 };

macro_rules! prompts {
    ($($prompt:literal: $($screen:literal)+,)+) => {
        /// Prompts and their screens.
        const PROMPTS: &[(&str, &[&str])] = &[$(($prompt, &[$($screen),+])),+];
        /// Every screen as a member of a body; the handler knows to which prompt it belongs.
        const SCREENS: &[Field] = &[$($(field($screen, TEXTS)),+),+];
    };
}

prompts! {
    "login": "login",
    "login-id": "login-id",
    "login-password": "login-password",
    "login-passwordless": "login-passwordless-email-code" "login-passwordless-email-link" "login-passwordless-sms-otp",
    "login-email-verification": "login-email-verification",
    "signup": "signup",
    "signup-id": "signup-id",
    "signup-password": "signup-password",
    "phone-identifier-enrollment": "phone-identifier-enrollment",
    "phone-identifier-challenge": "phone-identifier-challenge",
    "email-identifier-challenge": "email-identifier-challenge",
    "reset-password": "reset-password-request" "reset-password-email" "reset-password" "reset-password-success"
        "reset-password-error" "reset-password-mfa-email-challenge" "reset-password-mfa-otp-challenge"
        "reset-password-mfa-phone-challenge" "reset-password-mfa-push-challenge-push"
        "reset-password-mfa-recovery-code-challenge" "reset-password-mfa-sms-challenge"
        "reset-password-mfa-voice-challenge" "reset-password-mfa-webauthn-platform-challenge"
        "reset-password-mfa-webauthn-roaming-challenge",
    "consent": "consent",
    "customized-consent": "customized-consent",
    "logout": "logout" "logout-complete" "logout-aborted",
    "mfa": "mfa-detect-browser-capabilities" "mfa-enroll-result" "mfa-login-options" "mfa-begin-enroll-options",
    "mfa-push": "mfa-push-welcome" "mfa-push-enrollment-qr" "mfa-push-enrollment-code" "mfa-push-success"
        "mfa-push-challenge-push" "mfa-push-list",
    "mfa-otp": "mfa-otp-enrollment-qr" "mfa-otp-enrollment-code" "mfa-otp-challenge",
    "mfa-sms": "mfa-sms-enrollment" "mfa-sms-challenge" "mfa-sms-list" "mfa-country-codes",
    "mfa-voice": "mfa-voice-enrollment" "mfa-voice-challenge",
    "mfa-phone": "mfa-phone-enrollment" "mfa-phone-challenge",
    "mfa-email": "mfa-email-challenge" "mfa-email-list",
    "mfa-recovery-code": "mfa-recovery-code-enrollment" "mfa-recovery-code-challenge"
        "mfa-recovery-code-challenge-new-code",
    "mfa-webauthn": "mfa-webauthn-platform-enrollment" "mfa-webauthn-platform-challenge"
        "mfa-webauthn-roaming-enrollment" "mfa-webauthn-roaming-challenge" "mfa-webauthn-change-key-nickname"
        "mfa-webauthn-enrollment-success" "mfa-webauthn-error" "mfa-webauthn-not-available-error",
    "passkeys": "passkey-enrollment" "passkey-enrollment-local",
    "device-flow": "device-code-activation" "device-code-activation-allowed" "device-code-activation-denied"
        "device-code-confirmation",
    "email-verification": "email-verification-result",
    "email-otp-challenge": "email-otp-challenge",
    "status": "status",
    "organizations": "organization-selection" "organization-picker" "pre-login-organization-picker",
    "invitation": "accept-invitation",
    "common": "common" "redeem-ticket",
    "captcha": "interstitial-captcha",
    "confirmation": "confirmation",
    "custom-form": "custom-form",
    "brute-force-protection": "brute-force-protection-unblock" "brute-force-protection-unblock-success"
        "brute-force-protection-unblock-failure",
    "async-approval-flow": "async-approval-error" "async-approval-accepted" "async-approval-denied"
        "async-approval-wrong-user",
}

/// Languages that the API names.
const LANGUAGES: &str = "am ar ar-EG ar-SA az bg bn bs ca-ES cnr cs cy da de el en en-CA es es-419 es-AR es-MX et \
    eu-ES fa fi fr fr-CA fr-FR gl-ES gu he hi hr hu hy id is it ja ka kk kn ko lt lv mk ml mn mr ms my nb nl nn no \
    pa pl pt pt-BR pt-PT ro ru sk sl so sq sr sv sw ta te th tl tr uk ur vi zgh zh-CN zh-HK zh-MO zh-TW";

const PATH: &str = "/prompts/{prompt}/custom-text/{language}";

/// `/prompts/{prompt}/custom-text/{language}`.
pub static RESOURCE: Resource = Resource {
    name: "prompts",
    operations: &[
        Operation::new(
            "get_custom_text_by_language",
            Method::Get,
            PATH,
            "Get custom text for a prompt",
            &["read:prompts"],
            Handler::Custom(read),
        ),
        Operation::new(
            "put_custom_text_by_language",
            Method::Put,
            PATH,
            "Set custom text for a specific prompt",
            &["update:prompts"],
            Handler::Custom(write),
        )
        .body(SCREENS, Purpose::Update)
        .writes_config(),
    ],
};

/// A tenant's texts by prompt and language.
pub type PromptTexts = HashMap<(String, String), Value>;

/// Everything that the tenant wrote.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn load(tx: &mut Tx, tenant: &TenantId) -> Result<PromptTexts, StoreError> {
    let rows = tx.all(&ALL, &params![tenant]).await?;
    rows.iter().map(|row| Ok(((row.text(0)?, row.text(1)?), row.json(2)?))).collect()
}

/// Prompt, its screens, and language of a path.
fn place(input: &Input) -> Result<(&str, &'static [&'static str], &str), ApiError> {
    let (prompt, language) = (input.param("prompt"), input.param("language"));
    let found = PROMPTS.iter().find(|(name, _)| *name == prompt);
    let Some((_, screens)) = found else {
        return Err(ApiError::invalid_path(format!("'No enum match for: {prompt}' on property prompt")));
    };
    if !LANGUAGES.split_whitespace().any(|known| known == language) {
        return Err(ApiError::invalid_path(format!("'No enum match for: {language}' on property language")));
    }
    Ok((prompt, screens, language))
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (prompt, _, language) = place(input)?;
        let row = cx.tx.opt(&ONE, &params![&cx.request.tenant, prompt, language]).await?;
        Ok(row.map(|row| row.json(0)).transpose()?.unwrap_or_else(|| Map::new().into()).into())
    })
}

fn write<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (prompt, screens, language) = place(input)?;
        if let Some(foreign) = input.body.keys().find(|screen| !screens.contains(&screen.as_str())) {
            return Err(ApiError::invalid_body(format!("'Additional properties not allowed: {foreign}'")));
        }
        let tenant = &cx.request.tenant;
        if input.body.is_empty() {
            cx.tx.run(&DELETE, &params![tenant, prompt, language]).await?;
        } else {
            let texts = Value::Object(input.body.clone());
            cx.tx.run(&SET, &params![tenant, prompt, language, texts]).await?;
        }
        Ok(input.body.clone().into())
    })
}

#[cfg(test)]
#[path = "prompt_texts_tests.rs"]
mod tests;
