//! Which hosted page comes first: what to ask a person who has to log in.

use crate::connection::Connection;

/// What a connection asks of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// An identifier and a password, checked here.
    Password,
    /// A phone number and a code sent to it.
    SmsCode,
    /// An e-mail address and a code sent to it.
    EmailCode,
    /// A login at a provider elsewhere.
    Provider,
}

impl Way {
    /// The way of a connection; `None` for strategies that the hosted pages do not serve.
    pub fn of(connection: &Connection) -> Option<Self> {
        match connection.strategy.as_str() {
            "auth0" => Some(Self::Password),
            "sms" => Some(Self::SmsCode),
            "email" => Some(Self::EmailCode),
            "oauth2" => Some(Self::Provider),
            _ => None,
        }
    }
}

/// The first page of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First<'a> {
    /// Identifier and password on one page.
    Login(&'a Connection),
    /// The identifier alone; what comes next depends on the connection.
    Identifier(&'a Connection),
    /// No page: the browser goes to the provider.
    Provider(&'a Connection),
    /// Nothing but the buttons of providers.
    Buttons,
}

/// Why no page can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPage {
    /// The request names a connection that the client may not use, or that has no page.
    ConnectionNotUsable,
    /// The client has no connection with a page.
    NoConnection,
}

/// What decides about the first page.
#[derive(Clone, Debug)]
pub struct ScreenFacts<'a> {
    /// The client's connections that the pages can serve, oldest first.
    pub connections: Vec<&'a Connection>,
    /// The `connection` parameter.
    pub asked: Option<&'a str>,
    /// The tenant wants the identifier on a page of its own.
    pub identifier_first: bool,
}

/// Decides about the first page. A database comes before codes, and these before a page of buttons; of several of a
/// kind, the oldest one. To a provider a browser goes at once only where the request names it.
///
/// # Errors
/// [`NoPage`] if there is nothing to show.
pub fn first<'a>(facts: &ScreenFacts<'a>) -> Result<First<'a>, NoPage> {
    let of_way = |way| facts.connections.iter().copied().find(|connection| Way::of(connection) == Some(way));
    let chosen = match facts.asked {
        Some(name) => facts
            .connections
            .iter()
            .copied()
            .find(|connection| connection.name == name && Way::of(connection).is_some())
            .ok_or(NoPage::ConnectionNotUsable)?,
        None => of_way(Way::Password)
            .or_else(|| {
                let codes = |connection: &&Connection| {
                    matches!(Way::of(connection), Some(Way::SmsCode | Way::EmailCode))
                };
                facts.connections.iter().copied().find(codes)
            })
            .or_else(|| of_way(Way::Provider))
            .ok_or(NoPage::NoConnection)?,
    };
    Ok(match Way::of(chosen) {
        Some(Way::Password) if !facts.identifier_first => First::Login(chosen),
        Some(Way::Provider) if facts.asked.is_some() => First::Provider(chosen),
        Some(Way::Provider) => First::Buttons,
        _ => First::Identifier(chosen),
    })
}

#[cfg(test)]
#[path = "screens_tests.rs"]
mod tests;
