//! The second factors that a row brings. They count as proved elsewhere.

use gatewright_core::Timestamp;
use gatewright_core::mfa::{Factor, otp};
use gatewright_store::{StoreError, Tx};
use serde_json::{Map, Value};

use super::Import;
use super::row::RowError;
use crate::authenticators::{self, Proof};
use crate::engine::format::Format;

/// At most so many.
const MOST: usize = 10;

/// Reads them; a factor that is not built refuses the row, so that nobody loses one silently.
pub(super) fn read(body: &Map<String, Value>) -> Result<Vec<Proof>, RowError> {
    let Some(Value::Array(items)) = body.get("mfa_factors") else { return Ok(Vec::new()) };
    if items.len() > MOST {
        return Err(RowError::of("ARRAY_LENGTH_LONG", "mfa_factors", "At most 10 factors"));
    }
    let mut proofs: Vec<Proof> = Vec::new();
    for item in items {
        let proof =
            proof(item).map_err(|problem| RowError::of("MFA_FACTORS_FAILED", "mfa_factors", problem))?;
        if proofs.iter().any(|other| other.factor() == proof.factor()) {
            let problem = "Unable to import MFA factors: one of each type at most";
            return Err(RowError::of("MFA_FACTORS_FAILED", "mfa_factors", problem));
        }
        proofs.push(proof);
    }
    Ok(proofs)
}

fn proof(item: &Value) -> Result<Proof, &'static str> {
    let Some((kind, factor)) =
        item.as_object().filter(|item| item.len() == 1).and_then(|item| item.iter().next())
    else {
        return Err("Unable to import MFA factors: each is an object with one of totp, phone");
    };
    let text = |name: &str| factor[name].as_str();
    match kind.as_str() {
        "totp" => {
            let secret = text("secret").and_then(otp::from_base32).filter(|secret| !secret.is_empty());
            secret.map(Proof::Otp).ok_or("Unable to import MFA factors: totp.secret is no base32")
        }
        "phone" => {
            let number = text("value").filter(|number| Format::Phone.matches(number));
            let number = number.ok_or("Unable to import MFA factors: phone.value is no phone number")?;
            Ok(Proof::Phone(number.to_owned()))
        }
        "email" => Err("Unable to import MFA factors: e-mail is not built, so the user was not imported"),
        _ => Err("Unable to import MFA factors: each is one of totp, phone"),
    }
}

/// Keeps those that the user has not.
pub(super) async fn store(
    tx: &mut Tx,
    import: &Import,
    user_id: &str,
    proofs: &[Proof],
    now: Timestamp,
) -> Result<(), StoreError> {
    if proofs.is_empty() {
        return Ok(());
    }
    let enrolled = authenticators::of_user(tx, &import.tenant, user_id).await?;
    let has = |factor: Factor| enrolled.iter().any(|found| found.factor == factor);
    for proof in proofs.iter().filter(|proof| !has(proof.factor())) {
        let keys = (&*import.master_key, &import.random);
        authenticators::insert(tx, &import.tenant, keys, user_id, proof, (now, false)).await?;
    }
    Ok(())
}
