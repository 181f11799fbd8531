//! What is seen from the machine at hand: its programs, its configuration, and AWS from where it stands.
//!
//! No credentials are sent, nothing is signed, no session is touched. Whatever goes wrong is a fact with
//! its reason; nothing here can make a run fail. Each look has a time limit of its own, and all of them
//! run beside the calls to AWS.

mod contact;
mod environment;
mod login;
mod names;
mod programs;
mod ssh;

use std::{
    collections::BTreeSet,
    env,
    io::{self, IsTerminal as _},
    sync::Arc,
};

use hyper_util::client::proxy::matcher::Matcher;
use ssm_doctor_facts::{
    lookup::{Facts, Need, Row},
    workstation::{Host, Machine, Proxy, Sockets, Surroundings},
};
use tokio_rustls::TlsConnector;

use self::environment::variable;
pub use self::{
    contact::connector,
    environment::{Setup, host_of},
};
use crate::collect::job::Job;

/// Answers what is asked about this machine. Cheap to clone.
#[derive(Clone)]
pub struct Workstation(Arc<Inner>);

struct Inner {
    setup: Setup,
    proxies: Matcher,
    tls: TlsConnector,
}

impl Workstation {
    #[must_use]
    pub fn new(setup: Setup, tls: TlsConnector) -> Self {
        // As the plugin reads them: Go knows no ALL_PROXY.
        let proxies = Matcher::builder()
            .https(variable(&["HTTPS_PROXY", "https_proxy"]).map(|it| it.1).unwrap_or_default())
            .no(variable(&["NO_PROXY", "no_proxy"]).map(|it| it.1).unwrap_or_default())
            .build();
        Self(Arc::new(Inner { setup, proxies, tls }))
    }

    /// The looks that answer `needs`, all of which are about this machine.
    #[must_use]
    pub fn jobs(&self, needs: Vec<Need>) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        let mut hosts = BTreeSet::new();
        for need in needs {
            let setup = self.0.setup.clone();
            match need {
                Need::here_surroundings(_) => jobs.push(Box::pin(async move {
                    let row = Row::Present(surroundings(&setup));
                    Facts { here_surroundings: [(Machine::Here, row)].into(), ..Facts::default() }
                        .into()
                })),
                Need::here_program(program) => jobs.push(Box::pin(async move {
                    let row = programs::find(program).await;
                    Facts { here_programs: [(program, row)].into(), ..Facts::default() }.into()
                })),
                Need::here_login(_) => jobs.push(Box::pin(async move {
                    let row = login::read(&setup).await;
                    Facts { here_logins: [(Machine::Here, row)].into(), ..Facts::default() }.into()
                })),
                Need::here_ssh(target) => jobs.push(Box::pin(async move {
                    let row = ssh::read(&target);
                    Facts { here_ssh: [(target, row)].into(), ..Facts::default() }.into()
                })),
                Need::here_name(host) | Need::here_contact(host) => _ = hosts.insert(host),
                _ => {}
            }
        }
        // Of AWS's own names nothing follows while something stands in for it: they are left alone.
        if self.0.setup.endpoint_override.is_none() {
            jobs.extend(hosts.into_iter().map(|host| self.look_at(host)));
        }
        jobs
    }

    /// A host's name, and whether it answers.
    fn look_at(&self, host: Host) -> Job {
        let inner = self.0.clone();
        Box::pin(async move {
            let uri = format!("https://{host}/").parse().ok();
            let proxy = uri.and_then(|it| inner.proxies.intercept(&it));
            let name = names::resolve(&host, inner.setup.resolver);
            let (name, contact) = if let Some(proxy) = proxy {
                let way = contact::Way::Proxy(&proxy);
                tokio::join!(name, contact::try_out(&host, way, &inner.tls))
            } else {
                let name = name.await;
                let addresses = match &name {
                    Row::Present(it) => it.addresses.as_slice(),
                    _ => &[],
                };
                let way = contact::Way::Direct(addresses);
                let contact = Box::pin(contact::try_out(&host, way, &inner.tls)).await;
                (name, contact)
            };
            Facts {
                here_names: [(host.clone(), name)].into(),
                here_contacts: [(host, Row::Present(contact))].into(),
                ..Facts::default()
            }
            .into()
        })
    }
}

fn surroundings(setup: &Setup) -> Surroundings {
    let dual_stack = if variable(&["AWS_USE_DUALSTACK_ENDPOINT"]).is_some() {
        "AWS_USE_DUALSTACK_ENDPOINT"
    } else {
        "use_dualstack_endpoint"
    };
    Surroundings {
        terminal: io::stdin().is_terminal()
            || io::stdout().is_terminal()
            || io::stderr().is_terminal(),
        endpoint_override: setup.endpoint_override.clone(),
        dual_stack: setup.dual_stack.then(|| dual_stack.into()),
        fips: setup.fips,
        proxies: [&["HTTPS_PROXY", "https_proxy"], &["HTTP_PROXY", "http_proxy"]]
            .into_iter()
            .filter_map(|names| variable(names))
            .map(|(name, value)| Proxy { variable: name.into(), host: host_of(&value) })
            .collect(),
        sockets: sockets(),
    }
}

/// As Go has it, in which the plugin is written. The limits are those of `sun_path`, less its final zero.
fn sockets() -> Option<Sockets> {
    if cfg!(windows) {
        return None;
    }
    let folder = env::var_os("TMPDIR").filter(|it| !it.is_empty()).unwrap_or_else(|| "/tmp".into());
    let folder = folder.to_string_lossy().trim_end_matches('/').len();
    Some(Sockets {
        folder: u16::try_from(folder).unwrap_or(u16::MAX),
        most: if cfg!(target_os = "macos") { 103 } else { 107 },
    })
}
