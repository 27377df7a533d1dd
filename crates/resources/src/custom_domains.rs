//! Custom domains: other hosts at which a tenant is served.
//!
//! A domain waits until it was [seen to point at this server](verification); from then on requests for it belong to
//! the tenant, with the issuer that the domain gives them. A host is one tenant's only: the first to verify it has it,
//! and the hosts that tenants were made with are never for others. Certificates are the operator's matter.

mod search;
mod verification;

use gatewright_core::ids::TenantId;
use gatewright_store::{BoxFuture, StoreError, Tx, Val, params, sql};
use serde_json::{Value, json};

use crate::engine::crud::{fill, merge};
use crate::engine::documents::document_table;
use crate::engine::field::{Field, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::query::checkpoint_body;
use crate::engine::validate::Purpose;
use crate::engine::{ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource};
use crate::tenants;

document_table!(TABLE, "custom_domains", id "custom_domain_id", keys "domain", "status");
sql!(
    SERVED,
    "SELECT t.tenant_id, t.config_version FROM custom_domains d JOIN tenants t ON t.tenant_id = d.tenant_id
     WHERE d.domain = $1 AND d.status = 'ready'"
);

static DOMAINS: Crud = Crud {
    id_field: "custom_domain_id",
    not_found: ("The custom domain does not exist", Some("inexistent_custom_domain")),
    conflict: "You reached the maximum number of custom domains with this name: one.",
    keys: |domain| vec![Val::from(text(domain, "domain")), Val::from(text(domain, "status"))],
    draft,
    ..Crud::plain(
        &TABLE,
        "/custom-domains",
        "/custom-domains/{id}",
        "custom_domains",
        IdForm::Alphanumeric("cd_", 16),
        FIELDS,
    )
};

const DOMAIN: Shape = Shape::Text { min: 3, max: 255, format: Format::Hostname };
const CLIENT_IP: Shape =
    Shape::OneOf(&["true-client-ip", "cf-connecting-ip", "x-forwarded-for", "x-azure-clientip", ""]);
const FIELDS: &[Field] = &[
    field("domain", DOMAIN).required().immutable().hint("Domain name"),
    field("type", Shape::OneOf(&["auth0_managed_certs", "self_managed_certs"])).required().immutable(),
    field("verification_method", Shape::OneOf(&["txt"])).immutable(),
    field("tls_policy", Shape::OneOf(&["recommended"])),
    field("custom_client_ip_header", CLIENT_IP).nullable(),
    field("domain_metadata", Shape::TextMap { max_members: 10, max_length: 255 }),
    field("relying_party_identifier", DOMAIN).nullable(),
];
const LIST_QUERY: &[Field] = &[field("q", TEXT), field("sort", Shape::text(0, 15))];
const READ: &[&str] = &["read:custom_domains"];

/// `/custom-domains`.
pub static RESOURCE: Resource = Resource {
    name: "custom-domains",
    operations: &[
        Operation::new(
            "get_custom_domains",
            Method::Get,
            "/custom-domains",
            "Get custom domains configurations",
            READ,
            Handler::Custom(list),
        )
        .query(LIST_QUERY),
        DOMAINS
            .creates("post_custom_domains", "Configure a new custom domain", &["create:custom_domains"])
            .partly("certificates, TXT records"),
        Operation::new(
            "get_default",
            Method::Get,
            "/custom-domains/default",
            "Get the default domain",
            READ,
            Handler::Custom(read_default),
        ),
        Operation::new(
            "patch_default",
            Method::Patch,
            "/custom-domains/default",
            "Update the default custom domain",
            &["update:custom_domains"],
            Handler::Custom(set_default),
        )
        .body(&[field("domain", DOMAIN).required()], Purpose::Create)
        .writes_config(),
        DOMAINS.reads("get_custom_domains_by_id", "Get custom domain configuration", READ),
        DOMAINS.updates(
            "patch_custom_domains_by_id",
            "Update custom domain configuration",
            &["update:custom_domains"],
        ),
        DOMAINS.deletes(
            "delete_custom_domains_by_id",
            "Delete custom domain configuration",
            &["delete:custom_domains"],
        ),
        Operation::new(
            "post_test_domain",
            Method::Post,
            "/custom-domains/{id}/test",
            "Test a custom domain",
            READ,
            Handler::Custom(verification::test),
        )
        .prepare(verification::look_up),
        Operation::new(
            "post_verify",
            Method::Post,
            "/custom-domains/{id}/verify",
            "Verify a custom domain",
            &["create:custom_domains"],
            Handler::Custom(verification::verify),
        )
        .prepare(verification::look_up)
        .writes_config(),
    ],
};

/// The tenant that is served at this custom domain, and the version of its configuration.
pub(crate) async fn served(tx: &mut Tx, host: &str) -> Result<Option<(TenantId, i64)>, StoreError> {
    let row = tx.opt(&SERVED, &params![host]).await?;
    row.map(|row| Ok((TenantId::new(row.text(0)?), row.int(1)?))).transpose()
}

async fn all(cx: &mut OpCx<'_>) -> Result<Vec<Map>, ApiError> {
    Ok(DOMAINS.load(cx.tx, &cx.request.tenant, &cx.request.master_key).await?)
}

async fn existing(cx: &mut OpCx<'_>, id: &str) -> Result<Map, ApiError> {
    let found = DOMAINS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, id).await?;
    found.ok_or_else(|| DOMAINS.missing())
}

