//! Laws that hold for every request, every tenant and every flow.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::tests::{API, MANAGEMENT, World, definitions};
use super::*;
use crate::resource_server::AccessPolicy;

const NAMES: [&str; 16] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "online_access",
    "read:orders",
    "write:orders",
    "delete:orders",
    "read:users",
    "update:users",
    "read:current_user",
    "update:current_user_metadata",
    "user_metadata",
    "nickname",
    "a,b",
    "READ:ORDERS",
];

const AUDIENCES: [&str; 5] =
    [API, MANAGEMENT, "", "https://localhost:8443/userinfo", "https://nowhere.example/"];

#[derive(Clone, Debug)]
struct Request {
    world: World,
    flow: Flow<'static>,
    audience: &'static str,
    scopes: Vec<&'static str>,
}

impl Request {
    fn decide(&self) -> Result<ScopeReport, Box<ScopeRefusal>> {
        self.world.decide(self.flow, self.audience, &self.scopes.join(" "))
    }

    fn granted(&self) -> Vec<String> {
        self.decide().map(|r| r.granted().into_iter().map(str::to_owned).collect()).unwrap_or_default()
    }
}

fn names() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(NAMES.to_vec(), 0..NAMES.len())
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn policy() -> impl Strategy<Value = AccessPolicy> {
    use AccessPolicy::{AllowAll, DenyAll, RequireClientGrant};
    // Mostly open, or nearly every request would be refused.
    select(vec![AllowAll, AllowAll, AllowAll, RequireClientGrant, RequireClientGrant, DenyAll])
}

fn grant() -> impl Strategy<Value = ClientGrant> {
    let subject = select(vec![SubjectType::User, SubjectType::Client]);
    let audience = select(vec![API, MANAGEMENT]);
    let client = select(vec!["CLIENT", "CLIENT", "CLIENT", "OTHER"]);
    (names(), subject, audience, client, proptest::bool::weighted(0.2)).prop_map(
        |(scope, subject_type, audience, client, allow_all_scopes)| ClientGrant {
            id: "cgr".into(),
            client_id: client.into(),
            audience: audience.into(),
            scope: owned(scope),
            subject_type,
            allow_all_scopes,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let api = (names(), any::<bool>(), any::<bool>(), policy(), policy());
    let client = (any::<bool>(), any::<bool>(), any::<bool>());
    let grants = proptest::collection::vec(grant(), 0..4);
    (api, client, grants, names(), any::<bool>()).prop_map(|(api, client, grants, held, management_rbac)| {
        World::new().with(|world| {
            let (defined, enforce_policies, offline, user_policy, client_policy) = api;
            world.orders.scopes = definitions(&defined);
            world.orders.enforce_policies = enforce_policies;
            world.orders.allow_offline_access = offline;
            world.management.enforce_policies = management_rbac;
            for api in [&mut world.orders, &mut world.management] {
                api.subject_type_authorization.user.policy = user_policy;
                api.subject_type_authorization.client.policy = client_policy;
            }
            let (first_party, permissive, refresh) = client;
            world.client.is_first_party = first_party;
            world.third_party_mode =
                if permissive { ThirdPartyMode::Permissive } else { ThirdPartyMode::Strict };
            if !refresh {
                world.client.grant_types.clear();
            }
            world.grants = grants;
            world.permissions = owned(held);
        })
    })
}

fn flow() -> impl Strategy<Value = Flow<'static>> {
    // A refresh borrows what was granted before; one fixed list serves, the laws are about the rest.
    static ORIGINAL: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| owned(vec!["openid", "read:orders", "read:users", "user_metadata"]));
    let refresh = Flow::Refresh { original: &ORIGINAL };
    select(vec![Flow::Code, Flow::Implicit, Flow::Hybrid, Flow::Password, Flow::ClientCredentials, refresh])
}

fn request() -> impl Strategy<Value = Request> {
    let scopes = names().prop_shuffle();
    (world(), flow(), select(AUDIENCES.to_vec()), scopes)
        .prop_map(|(world, flow, audience, scopes)| Request { world, flow, audience, scopes })
}

fn is_oidc(scope: &str) -> bool {
    OIDC_SCOPES.contains(&scope) || scope == OFFLINE_ACCESS
}

