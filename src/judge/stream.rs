//! Lines of facts, judged by several threads, in the order of the lines.
//!
//! One thread reads, several judge, and the caller's thread takes the results. Bounded queues between them
//! keep the memory constant, however long the input is.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, BufRead},
    mem,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvError, Sender, SyncSender, TryRecvError, channel, sync_channel},
    },
    thread::{self, JoinHandle},
    vec,
};

use memchr::memrchr;

use ssm_doctor_checks::engine::command::Shell;
use ssm_doctor_facts::{
    lookup::{Facts, Need},
    scope::Session,
};

use super::{
    alike::{self, Class, Mentioned, Names},
    line::{self, Kind, Read, SharedFacts},
};
use crate::{
    report::{Depth, Report},
    snapshot::Snapshot,
};

/// Of one line of shared facts. More would take memory.
const MOST_CLASSES: usize = 512;

/// How to judge, the same for every line.
pub struct Asked {
    /// The kind of session, instead of each line's own. If it is set, the other kinds are not judged.
    pub session: Option<Session>,
    pub runbooks: String,
    pub shell: Shell,
    pub jobs: NonZero<usize>,
}

/// What is made of each target.
pub trait Work: Send + Sync + 'static {
    /// Of the reports that it takes.
    const DEPTH: Depth;
    type Made: Send + 'static;
    /// What was made of a target, for every target of its class.
    type Common: Send + Sync + 'static;

    /// Is this target of interest? The others are not judged.
    fn wants(&self, _: &Snapshot) -> bool {
        true
    }

    /// # Errors
    /// If it cannot be made, which is a defect.
    fn make(&self, snapshot: &Snapshot, report: &Report) -> Result<Self::Made, String>;

    /// None if it says what differs within the class. `snapshot` has only the target's own facts.
    fn common(made: &Self::Made, names: Names, snapshot: &Snapshot) -> Option<Self::Common>;

    /// For a target with these names and facts of its own.
    fn of_common(common: &Self::Common, names: &Names, snapshot: &Snapshot) -> Self::Made;
}

/// What came of a line: nothing if its target is not of interest, or what is wrong with it.
pub type Made<T> = Result<Option<T>, String>;

/// The results of consecutive lines, and the lines' numbers.
type Batch<T> = Vec<(usize, Made<T>)>;

/// The results, in the order of the lines.
pub struct Results<T> {
    queue: Receiver<Receiver<Batch<T>>>,
    /// Of the batch at hand.
    ready: vec::IntoIter<(usize, Made<T>)>,
    reader: JoinHandle<io::Result<()>>,
}

/// Starts to judge the lines of `input`.
pub fn start<W: Work>(
    input: impl BufRead + Send + 'static,
    asked: Asked,
    work: W,
) -> Results<W::Made> {
    let jobs = asked.jobs.get();
    let (to_judges, at_judges) = sync_channel(2 * jobs);
    // This many batches may wait for a slow line before them. More would take memory.
    let (to_caller, queue) = sync_channel(4 * jobs);
    let shared = Arc::new((asked, work, Mutex::new(at_judges)));
    for _ in 0..jobs {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            let (asked, work, at_judges) = &*shared;
            judge_all(asked, work, at_judges);
        });
    }
    let reader = Reader { line: 0, shared: None, to_judges, to_caller };
    let reader = thread::spawn(move || reader.read_all(input));
    Results { queue, ready: Vec::new().into_iter(), reader }
}

impl<T> Results<T> {
    /// The next line's number and what came of it; None at the end. `idle` is called before a wait.
    pub fn next(&mut self, mut idle: impl FnMut()) -> Option<(usize, Made<T>)> {
        loop {
            if let Some(next) = self.ready.next() {
                return Some(next);
            }
            let batch = receive(&self.queue, &mut idle).ok()?;
            self.ready = receive(&batch, &mut idle).unwrap_or_default().into_iter();
        }
    }

    /// To be called after the last line only. Before it, the reader may wait for input for ever.
    ///
    /// # Errors
    /// If the input could not be read to its end.
    pub fn end(self) -> io::Result<()> {
        self.reader.join().unwrap_or_else(|_| Err(io::Error::other("ssm-doctor is broken")))
    }
}

