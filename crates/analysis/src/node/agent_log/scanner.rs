//! Reads log files of any size, each as a stream, and keeps one entry per kind of line.
//!
//! One search for all signatures passes over the text. Only around a hit are lines cut out and read. INVARIANT:
//! memory does not grow with the length of a file: kinds of lines, and the bytes that are not read yet, have
//! upper limits.

use alloc::{
    collections::BTreeMap,
    format,
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use ssm_doctor_facts::credentials::without_credentials;

use super::{
    reading::{Event, What, event, has_all, own_words},
    record::{Micros, Prefix, Start, zone},
    signatures::{SIGNATURES, Says, Signature},
    stage::Stage,
};

/// No more bytes wait for the rest of their line.
const MOST_PENDING: usize = 1 << 20;
/// No more bytes of one line and its continuation are read.
const LONGEST_RECORD: usize = 16 << 10;
/// No more characters of a line are kept.
const LONGEST_TEXT: usize = 1_500;
/// No more kinds of lines are kept of one file; the one that is longest ago goes first.
const MOST_KINDS: usize = 200;
/// No more texts are kept with what they say.
const MOST_READINGS: usize = 256;
/// No more nodes are kept of one file.
const MOST_NODES: usize = 8;
/// The agent's processes write to one file, and some lines are a little older than the line before them.
const SET_BACK: Micros = 60_000_000;
/// How many bytes of a line show whether it begins with a time.
const LONGEST_START: usize = 400;
/// Where it shows whether a text is a log of the agent at all.
const HEAD: usize = 64 << 10;

/// How many lines show what precedes each of them.
const HEAD_LINES: usize = 200;

/// What only the agent and the plugin write.
const MARKS: [&str; 9] = [
    "[amazon-ssm-agent]",
    "[ssm-agent-worker]",
    "[ssm-session-worker]",
    "amazon-ssm-agent",
    "[CredentialRefresher]",
    "Proxy environment variables:",
    "Agent is in hibernate mode",
    "sessionmanagerplugin",
    "Starting session with SessionId:",
];

/// Which of the agent's files a text is. Several files contain the same lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `amazon-ssm-agent.log`, rotated ones included.
    Main,
    /// `errors.log`: the errors of the main log.
    Errors,
    /// `hibernate.log`.
    Hibernate,
    /// Everything else: the journal, standard output, the serial console, the operator's terminal.
    Other,
}

impl Kind {
    /// By the name of a file, without its folder.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name.starts_with("amazon-ssm-agent") {
            Self::Main
        } else if name.starts_with("errors") {
            Self::Errors
        } else if name.starts_with("hibernate") {
            Self::Hibernate
        } else {
            Self::Other
        }
    }
}

/// The search for all signatures.
pub struct Matcher(AhoCorasick);

impl Matcher {
    /// # Errors
    /// If the table cannot be compiled, which a test rules out.
    pub fn new() -> Result<Self, String> {
        AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(SIGNATURES.iter().map(|signature| signature.text))
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// The first signature of the table that fits. Linear in the length of the text, of which `own` is what is not
    /// quoted.
    fn signature(&self, own: &str, text: &str) -> Option<&'static Signature> {
        let mut found: Vec<usize> = Vec::new();
        for hit in self.0.find_overlapping_iter(own) {
            let id = hit.pattern().as_usize();
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found.sort_unstable();
        found
            .into_iter()
            .filter_map(|id| SIGNATURES.get(id))
            .find(|signature| has_all(signature, text))
    }
}

/// Where a line was written, in the order of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The line's time. Where the clock was set back after it, the time to which it was set: within a file the
    /// order of the lines decides what is newer.
    pub(super) at: Option<Micros>,
    pub(super) number: u64,
    /// The time that the line itself has.
    pub(super) stamp: Option<Micros>,
}

impl Place {
    /// The line was written before a line with this time.
    fn before(&mut self, at: Micros) {
        self.at = self.at.map(|own| own.min(at));
    }
}

