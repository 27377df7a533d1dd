use proptest::prelude::*;

use super::{Bound, Clause, Match, Pattern, parse};

/// The tree as text without the printer: terms as they are read, operators as functions.
fn shown(clause: &Clause) -> String {
    let all = |clauses: &[Clause]| clauses.iter().map(shown).collect::<Vec<_>>().join(" ");
    match clause {
        Clause::Everything => "everything".to_owned(),
        Clause::Term(field, value) => {
            let value = match value {
                Match::Exists => "exists".to_owned(),
                Match::Text(text) => format!("={text}"),
                Match::Like(pattern) => format!("~{}", pattern.parts().join("*")),
                Match::Range(low, high) => {
                    let end = |bound: &Option<Bound>| match bound {
                        None => "..".to_owned(),
                        Some(bound) => format!("{}{}", bound.value, if bound.inclusive { "" } else { "!" }),
                    };
                    format!("<{} {}>", end(low), end(high))
                }
            };
            format!("{}{value}", field.as_deref().unwrap_or_default())
        }
        Clause::And(clauses) => format!("and({})", all(clauses)),
        Clause::Or(clauses) => format!("or({})", all(clauses)),
        Clause::Not(clause) => format!("not({})", shown(clause)),
    }
}

fn check(query: &str, expect: &str) {
    let got = match parse(query) {
        Ok(clause) => shown(&clause),
        Err(refused) => format!("! {refused}"),
    };
    assert_eq!(got, expect, "{query}");
}

