//! The password grants: RFC 6749 section 4.3, and the same with a connection named (`password-realm`).

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use gatewright_resources::users;
use gatewright_store::{BoxFuture, Tx};

use super::{Flow, Grant, Presented, Redeemed, Refused, Subject};
use crate::password_login;
use crate::stop::Stop;

/// In the tenant's default directory.
pub(super) static PASSWORD: Grant = Grant {
    name: "password",
    params: &["username", "password"],
    events: ("sepft", "fepft"),
    present: |cx, client, params| Box::pin(async move { present(&cx, &client, &params, None).await }),
};

/// In a connection that `realm` names.
pub(super) static PASSWORD_REALM: Grant = Grant {
    name: password_login::PASSWORD_REALM,
    params: &["username", "password", "realm"],
    events: ("sepft", "fepft"),
    present: |cx, client, params| {
        Box::pin(async move {
            let realm = params.text("realm").ok_or_else(|| OAuthError::missing_parameter("realm"))?;
            present(&cx, &client, &params, Some(realm)).await
        })
    },
};

async fn present(
    cx: &RequestCx,
    client: &Arc<Client>,
    params: &Params,
    realm: Option<&str>,
) -> Result<Box<dyn Presented>, Stop> {
    let required = |name| params.text(name).ok_or_else(|| OAuthError::missing_parameter(name));
    let (username, password) = (required("username")?, required("password")?);
    let connection = password_login::connection(cx, client, realm)?;
    let outcome = password_login::verify(cx, client, &connection, username, password).await?;
    let text = |name| params.text(name).map(str::to_owned);
    Ok(Box::new(Judged {
        outcome,
        scope: text("scope"),
        audience: text("audience"),
        connection: connection.name.clone(),
    }))
}

/// A password that was judged before the transaction began.
struct Judged {
    outcome: Result<User, OAuthError>,
    scope: Option<String>,
    audience: Option<String>,
    connection: String,
}

impl Presented for Judged {
    fn redeem<'t>(
        self: Box<Self>,
        tx: &'t mut Tx,
        cx: &'t RequestCx,
        _client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>> {
        Box::pin(async move {
            let user_id = match self.outcome {
                Ok(user) => user.user_id,
                Err(error) => return Ok(Err(error.into())),
            };
            let ip = cx.ip.to_string();
            let found = users::record_login(tx, &cx.tenant.id, &user_id, &ip, cx.now).await?;
            let user = found.and_then(|document| serde_json::from_value::<User>(document).ok());
            let Some(user) = user else {
                let gone = password_login::wrong().because("user_deleted");
                return Ok(Err(Refused::from(gone).of(Some(user_id))));
            };
            Ok(Ok(Subject {
                user: Some(user),
                scope: self.scope,
                audience: self.audience,
                flow: Flow::Password,
                gty: Some("password"),
                nonce: None,
                session_id: None,
                auth_time: None,
                multifactor: false,
                connection: Some(self.connection),
                code_hash: None,
                refresh: None,
                verdict: None,
                exchanged: None,
                second_step: None,
            }))
        })
    }
}
