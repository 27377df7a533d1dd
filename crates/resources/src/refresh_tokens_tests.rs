use gatewright_core::refresh::{RefreshPolicy, verdict};
use gatewright_jose::token_hash;

use super::*;
use crate::testing::{Conversation, on_every_engine, tenant};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

/// Family number `number`, begun `number` seconds after the first.
fn family(number: i64) -> Family {
    Family {
        family_id: format!("family-{number:03}"),
        client_id: "app".into(),
        user_id: "sms|1".into(),
        audience: None,
        scope: "openid offline_access".into(),
        session_id: None,
        connection: Some("sms".into()),
        auth_time: None,
        code_hash: None,
        rotating: true,
        generation: 0,
        advanced_at: at(number),
        issued_at: at(number),
        last_used_at: at(number),
        expires_at: Some(at(1_000)),
        revoked_because: None,
    }
}

async fn begun(server: &Conversation, family: Family) -> Vec<String> {
    let token = token_hash(&family.family_id);
    server
        .db
        .write(move |tx| Box::pin(async move { begin(tx, &tenant(), &family, &token).await }))
        .await
        .unwrap()
}

async fn found(server: &Conversation, token: &str) -> Option<Family> {
    let token = token_hash(token);
    server.db.read(move |tx| Box::pin(async move { family_of(tx, &tenant(), &token).await })).await.unwrap()
}

#[tokio::test]
async fn of_more_than_two_hundred_families_the_oldest_is_dropped() {
    on_every_engine(async |server| {
        for number in 0..200 {
            assert_eq!(begun(&server, family(number)).await, Vec::<String>::new());
        }
        let elsewhere = Family { client_id: "other".into(), family_id: "elsewhere".into(), ..family(200) };
        assert_eq!(begun(&server, elsewhere).await, Vec::<String>::new(), "counted for each client");
        assert_eq!(begun(&server, family(201)).await, ["family-000"]);
        let oldest = found(&server, "family-000").await.unwrap();
        assert_eq!(oldest.revoked_because.as_deref(), Some("refresh_token_limit"));
        assert_eq!(found(&server, "family-001").await.unwrap().revoked_because, None);
    })
    .await;
}

#[tokio::test]
async fn a_family_is_forgotten_a_month_after_its_end() {
    on_every_engine(async |server| {
        begun(&server, family(0)).await;
        let month = 30 * 86_400;
        begun(&server, Family { expires_at: None, ..family(1_000 + month) }).await;
        assert!(found(&server, "family-000").await.is_some());
        begun(&server, Family { expires_at: None, ..family(1_001 + month) }).await;
        assert!(found(&server, "family-000").await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_family_reads_back_as_it_was_written_and_as_it_was_exchanged() {
    on_every_engine(async |server| {
        let full = Family {
            audience: Some("https://api".into()),
            session_id: Some("s".into()),
            auth_time: Some(at(-5)),
            code_hash: Some("c".into()),
            ..family(0)
        };
        begun(&server, full.clone()).await;
        assert_eq!(found(&server, "family-000").await, Some(full));
        let policy =
            RefreshPolicy { rotating: true, leeway_seconds: 0, absolute_seconds: None, idle_seconds: None };
        let exchanged = server
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (tenant, old) = (tenant(), token_hash("family-000"));
                    let claimed = claim(tx, &tenant, &old, true).await?.unwrap();
                    let accepted = verdict(Some(&claimed.facts()), "app", &policy, at(9)).unwrap();
                    exchange(tx, &tenant, &claimed.family, &accepted, Some(&token_hash("new")), at(9))
                        .await?;
                    Ok::<_, StoreError>(claim(tx, &tenant, &token_hash("new"), true).await?.unwrap())
                })
            })
            .await
            .unwrap();
        assert_eq!((exchanged.generation, exchanged.family.generation), (1, 1));
        assert_eq!((exchanged.family.advanced_at, exchanged.family.last_used_at), (at(9), at(9)));
        assert_eq!(exchanged.family.expires_at, Some(at(1_000)));
    })
    .await;
}
