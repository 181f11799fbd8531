//! Addresses whose pseudonyms keep prefixes: two addresses have as many leading bits in common as before.
//!
//! The method is that of Crypto-PAn (Xu, Fan, Ammar, Moon: "Prefix-preserving IP address anonymization", 2002):
//! a keyed function of the bits before a bit says whether that bit is flipped. Any such function keeps
//! prefixes, so the function can also keep what addresses mean. It flips no bit
//!
//! * that decides whether an address is in a special range, so a private address stays in its private range
//!   and a public one stays public;
//! * of an address that the program knows by itself, such as that of a public DNS server;
//! * within ranges whose addresses have a fixed meaning, such as `169.254.0.0/16`;
//! * on the way from a network to its first address, nor among the first 16 addresses of a network. The VPC's
//!   resolver stays the network's address plus two, and a network without host bits has none afterwards.

use alloc::{collections::BTreeMap, vec::Vec};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::{secret::Secret, word::VOCABULARY};
use ssm_doctor_facts::special_addresses::{AddressKind, NOT_PUBLIC_V4, PUBLIC_V6};

/// The first addresses of a network, by the number of their bits: AWS gives them a meaning.
const RESERVED: u8 = 4;

pub(crate) struct Addresses {
    secret: Secret,
    /// The shortest prefix of the networks that begin with an address.
    networks: BTreeMap<Bits, u8>,
    /// Addresses that stay.
    known: Vec<Bits>,
}

/// An address from its first bit, and how many bits its kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bits {
    width: u8,
    bits: u128,
}

/// A special range: its first address, the length of its prefix, and whether the rest of an address is
/// replaced.
type Range = (u128, u8, bool);

/// Where the metadata service and the resolver answer. Source: EC2 User Guide, "Access instance metadata";
/// VPC User Guide, "Amazon DNS server".
const OF_AWS: (u128, u8) = (0xfd00_0ec2 << 96, 32);
/// What DNS64 makes of an IPv4 address (RFC 6052); the last 32 bits are that address.
const NAT64: (u128, u8) = (0x0064_ff9b << 96, 96);
/// An IPv4 address in the form of IPv6 (RFC 4291).
const MAPPED: (u128, u8) = (0xffff << 32, 96);
const UNIQUE_LOCAL: (u128, u8) = (0xfc << 120, 7);

impl Bits {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self { width: 32, bits: u128::from(u32::from(address)) },
            IpAddr::V6(address) => Self { width: 128, bits: address.into() },
        }
    }

    fn address(self) -> IpAddr {
        match u32::try_from(self.bits) {
            Ok(bits) if self.width == 32 => IpAddr::V4(Ipv4Addr::from(bits)),
            _ => IpAddr::V6(Ipv6Addr::from(self.bits)),
        }
    }

    /// The first `length` bits, followed by zeros.
    fn prefix(self, length: u8) -> Self {
        let beyond = u32::from(self.width.saturating_sub(length));
        let bits = self.bits.checked_shr(beyond).and_then(|bits| bits.checked_shl(beyond));
        Self { bits: bits.unwrap_or(0), ..self }
    }

    /// The bit after so many bits.
    fn mask(self, before: u8) -> u128 {
        1_u128 << u32::from(self.width.saturating_sub(before).saturating_sub(1))
    }
}

impl Addresses {
    pub(crate) fn new(secret: Secret) -> Self {
        let known = VOCABULARY.lines().filter_map(|line| line.parse().ok()).map(Bits::of);
        Self { secret, networks: BTreeMap::new(), known: known.collect() }
    }

    pub(crate) fn learn(&mut self, network: IpNet) {
        let shortest =
            self.networks.entry(Bits::of(network.network())).or_insert(network.prefix_len());
        *shortest = network.prefix_len().min(*shortest);
    }

    /// The pseudonym of an address; of a network, only the bits of its prefix are replaced.
    pub(crate) fn replace(&self, address: IpAddr, prefix: Option<u8>) -> IpAddr {
        let from = Bits::of(address);
        let holds_v4 = [NAT64, MAPPED]
            .into_iter()
            .find(|(start, length)| from.width == 128 && from.prefix(*length).bits == *start);
        if let Some((start, length)) = holds_v4
            && let Ok(inner) = u32::try_from(from.bits & u128::from(u32::MAX))
        {
            let prefix = prefix.map(|prefix| prefix.saturating_sub(length));
            let inner = self.replace(IpAddr::V4(inner.into()), prefix);
            return IpAddr::V6(Ipv6Addr::from(start | Bits::of(inner).bits));
        }
        let mut flips = 0;
        let mut random = [0; 32];
        for before in 0..prefix.unwrap_or(from.width).min(from.width) {
            // One hash has a bit for each beginning of the next eight bits.
            if before % 8 == 0 {
                let seed = from.prefix(before).bits.to_be_bytes();
                random = self.secret.bytes(
                    if from.width == 32 { "v4" } else { "v6" },
                    &[&seed[..], &[before]].concat(),
                );
            }
            if !self.keeps(from, before) && is_set(&random, from, before) {
                flips |= from.mask(before);
            }
        }
        Bits { bits: from.bits ^ flips, ..from }.address()
    }

    /// Does the bit after the first `before` bits stay? The answer depends on these bits only.
    fn keeps(&self, from: Bits, before: u8) -> bool {
        let prefix = from.prefix(before);
        let decides = |(start, length, is_replaced): Range| {
            let start = Bits { bits: start, ..from };
            if before < length {
                start.prefix(before) == prefix
            } else {
                !is_replaced && prefix.prefix(length) == start
            }
        };
        let begins =
            |prefix: Bits| self.networks.get(&prefix).is_some_and(|shortest| *shortest <= before);
        let reserved = from.width - RESERVED;
        let is_known = |known: &Bits| known.width == from.width && known.prefix(before) == prefix;
        ranges(from.width).any(decides)
            || self.known.iter().any(is_known)
            || begins(prefix)
            || before >= reserved && begins(prefix.prefix(reserved))
    }
}

