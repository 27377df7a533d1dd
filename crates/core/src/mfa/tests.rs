use super::*;

const PHONE: &[Factor] = &[Factor::Phone];
const NONE: &[Factor] = &[];

fn standing(enabled: &[Factor], enrolled: &[Factor], passed: &[Factor], before: &[Factor]) -> Standing {
    Standing {
        enabled: enabled.to_vec(),
        any_switched_on: !enabled.is_empty(),
        enrolled: enrolled.to_vec(),
        passed: passed.to_vec(),
        passed_before: before.to_vec(),
    }
}

fn code(decision: &Decision) -> String {
    match decision {
        Decision::GoesOn(code) => format!("on {code}"),
        Decision::Ask(ask) if ask.challenge.is_empty() => format!("enroll {}", ask.why.code()),
        Decision::Ask(ask) => format!("challenge {}", ask.why.code()),
        Decision::Refused(error) => format!("no {}", error.reason.as_deref().unwrap_or_default()),
    }
}

#[test]
fn the_end_of_the_pipeline() {
    let (off, new) = (standing(NONE, NONE, NONE, NONE), standing(PHONE, NONE, NONE, NONE));
    let enrolled = standing(PHONE, PHONE, NONE, NONE);
    let (passed, before) = (standing(PHONE, PHONE, PHONE, NONE), standing(PHONE, PHONE, NONE, PHONE));
    let (paper, both) = ([Factor::RecoveryCode], [Factor::Phone, Factor::RecoveryCode]);
    let (only_paper, paper_on) = (standing(&both, &paper, NONE, NONE), standing(&paper, &paper, NONE, NONE));
    let app = standing(&[Factor::Otp], &[Factor::Otp], NONE, NONE);
    let lacking = Standing { any_switched_on: true, ..off.clone() };
    for (by_request, by_script, by_policy, standing, expect) in [
        (false, None, false, &enrolled, "on mfa_not_asked"),
        (false, None, true, &enrolled, "challenge mfa_by_policy"),
        (false, None, true, &new, "enroll mfa_by_policy"),
        (false, None, true, &passed, "on mfa_passed"),
        (false, None, true, &before, "on mfa_passed_in_session"),
        (false, None, true, &off, "on mfa_no_factor_enabled"),
        (false, None, true, &lacking, "no mfa_no_factor"),
        (false, Some("none"), true, &enrolled, "on mfa_lifted_by_script"),
        (true, Some("none"), false, &enrolled, "challenge mfa_by_acr_values"),
        (true, None, false, &before, "challenge mfa_by_acr_values"),
        (true, None, false, &off, "on mfa_no_factor_enabled"),
        (false, Some("any"), false, &enrolled, "challenge mfa_by_script"),
        (false, Some("guardian"), false, &before, "challenge mfa_by_script"),
        (false, Some("any"), false, &passed, "on mfa_passed"),
        (false, Some("any"), false, &off, "no mfa_no_factor"),
        (false, Some("duo"), false, &enrolled, "no mfa_no_factor"),
        (false, Some("google-authenticator"), false, &new, "no mfa_no_factor"),
        (false, Some("google-authenticator"), false, &app, "challenge mfa_by_script"),
        // A recovery code stands in for a factor, and is none itself.
        (false, None, true, &only_paper, "enroll mfa_by_policy"),
        (false, None, true, &paper_on, "no mfa_no_factor"),
    ] {
        let decision = at_end(&EndFacts { by_request, by_script, by_policy, standing });
        assert_eq!(code(&decision), expect, "{by_request} {by_script:?} {by_policy} {standing:?}");
    }
}

#[test]
fn what_is_asked_for() {
    let all = standing(Factor::ALL, Factor::ALL, NONE, NONE);
    let ask = |by_script, standing| match at_end(&EndFacts {
        by_request: false,
        by_script,
        by_policy: true,
        standing,
    }) {
        Decision::Ask(ask) => (ask.challenge, ask.enroll),
        other => panic!("{other:?}"),
    };
    assert_eq!(ask(None, &all), (Factor::ALL.to_vec(), vec![]));
    assert_eq!(ask(Some("google-authenticator"), &all), (vec![Factor::Otp], vec![]));
    let new = standing(Factor::ALL, NONE, NONE, NONE);
    assert_eq!(ask(None, &new), (vec![], vec![Factor::Otp, Factor::Phone]));
}

#[test]
fn commands_of_a_script() {
    let command = |enroll, names: &[&str]| FactorCommand {
        enroll,
        factors: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let (challenge, enroll) = (command(false, &["otp", "phone"]), command(true, &["phone"]));
    let (new, enrolled) = (standing(PHONE, NONE, NONE, NONE), standing(PHONE, PHONE, NONE, NONE));
    let (passed, before) = (standing(PHONE, PHONE, PHONE, NONE), standing(PHONE, PHONE, NONE, PHONE));
    let off = standing(NONE, PHONE, NONE, NONE);
    let paper = standing(Factor::ALL, &[Factor::Phone, Factor::RecoveryCode], NONE, NONE);
    for (commands, standing, expect) in [
        (vec![challenge.clone()], &enrolled, "challenge mfa_challenge_by_script"),
        (vec![challenge.clone()], &new, "no mfa_not_enrolled"),
        (vec![challenge.clone()], &off, "no mfa_not_enrolled"),
        (vec![challenge.clone()], &passed, "on mfa_passed"),
        (vec![challenge.clone()], &before, "on mfa_passed"),
        (vec![command(false, &["recovery-code"])], &paper, "challenge mfa_challenge_by_script"),
        (vec![command(true, &["recovery-code"])], &paper, "on mfa_passed"),
        (vec![command(false, &["otp"])], &enrolled, "no mfa_not_enrolled"),
        (vec![enroll.clone()], &new, "enroll mfa_enrollment_by_script"),
        (vec![enroll.clone()], &enrolled, "on mfa_passed"),
        (vec![command(true, &["push-notification"])], &new, "no mfa_no_factor"),
        // They stand in a queue.
        (vec![enroll.clone(), challenge.clone()], &new, "enroll mfa_enrollment_by_script"),
        (vec![enroll, challenge], &enrolled, "challenge mfa_challenge_by_script"),
    ] {
        assert_eq!(code(&of_commands(&commands, standing)), expect, "{commands:?} {standing:?}");
    }
}

#[test]
fn where_no_page_can_be_shown() {
    let error = page_needed("mfa_by_policy");
    assert_eq!(
        (&*error.code, &*error.description),
        ("login_required", "Multifactor authentication required")
    );
    assert_eq!(not_in_grant().reason.as_deref(), Some("mfa_not_in_grant"));
}
