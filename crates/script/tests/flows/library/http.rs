//! Requests: `fetch` and the packages on top of it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright_script::HostError;
use serde_json::{Value, json};

use super::parse;
use crate::common::*;

/// Answers with what it was asked, as JSON; some hosts fail in their own way.
fn echo() -> Arc<TestHost> {
    TestHost::new(|call| {
        assert_eq!(call.name, "fetch");
        let text = |name: &str| call.args[name].as_str().unwrap_or_default().to_owned();
        let url = text("url");
        if url.contains("refused.example") {
            return Err(HostError {
                code: Some("ECONNREFUSED".into()),
                message: "connect ECONNREFUSED".into(),
            });
        }
        let body = String::from_utf8(STANDARD.decode(text("body_base64")).unwrap()).unwrap();
        let status = url.split("status=").nth(1).and_then(|rest| rest[..3].parse().ok()).unwrap_or(200);
        let mut answer =
            json!({"url": url, "method": text("method"), "headers": call.args["headers"], "body": body});
        if url.contains("/oauth/token") {
            answer = json!({"access_token": "the-token"});
        }
        if url.ends_with("/jwks.json") {
            answer = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]});
        }
        Ok(json!({
            "status": status, "status_text": "Said So", "url": url,
            "headers": [["Content-Type", "application/json"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]],
            "body_base64": STANDARD.encode(answer.to_string()),
        }))
    })
}

fn shown(body: &str) -> Vec<Value> {
    let preamble = "const show = (v) => console.log(JSON.stringify(v) ?? 'null'); const header = (v, n) => (v.headers.find(([k]) => k.toLowerCase() === n) ?? [])[1];";
    parse(console_with(post_login(&format!("{preamble} {body}")), echo()))
}

#[test]
fn fetch_asks_the_host() {
    let found = shown(
        "const r = await fetch('https://api.example/x?q=1', {method: 'post', headers: {'X-A': 'b'}, body: new URLSearchParams({a: 'ü'})});
        const got = await r.json();
        show([r.status, r.ok, r.statusText, r.url, r.headers.get('content-type'), r.headers.getSetCookie()]);
        show([got.method, got.body, header(got, 'x-a'), header(got, 'content-type')]);
        try { await r.text(); } catch (e) { show(e.message); }
        show((await (await fetch(new Request('https://api.example/y'))).text()).includes('\"GET\"'));
        try { await fetch('https://refused.example/'); } catch (e) { show([e.name, e.message, e.cause.code]); }
        try { await fetch('/relative'); } catch (e) { show(e.message); }
        const c = new AbortController(); c.abort();
        try { await fetch('https://api.example/', {signal: c.signal}); } catch (e) { show(e.name); }
        const form = new FormData(); form.append('f', new Blob(['data'], {type: 'text/plain'}), 'f.txt');
        const sent = await (await fetch('https://api.example/', {method: 'POST', body: form})).json();
        show(/^multipart\\/form-data; boundary=/.test(header(sent, 'content-type')) && sent.body.includes('filename=\"f.txt\"'));
        show(await Response.json({a: 1}).json());
        const h = new Headers({b: '1'}); h.append('B', '2'); show([...h]);",
    );
    assert_eq!(
        found,
        [
            json!([200, true, "Said So", "https://api.example/x?q=1", "application/json", ["a=1", "b=2"]]),
            json!(["POST", "a=%C3%BC", "b", "application/x-www-form-urlencoded;charset=UTF-8"]),
            json!("Body is unusable: Body has already been read"),
            json!(true),
            json!(["TypeError", "fetch failed", "ECONNREFUSED"]),
            json!("Failed to parse URL from /relative"),
            json!("AbortError"),
            json!(true),
            json!({"a": 1}),
            json!([["b", "1, 2"]]),
        ]
    );
}

