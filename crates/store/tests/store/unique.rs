use gatewright_store::{Migration, StoreError, params, sql};

use crate::support::{Place, refused};

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "people",
    sql: "CREATE TABLE people (
            tenant_id TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL CHECK (name <> ''),
            email TEXT,
            phone TEXT,
            nick TEXT,
            active BOOLEAN NOT NULL,
            PRIMARY KEY (tenant_id, id),
            UNIQUE (tenant_id, phone)
        );
        CREATE UNIQUE INDEX people_name ON people (tenant_id, name);
        CREATE UNIQUE INDEX people_lower_email ON people (tenant_id, lower(email));
        CREATE UNIQUE INDEX people_nick ON people (nick) WHERE active;
        CREATE TABLE counters (number INTEGER PRIMARY KEY);
        CREATE TABLE pets (
            tenant_id TEXT NOT NULL,
            owner_id TEXT NOT NULL,
            FOREIGN KEY (tenant_id, owner_id) REFERENCES people (tenant_id, id)
        )",
}];

sql!(
    PERSON,
    "INSERT INTO people (tenant_id, id, name, email, phone, nick, active) VALUES ('t', $1, $2, $3, $4, $5, $6)"
);
sql!(
    PERSON_ONCE,
    "INSERT INTO people (tenant_id, id, name, active) VALUES ('t', $1, $2, TRUE)
     ON CONFLICT (tenant_id, id) DO NOTHING"
);
sql!(COUNTER, "INSERT INTO counters (number) VALUES ($1)");
sql!(PET, "INSERT INTO pets (tenant_id, owner_id) VALUES ('t', $1)");
sql!(REMOVE, "DELETE FROM people WHERE tenant_id = 't' AND id = $1");

type Person = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    bool,
);

#[tokio::test]
async fn a_violation_has_the_same_name_on_both_engines() {
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        let add = |person: Person| {
            let params = params![person.0, person.1, person.2, person.3, person.4, person.5];
            db.write(move |tx| Box::pin(async move { tx.run(&PERSON, &params).await }))
        };
        add(("1", Some("Ann"), Some("Ann@x.org"), Some("+1"), Some("a"), true)).await.unwrap();
        for (person, constraint) in [
            (("1", Some("Bob"), None, None, None, true), "people_pkey"),
            (("2", Some("Ann"), None, None, None, true), "people_name"),
            (("2", Some("Bob"), Some("aNN@x.org"), None, None, true), "people_lower_email"),
            (("2", Some("Bob"), None, Some("+1"), None, true), "people_tenant_id_phone_key"),
            (("2", Some("Bob"), None, None, Some("a"), true), "people_nick"),
        ] {
            let error = refused(add(person).await);
            assert_eq!(error, StoreError::Unique { constraint: constraint.to_owned() });
            assert!(error.is_on(constraint) && !error.is_on("people"));
        }
        add(("2", Some("Bob"), None, None, Some("a"), false)).await.unwrap();
        for other in [("3", Some(""), None, None, None, true), ("3", None, None, None, None, true)] {
            assert!(matches!(refused(add(other).await), StoreError::Constraint(_)));
        }

        let count = || db.write(|tx| Box::pin(async move { tx.run(&COUNTER, &params![1_i64]).await }));
        count().await.unwrap();
        assert!(refused(count().await).is_on("counters_pkey"));
        let pet = |owner: &'static str| {
            db.write(move |tx| Box::pin(async move { tx.run(&PET, &params![owner]).await }))
        };
        pet("1").await.unwrap();
        assert!(matches!(refused(pet("nobody").await), StoreError::ForeignKey(_)));
        let remove = db.write(|tx| Box::pin(async move { tx.run(&REMOVE, &params!["1"]).await })).await;
        assert!(matches!(refused(remove), StoreError::ForeignKey(_)));
        db.close().await;
    }
}

#[tokio::test]
async fn a_failed_statement_ends_its_job_on_both_engines() {
    for place in Place::all().await {
        let db = place.with(MIGRATIONS).await;
        let outcome = db
            .write(|tx| {
                Box::pin(async move {
                    tx.run(&PERSON_ONCE, &params!["1", "Ann"]).await?;
                    let bob = params!["1", "Bob", None::<i64>, None::<i64>, None::<i64>, true];
                    assert!(tx.run(&PERSON, &bob).await.unwrap_err().is_on("people_pkey"));
                    let after = tx.run(&PERSON_ONCE, &params!["2", "Cid"]).await;
                    assert!(matches!(after, Err(StoreError::Aborted(_))));
                    Ok::<_, StoreError>(())
                })
            })
            .await;
        let error = refused(outcome);
        assert!(matches!(&error, StoreError::Aborted(why) if why.contains("unique::PERSON")), "{error}");

        // Nothing of it stayed, and ON CONFLICT is the way to go on.
        let counts = db
            .write(|tx| {
                Box::pin(async move {
                    let first = tx.run(&PERSON_ONCE, &params!["1", "Ann"]).await?;
                    let second = tx.run(&PERSON_ONCE, &params!["1", "Ann"]).await?;
                    Ok::<_, StoreError>((first, second, tx.run(&PERSON_ONCE, &params!["2", "Bob"]).await?))
                })
            })
            .await;
        assert_eq!(counts, Ok((1, 0, 1)));
        db.close().await;
    }
}
