//! `/u/mfa-recovery-code-…`: the code on paper that stands in for a factor. It is shown once, asked for, replaced.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::mfa::Factor;
use gatewright_http::RequestCx;
use gatewright_resources::authenticators::{self, proof};
use gatewright_resources::login_transactions;

use super::super::{RESUME, Visit, page};
use super::attempt::judge;
use super::otp::{answer, finish, grouped};
use super::{About, RECOVERY_CHALLENGE, RECOVERY_ENROLLMENT, RECOVERY_NEW, Said, about, note_challenge};
use crate::multifactor::attempt::{Way, open_text, recovery_context, seal};
use crate::pages::screen::{Button, Code, Field, Kind};
use crate::stop::Stop;

page!(mfa_recovery_code_enrollment, enrollment);
page!(mfa_recovery_code_new, new_code);
page!(mfa_recovery_code_challenge, challenge);

/// Of a first factor, or where a script asks for a recovery code.
async fn enrollment(visit: Visit) -> Result<Response, Stop> {
    let found = about(&visit).await?;
    let drawn =
        visit.progress().multifactor.as_ref().is_some_and(|asked| asked.recovery_code_sealed.is_some());
    if !drawn && found.as_ref().is_some_and(|about| about.enrolls(Factor::RecoveryCode)) {
        return Ok(if issue(&visit).await? { visit.go(RECOVERY_ENROLLMENT) } else { visit.lost() });
    }
    shown(visit, found, "mfa-recovery-code-enrollment", RECOVERY_ENROLLMENT).await
}

/// After the old one was used.
async fn new_code(visit: Visit) -> Result<Response, Stop> {
    let found = about(&visit).await?;
    shown(visit, found, "mfa-recovery-code-challenge-new-code", RECOVERY_NEW).await
}

/// Shows the code that waits in this login until its user has said to have it.
async fn shown(
    visit: Visit,
    found: Option<About>,
    screen: &'static str,
    path: &'static str,
) -> Result<Response, Stop> {
    let sealed = found.and_then(|about| about.asked.recovery_code_sealed);
    let Some(sealed) = sealed else { return Ok(visit.go(RESUME)) };
    if visit.posted && visit.form_is_ours() {
        let kept = visit.change(|progress| {
            if let Some(asked) = &mut progress.multifactor {
                asked.recovery_code_sealed = None;
                asked.enroll.retain(|factor| *factor != Factor::RecoveryCode);
            }
        });
        return Ok(if kept.await? { visit.go(RESUME) } else { visit.lost() });
    }
    let code = open_text(&visit.cx, &recovery_context(&visit.cx, &visit.waiting.row.state_hash), &sealed)?;
    let mut screen = visit.screen("mfa-recovery-code", screen);
    let texts = screen.texts.clone();
    screen.code = Some(Code { label: texts.get("altText"), text: grouped(&code), long: true });
    screen.caution = Some(texts.get("cautionText"));
    let mut form = visit.form(path);
    form.buttons.push(Button { text: texts.get("confirmationText"), value: "default", primary: true });
    screen.form = Some(form);
    screen.alert = visit.posted.then(|| texts.get("invalid-request"));
    Ok(visit.show(&screen))
}

/// Gives the user a recovery code that a script asks for, if there is none; `false` if the login is over.
async fn issue(visit: &Visit) -> Result<bool, Stop> {
    let (cx, state_hash) = (visit.cx.clone(), visit.waiting.row.state_hash.clone());
    let write = visit.cx.app.db.write(move |tx| {
        Box::pin(async move {
            let tenant = &cx.tenant.id;
            let held = login_transactions::hold(tx, tenant, &state_hash, cx.now).await?;
            let Some(mut held) = held else { return Ok(false) };
            let Some(asked) = &mut held.progress.multifactor else { return Ok(false) };
            let enrolled = authenticators::of_user(tx, tenant, &asked.user_id).await?;
            if enrolled.iter().any(|found| found.factor == Factor::RecoveryCode) {
                // It is fulfilled: what comes next is decided anew.
                asked.enroll.retain(|factor| *factor != Factor::RecoveryCode);
            } else {
                let keys = (&*cx.app.master_key, &cx.app.random);
                let code = proof::draw_recovery_code(&cx.app.random);
                proof::set_recovery_code(tx, tenant, keys, (&asked.user_id, &code), cx.now).await?;
                asked.recovery_code_sealed =
                    Some(seal(&cx, &recovery_context(&cx, &state_hash), code.as_bytes()));
            }
            login_transactions::set_progress(tx, tenant, &state_hash, &held.progress).await?;
            Ok::<_, Stop>(true)
        })
    });
    write.await
}

async fn challenge(visit: Visit) -> Result<Response, Stop> {
    let found = about(&visit).await?.filter(|about| about.challenged(Factor::RecoveryCode).is_some());
    let Some(about) = found else { return Ok(visit.go(RESUME)) };
    let show = |said: Said| {
        let mut screen = visit.screen("mfa-recovery-code", "mfa-recovery-code-challenge");
        let texts = screen.texts.clone();
        let mut form = visit.form(RECOVERY_CHALLENGE);
        form.fields.push(Field {
            kind: Kind::DeviceLetters,
            name: "code",
            label: texts.get("placeholder"),
            value: String::new(),
            hint: None,
            error: said.error.map(|key| texts.get(key)),
            focus: true,
            last: true,
        });
        form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
        screen.form = Some(form);
        finish(&visit, &about, screen, &texts, &said)
    };
    if !visit.posted {
        let noted = note_challenge(&visit, &about.user, Factor::RecoveryCode).await?;
        return Ok(if noted { show(Said::default()) } else { visit.lost() });
    }
    if !visit.form_is_ours() {
        return Ok(show(Said::alert("invalid-request")));
    }
    let typed = visit.params.text("code").unwrap_or_default().trim().to_owned();
    if typed.is_empty() {
        return Ok(show(Said::error("no-code")));
    }
    let judged = judge(&visit, about.user.clone(), Way::RecoveryCode, typed).await?;
    answer(&visit, judged, show)
}
