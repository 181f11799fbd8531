//! The kinds of hop that a path can have.

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// What a hop is, in the order in which packets meet them. One check speaks for each kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum HopKind { $($(#[$doc])* $kind,)* }

        impl HopKind {
            pub const ALL: &[Self] = &[$(Self::$kind),*];
        }
    };
}

kinds! {
    /// May the instance send queries to DNS servers that are not Amazon's?
    NameQuery,
    /// What such a server answers.
    NameServer,
    /// The VPC's two DNS attributes.
    VpcDns,
    DnsFirewall,
    ResolverRule,
    /// A private hosted zone that decides what the name resolves to.
    HostedZone,
    /// An endpoint's private DNS names.
    PrivateDns,
    InstanceGroup,
    Acl,
    /// Only some replies pass: nothing is stopped, but some connections fail.
    SomeReplies,
    /// Is there any route at all?
    Route,
    /// Does the route's target exist, and is the path beyond it visible?
    NextHop,
    /// Something that may stop packets, and AWS does not show whether it does.
    Appliance,
    /// A Network Firewall, by its rules.
    Firewall,
    InternetGateway,
    PublicAccess,
    PublicAddress,
    NatGateway,
    NatInstance,
    Peering,
    /// The VPC's attachment to a transit gateway.
    TransitGateway,
    /// What a transit gateway's own route tables say.
    TransitRoute,
    /// Does the endpoint have an address of the instance's family?
    AddressType,
    /// State and interfaces of an endpoint.
    Endpoint,
    EndpointGroup,
}

impl HopKind {
    /// Does such a hop never stop every packet, whatever its answer?
    #[must_use]
    pub fn is_remark(self) -> bool {
        matches!(self, Self::SomeReplies | Self::Appliance)
    }
}