#[test]
fn axios() {
    let found = shown(
        "const axios = require('axios');
        const r = await axios.post('https://api.example/x', {a: 1}, {params: {q: 'ü'}, headers: {'X-A': 'b'}});
        show([r.status, r.data.method, r.data.url, r.data.body, header(r.data, 'content-type'), r.headers['content-type']]);
        show((await axios('https://api.example/y')).data.method);
        show((await axios({url: '/z', baseURL: 'https://api.example', method: 'put', data: 'text'})).data.body);
        try { await axios.get('https://api.example/?status=404'); }
        catch (e) { show([e.name, e.message, e.code, e.isAxiosError, axios.isAxiosError(e), e.response.status, e.response.data.method]); }
        try { await axios.get('https://refused.example/'); } catch (e) { show([e.code, e.message, e.response === undefined]); }
        const client = axios.create({baseURL: 'https://api.example/v1', timeout: 1000});
        client.interceptors.request.use((c) => { c.headers.Authorization = 'Bearer t'; return c; });
        client.interceptors.response.use((r) => r.data);
        const data = await client.delete('/thing'); show([data.url, header(data, 'authorization'), data.method]);
        show((await axios.get('https://api.example/?status=500', {validateStatus: null})).status);
        show((await axios.get('https://api.example/', {auth: {username: 'u', password: 'p'}})).data.headers.some(([, v]) => v === 'Basic dTpw'));
        show((await axios.get('https://api.example/', {responseType: 'arraybuffer'})).data instanceof Buffer);",
    );
    assert_eq!(
        found,
        [
            json!([
                200,
                "POST",
                "https://api.example/x?q=%C3%BC",
                "{\"a\":1}",
                "application/json",
                "application/json"
            ]),
            json!("GET"),
            json!("text"),
            json!([
                "AxiosError",
                "Request failed with status code 404",
                "ERR_BAD_REQUEST",
                true,
                true,
                404,
                "GET"
            ]),
            json!(["ECONNREFUSED", "connect ECONNREFUSED", true]),
            json!(["https://api.example/v1/thing", "Bearer t", "DELETE"]),
            json!(500),
            json!(true),
            json!(true),
        ]
    );
}

#[test]
fn request_and_its_promises() {
    let found = shown(
        "const request = require('request'); const rp = require('request-promise');
        const call = (o) => new Promise((r) => request(o, (e, res, body) => r([e && e.code, res && res.statusCode, body])));
        show((await call({url: 'https://api.example/a', qs: {b: 'c d'}, json: true})).map((v) => v && v.url || v));
        const [, , posted] = await call({method: 'POST', uri: 'https://api.example/', json: {x: 1}});
        show([posted.body, header(posted, 'content-type')]);
        show((await call('https://refused.example/'))[0]);
        show(await new Promise((r) => request.post('https://api.example/', {form: {a: 1}}, (e, res) => r(JSON.parse(res.body).body))));
        show((await rp({uri: 'https://api.example/', json: true, auth: {bearer: 't'}})).headers.some(([, v]) => v === 'Bearer t'));
        try { await rp('https://api.example/?status=404'); } catch (e) { show([e.name, e.statusCode]); }
        show(await new Promise((r) => request.defaults({baseUrl: 'https://api.example/v2'}).get('/u', (e, res, b) => r(JSON.parse(b).url))));",
    );
    assert_eq!(
        found,
        [
            json!([null, 200, "https://api.example/a?b=c%20d"]),
            json!(["{\"x\":1}", "application/json"]),
            json!("ECONNREFUSED"),
            json!("a=1"),
            json!(true),
            json!(["StatusCodeError", 404]),
            json!("https://api.example/v2/u"),
        ]
    );
}

