//! Needs in, calls out: which call answers which need, and which needs share a call.
//!
//! Adding a fact: one arm in [`Account::job`].

use std::collections::BTreeSet;

use ssm_doctor_facts::{
    iam::Question,
    ids::{
        Arn, InstanceId, NatGatewayId, NetworkInterfaceId, RoleName, SecurityGroupId, SubnetId,
        VpcId,
    },
    lookup::{Facts, Need, Row},
};

use super::{
    Account,
    ec2::{VpcLists, foreign_nat_gateways},
    iam,
    shared::{Owner, Shared},
    ssm,
};
use crate::collect::{job::Job, known::our_account};

/// Needs that one call answers for several of them.
#[derive(Default)]
struct Batches {
    instances: BTreeSet<InstanceId>,
    statuses: BTreeSet<InstanceId>,
    roles: BTreeSet<RoleName>,
    questions: BTreeSet<Question>,
    /// Whose policies may be asked for next.
    owners: BTreeSet<Owner>,
    /// VPCs whose parts are listed.
    vpcs: BTreeSet<VpcId>,
    /// VPCs of which it is asked what decides the answers of their DNS resolver.
    resolving: BTreeSet<VpcId>,
    parts: Parts,
    workstation: Vec<Need>,
}

/// Parts of VPCs that were asked for by id.
#[derive(Clone, Default)]
struct Parts {
    subnets: BTreeSet<SubnetId>,
    groups: BTreeSet<SecurityGroupId>,
    interfaces: BTreeSet<NetworkInterfaceId>,
    nats: BTreeSet<NatGatewayId>,
}

impl Parts {
    fn is_empty(&self) -> bool {
        self.subnets.is_empty()
            && self.groups.is_empty()
            && self.interfaces.is_empty()
            && self.nats.is_empty()
    }
}

/// Puts a need off until all that share its call are known.
fn put<T: Ord>(batch: &mut BTreeSet<T>, item: T) -> Option<Job> {
    batch.insert(item);
    None
}

impl Account {
    /// The calls that answer `needs`, to be run at once. None of them fails. What its VPC's list lacks gets
    /// no row: to ask for it again is to ask for it by id.
    #[must_use]
    pub fn jobs(&self, needs: BTreeSet<Need>, facts: &Facts, shared: &Shared) -> Vec<Job> {
        let mut batches = Batches::default();
        let mut jobs: Vec<Job> = Vec::new();
        for need in needs {
            jobs.extend(self.job(need, facts, shared, &mut batches));
        }
        jobs.extend(self.batched(batches, facts, shared));
        jobs
    }

