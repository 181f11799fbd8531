//! The facts of a fleet: one account and Region after the other.
//!
//! An account and a Region are a shard: a line of facts that its nodes share, then a line for each node. When the user
//! interrupts the run, the shard at hand is written as far as it is known, marked as incomplete. `--resume` keeps the
//! complete shards of a file, and asks of an incomplete one only what is missing.

use ssm_doctor_facts::{
    ids::{AccountId, Arn, Region, Target},
    lookup::{Facts, Need, Row, Why},
    scope::{Client, Scope, Sides},
    ssm::Ping,
};

use super::{LiveError, Progress, about, list, now, runtime};
use crate::{
    cli::Fleet,
    collect::{Gathered, Stop, aws::Account, gather, our_account, workstation::Setup},
    config::Config,
    failure::Failure,
    judge::{
        line,
        shard::{Shard, Shards},
    },
    targets::candidates,
};

/// What a run found, and what it did not look at.
pub struct Collected {
    /// Facts, as `judge` reads them.
    pub lines: String,
    /// Which Regions of which accounts are missing, and why.
    pub missing: Vec<String>,
    pub is_interrupted: bool,
}

/// The facts of all nodes of the Regions and accounts. `known`: from an earlier run.
pub fn collect(args: &Fleet, config: &Config, known: Shards) -> Result<Collected, Failure> {
    let (stopper, stop) = Stop::new();
    let mut run = Run {
        args,
        known,
        stop,
        progress: Progress::new(),
        found: Collected { lines: String::new(), missing: Vec::new(), is_interrupted: false },
    };
    runtime(async {
        // The first interruption ends the collection, the second one the run.
        let interrupted = async {
            let _ = tokio::signal::ctrl_c().await;
            stopper.stop();
            let _ = tokio::signal::ctrl_c().await;
        };
        let all = Box::pin(run.all(config));
        tokio::select! {
            done = all => done,
            () = interrupted => Err(LiveError::Interrupted.into()),
        }
    })?;
    let Run { known, stop, mut found, .. } = run;
    found.is_interrupted = stop.is_set();
    // Shards that this run did not get to, or was not asked for.
    found.lines.extend(known.into_lines());
    if found.lines.is_empty() && found.is_interrupted {
        return Err(LiveError::Interrupted.into());
    }
    Ok(found)
}

struct Run<'a> {
    args: &'a Fleet,
    known: Shards,
    stop: Stop,
    progress: Progress,
    found: Collected,
}

/// An account to examine, by how the doctor gets at it.
enum Access {
    /// With the credentials at hand, which are of this account.
    OwnCredentials,
    Role(Arn),
}

