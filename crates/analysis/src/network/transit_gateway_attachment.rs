//! A VPC's attachment to a transit gateway: its state, and the subnets that packets enter and leave by.

use alloc::{format, string::String, vec::Vec};

use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Ourselves, Unknown},
};

use crate::{
    answer::*,
    network::{
        flow::{PathTrace, SubnetOfVpc, TableRoute},
        remedy::{AttachmentFault, NetworkRemedy},
        route_table::route_label,
        statement::NetworkStatement,
    },
};

impl PathTrace<'_> {
    /// A VPC's attachment to a transit gateway.
    pub(super) fn attachment(
        &self,
        vpc: &VpcId,
        id: &TransitGatewayId,
    ) -> Result<Option<&TransitGatewayAttachment>, Unknown> {
        let all = self.facts.transit_gateway_attachments(vpc).required()?;
        Ok(all.iter().find(|it| it.transit_gateway == *id))
    }

    /// `eu-west-1a`, and no Local Zone (`us-west-2-lax-1a`) or Wavelength Zone (`us-east-1-wl1-bos-wlz-1`).
    fn is_availability_zone(&self, zone: &str) -> bool {
        zone.strip_prefix(self.scope.region.as_str()).is_some_and(|it| it.len() == 1)
    }

    pub(super) fn zone(&self, subnet: &SubnetId) -> Result<Option<&String>, Unknown> {
        Ok(self.facts.subnet(subnet).required()?.availability_zone.as_ref())
    }

    /// The attachment's subnets by which packets from `near` may come in: the one in its zone, if there
    /// is one; in appliance mode any. Source: Transit Gateway guide, "Appliance in a shared services
    /// VPC".
    pub(super) fn entry_subnets(
        &self,
        vpc: &VpcId,
        id: &TransitGatewayId,
        near: &SubnetId,
    ) -> Result<Vec<&SubnetId>, Unknown> {
        match self.attachment(vpc, id)? {
            Some(attachment) if attachment.appliance_mode => {
                Ok(attachment.subnets.iter().collect())
            }
            _ => self.attachment_subnets(vpc, id, near),
        }
    }

    /// The attachment's subnets by which packets from `near` may leave: the one in its zone, if there is
    /// one.
    pub(super) fn attachment_subnets(
        &self,
        vpc: &VpcId,
        id: &TransitGatewayId,
        near: &SubnetId,
    ) -> Result<Vec<&SubnetId>, Unknown> {
        let Some(attachment) = self.attachment(vpc, id)? else { return Ok(Vec::new()) };
        let own = self.zone(near)?;
        let mut same = Vec::new();
        for subnet in &attachment.subnets {
            if own.is_some() && self.zone(subnet)? == own {
                same.push(subnet);
            }
        }
        Ok(if same.is_empty() { attachment.subnets.iter().collect() } else { same })
    }

    /// A transit gateway takes packets only in the Availability Zones that the attachment has a subnet
    /// in. Source: Transit Gateway guide, "VPC attachments".
    pub(super) fn attached_to(
        &self,
        (vpc, subnet): SubnetOfVpc,
        (table, route): TableRoute,
        id: &TransitGatewayId,
    ) -> Answer {
        let subject = route_label(table, route);
        let service = self.service;
        let repair = |attachment: Option<&String>, because| {
            let remedy = NetworkRemedy::RepairAttachment {
                vpc: vpc.clone(),
                gateway: id.clone(),
                subnet: subnet.clone(),
                attachment: attachment.cloned(),
                because,
            };
            Fix::of(remedy, Recovery::Agent)
        };
        let Some(attachment) = self.attachment(vpc, id)? else {
            return Ok(Verdict::Fail(
                observed(
                    &subject,
                    NetworkStatement::NoAttachment(vpc.clone()).for_service(service),
                ),
                repair(None, AttachmentFault::Missing),
            ));
        };
        match &attachment.state {
            AttachmentState::Available | AttachmentState::Modifying => {}
            AttachmentState::Other(word) => {
                return Err(Unknown::limit(format!(
                    "{} is in an unrecognized state: {word}",
                    attachment.id
                )));
            }
            state => {
                return Ok(Verdict::Fail(
                    observed(
                        &subject,
                        NetworkStatement::AttachmentIs {
                            vpc: vpc.clone(),
                            attachment: attachment.id.clone(),
                            state: state.clone(),
                        }
                        .for_service(service),
                    ),
                    repair(
                        Some(&attachment.id),
                        if *state == AttachmentState::PendingAcceptance {
                            AttachmentFault::NotAccepted
                        } else {
                            AttachmentFault::NotAvailable
                        },
                    ),
                ));
            }
        }
        let Some(own) = self.zone(subnet)? else {
            return Err(Unknown::limit(format!("the Availability Zone of {subnet} is not known")));
        };
        let served =
            any_of(&attachment.subnets, |it| Ok((self.zone(it)? == Some(own)).then_some(())))?;
        // Source: Transit Gateway guide, "Connect Local Zone subnets to a transit gateway": they use the
        // attachment's subnet in the parent zone. A subnet does not show its parent zone.
        if served.is_none() && !self.is_availability_zone(own) {
            return Err(Unknown::limit(format!(
                "{subnet} is in {own}, which is no Availability Zone: it reaches {id} by the attachment's subnet in its parent zone, and which zone that is is not visible"
            )));
        }
        Ok(match served {
            Some(()) => Verdict::Pass(observed(
                &subject,
                NetworkStatement::AttachmentServesZone {
                    zone: own.clone(),
                    attachment: attachment.id.clone(),
                },
            )),
            None => Verdict::Fail(
                observed(
                    &subject,
                    NetworkStatement::AttachmentNotInZone {
                        zone: own.clone(),
                        subnet: subnet.clone(),
                        attachment: attachment.id.clone(),
                    }
                    .for_service(service),
                ),
                repair(Some(&attachment.id), AttachmentFault::NotInZone),
            ),
        })
    }

    /// Does the attachment belong to our own account, so that its VPC can be seen?
    pub(super) fn is_own_account(&self, attachment: &TransitAttachment) -> Result<bool, Unknown> {
        let us = self.facts.caller(&Ourselves::Us).required()?;
        Ok(attachment.owner.as_ref().is_none_or(|it| *it == us.account))
    }
}
