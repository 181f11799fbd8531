//! Whether sessions can start before a plan is applied, and after.
//!
//! Only the node's side is judged: a plan does not show who starts sessions, and from which machine. What the
//! agent did before the plan shows nothing of what it does afterwards, so checks that observe it count only
//! where the plan changes nothing that they prove (as where a fix is tried, see `engine/verification.rs`).
//!
//! Which changes cause a difference: all changes are undone, and then made again one by one, unless a session
//! can then no longer start. What stays undone is enough to break it, and all of it is needed: no change in it
//! is there by accident. Of an instance that did not exist there is nothing to compare with: there, the causes
//! are the changed resources that the failing checks name in their evidence, and the instance itself.

use std::collections::BTreeSet;

use ssm_doctor_analysis::{
    answer::{Answer, Verdict},
    case::Case,
};
use ssm_doctor_checks::engine::{
    check::Check,
    command::Shell,
    diagnosis::{Answers, Finding, Overall, diagnose, examine},
    verification::Trial,
    words,
};
use ssm_doctor_facts::{
    iam::Caller,
    ids::{AccountId, InstanceId, Target},
    lookup::{Facts, Ourselves, Row, Why},
    scope::{Client, Scope, Session, Sides},
    time::Timestamp,
};

use super::{
    complete::{Assumptions, assume_agent, complete},
    contents::Plan,
    document::PlanError,
    identity::is_part_of_id,
    merge, naming, owner,
    rows::{INSTANCES, Rows},
    world::{Home, When, World},
};
use crate::{
    failure::Failure,
    report::{Report, unknown_in_words},
    snapshot::Snapshot,
};

/// What to judge, and how.
pub struct Asked<'a> {
    /// Addresses or ids; all, if there are none.
    pub targets: &'a [String],
    pub session: Option<Session>,
    /// The agent that a new instance is assumed to have.
    pub agent: Option<&'a str>,
    pub runbooks: String,
    pub base: Option<Snapshot>,
}

/// All that a plan does to sessions.
pub struct Judged {
    pub targets: Vec<JudgedTarget>,
    pub session: Session,
    pub assumptions: Vec<String>,
    /// What may matter and is not judged: address, and why.
    pub ignored: BTreeSet<(String, &'static str)>,
}

pub struct JudgedTarget {
    /// None for an instance that the configuration does not manage.
    pub address: Option<String>,
    /// The id in AWS; None for one that is yet to be made.
    pub id: Option<String>,
    pub home: Home,
    /// None where it does not exist at that time.
    pub before: Option<Overall>,
    pub after: Option<Report>,
    /// Could a session start before, by the same measure as after?
    pub could_start: bool,
    pub changed_by: Vec<String>,
}

impl JudgedTarget {
    /// Is it not known whether a session can start afterwards?
    fn is_open(&self) -> bool {
        self.after.as_ref().is_some_and(|it| it.diagnosis.overall == Overall::Inconclusive)
    }

