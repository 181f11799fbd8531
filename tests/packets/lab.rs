//! A VPC of network namespaces: what the facts describe, built from the kernel's own parts.
//!
//! One namespace is the VPC's router. A subnet is a bridge in it, so neighbours meet without the
//! router's knowledge, and packets between subnets are forwarded: by the table of the subnet they come
//! from (a rule for each bridge), through the ACLs of both (nftables without connection tracking). A
//! host is a namespace with one interface, its security groups are nftables with connection tracking.
//! A NAT gateway is a host that forwards and translates, the internet gateway a namespace that
//! translates one to one what has a public address and drops the rest, and behind it the internet is a
//! namespace that has every address asked for. No address leaves these namespaces.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    net::IpAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use ipnet::IpNet;
use ssm_doctor_facts::{
    ec2::*,
    ids::*,
    lookup::{Facts, Row},
    scope::Scope,
};

const PREFIX: &str = "ssmdr-";

pub struct Lab<'a> {
    facts: &'a Facts,
    instance: &'a Instance,
    vpc: &'a VpcId,
    prefix: String,
    spaces: Vec<String>,
    listeners: Vec<Child>,
    hosts: Vec<Host>,
    zones: AtomicU32,
}

struct Host {
    space: String,
    subnet: SubnetId,
    addresses: Vec<IpAddr>,
    /// None of a NAT gateway, which has none.
    groups: Option<Vec<SecurityGroupId>>,
    nat: Option<NatGatewayId>,
    listens: bool,
}

fn seen<T>(row: Option<&Row<T>>) -> Option<&T> {
    match row {
        Some(Row::Present(row)) => Some(row),
        _ => None,
    }
}

