//! Processes that answer lines of JSON, and the packages they need, installed once for each state of
//! their lock files.
#![allow(dead_code, reason = "each test uses a part")]

use std::{
    error::Error,
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Where packages are installed.
pub fn store() -> Outcome<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target folder")?;
    let store = target.join("aws-test");
    fs::create_dir_all(&store)?;
    Ok(store)
}

/// Where the lock files are.
pub fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().find(|it| it.join("tests/aws").is_dir()).unwrap_or(here);
    root.join("tests/aws")
}

/// A child process that answers each line on its stdin by a line of JSON.
pub struct Dialogue {
    child: Child,
    /// None only while it ends.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Dialogue {
    pub fn open(command: &mut Command) -> Outcome<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Self { child, stdin, stdout })
    }

    pub fn listen(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|error| format!("no answer ({error}): `{line}`"))?)
    }

    pub fn ask(&mut self, question: &Value) -> Outcome<Value> {
        self.tell(question)?;
        self.listen()
    }

    pub fn tell(&mut self, question: &Value) -> Outcome<()> {
        let stdin = self.stdin.as_mut().ok_or("it has ended")?;
        Ok(stdin.write_all(format!("{question}\n").as_bytes())?)
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Nothing is left to do about a child that cannot be waited for.
        let _ = self.child.wait();
    }
}

pub fn node_packages(store: &Path) -> Outcome<PathBuf> {
    let lock = fs::read(folder().join("package-lock.json"))?;
    once(store, "node", &lock, |fresh| {
        fs::create_dir(fresh)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(folder().join(file), fresh.join(file))?;
        }
        let quiet = ["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"];
        finish(Command::new("npm").args(quiet).current_dir(fresh))
    })
}

/// The folder with the programs of a virtual environment that has the packages of a requirements file.
pub fn python_packages(store: &Path, name: &str, requirements: &Path) -> Outcome<PathBuf> {
    let python = std::env::var_os("SSM_DOCTOR_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let home = once(store, name, &fs::read(requirements)?, |fresh| {
        finish(Command::new(&python).args(["-m", "venv"]).arg(fresh))?;
        finish(
            Command::new(fresh.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--require-hashes", "--only-binary=:all:", "--requirement"])
                .arg(requirements),
        )
    })?;
    Ok(home.join("bin"))
}

/// The folder `store/<name>-<hash of lock>`, filled by `install` if it is not there.
///
/// It is filled under another name and renamed when complete; a lock keeps a second test process
/// from doing the same meanwhile.
pub fn once(
    store: &Path,
    name: &str,
    lock: &[u8],
    install: impl FnOnce(&Path) -> Outcome<()>,
) -> Outcome<PathBuf> {
    let mut hasher = DefaultHasher::new();
    lock.hash(&mut hasher);
    let home = store.join(format!("{name}-{:016x}", hasher.finish()));
    let guard = File::create(store.join(format!("{name}.lock")))?;
    guard.lock()?;
    if !home.exists() {
        let fresh = store.join(format!("{name}-new"));
        // What an interrupted run left behind.
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        install(&fresh)?;
        fs::rename(&fresh, &home)?;
    }
    Ok(home)
}

pub fn finish(command: &mut Command) -> Outcome<()> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        format!(
            "cannot run `{}`: {error} (the tests of tests/aws need python3, node and npm)",
            command.get_program().display()
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&said)).into())
}