    /// What has to be the same whichever of several resources is meant.
    fn result(&self) -> (Option<Overall>, Option<(Overall, &[&'static Check])>) {
        let diagnosis = self.after.as_ref().map(|report| &report.diagnosis);
        (self.before, diagnosis.map(|it| (it.overall, it.causes.as_slice())))
    }
}

/// How many alternatives are tried, all attributes together: the first of each, the second of each, and so on.
const ALTERNATIVES: usize = 8;

/// The first of these results, if all are the same.
fn agreed(targets: Vec<JudgedTarget>) -> Option<JudgedTarget> {
    let mut targets = targets.into_iter();
    let first = targets.next()?;
    targets.all(|other| other.result() == first.result()).then_some(first)
}

/// One instance, before and after.
struct Pair {
    address: Option<String>,
    home: Home,
    before: Option<Target>,
    after: Option<Target>,
}

/// # Errors
/// If the plan has no such target, or does not show where its instances are.
pub fn judge(plan: &Plan, asked: &Asked) -> Result<Judged, Failure> {
    let nothing = BTreeSet::new();
    let worlds_of = |choice| {
        let after = When::After { undone: &nothing };
        (World::new(plan, When::Before, choice), World::new(plan, after, choice))
    };
    let worlds = worlds_of(None);
    let homes = homes(&worlds, asked)?;
    let session =
        asked.session.or(asked.base.as_ref().map(|base| base.scope.session)).unwrap_or_default();
    let mut judged =
        Judged { targets: Vec::new(), session, assumptions: Vec::new(), ignored: BTreeSet::new() };
    let mut assumptions = Assumptions::new();
    let (mut known, mut assumed) = (Vec::new(), BTreeSet::new());
    let mut managed = BTreeSet::new();
    for home in homes {
        let rows = (Rows::of(&worlds.0, &home), Rows::of(&worlds.1, &home));
        judged.ignored.extend(rows.1.ignored.iter().cloned());
        assumed.extend(rows.1.assumed.iter().cloned());
        if asked.base.is_none() {
            managed.extend(rows.0.managed.iter().map(ToString::to_string));
        }
        // Of several resources that an instance or NAT gateway may refer to, each.
        let count = worlds.0.alternatives().max(worlds.1.alternatives());
        let choices = (0..count.min(ALTERNATIVES)).map(|choice| {
            let worlds = worlds_of(Some(choice));
            let rows = (Rows::of(&worlds.0, &home), Rows::of(&worlds.1, &home));
            (rows, &worlds.0.assumed() | &worlds.1.assumed())
        });
        let choices: Vec<_> = choices.filter(|_| count <= ALTERNATIVES).collect();
        let mut judge = Judge {
            plan,
            asked,
            session,
            home: &home,
            rows: &rows,
            choice: None,
            assumptions: &mut assumptions,
        };
        for pair in judge.pairs() {
            let names = pair.names();
            known.extend(names.iter().cloned());
            if !asked.targets.is_empty()
                && !asked.targets.iter().any(|target| names.contains(target))
            {
                continue;
            }
            (judge.rows, judge.choice) = (&rows, None);
            let mut target = judge.judge(&pair)?;
            if target.is_open() && !choices.is_empty() {
                let mut others = Vec::new();
                for (at, (rows, _)) in choices.iter().enumerate() {
                    (judge.rows, judge.choice) = (rows, Some(at));
                    others.push(judge.judge(&pair)?);
                }
                if let Some(agreed) = agreed(others) {
                    target = agreed;
                    assumed.extend(choices.iter().flat_map(|(_, assumed)| assumed).cloned());
                }
            }
            judged.targets.push(target);
        }
    }
    if let Some(missing) = asked.targets.iter().find(|target| !known.contains(target)) {
        return Err(PlanError::NoTarget { asked: missing.clone(), known }.into());
    }
    judged.assumptions.extend(assumptions.into_iter().map(str::to_owned));
    assumed.extend(&worlds.0.assumed() | &worlds.1.assumed());
    judged.assumptions.extend(assumed);
    judged.assumptions.extend(managed.iter().map(|vpc| {
        format!("{vpc} has nothing but what this configuration gives it: no facts were given that show more")
    }));
    if let (Some(version), true) =
        (asked.agent, judged.targets.iter().any(|target| target.id.is_none()))
    {
        judged
            .assumptions
            .push(format!("a new instance runs SSM Agent {version} (--assume-agent)"));
    }
    judged
        .assumptions
        .push("the operator may start sessions: a plan does not show who starts them".into());
    Ok(judged)
}

/// The Regions and accounts that have instances.
fn homes(worlds: &(World, World), asked: &Asked) -> Result<BTreeSet<Home>, Failure> {
    let mut homes = BTreeSet::new();
    for resource in worlds.0.resources.iter().chain(&worlds.1.resources) {
        if INSTANCES.contains(&resource.kind) && !resource.data {
            let home = resource.home.clone();
            homes.insert(
                home.ok_or_else(|| PlanError::NoRegion { address: resource.address.clone() })?,
            );
        }
    }
    if let Some(base) = &asked.base {
        let known = homes.iter().any(|home| home.region == base.scope.region);
        let any =
            worlds.1.resources.iter().chain(&worlds.0.resources).filter_map(|it| it.home.clone());
        if !known {
            homes.extend(any.filter(|home| home.region == base.scope.region).take(1));
        }
    }
    Ok(homes)
}

impl Pair {
    fn names(&self) -> Vec<String> {
        let ids = [&self.before, &self.after].into_iter().flatten().map(ToString::to_string);
        self.address.iter().cloned().chain(ids).collect()
    }
}

/// Judges the instances of one Region.
struct Judge<'j> {
    plan: &'j Plan,
    asked: &'j Asked<'j>,
    session: Session,
    home: &'j Home,
    /// Before the plan, and after all of it.
    rows: &'j (Rows, Rows),
    /// Of which resources, where an instance or NAT gateway may refer to several.
    choice: Option<usize>,
    assumptions: &'j mut Assumptions,
}

/// One target at one time.
struct Side {
    snapshot: Snapshot,
    answers: Answers,
    /// The result without what the agent did.
    measured: Overall,
}

impl Side {
    fn overall(&self) -> Overall {
        diagnose(&self.answers).overall
    }
}

impl Judge<'_> {
    fn pairs(&self) -> Vec<Pair> {
        let (before, after) = (&self.rows.0.instances, &self.rows.1.instances);
        let mut pairs: Vec<Pair> = Vec::new();
        // A group has one instance for each of its subnets: the first belongs to the first.
        let nth = |list: &[(String, InstanceId)], address: &str, at: usize| {
            let of = list.iter().filter(|(other, _)| other == address);
            of.map(|(_, id)| Target::Instance(id.clone())).nth(at)
        };
        let addresses: BTreeSet<&String> =
            before.iter().chain(after).map(|(address, _)| address).collect();
        for address in addresses {
            for at in 0.. {
                let (before, after) = (nth(before, address, at), nth(after, address, at));
                if before.is_none() && after.is_none() {
                    break;
                }
                pairs.push(Pair {
                    address: Some(address.clone()),
                    home: self.home.clone(),
                    before,
                    after,
                });
            }
        }
        if let Some(base) = self.base() {
            let target = &base.scope.target;
            let known = |pair: &Pair| {
                pair.before.as_ref() == Some(target) || pair.after.as_ref() == Some(target)
            };
            if !pairs.iter().any(known) {
                let target = Some(target.clone());
                pairs.push(Pair {
                    address: None,
                    home: self.home.clone(),
                    before: target.clone(),
                    after: target,
                });
            }
        }
        pairs
    }

