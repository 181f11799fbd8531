//! Which of the public addresses may be a service's.
//!
//! AWS moves its services among many ranges, so no rule about a public address is judged for one address:
//! it is judged for any that the service may have. Two kinds of rule are for so few of them that they must
//! not make the whole path unknown.
//!
//! - A rule for less than a /24 (IPv6: a /48) is for single hosts. Networks on the internet accept no
//!   longer prefix, so AWS announces no service in less, and moves its addresses within what it announces.
//!   Whatever such a rule passes, a service is not in there. Source: RFC 7454, section 6.1.3.
//! - What passes all but a /16 (IPv6: a /32), one address in 50,000, passes the service. Somebody routed a
//!   partner's network elsewhere, or denied it. This is never the reason to say that a path is blocked.
//!
//! Everything between stays unknown.

use alloc::vec::Vec;

use crate::network::{
    address_set::{Addresses, Family},
    flow::Remote,
    hop::{Hop, Reachable, all_agree, reachable},
};

/// Addresses that no service is in, if a rule is for no more of them.
fn of_single_hosts(family: Family) -> u128 {
    match family {
        Family::V4 => (1 << (32 - 24)) - 1,
        Family::V6 => (1 << (128 - 48)) - 1,
    }
}

/// Addresses that a service is not likely to be in, if a rule makes an exception for no more of them.
fn of_exceptions(family: Family) -> u128 {
    match family {
        Family::V4 => 1 << (32 - 16),
        Family::V6 => 1 << (128 - 32),
    }
}

/// Exceptions are at most one address in so many.
const SHARE: u128 = 1 << 12;

impl Remote {
    /// Is it certain enough that the other end has none of these addresses?
    pub(super) fn is_not_in(&self, part: &Addresses) -> bool {
        part.is_empty() || self.is_any_public && part.count() <= of_single_hosts(self.family())
    }

    /// Are these so few of its possible addresses that, with all others passing, it passes?
    pub(super) fn is_exception(&self, part: &Addresses) -> bool {
        let few = |count| {
            count <= of_exceptions(self.family()) && count <= self.addresses.count() / SHARE
        };
        part.is_empty() || self.is_any_public && few(part.count())
    }
}

/// The paths of parts of the addresses that `destination` may have. Where only parts that do not matter are
/// treated differently, the others decide; else the result is unknown, and `mixed` is the hop that says so.
pub(super) fn of_parts(
    destination: &Remote,
    ways: Vec<(&Addresses, Vec<Hop>)>,
    mixed: impl Fn() -> Hop,
) -> Vec<Hop> {
    let ways = ways.into_iter().map(|(addresses, hops)| (addresses, reachable(&hops, false), hops));
    let mut ways: Vec<(&Addresses, Reachable, Vec<Hop>)> = ways.collect();
    // The parts with another outcome; None if no part has this one.
    let all_but = |outcome: Reachable| {
        let others: Vec<_> = ways.iter().filter(|way| way.1 != outcome).map(|way| way.0).collect();
        (others.len() < ways.len()).then(|| Addresses::union(destination.family(), others))
    };
    let excepted =
        |outcome| all_but(outcome).is_some_and(|others| destination.is_exception(&others));
    let certain = if excepted(Reachable::Yes) {
        Some(Reachable::Yes)
    } else if all_but(Reachable::No).is_some_and(|others| destination.is_not_in(&others)) {
        Some(Reachable::No)
    } else if excepted(Reachable::Unknown) {
        Some(Reachable::Unknown)
    } else {
        None
    };
    ways.retain(|way| certain.is_none_or(|outcome| way.1 == outcome));
    // Where no other part works, whatever stops an exception is not what to fix. Where the others are
    // unknown they decide, and an exception says nothing.
    let is_exception = |way: &(&Addresses, Reachable, Vec<Hop>)| destination.is_exception(way.0);
    if matches!(certain, Some(Reachable::No | Reachable::Unknown)) && !ways.iter().all(is_exception)
    {
        ways.retain(|way| !is_exception(way));
    }
    all_agree(ways.into_iter().map(|way| way.2).collect(), mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(family: Family) -> Remote {
        let addresses = Addresses::public(family, &[]);
        Remote { addresses, phrase: "public".into(), list: None, is_any_public: true }
    }

    #[test]
    fn few_addresses_are_an_exception_and_fewer_are_hosts() {
        let rows = [
            ("52.94.8.20/32", true, true),
            ("52.94.8.0/25", true, true),
            ("52.94.8.0/24", false, true),
            ("52.94.0.0/16", false, true),
            ("52.94.0.0/15", false, false),
            ("2600:1f14::/64", true, true),
            ("2600:1f14::/48", false, true),
            ("2600:1f14::/32", false, true),
            ("2600::/24", false, false),
        ];
        for (net, hosts, exception) in rows {
            let part = Addresses::net(&net.parse().unwrap());
            let remote = public(part.family());
            assert_eq!(remote.is_not_in(&part), hosts, "{net}");
            assert_eq!(remote.is_exception(&part), exception, "{net}");
            // Of a subnet every address counts.
            let known = Remote { is_any_public: false, ..remote };
            assert!(!known.is_not_in(&part) && !known.is_exception(&part), "{net}");
        }
    }
}