impl Run<'_> {
    async fn all(&mut self, config: &Config) -> Result<(), Failure> {
        self.progress.say("finding credentials");
        let ours = self.connected(config).await?;
        let roles = self.args.assume_role.iter().cloned().map(Access::Role);
        let mut accounts: Vec<Access> = roles.collect();
        if let Some(name) = &self.args.organization_role {
            accounts.extend(of_organization(&ours, name).await?);
        }
        if accounts.is_empty() {
            accounts.push(Access::OwnCredentials);
        }
        let mut first_error = None;
        let is_only_one = accounts.len() == 1;
        for access in accounts {
            let done = match &access {
                Access::OwnCredentials => self.account(&ours).await,
                Access::Role(role) => match ours.assuming(role).await {
                    Ok(account) => self.account(&account).await,
                    Err(error) => Err(LiveError::from(error).into()),
                },
            };
            let Err(error) = done else { continue };
            if let Access::Role(role) = &access {
                self.found.missing.push(format!("account {}: {error}", role.account()));
            }
            if is_only_one {
                return Err(error);
            }
            first_error.get_or_insert(error);
        }
        // Of several accounts those that can be examined are, unless there is none.
        match first_error {
            Some(error) if self.found.lines.is_empty() && !self.stop.is_set() => Err(error),
            _ => Ok(()),
        }
    }

    /// With the Region that is named first, or that of the profile.
    async fn connected(&self, config: &Config) -> Result<Account, LiveError> {
        let profile = self.args.profile.as_deref().or(config.profile());
        let here = Setup {
            profile_flag: self.args.profile.clone(),
            profile: profile.map(str::to_owned),
            ..Setup::default()
        };
        let named = self.args.regions().unwrap_or_default();
        let region = named.first().map(Region::as_str).or(config.region());
        Ok(Account::connect(region, here).await?)
    }

    async fn account(&mut self, account: &Account) -> Result<(), Failure> {
        let caller = account.caller().await;
        let id = our_account(&caller).cloned();
        let regions = match self.args.regions() {
            Some(named) if named.is_empty() => vec![account.region().clone()],
            Some(named) => named,
            None => {
                account.regions().await.map_err(|failure| LiveError::NoList(failure.to_string()))?
            }
        };
        let is_only_one = regions.len() == 1;
        for region in regions {
            let known = self.known.take(id.as_ref(), &region);
            if let Some(known) = known.as_ref().filter(|known| !known.is_incomplete) {
                self.found.lines.push_str(&known.text);
                continue;
            }
            if self.stop.is_set() {
                self.found.lines.extend(known.map(|known| known.text));
                self.found.missing.push(format!("{}: interrupted", place(&region, id.as_ref())));
                continue;
            }
            let here = account.in_region(&region).map_err(LiveError::from)?;
            match self.region(&here, id.as_ref(), &caller, known).await {
                Err(error) if is_only_one => return Err(error),
                Err(error) => {
                    self.found.missing.push(format!("{}: {error}", place(&region, id.as_ref())));
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// One Region: its instances and nodes page by page, then what their checks need, each question once for all of
    /// them.
    async fn region(
        &mut self,
        account: &Account,
        id: Option<&AccountId>,
        caller: &Facts,
        known: Option<Shard>,
    ) -> Result<(), Failure> {
        let Self { args, progress, stop, found, .. } = self;
        let region = account.region();
        progress.say(&format!("listing the nodes of {}", place(region, id)));
        let all = list(account).await?;
        let at = now()?;
        let scope = |target| Scope {
            target,
            region: region.clone(),
            at,
            session: args.session,
            document: None,
            operator: args.operator.clone(),
            // A fleet is judged as a whole, and not from this machine.
            client: Client::Declined,
            sides: Sides::Both,
            agent_log: false,
            probe: false,
            user_data: false,
            deep: false,
            error: None,
        };
        let scopes: Vec<Scope> = candidates(&all)
            .into_iter()
            .filter(|candidate| args.filter.admits(&candidate.target, &all))
            .map(|candidate| scope(candidate.target))
            .collect();
        let targets: Vec<Target> = scopes.iter().map(|scope| scope.target.clone()).collect();
        let mut facts = about(&targets, &all);
        facts.absorb(caller.clone());
        if let Some(known) = known {
            facts.absorb(known.answers()?);
        }
        leave_out(&targets, &mut facts);
        let gathered = gather(facts, &scopes, account, args.timeout, stop, &mut |calls| {
            let place = place(account.region(), id);
            progress.say(&format!("{place}: {} nodes, asking {calls}", scopes.len()));
        })
        .await;
        if !gathered.is_complete {
            found.missing.push(format!("a part of {}: interrupted", place(region, id)));
        }
        let Gathered { facts, calls, rounds, is_complete } = gathered;
        let text = line::split(&scopes, &facts, calls, rounds, !is_complete)
            .map_err(|error| Failure::Defect(error.to_string()))?;
        found.lines.push_str(&text);
        Ok(())
    }
}

fn place(region: &Region, account: Option<&AccountId>) -> String {
    match account {
        Some(account) => format!("{region} of account {account}"),
        None => region.to_string(),
    }
}

/// The role of this name in every account of the organization; in our own account, our own credentials.
async fn of_organization(ours: &Account, name: &str) -> Result<Vec<Access>, LiveError> {
    let caller = ours.caller().await;
    let us = our_account(&caller);
    let accounts =
        ours.accounts().await.map_err(|failure| LiveError::NoAccounts(failure.to_string()))?;
    let partition = ours.region().partition();
    let of = |account: AccountId| {
        if us == Some(&account) {
            return Some(Access::OwnCredentials);
        }
        format!("arn:{partition}:iam::{account}:role/{name}").parse().ok().map(Access::Role)
    };
    Ok(accounts.into_iter().filter_map(of).collect())
}

/// Facts that take a call for each node. The session channel of a node that reports is the only one of them that is
/// worth it: no list shows the channel, and no session starts without it.
fn leave_out(targets: &[Target], facts: &mut Facts) {
    for target in targets {
        let reports = matches!(
            facts.nodes.get(target),
            Some(Row::Present(node)) if node.ping == Ping::Online
        );
        let mut needs = vec![Need::past_sessions(target.clone())];
        needs.extend((!reports).then(|| Need::connection(target.clone())));
        if let Some(id) = target.instance() {
            let of_instance = [Need::console, Need::metrics, Need::profile_association];
            needs.extend(of_instance.map(|need| need(id.clone())));
        }
        for need in &needs {
            facts.give_up(need, Why::LeftOut, "");
        }
    }
}
