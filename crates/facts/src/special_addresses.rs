//! Which addresses the internet carries, and what the others are for.
//!
//! Source: the IANA special-purpose address registries (RFC 6890), and the IANA IPv6 unicast
//! assignments, of which `2000::/3` alone is handed out.

use core::net::{IpAddr, Ipv4Addr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// The internet carries it.
    Public,
    /// For networks of one's own: RFC 1918, and `fc00::/7`.
    Private,
    /// `100.64.0.0/10`, which lies between a provider and its customers.
    Shared,
    LinkLocal,
    Loopback,
    /// Of no machine on the internet, or of many: this network, protocol assignments, documentation,
    /// benchmarks, multicast, reserved.
    Other,
}

/// The IPv4 ranges in which no service of AWS has public addresses, in order: the first address and the
/// length of the prefix.
pub const NOT_PUBLIC_V4: [(Ipv4Addr, u8, AddressKind); 14] = [
    (Ipv4Addr::UNSPECIFIED, 8, AddressKind::Other),
    (Ipv4Addr::new(10, 0, 0, 0), 8, AddressKind::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, AddressKind::Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, AddressKind::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, AddressKind::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, AddressKind::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, AddressKind::Other),
    (Ipv4Addr::new(192, 0, 2, 0), 24, AddressKind::Other),
    (Ipv4Addr::new(192, 88, 99, 0), 24, AddressKind::Other),
    (Ipv4Addr::new(192, 168, 0, 0), 16, AddressKind::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, AddressKind::Other),
    (Ipv4Addr::new(198, 51, 100, 0), 24, AddressKind::Other),
    (Ipv4Addr::new(203, 0, 113, 0), 24, AddressKind::Other),
    (Ipv4Addr::new(224, 0, 0, 0), 3, AddressKind::Other),
];

/// The first address and the length of the prefix of all public IPv6 addresses: `2000::/3`.
pub const PUBLIC_V6: (u128, u8) = (1 << 125, 3);

impl AddressKind {
    #[must_use]
    pub fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => NOT_PUBLIC_V4
                .iter()
                .find(|(start, length, _)| {
                    let beyond = 32 - u32::from(*length);
                    u32::from(*start) >> beyond == u32::from(*address) >> beyond
                })
                .map_or(Self::Public, |(_, _, kind)| *kind),
            IpAddr::V6(address) => {
                let (start, length) = PUBLIC_V6;
                let beyond = 128 - u32::from(length);
                if u128::from(*address) >> beyond == start >> beyond {
                    Self::Public
                } else if address.is_unique_local() {
                    Self::Private
                } else if address.is_unicast_link_local() {
                    Self::LinkLocal
                } else if address.is_loopback() {
                    Self::Loopback
                } else {
                    Self::Other
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_addresses() {
        let rows = [
            ("0.0.0.0", AddressKind::Other),
            ("10.255.255.255", AddressKind::Private),
            ("11.0.0.0", AddressKind::Public),
            ("100.63.255.255", AddressKind::Public),
            ("100.64.0.0", AddressKind::Shared),
            ("100.127.255.255", AddressKind::Shared),
            ("100.128.0.0", AddressKind::Public),
            ("127.0.0.1", AddressKind::Loopback),
            ("169.254.169.254", AddressKind::LinkLocal),
            ("172.31.0.1", AddressKind::Private),
            ("172.32.0.1", AddressKind::Public),
            ("192.0.2.1", AddressKind::Other),
            ("192.168.1.1", AddressKind::Private),
            ("198.19.0.1", AddressKind::Other),
            ("198.51.101.0", AddressKind::Public),
            ("203.0.113.9", AddressKind::Other),
            ("223.255.255.255", AddressKind::Public),
            ("224.0.0.1", AddressKind::Other),
            ("255.255.255.255", AddressKind::Other),
            ("2600:1f14::1", AddressKind::Public),
            ("fd00::4", AddressKind::Private),
            ("fe80::1", AddressKind::LinkLocal),
            ("::1", AddressKind::Loopback),
            ("::", AddressKind::Other),
            ("ff02::1", AddressKind::Other),
        ];
        for (address, kind) in rows {
            assert_eq!(AddressKind::of(&address.parse().unwrap()), kind, "{address}");
        }
    }
}
