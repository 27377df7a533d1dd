//! One route of the API, and what it is given when it is called.

use std::sync::Arc;

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::{Issuer, TenantId};
use gatewright_jose::{MasterKey, NewSigningKey};
use gatewright_passwords::{Hasher, StoredHash};
use gatewright_store::{BoxFuture, Db, Tx};
use serde_json::Value;

use super::Map;
use super::crud::Crud;
use super::error::ApiError;
use super::field::{Field, Shape};
use super::query::Query;
use super::schema;
use super::settings::Settings;
use super::trial::Trial;
use super::validate::Purpose;
use crate::flows::{Flows, Happened};

/// An HTTP method that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PATCH`
    Patch,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The method of this name, in capitals.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "PATCH" => Self::Patch,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }

    /// The name in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a successful call changes besides its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it runs in a read transaction.
    Reads,
    /// Data of users; a log event is written with it.
    WritesData,
    /// The tenant's configuration: a log event is written and the configuration's version rises.
    WritesConfig,
}

/// The future that a handler returns.
pub type Run<'a> = BoxFuture<'a, Result<Answer, ApiError>>;

/// What an operation does once the call is known to be allowed and well-formed.
#[derive(Clone, Copy)]
pub enum Handler {
    /// Makes one object.
    Create(&'static Crud),
    /// Lists objects.
    List(&'static Crud),
    /// Reads one object.
    Read(&'static Crud),
    /// Changes one object.
    Update(&'static Crud),
    /// Deletes one object.
    Delete(&'static Crud),
    /// Reads settings.
    ReadSettings(&'static Settings),
    /// Changes the settings that are sent.
    MergeSettings(&'static Settings),
    /// Replaces settings.
    ReplaceSettings(&'static Settings),
    /// Something of its own.
    Custom(for<'a, 't> fn(&'a mut OpCx<'t>, &'a Input) -> Run<'a>),
}

/// Work on a checked call that must not hold the transaction up, such as hashing a password.
pub type Prepare = for<'a> fn(&'a Db, &'a OpRequest, &'a mut Input) -> BoxFuture<'a, Result<(), ApiError>>;

/// What a body holds.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// The members of the object, or of each object of the list.
    pub fields: &'static [Field],
    /// What it is for.
    pub purpose: Purpose,
    /// It is a list of objects.
    pub is_list: bool,
    /// It may be missing or `null`, which means an empty object.
    pub is_optional: bool,
    /// What it is if it is no object with members of known names.
    pub whole: Option<&'static Shape>,
    /// The member that a body of text, as JSON or as HTML, stands for.
    pub text: Option<&'static str>,
}

impl Body {
    /// A body that fits, with what must be there and no more.
    pub fn example(&self) -> Value {
        let object = || match self.purpose {
            Purpose::Create => Shape::object(self.fields).example(),
            Purpose::Update => Value::Object(Map::new()),
        };
        match self.whole {
            Some(shape) => shape.example(),
            None if self.is_list => Value::from(vec![object()]),
            None => object(),
        }
    }

    /// Its JSON Schema.
    pub fn schema(&self) -> Value {
        match self.whole {
            Some(shape) => schema::shape(shape),
            None if self.is_list => schema::list(schema::body(self.fields, self.purpose)),
            None => schema::body(self.fields, self.purpose),
        }
    }
}

/// One route of the API. Built with [`Operation::new`] and the methods below, in `static` tables.
#[derive(Clone, Copy)]
pub struct Operation {
    /// The operation's id in the table of operations.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path below `/api/v2`, with `{name}` for its parameters.
    pub path: &'static str,
    /// What it does, as the log event says.
    pub summary: &'static str,
    /// Scopes of which any one is enough, in the order that refusals name them.
    pub scopes: &'static [&'static str],
    /// Scopes with which a user's own token may call it when `{id}` is that user. Empty: never.
    pub own_scopes: &'static [&'static str],
    /// The members that such a token may send.
    pub own_members: &'static [&'static str],
    /// What its body holds, if it takes one.
    pub body: Option<Body>,
    /// Query parameters besides those of paging and projection.
    pub query: &'static [Field],
    /// The HTTP status of success.
    pub success: u16,
    /// What of it is not built, for the reference; empty if it is whole.
    pub missing: &'static str,
    /// What success changes.
    pub effect: Effect,
    /// The log keeps the bodies of call and answer, secret members masked.
    pub logs_bodies: bool,
    /// What it does before its transaction begins.
    pub prepare: Option<Prepare>,
    /// What it does.
    pub handler: Handler,
}

impl Operation {
    /// An operation that takes no body, answers 200 and reads (`GET`) or writes data (others).
    pub const fn new(
        id: &'static str,
        method: Method,
        path: &'static str,
        summary: &'static str,
        scopes: &'static [&'static str],
        handler: Handler,
    ) -> Self {
        let effect = match method {
            Method::Get => Effect::Reads,
            _ => Effect::WritesData,
        };
        Self {
            id,
            method,
            path,
            summary,
            scopes,
            own_scopes: &[],
            own_members: &[],
            body: None,
            query: &[],
            success: 200,
            missing: "",
            effect,
            logs_bodies: true,
            prepare: None,
            handler,
        }
    }

    /// Lets a user's own token call it on that user with any of these scopes, sending these members.
    #[must_use]
    pub const fn own(
        self,
        own_scopes: &'static [&'static str],
        own_members: &'static [&'static str],
    ) -> Self {
        Self { own_scopes, own_members, ..self }
    }

    /// Takes a body.
    #[must_use]
    pub const fn body(self, fields: &'static [Field], purpose: Purpose) -> Self {
        Self {
            body: Some(Body { fields, purpose, is_list: false, is_optional: false, whole: None, text: None }),
            ..self
        }
    }

    /// Takes a body that may be missing.
    #[must_use]
    pub const fn optional_body(self, fields: &'static [Field]) -> Self {
        let body = Body {
            fields,
            purpose: Purpose::Update,
            is_list: false,
            is_optional: true,
            whole: None,
            text: None,
        };
        Self { body: Some(body), ..self }
    }

    /// Takes a body of another shape than an object with members of known names.
    #[must_use]
    pub const fn shaped_body(self, shape: &'static Shape) -> Self {
        let body = Body {
            fields: &[],
            purpose: Purpose::Create,
            is_list: false,
            is_optional: false,
            whole: Some(shape),
            text: None,
        };
        Self { body: Some(body), ..self }
    }

    /// Keeps the bodies of calls and answers out of the log: they are secrets under names of the caller's.
    #[must_use]
    pub const fn unlogged_bodies(self) -> Self {
        Self { logs_bodies: false, ..self }
    }

    /// Takes text, as JSON or as HTML, for an object with this member.
    ///
    /// # Panics
    /// If it takes no body.
    #[must_use]
    pub const fn or_text(self, member: &'static str) -> Self {
        let body = self.body.expect("an operation has a body before it is said how it is read");
        Self { body: Some(Body { text: Some(member), ..body }), ..self }
    }

    /// Does this before its transaction begins.
    #[must_use]
    pub const fn prepare(self, prepare: Prepare) -> Self {
        Self { prepare: Some(prepare), ..self }
    }

    /// Takes a list of objects.
    #[must_use]
    pub const fn list_body(self, fields: &'static [Field]) -> Self {
        Self {
            body: Some(Body {
                fields,
                purpose: Purpose::Create,
                is_list: true,
                is_optional: false,
                whole: None,
                text: None,
            }),
            ..self
        }
    }

    /// Takes these query parameters too.
    #[must_use]
    pub const fn query(self, query: &'static [Field]) -> Self {
        Self { query, ..self }
    }

    /// Answers this status on success.
    #[must_use]
    pub const fn success(self, success: u16) -> Self {
        Self { success, ..self }
    }

    /// Says what of it is not built: a clause that completes "not yet:".
    #[must_use]
    pub const fn partly(self, missing: &'static str) -> Self {
        Self { missing, ..self }
    }

    /// Whether its body may hold files, and so be long.
    pub fn takes_files(&self) -> bool {
        let fields = self.body.map_or(&[][..], |body| body.fields);
        fields.iter().any(|field| matches!(field.shape, Shape::File))
    }

    /// Changes no more than this, whatever its method says.
    #[must_use]
    pub const fn effect(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    /// Changes the tenant's configuration.
    #[must_use]
    pub const fn writes_config(self) -> Self {
        Self { effect: Effect::WritesConfig, ..self }
    }
}

/// A resource: a name and its operations.
pub struct Resource {
    /// The tag in the table of operations, e.g. `client-grants`.
    pub name: &'static str,
    /// Its routes.
    pub operations: &'static [Operation],
}

/// Who calls, as the bearer token says.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// `sub`: a user's id, or `CLIENT_ID@clients`.
    pub subject: String,
    /// `azp`: the client that the token was issued to.
    pub client_id: String,
    /// The client's name, when known; for the log.
    pub client_name: Option<String>,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// The token is a user's own: it opens what that user may do with their own account. `false` for machines,
    /// and for administrators in the dashboard, whose scopes come from their role.
    pub is_user: bool,
}

impl Caller {
    /// Whether nobody but a machine calls.
    pub fn is_machine(&self) -> bool {
        self.subject.strip_suffix("@clients") == Some(&self.client_id)
    }