/// Refuses a host that is somebody's already.
async fn check_free(cx: &mut OpCx<'_>, domain: &str) -> Result<(), ApiError> {
    if tenants::by_host(cx.tx, domain).await?.is_some() {
        return Err(ApiError::conflict(format!("The domain {domain} is in use already."))
            .code("custom_domain_conflict"));
    }
    Ok(())
}

fn draft<'a>(cx: &'a mut OpCx<'_>, document: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let domain = text(document, "domain").to_ascii_lowercase();
        check_free(cx, &domain).await?;
        if all(cx).await?.iter().any(|other| text(other, "domain") == domain) {
            return Err(
                ApiError::conflict("The custom domain exists already.").code("custom_domain_conflict")
            );
        }
        let host = tenants::host(cx.tx, &cx.request.tenant).await?;
        // One way to verify, whatever was asked for: nothing here reads TXT records.
        document.remove("verification_method");
        document.insert("domain".to_owned(), domain.as_str().into());
        fill(
            document,
            json!({
                "primary": true,
                "is_default": false,
                "status": "pending_verification",
                "tls_policy": "recommended",
                "created_at": cx.request.now.iso8601(),
                "verification": {
                    "methods": [{ "name": "cname", "record": host, "domain": domain }],
                    "status": "pending",
                },
            }),
        );
        Ok(())
    })
}

/// Compat: a bare array, and an object as soon as something is searched, sorted or cut.
fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let query = &input.query;
        let mut domains = all(cx).await?;
        if let Some(search) = query.text("q").filter(|search| !search.is_empty()) {
            search::narrow(&mut domains, search)?;
        }
        match query.text("sort") {
            None | Some("" | "domain:1") => domains.sort_by(|a, b| text(a, "domain").cmp(text(b, "domain"))),
            Some("domain:-1") => domains.sort_by(|a, b| text(b, "domain").cmp(text(a, "domain"))),
            Some(_) => {
                let problem = "'Only domain:1 and domain:-1 are supported' on property sort";
                return Err(ApiError::invalid_query(problem));
            }
        }
        let is_object = ["q", "sort", "take", "from"].iter().any(|name| query.text(name).is_some());
        let shown = |domain: Map| Value::Object(query.project(domain));
        if !is_object {
            return Ok(domains.into_iter().map(shown).collect::<Value>().into());
        }
        let (take, from) = query.checkpoint();
        let start = match from {
            "" => 0,
            from => domains
                .iter()
                .position(|domain| text(domain, "custom_domain_id") == from)
                .map_or(0, |at| at + 1),
        };
        let limit = usize::try_from(take).unwrap_or(0);
        let more = domains.len() > start.saturating_add(limit);
        let page: Vec<Map> = domains.into_iter().skip(start).take(limit).collect();
        let next = page.last().filter(|_| more).map(|domain| text(domain, "custom_domain_id").to_owned());
        Ok(checkpoint_body("custom_domains", page.into_iter().map(shown).collect(), next).into())
    })
}

/// The custom domain that is the default, or just the host that the tenant was made with.
fn read_default<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let chosen = all(cx).await?.into_iter().find(|domain| domain.get("is_default") == Some(&json!(true)));
        Ok(match chosen {
            Some(domain) => domain.into(),
            None => json!({ "domain": tenants::host(cx.tx, &cx.request.tenant).await? }).into(),
        })
    })
}

fn set_default<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let wanted = text(&input.body, "domain").to_ascii_lowercase();
        let host = tenants::host(cx.tx, &cx.request.tenant).await?;
        let (mut answer, mut changed) = (None, Vec::new());
        for mut domain in all(cx).await? {
            let is_default = text(&domain, "domain") == wanted;
            if is_default && text(&domain, "status") != "ready" {
                return Err(ApiError::invalid_body("'The domain is not verified' on property domain"));
            }
            merge(&mut domain, &Map::from_iter([("is_default".to_owned(), is_default.into())]));
            answer = if is_default { Some(domain.clone()) } else { answer };
            changed.push(domain);
        }
        if answer.is_none() && wanted != host {
            return Err(ApiError::invalid_body("'The tenant has no such domain' on property domain"));
        }
        for domain in changed {
            DOMAINS.store(cx.tx, &cx.request.sealing(), domain).await?;
        }
        Ok(answer.map_or_else(|| json!({ "domain": host }).into(), Into::into))
    })
}

fn text<'a>(document: &'a Map, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "custom_domains_tests.rs"]
mod tests;
