//! Tables of cases.

use super::*;
use crate::resource_server::{AccessPolicy, ScopeDefinition};

pub(crate) const API: &str = "https://orders.example/";
pub(crate) const MANAGEMENT: &str = "https://localhost:8443/api/v2/";

/// A tenant with one client, one API and the Management API, to be bent by each case.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) tenant: TenantId,
    pub(crate) issuer: Issuer,
    pub(crate) client: Client,
    pub(crate) orders: ResourceServer,
    pub(crate) management: ResourceServer,
    pub(crate) grants: Vec<ClientGrant>,
    pub(crate) permissions: Vec<String>,
    pub(crate) third_party_mode: ThirdPartyMode,
}

pub(crate) fn definitions(scopes: &[&str]) -> Vec<ScopeDefinition> {
    let named = |value: &&str| ScopeDefinition { value: (*value).into(), description: String::new() };
    scopes.iter().map(named).collect()
}

pub(crate) fn strings(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

impl World {
    pub(crate) fn new() -> Self {
        let mut management = definitions(&CURRENT_USER_SCOPES);
        management.extend(definitions(&[
            "read:users",
            "update:users",
            "read:clients",
            "delete:current_user",
        ]));
        Self {
            tenant: TenantId::new("localhost"),
            issuer: Issuer::new("https", "localhost:8443"),
            client: Client {
                client_id: "CLIENT".into(),
                name: "My page".into(),
                app_type: "spa".into(),
                grant_types: strings("implicit authorization_code refresh_token"),
                ..Client::default()
            },
            orders: ResourceServer {
                id: "rs_orders".into(),
                identifier: API.into(),
                name: "Orders".into(),
                scopes: definitions(&["read:orders", "write:orders", "delete:orders"]),
                allow_offline_access: true,
                ..ResourceServer::default()
            },
            management: ResourceServer {
                id: "rs_management".into(),
                identifier: MANAGEMENT.into(),
                scopes: management,
                is_system: true,
                ..ResourceServer::default()
            },
            grants: Vec::new(),
            permissions: Vec::new(),
            third_party_mode: ThirdPartyMode::Strict,
        }
    }

    pub(crate) fn with(mut self, bend: impl FnOnce(&mut Self)) -> Self {
        bend(&mut self);
        self
    }

    pub(crate) fn granting(self, audience: &str, subject_type: SubjectType, scope: &str) -> Self {
        self.with(|world| {
            world.grants.push(ClientGrant {
                id: format!("cgr_{}", world.grants.len()),
                client_id: "CLIENT".into(),
                audience: audience.into(),
                scope: strings(scope),
                subject_type,
                allow_all_scopes: false,
            });
        })
    }

    pub(crate) fn decide(
        &self,
        flow: Flow<'_>,
        audience: &str,
        scope: &str,
    ) -> Result<ScopeReport, Box<ScopeRefusal>> {
        self.with_facts(audience, |facts| {
            decide(&ScopeAsk { scope: Some(scope), audience: Some(audience), flow }, facts)
        })
    }

    /// What is known about a request for this audience.
    pub(crate) fn with_facts<T>(&self, audience: &str, decide: impl FnOnce(&ScopeFacts<'_>) -> T) -> T {
        let apis = [&self.orders, &self.management];
        decide(&ScopeFacts {
            tenant: &self.tenant,
            issuer: &self.issuer,
            client: &self.client,
            third_party_mode: self.third_party_mode,
            api: apis.into_iter().find(|api| api.identifier == audience),
            grants: &self.grants,
            user_id: Some("sms|5b5e"),
            permissions: &self.permissions,
        })
    }
}

/// One line per run of a case: `+scope:reason` granted, `-` dropped, `!` refused, `*` marks a default.
fn line(entries: &[ScopeEntry]) -> String {
    let words = entries.iter().map(|entry| {
        let sign = match entry.outcome {
            Outcome::Granted => "+",
            Outcome::Dropped => "-",
            Outcome::Refused => "!",
        };
        let origin = if entry.origin == Origin::Default { "*" } else { "" };
        format!("{sign}{origin}{}={}", entry.scope, entry.reason().code())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Runs the decision; refusals read `code: text | entries`.
fn check(world: &World, flow: Flow<'_>, audience: &str, scope: &str, expect: &str) {
    let got = match world.decide(flow, audience, scope) {
        Ok(report) => line(&report.entries),
        Err(refusal) => format!("{} | {}", refusal.error, line(&refusal.entries)),
    };
    assert_eq!(got.trim_end(), expect, "flow {}, audience {audience:?}, scope {scope:?}", flow.name());
}

#[test]
fn without_an_api_only_the_openid_set_is_granted() {
    let world = World::new();
    for audience in ["", "https://localhost:8443/userinfo"] {
        check(
            &world,
            Flow::Implicit,
            audience,
            "openid profile email phone address read:orders",
            "+openid=oidc_standard +profile=oidc_standard +email=oidc_standard +phone=oidc_standard \
             +address=oidc_standard -read:orders=no_api_audience",
        );
        let report = world.decide(Flow::Implicit, audience, "openid").unwrap();
        assert_eq!(report.audience, Audience::Opaque);
    }
    check(&world, Flow::Code, "", "", "");
    check(&world, Flow::Password, "", "", "");
}

#[test]
fn an_api_grants_what_it_defines_while_rbac_is_off() {
    check(
        &World::new(),
        Flow::Code,
        API,
        "read:orders nonsense openid",
        "+read:orders=defined_on_api -nonsense=not_defined_on_api +openid=oidc_standard",
    );
}

#[test]
fn with_rbac_a_user_gets_the_permissions_they_hold() {
    let world = World::new().with(|world| {
        world.orders.enforce_policies = true;
        world.permissions = strings("read:orders undefined:here");
    });
    check(
        &world,
        Flow::Code,
        API,
        "read:orders write:orders undefined:here",
        "+read:orders=held_permission -write:orders=permission_missing -undefined:here=not_defined_on_api",
    );
}

#[test]
fn access_policies_for_users() {
    let closed = World::new()
        .with(|world| world.orders.subject_type_authorization.user.policy = AccessPolicy::DenyAll)
        .granting(API, SubjectType::User, "read:orders");
    check(
        &closed,
        Flow::Code,
        API,
        "openid read:orders",
        "access_denied: Client is not authorized to access resource server \"https://orders.example/\". | \
         !openid=api_denies_users !read:orders=api_denies_users",
    );

    let by_grant = World::new()
        .with(|world| world.orders.subject_type_authorization.user.policy = AccessPolicy::RequireClientGrant);
    check(
        &by_grant,
        Flow::Code,
        API,
        "read:orders",
        "access_denied: Client is not authorized to access resource server \"https://orders.example/\". | \
         !read:orders=client_grant_missing",
    );
    // A grant for the wrong kind of token, of another client, or for another API is none.
    let machine = by_grant.clone().granting(API, SubjectType::Client, "read:orders");
    let other_api = by_grant.clone().granting(MANAGEMENT, SubjectType::User, "read:orders");
    let other_client = by_grant
        .clone()
        .granting(API, SubjectType::User, "read:orders")
        .with(|world| world.grants[0].client_id = "OTHER".into());
    for world in [&machine, &other_api, &other_client] {
        let refusal = world.decide(Flow::Code, API, "read:orders").unwrap_err();
        assert_eq!(refusal.why.reason, Reason::ClientGrantMissing);
    }
    let remedy = machine.decide(Flow::Code, API, "read:orders").unwrap_err().why.remedy.unwrap();
    assert!(remedy.ends_with("The grant that exists is for the other subject_type."), "{remedy}");

    let granted = by_grant.granting(API, SubjectType::User, "read:orders gone:scope");
    check(
        &granted,
        Flow::Code,
        API,
        "openid read:orders write:orders gone:scope",
        "+openid=oidc_standard +read:orders=in_client_grant -write:orders=not_in_client_grant \
         -gone:scope=not_defined_on_api",
    );
    // Scopes must be asked for by name here, even where others get everything.
    check(&granted, Flow::Password, API, "", "");
    let all = granted.with(|world| world.grants[0].allow_all_scopes = true);
    check(&all, Flow::Code, API, "write:orders", "+write:orders=in_client_grant");
    let both = all.with(|world| world.orders.enforce_policies = true);
    check(&both, Flow::Code, API, "write:orders", "-write:orders=permission_missing");
}

#[test]
fn an_unknown_audience_is_refused_for_everyone() {
    for flow in [Flow::Implicit, Flow::Code, Flow::Password, Flow::ClientCredentials] {
        check(
            &World::new(),
            flow,
            "https://nowhere.example/",
            "openid",
            "access_denied: Service not found: https://nowhere.example/ | !openid=unknown_api",
        );
    }
    // Identifiers are compared as text, trailing slash included.
    let refusal = World::new().decide(Flow::Code, "https://orders.example", "").unwrap_err();
    assert_eq!((refusal.error.status, refusal.why.reason), (403, Reason::UnknownApi));
}

#[test]
fn facts_of_another_api_are_not_used() {
    let world = World::new();
    let facts = ScopeFacts {
        tenant: &world.tenant,
        issuer: &world.issuer,
        client: &world.client,
        third_party_mode: ThirdPartyMode::Strict,
        api: Some(&world.orders),
        grants: &[],
        user_id: None,
        permissions: &[],
    };
    let ask = |audience| ScopeAsk { scope: Some("read:orders"), audience, flow: Flow::Code };
    let refusal = decide(&ask(Some(MANAGEMENT)), &facts).unwrap_err();
    assert_eq!(refusal.why.reason, Reason::UnknownApi);
    let report = decide(&ask(None), &facts).unwrap();
    assert_eq!((report.audience, report.entries[0].why.reason), (Audience::Opaque, Reason::NoApiAudience));
}

#[test]
fn a_users_token_for_the_management_api_covers_the_own_account_only() {
    let world = World::new().with(|world| world.permissions = strings("read:users update:users")).granting(
        MANAGEMENT,
        SubjectType::User,
        "read:users",
    );
    for flow in [Flow::Implicit, Flow::Hybrid, Flow::Code, Flow::Password] {
        check(
            &world,
            flow,
            MANAGEMENT,
            "openid read:users read:current_user user_metadata delete:current_user",
            "+openid=oidc_standard -read:users=end_user_token_limit +read:current_user=current_user_scope \
             -user_metadata=not_defined_on_api -delete:current_user=end_user_token_limit",
        );
    }
    // RBAC is not applied to the system's own API.
    let rbac = world.clone().with(|world| world.management.enforce_policies = true);
    check(&rbac, Flow::Code, MANAGEMENT, "read:current_user", "+read:current_user=current_user_scope");
    // Without scopes, grants that hold the user's proof get all seven.
    let seven = world.decide(Flow::Password, MANAGEMENT, "").unwrap();
    assert_eq!(seven.granted(), CURRENT_USER_SCOPES);
    assert!(seven.entries.iter().all(|entry| entry.origin == Origin::Default));
    check(&world, Flow::Implicit, MANAGEMENT, "", "");
}

#[test]
fn machine_to_machine() {
    let world = World::new().granting(API, SubjectType::Client, "read:orders write:orders gone:scope");
    let machine = Flow::ClientCredentials;
    check(
        &world,
        machine,
        API,
        "",
        "+*read:orders=in_client_grant +*write:orders=in_client_grant -*gone:scope=not_defined_on_api",
    );
    check(&world, machine, API, "write:orders", "+write:orders=in_client_grant");
    check(
        &world,
        machine,
        API,
        "read:orders delete:orders openid",
        "access_denied: Client has not been granted scopes: delete:orders, openid | \
         !read:orders=request_refused !delete:orders=not_in_client_grant !openid=not_defined_on_api",
    );
    check(
        &world,
        machine,
        MANAGEMENT,
        "read:users",
        "access_denied: Client is not authorized to access \"https://localhost:8443/api/v2/\". You need to \
         create a \"client-grant\" associated to this API. | !read:users=client_grant_missing",
    );
    check(
        &world,
        machine,
        "",
        "read:orders",
        "access_denied: Non-global clients are not allowed access to APIv1 | \
         !read:orders=machine_without_audience",
    );
    // A machine needs its grant whatever the policy, and RBAC is about users.
    let open = world.clone().with(|world| {
        world.orders.subject_type_authorization.client.policy = AccessPolicy::AllowAll;
        world.orders.enforce_policies = true;
    });
    check(&open, machine, API, "read:orders", "+read:orders=in_client_grant");
    let none = open.with(|world| world.grants.clear());
    assert_eq!(none.decide(machine, API, "").unwrap_err().why.reason, Reason::ClientGrantMissing);

    let closed = world
        .clone()
        .with(|world| world.orders.subject_type_authorization.client.policy = AccessPolicy::DenyAll);
    assert_eq!(closed.decide(machine, API, "").unwrap_err().why.reason, Reason::ApiDeniesClients);

    let all = world.with(|world| world.grants[0].allow_all_scopes = true);
    assert_eq!(
        all.decide(machine, API, "").unwrap().granted(),
        ["read:orders", "write:orders", "delete:orders"]
    );

    let management = World::new().granting(MANAGEMENT, SubjectType::Client, "read:users");
    check(&management, machine, MANAGEMENT, "", "+*read:users=in_client_grant");
    let empty = World::new().granting(API, SubjectType::Client, "");
    check(&empty, machine, API, "", "");
}

#[test]
fn offline_access_needs_the_api_and_the_client() {
    let world = World::new();
    let granted = "+offline_access=offline_access_allowed";
    check(&world, Flow::Code, API, "offline_access", granted);
    check(&world, Flow::Hybrid, API, "offline_access", granted);
    check(&world, Flow::Code, "", "offline_access", granted);
    check(&world, Flow::Implicit, API, "offline_access", "-offline_access=offline_access_in_implicit");
    check(&world, Flow::Code, MANAGEMENT, "offline_access", "-offline_access=offline_access_off");
    let public = world.clone().with(|world| world.client.grant_types = strings("authorization_code"));
    check(&public, Flow::Code, API, "offline_access", "-offline_access=refresh_grant_type_missing");
    check(&world, Flow::Code, API, "online_access", "-online_access=online_access_unsupported");
}

#[test]
fn grants_that_hold_the_users_proof_default_to_everything() {
    let world = World::new();
    let orders = "+*read:orders=defined_on_api +*write:orders=defined_on_api +*delete:orders=defined_on_api";
    check(&world, Flow::Password, API, "", orders);
    let oidc = "+openid=oidc_standard +*profile=oidc_standard +*email=oidc_standard +*phone=oidc_standard \
                +*address=oidc_standard";
    check(&world, Flow::Password, API, "openid", &format!("{oidc} {orders}"));
    check(&world, Flow::Password, "", "openid", oidc);
    check(&world, Flow::Password, API, "read:orders", "+read:orders=defined_on_api");
    let rbac = world.with(|world| {
        world.orders.enforce_policies = true;
        world.permissions = strings("write:orders");
    });
    assert_eq!(rbac.decide(Flow::Password, API, "").unwrap().granted(), ["write:orders"]);
}

#[test]
fn a_refresh_narrows_and_never_widens() {
    let world = World::new();
    let original = strings("openid offline_access read:orders");
    let refresh = Flow::Refresh { original: &original };
    check(
        &world,
        refresh,
        API,
        "",
        "+*openid=oidc_standard +*offline_access=offline_access_allowed +*read:orders=defined_on_api",
    );
    check(
        &world,
        refresh,
        API,
        "read:orders write:orders profile",
        "+read:orders=defined_on_api -write:orders=not_in_original_grant -profile=not_in_original_grant",
    );
    // What the user lost since is not renewed.
    let rbac = world.with(|world| world.orders.enforce_policies = true);
    check(&rbac, refresh, API, "read:orders", "-read:orders=permission_missing");
}

#[test]
fn third_party_clients() {
    let strict = World::new().with(|world| world.client.is_first_party = false);
    check(
        &strict,
        Flow::Code,
        API,
        "read:orders",
        "unauthorized_client: Client is not authorized to access resource server \"https://orders.example/\". | \
         !read:orders=client_grant_missing",
    );
    let granted = strict.clone().granting(API, SubjectType::User, "read:orders");
    check(
        &granted,
        Flow::Code,
        API,
        "openid read:orders write:orders offline_access",
        "-openid=third_party_oidc +read:orders=in_client_grant -write:orders=not_in_client_grant \
         +offline_access=offline_access_allowed",
    );
    let management = granted.granting(MANAGEMENT, SubjectType::User, "read:current_user");
    let refusal = management.decide(Flow::Code, MANAGEMENT, "read:current_user").unwrap_err();
    assert_eq!(refusal.why.reason, Reason::ThirdPartySystemApi);
    let permissive = strict.with(|world| world.third_party_mode = ThirdPartyMode::Permissive);
    check(
        &permissive,
        Flow::Code,
        API,
        "openid read:orders",
        "+openid=oidc_standard +read:orders=defined_on_api",
    );
}

#[test]
fn scopes_are_split_at_white_space_and_named_once() {
    let world = World::new();
    let report = world.decide(Flow::Code, API, "  openid\tprofile \n openid  read:orders profile ").unwrap();
    assert_eq!(report.scope_text(), "openid profile read:orders");
    assert_eq!(report.entries.len(), 3);
    assert!(report.grants("profile") && !report.grants("email"));
    // Scopes are case sensitive (RFC 6749 section 3.3).
    check(
        &world,
        Flow::Code,
        API,
        "OpenID Read:Orders",
        "-OpenID=not_defined_on_api -Read:Orders=not_defined_on_api",
    );
}

#[test]
fn the_scope_parameter_has_limits() {
    let world = World::new();
    let many = |n: usize| (0..n).map(|i| format!("s{i}")).collect::<Vec<_>>().join(" ");
    assert_eq!(world.decide(Flow::Code, API, &many(MAX_SCOPES)).unwrap().entries.len(), MAX_SCOPES);
    let repeated = "openid ".repeat(300);
    assert_eq!(world.decide(Flow::Code, API, &repeated).unwrap().granted(), ["openid"]);
    check(
        &world,
        Flow::Code,
        API,
        &many(MAX_SCOPES + 1),
        "invalid_request: scope must not name more than 100 scopes |",
    );
    let longest = "x".repeat(MAX_SCOPE_CHARS);
    assert_eq!(world.decide(Flow::Code, API, &longest).unwrap().entries.len(), 1);
    check(
        &world,
        Flow::Code,
        API,
        &format!("{longest}x"),
        "invalid_request: scope must not exceed 4096 characters |",
    );
}

#[test]
fn userinfo_joins_the_audience_with_openid_and_a_public_key() {
    let with_userinfo = |world: &World, scope: &str| match world.decide(Flow::Code, API, scope) {
        Ok(ScopeReport { audience: Audience::Api { identifier, with_userinfo }, .. }) => {
            assert_eq!(identifier, API);
            with_userinfo
        }
        other => panic!("{other:?}"),
    };
    let mut world = World::new();
    assert!(with_userinfo(&world, "openid"));
    assert!(!with_userinfo(&world, "profile read:orders"));
    for (alg, expect) in [("RS512", true), ("PS256", true), ("HS256", false)] {
        world.orders.signing_alg = alg.into();
        assert_eq!(with_userinfo(&world, "openid"), expect, "{alg}");
    }
}