    /// The call that answers `need`, unless it is put into `batches`.
    fn job(
        &self,
        need: Need,
        facts: &Facts,
        shared: &Shared,
        batches: &mut Batches,
    ) -> Option<Job> {
        let Self { ec2, iam, ssm, s3, kms, organizations, .. } = self;
        let (zones, profiles, resolver) =
            (&self.route53, &self.route53profiles, &self.route53resolver);
        let firewalls = &self.networkfirewall;
        let (temporary, region) = (self.temporary, || self.region.clone());
        let shared = || shared.clone();
        match need {
            Need::caller(_) => Some(self.sts.job(move |sts| sts.caller(temporary))),

            Need::instance(id) => put(&mut batches.instances, id),
            Need::instance_status(id) => put(&mut batches.statuses, id),
            Need::elsewhere(id) => {
                Some(ec2.job(|ec2| ec2.elsewhere(id, region(), self.config.clone())))
            }
            Need::vpc(id)
            | Need::route_tables(id)
            | Need::network_acls(id)
            | Need::endpoints(id)
            | Need::internet_gateways(id) => put(&mut batches.vpcs, id),
            Need::vpc_dns(id)
            | Need::hosted_zones(id)
            | Need::resolver_rules(id)
            | Need::firewall_groups(id)
            | Need::profiles(id) => {
                batches.resolving.insert(id.clone());
                put(&mut batches.vpcs, id)
            }
            Need::subnet(id) => put(&mut batches.parts.subnets, id),
            Need::nat_gateway(id) => put(&mut batches.parts.nats, id),
            Need::security_group(id) => put(&mut batches.parts.groups, id),
            Need::network_interface(id) => put(&mut batches.parts.interfaces, id),
            Need::dhcp_options(id) => Some(ec2.job(|ec2| ec2.dhcp_options(id))),
            Need::egress_only_gateways(vpc) => Some(ec2.job(|ec2| ec2.egress_only_gateways(vpc))),
            Need::peering(id) => Some(ec2.job(|ec2| ec2.peering(id))),
            Need::transit_gateway_attachments(vpc) => {
                Some(ec2.job(|ec2| ec2.transit_gateway_attachments(vpc)))
            }
            Need::transit_gateway(id) => Some(ec2.job(|ec2| ec2.transit_gateway(id))),
            Need::public_access_block(region) => {
                Some(ec2.job(|ec2| ec2.public_access_block(region)))
            }
            Need::service_endpoints(name) => Some(ec2.job(|ec2| ec2.service_endpoints(name))),
            Need::endpoint_service(name) => Some(ec2.job(|ec2| ec2.endpoint_service(name))),
            Need::prefix_list(id) => Some(ec2.job(|ec2| ec2.prefix_list(id))),
            Need::interface_at(place) => Some(ec2.job(|ec2| ec2.interface_at(place))),
            Need::distant_endpoint(id) => Some(ec2.job(|ec2| ec2.distant_endpoint(id))),
            Need::console(id) => Some(ec2.job(|ec2| ec2.console(id))),
            Need::user_data(id) => Some(ec2.job(|ec2| ec2.user_data(id))),
            // Its interface, subnet and VPC are in the instance's row.
            Need::flow_logs(id) => {
                let instance = facts.instances.get(&id).and_then(Row::present).cloned();
                Some(ec2.job(|ec2| ec2.flow_logs(id, instance)))
            }
            Need::profile_association(id) => Some(ec2.job(|ec2| ec2.profile_association(id))),
            Need::image(id) => Some(ec2.job(|ec2| ec2.image(id))),
            Need::connect_endpoints(vpc) => Some(ec2.job(|ec2| ec2.connect_endpoints(vpc))),
            Need::serial_console(region) => Some(ec2.job(|ec2| ec2.serial_console(region))),

            Need::vpn_connections(id) => Some(ec2.job(|ec2| ec2.vpn_connections(id))),
            Need::events(search) => {
                let turn = self.turn.clone();
                Some(self.cloudtrail.job(|trail| trail.events(search, region(), turn)))
            }

            Need::metrics(id) => Some(self.cloudwatch.job(|watch| watch.metrics(id))),

            Need::network_firewalls(vpc) => {
                let known = known_inspection(facts);
                Some(firewalls.job(|firewalls| firewalls.firewalls(vpc, known, region())))
            }
            Need::network_firewall_policy(arn) => {
                let known = known_inspection(facts);
                Some(firewalls.job(|firewalls| firewalls.policy(arn, known, region())))
            }
            Need::rule_group(arn) => {
                Some(firewalls.job(|firewalls| firewalls.rule_group(arn, region())))
            }

            Need::role(name) | Need::role_tags(name) => put(&mut batches.roles, name),
            Need::simulation(question) => {
                batches.owners.extend(Owner::principal(&question.principal));
                put(&mut batches.questions, question)
            }
            Need::instance_profile(name) => Some(iam.job(|iam| iam.instance_profile(name))),
            Need::user(name) => {
                batches.owners.insert(Owner::User(name.clone()));
                Some(iam.job(|iam| iam.user(name, shared())))
            }
            Need::role_policies(name) => {
                Some(iam.job(|iam| iam.role_policies(name, known_policies(facts), shared())))
            }
            Need::user_policies(name) => {
                Some(iam.job(|iam| iam.user_policies(name, known_policies(facts), shared())))
            }
            Need::group_policies(name) => {
                Some(iam.job(|iam| iam.group_policies(name, known_policies(facts), shared())))
            }
            Need::managed_policy(arn) => Some(iam.job(|iam| iam.managed_policy(arn))),
            Need::organization(_) => {
                let account = our_account(facts).cloned();
                Some(organizations.job(|organizations| organizations.organization(account)))
            }
            Need::organization_policies(account) => {
                Some(organizations.job(|organizations| organizations.policies(account)))
            }

            Need::node(target) => Some(ssm.job(|ssm| ssm.node(target))),
            Need::connection(target) => Some(ssm.job(|ssm| ssm.connection(target))),
            Need::service_setting(id) => Some(ssm.job(move |ssm| ssm.service_setting(id))),
            Need::document(name) => Some(ssm.job(|ssm| ssm.document(name))),
            Need::resource_tags(name) => Some(ssm.job(|ssm| ssm.tags(name))),
            Need::hybrid_nodes(_) => Some(ssm.job(ssm::Ssm::hybrid_nodes)),
            Need::activation(id) => Some(ssm.job(|ssm| ssm.activation(id))),
            Need::past_sessions(target) => Some(ssm.job(|ssm| ssm.past_sessions(target))),

            Need::bucket_policy(name) => Some(s3.job(|s3| s3.bucket_policy(name))),
            Need::bucket(name) => Some(s3.job(|s3| s3.bucket(name))),
            Need::key(name) => Some(kms.job(|kms| kms.key(name))),
            Need::key_grants(arn) => Some(kms.job(|kms| kms.grants(arn))),
            Need::log_group(name) => Some(self.logs.job(|logs| logs.log_group(name))),
            Need::rejected_packets(search) => {
                let logs = facts.flow_logs.values().filter_map(Row::present).flatten();
                let mut logs = logs.filter(|log| log.id == search.log).cloned();
                let log = logs.next();
                Some(self.logs.job(|logs| logs.rejected_packets(search, log)))
            }
            Need::queries(search) => Some(self.logs.job(|logs| logs.queries(search, region()))),

            Need::hosted_zone(id) => Some(zones.job(|zones| zones.hosted_zone(id))),
            Need::zone_records(id) => Some(zones.job(|zones| zones.zone_records(id))),
            Need::query_logs(vpc) => {
                let account = our_account(facts).cloned();
                Some(resolver.job(|resolver| resolver.query_logs(vpc, account)))
            }
            Need::resolver_rule(id) => Some(resolver.job(|resolver| resolver.resolver_rule(id))),
            Need::firewall_rules(id) => Some(resolver.job(|resolver| resolver.firewall_rules(id))),
            Need::firewall_domains(id) => {
                Some(resolver.job(|resolver| resolver.firewall_domains(id, region())))
            }
            Need::profile_resources(id) => {
                Some(profiles.job(|profiles| profiles.profile_resources(id)))
            }

            // Read before collection, where it was given.
            Need::agent_log(_) | Need::probe(_) => None,

            Need::here_surroundings(_)
            | Need::here_program(_)
            | Need::here_login(_)
            | Need::here_ssh(_)
            | Need::here_name(_)
            | Need::here_contact(_) => {
                batches.workstation.push(need);
                None
            }
        }
    }

