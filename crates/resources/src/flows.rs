//! What the authorization server does around a change of a user, for operations of the API that make the same
//! change: the tenant's scripts look at it before, change what is elsewhere, and hear of it afterwards.
//!
//! Its own part is in another crate, which knows this one; the process brings them together.

use std::fmt::Debug;

use gatewright_core::connection::Connection;
use gatewright_core::script::database::Profile;
use gatewright_store::BoxFuture;
use serde_json::Value;

use crate::engine::{ApiError, Map};

/// Something that is committed.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// An account was made.
    Registered {
        /// The connection's name.
        connection: String,
        /// The user's whole document.
        user: Value,
    },
    /// An account at a database has another password.
    PasswordChanged {
        /// The connection's name.
        connection: String,
        /// The user's whole document.
        user: Value,
    },
}

/// A change of an account at a custom database.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Another password.
    Password {
        /// The account's address, or its user name.
        identifier: &'a str,
        /// The new one.
        password: &'a str,
    },
    /// Another address.
    Email {
        /// The address so far.
        email: &'a str,
        /// The new one.
        new: &'a str,
        /// Whether it is proved.
        verified: bool,
    },
    /// It is deleted.
    Delete {
        /// Its own id.
        local_id: &'a str,
    },
}

/// See the module. Nothing of it may be called while a transaction is open.
pub trait Flows: Debug + Send + Sync {
    /// Shows an account that is about to be made to the tenant's scripts, which may add metadata or refuse it.
    fn before_registration<'a>(
        &'a self,
        connection: &'a Connection,
        profile: &'a mut Map,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Makes an account at a custom database whose accounts stay there. `None`: it is to be made here.
    fn create<'a>(
        &'a self,
        connection: &'a Connection,
        body: &'a Map,
    ) -> BoxFuture<'a, Result<Option<Profile>, ApiError>>;

    /// Changes an account at a custom database whose accounts stay there. `false`: the account is here.
    fn change<'a>(&'a self, connection: &'a str, change: Change<'a>)
    -> BoxFuture<'a, Result<bool, ApiError>>;

    /// Whether accounts of this connection stay elsewhere.
    fn is_elsewhere(&self, connection: &str) -> bool;

    /// Writes the message of an e-mail template with made-up people and links: in the words of `texts` (`subject`,
    /// `body`, `from`), or where it has none of them, as it would be sent now. Sends it if there is a recipient.
    fn written<'a>(
        &'a self,
        template: &'a str,
        texts: &'a Map,
        to: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Value, ApiError>>;

    /// Tells the tenant's scripts, after the answer.
    fn afterwards(&self, happened: Happened);
}
