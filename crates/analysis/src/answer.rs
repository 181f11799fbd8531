//! What a check can say.

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::fmt::Display;

use crate::{
    dns::outcome as dns,
    network::{remedy::NetworkRemedy, statement::NetworkStatement},
    node, session,
};
use ssm_doctor_facts::{
    change::{Change, Risk},
    ids::EndpointId,
    limit::LikelyFault,
    lookup::{Need, Unknown, Unknowns},
};

/// `Err` is the third truth value, not a failure to run: `?` on a missing fact withholds judgement.
pub type Answer = Result<Verdict, Unknown>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass(Evidence),
    /// What is wrong, and what to do about it with the ids at hand.
    Fail(Evidence, Fix),
    /// The question does not arise here.
    NotApplicable(&'static str),
}

/// What we saw. Never empty: there is no constructor for a verdict without a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    first: Observation,
    rest: Vec<Observation>,
    wanted: Vec<Need>,
    tells: bool,
    disputed: bool,
}

/// One thing, and what was observed of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Where to look to see it too: an id, a name, an ARN.
    pub subject: String,
    pub statement: Statement,
    /// Set if the statement matters only once the service's name resolves to this endpoint.
    pub once_resolved_to: Option<EndpointId>,
    /// The services on whose path this was observed; empty if it is about no path.
    pub services: Vec<&'static str>,
}

impl Observation {
    fn says_the_same_as(&self, other: &Self) -> bool {
        self.subject == other.subject
            && self.statement == other.statement
            && self.once_resolved_to == other.once_resolved_to
    }
}

/// What was observed of a subject. The checks put it into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// A rule's own clause, whose subject is the observation's: `admits 10.9.0.0/16 only`. Only the
    /// checks make it: analysis returns types.
    Words(String),
    /// Of a path; the service is named where several paths are judged together.
    Network(NetworkStatement, Option<&'static str>),
    Dns(dns::Statement),
    Session(session::Statement),
    Node(node::Statement),
}

impl NetworkStatement {
    /// The same, with the service named.
    #[must_use]
    pub fn for_service(self, service: &'static str) -> Statement {
        Statement::Network(self, Some(service))
    }
}

impl From<NetworkStatement> for Statement {
    fn from(statement: NetworkStatement) -> Self {
        Self::Network(statement, None)
    }
}

impl From<node::Statement> for Statement {
    fn from(statement: node::Statement) -> Self {
        Self::Node(statement)
    }
}

impl From<session::Statement> for Statement {
    fn from(statement: session::Statement) -> Self {
        Self::Session(statement)
    }
}

impl From<dns::Statement> for Statement {
    fn from(statement: dns::Statement) -> Self {
        Self::Dns(statement)
    }
}

impl From<String> for Statement {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

impl From<&str> for Statement {
    fn from(words: &str) -> Self {
        Self::Words(words.into())
    }
}

pub fn observed(subject: &(impl Display + ?Sized), what: impl Into<Statement>) -> Evidence {
    Evidence {
        first: Observation {
            subject: subject.to_string(),
            statement: what.into(),
            once_resolved_to: None,
            services: Vec::new(),
        },
        rest: Vec::new(),
        wanted: Vec::new(),
        tells: false,
        disputed: false,
    }
}

impl Evidence {
    /// What failed says itself why: no mere possibility elsewhere explains it better.
    #[must_use]
    pub fn telling(mut self) -> Self {
        self.tells = true;
        self
    }

    #[must_use]
    pub fn tells(&self) -> bool {
        self.tells
    }

    /// Two sources contradict each other: one shows the failure, the other shows that all is well.
    #[must_use]
    pub fn disputed(mut self) -> Self {
        self.disputed = true;
        self
    }

    #[must_use]
    pub fn is_disputed(&self) -> bool {
        self.disputed
    }

    /// Facts that would show a failure's cause more closely.
    #[must_use]
    pub fn wanting(mut self, needs: impl IntoIterator<Item = Need>) -> Self {
        self.wanted.extend(needs);
        self
    }

    #[must_use]
    pub fn wanted(&self) -> &[Need] {
        &self.wanted
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for observation in core::iter::once(other.first).chain(other.rest) {
            self.add(observation);
        }
        self.wanted.extend(other.wanted);
        self.tells |= other.tells;
        self.disputed |= other.disputed;
        self
    }

