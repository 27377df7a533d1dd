//! Jobs: imports and exports of users, and mails that verify an address. A request queues one, and a
//! worker does it ([`queue`]): in the `management` crate the first two, in `oauth` the last.

pub mod queue;

use gatewright_core::Timestamp;
use gatewright_core::connection::Connection;
use gatewright_core::ids::{Issuer, TenantId};
use gatewright_jose::{MasterKey, constant_time_eq};
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::connections;
use crate::engine::field::{BOOL, Field, SOME_TEXT, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::tickets;
use crate::users::export;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Imports users from a file.
    UsersImport,
    /// Writes users to a file.
    UsersExport,
    /// Sends a mail to verify an address.
    VerificationEmail,
}

impl Kind {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsersImport => "users_import",
            Self::UsersExport => "users_export",
            Self::VerificationEmail => "verification_email",
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "users_import" => Self::UsersImport,
            "users_export" => Self::UsersExport,
            _ => Self::VerificationEmail,
        }
    }
}

sql!(
    BY_ID,
    "SELECT type, status, doc, rows_done, rows_total, inserted, updated, failed, status_details, created_at,
       started_at
     FROM jobs WHERE tenant_id = $1 AND job_id = $2"
);
sql!(ERRORS, "SELECT doc FROM job_errors WHERE tenant_id = $1 AND job_id = $2 ORDER BY row_number");

/// Compat: imports of one tenant that may wait or run at the same time.
const IMPORTS_AT_ONCE: i64 = 2;
/// Files are kept in parts of this many bytes.
const PART_BYTES: usize = 512 * 1024;
/// Compat: columns of a CSV file.
const MOST_COLUMNS: usize = 30;
/// Compat: how long the address of a finished export is good.
const LINK_SECONDS: i64 = 60;

const IMPORT: &[Field] = &[
    field("users", Shape::File).required().hint("JSON file of users"),
    field("connection_id", SOME_TEXT).required().hint("The connection that the users will be in"),
    field("upsert", BOOL),
    field("external_id", TEXT),
    field("send_completion_email", BOOL),
];

const COLUMN: &[Field] =
    &[field("name", Shape::text(0, 100)).required(), field("export_as", Shape::text(0, 100))];

const EXPORT: &[Field] = &[
    field("connection_id", SOME_TEXT),
    field("format", Shape::OneOf(&["json", "csv"])),
    field("limit", Shape::Int { min: 1, max: i64::MAX }),
    field("fields", Shape::list(&Shape::object(COLUMN))),
];

const VERIFICATION: &[Field] = &[
    field("user_id", SOME_TEXT).required().hint("The user whose address is to be verified"),
    field("client_id", SOME_TEXT),
    field("identity", Shape::object(tickets::IDENTITY)),
    field("organization_id", SOME_TEXT),
];

const READERS: &[&str] = &["create:users", "read:users"];

/// `/jobs`.
pub static RESOURCE: Resource = Resource {
    name: "jobs",
    operations: &[
        Operation::new(
            "post_users_imports",
            Method::Post,
            "/jobs/users-imports",
            "Create a job that imports users",
            &["create:users"],
            Handler::Custom(import),
        )
        .body(IMPORT, Purpose::Create)
        .success(202),
        Operation::new(
            "post_users_exports",
            Method::Post,
            "/jobs/users-exports",
            "Create a job that exports users",
            &["read:users"],
            Handler::Custom(export),
        )
        .body(EXPORT, Purpose::Create),
        Operation::new(
            "post_verification_email",
            Method::Post,
            "/jobs/verification-email",
            "Create a job that sends an e-mail to verify an address",
            &["update:users"],
            Handler::Custom(verification),
        )
        .body(VERIFICATION, Purpose::Create)
        .success(201),
        Operation::new(
            "get_jobs_by_id",
            Method::Get,
            "/jobs/{id}",
            "Get a job",
            READERS,
            Handler::Custom(read),
        ),
        Operation::new(
            "get_errors",
            Method::Get,
            "/jobs/{id}/errors",
            "Get the rows that an import refused",
            READERS,
            Handler::Custom(errors),
        ),
    ],
};

fn missing() -> ApiError {
    ApiError::new(404, "The job does not exist.").code("inexistent_job")
}

fn text<'a>(body: &'a Map, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// The connection that the body names.
async fn connection(cx: &mut OpCx<'_>, id: &str) -> Result<Connection, ApiError> {
    let found = connections::by_id(cx.tx, &cx.request.tenant, &cx.request.master_key, id).await?;
    found.ok_or_else(|| ApiError::new(400, "The connection does not exist.").code("inexistent_connection"))
}

