//! The part of the search syntax that lists understand today: `field:value` terms joined by `AND`.

use super::error::ApiError;

/// Reads `field:value AND field:"value"` into its terms. Fields must be among `known`.
///
/// # Errors
/// 400 for anything else of the search syntax, saying what is understood.
pub fn exact_terms<'q>(query: &'q str, known: &[&str]) -> Result<Vec<(&'q str, String)>, ApiError> {
    let unsupported = || {
        ApiError::invalid_query(format_args!(
            "'This query is not supported yet: use exact terms such as {}:\"value\", joined by AND' on property q",
            known.first().copied().unwrap_or("field")
        ))
    };
    let mut terms = Vec::new();
    let mut rest = query.trim();
    while !rest.is_empty() {
        let (field, after) = rest.split_once(':').ok_or_else(unsupported)?;
        if !known.contains(&field) {
            return Err(unsupported());
        }
        let (value, after) = value(after).ok_or_else(unsupported)?;
        terms.push((field, value));
        rest = after.trim_start();
        if let Some(next) = rest.strip_prefix("AND ") {
            rest = next.trim_start();
        } else if !rest.is_empty() {
            return Err(unsupported());
        }
    }
    if terms.is_empty() { Err(unsupported()) } else { Ok(terms) }
}

/// One value and what follows it: quoted with `\` as escape, or bare without special characters.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (bare, rest) = text.split_at(end);
        let mut value = String::new();
        let mut escaped = false;
        for letter in bare.chars() {
            match letter {
                '\\' if !escaped => escaped = true,
                '*' | '?' | '[' | ']' | '{' | '}' | '(' | ')' | '~' | '^' | '"' if !escaped => return None,
                letter => {
                    value.push(letter);
                    escaped = false;
                }
            }
        }
        return (!value.is_empty()).then_some((value, rest));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.push(letters.next()?.1),
            '"' => return Some((value, &quoted[at + 1..])),
            letter => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::exact_terms;

    #[test]
    fn exact_terms_are_read_and_the_rest_is_refused() {
        let known = &["email", "user_id"];
        let check = |query: &str, expect: Option<&[(&str, &str)]>| {
            let got = exact_terms(query, known).ok();
            let got: Option<Vec<(&str, &str)>> = got
                .as_ref()
                .map(|terms| terms.iter().map(|(field, value)| (*field, value.as_str())).collect());
            assert_eq!(got.as_deref(), expect, "{query}");
        };
        check("email:a@b.c", Some(&[("email", "a@b.c")]));
        check(r#"email:"a@b.c""#, Some(&[("email", "a@b.c")]));
        check(r#"user_id:"sms|1" AND email:x"#, Some(&[("user_id", "sms|1"), ("email", "x")]));
        check(r#"email:"a \"b\" c""#, Some(&[("email", "a \"b\" c")]));
        check("email:a*", None);
        check("email:[a TO b]", None);
        check("email:a OR email:b", None);
        check("name:a", None);
        check("a@b.c", None);
        check("", None);
        check("email:", None);
        check(r#"email:"open"#, None);
    }
}
