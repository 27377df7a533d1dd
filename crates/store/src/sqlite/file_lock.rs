//! One process per SQLite file: group commit and the caches above assume it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Makes the database file if it is missing, readable by its owner only (SQLite gives its other files
/// the same mode), and returns its real path, so that a link cannot get round the lock.
pub(super) fn create(path: &Path) -> Result<PathBuf, StoreError> {
    let cannot = |error: std::io::Error| {
        StoreError::Config(format!("cannot open the database file {}: {error}", path.display()))
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(cannot)?;
    path.canonicalize().map_err(cannot)
}

/// An exclusive lock on `FILE.lock`, held until dropped. The operating system also gives it up when
/// the process dies, however it dies. The file itself stays: deleting it could let two in.
pub(super) struct FileLock(File);

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing would not do: a process being started elsewhere in this program holds a copy of the
        // descriptor between its fork and its exec, and the lock with it.
        let _ = self.0.unlock();
    }
}

impl FileLock {
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let cannot =
            |error: std::io::Error| StoreError::Config(format!("cannot lock {}: {error}", path.display()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    path: database.display().to_string(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        // Who holds it, for the message that the next one gets.
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(cannot)?;
        Ok(Self(file))
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(20).read_to_string(&mut text));
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(id)) => format!(" (process {id})"),
        _ => String::new(),
    }
}