    fn add(&mut self, more: Observation) {
        let mut all = core::iter::once(&mut self.first).chain(&mut self.rest);
        match all.find(|known| known.says_the_same_as(&more)) {
            Some(known) => {
                for service in more.services {
                    if !known.services.contains(&service) {
                        known.services.push(service);
                    }
                }
            }
            None => self.rest.push(more),
        }
    }

    /// The same, as observed on the path to `service`.
    #[must_use]
    pub fn on_path_to(mut self, service: &'static str) -> Self {
        for observation in self.iter_mut() {
            observation.services = vec![service];
        }
        self
    }

    /// The same, for the time when the service's name resolves to `endpoint`.
    #[must_use]
    pub fn once_resolved_to(mut self, endpoint: &EndpointId) -> Self {
        for observation in self.iter_mut() {
            observation.once_resolved_to = Some(endpoint.clone());
        }
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = &Observation> {
        core::iter::once(&self.first).chain(&self.rest)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Observation> {
        core::iter::once(&mut self.first).chain(&mut self.rest)
    }
}

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// All of them are needed, in the order in which they are to be carried out.
    pub remedies: Vec<Remedy>,
    pub recovery: Recovery,
}

/// One part of a fix. The checks put it into words and changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A rule's own: any one of these suffices, the best first.
    Options(Vec<FixOption>),
    Network(NetworkRemedy),
    Dns(dns::Remedy),
    Node(node::Investigation),
}

/// One way to repair something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FixOption {
    /// What to do, in the imperative.
    pub title: String,
    /// In the order in which they are to be made.
    pub changes: Vec<Change>,
    /// Beyond those of the changes themselves.
    pub risks: Vec<Risk>,
    /// What a person has to do or decide first, in the imperative.
    pub manual: Vec<String>,
    /// None: as the fix says.
    pub recovery: Option<Recovery>,
    /// Facts with which the option would be complete, or better.
    pub wanted: Vec<Need>,
}

impl FixOption {
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// What to do about a fault that is likely.
    #[must_use]
    pub fn against(fault: &LikelyFault) -> Self {
        let LikelyFault { title, changes, .. } = fault;
        Self { title: title.clone(), changes: changes.clone(), ..Self::default() }
    }

    /// Adds a change.
    #[must_use]
    pub fn with(mut self, change: impl Into<Change>) -> Self {
        self.changes.push(change.into());
        self
    }

    /// Adds a risk that the changes do not show by themselves.
    #[must_use]
    pub fn risking(mut self, risk: Risk) -> Self {
        self.risks.push(risk);
        self
    }

    /// Adds facts with which the option would be complete, or better.
    #[must_use]
    pub fn wanting(mut self, needs: impl IntoIterator<Item = Need>) -> Self {
        self.wanted.extend(needs);
        self
    }

    /// Adds a step for a person.
    #[must_use]
    pub fn after(mut self, step: impl Into<String>) -> Self {
        self.manual.push(step.into());
        self
    }

    #[must_use]
    pub fn recovering(mut self, recovery: Recovery) -> Self {
        self.recovery = Some(recovery);
        self
    }
}

impl From<NetworkRemedy> for Remedy {
    fn from(remedy: NetworkRemedy) -> Self {
        Self::Network(remedy)
    }
}

impl From<node::Investigation> for Remedy {
    fn from(investigation: node::Investigation) -> Self {
        Self::Node(investigation)
    }
}

impl From<dns::Remedy> for Remedy {
    fn from(remedy: dns::Remedy) -> Self {
        Self::Dns(remedy)
    }
}

impl Fix {
    pub fn of(remedy: impl Into<Remedy>, recovery: Recovery) -> Self {
        Self { remedies: vec![remedy.into()], recovery }
    }

    pub fn new(title: impl Into<String>, recovery: Recovery) -> Self {
        Self::options([FixOption::new(title)], recovery)
    }

    /// Any one of these suffices. The first grants the least access and disturbs least.
    pub fn options(options: impl IntoIterator<Item = FixOption>, recovery: Recovery) -> Self {
        Self { remedies: vec![Remedy::Options(options.into_iter().collect())], recovery }
    }

