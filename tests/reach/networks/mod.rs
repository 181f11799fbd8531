//! Random networks: plans that proptest draws and shrinks, and the facts that AWS would describe of them.
//!
//! In a network where everything is drawn evenly nothing works. So what stands first in every choice is
//! healthy and likely, and shrinking leads there: a minimal case has one thing wrong. Facts are written
//! as JSON, as a snapshot holds them.

mod hub;
mod network_firewall;
mod resolver;

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use ssm_doctor_facts::{lookup::Facts, scope::Scope};

use hub::Hub;
use network_firewall::Firewall;
use resolver::Resolver;

#[derive(Clone, Debug)]
pub struct Plan {
    pub service: &'static str,
    secondary_cidr: bool,
    windows: bool,
    /// Version of the agent, once it has registered.
    agent: Option<&'static str>,
    /// `enableDnsSupport` and `enableDnsHostnames`.
    dns: (bool, bool),
    name_servers: &'static [&'static str],
    subnets: Vec<Subnet>,
    /// The first is the main one.
    tables: Vec<Vec<Route>>,
    /// The first is the default one.
    acls: Vec<Vec<Entry>>,
    groups: Vec<Group>,
    nics: Vec<Nic>,
    endpoints: Vec<Endpoint>,
    /// State, and the tables it is associated with.
    s3_gateway: Option<(&'static str, Vec<usize>)>,
    zone: Option<Zone>,
    resolver: Resolver,
    firewall: Firewall,
    hub: Option<Hub>,
    nats: Vec<Nat>,
    /// Attachment state of the internet gateway, if there is one.
    igw: Option<&'static str>,
    /// The same of the egress-only one.
    eigw: Option<&'static str>,
    access: Access,
    nat_instance: NatInstance,
    /// State of the attachment to the transit gateway.
    tgw: Option<&'static str>,
    transit: Transit,
    hidden: Vec<Hidden>,
}

