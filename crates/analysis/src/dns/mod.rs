//! What a service's name resolves to, asked from inside a VPC, and every setting on the way of the query.
//!
//! The order in which the VPC's resolver looks (Route 53 Developer Guide, "Considerations when working
//! with a private hosted zone", "Domain names that VPC Resolver creates autodefined system rules for",
//! "How Route 53 Profile settings are prioritized", "How Resolver DNS Firewall works"):
//!
//! 1. DNS Firewall may refuse the name, or one of those that a CNAME record redirects it to.
//! 2. Of Resolver rules and private hosted zones the one with the most specific domain decides. Of a
//!    rule and a zone for the same domain it is the rule; of the VPC's own and a Profile's, the VPC's.
//! 3. A zone that lacks the record answers that the name does not exist. Nothing falls through it to
//!    the public name.
//!
//! An interface endpoint with private DNS is a hidden zone of the service's very name. A VPC can have one
//! zone of a name only, and none is more specific: what comes before it is a rule for that very name.
//!
//! A refused call must not take away what the others show. So a name that something unseen *might*
//! divert leads where it would otherwise, and the step that was not seen says that it was not; only
//! where a zone may well be the point of the set-up (an endpoint without private DNS, a route to
//! another network) is the name's end unknown.

mod dhcp_options;
mod dns_firewall;
mod endpoint_name;
mod hosted_zone;
pub(crate) mod outcome;
mod private_dns;
mod query;
pub mod query_log;
mod resolution;
mod resolver;
mod resolver_rule;
mod settings;
#[cfg(test)]
mod tests;
mod zone_record;

pub(crate) use dhcp_options::is_amazons;
pub use dhcp_options::{dhcp_servers, foreign_resolver, handed_out};
pub use outcome::{EndpointFault, ListEntry, Remedy, Statement};
pub(crate) use query::stands_at;
pub use resolution::{Defect, Elsewhere, Families, Name, Resolution, Step, StepKind};
pub use resolver::{forwarding_rule, resolve};
