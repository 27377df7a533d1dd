//! Forms that are calls of the Management API.
//!
//! A [`Spec`] declares controls for members of an operation's body. [`read`] turns what was sent into that body
//! ([`body`]: only what differs from what is stored), [`view`] shows the form with the call it makes. A refusal
//! of the operation comes back to the control whose member it names.

mod control;
mod read;
mod view;

pub(crate) use control::{Control, Kind, control};
pub(crate) use read::{Refusal, body};
pub(crate) use view::FormView;

use gatewright_resources::engine::Method;
use serde_json::Value;

use crate::api::{Api, ApiCall};
use crate::problem::Problem;
use crate::sent::Sent;

/// A form, declared.
pub(crate) struct Spec {
    /// Its name among the forms of a page, and its place in it.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) intro: &'static str,
    pub(crate) controls: &'static [Control],
    /// The verb of its button.
    pub(crate) submit: &'static str,
}

/// The hidden member that says which form of a page was sent.
pub(crate) const WHICH: &str = "_form";

/// What became of a form.
pub(crate) enum Outcome {
    /// The call was made; its answer.
    Done(Value),
    /// Nothing was different.
    Nothing,
    /// It was refused, and nothing was changed.
    Refused(Box<Refused>),
}

/// What a refused form shows again.
pub(crate) struct Refused {
    pub(crate) form: String,
    pub(crate) sent: Sent,
    pub(crate) refusal: Refusal,
    pub(crate) call: Option<ApiCall>,
}

/// Makes the call that a form stands for.
///
/// `current` is what is stored, `null` when something new is made.
///
/// # Errors
/// [`Problem`] if the thing does not exist or the server fails; refusals are an [`Outcome`].
pub(crate) async fn submit(
    api: &Api,
    spec: &Spec,
    (method, path): (Method, &str),
    current: &Value,
    sent: Sent,
) -> Result<Outcome, Problem> {
    submit_with(api, spec, (method, path), current, sent, |body| body).await
}

/// The same, for a call that needs more in its body than the form's controls hold.
///
/// # Errors
/// As [`submit`].
pub(crate) async fn submit_with(
    api: &Api,
    spec: &Spec,
    (method, path): (Method, &str),
    current: &Value,
    sent: Sent,
    complete: impl FnOnce(Value) -> Value,
) -> Result<Outcome, Problem> {
    let refused = |sent, refusal, call| {
        let form = spec.id.to_owned();
        Ok(Outcome::Refused(Box::new(Refused { form, sent, refusal, call })))
    };
    let body = match body(spec.controls, current, &sent) {
        Ok(body) => body,
        Err(refusal) => return refused(sent, refusal, None),
    };
    if !current.is_null() && body.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Outcome::Nothing);
    }
    let call = ApiCall::new(method, path).with(complete(body));
    match api.call(call.clone()).await {
        Ok(answer) => Ok(Outcome::Done(answer)),
        // 404 is of the thing in the path only when the thing is there already.
        Err(error) if error.status >= 500 || (error.status == 404 && !current.is_null()) => Err(error.into()),
        Err(error) => {
            let refusal = Refusal::of(spec.controls, &error);
            refused(sent, refusal, Some(call))
        }
    }
}

/// The form of a page that was sent.
///
/// # Errors
/// [`Problem::Malformed`] if the page has no such form.
pub(crate) fn which<'a>(specs: &'a [&'a Spec], sent: &Sent) -> Result<&'a Spec, Problem> {
    let id = sent.text(WHICH).unwrap_or_default();
    specs.iter().find(|spec| spec.id == id).copied().ok_or(Problem::Malformed)
}
