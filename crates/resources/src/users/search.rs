//! `GET /users`: pages of users, all or those that a query finds.
//!
//! A query is a tree of conditions. Where one of the conditions that must all hold finds few users by an
//! index, these are fetched and tested for the rest (*driven*); otherwise users are walked in the order of
//! the list until a page is full, which is soon, because then many match.

use gatewright_core::ids::TenantId;
use gatewright_core::search::tree::{Test, Tree};
use gatewright_core::search::users::{self, Condition, Field, Identity, Number, Text};
use gatewright_store::{StoreError, Tx, Val};
use serde_json::{Value, json};

use super::present;
use crate::engine::composed::{Params, condition, text_test};
use crate::engine::operation::Run;
use crate::engine::query::{Paging, Query};
use crate::engine::{ApiError, Input, OpCx};

/// Offset paging reaches this many users.
const REACH: i64 = 1000;

/// A condition that finds more users than this does not drive.
const FEW: i64 = 10_000;

pub(super) fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let query = &input.query;
        let paging = query.paging();
        if paging.offset().saturating_add(paging.limit()) > REACH {
            return Err(ApiError::invalid_query(format_args!(
                "'You can only page through the first {REACH} records' on property page"
            )));
        }
        let tree = tree(query)?;
        let search = Search::plan(cx.tx, &cx.request.tenant, &tree).await?;
        let shown = |user: Value| present(&cx.request.caller, query, user);
        Ok(match &paging {
            Paging::Checkpoint { take, from } => {
                if query.text("sort").is_some_and(|sort| !sort.is_empty()) {
                    return Err(ApiError::invalid_query(
                        "'Pages by from and take have an order of their own' on property sort",
                    ));
                }
                let mut users = search.page(cx.tx, BY_ID, take + 1, 0, from.as_deref()).await?;
                let full = usize::try_from(*take).unwrap_or(usize::MAX);
                let more = users.len() > full;
                users.truncate(full);
                let last = users.last().filter(|_| more).map(|user| user["user_id"].clone());
                let mut body = json!({ "users": users.into_iter().map(shown).collect::<Vec<_>>() });
                if let Some(last) = last {
                    body["next"] = last;
                }
                body
            }
            Paging::Offset { include_totals, .. } => {
                let order = order(query, matches!(tree, Tree::Everything))?;
                let users = search.page(cx.tx, &order, paging.limit(), paging.offset(), None).await?;
                let total = if *include_totals { search.count(cx.tx).await? } else { 0 };
                paging.offset_body("users", users.into_iter().map(shown).collect(), total)
            }
        }
        .into())
    })
}

/// What the query string asks for.
fn tree(query: &Query) -> Result<Tree<Condition>, ApiError> {
    if matches!(query.text("search_engine"), Some("v1" | "v2")) {
        return Err(ApiError::invalid_query(
            "'Only search engine v3 is supported' on property search_engine",
        ));
    }
    let mut all = Vec::new();
    if let Some(q) = query.text("q").filter(|q| !q.trim().is_empty()) {
        all.push(users::read(q).map_err(|refused| {
            ApiError::invalid_query(format_args!("'The query cannot be used: {refused}' on property q"))
        })?);
    }
    if let Some(connection) = query.text("connection").filter(|connection| !connection.is_empty()) {
        let field = Field::Identity(Identity::Connection);
        all.push(Tree::Is(Condition { field, test: Test::OneOf(vec![connection.to_owned()]) }));
    }
    Ok(match all.len() {
        0 => Tree::Everything,
        1 => all.remove(0),
        _ => Tree::And(all),
    })
}

const BY_ID: &str = "u.user_id";

/// `sort=field:1|-1`. Compat: unless asked, everybody is listed oldest first, and what a search finds has an
/// order that stays, but means nothing.
fn order(query: &Query, everybody: bool) -> Result<String, ApiError> {
    let unasked = if everybody { "created_at:1" } else { "user_id:1" };
    let sort = query.text("sort").filter(|sort| !sort.is_empty()).unwrap_or(unasked);
    let (field, direction) = sort.rsplit_once(':').unwrap_or((sort, "1"));
    let expression = match field {
        "user_id" => BY_ID.to_owned(),
        "created_at" | "updated_at" | "phone_number" | "last_login" | "logins_count" => format!("u.{field}"),
        "email" => "lower(u.email)".to_owned(),
        "name" | "given_name" | "family_name" | "nickname" | "username" => {
            format!("lower((u.doc ->> '{field}') {{collate_c}})")
        }
        _ => {
            return Err(ApiError::invalid_query(
                "'Users are sorted by created_at, updated_at, last_login, logins_count, email, phone_number, \
                 user_id, username, name, given_name, family_name or nickname' on property sort",
            ));
        }
    };
    let direction = match direction {
        "1" => "ASC",
        "-1" => "DESC",
        _ => return Err(ApiError::invalid_query("'The direction is 1 or -1' on property sort")),
    };
    Ok(match field {
        "user_id" => format!("{BY_ID} {direction}"),
        // Never null, and an index has this very order.
        "created_at" => format!("u.created_at {direction}, u.user_id {direction}"),
        _ => format!("{expression} {direction} NULLS LAST, u.user_id {direction}"),
    })
}