/// The tables of the transit gateway, and the VPC for egress behind it, as its owner sees them.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "so much can be wrong with it")]
struct Transit {
    /// The instance's VPC's, one in a zone.
    attachment_subnets: &'static [&'static str],
    /// Are the tables ours to see, and the VPC behind?
    listed: bool,
    ours: bool,
    /// Of the instance's VPC, and of the one for egress.
    associations: [&'static str; 2],
    /// Is the first table the one that VPCs announce themselves to?
    default: bool,
    tables: [Vec<TransitRoute>; 2],
    /// Does the egress VPC have an attachment subnet in the instance's zone, in the NAT gateway's own subnet?
    near: bool,
    same: bool,
    /// Of the attachment's subnets, of the NAT gateway's subnet out, and back.
    routes: [&'static str; 3],
    acls: [Vec<Entry>; 2],
    nat: &'static str,
    connectivity: &'static str,
    igw: bool,
}

#[derive(Clone, Debug)]
struct TransitRoute {
    to: &'static str,
    via: &'static str,
    state: &'static str,
    propagated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Family {
    V4,
    Dual,
    V6,
}

#[derive(Clone, Debug)]
struct Subnet {
    family: Family,
    dns64: bool,
    table: usize,
    acl: usize,
}

#[derive(Clone, Debug)]
struct Route {
    to: To,
    via: &'static str,
    state: &'static str,
    propagated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum To {
    Cidr(&'static str),
    /// A subnet's own CIDR, which may override the local route.
    Subnet(usize),
    List(usize),
    Unreadable,
}

#[derive(Clone, Debug)]
struct Entry {
    number: i32,
    egress: bool,
    allow: bool,
    traffic: Traffic,
    peer: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Traffic {
    All,
    Tcp(u16, u16),
    Udp(u16, u16),
    Other(&'static str),
}

#[derive(Clone, Debug, Default)]
struct Group {
    ingress: Vec<Rule>,
    egress: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    traffic: Traffic,
    peer: Peer,
}

#[derive(Clone, Copy, Debug)]
enum Peer {
    Cidr(&'static str),
    Group(usize),
    List(usize),
    Unreadable,
}

#[derive(Clone, Debug)]
struct Nic {
    subnet: usize,
    public: bool,
    groups: Vec<usize>,
}

#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "an endpoint has that many switches")]
struct Endpoint {
    service: &'static str,
    kind: &'static str,
    state: &'static str,
    private_dns: bool,
    subnets: Vec<usize>,
    groups: Vec<usize>,
    service_region: Option<&'static str>,
    dual: bool,
    /// "DNS record IP type".
    records: Option<&'static str>,
    /// Whether AWS lists the names that lead to it.
    named: bool,
    inbound_only: bool,
}

/// A private hosted zone of the customer's, and the address it has for the service.
#[derive(Clone, Debug)]
struct Zone {
    name: &'static str,
    address: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct Nat {
    state: &'static str,
    connectivity: &'static str,
    /// None for a regional one.
    subnet: Option<usize>,
}

/// VPC Block Public Access.
#[derive(Clone, Debug)]
struct Access {
    mode: &'static str,
    /// Mode, and the subnet if it is not the VPC.
    exclusion: Option<(&'static str, Option<usize>)>,
}

/// The instance that routes to `eni-9` lead to.
#[derive(Clone, Debug)]
struct NatInstance {
    state: &'static str,
    check: Option<bool>,
    nic: Nic,
}

/// A row that was requested and not seen.
#[derive(Clone, Copy, Debug)]
enum Hidden {
    Vpc,
    VpcDns,
    DhcpOptions,
    Subnet(usize),
    RouteTables,
    Acls,
    Endpoints,
    InternetGateways,
    EgressOnlyGateways,
    PublicAccess,
    NatInstance,
    Attachments,
    Transit,
    FarAttachments,
    FarTables,
    FarAcls,
    Zones,
    Records,
    Firewalls,
    Policy,
    RuleGroup,
    FirewallGroups,
    FirewallRules,
    FirewallDomains,
    ResolverRules,
    ResolverRule,
    Peering,
    HubInterface,
    SharedEndpoints,
    Nat(usize),
    Group(usize),
    Interface(usize),
    List(usize),
}

// ---------------------------------------------------------------- drawing

const SUBNETS: usize = 4;
const GROUPS: usize = 5;

/// The customer's own list, one inside the VPC, and the one of S3.
const LISTS: [&[&str]; 3] = [
    &["52.94.0.0/16", "18.180.0.0/15"],
    &["10.0.1.0/24", "2600:1f14:abcd:ef01::/64"],
    &["52.219.0.0/20", "3.5.152.0/21", "52.219.16.0/22"],
];
const S3: usize = 2;

fn likely<T: Clone + std::fmt::Debug + 'static>(
    usual: T,
    weight: u32,
    others: &'static [T],
) -> impl Strategy<Value = T> {
    prop_oneof![weight => Just(usual), 1 => select(others)]
}

fn yes(weight: u32) -> impl Strategy<Value = bool> {
    likely(true, weight, &[false])
}

fn no(weight: u32) -> impl Strategy<Value = bool> {
    likely(false, weight, &[true])
}

const CIDRS: &str = "
    0.0.0.0/0 ::/0 10.0.0.0/16 0.0.0.0/1 128.0.0.0/1 10.0.0.0/8 10.0.0.0/24 10.0.1.0/24
    10.0.2.0/24 10.0.3.0/24 100.64.0.0/16 10.0.0.0/25 10.0.0.128/25 10.0.1.128/25 10.0.0.10/32
    10.0.0.200/32 10.0.1.200/32 52.94.0.0/16 52.94.8.20/32 3.0.0.0/8 52.219.0.0/20
    52.219.0.0/21 192.168.0.0/16 2600:1f14:abcd:ef00::/56 2600:1f14:abcd:ef00::/64
    2600:1f14:abcd:ef01::/64 2600:1f14:abcd:ef01::c8/128 2000::/3 ::/1 2600:1fa0::/32";

fn cidr() -> impl Strategy<Value = &'static str> {
    select(CIDRS.split_whitespace().collect::<Vec<_>>())
}

/// Around 443, and around where ephemeral ranges begin and end.
const PORTS: &str = "
    443-443 80-443 443-65535 0-65535 0-442 444-65535 442-442 80-80 1024-65535 32768-65535
    32768-60999 32768-61000 49152-65535 1024-32767 1024-49151 1024-1024 32768-32768
    60999-60999 61000-65535 65535-65535";

fn traffic() -> impl Strategy<Value = Traffic> {
    let ports = PORTS.split_whitespace().filter_map(|it| it.split_once('-'));
    let tcp = ports.map(|(low, high)| Traffic::Tcp(low.parse().unwrap(), high.parse().unwrap()));
    let others = [
        Traffic::Udp(443, 443),
        Traffic::Udp(0, 65535),
        Traffic::Other("icmp"),
        Traffic::Other("50"),
    ];
    select(std::iter::once(Traffic::All).chain(tcp).chain(others).collect::<Vec<_>>())
}

fn rule() -> impl Strategy<Value = Rule> {
    let peer = prop_oneof![
        24 => cidr().prop_map(Peer::Cidr),
        12 => (0..GROUPS).prop_map(Peer::Group),
        8 => (0..LISTS.len()).prop_map(Peer::List),
        1 => Just(Peer::Unreadable),
    ];
    (traffic(), peer).prop_map(|(traffic, peer)| Rule { traffic, peer })
}

fn group() -> impl Strategy<Value = Group> {
    let all = |peer| Rule { traffic: Traffic::All, peer };
    let https = |peer| Rule { traffic: Traffic::Tcp(443, 443), peer };
    let open = vec![all(Peer::Cidr("0.0.0.0/0")), all(Peer::Cidr("::/0"))];
    let vpc = [Peer::Cidr("10.0.0.0/16"), Peer::Cidr("2600:1f14:abcd:ef00::/56")];
    let usual = Group { ingress: vpc.map(https).to_vec(), egress: open.clone() };
    // What a new VPC's default group looks like.
    let own = (0..GROUPS)
        .prop_map(move |it| Group { ingress: vec![all(Peer::Group(it))], egress: open.clone() });
    let random = (vec(rule(), 0..4), vec(rule(), 0..4));
    prop_oneof![
        5 => Just(usual),
        1 => own,
        4 => random.prop_map(|(ingress, egress)| Group { ingress, egress }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    (select(&[100, 90, 110, 95, 32766][..]), any::<bool>(), yes(2), traffic(), cidr()).prop_map(
        |(number, egress, allow, traffic, peer)| Entry { number, egress, allow, traffic, peer },
    )
}

fn acl() -> impl Strategy<Value = Vec<Entry>> {
    let allow =
        |number, egress, traffic, peer| Entry { number, egress, allow: true, traffic, peer };
    let open = vec![
        allow(100, false, Traffic::All, "0.0.0.0/0"),
        allow(100, true, Traffic::All, "0.0.0.0/0"),
        allow(101, false, Traffic::All, "::/0"),
        allow(101, true, Traffic::All, "::/0"),
    ];
    let tight = (
        select(
            &[
                Traffic::Tcp(1024, 65535),
                Traffic::Tcp(32768, 65535),
                Traffic::Tcp(49152, 65535),
                Traffic::Tcp(1024, 40000),
            ][..],
        ),
        select(&["0.0.0.0/0", "10.0.0.0/16", "128.0.0.0/1"][..]),
    )
        .prop_map(move |(ephemeral, peer)| {
            vec![
                allow(100, true, Traffic::Tcp(443, 443), peer),
                allow(110, true, ephemeral, peer),
                allow(100, false, Traffic::Tcp(443, 443), peer),
                allow(110, false, ephemeral, peer),
            ]
        });
    let extended = |ground: BoxedStrategy<Vec<Entry>>, more: BoxedStrategy<Vec<Entry>>| {
        (ground, more).prop_map(|(ground, mut all)| {
            all.extend(ground);
            all
        })
    };
    let few = || vec(entry(), 0..3).boxed();
    prop_oneof![
        4 => Just(open.clone()),
        3 => extended(Just(open).boxed(), few()),
        3 => extended(tight.boxed(), few()),
        1 => vec(entry(), 0..6),
    ]
}

const HOPS: &str = "igw-1 nat-0 nat-1 eigw-1 tgw-1 pcx-1 vgw-1 eni-9 vpce-firewall \
    vpce-appliance igw-2 lgw-1";

fn route() -> impl Strategy<Value = Route> {
    let to = prop_oneof![
        16 => cidr().prop_map(To::Cidr),
        8 => (0..SUBNETS).prop_map(To::Subnet),
        8 => Just(To::List(0)),
        1 => Just(To::Unreadable),
    ];
    let state = likely("active", 2, &["blackhole", "blackhole", "blackhole", "filtered"]);
    (to, select(HOPS.split_whitespace().collect::<Vec<_>>()), state, no(5)).prop_map(
        |(to, via, state, propagated)| {
            // What a virtual private gateway has learnt is always a CIDR.
            let propagated = propagated && matches!(to, To::Cidr(_) | To::Subnet(_));
            let via = if propagated { "vgw-1" } else { via };
            Route { to, via, state, propagated }
        },
    )
}

/// A table whose default route is `usual`, mostly, and a few more routes.
fn table(usual: &'static [&'static str]) -> impl Strategy<Value = Vec<Route>> {
    let active = |to, via| Route { to: To::Cidr(to), via, state: "active", propagated: false };
    let default = select(usual).prop_map(move |via| match via {
        "" => Vec::new(),
        "halves" => vec![active("0.0.0.0/1", "igw-1"), active("128.0.0.0/1", "nat-0")],
        "igw-1" => vec![active("0.0.0.0/0", via), active("::/0", via)],
        via => {
            vec![active("0.0.0.0/0", via), active("::/0", "eigw-1"), active("64:ff9b::/96", via)]
        }
    });
    let more = prop_oneof![2 => Just(Vec::new()), 1 => vec(route(), 1..4)];
    (default, more).prop_map(|(mut all, more)| {
        all.extend(more);
        all
    })
}

fn subnet(at: usize) -> impl Strategy<Value = Subnet> {
    // The first holds the instance, the second endpoints, the third gateways: mostly.
    let table = likely([1, 0, 2, 0][at], 5, &[0, 1, 2]);
    let family =
        prop_oneof![12 => Just(Family::V4), 4 => Just(Family::Dual), 1 => Just(Family::V6)];
    (family, no(3), table, likely(0, 2, &[1, 2])).prop_map(|(family, dns64, table, acl)| Subnet {
        family,
        dns64,
        table,
        acl,
    })
}

fn some_groups(usual: usize) -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![3 => Just(vec![usual]), 2 => vec(0..GROUPS, 1..3)]
}

fn nic(at: usize) -> impl Strategy<Value = Nic> {
    let subnet = likely(at, 5, &[0, 1, 2, 3]);
    (subnet, no(1), some_groups(at)).prop_map(|(subnet, public, groups)| Nic {
        subnet,
        public,
        groups,
    })
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (
        likely(
            "com.amazonaws.eu-west-1.ssm",
            8,
            &[
                "com.amazonaws.eu-west-1.ssmmessages",
                "com.amazonaws.eu-west-1.ssm-fips",
                "com.amazonaws.eu-west-1.ssm-incidents",
                "aws.sagemaker.eu-west-1.xssm",
                "com.amazonaws.eu-west-1.s3",
                "com.amazonaws.eu-west-1.s3",
            ],
        ),
        likely("Interface", 15, &["Resource", "GatewayLoadBalancer"]),
        likely(
            "available",
            6,
            &[
                "pending",
                "pendingAcceptance",
                "failed",
                "rejected",
                "deleting",
                "deleted",
                "expired",
                "partial",
                "mending",
            ],
        ),
        yes(5),
        prop_oneof![4 => Just(vec![1]), 4 => vec(0..SUBNETS, 1..3)],
        some_groups(2),
        likely(None, 15, &[Some("eu-west-1"), Some("us-east-1")]),
        (
            no(2),
            likely(
                None,
                3,
                &[Some("ipv4"), Some("ipv6"), Some("dualstack"), Some("service-defined")],
            ),
            yes(1),
            no(12),
        ),
    )
        .prop_map(
            |(service, kind, state, private_dns, subnets, groups, service_region, names)| {
                let (dual, records, named, inbound_only) = names;
                Endpoint {
                    service,
                    kind,
                    state,
                    private_dns,
                    subnets,
                    groups,
                    service_region,
                    dual,
                    records,
                    named,
                    inbound_only,
                }
            },
        )
}

fn zone() -> impl Strategy<Value = Option<Zone>> {
    let name = select(
        &[
            "ssm.eu-west-1.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
            "eu-west-1.amazonaws.com",
            "amazonaws.com",
            "sm.eu-west-1.amazonaws.com",
            "corp.example",
        ][..],
    );
    let address = proptest::option::weighted(
        0.7,
        select(&["10.0.1.200", "10.0.1.77", "10.9.0.5", "52.94.8.20"][..]),
    );
    let zone = (name, address).prop_map(|(name, address)| Zone { name, address });
    proptest::option::weighted(0.15, zone)
}

fn nat() -> impl Strategy<Value = Nat> {
    (
        likely("available", 6, &["pending", "failed", "deleting", "deleted", "resting"]),
        likely("public", 8, &["private", "private", "private", "imaginary"]),
        prop_oneof![8 => Just(Some(2)), 2 => (0..SUBNETS).prop_map(Some), 1 => Just(None)],
    )
        .prop_map(|(state, connectivity, subnet)| Nat { state, connectivity, subnet })
}

fn access() -> impl Strategy<Value = Access> {
    let mode = likely(
        "off",
        8,
        &[
            "block-bidirectional",
            "block-ingress",
            "block-bidirectional",
            "block-ingress",
            "block-sideways",
        ],
    );
    let exclusion = proptest::option::weighted(
        0.3,
        (
            likely("allow-bidirectional", 1, &["allow-egress", "allow-egress", "allow-sideways"]),
            proptest::option::of(0..SUBNETS),
        ),
    );
    (mode, exclusion).prop_map(|(mode, exclusion)| Access { mode, exclusion })
}

fn nat_instance() -> impl Strategy<Value = NatInstance> {
    let state = likely("running", 5, &["stopped", "stopped", "pending", "dreaming"]);
    let check = likely(Some(false), 3, &[Some(true), None]);
    let nic = (likely(2, 5, &[0, 1, 3]), yes(4), some_groups(3))
        .prop_map(|(subnet, public, groups)| Nic { subnet, public, groups });
    (state, check, nic).prop_map(|(state, check, nic)| NatInstance { state, check, nic })
}

fn transit() -> impl Strategy<Value = Transit> {
    let associations =
        || likely("associated", 12, &["associating", "none", "none", "policy", "tgw-rtb-9"]);
    let route = |via: &'static [&'static str]| {
        let to = prop_oneof![
            2 => select(&["0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/8", "10.9.0.0/16"][..]),
            1 => cidr(),
        ];
        (to, select(via), likely("active", 4, &["blackhole", "blackhole", "pending"]), no(2))
            .prop_map(|(to, via, state, propagated)| TransitRoute { to, via, state, propagated })
    };
    let table = move |to: &'static str, via: &'static str| {
        let usual = TransitRoute { to, via, state: "active", propagated: false };
        let some = &["tgw-attach-1", "tgw-attach-2", "tgw-attach-2", "tgw-attach-vpn", ""][..];
        (yes(8), prop_oneof![2 => Just(Vec::new()), 1 => vec(route(some), 1..4)]).prop_map(
            move |(has, more)| {
                let mut all: Vec<TransitRoute> = has.then(|| usual.clone()).into_iter().collect();
                all.extend(more);
                all
            },
        )
    };
    let routes = (
        likely("nat-e", 8, &["", "igw-e", "tgw-1", "blackhole", "vpce-inspection"]),
        likely("igw-e", 8, &["", "vgw-1", "blackhole"]),
        likely("tgw-1", 5, &["", "", "nat-e", "vgw-1", "blackhole"]),
    );
    let nat = (
        likely("available", 8, &["failed", "deleted", "resting"]),
        likely("public", 12, &["private", "imaginary"]),
        yes(8),
    );
    (
        (yes(6), yes(8), no(1), yes(3), no(5)),
        (
            likely(
                &["subnet-1", "subnet-3"][..],
                2,
                &[&["subnet-0", "subnet-3"], &["subnet-2"], &["subnet-3"]],
            ),
            associations(),
            associations(),
        ),
        (table("0.0.0.0/0", "tgw-attach-2"), table("10.0.0.0/16", "tgw-attach-1")),
        routes,
        (acl(), acl()),
        nat,
    )
        .prop_map(|(flags, associations, tables, routes, acls, nat)| {
            let (listed, ours, default, near, same) = flags;
            let (nat, connectivity, igw) = nat;
            let (attachment_subnets, ours_to, others) = associations;
            Transit {
                attachment_subnets,
                listed,
                ours,
                associations: [ours_to, others],
                default,
                tables: tables.into(),
                near,
                same,
                routes: routes.into(),
                acls: acls.into(),
                nat,
                connectivity,
                igw,
            }
        })
}

fn hidden() -> impl Strategy<Value = Vec<Hidden>> {
    let one = prop_oneof![
        select(
            &[
                Hidden::Vpc,
                Hidden::VpcDns,
                Hidden::DhcpOptions,
                Hidden::RouteTables,
                Hidden::Acls,
                Hidden::Endpoints,
                Hidden::InternetGateways,
                Hidden::EgressOnlyGateways,
                Hidden::PublicAccess,
                Hidden::NatInstance,
                Hidden::Attachments,
                Hidden::Transit,
                Hidden::FarAttachments,
                Hidden::FarTables,
                Hidden::FarAcls,
                Hidden::Zones,
                Hidden::Records,
                Hidden::Firewalls,
                Hidden::Policy,
                Hidden::RuleGroup,
                Hidden::FirewallGroups,
                Hidden::FirewallRules,
                Hidden::FirewallDomains,
                Hidden::ResolverRules,
                Hidden::ResolverRule,
                Hidden::Peering,
                Hidden::HubInterface,
                Hidden::SharedEndpoints,
            ][..]
        ),
        (0..SUBNETS).prop_map(Hidden::Subnet),
        (0..2_usize).prop_map(Hidden::Nat),
        (0..GROUPS).prop_map(Hidden::Group),
        (0..SUBNETS).prop_map(Hidden::Interface),
        (0..LISTS.len()).prop_map(Hidden::List),
    ];
    prop_oneof![7 => Just(Vec::new()), 1 => vec(one, 1..3)]
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let vpc = (
        likely("ssm", 4, &["s3"]),
        no(3),
        no(3),
        likely(None, 1, &[Some("3.3.3270.0"), Some("3.2.582.0")]),
        likely((true, true), 10, &[(true, false), (false, true), (false, false)]),
        likely(
            &["AmazonProvidedDNS"][..],
            20,
            &[&["10.0.0.2"], &["169.254.169.253"], &["10.0.3.53", "10.0.3.54"]],
        ),
    );
    let subnets =
        (subnet(0), subnet(1), subnet(2), subnet(3)).prop_map(|(a, b, c, d)| vec![a, b, c, d]);
    let tables = (
        table(&["", "", "igw-1", "nat-0"]),
        table(&[
            "nat-0",
            "nat-0",
            "",
            "",
            "igw-1",
            "nat-1",
            "tgw-1",
            "eni-9",
            "halves",
            "vpce-firewall",
            "vpce-firewall",
        ]),
        table(&["igw-1", "igw-1", "igw-1", "igw-1", "igw-1", ""]),
    )
        .prop_map(|(a, b, c)| vec![a, b, c]);
    let acls = (acl(), acl(), acl()).prop_map(|(a, b, c)| vec![a, b, c]);
    let nics = prop_oneof![5 => nic(0).prop_map(|it| vec![it]), 1 => (nic(0), nic(1)).prop_map(|(a, b)| vec![a, b])];
    let endpoints =
        prop_oneof![3 => Just(Vec::new()), 4 => vec(endpoint(), 1), 1 => vec(endpoint(), 2..4)];
    let s3_gateway = proptest::option::weighted(
        0.5,
        (
            likely("available", 8, &["pending", "deleted", "failed"]),
            prop_oneof![4 => Just(vec![1]), 2 => vec(0..3_usize, 0..3)],
        ),
    );
    let gateways = (
        likely(Some("available"), 8, &[None, None, Some("detaching"), Some("puzzled")]),
        likely(Some("attached"), 6, &[None, None, Some("detached"), Some("puzzled")]),
        likely(
            Some("available"),
            3,
            &[None, Some("pending"), Some("deleted"), Some("deleted"), Some("puzzled")],
        ),
        nat_instance(),
        transit(),
    );
    let network = (subnets, tables, acls, vec(group(), GROUPS), nics);
    let names = (zone(), resolver::resolver(), hub::hub());
    let gateways = (gateways, network_firewall::firewall());
    (vpc, network, endpoints, s3_gateway, names, vec(nat(), 2), gateways, access(), hidden())
        .prop_map(|(vpc, network, endpoints, s3_gateway, names, nats, gateways, access, hidden)| {
            let (zone, resolver, hub) = names;
            let (gateways, firewall) = gateways;
            let (igw, eigw, tgw, nat_instance, transit) = gateways;
            let (service, secondary_cidr, windows, agent, dns, name_servers) = vpc;
            let (subnets, mut tables, acls, groups, nics) = network;
            let (mut zone, mut endpoints) = (zone, endpoints);
            if let Some(hub) = &hub {
                let own = match (hub.zone, service) {
                    ("", "s3") => "s3.eu-west-1.amazonaws.com",
                    ("", _) => "ssm.eu-west-1.amazonaws.com",
                    (parent, _) => parent,
                };
                zone = Some(Zone { name: own, address: None });
                if hub.alone {
                    endpoints.clear();
                }
                let to = To::Cidr("10.9.0.0/16");
                let route = Route { to, via: hub.via, state: "active", propagated: false };
                tables[1].insert(0, route);
            }
            Plan {
                service,
                secondary_cidr,
                windows,
                agent,
                dns,
                name_servers,
                subnets,
                tables,
                acls,
                groups,
                nics,
                endpoints,
                s3_gateway,
                zone,
                resolver,
                firewall,
                hub,
                nats,
                igw,
                eigw,
                access,
                nat_instance,
                tgw,
                transit,
                hidden,
            }
        })
}

// ---------------------------------------------------------------- describing

/// Is everything described, of a kind that we know, and without ways that lead out of sight?
pub fn in_sight(facts: &Value) -> bool {
    const ODD: &str = "unknown unreadable something filtered partial pending \
        puzzled imaginary resting mending sideways dreaming \
        \"tables\":[] associating tgw-rtb-9 444455556666 [\"tgw-attach-vpn \"via\":[] \"via\":\"vgw \"via\":\"eni \"via\":\"lgw \"via\":\"vpce-firewall \"via\":\"vpce-appliance \
        \"via\":\"vpce-inspection PONDER";
    let facts = facts.to_string();
    !ODD.split_whitespace().any(|it| facts.contains(it))
}

/// What AWS would answer, and the question.
pub fn read(facts: &Value) -> (Facts, Scope) {
    let scope = json!({
        "target": "i-1", "region": "eu-west-1", "at": "2026-11-23T03:00:00Z", "session": "shell",
    });
    (serde_json::from_value(facts.clone()).unwrap(), serde_json::from_value(scope).unwrap())
}

impl Plan {
    /// AWS takes no two zones of one name, an endpoint's included.
    fn zones(&self) -> Vec<Zone> {
        let taken = |zone: &&Zone| {
            self.endpoints.iter().any(|it| {
                let service = it.service.rsplit('.').next().unwrap();
                it.private_dns && zone.name == format!("{service}.eu-west-1.amazonaws.com")
            })
        };
        self.zone.iter().filter(|it| !taken(it)).cloned().collect()
    }

    fn records(&self) -> Vec<Value> {
        let zones = self.zones();
        match &self.hub {
            Some(hub) => zones.iter().map(|_| hub.record(self.service)).collect(),
            None => zones.iter().filter_map(Zone::record).collect(),
        }
    }

    fn v4(&self, subnet: usize) -> String {
        match subnet {
            3 if self.secondary_cidr => "100.64.0".into(),
            _ => format!("10.0.{subnet}"),
        }
    }

    fn family(&self, subnet: usize) -> Family {
        match self.subnets[subnet].family {
            // A NAT gateway has an IPv4 address.
            Family::V6 if self.nats.iter().any(|it| it.subnet == Some(subnet)) => Family::Dual,
            family => family,
        }
    }

    /// What AWS would describe.
    pub fn facts(&self) -> Value {
        let mut facts = json!({
            "instances": {"i-1": self.instance()},
            "vpcs": {
                "vpc-1": self.vpc(),
                "vpc-2": {"owner": "111122223333", "cidrs": ["10.9.0.0/16"]},
            },
            "vpc_dns": {"vpc-1": {"support": self.dns.0, "hostnames": self.dns.1}},
            "dhcp_options": {"dopt-1": {"name_servers": self.name_servers}},
            "documents": {"SSM-SessionManagerRunShell": "absent"},
            "route_tables": {"vpc-1": self.route_tables()},
            "network_acls": {"vpc-1": self.network_acls()},
            "egress_only_gateways": {"vpc-1": self.eigw.iter().map(|it| json!({"id": "eigw-1", "state": it})).collect::<Vec<_>>()},
            "public_access_blocks": {"eu-west-1": self.public_access()},
            "transit_gateway_attachments": {"vpc-1": self.tgw.iter().map(|it| json!({
                "id": "tgw-attach-1", "transit_gateway": "tgw-1", "state": it, "subnets": self.transit.attachment_subnets,
            })).collect::<Vec<_>>()},
            "peerings": {"pcx-1": {
                "state": "active", "requester": {"vpc": "vpc-1"}, "accepter": {"vpc": "vpc-2"},
            }},
            "hosted_zones": {"vpc-1": self.zones().iter().map(|it| json!({"id": "Z1", "name": it.name})).collect::<Vec<_>>()},
            "zone_records": {"Z1": self.records()},
            "profiles": {"vpc-1": []},
            "caller": {"us": {"account": "111122223333", "arn": "arn:aws:iam::111122223333:user/a", "user_id": "AIDA"}},
            "transit_gateways": {"tgw-1": self.transit.row()},
            "nodes": {"i-1": match self.agent {
                None => json!("absent"),
                Some(version) => json!({"ping": "ConnectionLost", "agent_version": version}),
            }},
            "service_endpoints": self.service_endpoints(),
            "internet_gateways": {"vpc-1": self.igw.iter().map(|it| json!({"id": "igw-1", "state": it})).collect::<Vec<_>>()},
            "endpoints": {"vpc-1": self.endpoints()},
        });
        let mut rows = |table: &str, all: Vec<(String, Value)>| {
            facts[table] = Value::Object(all.into_iter().collect());
        };
        rows("subnets", (0..SUBNETS).map(|it| (format!("subnet-{it}"), self.subnet(it))).collect());
        rows(
            "nat_gateways",
            self.nats
                .iter()
                .enumerate()
                .map(|(at, it)| (format!("nat-{at}"), nat_row(at, it)))
                .collect(),
        );
        rows(
            "security_groups",
            self.groups
                .iter()
                .enumerate()
                .map(|(at, it)| (format!("sg-{at}"), group_row(it)))
                .collect(),
        );
        rows(
            "prefix_lists",
            LISTS
                .iter()
                .enumerate()
                .map(|(at, it)| (format!("pl-{at}"), json!({"cidrs": it})))
                .collect(),
        );
        let interfaces = self.endpoint_interfaces();
        rows(
            "network_interfaces",
            interfaces.iter().map(|(_, id, row)| (id.clone(), row.clone())).collect(),
        );
        self.transit.describe(&mut facts, self.hub.as_ref());
        self.firewall.describe(&mut facts);
        self.resolver.describe(&mut facts);
        if let Some(hub) = &self.hub {
            hub.describe(&mut facts, self.service);
        }
        let nat = self.nic("eni-9", 9, &self.nat_instance.nic);
        facts["instances"]["i-9"] = json!({
            "state": self.nat_instance.state, "vpc": "vpc-1", "subnet": nat["subnet"],
            "metadata": {"enabled": true}, "interfaces": [nat],
        });
        facts["network_interfaces"]["eni-9"] = self.nat_instance_row(&nat);
        // Who has the addresses that DHCP options and zones name.
        let servers = self.name_servers.iter();
        let mut holders: serde_json::Map<String, Value> =
            servers.map(|it| (format!("vpc-1 {it}"), json!("absent"))).collect();
        holders.retain(|it, _| it != "vpc-1 AmazonProvidedDNS");
        for record in self.records() {
            if record["kind"] != "A" {
                continue;
            }
            for address in record["values"].as_array().into_iter().flatten() {
                let rows = facts["network_interfaces"].as_object().unwrap().values();
                let holds = |it: &&Value| {
                    it["private_ips"].as_array().is_some_and(|all| all.contains(address))
                };
                let row = rows.clone().find(holds).cloned().unwrap_or_else(|| json!("absent"));
                holders.insert(format!("vpc-1 {}", address.as_str().unwrap()), row);
            }
        }
        facts["interfaces_at"] = Value::Object(holders);
        for hidden in &self.hidden {
            let (table, key) = match hidden {
                Hidden::Vpc => ("vpcs", "vpc-1".into()),
                Hidden::VpcDns => ("vpc_dns", "vpc-1".into()),
                Hidden::DhcpOptions => ("dhcp_options", "dopt-1".into()),
                Hidden::RouteTables => ("route_tables", "vpc-1".into()),
                Hidden::Acls => ("network_acls", "vpc-1".into()),
                Hidden::Endpoints => ("endpoints", "vpc-1".into()),
                Hidden::InternetGateways => ("internet_gateways", "vpc-1".into()),
                Hidden::EgressOnlyGateways => ("egress_only_gateways", "vpc-1".into()),
                Hidden::PublicAccess => ("public_access_blocks", "eu-west-1".into()),
                Hidden::Attachments => ("transit_gateway_attachments", "vpc-1".into()),
                Hidden::Transit => ("transit_gateways", "tgw-1".into()),
                Hidden::FarAttachments => ("transit_gateway_attachments", "vpc-2".into()),
                Hidden::FarTables => ("route_tables", "vpc-2".into()),
                Hidden::FarAcls => ("network_acls", "vpc-2".into()),
                Hidden::Zones => ("hosted_zones", "vpc-1".into()),
                Hidden::Records => ("zone_records", "Z1".into()),
                Hidden::NatInstance => ("network_interfaces", "eni-9".into()),
                Hidden::Firewalls => ("network_firewalls", "vpc-1".into()),
                Hidden::Policy => ("network_firewall_policies", network_firewall::POLICY.into()),
                Hidden::RuleGroup => ("rule_groups", network_firewall::arn("stateful", 0)),
                Hidden::FirewallGroups => ("firewall_groups", "vpc-1".into()),
                Hidden::FirewallRules => ("firewall_rules", "rslvr-frg-0".into()),
                Hidden::FirewallDomains => ("firewall_domains", "rslvr-fdl-0".into()),
                Hidden::ResolverRules => ("resolver_rules", "vpc-1".into()),
                Hidden::ResolverRule => ("rules", "rslvr-rr-0".into()),
                Hidden::Peering => ("peerings", "pcx-1".into()),
                Hidden::HubInterface => ("network_interfaces", "eni-h0".into()),
                Hidden::SharedEndpoints => {
                    ("service_endpoints", format!("com.amazonaws.eu-west-1.{}", self.service))
                }
                Hidden::Subnet(at) => ("subnets", format!("subnet-{at}")),
                Hidden::Nat(at) => ("nat_gateways", format!("nat-{at}")),
                Hidden::Group(at) => ("security_groups", format!("sg-{at}")),
                Hidden::List(at) => ("prefix_lists", format!("pl-{at}")),
                Hidden::Interface(at) => match interfaces.get(*at) {
                    Some((_, id, _)) => ("network_interfaces", id.clone()),
                    None => continue,
                },
            };
            facts[table][key] = json!({"unknown": "denied"});
            if let Hidden::Endpoints = hidden {
                for (_, row) in facts["service_endpoints"].as_object_mut().unwrap() {
                    *row = json!({"unknown": "denied"});
                }
            }
        }
        facts
    }

    fn vpc(&self) -> Value {
        let mut cidrs = vec!["10.0.0.0/16"];
        if self.secondary_cidr {
            cidrs.push("100.64.0.0/16");
        }
        if (0..SUBNETS).any(|it| self.family(it) != Family::V4) {
            cidrs.push("2600:1f14:abcd:ef00::/56");
        }
        json!({"owner": "111122223333", "cidrs": cidrs, "dhcp_options": "dopt-1"})
    }

    fn subnet(&self, at: usize) -> Value {
        let zone = if at == 3 { "eu-west-1b" } else { "eu-west-1a" };
        let mut row = json!({"vpc": "vpc-1", "owner": "111122223333", "availability_zone": zone});
        if self.family(at) != Family::V6 {
            row["cidr"] = json!(format!("{}.0/24", self.v4(at)));
        }
        if self.family(at) != Family::V4 {
            row["ipv6_cidrs"] = json!([format!("2600:1f14:abcd:ef0{at}::/64")]);
            row["dns64"] = json!(self.subnets[at].dns64);
        }
        row
    }

    fn instance(&self) -> Value {
        // AWS lists interfaces in any order.
        let interfaces = self.nics.iter().enumerate().rev();
        let interfaces = interfaces.map(|(at, nic)| self.nic(&format!("eni-{at}"), at, nic));
        json!({
            "state": "running", "vpc": "vpc-1", "subnet": format!("subnet-{}", self.nics[0].subnet),
            "windows": self.windows, "metadata": {"enabled": true},
            "interfaces": interfaces.collect::<Vec<_>>(),
        })
    }

    /// An interface as its instance's own description shows it.
    fn nic(&self, id: &str, at: usize, nic: &Nic) -> Value {
        let mut row = json!({
            "id": id, "device_index": at % 9, "subnet": format!("subnet-{}", nic.subnet),
            "security_groups": groups(&nic.groups),
        });
        if self.family(nic.subnet) != Family::V6 {
            row["private_ip"] = json!(format!("{}.{}", self.v4(nic.subnet), 10 + at));
            if nic.public {
                row["public_ip"] = json!(format!("54.10.0.{}", 10 + at));
            }
        }
        if self.family(nic.subnet) != Family::V4 {
            row["ipv6"] = json!([format!("2600:1f14:abcd:ef0{}::{:x}", nic.subnet, 10 + at)]);
        }
        row
    }

    fn nat_instance_row(&self, nic: &Value) -> Value {
        let addresses = [&nic["private_ip"], &nic["ipv6"][0]];
        let mut row = json!({
            "subnet": nic["subnet"], "security_groups": nic["security_groups"], "instance": "i-9",
            "private_ips": addresses.into_iter().filter(|it| !it.is_null()).collect::<Vec<_>>(),
        });
        if nic["public_ip"].is_string() {
            row["public_ip"] = nic["public_ip"].clone();
        }
        if let Some(check) = self.nat_instance.check {
            row["source_dest_check"] = json!(check);
        }
        row
    }

    fn public_access(&self) -> Value {
        let exclusions = self.access.exclusion.iter().map(|(mode, subnet)| {
            let resource = subnet.map_or("vpc-1".into(), |it| format!("subnet-{it}"));
            json!({"id": "vpcbpa-exclude-1", "mode": mode, "resource": resource})
        });
        json!({"mode": self.access.mode, "exclusions": exclusions.collect::<Vec<_>>()})
    }

    /// The same endpoints, asked for by service.
    fn service_endpoints(&self) -> Value {
        let mut found = json!({});
        for service in ["ssm", "s3"] {
            let name = format!("com.amazonaws.eu-west-1.{service}");
            let mut all = self.endpoints();
            all.retain(|it| it["service"] == name.as_str());
            for endpoint in &mut all {
                endpoint["vpc"] = json!("vpc-1");
            }
            found[name] = json!(all);
        }
        found
    }

    fn route_tables(&self) -> Vec<Value> {
        let cidrs = self.vpc()["cidrs"].clone();
        let tables = self.tables.iter().enumerate().map(|(at, routes)| {
            let mut rows: Vec<Value> = cidrs
                .as_array()
                .unwrap()
                .iter()
                .map(|it| route_row(&json!({"cidr": it}), "local", "active", false))
                .collect();
            // AWS keeps one static and one propagated route to a destination.
            let mut taken: Vec<(Value, bool)> = Vec::new();
            for route in routes {
                let to = match route.to {
                    To::Cidr(cidr) => json!({"cidr": cidr}),
                    To::Subnet(at) => json!({"cidr": format!("{}.0/24", self.v4(at))}),
                    To::List(at) => json!({"list": format!("pl-{at}")}),
                    To::Unreadable => json!({"unreadable": "odb-network"}),
                };
                // Nor does it take what lies in the VPC, but for the whole of a subnet, and only to
                // what may be a middlebox; what is propagated it takes.
                let cidr = to["cidr"].as_str().and_then(|it| it.parse::<ipnet::IpNet>().ok());
                let inside = |net: &ipnet::IpNet| {
                    cidrs.as_array().unwrap().iter().any(|it| {
                        it.as_str().unwrap().parse::<ipnet::IpNet>().unwrap().contains(net)
                    })
                };
                let overrides = cidr.as_ref().is_some_and(inside);
                let whole = self.is_a_subnet(&to);
                let middlebox =
                    ["nat-", "eni-", "vpce-"].iter().any(|it| route.via.starts_with(it));
                let own = self.subnets.iter().enumerate().any(|(subnet, it)| {
                    it.table == at && to["cidr"] == self.subnet(subnet)["cidr"]
                });
                if overrides && !route.propagated && !(whole && middlebox && !own) {
                    continue;
                }
                let v4_only = ["nat-", "vgw-"].iter().any(|it| route.via.starts_with(it));
                let is_v6 =
                    matches!(cidr, Some(ipnet::IpNet::V6(_))) && to["cidr"] != "64:ff9b::/96";
                if (is_v6 && v4_only) || (!is_v6 && route.via.starts_with("eigw-")) {
                    continue;
                }
                if taken.contains(&(to.clone(), route.propagated)) {
                    continue;
                }
                taken.push((to.clone(), route.propagated));
                rows.push(route_row(&to, route.via, route.state, route.propagated));
            }
            if let Some((_, with)) = &self.s3_gateway
                && with.contains(&at)
            {
                rows.push(route_row(
                    &json!({"list": format!("pl-{S3}")}),
                    "vpce-s3",
                    "active",
                    false,
                ));
            }
            let explicit =
                self.subnets.iter().enumerate().filter(|(_, it)| it.table == at && at != 0);
            json!({
                "id": format!("rtb-{at}"), "main": at == 0, "routes": rows,
                "subnets": explicit.map(|(at, _)| format!("subnet-{at}")).collect::<Vec<_>>(),
            })
        });
        // The main table is not always the first.
        let mut tables: Vec<Value> = tables.collect();
        tables.reverse();
        tables
    }

    fn is_a_subnet(&self, to: &Value) -> bool {
        (0..SUBNETS).any(|it| {
            let subnet = self.subnet(it);
            to["cidr"].is_string()
                && (to["cidr"] == subnet["cidr"] || to["cidr"] == subnet["ipv6_cidrs"][0])
        })
    }

    fn network_acls(&self) -> Vec<Value> {
        let acls = self.acls.iter().enumerate().map(|(at, entries)| {
            let rows = entry_rows(entries);
            let with = self.subnets.iter().enumerate().filter(|(_, it)| it.acl == at);
            json!({
                "id": format!("acl-{at}"), "default": at == 0, "entries": rows,
                "subnets": with.map(|(at, _)| format!("subnet-{at}")).collect::<Vec<_>>(),
            })
        });
        acls.collect()
    }

    fn endpoints(&self) -> Vec<Value> {
        let interfaces = self.endpoint_interfaces();
        // AWS refuses private DNS to a second endpoint of the same service.
        let mut named: Vec<&str> = Vec::new();
        let rows = self.endpoints.iter().enumerate().map(|(at, it)| {
            let private_dns = it.private_dns && it.kind == "Interface" && !named.contains(&it.service);
            if private_dns {
                named.push(it.service);
            }
            let of_ours = interfaces.iter().filter(|(of, ..)| *of == at);
            let mut row = json!({
                "id": format!("vpce-{at}"), "service": it.service, "kind": it.kind, "state": it.state,
                "private_dns": private_dns, "security_groups": groups(&it.groups),
                "subnets": of_ours.clone().map(|it| it.2["subnet"].clone()).collect::<Vec<_>>(),
                "interfaces": of_ours.map(|it| it.1.clone()).collect::<Vec<_>>(),
            });
            if let Some(region) = it.service_region {
                row["service_region"] = json!(region);
            }
            let (v4, v6) = self.families(it);
            if v6 {
                row["ip_address_type"] = json!(if v4 { "dualstack" } else { "ipv6" });
            }
            // Other records than of its interfaces' family an endpoint can have that has both.
            if let (true, Some(records)) = (v4 && v6, it.records) {
                row["dns_record_ip_type"] = json!(records);
            }
            if private_dns && it.named {
                let (_, service) = it.service.rsplit_once('.').unwrap();
                let dual = v6.then(|| format!("{service}.eu-west-1.api.aws"));
                let hosts = dual.into_iter().chain([format!("{service}.eu-west-1.amazonaws.com")]);
                row["names"] = json!(hosts.collect::<Vec<_>>());
            }
            if it.inbound_only && it.service.rsplit('.').next() == Some("s3") {
                row["private_dns_for_inbound_only"] = json!(true);
            }
            row
        });
        let mut rows: Vec<Value> = rows.collect();
        if let Some((state, with)) = &self.s3_gateway {
            rows.push(json!({
                "id": "vpce-s3", "service": "com.amazonaws.eu-west-1.s3", "kind": "Gateway", "state": state,
                "route_tables": with.iter().map(|it| format!("rtb-{it}")).collect::<Vec<_>>(),
            }));
        }
        rows
    }

    /// Of an endpoint's interfaces. "Dualstack is supported only if all selected subnets have both."
    fn families(&self, endpoint: &Endpoint) -> (bool, bool) {
        let all = |family| endpoint.subnets.iter().all(|it| self.family(*it) == family);
        let v6 = all(Family::V6);
        (!v6, v6 || (endpoint.dual && all(Family::Dual)))
    }

    /// Of each endpoint, one in each of its subnets: (endpoint, id, row).
    fn endpoint_interfaces(&self) -> Vec<(usize, String, Value)> {
        let mut found: Vec<(usize, String, Value)> = Vec::new();
        for (at, endpoint) in self.endpoints.iter().enumerate() {
            let mut subnets = endpoint.subnets.clone();
            subnets.sort_unstable();
            subnets.dedup();
            let (v4, v6) = self.families(endpoint);
            for subnet in subnets {
                if self.family(subnet) == Family::V6 && v4 {
                    continue;
                }
                let mut addresses = Vec::new();
                if v4 {
                    addresses.push(format!("{}.{}", self.v4(subnet), 200 + at));
                }
                if v6 {
                    addresses.push(format!("2600:1f14:abcd:ef0{subnet}::{:x}", 200 + at));
                }
                let row = json!({"subnet": format!("subnet-{subnet}"), "private_ips": addresses, "security_groups": groups(&endpoint.groups)});
                found.push((at, format!("eni-e{at}s{subnet}"), row));
            }
        }
        found
    }
}

impl Transit {
    /// The transit gateway as `DescribeTransitGatewayAttachments` and the searches of its tables show it.
    fn row(&self) -> Value {
        let owner = if self.ours { "111122223333" } else { "444455556666" };
        let attachment = |at: usize, vpc: &str, owner: &str| {
            let mut row =
                json!({"id": format!("tgw-attach-{}", at + 1), "vpc": vpc, "owner": owner});
            let table = format!("tgw-rtb-{at}");
            match self.associations[at] {
                "none" => {}
                "policy" => row["association"] = json!({"state": "associated"}),
                "associated" => {
                    row["association"] = json!({"table": table, "state": "associated"});
                }
                "associating" => {
                    row["association"] = json!({"table": table, "state": "associating"});
                }
                other => row["association"] = json!({"table": other, "state": "associated"}),
            }
            row
        };
        if !self.listed {
            return json!({"attachments": [attachment(0, "vpc-1", "111122223333")], "tables": []});
        }
        let tables = self.tables.iter().enumerate().map(|(at, routes)| {
            // One static and one announced route to a destination.
            let mut taken = Vec::new();
            let rows = routes.iter().filter_map(|it| {
                let key = (it.to, it.propagated);
                if taken.contains(&key) {
                    return None;
                }
                taken.push(key);
                let via = [it.via].into_iter().filter(|via| !via.is_empty() && it.state != "blackhole");
                Some(json!({
                    "to": {"cidr": it.to}, "state": it.state, "propagated": it.propagated,
                    "via": via.collect::<Vec<_>>(),
                }))
            });
            let rows: Vec<Value> = rows.collect();
            json!({"id": format!("tgw-rtb-{at}"), "default_propagation": self.default && at == 0, "routes": rows})
        });
        json!({
            "attachments": [
                attachment(0, "vpc-1", "111122223333"),
                attachment(1, "vpc-2", owner),
                {"id": "tgw-attach-vpn"},
            ],
            "tables": tables.collect::<Vec<_>>(),
        })
    }

    /// The VPC for egress.
    fn describe(&self, facts: &mut Value, hub: Option<&Hub>) {
        let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1a"];
        for (at, zone) in zones.iter().enumerate() {
            facts["subnets"][format!("subnet-e{at}")] = json!({
                "vpc": "vpc-2", "owner": "111122223333", "availability_zone": zone,
                "cidr": format!("10.9.{at}.0/24"),
            });
        }
        let mut attachment_subnets = vec!["subnet-e1"];
        if self.near {
            attachment_subnets.push(if self.same { "subnet-e2" } else { "subnet-e0" });
        }
        facts["transit_gateway_attachments"]["vpc-2"] = json!([{
            "id": "tgw-attach-2", "transit_gateway": "tgw-1", "state": "available", "subnets": attachment_subnets,
        }]);
        let route = |to: &str, via: &str| match via {
            "" => None,
            "blackhole" => Some(json!({"to": {"cidr": to}, "via": "eni-0", "state": "blackhole"})),
            via => Some(json!({"to": {"cidr": to}, "via": via, "state": "active"})),
        };
        let table = |id: &str, main, subnets: &[&str], more: [Option<Value>; 2]| {
            let mut routes =
                vec![json!({"to": {"cidr": "10.9.0.0/16"}, "via": "local", "state": "active"})];
            routes.extend(more.into_iter().flatten());
            json!({"id": id, "main": main, "subnets": subnets, "routes": routes})
        };
        let [foot, out, back] = self.routes;
        facts["route_tables"]["vpc-2"] = json!([
            table(
                "rtb-e0",
                true,
                &[],
                [route("0.0.0.0/0", foot), hub.and_then(|hub| route("10.0.0.0/16", hub.back))]
            ),
            table(
                "rtb-e2",
                false,
                &["subnet-e2"],
                [route("0.0.0.0/0", out), route("10.0.0.0/8", back)]
            ),
        ]);
        facts["network_acls"]["vpc-2"] = json!([
            {"id": "acl-e0", "default": true, "subnets": ["subnet-e0", "subnet-e1"], "entries": entry_rows(&self.acls[0])},
            {"id": "acl-e2", "default": false, "subnets": ["subnet-e2"], "entries": entry_rows(&self.acls[1])},
        ]);
        let gateways = self.igw.then(|| json!({"id": "igw-e", "state": "available"}));
        facts["internet_gateways"]["vpc-2"] = json!(gateways.into_iter().collect::<Vec<_>>());
        facts["endpoints"]["vpc-2"] = json!([]);
        facts["nat_gateways"]["nat-e"] =
            json!({"state": self.nat, "connectivity": self.connectivity, "subnet": "subnet-e2"});
    }
}

impl Zone {
    /// The service's record, if the zone is for it.
    fn record(&self) -> Option<Value> {
        let service =
            ["ssm", "s3"].into_iter().find(|it| self.name.starts_with(it)).unwrap_or("ssm");
        let name = format!("{service}.eu-west-1.amazonaws.com");
        let address = self.address.filter(|_| name.ends_with(self.name))?;
        Some(json!({"name": name, "kind": "A", "values": [address]}))
    }
}

fn groups(all: &[usize]) -> Vec<String> {
    let mut all: Vec<String> = all.iter().map(|it| format!("sg-{it}")).collect();
    all.dedup();
    all
}

fn route_row(to: &Value, via: &str, state: &str, propagated: bool) -> Value {
    json!({"to": to, "via": via, "state": state, "propagated": propagated})
}

fn entry_rows(entries: &[Entry]) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    // A number is taken once in each direction.
    for entry in entries {
        let taken =
            rows.iter().any(|it| it["number"] == entry.number && it["egress"] == entry.egress);
        if !taken {
            rows.push(json!({
                "number": entry.number, "egress": entry.egress, "allow": entry.allow,
                "traffic": traffic_row(entry.traffic), "peer": {"cidr": entry.peer},
            }));
        }
    }
    let ends = [
        (false, 32767, "0.0.0.0/0"),
        (true, 32767, "0.0.0.0/0"),
        (false, 32768, "::/0"),
        (true, 32768, "::/0"),
    ];
    for (egress, number, peer) in ends {
        rows.push(json!({"number": number, "egress": egress, "allow": false, "traffic": "all", "peer": {"cidr": peer}}));
    }
    // Nor does AWS promise to list them in order.
    rows.reverse();
    rows
}

fn traffic_row(traffic: Traffic) -> Value {
    match traffic {
        Traffic::All => json!("all"),
        Traffic::Tcp(low, high) => json!({"tcp": [low, high]}),
        Traffic::Udp(low, high) => json!({"udp": [low, high]}),
        Traffic::Other(protocol) => json!({"other": protocol}),
    }
}

fn group_row(group: &Group) -> Value {
    let rules = |all: &[Rule]| -> Vec<Value> {
        let rows = all.iter().map(|it| {
            let peer = match it.peer {
                Peer::Cidr(cidr) => json!({"cidr": cidr}),
                Peer::Group(at) => json!({"group": format!("sg-{at}")}),
                Peer::List(at) => json!({"list": format!("pl-{at}")}),
                Peer::Unreadable => json!({"unreadable": "something new"}),
            };
            json!({"traffic": traffic_row(it.traffic), "peer": peer})
        });
        rows.collect()
    };
    json!({"ingress": rules(&group.ingress), "egress": rules(&group.egress)})
}

fn nat_row(at: usize, nat: &Nat) -> Value {
    let mut row = json!({"state": nat.state, "connectivity": nat.connectivity});
    if nat.connectivity == "public" {
        row["public_ips"] = json!([format!("54.20.0.{at}")]);
    }
    if let Some(subnet) = nat.subnet {
        row["subnet"] = json!(format!("subnet-{subnet}"));
    }
    row
}
