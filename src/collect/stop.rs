//! A request to end a collection early and to keep what is known by then.

use std::future::pending;

use tokio::sync::watch;

/// The collector's side: was the end requested?
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

/// The side that requests the end.
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    #[must_use]
    pub fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// A request that nobody makes.
    #[must_use]
    pub fn never() -> Self {
        Self::new().1
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the end is requested.
    pub async fn set(&self) {
        let mut requested = self.0.clone();
        if requested.wait_for(|stop| *stop).await.is_err() {
            // The other side is gone, so nobody can request it any more.
            pending::<()>().await;
        }
    }
}
