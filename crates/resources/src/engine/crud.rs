//! The five usual operations on a table of documents.
//!
//! A document is one JSON object with the wire's names. One of its members may be secret: it is kept
//! apart, sealed. Configuration is small (a tenant has hundreds of clients, not millions), so lists
//! read every document and filter and page in memory; users and logs, which grow, do not use this.

use gatewright_store::{BoxFuture, StoreError, Val};
use serde_json::Value;

use super::Map;
use super::documents::Table;
use super::error::ApiError;
use super::field::{Field, field};
use super::operation::{Answer, Handler, Input, Method, OpCx, OpRequest, Operation};
use super::query::{Paging, Query, checkpoint_body};
use super::validate::Purpose;

/// How ids are made.
#[derive(Clone, Copy)]
pub enum IdForm {
    /// A prefix and this many characters of `[A-Za-z0-9]`.
    Alphanumeric(&'static str, usize),
    /// This many hexadecimal digits.
    Hex(usize),
    /// A prefix and this many digits.
    Digits(&'static str, usize),
    /// A random UUID (RFC 9562 section 5.4).
    Uuid,
}

impl IdForm {
    /// A new id.
    pub fn draw(self, random: &gatewright_ambient::Random) -> String {
        match self {
            Self::Alphanumeric(prefix, length) => format!("{prefix}{}", random.alphanumeric(length)),
            Self::Hex(length) => random.hex(length),
            Self::Digits(prefix, length) => format!("{prefix}{}", random.digits(length)),
            Self::Uuid => uuid(random.bytes()),
        }
    }
}

fn uuid(random: [u8; 16]) -> String {
    let bits = u128::from_be_bytes(random) & !(0xf << 76) & !(0b11 << 62) | (0x4 << 76) | (0b10 << 62);
    let digits = format!("{bits:032x}");
    let (a, rest) = digits.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// Completes a new document, or refuses it.
pub type Draft = for<'a, 't> fn(&'a mut OpCx<'t>, &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>>;
/// Merges a body (second) into a stored document (first), or refuses it.
pub type Change =
    for<'a, 't> fn(&'a mut OpCx<'t>, &'a mut Map, &'a Map) -> BoxFuture<'a, Result<(), ApiError>>;
/// Refuses a deletion, or deletes what hangs on the document.
pub type Remove = for<'a, 't> fn(&'a mut OpCx<'t>, &'a Map) -> BoxFuture<'a, Result<(), ApiError>>;
/// Reads once what presenting any number of documents needs.
pub type Background = for<'a, 't> fn(&'a mut OpCx<'t>) -> BoxFuture<'a, Result<Value, ApiError>>;

/// One resource with the usual operations. Start from [`Crud::plain`] in a `static`.
pub struct Crud {
    /// Where documents are.
    pub table: &'static Table,
    /// The path of the collection.
    pub path: &'static str,
    /// The path of one object.
    pub item_path: &'static str,
    /// The member that holds the items of a list answer.
    pub plural: &'static str,
    /// The member that holds the id.
    pub id_field: &'static str,
    /// How ids are made.
    pub id_form: IdForm,
    /// The members.
    pub fields: &'static [Field],
    /// Members that `fields` cannot leave out.
    pub always_shown: &'static [&'static str],
    /// The member that is kept sealed.
    pub sealed: Option<&'static str>,
    /// The secret member whose reading is worth a log event.
    pub watched: Option<&'static str>,
    /// Members that the answer to a create shows whatever the caller may read.
    pub shown_on_create: &'static [&'static str],
    /// Text and code of 404.
    pub not_found: (&'static str, Option<&'static str>),
    /// Text of 409.
    pub conflict: &'static str,
    /// The stored id that a path's `{id}` means.
    pub resolve: fn(&OpRequest, &str) -> String,
    /// The values of the table's key columns.
    pub keys: fn(&Map) -> Vec<Val>,
    /// Completes a new document.
    pub draft: Draft,
    /// Merges a change.
    pub change: Change,
    /// Prepares a deletion.
    pub remove: Remove,
    /// What `present` reads.
    pub background: Background,
    /// The document as the caller may see it.
    pub present: fn(&OpRequest, &Value, Map) -> Map,
    /// Whether a list with this query holds the (presented) document.
    pub selects: fn(&Query, &Map) -> bool,
}

impl Crud {
    /// A resource without secrets, key columns and rules of its own, whose ids are in `id`.
    pub const fn plain(
        table: &'static Table,
        path: &'static str,
        item_path: &'static str,
        plural: &'static str,
        id_form: IdForm,
        fields: &'static [Field],
    ) -> Self {
        Self {
            table,
            path,
            item_path,
            plural,
            id_field: "id",
            id_form,
            fields,
            always_shown: &[],
            sealed: None,
            watched: None,
            shown_on_create: &[],
            not_found: ("Not Found", None),
            conflict: "A resource with this name already exists.",
            resolve: |_, id| id.to_owned(),
            keys: |_| Vec::new(),
            draft: |_, _| Box::pin(async { Ok(()) }),
            change: |_, document, body| {
                merge(document, body);
                Box::pin(async { Ok(()) })
            },
            remove: |_, _| Box::pin(async { Ok(()) }),
            background: |_| Box::pin(async { Ok(Value::Null) }),
            present: |_, _, document| document,
            selects: |_, _| true,
        }
    }

    /// `POST` on the collection: 201.
    pub const fn creates(
        &'static self,
        id: &'static str,
        says: &'static str,
        scopes: &'static [&'static str],
    ) -> Operation {
        Operation::new(id, Method::Post, self.path, says, scopes, Handler::Create(self))
            .body(self.fields, Purpose::Create)
            .success(201)
            .writes_config()
    }

    /// `GET` on the collection.
    pub const fn lists(
        &'static self,
        id: &'static str,
        says: &'static str,
        scopes: &'static [&'static str],
    ) -> Operation {
        Operation::new(id, Method::Get, self.path, says, scopes, Handler::List(self))
    }

    /// `GET` on one object.
    pub const fn reads(
        &'static self,
        id: &'static str,
        says: &'static str,
        scopes: &'static [&'static str],
    ) -> Operation {
        Operation::new(id, Method::Get, self.item_path, says, scopes, Handler::Read(self))
    }

