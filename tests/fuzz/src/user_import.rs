//! A file of users to be imported.

use std::io::BufReader;
use std::sync::Arc;

use gatewright_ambient::{Clock, Random};
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_resources::users::import::{Import, Reader, count};

/// Whatever the file: every row is made ready or refused, in order and once, as many as were counted; how
/// the file is cut into reads makes no difference. It does not go on behind an error.
pub fn run(data: &[u8]) {
    let mut seen = 0;
    let mut failed = false;
    for batch in Reader::new(BufReader::with_capacity(7, data), import()) {
        assert!(!failed, "goes on behind an error");
        match batch {
            Ok(batch) => {
                seen += batch.len() as u64;
                assert_eq!(batch.last_row, seen);
                assert!(batch.ends_at <= data.len() as u64);
            }
            Err(_) => failed = true,
        }
    }
    match count(data) {
        Ok(total) => assert!(!failed && total == seen, "{total} rows, {seen} seen"),
        // The rows of the batch in which the error lies are not handed out.
        Err(_) => assert!(failed),
    }
}

fn import() -> Arc<Import> {
    let connection =
        Connection { name: "users".to_owned(), strategy: "auth0".to_owned(), ..Connection::default() };
    Arc::new(Import {
        tenant: TenantId::new("fuzz"),
        connection,
        upsert: false,
        alone: false,
        clock: Clock::turnable().0,
        random: Random::seeded(1),
        master_key: Arc::new(MasterKey::generate(&Random::seeded(2))),
    })
}
