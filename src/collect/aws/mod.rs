//! A real account: needs in, rows out, a file per service.
//!
//! Credentials, profiles, single sign-on, assumed roles, proxies and `AWS_ENDPOINT_URL` are the
//! SDK's own. Only Describe, Get, List, Lookup, Search and Simulate calls are made.
//!
//! Retries are the SDK's standard ones. Its adaptive mode shares one rate limiter in the process,
//! which after a few throttled calls delays every later one by seconds.

mod cloudtrail;
mod cloudwatch;
mod dispatch;
mod ec2;
mod iam;
mod inventory;
mod kms;
mod logs;
mod networkfirewall;
mod organizations;
mod policies;
mod route53;
mod route53profiles;
mod route53resolver;
mod s3;
mod service;
mod shared;
mod ssm;
mod sts;
mod watch;
mod why;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use aws_config::{
    AppName, BehaviorVersion, SdkConfig, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, sts::AssumeRoleProvider,
    timeout::TimeoutConfig,
};
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_types::service_config::ServiceConfigKey;
use ssm_doctor_facts::{
    ids::{Arn, Region},
    time::Timestamp,
};

pub use self::shared::Shared;
use self::{
    service::Service,
    watch::Watch,
    why::{cause, is_in_chain},
};
use super::{
    text::printable,
    workstation::{Setup, Workstation, connector, host_of},
};

/// A provider may open a browser, run a program or wait for a token's touch.
const CREDENTIALS_WITHIN: Duration = Duration::from_mins(1);

/// What `CloudTrail` shows of whoever assumes a role.
const SESSION_NAME: &str = "ssm-doctor";

/// Credentials with less left than this are left to the SDK to renew.
const LASTING: Duration = Duration::from_mins(15);

/// How many accounts this process has connected to.
static ACCOUNTS: AtomicU32 = AtomicU32::new(0);

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
    #[error("`{role}` cannot be assumed: {words}")]
    Role { role: Arn, words: String },
    #[error("no AWS credentials came within {} seconds: sign in, or pass another `--profile`", CREDENTIALS_WITHIN.as_secs())]
    CredentialsLate,
}

/// One account in one Region, as seen with one set of credentials.
pub struct Account {
    config: SdkConfig,
    region: Region,
    watch: Watch,
    cloudtrail: cloudtrail::CloudTrail,
    /// Of looking up events.
    turn: cloudtrail::Turn,
    cloudwatch: cloudwatch::CloudWatch,
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
    workstation: Workstation,
    /// Do the credentials expire? Only those carry a session token.
    temporary: bool,
}

impl Account {
    /// Finds Region and credentials as every AWS tool does. `here` is what else there is to know of the
    /// machine at hand.
    ///
    /// # Errors
    /// [`ConnectError`] without either. Whether AWS accepts the credentials is not known until the
    /// first call: see [`rejected`](Self::rejected).
    pub async fn connect(region: Option<&str>, mut here: Setup) -> Result<Self, ConnectError> {
        // The SDK panics without.
        connector().ok_or(ConnectError::NothingTrusted)?;
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .retry_config(retries())
            .timeout_config(timeouts())
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled()
                    .grace_period(Duration::from_secs(5))
                    .build(),
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
        region_of(&config)?;
        let profile = here.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
        let (config, keys) = with_credentials(config, profile).await?;
        here.ends_at = keys.ends_at;
        Self::of(config, here, keys.temporary)
    }

    /// The same account in another Region.
    ///
    /// # Errors
    /// None that is known.
    pub fn in_region(&self, region: &Region) -> Result<Self, ConnectError> {
        let region = aws_config::Region::new(region.to_string());
        let config = self.config.to_builder().region(region).build();
        Self::of(config, Setup::default(), self.temporary)
    }

    /// The account of a role. Its credentials are renewed as long as our own last.
    ///
    /// # Errors
    /// [`ConnectError::Role`] if AWS does not let us assume it.
    pub async fn assuming(&self, role: &Arn) -> Result<Self, ConnectError> {
        let provider = AssumeRoleProvider::builder(role.to_string())
            .session_name(SESSION_NAME)
            .configure(&self.config)
            .build()
            .await;
        let refused = |words: String| ConnectError::Role { role: role.clone(), words };
        // A refusal is better known before anything is asked.
        tokio::time::timeout(CREDENTIALS_WITHIN, provider.provide_credentials())
            .await
            .map_err(|_| refused("no answer".into()))?
            .map_err(|error| refused(printable(&cause(&error))))?;
        let provider = SharedCredentialsProvider::new(provider);
        let config = self.config.to_builder().credentials_provider(provider).build();
        Self::of(config, Setup::default(), true)
    }

    /// With a configuration that has a Region and credentials. `temporary`: do these expire?
    ///
    /// # Errors
    /// [`ConnectError`] without a Region, or without certificates.
    pub fn of(config: SdkConfig, mut here: Setup, temporary: bool) -> Result<Self, ConnectError> {
        // The SDK panics without.
        let tls = connector().ok_or(ConnectError::NothingTrusted)?;
        let region = region_of(&config)?;
        here.endpoint_override = endpoint_override(&config);
        here.dual_stack = config.use_dual_stack().unwrap_or_default();
        here.fips = config.use_fips().unwrap_or_default();
        let workstation = Workstation::new(here, tls);
        let watch = Watch::default();
        // Each account has retries of its own. The SDK has one budget for all clients of a service in a Region, and one
        // account that is throttled would use up the retries of the others.
        let number = ACCOUNTS.fetch_add(1, Ordering::Relaxed);
        macro_rules! service {
            ($sdk:ident) => {{
                let retries = RetryPartition::new(format!("{}-{number}", stringify!($sdk)));
                let builder = $sdk::config::Builder::from(&config)
                    .retry_partition(retries)
                    .interceptor(watch.clone());
                Service::new($sdk::Client::from_conf(builder.build()), watch.clone())
            }};
        }
        Ok(Self {
            region,
            cloudtrail: service!(aws_sdk_cloudtrail),
            turn: cloudtrail::Turn::default(),
            cloudwatch: service!(aws_sdk_cloudwatch),
            ec2: service!(aws_sdk_ec2),
            iam: service!(aws_sdk_iam),
            kms: service!(aws_sdk_kms),
            networkfirewall: service!(aws_sdk_networkfirewall),
            organizations: service!(aws_sdk_organizations),
            route53: service!(aws_sdk_route53),
            route53profiles: service!(aws_sdk_route53profiles),
            route53resolver: service!(aws_sdk_route53resolver),
            logs: service!(aws_sdk_cloudwatchlogs),
            s3: service!(aws_sdk_s3),
            ssm: service!(aws_sdk_ssm),
            sts: service!(aws_sdk_sts),
            watch,
            config,
            workstation,
            temporary,
        })
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
}

/// How often a call is repeated.
#[must_use]
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(200))
}

/// How long a call may take.
#[must_use]
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(10))
        .operation_attempt_timeout(Duration::from_secs(15))
        .operation_timeout(Duration::from_secs(25))
        .build()
}

fn region_of(config: &SdkConfig) -> Result<Region, ConnectError> {
    let region = config.region().ok_or(ConnectError::NoRegion)?.as_ref();
    region
        .parse()
        .map_err(|_| ConnectError::BadRegion(format!("`{}` is not a Region", printable(region))))
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

/// The host that replaces AWS's own, of the services that the doctor or a session asks.
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
