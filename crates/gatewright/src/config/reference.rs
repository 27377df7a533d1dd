//! The configuration reference and the example file, generated from the table of settings.
//!
//! A test compares both with the files in the repository; `UPDATE=1 cargo test -p gatewright` rewrites them.

use std::fmt::Write as _;

use super::setting::{Kind, Setting};
use super::settings;

/// `docs/configuration.md`.
pub fn page() -> String {
    let mut page = String::from(PAGE_HEAD);
    for_each_section(|section, rows| {
        let _ = write!(page, "\n## {section}\n");
        for setting in rows {
            let _ = write!(page, "\n### `{}`\n\n{}\n\n", setting.key, setting.doc);
            let _ = writeln!(page, "- Variable: `{}`", setting.variable());
            let _ = writeln!(page, "- Type: {}", setting.kind.word());
            let _ = writeln!(page, "- Default: {}", default_words(setting));
            let _ = writeln!(page, "- Example: `{} = {}`", setting.name(), setting.example);
        }
    });
    page
}

/// `gatewright.example.toml`: every setting, commented out.
pub fn example() -> String {
    let mut text = String::from(EXAMPLE_HEAD);
    for_each_section(|section, rows| {
        let _ = write!(text, "\n[{section}]\n");
        for setting in rows {
            text.push('\n');
            for line in wrap(setting.doc, 96) {
                let _ = writeln!(text, "# {line}");
            }
            let _ = writeln!(
                text,
                "# Default: {}. Variable: {}.",
                default_words(setting).replace('`', ""),
                setting.variable()
            );
            let _ = writeln!(text, "#{} = {}", setting.name(), setting.example);
        }
    });
    text
}

const PAGE_HEAD: &str = "# Configuration

<!-- Generated from the table of settings in crates/gatewright/src/config. Do not edit by hand:
     UPDATE=1 cargo test -p gatewright -->

Settings come from three places; the later wins: a TOML file, variables, flags.

- The file is `gatewright.toml` in the working directory, if there is one; `--config PATH` or
  `GATEWRIGHT_CONFIG` names another. `gatewright.example.toml` shows every setting.
- Every setting has a variable. A list in a variable is separated by commas.
- Every setting can be given as a flag: `--set server.port=9443`. The usual ones have flags of their own:
  see `gatewright dev --help` and `gatewright serve --help`.
- Unknown keys and unknown `GATEWRIGHT_*` variables are errors, so that a typing mistake cannot pass
  unnoticed. (`GATEWRIGHT_TEST_*` is left to the project's own tests.)
- A secret may be `file:/path/to/file`: it is then read from that file.

`gatewright dev` needs none of them. `gatewright serve` needs `database.url`, `keys.master_key` and a
listener: `server.port` with a certificate, or `server.http_port`.
";

const EXAMPLE_HEAD: &str =
    "# Every setting of Gatewright, with its default. Copy what you need into gatewright.toml.
# Generated; docs/configuration.md says the same at length.
";

fn for_each_section(mut with: impl FnMut(&str, &[&'static Setting])) {
    let all: Vec<&'static Setting> = settings().collect();
    for rows in all.chunk_by(|a, b| a.section() == b.section()) {
        if let Some(first) = rows.first() {
            with(first.section(), rows);
        }
    }
}

fn default_words(setting: &Setting) -> String {
    let word = |text: &str| match setting.kind {
        Kind::List if text.is_empty() => "none".to_owned(),
        _ => format!("`{text}`"),
    };
    match (setting.default, setting.default_in_dev) {
        (None, None) => "none".to_owned(),
        (Some(always), None) => word(always),
        (None, Some(dev)) => format!("{} in `gatewright dev`, else none", word(dev)),
        (Some(always), Some(dev)) => format!("{}; {} in `gatewright dev`", word(always), word(dev)),
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("the list begins with one line and only grows");
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
