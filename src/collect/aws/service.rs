//! A service's client, with what every call through it shares.

use std::{future::Future, sync::Arc};

use ssm_doctor_facts::lookup::Facts;
use tokio::sync::Semaphore;

use super::watch::Watch;
use crate::collect::{
    chain,
    job::{Answer, Job},
};

/// Calls of one service in flight at once: those of one VPC fit.
const IN_FLIGHT: usize = 12;

#[derive(Clone)]
pub struct Service<C> {
    pub client: C,
    pub watch: Watch,
    gate: Arc<Semaphore>,
}

impl<C: Clone + Send + Sync + 'static> Service<C> {
    pub fn new(client: C, watch: Watch) -> Self {
        Self { client, watch, gate: Arc::new(Semaphore::new(IN_FLIGHT)) }
    }

    /// `work` on a clone of this service, once its turn comes.
    pub fn job<W>(&self, work: impl FnOnce(Self) -> W) -> Job
    where
        W: Future<Output = Facts> + Send + 'static,
    {
        let (gate, work) = (self.gate.clone(), work(self.clone()));
        Box::pin(async move {
            let _permit = gate.acquire().await;
            let (facts, chain) = chain::counted(work).await;
            Answer { facts, chain }
        })
    }
}
