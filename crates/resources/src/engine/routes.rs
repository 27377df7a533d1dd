//! Which operation a path names: built ones from the registry, others from the table of operations.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::error::ApiError;
use super::operation::{Method, Operation};

/// Every operation of the real APIs: tag, method, path, operation id, scopes.
const TABLE: &str = include_str!("../../../../docs/management-api-operations.tsv");

/// One line of the table of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The resource it belongs to.
    pub tag: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path below `/api/v2`, or the whole path if it is of another API.
    pub path: &'static str,
    /// Its id.
    pub id: &'static str,
    /// Scopes of which any one is enough.
    pub scopes: Vec<&'static str>,
}

impl Known {
    /// Whether it is of the Management API; the rest are of the My Account and My Organization APIs.
    pub fn is_management(&self) -> bool {
        !self.path.starts_with("/me/v1/") && !self.path.starts_with("/my-org/v1/")
    }
}

/// Every operation of the real APIs, in the order of the table.
pub static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| TABLE.lines().skip(1).filter_map(parse_line).collect());

fn parse_line(line: &'static str) -> Option<Known> {
    let mut cells = line.split('\t');
    let tag = cells.next()?;
    let method = Method::named(cells.next()?)?;
    let path = cells.next()?;
    let id = cells.next()?;
    let scopes = cells.next().unwrap_or_default().split_whitespace().collect();
    Some(Known { tag, method, path, id, scopes })
}

/// What a method and a path name.
#[derive(Clone, Copy)]
pub enum Target {
    /// An operation that is built.
    Built(&'static Operation),
    /// An operation of the real API that is not.
    Unbuilt(&'static Known),
}

/// A path's parameters, decoded, by the names that the operation's path gives them.
pub type Params = Vec<(&'static str, String)>;

/// Finds operations by method and path.
pub struct Routes {
    /// By first segment, since no path begins with a parameter.
    by_segment: BTreeMap<&'static str, Vec<Route>>,
}

struct Route {
    method: Method,
    segments: Vec<&'static str>,
    target: Target,
}

impl Routes {
    /// Routes for these operations and, for the rest of the real API, to its refusals.
    pub fn new(built: impl Iterator<Item = &'static Operation>) -> Self {
        let mut routes = Self { by_segment: BTreeMap::new() };
        for operation in built {
            routes.add(operation.method, operation.path, Target::Built(operation));
        }
        for known in KNOWN.iter().filter(|known| known.is_management()) {
            routes.add(known.method, known.path, Target::Unbuilt(known));
        }
        routes
    }

    /// Routes of the APIs for users and for organizations, of which nothing is built.
    pub fn of_other_apis() -> Self {
        let mut routes = Self { by_segment: BTreeMap::new() };
        for known in KNOWN.iter().filter(|known| !known.is_management()) {
            routes.add(known.method, known.path, Target::Unbuilt(known));
        }
        routes
    }

    fn add(&mut self, method: Method, path: &'static str, target: Target) {
        let segments: Vec<&'static str> = path.trim_start_matches('/').split('/').collect();
        let first = segments.first().copied().unwrap_or_default();
        self.by_segment.entry(first).or_default().push(Route { method, segments, target });
    }

    /// The operation that a raw path below `/api/v2` names, with its parameters decoded.
    ///
    /// The path is cut into segments before it is decoded, because an identifier may hold `%2F`.
    ///
    /// # Errors
    /// 404 if there is none, 400 `invalid_uri` if a parameter is not UTF-8 or holds U+0000.
    pub fn find(&self, method: Method, raw_path: &str) -> Result<(Target, Params), ApiError> {
        let segments: Vec<&str> = raw_path.trim_start_matches('/').split('/').collect();
        let candidates = segments.first().and_then(|first| self.by_segment.get(first));
        candidates
            .into_iter()
            .flatten()
            .filter(|route| route.method == method && matches(&route.segments, &segments))
            // A literal segment says more than a parameter; the built operation is listed first.
            .min_by_key(|route| route.segments.iter().filter(|segment| is_parameter(segment)).count())
            .ok_or_else(ApiError::no_such_path)
            .and_then(|route| Ok((route.target, decode(&route.segments, &segments)?)))
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

fn matches(template: &[&str], segments: &[&str]) -> bool {
    template.len() == segments.len()
        && template.iter().zip(segments).all(|(expected, given)| {
            if is_parameter(expected) { !given.is_empty() } else { expected == given }
        })
}

fn decode(template: &[&'static str], segments: &[&str]) -> Result<Params, ApiError> {
    let mut params = Params::new();
    for (name, raw) in template.iter().zip(segments).filter(|(name, _)| is_parameter(name)) {
        let name = name.trim_matches(['{', '}']);
        let value = percent_decode(raw).filter(|value| !value.contains('\0')).ok_or_else(|| {
            ApiError::invalid_path(format_args!("'The value is not well-formed' on property {name}"))
        })?;
        params.push((name, value));
    }
    Ok(params)
}

/// Decodes `%XX` (RFC 3986 section 2.1); `None` if it is cut short or the result is not UTF-8.
fn percent_decode(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::operation::Method;
    use super::{KNOWN, Routes, Target};

    fn found(method: Method, path: &str) -> String {
        let routes = Routes::new(crate::operations());
        match routes.find(method, path) {
            Ok((Target::Built(operation), params)) => format!("built {} {params:?}", operation.id),
            Ok((Target::Unbuilt(known), params)) => format!("unbuilt {} {params:?}", known.id),
            Err(error) => format!("{}", error.status),
        }
    }

    #[test]
    fn paths_are_decoded_after_routing() {
        let check = |path: &str, expect: &str| assert_eq!(found(Method::Get, path), expect, "{path}");
        check("/users/sms%7C5f", "built get_users_by_id [(\"id\", \"sms|5f\")]");
        check("/users/sms|5f", "built get_users_by_id [(\"id\", \"sms|5f\")]");
        check("/users/oidc%7Ca%2Fb", "built get_users_by_id [(\"id\", \"oidc|a/b\")]");
        check("/users/a%zz", "400");
        check("/users/a%00", "400");
        check("/users/a%ff", "400");
        check("/users/", "404");
        check("/users/a/b/c", "404");
        check("/nonsense", "404");
        check("", "404");
    }

    #[test]
    fn literal_segments_win_and_unbuilt_operations_are_known() {
        assert_eq!(found(Method::Get, "/clients/search"), "unbuilt get_clients_search []");
        assert_eq!(found(Method::Get, "/clients/abc"), "built get_clients_by_id [(\"id\", \"abc\")]");
        assert_eq!(found(Method::Put, "/clients/abc"), "404");
        assert_eq!(found(Method::Get, "/flows"), "unbuilt get_flows []");
    }

    #[test]
    fn the_table_is_read_whole() {
        assert_eq!(KNOWN.len(), 559);
    }
}
