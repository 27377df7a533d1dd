use serde_json::{Value, json};

use super::{PasswordPolicy, Person, Weakness, common};

fn check(options: &Value, password: &str) -> Result<(), Weakness> {
    PasswordPolicy::of(options).check(password, &Person::default())
}

#[test]
fn levels() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("none", &["a"], &[""]),
        ("low", &["abcdef", "123456"], &["abcde"]),
        ("fair", &["abcdefG1"], &["abcdefg1", "ABCDEFG1", "abcdefGH", "abcdG1"]),
        ("good", &["abcdefG1", "abcdef1!", "ABCDEF1!", "abcdefG!"], &["abcdefgh", "abcdefg1", "abcdG1!"]),
        ("excellent", &["abcdefghG1", "aabbccddE1"], &["abcdefgG1", "aaabcdefG1", "abcdefghi1"]),
    ];
    for (level, good, bad) in cases {
        let options = json!({"passwordPolicy": level});
        for password in *good {
            assert_eq!(check(&options, password), Ok(()), "{level}: {password}");
        }
        for password in *bad {
            assert!(check(&options, password).is_err(), "{level}: {password}");
        }
    }
    assert!(check(&Value::Null, "a").is_ok() && check(&json!({"passwordPolicy": null}), "").is_err());
}

#[test]
fn the_shortest_length_is_set_for_itself() {
    let with = |length: u64| json!({"passwordPolicy": "good", "password_complexity_options": {"min_length": length}});
    assert!(check(&with(12), "abcdefgh1!Z").is_err() && check(&with(12), "abcdefgh1!ZZ").is_ok());
    assert!(check(&with(4), "aB1!").is_ok());
    let none = json!({"passwordPolicy": "none", "password_complexity_options": {"min_length": 3}});
    assert!(check(&none, "ab").is_err() && check(&none, "abc").is_ok());
    assert!(check(&Value::Null, &"x".repeat(1025)).is_err());
}

#[test]
fn a_refusal_is_a_tree_for_widgets_and_lines_for_people() {
    let Err(weakness) = check(&json!({"passwordPolicy": "excellent"}), "aaa1") else { panic!("taken") };
    assert_eq!((weakness.name(), weakness.message()), ("PasswordStrengthError", "Password is too weak"));
    assert_eq!(weakness.to_string(), "PasswordStrengthError: Password is too weak");
    assert_eq!(
        weakness.policy().unwrap(),
        "* At least 10 characters in length\n\
         * Contain at least 3 of the following 4 types of characters:\n\
         \x20* lower case letters (a-z),\n * upper case letters (A-Z),\n * numbers (i.e. 0-9),\n\
         \x20* special characters (e.g. !@#$%^&*)\n\
         * No more than 2 identical characters in a row (e.g., \"aaa\" not allowed)"
    );
    let tree = weakness.description();
    assert_eq!(tree["verified"], false);
    let codes: Vec<&str> =
        tree["rules"].as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["lengthAtLeast", "containsAtLeast", "identicalChars"]);
    assert_eq!(tree["rules"][0]["format"], json!([10]));
    assert_eq!(
        tree["rules"][1]["items"][0],
        json!({"message": "lower case letters (a-z)", "code": "lowerCase", "verified": true})
    );
}

#[test]
fn common_words_of_ours_and_of_the_tenant() {
    let options =
        json!({"passwordPolicy": "low", "password_dictionary": {"enable": true, "dictionary": ["Acme2026"]}});
    for word in ["PassWord1", "acme2026", "ACME2026", "trustno1"] {
        assert_eq!(check(&options, word), Err(Weakness::Common), "{word}");
    }
    assert_eq!(check(&options, "acme2026x"), Ok(()));
    assert_eq!(check(&json!({"passwordPolicy": "low"}), "password1"), Ok(()), "only where it is switched on");
    assert!(common::PASSWORDS.iter().all(|word| *word == word.to_lowercase()));
}

#[test]
fn nothing_about_the_owner() {
    let options = json!({"passwordPolicy": "none", "password_no_personal_info": {"enable": true}});
    let profile = json!({"email": "ann.b@mail.example", "name": "Maria Li", "username": "mimi",
        "user_metadata": {"first": "Zoe", "last": "Ng"}});
    let policy = PasswordPolicy::of(&options);
    let person = Person::of(|name| profile.get(name));
    for password in ["xAnN.Bx", "maria-2026", "MIMImimi", "x zoe x", "ann7"] {
        assert_eq!(policy.check(password, &person), Err(Weakness::PersonalInfo), "{password}");
    }
    // The mail host, and names too short to tell.
    for password in ["mail.example", "linguini", "ngngng"] {
        assert_eq!(policy.check(password, &person), Ok(()), "{password}");
    }
    assert_eq!(check(&json!({}), "maria"), Ok(()));
}

#[test]
fn history_is_a_number() {
    let size = |options: Value| PasswordPolicy::of(&options).history_size();
    assert_eq!(size(json!({})), 0);
    assert_eq!(size(json!({"password_history": {"enable": false, "size": 3}})), 0);
    assert_eq!(size(json!({"password_history": {"enable": true}})), 5);
    assert_eq!(size(json!({"password_history": {"enable": true, "size": 99}})), 24);
    assert_eq!(
        Weakness::Used { size: 5 }.to_string(),
        "PasswordHistoryError: Password has previously been used"
    );
}
