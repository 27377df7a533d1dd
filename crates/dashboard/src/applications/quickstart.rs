//! The first page of an application: what to write into it.

use axum::extract::Path;
use axum::response::Response;
use serde_json::Value;

use super::{found, page_of};
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::view::{Cell, Facts, Notice, Snippet, Snippets, text};

pub(super) async fn show(
    admin: Admin,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let client = found(&admin, &id).await?;
    let domain = admin.cx.issuer.domain().to_owned();
    let first = |name: &str| client[name][0].as_str().unwrap_or_default().to_owned();
    let callback = first("callbacks");
    let mut page = page_of(&admin, &client, "").done(query.text("done")).block(&Facts {
        title: "",
        facts: vec![
            ("Domain", Cell::code(domain.as_str())),
            ("Client ID", Cell::code(text(&client, "client_id"))),
            ("Type", Cell::text(super::forms::type_name(text(&client, "app_type")))),
        ],
    });
    let is_machine = text(&client, "app_type") == "non_interactive";
    if callback.is_empty() && !is_machine {
        let link = Some((format!("{}/settings#urls", super::base(&id)), "Add a callback URL".to_owned()));
        let text = "Logins return to registered addresses only, and this application has none.".to_owned();
        page = page.block(&Notice { kind: "note", title: "No callback URL yet", text, link });
    }
    let snippets = if is_machine {
        vec![machine(&admin, &client)]
    } else {
        let (spa, lock) = (spa(&domain, &client, &callback), lock(&domain, &client));
        let express = express(&admin, &client, &callback);
        // The one for the application's own kind comes first.
        match text(&client, "app_type") {
            "regular_web" => vec![express, spa, lock],
            _ => vec![spa, lock, express],
        }
    };
    Ok(page.block(&Snippets { snippets }).respond())
}

/// A text in JavaScript or JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn spa(domain: &str, client: &Value, callback: &str) -> Snippet {
    let callback = if callback.is_empty() { "window.location.origin".to_owned() } else { quoted(callback) };
    Snippet {
        id: "spa".to_owned(),
        title: "Single-page app: auth0-spa-js",
        note: "npm install @auth0/auth0-spa-js",
        text: format!(
            "import {{ createAuth0Client }} from '@auth0/auth0-spa-js';\n\n\
             const auth0 = await createAuth0Client({{\n  domain: {},\n  clientId: {},\n  \
             authorizationParams: {{ redirect_uri: {callback} }},\n}});\n\n\
             if (location.search.includes('code=')) await auth0.handleRedirectCallback();\n\
             if (await auth0.isAuthenticated()) console.log(await auth0.getUser());\n\
             else await auth0.loginWithRedirect();",
            quoted(domain),
            quoted(text(client, "client_id")),
        ),
    }
}

fn lock(domain: &str, client: &Value) -> Snippet {
    Snippet {
        id: "lock".to_owned(),
        title: "Login on your own page: Lock Passwordless",
        note: "npm install auth0-lock. The page's origin must be an allowed web origin, and cross-origin \
               authentication on.",
        text: format!(
            "import {{ Auth0LockPasswordless }} from 'auth0-lock';\n\n\
             const lock = new Auth0LockPasswordless({}, {}, {{\n  allowedConnections: ['sms'],\n  \
             auth: {{ responseType: 'token id_token', params: {{ scope: 'openid profile email' }} }},\n}});\n\
             lock.on('authenticated', (result) => console.log(result.idTokenPayload));\nlock.show();",
            quoted(text(client, "client_id")),
            quoted(domain),
        ),
    }
}

fn express(admin: &Admin, client: &Value, callback: &str) -> Snippet {
    let base =
        gatewright_core::redirect::origin_of(callback).unwrap_or_else(|| "http://localhost:3000".to_owned());
    let secret = match text(client, "token_endpoint_auth_method") {
        "none" => String::new(),
        _ => {
            "  clientSecret: process.env.CLIENT_SECRET,\n  authorizationParams: { response_type: 'code' },\n"
                .to_owned()
        }
    };
    Snippet {
        id: "express".to_owned(),
        title: "Web app: express-openid-connect",
        note: "npm install express express-openid-connect. Its callback is /callback below the base URL.",
        text: format!(
            "import express from 'express';\nimport {{ auth, requiresAuth }} from 'express-openid-connect';\n\n\
             const app = express();\napp.use(auth({{\n  issuerBaseURL: {},\n  baseURL: {},\n  clientID: {},\n\
             {secret}  secret: process.env.SESSION_SECRET, // 32 random bytes\n  authRequired: false,\n}}));\n\
             app.get('/profile', requiresAuth(), (req, res) => res.json(req.oidc.user));\napp.listen(3000);",
            quoted(admin.cx.issuer.as_str().trim_end_matches('/')),
            quoted(&base),
            quoted(text(client, "client_id")),
        ),
    }
}

fn machine(admin: &Admin, client: &Value) -> Snippet {
    let issuer = &admin.cx.issuer;
    Snippet {
        id: "machine".to_owned(),
        title: "A token for a machine",
        note: "The application needs a grant for the API; see its APIs.",
        text: format!(
            "curl {} \\\n  -d grant_type=client_credentials \\\n  -d client_id={} \\\n  \
             -d client_secret=\"$CLIENT_SECRET\" \\\n  -d audience={}",
            issuer.join("oauth/token"),
            text(client, "client_id"),
            issuer.management_audience(),
        ),
    }
}
