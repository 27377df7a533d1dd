//! Laws over random configurations: one reason for each thing that is dropped, changes that help, replays that agree.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::replay::{Recorded, Verdict};
use super::{Report, Row};
use crate::reasons;
use crate::resource_server::{AccessPolicy, ClientGrant, ResourceServer, SubjectType};
use crate::scope::tests::{API, MANAGEMENT, World, definitions};
use crate::scope::{Change, ChangeAction, Flow, after_scripts};
use crate::script::{self, ScopeChange};

const CONFIGURATIONS: usize = 200;
const REQUESTS: usize = 50;

const NAMES: [&str; 14] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "online_access",
    "read:orders",
    "write:orders",
    "delete:orders",
    "print:orders",
    "read:users",
    "read:current_user",
    "user_metadata",
    "nickname",
    "READ:ORDERS",
];
const ORIGINAL: [&str; 4] = ["openid", "read:orders", "print:orders", "offline_access"];

#[derive(Clone, Debug)]
struct Request {
    flow: Flow<'static>,
    audience: &'static str,
    scopes: Vec<&'static str>,
    scripts: Vec<ScopeChange>,
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn world() -> impl Strategy<Value = World> {
    use AccessPolicy::{AllowAll, DenyAll, RequireClientGrant};
    let policy = || select(vec![AllowAll, AllowAll, AllowAll, RequireClientGrant, DenyAll]);
    let names = || subsequence(NAMES.to_vec(), 0..NAMES.len());
    let grant =
        (names(), select(vec![SubjectType::User, SubjectType::Client]), select(vec![API, MANAGEMENT]));
    let grants = proptest::collection::vec(grant, 0..3);
    (names(), any::<(bool, bool, bool, bool)>(), policy(), policy(), grants, names()).prop_map(
        |(defined, (rbac, offline, first_party, refresh), user, client, grants, held)| {
            World::new().with(|world| {
                world.orders.scopes = definitions(&defined);
                world.orders.enforce_policies = rbac;
                world.orders.allow_offline_access = offline;
                world.orders.subject_type_authorization.user.policy = user;
                world.orders.subject_type_authorization.client.policy = client;
                world.client.is_first_party = first_party;
                if !refresh {
                    world.client.grant_types.retain(|grant| grant != "refresh_token");
                }
                let grants = grants.into_iter().enumerate();
                world.grants = grants
                    .map(|(number, (scope, subject_type, audience))| ClientGrant {
                        id: format!("cgr_{number}"),
                        client_id: "CLIENT".into(),
                        audience: audience.into(),
                        scope: owned(&scope),
                        subject_type,
                        allow_all_scopes: false,
                    })
                    .collect();
                world.permissions = owned(&held);
            })
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    static KEPT: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| owned(&ORIGINAL));
    let refresh = Flow::Refresh { original: &KEPT };
    let flow = select(vec![
        Flow::Code,
        Flow::Code,
        Flow::Implicit,
        Flow::Hybrid,
        Flow::Password,
        Flow::ClientCredentials,
        refresh,
    ]);
    let audience = select(vec![API, API, API, MANAGEMENT, "", "https://nowhere.example/"]);
    let scopes = subsequence(NAMES.to_vec(), 0..6).prop_shuffle();
    let script = (select(NAMES.to_vec()), 0..3u8).prop_map(|(scope, kind)| {
        let scope = scope.to_owned();
        let change = match kind {
            0 => script::Change::Add { scope },
            1 => script::Change::Remove { scope },
            _ => script::Change::Set { scopes: vec![scope, "openid".to_owned()] },
        };
        ScopeChange { by: "The action \"A\"".into(), change }
    });
    let scripts = prop_oneof![4 => Just(Vec::new()), 1 => proptest::collection::vec(script, 1..4)];
    (flow, audience, scopes, scripts).prop_map(|(flow, audience, scopes, scripts)| Request {
        flow,
        audience,
        scopes,
        scripts,
    })
}

impl Request {
    fn decide(&self, world: &World) -> Value {
        match world.decide(self.flow, self.audience, &self.scopes.join(" ")) {
            Ok(report) => json!(after_scripts(report, &self.scripts, self.audience == MANAGEMENT)),
            Err(refusal) => json!(refusal),
        }
    }

    /// What the record of a decision comes to when it is decided again.
    fn replayed(&self, world: &World, record: &Value) -> Verdict {
        let recorded = Recorded::read(record).expect("a decision about scopes");
        let audience = recorded.audience.clone().unwrap_or_default();
        match world.with_facts(&audience, |facts| recorded.decide(facts)) {
            Some(Ok(report)) => Verdict::of(&json!(report)),
            Some(Err(refusal)) => Verdict::of(&json!(refusal)),
            None => Verdict::of(record),
        }
    }
}

/// Carries out a change as the Management API would. `false`: nothing has this id.
fn apply(world: &mut World, change: &Change) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (change.resource, &change.action) {
        ("resource-servers", ChangeAction::Append { field: "scopes", value }) => {
            let name = text(&value["value"]);
            world.orders.scopes.extend(definitions(&[name.as_str()]));
        }
        ("resource-servers", ChangeAction::Set { field: "allow_offline_access", .. }) => {
            world.orders.allow_offline_access = true;
        }
        ("resource-servers", ChangeAction::Set { field, value }) => {
            let policy = serde_json::from_value(value.clone()).expect("a policy");
            let policies = &mut world.orders.subject_type_authorization;
            match *field {
                "subject_type_authorization.user.policy" => policies.user.policy = policy,
                "subject_type_authorization.client.policy" => policies.client.policy = policy,
                _ => return false,
            }
        }
        ("resource-servers", ChangeAction::Create { value }) => {
            // As the Management API makes one of this body.
            let scopes: Vec<String> =
                value["scopes"].as_array().into_iter().flatten().map(|scope| text(&scope["value"])).collect();
            world.orders = ResourceServer {
                id: "rs_new".into(),
                identifier: text(&value["identifier"]),
                scopes: definitions(&scopes.iter().map(String::as_str).collect::<Vec<_>>()),
                allow_offline_access: value["allow_offline_access"] == true,
                ..ResourceServer::default()
            };
        }
        ("clients", ChangeAction::Append { field: "grant_types", value }) => {
            world.client.grant_types.push(text(value));
        }
        ("client-grants", ChangeAction::Append { value, .. }) => {
            let grant = world.grants.iter_mut().find(|grant| Some(&grant.id) == change.id.as_ref());
            let Some(grant) = grant else { return false };
            grant.scope.push(text(value));
        }
        ("client-grants", ChangeAction::Create { value }) => {
            let grant = serde_json::from_value::<Value>(value.clone()).expect("a body");
            let scope = grant["scope"].as_array().into_iter().flatten().map(text).collect();
            world.grants.push(ClientGrant {
                id: "cgr_new".into(),
                client_id: text(&grant["client_id"]),
                audience: text(&grant["audience"]),
                scope,
                subject_type: serde_json::from_value(grant["subject_type"].clone()).expect("a subject type"),
                allow_all_scopes: false,
            });
        }
        ("users", ChangeAction::Append { value, .. }) => {
            world.permissions.push(text(&value["permission_name"]));
        }
        _ => return false,
    }
    true
}

fn change_of(value: &Value) -> Option<Change> {
    let text = |name: &str| value[name].as_str();
    let known = |name: &str, all: &[&'static str]| all.iter().find(|known| **known == name).copied();
    let fields = [
        "scopes",
        "allow_offline_access",
        "subject_type_authorization.user.policy",
        "grant_types",
        "scope",
        "subject_type_authorization.client.policy",
        "permissions",
    ];
    let resource = known(text("resource")?, &["resource-servers", "clients", "client-grants", "users"])?;
    let field = text("field").and_then(|field| known(field, &fields));
    let of = value["value"].clone();
    let action = match text("action")? {
        "append" => ChangeAction::Append { field: field?, value: of },
        "set" => ChangeAction::Set { field: field?, value: of },
        _ => ChangeAction::Create { value: of },
    };
    Some(Change { resource, id: text("id").map(str::to_owned), action })
}

/// Every change that is proposed for a scope of this record: those of the request, if it was refused, and its own.
fn proposed<'a>(record: &'a Value, entry: &'a Value) -> Report {
    let row = |of: &Value| Row::new("scope", "", "dropped", "").with(of);
    Report { rows: [record, entry].map(row).into(), ..Report::default() }
}

fn granted(record: &Value, scope: &str) -> bool {
    let mut entries = record["entries"].as_array().into_iter().flatten();
    entries.any(|entry| entry["scope"] == scope && entry["outcome"] == "granted")
}

/// The same tenant with every setting as wide as it goes: what is not granted there, no change can grant. Left as
/// they are: whom the tenant trusts (first-party clients, the system's own APIs), and names that are no scopes,
/// which a definition would grant and not help.
fn wide(world: &World, request: &Request, scope: &str) -> World {
    world.clone().with(|world| {
        if ![API, MANAGEMENT, ""].contains(&request.audience) {
            let made = ResourceServer { identifier: request.audience.into(), ..ResourceServer::default() };
            world.orders = made;
        }
        let known: Vec<String> = world.orders.scopes.iter().map(|scope| scope.value.clone()).collect();
        let no_scope = |name: &str| {
            ["user_metadata", "nickname"].contains(&name)
                || known.iter().any(|known| known != name && known.eq_ignore_ascii_case(name))
        };
        let named = request.scopes.iter().chain([&scope]);
        let new = named.filter(|name| !known.iter().any(|known| known == **name));
        let new: Vec<&str> = new.filter(|name| !no_scope(name)).copied().collect();
        world.orders.scopes.extend(definitions(&new));
        world.orders.allow_offline_access = true;
        world.orders.subject_type_authorization.user.policy = AccessPolicy::AllowAll;
        world.orders.subject_type_authorization.client.policy = AccessPolicy::RequireClientGrant;
        world.client.grant_types.push("refresh_token".into());
        world.permissions = owned(&NAMES);
        world.grants = vec![ClientGrant {
            id: "cgr_wide".into(),
            client_id: "CLIENT".into(),
            audience: request.audience.into(),
            scope: Vec::new(),
            subject_type: request.flow.subject(),
            allow_all_scopes: true,
        }];
    })
}

#[test]
fn ten_thousand_requests_over_two_hundred_configurations() {
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &[6; 32]),
    );
    let (mut dropped, mut possible, mut helped, mut replayed) = (0, 0, 0, 0);
    let mut first_failure = None;
    for _ in 0..CONFIGURATIONS {
        let world = world().new_tree(&mut runner).unwrap().current();
        for _ in 0..REQUESTS {
            let request = request().new_tree(&mut runner).unwrap().current();
            let record = request.decide(&world);
            let entries = record["entries"].as_array().unwrap();
            for asked in &request.scopes {
                let of_scope = entries.iter().filter(|entry| entry["scope"] == *asked);
                assert_eq!(of_scope.count(), 1, "{asked} in {record:#}");
            }
            for entry in entries.iter().filter(|entry| entry["outcome"] != "granted") {
                let reason = entry["reason"].as_str().unwrap();
                assert!(reasons::find(reason).is_some(), "{reason} is not in the registry");
                assert!(entry["remedy"].is_string() && entry["says"].is_string(), "{entry:#}");
                dropped += 1;
                // Scripts decide after every setting: what they take away, no setting brings back.
                if !request.scripts.is_empty() {
                    continue;
                }
                let scope = entry["scope"].as_str().unwrap();
                let can = granted(&request.decide(&wide(&world, &request, scope)), scope);
                let report = proposed(&record, entry);
                let changes: Vec<Change> = report.changes().into_iter().filter_map(change_of).collect();
                let mut changed = world.clone();
                let made = changes.iter().filter(|change| apply(&mut changed, change)).count();
                assert_eq!(made, report.changes().len(), "a change that cannot be made: {entry:#}");
                let done = granted(&request.decide(&changed), scope);
                assert!(can || !done, "it was thought that no change can grant {scope}: {record:#}");
                possible += usize::from(can);
                helped += usize::from(done);
                if can && !done {
                    first_failure
                        .get_or_insert_with(|| format!("{scope} of {request:?}\n{record:#}\n{changes:?}"));
                }
            }
            assert_eq!(request.replayed(&world, &record), Verdict::of(&record), "{request:?} {record:#}");
            replayed += 1;
        }
    }
    assert_eq!(replayed, CONFIGURATIONS * REQUESTS);
    assert!(dropped > 10_000 && possible > 3_000, "{dropped} dropped, {possible} with a change");
    // Each case in which some change can grant the scope counts, and the proposed set is applied once.
    let share = helped * 1000 / possible;
    assert!(share >= 950, "helped in {helped} of {possible}; the first that did not: {first_failure:?}");
}
