//! Through transit gateways and into other VPCs, and back.

use std::net::IpAddr;

use ssm_doctor_facts::{ec2::*, ids::*, lookup::Ourselves};

use super::*;

impl<'a> Reference<'a> {
    /// The subnets that a VPC's attachment on a transit gateway stands in; none for what is no transit gateway, None
    /// for what was not seen.
    pub(super) fn attachment_subnets(&self, vpc: &VpcId, id: &str) -> Option<Vec<SubnetId>> {
        if !id.starts_with("tgw-") {
            return Some(Vec::new());
        }
        let all = seen(self.facts.transit_gateway_attachments.get(vpc))?;
        let of_it = all.iter().find(|it| it.transit_gateway.as_str() == id);
        Some(of_it.map(|it| it.subnets.clone()).unwrap_or_default())
    }

    pub(super) fn zone(&self, subnet: &SubnetId) -> Option<String> {
        seen(self.facts.subnets.get(subnet))?.availability_zone.clone()
    }

    /// A transit gateway takes traffic from Availability Zones where the VPC's attachment has a subnet
    /// (tgw-vpc-attachments.html).
    pub(super) fn transit(&self, vpc: &VpcId, subnet: &SubnetId, id: &str) -> Fate {
        let unseen = Unclear("the transit gateway's attachment");
        let Some(all) = seen(self.facts.transit_gateway_attachments.get(vpc)) else {
            return unseen;
        };
        let Some(attachment) = all.iter().find(|it| it.transit_gateway.as_str() == id) else {
            return self.stop(Hop::TransitGateway, "no transit gateway attachment");
        };
        match attachment.state {
            AttachmentState::Available | AttachmentState::Modifying => {}
            AttachmentState::Other(_) => return unseen,
            _ => return self.stop(Hop::TransitGateway, "the transit gateway attachment"),
        }
        let zones: Vec<_> = attachment.subnets.iter().map(|it| self.zone(it)).collect();
        match self.zone(subnet) {
            Some(zone) if zones.contains(&Some(zone.clone())) => Passes,
            Some(_) if zones.iter().all(Option::is_some) => {
                self.stop(Hop::TransitGateway, "no transit gateway attachment in the zone")
            }
            _ => unseen,
        }
    }

