//! VPC Block Public Access.

use alloc::{format, string::ToString};

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        flow::PathTrace,
        hop::{Hop, HopKind},
        remedy::NetworkRemedy,
        statement::NetworkStatement,
    },
};

impl PathTrace<'_> {
    /// VPC Block Public Access, for packets that enter a gateway from `subnet`; None for those of a regional
    /// NAT gateway, which has no subnet that AWS describes. The ingress mode does not affect NAT and
    /// egress-only gateways, because no connection can come in through them. Source: EC2 API reference,
    /// `VpcBlockPublicAccessOptions`.
    pub(super) fn public_access(
        &self,
        vpc: &VpcId,
        subnet: Option<&SubnetId>,
        outbound_only: bool,
    ) -> Hop {
        let answer = self.judge_public_access(vpc, subnet, outbound_only);
        Hop { kind: HopKind::PublicAccess, id: self.scope.region.to_string(), answer }
    }

    fn judge_public_access(
        &self,
        vpc: &VpcId,
        subnet: Option<&SubnetId>,
        outbound_only: bool,
    ) -> Answer {
        let region = &self.scope.region;
        // An account that never heard of it is not asked for more.
        let Some(block) = self.facts.public_access_block(region).optional()? else {
            return Ok(Verdict::Pass(observed(region, NetworkStatement::NoPublicAccessBlock)));
        };
        match &block.mode {
            BlockMode::Off => {
                return Ok(Verdict::Pass(observed(region, NetworkStatement::PublicAccessBlockOff)));
            }
            BlockMode::Ingress if outbound_only => {
                return Ok(Verdict::Pass(observed(
                    region,
                    NetworkStatement::PublicAccessBlockIngressOnly,
                )));
            }
            BlockMode::Ingress | BlockMode::Bidirectional => {}
            BlockMode::Other(word) => {
                return Err(Unknown::limit(format!(
                    "VPC Block Public Access is in an unrecognized mode: {word}"
                )));
            }
        }
        // What faces the gateway is the subnet that packets enter it from: a NAT gateway's own.
        let own = self.from.interface.subnet.as_str();
        let facing = || {
            let faces =
                |it: &str| it == vpc.as_str() || subnet.is_some_and(|subnet| it == subnet.as_str());
            block.exclusions.iter().filter(move |it| faces(&it.resource))
        };
        let near = |it: &&Exclusion| {
            it.resource == own || subnet.is_none() && it.resource.starts_with("subnet-")
        };
        let exempt = facing().find(|it| {
            it.mode == ExclusionMode::Bidirectional
                || it.mode == ExclusionMode::Egress && outbound_only
        });
        if let Some(it) = exempt {
            return Ok(Verdict::Pass(observed(
                &it.resource,
                NetworkStatement::PublicAccessExempt {
                    exclusion: it.id.clone(),
                    mode: it.mode.clone(),
                },
            )));
        }
        match facing().chain(block.exclusions.iter().filter(near)).next() {
            Some(it) => Err(Unknown::limit(format!(
                "VPC Block Public Access is {}, and how far the exclusion {} of {} ({}) reaches is not documented",
                block.mode, it.id, it.resource, it.mode
            ))),
            None => Ok(Verdict::Fail(
                observed(
                    region,
                    NetworkStatement::PublicAccessBlocked {
                        mode: block.mode.clone(),
                        vpc: vpc.clone(),
                        subnet: subnet.unwrap_or(&self.from.interface.subnet).clone(),
                    }
                    .for_service(self.service),
                ),
                Fix::of(
                    NetworkRemedy::ExemptFromPublicAccessBlock {
                        subnet: subnet.unwrap_or(&self.from.interface.subnet).clone(),
                    },
                    Recovery::Agent,
                ),
            )),
        }
    }
}
