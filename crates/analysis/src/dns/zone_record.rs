//! What the records of a private hosted zone say of a name.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::net::IpAddr;

use crate::dns::{
    endpoint_name::{endpoint_id, is_endpoint_name},
    query::{Query, stands_at},
};
use ssm_doctor_facts::{
    domain_name::is_within,
    ec2::Endpoint,
    limit::{HostedZoneLimit, RecordFault},
    lookup::Unknown,
    route53::{HostedZone, RecordType, ZoneRecord},
};

/// What a name resolves to by a zone's records.
#[derive(PartialEq)]
pub(super) enum Found<'a> {
    /// An endpoint of the VPC; which of its addresses, where records by address say so.
    Endpoint(&'a Endpoint, Vec<IpAddr>),
    Addresses(Vec<IpAddr>),
    /// Addresses of nothing.
    Vacant(Vec<IpAddr>),
    /// A name outside the zone.
    Name(String),
    Nothing,
}

/// A name that a record of a zone points to.
pub(super) struct Link {
    pub name: String,
    /// By CNAME records all the way. Of an alias record, which Route 53 follows by itself, AWS's reference
    /// does not say that it is a redirection (API reference, `FirewallRule`).
    pub redirected: bool,
}

/// A zone with its records.
#[derive(Clone, Copy)]
pub(super) struct Records<'r> {
    pub zone: &'r HostedZone,
    pub records: &'r [ZoneRecord],
}

impl Records<'_> {
    fn fault(&self, fault: RecordFault) -> Unknown {
        Unknown::limit(HostedZoneLimit::Records {
            zone: self.zone.id.clone(),
            zone_name: self.zone.name.clone(),
            fault,
        })
    }
}

impl<'a> Query<'a, '_> {
    /// What the zone says of `name`, following it as long as it stays in the zone.
    pub(super) fn look_up(&self, records: Records, name: &str) -> Result<Found<'a>, Unknown> {
        self.look_up_at(records, name, 0)
    }

    fn look_up_at(&self, zone: Records, name: &str, depth: u8) -> Result<Found<'a>, Unknown> {
        const DEEPEST: u8 = 8;
        if depth > DEEPEST {
            return Err(zone.fault(RecordFault::Loop { host: self.host.clone() }));
        }
        let delegation = zone.records.iter().find(|record| {
            record.kind == RecordType::Ns
                && record.name != zone.zone.name
                && is_within(name, &record.name)
        });
        if let Some(delegation) = delegation {
            return Err(zone.fault(RecordFault::Delegated { name: delegation.name.clone() }));
        }
        let mut all = None;
        for record in records_for(zone.records, name, &zone.zone.name) {
            let found = match (&record.kind, &record.alias) {
                (RecordType::A | RecordType::Aaaa, None) => {
                    let addresses = record.values.iter().map(|value| {
                        value.parse().map_err(|_| {
                            let (value, name) = (value.clone(), name.into());
                            zone.fault(RecordFault::Address { value, name })
                        })
                    });
                    self.owner_of(addresses.collect::<Result<Vec<IpAddr>, _>>()?)?
                }
                (RecordType::A | RecordType::Aaaa | RecordType::Cname, Some(target)) => {
                    self.follow(zone, target, depth)?
                }
                (RecordType::Cname, None) => match record.values.first() {
                    Some(target) => self.follow(zone, target, depth)?,
                    None => continue,
                },
                (RecordType::Ns | RecordType::Other(_), _) => continue,
            };
            all = Some(match (all, found) {
                (None, found) => found,
                (Some(so_far), found) if so_far == found => found,
                (Some(Found::Addresses(so_far)), Found::Addresses(more)) => {
                    Found::Addresses(union(so_far, more))
                }
                (Some(Found::Endpoint(one, so_far)), Found::Endpoint(other, more))
                    if one == other =>
                {
                    // By its own name it is reached at every address.
                    let by_name = so_far.is_empty() || more.is_empty();
                    let addresses = if by_name { Vec::new() } else { union(so_far, more) };
                    Found::Endpoint(one, addresses)
                }
                _ => return Err(zone.fault(RecordFault::SeveralTargets { name: name.into() })),
            });
        }
        Ok(all.unwrap_or(Found::Nothing))
    }

    fn follow(&self, zone: Records, target: &str, depth: u8) -> Result<Found<'a>, Unknown> {
        if is_endpoint_name(target) {
            let named = endpoint_id(target);
            let mut endpoints = self.facts.endpoints(self.vpc).required()?.iter();
            let own = endpoints.find(|endpoint| named == Some(endpoint.id.as_str()));
            return Ok(own.map_or_else(
                || Found::Name(target.into()),
                |endpoint| Found::Endpoint(endpoint, Vec::new()),
            ));
        }
        if is_within(target, &zone.zone.name) {
            return self.look_up_at(zone, target, depth + 1);
        }
        Ok(Found::Name(target.into()))
    }

    /// The endpoint of this VPC whose interfaces have all of these addresses, or just the addresses.
    /// Records by address outlive the endpoint that was there: a new one has other addresses.
    fn owner_of(&self, addresses: Vec<IpAddr>) -> Result<Found<'a>, Unknown> {
        for endpoint in self.facts.endpoints(self.vpc).required()? {
            let own = self.addresses_of_endpoint(endpoint)?;
            if !own.is_empty() && addresses.iter().all(|address| own.contains(address)) {
                return Ok(Found::Endpoint(endpoint, addresses));
            }
        }
        let cidrs = &self.facts.vpc(self.vpc).required()?.cidrs;
        let occupied: Vec<_> = addresses
            .iter()
            .map(|address| stands_at(self.facts, self.vpc, cidrs, *address))
            .collect();
        // All at once: where some are vacant, each counts.
        let unseen = occupied.iter().filter_map(|row| row.clone().err()).reduce(Unknown::and);
        if let Some(unknown) = unseen.filter(Unknown::is_unasked) {
            return Err(unknown);
        }
        for occupied in occupied {
            if occupied? {
                return Ok(Found::Addresses(addresses));
            }
        }
        Ok(Found::Vacant(addresses))
    }
}

