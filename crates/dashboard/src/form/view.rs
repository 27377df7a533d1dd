//! A form as it is shown.

use askama::Template;
use serde_json::{Value, json};

use super::control::{Control, Kind};
use super::read::{Refusal, at};
use super::{Refused, Spec, WHICH};
use crate::api::ApiCall;
use crate::sent::Sent;
use crate::session::CSRF;
use crate::view::pretty;

/// A form with its controls filled in.
#[derive(Template)]
#[template(path = "form.html")]
pub(crate) struct FormView {
    id: String,
    title: String,
    intro: &'static str,
    action: String,
    hidden: Vec<(&'static str, String)>,
    fields: Vec<FieldView>,
    submit: &'static str,
    is_danger: bool,
    error: Option<String>,
    method: &'static str,
    path: String,
    body: String,
    /// What every body of this form holds besides its controls, for the script.
    base: String,
    is_new: bool,
    without_body: bool,
    without_call: bool,
    /// Where the form is sent to be looked at, in the frame of the page.
    preview: Option<String>,
    /// The call is read before the button is pressed.
    open_call: bool,
    /// The script leaves the call as it is: the body is not what the controls are.
    fixed_call: bool,
}

struct FieldView {
    id: String,
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    kind: &'static str,
    value: String,
    checked: bool,
    options: Vec<(String, String, bool)>,
    required: bool,
    nullable: bool,
    mono: bool,
    autocomplete: &'static str,
    rows: usize,
    error: Option<String>,
    /// What is stored, as JSON, for the script that shows the call.
    stored: String,
}

impl FieldView {
    fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.id));
        }
        if self.error.is_some() {
            ids.push(format!("{}-error", self.id));
        }
        ids.join(" ")
    }
}

impl FormView {
    /// A form that makes this call, filled in from what is stored (`null` for something new), or from what was
    /// sent if it was refused.
    pub(crate) fn new(
        csrf: &str,
        spec: &Spec,
        action: impl Into<String>,
        call: &ApiCall,
        current: &Value,
        refused: Option<&Refused>,
    ) -> Self {
        let refused = refused.filter(|refused| refused.form == spec.id);
        let refusal = refused.map(|refused| &refused.refusal);
        let sent = refused.map(|refused| &refused.sent);
        let fields =
            spec.controls.iter().map(|control| field(spec, control, current, sent, refusal)).collect();
        // The call that was refused holds what was typed; pages hold no secrets, and may be kept by the browser.
        let has_secret = spec.controls.iter().any(|control| control.kind == Kind::Secret);
        let made = refused.filter(|_| !has_secret).and_then(|refused| refused.call.as_ref());
        let shown = made.unwrap_or(call);
        let body = shown.body.clone().unwrap_or_else(|| json!({}));
        Self {
            id: spec.id.to_owned(),
            title: spec.title.to_owned(),
            intro: spec.intro,
            action: action.into(),
            hidden: vec![(CSRF, csrf.to_owned()), (WHICH, spec.id.to_owned())],
            fields,
            submit: spec.submit,
            is_danger: false,
            error: refusal.filter(|refusal| refusal.control.is_none()).map(|refusal| refusal.text.clone()),
            method: shown.method.name(),
            path: format!("/api/v2{}", shown.path),
            body: pretty(&body),
            base: call.body.clone().unwrap_or_else(|| json!({})).to_string(),
            is_new: current.is_null(),
            without_call: false,
            open_call: false,
            preview: None,
            fixed_call: false,
            without_body: spec.controls.is_empty() && shown.body.is_none(),
        }
    }

    /// The body of its call is made of its controls in another way, so the script does not follow them.
    pub(crate) fn with_fixed_call(mut self) -> Self {
        self.fixed_call = true;
        self
    }

    /// Can be looked at with what is typed, in the frame `preview` of the page.
    pub(crate) fn with_preview(mut self, path: String) -> Self {
        self.preview = Some(path);
        self
    }

    /// The call is what the form is about.
    pub(crate) fn with_open_call(mut self) -> Self {
        self.open_call = true;
        self
    }

    /// It is no call of the API.
    pub(crate) fn without_call(mut self) -> Self {
        self.without_call = true;
        self
    }

    /// What it does cannot be undone.
    pub(crate) fn danger(mut self) -> Self {
        self.is_danger = true;
        self
    }

    /// Lets one of these be chosen where the form declares a text.
    pub(crate) fn with_options(mut self, name: &str, options: Vec<(String, String)>) -> Self {
        for field in self.fields.iter_mut().filter(|field| field.name == name) {
            field.kind = "choice";
            let chosen = field.value.as_str();
            field.options =
                options.iter().map(|(value, text)| (value.clone(), text.clone(), value == chosen)).collect();
        }
        self
    }

    /// Sends this along.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }
}

