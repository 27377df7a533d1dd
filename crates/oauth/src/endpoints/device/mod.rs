//! The device flow, RFC 8628: a device that has no keyboard asks here, its user goes on in a browser.
//!
//! [`authorization`] gives out the codes. [`activate`] is where a user types theirs; that begins a login
//! transaction, so the confirmation page, the login and the consent are ordinary hosted pages
//! (`super::login`). [`settle`] takes the place of `/authorize/resume`'s answer: it decides and tells.
//! The device learns of it at the token endpoint (`crate::grants::device_code`).

pub(crate) mod activate;
pub(crate) mod authorization;
mod settle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_core::ids::TenantId;
use gatewright_http::RequestCx;
use gatewright_resources::device_codes;
use gatewright_resources::login_transactions::WaitingDevice;

pub(crate) use settle::{refuse, resume};

/// The page where a user code is typed.
pub(crate) const ACTIVATE: &str = "/activate";

/// The keyed hash under which a user code, in its normal form, is stored.
fn user_code_mac(cx: &RequestCx, normal: &str) -> String {
    let mac = cx.app.master_key.mac(&device_codes::mac_context(&cx.tenant.id), normal.as_bytes());
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The user code of a waiting login, sealed, as the login transaction keeps it.
fn sealed_user_code(cx: &RequestCx, user_code: &str) -> String {
    let (random, context) = (&cx.app.random, seal_context(&cx.tenant.id));
    STANDARD.encode(cx.app.master_key.seal(random, &context, user_code.as_bytes()))
}

/// The user code of a waiting login, as the device shows it.
pub(crate) fn opened_user_code(cx: &RequestCx, device: &WaitingDevice) -> Option<String> {
    let sealed = STANDARD.decode(&device.user_code_sealed).ok()?;
    let opened = cx.app.master_key.open(&seal_context(&cx.tenant.id), &sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

fn seal_context(tenant: &TenantId) -> String {
    format!("{tenant}/login_transactions/user_code")
}
