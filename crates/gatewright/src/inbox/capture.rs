//! Keeps a message in the inbox.

use std::future::Future;
use std::pin::Pin;

use gatewright_adapters::{Capture, CapturedMessage};
use gatewright_resources::captured_messages::{self, NewMessage};
use gatewright_store::StoreError;

use super::Inbox;

/// Nodes that store at the same moment draw the same number; each try lets one of them through.
const TRIES: usize = 8;

impl Capture for Inbox {
    fn capture(
        &self,
        message: CapturedMessage,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async move {
            let CapturedMessage { tenant, channel, to, from, subject, body, html, connection } = message;
            let channel = channel.to_owned();
            let new = NewMessage { channel, to, from, subject, body, html, connection };
            for attempt in 1.. {
                let (tenant, new, now) = (tenant.clone(), new.clone(), self.0.clock.now());
                let stored = self.0.db.write(move |tx| {
                    Box::pin(async move { captured_messages::append(tx, &tenant, now, &new).await })
                });
                match stored.await {
                    Ok(_) => break,
                    Err(StoreError::Unique { .. }) if attempt < TRIES => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            self.0.arrivals.send_modify(|arrivals| *arrivals += 1);
            Ok(())
        })
    }
}
