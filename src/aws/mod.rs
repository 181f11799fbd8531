//! A real account: needs in, rows out, a file per service.
//!
//! Credentials, profiles, single sign-on, assumed roles, proxies and `AWS_ENDPOINT_URL` are the
//! SDK's own. Only Describe, Get, List and Simulate calls are made.
//!
//! Retries are the SDK's standard ones. Its adaptive mode shares one rate limiter in the process,
//! which after a few throttled calls delays every later one by seconds.

mod doubt;
mod ec2;
mod iam;
mod kms;
mod organizations;
mod policies;
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
use ssm_doctor_checks::{
    model::{
        facts::{Facts, Need, Ourselves, Row},
        iam::Question,
        ids::{
            AccountId, Arn, NatGatewayId, NetworkInterfaceId, Region, SecurityGroupId, SubnetId,
            VpcId,
        },
        scope::Scope,
        ssm::SettingId,
    },
    solve::credentials::{CHANNELS, REGISTER},
};
use tokio::sync::Semaphore;

pub use doubt::doubt;
use watch::Watch;
use why::{cause, is_in_chain, printable};

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
    organizations: organizations::Organizations,
    s3: s3::S3,
    ssm: ssm::Ssm,
    sts: sts::Sts,
    /// Do the credentials expire? Only those carry a session token.
    temporary: bool,
}

/// One or a few calls, and the rows they bring.
pub type Job = Pin<Box<dyn Future<Output = Facts> + Send>>;

impl Account {
    /// Finds Region and credentials as every AWS tool does.
    ///
    /// # Errors
    /// [`ConnectError`] without either. Whether AWS accepts the credentials is not known until the
    /// first call: see [`rejected`](Self::rejected).
    pub async fn connect(
        profile: Option<&str>,
        region: Option<&str>,
    ) -> Result<Self, ConnectError> {
        let seconds = Duration::from_secs;
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
        if let Some(profile) = profile {
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
        let profile =
            profile.map_or_else(|| std::env::var("AWS_PROFILE").ok(), |it| Some(it.to_owned()));
        let (config, temporary) = with_credentials(config, profile).await?;
        Ok(Self::new(config, region, temporary))
    }

    fn new(config: SdkConfig, region: Region, temporary: bool) -> Self {
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
            organizations: service!(aws_sdk_organizations),
            // A stand-in for AWS rarely answers to `<bucket>.<its host>`.
            s3: service!(aws_sdk_s3, force_path_style(config.endpoint_url().is_some())),
            ssm: service!(aws_sdk_ssm),
            sts: service!(aws_sdk_sts),
            watch,
            config,
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
        let needs = with_neighbours(needs, facts);
        let mut jobs = Vec::new();
        let mut sweeps = BTreeSet::new();
        let (mut instances, mut statuses) = (BTreeSet::new(), BTreeSet::new());
        let mut parts = Parts::default();
        let mut questions = BTreeSet::new();
        for need in needs {
            let (ec2, iam, ssm) = (&self.ec2, &self.iam, &self.ssm);
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
                | Need::vpc_dns(id)
                | Need::route_tables(id)
                | Need::network_acls(id)
                | Need::endpoints(id)
                | Need::internet_gateways(id) => _ = sweeps.insert(id),
                Need::dhcp_options(id) => jobs.push(ec2.job(|it| it.dhcp_options(id))),
                Need::subnet(id) => _ = parts.subnets.insert(id),
                Need::nat_gateway(id) => _ = parts.nats.insert(id),
                Need::security_group(id) => _ = parts.groups.insert(id),
                Need::network_interface(id) => _ = parts.interfaces.insert(id),
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
                Need::profile_association(id) => {
                    jobs.push(ec2.job(|it| it.profile_association(id)));
                }
            }
        }
        // Everything else in an instance's VPC hangs on these, or they on it.
        if !parts.is_empty() {
            sweeps.extend(vpcs_of_instances(facts).filter(|it| !is_swept(facts, it)));
        }
        if !instances.is_empty() {
            jobs.push(self.ec2.job(|it| it.instances(instances)));
        }
        if !statuses.is_empty() {
            jobs.push(self.ec2.job(|it| it.statuses(statuses)));
        }
        if sweeps.is_empty() {
            jobs.extend(self.by_id(parts));
        } else {
            jobs.extend(sweeps.iter().flat_map(|vpc| self.sweep(vpc, &parts)));
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

    /// The whole VPC.
    fn sweep(&self, vpc: &VpcId, asked: &Parts) -> [Job; 10] {
        let (ec2, id, asked) = (&self.ec2, || vpc.clone(), asked.clone());
        [
            ec2.job(|it| it.vpc(id())),
            ec2.job(|it| it.vpc_dns(id())),
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
fn with_neighbours(mut needs: BTreeSet<Need>, facts: &Facts) -> BTreeSet<Need> {
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
                resource: "*".into(),
            })
        }));
    }
    // What no policy allows a grant of the session's key may.
    if needs.iter().any(|it| matches!(it, Need::role_policies(_) | Need::user_policies(_))) {
        let keys = facts.keys.values().filter_map(|it| match it {
            Row::Present(it) => Some(Need::key_grants(it.arn.clone())),
            _ => None,
        });
        needs.extend(keys.filter(|it| !facts.has(it)));
    }
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

fn our_account(facts: &Facts) -> Option<AccountId> {
    let caller = facts.caller.get(&Ourselves::Us)?;
    if let Row::Present(it) = caller { Some(it.account.clone()) } else { None }
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

/// Resolves the credentials once, before anything is asked with them.
///
/// They are then fixed, where they last: a program or a token that has to be touched for each
/// resolution would else be troubled twice.
async fn with_credentials(
    config: SdkConfig,
    profile: Option<String>,
) -> Result<(SdkConfig, bool), ConnectError> {
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
    let temporary = credentials.session_token().is_some();
    if !lasts(&credentials) {
        return Ok((config, temporary));
    }
    let provider = SharedCredentialsProvider::new(credentials);
    Ok((config.into_builder().credentials_provider(provider).build(), temporary))
}

fn lasts(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|it| {
        it.duration_since(std::time::SystemTime::now()).is_ok_and(|it| it > LASTING)
    })
}

#[cfg(test)]
mod tests {
    use ssm_doctor_checks::model::{
        ids::{InstanceId, Target},
        ssm::{ManagedNode, Ping, ServiceSetting},
    };

    use super::*;

    #[test]
    fn roles_of_the_agent_are_asked_early() {
        let id: InstanceId = "i-1".parse().unwrap();
        let needs = with_neighbours([Need::instance(id.clone())].into(), &Facts::default());
        assert_eq!(needs.len(), 2, "{needs:?}");

        let mut facts = Facts::default();
        let value = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole".to_owned();
        let setting = Row::Present(ServiceSetting { value, status: "Customized".into() });
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
        };
        facts.nodes.insert(Target::Instance(id), Row::Present(node));
        let role = |name: &str| Need::role(name.parse().unwrap());
        assert_eq!(
            with_neighbours(BTreeSet::new(), &facts),
            [role("AWSSystemsManagerDefaultEC2InstanceManagementRole"), role("Edge")].into()
        );
    }
}
