//! A page in a browser: it has an origin, keeps the server's cookies, and follows no redirects.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{CONTENT_TYPE, COOKIE};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::exchange::Answer;

/// A page of an application, or a plain client where it has no origin.
pub struct Page {
    http: Client,
    base: String,
    origin: Option<String>,
    jar: Mutex<BTreeMap<String, String>>,
}

impl Page {
    pub(crate) fn new(http: Client, base: &str, origin: Option<&str>) -> Self {
        let origin = origin.map(str::to_owned);
        Self { http, base: base.trim_end_matches('/').to_owned(), origin, jar: Mutex::default() }
    }

    /// `GET` of a path, or of a whole URL.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` of a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// `POST` of a form.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).form(fields)).await
    }

    /// `POST` of bytes under a content type, for bodies that are wrong.
    pub async fn post_raw(&self, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, content_type);
        self.send(request.body(body.into())).await
    }

    /// Follows redirects as long as they stay on the server.
    pub async fn follow(&self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            let target = answer.header("location").to_owned();
            let within = target.strip_prefix(&self.base).unwrap_or(&target);
            if !within.starts_with('/') {
                return answer;
            }
            answer = self.get(within).await;
        }
        panic!("redirects without end: {}", answer.asked)
    }

    /// `GET` of a path, following redirects as long as they stay on the server.
    pub async fn open(&self, path: &str) -> Answer {
        let answer = self.get(path).await;
        self.follow(answer).await
    }

    /// A request to go on with; [`Page::send`] sends it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = self.http.request(method, url);
        if let Some(origin) = &self.origin {
            request = request.header("origin", origin).header("referer", format!("{origin}/"));
        }
        let cookies = self.cookies();
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies) }
    }

    /// Sends a request and keeps the cookies of the answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let asked = format!("{} {}", request.method(), request.url());
        let response = self.http.execute(request).await.unwrap_or_else(|error| panic!("{asked}: {error:?}"));
        let answer = Answer {
            asked,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.expect("a body in UTF-8"),
        };
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in answer.set_cookies() {
            let pair = cookie.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            if cookie.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Forgets every cookie: another browser, or one that blocks them.
    pub fn forget_cookies(&self) {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The page's origin.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The `Cookie` header it sends.
    pub fn cookies(&self) -> String {
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}
