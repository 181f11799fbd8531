//! Is the machine at hand the one that starts the session, and what does it have for that?
//!
//! The doctor may run elsewhere: in a pipeline, on a colleague's laptop, in a container. A machine is
//! judged only if sessions are started from it by all that can be seen: the Session Manager plugin is
//! on it, or the AWS CLI is and somebody sits at a terminal. What is wrong with any other machine
//! stops no session.

use alloc::{format, string::String};
use core::{fmt::Display, net::IpAddr};

use crate::answer::{Answer, Fix, Recovery, Verdict, any_of, observed};
use crate::case::Case;
use crate::session::{self, Gates};
use ssm_doctor_facts::{
    ids::EndpointId,
    lookup::{Facts, Unknown},
    scope::{Client, Scope, Session},
    ssm::AgentVersion,
    workstation::{
        Contact, Host, Installed, Login, Machine, Outcome, Program, SshEntry, Surroundings,
    },
};

/// The machine at hand, or why it is not judged.
pub enum Judged<'f> {
    Here(Here<'f>),
    Not(&'static str),
}

pub struct Here<'f> {
    pub surroundings: &'f Surroundings,
    pub plugin: Option<&'f Installed>,
    pub cli: Option<&'f Installed>,
}

const NO_TOOLS: &str = "neither the Session Manager plugin nor the AWS CLI is on this machine";
const NO_OPERATOR: &str =
    "the Session Manager plugin is not on this machine, and nobody sits at a terminal of it";

/// # Errors
/// [`Unknown`] when it was not looked at.
pub fn judged<'f>(case: &Case<'f>) -> Result<Judged<'f>, Unknown> {
    if let Some(reason) = left_out(case.scope) {
        return Ok(Judged::Not(reason));
    }
    let here = look(case)?;
    // What cannot be run is as good as missing, but for the plugin's own check.
    let cli = here.cli.is_some_and(|it| it.trouble.is_none());
    Ok(match (here.plugin, cli, here.surroundings.terminal) {
        (Some(_), ..) | (None, true, true) => Judged::Here(here),
        (None, true, false) => Judged::Not(NO_OPERATOR),
        (None, false, _) => Judged::Not(NO_TOOLS),
    })
}

/// `judge` of the machine at hand, if it is judged.
///
/// # Errors
/// [`Unknown`] as [`judged`] and `judge` give it.
pub fn here<'f>(case: &Case<'f>, judge: impl FnOnce(Here<'f>) -> Answer) -> Answer {
    match judged(case)? {
        Judged::Here(here) => judge(here),
        Judged::Not(why) => Ok(Verdict::NotApplicable(why)),
    }
}

/// As [`here`], for what names and connections do, of which nothing follows while other endpoints are used
/// than AWS's usual ones.
///
/// # Errors
/// [`Unknown`] as [`judged`] and `judge` give it.
pub fn network<'f>(case: &Case<'f>, judge: impl FnOnce(Here<'f>) -> Answer) -> Answer {
    here(case, |here| {
        if here.surroundings.endpoint_override.is_some() {
            return Ok(Verdict::NotApplicable(
                "an endpoint override is in force (AWS_ENDPOINT_URL or endpoint_url), so nothing follows from AWS's own names",
            ));
        }
        if here.surroundings.fips {
            return Ok(Verdict::NotApplicable(
                "FIPS endpoints are in use, and only the usual ones are looked at",
            ));
        }
        judge(here)
    })
}

/// # Errors
/// None.
pub fn passes(subject: &(impl Display + ?Sized), what: impl Into<String>) -> Answer {
    Ok(Verdict::Pass(observed(subject, what.into())))
}

/// What is mended on the machine at hand is mended for the next session.
///
/// # Errors
/// None.
pub fn fails(
    subject: &(impl Display + ?Sized),
    what: impl Into<String>,
    fix: impl Into<String>,
) -> Answer {
    Ok(Verdict::Fail(observed(subject, what.into()), Fix::new(fix, Recovery::NextSession)))
}

