//! Dates in queries: `2024`, `2024-03`, `2024-03-01`, `2024-03-01T10:20`, with seconds, fractions and offset.

use jiff::civil::{Date, date};

/// The first microsecond of the period that a text names, and the first after it. Without an offset it is
/// UTC. `None` if it is no date.
pub(super) fn period(text: &str) -> Option<(i64, i64)> {
    match text.split_once('T') {
        None => {
            let (first, next) = days(text)?;
            Some((midnight(first)?, midnight(next)?))
        }
        Some((day, time)) => {
            let (first, next) = days(day)?;
            // Only whole days have hours.
            if first.tomorrow().ok()? != next {
                return None;
            }
            moment(day, time)
        }
    }
}

fn days(text: &str) -> Option<(Date, Date)> {
    let digits = |part: &str, length: usize| {
        (part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i16>().ok())
            .flatten()
    };
    let parts: Vec<&str> = text.split('-').collect();
    let year = digits(parts.first()?, 4)?;
    let two = |index: usize| digits(parts[index], 2).and_then(|number| i8::try_from(number).ok());
    match parts.len() {
        1 => Some((Date::new(year, 1, 1).ok()?, Date::new(year.checked_add(1)?, 1, 1).ok()?)),
        2 => {
            let month = two(1)?;
            let first = Date::new(year, month, 1).ok()?;
            let next = if month == 12 {
                Date::new(year.checked_add(1)?, 1, 1)
            } else {
                Date::new(year, month + 1, 1)
            };
            Some((first, next.ok()?))
        }
        3 => {
            let day = Date::new(year, two(1)?, two(2)?).ok()?;
            Some((day, day.tomorrow().unwrap_or(date(9999, 12, 31))))
        }
        _ => None,
    }
}

fn midnight(day: Date) -> Option<i64> {
    let first: jiff::Timestamp = format!("{day}T00:00:00Z").parse().ok()?;
    Some(first.as_microsecond())
}

fn moment(day: &str, time: &str) -> Option<(i64, i64)> {
    let offset_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(offset_at);
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let (seconds, length) = match whole.len() {
        5 if fraction.is_empty() => (":00", 60_000_000),
        8 => ("", 1_000_000_i64 / 10_i64.pow(u32::try_from(fraction.len().min(6)).ok()?)),
        _ => return None,
    };
    let offset = if offset.is_empty() { "Z" } else { offset };
    let start: jiff::Timestamp = format!("{day}T{clock}{seconds}{offset}").parse().ok()?;
    Some((start.as_microsecond(), start.as_microsecond().checked_add(length)?))
}

#[cfg(test)]
mod tests {
    use super::period;
    use crate::Timestamp;

    #[test]
    fn dates_name_periods() {
        let check = |text: &str, expect: &str| {
            let got = period(text).map_or_else(String::new, |(from, to)| {
                let shown = |micros| Timestamp::from_micros(micros).iso8601();
                format!("{} {}", shown(from), shown(to))
            });
            assert_eq!(got, expect, "{text}");
        };
        check("2024", "2024-01-01T00:00:00.000Z 2025-01-01T00:00:00.000Z");
        check("2024-02", "2024-02-01T00:00:00.000Z 2024-03-01T00:00:00.000Z");
        check("2023-12", "2023-12-01T00:00:00.000Z 2024-01-01T00:00:00.000Z");
        check("2024-02-29", "2024-02-29T00:00:00.000Z 2024-03-01T00:00:00.000Z");
        check("2024-02-29T10:20", "2024-02-29T10:20:00.000Z 2024-02-29T10:21:00.000Z");
        check("2024-02-29T10:20:30Z", "2024-02-29T10:20:30.000Z 2024-02-29T10:20:31.000Z");
        check("2024-02-29T10:20:30.123Z", "2024-02-29T10:20:30.123Z 2024-02-29T10:20:30.124Z");
        check("2024-02-29T10:20:30+02:00", "2024-02-29T08:20:30.000Z 2024-02-29T08:20:31.000Z");
        for nonsense in [
            "",
            "x",
            "20",
            "2023-02-29",
            "2024-13",
            "2024-1-1",
            "2024T10:20",
            "2024-01-01Tx",
            "9999-99",
            "2024-01-01T10:20:30.x",
            "é",
            "2024-01-01Té:20",
        ] {
            check(nonsense, "");
        }
    }
}
