use proptest::prelude::*;

use super::{expand_collation, expand_tokens, placeholder_numbers, to_sqlite};
use crate::Engine;

#[track_caller]
fn check(sql: &str, sqlite: &str) {
    assert_eq!(to_sqlite(sql), sqlite);
}

#[test]
fn placeholders_become_numbered() {
    check("SELECT a FROM t WHERE b = $2 AND c = $1", "SELECT a FROM t WHERE b = ?2 AND c = ?1");
    check("VALUES ($1,$10,$2)", "VALUES (?1,?10,?2)");
    check("$1", "?1");
    check("a=$1::TEXT", "a=?1::TEXT");
    check("", "");
}

#[test]
fn quotes_comments_and_names_stay() {
    check("SELECT '$1', 'it''s $2', $3", "SELECT '$1', 'it''s $2', ?3");
    check("SELECT \"a$1\", \"b\"\"$2\", $1", "SELECT \"a$1\", \"b\"\"$2\", ?1");
    check("SELECT 1 -- $1 '\n, $2", "SELECT 1 -- $1 '\n, ?2");
    check("SELECT /* $1 ' -- */ $2 -- $3", "SELECT /* $1 ' -- */ ?2 -- $3");
    check("SELECT a$1, é$2, 1$3", "SELECT a$1, é$2, 1$3");
    check("SELECT 1 - $1 / $2", "SELECT 1 - ?1 / ?2");
    check("SELECT doc -> '$.a' ->> $1", "SELECT doc -> '$.a' ->> ?1");
    check("SELECT $a, $, '$1", "SELECT $a, $, '$1");
}

#[test]
fn only_a_last_for_update_goes_away() {
    check("SELECT a FROM t WHERE b = $1 FOR UPDATE", "SELECT a FROM t WHERE b = ?1");
    check("SELECT a FROM t\n FOR UPDATE", "SELECT a FROM t");
    check("SELECT ' FOR UPDATE'", "SELECT ' FOR UPDATE'");
    check("SELECT a FROM t FOR UPDATE -- $1", "SELECT a FROM t FOR UPDATE -- $1");
}

#[test]
fn numbers_are_read_whole() {
    assert_eq!(placeholder_numbers("$2 '$9' $1 $10 $2"), [2, 1, 10, 2]);
}

#[test]
fn tokens_become_types() {
    let sql = "(a {json}, b {blob}, c {text_c}) {by_key}";
    assert_eq!(expand_tokens(sql, Engine::Sqlite), "(a TEXT, b BLOB, c TEXT COLLATE BINARY) WITHOUT ROWID");
    assert_eq!(expand_tokens(sql, Engine::Postgres), "(a JSONB, b BYTEA, c TEXT COLLATE \"C\") ");
}

#[test]
fn the_collation_is_spelled() {
    let sql = "lower(doc ->> 'name' {collate_c})";
    assert_eq!(expand_collation(sql, Engine::Sqlite), "lower(doc ->> 'name' COLLATE BINARY)");
    assert_eq!(expand_collation(sql, Engine::Postgres), "lower(doc ->> 'name' COLLATE \"C\")");
}

/// A piece of SQL as written and as SQLite must get it. None can run into its neighbour, because they
/// are joined by blanks or newlines.
fn piece() -> impl Strategy<Value = (String, String)> {
    let same = |text: String| (text.clone(), text);
    prop_oneof![
        (1..2000_usize).prop_map(|n| (format!("${n}"), format!("?{n}"))),
        (1..99_usize, "[,()=<>|]").prop_map(|(n, after)| (format!("(${n}{after}"), format!("(?{n}{after}"))),
        "'[a-z$0-9 \"?/*-]*'".prop_map(same),
        "'[a-z$0-9]*''[$0-9]*'".prop_map(same),
        "\"[a-z$0-9 '?/*-]*\"".prop_map(same),
        "--[a-z$0-9 '\"*/]*\n".prop_map(same),
        "/\\*[a-z$0-9 '\"-]*\\*/".prop_map(same),
        "[a-zé_][a-z$0-9_]*".prop_map(same),
        "[0-9]+|[-+/*=<>,();.]|\\$[a-z]?".prop_map(same),
    ]
}

proptest! {
    #[test]
    fn rewriting_touches_placeholders_only(pieces in prop::collection::vec((piece(), "[ \n]"), 0..12)) {
        let (mut sql, mut expected) = (String::new(), String::new());
        for ((before, after), gap) in &pieces {
            sql.extend([before.as_str(), gap]);
            expected.extend([after.as_str(), gap]);
        }
        prop_assert_eq!(to_sqlite(&sql), expected);
    }

    #[test]
    fn any_text_keeps_its_length_and_changes_only_dollars(sql in any::<String>()) {
        let rewritten = to_sqlite(&sql);
        prop_assert_eq!(rewritten.len(), sql.len());
        for (before, after) in sql.chars().zip(rewritten.chars()) {
            prop_assert!(before == after || (before == '$' && after == '?'));
        }
    }
}
