//! What a person calls a target: an id, an ARN, a name, an address, a tag; and lists of them.

use std::{collections::BTreeMap, io, net::IpAddr, path::PathBuf};

use ssm_doctor_facts::{
    ec2::{Instance, InstanceState},
    ids::{Arn, Region, Target},
    lookup::{Facts, Row},
};

use crate::{
    cli::{self, Diagnose},
    input,
    render::safe::shown,
    tag::Tag,
    usage::{self, UsageError, nearest},
};

/// One word of a person, or one line of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Id {
        target: Target,
        region: Option<Region>,
        /// If it was named so: its account must be that of the credentials.
        arn: Option<Arn>,
    },
    /// The Name tag of an instance, or the name that a node reports.
    Name(String),
    /// An address that the instance has.
    Address(IpAddr),
}

impl Asked {
    /// # Errors
    /// [`UsageError`], by what is wrong with the word.
    pub fn parse(word: &str, region: Option<&Region>) -> Result<Self, UsageError> {
        if let Ok(address) = word.parse() {
            return Ok(Self::Address(address));
        }
        if let Some(named) = of_dns_name(word) {
            return match named {
                Named::Address(address) => Ok(Self::Address(address)),
                Named::Id(id) => Self::parse(id, region),
            };
        }
        match usage::target(word, region) {
            Ok((target, region)) => Ok(Self::Id { target, region, arn: word.parse().ok() }),
            // Neither a command that is misspelled nor another resource is a name. `--tag Name=…` takes any name.
            Err(UsageError::NoTarget { .. })
                if !word.is_empty()
                    && !word.starts_with("arn:")
                    && !usage::is_like_command(word) =>
            {
                Ok(Self::Name(word.to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Can only a list of all instances tell which target is meant?
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "of a live run only"))]
    #[must_use]
    pub fn is_description(&self) -> bool {
        !matches!(self, Self::Id { .. })
    }

    fn means(&self, candidate: &Candidate) -> bool {
        match self {
            Self::Id { target, .. } => *target == candidate.target,
            Self::Name(name) => {
                candidate.name.as_ref() == Some(name) || candidate.computer.as_ref() == Some(name)
            }
            Self::Address(address) => candidate.addresses.contains(address),
        }
    }

    /// The name that was probably meant.
    fn near(&self, candidates: &[Candidate]) -> Option<String> {
        let Self::Name(name) = self else { return None };
        let names = candidates.iter().flat_map(|it| it.name.iter().chain(&it.computer));
        nearest(name, names.map(String::as_str)).map(str::to_owned)
    }
}

enum Named<'w> {
    Address(IpAddr),
    Id(&'w str),
}

/// What a name that EC2 gives to an instance says: `ip-10-0-1-2.ec2.internal` and
/// `ec2-198-51-100-7.eu-west-1.compute.amazonaws.com` have the address, and a resource name
/// (`i-0abc….eu-west-1.compute.internal`) the id. Source: EC2 user guide, "EC2 instance hostnames and domains".
fn of_dns_name(word: &str) -> Option<Named<'_>> {
    const DOMAINS: [&str; 3] = [".internal", ".amazonaws.com", ".amazonaws.com.cn"];
    let word = word.trim_end_matches('.');
    let (host, _) = word.split_once('.')?;
    if !DOMAINS.iter().any(|domain| word.ends_with(domain)) {
        return None;
    }
    if host.starts_with("i-") {
        return Some(Named::Id(host));
    }
    let address = host.strip_prefix("ip-").or_else(|| host.strip_prefix("ec2-"))?;
    address.replace('-', ".").parse().ok().map(Named::Address)
}

/// The words of a list: one for each line; blank lines and those that begin with `#` do not count.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What is asked about, word by word. Reads standard input for `-`.
///
/// # Errors
/// [`UsageError`], by what was probably meant.
pub fn asked(args: &Diagnose) -> Result<Vec<Asked>, UsageError> {
    let mut all = Vec::new();
    let region = args.region.as_ref();
    let reads = |files: &[PathBuf]| files.iter().any(|file| input::is_standard(file));
    for word in &args.targets {
        if cli::duration(word).is_ok() {
            return Err(UsageError::LooseDuration { asked: word.clone() });
        }
        if word != "-" {
            all.push(Asked::parse(word, region)?);
            continue;
        }
        let others = [
            ("--facts", reads(&args.facts)),
            ("--agent-log", reads(&args.agent_log)),
            ("--probe", reads(args.probe.as_slice())),
        ];
        if let Some((second, _)) = others.into_iter().find(|other| other.1) {
            return Err(UsageError::OneInput { first: "the list of targets", second });
        }
        let text = io::read_to_string(io::stdin()).map_err(|_| UsageError::NothingAsked)?;
        for word in listed(&text) {
            all.push(Asked::parse(word, region)?);
        }
    }
    Ok(all)
}

/// An instance or a node that may be meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub target: Target,
    /// Its Name tag.
    pub name: Option<String>,
    /// The name that its agent reports.
    pub computer: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub addresses: Vec<IpAddr>,
    /// `running`, `stopped`…; none for a hybrid node.
    pub state: Option<String>,
    /// `Online`, `ConnectionLost`…; none for what is not managed.
    pub ping: Option<String>,
}

