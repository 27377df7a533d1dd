//! `gatewright keygen`.

use gatewright_ambient::Random;
use gatewright_jose::MasterKey;

/// Prints a new master key.
pub(super) fn run() -> anyhow::Result<()> {
    let key = MasterKey::generate(&Random::system()).to_base64();
    super::say(&format!("{}\n", key.as_str()))
}
