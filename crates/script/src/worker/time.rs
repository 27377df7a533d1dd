//! How long things take: moments that only go forward, and processor time.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since the machine started, more or less: for differences only.
pub(super) fn now() -> Duration {
    duration(clock_gettime(ClockId::Monotonic))
}

/// Processor time that this thread has used.
pub(super) fn cpu() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// Processor time that this process has used.
pub(super) fn process_cpu() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// Microseconds, for reports.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