/// Lines that say the same.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) text: String,
    pub(super) first: Place,
    pub(super) since: Place,
    pub(super) last: Place,
    pub(super) count: u64,
}

/// One file, while it is read.
pub struct Scanner<'m> {
    matcher: &'m Matcher,
    pending: Vec<u8>,
    head: usize,
    marked: bool,
    bytes: u64,
    /// What precedes each line, once a line has shown it.
    prefix: Option<Prefix>,
    /// The zone of the node's clock, once a line has shown it.
    zone: Option<Micros>,
    /// Has a line with a time been seen?
    stamped: bool,
    number: u64,
    readings: Readings,
    /// The newest time so far, since the clock was last set back.
    newest: Option<Micros>,
    findings: Findings,
    /// By stage: the last line that says that it works, and the last that says that it does not.
    worked: BTreeMap<Stage, Place>,
    failed: BTreeMap<Stage, Place>,
}

/// What was read of one file.
pub struct Scan {
    pub(super) kind: Kind,
    recognized: bool,
    empty: bool,
    pub(super) cut_off: bool,
    pub(super) findings: Findings,
}

/// What the lines of a file show.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) begins: Option<Micros>,
    pub(super) ends: Option<Micros>,
    /// The time to which the clock was last set back.
    pub(super) set_back: Option<Micros>,
    pub(super) version: Option<(Place, String)>,
    pub(super) os: Option<(Place, String)>,
    /// The nodes that the file names, the one that it named last at the end.
    pub(super) nodes: Vec<(Place, String)>,
    pub(super) started: Option<Place>,
    pub(super) tallies: BTreeMap<Event, Tally>,
}

impl Findings {
    /// All places so far are before a line with this time.
    fn before(&mut self, at: Micros) {
        self.begins = self.begins.map(|begins| begins.min(at));
        let words = [&mut self.version, &mut self.os].into_iter().flatten();
        words.chain(&mut self.nodes).for_each(|(place, _)| place.before(at));
        self.started.iter_mut().for_each(|place| place.before(at));
        for tally in self.tallies.values_mut() {
            for place in [&mut tally.first, &mut tally.since, &mut tally.last] {
                place.before(at);
            }
        }
    }

    fn names_node(&mut self, id: &str, place: Place) {
        self.nodes.retain(|(_, known)| known != id);
        if self.nodes.len() >= MOST_NODES {
            self.nodes.remove(0);
        }
        self.nodes.push((place, id.into()));
    }
}

