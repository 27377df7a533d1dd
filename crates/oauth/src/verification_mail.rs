//! Sends the mails that `POST /jobs/verification-email` queued.

use std::sync::Arc;
use std::time::Duration;

use gatewright_adapters::email::EmailKind;
use gatewright_core::ids::Issuer;
use gatewright_core::user::User;
use gatewright_http::{App, RequestCx};
use gatewright_resources::account_tickets::Purpose;
use gatewright_resources::jobs::Kind;
use gatewright_resources::jobs::queue::{self, End, Taken};
use gatewright_resources::users;
use gatewright_store::StoreError;

use crate::account_link::{self, Link};
use crate::stop::Stop;

/// How often a node looks for work.
const ROUND_EVERY: Duration = Duration::from_secs(1);
/// How long it rests when the database does not answer.
const REST_AFTER_ERROR: Duration = Duration::from_secs(10);
/// Most mails of one round.
const A_ROUND: i64 = 20;

/// Works for as long as it is polled.
pub async fn work(app: Arc<App>) {
    loop {
        let rest = match round(&app).await {
            Ok(()) => ROUND_EVERY,
            Err(error) => {
                tracing::warn!(%error, "Mails of jobs cannot be sent: the database does not answer.");
                REST_AFTER_ERROR
            }
        };
        tokio::time::sleep(rest).await;
    }
}

async fn round(app: &Arc<App>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let kinds = [Kind::VerificationEmail, Kind::VerificationEmail];
    let read = app.db.read(move |tx| Box::pin(async move { queue::due(tx, kinds, now, A_ROUND).await }));
    for due in read.await? {
        let host = due.host.clone();
        let take = app.db.write(move |tx| Box::pin(async move { queue::take(tx, &due, now).await }));
        let Some(job) = take.await? else { continue };
        let end = match send(app, &host, &job).await {
            Ok(Ok(())) => End::Completed,
            Ok(Err(why)) => End::Failed(why),
            // Another round tries again.
            Err(_) => continue,
        };
        let finish = app.db.write(move |tx| Box::pin(async move { job.finish(tx, &end).await }));
        match finish.await {
            Ok(()) | Err(queue::Stop::Lost | queue::Stop::TooLong) => {}
            Err(queue::Stop::Store(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The inner error is why no mail can be sent, the outer one a fault of ours.
async fn send(app: &Arc<App>, host: &str, job: &Taken) -> Result<Result<(), String>, Stop> {
    let task = job.verification();
    let tenant = app.tenants.by_host(&app.db, &app.master_key, host, app.clock.now()).await?;
    let Some(tenant) = tenant.filter(|tenant| tenant.id == job.tenant) else {
        return Ok(Err("the tenant is gone".to_owned()));
    };
    let Some((scheme, domain)) = task.issuer.split_once("://") else {
        return Ok(Err("the link's host is not known".to_owned()));
    };
    let issuer = Issuer::new(scheme, domain);
    let cx = RequestCx::of_work(Arc::clone(app), tenant, issuer);
    let (tenant_id, user_id) = (job.tenant.clone(), task.user_id.clone());
    let read = app.db.read(move |tx| Box::pin(async move { users::by_id(tx, &tenant_id, &user_id).await }));
    let Some(user) = read.await? else { return Ok(Err("the user is gone".to_owned())) };
    let name = user["identities"][0]["connection"].as_str().unwrap_or_default();
    let connection = cx.tenant.connection(name).cloned();
    let (Some(connection), Ok(user)) = (connection, serde_json::from_value::<User>(user)) else {
        return Ok(Err("the user's connection is gone".to_owned()));
    };
    let client = task.client_id.and_then(|id| cx.tenant.client(&id).cloned());
    let link = Link::draw(&cx, Purpose::VerifyEmail);
    let store = {
        let (cx, link, client) = (cx.clone(), link.clone(), client.clone());
        let (connection, user) = (Arc::clone(&connection), user.clone());
        app.db.write(move |tx| {
            Box::pin(async move { link.store(tx, &cx, client.as_deref(), &connection, &user).await })
        })
    };
    store.await?;
    Ok(account_link::deliver(&cx, EmailKind::VerifyEmail, &link, client.as_deref(), &connection, &user).await)
}
