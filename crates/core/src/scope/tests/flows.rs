//! What differs by flow: machines, refresh tokens, grants that hold the user's proof, third parties.

use super::*;

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
