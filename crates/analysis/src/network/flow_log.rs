//! Packets that VPC Flow Logs recorded as rejected.
//!
//! A flow log sees an interface from outside of the instance. Packets that leave are rejected there by a security group
//! or by the subnet's network ACL. What the other end rejects is accepted here.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::{net::IpAddr, str::FromStr};

use ssm_doctor_facts::{
    ec2::AttachedInterface,
    flow_logs::{FlowLog, RejectedFlow, TrafficType},
    special_addresses::AddressKind,
    time::Timestamp,
};

use crate::network::flow::HTTPS;

/// The fields of a record that has no format of its own. Source: VPC user guide, "Flow log records".
const DEFAULT: [&str; 14] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
];

/// The fields that [`parse`] reads.
const NEEDED: [&str; 8] =
    ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "end", "action"];

const TCP: u8 = 6;

/// The names in a format such as `${version} ${account-id}`, in their order.
#[must_use]
pub fn fields(format: Option<&str>) -> Vec<String> {
    let Some(format) = format.filter(|format| !format.trim().is_empty()) else {
        return DEFAULT.map(Into::into).into();
    };
    let names = format.split("${").skip(1);
    names.filter_map(|name| Some(name.split_once('}')?.0.into())).collect()
}

/// A record of rejected packets, whose values stand in the order of `fields`. None for any other text.
#[must_use]
pub fn parse(record: &str, fields: &[String]) -> Option<RejectedFlow> {
    let values: Vec<&str> = record.split_whitespace().collect();
    if values.len() != fields.len() {
        return None;
    }
    let named: BTreeMap<&str, &str> = fields.iter().map(String::as_str).zip(values).collect();
    let value = |field: &str| named.get(field).copied();
    if value("action")? != "REJECT" {
        return None;
    }
    let address = |field| -> Option<IpAddr> { value(field)?.parse().ok() };
    Some(RejectedFlow {
        at: Timestamp::from_second(number(value("end")?)?)?,
        source: address("srcaddr")?,
        source_port: number(value("srcport")?)?,
        destination: address("dstaddr")?,
        destination_port: number(value("dstport")?)?,
        protocol: number(value("protocol")?)?,
        packets: number(value("packets")?)?,
    })
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// Do the records of a flow log show rejected packets, and from where to where?
#[must_use]
pub fn shows_rejected(log: &FlowLog) -> bool {
    matches!(log.traffic, TrafficType::All | TrafficType::Reject)
        && NEEDED.iter().all(|needed| log.fields.iter().any(|field| field == needed))
}

/// TCP to port 443, or from it.
#[must_use]
pub fn concerns_https(flow: &RejectedFlow) -> bool {
    flow.protocol == TCP && [flow.source_port, flow.destination_port].contains(&HTTPS)
}

/// Packets between the instance and one address that were rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// None for a public address that may be any service's.
    pub service: Option<&'static str>,
    /// The instance's address.
    pub own: IpAddr,
    /// The address of the other end.
    pub remote: IpAddr,
    /// From the service to the instance.
    pub replies: bool,
    pub packets: u64,
    pub last: Timestamp,
}

