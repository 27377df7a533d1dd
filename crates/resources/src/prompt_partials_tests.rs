use serde_json::json;

use crate::testing::on_every_engine;

#[tokio::test]
async fn partials_are_kept_by_prompt_and_screen() {
    on_every_engine(async |server| {
        let path = "/prompts/login-passwordless/partials";
        assert_eq!(server.call("GET", path, json!(null)).await, (200, json!({})));
        let html = json!({"form-content-start": "<p>Hello</p>", "secondary-actions-end": "<a href='/help'>Help</a>"});
        let partials = json!({"login-passwordless-sms-otp": html});
        assert_eq!(server.call("PUT", path, partials.clone()).await, (200, partials.clone()));
        let login = json!({"login": {"form-footer-end": "x"}});
        server.call("PUT", "/prompts/login/partials", login.clone()).await;
        assert_eq!(server.call("GET", path, json!(null)).await, (200, partials));
        assert_eq!(server.call("PUT", path, json!({})).await, (200, json!({})));
        assert_eq!(server.call("GET", path, json!(null)).await, (200, json!({})));
        assert_eq!(server.call("GET", "/prompts/login/partials", json!(null)).await, (200, login));
        for (path, wrong) in [
            ("/prompts/mfa/partials", json!({})),
            ("/prompts/login/partials", json!({"signup": {"form-footer-end": "x"}})),
            ("/prompts/login/partials", json!({"login": {"header": "x"}})),
            ("/prompts/login/partials", json!({"login": {"form-content-end": 7}})),
        ] {
            assert_eq!(server.call("PUT", path, wrong.clone()).await.0, 400, "{path} {wrong}");
        }
    })
    .await;
}
