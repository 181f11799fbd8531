//! Sets of addresses of one family, for rules that cover each other in part.
//!
//! Rules and routes name ranges, and what matters of a range is which part of it an earlier rule or a
//! longer prefix has already decided. Sets answer that exactly, whatever way the ranges were cut.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use range_set_blaze::{Integer, RangeSetBlaze};
use ssm_doctor_facts::special_addresses::{NOT_PUBLIC_V4, PUBLIC_V6};

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
    pub fn everything(self) -> IpNet {
        match self {
            Self::V4 => IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)),
            Self::V6 => IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0)),
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

/// Inserted, since to collect one costs a sort.
fn set<T: Integer>(range: RangeInclusive<T>) -> RangeSetBlaze<T> {
    let mut set = RangeSetBlaze::new();
    set.ranges_insert(range);
    set
}

fn range(net: &IpNet) -> RangeInclusive<u128> {
    number(net.network())..=number(net.broadcast())
}

impl Addresses {
    #[must_use]
    pub fn none(family: Family) -> Self {
        Self { family, set: RangeSetBlaze::new() }
    }

    #[must_use]
    pub fn net(net: &IpNet) -> Self {
        Self { family: Family::of(&net.addr()), set: set(range(net)) }
    }

    #[must_use]
    pub fn one(address: IpAddr) -> Self {
        Self::net(&IpNet::from(address))
    }

    /// All addresses of `family` in `nets`.
    pub fn of<'a>(family: Family, nets: impl IntoIterator<Item = &'a IpNet>) -> Self {
        let mut all = Self::none(family);
        for net in nets.into_iter().filter(|it| Family::of(&it.addr()) == family) {
            all.set.ranges_insert(range(net));
        }
        all
    }

    /// Wherever a service on the internet may be: every public address but `own`, the VPC's. IPv6 hands
    /// out `2000::/3` alone.
    #[must_use]
    pub fn public(family: Family, own: &[IpNet]) -> Self {
        let set = match family {
            Family::V4 => {
                // What lies between; the last one has the last address of all.
                let (mut between, mut next) = (RangeSetBlaze::new(), 0);
                for (start, length, _) in NOT_PUBLIC_V4 {
                    let start = u128::from(u32::from(start));
                    if next < start {
                        between.ranges_insert(next..start);
                    }
                    next = start + (1 << (32 - length));
                }
                between
            }
            Family::V6 => {
                let (start, length) = PUBLIC_V6;
                set(start..=(start + ((1 << (128 - u32::from(length))) - 1)))
            }
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

    /// How many they are; of all IPv6 addresses one fewer.
    #[must_use]
    pub fn count(&self) -> u128 {
        let sizes = self.set.ranges().map(|range| (range.end() - range.start()).saturating_add(1));
        sizes.fold(0, u128::saturating_add)
    }

    /// Is the other, which is not empty, the same, or all of it in one range of this one? To merge two sets
    /// is costly, and as a rule one has the whole of the other, or they have nothing in common.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        let Some((first, last)) = other.set.first().zip(other.set.last()) else { return false };
        let in_one = || self.set.range_at(first).is_some_and(|it| it.contains(&last));
        self.family == other.family && (self.set == other.set || in_one())
    }

    /// Have they an address in common?
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let fewer = self.set.ranges_len() < other.set.ranges_len();
        let (few, many) = if fewer { (self, other) } else { (other, self) };
        self.family == other.family
            && few.set.ranges().any(|it| {
                let (around, inside) = many.set.range_or_gap_at(*it.start());
                inside || around.end() < it.end()
            })
    }

    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        if other.holds(self) {
            return self.clone();
        }
        if self.holds(other) {
            return other.clone();
        }
        if !self.meets(other) {
            return Self::none(self.family);
        }
        Self { family: self.family, set: &self.set & &other.set }
    }

    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        if other.holds(self) {
            return Self::none(self.family);
        }
        if !self.meets(other) {
            return self.clone();
        }
        Self { family: self.family, set: &self.set - &other.set }
    }

    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        if self.family != other.family || self.holds(other) {
            return self.clone();
        }
        if self.is_empty() || other.holds(self) {
            return other.clone();
        }
        Self { family: self.family, set: &self.set | &other.set }
    }

    /// All addresses of sets of `family`.
    pub fn union<'a>(family: Family, sets: impl IntoIterator<Item = &'a Self>) -> Self {
        sets.into_iter().fold(Self::none(family), |all, set| all.or(set))
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

#[must_use]
pub fn ports(range: RangeInclusive<u16>) -> Ports {
    set(range)
}

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
            ("192.0.1.0", true),
            ("192.0.2.1", false),
            ("192.0.3.0", true),
            ("198.17.255.255", true),
            ("198.19.255.255", false),
            ("198.20.0.0", true),
            ("198.51.100.7", false),
            ("203.0.113.255", false),
            ("203.0.114.0", true),
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
    fn sets_of_neighbours_are_exact() {
        let some = |bits: u8| {
            let nets = (0..5).filter(|it| bits >> it & 1 == 1);
            let nets: Vec<_> = nets.map(|it| net(&format!("10.0.0.{it}/32"))).collect();
            Addresses::of(Family::V4, &nets)
        };
        for (a, b) in (0..32).flat_map(|a| (0..32).map(move |b| (a, b))) {
            let (one, other) = (some(a), some(b));
            assert_eq!(one.and(&other), some(a & b), "{a:b} {b:b}");
            assert_eq!(one.without(&other), some(a & !b), "{a:b} {b:b}");
            assert_eq!(one.or(&other), some(a | b), "{a:b} {b:b}");
            assert_eq!(one.meets(&other), a & b != 0, "{a:b} {b:b}");
        }
    }

    #[test]
    fn families_do_not_mix() {
        let (four, six) = (Addresses::net(&net("0.0.0.0/0")), Addresses::net(&net("::/0")));
        assert!(four.and(&six).is_empty() && !four.meets(&six) && !four.holds(&six));
        assert_eq!(four.without(&six), four);
        assert_eq!(four.or(&six), four);
        assert_eq!(
            Addresses::of(Family::V4, &[net("::/0"), net("10.0.0.0/31")]).shown(),
            "10.0.0.0 to 10.0.0.1"
        );
    }
}
