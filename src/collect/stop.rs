//! The wish to end a collection early, with what is known by then.

use std::future::pending;

use tokio::sync::watch;

/// Whoever collects looks at this.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Whoever wants the end uses this.
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

    /// Nobody wants it.
    #[must_use]
    pub fn never() -> Self {
        Self::new().1
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the wish.
    pub async fn set(&self) {
        let mut wish = self.0.clone();
        if wish.wait_for(|stop| *stop).await.is_err() {
            // Nobody can want it any more.
            pending::<()>().await;
        }
    }
}