    /// Which VPCs a packet from this one may get to by the tables of a transit gateway
    /// (how-transit-gateways-work.html); None among them where AWS does not show it.
    pub(super) fn switched(
        &self,
        vpc: &VpcId,
        id: &str,
        to: IpAddr,
    ) -> Result<Vec<Option<&'a VpcId>>, Fate> {
        let unseen = Ok(vec![None]);
        let Some(gateway) = seen(self.facts.transit_gateways.get(&id.parse().unwrap())) else {
            return unseen;
        };
        let all = seen(self.facts.transit_gateway_attachments.get(vpc));
        let attachment = all.and_then(|it| it.iter().find(|it| it.transit_gateway.as_str() == id));
        let ours =
            gateway.attachments.iter().find(|it| attachment.is_some_and(|own| own.id == it.id));
        // Nobody but the owner sees any table.
        let (Some(ours), false) = (ours, gateway.tables.is_empty()) else { return unseen };
        let Some(association) = &ours.association else {
            return Err(self.stop(Hop::TransitGatewayRoute, "an attachment without a table"));
        };
        if association.state != AssociationState::Associated {
            return unseen;
        }
        let table = gateway.tables.iter().find(|it| association.table.as_ref() == Some(&it.id));
        let Some(table) = table else { return unseen };
        let matching = table.routes.iter().filter_map(|it| match &it.to {
            Destination::Cidr(net) if net.contains(&to) => {
                Some(((net.prefix_len(), !it.propagated), it))
            }
            _ => None,
        });
        // The longest prefix, and of those the static one.
        let Some((_, route)) = matching.max_by_key(|it| it.0) else {
            // Each VPC announces itself to the default table. One without any is not all there is.
            let odd = table.default_propagation && table.routes.iter().all(|it| !it.propagated);
            return if odd {
                unseen
            } else {
                Err(self.stop(Hop::TransitGatewayRoute, "no route in the transit gateway"))
            };
        };
        match route.state {
            RouteState::Active => {}
            RouteState::Blackhole => {
                return Err(
                    self.stop(Hop::TransitGatewayRoute, "a blackhole in the transit gateway")
                );
            }
            _ => return unseen,
        }
        let via = route.via.iter().map(|via| {
            gateway.attachments.iter().find(|it| it.id == *via).and_then(|it| it.vpc.as_ref())
        });
        let mut via: Vec<Option<&VpcId>> = via.collect();
        via.dedup();
        Ok(if via.is_empty() { vec![None] } else { via })
    }

    /// Is a VPC on a transit gateway another account's?
    fn is_anothers(&self, id: &str, vpc: &VpcId) -> bool {
        let gateway = seen(self.facts.transit_gateways.get(&id.parse().unwrap()));
        let us = seen(self.facts.caller.get(&Ourselves::Us)).map(|us| &us.account);
        gateway.is_some_and(|gateway| {
            let mut attachments = gateway.attachments.iter();
            attachments.any(|it| {
                it.vpc.as_ref() == Some(vpc) && it.owner.is_some() && it.owner.as_ref() != us
            })
        })
    }

    /// Over a transit gateway and out of another VPC, and back.
    pub(super) fn across(&self, from: &Source, id: &str, to: IpAddr, port: u16) -> Fate {
        let attachment_subnets = self.attachment_subnets(self.vpc, id).unwrap_or_default();
        let here = &from.nic.subnet;
        // What comes from a VPC a attachment's subnet takes in (tgw-nacls.html).
        let near = attachment_subnets.iter().filter(|it| self.zone(it) == self.zone(here));
        let leaves = Fate::one_of(near.map(|it| {
            let what = "into the transit gateway's attachment";
            if it == here { Passes } else { self.acl(it, Way::In, from.address, HTTPS, what) }
        }));
        let vpcs = match self.switched(self.vpc, id, to) {
            Ok(vpcs) => vpcs,
            Err(fate) => return leaves.then(fate),
        };
        let ways = vpcs.into_iter().map(|vpc| match vpc {
            // Nobody shows what is in another account's VPC.
            Some(vpc) if vpc != self.vpc && !self.is_anothers(id, vpc) => {
                let other = Self { vpc, ..*self };
                other.out_for_others(from, self.vpc, id, to, port)
            }
            _ => Unclear("what lies behind the transit gateway"),
        });
        leaves.then(Fate::one_of(ways))
    }

    /// From the attachment in this VPC out to the internet, for a packet of another VPC; and back to that.
    pub(super) fn out_for_others(
        &self,
        from: &Source,
        home: &VpcId,
        id: &str,
        to: IpAddr,
        port: u16,
    ) -> Fate {
        let unseen = Unclear("what is in the other VPC");
        let Some(attachment_subnets) = self.attachment_subnets(self.vpc, id) else { return unseen };
        let zone = self.zone(&from.nic.subnet);
        let near: Vec<_> = attachment_subnets.iter().filter(|it| self.zone(it) == zone).collect();
        let attachment_subnets =
            if near.is_empty() { attachment_subnets.iter().collect() } else { near };
        Fate::one_of(attachment_subnets.into_iter().map(|attachment| {
            let hops = self.next_hops(attachment, to).into_iter();
            Fate::one_of(hops.map(|hop| match hop {
                Next::Nowhere => {
                    self.stop(Hop::TransitGatewayRoute, "no route behind the transit gateway")
                }
                Next::Blackhole => {
                    self.stop(Hop::RouteTarget, "a blackhole behind the transit gateway")
                }
                Next::Via(via) if via.starts_with("igw-") && to.is_ipv4() => self.stop(
                    Hop::TransitGatewayRoute,
                    "an internet gateway translates for its own VPC alone",
                ),
                Next::Via(via) if via.starts_with("nat-") => {
                    let passes = self.nat_for_others(from, (home, id), attachment, &via, to, port);
                    if is_public(to) { passes } else { unseen }
                }
                Next::Via(via) if via.starts_with("vpce-") => {
                    let inspected = self.inspected(&via, from.address, to, port).unwrap_or(Passes);
                    inspected.then(unseen)
                }
                Next::Unseen | Next::Via(_) => unseen,
            }))
        }))
    }

    pub(super) fn nat_for_others(
        &self,
        from: &Source,
        (home, id): (&'a VpcId, &str),
        attachment: &SubnetId,
        via: &str,
        to: IpAddr,
        port: u16,
    ) -> Fate {
        let unseen = Unclear("the NAT gateway behind the transit gateway");
        let Some(nat) = self.nat(via) else { return unseen };
        match nat.state {
            NatState::Available => {}
            NatState::Other(_) => return unseen,
            _ => return self.stop(Hop::NatGateway, "a dead NAT gateway"),
        }
        let Some(there) = &nat.subnet else { return unseen };
        let inside = |subnet, way, peer, port, what| {
            if there == attachment { Passes } else { self.acl(subnet, way, peer, port, what) }
        };
        let into =
            inside(attachment, Way::Out, to, HTTPS, "from the attachment to the NAT gateway").then(
                inside(
                    there,
                    Way::In,
                    from.address,
                    HTTPS,
                    "from the attachment to the NAT gateway",
                ),
            );
        let out = self.acl(there, Way::Out, to, HTTPS, "from the NAT gateway out");
        let gateway = Fate::one_of(self.next_hops(there, to).into_iter().map(|hop| match hop {
            Next::Nowhere => self.stop(Hop::NatGateway, "no route for the NAT gateway"),
            Next::Blackhole => self.stop(Hop::NatGateway, "a blackhole route for the NAT gateway"),
            Next::Via(via) if via.starts_with("igw-") => match &nat.connectivity {
                Connectivity::Public => self.internet(&via, there, to, true, Hop::NatGateway),
                Connectivity::Private => self.stop(Hop::NatGateway, "a private NAT gateway"),
                Connectivity::Other(_) => unseen,
            },
            Next::Unseen | Next::Via(_) => unseen,
        }));
        let reply = self.some_reply(there, to, "replies into the NAT gateway's subnet");
        // Back by its own subnet's routes, over the transit gateway.
        let back = Fate::one_of(self.next_hops(there, from.address).into_iter().map(|hop| {
            let via = match hop {
                Next::Nowhere => return self.stop(Hop::TransitGatewayRoute, "no route back"),
                Next::Blackhole => {
                    return self.stop(Hop::RouteTarget, "a blackhole on the way back");
                }
                Next::Via(via) if via.starts_with("igw-") || via.starts_with("nat-") => {
                    return self
                        .stop(Hop::TransitGatewayRoute, "no route back but to the internet");
                }
                Next::Via(via) if via.starts_with("tgw-") => via,
                Next::Unseen | Next::Via(_) => return unseen,
            };
            let attachment = self.transit(self.vpc, there, &via);
            let on = match self.switched(self.vpc, &via, from.address) {
                Ok(vpcs) => Fate::one_of(vpcs.iter().map(|it| match it {
                    Some(vpc) if *vpc == home && via == id => Passes,
                    _ => unseen,
                })),
                Err(fate) => fate,
            };
            // In by the attachment in the NAT gateway's zone.
            let attachment_subnets =
                self.attachment_subnets(self.vpc, &via).unwrap_or_default().into_iter();
            let attachment_subnets =
                attachment_subnets.filter(|it| self.zone(it) == self.zone(there));
            let takes = Fate::one_of(attachment_subnets.map(|attachment| {
                if attachment == *there {
                    Passes
                } else {
                    self.acl(&attachment, Way::In, to, port, "into the attachment on the way back")
                }
            }));
            // Out of the instance's VPC's attachment in that zone, if it has one there: the gateway keeps packets in
            // their zone (transit-gateway-appliance-scenario.html).
            let home = Self { vpc: home, ..*self };
            let attachment_subnets = home.attachment_subnets(home.vpc, &via).unwrap_or_default();
            let near: Vec<_> =
                attachment_subnets.iter().filter(|it| self.zone(it) == self.zone(there)).collect();
            let attachment_subnets =
                if near.is_empty() { attachment_subnets.iter().collect() } else { near };
            let gives = Fate::one_of(attachment_subnets.into_iter().map(|it| {
                let what = "out of the transit gateway's attachment";
                if *it == from.nic.subnet {
                    Passes
                } else {
                    home.acl(it, Way::Out, from.address, port, what)
                        .then(home.within_vpc(it, from.address))
                }
            }));
            attachment.then(on).then(takes).then(gives)
        }));
        let home = self.acl(there, Way::Out, from.address, port, "out of the NAT gateway's subnet");
        let home = if there == attachment { Passes } else { home };
        into.then(out).then(gateway).then(reply).then(back).then(home)
    }
}
