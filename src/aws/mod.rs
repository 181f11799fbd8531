//! A real account: needs in, rows out, a file per service.
//!
//! Credentials, profiles, single sign-on, assumed roles, proxies and `AWS_ENDPOINT_URL` are the
//! SDK's own. Only Describe, Get, List and Simulate calls are made.
//!
//! Retries are the SDK's standard ones. Its adaptive mode shares one rate limiter in the process,
//! which after a few throttled calls delays every later one by seconds.

mod console;
mod doubt;
mod ec2;
mod iam;
mod kms;
mod logs;
mod networkfirewall;
mod organizations;
mod policies;
mod route53;
mod route53profiles;
mod route53resolver;
mod s3;
mod ssm;
mod sts;
mod watch;
mod why;

use std::{collections::BTreeSet, future::Future, pin::Pin, sync::Arc, time::Duration};

use aws_config::{
    AppName, BehaviorVersion, SdkConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_types::service_config::ServiceConfigKey;
use ssm_doctor_analysis::{
    network::service::CORE,
    permissions::actions::{CHANNELS, REGISTER, channels_of},
};
use ssm_doctor_facts::{
    ec2::TargetKind,
    iam::Question,
    ids::{
        AccountId, Arn, NatGatewayId, NetworkInterfaceId, Region, SecurityGroupId, SubnetId,
        TransitGatewayId, VpcId,
    },
    lookup::{Facts, Need, Ourselves, Row},
    scope::Scope,
    ssm::SettingId,
    time::Timestamp,
};
use tokio::sync::Semaphore;

use crate::probe::{Probe, Setup, connector, host_of};

pub use doubt::doubt;
use doubt::present;
use watch::Watch;
pub use why::printable;
use why::{cause, is_in_chain};

/// Calls of one service in flight at once: those of one VPC fit.
const IN_FLIGHT: usize = 12;

/// A provider may open a browser, run a program or wait for a token's touch.
const CREDENTIALS_WITHIN: Duration = Duration::from_mins(1);

/// Credentials with less left than this are left to the SDK to renew.
const LASTING: Duration = Duration::from_mins(15);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no Region is set: pass `--region`, or set AWS_REGION or `region` in the AWS profile")]
    NoRegion,
    #[error("{0}: pass `--region` with one such as `eu-west-1`")]
    BadRegion(String),
    #[error(
        "no AWS credentials were found: pass `--profile`, set AWS_PROFILE, or sign in with `aws sso login` or `aws configure`"
    )]
    NoCredentials,
    #[error(
        "no AWS credentials were found with profile `{0}`: sign in to it, or pass another `--profile`"
    )]
    NoCredentialsInProfile(String),
    #[error(
        "this system has no certificates that it trusts, so AWS cannot be told from others: install them (`ca-certificates`), or point SSL_CERT_FILE at them"
    )]
    NothingTrusted,
    /// A provider was found, and failed: its own words.
    #[error("no AWS credentials could be had: {0}: sign in again, or pass another `--profile`")]
    Credentials(String),
    #[error("no AWS credentials came within {} seconds: sign in, or pass another `--profile`", CREDENTIALS_WITHIN.as_secs())]
    CredentialsLate,
}

/// A client, with what every call through it shares.
#[derive(Clone)]
pub struct Service<C> {
    client: C,
    watch: Watch,
    gate: Arc<Semaphore>,
}

/// One account in one Region, as seen with one set of credentials.
pub struct Account {
    config: SdkConfig,
    region: Region,
    watch: Watch,
    ec2: ec2::Ec2,
    iam: iam::Iam,
    kms: kms::Kms,
    networkfirewall: networkfirewall::NetworkFirewalls,
    organizations: organizations::Organizations,
    route53: route53::Route53,
    route53profiles: route53profiles::Route53Profiles,
    route53resolver: route53resolver::Route53Resolver,
    logs: logs::Logs,
    s3: s3::S3,
    ssm: ssm::Ssm,
    sts: sts::Sts,
    probe: Probe,
    /// Do the credentials expire? Only those carry a session token.
    temporary: bool,
}

/// One or a few calls, and the rows they bring.
pub type Job = Pin<Box<dyn Future<Output = Facts> + Send>>;

