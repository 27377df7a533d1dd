//! What the scope decision will say, before anybody logs in: for the playground.

use gatewright_core::client::Client;
use gatewright_core::scope::{Flow, ScopeRefusal, ScopeReport};
use gatewright_http::RequestCx;
use gatewright_store::StoreError;

use crate::decision::Wanted;

/// A request of `/authorize` as far as scopes go.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The `scope` parameter.
    pub scope: Option<String>,
    /// The `audience` parameter.
    pub audience: Option<String>,
    /// The `response_type` parameter.
    pub response_type: String,
    /// Who will log in, where that is known: without role-based access control it changes nothing.
    pub user_id: Option<String>,
}

/// The decision on the very facts that `/authorize` would gather now. Scripts may change it later.
///
/// # Errors
/// [`StoreError`] of the database; a refusal is an answer.
pub async fn predict(
    cx: &RequestCx,
    client: &Client,
    asked: &Asked,
) -> Result<Result<ScopeReport, Box<ScopeRefusal>>, StoreError> {
    let kinds: Vec<&str> = asked.response_type.split_whitespace().collect();
    let flow = match (kinds.contains(&"code"), kinds.len()) {
        (true, 1) => Flow::Code,
        (true, _) => Flow::Hybrid,
        (false, _) => Flow::Implicit,
    };
    let wanted = Wanted::new(cx, asked.scope.as_deref(), asked.audience.as_deref(), flow);
    let permissions = match asked.user_id.clone() {
        None => Vec::new(),
        Some(user_id) => {
            let (within, wanted) = (cx.clone(), wanted.clone());
            let read = cx
                .app
                .db
                .read(move |tx| Box::pin(async move { wanted.permissions(tx, &within, &user_id).await }));
            read.await?
        }
    };
    Ok(wanted.predict(cx, client, asked.user_id.as_deref(), &permissions))
}
