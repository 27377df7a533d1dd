//! Whether a login ticket may be used by the browser that presents it.
//!
//! `/co/authenticate` hands a page a ticket, and `/authorize` takes it. The ticket must come from the
//! browser that got it, or anyone could log a victim into the attacker's account. Three things can
//! show that it does: the cookie set with the ticket; its twin with `Partitioned`, which browsers that
//! block third-party cookies still send inside a frame of the same page; and, where neither arrives, a
//! `Referer` whose origin is the one that got the ticket and is still registered with the client. A
//! browser writes the Referer itself; a page can hide it, not forge it, so an absent one proves nothing.

use crate::redirect::{origin_allowed, origin_of};
use crate::time::Timestamp;

/// The ticket as stored, and the request that presents it.
#[derive(Clone, Copy, Debug)]
pub struct TicketFacts<'a> {
    /// Whether the client that asks is the one the ticket was made for.
    pub client_matches: bool,
    /// When the ticket stops being good.
    pub expires_at: Timestamp,
    /// A ticket is good once.
    pub used: bool,
    /// Whether the request's plain binding cookie is the one set with the ticket.
    pub plain_cookie_matches: bool,
    /// The same for the cookie with `Partitioned`.
    pub partitioned_cookie_matches: bool,
    /// The `Origin` header of the `/co/authenticate` call that made the ticket.
    pub recorded_origin: Option<&'a str>,
    /// The client's registered origins as they are now.
    pub registered_origins: &'a [String],
    /// The request's `Referer` header.
    pub referer: Option<&'a str>,
}

/// What showed that the ticket is used by the browser that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketBinding {
    /// The plain cookie.
    Cookie,
    /// The cookie with `Partitioned`.
    PartitionedCookie,
    /// The Referer's origin.
    Referer,
    /// Nothing had to: the ticket was made within the request that uses it, from the secret of a link.
    Link,
    /// The ticket was made within the request that uses it, from a code that this browser had verified.
    VerifiedCode,
}

/// Whether the ticket may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketVerdict {
    /// It may. Spend it in the same write that makes the session.
    Accepted(TicketBinding),
    /// No such ticket.
    Unknown,
    /// Made for another client.
    WrongClient,
    /// Already used.
    Used,
    /// Too late.
    Expired,
    /// No cookie, and the Referer is absent or withheld.
    NothingBinds,
    /// No cookie, and the page is not the one that got the ticket.
    OtherOrigin,
    /// No cookie, and the page's origin is no longer registered with the client.
    OriginNotRegistered,
}

/// Judges a ticket presented at `/authorize`; absent facts mean that no such ticket is stored.
#[must_use]
pub fn verdict(ticket: Option<&TicketFacts<'_>>, now: Timestamp) -> TicketVerdict {
    let Some(ticket) = ticket else { return TicketVerdict::Unknown };
    if !ticket.client_matches {
        return TicketVerdict::WrongClient;
    }
    if ticket.used {
        return TicketVerdict::Used;
    }
    if now >= ticket.expires_at {
        return TicketVerdict::Expired;
    }
    if ticket.plain_cookie_matches {
        return TicketVerdict::Accepted(TicketBinding::Cookie);
    }
    if ticket.partitioned_cookie_matches {
        return TicketVerdict::Accepted(TicketBinding::PartitionedCookie);
    }
    let Some(from) = ticket.referer.and_then(origin_of) else { return TicketVerdict::NothingBinds };
    match ticket.recorded_origin.and_then(origin_of) {
        Some(recorded) if recorded == from => {
            if origin_allowed(&from, ticket.registered_origins) {
                TicketVerdict::Accepted(TicketBinding::Referer)
            } else {
                TicketVerdict::OriginNotRegistered
            }
        }
        _ => TicketVerdict::OtherOrigin,
    }
}

impl TicketVerdict {
    /// The stable reason code for the tenant log.
    pub const fn code(self) -> &'static str {
        match self {
            TicketVerdict::Accepted(TicketBinding::Cookie) => "ticket_bound_by_cookie",
            TicketVerdict::Accepted(TicketBinding::PartitionedCookie) => "ticket_bound_by_partitioned_cookie",
            TicketVerdict::Accepted(TicketBinding::Referer) => "ticket_bound_by_referer",
            TicketVerdict::Accepted(TicketBinding::Link) => "link_followed",
            TicketVerdict::Accepted(TicketBinding::VerifiedCode) => "code_verified_here",
            TicketVerdict::Unknown => "ticket_unknown",
            TicketVerdict::WrongClient => "ticket_of_other_client",
            TicketVerdict::Used => "ticket_used",
            TicketVerdict::Expired => "ticket_expired",
            TicketVerdict::NothingBinds => "ticket_unbound",
            TicketVerdict::OtherOrigin => "ticket_of_other_origin",
            TicketVerdict::OriginNotRegistered => "ticket_origin_not_registered",
        }
    }

    /// What was so, in a sentence for the tenant log.
    pub const fn says(self) -> &'static str {
        match self {
            TicketVerdict::Accepted(TicketBinding::Cookie) => {
                "The cookie set with the login ticket came back."
            }
            TicketVerdict::Accepted(TicketBinding::PartitionedCookie) => {
                "The partitioned cookie set with the login ticket came back."
            }
            TicketVerdict::Accepted(TicketBinding::Referer) => {
                "No cookie came back; the page is the one that got the login ticket, by its Referer."
            }
            TicketVerdict::Accepted(TicketBinding::Link) => {
                "The link of a passwordless e-mail was followed for the first time."
            }
            TicketVerdict::Accepted(TicketBinding::VerifiedCode) => {
                "The code was verified in this browser a moment before."
            }
            TicketVerdict::Unknown => "No such login ticket is waiting.",
            TicketVerdict::WrongClient => "The login ticket was made for another client.",
            TicketVerdict::Used => "The login ticket was used before.",
            TicketVerdict::Expired => "The login ticket came after it had expired.",
            TicketVerdict::NothingBinds => {
                "The browser sent neither cookie nor a Referer, so nothing shows that it got the login ticket."
            }
            TicketVerdict::OtherOrigin => "The login ticket was given to a page of another origin.",
            TicketVerdict::OriginNotRegistered => {
                "The page that got the login ticket is not among the client's registered origins."
            }
        }
    }

    /// What the owner of the client can do, where something can be done.
    pub const fn remedy(self) -> Option<&'static str> {
        match self {
            TicketVerdict::NothingBinds => Some(
                "let the page send its Referer (Referrer-Policy strict-origin or wider), or serve the page and \
                 this server from one site.",
            ),
            TicketVerdict::OriginNotRegistered => Some("add the page's origin to web_origins of the client."),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "cross_origin_tests.rs"]
mod tests;