impl Candidate {
    /// Name, id, state and whether it reports, in a line for a list.
    #[cfg_attr(not(any(test, feature = "live")), expect(dead_code, reason = "of a live run only"))]
    #[must_use]
    pub fn line(&self) -> String {
        let name = self.name.as_deref().or(self.computer.as_deref()).unwrap_or("-");
        let state = self.state.as_deref().unwrap_or("hybrid");
        let ping = self.ping.as_deref().unwrap_or("not managed");
        shown(&format!("{name}  {}  {state}  {ping}", self.target), true).into_owned()
    }

    /// What the facts show of a target, whether it exists or not.
    #[must_use]
    pub fn of(target: &Target, facts: &Facts) -> Self {
        let instance = target.instance().and_then(|id| facts.instances.get(id));
        let instance = instance.and_then(Row::present);
        let node = facts.nodes.get(target).and_then(Row::present);
        let mut addresses: Vec<IpAddr> = Vec::new();
        for interface in instance.iter().flat_map(|instance| &instance.interfaces) {
            let v4 = interface.private_ip.into_iter().chain(interface.public_ip).map(IpAddr::V4);
            addresses.extend(v4.chain(interface.ipv6.iter().copied().map(IpAddr::V6)));
        }
        // EC2 knows the addresses of an instance. An agent reports one of them, or one of another network.
        if instance.is_none() {
            addresses.extend(node.and_then(|it| it.ip.as_ref()?.parse::<IpAddr>().ok()));
        }
        Self {
            target: target.clone(),
            name: instance.and_then(|it| it.name.clone()),
            computer: node.and_then(|it| it.computer_name.clone()),
            tags: instance.map(|it| it.tags.clone()).unwrap_or_default(),
            addresses,
            state: instance.map(|it| it.state.as_str().to_owned()),
            ping: node.map(|it| it.ping.as_str().to_owned()),
        }
    }
}

/// Every instance and node that the facts show, but for terminated instances.
#[cfg_attr(not(any(test, feature = "live")), expect(dead_code, reason = "of a live run only"))]
#[must_use]
pub fn candidates(facts: &Facts) -> Vec<Candidate> {
    let is_over = |instance: &Instance| {
        matches!(instance.state, InstanceState::Terminated | InstanceState::ShuttingDown)
    };
    let exists = |row: &Row<Instance>| row.present().is_some_and(|instance| !is_over(instance));
    let instances = facts.instances.iter().filter(|(_, row)| exists(row));
    let instances = instances.map(|(id, _)| Target::Instance(id.clone()));
    let hybrid = facts
        .nodes
        .iter()
        .filter(|(target, row)| target.instance().is_none() && matches!(row, Row::Present(_)));
    let targets = instances.chain(hybrid.map(|(target, _)| target.clone()));
    targets.map(|target| Candidate::of(&target, facts)).collect()
}

/// The targets that are meant, in the order of the words, each once. `tags`: those that have all of them
/// are meant too. Adds to `missing` each word, and the tags, that nothing answers to.
///
/// # Errors
/// The first of them, if nothing answers to anything.
pub fn select(
    asked: &[Asked],
    tags: &[Tag],
    candidates: &[Candidate],
    missing: &mut Vec<UsageError>,
) -> Result<Vec<Target>, UsageError> {
    let mut chosen: Vec<Target> = Vec::new();
    let mut not_found: Vec<UsageError> = Vec::new();
    let mut choose = |target: &Target| {
        if !chosen.contains(target) {
            chosen.push(target.clone());
        }
    };
    for word in asked {
        // An id needs no list: whether it exists is a check's question.
        if let Asked::Id { target, .. } = word {
            choose(target);
            continue;
        }
        let meant: Vec<_> = candidates.iter().filter(|candidate| word.means(candidate)).collect();
        if meant.is_empty() {
            not_found.push(UsageError::NotFound {
                asked: word.to_string(),
                near: word.near(candidates),
            });
        }
        for candidate in meant {
            choose(&candidate.target);
        }
    }
    if !tags.is_empty() {
        let meant: Vec<_> =
            candidates.iter().filter(|candidate| has_all(candidate, tags)).collect();
        if meant.is_empty() {
            let tags: Vec<_> =
                tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect();
            not_found.push(UsageError::NotFound { asked: tags.join(", "), near: None });
        }
        for candidate in meant {
            choose(&candidate.target);
        }
    }
    if chosen.is_empty() && !not_found.is_empty() {
        return Err(not_found.swap_remove(0));
    }
    missing.append(&mut not_found);
    Ok(chosen)
}

