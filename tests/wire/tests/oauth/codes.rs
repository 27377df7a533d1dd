//! One-time codes: wrong, expired, reused, replaced, tried too often.

use gatewright_testkit::{PHONE, Server, Start, on_every_database};

const APP: &str = "http://localhost:4200";
const WRONG: &str = "Wrong phone number or verification code.";

fn other_than(code: &str) -> String {
    let last = if code.ends_with('1') { '2' } else { '1' };
    format!("{}{last}", &code[..code.len() - 1])
}

#[tokio::test]
async fn a_code_is_six_digits_and_good_once() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        assert!(code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()), "{code}");
        start.authenticate(&page, &code).await.expect(200);
        let again = start.authenticate(&page, &code).await;
        assert_eq!(again.expect(403).error(), ("access_denied".into(), WRONG.into()));
        assert_eq!(
            server.admin().await.newest_log("fcoa").await["details"]["decision"]["reason"],
            "code_used"
        );
    })
    .await;
}

#[tokio::test]
async fn a_wrong_code_leaves_the_right_one_good_for_two_more_tries() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        for _ in 0..2 {
            assert_eq!(start.authenticate(&page, &other_than(&code)).await.expect(403).error().1, WRONG);
        }
        start.authenticate(&page, &code).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn after_three_wrong_tries_even_the_right_code_is_dead() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        start.authenticate(&page, &other_than(&code)).await.expect(403);
        start.authenticate(&page, &other_than(&code)).await.expect(403);
        start.authenticate(&page, &other_than(&code)).await.expect(429);
        let dead = start.authenticate(&page, &code).await;
        assert_eq!(dead.expect(429).error().0, "too_many_attempts");
        start.send_code(&page).await.expect(200);
        start.authenticate(&page, &server.mailbox.code_to(PHONE)).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn three_guesses_at_once_count_as_three() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        let wrong = other_than(&code);
        let (a, b, c, d) = tokio::join!(
            start.authenticate(&page, &wrong),
            start.authenticate(&page, &wrong),
            start.authenticate(&page, &wrong),
            start.authenticate(&page, &wrong),
        );
        assert!([a, b, c, d].iter().all(|answer| answer.status == 403 || answer.status == 429));
        start.authenticate(&page, &code).await.expect(429);
    })
    .await;
}

#[tokio::test]
async fn a_right_code_presented_twice_at_once_logs_in_once() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.send_code(&page).await.expect(200);
        let code = server.mailbox.code_to(PHONE);
        let (a, b) = tokio::join!(start.authenticate(&page, &code), start.authenticate(&page, &code));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403]);
        let users = server.admin().await.get("/users").await;
        assert_eq!(users.as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_code_lives_three_minutes_and_a_newer_one_replaces_it() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.send_code(&page).await.expect(200);
        let first = server.mailbox.code_to(PHONE);
        start.send_code(&page).await.expect(200);
        let second = server.mailbox.code_to(PHONE);
        if first != second {
            start.authenticate(&page, &first).await.expect(403);
        }
        server.turn.forward_seconds(179);
        start.authenticate(&page, &second).await.expect(200);

        start.send_code(&page).await.expect(200);
        let late = server.mailbox.code_to(PHONE);
        server.turn.forward_seconds(181);
        assert_eq!(start.authenticate(&page, &late).await.expect(403).error().1, WRONG);
        assert_eq!(
            server.admin().await.newest_log("fcoa").await["details"]["decision"]["reason"],
            "code_expired"
        );
    })
    .await;
}

#[tokio::test]
async fn a_number_that_was_never_sent_a_code_answers_like_a_wrong_code() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        let answer = start.authenticate(&page, "123456").await;
        assert_eq!(answer.expect(403).error(), ("access_denied".into(), WRONG.into()));
    })
    .await;
}