    /// Whether the token holds this scope.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    /// Whether the token holds any of these scopes.
    pub fn has_any(&self, scopes: &[&str]) -> bool {
        scopes.iter().any(|scope| self.has(scope))
    }
}

/// The facts of one call that every operation may read.
#[derive(Clone, Debug)]
pub struct OpRequest {
    /// The tenant that the call is for.
    pub tenant: TenantId,
    /// The issuer as this call sees it.
    pub issuer: Issuer,
    /// Who calls.
    pub caller: Caller,
    /// When.
    pub now: Timestamp,
    /// Random values.
    pub random: Random,
    /// Seals and opens secrets.
    pub master_key: Arc<MasterKey>,
    /// Hashes passwords.
    pub passwords: Hasher,
    /// The caller's address.
    pub ip: String,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The `auth0-custom-domain` header: the host that links are to name.
    pub custom_domain: Option<String>,
    /// The tenant's scripts around changes of users; `None` where none can run.
    pub flows: Option<Arc<dyn Flows>>,
    /// Runs scripts that are tried out; `None` where there is no server.
    pub trial: Option<Arc<dyn Trial>>,
}

/// What an operation works with: one transaction and the facts of the call.
pub struct OpCx<'t> {
    /// The transaction. An error rolls it back.
    pub tx: &'t mut Tx,
    /// The facts of the call.
    pub request: &'t OpRequest,
}