    /// `PATCH` on one object.
    pub const fn updates(
        &'static self,
        id: &'static str,
        says: &'static str,
        scopes: &'static [&'static str],
    ) -> Operation {
        Operation::new(id, Method::Patch, self.item_path, says, scopes, Handler::Update(self))
            .body(self.fields, Purpose::Update)
            .writes_config()
    }

    /// `DELETE` on one object: 204.
    pub const fn deletes(
        &'static self,
        id: &'static str,
        says: &'static str,
        scopes: &'static [&'static str],
    ) -> Operation {
        Operation::new(id, Method::Delete, self.item_path, says, scopes, Handler::Delete(self))
            .success(204)
            .writes_config()
    }

    /// 404 in the resource's words.
    pub fn missing(&self) -> ApiError {
        let (message, code) = self.not_found;
        let error = ApiError::new(404, message);
        match code {
            Some(code) => error.code(code),
            None => error,
        }
    }
}

/// Merges the first level: members replace, `null` removes.
pub fn merge(document: &mut Map, body: &Map) {
    for (name, value) in body {
        if value.is_null() {
            document.remove(name);
        } else {
            document.insert(name.clone(), value.clone());
        }
    }
}

/// Merges one object member at its own first level: keys replace, `null` removes a key, `{}` clears.
pub fn merge_member(document: &mut Map, name: &str, change: &Value) {
    let Value::Object(change) = change else {
        document.remove(name);
        return;
    };
    let mut merged = match document.remove(name) {
        Some(Value::Object(members)) if !change.is_empty() => members,
        _ => Map::new(),
    };
    merge(&mut merged, change);
    document.insert(name.to_owned(), Value::Object(merged));
}

/// Sets members that are not there.
pub fn fill(document: &mut Map, defaults: Value) {
    if let Value::Object(defaults) = defaults {
        for (name, value) in defaults {
            document.entry(name).or_insert(value);
        }
    }
}

/// `POST`: makes one object.
pub async fn create(of: &'static Crud, cx: &mut OpCx<'_>, input: &Input) -> Result<Answer, ApiError> {
    let mut document = input.body.clone();
    document.retain(|_, value| !value.is_null());
    document.insert(of.id_field.to_owned(), of.id_form.draw(&cx.request.random).into());
    (of.draft)(cx, &mut document).await?;
    of.insert(cx.tx, &cx.request.sealing(), document.clone()).await.map_err(|error| of.refusal(error))?;
    let shown: Vec<_> = of.shown_on_create.iter().filter_map(|name| document.get_key_value(*name)).collect();
    let shown: Map = shown.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut answer = of.answer(cx, &input.query, document).await?;
    if let Some(Value::Object(body)) = &mut answer.body {
        body.extend(shown);
    }
    Ok(answer)
}

