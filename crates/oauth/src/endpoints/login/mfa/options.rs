//! `/u/mfa-login-options` and `/u/mfa-begin-enroll-options`: a choice among factors.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::mfa::Factor;
use gatewright_http::RequestCx;

use super::super::{RESUME, Visit, page};
use super::{about, challenge_page, enrollment_page};
use crate::pages::screen::Provider;
use crate::stop::Stop;

page!(mfa_login_options, login_options);
page!(mfa_begin_enroll_options, enroll_options);

async fn login_options(visit: Visit) -> Result<Response, Stop> {
    let Some(about) = about(&visit).await? else { return Ok(visit.go(RESUME)) };
    Ok(choice(&visit, "mfa-login-options", &about.asked.challenge, challenge_page))
}

async fn enroll_options(visit: Visit) -> Result<Response, Stop> {
    let Some(about) = about(&visit).await? else { return Ok(visit.go(RESUME)) };
    Ok(choice(&visit, "mfa-begin-enroll-options", &about.asked.enroll, enrollment_page))
}

fn choice(
    visit: &Visit,
    name: &'static str,
    factors: &[Factor],
    page: fn(Factor) -> &'static str,
) -> Response {
    if factors.is_empty() {
        return visit.go(RESUME);
    }
    let mut screen = visit.screen("mfa", name);
    for factor in factors {
        let key = match factor {
            Factor::Otp => "authenticatorNamesOTP",
            Factor::Phone => "authenticatorNamesSMS",
            Factor::RecoveryCode => "authenticatorNamesRecoveryCode",
        };
        let text = screen.texts.get(key);
        screen.providers.push(Provider { text, href: visit.href(page(*factor)), icon: None });
    }
    visit.show(&screen)
}
