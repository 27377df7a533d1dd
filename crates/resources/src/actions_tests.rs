use serde_json::{Value, json};

use crate::testing::{Conversation, on_every_engine};

const LIST: &str = "/actions/actions";
const BINDINGS: &str = "/actions/triggers/post-login/bindings";

fn body(name: &str, secret: &str) -> Value {
    json!({
        "name": name,
        "supported_triggers": [{"id": "post-login", "version": "v3", "status": "CURRENT"}],
        "code": "exports.onExecutePostLogin = async () => {};",
        "dependencies": [{"name": "lodash", "version": "4.0.0"}],
        "secrets": [{"name": "TOKEN", "value": secret}],
    })
}

async fn make(server: &Conversation, name: &str) -> String {
    let (status, action) = server.call("POST", LIST, body(name, "s3cret")).await;
    assert_eq!(status, 201, "{action}");
    action["id"].as_str().unwrap().to_owned()
}

async fn expect(server: &Conversation, status: u16, method: &str, target: &str, body: Value) -> Value {
    let (got, answer) = server.call(method, target, body).await;
    assert_eq!(got, status, "{method} {target}: {answer}");
    answer
}

#[tokio::test]
async fn a_draft_becomes_versions_and_an_old_one_comes_back() {
    on_every_engine(async |server| {
        let id = make(&server, "Greeter").await;
        assert!(id.len() == 36 && id.as_bytes()[14] == b'4', "{id}");
        let item = format!("{LIST}/{id}");
        let draft = expect(&server, 200, "GET", &item, json!(null)).await;
        assert_eq!(draft["supported_triggers"], json!([{"id": "post-login", "version": "v3"}]));
        assert_eq!((&draft["status"], &draft["runtime"]), (&json!("built"), &json!("node22")));
        assert_eq!(draft["all_changes_deployed"], false);
        assert_eq!(draft["secrets"][0]["name"], "TOKEN");
        assert!(!draft.to_string().contains("s3cret") && draft.get("deployed_version").is_none(), "{draft}");

        let first = expect(&server, 200, "POST", &format!("{item}/deploy"), json!(null)).await;
        assert_eq!((&first["number"], &first["deployed"]), (&json!(1), &json!(true)));
        assert_eq!((&first["action"]["id"], &first["action_id"]), (&json!(id), &json!(id)));
        assert!(!first.to_string().contains("s3cret"));

        // A change goes to the draft only; a name is no part of what is deployed.
        expect(&server, 200, "PATCH", &item, json!({"name": "Greeter"})).await;
        let renamed = expect(&server, 200, "GET", &item, json!(null)).await;
        assert_eq!(renamed["all_changes_deployed"], true);
        let changed = json!({"code": "exports.onExecutePostLogin = () => 2;"});
        let changed = expect(&server, 200, "PATCH", &item, changed).await;
        assert_eq!(changed["all_changes_deployed"], false);
        assert_eq!(changed["deployed_version"]["number"], 1);
        assert_ne!(changed["deployed_version"]["code"], changed["code"]);

        let second = expect(&server, 200, "POST", &format!("{item}/deploy"), json!(null)).await;
        assert_eq!(second["number"], 2);
        let versions = expect(&server, 200, "GET", &format!("{item}/versions"), json!(null)).await;
        assert_eq!((&versions["total"], &versions["per_page"]), (&json!(2), &json!(50)));
        let known: Vec<_> = versions["versions"].as_array().unwrap().iter().collect();
        assert_eq!((&known[0]["deployed"], &known[1]["deployed"]), (&json!(true), &json!(false)));

        // The old version is deployed again as a third; the draft stays what it is, or follows.
        let again = format!("{item}/versions/{}/deploy", first["id"].as_str().unwrap());
        let third = expect(&server, 200, "POST", &again, json!(null)).await;
        assert_eq!((&third["number"], &third["code"]), (&json!(3), &first["code"]));
        assert_eq!(expect(&server, 200, "GET", &item, json!(null)).await["all_changes_deployed"], false);
        expect(&server, 200, "POST", &again, json!({"update_draft": true})).await;
        let back = expect(&server, 200, "GET", &item, json!(null)).await;
        assert_eq!((&back["all_changes_deployed"], &back["code"]), (&json!(true), &first["code"]));

        // A version belongs to its own action.
        let other = make(&server, "Other").await;
        let strange = format!("{LIST}/{other}/versions/{}", first["id"].as_str().unwrap());
        expect(&server, 404, "GET", &strange, json!(null)).await;
        expect(&server, 204, "DELETE", &item, json!(null)).await;
        expect(&server, 404, "DELETE", &item, json!(null)).await;
        expect(&server, 404, "GET", &format!("{item}/versions"), json!(null)).await;
    })
    .await;
}

