//! What the worker process gives up before it reads anything.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Bytes of address space: the flow's own limit is far below, this one is for what is not counted there.
#[cfg(target_os = "linux")]
const ADDRESS_SPACE: u64 = 1024 * 1024 * 1024;

/// Gives up files, processes, the network and the current folder.
///
/// # Errors
/// Why the kernel's filter of system calls is not on. What limits and an empty folder give is given anyhow.
pub(super) fn confine() -> Result<(), String> {
    let _ = std::env::set_current_dir("/");
    lower(Resource::Core, 0);
    lower(Resource::Fsize, 0);
    // Counts all processes of the user, so it stops new ones only where the user is not root.
    lower(Resource::Nproc, 0);
    lower(Resource::Nofile, 3);
    #[cfg(target_os = "linux")]
    lower(Resource::As, ADDRESS_SPACE);
    filter::install()
}

fn lower(resource: Resource, to: u64) {
    let maximum = getrlimit(resource).maximum;
    let to = maximum.map_or(to, |maximum| maximum.min(to));
    let _ = setrlimit(resource, Rlimit { current: Some(to), maximum: Some(to) });
}

/// Lets the kernel end the process when it has used `seconds` of processor time: for code of the engine that
/// does not ask whether it must stop.
pub(super) fn end_after_cpu(seconds: u64) {
    static SET: AtomicU64 = AtomicU64::new(0);
    // Most flows take a thousandth of a second, and the limit counts whole ones.
    if SET.swap(seconds, Ordering::Relaxed) == seconds {
        return;
    }
    let maximum = getrlimit(Resource::Cpu).maximum;
    let current = maximum.map_or(seconds, |maximum| maximum.min(seconds));
    let _ = setrlimit(Resource::Cpu, Rlimit { current: Some(current), maximum });
}

#[cfg(target_os = "linux")]
mod filter {
    use std::collections::BTreeMap;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch, apply_filter_all_threads,
    };

    /// System calls that take no argument worth looking at: memory, time, signals, the end.
    const FREE: &[libc::c_long] = &[
        libc::SYS_brk,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_close,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_futex,
        libc::SYS_getpid,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_gettimeofday,
        libc::SYS_madvise,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_nanosleep,
        libc::SYS_ppoll,
        libc::SYS_restart_syscall,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_time,
    ];

    /// Allows what scripts need, and lets every other call fail.
    pub(super) fn install() -> Result<(), String> {
        let explain = |error: &dyn std::fmt::Display| error.to_string();
        let program = program().map_err(|error| explain(&error))?;
        apply_filter_all_threads(&program).map_err(|error| explain(&error))
    }

    fn program() -> Result<BpfProgram, seccompiler::BackendError> {
        let mut rules: BTreeMap<libc::c_long, Vec<SeccompRule>> =
            FREE.iter().map(|call| (*call, Vec::new())).collect();
        let mut only = |call: libc::c_long, argument: u8, allowed: &[u64], operator: SeccompCmpOp| {
            let conditions = allowed.iter().map(|value| {
                SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator.clone(), *value)
                    .and_then(|condition| SeccompRule::new(vec![condition]))
            });
            conditions.collect::<Result<Vec<_>, _>>().map(|conditions| rules.insert(call, conditions))
        };
        only(libc::SYS_read, 0, &[0], SeccompCmpOp::Eq)?;
        only(libc::SYS_write, 0, &[1, 2], SeccompCmpOp::Eq)?;
        only(libc::SYS_writev, 0, &[2], SeccompCmpOp::Eq)?;
        // Memory that can be executed is never needed.
        let executable = u64::try_from(libc::PROT_EXEC).unwrap_or_default();
        only(libc::SYS_mmap, 2, &[0], SeccompCmpOp::MaskedEq(executable))?;
        only(libc::SYS_mprotect, 2, &[0], SeccompCmpOp::MaskedEq(executable))?;
        // Its own limit of processor time, once for each script; `abort` signals the thread itself.
        only(libc::SYS_prlimit64, 0, &[0], SeccompCmpOp::Eq)?;
        only(libc::SYS_tgkill, 2, &[u64::try_from(libc::SIGABRT).unwrap_or_default()], SeccompCmpOp::Eq)?;
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        let denied = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
        SeccompFilter::new(rules, denied, SeccompAction::Allow, arch)?.try_into()
    }
}

#[cfg(not(target_os = "linux"))]
mod filter {
    pub(super) fn install() -> Result<(), String> {
        Err("this system has no filter of system calls".to_owned())
    }
}
