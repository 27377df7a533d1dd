//! An authenticator app, as a user holds it.

use gatewright_core::mfa::otp;
use gatewright_jose::one_time_password;

use crate::{Answer, Server};

/// An app that knows one secret.
#[derive(Clone, Debug)]
pub struct OtpApp {
    secret: Vec<u8>,
}

impl OtpApp {
    /// One that was given the secret in base32.
    ///
    /// # Panics
    /// If it is none.
    #[track_caller]
    pub fn new(secret: &str) -> Self {
        Self { secret: otp::from_base32(secret).unwrap_or_else(|| panic!("no base32: {secret}")) }
    }

    /// One whose user typed what the page shows.
    #[track_caller]
    pub fn of_page(page: &Answer) -> Self {
        Self::new(&shown_code(page))
    }

    /// The code that it shows now.
    pub fn code(&self, server: &Server) -> String {
        self.code_at(server, 0)
    }

    /// The code that it shows `steps` of 30 seconds from now.
    pub fn code_at(&self, server: &Server, steps: i64) -> String {
        one_time_password(&self.secret, otp::steps(server.now())[0] + steps)
    }

    /// Six digits that are no code of these minutes.
    pub fn wrong_code(&self, server: &Server) -> String {
        let near: Vec<String> = (-4..=4).map(|steps| self.code_at(server, steps)).collect();
        let mut codes = (0..).map(|code| format!("{code:06}"));
        codes.find(|code| !near.contains(code)).expect("there are a million")
    }
}

/// The secret or the recovery code that a page shows.
///
/// # Panics
/// If it shows none.
#[track_caller]
pub fn shown_code(page: &Answer) -> String {
    let shown = page.body.split_once("<strong>").and_then(|(_, rest)| rest.split_once("</strong>"));
    shown.unwrap_or_else(|| panic!("no code in {}", page.body)).0.replace(' ', "")
}
