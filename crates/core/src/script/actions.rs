//! Commands of Actions and Hooks, as their `api` gave them.

use serde_json::Value;

use super::claims::{self, Token};
use super::{Change, Changes, Halt, NoteReason, ScopeChange, ScriptFacts, Verdict};
use crate::errors::OAuthError;
use crate::mfa::FactorCommand;

/// What one script's commands come to; `by` is the script's name.
pub fn judge(by: &str, commands: &[Value], facts: &ScriptFacts) -> Verdict {
    let mut verdict = Verdict::default();
    for command in commands {
        apply(&mut verdict, by, command, facts);
    }
    verdict
}

fn apply(verdict: &mut Verdict, by: &str, command: &Value, facts: &ScriptFacts) {
    let kind = command["type"].as_str().unwrap_or_default();
    let text = |name: &str| command[name].as_str().unwrap_or_default();
    let scope_change = |change| ScopeChange { by: at_line(by, command), change };
    match kind {
        "access.deny" => verdict.deny(denial(command)),
        "access.rejectInvalidSubjectToken" => {
            let error = OAuthError::invalid_request(text("reason").to_owned());
            verdict.deny(error.because("invalid_subject_token"));
        }
        "validation.error" => {
            let error = OAuthError::new(400, text("code").to_owned(), text("message").to_owned());
            verdict.deny(error.because("script_validation_error"));
        }
        "idToken.setCustomClaim" => claim(verdict, by, command, Token::Id),
        "accessToken.setCustomClaim" => {
            claim(verdict, by, command, Token::Access { system: facts.system_api });
        }
        "accessToken.addScope" => {
            verdict.scopes.push(scope_change(Change::Add { scope: text("scope").to_owned() }));
        }
        "accessToken.removeScope" => {
            verdict.scopes.push(scope_change(Change::Remove { scope: text("scope").to_owned() }));
        }
        "accessToken.setScopes" => {
            let scopes = command["scopes"].as_array().into_iter().flatten();
            let scopes = scopes.filter_map(Value::as_str).map(str::to_owned).collect();
            verdict.scopes.push(scope_change(Change::Set { scopes }));
        }
        "user.setUserMetadata" => {
            verdict.user_metadata.insert(text("name").to_owned(), command["value"].clone());
        }
        "user.setAppMetadata" => {
            verdict.app_metadata.insert(text("name").to_owned(), command["value"].clone());
        }
        "authentication.setPrimaryUser" => verdict.primary_user = Some(text("user_id").to_owned()),
        "authentication.recordMethod" => verdict.methods.push(text("url").to_owned()),
        "redirect.sendUserTo" => redirect(verdict, by, text("url"), facts),
        "multifactor.enable" => {
            verdict.multifactor = Some(text("provider").to_owned());
        }
        "authentication.challengeWith" | "authentication.challengeWithAny" => {
            factors(verdict, command, false, facts);
        }
        "authentication.enrollWith" | "authentication.enrollWithAny" => {
            factors(verdict, command, true, facts);
        }
        "prompt.render" => {
            let text = "Forms are not supported by this server, and an Action asks for one.";
            verdict.deny(OAuthError::access_denied(text).because("forms_not_built"));
        }
        _ if kind.starts_with("session.") => {
            let done = facts.has_session && change(&mut verdict.session, kind, command);
            if !done {
                let reason =
                    if facts.has_session { NoteReason::UnknownCommand } else { NoteReason::NoSession };
                verdict.note(by, kind, "", reason);
            }
        }
        _ if kind.starts_with("refreshToken.") => {
            let done = facts.has_refresh_token && change(&mut verdict.refresh_token, kind, command);
            if !done {
                let known = facts.has_refresh_token;
                let reason = if known { NoteReason::UnknownCommand } else { NoteReason::NoRefreshToken };
                verdict.note(by, kind, "", reason);
            }
        }
        _ if kind.starts_with("samlResponse.") => verdict.note(by, kind, "", NoteReason::NoSaml),
        // It was seen by the scripts themselves.
        "transaction.setMetadata" => {}
        "authentication.setUserById"
        | "authentication.setUserByConnection"
        | "authentication.setOrganization"
        | "authentication.setActor"
        | "transaction.setResultUrl"
        | "notification.drop"
        | "notification.retry" => verdict.others.push(command.clone()),
        _ if kind.starts_with("transaction.") => verdict.others.push(command.clone()),
        _ => verdict.note(by, kind, "", NoteReason::UnknownCommand),
    }
}

