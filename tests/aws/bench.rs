//! The processes behind the cases and the packages they need.

use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::packages::{Dialogue, Outcome, folder, node_packages, python_packages, store};

/// The longest a diagnosis may take: far beyond its own overall deadline.
const PATIENCE: Duration = Duration::from_mins(3);

pub struct Bench {
    python: PathBuf,
    pub port: u16,
    builder: Mutex<Dialogue>,
    /// Kept for their stdin: when it closes they end.
    _server: Dialogue,
}

impl Bench {
    pub fn start() -> Outcome<Self> {
        let store = store()?;
        let python =
            python_packages(&store, "venv", &folder().join("requirements.txt"))?.join("python");
        let modules = node_packages(&store)?;
        let mut server =
            Dialogue::open(script(&python, "server.py").arg("--modules").arg(modules))?;
        let port = port(&mut server)?;
        let mut builder = script(&python, "worlds.py");
        builder.args(["--endpoint", &format!("http://127.0.0.1:{port}"), "serve"]);
        let builder = Mutex::new(Dialogue::open(&mut builder)?);
        Ok(Self { python, port, builder, _server: server })
    }

    /// A world of `worlds.py` in an account of its own.
    pub fn build(&self, account: u64, world: &str, breaks: &[String]) -> Outcome<Value> {
        let wanted = json!({ "account": account.to_string(), "world": world, "breaks": breaks });
        let mut builder =
            self.builder.lock().map_err(|_| "the builder was left in the middle of an answer")?;
        let world = builder.ask(&wanted)?;
        match world.get("error") {
            Some(error) => Err(format!("cannot build the world: {error}").into()),
            None => Ok(world),
        }
    }

    /// The `PATH` on which AWS's command line is: a program in `folder`, since those of the packages name
    /// the place where they were installed at first.
    pub fn programs(&self, folder: &Path) -> Outcome<OsString> {
        let program = folder.join("aws");
        let python = self.python.display();
        fs::write(&program, format!("#!/bin/sh\nexec {python} -B -m awscli \"$@\"\n"))?;
        #[cfg(unix)]
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(std::env::join_paths([folder, Path::new("/usr/bin"), Path::new("/bin")])?)
    }

    /// The calls of an account that the server has seen.
    pub fn log(&self, account: u64) -> Outcome<Vec<Value>> {
        let log = http(self.port, "GET", &format!("/_test/log?account={account}"), "")?;
        Ok(serde_json::from_str(&log)?)
    }

    pub fn proxy(&self, rules: &[Value]) -> Outcome<Proxy> {
        let upstream = format!("127.0.0.1:{}", self.port);
        let mut process =
            Dialogue::open(script(&self.python, "fault_proxy.py").args(["--upstream", &upstream]))?;
        let port = port(&mut process)?;
        http(port, "PUT", "/_fault/rules", &Value::from(rules).to_string())?;
        Ok(Proxy { port, _process: process })
    }
}

pub struct Proxy {
    pub port: u16,
    _process: Dialogue,
}

/// Whether the server's own additions answer as AWS does: `selftest.py` asks it with AWS's client.
pub fn selftest(bench: &Bench) -> Outcome<()> {
    let mut command = script(&bench.python, "selftest.py");
    command.args(["--endpoint", &format!("http://127.0.0.1:{}", bench.port)]);
    let (exit, stdout, stderr) = run(command)?;
    if exit == Some(0) { Ok(()) } else { Err(format!("{stdout}{stderr}").into()) }
}

/// Whether AWS's command line accepts these commands, up to the point where their requests would leave.
pub fn accepted(bench: &Bench, commands: &[String]) -> Outcome<()> {
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), commands.join("\n"))?;
    let mut command = script(&bench.python, "accepts.py");
    command.arg(file.path());
    let (exit, stdout, stderr) = run(command)?;
    if exit == Some(0) { Ok(()) } else { Err(format!("{stdout}{stderr}").into()) }
}

/// Runs to the end, or kills at `PATIENCE`.
/// As [`run`], of a program that prints a JSON document.
pub fn run_json(command: Command) -> Outcome<(Option<i32>, Value)> {
    let (exit, stdout, stderr) = run(command)?;
    let document =
        serde_json::from_str(&stdout).map_err(|error| format!("{error}\n{stdout}\n{stderr}"))?;
    Ok((exit, document))
}

pub fn run(mut command: Command) -> Outcome<(Option<i32>, String, String)> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (send, receive) = mpsc::channel();
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
    ];
    for (index, pipe) in pipes.into_iter().enumerate() {
        let send = send.clone();
        let mut pipe = pipe.ok_or("no pipe")?;
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = pipe.read_to_end(&mut bytes);
            send.send((index, read.map(|_| String::from_utf8_lossy(&bytes).into_owned())))
        });
    }
    let mut texts = [String::new(), String::new()];
    for _ in 0..2 {
        if let Ok((index, read)) = receive.recv_timeout(PATIENCE) {
            texts[index] = read?;
        } else {
            child.kill()?;
            child.wait()?;
            return Err(format!("no end after {PATIENCE:?}").into());
        }
    }
    let [stdout, stderr] = texts;
    Ok((child.wait()?.code(), stdout, stderr))
}

fn script(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(folder().join(name)).env("AWS_EC2_METADATA_DISABLED", "true");
    for key in [
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
    ] {
        command.env_remove(key);
    }
    command
}

/// What a server says first.
fn port(process: &mut Dialogue) -> Outcome<u16> {
    Ok(u16::try_from(process.listen()?["port"].as_u64().ok_or("no port")?)?)
}

pub fn http(port: u16, method: &str, path: &str, body: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    if head.starts_with("HTTP/1.1 200") {
        return Ok(body.to_owned());
    }
    Err(format!("{method} {path}: {answer}").into())
}
