//! Stopping early: Ctrl-C, or a reader that has gone away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// A flag shared by the dispatcher and its workers, looked at between flows and waited for where input may stall.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    asked: AtomicBool,
    wake: Notify,
}

impl Cancel {
    /// Asks everybody to stop.
    pub fn now(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        self.0.wake.notify_waiters();
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        let woken = self.0.wake.notified();
        // Asked between the two lines, the wake-up still counts; asked before, the flag tells.
        if !self.is_asked() {
            woken.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_woken() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let cancel = Cancel::default();
            let waiting = tokio::spawn({
                let cancel = cancel.clone();
                async move { cancel.asked().await }
            });
            tokio::task::yield_now().await;
            cancel.now();
            waiting.await.expect("woken");
            cancel.asked().await;
        });
    }
}
