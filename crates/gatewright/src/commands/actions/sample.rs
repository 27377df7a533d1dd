//! Events to try a script with, one for each trigger: what an ordinary login, sign-up or token request tells.

use serde_json::{Map, Value, json};

/// An event of the trigger.
pub(super) fn event(trigger: &str) -> Value {
    let own = match trigger {
        "credentials-exchange" => json!({
            "accessToken": {"customClaims": {}, "scope": ["read:things"]},
            "resource_server": resource_server(),
            "transaction": {"requested_scopes": ["read:things"], "target_scopes": ["read:things"]},
        }),
        "pre-user-registration" => json!({
            "connection": connection(), "transaction": transaction(),
            "user": {"email": "ann@example.com", "user_metadata": {}, "app_metadata": {}},
        }),
        "post-user-registration" => {
            json!({"connection": connection(), "transaction": transaction(), "user": user()})
        }
        "post-change-password" => json!({
            "connection": connection(), "transaction": transaction(),
            "user": {"user_id": "auth0|5f7c8ec7c33c6c004bbafe82", "email": "ann@example.com", "email_verified": true,
                "last_password_reset": "2026-01-02T03:04:05.000Z"},
        }),
        "send-phone-message" => json!({
            "user": user(), "transaction": transaction(),
            "message_options": {"action": "second-factor-authentication", "code": "123456", "message_type": "sms",
                "recipient": "+15551234567", "text": "123456 is your verification code"},
        }),
        "custom-phone-provider" => json!({
            "user": user(), "connection": connection(),
            "notification": {"as_text": "123456 is your verification code", "as_voice": "1 2 3 4 5 6 is your verification code",
                "code": "123456", "delivery_method": "text", "locale": "en", "message_type": "otp_verify", "recipient": "+15551234567"},
        }),
        "custom-email-provider" => json!({
            "user": user(), "connection": connection(),
            "notification": {"from": "login@acme.example", "to": "ann@example.com", "subject": "Verify your e-mail",
                "html": "<p>Hello</p>", "text": "Hello", "locale": "en", "message_type": "verify_email"},
        }),
        "custom-token-exchange" => json!({
            "resource_server": resource_server(),
            "transaction": {"subject_token": "the-token", "subject_token_type": "https://acme.example/legacy-token",
                "requested_scopes": ["openid"], "requested_token_type": "urn:ietf:params:oauth:token-type:access_token"},
        }),
        "event-stream" => {
            return json!({"message": {"id": "evt_1", "type": "user.created", "source": "urn:auth0:acme", "specversion": "1.0",
                "time": "2026-01-02T03:04:05.000Z", "data": {"object": user()}}});
        }
        "password-reset-post-challenge" => json!({
            "authentication": authentication(), "authorization": {"roles": []}, "connection": connection(),
            "stats": {"logins_count": 3}, "transaction": transaction(), "user": user(),
        }),
        _ => json!({
            "authentication": authentication(), "authorization": {"roles": ["editor"]}, "connection": connection(),
            "resource_server": resource_server(), "session": session(), "stats": {"logins_count": 3},
            "transaction": transaction(), "user": user(),
        }),
    };
    let mut event = Map::new();
    event.insert("tenant".to_owned(), json!({"id": "acme"}));
    event.insert("request".to_owned(), request());
    if !["post-user-registration", "post-change-password"].contains(&trigger) {
        event.insert("client".to_owned(), client());
    }
    if let Value::Object(own) = own {
        event.extend(own);
    }
    Value::Object(event)
}

/// What a rule is called with.
pub(super) fn rule() -> Value {
    json!({
        "user": user(),
        "context": {
            "tenant": "acme", "clientID": "AaiyAPdpYdesoKnqjj8HJqRn4T5titww", "clientName": "My App", "clientMetadata": {},
            "connection": "Username-Password-Authentication", "connectionID": "con_fpe5kj482KO1eOzQ", "connectionStrategy": "auth0",
            "protocol": "oidc-basic-profile", "stats": {"loginsCount": 3}, "sso": {"with_auth0": false, "current_clients": []},
            "accessToken": {}, "idToken": {}, "authorization": {"roles": ["editor"]}, "sessionID": "jYA5wG32jJ1SfQ4v6G",
            "request": {"ip": "192.0.2.1", "userAgent": "Mozilla/5.0", "hostname": "acme.example", "query": {"scope": "openid profile email"},
                "body": {}, "geoip": {"country_code": "DE", "city_name": "Berlin", "time_zone": "Europe/Berlin"}},
            "authentication": {"methods": [{"name": "pwd", "timestamp": 1_767_323_045_000_i64}]}, "samlConfiguration": {},
        },
    })
}

fn user() -> Value {
    json!({
        "user_id": "auth0|5f7c8ec7c33c6c004bbafe82", "email": "ann@example.com", "email_verified": true, "name": "Ann Example",
        "given_name": "Ann", "family_name": "Example", "nickname": "ann", "picture": "https://cdn.example.com/ann.png",
        "created_at": "2025-01-02T03:04:05.000Z", "updated_at": "2026-01-02T03:04:05.000Z", "app_metadata": {}, "user_metadata": {},
        "identities": [{"connection": "Username-Password-Authentication", "provider": "auth0", "user_id": "5f7c8ec7c33c6c004bbafe82", "isSocial": false}],
        "enrolledFactors": [],
    })
}

fn client() -> Value {
    json!({"client_id": "AaiyAPdpYdesoKnqjj8HJqRn4T5titww", "name": "My App", "metadata": {}})
}

fn connection() -> Value {
    json!({"id": "con_fpe5kj482KO1eOzQ", "name": "Username-Password-Authentication", "strategy": "auth0", "metadata": {}})
}

fn resource_server() -> Value {
    json!({"identifier": "https://api.example.com"})
}

fn authentication() -> Value {
    json!({"methods": [{"name": "pwd", "timestamp": "2026-01-02T03:04:05.000Z"}]})
}

fn session() -> Value {
    json!({
        "id": "jYA5wG32jJ1SfQ4v6G", "user_id": "auth0|5f7c8ec7c33c6c004bbafe82", "authenticated_at": "2026-01-02T03:04:05.000Z",
        "created_at": "2026-01-02T03:04:05.000Z", "updated_at": "2026-01-02T03:04:05.000Z", "cookie": {"mode": "non-persistent"},
        "clients": [{"client_id": "AaiyAPdpYdesoKnqjj8HJqRn4T5titww"}], "metadata": {},
    })
}

fn transaction() -> Value {
    json!({
        "acr_values": [], "locale": "en", "login_hint": "", "prompt": [], "protocol": "oidc-basic-profile",
        "redirect_uri": "https://app.example.com/callback", "requested_scopes": ["openid", "profile", "email"],
        "response_mode": "query", "response_type": ["code"], "state": "AABBccddEEFFGGTTasrs", "ui_locales": [],
    })
}

fn request() -> Value {
    json!({
        "ip": "192.0.2.1", "method": "GET", "hostname": "acme.example", "language": "en",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "query": {"scope": "openid profile email"}, "body": {},
        "geoip": {"continentCode": "EU", "countryCode": "DE", "countryCode3": "DEU", "countryName": "Germany", "cityName": "Berlin",
            "latitude": 52.5, "longitude": 13.4, "timeZone": "Europe/Berlin"},
    })
}