#[tokio::test]
async fn only_deployed_actions_are_bound_in_order_and_bound_ones_stay() {
    on_every_engine(async |server| {
        let (one, two) = (make(&server, "One").await, make(&server, "Two").await);
        let bind = |refs: Value| json!({ "bindings": refs });
        let by_name =
            |name: &str| json!({"ref": {"type": "action_name", "value": name}, "display_name": name});
        let by_id = |id: &str| json!({"ref": {"type": "action_id", "value": id}});
        expect(&server, 400, "PATCH", BINDINGS, bind(json!([by_name("One")]))).await;
        for id in [&one, &two] {
            expect(&server, 200, "POST", &format!("{LIST}/{id}/deploy"), json!(null)).await;
        }
        let bound = expect(&server, 200, "PATCH", BINDINGS, bind(json!([by_name("One"), by_id(&two)]))).await;
        let names = |bindings: &Value| -> Vec<String> {
            let list = bindings["bindings"].as_array().unwrap();
            list.iter().map(|binding| binding["action"]["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&bound), ["One", "Two"]);
        assert_eq!(bound["bindings"][1]["display_name"], "Two");
        assert_eq!(bound["bindings"][0]["action"]["deployed_version"]["number"], 1);

        // A binding keeps its id while the order changes around it.
        let first = bound["bindings"][0]["id"].clone();
        let kept = json!({"ref": {"type": "binding_id", "value": first}, "display_name": "Renamed"});
        expect(&server, 200, "PATCH", BINDINGS, bind(json!([by_id(&two), kept]))).await;
        let listed = expect(&server, 200, "GET", &format!("{BINDINGS}?per_page=50"), json!(null)).await;
        assert_eq!((names(&listed), &listed["total"]), (vec!["Two".into(), "One".into()], &json!(2)));
        assert_eq!(
            (&listed["bindings"][1]["id"], &listed["bindings"][1]["display_name"]),
            (&first, &json!("Renamed"))
        );

        let twice = bind(json!([by_id(&two), by_name("Two")]));
        expect(&server, 400, "PATCH", BINDINGS, twice).await;
        let elsewhere = "/actions/triggers/credentials-exchange/bindings";
        expect(&server, 400, "PATCH", elsewhere, bind(json!([by_id(&two)]))).await;
        expect(&server, 400, "GET", "/actions/triggers/tea-time/bindings", json!(null)).await;

        let item = format!("{LIST}/{one}");
        let refused = expect(&server, 409, "DELETE", &item, json!(null)).await;
        assert_eq!(refused, "Unable to delete an action bound to a trigger.");
        expect(&server, 204, "DELETE", &format!("{item}?force=true"), json!(null)).await;
        assert_eq!(names(&expect(&server, 200, "GET", BINDINGS, json!(null)).await), ["Two"]);
        expect(&server, 200, "PATCH", BINDINGS, bind(json!([]))).await;
        expect(&server, 204, "DELETE", &format!("{LIST}/{two}"), json!(null)).await;
    })
    .await;
}

#[tokio::test]
async fn secrets_are_kept_by_name_and_never_shown_or_logged() {
    on_every_engine(async |server| {
        let id = make(&server, "Keeper").await;
        let item = format!("{LIST}/{id}");
        let missing = json!({"secrets": [{"name": "NEW"}]});
        expect(&server, 400, "PATCH", &item, missing).await;
        let twice = json!({"secrets": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]});
        expect(&server, 400, "PATCH", &item, twice).await;
        let more = json!({"secrets": [{"name": "TOKEN"}, {"name": "NEW", "value": "hidden"}]});
        let changed = expect(&server, 200, "PATCH", &item, more).await;
        let names: Vec<_> =
            changed["secrets"].as_array().unwrap().iter().map(|s| s["name"].clone()).collect();
        assert_eq!(names, ["TOKEN", "NEW"]);
        let kept = &super::ACTIONS;
        let master_key = server.seed.master_key.clone();
        let stored = server
            .write(move |tx| {
                Box::pin(async move { kept.find(tx, &crate::testing::tenant(), &master_key, &id).await })
            })
            .await;
        assert_eq!(stored.unwrap()["secret_values"], json!({"TOKEN": "s3cret", "NEW": "hidden"}));
        let log = expect(&server, 200, "GET", "/logs", json!(null)).await.to_string();
        assert!(
            log.contains("Update an action") && !log.contains("s3cret") && !log.contains("hidden"),
            "{log}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_list_has_totals_and_filters() {
    on_every_engine(async |server| {
        let one = make(&server, "One").await;
        let flow =
            json!({"name": "Flow", "supported_triggers": [{"id": "credentials-exchange"}], "deploy": true});
        let flow = expect(&server, 201, "POST", LIST, flow).await;
        assert_eq!(
            (&flow["all_changes_deployed"], &flow["deployed_version"]["number"]),
            (&json!(true), &json!(1))
        );
        assert_eq!(flow["supported_triggers"][0]["version"], "v2");
        let found = async |query: &str| {
            let list = expect(&server, 200, "GET", &format!("{LIST}?{query}"), json!(null)).await;
            let names: Vec<_> =
                list["actions"].as_array().unwrap().iter().map(|action| action["name"].clone()).collect();
            (list["total"].clone(), names)
        };
        let (total, first) = found("page=0&per_page=1&include_totals=true").await;
        assert_eq!((total, first.len()), (json!(2), 1));
        assert_ne!(found("page=1&per_page=1").await.1, first);
        assert_eq!(found("page=2&per_page=1").await, (json!(2), vec![]));
        assert_eq!(found("triggerId=credentials-exchange").await, (json!(1), vec![json!("Flow")]));
        assert_eq!(found("actionName=One").await, (json!(1), vec![json!("One")]));
        assert_eq!(found("deployed=false").await, (json!(1), vec![json!("One")]));
        assert_eq!(found("installed=true").await, (json!(0), vec![]));

        let triggers = expect(&server, 200, "GET", "/actions/triggers", json!(null)).await;
        let current: Vec<_> = triggers["triggers"].as_array().unwrap().iter().collect();
        assert!(
            current
                .iter()
                .any(|t| t["id"] == "post-login" && t["status"] == "CURRENT" && t["version"] == "v3")
        );

        let refused = async |body: Value| server.call("POST", LIST, body).await.0;
        assert_eq!(refused(body("One", "x")).await, 409);
        assert_eq!(refused(json!({"name": "X", "supported_triggers": []})).await, 400);
        let version = json!([{"id": "post-login", "version": "v9"}]);
        assert_eq!(refused(json!({"name": "X", "supported_triggers": version})).await, 400);
        let modules = json!({"name": "X", "supported_triggers": [{"id": "post-login"}], "modules": [{}]});
        assert_eq!(refused(modules).await, 400);
        assert_eq!(server.call("PATCH", &format!("{LIST}/{one}"), json!({"deploy": true})).await.0, 400);
    })
    .await;
}