fn run(command: &[&str], input: &str) -> Result<String, String> {
    let shown = command.join(" ");
    let failed = |error: String| format!("`{shown}`: {error}\n{input}");
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .map_err(|error| failed(error.to_string()))?;
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

fn ip(space: &str, commands: &str) -> Result<String, String> {
    run(&["ip", "-n", space, "-batch", "-"], commands)
}

fn nft(space: &str, rules: &str) -> Result<String, String> {
    run(&["ip", "netns", "exec", space, "nft", "-f", "-"], rules)
}

/// What is missing on this machine, if something is.
pub fn missing() -> Option<String> {
    let install = "as root: apt-get install -y --no-install-recommends iproute2 nftables";
    for tool in ["ip", "nft"] {
        if let Err(error) = run(&[tool, "-V"], "") {
            return Some(format!("{error}\n{install}"));
        }
    }
    let trial = format!("{PREFIX}{}-trial", std::process::id());
    let made = run(&["ip", "netns", "add", &trial], "");
    let filtered =
        made.and_then(|_| run(&["ip", "netns", "exec", &trial, "nft", "add table inet trial"], ""));
    let _ = run(&["ip", "netns", "del", &trial], "");
    filtered.err().map(|error| {
        format!("no network namespace with nftables can be made (it takes root): {error}")
    })
}

/// Removes what a run that was killed has left behind.
pub fn sweep() {
    let Ok(list) = run(&["ip", "netns", "list"], "") else { return };
    for name in list.lines().filter_map(|it| it.split_whitespace().next()) {
        let pid = name.strip_prefix(PREFIX).and_then(|it| it.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = run(&["ip", "netns", "del", name], "");
        }
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        for listener in &mut self.listeners {
            let _ = listener.kill();
            let _ = listener.wait();
        }
        for space in &self.spaces {
            let _ = run(&["ip", "netns", "del", space], "");
        }
    }
}

impl<'a> Lab<'a> {
    /// Builds the VPC, with `services` as addresses on the internet that listen on port 443.
    pub fn new(
        name: &str,
        facts: &'a Facts,
        scope: &Scope,
        services: &BTreeSet<IpAddr>,
    ) -> Result<Self, String> {
        let instance =
            scope.target.instance().and_then(|id| seen(facts.instances.get(id))).unwrap();
        let mut lab = Self {
            facts,
            instance,
            vpc: instance.vpc.as_ref().unwrap(),
            prefix: format!("{PREFIX}{}-{name}-", std::process::id()),
            spaces: Vec::new(),
            listeners: Vec::new(),
            hosts: Vec::new(),
            zones: AtomicU32::new(0),
        };
        for role in ["router", "gateway", "internet"] {
            lab.space(role, role != "internet")?;
        }
        lab.backbone(services)?;
        lab.subnets()?;
        lab.find_hosts();
        for at in 0..lab.hosts.len() {
            lab.host(at)?;
        }
        lab.routes()?;
        lab.acls()?;
        lab.listen(&lab.named("internet"))?;
        for at in 0..lab.hosts.len() {
            if lab.hosts[at].listens {
                lab.listen(&lab.hosts[at].space.clone())?;
            }
        }
        Ok(lab)
    }

    fn named(&self, role: &str) -> String {
        format!("{}{role}", self.prefix)
    }

    fn space(&mut self, role: &str, forwards: bool) -> Result<(), String> {
        let name = self.named(role);
        run(&["ip", "netns", "add", &name], "")?;
        self.spaces.push(name.clone());
        let mut settings = String::from(
            "cd /proc/sys/net
             for file in ipv4/conf/all/rp_filter ipv4/conf/default/rp_filter \\
                 ipv6/conf/all/accept_dad ipv6/conf/default/accept_dad \\
                 bridge/bridge-nf-call-iptables bridge/bridge-nf-call-ip6tables
             do
                 if test -e $file; then echo 0 > $file; fi
             done\n",
        );
        if forwards {
            settings.push_str("echo 1 > ipv4/ip_forward\necho 1 > ipv6/conf/all/forwarding\n");
        }
        run(&["ip", "netns", "exec", &name, "sh", "-e", "-c", &settings], "")?;
        ip(&name, "link set lo up\n").map(|_| ())
    }

    fn cidrs(&self) -> &'a [IpNet] {
        &seen(self.facts.vpcs.get(self.vpc)).unwrap().cidrs
    }

    fn described(&self) -> impl Iterator<Item = (&'a SubnetId, &'a Subnet)> {
        self.facts.subnets.iter().filter_map(|(id, row)| Some((id, seen(Some(row))?)))
    }

    fn ranges(subnet: &Subnet) -> Vec<IpNet> {
        let v6 = subnet.ipv6_cidrs.iter().copied().map(IpNet::V6);
        subnet.cidr.map(IpNet::V4).into_iter().chain(v6).collect()
    }

    /// The bridge of a subnet.
    fn bridge(&self, subnet: &SubnetId) -> String {
        let at = self.facts.subnets.keys().position(|it| it == subnet).unwrap();
        format!("subnet{at}")
    }

    /// Router to internet gateway to internet; and the way of gateway endpoints, past the translation.
    fn backbone(&self, services: &BTreeSet<IpAddr>) -> Result<(), String> {
        let (router, gateway, internet) =
            (self.named("router"), self.named("gateway"), self.named("internet"));
        ip(
            &router,
            &format!(
                "link add igw type veth peer name vpc netns {gateway}
                 addr add 169.254.100.1/30 dev igw
                 addr add fd00:100::1/64 dev igw nodad
                 link set igw up
                 link add vpce type veth peer name vpce netns {internet}
                 addr add 169.254.101.1/30 dev vpce
                 link set vpce up\n"
            ),
        )?;
        let mut commands = format!(
            "addr add 169.254.100.2/30 dev vpc
             addr add fd00:100::2/64 dev vpc nodad
             link set vpc up
             link add out type veth peer name eth0 netns {internet}
             addr add 169.254.100.5/30 dev out
             addr add fd00:101::1/64 dev out nodad
             link set out up
             route add default via 169.254.100.6
             route add ::/0 via fd00:101::2\n"
        );
        let mut beyond = String::from(
            "addr add 169.254.100.6/30 dev eth0
             addr add fd00:101::2/64 dev eth0 nodad
             link set eth0 up
             addr add 169.254.101.2/30 dev vpce
             link set vpce up
             route add default via 169.254.100.5
             route add ::/0 via fd00:101::1\n",
        );
        for net in self.cidrs() {
            match net {
                IpNet::V4(_) => {
                    writeln!(commands, "route add {net} via 169.254.100.1").unwrap();
                    writeln!(beyond, "route add {net} via 169.254.101.1").unwrap();
                }
                IpNet::V6(_) => writeln!(commands, "route add {net} via fd00:100::1").unwrap(),
            }
        }
        for address in services {
            writeln!(beyond, "addr add {} dev lo", IpNet::from(*address)).unwrap();
        }
        ip(&gateway, &commands)?;
        ip(&internet, &beyond)?;
        // One to one, and nothing for those without a public address.
        let own =
            self.instance.interfaces.iter().filter_map(|it| Some((it.private_ip?, it.public_ip?)));
        let mut rules = String::from(
            "table ip translation {\n chain arriving { type nat hook prerouting priority dstnat;\n",
        );
        let pairs: Vec<(IpAddr, IpAddr)> = own
            .map(|(private, public)| (private.into(), public.into()))
            .chain(self.nat_addresses())
            .collect();
        for (private, public) in &pairs {
            writeln!(rules, "iifname \"out\" ip daddr {public} dnat to {private}").unwrap();
        }
        rules.push_str(" }\n chain leaving { type nat hook postrouting priority srcnat;\n");
        for (private, public) in &pairs {
            writeln!(rules, "oifname \"out\" ip saddr {private} snat to {public}").unwrap();
        }
        rules.push_str(" }\n chain passing { type filter hook forward priority filter;\n");
        for (private, _) in &pairs {
            writeln!(rules, "iifname \"vpc\" ip saddr {private} accept").unwrap();
        }
        rules.push_str("iifname \"vpc\" drop\n }\n}\n");
        nft(&gateway, &rules).map(|_| ())
    }

    /// Of each public NAT gateway, its address in the VPC, which facts do not have, and on the internet.
    fn nat_addresses(&self) -> Vec<(IpAddr, IpAddr)> {
        let rows = self.facts.nat_gateways.values().filter_map(|it| seen(Some(it)));
        rows.filter(|it| it.connectivity == Connectivity::Public)
            .filter_map(|it| Some((self.nat_address(it)?, IpAddr::V4(*it.public_ips.first()?))))
            .collect()
    }

    fn nat_address(&self, nat: &NatGateway) -> Option<IpAddr> {
        let net = seen(self.facts.subnets.get(nat.subnet.as_ref()?))?.cidr?;
        let at = self.facts.nat_gateways.values().position(|it| seen(Some(it)) == Some(nat))?;
        let last = u32::from(net.broadcast()) - 5 - u32::try_from(at).ok()?;
        Some(IpAddr::V4(last.into()))
    }

    fn subnets(&self) -> Result<(), String> {
        let mut commands = String::new();
        for (id, subnet) in self.described() {
            let bridge = self.bridge(id);
            writeln!(commands, "link add {bridge} type bridge forward_delay 0").unwrap();
            writeln!(commands, "link set {bridge} up").unwrap();
            for net in Self::ranges(subnet) {
                let nodad = if matches!(net, IpNet::V6(_)) { " nodad" } else { "" };
                writeln!(
                    commands,
                    "addr add {}/{} dev {bridge}{nodad}",
                    first(&net),
                    net.prefix_len()
                )
                .unwrap();
            }
        }
        ip(&self.named("router"), &commands).map(|_| ())
    }

    fn find_hosts(&mut self) {
        let mut hosts = Vec::new();
        for nic in &self.instance.interfaces {
            let v6 = nic.ipv6.iter().copied().map(IpAddr::V6);
            hosts.push(Host {
                space: self.named(nic.id.as_str()),
                subnet: nic.subnet.clone(),
                addresses: nic.private_ip.map(IpAddr::V4).into_iter().chain(v6).collect(),
                groups: Some(nic.security_groups.clone()),
                nat: None,
                listens: false,
            });
        }
        for (id, row) in &self.facts.network_interfaces {
            let Some(nic) = seen(Some(row)) else { continue };
            hosts.push(Host {
                space: self.named(id.as_str()),
                subnet: nic.subnet.clone(),
                addresses: nic.private_ips.clone(),
                groups: Some(nic.security_groups.clone()),
                nat: None,
                listens: true,
            });
        }
        for (id, row) in &self.facts.nat_gateways {
            let Some(nat) = seen(Some(row)) else { continue };
            let (Some(address), Some(subnet)) = (self.nat_address(nat), &nat.subnet) else {
                continue;
            };
            hosts.push(Host {
                space: self.named(id.as_str()),
                subnet: subnet.clone(),
                addresses: vec![address],
                groups: None,
                nat: Some(id.clone()),
                listens: false,
            });
        }
        self.hosts = hosts;
    }

    fn host(&mut self, at: usize) -> Result<(), String> {
        let role = self.hosts[at].space.trim_start_matches(&self.prefix).to_owned();
        self.space(&role, self.hosts[at].nat.is_some())?;
        let host = &self.hosts[at];
        let subnet = seen(self.facts.subnets.get(&host.subnet)).unwrap();
        let bridge = self.bridge(&host.subnet);
        ip(
            &self.named("router"),
            &format!(
                "link add host{at} type veth peer name eth0 netns {}
                 link set host{at} master {bridge}
                 link set host{at} up\n",
                host.space
            ),
        )?;
        let mut commands = String::from("link set eth0 up\n");
        let ranges = Self::ranges(subnet);
        for address in &host.addresses {
            let net = ranges.iter().find(|it| it.contains(address)).unwrap();
            let nodad = if address.is_ipv6() { " nodad" } else { "" };
            writeln!(commands, "addr add {address}/{} dev eth0{nodad}", net.prefix_len()).unwrap();
            let all = if address.is_ipv6() { "::/0" } else { "0.0.0.0/0" };
            writeln!(commands, "route add {all} via {}", first(net)).unwrap();
        }
        ip(&host.space, &commands)?;
        match &host.groups {
            Some(groups) => nft(&host.space, &self.group_rules(groups)).map(|_| ()),
            None => self.translate(at, 1024),
        }
    }

    /// Makes a NAT gateway send from this port, in a conntrack zone of its own: what was tried before
    /// is forgotten.
    fn translate(&self, at: usize, port: u16) -> Result<(), String> {
        let host = &self.hosts[at];
        let own = host.addresses[0];
        let zone = 1 + self.zones.fetch_add(1, Ordering::Relaxed) % 60_000;
        let rules = format!(
            "table inet zone
             delete table inet zone
             table inet zone {{
                 chain arriving {{ type filter hook prerouting priority raw;
                     ct zone set {zone}
                 }}
             }}
             table ip translation
             delete table ip translation
             table ip translation {{
                 chain leaving {{ type nat hook postrouting priority srcnat;
                     ip protocol tcp ip saddr != {own} snat to {own}:{port}-{port}
                 }}
             }}\n"
        );
        nft(&host.space, &rules).map(|_| ())
    }

    fn group_rules(&self, groups: &[SecurityGroupId]) -> String {
        let mut rules = String::from("table inet groups {\n");
        for (chain, hook, side) in [("sends", "output", "daddr"), ("receives", "input", "saddr")] {
            writeln!(
                rules,
                " chain {chain} {{ type filter hook {hook} priority filter; policy drop;"
            )
            .unwrap();
            rules.push_str("  ct state established,related accept\n");
            rules.push_str("  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n");
            for group in groups.iter().filter_map(|id| seen(self.facts.security_groups.get(id))) {
                let all = if hook == "output" { &group.egress } else { &group.ingress };
                for rule in all {
                    let Some(traffic) = matching(&rule.traffic) else { continue };
                    for peer in self.peers(&rule.peer) {
                        writeln!(rules, "  {} accept", with(&traffic, side, &peer)).unwrap();
                    }
                }
            }
            rules.push_str(" }\n");
        }
        rules.push_str("}\n");
        rules
    }

    /// The addresses that a rule's peer stands for.
    fn peers(&self, peer: &Peer) -> Vec<IpNet> {
        match peer {
            Peer::Cidr(net) => vec![*net],
            Peer::List(id) => {
                seen(self.facts.prefix_lists.get(id)).map_or_else(Vec::new, |it| it.cidrs.clone())
            }
            Peer::Group(id) => {
                let members =
                    self.hosts.iter().filter(|it| it.groups.iter().flatten().any(|it| it == id));
                members.flat_map(|it| it.addresses.iter().map(|it| IpNet::from(*it))).collect()
            }
            Peer::Unreadable(_) => Vec::new(),
        }
    }

    /// The ACLs, asked for what is forwarded: what stays on a bridge is not.
    fn acls(&self) -> Result<(), String> {
        let acls = seen(self.facts.network_acls.get(self.vpc)).unwrap();
        let mut chains = String::new();
        let mut crossing = String::new();
        for (id, _) in self.described() {
            let of_subnet = acls.iter().find(|it| it.subnets.contains(id));
            let acl = of_subnet.or_else(|| acls.iter().find(|it| it.default)).unwrap();
            let bridge = self.bridge(id);
            for (way, egress, interface, side) in
                [("out", true, "iifname", "daddr"), ("in", false, "oifname", "saddr")]
            {
                writeln!(crossing, "  {interface} \"{bridge}\" jump {bridge}-{way}").unwrap();
                writeln!(chains, " chain {bridge}-{way} {{").unwrap();
                let mut entries: Vec<&AclEntry> =
                    acl.entries.iter().filter(|it| it.egress == egress).collect();
                entries.sort_by_key(|it| it.number);
                for entry in entries {
                    let (Some(traffic), Peer::Cidr(net)) = (matching(&entry.traffic), &entry.peer)
                    else {
                        continue;
                    };
                    let word = if entry.allow { "return" } else { "drop" };
                    writeln!(chains, "  {} {word}", with(&traffic, side, net)).unwrap();
                }
                chains.push_str("  drop\n }\n");
            }
        }
        let rules = format!(
            "table inet acls {{
              chain stateless {{ type filter hook prerouting priority raw;
               notrack
              }}
              {chains}
              chain crossing {{ type filter hook forward priority filter; policy accept;
              {crossing}
              }}
             }}\n"
        );
        nft(&self.named("router"), &rules).map(|_| ())
    }

    /// A table for each subnet, with the routes of its route table. The kernel finds the longest prefix
    /// by itself; of one prefix there is one route here, chosen by AWS's order.
    fn routes(&self) -> Result<(), String> {
        let tables = seen(self.facts.route_tables.get(self.vpc)).unwrap();
        let (mut v4, mut v6) = (String::new(), String::new());
        let mut both = |number: usize,
                        interfaces: &[&str],
                        routes: &BTreeMap<IpNet, (u8, String)>| {
            for (commands, all) in [(&mut v4, "0.0.0.0/0"), (&mut v6, "::/0")] {
                for interface in interfaces {
                    writeln!(commands, "rule add iif {interface} lookup {number}").unwrap();
                }
                writeln!(commands, "route add blackhole {all} metric 4000000000 table {number}")
                    .unwrap();
            }
            for (net, (_, target)) in routes {
                let commands = if matches!(net, IpNet::V4(_)) { &mut v4 } else { &mut v6 };
                match target.as_str() {
                    "blackhole" => writeln!(commands, "route add blackhole {net} table {number}"),
                    target => writeln!(commands, "route add {net} {target} table {number}"),
                }
                .unwrap();
            }
        };
        let mut inside: BTreeMap<IpNet, (u8, String)> = BTreeMap::new();
        for (id, subnet) in self.described() {
            for net in Self::ranges(subnet) {
                inside.insert(net, (3, format!("dev {}", self.bridge(id))));
            }
        }
        both(99, &["igw", "vpce"], &inside);
        for (at, (id, _)) in self.described().enumerate() {
            let explicit = tables.iter().find(|it| it.subnets.contains(id));
            let table = explicit.or_else(|| tables.iter().find(|it| it.main)).unwrap();
            let mut routes = inside.clone();
            let mut put = |net: IpNet, rank: u8, target: String| {
                let taken = routes.get(&net).is_some_and(|it| it.0 >= rank);
                if !taken {
                    routes.insert(net, (rank, target));
                }
            };
            for route in &table.routes {
                let within = |net: &IpNet| self.cidrs().iter().any(|it| it.contains(net));
                match &route.to {
                    Destination::Cidr(net) if route.via.0 == "local" => {
                        put(*net, 3, "blackhole".into());
                    }
                    Destination::Cidr(net) if route.propagated && within(net) => {}
                    Destination::Cidr(net) => {
                        put(*net, if route.propagated { 1 } else { 4 }, self.target(route, net));
                    }
                    Destination::List(id) => {
                        let list = seen(self.facts.prefix_lists.get(id));
                        for net in list.iter().flat_map(|it| &it.cidrs).filter(|it| !within(it)) {
                            put(*net, 2, self.target(route, net));
                        }
                    }
                    Destination::Unreadable(_) => {}
                }
            }
            both(100 + at, &[&self.bridge(id)], &routes);
        }
        let router = self.named("router");
        ip(&router, &v4)?;
        run(&["ip", "-6", "-n", &router, "-batch", "-"], &v6).map(|_| ())
    }

    /// Where a route leads here. What cannot be built here nobody asks about: it is unclear.
    fn target(&self, route: &Route, net: &IpNet) -> String {
        let v6 = matches!(net, IpNet::V6(_));
        let via = route.via.0.as_str();
        let gateways = seen(self.facts.internet_gateways.get(self.vpc)).unwrap();
        let attached = gateways.iter().any(|it| it.id.as_str() == via && it.state == "available");
        let outward =
            seen(self.facts.egress_only_gateways.get(self.vpc)).map_or(&[][..], Vec::as_slice);
        let outward = outward.iter().any(|it| it.id.as_str() == via && it.state == "attached");
        let endpoints = seen(self.facts.endpoints.get(self.vpc)).unwrap();
        let endpoint = endpoints.iter().any(|it| {
            it.id.as_str() == via
                && it.kind == EndpointKind::Gateway
                && it.state == EndpointState::Available
        });
        let nat = self.hosts.iter().find(|it| it.nat.as_ref().is_some_and(|it| it.as_str() == via));
        let alive = nat.filter(|it| {
            let row = it.nat.as_ref().and_then(|id| seen(self.facts.nat_gateways.get(id)));
            row.is_some_and(|it| it.state == NatState::Available)
        });
        if route.state != RouteState::Active {
            "blackhole".into()
        } else if v6 && (attached || outward) {
            "via fd00:100::2 dev igw".into()
        } else if !v6 && attached {
            "via 169.254.100.2 dev igw".into()
        } else if !v6 && endpoint {
            "via 169.254.101.2 dev vpce".into()
        } else if let (false, Some(nat)) = (v6, alive) {
            format!("via {} dev {}", nat.addresses[0], self.bridge(&nat.subnet))
        } else {
            "blackhole".into()
        }
    }

    fn listen(&mut self, space: &str) -> Result<(), String> {
        let own = std::env::current_exe().map_err(|it| it.to_string())?;
        let mut child = Command::new("ip")
            .args(["netns", "exec", space])
            .arg(own)
            .arg("--listen")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|it| it.to_string())?;
        let mut ready = String::new();
        let stdout = child.stdout.take().unwrap();
        self.listeners.push(child);
        BufReader::new(stdout).read_line(&mut ready).map_err(|it| it.to_string())?;
        if ready.trim() == "ready" { Ok(()) } else { Err(format!("no listener in {space}")) }
    }

    /// Does a TCP connection from this address and source port carry a byte back?
    pub fn connects(
        &self,
        from: IpAddr,
        to: IpAddr,
        port: u16,
        patience: Duration,
    ) -> Result<bool, String> {
        let host = self.hosts.iter().find(|it| it.addresses.contains(&from)).unwrap();
        let own = std::env::current_exe().map_err(|it| it.to_string())?;
        let own = own.to_string_lossy();
        let (to, port) = (to.to_string(), port.to_string());
        let patience = patience.as_millis().to_string();
        let command =
            ["ip", "netns", "exec", &host.space, &own, "--connect", &to, &port, &patience];
        match run(&command, "")?.trim() {
            "arrived" => Ok(true),
            "dropped" => Ok(false),
            other => Err(format!("`{}` says {other:?}", command.join(" "))),
        }
    }

    /// Lets the NAT gateways send from this port.
    pub fn translate_all(&self, port: u16) -> Result<(), String> {
        let gateways = self.hosts.iter().enumerate().filter(|(_, it)| it.nat.is_some());
        for (at, _) in gateways {
            self.translate(at, port)?;
        }
        Ok(())
    }

    pub fn translates(&self) -> bool {
        self.hosts.iter().any(|it| it.nat.is_some())
    }
}

/// The router's address in a subnet.
fn first(net: &IpNet) -> IpAddr {
    match net {
        IpNet::V4(net) => IpAddr::V4((u32::from(net.network()) + 1).into()),
        IpNet::V6(net) => IpAddr::V6((u128::from(net.network()) + 1).into()),
    }
}

/// nftables for a rule's protocol and ports; None for what is not TCP or UDP.
fn matching(traffic: &Traffic) -> Option<String> {
    match traffic {
        Traffic::All => Some(String::new()),
        Traffic::Tcp(low, high) => Some(format!("tcp dport {low}-{high}")),
        Traffic::Udp(low, high) => Some(format!("udp dport {low}-{high}")),
        Traffic::Other(_) => None,
    }
}

fn with(traffic: &str, side: &str, net: &IpNet) -> String {
    let family = if matches!(net, IpNet::V4(_)) { "ip" } else { "ip6" };
    format!("{traffic} {family} {side} {net}")
}
