//! With `RunAs` on, a user is named for this operator, and it is not root.
//!
//! The operator's tag `SSMSessionRunAs` wins over the document's default user; there is no third
//! choice, `ssm-user` least of all: while `RunAs` is on the agent does not even create it. Source:
//! amazon-ssm-agent `agent/framework/docparser/docparser.go`, `agent/session/shell/shell_unix.go`.

use crate::{
    prelude::*,
    solve::{
        operator::{Principal, principal},
        policy,
        session::{self, Gate, Gates, Preferences},
    },
};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("runas_user_set.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[&super::document_readable::CHECK],
    proves: &[],
    run,
};

const TAG: &str = "SSMSessionRunAs";

/// Whom the operator's tag names.
struct Tagged {
    /// For evidence: the user or role.
    operator: String,
    user: Option<String>,
    /// Somebody may have tagged the session, which cannot be seen.
    perhaps_by_session: bool,
    fix: Option<Fix>,
}

fn run(facts: &Facts, scope: &Scope) -> Answer {
    let (preferences, user) = match chosen(facts, scope)? {
        Ok(chosen) => chosen,
        Err(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let (user, evidence, tag) = match user {
        User::Named(user, evidence, tag) => (user, evidence, tag),
        User::Nobody(evidence, tag) => {
            return Ok(Verdict::Fail(
                evidence.and(Gate::RunAs.seen_as()),
                fix(scope, &preferences, tag),
            ));
        }
    };
    if user == "root" {
        let evidence = evidence
            .and(observed("root", "is refused: a RunAs user has neither uid nor gid 0"))
            .and(session::seen_as("Unable to start command: invalid uid and gid"));
        return Ok(Verdict::Fail(evidence, fix(scope, &preferences, tag)));
    }
    Ok(Verdict::Pass(
        evidence.and(observed(&user, "must exist on the node, which AWS does not show")),
    ))
}

/// Whom commands run as.
pub(super) enum User {
    /// With the tag that would name another.
    Named(String, Evidence, Option<Fix>),
    /// With the tag that would name one.
    Nobody(Evidence, Option<Fix>),
}

/// The user of this operator's sessions, or why the question does not arise.
pub(super) fn chosen<'f>(
    facts: &'f Facts,
    scope: &Scope,
) -> Result<Result<(Preferences<'f>, User), &'static str>, Unknown> {
    let preferences = match session::gates(facts, scope)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Err(why)),
    };
    if !preferences.flag("runAsEnabled")? {
        return Ok(Err("RunAs is off"));
    }
    if is_windows(facts, scope)? {
        return Ok(Err("RunAs does not concern Windows"));
    }
    if is_elevated(facts, scope, &preferences)? {
        return Ok(Err("the document runs its commands as root, RunAs or not"));
    }
    let tagged = tagged(facts, scope)?;
    let default = match &tagged.user {
        Some(_) => None,
        None => preferences.text("runAsDefaultUser")?.map(str::trim).filter(|it| !it.is_empty()),
    };
    let user = match (tagged.user, default) {
        (Some(user), _) => {
            let evidence = observed(&tagged.operator, format!("has the tag {TAG}={user}"));
            User::Named(user, evidence, tagged.fix)
        }
        (None, Some(user)) => {
            let named = format!("names {user} as the default user");
            User::Named(user.into(), observed(&preferences.name, named), tagged.fix)
        }
        (None, None) if tagged.perhaps_by_session => {
            return Err(Unknown::limit(format!(
                "RunAs is on without a default user, {} has no tag {TAG}, and tags of a session cannot be seen",
                tagged.operator
            )));
        }
        (None, None) => {
            let evidence = observed(&preferences.name, "has RunAs on and names no default user")
                .and(observed(&tagged.operator, format!("has no tag {TAG}")));
            User::Nobody(evidence, tagged.fix)
        }
    };
    Ok(Ok((preferences, user)))
}

pub(super) fn is_windows(facts: &Facts, scope: &Scope) -> Result<bool, Unknown> {
    match scope.target.instance() {
        Some(id) => Ok(facts.instance(id).required()?.windows),
        None => Ok(platform(facts, scope)?.eq_ignore_ascii_case("Windows")),
    }
}

fn is_elevated(facts: &Facts, scope: &Scope, preferences: &Preferences) -> Result<bool, Unknown> {
    let (linux, mac) = (preferences.elevated("linux")?, preferences.elevated("macOS")?);
    if linux == mac {
        return Ok(linux);
    }
    Ok(if platform(facts, scope)?.eq_ignore_ascii_case("MacOS") { mac } else { linux })
}

fn platform<'a>(facts: &'a Facts, scope: &Scope) -> Result<&'a str, Unknown> {
    let node = facts.node(&scope.target).required()?;
    node.platform
        .as_deref()
        .ok_or_else(|| Unknown::limit(format!("the platform of {}", scope.target)))
}

fn tagged(facts: &Facts, scope: &Scope) -> Result<Tagged, Unknown> {
    let arn = match principal(facts, scope)? {
        Principal::Named(arn) => arn,
        Principal::Root(arn) => {
            return Ok(Tagged {
                operator: arn.to_string(),
                user: None,
                perhaps_by_session: false,
                fix: None,
            });
        }
    };
    let name = arn.name();
    let untraceable = || Unknown::limit(format!("{arn} does not name a user or role"));
    let is_user = arn.resource().starts_with("user/");
    let (tags, perhaps_by_session) = if is_user {
        (&facts.user(&name.parse().map_err(|_| untraceable())?).required()?.tags, false)
    } else {
        let role = facts.role(&name.parse().map_err(|_| untraceable())?).required()?;
        (&role.tags, policy::may_tag_sessions(&role.trust))
    };
    let (kind, flag) =
        if is_user { ("tag-user", "--user-name") } else { ("tag-role", "--role-name") };
    let fix = Fix::new(format!("or tag {name} with {TAG}"), Recovery::NextSession)
        .aws(scope, ["iam", kind, flag, name, "--tags", &format!("Key={TAG},Value=<os-user>")]);
    let user = tags.get(TAG).map(|it| it.trim()).filter(|it| !it.is_empty());
    Ok(Tagged {
        operator: name.into(),
        user: user.map(ToString::to_string),
        perhaps_by_session,
        fix: Some(fix),
    })
}

fn fix(scope: &Scope, preferences: &Preferences, tag: Option<Fix>) -> Fix {
    let name = &preferences.name;
    let summary = format!(
        "name a default user that exists on the node, other than root, in {name} (or leave it so, if shells are meant to be refused and SSH to be used)"
    );
    let default = session::save(Fix::new(summary, Recovery::NextSession), scope, name);
    match tag {
        Some(tag) => default.and(tag),
        None => default,
    }
}