    fn batched(&self, mut batches: Batches, facts: &Facts, shared: &Shared) -> Vec<Job> {
        let (ec2, iam, shared) = (&self.ec2, &self.iam, || shared.clone());
        let mut jobs = self.workstation.jobs(batches.workstation);
        // Everything else in an instance's VPC depends on its parts, or they on it.
        if !batches.parts.is_empty() {
            let unlisted = vpcs_of_instances(facts).filter(|vpc| !is_listed(facts, vpc));
            batches.vpcs.extend(unlisted);
        }
        // Names are resolved where the instance is: of other VPCs only the ways matter.
        batches.resolving.extend(vpcs_of_instances(facts));
        if !batches.instances.is_empty() {
            jobs.push(ec2.job(|ec2| ec2.instances(batches.instances)));
        }
        if !batches.statuses.is_empty() {
            jobs.push(ec2.job(|ec2| ec2.statuses(batches.statuses)));
        }
        if batches.vpcs.is_empty() {
            jobs.extend(self.parts(batches.parts, facts));
        } else {
            for vpc in &batches.vpcs {
                jobs.extend(self.list(vpc, &batches.parts, facts));
                if batches.resolving.contains(vpc) {
                    jobs.extend(self.names_of(vpc));
                }
            }
        }
        jobs.extend(batches.roles.into_iter().map(|name| iam.job(|iam| iam.role(name, shared()))));
        let owners = batches.owners.into_iter();
        jobs.extend(owners.map(|owner| iam.job(|iam| iam.read_ahead(owner, shared()))));
        let questions = iam::batched(batches.questions).into_iter();
        jobs.extend(questions.map(|batch| iam.job(|iam| iam.simulations(batch))));
        jobs
    }