    /// The facts that were given, if they are of this Region.
    fn base(&self) -> Option<&Snapshot> {
        self.asked.base.as_ref().filter(|base| base.scope.region == self.home.region)
    }

    fn scope(&self, target: &Target) -> Result<Scope, Failure> {
        let planned = || self.plan.document.timestamp.clone()?.try_into().ok();
        let at = match self.base() {
            Some(base) => base.scope.at,
            None => planned().map_or_else(now, Ok)?,
        };
        let base = self.base().map(|base| &base.scope);
        Ok(Scope {
            target: target.clone(),
            region: self.home.region.clone(),
            at,
            session: self.session,
            document: base
                .filter(|base| base.session == self.session)
                .and_then(|base| base.document.clone()),
            operator: None,
            client: Client::Declined,
            sides: Sides::Node,
            agent_log: false,
            probe: false,
            user_data: false,
            deep: false,
            error: None,
        })
    }

    fn judge(&mut self, pair: &Pair) -> Result<JudgedTarget, Failure> {
        let exists =
            |target: &&Target| pair.address.is_none() || self.plan.exists(&target.to_string());
        // What is replaced has a new id.
        let id =
            pair.after.as_ref().or(pair.before.as_ref()).filter(exists).map(ToString::to_string);
        let before = pair.before.as_ref().map(|target| self.before(target)).transpose()?;
        let after = match &pair.after {
            None => None,
            Some(target) => Some(self.after(target, before.as_ref())?),
        };
        // By the same measure as after: without what the agent did.
        let measured = before.as_ref().map(|side| side.measured);
        let could_start = measured.is_some_and(Overall::can_start);
        let changed_by = match (&pair.after, &after) {
            (Some(target), Some(side))
                if !side.overall().can_start() && measured != Some(side.overall()) =>
            {
                if could_start {
                    self.changes_that_break(pair, target, before.as_ref())?
                } else {
                    self.changes_in_evidence(pair.address.as_deref(), side)
                }
            }
            _ => Vec::new(),
        };
        let report = after.map(|side| {
            Report::of_answers(
                &side.snapshot,
                &side.answers,
                &self.asked.runbooks,
                false,
                Shell::Posix,
            )
        });
        Ok(JudgedTarget {
            address: pair.address.clone(),
            id,
            home: pair.home.clone(),
            before: before.map(|side| side.overall()),
            after: report,
            could_start,
            changed_by,
        })
    }