#[test]
fn terms() {
    check("jane", "=jane");
    check(" email:a@b.c ", "email=a@b.c");
    check("name:\"jane smith\"", "name=jane smith");
    check("name: jane", "name=jane");
    check(r"name:John\ Doe", "name=John Doe");
    check(r#"name:"a \"b\" \\ c""#, r#"name=a "b" \ c"#);
    check("user_id:auth0|5f", "user_id=auth0|5f");
    check("created_at:2024-01-01T00:00:00Z", "created_at=2024-01-01T00:00:00Z");
    check("phone_number:+61400000000", "phone_number=+61400000000");
    check(r"user_metadata.full\ name:x", "user_metadata.full name=x");
    check("name:\"\"", "name=");
    check("name:a-b", "name=a-b");
    check("name:AND", "name=AND");
}

#[test]
fn wildcards_ranges_and_existence() {
    check("name:jo*", "name~jo*");
    check("name:*john*", "name~*john*");
    check("name:j*n", "name~j*n");
    check("name:j**n", "name~j*n");
    check("jo*", "~jo*");
    check("name:*", "nameexists");
    check("*", "everything");
    check("*:*", "everything");
    check("_exists_:app_metadata.plan", "app_metadata.planexists");
    check(r"name:a\*", "name=a*");
    check("name:\"a*\"", "name=a*");
    check("logins_count:[1 TO 5]", "logins_count<1 5>");
    check("logins_count:{1 TO 5}", "logins_count<1! 5!>");
    check("logins_count:[100 TO 200}", "logins_count<100 200!>");
    check("logins_count:{100 TO *]", "logins_count<100! ..>");
    check("a:[* TO *]", "a<.. ..>");
    check(r#"a:[ "x y" TO \* ]"#, "a<x y *>");
}

#[test]
fn operators() {
    check("a:1 AND b:2", "and(a=1 b=2)");
    check("a:1 && b:2 || c:3", "or(and(a=1 b=2) c=3)");
    check("a:1 OR b:2 AND c:3", "or(a=1 and(b=2 c=3))");
    check("(a:1 OR b:2) AND c:3", "and(or(a=1 b=2) c=3)");
    check("NOT a:1", "not(a=1)");
    check("!a:1", "not(a=1)");
    check("a:1 AND NOT b:2", "and(a=1 not(b=2))");
    check("a:1 OR NOT _exists_:b", "or(a=1 not(bexists))");
    check("NOT (a:1 OR b:2)", "not(or(a=1 b=2))");
    check("NOT NOT a:1", "not(not(a=1))");
    check("a:1 b:2", "or(a=1 b=2)");
    check("a:1 -b:2", "and(a=1 not(b=2))");
    check("a:1 c:3 NOT b:2", "and(or(a=1 c=3) not(b=2))");
    check("+a:1 b:2", "a=1");
    check("+a:1 +b:2 -c:3", "and(a=1 b=2 not(c=3))");
    check("name:(jane OR john)", "or(name=jane name=john)");
    check("name:(jane \"j s\" x:y)", "or(name=jane name=j s x=y)");
    check("name:John Doe", "or(name=John =Doe)");
    check("a:1 AND (b:2)", "and(a=1 b=2)");
    check("ANDROID OR ORACLE", "or(=ANDROID =ORACLE)");
}

#[test]
fn what_is_refused() {
    check("", "! the query is empty");
    check("()", "! the query is empty");
    check("(a:1", "! a ( is not closed");
    check("a:1)", "! ) closes nothing");
    check("a:\"x", "! a quote is not closed");
    check("a:", "! a: has no value");
    check("a: )", "! a: has no value");
    check(":x", "! : stands where a field is expected");
    check("AND a:1", "! AND stands where a term is expected");
    check("a:1 AND", "! a term is missing");
    check("a:1 OR OR b:1", "! OR stands where a term is expected");
    check("a:[1 5]", "! a range is written [a TO b]");
    check("a:[1 TO 5", "! a range is not closed");
    check("a:[TO 5]", "! a range is written [a TO b]");
    check("[1 TO 5]", "! a range needs a field");
    check("a:b~", r"! ~ is not supported here; write \~ or use quotes");
    check("a:b^2", r"! ^ is not supported here; write \^ or use quotes");
    check("a:b?", r"! ? is not supported here; write \? or use quotes");
    check("a*:b", "! the name of a field holds no wildcard");
    check("_exists_:a*", "! _exists_ takes the name of a field, without wildcards");
    check("a:b\\", "! nothing follows the last \\");
    check("-", "=-");
    check(&"(".repeat(100), "! the query is nested too deeply");
    check(&"NOT ".repeat(1000), "! the query is nested too deeply");
    check(&"a ".repeat(65), "! the query has more than 64 terms");
    check(&"a".repeat(4097), "! the query is longer than 4096 bytes");
}

#[test]
fn patterns_match() {
    let check = |parts: &[&str], text: &str, expect: bool| {
        let pattern = Pattern::new(parts.iter().map(|part| (*part).to_owned()).collect()).unwrap();
        assert_eq!(pattern.matches(text), expect, "{parts:?} {text}");
    };
    check(&["jo", ""], "john", true);
    check(&["jo", ""], "ajo", false);
    check(&["", "hn"], "john", true);
    check(&["", "oh", ""], "john", true);
    check(&["j", "n"], "john", true);
    check(&["aa", "aa"], "aaa", false);
    check(&["", "ab", "b"], "ab", false);
    check(&["", "ab", "b"], "abab", true);
}

fn term() -> impl Strategy<Value = Clause> {
    let bound = || {
        proptest::option::of((".{1,4}", any::<bool>()))
            .prop_map(|bound| bound.map(|(value, inclusive)| Bound { value, inclusive }))
    };
    let value = prop_oneof![
        ".{0,6}".prop_map(Match::Text),
        proptest::collection::vec(".{0,3}", 2..4)
            .prop_filter_map("not the form of a pattern", |parts| Pattern::new(parts).map(Match::Like)),
    ];
    let field = ".{1,5}".prop_filter("a field of its own", |name| name != "_exists_");
    prop_oneof![
        Just(Clause::Everything),
        field.clone().prop_map(|name| Clause::Term(Some(name), Match::Exists)),
        (field.clone(), bound(), bound())
            .prop_map(|(name, low, high)| Clause::Term(Some(name), Match::Range(low, high))),
        (proptest::option::of(field), value).prop_map(|(name, value)| Clause::Term(name, value)),
    ]
}

fn clause() -> impl Strategy<Value = Clause> {
    term().prop_recursive(4, 20, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Clause::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Clause::Or),
            inner.prop_map(|clause| Clause::Not(Box::new(clause))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(clause in clause()) {
        let printed = clause.to_string();
        prop_assert_eq!(parse(&printed), Ok(clause), "{}", printed);
    }

    #[test]
    fn nothing_panics_and_what_is_read_is_printed(query in r#"[ a:*"()\[\]{}\\+!~^?|&ANDORTO-]{0,40}"#) {
        if let Ok(clause) = parse(&query) {
            prop_assert_eq!(parse(&clause.to_string()), Ok(clause));
        }
    }
}
