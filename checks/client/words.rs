//! What checks of the operator's machine share: when it is judged, and the words for it.

use alloc::{format, string::String};
use core::fmt::Display;

use ssm_doctor_analysis::{
    answer::{Answer, Fix, Recovery, Verdict, observed},
    case::Case,
    workstation::{
        Judged, NotJudged, Workstation, judged,
        ssh_proxy::{DOCUMENT, Defect},
    },
};
use ssm_doctor_facts::{
    limit::WorkstationLimit,
    lookup::{Facts, Unknown},
    workstation::{Contact, Host, Outcome},
};

pub(crate) const NO_PLUGIN: &str = "the Session Manager plugin is not on this machine";
pub(crate) const NEWER_PLUGIN: &str = "install a current Session Manager plugin on this machine";
pub(crate) const NOT_ENCRYPTED: &str = "the session is not encrypted with a KMS key";
pub(crate) const NO_SSH_SESSION: &str = "only SSH sessions read the SSH configuration";

/// `judge` of this machine, if it is the one that starts the session.
pub(crate) fn of_workstation<'f>(
    case: &Case<'f>,
    judge: impl FnOnce(Workstation<'f>) -> Answer,
) -> Answer {
    match judged(case)? {
        Judged::Workstation(workstation) => judge(workstation),
        Judged::Not(reason) => Ok(Verdict::NotApplicable(not_judged(reason))),
    }
}

/// As [`of_workstation`], for names and connections, of which nothing follows while other endpoints are
/// used than AWS's usual ones.
pub(crate) fn of_network<'f>(
    case: &Case<'f>,
    judge: impl FnOnce(Workstation<'f>) -> Answer,
) -> Answer {
    of_workstation(case, |workstation| {
        if workstation.surroundings.endpoint_override.is_some() {
            return Ok(Verdict::NotApplicable(
                "an endpoint override is in force (AWS_ENDPOINT_URL or endpoint_url), so nothing follows from AWS's own names",
            ));
        }
        if workstation.surroundings.fips {
            return Ok(Verdict::NotApplicable(
                "FIPS endpoints are in use, and only the usual ones are looked at",
            ));
        }
        judge(workstation)
    })
}

pub(crate) fn not_judged(reason: NotJudged) -> &'static str {
    match reason {
        NotJudged::NotInFacts => "these facts tell nothing of the machine that starts the session",
        NotJudged::Declined => "this machine was left out (--no-client)",
        NotJudged::Ci => "this machine was left out (CI is set)",
        NotJudged::OtherOperator => {
            "the operator is somebody else (--operator), whose machine this is not"
        }
        NotJudged::NoTools => {
            "neither the Session Manager plugin nor the AWS CLI is on this machine"
        }
        NotJudged::NoTerminal => {
            "the Session Manager plugin is not on this machine, and nobody sits at a terminal of it"
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "an answer, as the other rules return")]
pub(crate) fn passes(subject: &(impl Display + ?Sized), what: impl Into<String>) -> Answer {
    Ok(Verdict::Pass(observed(subject, what.into())))
}

/// What is corrected on this machine is corrected for the next session.
#[allow(clippy::unnecessary_wraps, reason = "an answer, as the other rules return")]
pub(crate) fn fails(
    subject: &(impl Display + ?Sized),
    what: impl Into<String>,
    fix: impl Into<String>,
) -> Answer {
    Ok(Verdict::Fail(observed(subject, what.into()), Fix::new(fix, Recovery::NextSession)))
}

/// A connection to `host`, judged by another to `control`: silence alone may be a slow network; silence
/// beside an answer is not.
pub(crate) fn reaches(facts: &Facts, host: &Host, control: &Host) -> Answer {
    let contact = facts.here_contact(host).required()?;
    let way = by_way(contact);
    let port = format!("{host}:443");
    let fails =
        |what: String, fix: &str| fails(&port, format!("{what} from this machine{way}"), fix);
    match &contact.outcome {
        Outcome::Answered { status, upgrade } => {
            let place = contact.to.map(|address| format!(" at {address}")).unwrap_or_default();
            let upgrade = upgrade
                .map(|status| format!(", and {status} to a WebSocket upgrade without a token"))
                .unwrap_or_default();
            let what = format!("answers this machine{place}{way}: HTTP {status}{upgrade}");
            passes(&port, what)
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
                    "{port} {silent} from this machine{way}: something drops it, or the network is slow"
                ))),
            }
        }
        Outcome::Untried { why } => {
            Err(Unknown::limit(format!("{port} was not tried from this machine: {why}")))
        }
    }
}

/// ` by way of the proxy proxy.corp:3128`, or nothing.
fn by_way(contact: &Contact) -> String {
    contact.proxy.as_ref().map(|proxy| format!(" by way of the proxy {proxy}")).unwrap_or_default()
}

/// What is wrong with an entry of the SSH configuration, as a clause.
pub(crate) fn ssh_defect(defect: &Defect) -> String {
    match defect {
        Defect::JumpToTarget { jump, target } => {
            let jump = match jump {
                Some(host) => format!("ProxyJump {host}"),
                None => "a ProxyCommand that runs ssh to another host".into(),
            };
            format!("has {jump}, which looks for a host called {target}: no such host exists")
        }
        Defect::TypographicQuotes { quote } => format!(
            "has typographic quotes ({quote}) in its ProxyCommand, which no shell takes for quotes"
        ),
        Defect::OpenQuotes => "has a ProxyCommand whose quotes do not close".into(),
        Defect::Dash { word } => {
            format!("has `{word}` in its ProxyCommand, with a dash that is no hyphen")
        }
        Defect::NoTarget => "has a ProxyCommand without --target".into(),
        Defect::OtherTarget { found, target } => {
            format!("has a ProxyCommand that goes to {found}, not to {target}")
        }
        Defect::NoDocument => format!(
            "has a ProxyCommand without --document-name {DOCUMENT}: it opens a shell, and ssh finds no SSH in it"
        ),
        Defect::OtherDocument { document } => format!(
            "has a ProxyCommand with --document-name {document}, which does not speak to its standard output: ssh needs {DOCUMENT}"
        ),
        Defect::NoPort { found } => {
            format!("has a ProxyCommand with portNumber={found}, which is no port: it should be %p")
        }
        Defect::OtherRegion { found, region } => {
            format!("has a ProxyCommand with --region {found}, and the target is in {region}")
        }
    }
}

/// What no call can tell, as a clause.
pub(crate) fn limit(limit: &WorkstationLimit) -> String {
    match limit {
        WorkstationLimit::NoVersion { program, said: Some(said) } => {
            format!("{program} on this machine says {said:?}, which is no version")
        }
        WorkstationLimit::NoVersion { program, said: None } => {
            format!("{program} on this machine did not tell its version")
        }
        WorkstationLimit::SshMatch { line } => {
            format!("whether `{line}` changes what ssh does is not looked into")
        }
        WorkstationLimit::SshProgram { program } => {
            format!("what `{program}` does for ssh is not looked into")
        }
        WorkstationLimit::SshOption { option, value } => {
            format!("`{option} {value}` in the ProxyCommand is made up when ssh runs")
        }
        WorkstationLimit::SshDocument { document } => format!(
            "whether {document}, which the ProxyCommand names, passes SSH through: ask with --document {document}"
        ),
    }
}