fn field(
    spec: &Spec,
    control: &Control,
    current: &Value,
    sent: Option<&Sent>,
    refusal: Option<&Refusal>,
) -> FieldView {
    let stored = at(current, control.name);
    let value = match sent.filter(|_| control.kind != Kind::Secret) {
        Some(sent) => sent.text(control.name).unwrap_or_default().to_owned(),
        None => typed(control, stored),
    };
    let is_chosen = |option: &str| match (control.kind, sent) {
        (_, Some(sent)) => sent.all(control.name).any(|chosen| chosen == option),
        (Kind::Checks(_), None) => stored.as_array().is_some_and(|all| all.iter().any(|one| one == option)),
        (_, None) => stored.as_str().unwrap_or_default() == option,
    };
    let options: Vec<_> = match control.kind {
        Kind::Choice(options) | Kind::Checks(options) => {
            let known = options
                .iter()
                .map(|(value, text)| ((*value).to_owned(), (*text).to_owned(), is_chosen(value)));
            known.chain(others(options, stored)).collect()
        }
        _ => Vec::new(),
    };
    let least = match control.kind {
        Kind::Code => 16,
        Kind::Json | Kind::Merged => 4,
        _ => 3,
    };
    FieldView {
        id: format!("{}-{}", spec.id, control.name.replace('.', "-")),
        name: control.name,
        label: control.label,
        hint: control.hint,
        kind: match control.kind {
            Kind::Text => "text",
            Kind::Secret => "secret",
            Kind::Number => "number",
            Kind::Lines => "lines",
            Kind::Code => "code",
            Kind::Toggle => "toggle",
            Kind::Choice(_) => "choice",
            Kind::Checks(_) => "checks",
            Kind::Json => "json",
            Kind::Merged => "merged",
        },
        checked: match sent {
            Some(sent) => sent.text(control.name).is_some(),
            None => *stored == Value::Bool(true),
        },
        rows: value.lines().count().clamp(least, 24) + 1,
        value,
        options,
        required: control.required,
        nullable: control.nullable,
        mono: control.mono,
        autocomplete: control.autocomplete,
        error: refusal
            .filter(|refusal| refusal.control == Some(control.name))
            .map(|refusal| refusal.text.clone()),
        stored: if control.kind == Kind::Secret { Value::Null.to_string() } else { stored.to_string() },
    }
}

/// Stored values that the form does not know: they must not get lost because another control was changed.
fn others(options: &[(&str, &str)], stored: &Value) -> Vec<(String, String, bool)> {
    let all = match stored {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text.as_str()],
        _ => Vec::new(),
    };
    let unknown = all.into_iter().filter(|text| options.iter().all(|(value, _)| value != text));
    unknown.map(|text| (text.to_owned(), text.to_owned(), true)).collect()
}

/// What is stored, as it is typed.
fn typed(control: &Control, stored: &Value) -> String {
    match (control.kind, stored) {
        (Kind::Secret | Kind::Toggle | Kind::Checks(_), _) => String::new(),
        (Kind::Json | Kind::Merged, Value::Null) => "{}".to_owned(),
        (Kind::Json | Kind::Merged, value) => pretty(value),
        (_, Value::Null) => String::new(),
        (_, Value::String(text)) => text.clone(),
        (Kind::Lines, Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        (_, value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use askama::Template as _;
    use gatewright_resources::engine::Method;
    use serde_json::{Value, json};

    use super::super::{Control, Kind, Refusal, Refused, Spec, control};
    use super::FormView;
    use crate::api::ApiCall;
    use crate::sent::Sent;

    const EMAIL: Control = control("email", "E-mail address", Kind::Text);
    const PASSWORD: Control = control("password", "Password", Kind::Secret);

    fn spec(controls: &'static [Control]) -> Spec {
        Spec { id: "new", title: "", intro: "", controls, submit: "Create" }
    }

    fn refused(spec: &Spec, body: Value) -> String {
        let call = ApiCall::new(Method::Post, "/users");
        let refused = Refused {
            form: spec.id.to_owned(),
            sent: Sent::parse(b"email=ada&password=Correct-horse-7").unwrap(),
            refusal: Refusal { control: Some("email"), text: "This is no address.".to_owned() },
            call: Some(call.clone().with(body)),
        };
        FormView::new("", spec, "/", &call, &Value::Null, Some(&refused)).render().unwrap()
    }

    #[test]
    fn a_refused_form_shows_no_secret() {
        let page = refused(&spec(&[EMAIL, PASSWORD]), json!({"email": "ada", "password": "Correct-horse-7"}));
        assert!(page.contains("value=\"ada\"") && page.contains("This is no address."), "{page}");
        assert!(!page.contains("Correct-horse"), "{page}");
        // Without a secret among the controls, the call is shown as it was made.
        let page = refused(&spec(&[EMAIL]), json!({"email": "ada", "connection": "sms"}));
        assert!(page.contains("connection"), "{page}");
    }
}