#[test]
fn other_clients() {
    let found = shown(
        "show((await (await require('node-fetch')('https://api.example/f')).json()).url);
        show((await require('got')('https://api.example/g', {searchParams: {a: 1}}).json()).url);
        show((await require('got').post('https://api.example/g', {json: {b: 2}, responseType: 'json'})).body.body);
        try { await require('got')('https://api.example/?status=400'); } catch (e) { show([e.name, e.response.statusCode]); }
        show(await new Promise((resolve, reject) => {
            const req = require('https').request({hostname: 'api.example', path: '/h', method: 'POST'}, (res) => {
                let all = ''; res.on('data', (c) => { all += c; }); res.on('end', () => resolve([res.statusCode, JSON.parse(all).url, JSON.parse(all).body, res.headers['set-cookie']]));
            });
            req.on('error', reject); req.write('be'); req.end('fore');
        }));
        show(await new Promise((resolve) => require('https').get('https://refused.example/', () => {}).on('error', (e) => resolve(e.code))));
        const client = require('jwks-rsa')({jwksUri: 'https://api.example/jwks.json'});
        show((await client.getSigningKey('k1')).getPublicKey().slice(0, 26));
        try { await client.getSigningKey('k2'); } catch (e) { show(e.name); }",
    );
    assert_eq!(
        found,
        [
            json!("https://api.example/f"),
            json!("https://api.example/g?a=1"),
            json!("{\"b\":2}"),
            json!(["HTTPError", 400]),
            json!([200, "https://api.example/h", "before", ["a=1", "b=2"]]),
            json!("ECONNREFUSED"),
            json!("-----BEGIN PUBLIC KEY-----"),
            json!("SigningKeyNotFoundError"),
        ]
    );
}

#[test]
fn the_auth0_package_in_all_its_versions() {
    let found = shown(
        "const options = {domain: 'acme.example', clientId: 'c', clientSecret: 's'};
        const seen = (v) => [v.method, v.url, v.body, header(v, 'authorization')];
        const v4 = new (require('auth0@4').ManagementClient)(options);
        show(seen((await v4.users.get({id: 'auth0|1'})).data));
        show(seen((await v4.users.update({id: 'auth0|1'}, {name: 'x'})).data));
        show(seen((await v4.users.assignRoles({id: 'auth0|1'}, {roles: ['r']})).data));
        const v2 = new (require('auth0@2.40.0').ManagementClient)({domain: 'acme.example', token: 't'});
        show(seen(await v2.updateUserMetadata({id: 'auth0|1'}, {a: 1})));
        show(seen(await new Promise((r) => v2.getUser({id: 'auth0|1'}, (e, u) => r(u)))));
        show(seen(await v2.getUsersByEmail('a@b.example')));
        const any = new (require('auth0').ManagementClient)({domain: 'acme.example', token: 't'});
        const got = await any.organizations.getMemberRoles({id: 'o', user_id: 'u'});
        show([got.url, got.data.url, Object.keys(got).includes('data')]);
        show((await any.users.link({id: 'a|1'}, {provider: 'sms', user_id: '2'})).url);
        try { await any.users.get({}); } catch (e) { show(e.message); }
        const grants = new (require('auth0').AuthenticationClient)(options);
        show((await grants.oauth.clientCredentialsGrant({audience: 'a'})).access_token);",
    );
    let base = "https://acme.example/api/v2";
    assert_eq!(
        found,
        [
            json!(["GET", format!("{base}/users/auth0%7C1"), "", "Bearer the-token"]),
            json!(["PATCH", format!("{base}/users/auth0%7C1"), "{\"name\":\"x\"}", "Bearer the-token"]),
            json!([
                "POST",
                format!("{base}/users/auth0%7C1/roles"),
                "{\"roles\":[\"r\"]}",
                "Bearer the-token"
            ]),
            json!(["PATCH", format!("{base}/users/auth0%7C1"), "{\"user_metadata\":{\"a\":1}}", "Bearer t"]),
            json!(["GET", format!("{base}/users/auth0%7C1"), "", "Bearer t"]),
            json!(["GET", format!("{base}/users-by-email?email=a%40b.example"), "", "Bearer t"]),
            json!([
                format!("{base}/organizations/o/members/u/roles"),
                format!("{base}/organizations/o/members/u/roles"),
                false
            ]),
            json!(format!("{base}/users/a%7C1/identities")),
            json!("Must provide id"),
            json!("the-token"),
        ]
    );
}
