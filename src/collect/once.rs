//! Answers that several calls of one collection share.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::{Mutex, OnceCell};

/// One answer for each key, asked for once. Clones share the answers.
#[derive(Clone)]
pub struct Once<K, T>(Arc<Mutex<BTreeMap<K, Arc<OnceCell<T>>>>>);

impl<K, T> Default for Once<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Ord, T: Clone> Once<K, T> {
    /// The answer, from `ask` if nobody has asked yet.
    pub async fn get<W: Future<Output = T>>(&self, key: K, ask: W) -> T {
        let cell = self.0.lock().await.entry(key).or_default().clone();
        cell.get_or_init(|| ask).await.clone()
    }

    /// The answer, if it has come.
    pub async fn known(&self, key: &K) -> Option<T> {
        self.0.lock().await.get(key)?.get().cloned()
    }
}