/// Does it have every tag?
fn has_all(candidate: &Candidate, tags: &[Tag]) -> bool {
    tags.iter().all(|tag| candidate.tags.get(&tag.key) == Some(&tag.value))
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id { target, .. } => target.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use ssm_doctor_fixtures as fixtures;

    use super::*;

    #[test]
    fn words_as_people_type_them() {
        let rows = [
            ("i-0abc123def4567890", "id i-0abc123def4567890"),
            ("arn:aws:ec2:eu-west-1:111122223333:instance/i-1234abcd", "id i-1234abcd"),
            ("i-1234abcd.eu-west-1.compute.internal", "id i-1234abcd"),
            ("10.0.11.23", "address 10.0.11.23"),
            ("fd00::1", "address fd00::1"),
            ("ip-10-0-11-23.ec2.internal", "address 10.0.11.23"),
            ("ip-10-0-11-23.eu-west-1.compute.internal.", "address 10.0.11.23"),
            ("ec2-198-51-100-7.compute-1.amazonaws.com", "address 198.51.100.7"),
            ("web-1", "name web-1"),
            ("db.corp.example", "name db.corp.example"),
            ("demp", "error"),
            ("i-0abc", "error"),
            ("arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1", "error"),
            ("", "error"),
        ];
        for (word, expected) in rows {
            let found = match Asked::parse(word, None) {
                Ok(asked @ Asked::Id { .. }) => format!("id {asked}"),
                Ok(asked @ Asked::Name(_)) => format!("name {asked}"),
                Ok(asked @ Asked::Address(_)) => format!("address {asked}"),
                Err(_) => "error".into(),
            };
            assert_eq!(found, expected, "{word}");
        }
    }

    #[test]
    fn names_addresses_and_tags_choose_each_target_once() {
        let scenario = fixtures::named("private-endpoints").unwrap();
        let all = candidates(&scenario.facts);
        let web = &all[0];
        assert_eq!((web.name.as_deref(), web.ping.as_deref()), (Some("web-1"), Some("Online")));
        assert_eq!(web.line(), "web-1  i-0abc123def4567890  running  Online");
        let words = |words: &[&str]| -> Vec<Asked> {
            words.iter().map(|word| Asked::parse(word, None).unwrap()).collect()
        };
        let tag = |raw: &str| raw.parse::<Tag>().unwrap();
        let twice = words(&["web-1", "10.0.11.23"]);
        let mut missing = Vec::new();
        let chosen = select(&twice, &[tag("Environment=production")], &all, &mut missing).unwrap();
        assert_eq!(chosen, std::slice::from_ref(&web.target));
        assert_eq!(select(&words(&["i-1234abcd"]), &[], &all, &mut missing).unwrap().len(), 1);
        assert!(missing.is_empty());
        for (asked, tags) in [
            (words(&["web-2"]), vec![]),
            (words(&["10.0.11.24"]), vec![]),
            (vec![], vec![tag("Environment=test")]),
            (vec![], vec![tag("Environment=production"), tag("Name=web-2")]),
        ] {
            let chosen = select(&asked, &tags, &all, &mut missing);
            assert!(matches!(chosen, Err(UsageError::NotFound { .. })) && missing.is_empty());
        }
        // One wrong word does not hide the others.
        let chosen = select(&words(&["wbe-1", "web-1"]), &[], &all, &mut missing).unwrap();
        assert_eq!(chosen, std::slice::from_ref(&web.target));
        let near = |wrong: &UsageError| match wrong {
            UsageError::NotFound { asked, near } => (asked.clone(), near.clone()),
            other => panic!("{other}"),
        };
        let near: Vec<_> = missing.iter().map(near).collect();
        assert_eq!(near, [("wbe-1".to_owned(), Some("web-1".to_owned()))]);
    }

    #[test]
    fn a_list_has_a_word_on_each_line() {
        let text = "# ours\n i-1234abcd \n\nweb-1\r\n";
        assert_eq!(listed(text).collect::<Vec<_>>(), ["i-1234abcd", "web-1"]);
    }
}
