//! `/dashboard/apis`: resource servers and the scopes they define.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use gatewright_http::App;
use gatewright_resources::engine::Method;
use serde_json::{Value, json};

use crate::api::ApiCall;
use crate::form::{FormView, Kind, Outcome, Refused, Spec, control, submit_with};
use crate::page::Page;
use crate::problem::Problem;
use crate::section::{self, Section};
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Empty, Row, RowAction, Table, items, text};

static NEW: Spec = Spec {
    id: "new",
    title: "",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text),
        control("identifier", "Identifier", Kind::Text)
            .required()
            .mono()
            .hint("The audience of its tokens, an address by custom. It cannot be changed later."),
    ],
    submit: "Create API",
};

static SETTINGS: Spec = Spec {
    id: "settings",
    title: "Settings",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text),
        control(
            "signing_alg",
            "Tokens are signed with",
            Kind::Choice(&[("RS256", "RS256"), ("HS256", "HS256"), ("PS256", "PS256"), ("RS512", "RS512")]),
        ),
        control("token_lifetime", "Lifetime of tokens in seconds", Kind::Number),
        control("token_lifetime_for_web", "Lifetime in seconds, implicit and hybrid flow", Kind::Number),
        control("allow_offline_access", "Refresh tokens", Kind::Toggle)
            .hint("Grants offline_access, for applications that may use refresh tokens."),
        control(
            "skip_consent_for_verifiable_first_party_clients",
            "No consent for first-party applications",
            Kind::Toggle,
        ),
    ],
    submit: "Save settings",
};

static ACCESS: Spec = Spec {
    id: "access",
    title: "Who gets tokens",
    intro: "",
    controls: &[
        control("enforce_policies", "Role-based access control", Kind::Toggle)
            .hint("A user's token holds only scopes that the user has as permissions."),
        control(
            "token_dialect",
            "Tokens hold",
            Kind::Choice(&[
                ("access_token", "scopes"),
                ("access_token_authz", "scopes and permissions"),
                ("rfc9068_profile", "RFC 9068: scopes"),
                ("rfc9068_profile_authz", "RFC 9068: scopes and permissions"),
            ]),
        ),
        control(
            "subject_type_authorization.user.policy",
            "For users' tokens",
            Kind::Choice(&[
                ("", "Any application"),
                ("allow_all", "Any application, said explicitly"),
                ("require_client_grant", "Applications with a grant"),
                ("deny_all", "Nobody"),
            ]),
        ),
        control(
            "subject_type_authorization.client.policy",
            "For machines",
            Kind::Choice(&[
                ("", "Applications with a grant"),
                ("require_client_grant", "Applications with a grant, said explicitly"),
                ("deny_all", "Nobody"),
            ]),
        ),
    ],
    submit: "Save access",
};

static SECTION: Section = Section {
    path: "/dashboard/apis",
    api: "/resource-servers",
    plural: "resource_servers",
    id: "id",
    title: "APIs",
    lead: "What tokens are for, and the scopes they can hold.",
    create: &NEW,
    verbs: ("Create API", "Delete API"),
    edit: &[&SETTINGS, &ACCESS],
    lost: "Its scopes, the grants of applications and the permissions of roles and users go with it. Nobody gets a \
           token for it from then on.",
    head: &["Name", "Identifier", "Scopes", ""],
    cells: |_, api| {
        vec![
            Cell::text(text(api, "name")),
            Cell::code(text(api, "identifier")),
            Cell::text(items(&api["scopes"], "").len().to_string()),
            if api["is_system"] == true { Cell::badge("quiet", "system") } else { Cell::text("") },
        ]
    },
    tabs: &[("", "Settings"), ("scopes", "Scopes")],
    empty: (
        "No APIs yet",
        "An API is what an application calls with an access token. Its scopes say what the token allows.",
        "POST /api/v2/resource-servers {\"identifier\": \"https://api.example.com/\"}",
    ),
    complete: |body| body,
    shows: |api, spec| api["is_system"] != true || spec.id == SETTINGS.id,
    keeps: |api| api["is_system"] == true,
};

static SCOPE: Spec = Spec {
    id: "scope",
    title: "Add a scope",
    intro: "",
    controls: &[
        control("value", "Scope", Kind::Text).required().mono().hint("Such as read:orders."),
        control("description", "Description", Kind::Text).hint("Users read it on the consent page."),
    ],
    submit: "Add scope",
};

/// The routes of this section.
pub(crate) fn routes() -> Router<Arc<App>> {
    section::routes(&SECTION).route("/dashboard/apis/{id}/scopes", get(scopes).post(set_scopes))
}

async fn scopes(admin: Admin, Path(id): Path<String>, Query(query): Query) -> Result<Response, Problem> {
    let api = SECTION.found(&admin, &id).await?;
    Ok(scopes_page(&admin, &api, None).done(query.text("done")).respond())
}

fn scopes_page(admin: &Admin, api: &Value, refused: Option<&Refused>) -> Page {
    let id = text(api, "id");
    let is_system = api["is_system"] == true;
    let defined = items(&api["scopes"], "");
    let rows = defined.iter().map(|scope| Row {
        href: String::new(),
        cells: vec![Cell::code(text(scope, "value")), Cell::text(text(scope, "description"))],
    });
    let action = format!("{}/scopes", SECTION.page_path(id));
    let actions = defined.iter().filter(|_| !is_system).map(|scope| RowAction {
        action: action.clone(),
        fields: vec![("remove".to_owned(), text(scope, "value").to_owned())],
        text: "Remove",
        about: text(scope, "value").to_owned(),
    });
    let table = Table {
        head: vec!["Scope", "Description"],
        rows: rows.collect(),
        actions: actions.collect(),
        csrf: admin.csrf.clone(),
        empty: Empty {
            title: "No scopes",
            text: "Requests can ask for this API, but for no scope of it: whatever they name is dropped.",
            ..Empty::default()
        },
        ..Table::default()
    };
    let page = SECTION.page_of(admin, api, "scopes").block(&table);
    if is_system {
        return page;
    }
    let call = ApiCall::new(Method::Patch, SECTION.api_path(id)).with(json!({"scopes": defined}));
    page.block(&FormView::new(&admin.csrf, &SCOPE, action, &call, &Value::Null, refused))
}

async fn set_scopes(admin: Admin, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let sent = admin.form(&body)?;
    let api = SECTION.found(&admin, &id).await?;
    let defined = items(&api["scopes"], "");
    let path = SECTION.api_path(&id);
    if let Some(gone) = sent.text("remove") {
        let left: Vec<&Value> = defined.iter().filter(|scope| text(scope, "value") != gone).collect();
        admin.call(ApiCall::new(Method::Patch, path).with(json!({"scopes": left}))).await?;
        return Ok(SECTION.to(&id, "scopes", "removed"));
    }
    let with_others =
        |body: Value| json!({"scopes": defined.iter().cloned().chain([body]).collect::<Vec<_>>()});
    match submit_with(&admin, &SCOPE, (Method::Patch, &path), &Value::Null, sent, with_others).await? {
        Outcome::Done(_) | Outcome::Nothing => Ok(SECTION.to(&id, "scopes", "added")),
        Outcome::Refused(refused) => Ok(scopes_page(&admin, &api, Some(&refused)).refused()),
    }
}
