//! To an endpoint in another VPC, over a peering connection or a transit gateway, and back.

use super::{filters::Members, *};

/// An endpoint's interface in another VPC.
struct Hub<'g> {
    address: IpAddr,
    vpc: &'g VpcId,
    subnet: &'g SubnetId,
    groups: &'g [SecurityGroupId],
    serves: Fate,
}

impl Reference<'_> {
    pub(super) fn to_hub(&self, from: &Source, to: &Goal, port: u16) -> Fate {
        let Goal::Hub { address, vpc, subnet, groups, serves } = to else {
            return Unclear("no interface of a hub");
        };
        let hub = Hub { address: *address, vpc, subnet, groups, serves: *serves };
        let ways =
            self.next_hops(&from.nic.subnet, hub.address).into_iter().map(|next| match &next {
                Next::Via(via) if via.starts_with("pcx-") => self.to_peer(from, &hub, via, port),
                Next::Via(via) if via.starts_with("tgw-") => {
                    self.over_transit(from, &hub, via, port)
                }
                // Where there is no way yet, the other side is to be in order all the same.
                Next::Nowhere | Next::Blackhole | Next::Unseen => {
                    let members = Members::Across(hub.groups);
                    self.leaves(from, &hub, members)
                        .then(self.beyond(from, &next, hub.address, port))
                        .then(self.at_hub(from, &hub, port))
                }
                Next::Via(via) if via.starts_with("igw-") => {
                    let members = Members::Across(hub.groups);
                    self.leaves(from, &hub, members)
                        .then(self.stop(Hop::Route, "no route but to the internet"))
                        .then(self.at_hub(from, &hub, port))
                }
                Next::Via(via) if self.drops_by_nat(from, &hub, via, port) => self
                    .leaves(from, &hub, Members::Across(hub.groups))
                    .then(self.to_service(from, hub.address, port))
                    .then(self.at_hub(from, &hub, port)),
                _ => self
                    .leaves(from, &hub, Members::Across(hub.groups))
                    .then(self.to_service(from, hub.address, port))
                    .then(hub.serves),
            });
        Fate::one_of(ways)
    }

    /// Does a NAT gateway certainly not lead to the hub? Then there is no way yet, and nothing that may give packets
    /// another address.
    fn drops_by_nat(&self, from: &Source, hub: &Hub<'_>, via: &str, port: u16) -> bool {
        let bare = Reference { healed: &NOTHING, ..*self };
        via.starts_with("nat-")
            && matches!(bare.through_nat(from, via, hub.address, port), Fate::Dropped(..))
    }

    /// What the hub does with packets that have got there, however they did.
    fn at_hub(&self, from: &Source, hub: &Hub<'_>, port: u16) -> Fate {
        let there = Reference { vpc: hub.vpc, ..*self };
        let into = there.acl(hub.subnet, Way::In, from.address, HTTPS, "into the hub's subnet");
        let out = there.acl(hub.subnet, Way::Out, from.address, port, "out of the hub's subnet");
        into.then(self.enters(from, hub, Members::Across(&from.nic.security_groups)))
            .then(out)
            .then(self.leads_back(from, hub, port))
            .then(self.acl(
                &from.nic.subnet,
                Way::In,
                hub.address,
                port,
                "into the instance's subnet",
            ))
    }

    /// By the routes of the hub's subnet.
    fn leads_back(&self, from: &Source, hub: &Hub<'_>, port: u16) -> Fate {
        let there = Reference { vpc: hub.vpc, ..*self };
        Fate::one_of(there.next_hops(hub.subnet, from.address).into_iter().map(
            |next| match &next {
                Next::Via(back) if back.starts_with("pcx-") => there.peered(back, self.vpc),
                Next::Via(back) if back.starts_with("tgw-") => {
                    self.back_over_transit(from, hub, back, port)
                }
                next => there.no_way_back(next),
            },
        ))
    }

    fn leaves(&self, from: &Source, hub: &Hub<'_>, members: Members) -> Fate {
        let (ours, what) = (Some(from.nic.security_groups.as_slice()), "the instance's groups");
        self.groups(ours, Way::Out, hub.address, members, (Hop::SecurityGroup, what)).then(
            self.acl(
                &from.nic.subnet,
                Way::Out,
                hub.address,
                HTTPS,
                "out of the instance's subnet",
            ),
        )
    }

    fn enters(&self, from: &Source, hub: &Hub<'_>, members: Members) -> Fate {
        let point = (Hop::EndpointSecurityGroup, "the endpoint's groups");
        self.groups(Some(hub.groups), Way::In, from.address, members, point).then(hub.serves)
    }

    /// A peering connection joins two VPCs as if they were one: rules may name the other side's groups
    /// (vpc-peering-security-groups.html). Replies need a route of the other VPC.
    fn to_peer(&self, from: &Source, hub: &Hub<'_>, via: &str, port: u16) -> Fate {
        let there = Reference { vpc: hub.vpc, ..*self };
        let into = there.acl(hub.subnet, Way::In, from.address, HTTPS, "into the hub's subnet");
        let out = there.acl(hub.subnet, Way::Out, from.address, port, "out of the hub's subnet");
        let back = self.leads_back(from, hub, port);
        self.leaves(from, hub, Members::Of(hub.groups))
            .then(self.peered(via, hub.vpc))
            .then(into)
            .then(self.enters(from, hub, Members::Of(&from.nic.security_groups)))
            .then(out)
            .then(back)
            .then(self.acl(
                &from.nic.subnet,
                Way::In,
                hub.address,
                port,
                "into the instance's subnet",
            ))
    }

    /// Whatever replies meet that is neither a peering connection nor a transit gateway.
    fn no_way_back(&self, next: &Next) -> Fate {
        match next {
            Next::Nowhere => self.stop(Hop::Route, "no route back"),
            Next::Blackhole => self.stop(Hop::RouteTarget, "a blackhole on the way back"),
            // A NAT gateway knows nothing of connections that others opened.
            Next::Via(via) if via.starts_with("igw-") || via.starts_with("nat-") => {
                self.stop(Hop::Route, "no route back but to the internet")
            }
            Next::Unseen | Next::Via(_) => Unclear("the way back"),
        }
    }

    pub(super) fn peered(&self, id: &str, other: &VpcId) -> Fate {
        let Some(peering) = seen(self.facts.peerings.get(&id.parse().unwrap())) else {
            return Unclear("the peering connection");
        };
        match peering.state {
            PeeringState::Active => {}
            PeeringState::Other(_) => return Unclear("the peering connection's state"),
            _ => return self.stop(Hop::Peering, "the peering connection is not active"),
        }
        let sides = [&peering.requester.vpc, &peering.accepter.vpc];
        if sides.contains(&other) {
            Passes
        } else {
            Unclear("what the other side of the peering is")
        }
    }

    fn over_transit(&self, from: &Source, hub: &Hub<'_>, via: &str, port: u16) -> Fate {
        let there = Reference { vpc: hub.vpc, ..*self };
        let here = &from.nic.subnet;
        let on = self.from_attachment(self.vpc, via, hub.address, hub.vpc);
        let near = self.near_attachment(self.vpc, via, here);
        let leaves = Fate::one_of(near.iter().map(|subnet| {
            if subnet == here {
                return Passes;
            }
            self.acl(subnet, Way::In, from.address, HTTPS, "into the attachment's subnet")
        }));
        let near = there.near_attachment(hub.vpc, via, here);
        let shares = near.contains(hub.subnet);
        let arrives = Fate::one_of(near.iter().map(|subnet| {
            if subnet == hub.subnet {
                return Passes;
            }
            let what = "out of the attachment's subnet";
            there
                .acl(subnet, Way::Out, hub.address, HTTPS, what)
                .then(there.within_vpc(subnet, hub.address))
        }));
        let into = there.acl(hub.subnet, Way::In, from.address, HTTPS, "into the hub's subnet");
        // Beside an attachment what comes from it is not held against the ACL (tgw-nacls.html); AWS's guide
        // says so of instances.
        let beside = Unclear("which rules hold beside an attachment");
        let into = if shares && into != Passes { beside } else { into };
        let out = there.acl(hub.subnet, Way::Out, from.address, port, "out of the hub's subnet");
        let back = self.leads_back(from, hub, port);
        let home = self.acl(here, Way::In, hub.address, port, "into the instance's subnet");
        let home = match self.attachment_subnets(self.vpc, via) {
            Some(subnets) if !subnets.contains(here) => home,
            _ => {
                let inward = self.acl(here, Way::In, from.address, HTTPS, "beside the attachment");
                if home.then(inward) == Passes { Passes } else { beside }
            }
        };
        self.leaves(from, hub, Members::Across(hub.groups))
            .then(self.transit(self.vpc, here, via))
            .then(leaves)
            .then(on)
            .then(arrives)
            .then(into)
            .then(self.enters(from, hub, Members::Across(&from.nic.security_groups)))
            .then(out)
            .then(back)
            .then(home)
    }

    /// From the hub's subnet to the attachment, by the gateway's tables, and out of the attachment of the
    /// instance's VPC.
    fn back_over_transit(&self, from: &Source, hub: &Hub<'_>, via: &str, port: u16) -> Fate {
        let there = Reference { vpc: hub.vpc, ..*self };
        let on = there.from_attachment(hub.vpc, via, from.address, self.vpc);
        let takes =
            Fate::one_of(there.near_attachment(hub.vpc, via, hub.subnet).iter().map(|subnet| {
                if subnet == hub.subnet {
                    return Passes;
                }
                there.acl(subnet, Way::In, hub.address, port, "into the attachment's subnet, back")
            }));
        let gives =
            Fate::one_of(self.near_attachment(self.vpc, via, hub.subnet).iter().map(|subnet| {
                if *subnet == from.nic.subnet {
                    return Passes;
                }
                self.acl(
                    subnet,
                    Way::Out,
                    from.address,
                    port,
                    "out of the attachment's subnet, back",
                )
                .then(self.within_vpc(subnet, from.address))
            }));
        there.transit(hub.vpc, hub.subnet, via).then(takes).then(on).then(gives)
    }

    /// By the gateway's table for what comes in from `vpc`.
    fn from_attachment(&self, vpc: &VpcId, via: &str, to: IpAddr, wanted: &VpcId) -> Fate {
        match self.switched(vpc, via, to) {
            Ok(vpcs) => Fate::one_of(vpcs.into_iter().map(|vpc| match vpc {
                Some(vpc) if vpc == wanted => Passes,
                _ => Unclear("where the transit gateway leads"),
            })),
            Err(fate) => fate,
        }
    }

    /// The subnets of a VPC's attachment in the zone of `near`, or else all of them: the gateway keeps packets
    /// in their zone where it can (transit-gateway-appliance-scenario.html).
    fn near_attachment(&self, vpc: &VpcId, via: &str, near: &SubnetId) -> Vec<SubnetId> {
        let all = self.attachment_subnets(vpc, via).unwrap_or_default();
        let zone = self.zone(near);
        let same: Vec<SubnetId> =
            all.iter().filter(|subnet| self.zone(subnet) == zone).cloned().collect();
        if same.is_empty() { all } else { same }
    }
}
