//! Through a transit gateway: by its own route tables to another VPC's attachment, and from there to an
//! address in that VPC or through it to the internet.
//!
//! AWS shows the tables to the gateway's owner. Another VPC is followed if it is our account's. What is
//! no VPC (a VPN, an on-premises network, a transit gateway elsewhere) is not visible.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use ssm_doctor_facts::{change::Protocol, ec2::*, ids::*, lookup::Unknown};

use crate::{
    answer::*,
    network::{
        address_set::{Addresses, Family, ports},
        flow::{Flow, FlowTarget, HTTPS, PathTrace, Remote, SubnetOfVpc, TableRoute, join},
        hop::{Hop, HopKind, Place, all_agree},
        network_acl::Crossing,
        remedy::NetworkRemedy,
        route_table::{RouteMatch, active, mixed, not_visible, sorted, table_of},
        service_addresses::of_parts,
        statement::NetworkStatement,
    },
};

enum TransitResult<'a> {
    Routes(TransitRoutes<'a>),
    Stop(Box<Verdict>),
    /// Only visible to its owner, or unrecognized.
    Hidden(Unknown),
}

/// The routes of a transit gateway for packets that come in by one attachment.
pub(super) struct TransitRoutes<'a> {
    gateway: &'a TransitGateway,
    table: &'a TransitTable,
    route_matches: Vec<(Option<&'a TransitRoute>, Addresses)>,
}

/// While the tables are unknown, so is every hop that may follow.
pub(super) fn unseen(id: &impl ToString, unknown: &Unknown) -> Vec<Hop> {
    HopKind::at(Place::BehindTransit).map(|kind| Hop::new(kind, id, Err(unknown.clone()))).collect()
}