/// Why the machine at hand is not even looked at.
#[must_use]
pub fn left_out(scope: &Scope) -> Option<&'static str> {
    match scope.client {
        Client::Unasked => Some("these facts tell nothing of the machine that starts the session"),
        Client::Declined => Some("this machine was left out (--no-client)"),
        Client::Ci => Some("this machine was left out (CI is set)"),
        Client::Here if scope.operator.is_some() => {
            Some("the operator is somebody else (--operator), whose machine this is not")
        }
        Client::Here => None,
    }
}

/// What is on the machine, whether or not it is judged.
///
/// # Errors
/// [`Unknown`] when it was not looked at. While nobody has asked, it asks for all that any check may
/// want, so that one look suffices.
pub fn look<'f>(case: &Case<'f>) -> Result<Here<'f>, Unknown> {
    let surroundings = case.facts.here_surroundings(&Machine::Here).required();
    let plugin = case.facts.here_program(&Program::Plugin).optional();
    let cli = case.facts.here_program(&Program::Cli).optional();
    match (surroundings, plugin, cli) {
        (Ok(surroundings), Ok(plugin), Ok(cli)) => Ok(Here { surroundings, plugin, cli }),
        (surroundings, plugin, cli) => {
            let blind = [surroundings.err(), plugin.err(), cli.err()].into_iter().flatten();
            let blind = blind.chain(unasked(case));
            Err(blind.reduce(Unknown::and).unwrap_or_else(|| Unknown::limit("unreachable state")))
        }
    }
}

/// All that has not been asked of this machine yet.
fn unasked<'f>(case: &Case<'f>) -> impl Iterator<Item = Unknown> + use<'f> {
    let hosts = [host("ssm", case.scope), host("ssmmessages", case.scope)];
    let network = hosts.map(|it| {
        [case.facts.here_name(&it).hint().err(), case.facts.here_contact(&it).hint().err()]
    });
    let login = case.facts.here_login(&Machine::Here).hint().err();
    let ssh = (case.scope.session == Session::Ssh)
        .then(|| case.facts.here_ssh(&case.scope.target).hint().err())
        .flatten();
    network.into_iter().flatten().chain([login, ssh]).flatten()
}

/// # Errors
/// [`Unknown`] when the configuration was not read.
pub fn login(facts: &Facts) -> Result<&Login, Unknown> {
    facts.here_login(&Machine::Here).required()
}

/// # Errors
/// [`Unknown`] when the configuration was not read.
pub fn ssh_entry<'f>(case: &Case<'f>) -> Result<Option<&'f SshEntry>, Unknown> {
    case.facts.here_ssh(&case.scope.target).optional()
}

#[must_use]
pub fn host(service: &str, scope: &Scope) -> Host {
    Host::of(service, &scope.region)
}

/// The host that the AWS CLI asks for the session.
#[must_use]
pub fn api_host(here: &Here, scope: &Scope) -> Host {
    match here.surroundings.dual_stack {
        Some(_) => Host::dual_stack("ssm", &scope.region),
        None => host("ssm", scope),
    }
}

pub const NO_PLUGIN: &str = "the Session Manager plugin is not on this machine";
pub const NEWER_PLUGIN: &str = "install a current Session Manager plugin on this machine";

/// # Errors
/// [`Unknown`] when it did not tell.
pub fn plugin_version(plugin: &Installed) -> Result<AgentVersion, Unknown> {
    plugin.plugin_version().ok_or_else(|| untold(Program::Plugin, plugin))
}

/// Of a program whose version is needed.
#[must_use]
pub fn untold(program: Program, installed: &Installed) -> Unknown {
    Unknown::limit(match &installed.version {
        Some(version) => {
            format!("{program} on this machine says {:?}, which is no version", version.trim())
        }
        None => format!("{program} on this machine did not tell its version"),
    })
}

pub const NOT_ENCRYPTED: &str = "the session is not encrypted with a KMS key";

/// Does the plugin have to call KMS?
///
/// # Errors
/// [`Unknown`] when the preferences were not seen.
pub fn is_encrypted(case: &Case) -> Result<bool, Unknown> {
    match session::gates(case)? {
        Gates::Apply(preferences) => Ok(preferences.text("kmsKeyId")?.is_some()),
        Gates::None(_) => Ok(false),
    }
}