impl Scan {
    /// Is the text one of the agent or of the plugin?
    #[must_use]
    pub fn is_recognized(&self) -> bool {
        self.recognized
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// The rest of the file is missing: its archive ends before its end.
    pub fn cut_off(&mut self) {
        self.cut_off = true;
    }
}

impl<'m> Scanner<'m> {
    #[must_use]
    pub fn new(matcher: &'m Matcher) -> Self {
        Self {
            matcher,
            pending: Vec::new(),
            head: 0,
            marked: false,
            bytes: 0,
            prefix: None,
            zone: None,
            stamped: false,
            number: 0,
            readings: Readings::default(),
            newest: None,
            findings: Findings::default(),
            worked: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }

    /// The next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if self.head < HEAD && !self.marked {
            self.head += bytes.len();
            let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(HEAD)).unwrap_or(bytes));
            self.marked = MARKS.iter().any(|mark| text.contains(mark));
        }
        self.pending.extend_from_slice(bytes);
        let mut pending = core::mem::take(&mut self.pending);
        if !self.stamped {
            let lines = || pending.split(|byte| *byte == b'\n').take(HEAD_LINES);
            self.prefix = self.prefix.or_else(|| lines().find_map(Prefix::of));
            self.zone = self.zone.or_else(|| lines().find_map(zone));
        }
        let ready = ready(&pending, self.prefix());
        self.scan(pending.get(..ready).unwrap_or_default());
        pending.drain(..ready);
        self.pending = pending;
    }

    /// The end of the file.
    #[must_use]
    pub fn finish(mut self, kind: Kind) -> Scan {
        let rest = core::mem::take(&mut self.pending);
        self.scan(&rest);
        if let Some(ends) = self.findings.ends {
            self.clock(ends);
        }
        for tally in self.findings.tallies.values_mut() {
            tally.text = bounded(&tally.text);
        }
        Scan {
            kind,
            recognized: self.marked && self.stamped
                || !self.findings.tallies.is_empty()
                || self.findings.version.is_some(),
            empty: self.bytes == 0,
            cut_off: false,
            findings: self.findings,
        }
    }

    /// In UTC, as far as the file shows the node's zone.
    fn utc(&self, at: Micros) -> Micros {
        at - self.zone.unwrap_or_default()
    }

    fn prefix(&self) -> Prefix {
        self.prefix.unwrap_or_default()
    }

    /// Reads whole lines.
    fn scan(&mut self, block: &[u8]) {
        self.times(block);
        let prefix = self.prefix();
        let mut from = 0;
        let matcher = self.matcher;
        // A document or a reply that is longer than a record.
        let mut quotes = false;
        while let Some(rest) = block.get(from..).filter(|rest| !rest.is_empty()) {
            let Some(hit) = matcher.0.find(rest) else { break };
            let hit_at = from + hit.start();
            let (begin, end) = record(block, from, hit_at, prefix);
            quotes = quotes && bare_since(block, from, hit_at, prefix);
            if let Some(record) = block.get(begin..end).filter(|_| !quotes) {
                quotes = self.line(record);
            }
            from = end.max(from + hit.end());
        }
    }

    /// The times of the first and of the last line.
    fn times(&mut self, block: &[u8]) {
        let prefix = self.prefix();
        let stamp = |line: &[u8]| match prefix.start(line) {
            Start::Record(at, _) => Some(at),
            _ => None,
        };
        if self.findings.begins.is_none() {
            let mut lines = block.split(|byte| *byte == b'\n');
            self.findings.begins = lines.find_map(stamp).map(|at| self.utc(at));
        }
        let mut lines = block.rsplit(|byte| *byte == b'\n');
        if let Some(at) = lines.find_map(stamp) {
            self.stamped = true;
            // Where the clock was set back, the last line is older than others.
            self.findings.ends = Some(self.utc(at));
        }
    }

    /// A line with those that continue it. Does it quote a document or a reply?
    fn line(&mut self, record: &[u8]) -> bool {
        let mut at = None;
        let mut is_of_service = false;
        let mut text = String::new();
        let prefix = self.prefix();
        for (index, line) in record.split(|byte| *byte == b'\n').enumerate() {
            let part = match prefix.start(line) {
                Start::Record(stamp, part) if index == 0 => {
                    at = Some(self.utc(stamp));
                    part
                }
                Start::Service(part) => {
                    is_of_service = true;
                    part
                }
                Start::Record(_, part) | Start::Bare(part) => part,
                Start::Foreign => continue,
            };
            if !text.is_empty() {
                text.push(' ');
            }
            let part = part.get(..part.len().min(LONGEST_RECORD)).unwrap_or(part);
            text.push_str(String::from_utf8_lossy(part).trim());
            if text.len() > LONGEST_RECORD {
                break;
            }
        }
        let reading = self.readings.of(&text, self.matcher);
        let Some(signature) = reading.signature else { return reading.quotes };
        self.number += 1;
        if let Some(at) = at {
            self.clock(at);
        }
        // The time of a line of systemd is not before that of the agent's last line.
        let at = if is_of_service { self.newest } else { at };
        let place = Place { at, number: self.number, stamp: at };
        self.names(signature, text.get(..reading.own).unwrap_or(&text), place);
        if let Some(event) = &reading.event {
            self.count(event, &text, place);
        }
        reading.quotes
    }

    /// The next line has this time. If it is older than a line before it, the clock was set back.
    fn clock(&mut self, at: Micros) {
        if let Some(newest) = self.newest.filter(|newest| at < *newest) {
            self.findings.before(at);
            let places = self.worked.values_mut().chain(self.failed.values_mut());
            places.for_each(|place| place.before(at));
            if newest - at >= SET_BACK {
                self.findings.set_back = Some(at);
            }
        }
        self.newest = Some(at);
    }

    /// The agent's version, its system and its node.
    fn names(&mut self, signature: &Signature, text: &str, place: Place) {
        let word = |before: &str| {
            let rest = text.split_once(before)?.1;
            let word: String =
                rest.chars().take_while(|letter| !letter.is_whitespace()).take(40).collect();
            (!word.is_empty()).then_some(word)
        };
        match signature.says {
            Says::Start => {
                self.findings.started = self.findings.started.max(Some(place));
                if let Some(version) = word(" - v") {
                    self.findings.version = Some((place, version));
                }
            }
            Says::Version => {
                if let Some(version) = word("SSM Agent v") {
                    self.findings.version = Some((place, version));
                }
            }
            Says::System => {
                if let Some(os) = word("OS: ") {
                    self.findings.os = Some((place, os.trim_end_matches(',').into()));
                }
            }
            _ => {}
        }
        if let Some(id) = node_id(text) {
            self.findings.names_node(id, place);
        }
    }

    fn count(&mut self, event: &Event, text: &str, place: Place) {
        let stage = event.stage;
        let opposite = match event.what {
            What::Failed(_) | What::ChannelEnded | What::WorkerStarts => {
                self.worked.get(&stage).copied()
            }
            _ => self.failed.get(&stage).copied(),
        };
        match event.what {
            What::Works | What::PortOpens => {
                for proven in stage.proves() {
                    self.worked.insert(*proven, place);
                }
            }
            What::Failed(_) => {
                self.failed.insert(stage, place);
            }
            _ => {}
        }
        if let Some(tally) = self.findings.tallies.get_mut(event) {
            if opposite.is_some_and(|opposite| opposite > tally.last) {
                tally.since = place;
            }
            tally.first = tally.first.min(place);
            tally.last = tally.last.max(place);
            tally.count += 1;
            tally.text.clear();
            tally.text.push_str(text);
            return;
        }
        if self.findings.tallies.len() >= MOST_KINDS {
            let oldest = self.findings.tallies.iter().min_by_key(|(_, tally)| tally.last);
            if let Some(oldest) = oldest.map(|(event, _)| event.clone()) {
                self.findings.tallies.remove(&oldest);
            }
        }
        let text = text.to_string();
        let tally = Tally { text, first: place, since: place, last: place, count: 1 };
        self.findings.tallies.insert(event.clone(), tally);
    }
}