/// Queues a job and answers it; `None` if its slot is taken.
async fn queue(
    cx: &mut OpCx<'_>,
    kind: Kind,
    doc: Map,
    task: Value,
    slot: Option<i64>,
) -> Result<Option<(String, Value)>, ApiError> {
    let request = cx.request;
    let job_id = format!("job_{}", request.random.alphanumeric(16));
    let mut shown = doc.clone();
    let facts = json!({
        "id": job_id, "type": kind.name(), "status": "pending", "created_at": request.now.iso8601(),
    });
    shown.extend(facts.as_object().cloned().unwrap_or_default());
    let new = queue::New { job_id: &job_id, kind, doc: Value::Object(doc), task, slot };
    let queued = queue::insert(cx.tx, &request.tenant, &new, request.now).await?;
    Ok(queued.then_some((job_id, Value::Object(shown))))
}

fn import<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let file = input.file("users").ok_or_else(|| {
            ApiError::invalid_body("'Expected type file, in a body of multipart/form-data' on property users")
        })?;
        let connection = connection(cx, text(&input.body, "connection_id").unwrap_or_default()).await?;
        if !matches!(connection.strategy.as_str(), "auth0" | "sms" | "email") {
            return Err(ApiError::unsupported(format!(
                "Users of a {} connection are made when they log in; only database, sms and email connections \
                 take imports.",
                connection.strategy
            )));
        }
        let flag = |name: &str, default| input.body.get(name).and_then(Value::as_bool).unwrap_or(default);
        let mut doc = Map::new();
        doc.insert("connection_id".to_owned(), connection.id.as_str().into());
        doc.insert("connection".to_owned(), connection.name.as_str().into());
        doc.insert("upsert".to_owned(), flag("upsert", false).into());
        doc.insert("send_completion_email".to_owned(), flag("send_completion_email", true).into());
        if let Some(external_id) = input.body.get("external_id") {
            doc.insert("external_id".to_owned(), external_id.clone());
        }
        let task = json!({"client_id": cx.request.caller.client_id, "bytes": file.len()});
        for slot in 0..IMPORTS_AT_ONCE {
            let queued = queue(cx, Kind::UsersImport, doc.clone(), task.clone(), Some(slot)).await?;
            let Some((job_id, shown)) = queued else { continue };
            for (part, bytes) in (0..).zip(file.chunks(PART_BYTES)) {
                queue::add_part(cx.tx, &cx.request.tenant, &job_id, part, bytes.to_vec()).await?;
            }
            return Ok(shown.into());
        }
        Err(ApiError::new(
            429,
            format!(
                "There are {IMPORTS_AT_ONCE} active import users jobs, please wait until some of them are \
                 finished and try again"
            ),
        )
        .code("too_many_requests"))
    })
}

fn export<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut doc = input.body.clone();
        if let Some(id) = text(&input.body, "connection_id") {
            let connection = connection(cx, id).await?;
            doc.insert("connection".to_owned(), connection.name.into());
        }
        doc.entry("format").or_insert("json".into());
        if doc["format"] == "csv" {
            fits_csv(&doc)?;
        }
        let task = json!({"client_id": cx.request.caller.client_id});
        let queued = queue(cx, Kind::UsersExport, doc, task, None).await?;
        queued.map(|(_, shown)| shown.into()).ok_or_else(|| ApiError::conflict("Try again."))
    })
}

/// What CSV has no place for.
fn fits_csv(doc: &Map) -> Result<(), ApiError> {
    let fields = doc.get("fields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if fields.len() > MOST_COLUMNS {
        return Err(ApiError::invalid_body(format_args!(
            "'Array is too long ({}), maximum {MOST_COLUMNS} for csv' on property fields",
            fields.len()
        )));
    }
    let whole = fields.iter().filter_map(|field| field["name"].as_str());
    match whole.into_iter().find(|name| matches!(*name, "user_metadata" | "app_metadata")) {
        Some(name) => Err(ApiError::invalid_body(format_args!(
            "'{name} cannot be written as one column of csv; name its members, as in {name}.plan' on property \
             fields"
        ))),
        None => Ok(()),
    }
}

fn verification<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let target = tickets::verification_target(cx, &input.body).await.map_err(|mut error| {
            // Compat: this operation knows no 404.
            if error.status == 404 {
                error.status = 400;
            }
            error
        })?;
        let issuer = tickets::issuer(cx).await?;
        let task = json!({
            "user_id": target.user_id,
            "client_id": text(&input.body, "client_id"),
            "issuer": issuer.origin(),
        });
        let queued = queue(cx, Kind::VerificationEmail, Map::new(), task, None).await?;
        queued.map(|(_, shown)| shown.into()).ok_or_else(|| ApiError::conflict("Try again."))
    })
}

