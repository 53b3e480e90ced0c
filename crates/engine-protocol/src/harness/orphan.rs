//! An engine never outlives its daemon, and never ends before it.

/// Asks the kernel for SIGKILL when the daemon's thread that started this process is gone.
///
/// A second line behind the end of standard input: it also reaches a process that is stopped, or whose pipe leaked.
pub(super) fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
}

/// Lets the signals that ask a program to end pass: the daemon decides when its engines end.
///
/// Supervisors send them to every process of a tree, engines first, while the daemon finishes the running job.
pub(super) fn leave_signals_to_parent() {
    // An engine without it works; it only ends too soon under such a supervisor.
    let _ = ctrlc::set_handler(|| {});
}

/// Ends the process now, with the children that it may have when it leads a process group of its own.
///
/// SIGKILL rather than an exit: exit handlers of C++ libraries crash or wait while other threads still compute.
#[cfg(unix)]
pub(super) fn end_at_once() -> ! {
    use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};
    let me = getpid();
    if getpgrp() == me {
        let _ = kill_process_group(me, Signal::KILL);
    }
    let _ = kill_process(me, Signal::KILL);
    std::process::abort()
}

/// Ends the process now.
#[cfg(not(unix))]
pub(super) fn end_at_once() -> ! {
    std::process::abort()
}
