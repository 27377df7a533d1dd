//! `/dashboard/remedy`: the change that a why-table proposes, shown as the call it is, then made.
//!
//! The change is the one that `gatewright explain --apply` makes ([`gatewright_core::explain::apply`]). It arrives in
//! a form of this session, never in an address: a link from elsewhere cannot put a change before an administrator.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use gatewright_core::explain::apply::{self, Plan};
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::Value;

use crate::api::ApiCall;
use crate::form::{FormView, Refusal, Refused, Spec};
use crate::page::Page;
use crate::problem::Problem;
use crate::sent::Sent;
use crate::session::Admin;
use crate::view::Notice;

const PATH: &str = "/dashboard/remedy";

static CONFIRM: Spec = Spec { id: "remedy", title: "", intro: "", controls: &[], submit: "Make this change" };

/// The routes of this page.
pub(crate) fn routes() -> Router<Arc<App>> {
    let lost = || async { Redirect::to("/dashboard/playground") };
    // After a login comes the page whose form was sent, and the form is lost.
    Router::new().route(PATH, post(ask).get(lost)).route("/dashboard/remedy/apply", post(apply_it).get(lost))
}

/// A change with the call that it is now.
struct Proposed {
    change: String,
    back: String,
    says: String,
    call: ApiCall,
    /// Somebody made it meanwhile.
    is_so: bool,
}

impl Proposed {
    async fn read(admin: &Admin, sent: &Sent) -> Result<Self, Problem> {
        let text = sent.text("change").unwrap_or_default();
        let change: Value = serde_json::from_str(text).map_err(|_| Problem::Malformed)?;
        let plan = apply::plan(&change).ok_or(Problem::Malformed)?;
        let current = match plan.reads() {
            Some(path) => admin.get(path).await?,
            None => Value::Null,
        };
        let call = call(&plan, &current)?;
        let wanted = call.body.as_ref().and_then(Value::as_object);
        let is_so = !current.is_null()
            && wanted.is_some_and(|body| body.iter().all(|(name, value)| current[name] == *value));
        let back = back(sent.text("back").unwrap_or_default());
        // The description has ids only.
        let says = match current["name"].as_str() {
            Some(name) => format!("{}, which is {name}", plan.says()),
            None => plan.says(),
        };
        Ok(Self { change: text.to_owned(), back, says, call, is_so })
    }

    fn page(&self, admin: &Admin, refused: Option<&Refused>) -> Page {
        let mut says = self.says.clone();
        if let Some(first) = says.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let page = Page::new(admin, "", "Apply the remedy")
            .back(self.back.clone(), "Back, without the change")
            .lead(format!("{says}."));
        if self.is_so {
            let text = "The setting has this value by now, so there is nothing to change.".to_owned();
            let link = Some((self.back.clone(), "Back".to_owned()));
            return page.block(&Notice { kind: "note", title: "It is so already", text, link });
        }
        let action = format!("{PATH}/apply");
        let form = FormView::new(&admin.csrf, &CONFIRM, action, &self.call, &Value::Null, refused)
            .with_fixed_call()
            .with_open_call()
            .with("change", self.change.as_str())
            .with("back", self.back.as_str());
        page.block(&form)
    }
}

fn call(plan: &Plan<'_>, current: &Value) -> Result<ApiCall, Problem> {
    let call = plan.call(current);
    let method = match call.method {
        "PATCH" => Method::Patch,
        "POST" => Method::Post,
        _ => return Err(Problem::Malformed),
    };
    Ok(ApiCall::new(method, call.path).with(call.body))
}

/// A page of the dashboard to go back to.
fn back(path: &str) -> String {
    let is_ours = path.starts_with("/dashboard/") && path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if is_ours { path.to_owned() } else { "/dashboard/playground".to_owned() }
}

/// `POST /dashboard/remedy`: shows what would be done.
async fn ask(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    Ok(Proposed::read(&admin, &sent).await?.page(&admin, None).respond())
}

/// `POST /dashboard/remedy/apply`: does it.
async fn apply_it(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let proposed = Proposed::read(&admin, &sent).await?;
    if proposed.is_so {
        return Ok(proposed.page(&admin, None).respond());
    }
    match admin.call(proposed.call.clone()).await {
        Ok(_) => {
            let glue = if proposed.back.contains('?') { '&' } else { '?' };
            Ok(Redirect::to(&format!("{}{glue}done=remedied", proposed.back)).into_response())
        }
        Err(error) if error.status >= 500 => Err(error.into()),
        Err(error) => {
            let refusal = Refusal::of(&[], &error);
            let form = CONFIRM.id.to_owned();
            let refused = Refused { form, sent, refusal, call: Some(proposed.call.clone()) };
            Ok(proposed.page(&admin, Some(&refused)).refused())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn the_way_back_stays_in_the_dashboard() {
        assert_eq!(back("/dashboard/logs/9?done=x"), "/dashboard/logs/9?done=x");
        for foreign in
            ["https://evil.example/", "//evil.example/dashboard/", "/dashboard/\r\nx", "/v2/logout", ""]
        {
            assert_eq!(back(foreign), "/dashboard/playground");
        }
    }
}
