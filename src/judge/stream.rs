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
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvError, Sender, SyncSender, TryRecvError, channel, sync_channel},
    },
    thread::{self, JoinHandle},
};

use ssm_doctor_checks::engine::command::Shell;
use ssm_doctor_facts::{
    lookup::{Facts, Need},
    scope::Session,
};

use super::line::{self, Kind, Read, SharedFacts};
use crate::{
    report::{Depth, Report},
    snapshot::Snapshot,
};

/// Of one thread. More would take memory.
const MOST_CLASSES: usize = 4096;

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
    type Made: Clone + Send + 'static;
    /// What it has to know of shared facts to find targets that are alike.
    type Shared: Send + Sync + 'static;

    /// Of the text of their line.
    fn shared(text: &str) -> Self::Shared;

    /// Equal for targets that are alike; None for one that has to be judged by itself. `snapshot` has only its own
    /// facts, those of the line `text`.
    fn class(snapshot: &Snapshot, shared: &Self::Shared, text: &str) -> Option<String>;

    /// Can what was made of a target be used for others of its class?
    fn is_common(made: &Self::Made, snapshot: &Snapshot) -> bool;

    /// What was made of one target, adapted to another one of its class.
    fn adapted(made: &Self::Made, snapshot: &Snapshot) -> Self::Made;

    /// Is this target of interest? The others are not judged.
    fn wants(&self, _: &Snapshot) -> bool {
        true
    }

    /// # Errors
    /// If it cannot be made, which is a defect.
    fn make(&self, snapshot: &Snapshot, report: &Report) -> Result<Self::Made, String>;
}

/// What came of a line: nothing if its target is not of interest, or what is wrong with it.
pub type Made<T> = Result<Option<T>, String>;

/// The results, in the order of the lines.
pub struct Results<T> {
    queue: Receiver<(usize, Receiver<Made<T>>)>,
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
    // This many results may wait for a slow line before them. More would take memory.
    let (to_caller, queue) = sync_channel(16 * jobs);
    let shared = Arc::new((asked, work, Mutex::new(at_judges)));
    for _ in 0..jobs {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            let (asked, work, at_judges) = &*shared;
            judge_all(asked, work, at_judges);
        });
    }
    let reader = thread::spawn(move || read_all(input, &to_judges, &to_caller));
    Results { queue, reader }
}

impl<T> Results<T> {
    /// The next line's number and what came of it; None at the end. `idle` is called before a wait.
    pub fn next(&self, mut idle: impl FnMut()) -> Option<(usize, Made<T>)> {
        let (line, made) = receive(&self.queue, &mut idle).ok()?;
        let made = receive(&made, &mut idle);
        Some((line, made.unwrap_or_else(|_| Err("it was not judged".into()))))
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
struct Common<S> {
    line: SharedFacts,
    work: S,
}

/// The current line of shared facts, or what is wrong with it.
type Shared<S> = Result<Arc<Common<S>>, String>;

/// A line to judge.
struct Job<W: Work> {
    text: Result<(Kind, String), String>,
    shared: Option<Shared<W::Shared>>,
    to_caller: Sender<Made<W::Made>>,
}

/// Numbers the lines, and reads those of shared facts. Ends early when nobody wants more.
fn read_all<W: Work>(
    mut input: impl BufRead,
    to_judges: &SyncSender<Job<W>>,
    to_caller: &SyncSender<(usize, Receiver<Made<W::Made>>)>,
) -> io::Result<()> {
    let mut shared: Option<Shared<W::Shared>> = None;
    for line in 1.. {
        let mut bytes = Vec::new();
        if input.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            format!("it is not UTF-8 text from byte {} on", error.utf8_error().valid_up_to())
        });
        if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
            continue;
        }
        let text = text.and_then(|text| {
            let kind = line::kind(&text).map_err(|error| error.to_string())?;
            Ok((kind, text))
        });
        let text = match text {
            Ok((Kind::Shared, text)) => match line::shared(&text) {
                Ok(line) => {
                    shared = Some(Ok(Arc::new(Common { line, work: W::shared(&text) })));
                    continue;
                }
                Err(error) => {
                    let what = format!("the shared facts of line {line} cannot be read: {error}");
                    shared = Some(Err(what));
                    Err(error.to_string())
                }
            },
            text => text,
        };
        let (to_this, made) = channel();
        let job = Job { text, shared: shared.clone(), to_caller: to_this };
        if to_caller.send((line, made)).is_err() || to_judges.send(job).is_err() {
            break;
        }
    }
    Ok(())
}

/// Judges lines until there are no more.
fn judge_all<W: Work>(asked: &Asked, work: &W, jobs: &Mutex<Receiver<Job<W>>>) {
    let mut judge = Judge::<W>::new();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { text, shared, to_caller }) = next else { return };
        // A defect costs its line and no other.
        let made = catch_unwind(AssertUnwindSafe(|| {
            let (kind, text) = text?;
            match line::read(kind, &text).map_err(|error| error.to_string())? {
                Read::Complete(snapshot) => complete(snapshot, asked, work),
                Read::Target(target) => {
                    let shared = shared.ok_or("there is no line of shared facts before it")??;
                    judge.target(&shared, target, &text, asked, work)
                }
            }
        }));
        let made = made.unwrap_or_else(|_| {
            judge = Judge::new();
            Err("ssm-doctor is broken: please report this line".into())
        });
        // If the caller is gone, nobody needs the result.
        let _ = to_caller.send(made);
    }
}

/// Judges one target after the other, each with the shared facts, of which no copy is made.
struct Judge<W: Work> {
    shared: Option<Arc<Common<W::Shared>>>,
    /// The shared facts; while a target is judged, with its own rows in them.
    facts: Facts,
    /// What was made of the first target of each class.
    made: HashMap<String, W::Made>,
}

impl<W: Work> Judge<W> {
    fn new() -> Self {
        Self { shared: None, facts: Facts::default(), made: HashMap::new() }
    }

    fn target(
        &mut self,
        shared: &Arc<Common<W::Shared>>,
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
        if self.shared.as_ref().is_none_or(|known| !Arc::ptr_eq(known, shared)) {
            self.facts = shared.line.facts.clone();
            self.shared = Some(Arc::clone(shared));
            self.made.clear();
        }
        target.scope.session = asked.session.unwrap_or(target.scope.session);
        let class = W::class(&target, &shared.work, text);
        if let Some(made) = class.as_ref().and_then(|class| self.made.get(class)) {
            return Ok(work.wants(&target).then(|| W::adapted(made, &target)));
        }
        let made = self.judge(&target, shared, asked, work)?;
        if let (Some(class), Some(made)) = (class, &made)
            && W::is_common(made, &target)
        {
            if self.made.len() == MOST_CLASSES {
                self.made.clear();
            }
            self.made.insert(class, made.clone());
        }
        Ok(made)
    }

    fn judge(
        &mut self,
        target: &Snapshot,
        shared: &Common<W::Shared>,
        asked: &Asked,
        work: &W,
    ) -> Made<W::Made> {
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