fn receive<T>(from: &Receiver<T>, idle: &mut impl FnMut()) -> Result<T, RecvError> {
    match from.try_recv() {
        Ok(value) => Ok(value),
        Err(TryRecvError::Disconnected) => Err(RecvError),
        Err(TryRecvError::Empty) => {
            idle();
            from.recv()
        }
    }
}

/// The shared facts of the targets that follow.
struct Common<T> {
    line: SharedFacts,
    mentioned: Mentioned,
    /// What was made of the first target of each class.
    made: Mutex<HashMap<Class, Arc<T>>>,
}

impl<T> Common<T> {
    fn new(line: SharedFacts, text: &str) -> Self {
        Self { line, mentioned: Mentioned::of(text), made: Mutex::default() }
    }

    fn made(&self) -> MutexGuard<'_, HashMap<Class, Arc<T>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The current line of shared facts, or what is wrong with it.
type Shared<T> = Result<Arc<Common<T>>, String>;

/// Lines to judge.
struct Job<W: Work> {
    lines: Vec<u8>,
    /// The number of the first one.
    first: usize,
    shared: Option<Shared<W::Common>>,
    to_caller: Sender<Batch<W::Made>>,
}

/// Reads the input, and gives out its lines.
struct Reader<W: Work> {
    line: usize,
    shared: Option<Shared<W::Common>>,
    to_judges: SyncSender<Job<W>>,
    to_caller: SyncSender<Receiver<Batch<W::Made>>>,
}

impl<W: Work> Reader<W> {
    /// A batch is what can be read at a time, so that no line waits for the next one. Ends early when nobody wants more.
    fn read_all(mut self, mut input: impl BufRead) -> io::Result<()> {
        let mut lines = Vec::new();
        loop {
            let read = match input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let length = read.len();
            let (whole, rest) = match memrchr(b'\n', read) {
                Some(at) => read.split_at(at + 1),
                None => (&[][..], read),
            };
            if whole.is_empty() && length > 0 {
                lines.extend(rest);
                input.consume(length);
                continue;
            }
            lines.extend(whole);
            let next = rest.to_vec();
            input.consume(length);
            if self.give_out(mem::replace(&mut lines, next)).is_none() || length == 0 {
                return Ok(());
            }
        }
    }

    /// None if nobody wants them.
    fn give_out(&mut self, lines: Vec<u8>) -> Option<()> {
        // Most batches have no line of shared facts.
        if !line::may_be_shared(&lines) {
            return self.send(lines);
        }
        let mut before = Vec::new();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let text = Some(line).filter(|line| line::may_be_shared(line));
            let text = text.and_then(|line| str::from_utf8(line).ok());
            let Some(text) =
                text.filter(|text| line::kind(text).is_ok_and(|it| it == Kind::Shared))
            else {
                before.extend(line);
                continue;
            };
            self.send(mem::take(&mut before))?;
            match line::shared(text) {
                Ok(line) => {
                    self.shared = Some(Ok(Arc::new(Common::new(line, text))));
                    self.line += 1;
                }
                Err(error) => {
                    let at = self.line + 1;
                    let what = format!("the shared facts of line {at} cannot be read: {error}");
                    self.shared = Some(Err(what));
                    // It is read once more, and counts as a line that could not be judged.
                    self.send(line.to_vec())?;
                }
            }
        }
        self.send(before)
    }

    fn send(&mut self, lines: Vec<u8>) -> Option<()> {
        if lines.is_empty() {
            return Some(());
        }
        let first = self.line + 1;
        self.line += lines.split_inclusive(|byte| *byte == b'\n').count();
        let (to_caller, made) = channel();
        let job = Job { lines, first, shared: self.shared.clone(), to_caller };
        self.to_caller.send(made).ok()?;
        self.to_judges.send(job).ok()
    }
}

