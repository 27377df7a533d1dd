//! `/u/device-confirmation`: is this the code on your device?
//!
//! RFC 8628 section 5.4: somebody may have been sent here by a stranger whose device it is. The page says
//! who asks, which account it would be, and what to compare.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_http::{Fault, RequestCx};
use gatewright_resources::login_transactions::WaitingDevice;
use gatewright_resources::users;
use gatewright_store::StoreError;
use serde_json::json;

use super::{DEVICE_CONFIRMATION, RESUME, Visit, consent, page};
use crate::endpoints::device;
use crate::pages::screen::{Button, Code, Subject};
use crate::session;
use crate::stop::Stop;

page!(device_confirmation, serve);

async fn serve(visit: Visit) -> Result<Response, Stop> {
    let Some(device) = visit.progress().device.clone() else { return Ok(visit.to_first_page()) };
    if device.confirmed {
        return Ok(visit.go(RESUME));
    }
    if !visit.posted {
        return show(&visit, &device, None).await;
    }
    if !visit.form_is_ours() {
        return show(&visit, &device, Some("invalid-request")).await;
    }
    match visit.action() {
        "confirm" => {
            let kept = visit.change(|progress| {
                if let Some(device) = &mut progress.device {
                    device.confirmed = true;
                }
            });
            Ok(if kept.await? { visit.go(RESUME) } else { visit.lost() })
        }
        "cancel" => {
            let error = OAuthError::access_denied("User cancelled the confirmation prompt.");
            let error = error.because("device_confirmation_cancelled");
            device::refuse(&visit.cx, &visit.waiting, "fdecc", error, json!({}), visit.language).await
        }
        _ => show(&visit, &device, None).await,
    }
}

async fn show(visit: &Visit, device: &WaitingDevice, alert: Option<&str>) -> Result<Response, Stop> {
    let code = device::opened_user_code(&visit.cx, device)
        .ok_or_else(|| Fault::internal("a user code was not opened"))?;
    let mut screen = visit.screen("device-flow", "device-code-confirmation");
    let texts = screen.texts.clone();
    if let Some(name) = signed_in(visit).await? {
        screen.subject = Some(Subject { lead: Some(texts.get("loggedInAs")), text: name, edit: None });
    }
    screen.code = Some(Code { label: texts.get("inputCodeLabel"), text: code, long: false });
    screen.caution = Some(texts.get("confirmationText"));
    let mut form = visit.form(DEVICE_CONFIRMATION);
    form.buttons.push(Button { text: texts.get("confirmButtonText"), value: "confirm", primary: true });
    form.buttons.push(Button { text: texts.get("cancelButtonText"), value: "cancel", primary: false });
    screen.form = Some(form);
    screen.alert = alert.map(|key| texts.get(key));
    Ok(visit.show(&screen))
}

/// The name of the user whose session this device would join.
async fn signed_in(visit: &Visit) -> Result<Option<String>, StoreError> {
    if visit.client.sso_disabled {
        return Ok(None);
    }
    let (cx, sessions) = (visit.cx.clone(), session::presented(&visit.cx));
    let read = visit.cx.app.db.read(move |tx| {
        Box::pin(async move {
            let Some(session) = session::live(tx, &cx, &sessions).await? else { return Ok(None) };
            let user = users::by_id(tx, &cx.tenant.id, &session.user_id).await?;
            Ok::<_, StoreError>(user.map(|user| consent::name_of(&user, &session.user_id)))
        })
    });
    read.await
}