    fn before(&mut self, target: &Target) -> Result<Side, Failure> {
        let scope = self.scope(target)?;
        let (facts, observed) = match self.base() {
            Some(base) => {
                let mut facts = base.facts.clone();
                facts.absorb(self.rows.0.added_to(&base.facts));
                (facts, base.scope.target == *target)
            }
            None => (self.rows.0.alone(), false),
        };
        let unobserved = self.side(&facts, &scope, Some(&[]))?;
        if !observed {
            return Ok(unobserved);
        }
        Ok(Side { measured: unobserved.measured, ..self.side(&facts, &scope, None)? })
    }

    /// One target, whomever the plan belongs to. `observed`: the answers of before; None: these are the facts as
    /// they are.
    fn side(
        &mut self,
        facts: &Facts,
        scope: &Scope,
        observed: Option<&[(&'static Check, Answer)]>,
    ) -> Result<Side, Failure> {
        let defect = |error: serde_json::Error| Failure::Defect(error.to_string());
        let owners = owner::owners(facts, &self.home.account, self.plan.organization());
        let mut all = Vec::new();
        let mut first = None;
        for owner in owners.map_err(defect)? {
            let mut facts = owner.adopt(facts).map_err(defect)?;
            self.finish(&mut facts, scope, &owner.account);
            let snapshot = Snapshot { scope: scope.clone(), facts, calls: 0, rounds: 0 };
            let case = Case::new(&snapshot.facts, &snapshot.scope);
            let answers = match observed {
                Some(observed) => Trial::on(&case, observed).answers,
                None => examine(&case),
            };
            all.push((owner, answers));
            first.get_or_insert(snapshot);
        }
        let snapshot = first.ok_or_else(|| Failure::Defect("a plan without an account".into()))?;
        let answers = owner::agreed(all);
        Ok(Side { measured: diagnose(&answers).overall, snapshot, answers })
    }

    fn after(&mut self, target: &Target, before: Option<&Side>) -> Result<Side, Failure> {
        let rows = self.rows;
        self.after_rows(target, before, &rows.1)
    }

    /// After all changes but some.
    fn after_but(
        &mut self,
        target: &Target,
        before: Option<&Side>,
        undone: &BTreeSet<String>,
    ) -> Result<Side, Failure> {
        let rows = Rows::of(&World::new(self.plan, When::After { undone }, self.choice), self.home);
        self.after_rows(target, before, &rows)
    }

    /// After changes that lead to these rows.
    fn after_rows(
        &mut self,
        target: &Target,
        before: Option<&Side>,
        rows: &Rows,
    ) -> Result<Side, Failure> {
        let scope = self.scope(target)?;
        let facts = match self.base() {
            Some(base) => {
                let defect = |error: serde_json::Error| Failure::Defect(error.to_string());
                merge::changed(&base.facts, &self.rows.0, rows).map_err(defect)?
            }
            None => rows.alone(),
        };
        let observed: &[_] = match before {
            Some(before) if before.snapshot.scope.target == *target => &before.answers,
            _ => &[],
        };
        self.side(&facts, &scope, Some(observed))
    }

    fn finish(&mut self, facts: &mut Facts, scope: &Scope, account: &AccountId) {
        // ARNs need the account. Whoever calls is not judged.
        if let Ok(arn) = format!("arn:{}:iam::{account}:root", scope.region.partition()).parse() {
            let account = account.clone();
            let caller =
                Caller { user_id: account.to_string(), account, arn, temporary: None, mfa: None };
            facts.caller.entry(Ourselves::Us).or_insert(Row::Present(caller));
        }
        // The policies of roles are evaluated without those of the organization.
        if !self.base().is_some_and(|base| base.facts.organization.contains_key(&Ourselves::Us)) {
            self.assumptions.insert("no policy of an organization restricts the account");
        }
        if let Some(version) = self.asked.agent {
            assume_agent(facts, scope, version);
        } else {
            let unseen = || Row::Unknown { unknown: Why::NotInPlan, detail: String::new() };
            facts.nodes.entry(scope.target.clone()).or_insert_with(unseen);
        }
        complete(facts, scope, self.assumptions);
    }

    /// The smallest set of changes without which a session could still start.
    fn changes_that_break(
        &mut self,
        pair: &Pair,
        target: &Target,
        before: Option<&Side>,
    ) -> Result<Vec<String>, Failure> {
        let changes = self.plan.document.resource_changes.iter();
        let mut undone: BTreeSet<String> = changes
            .filter(|change| change.is_change())
            .map(|change| change.address.clone())
            .collect();
        for address in undone.clone() {
            undone.remove(&address);
            // One that would be replaced is still the old one.
            let kept = pair.address.as_ref().is_some_and(|own| undone.contains(own));
            let target = pair.before.as_ref().filter(|_| kept).unwrap_or(target);
            let side = self.after_but(target, before, &undone)?;
            if !side.overall().can_start() {
                undone.insert(address);
            }
        }
        Ok(undone.into_iter().collect())
    }

    /// The changed resources that failing checks name, and the instance.
    fn changes_in_evidence(&self, address: Option<&str>, side: &Side) -> Vec<String> {
        let diagnosis = diagnose(&side.answers);
        let is_cause = |finding: &&Finding| {
            if diagnosis.causes.is_empty() {
                finding.open
            } else {
                diagnosis.causes.contains(&finding.check)
            }
        };
        let causes = diagnosis.findings.iter().filter(is_cause);
        let text: String = causes
            .map(|finding| match &finding.answer {
                Ok(Verdict::Fail(evidence, _)) => {
                    let parts = evidence.iter().map(|observation| {
                        format!("{} {}", observation.subject, words::observed(observation))
                    });
                    parts.collect::<Vec<_>>().join(" ")
                }
                Err(unknown) => unknown_in_words(unknown),
                Ok(_) => String::new(),
            })
            .collect::<Vec<_>>()
            .join(" ");
        let words: BTreeSet<&str> = text.split(|letter| !is_part_of_id(letter)).collect();
        let named = naming::changed_ids(self.plan)
            .into_iter()
            .filter(|(id, _)| words.contains(id.as_str()));
        let has = |address: &str| {
            text.match_indices(address).any(|(at, _)| {
                let before = text.get(..at).and_then(|text| text.chars().next_back());
                let after = text.get(at + address.len()..).and_then(|text| text.chars().next());
                !before.is_some_and(|it| is_part_of_id(it) || it == '.')
                    && !after.is_some_and(|it| is_part_of_id(it) || it == '[')
            })
        };
        // A policy of a role is called by the address of its resource.
        let changes = self.plan.document.resource_changes.iter().filter(|it| it.is_change());
        let parts =
            naming::taken(self.plan).into_iter().filter(|part| words.contains(part.id.as_str()));
        let parts: BTreeSet<String> = parts
            .filter(|part| !part.kind.ends_with("_association"))
            .map(|part| part.address)
            .collect();
        let told = changes.filter(|it| parts.contains(&it.address) || has(&it.address));
        let addresses = named.map(|(_, address)| address).chain(address.map(str::to_owned));
        let addresses = addresses.chain(told.map(|change| change.address.clone()));
        // In order, each once.
        addresses.collect::<BTreeSet<String>>().into_iter().collect()
    }
}

fn now() -> Result<Timestamp, Failure> {
    let second = jiff::Timestamp::now().as_second();
    Timestamp::from_second(second)
        .ok_or_else(|| Failure::Defect("the clock is out of range".into()))
}
