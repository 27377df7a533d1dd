//! `/stats`: logins and sign-ups of each day, counted in the log, and how many users were active.

use std::collections::BTreeMap;

use gatewright_core::Timestamp;
use gatewright_store::{params, sql};
use serde_json::{Value, json};

use crate::engine::field::{Field, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::logs;

const SCOPES: &[&str] = &["read:stats"];

const SPAN: &[Field] =
    &[field("from", TEXT).hint("The first day, YYYYMMDD"), field("to", TEXT).hint("The last day, YYYYMMDD")];

/// `/stats`.
pub static RESOURCE: Resource = Resource {
    name: "stats",
    operations: &[
        Operation::new(
            "get_daily",
            Method::Get,
            "/stats/daily",
            "Get daily stats",
            SCOPES,
            Handler::Custom(daily),
        )
        .query(SPAN),
        Operation::new(
            "get_active_users",
            Method::Get,
            "/stats/active-users",
            "Get how many users were active in the last 30 days",
            SCOPES,
            Handler::Custom(active_users),
        ),
    ],
};

// A login that succeeded, and a new account.
sql!(
    COUNTS,
    "SELECT created_at / 86400000000, type, COUNT(*), MAX(created_at) FROM logs
     WHERE tenant_id = $1 AND log_id >= $2 AND log_id < $3 AND type IN ('s', 'ss')
     GROUP BY created_at / 86400000000, type"
);
sql!(ACTIVE, "SELECT COUNT(*) FROM users WHERE tenant_id = $1 AND last_login >= $2");

const DAY_SECONDS: i64 = 86_400;

/// More days than this are not counted at once.
const MOST_DAYS: i64 = 366;

fn active_users<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let since = cx.request.now.plus_seconds(-30 * DAY_SECONDS);
        let row = cx.tx.one(&ACTIVE, &params![&cx.request.tenant, since]).await?;
        Ok(Value::from(row.int(0)?).into())
    })
}

/// A day as its number since 1970.
fn day(input: &Input, name: &str) -> Result<Option<i64>, ApiError> {
    let Some(text) = input.query.text(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let refused = || ApiError::invalid_query(format_args!("'A day is written YYYYMMDD' on property {name}"));
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused());
    }
    let iso = format!("{}-{}-{}T00:00:00Z", &text[..4], &text[4..6], &text[6..]);
    let moment = Timestamp::parse_iso8601(&iso).ok_or_else(refused)?;
    Ok(Some(moment.seconds().div_euclid(DAY_SECONDS)))
}

fn daily<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let today = cx.request.now.seconds().div_euclid(DAY_SECONDS);
        let to = day(input, "to")?.unwrap_or(today);
        let from = day(input, "from")?.unwrap_or(to - 30);
        if from > to || to - from >= MOST_DAYS {
            return Err(ApiError::invalid_query(format_args!(
                "'From the first day to the last it is at most {MOST_DAYS}' on property from"
            )));
        }
        let id_at = |day: i64| logs::id_at(day * DAY_SECONDS * 1_000_000);
        let rows = cx.tx.all(&COUNTS, &params![&cx.request.tenant, id_at(from), id_at(to + 1)]).await?;
        let start = |day: i64| Timestamp::from_seconds(day * DAY_SECONDS);
        let mut days: BTreeMap<i64, (i64, i64, Timestamp)> =
            (from..=to).map(|day| (day, (0, 0, start(day)))).collect();
        for row in rows {
            let (day, count, newest) = (row.int(0)?, row.int(2)?, row.time(3)?);
            let Some(counts) = days.get_mut(&day) else { continue };
            match row.text(1)?.as_str() {
                "ss" => counts.1 += count,
                _ => counts.0 += count,
            }
            counts.2 = counts.2.max(newest);
        }
        let shown = days.into_iter().map(|(day, (logins, signups, newest))| {
            let date = start(day).iso8601();
            json!({
                "date": date,
                "logins": logins,
                "signups": signups,
                // Passwords are not compared with leaked ones.
                "leaked_passwords": 0,
                "created_at": date,
                "updated_at": newest.iso8601(),
            })
        });
        Ok(shown.collect::<Value>().into())
    })
}
