//! Who calls: the bearer token of a request.

use std::sync::Arc;

use gatewright_core::Timestamp;
use gatewright_core::ids::Issuer;
use gatewright_jose::{Expect, SigningKey, VerifyError, verify};
use gatewright_resources::engine::{ApiError, Caller};
use serde_json::Value;

/// Checks the `Authorization` header: a token that this tenant signed for the Management API at the
/// issuer of the request.
///
/// # Errors
/// 401; the text says what is wrong with the token, not more than its holder can read in it.
pub fn authenticate(
    authorization: Option<&str>,
    keys: &[Arc<SigningKey>],
    issuer: &Issuer,
    now: Timestamp,
) -> Result<Caller, ApiError> {
    let token = authorization
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| ApiError::unauthorized("Missing authentication"))?;
    let audience = issuer.management_audience();
    let expect = Expect { issuer: issuer.as_str(), audience: Some(&audience), now, leeway_seconds: 0 };
    let claims = verify(token, keys, &expect).map_err(|error| refusal(error, &audience))?;
    Ok(caller(&claims))
}

fn refusal(error: VerifyError, audience: &str) -> ApiError {
    match error {
        VerifyError::Expired => {
            ApiError::unauthorized("Expired token received for JSON Web Token validation")
        }
        VerifyError::WrongAudience => ApiError::unauthorized(format!("Bad audience: expected {audience}")),
        VerifyError::WrongIssuer => {
            ApiError::unauthorized("Bad issuer: the token was issued at another host")
        }
        _ => ApiError::unauthorized("Invalid token"),
    }
}

fn caller(claims: &Value) -> Caller {
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let (subject, client_id) = (text("sub"), text("azp"));
    Caller {
        // A machine's token names its client as subject; everything else is a user's.
        is_user: subject != format!("{client_id}@clients"),
        scopes: text("scope").split_whitespace().map(str::to_owned).collect(),
        client_name: None,
        subject,
        client_id,
    }
}

#[cfg(test)]
mod tests {
    use super::caller;
    use serde_json::json;

    #[test]
    fn only_a_clients_own_subject_makes_a_machine() {
        let machine = caller(&json!({"sub": "abc@clients", "azp": "abc", "scope": "read:users  read:logs"}));
        assert!(!machine.is_user);
        assert_eq!(machine.scopes, ["read:users", "read:logs"]);
        assert!(caller(&json!({"sub": "sms|1", "azp": "abc"})).is_user);
        assert!(caller(&json!({"sub": "other@clients", "azp": "abc"})).is_user);
        assert!(caller(&json!({"sub": "abc@clients"})).is_user);
        assert!(caller(&json!({})).scopes.is_empty());
    }
}
