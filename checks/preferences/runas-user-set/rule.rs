//! With `RunAs` on, a user is named for this operator, and it is not root.
//!
//! The operator's tag `SSMSessionRunAs` wins over the document's default user; there is no third
//! choice, `ssm-user` least of all: while `RunAs` is on the agent does not even create it. Source:
//! amazon-ssm-agent `agent/framework/docparser/docparser.go`, `agent/session/shell/shell_unix.go`.

use serde_json::json;

use crate::preferences_remedies::{giving_up, with_inputs};
use crate::preferences_words::{session_ends_with, session_stopped_by};
use crate::prelude::*;
use ssm_doctor_analysis::{
    node::runs_windows,
    permissions::operator,
    session::{self, Gate, Gates, Preferences},
};
use ssm_doctor_facts::change::IamChange;
use ssm_doctor_iam_policy as policy;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
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
    maybe_by_session: bool,
    /// Whom a tag can be given.
    taggable: Option<Taggable>,
}

enum Taggable {
    User(UserName),
    Role(RoleName),
}

impl Taggable {
    fn tag(&self, value: &str) -> IamChange {
        let (key, value) = (TAG.into(), value.into());
        match self {
            Self::User(user) => IamChange::TagUser { user: user.clone(), key, value },
            Self::Role(role) => IamChange::TagRole { role: role.clone(), key, value },
        }
    }
}

fn run(case: &Case) -> Answer {
    let Chosen { preferences, user, evidence, tagged } = match chosen(case)? {
        Ok(chosen) => chosen,
        Err(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let by_session = |what: &str| {
        Unknown::limit(format!(
            "RunAs is on {what}, and a tag {TAG} of {}'s session, which cannot be seen, goes before it",
            tagged.operator
        ))
    };
    let Some(user) = user else {
        if tagged.maybe_by_session {
            return Err(by_session("without a default user"));
        }
        return Ok(Verdict::Fail(
            evidence.and(session_stopped_by(Gate::RunAs)),
            fix(&preferences, &tagged, case),
        ));
    };
    if user == "root" {
        if tagged.maybe_by_session {
            return Err(by_session("with root, which is refused"));
        }
        let evidence = evidence
            .and(observed("root", "is refused: a RunAs user has neither uid nor gid 0"))
            .and(session_ends_with("Unable to start command: invalid uid and gid"));
        return Ok(Verdict::Fail(evidence, fix(&preferences, &tagged, case)));
    }
    // A probe that looked for the user knows; agent/session-user-usable says what it saw.
    let probe = case.scope.probe.then(|| case.facts.probe(&case.scope.target).required());
    if probe.transpose()?.is_none_or(|probe| probe.users.is_none())
        && let Some(doubt) = may_be_missing(case, &user)?
    {
        let named = evidence.iter().map(crate::engine::words::sentence);
        return Err(named.map(Unknown::limit).fold(Unknown::limit(doubt), Unknown::and));
    }
    Ok(Verdict::Pass(
        evidence.and(observed(&user, "must exist on the node, which AWS does not show")),
    ))
}

/// The users that AWS's images of each system come with, by how Systems Manager begins its name. Source:
/// EC2 user guide, "Default user names for AMIs".
const DEFAULT_USERS: [(&str, &[&str]); 9] = [
    ("ubuntu", &["Ubuntu"]),
    (
        "ec2-user",
        &["Amazon", "Red Hat", "SLES", "SUSE", "Oracle", "CentOS", "Fedora", "Alma", "macOS"],
    ),
    ("centos", &["CentOS"]),
    ("fedora", &["Fedora"]),
    ("rocky", &["Rocky"]),
    ("almalinux", &["Alma"]),
    ("debian", &["Debian"]),
    ("bitnami", &["Bitnami", "Debian", "Ubuntu"]),
    ("opc", &["Oracle"]),
];

/// Why a node is unlikely to have this user: the agent's own, which it does not create while `RunAs` is
/// on, or one that another system's images come with.
fn may_be_missing(case: &Case, user: &str) -> Result<Option<String>, Unknown> {
    if user == "ssm-user" {
        return Ok(Some(
            "while RunAs is on the agent does not create ssm-user, and whether the node has it from before is not visible".into(),
        ));
    }
    let Some((_, systems)) = DEFAULT_USERS.iter().find(|it| it.0 == user) else { return Ok(None) };
    let node = case.facts.node(&case.scope.target).optional()?;
    let Some(system) = node.and_then(|it| it.platform_name.as_deref()) else { return Ok(None) };
    if comes_with(system, systems) {
        return Ok(None);
    }
    Ok(Some(format!(
        "the node runs {system}, whose images come without a user {user}, and whether somebody added one is not visible"
    )))
}

fn comes_with(system: &str, systems: &[&str]) -> bool {
    systems
        .iter()
        .any(|name| system.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

/// The user that `RunAs` names for this operator's sessions, if it is on and names one.
///
/// # Errors
/// [`Unknown`] if the preferences or the tag were not seen.
pub(crate) fn user(case: &Case) -> Result<Option<String>, Unknown> {
    Ok(chosen(case)?.ok().and_then(|chosen| chosen.user))
}

/// Whom commands run as.
struct Chosen<'f> {
    preferences: Preferences<'f>,
    user: Option<String>,
    /// Who names that user, or that nobody does.
    evidence: Evidence,
    tagged: Tagged,
}

/// The user of this operator's sessions, or why the question does not arise.
fn chosen<'f>(case: &Case<'f>) -> Result<Result<Chosen<'f>, &'static str>, Unknown> {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Err(why)),
    };
    if !preferences.flag("runAsEnabled")? {
        return Ok(Err("RunAs is off"));
    }
    if runs_windows(case)? {
        return Ok(Err("RunAs does not concern Windows"));
    }
    if is_elevated(case, &preferences)? {
        return Ok(Err("the document runs its commands as root, RunAs or not"));
    }
    let tagged = tagged(case)?;
    let default = match &tagged.user {
        Some(_) => None,
        None => preferences.text("runAsDefaultUser")?.map(str::trim).filter(|it| !it.is_empty()),
    };
    let evidence = match (&tagged.user, default) {
        (Some(user), _) => observed(&tagged.operator, format!("has the tag {TAG}={user}")),
        (None, Some(user)) => {
            observed(&preferences.name, format!("names {user} as the default user"))
        }
        (None, None) => observed(&preferences.name, "has RunAs on and names no default user")
            .and(observed(&tagged.operator, format!("has no tag {TAG}"))),
    };
    let user = tagged.user.clone().or_else(|| default.map(ToString::to_string));
    Ok(Ok(Chosen { preferences, user, evidence, tagged }))
}

