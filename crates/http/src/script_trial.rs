//! Trying out scripts for operations: the workers of the running server.

use std::sync::Arc;

use gatewright_resources::engine::trial::Trial;
use gatewright_resources::scripts::Modules;
use gatewright_script::{Flow, Outcome};
use gatewright_store::BoxFuture;

use crate::RequestCx;
use crate::script_host::ScriptHost;

/// The workers, for one request.
pub struct Workers(RequestCx);

impl Workers {
    /// The workers, with what the tenant of this request may reach.
    pub fn new(cx: &RequestCx) -> Self {
        Self(cx.clone())
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").finish_non_exhaustive()
    }
}

impl Trial for Workers {
    fn run<'a>(&'a self, trigger: &'a str, flow: Flow) -> BoxFuture<'a, Outcome> {
        // Whoever is in the event of the trial is made up: the flow is about nobody.
        let host = ScriptHost::new(&self.0, trigger, None);
        Box::pin(self.0.app.scripts.run(flow, Arc::new(host)))
    }

    fn modules(&self) -> &Modules {
        self.0.app.tenants.modules()
    }
}