impl PathTrace<'_> {
    /// Everything from a route to a transit gateway on.
    pub(super) fn transit_gateway(
        &self,
        from: SubnetOfVpc,
        by: TableRoute,
        id: &TransitGatewayId,
        flow: Flow,
    ) -> Vec<Hop> {
        let (table, route) = by;
        let attached = Hop::new(HopKind::TransitGateway, id, self.attached_to(from, by, id));
        let beyond = match &attached.answer {
            Ok(Verdict::Fail(..)) => Vec::new(),
            // Packets meet the ACL of the attachment before the gateway's tables.
            Ok(_) => self
                .leaving_acls(from, id, flow)
                .into_iter()
                .chain(match self.transit_routes(from.0, id, flow.destination) {
                    Ok(TransitResult::Routes(transit_routes)) => {
                        self.next_transit_hops(from, by, id, flow, &transit_routes)
                    }
                    Ok(TransitResult::Stop(stop)) => {
                        vec![Hop::new(HopKind::TransitRoute, id, Ok(*stop))]
                    }
                    Ok(TransitResult::Hidden(unknown)) => {
                        let mut hops = self.beyond_visibility(table, route, unknown.clone());
                        hops.push(Hop::new(HopKind::TransitRoute, id, Err(unknown)));
                        hops
                    }
                    Err(unknown) => unseen(id, &unknown),
                })
                .collect(),
            Err(unknown) => unseen(id, unknown),
        };
        core::iter::once(attached).chain(beyond).collect()
    }

    /// What a transit gateway does with packets from a VPC.
    ///
    /// # Errors
    /// [`Unknown`] when the gateway was not seen.
    fn transit_routes<'f>(
        &'f self,
        vpc: &VpcId,
        id: &TransitGatewayId,
        destination: &Remote,
    ) -> Result<TransitResult<'f>, Unknown> {
        let gateway = self.facts.transit_gateway(id).required()?;
        let attachment = self.attachment(vpc, id)?.map(|it| it.id.as_str()).unwrap_or_default();
        let hidden = |what: &str| Ok(TransitResult::Hidden(Unknown::limit(format!("{id} {what}"))));
        let ours = gateway.attachments.iter().find(|it| it.id == attachment);
        // The tables of another account's gateway are not listed, nor which one is whose.
        let Some(ours) = ours.filter(|_| !gateway.tables.is_empty()) else {
            return hidden("shows its route tables to its owner alone");
        };
        let Some(association) = &ours.association else {
            return Ok(TransitResult::Stop(Box::new(self.no_table_association(id, attachment))));
        };
        let known = association
            .table
            .as_ref()
            .filter(|_| association.state == AssociationState::Associated);
        let listed = |id: &String| gateway.tables.iter().find(|it| it.id == *id);
        let Some(table) = known.and_then(listed) else {
            return hidden(&format!(
                "routes what comes in by {attachment} by {}, {}, and what that says is not visible",
                association.table.as_deref().unwrap_or("a policy table"),
                association.state
            ));
        };
        let mut candidates = Vec::new();
        for route in &table.routes {
            let Destination::Cidr(net) = &route.to else {
                return hidden(&format!(
                    "has a route to {:?} in {}",
                    route.to.to_string(),
                    table.id
                ));
            };
            let hit = Addresses::net(net).and(&destination.addresses);
            if !hit.is_empty() {
                candidates.push((net.prefix_len(), u8::from(route.propagated), route, hit));
            }
        }
        let route_matches = sorted(candidates, destination);
        // Attachments propagate their VPCs to the default table by themselves. If none does, the listing
        // is more doubtful than the network.
        let unexpected = table.default_propagation && !table.routes.iter().any(|it| it.propagated);
        if unexpected && route_matches.iter().any(|it| it.0.is_none()) {
            return hidden(&format!(
                "lists no VPC in {}, the table to which they announce themselves, so that it is doubtful what it has",
                table.id
            ));
        }
        Ok(TransitResult::Routes(TransitRoutes { gateway, table, route_matches }))
    }

    fn no_table_association(&self, id: &TransitGatewayId, attachment: &str) -> Verdict {
        Verdict::Fail(
            observed(
                id,
                NetworkStatement::AttachmentHasNoTable(attachment.into()).for_service(self.service),
            ),
            Fix::of(
                NetworkRemedy::AssociateAttachment {
                    gateway: id.clone(),
                    attachment: attachment.into(),
                },
                Recovery::Agent,
            ),
        )
    }

    pub(super) fn next_transit_hops(
        &self,
        from: SubnetOfVpc,
        by: TableRoute,
        id: &TransitGatewayId,
        flow: Flow,
        transit_routes: &TransitRoutes,
    ) -> Vec<Hop> {
        let (gateway, table) = (transit_routes.gateway, transit_routes.table);
        let hidden = |what: String| self.beyond_visibility(by.0, by.1, Unknown::limit(what));
        let hops_of = |route: Option<&TransitRoute>, addresses: &Addresses| {
            let destination = flow.destination.part(addresses);
            let flow = Flow { destination: &destination, ..flow };
            let Some(route) = route.filter(|it| it.state != RouteState::Blackhole) else {
                let stop = self.no_transit_route((id, table), route, gateway, flow);
                return vec![Hop::new(HopKind::TransitRoute, &table.id, Ok(stop))];
            };
            if route.state != RouteState::Active || route.via.is_empty() {
                return hidden(format!(
                    "the route of {} ({id}) for {} is {} by {}",
                    table.id,
                    route.to,
                    route.state,
                    if route.via.is_empty() {
                        "nothing that is listed".into()
                    } else {
                        join(&route.via)
                    },
                ));
            }
            let ways = route.via.iter().map(|via| {
                let attachment = gateway.attachments.iter().find(|it| it.id == *via);
                if let Some(connection) = attachment.and_then(|it| it.vpn.as_ref()) {
                    let unknown = format!(
                        "{} ({id}) sends {} into the VPN connection {connection}, and what lies beyond is not visible",
                        table.id, route.to
                    );
                    return self.beyond_vpn(by, connection, Unknown::limit(unknown));
                }
                let Some((attachment, vpc)) = attachment.and_then(|it| Some((it, it.vpc.as_ref()?))) else {
                    return hidden(format!(
                        "{} ({id}) sends {} to {via}, which is no VPC, and what lies beyond is not visible",
                        table.id, route.to
                    ));
                };
                let on = observed(&format!("{} ({id})", table.id), NetworkStatement::SendsOn { to: route.to.clone(), vpc: vpc.clone(), attachment: via.clone() });
                let on = Hop::new(HopKind::TransitRoute, &table.id, Ok(Verdict::Pass(on)));
                let beyond = match flow.target {
                    FlowTarget::Subnet((location, subnet)) if location == vpc => {
                        self.arrive_in_vpc(from, (location, subnet), id, flow)
                    }
                    FlowTarget::Unseen(unknown) => unseen(id, unknown),
                    FlowTarget::Internet if vpc != from.0 => match self.is_own_account(attachment) {
                        Ok(true) => self.through_vpc(from, by, vpc, id, flow),
                        Ok(false) => hidden(format!(
                            "{} ({id}) sends {} to {vpc} of another account, and what lies beyond is not visible",
                            table.id, route.to
                        )),
                        Err(unknown) => unseen(id, &unknown),
                    },
                    _ => hidden(format!(
                        "{} ({id}) sends {} to {vpc}, and what lies beyond is not visible",
                        table.id, route.to
                    )),
                };
                core::iter::once(on).chain(beyond).collect()
            });
            all_agree(ways.collect(), || {
                let unclear = format!(
                    "{} ({id}) sends {} by {}, one or another",
                    table.id,
                    route.to,
                    join(&route.via)
                );
                Hop::new(HopKind::NextHop, &table.id, Err(Unknown::limit(unclear)))
            })
        };
        let parts = transit_routes.route_matches.iter();
        let ways = parts.map(|(route, addresses)| (addresses, hops_of(*route, addresses)));
        of_parts(flow.destination, ways.collect(), || {
            let unclear = format!(
                "{} ({id}) treats different addresses of {} differently",
                table.id, flow.destination.phrase
            );
            Hop::new(HopKind::NextHop, &table.id, Err(Unknown::limit(unclear)))
        })
    }

    /// No route, or one that leads nowhere.
    fn no_transit_route(
        &self,
        (id, table): (&TransitGatewayId, &TransitTable),
        route: Option<&TransitRoute>,
        gateway: &TransitGateway,
        flow: Flow,
    ) -> Verdict {
        let (subject, phrase) = (format!("{} ({id})", table.id), &flow.destination.phrase);
        let back = flow.replies;
        let evidence = match route {
            Some(route) => observed(
                &subject,
                NetworkStatement::TransitBlackhole {
                    to: route.to.clone(),
                    back,
                    phrase: phrase.clone(),
                }
                .for_service(self.service),
            ),
            None => observed(
                &subject,
                NetworkStatement::NoTransitRoute { back, phrase: phrase.clone() }
                    .for_service(self.service),
            ),
        };
        // An attachment can propagate its VPC. A route to the internet must be static.
        let known = match flow.target {
            FlowTarget::Subnet((vpc, _)) => {
                gateway.attachments.iter().find(|it| it.vpc.as_ref() == Some(vpc))
            }
            _ => None,
        };
        let fix = match (known, route) {
            (Some(attachment), None) => Fix::of(
                NetworkRemedy::PropagateAttachment {
                    table: table.id.clone(),
                    attachment: attachment.id.clone(),
                },
                Recovery::Agent,
            ),
            (known, route) => {
                let table = table.id.clone();
                let (phrase, attachment) = (phrase.clone(), known.map(|it| it.id.clone()));
                let remedy = match route {
                    Some(route) => NetworkRemedy::ReplaceTransitRoute {
                        table,
                        to: route.to.clone(),
                        attachment,
                        back,
                        phrase,
                    },
                    None => NetworkRemedy::AddTransitRoute {
                        table,
                        to: Destination::Cidr(flow.destination.range()),
                        attachment,
                        back,
                        phrase,
                    },
                };
                Fix::of(remedy, Recovery::Agent)
            }
        };
        Verdict::Fail(evidence, fix)
    }

    /// In by the other VPC's attachment, and inside that VPC to the target.
    fn arrive_in_vpc(
        &self,
        from: SubnetOfVpc,
        to: SubnetOfVpc,
        id: &TransitGatewayId,
        flow: Flow,
    ) -> Vec<Hop> {
        let attachment_subnets = match self.entry_subnets(to.0, id, from.1) {
            Ok(attachment_subnets) => attachment_subnets,
            Err(unknown) => return unseen(id, &unknown),
        };
        let ways = attachment_subnets.into_iter().map(|subnet| {
            let mut way = self.routed((to.0, subnet), flow);
            way.extend(self.attachment_acl((to.0, subnet), to.1, true, flow));
            way
        });
        let ways = all_agree(ways.collect(), || {
            let unclear = format!("the subnets of {} on {id} have different routes", to.0);
            Hop::new(HopKind::NextHop, id, Err(Unknown::limit(unclear)))
        });
        ways.into_iter().filter(|it| !it.passes()).collect()
    }

    /// The ACL of the attachment that packets leave a VPC by.
    pub(super) fn leaving_acls(
        &self,
        from: SubnetOfVpc,
        id: &TransitGatewayId,
        flow: Flow,
    ) -> Vec<Hop> {
        match self.attachment_subnets(from.0, id, from.1) {
            Ok(attachment_subnets) => {
                let ways = attachment_subnets
                    .into_iter()
                    .map(|it| self.attachment_acl((from.0, it), from.1, false, flow));
                all_agree(ways.collect(), || {
                    let unclear = format!("the ACLs of {} on {id} say different things", from.0);
                    Hop::new(HopKind::Acl, id, Err(Unknown::limit(unclear)))
                })
            }
            Err(unknown) => vec![Hop::new(HopKind::Acl, id, Err(unknown))],
        }
    }

    /// The ACL of an attachment's subnet. Its inbound rules apply to packets from the VPC, and its
    /// outbound rules to packets into the VPC. No rule applies to packets that stay in the subnet.
    /// Source: Transit Gateway guide, "Network ACLs".
    fn attachment_acl(
        &self,
        attachment: SubnetOfVpc,
        inner: &SubnetId,
        arrives: bool,
        flow: Flow,
    ) -> Vec<Hop> {
        if attachment.1 == inner {
            return Vec::new();
        }
        let (there, own) = (ports(HTTPS..=HTTPS), self.from.ports());
        // Replies are packets of the other direction, reversed.
        let outward = arrives != flow.replies;
        let peer = if arrives { flow.destination } else { flow.source };
        let pair = Crossing::there_and_back(attachment, Protocol::Tcp, outward, peer, &there, &own);
        let [first, reply] = pair;
        let crossing = if flow.replies { reply } else { first };
        let far = if flow.replies { flow.source } else { flow.destination };
        let filtered = self.acls(far, &own, &[crossing]);
        let hops = filtered.hops(attachment.1);
        hops.filter(|it| !it.passes()).collect()
    }

    /// Through another VPC to the internet.
    fn through_vpc(
        &self,
        from: SubnetOfVpc,
        by: TableRoute,
        vpc: &VpcId,
        id: &TransitGatewayId,
        flow: Flow,
    ) -> Vec<Hop> {
        let attachment_subnets = match self.entry_subnets(vpc, id, from.1) {
            Ok(attachment_subnets) if attachment_subnets.is_empty() => {
                let on =
                    format!("which subnets of {vpc} the attachment to {id} has is not visible");
                return self.beyond_visibility(by.0, by.1, Unknown::limit(on));
            }
            Ok(attachment_subnets) => attachment_subnets,
            Err(unknown) => return unseen(id, &unknown),
        };
        let ways =
            attachment_subnets.into_iter().map(|subnet| self.out_of_vpc((vpc, subnet), id, flow));
        all_agree(ways.collect(), || {
            let unclear = format!("the subnets of {vpc} on {id} have different routes");
            Hop::new(HopKind::NextHop, id, Err(Unknown::limit(unclear)))
        })
    }

    /// From an attachment in another VPC out of that VPC to the internet.
    fn out_of_vpc(&self, attachment: SubnetOfVpc, id: &TransitGatewayId, flow: Flow) -> Vec<Hop> {
        let (vpc, subnet) = attachment;
        let looked = table_of(self.facts, vpc, subnet)
            .and_then(|table| Ok((table, self.routes_out(vpc, table, flow.destination)?)));
        let (table, route_matches) = match looked {
            Ok(looked) => looked,
            Err(unknown) => return unseen(subnet, &unknown),
        };
        let stop = |evidence: NetworkStatement| {
            let fix = Fix::of(
                NetworkRemedy::AddRouteToNatGateway {
                    table: table.id.clone(),
                    to: flow.destination.range(),
                },
                Recovery::Agent,
            );
            let evidence =
                observed(&format!("{subnet} ({})", table.id), evidence.for_service(self.service));
            vec![Hop::new(HopKind::TransitRoute, &table.id, Ok(Verdict::Fail(evidence, fix)))]
        };
        let hops_of = |route_match: &RouteMatch| {
            let Some(route) = route_match.route else {
                return stop(NetworkStatement::NoRouteOutOf {
                    vpc: vpc.clone(),
                    gateway: id.clone(),
                    phrase: flow.destination.phrase.clone(),
                });
            };
            if let Some(inactive) = self.inactive(table, route) {
                return vec![Hop::new(HopKind::NextHop, &route.via, inactive)];
            }
            match route.via.kind() {
                TargetKind::NatGateway(nat) => {
                    let on = Hop::new(HopKind::NextHop, &route.via, Ok(active(table, route)));
                    let nat = self.nat_gateway(
                        attachment,
                        (table, route),
                        &nat,
                        &flow.destination.part(&route_match.addresses),
                    );
                    core::iter::once(on).chain(nat).collect()
                }
                TargetKind::InternetGateway(gateway) if self.family() == Family::V4 => {
                    stop(NetworkStatement::NoNatIn {
                        vpc: vpc.clone(),
                        gateway: id.clone(),
                        internet_gateway: gateway,
                    })
                }
                // Firewalls mostly stand in such a VPC, for all the others. A gateway endpoint is for its own VPC
                // alone. Source: VPC guide, "Gateway endpoints", considerations.
                TargetKind::Endpoint(id)
                    if !matches!(self.gateway_behind(vpc, route), Ok(Some(_))) =>
                {
                    let destination = flow.destination.part(&route_match.addresses);
                    self.through_firewall(vpc, table, route, &id, &destination)
                }
                _ => self.beyond_visibility(table, route, not_visible(table, route)),
            }
        };
        let ways = route_matches.iter().map(|it| (&it.addresses, hops_of(it)));
        of_parts(flow.destination, ways.collect(), || {
            Hop::new(HopKind::NextHop, "", Err(mixed(&route_matches, flow.destination)))
        })
    }
}
