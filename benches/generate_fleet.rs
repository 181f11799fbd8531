//! Fleets of any size, as lines that `ssm-doctor judge` and `ssm-doctor fleet --facts` read.
//!
//! ```sh
//! cargo run --release -p ssm-doctor-benches --bin generate-fleet -- 100000 --answers answers.ndjson > fleet.ndjson
//! ```
//!
//! A shard is an account and a Region with at most 10,000 instances. It has VPCs of one kind: private with endpoints,
//! private with NAT gateways, or public. Each VPC is a copy of a built-in scenario, with ids of its own, and has between
//! 1 and 240 instances. About a seventh of the VPCs are copies of broken scenarios, so that the cause of each of their
//! instances is known; `--answers` writes it, a line for each instance. Within a VPC some instances are stopped. One seed
//! gives the same bytes each time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on stops here"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write as _},
};

use clap::Parser;
use serde_json::{Map, Value, json};
use ssm_doctor_analysis::case::Case;
use ssm_doctor_checks::engine::diagnosis::{Overall, diagnose, examine};
use ssm_doctor_facts::scope::Client;
use ssm_doctor_fixtures as fixtures;

#[derive(Parser)]
#[command(about = "Writes the facts of a fleet to standard output", disable_version_flag = true)]
struct Args {
    /// How many instances
    instances: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// For each instance the first cause, or null if a session can start
    #[arg(long, value_name = "FILE")]
    answers: Option<String>,
}

/// Kinds of shards; the healthy scenario of each.
const KINDS: [&str; 3] = ["private-endpoints", "private-nat", "public-ip"];
/// Instances in an account and Region.
const SHARD: usize = 10_000;
/// Most instances in a VPC: what the built-in subnets hold.
const MOST: u64 = 240;
/// What begins the ids that belong to one VPC.
const PREFIXES: [&str; 11] = [
    "vpc-",
    "subnet-",
    "sg-",
    "rtb-",
    "acl-",
    "eni-",
    "nat-",
    "igw-",
    "vpce-",
    "dopt-",
    "eipalloc-",
];

/// A scenario, in parts.
struct Template {
    target: String,
    private_ip: Option<String>,
    region: String,
    scope: Value,
    /// Rows about the target alone, as text.
    own: String,
    /// Rows about a VPC, by table.
    vpc: String,
    /// Rows about the account.
    account: Value,
    /// Names of roles and profiles.
    names: BTreeSet<String>,
    cause: Option<String>,
}

impl Template {
    fn of(name: &str) -> Self {
        let mut scenario = fixtures::named(name).unwrap();
        scenario.scope.client = Client::Declined;
        let diagnosis = diagnose(&examine(&Case::new(&scenario.facts, &scenario.scope)));
        let blocked = diagnosis.overall == Overall::Blocked;
        let cause = diagnosis.causes.first().map(|check| check.name()).filter(|_| blocked);
        let target = scenario.scope.target.to_string();
        let facts: Value =
            serde_json::from_str(&fixtures::to_json(&scenario.facts).unwrap()).unwrap();
        let of_table = |table: &str| facts[table].as_object().into_iter().flatten();
        let names: BTreeSet<String> = of_table("roles")
            .chain(of_table("instance_profiles"))
            .map(|row| row.0.clone())
            .collect();
        let (mut own, mut vpc, mut account) = (Map::new(), Map::new(), Map::new());
        for (table, rows) in facts.as_object().unwrap() {
            // What this machine sees is no part of a fleet.
            if table.starts_with("here_") {
                continue;
            }
            for (key, row) in rows.as_object().unwrap() {
                let text = format!("{key} {row}");
                let is_of_vpc = words(&text).any(|word| is_of_vpc(word) || names.contains(word));
                let part = if key.contains(&target) {
                    &mut own
                } else if is_of_vpc {
                    &mut vpc
                } else {
                    &mut account
                };
                part.entry(table).or_insert_with(|| json!({}))[key] = row.clone();
            }
        }
        let instance = &facts["instances"][&target];
        let private_ip = instance["interfaces"][0]["private_ip"].as_str().map(str::to_owned);
        Self {
            region: scenario.scope.region.to_string(),
            scope: serde_json::to_value(&scenario.scope).unwrap(),
            own: Value::from(own).to_string(),
            vpc: Value::from(vpc).to_string(),
            account: account.into(),
            target,
            private_ip,
            names,
            cause,
        }
    }