/// What the text of a line says, whenever it is written.
struct Reading {
    signature: Option<&'static Signature>,
    event: Option<Event>,
    /// How many bytes are not quoted.
    own: usize,
    quotes: bool,
}

/// An agent that cannot go on writes the same few lines again and again.
#[derive(Default)]
struct Readings(BTreeMap<String, Rc<Reading>>);

impl Readings {
    fn of(&mut self, text: &str, matcher: &Matcher) -> Rc<Reading> {
        if let Some(known) = self.0.get(text) {
            return Rc::clone(known);
        }
        let own = own_words(text);
        let signature = matcher.signature(own, text);
        let event = signature.and_then(|signature| event(signature, text));
        let (own, quotes) = (own.len(), own.len() < text.len());
        let reading = Rc::new(Reading { signature, event, own, quotes });
        if text.len() <= LONGEST_TEXT {
            if self.0.len() >= MOST_READINGS {
                self.0.clear();
            }
            self.0.insert(text.into(), Rc::clone(&reading));
        }
        reading
    }
}

/// Does the line that begins at this byte lack a time?
fn is_bare(block: &[u8], begin: usize, prefix: Prefix) -> bool {
    let line = block.get(begin..).unwrap_or_default();
    let line = line.get(..line.len().min(LONGEST_START)).unwrap_or_default();
    let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
    matches!(prefix.start(line.get(..end).unwrap_or_default()), Start::Bare(_))
}

