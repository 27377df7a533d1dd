//! How far a long command has come, on standard error: a bar on a terminal, else a line every few seconds.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::time::Instant;

/// Between two looks of the bar.
const BAR_EVERY: Duration = Duration::from_millis(100);
/// Between two lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
const BAR_WIDTH: u64 = 30;

/// Shows one number that grows.
pub(super) struct Progress {
    /// What it counts up to, if that is known.
    total: Option<u64>,
    began: Instant,
    shown: Instant,
    terminal: bool,
    drawn: bool,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        let now = Instant::now();
        Self { total, began: now, shown: now, terminal: std::io::stderr().is_terminal(), drawn: false }
    }

    /// Shows it, if it is time to.
    pub(super) fn at(&mut self, done: u64) {
        if self.shown.elapsed() < if self.terminal { BAR_EVERY } else { LINE_EVERY } {
            return;
        }
        self.shown = Instant::now();
        let text = text(done, self.total, self.began.elapsed());
        let mut err = std::io::stderr().lock();
        // Standard error that went away is no reason to stop.
        let _ = if self.terminal {
            self.drawn = true;
            write!(err, "\r\x1b[2K{}{text}", bar(done, self.total)).and_then(|()| err.flush())
        } else {
            writeln!(err, "{text}")
        };
    }

    /// Takes the bar away; says how long it all took.
    pub(super) fn end(self) -> Duration {
        if self.drawn {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
        self.began.elapsed()
    }
}

fn bar(done: u64, total: Option<u64>) -> String {
    let Some(total) = total.filter(|total| *total > 0) else { return String::new() };
    let full = (done.min(total) * BAR_WIDTH / total) as usize;
    format!("[{}{}] ", "█".repeat(full), "·".repeat(BAR_WIDTH as usize - full))
}

fn text(done: u64, total: Option<u64>, spent: Duration) -> String {
    let a_second = done as f64 / spent.as_secs_f64().max(0.001);
    match total.filter(|total| *total > 0) {
        Some(total) => {
            let left = total.saturating_sub(done) as f64 / a_second.max(0.001);
            let percent = done * 100 / total;
            format!("{percent}%, {done} of {total} users, {a_second:.0} a second, {left:.0} s left")
        }
        None => format!("{done} users, {a_second:.0} a second"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{bar, text};

    #[test]
    fn what_is_shown() {
        let spent = Duration::from_secs(10);
        assert_eq!(text(500, Some(2000), spent), "25%, 500 of 2000 users, 50 a second, 30 s left");
        assert_eq!(text(500, None, spent), "500 users, 50 a second");
        assert_eq!(text(0, Some(0), spent), "0 users, 0 a second");
        assert_eq!((bar(1, Some(2)).chars().filter(|c| *c == '█').count(), bar(5, None).len()), (15, 0));
        // A total that grew meanwhile.
        assert_eq!(bar(9, Some(3)).chars().filter(|c| *c == '█').count(), 30);
    }
}
