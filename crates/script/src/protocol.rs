//! What parent and worker say to each other: JSON behind its length, 4 bytes, little end first.
//!
//! A worker is not to be trusted: tenants' code may have taken it over. The parent takes no frame longer than
//! [`FROM_WORKER_BYTES`], and grows its buffer with what has come, not with what was announced.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::flow::{Ended, Limits, Run, ScriptError, Wrapper};

/// The longest frame that a worker takes, in bytes: all scripts of a flow with their modules, and an answer.
pub(crate) const TO_WORKER_BYTES: usize = 64 * 1024 * 1024;
/// The longest frame that the parent takes, in bytes.
pub(crate) const FROM_WORKER_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of the length in front of a frame.
pub(crate) const HEADER_BYTES: usize = 4;

/// What the parent says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToWorker {
    /// The scripts of a flow and what they look at.
    Run(Box<Task>),
    /// The answer to a call.
    Answer(Answer),
}

/// A flow on its way to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) wrapper: Wrapper,
    pub(crate) programs: Vec<Shipped>,
    pub(crate) input: Box<RawValue>,
    pub(crate) globals: BTreeMap<String, Box<RawValue>>,
    pub(crate) limits: Limits,
}

/// A program on its way to a worker, with its code only if that worker has not seen it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shipped {
    pub(crate) hash: String,
    pub(crate) code: Option<Code>,
    pub(crate) secrets: BTreeMap<String, String>,
}

/// What the hash of a program is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) name: String,
    pub(crate) code: String,
    pub(crate) modules: BTreeMap<String, String>,
}

/// The answer to a call: exactly one of `value` and `error`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) value: Option<Box<RawValue>>,
    pub(crate) error: Option<CallError>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallError {
    pub(crate) code: Option<String>,
    pub(crate) message: String,
}

/// What a worker says. `J` is JSON: text where it is written, a value where it is read.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromWorker<J = Value> {
    /// It runs, and what it could not give up, if anything.
    Ready {
        /// Why the kernel's filter of system calls is not on.
        unconfined: Option<String>,
    },
    /// A script asks for something.
    Call { id: u64, program: usize, name: String, args: J },
    /// A script ended.
    Ran(Ran<J>),
    /// The flow ended. A spent worker takes no other.
    Done { result: J, ended: Ended, spent: bool },
}

/// A [`Run`] on its way.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ran<J = Value> {
    pub(crate) program: usize,
    pub(crate) commands: Vec<J>,
    pub(crate) console: Vec<String>,
    pub(crate) error: Option<ScriptError>,
    pub(crate) wall_micros: u64,
    pub(crate) cpu_micros: u64,
}

impl From<Ran> for Run {
    fn from(ran: Ran) -> Self {
        let Ran { program, commands, console, error, wall_micros, cpu_micros } = ran;
        Self { program, commands, console, error, wall_micros, cpu_micros }
    }
}

/// Why a frame is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of {0} bytes is too long")]
    TooLong(usize),
    #[error("a frame is not what was agreed: {0}")]
    Malformed(String),
}

/// A value as a frame.
///
/// # Errors
/// [`FrameError::TooLong`] past `longest`.
pub(crate) fn encode(value: &impl Serialize, longest: usize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEADER_BYTES];
    serde_json::to_writer(&mut frame, value).map_err(|error| FrameError::Malformed(error.to_string()))?;
    let length = frame.len() - HEADER_BYTES;
    match u32::try_from(length) {
        Ok(header) if length <= longest => frame[..HEADER_BYTES].copy_from_slice(&header.to_le_bytes()),
        _ => return Err(FrameError::TooLong(length)),
    }
    Ok(frame)
}

/// Puts frames together from bytes as they come.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: Vec<u8>,
    taken: usize,
}

impl Decoder {
    /// Adds bytes that came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if it has come.
    ///
    /// # Errors
    /// [`FrameError`]: whoever wrote this cannot be talked to any more.
    pub(crate) fn next<T: for<'a> Deserialize<'a>>(
        &mut self,
        longest: usize,
    ) -> Result<Option<T>, FrameError> {
        let waiting = &self.buffer[self.taken..];
        let Some((header, rest)) = waiting.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length > longest {
            return Err(FrameError::TooLong(length));
        }
        let Some(body) = rest.get(..length) else {
            // What was taken before is in the way of a long frame.
            if self.taken > 0 {
                self.buffer.drain(..self.taken);
                self.taken = 0;
            }
            return Ok(None);
        };
        let value = serde_json::from_slice(body).map_err(|error| FrameError::Malformed(error.to_string()))?;
        self.taken += HEADER_BYTES + length;
        Ok(Some(value))
    }

    /// Whether bytes are left of which no frame was made.
    pub(crate) fn has_rest(&self) -> bool {
        self.taken < self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> FromWorker {
        FromWorker::Ready { unconfined: None }
    }

    #[test]
    fn frames_come_out_of_any_slicing() {
        let one = encode(&ready(), 1000).unwrap();
        let bytes = [one.clone(), one.clone(), one].concat();
        for step in 1..bytes.len() {
            let (mut decoder, mut frames) = (Decoder::default(), 0);
            for chunk in bytes.chunks(step) {
                decoder.push(chunk);
                while let Some(frame) = decoder.next::<FromWorker>(1000).unwrap() {
                    assert_eq!(frame, ready());
                    frames += 1;
                }
            }
            assert_eq!(frames, 3);
            assert!(!decoder.has_rest());
        }
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut decoder = Decoder::default();
        decoder.push(&u32::MAX.to_le_bytes());
        assert_eq!(decoder.next::<FromWorker>(1000), Err(FrameError::TooLong(u32::MAX as usize)));
        let mut decoder = Decoder::default();
        decoder.push(&1000_u32.to_le_bytes());
        assert_eq!(decoder.next::<FromWorker>(1000), Ok(None));
        assert!(decoder.buffer.capacity() < 100);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut decoder = Decoder::default();
        decoder.push(&[2, 0, 0, 0, b'{', b'}']);
        assert!(matches!(decoder.next::<FromWorker>(1000), Err(FrameError::Malformed(_))));
        assert_eq!(encode(&"long", 3), Err(FrameError::TooLong(6)));
    }

    #[test]
    fn a_task_crosses_with_its_input_as_it_was_written() {
        let text = r#"{"run":{"wrapper":{"kind":"rule"},"programs":[],"input":{ "b":1,"a":"\u0000" },"globals":{},"limits":{"wall":{"secs":1,"nanos":0},"cpu":{"secs":1,"nanos":0},"memory_bytes":1,"stack_bytes":1,"output_bytes":1,"calls":1}}}"#;
        let ToWorker::Run(task) = serde_json::from_str(text).unwrap() else { panic!("a task") };
        assert_eq!(task.input.get(), r#"{ "b":1,"a":"\u0000" }"#);
    }
}
