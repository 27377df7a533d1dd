//! What came back: the tokens taken apart, and the decision as it was made.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use gatewright_jose::{Expect, parse_unverified, verify};
use serde_json::{Value, json};

use super::Player;
use super::ask::Ask;
use super::claims::TokenView;
use super::show::{remedies, with_remedies};
use crate::api::encoded;
use crate::page::{Blocks, Page, Plain};
use crate::problem::Problem;
use crate::sent::{Query, Sent};
use crate::view::{Notice, Raw, items, pretty, text};
use crate::why::{WhyTable, tables};
use crate::{away, exchange};

/// `GET …/callback`: a code, or a refusal.
pub(super) async fn by_get(player: Player, Query(sent): Query) -> Result<Response, Problem> {
    came_back(player, sent).await
}

/// `POST …/callback`: tokens, by form post. No token of a form is needed: the state is one.
pub(super) async fn by_post(player: Player, body: Bytes) -> Result<Response, Problem> {
    let sent = Sent::parse(&body)?;
    came_back(player, sent).await
}

/// What the page shows.
#[derive(Default)]
struct Shown {
    notices: Vec<Notice>,
    tables: Vec<WhyTable>,
    tokens: Vec<TokenView>,
    raws: Vec<Raw>,
}

async fn came_back(player: Player, sent: Sent) -> Result<Response, Problem> {
    let kept = away::back(player.cx(), sent.text("state").unwrap_or_default()).await?;
    let Some(kept) = kept.filter(|kept| kept["for"] == "playground" && kept["base"] == player.base) else {
        let text = "The answer was shown before, or the request was begun in another browser.".to_owned();
        let link = Some((player.base.to_owned(), "To the playground".to_owned()));
        let notice = Notice { kind: "note", title: "Nothing to show", text, link };
        let shown = Shown { notices: vec![notice], ..Shown::default() };
        return Ok(respond(&player, None, shown));
    };
    let ask = Ask::of(&player, &Sent::parse(text(&kept, "ask").as_bytes())?)?;
    let mut answer = json!({});
    for name in
        ["access_token", "id_token", "token_type", "expires_in", "scope", "error", "error_description"]
    {
        if let Some(value) = sent.text(name) {
            answer[name] = json!(value);
        }
    }
    if let Some(code) = sent.text("code") {
        let redeemed = redeem(&player, &ask, code, text(&kept, "verifier")).await?;
        for (name, value) in redeemed.as_object().into_iter().flatten() {
            answer[name] = value.clone();
        }
    }
    let doubt = doubt(&player, &ask, text(&kept, "nonce"), &answer);
    let mut shown = shown(&player, &ask, &answer).await;
    shown.notices.extend(doubt);
    Ok(respond(&player, Some(&ask), shown))
}

/// Redeems the code as the client would: with its secret, if the administrator may read it.
async fn redeem(player: &Player, ask: &Ask, code: &str, verifier: &str) -> Result<Value, Problem> {
    let path = format!("/clients/{}?fields=", encoded(&ask.client_id));
    let client = player.api.get(format!("{path}token_endpoint_auth_method")).await?;
    // The secret is read only where one is needed: that leaves an event in the logs.
    let secret = match text(&client, "token_endpoint_auth_method") {
        "none" => Value::Null,
        _ => player.api.get(format!("{path}client_secret")).await?,
    };
    let callback = player.callback();
    let redeemed = exchange::Code { code, redirect_uri: &callback, verifier };
    exchange::redeem(player.cx(), &ask.client_id, secret["client_secret"].as_str(), redeemed).await
}