    /// Adds a change to the last option.
    #[must_use]
    pub fn with(mut self, change: impl Into<Change>) -> Self {
        let change = change.into();
        if let Some(Remedy::Options(options)) = self.remedies.last_mut()
            && let Some(option) = options.last_mut()
        {
            option.changes.push(change);
        } else {
            self.remedies.push(Remedy::Options(vec![FixOption::default().with(change)]));
        }
        self
    }

    /// Adds another way to repair the same.
    #[must_use]
    pub fn or(mut self, option: FixOption) -> Self {
        if let Some(Remedy::Options(options)) = self.remedies.last_mut() {
            options.push(option);
        } else {
            self.remedies.push(Remedy::Options(vec![option]));
        }
        self
    }

    /// Both, the remedies of the first before those of the second, and none twice.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for remedy in other.remedies {
            if !self.remedies.contains(&remedy) {
                self.remedies.push(remedy);
            }
        }
        self.recovery = self.recovery.max(other.recovery);
        self
    }
}

/// What must happen after the fix before a session can start: why "I fixed it and it still fails".
/// The figures are the agent's own retry loops (domain: amazon-ssm-agent `agent/session/config`,
/// `core/app/credentialrefresher`, `agent/hibernation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recovery {
    /// The next session sees it.
    NextSession,
    /// The agent starts with the system.
    Start,
    /// The control channel retries at growing intervals.
    Channel,
    /// The agent backs off for up to an hour while it has no credentials or no way to report.
    Agent,
}

impl Recovery {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NextSession => {
                "takes effect with the next session; nothing on the node needs a restart"
            }
            Self::Start => "the agent starts with the instance, and reports within some minutes",
            Self::Channel => {
                "restart the agent on the node, or allow up to 40 minutes for it to reconnect by itself"
            }
            Self::Agent => {
                "restart the agent on the node (or reboot it), or allow up to 60 minutes: it retries at growing intervals"
            }
        }
    }
}

/// The answer, or why it was not seen, where that must not hide everything else.
///
/// # Errors
/// [`Unknown`] while nobody has asked, so that the collector does.
pub fn seen<T>(answer: Result<T, Unknown>) -> Result<Result<T, Unknown>, Unknown> {
    match answer {
        Err(unknown) if unknown.is_unasked() => Err(unknown),
        answer => Ok(answer),
    }
}

/// The first item for which `look` finds something.
///
/// An unknown does not hide a later find; it only counts when nothing was found.
///
/// # Errors
/// [`Unknown`], all of it together, if nothing was found and something could not be seen.
pub fn any_of<I: IntoIterator, T>(
    items: I,
    mut look: impl FnMut(I::Item) -> Result<Option<T>, Unknown>,
) -> Result<Option<T>, Unknown> {
    let mut unseen = Unknowns::default();
    for item in items {
        if let Some(found) = unseen.keep(look(item)).flatten() {
            return Ok(Some(found));
        }
    }
    unseen.none().map(|()| None)
}

/// Passes if every item does, and fails if any does, whatever is unknown about the others.
///
/// Items to which the question does not apply have no say; if it applies to none, `nothing` says so.
///
/// # Errors
/// [`Unknown`], all of it together, if none fails and something could not be seen.
pub fn all_of<I: IntoIterator>(
    items: I,
    nothing: &'static str,
    mut judge: impl FnMut(I::Item) -> Answer,
) -> Answer {
    let (mut passed, mut failed) = (None::<Evidence>, None::<(Evidence, Fix)>);
    let mut unseen = Unknowns::default();
    for item in items {
        match unseen.keep(judge(item)) {
            Some(Verdict::Pass(evidence)) => {
                passed = Some(match passed.take() {
                    Some(so_far) => so_far.and(evidence),
                    None => evidence,
                });
            }
            Some(Verdict::Fail(evidence, fix)) => {
                failed = Some(match failed.take() {
                    Some(so_far) => (so_far.0.and(evidence), so_far.1.and(fix)),
                    None => (evidence, fix),
                });
            }
            Some(Verdict::NotApplicable(_)) | None => {}
        }
    }
    if let Some((evidence, fix)) = failed {
        return Ok(Verdict::Fail(evidence, fix));
    }
    unseen.none()?;
    Ok(passed.map_or(Verdict::NotApplicable(nothing), Verdict::Pass))
}
