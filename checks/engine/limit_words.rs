//! What no call can tell, in words.

use alloc::string::String;

use ssm_doctor_facts::limit::Limit;

use super::permission::limit_words as permission_words;
use crate::{client_words, dns_words, preferences_words};

/// What no call can tell, as a clause.
#[must_use]
pub fn limit(limit: &Limit) -> String {
    match limit {
        Limit::Words(words) => words.clone(),
        Limit::Likely(fault) => fault.words.clone(),
        Limit::Dns(limit) => dns_words::limit(limit),
        Limit::ResolverRule(limit) => dns_words::rule_limit(limit),
        Limit::HostedZone(limit) => dns_words::zone_limit(limit),
        Limit::DnsFirewall(limit) => dns_words::firewall_limit(limit),
        Limit::Permission(limit) => permission_words::limit(limit),
        Limit::Session(limit) => preferences_words::limit(limit),
        Limit::Workstation(limit) => client_words::limit(limit),
    }
}