/// The packets to port 443 of services, and the replies, by address. Of packets to addresses that are not known, those
/// to public ones.
#[must_use]
pub fn rejections(
    flows: &[RejectedFlow],
    interface: &AttachedInterface,
    services: &BTreeMap<IpAddr, &'static str>,
) -> Vec<Rejection> {
    let is_own = |address: &IpAddr| match address {
        IpAddr::V4(address) => interface.private_ip == Some(*address),
        IpAddr::V6(address) => interface.ipv6.contains(address),
    };
    let mut found: BTreeMap<(bool, IpAddr), Rejection> = BTreeMap::new();
    for flow in flows.iter().filter(|flow| concerns_https(flow)) {
        let (own, remote, replies) = if flow.destination_port == HTTPS && is_own(&flow.source) {
            (flow.source, flow.destination, false)
        } else if flow.source_port == HTTPS && is_own(&flow.destination) {
            (flow.destination, flow.source, true)
        } else {
            continue;
        };
        let service = services.get(&remote).copied();
        // Whoever scans the internet may send from port 443 too.
        if service.is_none() && (replies || AddressKind::of(&remote) != AddressKind::Public) {
            continue;
        }
        let (packets, last) = (flow.packets, flow.at);
        let rejection = Rejection { service, own, remote, replies, packets, last };
        let known = found.entry((replies, remote));
        known
            .and_modify(|known| {
                known.packets = known.packets.saturating_add(packets);
                known.last = known.last.max(last);
            })
            .or_insert(rejection);
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn address(raw: &str) -> IpAddr {
        raw.parse().unwrap()
    }

    #[test]
    fn a_record_is_read_by_its_format() {
        // Source: VPC user guide, "Flow log record examples", with other values.
        let record = "2 111122223333 eni-0abc 10.0.1.9 10.0.2.5 49761 443 6 20 4249 1418530010 1418530070 REJECT OK";
        let flow = parse(record, &fields(None)).unwrap();
        assert_eq!((flow.source, flow.destination), (address("10.0.1.9"), address("10.0.2.5")));
        assert_eq!((flow.source_port, flow.destination_port, flow.packets), (49_761, 443, 20));
        assert_eq!(flow.at.as_second(), 1_418_530_070);
        let own = "${action} ${end} ${packets} ${protocol} ${dstport} ${srcport} ${dstaddr} ${srcaddr} ${tcp-flags}";
        let record = "REJECT 1418530070 20 6 443 49761 10.0.2.5 10.0.1.9 2";
        assert_eq!(parse(record, &fields(Some(own))), Some(flow));
    }

    #[test]
    fn other_text_is_no_record() {
        let good = "2 111122223333 eni-0abc 10.0.1.9 10.0.2.5 49761 443 6 20 4249 1418530010 1418530070 REJECT OK";
        let fields = fields(None);
        for text in [
            "",
            "2 111122223333 eni-0abc - - - - - - - 1431280876 1431280934 - NODATA",
            &good.replace("REJECT", "ACCEPT"),
            &good.replace("49761", "70000"),
            &good.replace("1418530070", "99999999999999999"),
            &format!("{good} more"),
            good.trim_end_matches(" OK"),
        ] {
            assert_eq!(parse(text, &fields), None, "{text}");
        }
        assert_eq!(super::fields(Some("${a},${b ${c}${")), ["a", "c"]);
    }

    #[test]
    fn packets_are_counted_by_address() {
        let interface = AttachedInterface {
            id: "eni-0abc".parse().unwrap(),
            device_index: 0,
            subnet: "subnet-0abc".parse().unwrap(),
            private_ip: Some([10, 0, 1, 9].into()),
            public_ip: None,
            ipv6: Vec::new(),
            security_groups: Vec::new(),
        };
        let flow = |from: (&str, u16), to: (&str, u16), at: i64| RejectedFlow {
            at: Timestamp::from_second(at).unwrap(),
            source: address(from.0),
            source_port: from.1,
            destination: address(to.0),
            destination_port: to.1,
            protocol: TCP,
            packets: 3,
        };
        let us = "10.0.1.9";
        let flows = [
            flow((us, 40_000), ("10.0.2.5", 443), 20),
            flow((us, 40_001), ("10.0.2.5", 443), 10),
            flow(("10.0.2.5", 443), (us, 40_000), 15),
            flow((us, 40_002), ("10.0.2.77", 443), 16),
            flow((us, 40_002), ("52.94.1.1", 443), 17),
            flow(("52.94.1.1", 443), (us, 40_002), 18),
            flow(("52.94.1.2", 50_000), (us, 443), 19),
        ];
        let services = BTreeMap::from([(address("10.0.2.5"), "ssm")]);
        let found = rejections(&flows, &interface, &services);
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.service, it.replies, it.packets, it.last.as_second()))
            .collect();
        assert_eq!(
            found,
            [(Some("ssm"), false, 6, 20), (None, false, 3, 17), (Some("ssm"), true, 3, 15)]
        );
    }
}
