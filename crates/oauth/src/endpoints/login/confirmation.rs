//! `/u/confirmation`: a signed-in user is told which application will know them, where its callback cannot
//! show who waits there.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_http::RequestCx;

use super::consent::{decline, whose};
use super::{CONFIRMATION, RESUME, Visit, page};
use crate::pages::screen::{Button, Subject};
use crate::stop::Stop;

page!(confirmation, serve);

async fn serve(visit: Visit) -> Result<Response, Stop> {
    // Whoever has just logged in, or whose session has ended, is not asked here.
    let asked = visit.progress().session_id.is_some();
    let Some(name) = whose(&visit).await?.filter(|_| asked) else { return Ok(visit.go(RESUME)) };
    if !visit.posted {
        return Ok(show(&visit, &name, None));
    }
    if !visit.form_is_ours() {
        return Ok(show(&visit, &name, Some("invalid-request")));
    }
    match visit.action() {
        "accept" => {
            let kept = visit.change(|progress| progress.confirmed = true);
            Ok(if kept.await? { visit.go(RESUME) } else { visit.lost() })
        }
        "deny" => decline(&visit).await,
        _ => Ok(show(&visit, &name, None)),
    }
}

fn show(visit: &Visit, name: &str, alert: Option<&str>) -> Response {
    let mut screen = visit.screen("confirmation", "confirmation");
    screen.subject = Some(Subject { lead: None, text: name.to_owned(), edit: None });
    let button = |key: &str, value, primary| Button { text: screen.texts.get(key), value, primary };
    let mut form = visit.form(CONFIRMATION);
    form.buttons =
        vec![button("acceptButtonText", "accept", true), button("declineButtonText", "deny", false)];
    screen.form = Some(form);
    screen.alert = alert.map(|key| screen.texts.get(key));
    visit.show(&screen)
}