    /// `text` with the ids of a VPC.
    fn in_vpc(&self, text: &str, vpc: usize) -> String {
        let mut renamed = String::with_capacity(text.len() + 256);
        let mut rest = text;
        while let Some(at) = rest.find(is_word) {
            let (before, word) = rest.split_at(at);
            let (word, after) = word.split_at(word.find(|it| !is_word(it)).unwrap_or(word.len()));
            renamed.push_str(before);
            renamed.push_str(word);
            if is_of_vpc(word) {
                let _ = write!(renamed, "v{vpc}");
            } else if self.names.contains(word) {
                let _ = write!(renamed, "-{vpc}");
            }
            rest = after;
        }
        renamed + rest
    }
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| !is_word(letter))
}

fn is_of_vpc(word: &str) -> bool {
    PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

/// A healthy scenario and those of its broken variants that differ only in what belongs to a VPC.
struct Kind {
    healthy: Template,
    broken: Vec<Template>,
}

impl Kind {
    fn of(name: &str) -> Self {
        let healthy = Template::of(name);
        let all = fixtures::all().unwrap();
        let variants = all.iter().map(|scenario| &scenario.name);
        let variants = variants.filter(|it| it.starts_with(&format!("{name}/")));
        let broken = variants.map(|it| Template::of(it)).filter(|broken| {
            broken.cause.is_some()
                && broken.account == healthy.account
                && broken.region == healthy.region
        });
        Self { broken: broken.collect(), healthy }
    }
}

/// Source: Vigna, "`SplitMix64`".
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    /// Many small VPCs, and few large ones.
    fn size(&mut self) -> usize {
        let scale = 1 << self.below(8);
        usize::try_from((1 + self.below(2 * scale)).min(MOST)).unwrap()
    }
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let kinds = KINDS.map(Kind::of);
    let mut random = Random(args.seed);
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut answers = args.answers.map(File::create).transpose()?.map(BufWriter::new);
    let mut number = 0;
    for shard in 0.. {
        let until = (number + SHARD).min(args.instances);
        if number == until {
            break;
        }
        let kind = &kinds[shard % KINDS.len()];
        let mut vpcs: Vec<(&Template, usize, usize)> = Vec::new();
        let mut left = until - number;
        while left > 0 {
            let size = random.size().min(left);
            let template = match random.below(7) {
                0 if !kind.broken.is_empty() => {
                    let at = random.below(kind.broken.len() as u64);
                    &kind.broken[usize::try_from(at).unwrap()]
                }
                _ => &kind.healthy,
            };
            vpcs.push((template, vpcs.len(), size));
            left -= size;
        }
        write_shared(&mut out, kind, &vpcs)?;
        for (template, vpc, size) in vpcs {
            let own = template.in_vpc(&template.own, vpc);
            let scope = template.scope.to_string();
            for host in 0..size {
                let id = format!("i-{number:017x}");
                let stopped = random.below(50) == 0;
                let mut own = own.replace(&template.target, &id);
                if let Some(ip) = &template.private_ip {
                    let net = ip.rsplit_once('.').unwrap().0;
                    own = own.replace(ip, &format!("{net}.{}", 10 + host));
                }
                // An Auto Scaling group names its instances alike, and launches them in batches.
                own = own.replace("web-1", &format!("web-{vpc}"));
                own = own.replace("2026-11-20T08:", &format!("2026-11-{:02}T08:", 1 + host / 16));
                own = own.replace("T02:58:10Z", &format!("T02:58:{:02}Z", number % 60));
                if stopped {
                    own = own.replace("\"running\"", "\"stopped\"");
                }
                let scope = scope.replace(&template.target, &id);
                writeln!(
                    out,
                    "{{\"schema\":\"ssm-doctor/target-facts/v1\",\"scope\":{scope},\"facts\":{own}}}"
                )?;
                if let Some(answers) = &mut answers {
                    let cause = template.cause.as_ref().filter(|_| !stopped);
                    writeln!(
                        answers,
                        "{}",
                        json!({ "target": id, "stopped": stopped, "cause": cause })
                    )?;
                }
                number += 1;
            }
        }
    }
    out.flush()?;
    answers.map_or(Ok(()), |mut answers| answers.flush())
}

fn write_shared(
    out: &mut impl io::Write,
    kind: &Kind,
    vpcs: &[(&Template, usize, usize)],
) -> io::Result<()> {
    let mut facts: BTreeMap<String, Map<String, Value>> =
        serde_json::from_value(kind.healthy.account.clone())?;
    for (template, vpc, _) in vpcs {
        let rows: BTreeMap<String, Map<String, Value>> =
            serde_json::from_str(&template.in_vpc(&template.vpc, *vpc))?;
        for (table, rows) in rows {
            facts.entry(table).or_default().extend(rows);
        }
    }
    let region = &kind.healthy.region;
    let facts = serde_json::to_string(&facts)?;
    writeln!(
        out,
        "{{\"schema\":\"ssm-doctor/shared-facts/v1\",\"region\":\"{region}\",\"facts\":{facts}}}"
    )
}
