use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_store::{Db, StoreError};

use super::{CapturedMessage, Filter, KEPT, NewMessage, append, empty, list};
use crate::testing::{Conversation, on_every_engine, tenant};

fn message(to: &str, body: &str) -> NewMessage {
    NewMessage {
        channel: "sms".into(),
        to: to.into(),
        from: None,
        body: body.into(),
        connection: Some("sms".into()),
        subject: None,
        html: None,
    }
}

async fn store(db: &Db, tenant: &TenantId, micros: i64, message: NewMessage) -> i64 {
    let (tenant, now) = (tenant.clone(), Timestamp::from_micros(micros));
    db.write(move |tx| Box::pin(async move { append(tx, &tenant, now, &message).await })).await.unwrap()
}

async fn listed(db: &Db, tenant: &TenantId, filter: Filter) -> Vec<CapturedMessage> {
    let tenant = tenant.clone();
    db.read(move |tx| Box::pin(async move { list(tx, &tenant, &filter).await })).await.unwrap()
}

fn bodies(messages: &[CapturedMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

#[tokio::test]
async fn messages_are_listed_newest_first_by_recipient_and_after_an_id() {
    on_every_engine(async |Conversation { db, .. }: Conversation| {
        let (own, other) = (tenant(), TenantId::new("acme"));
        let first = store(&db, &own, 1_000_000, message("+611", "one")).await;
        let second = store(&db, &own, 1_000_000, message("+612", "two")).await;
        let third = store(&db, &own, 900_000, message("+611", "three")).await;
        store(&db, &other, 1_000_000, message("+611", "theirs")).await;
        assert!(first < second && second < third, "ids grow even when the clock does not");

        assert_eq!(bodies(&listed(&db, &own, Filter::default()).await), ["three", "two", "one"]);
        let to = |to: &str| Filter { to: Some(to.into()), after: None };
        assert_eq!(bodies(&listed(&db, &own, to("+611")).await), ["three", "one"]);
        assert_eq!(bodies(&listed(&db, &own, to("+6")).await), [""; 0]);
        let after = Filter { to: Some("+611".into()), after: Some(first) };
        assert_eq!(bodies(&listed(&db, &own, after).await), ["three"]);

        let newest = &listed(&db, &own, Filter::default()).await[0];
        assert_eq!(newest.id, third.to_string());
        assert_eq!(newest.created_at, "1970-01-01T00:00:00.900Z");
    })
    .await;
}

#[tokio::test]
async fn only_the_newest_are_kept_and_emptying_spares_other_tenants() {
    on_every_engine(async |Conversation { db, .. }: Conversation| {
        let (own, other) = (tenant(), TenantId::new("acme"));
        store(&db, &other, 1, message("+611", "theirs")).await;
        let many = own.clone();
        db.write(move |tx| {
            Box::pin(async move {
                for i in 0..KEPT + 3 {
                    append(tx, &many, Timestamp::from_micros(i), &message("+611", &i.to_string())).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await
        .unwrap();
        let kept = listed(&db, &own, Filter::default()).await;
        assert_eq!(kept.len(), usize::try_from(KEPT).unwrap());
        assert_eq!(kept.last().unwrap().body, "3");

        let emptied = own.clone();
        let removed = db.write(move |tx| Box::pin(async move { empty(tx, &emptied).await })).await;
        assert_eq!(removed, Ok(u64::try_from(KEPT).unwrap()));
        assert!(listed(&db, &own, Filter::default()).await.is_empty());
        assert_eq!(listed(&db, &other, Filter::default()).await.len(), 1);
    })
    .await;
}
