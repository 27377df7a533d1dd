//! `/dashboard/remedy`: the changes that a why-table proposes, each shown as the call it is, then made.
//!
//! A remedy may take several, in their order: when one is made, the next is shown. A change is the one that `gatewright explain --apply` makes ([`gatewright_core::explain::apply`]). It arrives in
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

/// More changes than any remedy has.
const MOST: usize = 16;

/// One change of a remedy, with the call that it is now.
struct Proposed {
    /// The whole remedy: a JSON array of changes.
    changes: String,
    /// Which of them it is, from 0, and how many there are.
    step: usize,
    steps: usize,
    back: String,
    says: String,
    call: ApiCall,
    /// Somebody made it meanwhile.
    is_so: bool,
}

impl Proposed {
    /// The step that was sent.
    async fn read(admin: &Admin, sent: &Sent) -> Result<Self, Problem> {
        let step = sent.text("step").map_or(Ok(0), str::parse).map_err(|_| Problem::Malformed)?;
        let back = back(sent.text("back").unwrap_or_default());
        Self::at(admin, sent.text("changes").unwrap_or_default(), step, back).await
    }

    async fn at(admin: &Admin, changes: &str, step: usize, back: String) -> Result<Self, Problem> {
        let all: Vec<Value> = serde_json::from_str(changes).map_err(|_| Problem::Malformed)?;
        let steps = all.len();
        let change = all.get(step).filter(|_| steps <= MOST).ok_or(Problem::Malformed)?;
        let plan = apply::plan(change).ok_or(Problem::Malformed)?;
        let current = match plan.reads() {
            Some(path) => admin.get(path).await?,
            None => Value::Null,
        };
        let call = call(&plan, &current)?;
        let wanted = call.body.as_ref().and_then(Value::as_object);
        let is_so = !current.is_null()
            && wanted.is_some_and(|body| body.iter().all(|(name, value)| current[name] == *value));
        // The description has ids only.
        let says = match current["name"].as_str() {
            Some(name) => format!("{}, which is {name}", plan.says()),
            None => plan.says(),
        };
        Ok(Self { changes: changes.to_owned(), step, steps, back, says, call, is_so })
    }

    /// From this step on the first that is not so already; `None` where each is.
    async fn open(self, admin: &Admin) -> Result<Option<Self>, Problem> {
        let mut proposed = self;
        while proposed.is_so {
            match proposed.next(admin).await? {
                Some(next) => proposed = next,
                None => return Ok(None),
            }
        }
        Ok(Some(proposed))
    }

    async fn next(&self, admin: &Admin) -> Result<Option<Self>, Problem> {
        if self.step + 1 >= self.steps {
            return Ok(None);
        }
        Self::at(admin, &self.changes, self.step + 1, self.back.clone()).await.map(Some)
    }

    /// Where it stands among the others.
    fn place(&self) -> String {
        match self.steps {
            1 => String::new(),
            steps => format!("Step {} of {steps}: ", self.step + 1),
        }
    }

    fn page(&self, admin: &Admin, refused: Option<&Refused>) -> Page {
        let mut says = self.says.clone();
        if let Some(first) = says.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let way_back = if self.step == 0 { "Back, without the change" } else { "Back, without this change" };
        let page = Page::new(admin, "", "Apply the remedy")
            .back(self.back.clone(), way_back)
            .lead(format!("{}{says}.", self.place()));
        let action = format!("{PATH}/apply");
        let form = FormView::new(&admin.csrf, &CONFIRM, action, &self.call, &Value::Null, refused)
            .with_fixed_call()
            .with_open_call()
            .with("changes", self.changes.as_str())
            .with("step", self.step.to_string())
            .with("back", self.back.as_str());
        page.block(&form)
    }
}

/// Nothing of the remedy is left to do.
fn done_already(admin: &Admin, back: String) -> Page {
    let page = Page::new(admin, "", "Apply the remedy").back(back.clone(), "Back");
    let text = "The settings have these values by now, so there is nothing to change.".to_owned();
    let link = Some((back, "Back".to_owned()));
    page.block(&Notice { kind: "note", title: "It is so already", text, link })
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
    let proposed = Proposed::read(&admin, &sent).await?;
    let back = proposed.back.clone();
    Ok(match proposed.open(&admin).await? {
        Some(proposed) => proposed.page(&admin, None).respond(),
        None => done_already(&admin, back).respond(),
    })
}

/// `POST /dashboard/remedy/apply`: does it, and shows the next one.
async fn apply_it(admin: Admin, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let proposed = Proposed::read(&admin, &sent).await?;
    if proposed.is_so {
        return ask_next(&admin, &proposed).await;
    }
    match admin.call(proposed.call.clone()).await {
        Ok(_) => ask_next(&admin, &proposed).await,
        Err(error) if error.status >= 500 => Err(error.into()),
        Err(error) => {
            let refusal = Refusal::of(&[], &error);
            let form = CONFIRM.id.to_owned();
            let refused = Refused { form, sent, refusal, call: Some(proposed.call.clone()) };
            Ok(proposed.page(&admin, Some(&refused)).refused())
        }
    }
}

/// After a step: the next that is not so already, or the page that the remedy was pressed on.
async fn ask_next(admin: &Admin, done: &Proposed) -> Result<Response, Problem> {
    let next = match done.next(admin).await? {
        Some(next) => next.open(admin).await?,
        None => None,
    };
    match next {
        Some(next) => Ok(next.page(admin, None).respond()),
        None => {
            let back = &done.back;
            let glue = if back.contains('?') { '&' } else { '?' };
            Ok(Redirect::to(&format!("{back}{glue}done=remedied")).into_response())
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
