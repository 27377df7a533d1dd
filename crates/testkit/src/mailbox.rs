//! Keeps every message instead of sending it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use gatewright_adapters::{Capture, CapturedMessage};

/// The messages of a test server.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Mutex<Vec<CapturedMessage>>>);

impl Mailbox {
    /// Every message to this recipient, oldest first.
    pub fn to(&self, recipient: &str) -> Vec<CapturedMessage> {
        let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        messages.iter().filter(|message| message.to == recipient).cloned().collect()
    }

    /// The code in the newest message to this recipient; panics if there is none.
    pub fn code_to(&self, recipient: &str) -> String {
        let body = self.to(recipient).pop().expect("a message was sent").body;
        let mut words = body.split(|c: char| !c.is_ascii_digit());
        words.rfind(|word| word.len() >= 4).expect("the message holds a code").to_owned()
    }

    /// The first link in the newest of `count` messages to this recipient, for which it waits up to ten
    /// seconds: such messages are sent after the answer.
    pub async fn link_to(&self, recipient: &str, count: usize) -> String {
        for _ in 0..200 {
            if let Some(newest) = self.to(recipient).get(count - 1) {
                let link = newest.body.split_whitespace().find(|word| word.starts_with("https://"));
                return link.expect("the message holds a link").to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("no message number {count} to {recipient}");
    }
}

impl Capture for Mailbox {
    fn capture(
        &self,
        message: CapturedMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        Box::pin(std::future::ready(Ok(())))
    }
}
