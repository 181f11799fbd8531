//! Accounts built into the doctor: the healthy ones, and stories of how they break.
//!
//! They serve three ends: `ssm-doctor demo`, the laws (every check's runbook examples are laid over
//! the healthy ones), and the answer to "which API calls does this check need?", which nobody
//! declares. A broken world is a healthy one and a patch, see [`laid_over`].

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::model::{
    facts::{Facts, Need},
    scope::Scope,
    verdict::Check,
};

/// An account as the doctor sees it, and the question put to it.
#[derive(Clone)]
pub struct World {
    /// `private-endpoints`, or `private-endpoints/endpoint-without-https` for a broken one.
    pub name: String,
    pub summary: String,
    pub healthy: bool,
    /// What the doctor says of it, where that is not what one expects: a healthy world is healthy,
    /// and a broken one blocked.
    pub verdict: Option<String>,
    pub scope: Scope,
    pub facts: Facts,
}

/// The world that `demo` shows: broken, so that a newcomer sees what the doctor is for.
pub const DEFAULT: &str = "private-endpoints/endpoint-without-https";

/// The healthy world that runbook examples are laid over unless they name another.
pub const GROUND: &str = "private-endpoints";

macro_rules! worlds {
    ($($name:literal: [$($story:literal),* $(,)?];)*) => {
        const HEALTHY: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../fixtures/worlds/", $name, "/world.json"))),)*
        ];
        const BROKEN: &[(&str, &str, &str)] = &[
            $($((
                $name,
                $story,
                include_str!(concat!("../fixtures/worlds/", $name, "/broken/", $story, ".json")),
            ),)*)*
        ];
    };
}

worlds! {
    "private-endpoints": [
        "endpoint-without-https",
        "private-dns-off",
        "endpoint-missing",
        "agent-too-old",
        "zone-without-record",
        "active-directory-dns",
        "logs-unreachable",
    ];
    "public-ip": ["no-public-address", "operator-without-mfa"];
    "private-nat": [
        "nat-gateway-deleted",
        "logging-without-rights",
        "log-group-unencrypted",
        "kms-without-decrypt",
        "names-not-allowed",
        "ssh-only",
    ];
    "hub-peering": ["hub-admits-itself", "no-way-back"];
    "hub-transit": ["hub-not-announced"];
    "central-egress": ["no-way-back"];
    "ipv6-only": ["endpoints-without-ipv6"];
    "hybrid": ["standard-tier", "role-trusts-ec2", "registered-again", "logging-without-rights"];
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    summary: String,
    verdict: Option<String>,
    scope: Scope,
    facts: Facts,
}

/// Every built-in world, the healthy ones first.
///
/// # Errors
/// The file and what is wrong with it; a test sees to it that there is none.
pub fn all() -> Result<Vec<World>, String> {
    let healthy = HEALTHY.iter().map(|&(name, text)| world(name.into(), true, &parse(name, text)?));
    let broken = BROKEN.iter().map(|&(ground, story, text)| {
        let name = format!("{ground}/{story}");
        laid_over(name.clone(), ground, &[parse(&name, text)?])
    });
    healthy.chain(broken).collect()
}

/// A healthy world's file with patches laid over it in turn.
///
/// A patch is a JSON merge patch (RFC 7396), with one thing that those lack: an object of objects
/// laid over a list of rows changes the rows that it names by their `id`; null takes a row away, and
/// an id that is not there adds one.
///
/// # Errors
/// `name` and what is wrong with its file.
pub fn laid_over(name: String, ground: &str, patches: &[Value]) -> Result<World, String> {
    let (_, text) = HEALTHY
        .iter()
        .find(|it| it.0 == ground)
        .ok_or_else(|| format!("{name}: `{ground}` is no healthy world"))?;
    let mut file = parse(ground, text)?;
    for patch in patches {
        lay(&mut file, patch);
    }
    world(name, false, &file)
}