/// A query and the way it is answered.
pub(super) struct Search<'q> {
    tenant: &'q TenantId,
    /// What must all hold.
    conjuncts: Vec<&'q Tree<Condition>>,
    /// Which of these drives.
    driver: Option<usize>,
}

impl<'q> Search<'q> {
    /// Looks which condition finds the fewest users.
    pub(super) async fn plan(
        tx: &mut Tx,
        tenant: &'q TenantId,
        tree: &'q Tree<Condition>,
    ) -> Result<Self, StoreError> {
        let conjuncts = tree.conjuncts();
        let certain = conjuncts.iter().position(|tree| finds_few(tree));
        let mut best = certain.map(|index| (0, index));
        for (index, tree) in conjuncts.iter().enumerate() {
            // Below this it is not worth to look further.
            if best.is_some_and(|(count, _)| count < 100) {
                break;
            }
            let mut params = Params::new(tenant);
            let Some(found) = found_by(&mut params, tree) else { continue };
            let limit = params.bind(FEW + 1);
            let sql = format!("SELECT COUNT(*) FROM ({} LIMIT {limit}) few", found.select);
            let count = first_int(&tx.all_bounded(&sql, params.values()).await?)?;
            if count <= FEW && best.is_none_or(|(least, _)| count < least) {
                best = Some((count, index));
            }
        }
        Ok(Self { tenant, conjuncts, driver: best.map(|(_, index)| index) })
    }

    /// Users in an order, after one if the order is that of ids.
    pub(super) async fn page(
        &self,
        tx: &mut Tx,
        order: &str,
        limit: i64,
        offset: i64,
        after: Option<&str>,
    ) -> Result<Vec<Value>, StoreError> {
        let mut params = Params::new(self.tenant);
        let mut from = self.from(&mut params);
        if let Some(after) = after {
            from.push_str(&format!(" AND {BY_ID} > {}", params.bind(after)));
        }
        let (limit, offset) = (params.bind(limit), params.bind(offset));
        let sql = format!("SELECT u.doc {from} ORDER BY {order} LIMIT {limit} OFFSET {offset}");
        tx.all_bounded(&sql, params.values()).await?.iter().map(|row| row.json(0)).collect()
    }

    /// How many users there are.
    pub(super) async fn count(&self, tx: &mut Tx) -> Result<i64, StoreError> {
        let mut params = Params::new(self.tenant);
        // What an index finds needs no look at the users themselves.
        let found = match self.conjuncts.as_slice() {
            [only] => found_by(&mut params, only),
            _ => None,
        };
        let from = match found {
            Some(found) => format!("FROM {}", found.once("k")),
            None => {
                params = Params::new(self.tenant);
                self.from(&mut params)
            }
        };
        first_int(&tx.all_bounded(&format!("SELECT COUNT(*) {from}"), params.values()).await?)
    }

    /// `FROM` and `WHERE`, with the users as `u`.
    fn from(&self, params: &mut Params) -> String {
        let driving = self.driver.and_then(|index| found_by(params, self.conjuncts[index]));
        let mut from = match &driving {
            // The cross join keeps SQLite from walking all users instead.
            Some(found) => {
                let keys = found.once("k");
                format!("FROM {keys} CROSS JOIN users u WHERE u.tenant_id = $1 AND u.user_id = k.user_id")
            }
            None => "FROM users u WHERE u.tenant_id = $1".to_owned(),
        };
        for (index, tree) in self.conjuncts.iter().enumerate() {
            if driving.is_none() || self.driver != Some(index) {
                let one = condition(params, tree, &|params: &mut Params, leaf: &Condition| {
                    tested(params, leaf, "u")
                });
                from.push_str(" AND ");
                from.push_str(&one);
            }
        }
        from
    }
}

fn first_int(rows: &[gatewright_store::Row]) -> Result<i64, StoreError> {
    rows.first().map_or(Ok(0), |row| row.int(0))
}

