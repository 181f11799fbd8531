//! Where sessions are encrypted with a KMS key, the plugin gets credentials for it without asking
//! anybody.
//!
//! The AWS CLI hands the plugin no credentials but the profile's name, and that only if it stands behind
//! `--profile`; else the plugin looks around as every SDK does, the environment first. It cannot ask for
//! a token code. Sources: aws-cli `customizations/sessionmanager.py`, session-manager-plugin
//! `src/sessionmanagerplugin/session/session.go`, AWS SDK for Go.

use crate::client_words::{NO_PLUGIN, NOT_ENCRYPTED, fails, of_workstation, passes};
use crate::prelude::*;
use ssm_doctor_analysis::workstation;
use ssm_doctor_facts::workstation::{Login, Means, Profile, Program};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[&crate::preferences::document_readable::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    of_workstation(case, |workstation| {
        if workstation.plugin.is_none() {
            return Ok(Verdict::NotApplicable(NO_PLUGIN));
        }
        if !workstation::calls_kms(case)? {
            return Ok(Verdict::NotApplicable(NOT_ENCRYPTED));
        }
        by(workstation::login(case.facts)?, case.scope)
    })
}

fn by(login: &Login, scope: &Scope) -> Answer {
    if login.environment_keys && !login.by_flag {
        return passes(PLUGIN, "finds the access keys of the environment");
    }
    let asks = |it: &&Profile| has(it, &Means::Role) && has(it, &Means::Mfa);
    if let Some(profile) = login.profiles.iter().find(asks) {
        return fails(
            PLUGIN,
            format!(
                "cannot ask for the token code that the profile `{}` takes to assume its role (mfa_serial), and needs credentials of its own for the KMS key",
                profile.name
            ),
            "assume the role first and export its temporary credentials (`aws configure export-credentials --format env`), then start the session without --profile",
        );
    }
    match login.profiles.last() {
        Some(base) => from(login, base, scope),
        None => passes(PLUGIN, MACHINE),
    }
}

/// What a profile that assumes no role, or the first of those that do, gets its credentials from.
fn from(login: &Login, base: &Profile, scope: &Scope) -> Answer {
    let name = &base.name;
    // Whoever asked for the credentials of this run asked the same profile, and got them.
    let proven = !login.environment_keys;
    if has(base, &Means::SignOn) {
        return match &login.sign_on {
            Some(token) if scope.at.until(token.ends_at) > 0 => passes(
                PLUGIN,
                format!(
                    "finds the single sign-on token of the profile `{name}`, which lasts until {}",
                    token.ends_at
                ),
            ),
            _ if proven => {
                passes(PLUGIN, format!("finds what the profile `{name}` signed in with"))
            }
            Some(token) if !token.renewable => fails(
                PLUGIN,
                format!(
                    "finds a single sign-on token of the profile `{name}` that ended at {}",
                    token.ends_at
                ),
                "sign in again: `aws sso login`",
            ),
            _ => Err(Unknown::limit(format!(
                "whether the plugin can renew the single sign-on of the profile `{name}` is not visible: `aws sso login` makes sure"
            ))),
        };
    }
    let certain = [Means::Keys, Means::WebIdentity, Means::Machine];
    if certain.iter().any(|it| has(base, it)) {
        return passes(PLUGIN, format!("finds the credentials of the profile `{name}`"));
    }
    if has(base, &Means::Process) && proven {
        let what = format!(
            "can run the program of the profile `{name}`, which gave this run its credentials"
        );
        return passes(PLUGIN, what);
    }
    if base.sets.is_empty() && proven {
        return passes(PLUGIN, MACHINE);
    }
    Err(Unknown::limit(format!(
        "whether the plugin gets credentials from the profile `{name}` is not visible: this run had others"
    )))
}

const PLUGIN: &Program = &Program::Plugin;
const MACHINE: &str = "finds the credentials of this machine";

fn has(profile: &Profile, means: &Means) -> bool {
    profile.sets.contains(means)
}
