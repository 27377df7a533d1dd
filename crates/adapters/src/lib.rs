//! The outside: guarded HTTP client, SMS and e-mail delivery, templates, phone numbers.
//!
//! Everything that leaves the server goes through here, so the rules about where it may go, how long
//! it may take and how much may come back are kept in one place.
//!
//! Reading order: [`addresses`] (what may be called), [`guarded`] (the one HTTP client),
//! [`messages`] (who delivers an SMS, and what the caller is told when nobody does),
//! [`email`] (its texts, and SMTP), [`templates`] (the tenants' texts), [`phone`] (one spelling for one number).
//!
//! Not here: which message is sent and when (the endpoints decide), and the inbox that captured
//! messages go to (it is a table, so it lives with the resources).

pub mod addresses;
pub mod email;
pub mod guarded;
pub mod messages;
pub mod phone;
pub mod templates;
#[cfg(test)]
mod testing;

pub use addresses::{AllowEntry, AllowEntryError, OutboundPolicy};
pub use email::Email;
pub use guarded::{GuardedClient, OutboundError, OutboundRequest, OutboundResponse};
pub use messages::{
    CallerInfo, Capture, CaptureScope, CapturedMessage, DeliveryError, DeliveryErrorKind, Messenger,
    MessengerSettings, Receipt, Sms, SmsRoute,
};
pub use phone::normalize_phone;
pub use templates::{Syntax, TemplateError, render};