/// The special ranges of addresses of so many bits.
fn ranges(width: u8) -> impl Iterator<Item = Range> {
    let v4 = NOT_PUBLIC_V4.iter().filter(move |_| width == 32).map(|(start, length, kind)| {
        let is_replaced = match kind {
            AddressKind::Private | AddressKind::Shared => true,
            // Ranges for documentation are used in examples, which may be somebody's.
            AddressKind::Other => *length == 24,
            AddressKind::Public | AddressKind::LinkLocal | AddressKind::Loopback => false,
        };
        (u128::from(u32::from(*start)), *length, is_replaced)
    });
    let (public, length) = PUBLIC_V6;
    let v6 = [
        (public, length, true),
        (UNIQUE_LOCAL.0, UNIQUE_LOCAL.1, true),
        (OF_AWS.0, OF_AWS.1, false),
        // What is neither public nor unique local: loopback, link-local, multicast.
        (0, 3, false),
        (0x40 << 120, 3, false),
        (0x60 << 120, 3, false),
        (0x80 << 120, 3, false),
        (0xa0 << 120, 3, false),
        (0xc0 << 120, 3, false),
        (0xe0 << 120, 4, false),
        (0xf0 << 120, 5, false),
        (0xf8 << 120, 6, false),
        (0xfe << 120, 7, false),
    ];
    v4.chain(v6.into_iter().filter(move |_| width == 128))
}

/// The random bit of a beginning of the current eight bits: `before % 8` of them.
fn is_set(random: &[u8; 32], from: Bits, before: u8) -> bool {
    let known = before % 8;
    let shift = u32::from(from.width - before);
    let beginning = from.bits.checked_shr(shift).unwrap_or(0) & ((1 << known) - 1);
    // The node of a binary tree: 1 for no bit, then 2 and 3, then 4 to 7.
    let node = usize::try_from((1 << known) | beginning).unwrap_or_default();
    random.get(node / 8).is_some_and(|byte| byte >> (node % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn addresses(networks: &[&str]) -> Addresses {
        let mut addresses = Addresses::new(Secret::of("test"));
        for network in networks {
            addresses.learn(network.parse().unwrap());
        }
        addresses
    }

    fn common(a: IpAddr, b: IpAddr) -> u32 {
        let (a, b) = (Bits::of(a), Bits::of(b));
        (a.bits ^ b.bits).leading_zeros() - (128 - u32::from(a.width))
    }

    #[test]
    fn prefixes_and_kinds_are_kept() {
        let addresses = addresses(&["10.0.0.0/16", "10.0.7.0/24", "2600:1f14:1::/56"]);
        let rows = [
            "10.0.0.2",
            "10.0.7.23",
            "10.0.7.24",
            "10.9.1.1",
            "172.16.5.4",
            "172.31.255.1",
            "192.168.3.4",
            "8.9.8.8",
            "52.1.2.3",
            "52.1.2.200",
            "52.95.0.1",
            "100.64.1.1",
            "100.128.1.1",
            "203.0.113.9",
            "223.255.255.1",
            "2600:1f14:1::5",
            "2600:1f14:1:ff::5",
            "fd12::1",
            "fd00:ec3::1",
            "64:ff9b::808:808",
        ];
        let rows: Vec<IpAddr> = rows.iter().map(|raw| raw.parse().unwrap()).collect();
        for a in &rows {
            let replaced = addresses.replace(*a, None);
            assert_eq!(AddressKind::of(a), AddressKind::of(&replaced), "{a}: {replaced}");
            for b in rows.iter().filter(|b| b.is_ipv4() == a.is_ipv4()) {
                let other = addresses.replace(*b, None);
                assert_eq!(common(*a, *b), common(replaced, other), "{a} {b}: {replaced} {other}");
            }
        }
        let mapped = addresses.replace("::ffff:8.9.8.8".parse().unwrap(), None);
        let inner = addresses.replace("8.9.8.8".parse().unwrap(), None);
        assert_eq!(mapped.to_string(), alloc::format!("::ffff:{inner}"));
        let changed = rows.iter().filter(|a| addresses.replace(**a, None) != **a).count();
        assert!(changed >= rows.len() - 1, "{changed}");
    }

    #[test]
    fn what_has_a_fixed_meaning_stays() {
        let addresses = addresses(&["0.0.0.0/0", "::/0"]);
        for raw in [
            "169.254.169.254",
            "169.254.169.253",
            "127.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.251",
            "8.8.8.8",
            "fd00:ec2::253",
            "fd00:ec2::254",
            "::1",
            "::",
            "fe80::1",
            "ff02::1",
        ] {
            let address: IpAddr = raw.parse().unwrap();
            assert_eq!(addresses.replace(address, None), address);
        }
    }

    #[test]
    fn the_first_addresses_of_a_network_keep_their_distance() {
        let addresses = addresses(&["10.20.0.0/16", "10.20.48.0/20", "2600:1f14:77:ab00::/56"]);
        for (network, prefix) in
            [("10.20.0.0", 16), ("10.20.48.0", 20), ("2600:1f14:77:ab00::", 56)]
        {
            let network: IpAddr = network.parse().unwrap();
            let base = Bits::of(addresses.replace(network, Some(prefix)));
            assert_eq!(base, base.prefix(prefix));
            for distance in 0..16 {
                let from = Bits::of(network);
                let from = Bits { bits: from.bits + distance, ..from }.address();
                assert_eq!(Bits::of(addresses.replace(from, None)).bits, base.bits + distance);
            }
        }
    }
}