    /// A VPC, and the lists of its parts.
    fn list(&self, vpc: &VpcId, asked: &Parts, facts: &Facts) -> [Job; 9] {
        let (ec2, id, asked) = (&self.ec2, || vpc.clone(), asked.clone());
        let lists = VpcLists::new(ec2.clone(), id(), facts);
        let lists = || lists.clone();
        [
            ec2.job(|_| lists().vpc()),
            ec2.job(|_| lists().route_tables()),
            ec2.job(|_| lists().network_acls()),
            ec2.job(|_| lists().endpoints()),
            ec2.job(|_| lists().internet_gateways()),
            ec2.job(|_| lists().subnets(asked.subnets)),
            ec2.job(|ec2| ec2.security_groups_of(id(), asked.groups)),
            ec2.job(|ec2| ec2.endpoint_interfaces_of(id(), asked.interfaces)),
            ec2.job(|ec2| ec2.nat_gateways_of(id(), asked.nats)),
        ]
    }

    /// What decides the answers of a VPC's DNS resolver.
    fn names_of(&self, vpc: &VpcId) -> [Job; 5] {
        let (id, region) = (|| vpc.clone(), self.region.clone());
        [
            self.ec2.job(|ec2| ec2.vpc_dns(id())),
            self.route53.job(|zones| zones.hosted_zones(id(), region)),
            self.route53resolver.job(|resolver| resolver.resolver_rules(id())),
            self.route53resolver.job(|resolver| resolver.firewall_groups(id())),
            self.route53profiles.job(|profiles| profiles.profiles(id())),
        ]
    }

    fn parts(&self, asked: Parts, facts: &Facts) -> impl Iterator<Item = Job> {
        let (ec2, hidden) = (&self.ec2, foreign_nat_gateways(facts));
        let Parts { subnets, groups, interfaces, nats } = asked;
        let jobs = [
            (!subnets.is_empty()).then(|| ec2.job(|ec2| ec2.subnets(subnets))),
            (!groups.is_empty()).then(|| ec2.job(|ec2| ec2.security_groups(groups))),
            (!interfaces.is_empty()).then(|| ec2.job(|ec2| ec2.network_interfaces(interfaces))),
            (!nats.is_empty()).then(|| ec2.job(|ec2| ec2.nat_gateways(nats, hidden))),
        ];
        jobs.into_iter().flatten()
    }
}

/// Managed policies that need not be fetched again.
fn known_policies(facts: &Facts) -> BTreeSet<Arn> {
    facts.managed_policies.keys().cloned().collect()
}

/// Policies and rule groups of Network Firewall that need not be fetched again.
fn known_inspection(facts: &Facts) -> BTreeSet<Arn> {
    facts.network_firewall_policies.keys().chain(facts.rule_groups.keys()).cloned().collect()
}

fn is_listed(facts: &Facts, vpc: &VpcId) -> bool {
    facts.vpcs.contains_key(vpc)
        || facts.vpc_dns.contains_key(vpc)
        || facts.route_tables.contains_key(vpc)
        || facts.network_acls.contains_key(vpc)
        || facts.endpoints.contains_key(vpc)
        || facts.internet_gateways.contains_key(vpc)
}

fn vpcs_of_instances(facts: &Facts) -> impl Iterator<Item = VpcId> {
    let instances = facts.instances.values().filter_map(Row::present);
    instances.filter_map(|instance| instance.vpc.clone())
}