/// `access.deny`: with a code where the trigger takes one, else as `access_denied`.
fn denial(command: &Value) -> OAuthError {
    let text = |name: &str| command[name].as_str().unwrap_or_default().to_owned();
    let error = match command["code"].as_str() {
        Some("server_error") => OAuthError::new(500, "server_error", text("reason")),
        Some(code) => OAuthError::new(400, code.to_owned(), text("reason")),
        None => match command["user_message"].as_str() {
            Some(message) => OAuthError::new(400, "invalid_signup", message.to_owned()),
            None => OAuthError::access_denied(text("reason")),
        },
    };
    error.because("denied_by_script")
}

/// A factor is asked for before the next script runs; one script's commands stand in a queue.
fn factors(verdict: &mut Verdict, command: &Value, enroll: bool, facts: &ScriptFacts) {
    // Who may go on only with a second factor must not go on without it.
    if !facts.takes_factors {
        let text = "A second factor is required, which this server does not ask for here.";
        verdict.deny(OAuthError::access_denied(text).because("mfa_not_built"));
        return;
    }
    let named = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(|factor| factor["type"].as_str()).map(str::to_owned).collect()
    };
    let mut factors = named(&command["factors"]);
    factors.extend(named(&command["additional_factors"]));
    let command = FactorCommand { enroll, factors };
    match &mut verdict.halt {
        Some(Halt::Denied(_)) => {}
        Some(Halt::Factors(queue)) => queue.push(command),
        Some(Halt::Redirect { .. }) => verdict.deny(both()),
        None => verdict.halt = Some(Halt::Factors(vec![command])),
    }
}

/// One page at a time: what comes first is not said.
fn both() -> OAuthError {
    let text = "An Action asks for a second factor and sends the browser elsewhere at once.";
    OAuthError::access_denied(text).because("mfa_with_redirect")
}

fn claim(verdict: &mut Verdict, by: &str, command: &Value, token: Token) {
    let name = command["name"].as_str().unwrap_or_default();
    let claims = match token {
        Token::Id => &mut verdict.id_token,
        Token::Access { .. } => &mut verdict.access_token,
    };
    let done =
        claims::allowed(name, token).and_then(|()| claims::insert(claims, name, command["value"].clone()));
    let what = match token {
        Token::Id => "id_token",
        Token::Access { .. } => "access_token",
    };
    if let Err(reason) = done {
        let kind = command["type"].as_str().unwrap_or_default();
        verdict.note(by, kind, name, reason);
    } else {
        verdict.note_set(&at_line(by, command), what, name);
    }
}

/// The script, and the line that gave the command where the engine knows it.
fn at_line(by: &str, command: &Value) -> String {
    command["line"].as_u64().map_or_else(|| by.to_owned(), |line| format!("{by}, line {line}"))
}

/// Where no browser can be sent elsewhere, the login cannot go on without what it was sent for.
pub(super) fn redirect(verdict: &mut Verdict, by: &str, url: &str, facts: &ScriptFacts) {
    if matches!(verdict.halt, Some(Halt::Factors(_))) {
        verdict.deny(both());
    } else if facts.can_redirect {
        verdict.halt = Some(Halt::Redirect { url: url.to_owned(), by: by.to_owned() });
    } else {
        let error = OAuthError::new(403, "interaction_required", "Interaction required");
        verdict.deny(error.because("script_redirect_impossible"));
    }
}

/// A command about a session or a refresh token; `false` if it is none.
fn change(changes: &mut Changes, kind: &str, command: &Value) -> bool {
    let (text, at_ms) = (|name: &str| command[name].as_str().unwrap_or_default(), command["at_ms"].as_i64());
    match (kind.split_once('.').map_or("", |(_, method)| method), at_ms) {
        ("revoke", _) => {
            changes.revoke = Some(text("reason").to_owned());
            changes.preserve_refresh_tokens = command["options"]["preserveRefreshTokens"] == true;
        }
        ("setExpiresAt", Some(at_ms)) => Changes::at_latest(&mut changes.expires_at_ms, at_ms),
        ("setIdleExpiresAt", Some(at_ms)) => Changes::at_latest(&mut changes.idle_expires_at_ms, at_ms),
        ("setCookieMode", _) => changes.persistent = Some(text("mode") == "persistent"),
        ("setMetadata", _) => {
            changes.metadata.insert(text("name").to_owned(), command["value"].clone());
        }
        ("deleteMetadata", _) => {
            changes.metadata.insert(text("name").to_owned(), Value::Null);
        }
        ("evictMetadata", _) => {
            changes.evict_metadata = true;
            changes.metadata.clear();
        }
        _ => return false,
    }
    true
}