fn union(mut one: Vec<IpAddr>, other: Vec<IpAddr>) -> Vec<IpAddr> {
    one.extend(other);
    one.sort_unstable();
    one.dedup();
    one
}

/// The names that the records of a zone lead `host` on to when its IPv4 address is asked for, as far as the
/// zone says.
pub(super) fn chain_of(zone: Records, host: &str) -> Vec<Link> {
    let mut chain = vec![Link { name: host.into(), redirected: true }];
    let mut next = 0;
    while let Some(Link { name, redirected }) = chain.get(next) {
        // An endpoint's own name is answered outside, whatever the zone's wildcards say.
        let in_zone = !is_endpoint_name(name);
        let records = records_for(zone.records, name, &zone.zone.name).filter(|_| in_zone);
        let on = records.filter_map(|record| {
            match (&record.kind, &record.alias, record.values.first()) {
                (RecordType::A | RecordType::Cname, Some(target), _) => Some((target, false)),
                (RecordType::Cname, None, Some(target)) => Some((target, *redirected)),
                _ => None,
            }
        });
        for (target, redirected) in on.collect::<Vec<_>>() {
            if chain.iter().all(|link| link.name != *target) {
                chain.push(Link { name: target.clone(), redirected });
            }
        }
        next += 1;
    }
    chain.split_off(1)
}

/// The records that answer for `name`: its own, else those of the nearest wildcard above it. A name
/// that exists hides the wildcards above it (RFC 4592).
fn records_for<'r>(
    records: &'r [ZoneRecord],
    name: &str,
    zone: &str,
) -> impl Iterator<Item = &'r ZoneRecord> {
    let exists = |name: &str| records.iter().any(|record| record.name == name);
    let mut wanted = name.to_string();
    let mut below = name;
    while !exists(&wanted) && below != zone {
        let Some((_, parent)) = below.split_once('.') else { break };
        if exists(parent) && parent != zone {
            break;
        }
        wanted = format!("*.{parent}");
        below = parent;
    }
    records.iter().filter(move |record| record.name == wanted)
}