/// `GET` on one object.
pub async fn read(of: &'static Crud, cx: &mut OpCx<'_>, input: &Input) -> Result<Answer, ApiError> {
    let document = of.named(cx, input).await?;
    of.answer(cx, &input.query, document).await
}

/// `PATCH`: changes one object.
pub async fn update(of: &'static Crud, cx: &mut OpCx<'_>, input: &Input) -> Result<Answer, ApiError> {
    let mut document = of.named(cx, input).await?;
    (of.change)(cx, &mut document, &input.body).await?;
    of.store(cx.tx, &cx.request.sealing(), document.clone()).await.map_err(|error| of.refusal(error))?;
    of.answer(cx, &input.query, document).await
}

/// `DELETE`. Compat: deleting what is not there is a success too.
pub async fn delete(of: &'static Crud, cx: &mut OpCx<'_>, input: &Input) -> Result<Answer, ApiError> {
    let request = cx.request;
    let id = (of.resolve)(request, input.id());
    if let Some(document) = of.find(cx.tx, &request.tenant, &request.master_key, &id).await? {
        (of.remove)(cx, &document).await?;
        cx.tx.run(of.table.delete, &[(&request.tenant).into(), of.id_of(&document).into()]).await?;
    }
    Ok(Answer::default())
}

/// `GET` on the collection.
pub async fn list(of: &'static Crud, cx: &mut OpCx<'_>, input: &Input) -> Result<Answer, ApiError> {
    let request = cx.request;
    let documents = of.load(cx.tx, &request.tenant, &request.master_key).await?;
    let background = (of.background)(cx).await?;
    let chosen: Vec<Map> = documents
        .into_iter()
        .map(|document| (of.present)(request, &background, document))
        .filter(|document| (of.selects)(&input.query, document))
        .collect();
    let total = i64::try_from(chosen.len()).unwrap_or(i64::MAX);
    let paging = input.query.paging();
    let start = match &paging {
        Paging::Checkpoint { from: Some(from), .. } => after(of, &chosen, from)?,
        paging => usize::try_from(paging.offset()).unwrap_or(usize::MAX),
    };
    let limit = usize::try_from(paging.limit()).unwrap_or(0);
    let more = start.saturating_add(limit) < chosen.len();
    let page: Vec<Map> = chosen.into_iter().skip(start).take(limit).collect();
    let next = page.last().filter(|_| more).map(|document| of.id_of(document));
    let items: Vec<Map> = page.into_iter().map(|document| of.project(&input.query, document)).collect();
    let shows_secret = items.iter().any(|item| of.shows_secret(item));
    let items: Vec<Value> = items.into_iter().map(Value::Object).collect();
    let body = match paging {
        Paging::Checkpoint { .. } => checkpoint_body(of.plural, items, next),
        paging => paging.offset_body(of.plural, items, total),
    };
    Ok(Answer { shows_secret, ..body.into() })
}

/// The place after the item that a checkpoint names.
fn after(of: &Crud, documents: &[Map], from: &str) -> Result<usize, ApiError> {
    documents
        .iter()
        .position(|document| of.id_of(document) == from)
        .map(|index| index + 1)
        .ok_or_else(|| ApiError::invalid_query("'The checkpoint is not valid' on property from"))
}

impl Crud {
    async fn named(&self, cx: &mut OpCx<'_>, input: &Input) -> Result<Map, ApiError> {
        let request = cx.request;
        let id = (self.resolve)(request, input.id());
        self.find(cx.tx, &request.tenant, &request.master_key, &id).await?.ok_or_else(|| self.missing())
    }

    async fn answer(&self, cx: &mut OpCx<'_>, query: &Query, document: Map) -> Result<Answer, ApiError> {
        let background = (self.background)(cx).await?;
        let shown = self.project(query, (self.present)(cx.request, &background, document));
        Ok(Answer { shows_secret: self.shows_secret(&shown), ..shown.into() })
    }

    fn project(&self, query: &Query, document: Map) -> Map {
        let kept = self
            .always_shown
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), document.get(*name)?.clone())));
        let kept: Map = kept.collect();
        let mut shown = query.project(document);
        shown.extend(kept);
        shown
    }

    fn shows_secret(&self, shown: &Map) -> bool {
        self.watched.is_some_and(|member| shown.contains_key(member))
    }

    fn refusal(&self, error: StoreError) -> ApiError {
        match error {
            StoreError::Unique { .. } => ApiError::conflict(self.conflict),
            other => other.into(),
        }
    }
}

/// Query parameters of a list that has no filters of its own.
pub const NO_FILTERS: &[Field] = &[field("sort", super::field::TEXT)];