/// What a client has to check of an ID token (OpenID Connect Core section 3.1.3.7), where it does not hold. Tokens
/// under a client's own secret are left to the client.
fn doubt(player: &Player, ask: &Ask, nonce: &str, answer: &Value) -> Option<Notice> {
    let token = answer["id_token"].as_str()?;
    let (header, claims) = parse_unverified(token)?;
    let cx = player.cx();
    let expect =
        Expect { issuer: cx.issuer.as_str(), audience: Some(&ask.client_id), now: cx.now, leeway_seconds: 0 };
    let text = match verify(token, cx.tenant.signing_keys(), &expect) {
        Err(error) if header["alg"] != "HS256" => format!("The ID token does not verify: {error}."),
        _ if claims["nonce"] != nonce => "The ID token has not the nonce that was sent.".to_owned(),
        _ => return None,
    };
    Some(Notice { kind: "bad", title: "This answer is not the one that was asked for", text, link: None })
}

async fn shown(player: &Player, ask: &Ask, answer: &Value) -> Shown {
    let mut shown = Shown::default();
    let (decision, exchange) = decisions(player, ask, answer).await;
    if let Some(error) = answer["error"].as_str() {
        let text = format!("{error}: {}", answer["error_description"].as_str().unwrap_or_default());
        shown.notices.push(Notice { kind: "bad", title: "Refused", text, link: None });
    }
    for (id, title) in [("id_token", "ID token"), ("access_token", "Access token")] {
        if let Some(token) = answer[id].as_str() {
            // A token that was got for a code has its claims from that exchange.
            let origins = [&exchange, &decision].map(|made| items(&made["claims"], id));
            let origins = origins.into_iter().find(|origins| !origins.is_empty()).unwrap_or_default();
            shown.tokens.push(TokenView::of(id, title, token, origins));
        }
    }
    shown.tables = tables(&decision, &remedies(player, ask));
    if let Some(scopes) = shown.tables.first_mut() {
        scopes.rows = with_remedies(player, ask, std::mem::take(&mut scopes.rows));
    }
    shown.raws.push(Raw { title: "The whole answer", text: pretty(answer), open: false });
    shown
}

/// The decisions that the log keeps of this login, and of the exchange of its code.
async fn decisions(player: &Player, ask: &Ask, answer: &Value) -> (Value, Value) {
    let subject = ["id_token", "access_token"]
        .into_iter()
        .find_map(|name| parse_unverified(answer[name].as_str()?))
        .and_then(|(_, claims)| claims["sub"].as_str().map(str::to_owned));
    let Some(user_id) = subject else {
        return (newest(player, ask, "type:(f OR fsa OR s OR feacft)").await, Value::Null);
    };
    let of = format!("user_id:{}", quoted(&user_id));
    let login = newest(player, ask, &format!("{of} AND type:(s OR ssa)")).await;
    if !ask.response_type.split(' ').any(|kind| kind == "code") {
        return (login, Value::Null);
    }
    (login, newest(player, ask, &format!("{of} AND type:seacft")).await)
}

/// The decision of the newest such event of the client. Who may not read the logs sees the tokens all the same.
async fn newest(player: &Player, ask: &Ask, which: &str) -> Value {
    let query = format!("client_id:{} AND {which}", quoted(&ask.client_id));
    let found = player.api.get(format!("/logs?per_page=1&q={}", encoded(&query))).await;
    let newest = found.map(|events| items(&events, "logs").first().cloned()).ok().flatten();
    newest.map_or(Value::Null, |event| event["details"]["decision"].clone())
}

/// A phrase of the query language; a quote in it would end it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace(['"', '\\'], "?"))
}

fn respond(player: &Player, ask: Option<&Ask>, shown: Shown) -> Response {
    let title = "What came back";
    let again = ask.map_or_else(|| player.base.to_owned(), |ask| format!("{}?{}", player.base, ask.query()));
    let mut blocks = Blocks::default();
    shown.notices.iter().for_each(|block| blocks.add(block));
    shown.tables.iter().for_each(|block| blocks.add(block));
    shown.tokens.iter().for_each(|block| blocks.add(block));
    shown.raws.iter().for_each(|block| blocks.add(block));
    match &player.admin {
        Some(admin) => {
            Page::new(admin, player.base, title).back(again, "Playground").blocks(blocks).respond()
        }
        None => {
            Plain::wide(player.cx(), title).back(again, "Playground").blocks(blocks).respond(StatusCode::OK)
        }
    }
}
