//! What people and tools read: tables, JSON, remedies, changes.

use serde_json::json;

use super::tests::{API, MANAGEMENT, World};
use super::*;

#[test]
fn the_request_that_started_it_all() {
    let report = World::new()
        .decide(Flow::Implicit, MANAGEMENT, "openid profile email user_metadata read:users")
        .unwrap();
    assert_eq!(report.scope_text(), "openid profile email");
    insta::assert_snapshot!(report.table(), @r#"
    openid, profile, email  granted  oidc_standard
    user_metadata           dropped  not_defined_on_api    The Management API defines no scope "user_metadata".
                            remedy: it is a field of the profile, not a scope. To let users edit it, ask for update:current_user_metadata; to have it in a token, set a custom claim in an Action.
    read:users              dropped  end_user_token_limit  A user's own token can hold only *:current_user* scopes here.
                            remedy: ask for read:current_user, which covers the user's own account; for other users, from a back end, call the API with the client credentials grant.
    "#);
}

#[test]
fn a_refusal_in_words() {
    let world = World::new().granting(API, SubjectType::Client, "read:orders");
    let refusal = world.decide(Flow::ClientCredentials, API, "read:orders delete:orders").unwrap_err();
    insta::assert_snapshot!(refusal.table(), @r#"
    refused  not_in_client_grant  The grant of the client "My page" for the API "Orders" does not hold "delete:orders".
             remedy: add it to scope of that client grant, or do not ask for it.
    read:orders    refused  request_refused      It could be granted, but another scope of this request was refused.
                   remedy: ask without the scopes that were refused.
    delete:orders  refused  not_in_client_grant  The grant of the client "My page" for the API "Orders" does not hold "delete:orders".
                   remedy: add it to scope of that client grant, or do not ask for it.
    "#);
    let says = "The grant of the client \"My page\" for the API \"Orders\" does not hold \"delete:orders\".";
    let remedy = "add it to scope of that client grant, or do not ask for it.";
    let change = json!({ "resource": "client-grants", "id": "cgr_0", "action": "append", "field": "scope",
                         "value": "delete:orders" });
    assert_eq!(
        serde_json::to_value(&*refusal).unwrap(),
        json!({
            "flow": "client_credentials",
            "audience": API,
            "error": "access_denied",
            "error_description": "Client has not been granted scopes: delete:orders",
            "reason": "not_in_client_grant", "setting": "client_grant.scope", "setting_id": "cgr_0",
            "says": says, "remedy": remedy, "change": change,
            "entries": [
                { "scope": "read:orders", "origin": "requested", "outcome": "refused",
                  "reason": "request_refused", "setting": "request.scope",
                  "says": "It could be granted, but another scope of this request was refused.",
                  "remedy": "ask without the scopes that were refused.", "change": null },
                { "scope": "delete:orders", "origin": "requested", "outcome": "refused",
                  "reason": "not_in_client_grant", "setting": "client_grant.scope", "setting_id": "cgr_0",
                  "says": says, "remedy": remedy, "change": change },
            ],
        })
    );
}

#[test]
fn the_report_as_json() {
    let world = World::new().with(|world| world.orders.enforce_policies = true);
    let report = world.decide(Flow::Code, API, "openid read:orders").unwrap();
    assert_eq!(
        serde_json::to_value(&report).unwrap(),
        json!({
            "flow": "code",
            "audience": { "kind": "api", "identifier": API, "with_userinfo": true },
            "entries": [
                { "scope": "openid", "origin": "requested", "outcome": "granted",
                  "reason": "oidc_standard", "setting": "protocol.openid",
                  "says": "\"openid\" is an OpenID Connect scope and needs no API.",
                  "remedy": null, "change": null },
                { "scope": "read:orders", "origin": "requested", "outcome": "dropped",
                  "reason": "permission_missing", "setting": "user.permissions", "setting_id": "sms|5b5e",
                  "says": "RBAC is on for the API \"Orders\", and the user does not hold the permission \
                           \"read:orders\".",
                  "remedy": "give the user this permission or a role that has it, or switch off enforce_policies \
                             (RBAC) of the API.",
                  "change": { "resource": "users", "id": "sms|5b5e", "action": "append", "field": "permissions",
                              "value": { "resource_server_identifier": API, "permission_name": "read:orders" } } },
            ],
        })
    );
}

#[test]
fn remedies_know_what_people_are_after() {
    let world = World::new();
    let mut text = String::new();
    for (audience, scope) in [
        (MANAGEMENT, "app_metadata"),
        (MANAGEMENT, "identities"),
        (MANAGEMENT, "update:users"),
        (MANAGEMENT, "read:clients"),
        (MANAGEMENT, "read:current-user"),
        (API, "user_metadata"),
        (API, "orders.read"),
        (API, "openid,profile"),
        (API, "nickname"),
        (API, "roles"),
        (API, "print:orders"),
        ("", "created_at"),
        ("", "read:orders"),
    ] {
        let report = world.decide(Flow::Code, audience, scope).unwrap();
        let remedy = report.entries[0].why.remedy.as_deref().unwrap();
        text.push_str(&format!("{scope} @ {audience}: {remedy}\n"));
    }
    insta::assert_snapshot!(text, @r#"
    app_metadata @ https://localhost:8443/api/v2/: it is a field of the profile, not a scope. To let users read it, ask for read:current_user; to have it in a token, set a custom claim in an Action. Only a back end can write it.
    identities @ https://localhost:8443/api/v2/: it is a field of the profile, not a scope. To read it, ask for read:current_user; to link accounts, for update:current_user_identities.
    update:users @ https://localhost:8443/api/v2/: ask for update:current_user_metadata, which covers the user's own account; for other users, from a back end, call the API with the client credentials grant.
    read:clients @ https://localhost:8443/api/v2/: from a back end, call the API with the client credentials grant.
    read:current-user @ https://localhost:8443/api/v2/: ask for read:current_user, which the API defines.
    user_metadata @ https://orders.example/: it is a field of the profile, not a scope. To let users edit it, ask for update:current_user_metadata with audience https://localhost:8443/api/v2/; to have it in a token, set a custom claim in an Action.
    orders.read @ https://orders.example/: ask for read:orders, which the API defines.
    openid,profile @ https://orders.example/: separate scopes with spaces, not commas.
    nickname @ https://orders.example/: it is a claim, not a scope: ask for profile.
    roles @ https://orders.example/: no scope opens it. To have roles in a token, set a custom claim in an Action; for permissions, use RBAC with the token dialect access_token_authz.
    print:orders @ https://orders.example/: add it to scopes of the API "Orders", or ask for one that it defines.
    created_at @ : it is a field of the profile, not a scope. To read it, ask for read:current_user with audience https://localhost:8443/api/v2/.
    read:orders @ : send the parameter audience with the identifier of the API that defines it.
    "#);
}

#[test]
fn changes_name_the_setting_that_would_do_it() {
    let change = |world: &World, flow: Flow<'_>, audience: &str, scope: &str| {
        let change = match world.decide(flow, audience, scope) {
            Ok(report) => report.entries[0].why.change.clone(),
            Err(refusal) => refusal.why.change,
        };
        serde_json::to_value(change).unwrap()
    };
    let world = World::new();
    let machine = Flow::ClientCredentials;
    assert_eq!(
        change(&world, Flow::Code, API, "print:orders"),
        json!({ "resource": "resource-servers", "id": "rs_orders", "action": "append",
                "field": "scopes", "value": { "value": "print:orders" } })
    );
    // No setting turns a profile field, a misspelt scope or a system scope into something right.
    for (audience, scope) in [(API, "user_metadata"), (API, "orders.read"), (MANAGEMENT, "x:y"), (API, "a,b")]
    {
        assert_eq!(change(&world, Flow::Code, audience, scope), json!(null), "{scope}");
    }
    assert_eq!(change(&world, Flow::Code, MANAGEMENT, "read:users"), json!(null));
    assert_eq!(
        change(&world, machine, API, "read:orders read:orders gone"),
        json!({ "resource": "client-grants", "id": null, "action": "create",
                "value": { "client_id": "CLIENT", "audience": API, "scope": ["read:orders", "gone"],
                           "subject_type": "client" } })
    );
    // The grant holds what the API has to define first.
    let refusal = world.decide(machine, API, "read:orders gone").unwrap_err();
    assert_eq!(
        serde_json::to_value(&refusal.why.further).unwrap(),
        json!([{ "resource": "resource-servers", "id": "rs_orders", "action": "append", "field": "scopes",
                 "value": { "value": "gone" } }])
    );
    let granted = world.clone().granting(API, SubjectType::Client, "");
    assert_eq!(
        change(&granted, machine, API, "read:orders"),
        json!({ "resource": "client-grants", "id": "cgr_0", "action": "append",
                "field": "scope", "value": "read:orders" })
    );
    let rbac = world.clone().with(|world| world.orders.enforce_policies = true);
    assert_eq!(
        change(&rbac, Flow::Code, API, "read:orders"),
        json!({ "resource": "users", "id": "sms|5b5e", "action": "append", "field": "permissions",
                "value": { "resource_server_identifier": API, "permission_name": "read:orders" } })
    );
    let closed = world.clone().with(|world| world.orders.allow_offline_access = false);
    assert_eq!(
        change(&closed, Flow::Code, API, "offline_access"),
        json!({ "resource": "resource-servers", "id": "rs_orders", "action": "set",
                "field": "allow_offline_access", "value": true })
    );
    // The system's own APIs cannot be changed.
    assert_eq!(change(&world, Flow::Code, MANAGEMENT, "offline_access"), json!(null));
    assert_eq!(
        change(&world, Flow::Code, "https://new.example/", ""),
        json!({ "resource": "resource-servers", "id": null, "action": "create",
                "value": { "identifier": "https://new.example/" } })
    );
}

#[test]
fn codes_are_distinct_and_of_one_shape() {
    let mut codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Reason::ALL.len());
}

#[test]
fn what_a_request_names_cannot_steer_a_terminal() {
    let report = World::new().decide(Flow::Code, API, "evil\u{1b}[2J\u{7}").unwrap();
    let table = report.table();
    assert!(table.starts_with("evil\\u{1b}[2J\\u{7}  dropped"), "{table}");
    assert!(!table.contains('\u{1b}'));
}
