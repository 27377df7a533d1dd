//! `api.cache`: what Actions keep between runs, best effort, for each tenant and trigger.
//!
//! It is a cache in the memory of one node, as at Auth0: what is lost is asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::HostError;

/// Life of an entry that does not say, in milliseconds: 15 minutes.
const DEFAULT_TTL_MS: i64 = 15 * 60 * 1000;
/// The longest life, in milliseconds: a day.
const MAX_TTL_MS: i64 = 24 * 60 * 60 * 1000;
/// Most entries of one trigger.
const MAX_ENTRIES: usize = 20;
/// Most bytes of a key, of a value, and of all of one trigger's.
const MAX_BYTES: (usize, usize, usize) = (64, 4096, 8192);
/// Most caches that are held; beyond, all are forgotten.
const MAX_CACHES: usize = 10_000;

/// The caches of all tenants.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<(String, String), Vec<Entry>>>);

#[derive(Debug)]
struct Entry {
    key: String,
    value: String,
    expires_at_ms: i64,
}

impl Cache {
    /// Answers `cache.get`, `cache.set` and `cache.delete`; `now_ms` counts from 1970.
    ///
    /// # Errors
    /// A key or a value is too long.
    pub fn call(
        &self,
        (tenant, trigger): (&str, &str),
        method: &str,
        args: &Value,
        now_ms: i64,
    ) -> Result<Value, HostError> {
        let key = args["key"].as_str().unwrap_or_default();
        let mut caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if caches.len() > MAX_CACHES {
            caches.clear();
        }
        let entries = caches.entry((tenant.to_owned(), trigger.to_owned())).or_default();
        entries.retain(|entry| entry.expires_at_ms > now_ms);
        match method {
            "get" => {
                let found = entries.iter().find(|entry| entry.key == key);
                Ok(found.map_or(
                    Value::Null,
                    |entry| json!({ "value": entry.value, "expires_at": entry.expires_at_ms }),
                ))
            }
            "set" => {
                let value = args["value"].as_str().ok_or_else(|| HostError::new("value must be a string"))?;
                let (longest_key, longest_value, most) = MAX_BYTES;
                if key.is_empty() || key.len() > longest_key {
                    return Err(HostError::new(format!("key must have 1 to {longest_key} bytes")));
                }
                if value.len() > longest_value {
                    return Err(HostError::new(format!("value may have {longest_value} bytes")));
                }
                let asked = args["expires_at"]
                    .as_i64()
                    .or_else(|| Some(now_ms.saturating_add(args["ttl"].as_i64()?)));
                let expires_at_ms = asked.unwrap_or(now_ms + DEFAULT_TTL_MS).min(now_ms + MAX_TTL_MS);
                entries.retain(|entry| entry.key != key);
                let size = |entry: &Entry| entry.key.len() + entry.value.len();
                while entries.len() >= MAX_ENTRIES
                    || entries.iter().map(size).sum::<usize>() + key.len() + value.len() > most
                {
                    entries.remove(0);
                }
                entries.push(Entry { key: key.to_owned(), value: value.to_owned(), expires_at_ms });
                Ok(json!({ "type": "success" }))
            }
            "delete" => {
                entries.retain(|entry| entry.key != key);
                Ok(json!({ "type": "success" }))
            }
            _ => Err(HostError::new(format!("cache.{method} is not a function"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_live_and_are_bounded() {
        let cache = Cache::default();
        let call = |method: &str, args: Value, now| cache.call(("t", "post-login"), method, &args, now);
        assert_eq!(call("get", json!({"key": "a"}), 0).unwrap(), Value::Null);
        call("set", json!({"key": "a", "value": "1", "ttl": 100}), 0).unwrap();
        assert_eq!(call("get", json!({"key": "a"}), 99).unwrap(), json!({"value": "1", "expires_at": 100}));
        assert_eq!(call("get", json!({"key": "a"}), 100).unwrap(), Value::Null);
        assert!(call("set", json!({"key": "k".repeat(65), "value": ""}), 0).is_err());
        assert!(call("set", json!({"key": "k", "value": "v".repeat(4097)}), 0).is_err());
        call("set", json!({"key": "a", "value": "1", "ttl": i64::MAX}), 1).unwrap();
        assert_eq!(call("get", json!({"key": "a"}), 1).unwrap()["expires_at"], 1 + MAX_TTL_MS);
        for number in 0..30 {
            call("set", json!({"key": format!("k{number}"), "value": "v".repeat(1000)}), 0).unwrap();
        }
        assert_eq!(call("get", json!({"key": "k0"}), 1).unwrap(), Value::Null);
        assert_ne!(call("get", json!({"key": "k29"}), 1).unwrap(), Value::Null);
        call("delete", json!({"key": "k29"}), 1).unwrap();
        assert_eq!(call("get", json!({"key": "k29"}), 1).unwrap(), Value::Null);
        assert_eq!(
            cache.call(("other", "post-login"), "get", &json!({"key": "k28"}), 1).unwrap(),
            Value::Null
        );
    }
}