/// Do all lines from this byte to the line with the hit lack a time?
fn bare_since(block: &[u8], from: usize, hit: usize, prefix: Prefix) -> bool {
    let between = block.get(from..hit).unwrap_or_default();
    memchr::memchr_iter(b'\n', between).all(|line| is_bare(block, from + line + 1, prefix))
}

/// How many bytes end before a line that may go on.
fn ready(bytes: &[u8], prefix: Prefix) -> usize {
    let mut end = bytes.len();
    // The last line that begins with a time may be continued.
    while let Some(line) = memchr::memrchr(b'\n', bytes.get(..end).unwrap_or_default()) {
        if !is_bare(bytes, line + 1, prefix) {
            return line + 1;
        }
        end = line;
        if bytes.len() - end > 2 * LONGEST_RECORD {
            break;
        }
    }
    // A text without times, or one long error.
    if bytes.len() > MOST_PENDING {
        return memchr::memrchr(b'\n', bytes).map_or(bytes.len(), |line| line + 1);
    }
    0
}

/// The bounds of the line with this byte, and of the lines that continue it.
fn record(block: &[u8], from: usize, hit: usize, prefix: Prefix) -> (usize, usize) {
    let line_start = |at: usize| {
        memchr::memrchr(b'\n', block.get(from..at).unwrap_or_default())
            .map_or(from, |line| from + line + 1)
    };
    let line_end = |at: usize| {
        memchr::memchr(b'\n', block.get(at..).unwrap_or_default())
            .map_or(block.len(), |line| at + line)
    };
    let mut begin = line_start(hit);
    // Back to the line with the time, if there is one.
    let mut back = begin;
    while is_bare(block, back, prefix) && back > from && hit - back < LONGEST_RECORD {
        back = line_start(back - 1);
    }
    if !is_bare(block, back, prefix) {
        begin = back;
    }
    let mut end = line_end(hit);
    while end + 1 < block.len() && end - begin < LONGEST_RECORD {
        let next = end + 1;
        if !is_bare(block, next, prefix) || is_bare(block, begin, prefix) && !continues(block, next)
        {
            break;
        }
        end = line_end(next);
    }
    (begin, end)
}

/// Does a line of a text without times continue the line before it?
fn continues(block: &[u8], begin: usize) -> bool {
    let line = block.get(begin..).unwrap_or_default();
    line.starts_with(b"caused by:") || line.starts_with(b"\t") || line.starts_with(b"#011")
}

/// A line as it is kept, without credentials. A long one keeps both of its ends: errors come to the point at the end.
fn bounded(text: &str) -> String {
    let plain: String =
        without_credentials(text).chars().filter(|letter| !letter.is_control()).collect();
    let count = plain.chars().count();
    if count <= LONGEST_TEXT {
        return plain;
    }
    let head: String = plain.chars().take(LONGEST_TEXT / 2).collect();
    let tail: String = plain.chars().skip(count - LONGEST_TEXT / 2).collect();
    format!("{head} … {tail}")
}

/// `i-0123456789abcdef0` or `mi-0123456789abcdef0`, as a whole word.
fn node_id(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(dash) = text.get(from..)?.find("i-") {
        let dash = from + dash;
        let begin = if dash > 0 && bytes.get(dash - 1) == Some(&b'm') { dash - 1 } else { dash };
        let before = begin.checked_sub(1).and_then(|before| bytes.get(before));
        let digits = text.get(dash + 2..)?.bytes().take_while(u8::is_ascii_hexdigit).count();
        // A session's id begins with the id of the instance that an operator works on, and a host's name can
        // begin with that of another instance.
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let after = bytes.get(dash + 2 + digits..).unwrap_or_default();
        let is_longer = match after {
            [b'.', next, ..] => next.is_ascii_alphanumeric(),
            [next, ..] => inside(next),
            [] => false,
        };
        let whole = !before.is_some_and(inside) && !is_longer;
        if whole && (digits == 8 || digits == 17) {
            return text.get(begin..dash + 2 + digits);
        }
        from = dash + 2;
    }
    None
}
