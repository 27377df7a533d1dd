//! The request that is being put together.

use gatewright_resources::dashboard::administrators::PLAYGROUND;
use url::form_urlencoded::Serializer;

use super::Player;
use crate::problem::Problem;
use crate::sent::Sent;

/// What the form holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) client_id: String,
    pub(super) audience: String,
    pub(super) scope: String,
    pub(super) connection: String,
    pub(super) response_type: String,
    pub(super) prompt: String,
}

/// The parameters that the form puts together.
const NAMES: [&str; 6] = ["client_id", "audience", "scope", "connection", "response_type", "prompt"];

/// Every response type.
pub(super) const RESPONSE_TYPES: &[&str] =
    &["code", "token id_token", "id_token", "token", "code id_token", "code token", "code id_token token"];

/// What the forum's page asked for, which needs two of its scopes written otherwise.
pub(super) const FORUM_SCOPE: &str = "openid profile email user_metadata read:users";
/// The same wish in scopes that a user's token can hold.
pub(super) const CORRECTED_SCOPE: &str =
    "openid profile email read:current_user update:current_user_metadata";

impl Ask {
    /// The request that a query holds; the forum's, if it holds none.
    ///
    /// # Errors
    /// [`Problem::Malformed`]: a parameter is there twice, which `/authorize` refuses (RFC 6749 section 3.1).
    pub(super) fn of(player: &Player, query: &Sent) -> Result<Self, Problem> {
        if query.repeated(&NAMES).is_some() {
            return Err(Problem::Malformed);
        }
        if query.text("client_id").is_none() {
            return Ok(Self::forum(player));
        }
        let text = |name| query.text(name).unwrap_or_default().trim().to_owned();
        let words = |name| text(name).split_whitespace().collect::<Vec<_>>().join(" ");
        let response_type = words("response_type");
        // A scope that was pressed goes behind those that were typed.
        let mut scope = words("scope");
        if let Some(added) = query.some("add") {
            scope = format!("{scope} {added}").trim().to_owned();
        }
        Ok(Self {
            client_id: text("client_id"),
            audience: text("audience"),
            scope,
            connection: text("connection"),
            response_type: if response_type.is_empty() { "code".to_owned() } else { response_type },
            prompt: text("prompt"),
        })
    }

    /// The question of the forum.
    pub(super) fn forum(player: &Player) -> Self {
        Self {
            client_id: PLAYGROUND.client_id.to_owned(),
            audience: player.cx().issuer.management_audience(),
            scope: FORUM_SCOPE.to_owned(),
            connection: "sms".to_owned(),
            response_type: "code".to_owned(),
            prompt: String::new(),
        }
    }

    /// The same request with other scopes.
    pub(super) fn with_scope(&self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self.clone() }
    }

    fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = [
            &self.client_id,
            &self.audience,
            &self.scope,
            &self.connection,
            &self.response_type,
            &self.prompt,
        ];
        NAMES.into_iter().zip(values.map(String::as_str))
    }

    /// As the playground's own query.
    pub(super) fn query(&self) -> String {
        Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }

    /// As parameters of `/authorize`.
    pub(super) fn params(&self, callback: &str) -> Vec<(&'static str, String)> {
        let mut params: Vec<(&'static str, String)> = self
            .pairs()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        params.push(("redirect_uri", callback.to_owned()));
        // A fragment would not reach the server.
        if self.response_type != "code" {
            params.push(("response_mode", "form_post".to_owned()));
        }
        params
    }

    /// Other requests that would not have a dropped scope: the scopes its remedy names instead of it.
    pub(super) fn instead(&self, scope: &str, remedy: &str) -> Option<Self> {
        let names = remedy.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c)));
        let known = gatewright_core::scope::CURRENT_USER_SCOPES;
        let better = names.map(|name| name.trim_end_matches(':')).find(|name| known.contains(name))?;
        let mut wanted: Vec<&str> = Vec::new();
        for one in self.scope.split_whitespace() {
            let one = if one == scope { better } else { one };
            if !wanted.contains(&one) {
                wanted.push(one);
            }
        }
        Some(self.with_scope(&wanted.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::Ask;

    fn ask(scope: &str) -> Ask {
        Ask { client_id: "c".into(), scope: scope.into(), response_type: "token".into(), ..Ask::default() }
    }

    #[test]
    fn a_remedy_that_names_a_scope_can_be_pressed() {
        let asked = ask("openid read:users");
        let better = asked.instead("read:users", "ask for read:current_user, which covers the own account");
        assert_eq!(better.unwrap().scope, "openid read:current_user");
        let asked = ask("read:current_user read:users");
        let better = asked.instead("read:users", "ask for read:current_user.");
        assert_eq!(better.unwrap().scope, "read:current_user");
        assert_eq!(ask("a").instead("a", "add the scope to the API"), None);
    }

    #[test]
    fn answers_without_a_code_are_posted() {
        let params = ask("openid").params("https://x/playground/callback");
        let text: Vec<String> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            text.join(" "),
            "client_id=c scope=openid response_type=token redirect_uri=https://x/playground/callback \
             response_mode=form_post"
        );
    }
}
