//! What every authorization is held against, whatever the module: the rules in the introductions of
//! OpenID Connect Core sections 3.1.2.5 to 3.3.3.6 and of the response modes.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_testkit::{Answer, Form};
use serde_json::Value;

use super::op::Ask;

/// What one authorization yielded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) code: Option<String>,
    /// From the front channel, then from the token endpoint.
    pub(crate) access_tokens: Vec<String>,
    /// Texts of the ID tokens, in the same order.
    pub(crate) id_token_texts: Vec<String>,
    /// Their claims.
    pub(crate) id_tokens: Vec<Value>,
    pub(crate) refresh_token: Option<String>,
}

impl Tokens {
    /// The claims of the newest ID token.
    #[track_caller]
    pub(crate) fn id(&self) -> &Value {
        self.id_tokens.last().expect("an ID token")
    }

    /// The newest ID token.
    #[track_caller]
    pub(crate) fn id_text(&self) -> &str {
        self.id_token_texts.last().expect("an ID token")
    }

    #[track_caller]
    pub(crate) fn access_token(&self) -> &str {
        self.access_tokens.last().expect("an access token")
    }

    /// Checks and takes in the body of the token endpoint.
    #[track_caller]
    pub(crate) fn token_response(&mut self, ask: &Ask, body: &Value, issuer: &str, keys: &Value) {
        let access_token = body["access_token"].as_str().expect("an access token").to_owned();
        let id_token = body["id_token"].as_str().expect("an ID token");
        let claims = id_token_claims(ask, id_token, issuer, keys);
        if let Some(at_hash) = claims.get("at_hash") {
            assert_eq!(at_hash, &gatewright_jose::left_half_hash(&access_token));
        }
        if let Some(front) = self.id_tokens.first() {
            // Section 3.3.3.6.
            assert_eq!((&front["iss"], &front["sub"]), (&claims["iss"], &claims["sub"]));
        }
        self.refresh_token = body["refresh_token"].as_str().map(str::to_owned);
        self.access_tokens.push(access_token);
        self.id_token_texts.push(id_token.to_owned());
        self.id_tokens.push(claims);
    }
}

/// The parameters of a successful response, from where they belong and from nowhere else.
#[track_caller]
pub(crate) fn front(ask: &Ask, answer: &Answer) -> BTreeMap<String, String> {
    let params = delivered(ask, answer);
    assert!(!params.contains_key("error"), "{params:?}");
    let mut expected = vec!["state", "iss"];
    for part in ask.response_type.split(' ') {
        expected.extend(match part {
            "code" => &["code"][..],
            "token" => &["access_token", "token_type", "expires_in", "scope"][..],
            _ => &["id_token"][..],
        });
    }
    let unexpected = params.keys().find(|name| !expected.contains(&name.as_str()));
    assert_eq!(unexpected, None, "{params:?}");
    params
}

/// The error that came back to the callback. It carries the state, and neither code nor token.
#[track_caller]
pub(crate) fn error(ask: &Ask, answer: &Answer) -> String {
    let params = delivered(ask, answer);
    let unexpected =
        params.keys().find(|name| !["error", "error_description", "state", "iss"].contains(&name.as_str()));
    assert_eq!(unexpected, None, "{params:?}");
    // RFC 6749 section 4.1.2.1: the characters that an error may be made of.
    let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    assert!(params["error"].chars().all(allowed), "{params:?}");
    assert!(params.get("error_description").is_none_or(|text| text.chars().all(allowed)), "{params:?}");
    params["error"].clone()
}

#[track_caller]
fn delivered(ask: &Ask, answer: &Answer) -> BTreeMap<String, String> {
    let implicit = ask.response_type.split(' ').any(|part| part != "code");
    let params: BTreeMap<String, String> = if ask.form_post {
        let form = Form::of(answer.expect(200));
        // OAuth 2.0 Form Post Response Mode section 2: posted by itself, or by a button.
        assert_eq!(form.action(), ask.rp.callback);
        assert!(answer.body.contains("method=\"post\""), "{}", answer.body);
        assert!(answer.body.contains(".submit()"), "{}", answer.body);
        assert!(answer.body.contains("<button type=\"submit\""), "{}", answer.body);
        assert!(answer.header("cache-control").contains("no-store"));
        form.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    } else {
        let location = answer.expect(302).location();
        let text = location.as_str();
        assert!(text.starts_with(ask.rp.callback), "{text}");
        let (there, elsewhere) = match implicit {
            true => (location.fragment(), location.query()),
            false => (location.query(), location.fragment()),
        };
        assert_eq!(elsewhere, None, "{text}");
        let pairs = url::form_urlencoded::parse(there.expect("parameters").as_bytes()).into_owned();
        pairs.collect()
    };
    assert_eq!(params.get("state"), ask.state.as_ref(), "{params:?}");
    params
}

