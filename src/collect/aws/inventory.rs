//! All instances and nodes of a Region, page by page.

use std::collections::BTreeSet;

use ssm_doctor_facts::{
    ids::{AccountId, InstanceId, Region},
    lookup::Facts,
};

use super::{Account, why::Failure};

impl Account {
    /// Every instance with its status, and every node.
    ///
    /// # Errors
    /// AWS's words, if it does not list the instances or the nodes.
    pub async fn inventory(&self) -> Result<Facts, Failure> {
        let mut facts = self.ec2.clone().all_instances().await?;
        let ids: BTreeSet<InstanceId> = facts.instances.keys().cloned().collect();
        let (nodes, statuses) = tokio::join!(
            self.ssm.clone().all_nodes(ids.clone()),
            self.ec2.clone().all_statuses(ids),
        );
        facts.absorb(nodes?);
        facts.absorb(statuses);
        Ok(facts)
    }

    /// Who we are.
    pub async fn caller(&self) -> Facts {
        self.sts.clone().caller(self.temporary).await
    }

    /// The accounts of our organization that are active.
    ///
    /// # Errors
    /// AWS's words.
    pub async fn accounts(&self) -> Result<Vec<AccountId>, Failure> {
        self.organizations.accounts().await
    }

    /// The Regions that are switched on for the account.
    ///
    /// # Errors
    /// AWS's words.
    pub async fn regions(&self) -> Result<Vec<Region>, Failure> {
        self.ec2.regions().await
    }
}
