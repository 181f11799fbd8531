//! Protocols and ports, as rules of security groups and network ACLs name them.

use core::{fmt, ops::RangeInclusive};

use ssm_doctor_facts::{change::Protocol, ec2::*};

use crate::network::flow::HTTPS;

/// The ports of `protocol` that `traffic` names, if any; None for a rule whose ports cannot be read.
pub(super) fn ports_named(protocol: Protocol, traffic: &Traffic) -> Option<RangeInclusive<u16>> {
    let number = if protocol == Protocol::Tcp { "6" } else { "17" };
    match traffic {
        Traffic::All => Some(ALL_PORTS),
        Traffic::Tcp(low, high) if protocol == Protocol::Tcp => Some(*low..=*high),
        Traffic::Udp(low, high) if protocol == Protocol::Udp => Some(*low..=*high),
        Traffic::Other(raw) if raw.eq_ignore_ascii_case(protocol.as_str()) || raw == number => None,
        Traffic::Tcp(..) | Traffic::Udp(..) | Traffic::Other(_) => Some(NO_PORTS),
    }
}

pub(super) const ALL_PORTS: RangeInclusive<u16> = 0..=u16::MAX;

#[expect(clippy::reversed_empty_ranges, reason = "it is to be empty")]
const NO_PORTS: RangeInclusive<u16> = 1..=0;

/// Where a connection goes: `tcp/443`.
#[derive(Clone, Copy)]
pub(super) struct Port {
    pub protocol: Protocol,
    pub number: u16,
}

/// What every service listens on.
pub(super) const SERVICE: Port = Port { protocol: Protocol::Tcp, number: HTTPS };

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.protocol.as_str(), self.number)
    }
}
