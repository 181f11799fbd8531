//! Sets of addresses of one family, for rules that cover each other in part.
//!
//! Rules and routes name ranges, and what matters of a range is which part of it an earlier rule or a
//! longer prefix has already decided. Sets answer that exactly, whatever way the ranges were cut.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use range_set_blaze::RangeSetBlaze;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    #[must_use]
    pub fn of(address: &IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// For sentences: `IPv4`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// Every address: `0.0.0.0/0` or `::/0`.
    #[must_use]
    pub fn everything(self) -> &'static str {
        match self {
            Self::V4 => "0.0.0.0/0",
            Self::V6 => "::/0",
        }
    }
}

/// Addresses of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    family: Family,
    set: RangeSetBlaze<u128>,
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(it) => u128::from(u32::from(it)),
        IpAddr::V6(it) => u128::from(it),
    }
}

/// Ranges in which no service of AWS's has public addresses. Source: the IANA special-purpose address
/// registries.
const NOT_PUBLIC: [(u32, u8); 8] = [
    (0x0000_0000, 8),  // this network
    (0x0a00_0000, 8),  // 10.0.0.0, private
    (0x6440_0000, 10), // 100.64.0.0, shared
    (0x7f00_0000, 8),  // loopback
    (0xa9fe_0000, 16), // 169.254.0.0, link-local
    (0xac10_0000, 12), // 172.16.0.0, private
    (0xc0a8_0000, 16), // 192.168.0.0, private
    (0xe000_0000, 3),  // multicast and reserved
];

impl Addresses {
    #[must_use]
    pub fn none(family: Family) -> Self {
        Self { family, set: RangeSetBlaze::new() }
    }

    #[must_use]
    pub fn net(net: &IpNet) -> Self {
        let range = number(net.network())..=number(net.broadcast());
        Self { family: Family::of(&net.addr()), set: RangeSetBlaze::from_iter([range]) }
    }

    #[must_use]
    pub fn one(address: IpAddr) -> Self {
        Self::net(&IpNet::from(address))
    }

    /// All addresses of `family` in `nets`.
    pub fn of<'a>(family: Family, nets: impl IntoIterator<Item = &'a IpNet>) -> Self {
        nets.into_iter().map(Self::net).filter(|it| it.family == family).fold(
            Self::none(family),
            |mut all, net| {
                all.set |= net.set;
                all
            },
        )
    }

    /// Wherever a service on the internet may be: every public address but `own`, the VPC's. IPv6 hands
    /// out `2000::/3` alone.
    #[must_use]
    pub fn public(family: Family, own: &[IpNet]) -> Self {
        let set = match family {
            Family::V4 => {
                let private = NOT_PUBLIC.iter().map(|(start, length)| {
                    let last = u64::from(*start) + (1_u64 << (32 - length)) - 1;
                    u128::from(*start)..=u128::from(last)
                });
                let private: RangeSetBlaze<u128> = private.collect();
                RangeSetBlaze::from_iter([0..=u128::from(u32::MAX)]) - private
            }
            Family::V6 => RangeSetBlaze::from_iter([(1 << 125)..=((1 << 126) - 1)]),
        };
        Self { family, set }.without(&Self::of(family, own))
    }

    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        if self.family != other.family {
            return Self::none(self.family);
        }
        Self { family: self.family, set: &self.set & &other.set }
    }

    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        if self.family != other.family {
            return self.clone();
        }
        Self { family: self.family, set: &self.set - &other.set }
    }

    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        if self.family != other.family {
            return self.clone();
        }
        Self { family: self.family, set: &self.set | &other.set }
    }

    /// For sentences: a few ranges, and how many more.
    #[must_use]
    pub fn shown(&self) -> String {
        const MOST: usize = 3;
        let address = |it: u128| match self.family {
            Family::V4 => IpAddr::V4(Ipv4Addr::from(u32::try_from(it).unwrap_or(u32::MAX))),
            Family::V6 => IpAddr::V6(Ipv6Addr::from(it)),
        };
        let mut ranges: Vec<String> = self
            .set
            .ranges()
            .take(MOST)
            .map(|range| {
                let (first, last) = range.into_inner();
                if first == last {
                    address(first).to_string()
                } else {
                    format!("{} to {}", address(first), address(last))
                }
            })
            .collect();
        let more = self.set.ranges_len().saturating_sub(MOST);
        if more > 0 {
            ranges.push(format!("{more} more ranges"));
        }
        ranges.join(", ")
    }
}

/// Ports, of TCP or UDP.
pub type Ports = RangeSetBlaze<u16>;

/// `443`, `1024-65535`, or several of these.
#[must_use]
pub fn shown_ports(ports: &Ports) -> String {
    let ranges = ports.ranges().map(|range| {
        let (first, last) = range.into_inner();
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    });
    ranges.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(raw: &str) -> IpNet {
        raw.parse().unwrap()
    }

    #[test]
    fn public_addresses_are_what_private_ranges_leave() {
        let public = Addresses::public(Family::V4, &[net("52.1.0.0/16")]);
        for (raw, is_public) in [
            ("8.8.8.8", true),
            ("52.0.255.255", true),
            ("52.1.0.1", false),
            ("10.0.0.1", false),
            ("11.0.0.0", true),
            ("172.15.255.255", true),
            ("172.16.0.0", false),
            ("172.32.0.0", true),
            ("100.64.0.1", false),
            ("192.168.255.255", false),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
        ] {
            let one = Addresses::one(raw.parse().unwrap());
            assert_eq!(!public.and(&one).is_empty(), is_public, "{raw}");
        }
        let public = Addresses::public(Family::V6, &[net("2600:1f00::/56")]);
        assert!(!public.and(&Addresses::one("2600:9000::1".parse().unwrap())).is_empty());
        assert!(public.and(&Addresses::net(&net("fd00::/8"))).is_empty());
        assert!(public.and(&Addresses::one("2600:1f00::5".parse().unwrap())).is_empty());
        assert!(public.without(&Addresses::net(&net("::/0"))).is_empty());
    }

    #[test]
    fn families_do_not_mix() {
        let (four, six) = (Addresses::net(&net("0.0.0.0/0")), Addresses::net(&net("::/0")));
        assert!(four.and(&six).is_empty());
        assert_eq!(four.without(&six), four);
        assert_eq!(four.or(&six), four);
        assert_eq!(
            Addresses::of(Family::V4, &[net("::/0"), net("10.0.0.0/31")]).shown(),
            "10.0.0.0 to 10.0.0.1"
        );
    }
}
