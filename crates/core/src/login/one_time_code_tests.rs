use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn code(expires_in: i64, used: bool, tries_so_far: u32, hash_matches: bool) -> CodeFacts {
    CodeFacts { expires_at: NOW.plus_seconds(expires_in), used, tries_so_far, hash_matches }
}

#[test]
fn every_combination() {
    use CodeVerdict::{Accepted, Expired, TooManyTries, Unknown, Used, Wrong};
    for (code, expect) in [
        (None, Unknown),
        (Some(code(180, false, 0, true)), Accepted),
        (Some(code(1, false, 2, true)), Accepted),
        (Some(code(0, false, 0, true)), Expired),
        (Some(code(-1, false, 0, true)), Expired),
        (Some(code(0, false, 0, false)), Expired),
        (Some(code(180, false, 0, false)), Wrong { tries_left: 2 }),
        (Some(code(180, false, 1, false)), Wrong { tries_left: 1 }),
        // The third wrong try, and everything after it, right or wrong, in time or late.
        (Some(code(180, false, 2, false)), TooManyTries),
        (Some(code(180, false, 3, false)), TooManyTries),
        (Some(code(180, false, 3, true)), TooManyTries),
        (Some(code(0, false, 3, true)), TooManyTries),
        (Some(code(180, false, u32::MAX, true)), TooManyTries),
        (Some(code(180, true, 0, true)), Used),
        (Some(code(180, true, 0, false)), Used),
    ] {
        assert_eq!(verdict(code.as_ref(), NOW), expect, "{code:?}");
    }
}

#[test]
fn only_too_many_tries_tells_the_caller_more() {
    use CodeVerdict::{Accepted, Expired, TooManyTries, Unknown, Used, Wrong};
    for refused in [Wrong { tries_left: 1 }, Expired, Unknown, Used] {
        let phone = refused.token_error(CodeChannel::Phone).unwrap();
        assert_eq!((phone.status, &*phone.code), (403, "invalid_grant"));
        assert_eq!(phone.description, "Wrong phone number or verification code.");
        let email = refused.cross_origin_error(CodeChannel::Email).unwrap();
        assert_eq!((email.status, &*email.code), (403, "access_denied"));
        assert_eq!(email.description, "Wrong email or verification code.");
        assert_eq!(email.reason.as_deref(), Some(refused.code()));
    }
    let text = "You've reached the maximum number of attempts. Please try to login again.";
    let token = TooManyTries.token_error(CodeChannel::Phone).unwrap();
    assert_eq!((token.status, &*token.code, &*token.description), (403, "invalid_grant", text));
    let cross_origin = TooManyTries.cross_origin_error(CodeChannel::Email).unwrap();
    assert_eq!(
        (cross_origin.status, &*cross_origin.code, &*cross_origin.description),
        (429, "too_many_attempts", text)
    );
    assert_eq!(Accepted.token_error(CodeChannel::Phone), None);
    assert_eq!(Accepted.cross_origin_error(CodeChannel::Phone), None);
}