/// Checks the tokens of a front-channel response.
#[track_caller]
pub(crate) fn tokens_of_front(
    ask: &Ask,
    params: &BTreeMap<String, String>,
    issuer: &str,
    keys: &Value,
) -> Tokens {
    let asked = |part: &str| ask.response_type.split(' ').any(|given| given == part);
    let mut tokens = Tokens { code: params.get("code").cloned(), ..Tokens::default() };
    assert_eq!(tokens.code.is_some(), asked("code"));
    if let Some(code) = &tokens.code {
        // RFC 6749 section 10.10: nobody can guess it.
        assert!(code.len() * 6 >= 128, "a code of 128 bits: {code}");
        assert!(entropy_bits(code) >= 96.0, "96 bits of entropy: {code}");
    }
    if asked("token") {
        let token = params["access_token"].clone();
        assert_eq!(params["token_type"], "Bearer");
        assert!(params["expires_in"].parse::<u32>().unwrap() > 0);
        tokens.access_tokens.push(token);
    }
    if asked("id_token") {
        let claims = id_token_claims(ask, &params["id_token"], issuer, keys);
        // Sections 3.2.2.10 and 3.3.2.11: what travels with the ID token is bound to it.
        let bound = |name: &str, to: Option<&String>| {
            let hash = to.map(|text| gatewright_jose::left_half_hash(text));
            assert_eq!(claims.get(name).and_then(Value::as_str), hash.as_deref(), "{name} in {claims}");
        };
        bound("at_hash", params.get("access_token"));
        bound("c_hash", params.get("code"));
        tokens.id_token_texts.push(params["id_token"].clone());
        tokens.id_tokens.push(claims);
    }
    tokens
}

/// Shannon's measure over the characters of one text.
fn entropy_bits(text: &str) -> f64 {
    let mut counts = BTreeMap::<char, f64>::new();
    text.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
    let length = f64::from(u32::try_from(text.len()).unwrap());
    length * counts.values().map(|count| -(count / length) * (count / length).log2()).sum::<f64>()
}

/// The token endpoint's answer, before its tokens are looked at (RFC 6749 section 5.1).
#[track_caller]
pub(crate) fn token_answer(answer: &Answer) {
    assert!(answer.expect(200).header("content-type").starts_with("application/json"));
    assert!(answer.header("cache-control").contains("no-store"));
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert!(body["expires_in"].as_i64().unwrap() > 0, "{body}");
}

/// Verifies an ID token as a relying party does (section 3.1.3.7) and returns its claims.
#[track_caller]
pub(crate) fn id_token_claims(ask: &Ask, token: &str, issuer: &str, keys: &Value) -> Value {
    let (header, claims) = gatewright_jose::parse_unverified(token).expect("a JWT");
    assert_eq!(header["alg"], "RS256");
    signed_by_one_key(token, &header, keys);
    assert_eq!(claims["iss"], issuer);
    let aud = &claims["aud"];
    assert!(*aud == *ask.rp.client_id || aud.as_array().is_some_and(|all| all.len() == 1), "{claims}");
    let number = |name: &str| claims[name].as_i64().unwrap_or_else(|| panic!("{name} in {claims}"));
    assert!(number("exp") > number("iat"), "{claims}");
    assert!(claims.get("auth_time").is_none_or(|time| time.as_i64().unwrap() <= number("iat")), "{claims}");
    assert!(claims.get("nbf").is_none_or(|time| time.as_i64().unwrap() <= number("iat")), "{claims}");
    assert_eq!(claims.get("nonce").and_then(Value::as_str), ask.nonce.as_deref(), "{claims}");
    assert!(claims.get("azp").is_none_or(|azp| *azp == *ask.rp.client_id), "{claims}");
    subject_is_sound(&claims);
    standard_claims_have_their_types(&claims);
    claims
}

/// Signed with RS256 by exactly one published key.
#[track_caller]
pub(crate) fn signed_by_one_key(token: &str, header: &Value, keys: &Value) {
    let kid = header["kid"].as_str().expect("a kid");
    let found: Vec<&Value> =
        keys["keys"].as_array().unwrap().iter().filter(|key| key["kid"] == kid).collect();
    assert_eq!(found.len(), 1, "one key {kid} in {keys}");
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(found[0][name].as_str().unwrap()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = RsaPublicKeyComponents { n: bytes("n"), e: bytes("e") };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).expect("a good signature");
}

#[track_caller]
fn subject_is_sound(claims: &Value) {
    let sub = claims["sub"].as_str().expect("a sub");
    assert!(!sub.is_empty() && sub.len() <= 255 && sub.is_ascii(), "{sub}");
}

/// Section 5.1.
#[track_caller]
pub(crate) fn standard_claims_have_their_types(claims: &Value) {
    for (name, value) in claims.as_object().unwrap() {
        let right = match name.as_str() {
            "name" | "given_name" | "family_name" | "middle_name" | "nickname" | "preferred_username"
            | "profile" | "picture" | "website" | "email" | "gender" | "birthdate" | "zoneinfo"
            | "locale" | "phone_number" | "acr" | "azp" | "sid" => value.is_string(),
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "updated_at" | "auth_time" | "iat" | "exp" => value.is_i64(),
            "address" => value.as_object().is_some_and(|parts| parts.values().all(Value::is_string)),
            "amr" => value.is_array(),
            _ => true,
        };
        assert!(right, "{name} has the wrong type in {claims}");
    }
}

/// Section 5.3.2.
#[track_caller]
pub(crate) fn userinfo(tokens: &Tokens, answer: &Answer) -> Value {
    assert!(answer.expect(200).header("content-type").starts_with("application/json"));
    let claims = answer.json();
    if let Some(id) = tokens.id_tokens.last() {
        assert_eq!(claims["sub"], id["sub"]);
    }
    subject_is_sound(&claims);
    standard_claims_have_their_types(&claims);
    claims
}
