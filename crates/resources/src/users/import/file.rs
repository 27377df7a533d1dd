//! Cuts a file into rows: the elements of a JSON array, or lines. A row is found by its brackets and
//! quotes alone, so that one which is not JSON inside does not end the file.

use std::io::{self, BufRead};

/// The longest row that is looked at, in bytes: no user may be longer.
pub const LONGEST_ROW: usize = 1024 * 1024;

/// Why the rest of a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system's error.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is no file of users.
    #[error("the file holds neither a JSON array of users nor one user a line")]
    NotUsers,
    /// It stops in the middle of the array.
    #[error("the array is not closed: the file ends at byte {0}")]
    EndsEarly(u64),
    /// Something stands behind the array.
    #[error("there is more behind the end of the array, at byte {0}")]
    MoreBehind(u64),
}

/// One row as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The first is 1.
    pub number: u64,
    /// Its bytes without space around them; `None` if it is longer than [`LONGEST_ROW`].
    pub bytes: Option<Vec<u8>>,
    /// How many bytes of the file are read when it is.
    pub ends_at: u64,
}

/// The rows of a file. Ends after the first error.
pub struct Rows<R> {
    input: R,
    form: Form,
    /// Bytes read.
    at: u64,
    number: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing was read yet.
    Unknown,
    /// In an array, in front of an element.
    Array,
    /// Behind an array.
    Closed,
    /// In front of a line.
    Lines,
    Done,
}

/// Where in a row the scanner stands.
#[derive(Default)]
struct Inside {
    depth: u64,
    text: bool,
    escaped: bool,
}

impl Inside {
    /// The place of the `,` or `]` that ends the element, if it is in these bytes.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (place, byte) in bytes.iter().enumerate() {
            if self.text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.text = true,
                b'{' | b'[' => self.depth += 1,
                b',' | b']' if self.depth == 0 => return Some(place),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        None
    }
}

impl<R: BufRead> Rows<R> {
    /// Reads from the beginning.
    pub fn new(input: R) -> Self {
        Self { input, form: Form::Unknown, at: 0, number: 0 }
    }

    fn read(&mut self) -> Result<Option<Row>, FileError> {
        if self.form == Form::Unknown {
            self.open()?;
        }
        match self.form {
            Form::Array => self.element(),
            Form::Lines => self.line(),
            Form::Closed => self.close(),
            Form::Unknown | Form::Done => Ok(None),
        }
    }

    /// Finds out what kind of file it is.
    fn open(&mut self) -> Result<(), FileError> {
        // Some editors begin with a byte order mark.
        for byte in [0xef, 0xbb, 0xbf] {
            match self.peek()? {
                Some(found) if found == byte => self.consume(1),
                _ if byte == 0xef => break,
                _ => return Err(FileError::NotUsers),
            }
        }
        self.form = match self.skip_space()? {
            Some(b'[') => {
                self.consume(1);
                if self.skip_space()? == Some(b']') {
                    self.consume(1);
                    Form::Closed
                } else {
                    Form::Array
                }
            }
            Some(b'{') => Form::Lines,
            _ => return Err(FileError::NotUsers),
        };
        Ok(())
    }

    fn element(&mut self) -> Result<Option<Row>, FileError> {
        let mut inside = Inside::default();
        let mut bytes = Some(Vec::new());
        loop {
            let block = self.input.fill_buf()?;
            if block.is_empty() {
                return Err(FileError::EndsEarly(self.at));
            }
            let end = inside.end(block);
            let taken = end.unwrap_or(block.len());
            append(&mut bytes, &block[..taken]);
            let mark = end.map(|end| block[end]);
            self.consume(taken + usize::from(mark.is_some()));
            match mark {
                Some(b']') => {
                    self.form = Form::Closed;
                    break;
                }
                Some(_) => break,
                None => {}
            }
        }
        Ok(Some(self.row(bytes)))
    }

    /// Nothing but space may come behind the array.
    fn close(&mut self) -> Result<Option<Row>, FileError> {
        self.form = Form::Done;
        match self.skip_space()? {
            None => Ok(None),
            Some(_) => Err(FileError::MoreBehind(self.at)),
        }
    }

    fn line(&mut self) -> Result<Option<Row>, FileError> {
        if self.skip_space()?.is_none() {
            self.form = Form::Done;
            return Ok(None);
        }
        let mut bytes = Some(Vec::new());
        loop {
            let block = self.input.fill_buf()?;
            let end = block.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(block.len());
            append(&mut bytes, &block[..taken]);
            let ended = end.is_some() || block.is_empty();
            self.consume(taken + usize::from(end.is_some()));
            if ended {
                return Ok(Some(self.row(bytes)));
            }
        }
    }

    fn row(&mut self, bytes: Option<Vec<u8>>) -> Row {
        self.number += 1;
        let bytes = bytes.map(|bytes| bytes.trim_ascii().to_vec());
        Row { number: self.number, bytes, ends_at: self.at }
    }

    /// The next byte that is no space; it stays to be read.
    fn skip_space(&mut self) -> Result<Option<u8>, FileError> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => self.consume(1),
                found => return Ok(found),
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, FileError> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.at += count as u64;
    }
}

/// Appends, unless the row becomes too long: then nothing of it is kept.
fn append(row: &mut Option<Vec<u8>>, more: &[u8]) {
    match row {
        Some(bytes) if bytes.len() + more.len() <= LONGEST_ROW => bytes.extend_from_slice(more),
        _ => *row = None,
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.form = Form::Done;
        }
        read.transpose()
    }
}