/// A connection to `host`, judged by another to `control`: silence alone may be a slow network; silence
/// beside an answer is not.
///
/// # Errors
/// [`Unknown`] when it was not tried, or nothing tells why there was no answer.
pub fn reach(facts: &Facts, host: &Host, control: &Host) -> Answer {
    let contact = facts.here_contact(host).required()?;
    let way = by_way(contact);
    let door = format!("{host}:443");
    let fails =
        |what: String, fix: &str| fails(&door, format!("{what} from this machine{way}"), fix);
    match &contact.outcome {
        Outcome::Answered { status, upgrade } => {
            let place = contact.to.map(|it| format!(" at {it}")).unwrap_or_default();
            let upgrade = upgrade
                .map(|it| format!(", and {it} to a WebSocket upgrade without a token"))
                .unwrap_or_default();
            let what = format!("answers this machine{place}{way}: HTTP {status}{upgrade}");
            passes(&door, what)
        }
        Outcome::NoUpgrade { status, how } => fails(
            format!("answers HTTP {status}, and the same connection that asks for a WebSocket gets no answer ({how})"),
            "have the proxy or firewall in between pass WebSocket connections to this host, or leave it alone",
        ),
        Outcome::Closed { at, how } => fails(
            format!("gives no {} ({how})", at.phrase()),
            "let this machine connect to it on tcp/443: VPN, firewall or proxy",
        ),
        Outcome::ProxyRefused { status } => fails(
            format!("is refused: the proxy answers CONNECT with HTTP {status}"),
            "have the proxy admit this host, correct its credentials in HTTPS_PROXY, or add the host to NO_PROXY where there is a direct way",
        ),
        Outcome::Untrusted => fails(
            "shows a certificate by an issuer that this system does not trust, as TLS inspection does".into(),
            "have the host left out of TLS inspection, or add the inspecting proxy's certificate to the system's trust store, which is the plugin's",
        ),
        Outcome::TlsFailed { how } => fails(
            format!("completes no TLS handshake ({how})"),
            "compare this machine's clock with the time, and look at what stands between it and AWS",
        ),
        Outcome::Silent { at, seconds } => {
            let silent = format!("gives no {} within {seconds} seconds", at.phrase());
            let other = facts.here_contact(control).required()?;
            match other.outcome {
                Outcome::Answered { .. } => fails(
                    format!("{silent}, while {control} answers"),
                    "let this machine connect to it on tcp/443 as to the other: a firewall that drops, or a VPN in between",
                ),
                _ => Err(Unknown::limit(format!(
                    "{door} {silent} from this machine{way}: something drops it, or the network is slow"
                ))),
            }
        }
        Outcome::Untried { why } => {
            Err(Unknown::limit(format!("{door} was not tried from this machine: {why}")))
        }
    }
}

/// ` by way of the proxy proxy.corp:3128`, or nothing.
fn by_way(contact: &Contact) -> String {
    contact.proxy.as_ref().map(|it| format!(" by way of the proxy {it}")).unwrap_or_default()
}

/// An address that the internet does not carry.
#[must_use]
pub fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => {
            // 100.64.0.0/10 lies between a provider and its customers.
            let [first, second, ..] = it.octets();
            it.is_private() || it.is_link_local() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(it) => it.is_unique_local() || it.is_unicast_link_local(),
    }
}

/// An address that leads nowhere: what filters answer with.
#[must_use]
pub fn is_nowhere(address: &IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

/// The interface endpoint of the target's VPC that has this address.
///
/// # Errors
/// [`Unknown`] when the VPC's endpoints were not seen.
pub fn endpoint_at<'f>(
    case: &Case<'f>,
    address: IpAddr,
) -> Result<Option<&'f EndpointId>, Unknown> {
    let Some(id) = case.scope.target.instance() else { return Ok(None) };
    let Some(vpc) = case.facts.instance(id).optional()?.and_then(|it| it.vpc.as_ref()) else {
        return Ok(None);
    };
    any_of(case.facts.endpoints(vpc).required()?, |endpoint| {
        let found = any_of(&endpoint.interfaces, |id| {
            let interface = case.facts.network_interface(id).optional()?;
            Ok(interface.filter(|it| it.private_ips.contains(&address)))
        })?;
        Ok(found.map(|_| &endpoint.id))
    })
}
