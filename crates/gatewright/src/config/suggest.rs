//! The nearest known name to one that was mistyped.

/// ` Did you mean "server.port"?` for the nearest of `known`, or an empty text if none is near.
pub(super) fn did_you_mean(written: &str, known: impl Iterator<Item = String>) -> String {
    let written_lower = written.to_lowercase();
    let nearest = known.map(|name| (closeness(&written_lower, &name), name)).min_by_key(|(steps, _)| *steps);
    match nearest {
        Some((steps, name)) if steps <= (written.len() / 3).max(2) => format!(" Did you mean \"{name}\"?"),
        _ => " `gatewright config` lists every setting.".to_owned(),
    }
}

/// Edit steps between the two, where a known name's last part alone counts too: `port` is near `server.port`.
fn closeness(written: &str, known: &str) -> usize {
    let known = known.to_lowercase();
    let whole = edit_steps(written, &known);
    match known.rsplit_once('.') {
        Some((_, name)) => whole.min(edit_steps(written, name) + 1),
        None => whole,
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
fn edit_steps(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}