/// Judges lines until there are no more.
fn judge_all<W: Work>(asked: &Asked, work: &W, jobs: &Mutex<Receiver<Job<W>>>) {
    let mut judge = Judge::<W>::new();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { lines, first, shared, to_caller }) = next else { return };
        let lines = lines.split_inclusive(|byte| *byte == b'\n').zip(first..);
        let lines = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
        let batch = lines.map(|(line, number)| {
            // A defect costs its line and no other.
            let made = catch_unwind(AssertUnwindSafe(|| {
                let text = str::from_utf8(line).map_err(|error| {
                    format!("it is not UTF-8 text from byte {} on", error.valid_up_to())
                })?;
                match line::read(text).map_err(|error| error.to_string())? {
                    Read::Complete(snapshot) => complete(snapshot, asked, work),
                    Read::Shared(_) => Err("it was not judged".into()),
                    Read::Target(target) => {
                        let shared = shared.as_ref();
                        let shared = shared.ok_or("there is no line of shared facts before it")?;
                        judge.target(shared.as_ref()?, target, text, asked, work)
                    }
                }
            }));
            let made = made.unwrap_or_else(|_| {
                judge = Judge::new();
                Err("ssm-doctor is broken: please report this line".into())
            });
            (number, made)
        });
        // If the caller is gone, nobody needs the results.
        let _ = to_caller.send(batch.collect());
    }
}

/// Judges one target after the other, each with the shared facts, of which no copy is made.
struct Judge<W: Work> {
    shared: Option<Arc<Common<W::Common>>>,
    /// The shared facts; while a target is judged, with its own rows in them.
    facts: Facts,
}

impl<W: Work> Judge<W> {
    fn new() -> Self {
        Self { shared: None, facts: Facts::default() }
    }

    fn target(
        &mut self,
        shared: &Arc<Common<W::Common>>,
        mut target: Snapshot,
        text: &str,
        asked: &Asked,
        work: &W,
    ) -> Made<W::Made> {
        let region = &shared.line.region;
        if target.scope.region != *region {
            return Err(format!(
                "its Region is {}, and the shared facts before it are of {region}",
                target.scope.region
            ));
        }
        target.scope.session = asked.session.unwrap_or(target.scope.session);
        let Some((class, names)) = alike::class(&target, &shared.mentioned, text) else {
            return self.judge(&target, shared, asked, work);
        };
        let known = shared.made().get(&class).cloned();
        if let Some(known) = known {
            return Ok(work.wants(&target).then(|| W::of_common(&known, &names, &target)));
        }
        let made = self.judge(&target, shared, asked, work)?;
        if let Some(common) = made.as_ref().and_then(|made| W::common(made, names, &target)) {
            let mut known = shared.made();
            if known.len() == MOST_CLASSES {
                known.clear();
            }
            known.insert(class, Arc::new(common));
        }
        Ok(made)
    }

    fn judge(
        &mut self,
        target: &Snapshot,
        shared: &Arc<Common<W::Common>>,
        asked: &Asked,
        work: &W,
    ) -> Made<W::Made> {
        if self.shared.as_ref().is_none_or(|known| !Arc::ptr_eq(known, shared)) {
            self.facts = shared.line.facts.clone();
            self.shared = Some(Arc::clone(shared));
        }
        let Snapshot { scope, facts: own, calls, rounds } = target.clone();
        let mut changed: BTreeSet<Need> = own.answered().into_iter().collect();
        let mut facts = mem::take(&mut self.facts);
        for need in &changed {
            facts.copy_from(&own, need);
        }
        let mut snapshot = Snapshot { scope, facts, calls, rounds };
        let made = if work.wants(&snapshot) {
            let (report, given_up) = report::<W>(&mut snapshot, asked);
            changed.extend(given_up);
            work.make(&snapshot, &report).map(Some)
        } else {
            Ok(None)
        };
        self.facts = snapshot.facts;
        for need in &changed {
            self.facts.copy_from(&shared.line.facts, need);
        }
        made
    }
}

/// A target whose facts are complete.
fn complete<W: Work>(mut snapshot: Snapshot, asked: &Asked, work: &W) -> Made<W::Made> {
    snapshot.scope.session = asked.session.unwrap_or(snapshot.scope.session);
    if !work.wants(&snapshot) {
        return Ok(None);
    }
    let (report, _) = report::<W>(&mut snapshot, asked);
    work.make(&snapshot, &report).map(Some)
}

fn report<W: Work>(snapshot: &mut Snapshot, asked: &Asked) -> (Report, Vec<Need>) {
    let others = asked.session.is_none();
    Report::settled(snapshot, &asked.runbooks, others, asked.shell, W::DEPTH)
}
