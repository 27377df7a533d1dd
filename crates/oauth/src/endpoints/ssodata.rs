//! `GET /user/ssodata`: who is signed in, for a login page on this host. It has no CORS, so pages of
//! other origins cannot read it.

use axum::response::Response;
use gatewright_http::{RequestCx, respond};
use gatewright_resources::users;
use serde_json::json;

use crate::session;
use crate::stop::Stop;

pub(crate) async fn ssodata(cx: RequestCx) -> Result<Response, Stop> {
    let presented = session::presented(&cx);
    if presented.is_empty() {
        return Ok(respond::json_no_store(200, &json!({"sso": false})));
    }
    let db = cx.app.db.clone();
    let within = cx.clone();
    let found = db
        .read(move |tx| {
            Box::pin(async move {
                let Some(session) = session::live(tx, &within, &presented).await? else {
                    return Ok::<_, Stop>(None);
                };
                let user = users::by_id(tx, &within.tenant.id, &session.user_id).await?;
                Ok(user.map(|user| (session, user)))
            })
        })
        .await?;
    let Some((session, user)) = found else {
        return Ok(respond::json_no_store(200, &json!({"sso": false})));
    };
    let strategy = cx.tenant.connection(&session.connection).map(|connection| connection.strategy.clone());
    let username = user.get("email").or_else(|| user.get("phone_number")).or_else(|| user.get("name"));
    Ok(respond::json_no_store(
        200,
        &json!({
            "sso": true,
            "lastUsedConnection": {"name": session.connection, "strategy": strategy},
            "lastUsedUsername": username,
            "lastUsedUserID": session.user_id,
            "lastUsedClientID": session.last_client_id,
            "sessionClients": [session.last_client_id],
        }),
    ))
}
