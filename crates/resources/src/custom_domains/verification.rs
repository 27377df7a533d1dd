//! Whether a custom domain points at this server: whether its name leads to where the tenant's own host leads.
//!
//! Who controls a domain decides where it leads, so nobody verifies a domain of others that leads elsewhere.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use gatewright_store::{BoxFuture, Db};
use serde_json::{Value, json};

use super::{DOMAINS, check_free, existing, text};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Input, OpCx, OpRequest};
use crate::tenants;

/// How long a look-up may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks both names up, before the transaction; what is wrong, or `null`, is left in `prepared`.
pub(super) fn look_up<'a>(
    db: &'a Db,
    request: &'a OpRequest,
    input: &'a mut Input,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let (tenant, master_key, id) =
            (request.tenant.clone(), request.master_key.clone(), input.id().to_owned());
        let found = db.read(move |tx| {
            Box::pin(async move {
                let domain = DOMAINS.find(tx, &tenant, &master_key, &id).await?;
                Ok::<_, ApiError>((domain, tenants::host(tx, &tenant).await?))
            })
        });
        let (domain, host) = found.await?;
        let domain = domain.ok_or_else(|| DOMAINS.missing())?;
        let name = text(&domain, "domain");
        let (there, here) = (addresses(name).await, addresses(&host).await);
        input.prepared = json!(problem(name, &host, &there, &here));
        Ok(())
    })
}

/// What keeps requests for `name` from this server, given where it and the tenant's host lead. The addresses are not
/// told: the server's resolver may know names of a network that its tenants have no business with.
fn problem(name: &str, host: &str, there: &BTreeSet<IpAddr>, here: &BTreeSet<IpAddr>) -> Option<String> {
    if there.is_empty() {
        Some(format!("No address was found for {name}. Make it a CNAME of {host}."))
    } else if here.is_empty() {
        Some(format!("No address was found for {host}, so {name} cannot be compared with it."))
    } else if !there.is_subset(here) {
        Some(format!("{name} leads to addresses that {host} does not. Make it a CNAME of {host}."))
    } else {
        None
    }
}

/// Where a name leads; empty if nowhere, or if nobody answers in time.
async fn addresses(name: &str) -> BTreeSet<IpAddr> {
    // RFC 6761 section 6.3: these lead to this machine, and asking a server for them is wrong.
    if name == "localhost" || name.ends_with(".localhost") {
        return BTreeSet::from([IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    }
    match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 443))).await {
        Ok(Ok(found)) => found.map(|address| address.ip().to_canonical()).collect(),
        _ => BTreeSet::new(),
    }
}

/// `POST /custom-domains/{id}/verify`: from its success on the tenant is served at the domain.
pub(super) fn verify<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut domain = existing(cx, input.id()).await?;
        let is_ready = text(&domain, "status") == "ready";
        let problem = input.prepared.as_str().map(str::to_owned);
        if problem.is_none() && !is_ready {
            check_free(cx, text(&domain, "domain")).await?;
            domain.insert("status".to_owned(), "ready".into());
        }
        if let Some(Value::Object(verification)) = domain.get_mut("verification") {
            let status = match (&problem, is_ready) {
                (None, _) => "verified",
                (Some(_), true) => "failed",
                (Some(_), false) => "pending",
            };
            verification.insert("status".to_owned(), status.into());
            match problem {
                Some(problem) => verification.insert("error_msg".to_owned(), problem.into()),
                None => {
                    verification.insert("last_verified_at".to_owned(), cx.request.now.iso8601().into());
                    verification.remove("error_msg")
                }
            };
        }
        DOMAINS.store(cx.tx, &cx.request.sealing(), domain.clone()).await?;
        Ok(domain.into())
    })
}

/// `POST /custom-domains/{id}/test`: the same look, without consequences.
pub(super) fn test<'a>(_: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        Ok(match input.prepared.as_str() {
            Some(problem) => json!({ "success": false, "message": problem }),
            None => json!({ "success": true, "message": "The domain leads to this server." }),
        }
        .into())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::IpAddr;

    use super::problem;

    #[test]
    fn every_address_of_the_domain_must_be_one_of_the_hosts() {
        let set = |text: &[&str]| -> BTreeSet<IpAddr> { text.iter().map(|ip| ip.parse().unwrap()).collect() };
        let cases: &[(&[&str], &[&str], Option<&str>)] = &[
            (&["192.0.2.1"], &["192.0.2.1", "2001:db8::1"], None),
            (&["192.0.2.1", "2001:db8::1"], &["192.0.2.1", "2001:db8::1"], None),
            (&[], &["192.0.2.1"], Some("No address was found for a.example")),
            (&["192.0.2.1"], &[], Some("No address was found for b.example")),
            (
                &["192.0.2.1", "192.0.2.2"],
                &["192.0.2.1"],
                Some("a.example leads to addresses that b.example"),
            ),
            (&["192.0.2.2"], &["192.0.2.1"], Some("a.example leads to addresses that b.example does not.")),
        ];
        for (there, here, expect) in cases {
            let got = problem("a.example", "b.example", &set(there), &set(here));
            match expect {
                None => assert_eq!(got, None),
                Some(start) => {
                    assert!(got.as_ref().is_some_and(|got| got.starts_with(start)), "{got:?}");
                    assert!(got.is_some_and(|got| !got.contains("192.0.2")), "addresses stay here");
                }
            }
        }
    }
}