fn is_elevated(case: &Case, preferences: &Preferences) -> Result<bool, Unknown> {
    let (linux, mac) = (preferences.elevated("linux")?, preferences.elevated("macOS")?);
    if linux == mac {
        return Ok(linux);
    }
    Ok(if platform(case)?.eq_ignore_ascii_case("MacOS") { mac } else { linux })
}

fn platform<'a>(case: &Case<'a>) -> Result<&'a str, Unknown> {
    let node = case.facts.node(&case.scope.target).required()?;
    node.platform
        .as_deref()
        .ok_or_else(|| Unknown::limit(format!("the platform of {}", case.scope.target)))
}

fn tagged(case: &Case) -> Result<Tagged, Unknown> {
    let operator = operator::identity(case)?;
    let arn = &operator.arn;
    if operator.is_root() {
        return Ok(Tagged {
            operator: arn.to_string(),
            user: None,
            maybe_by_session: false,
            taggable: None,
        });
    }
    let name = arn.name();
    let untraceable = || Unknown::limit(format!("{arn} does not name a user or role"));
    let (tags, maybe_by_session, taggable) = if arn.resource().starts_with("user/") {
        let user: UserName = name.parse().map_err(|_| untraceable())?;
        (&case.facts.user(&user).required()?.tags, false, Taggable::User(user))
    } else {
        let name: RoleName = name.parse().map_err(|_| untraceable())?;
        let role = case.facts.role(&name).required()?;
        let tags = case.facts.role_tags(&name).required()?;
        (tags, policy::may_tag_sessions(&role.trust), Taggable::Role(name))
    };
    let user = tags.get(TAG).map(|it| it.trim()).filter(|it| !it.is_empty());
    Ok(Tagged {
        operator: name.into(),
        user: user.map(ToString::to_string),
        maybe_by_session,
        // IAM Identity Center makes these roles, and nobody may change them.
        taggable: (!name.starts_with("AWSReservedSSO_")).then_some(taggable),
    })
}

fn fix(preferences: &Preferences, tagged: &Tagged, case: &Case) -> Fix {
    let document = &preferences.name;
    let user = default_user(case);
    let user = user.unwrap_or("<os-user>");
    let exists = format!("check that the user {user} exists on the node, or take another one");
    let tag = tagged.taggable.as_ref().map(|operator| {
        FixOption::new(format!("tag {} with {TAG}={user}", tagged.operator))
            .after(exists.clone())
            .with(operator.tag(user))
    });
    // The tag goes before the document's default user.
    let default = tagged.user.is_none().then(|| {
        let option = FixOption::new(format!("set runAsDefaultUser to {user} in {document}"));
        let inputs = [("runAsDefaultUser", Some(json!(user)))];
        with_inputs(option.after(exists), case, document, &inputs)
    });
    let off = giving_up(
        "turn RunAs off, so that sessions run as ssm-user with sudo,",
        case,
        document,
        &[("runAsEnabled", Some(json!(false)))],
    );
    let options = tag.into_iter().chain(default).chain([off]);
    Fix::options(options, Recovery::NextSession)
}

/// The user that the images of the node's system come with.
fn default_user(case: &Case) -> Option<&'static str> {
    let node = case.facts.node(&case.scope.target).optional().ok().flatten()?;
    let system = node.platform_name.as_deref()?;
    let (user, _) = DEFAULT_USERS.iter().find(|(_, systems)| comes_with(system, systems))?;
    Some(user)
}