/// A job as it is shown, and whether its file can be downloaded.
async fn job(cx: &mut OpCx<'_>, id: &str) -> Result<Map, ApiError> {
    let request = cx.request;
    let row = cx.tx.opt(&BY_ID, &params![&request.tenant, id]).await?.ok_or_else(missing)?;
    let (kind, status) = (Kind::named(&row.text(0)?), row.text(1)?);
    let Value::Object(mut job) = row.json(2)? else { return Err(missing()) };
    let (done, total, started) = (row.int(3)?, row.opt_int(4)?, row.opt_time(10)?);
    job.insert("id".to_owned(), id.into());
    job.insert("type".to_owned(), kind.name().into());
    job.insert("created_at".to_owned(), row.time(9)?.iso8601().into());
    if let (Some(total), Some(started), "processing") = (total.filter(|total| *total > 0), started, &*status)
    {
        job.insert("percentage_done".to_owned(), (done * 100 / total).into());
        if done > 0 {
            let spent = request.now.seconds() - started.seconds();
            job.insert("time_left_seconds".to_owned(), (spent * (total - done) / done).max(0).into());
        }
    }
    if let Some(details) = row.opt_text(8)? {
        job.insert("status_details".to_owned(), details.into());
    }
    if kind == Kind::UsersImport && matches!(&*status, "completed" | "failed") {
        let (inserted, updated, failed) = (row.int(5)?, row.int(6)?, row.int(7)?);
        let total = inserted + updated + failed;
        let summary = json!({"total": total, "inserted": inserted, "updated": updated, "failed": failed});
        job.insert("summary".to_owned(), summary);
    }
    if kind == Kind::UsersExport && status == "completed" {
        let link = link(&request.master_key, &request.tenant, &request.issuer, id, &job, request.now);
        job.insert("location".to_owned(), link.into());
    }
    job.insert("status".to_owned(), status.into());
    Ok(job)
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(job(cx, input.id()).await?.into()) })
}

fn errors<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let job = job(cx, input.id()).await?;
        let rows = cx.tx.all(&ERRORS, &params![&cx.request.tenant, input.id()]).await?;
        let errors = rows.iter().map(|row| row.json(0)).collect::<Result<Vec<Value>, StoreError>>()?;
        if !errors.is_empty() {
            return Ok(Value::Array(errors).into());
        }
        // Compat: a job that failed as a whole answers itself, one without errors nothing.
        if job.get("status") == Some(&"failed".into()) {
            return Ok(job.into());
        }
        Ok(Answer { status: Some(204), ..Answer::default() })
    })
}

/// The file's name: the tenant's, as at Auth0.
fn file_name(tenant: &TenantId, job: &Map) -> String {
    let format = export::Format::named(text(job, "format").unwrap_or_default());
    format!("{}.{}.gz", tenant.as_str(), format.name())
}

fn signature(master_key: &MasterKey, tenant: &TenantId, job_id: &str, expires: i64) -> String {
    let mac =
        master_key.mac(&format!("{}/job_files", tenant.as_str()), format!("{job_id} {expires}").as_bytes());
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where a finished export can be downloaded for a minute, by whoever knows the address.
fn link(
    master_key: &MasterKey,
    tenant: &TenantId,
    issuer: &Issuer,
    job_id: &str,
    job: &Map,
    now: Timestamp,
) -> String {
    let expires = now.plus_seconds(LINK_SECONDS).seconds();
    let signature = signature(master_key, tenant, job_id, expires);
    let path = format!("exports/{job_id}/{}", file_name(tenant, job));
    format!("{}?expires={expires}&signature={signature}", issuer.join(&path))
}

/// Whether an address made by this server for this tenant's job is still good.
pub fn link_is_good(
    master_key: &MasterKey,
    tenant: &TenantId,
    job_id: &str,
    expires: i64,
    signed: &str,
    now: Timestamp,
) -> bool {
    let expected = signature(master_key, tenant, job_id, expires);
    constant_time_eq(expected.as_bytes(), signed.as_bytes()) && now.seconds() < expires
}

/// The name under which a finished export is downloaded; `None` if there is no such file.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn exported_file(
    tx: &mut Tx,
    tenant: &TenantId,
    job_id: &str,
) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.opt(&BY_ID, &params![tenant, job_id]).await? else { return Ok(None) };
    let finished = row.text(0)? == Kind::UsersExport.name() && row.text(1)? == "completed";
    let doc = row.json(2)?;
    Ok(doc.as_object().filter(|_| finished).map(|doc| file_name(tenant, doc)))
}

/// Whom a verification mail is for: the user, the client and the issuer that its link names.
#[derive(Clone, Debug)]
pub struct VerificationTask {
    /// The user.
    pub user_id: String,
    /// The client, if one was named.
    pub client_id: Option<String>,
    /// The issuer.
    pub issuer: String,
}

impl queue::Taken {
    /// What a verification mail needs.
    pub fn verification(&self) -> VerificationTask {
        let text = |name: &str| self.task[name].as_str().map(str::to_owned);
        VerificationTask {
            user_id: text("user_id").unwrap_or_default(),
            client_id: text("client_id"),
            issuer: text("issuer").unwrap_or_default(),
        }
    }
}
