//! Which DNS servers answer, and what stops the question.

use std::net::IpAddr;

use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    route53::{ResolverRule, RuleType},
};

use super::*;

impl Reference<'_> {
    /// Do the VPC's instances ask Amazon's resolver? Its own addresses count: the base of the VPC's
    /// first CIDR plus two, 169.254.169.253 and `fd00:ec2::253` (`AmazonDNS-concepts.html`).
    pub(super) fn asks_amazon(&self) -> Option<bool> {
        let vpc = seen(self.facts.vpcs.get(self.vpc))?;
        let id = vpc.dhcp_options.as_ref()?;
        let options = seen(self.facts.dhcp_options.get(id))?;
        let plus_two = vpc.cidrs.iter().filter_map(|it| match it {
            IpNet::V4(net) => Some(Ipv4Addr::from(u32::from(net.network()) + 2).to_string()),
            IpNet::V6(_) => None,
        });
        let resolvers: Vec<String> = plus_two
            .chain(["AmazonProvidedDNS".into(), "169.254.169.253".into(), "fd00:ec2::253".into()])
            .collect();
        Some(options.name_servers.iter().all(|it| resolvers.contains(it)))
    }

    /// Is it certain that no DNS server hears a question, or none of its answers is let in? Amazon's own
    /// is past every filter (vpc-security-groups.html).
    pub(super) fn is_nameless(&self) -> bool {
        if self.asks_amazon() != Some(false) {
            return false;
        }
        // Whatever else is healed, the filters' rules about DNS are as they are.
        let bare = Reference { healed: &NOTHING, ..*self };
        let options = seen(self.facts.vpcs.get(self.vpc)).and_then(|it| it.dhcp_options.as_ref());
        let options = options.and_then(|it| seen(self.facts.dhcp_options.get(it)));
        let servers = options.map_or(&[][..], |it| it.name_servers.as_slice());
        // One without an IPv4 address has no way to an IPv4 server.
        let mut nics: Vec<&AttachedInterface> = self.instance.interfaces.iter().collect();
        nics.retain(|it| it.private_ip.is_some());
        nics.sort_by_key(|it| it.device_index);
        // By the default route, but for a server in a subnet of another interface.
        let by = |nic: &AttachedInterface, server: IpAddr| {
            nics.first().is_some_and(|it| it.id == nic.id)
                || seen(self.facts.subnets.get(&nic.subnet)).is_none_or(|it| match server {
                    IpAddr::V4(server) => it.cidr.is_some_and(|net| net.contains(&server)),
                    IpAddr::V6(_) => true,
                })
        };
        !nics.is_empty()
            && servers.iter().all(|server| {
                let Ok(server) = server.parse::<IpAddr>() else { return false };
                [Protocol::Udp, Protocol::Tcp].into_iter().all(|protocol| {
                    let mut asking = nics.iter().filter(|nic| by(nic, server));
                    asking.all(|nic| bare.asks_in_vain(nic, server, protocol))
                })
            })
    }

    pub(super) fn asks_in_vain(
        &self,
        nic: &AttachedInterface,
        server: IpAddr,
        protocol: Protocol,
    ) -> bool {
        let inside = self.vpc_cidrs().iter().any(|it| it.contains(&server));
        let groups = Some(nic.security_groups.as_slice());
        let peers: Option<&[SecurityGroupId]> = if inside { None } else { Some(&[]) };
        let what = "the question";
        let point = (Hop::DnsQuery, what);
        let leaves = self.groups_for((protocol, DNS), groups, Way::Out, server, peers, point);
        let Some(subnet) = seen(self.facts.subnets.get(&nic.subnet)) else {
            return matches!(leaves, Dropped(..));
        };
        let IpAddr::V4(address) = server else { return false };
        if subnet.cidr.is_some_and(|net| net.contains(&address)) {
            return matches!(leaves, Dropped(..));
        }
        let out = self.acl_for((protocol, DNS), &nic.subnet, Way::Out, server, what);
        let asked = leaves.then(out);
        self.port_classes(&self.ephemeral()).into_iter().all(|port| {
            let back = self.acl_for((protocol, port), &nic.subnet, Way::In, server, what);
            matches!(asked.then(back), Dropped(..))
        })
    }

    /// Does a Resolver rule send the question to other servers? Of rules and zones the one with the longest
    /// domain decides, of a rule and a zone with the same one the rule. A system rule keeps a domain with the
    /// VPC's resolver that another rule would take elsewhere (resolver-overview-forward-vpc-to-network.html).
    pub(super) fn is_forwarded(&self, hostnames: bool) -> Option<bool> {
        let host = format!("{}.{}.amazonaws.com", self.service, self.scope.region);
        let ids = seen(self.facts.resolver_rules.get(self.vpc))?;
        let rules = ids.iter().map(|id| seen(self.facts.rules.get(id)));
        let rules: Vec<&ResolverRule> = rules.collect::<Option<_>>()?;
        let domain = |rule: &ResolverRule| rule.domain.clone().unwrap_or_default();
        let covers = |rule: &&&ResolverRule| {
            let domain = domain(rule);
            domain.is_empty() || host == domain || host.ends_with(&format!(".{domain}"))
        };
        let longest = rules.iter().filter(covers).max_by_key(|rule| domain(rule).len());
        let Some(rule) = longest else { return Some(false) };
        // Whatever the VPC's resolver knows, zones included.
        if matches!(rule.kind, RuleType::System | RuleType::Recursive) {
            return Some(false);
        }
        match self.deciding_zone(hostnames) {
            // The root counts, unless there is any zone for the name.
            Some(zone) if domain(rule).len() < zone => Some(false),
            None => None,
            Some(_) => match rule.kind {
                RuleType::Forward => Some(true),
                _ => None,
            },
        }
    }
}