/// What the call holds, checked.
#[derive(Debug, Default)]
pub struct Input {
    /// The path's parameters, decoded.
    pub params: Vec<(&'static str, String)>,
    /// The query.
    pub query: Query,
    /// The body; empty if the operation takes none, or a list.
    pub body: Map,
    /// The body's items, if it is a list.
    pub items: Vec<Map>,
    /// The body, if it is of another shape.
    pub whole: Value,
    /// What the body's files hold, by name.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// The hash of the body's password, where an operation takes one.
    pub password: Option<StoredHash>,
    /// What the operation looked up before its transaction, where it does.
    pub prepared: Value,
    /// Keys that were generated for the operation, where it takes some.
    pub keys: Vec<NewSigningKey>,
}

impl Input {
    /// The path's parameter of this name; empty if the path has none.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// What the file of this name holds, if it was sent.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|(known, _)| *known == name).map(|(_, bytes)| &bytes[..])
    }

    /// The path's `{id}`.
    pub fn id(&self) -> &str {
        self.param("id")
    }
}

/// What an operation answers on success.
#[derive(Debug, Default)]
pub struct Answer {
    /// The body; `None` for an empty one.
    pub body: Option<Value>,
    /// Headers besides the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// A status other than the operation's usual one.
    pub status: Option<u16>,
    /// The body shows a secret, which is worth a log event.
    pub shows_secret: bool,
    /// What the tenant's scripts are told once it is committed.
    pub happened: Option<Happened>,
}

impl From<Value> for Answer {
    fn from(body: Value) -> Self {
        Self { body: Some(body), ..Self::default() }
    }
}

impl From<Map> for Answer {
    fn from(body: Map) -> Self {
        Value::Object(body).into()
    }
}
