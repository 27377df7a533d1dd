//! What an API and its access policy let through.

use super::*;

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
