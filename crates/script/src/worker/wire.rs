//! The worker's end of the pipes, blocking.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};
use serde::Serialize;

use crate::protocol::{Decoder, FROM_WORKER_BYTES, FrameError, TO_WORKER_BYTES, ToWorker, encode};

/// Where frames come from and go to.
#[derive(Debug)]
pub(crate) enum Channel {
    /// Standard input and output of this process.
    Standard,
    /// Pipes to another thread.
    Pipes {
        /// From the parent.
        input: OwnedFd,
        /// To the parent.
        output: OwnedFd,
    },
}

impl Channel {
    fn input(&self) -> BorrowedFd<'_> {
        match self {
            Self::Standard => rustix::stdio::stdin(),
            Self::Pipes { input, .. } => input.as_fd(),
        }
    }

    fn output(&self) -> BorrowedFd<'_> {
        match self {
            Self::Standard => rustix::stdio::stdout(),
            Self::Pipes { output, .. } => output.as_fd(),
        }
    }
}

/// The parent is gone, or talks nonsense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the parent is gone")]
    Gone,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] Errno),
}

/// Frames over a channel.
#[derive(Debug)]
pub(crate) struct Wire {
    channel: Channel,
    decoder: Decoder,
    chunk: Box<[u8]>,
    /// Frames that are written with the next one.
    waiting: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, decoder: Decoder::default(), chunk: vec![0; 64 * 1024].into(), waiting: Vec::new() }
    }

    /// Whether this end is a process of its own.
    pub(super) fn is_process(&self) -> bool {
        matches!(self.channel, Channel::Standard)
    }

    /// The next frame, waited for.
    pub(super) fn read(&mut self) -> Result<ToWorker, WireError> {
        loop {
            if let Some(frame) = self.decoder.next(TO_WORKER_BYTES)? {
                return Ok(frame);
            }
            self.fill()?;
        }
    }

    /// The next frame, if it comes within `patience`.
    pub(super) fn read_within(&mut self, patience: Duration) -> Result<Option<ToWorker>, WireError> {
        if let Some(frame) = self.decoder.next(TO_WORKER_BYTES)? {
            return Ok(Some(frame));
        }
        let patience = Timespec {
            tv_sec: patience.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: patience.subsec_nanos().into(),
        };
        let input = self.channel.input();
        match poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&patience)) {
            Ok(0) | Err(Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        self.fill()?;
        Ok(self.decoder.next(TO_WORKER_BYTES)?)
    }

    fn fill(&mut self) -> Result<(), WireError> {
        loop {
            match read(self.channel.input(), &mut self.chunk[..]) {
                Ok(0) => return Err(WireError::Gone),
                Ok(length) => {
                    self.decoder.push(&self.chunk[..length]);
                    return Ok(());
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes a frame, and what was put off before it.
    pub(super) fn write(&mut self, value: &impl Serialize) -> Result<(), WireError> {
        self.put_off(value)?;
        let frames = std::mem::take(&mut self.waiting);
        let mut rest = &frames[..];
        while !rest.is_empty() {
            match write(self.channel.output(), rest) {
                Ok(length) => rest = &rest[length..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Keeps a frame until the next is written: each write wakes the parent up.
    pub(super) fn put_off(&mut self, value: &impl Serialize) -> Result<(), WireError> {
        let frame = encode(value, FROM_WORKER_BYTES)?;
        if self.waiting.is_empty() {
            self.waiting = frame;
        } else {
            self.waiting.extend_from_slice(&frame);
        }
        Ok(())
    }
}
