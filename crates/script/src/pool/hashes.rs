//! The hashes of programs, which are made once: of much code, one takes longer than an ordinary script to run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::Program;

/// Most hashes that are kept; beyond, those of programs that are gone are forgotten, or all.
const MOST: usize = 1024;

/// Hashes by the address of the program. Who holds a program weakly keeps its address from being used again.
#[derive(Debug, Default)]
pub(super) struct Hashes(Mutex<HashMap<usize, (Weak<Program>, String)>>);

impl Hashes {
    /// The program's hash.
    pub(super) fn of(&self, program: &Arc<Program>) -> String {
        let address = Arc::as_ptr(program).addr();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, hash)) = known.get(&address) {
            return hash.clone();
        }
        if known.len() >= MOST {
            known.retain(|_, (program, _)| program.strong_count() > 0);
        }
        if known.len() >= MOST {
            known.clear();
        }
        let hash = program.hash();
        known.insert(address, (Arc::downgrade(program), hash.clone()));
        hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_hash_is_of_its_program() {
        let program = |letter: &str| {
            Arc::new(Program {
                id: String::new(),
                name: "n".to_owned(),
                version: String::new(),
                code: letter.to_owned(),
                secrets: BTreeMap::new(),
                modules: BTreeMap::new(),
            })
        };
        let hashes = Hashes::default();
        for round in 0..3 * MOST {
            let one = program(if round % 2 == 0 { "a" } else { "b" });
            assert_eq!(hashes.of(&one), one.hash());
            assert_eq!(hashes.of(&one), one.hash());
        }
        assert!(hashes.0.lock().unwrap().len() <= MOST);
    }
}