fn lay(file: &mut Value, patch: &Value) {
    match (file, patch) {
        (Value::Array(rows), Value::Object(changes))
            if rows.iter().all(|it| it.get("id").is_some())
                && changes.values().all(|it| it.is_object() || it.is_null()) =>
        {
            for (id, change) in changes {
                let at = rows.iter().position(|it| it.get("id").is_some_and(|it| it == id));
                match at {
                    Some(at) if change.is_null() => drop(rows.remove(at)),
                    Some(at) => rows.get_mut(at).into_iter().for_each(|row| lay(row, change)),
                    None => {
                        let mut row = serde_json::json!({ "id": id });
                        json_patch::merge(&mut row, change);
                        rows.push(row);
                    }
                }
            }
        }
        (file @ Value::Object(_), Value::Object(changes)) => {
            for (key, change) in changes {
                match file.get_mut(key) {
                    Some(child) if change.is_object() => lay(child, change),
                    _ => json_patch::merge(file, &serde_json::json!({ key.as_str(): change })),
                }
            }
        }
        (file, patch) => json_patch::merge(file, patch),
    }
}

fn world(name: String, healthy: bool, file: &Value) -> Result<World, String> {
    let File { summary, verdict, scope, facts } = read(&name, file)?;
    Ok(World { name, summary, healthy, verdict, scope, facts })
}

fn parse(name: &str, text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))
}

fn read<T: DeserializeOwned>(name: &str, value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| format!("{name}: {error}"))
}

/// A fenced block of a runbook: what the check says of a world.
pub struct Example {
    /// `passes`, `fails`, `unknown` or `not-applicable`.
    pub expects: &'static str,
    /// The healthy world it breaks.
    pub ground: &'static str,
    /// Words that must stand in the evidence, the fix or the reason not to know; and words that must
    /// not.
    pub says: Option<&'static str>,
    pub omits: Option<&'static str>,
    pub world: World,
}

/// The fenced blocks of a runbook that begin with
/// `json <verdict> [<world>] [says <words>] [omits <words>]`, each a patch of a world's `facts`, or
/// of the whole world if it has the key `facts` or `scope` itself.
///
/// # Errors
/// The runbook and what is wrong with it; a test sees to it that there is none.
pub fn examples(check: &'static Check) -> Result<Vec<Example>, String> {
    let name = check.name();
    let blocks = check.runbook.split("```json ").skip(1);
    blocks
        .enumerate()
        .map(|(at, block)| {
            let name = format!("{name}, example {}", at + 1);
            let (head, rest) =
                block.split_once('\n').ok_or_else(|| format!("{name}: unfinished"))?;
            let (text, _) = rest.split_once("```").ok_or_else(|| format!("{name}: unclosed"))?;
            let after = |head: &'static str, word| match head.split_once(word) {
                Some((head, words)) => (head, Some(words)),
                None => (head, None),
            };
            let (head, omits) = after(head, " omits ");
            let (head, says) = after(head, " says ");
            let (expects, ground) = head.split_once(' ').unwrap_or((head, GROUND));
            let mut patch = parse(&name, text)?;
            if patch.get("facts").is_none() && patch.get("scope").is_none() {
                patch = serde_json::json!({ "facts": patch });
            }
            let world = laid_over(name, ground, &[patch])?;
            Ok(Example { expects, ground, says, omits, world })
        })
        .collect()
}

/// Asks `check` alone, fetching from `world` only what it asks for: the needs it met on the way.
#[must_use]
pub fn demand(check: &Check, world: &World) -> BTreeSet<Need> {
    let mut known = Facts::default();
    let mut asked = BTreeSet::new();
    while let Err(unknown) = (check.run)(&known, &world.scope) {
        let needs: Vec<Need> = unknown.unasked().filter(|it| asked.insert(it.clone())).collect();
        if needs.is_empty() {
            break;
        }
        for need in &needs {
            known.copy_from(&world.facts, need);
        }
    }
    asked
}

/// The IAM actions behind what a check reads, seen over every world and its own examples.
///
/// # Errors
/// As [`all`] and [`examples`].
pub fn actions(check: &'static Check) -> Result<BTreeSet<&'static str>, String> {
    let examples = examples(check)?.into_iter().map(|it| it.world);
    let worlds = all()?.into_iter().chain(examples);
    let needs = worlds.flat_map(|world| demand(check, &world));
    Ok(needs.flat_map(|it| it.actions()).copied().collect())
}