fn subset(fewer: &[String], more: &[String]) -> bool {
    fewer.iter().all(|scope| more.contains(scope))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_requested_scope_appears_exactly_once_in_order(request in request(), echo in 0..3usize) {
        // Said twice, a scope still appears once.
        let said = [request.scopes.clone(), request.scopes.iter().take(echo).copied().collect()].concat();
        let (entries, refused) = match request.world.decide(request.flow, request.audience, &said.join("  ")) {
            Ok(report) => (report.entries, false),
            Err(refusal) => (refusal.entries, true),
        };
        let requested = entries.iter().filter(|entry| entry.origin == Origin::Requested);
        let requested: Vec<&str> = requested.map(|entry| entry.scope.as_str()).collect();
        prop_assert_eq!(&requested, &request.scopes);
        let mut all: Vec<&str> = entries.iter().map(|entry| entry.scope.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len(), entries.len(), "a default repeats a scope");
        for entry in &entries {
            prop_assert_eq!(entry.outcome == Outcome::Granted, entry.why.remedy.is_none());
            prop_assert_eq!(refused, entry.outcome == Outcome::Refused);
            prop_assert!(!entry.why.says.is_empty());
        }
    }

    #[test]
    fn nothing_undefined_is_granted(request in request()) {
        let api = [&request.world.orders, &request.world.management];
        let api = api.into_iter().find(|api| api.identifier == request.audience);
        for scope in request.granted() {
            let user = request.flow.subject() == SubjectType::User;
            prop_assert!(api.is_some_and(|api| api.defines(&scope)) || (user && is_oidc(&scope)), "{}", scope);
        }
    }

    #[test]
    fn fewer_permissions_never_grant_more(request in request(), keep in names()) {
        let more = request.granted();
        let mut fewer = request;
        fewer.world.permissions.retain(|held| keep.contains(&held.as_str()));
        prop_assert!(subset(&fewer.granted(), &more));
    }

    #[test]
    fn a_smaller_grant_never_grants_more(request in request(), keep in names()) {
        let more = request.granted();
        let mut fewer = request;
        for grant in &mut fewer.world.grants {
            grant.scope.retain(|scope| keep.contains(&scope.as_str()));
        }
        prop_assert!(subset(&fewer.granted(), &more));
        fewer.world.grants.clear();
        prop_assert!(subset(&fewer.granted(), &more));
    }

    #[test]
    fn an_api_that_defines_less_never_grants_more(request in request(), keep in names()) {
        let more = request.granted();
        let mut fewer = request;
        fewer.world.orders.scopes.retain(|definition| keep.contains(&definition.value.as_str()));
        prop_assert!(subset(&fewer.granted(), &more));
    }

    #[test]
    fn a_users_management_token_is_about_the_user_only(mut request in request()) {
        request.audience = MANAGEMENT;
        prop_assume!(request.flow.subject() == SubjectType::User);
        for scope in request.granted() {
            prop_assert!(is_oidc(&scope) || CURRENT_USER_SCOPES.contains(&scope.as_str()), "{}", scope);
        }
    }

    #[test]
    fn a_machine_gets_nothing_that_its_own_grant_lacks(mut request in request()) {
        request.flow = Flow::ClientCredentials;
        request.audience = API;
        // One stray scope refuses the whole request: ask for little, or nothing is ever granted.
        request.scopes.retain(|scope| scope.ends_with(":orders"));
        request.scopes.truncate(1);
        let own = request.world.grants.iter().find(|grant| {
            grant.client_id == "CLIENT"
                && grant.subject_type == SubjectType::Client
                && grant.audience == request.audience
        });
        for scope in request.granted() {
            prop_assert!(own.is_some_and(|own| own.allow_all_scopes || own.scope.contains(&scope)), "{}", scope);
        }
    }

    #[test]
    fn any_text_is_decided_or_refused(scope in "\\PC{0,200}", audience in "\\PC{0,20}") {
        let _ = World::new().decide(Flow::Code, &audience, &scope).map(|report| report.table());
        let report = World::new().decide(Flow::Code, API, &scope);
        if let Ok(report) = report {
            prop_assert!(report.granted().iter().all(|s| is_oidc(s) || s.ends_with(":orders")));
        }
    }
}
