//! A form as the browser sent it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::problem::Problem;

/// More members than any form has.
const MOST: usize = 2000;

/// Names and values in the order sent; a name can stand there more than once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Vec<(String, String)>);

impl Sent {
    /// Reads an URL-encoded body or query.
    ///
    /// # Errors
    /// [`Problem::Malformed`].
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(body).map_err(|_| Problem::Malformed)?;
        if pairs.len() > MOST {
            return Err(Problem::Malformed);
        }
        // Browsers send line ends as CR LF; the API's texts have LF.
        Ok(Self(pairs.into_iter().map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect()))
    }

    /// The first value of this name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A name that stands there twice, of those that must not.
    pub(crate) fn repeated<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        names.iter().copied().find(|name| self.all(name).count() > 1)
    }

    /// The first value of this name without white space around it, unless nothing is left.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        self.text(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Every value of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A number of pages, 0 if it is none.
    pub(crate) fn page(&self) -> u32 {
        self.text("page").and_then(|page| page.parse().ok()).unwrap_or(0)
    }
}

/// The query of the address, as an argument of a handler.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(pub(crate) Sent);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Sent::parse(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}
