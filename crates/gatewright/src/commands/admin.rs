//! `gatewright admin invite`: prints a link that makes whoever follows it administrator.

use anyhow::{Context as _, bail};
use gatewright_ambient::{Clock, Random};
use gatewright_core::ids::Issuer;
use gatewright_resources::dashboard::invitations;
use gatewright_resources::tenants;

use super::local::Local;
use crate::cli::{AdminCommand, DataArgs};
use crate::config::{Config, Form};
use crate::invitation;
use crate::start_screen::issuer_at;

/// Invites.
pub(super) fn run(command: AdminCommand) -> anyhow::Result<()> {
    let AdminCommand::Invite { url, data } = command;
    super::runtime(1)?.block_on(async {
        let local = Local::open(&data).await?;
        let outcome = invite(&local, url.as_deref(), &data).await;
        local.db.close().await;
        super::say(&outcome?)
    })
}

async fn invite(local: &Local, url: Option<&str>, data: &DataArgs) -> anyhow::Result<String> {
    let issuer = match url {
        Some(url) => issuer_of(url)?,
        None => guessed_issuer(local, data).await?,
    };
    let (clock, random) = (Clock::system(), Random::system());
    let path = invitation::make(&local.db, &local.tenant, clock.now(), &random).await?;
    let hours = invitations::LIFETIME_SECONDS / 3600;
    Ok(format!(
        "Whoever opens this link becomes administrator of the tenant {}. It works once, for {hours} hours:\n\n{}\n",
        local.tenant,
        issuer.join(&path)
    ))
}

/// The tenant's host at the port of `dev`, or at the usual one of another server's database.
async fn guessed_issuer(local: &Local, data: &DataArgs) -> anyhow::Result<Issuer> {
    let config = Config::load(Form::Dev, &data.inputs())?;
    let tenant = local.tenant.clone();
    let read = local.db.read(move |tx| Box::pin(async move { tenants::host(tx, &tenant).await }));
    let host: String = read.await?;
    Ok(match config.server.port {
        Some(port) if config.database.url.is_none() => issuer_at("https", &host, port),
        _ => Issuer::new("https", &host),
    })
}

fn issuer_of(url: &str) -> anyhow::Result<Issuer> {
    let (scheme, host) = url.split_once("://").context("--url begins with https:// or http://")?;
    let host = host.trim_end_matches('/');
    if !["https", "http"].contains(&scheme) || host.is_empty() || host.contains('/') {
        bail!("--url is scheme and host, such as https://login.example.com");
    }
    Ok(Issuer::new(scheme, host))
}

#[cfg(test)]
mod tests {
    use super::issuer_of;

    #[test]
    fn a_url_is_scheme_and_host() {
        let issuer = issuer_of("https://login.example.com:8443/").unwrap();
        assert_eq!(issuer.as_str(), "https://login.example.com:8443/");
        for wrong in ["login.example.com", "ftp://x", "https://", "https://x/y"] {
            assert!(issuer_of(wrong).is_err(), "{wrong}");
        }
    }
}
