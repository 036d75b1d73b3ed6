//! When a process is to end: it is asked to, or whoever started it is gone. Never ends anything itself
//! in the middle of work that can be ended well, except for a child whose parent died.

use std::io::Read as _;

/// Waits until the process is asked to stop: Ctrl-C, SIGTERM, or its terminal is closed.
pub(crate) async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;
        tokio::select! {
            () = signal(SignalKind::interrupt()) => {}
            () = signal(SignalKind::terminate()) => {}
            () = signal(SignalKind::hangup()) => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(unix)]
async fn signal(kind: tokio::signal::unix::SignalKind) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

/// Ends this process at once when its standard input closes: a pipe that its parent holds, and that
/// the system closes however the parent ends.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let mut ignored = [0; 64];
        let mut parent = std::io::stdin();
        while matches!(parent.read(&mut ignored), Ok(1..)) {}
        std::process::exit(0);
    });
}