impl Account {
    /// Finds Region and credentials as every AWS tool does. `here` is what else there is to know of the
    /// machine at hand.
    ///
    /// # Errors
    /// [`ConnectError`] without either. Whether AWS accepts the credentials is not known until the
    /// first call: see [`rejected`](Self::rejected).
    pub async fn connect(region: Option<&str>, mut here: Setup) -> Result<Self, ConnectError> {
        let seconds = Duration::from_secs;
        // The SDK panics without.
        let tls = connector().ok_or(ConnectError::NothingTrusted)?;
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(4)
                    .with_initial_backoff(Duration::from_millis(200)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(seconds(3))
                    .read_timeout(seconds(10))
                    .operation_attempt_timeout(seconds(15))
                    .operation_timeout(seconds(25))
                    .build(),
            )
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled().grace_period(seconds(5)).build(),
            );
        if let Ok(name) = AppName::new(concat!("ssm-doctor-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(profile) = &here.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = region {
            loader = loader.region(aws_config::Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let region = config.region().ok_or(ConnectError::NoRegion)?.as_ref();
        let region: Region = region.parse().map_err(|_| {
            ConnectError::BadRegion(format!("`{}` is not a Region", printable(region)))
        })?;
        let profile = here.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
        let (config, keys) = with_credentials(config, profile).await?;
        here.endpoint_override = endpoint_override(&config);
        here.dual_stack = config.use_dual_stack().unwrap_or_default();
        here.fips = config.use_fips().unwrap_or_default();
        here.ends_at = keys.ends_at;
        Ok(Self::new(config, region, Probe::new(here, tls), keys.temporary))
    }

    fn new(config: SdkConfig, region: Region, probe: Probe, temporary: bool) -> Self {
        let watch = Watch::default();
        macro_rules! service {
            ($sdk:ident $(, $set:ident($value:expr))?) => {{
                let builder = $sdk::config::Builder::from(&config).interceptor(watch.clone());
                $(let builder = builder.$set($value);)?
                Service {
                    client: $sdk::Client::from_conf(builder.build()),
                    watch: watch.clone(),
                    gate: Arc::new(Semaphore::new(IN_FLIGHT)),
                }
            }};
        }
        Self {
            region,
            ec2: service!(aws_sdk_ec2),
            iam: service!(aws_sdk_iam),
            kms: service!(aws_sdk_kms),
            networkfirewall: service!(aws_sdk_networkfirewall),
            organizations: service!(aws_sdk_organizations),
            route53: service!(aws_sdk_route53),
            route53profiles: service!(aws_sdk_route53profiles),
            route53resolver: service!(aws_sdk_route53resolver),
            logs: service!(aws_sdk_cloudwatchlogs),
            // A stand-in for AWS rarely answers to `<bucket>.<its host>`.
            s3: service!(aws_sdk_s3, force_path_style(config.endpoint_url().is_some())),
            ssm: service!(aws_sdk_ssm),
            sts: service!(aws_sdk_sts),
            watch,
            config,
            probe,
            temporary,
        }
    }

    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Requests sent so far.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.watch.requests()
    }

    /// AWS's words, if it rejected the credentials as such: expired, deleted, or wrongly copied.
    #[must_use]
    pub fn rejected(&self) -> Option<&str> {
        self.watch.rejected()
    }

    /// The calls that answer `needs` and what lies beside them, to be run at once. None of them
    /// fails. What its VPC's list lacks gets no row: to ask for it again is to ask for it by id.
    #[must_use]
    pub fn jobs(&self, needs: BTreeSet<Need>, facts: &Facts, scope: &Scope) -> Vec<Job> {
        let needs = with_neighbours(needs, facts, scope);
        let mut jobs = Vec::new();
        let (mut sweeps, mut named) = (BTreeSet::new(), BTreeSet::new());
        let (mut instances, mut statuses) = (BTreeSet::new(), BTreeSet::new());
        let mut parts = Parts::default();
        let mut questions = BTreeSet::new();
        let mut here = Vec::new();
        for need in needs {
            let (ec2, iam, ssm) = (&self.ec2, &self.iam, &self.ssm);
            let (zones, resolver) = (&self.route53, &self.route53resolver);
            match need {
                Need::caller(_) => {
                    let temporary = self.temporary;
                    jobs.push(self.sts.job(move |it| it.caller(temporary)));
                }
                Need::instance(id) => _ = instances.insert(id),
                Need::instance_status(id) => _ = statuses.insert(id),
                Need::elsewhere(id) => {
                    let (here, config) = (self.region.clone(), self.config.clone());
                    jobs.push(ec2.job(|it| it.elsewhere(id, here, config)));
                }
                Need::vpc(id)
                | Need::route_tables(id)
                | Need::network_acls(id)
                | Need::endpoints(id)
                | Need::internet_gateways(id) => _ = sweeps.insert(id),
                Need::vpc_dns(id)
                | Need::hosted_zones(id)
                | Need::resolver_rules(id)
                | Need::firewall_groups(id)
                | Need::profiles(id) => {
                    named.insert(id.clone());
                    sweeps.insert(id);
                }
                Need::dhcp_options(id) => jobs.push(ec2.job(|it| it.dhcp_options(id))),
                Need::subnet(id) => _ = parts.subnets.insert(id),
                Need::nat_gateway(id) => _ = parts.nats.insert(id),
                Need::security_group(id) => _ = parts.groups.insert(id),
                Need::network_interface(id) => _ = parts.interfaces.insert(id),
                Need::egress_only_gateways(vpc) => {
                    jobs.push(ec2.job(|it| it.egress_only_gateways(vpc)));
                }
                Need::peering(id) => jobs.push(ec2.job(|it| it.peering(id))),
                Need::transit_gateway_attachments(vpc) => {
                    jobs.push(ec2.job(|it| it.transit_gateway_attachments(vpc)));
                }
                Need::transit_gateway(id) => jobs.push(ec2.job(|it| it.transit_gateway(id))),
                Need::network_firewalls(vpc) => {
                    let (known, region) = (known_inspection(facts), self.region.clone());
                    let job = self.networkfirewall.job(|it| it.firewalls(vpc, known, region));
                    jobs.push(job);
                }
                Need::network_firewall_policy(arn) => {
                    let (known, region) = (known_inspection(facts), self.region.clone());
                    jobs.push(self.networkfirewall.job(|it| it.policy(arn, known, region)));
                }
                Need::rule_group(arn) => {
                    let region = self.region.clone();
                    jobs.push(self.networkfirewall.job(|it| it.rule_group(arn, region)));
                }
                Need::public_access_block(region) => {
                    jobs.push(ec2.job(|it| it.public_access_block(region)));
                }
                Need::service_endpoints(name) => {
                    jobs.push(ec2.job(|it| it.service_endpoints(name)));
                }
                Need::prefix_list(id) => jobs.push(ec2.job(|it| it.prefix_list(id))),
                Need::instance_profile(name) => jobs.push(iam.job(|it| it.instance_profile(name))),
                Need::role(name) => jobs.push(iam.job(|it| it.role(name))),
                Need::user(name) => jobs.push(iam.job(|it| it.user(name))),
                Need::simulation(question) => _ = questions.insert(question),
                Need::node(target) => jobs.push(ssm.job(|it| it.node(target))),
                Need::connection(target) => jobs.push(ssm.job(|it| it.connection(target))),
                Need::service_setting(id) => jobs.push(ssm.job(move |it| it.service_setting(id))),
                Need::document(name) => jobs.push(ssm.job(|it| it.document(name))),
                Need::bucket_policy(name) => jobs.push(self.s3.job(|it| it.bucket_policy(name))),
                Need::key(name) => jobs.push(self.kms.job(|it| it.key(name))),
                Need::key_grants(arn) => jobs.push(self.kms.job(|it| it.grants(arn))),
                Need::role_policies(name) => {
                    let known = known_policies(facts);
                    jobs.push(iam.job(|it| it.role_policies(name, known)));
                }
                Need::user_policies(name) => {
                    let known = known_policies(facts);
                    jobs.push(iam.job(|it| it.user_policies(name, known)));
                }
                Need::group_policies(name) => {
                    let known = known_policies(facts);
                    jobs.push(iam.job(|it| it.group_policies(name, known)));
                }
                Need::managed_policy(arn) => jobs.push(iam.job(|it| it.managed_policy(arn))),
                Need::organization(_) => {
                    let account = our_account(facts);
                    jobs.push(self.organizations.job(|it| it.organization(account)));
                }
                Need::organization_policies(account) => {
                    jobs.push(self.organizations.job(|it| it.policies(account)));
                }
                Need::resource_tags(name) => jobs.push(ssm.job(|it| it.tags(name))),
                Need::interface_at(place) => jobs.push(ec2.job(|it| it.interface_at(place))),
                Need::distant_endpoint(id) => jobs.push(ec2.job(|it| it.distant_endpoint(id))),
                Need::hosted_zone(id) => jobs.push(zones.job(|it| it.hosted_zone(id))),
                Need::zone_records(id) => jobs.push(zones.job(|it| it.zone_records(id))),
                Need::resolver_rule(id) => jobs.push(resolver.job(|it| it.resolver_rule(id))),
                Need::firewall_rules(id) => jobs.push(resolver.job(|it| it.firewall_rules(id))),
                Need::firewall_domains(id) => {
                    let region = self.region.clone();
                    jobs.push(resolver.job(|it| it.firewall_domains(id, region)));
                }
                Need::profile_resources(id) => {
                    jobs.push(self.route53profiles.job(|it| it.profile_resources(id)));
                }
                Need::log_group(name) => jobs.push(self.logs.job(|it| it.log_group(name))),
                Need::bucket(name) => jobs.push(self.s3.job(|it| it.bucket(name))),
                Need::console(id) => jobs.push(ec2.job(|it| it.console(id))),
                Need::profile_association(id) => {
                    jobs.push(ec2.job(|it| it.profile_association(id)));
                }
                Need::hybrid_nodes(_) => jobs.push(ssm.job(ssm::Ssm::hybrid_nodes)),
                Need::activation(id) => jobs.push(ssm.job(|it| it.activation(id))),
                Need::past_sessions(target) => jobs.push(ssm.job(|it| it.past_sessions(target))),
                Need::image(id) => jobs.push(ec2.job(|it| it.image(id))),
                Need::connect_endpoints(vpc) => {
                    jobs.push(ec2.job(|it| it.connect_endpoints(vpc)));
                }
                Need::serial_console(region) => {
                    jobs.push(ec2.job(|it| it.serial_console(region)));
                }
                Need::here_surroundings(_)
                | Need::here_program(_)
                | Need::here_login(_)
                | Need::here_ssh(_)
                | Need::here_name(_)
                | Need::here_contact(_) => here.push(need),
            }
        }
        jobs.extend(self.probe.jobs(here));
        // Everything else in an instance's VPC hangs on these, or they on it.
        if !parts.is_empty() {
            sweeps.extend(vpcs_of_instances(facts).filter(|it| !is_swept(facts, it)));
        }
        // Names are resolved where the instance is: of other VPCs only the ways matter.
        named.extend(vpcs_of_instances(facts));
        if !instances.is_empty() {
            jobs.push(self.ec2.job(|it| it.instances(instances)));
        }
        if !statuses.is_empty() {
            jobs.push(self.ec2.job(|it| it.statuses(statuses)));
        }
        if sweeps.is_empty() {
            jobs.extend(self.by_id(parts));
        } else {
            for vpc in &sweeps {
                jobs.extend(self.sweep(vpc, &parts));
                if named.contains(vpc) {
                    jobs.extend(self.names_of(vpc));
                }
            }
        }
        if !questions.is_empty() {
            let (facts, scope) = (Arc::new(facts.clone()), Arc::new(scope.clone()));
            for batch in iam::batched(questions, &facts, &scope) {
                let (facts, scope) = (facts.clone(), scope.clone());
                jobs.push(self.iam.job(|it| it.simulations(batch, facts, scope)));
            }
        }
        jobs
    }

    /// A VPC, and all ways in it.
    fn sweep(&self, vpc: &VpcId, asked: &Parts) -> [Job; 9] {
        let (ec2, id, asked) = (&self.ec2, || vpc.clone(), asked.clone());
        [
            ec2.job(|it| it.vpc(id())),
            ec2.job(|it| it.route_tables(id())),
            ec2.job(|it| it.network_acls(id())),
            ec2.job(|it| it.endpoints(id())),
            ec2.job(|it| it.internet_gateways(id())),
            ec2.job(|it| it.subnets_of(id(), asked.subnets)),
            ec2.job(|it| it.security_groups_of(id(), asked.groups)),
            ec2.job(|it| it.endpoint_interfaces_of(id(), asked.interfaces)),
            ec2.job(|it| it.nat_gateways_of(id(), asked.nats)),
        ]
    }

    /// What decides where names lead in it.
    fn names_of(&self, vpc: &VpcId) -> [Job; 5] {
        let (id, region) = (|| vpc.clone(), self.region.clone());
        [
            self.ec2.job(|it| it.vpc_dns(id())),
            self.route53.job(|it| it.hosted_zones(id(), region)),
            self.route53resolver.job(|it| it.resolver_rules(id())),
            self.route53resolver.job(|it| it.firewall_groups(id())),
            self.route53profiles.job(|it| it.profiles(id())),
        ]
    }

    fn by_id(&self, asked: Parts) -> impl Iterator<Item = Job> {
        let ec2 = &self.ec2;
        let Parts { subnets, groups, interfaces, nats } = asked;
        let jobs = [
            (!subnets.is_empty()).then(|| ec2.job(|it| it.subnets(subnets))),
            (!groups.is_empty()).then(|| ec2.job(|it| it.security_groups(groups))),
            (!interfaces.is_empty()).then(|| ec2.job(|it| it.network_interfaces(interfaces))),
            (!nats.is_empty()).then(|| ec2.job(|it| it.nat_gateways(nats))),
        ];
        jobs.into_iter().flatten()
    }
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

impl<C: Clone + Send + Sync + 'static> Service<C> {
    /// `work` on a clone of this service, once its turn comes.
    fn job<W>(&self, work: impl FnOnce(Self) -> W) -> Job
    where
        W: Future<Output = Facts> + Send + 'static,
    {
        let (gate, work) = (self.gate.clone(), work(self.clone()));
        Box::pin(async move {
            let _permit = gate.acquire().await;
            work.await
        })
    }
}

/// What is about to be needed and can be asked already.
fn with_neighbours(mut needs: BTreeSet<Need>, facts: &Facts, scope: &Scope) -> BTreeSet<Need> {
    let host_management = Need::service_setting(SettingId::DefaultHostManagementRole);
    if needs.iter().any(|it| matches!(it, Need::instance(_))) && !facts.has(&host_management) {
        needs.insert(host_management);
    }
    // Whether a role may register decides whether the agent uses it, and then its channels count.
    let registering: Vec<_> = needs
        .iter()
        .filter_map(|it| match it {
            Need::simulation(it) if it.action == REGISTER => Some(it.principal.clone()),
            _ => None,
        })
        .collect();
    for principal in registering {
        needs.extend(CHANNELS.iter().map(|action| {
            Need::simulation(Question {
                principal: principal.clone(),
                action: (*action).into(),
                resource: channels_of(&principal, scope),
            })
        }));
    }
    // What no policy allows a grant of the key may.
    let keys = needs.iter().filter_map(|it| match it {
        Need::simulation(it) if it.action.starts_with("kms:") => it.resource.parse().ok(),
        _ => None,
    });
    let grants: Vec<_> = keys.map(Need::key_grants).filter(|it| !facts.has(it)).collect();
    needs.extend(grants);
    // A zone may lead to endpoints of a hub VPC, whose own settings then count.
    if needs.iter().any(|it| matches!(it, Need::zone_records(_))) {
        needs.extend(CORE.iter().filter_map(|service| {
            let need = Need::service_endpoints(scope.region.endpoint_service(service));
            (!facts.has(&need)).then_some(need)
        }));
    }
    let unseen = |need: &Need| !facts.has(need);
    let (hubs, doors) = hubs(facts);
    // Where a transit gateway is on the way its tables decide, and the VPCs that have a foot on it: one for
    // egress, or a hub.
    let mut crossed: BTreeSet<VpcId> = needs
        .iter()
        .filter_map(|it| match it {
            Need::transit_gateway_attachments(vpc) => Some(vpc.clone()),
            _ => None,
        })
        .chain(crossing(facts, scope))
        .collect();
    // One setting of the Region shuts every gateway, and matters wherever a route leads to one, as it does in
    // a VPC for egress.
    let egress = |it: &VpcId| !facts.route_tables.contains_key(it) && !hubs.contains(it);
    if !needs.is_empty() && leads_out(facts) || crossed.iter().any(egress) {
        needs.extend(Some(Need::public_access_block(scope.region.clone())).filter(unseen));
    }
    if !crossed.is_empty() {
        needs.extend(transit_gateways(facts).map(Need::transit_gateway).filter(unseen));
        crossed.extend(hubs.iter().cloned());
        needs.extend(crossed.iter().cloned().map(Need::transit_gateway_attachments).filter(unseen));
    }
    needs.extend(hubs.into_iter().chain(crossed).map(Need::route_tables).filter(unseen));
    needs.extend(doors.into_iter().map(Need::network_interface).filter(unseen));
    // The roles that an agent may have from Systems Manager, by name or by path and name.
    let setting = facts.service_settings.get(&SettingId::DefaultHostManagementRole);
    let nodes = facts.nodes.values();
    let roles =
        nodes.filter_map(|it| if let Row::Present(it) = it { it.role.as_deref() } else { None });
    let setting = setting
        .and_then(|it| if let Row::Present(it) = it { Some(it.value.as_str()) } else { None });
    for raw in roles.chain(setting.filter(|it| !it.starts_with('$'))) {
        if let Ok(name) = raw.rsplit('/').next().unwrap_or(raw).parse()
            && !facts.roles.contains_key(&name)
        {
            needs.insert(Need::role(name));
        }
    }
    needs
}

/// Managed policies that need not be fetched again.
fn known_policies(facts: &Facts) -> BTreeSet<Arn> {
    facts.managed_policies.keys().cloned().collect()
}

/// Policies and rule groups of Network Firewall that need not be fetched again.
fn known_inspection(facts: &Facts) -> BTreeSet<Arn> {
    facts.network_firewall_policies.keys().chain(facts.rule_groups.keys()).cloned().collect()
}

fn our_account(facts: &Facts) -> Option<AccountId> {
    let caller = facts.caller.get(&Ourselves::Us)?;
    if let Row::Present(it) = caller { Some(it.account.clone()) } else { None }
}

/// What the routes lead to.
fn targets(facts: &Facts) -> impl Iterator<Item = TargetKind> {
    let listed = facts.route_tables.values().filter_map(|it| present(Some(it)));
    listed.flatten().flat_map(|it| &it.routes).map(|it| it.via.kind())
}

fn transit_gateways(facts: &Facts) -> impl Iterator<Item = TransitGatewayId> {
    targets(facts).filter_map(|it| match it {
        TargetKind::TransitGateway(id) => Some(id),
        _ => None,
    })
}

/// The VPC of the instance, if its packets may well leave by a transit gateway: it has a route to one, and no
/// endpoint of its own for Systems Manager.
fn crossing(facts: &Facts, scope: &Scope) -> Option<VpcId> {
    let vpc = present(facts.instances.get(scope.target.instance()?))?.vpc.as_ref()?;
    let endpoints = present(facts.endpoints.get(vpc))?;
    let served = endpoints.iter().any(|it| it.serves(&scope.region) == Some("ssm"));
    let tables = present(facts.route_tables.get(vpc))?;
    let mut routes = tables.iter().flat_map(|it| &it.routes);
    let leaves = routes.any(|it| matches!(it.via.kind(), TargetKind::TransitGateway(_)));
    (leaves && !served).then(|| vpc.clone())
}

/// Is there a route to a gateway to the internet?
fn leads_out(facts: &Facts) -> bool {
    targets(facts).any(|it| {
        matches!(
            it,
            TargetKind::InternetGateway(_)
                | TargetKind::EgressOnlyGateway(_)
                | TargetKind::NatGateway(_)
        )
    })
}

/// More VPCs with endpoints of their own than this are no hubs.
const HUBS: usize = 3;

/// The other VPCs that have endpoints of our services, and those endpoints' interfaces, where they are
/// so few that they must be shared.
fn hubs(facts: &Facts) -> (BTreeSet<VpcId>, BTreeSet<NetworkInterfaceId>) {
    let ours: BTreeSet<VpcId> = vpcs_of_instances(facts).collect();
    let rows = facts.service_endpoints.values();
    let listed = rows.filter_map(|it| if let Row::Present(it) = it { Some(it) } else { None });
    let others = || {
        listed.clone().flatten().filter(|it| it.vpc.as_ref().is_some_and(|it| !ours.contains(it)))
    };
    let vpcs: BTreeSet<VpcId> = others().filter_map(|it| it.vpc.clone()).collect();
    if vpcs.len() > HUBS {
        return (BTreeSet::new(), BTreeSet::new());
    }
    (vpcs, others().flat_map(|it| it.interfaces.iter().cloned()).collect())
}

fn is_swept(facts: &Facts, vpc: &VpcId) -> bool {
    facts.vpcs.contains_key(vpc)
        || facts.vpc_dns.contains_key(vpc)
        || facts.route_tables.contains_key(vpc)
        || facts.network_acls.contains_key(vpc)
        || facts.endpoints.contains_key(vpc)
        || facts.internet_gateways.contains_key(vpc)
}

fn vpcs_of_instances(facts: &Facts) -> impl Iterator<Item = VpcId> {
    facts
        .instances
        .values()
        .filter_map(|it| if let Row::Present(it) = it { it.vpc.clone() } else { None })
}

/// What is known of the credentials in use.
struct Keys {
    ends_at: Option<Timestamp>,
    temporary: bool,
}

/// Resolves the credentials once, before anything is asked with them.
///
/// They are then fixed, where they last: a program or a token that has to be touched for each
/// resolution would else be troubled twice.
async fn with_credentials(
    config: SdkConfig,
    profile: Option<String>,
) -> Result<(SdkConfig, Keys), ConnectError> {
    let provider = config.credentials_provider().ok_or(ConnectError::NoCredentials)?;
    let credentials = tokio::time::timeout(CREDENTIALS_WITHIN, provider.provide_credentials())
        .await
        .map_err(|_| ConnectError::CredentialsLate)?
        .map_err(|it| match profile {
            _ if !is_in_chain(&it, "CredentialsNotLoaded") => {
                let words = printable(&cause(&it));
                ConnectError::Credentials(words.trim_end_matches(['.', ':', ' ']).to_owned())
            }
            Some(profile) if !profile.is_empty() => {
                ConnectError::NoCredentialsInProfile(printable(&profile))
            }
            _ => ConnectError::NoCredentials,
        })?;
    let ends_at = credentials.expiry().and_then(|it| {
        let since = it.duration_since(std::time::UNIX_EPOCH).ok()?;
        Timestamp::from_second(since.as_secs().try_into().ok()?)
    });
    let keys = Keys { ends_at, temporary: credentials.session_token().is_some() };
    if !lasts(&credentials) {
        return Ok((config, keys));
    }
    let provider = SharedCredentialsProvider::new(credentials);
    Ok((config.into_builder().credentials_provider(provider).build(), keys))
}

/// The host that stands in for AWS's own, of the services that the doctor or a session asks.
fn endpoint_override(config: &SdkConfig) -> Option<String> {
    let of = |service| {
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        config.service_config()?.load_config(key.ok()?)
    };
    let everywhere = config.endpoint_url().map(str::to_owned);
    let url = everywhere.or_else(|| ["SSM", "KMS", "EC2", "IAM", "STS"].into_iter().find_map(of));
    url.map(|it| printable(&host_of(&it)))
}

fn lasts(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|it| {
        it.duration_since(std::time::SystemTime::now()).is_ok_and(|it| it > LASTING)
    })
}

