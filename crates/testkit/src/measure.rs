//! What the benchmarks share: processor time, order statistics, and a session that logs in and renews again and again.

use serde_json::{Value, json};

use crate::{Page, Server, Start};

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Seconds of processor time that the threads of this process and of its children have had, those that have ended
/// left out; 0 where there is no `/proc`.
pub fn cpu_seconds() -> f64 {
    let own = std::process::id().to_string();
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0.0 };
    let ours = processes.flatten().filter(|entry| {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { return false };
        // The command's name in parentheses may hold spaces; proc(5): the parent is the second field after it.
        let parent = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(1));
        entry.file_name().to_str() == Some(&own) || parent == Some(&own)
    });
    let threads =
        ours.filter_map(|entry| std::fs::read_dir(entry.path().join("task")).ok()).flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let times = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<u64>().ok()
    });
    std::time::Duration::from_nanos(nanoseconds.sum()).as_secs_f64()
}

/// The figure in the middle.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    percentile(&figures, 0.5)
}

/// The figure below which this part (0 to 1) of the sorted figures lies.
pub fn percentile(sorted: &[f64], part: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index of a slice"
    )]
    let at = ((sorted.len() as f64 - 1.0) * part) as usize;
    sorted[at]
}

/// A session of the seed's application with a refresh token that can be used again and again.
pub struct Renewal<'a> {
    server: &'a Server,
    page: &'a Page,
    start: Start,
    token: String,
}

impl<'a> Renewal<'a> {
    /// Logs in with this scope, for the seed's API if `with_api`. Changes the application to what that needs.
    pub async fn log_in(server: &'a Server, page: &'a Page, scope: &str, with_api: bool) -> Self {
        let mut start = Start::seed(server)
            .scope(&format!("{scope} offline_access"))
            .with("code_challenge", CHALLENGE)
            .with("code_challenge_method", "S256");
        start.response_type = "code".into();
        start.audience = with_api.then(|| server.audience().to_owned());
        let admin = server.admin().await;
        let settings = json!({
            "refresh_token": { "rotation_type": "non-rotating", "expiration_type": "expiring", "token_lifetime": 2_592_000,
                "idle_token_lifetime": 1_296_000, "leeway": 0 },
            "app_type": "native",
        });
        admin.patch(&format!("/clients/{}", server.client_id()), settings).await;
        if with_api {
            let api = server.audience().replace(':', "%3A").replace('/', "%2F");
            admin.patch(&format!("/resource-servers/{api}"), json!({ "allow_offline_access": true })).await;
        }
        let ticket = start.ticket(server, page).await;
        let answer = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
        let code = answer.expect(302).returned("code").expect("a code");
        let mut session = Self { server, page, start, token: String::new() };
        let tokens = session.exchange(&code).await;
        tokens["refresh_token"].as_str().expect("a refresh token").clone_into(&mut session.token);
        session
    }

    async fn exchange(&self, code: &str) -> Value {
        let body = json!({ "grant_type": "authorization_code", "client_id": self.server.client_id(), "code": code,
            "code_verifier": VERIFIER, "redirect_uri": "http://localhost:4200/" });
        self.page.post("/oauth/token", body).await.expect(200).json()
    }

    /// Logs in once more: the application asks for a code, gets one as the session goes on, and redeems it. No further
    /// refresh token is made, for a user has only so many.
    pub async fn log_in_again(&self) {
        let start = self.start.clone().scope(self.start.scope.trim_end_matches(" offline_access"));
        let answer = self.page.get(&start.authorize_path(&[("prompt", "none")])).await;
        let code = answer.expect(302).returned("code").expect("a code");
        self.exchange(&code).await;
    }

    /// Exchanges the token once.
    pub async fn renew(&self) {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", self.server.client_id()),
            ("refresh_token", &self.token),
        ];
        self.page.post_form("/oauth/token", &fields).await.expect(200);
    }
}