/// A condition on the user `u` (or another alias).
fn tested(params: &mut Params, leaf: &Condition, user: &str) -> String {
    let test = &leaf.test;
    match &leaf.field {
        Field::Text(text) => {
            let (column, expression) = match text {
                Text::Email => (format!("{user}.email"), format!("lower({user}.email)")),
                Text::PhoneNumber => (format!("{user}.phone_number"), format!("{user}.phone_number")),
                Text::UserId => (format!("{user}.user_id"), format!("{user}.user_id")),
            };
            format!("({column} IS NOT NULL AND {})", text_test(params, &expression, "", test))
        }
        Field::Number(number) => {
            let column = format!("{user}.{}", column_of(*number));
            match test {
                Test::Between(from, to) => {
                    let (from, to) = (params.bind(*from), params.bind(*to));
                    format!("({column} IS NOT NULL AND {column} BETWEEN {from} AND {to})")
                }
                _ => format!("{column} IS NOT NULL"),
            }
        }
        Field::Flag(name) => {
            let member = format!("({user}.doc -> '{name}')");
            match test {
                Test::Is(truth) => {
                    format!("COALESCE({member} = {}, FALSE)", params.bind(Val::Json(Value::Bool(*truth))))
                }
                _ => format!("{member} IS NOT NULL"),
            }
        }
        Field::Identity(identity) => {
            let test = text_test(params, identity_column(*identity), "", test);
            format!(
                "EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = {user}.tenant_id
                   AND i.user_id = {user}.user_id AND {test})"
            )
        }
        // One look for each value, where a range would be read anew for every user.
        Field::Indexed(path) => match test {
            Test::OneOf(_) => {
                let entry = entry(params, path, test);
                format!(
                    "EXISTS (SELECT 1 FROM user_index x WHERE x.tenant_id = {user}.tenant_id AND {entry}
                       AND x.user_id = {user}.user_id)"
                )
            }
            _ => {
                let entry = entry(params, path, test);
                format!(
                    "{user}.user_id IN (SELECT x.user_id FROM user_index x WHERE x.tenant_id = $1 AND {entry})"
                )
            }
        },
    }
}

const fn column_of(number: Number) -> &'static str {
    match number {
        Number::CreatedAt => "created_at",
        Number::UpdatedAt => "updated_at",
        Number::LastLogin => "last_login",
        Number::LoginsCount => "logins_count",
    }
}

const fn identity_column(identity: Identity) -> &'static str {
    match identity {
        Identity::Connection => "i.connection",
        Identity::Provider => "i.provider",
        Identity::UserId => "i.local_id",
    }
}

/// Which entries of the index, as `x`, a test means.
fn entry(params: &mut Params, path: &str, test: &Test) -> String {
    let at = params.bind(path);
    if *test != Test::Exists {
        return format!("x.path = {at} AND {}", text_test(params, "x.value", "s", test));
    }
    // An object exists if anything in it does. `/` comes after `.`.
    let (below, end) = (params.bind(format!("{path}.")), params.bind(format!("{path}/")));
    format!("(x.path = {at} OR (x.path >= {below} AND x.path < {end}))")
}

/// The users that a condition means, found by an index.
struct Found {
    /// Selects `user_id`.
    select: String,
    /// Selects nobody twice.
    unique: bool,
}

impl Found {
    /// A table of everybody once.
    fn once(&self, alias: &str) -> String {
        if self.unique {
            format!("({}) {alias}", self.select)
        } else {
            format!("(SELECT DISTINCT f.user_id FROM ({}) f) {alias}", self.select)
        }
    }
}

/// How an index finds what a condition means. With `None` the parameters hold values that nothing names.
fn found_by(params: &mut Params, tree: &Tree<Condition>) -> Option<Found> {
    let leaf = match tree {
        Tree::Is(leaf) => leaf,
        Tree::Or(all) if !all.is_empty() => {
            let found = all.iter().map(|tree| found_by(params, tree)).collect::<Option<Vec<Found>>>()?;
            let selects: Vec<String> = found.into_iter().map(|found| found.select).collect();
            return Some(Found { select: selects.join(" UNION ALL "), unique: false });
        }
        _ => return None,
    };
    let has_index = match (&leaf.field, &leaf.test) {
        (Field::Text(_), Test::OneOf(_) | Test::Within(..))
        | (Field::Number(Number::CreatedAt), Test::Between(..)) => true,
        (Field::Text(_), Test::Like(pattern)) => !pattern.prefix().is_empty(),
        (Field::Identity(Identity::Connection | Identity::UserId), Test::OneOf(_)) => true,
        (Field::Indexed(_), _) => true,
        _ => false,
    };
    if !has_index {
        return None;
    }
    let one_value = matches!(&leaf.test, Test::OneOf(values) if values.len() == 1);
    Some(match &leaf.field {
        Field::Text(_) | Field::Number(_) | Field::Flag(_) => {
            let test = tested(params, leaf, "e");
            let select = format!("SELECT e.user_id FROM users e WHERE e.tenant_id = $1 AND {test}");
            Found { select, unique: true }
        }
        Field::Identity(identity) => {
            let test = text_test(params, identity_column(*identity), "", &leaf.test);
            let select = format!("SELECT i.user_id FROM identities i WHERE i.tenant_id = $1 AND {test}");
            Found { select, unique: false }
        }
        Field::Indexed(path) => {
            let entry = entry(params, path, &leaf.test);
            let select = format!("SELECT x.user_id FROM user_index x WHERE x.tenant_id = $1 AND {entry}");
            Found { select, unique: one_value }
        }
    })
}

/// Whether a condition is known to find few users without looking.
fn finds_few(tree: &Tree<Condition>) -> bool {
    match tree {
        Tree::Is(leaf) => {
            matches!(leaf.field, Field::Text(_) | Field::Identity(Identity::UserId))
                && matches!(leaf.test, Test::OneOf(_))
        }
        Tree::Or(all) => !all.is_empty() && all.iter().all(finds_few),
        _ => false,
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