#[cfg(test)]
mod tests {
    use ssm_doctor_facts::{
        ids::{InstanceId, Target},
        ssm::{ManagedNode, Ping, ServiceSetting},
    };

    use super::*;

    #[test]
    fn roles_of_the_agent_are_asked_early() {
        let id: InstanceId = "i-1".parse().unwrap();
        let scope = r#"{"target": "i-1", "region": "eu-west-1", "at": "2026-11-23T03:00:00Z"}"#;
        let scope: Scope = serde_json::from_str(scope).unwrap();
        let needs = with_neighbours([Need::instance(id.clone())].into(), &Facts::default(), &scope);
        assert_eq!(needs.len(), 2, "{needs:?}");

        let mut facts = Facts::default();
        let value = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole".to_owned();
        let setting =
            Row::Present(ServiceSetting { value, status: "Customized".into(), changed_at: None });
        facts.service_settings.insert(SettingId::DefaultHostManagementRole, setting);
        let node = ManagedNode {
            ping: Ping::Online,
            last_ping: None,
            agent_version: None,
            platform: None,
            platform_name: None,
            computer_name: None,
            role: Some("Edge".into()),
            source_type: None,
            registered_at: None,
            activation: None,
            ip: None,
        };
        facts.nodes.insert(Target::Instance(id), Row::Present(node));
        let role = |name: &str| Need::role(name.parse().unwrap());
        assert_eq!(
            with_neighbours(BTreeSet::new(), &facts, &scope),
            [role("AWSSystemsManagerDefaultEC2InstanceManagementRole"), role("Edge")].into()
        );
    }
}
