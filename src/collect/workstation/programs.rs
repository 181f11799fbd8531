//! The programs that sessions are started with, and what they say of themselves.

use std::{path::Path, process::Stdio, time::Duration};

use ssm_doctor_facts::{
    lookup::{Absent, Row},
    workstation::{Installed, Program},
};
use tokio::{process::Command, time::timeout};

use super::environment::shown;
use crate::collect::text::printable;

/// The AWS CLI takes half a second to tell its version, more on a busy machine.
const WITHIN: Duration = Duration::from_secs(5);

/// The first of this name on the `PATH`; absent if there is none.
pub async fn find(program: Program) -> Row<Installed> {
    match which::which(program.as_str()) {
        Ok(path) => Row::Present(ask(&path).await),
        Err(_) => Row::Absent(Absent::Absent),
    }
}

async fn ask(path: &Path) -> Installed {
    let mut command = Command::new(path);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let installed = |version, trouble| Installed { path: shown(path), version, trouble };
    let done = match timeout(WITHIN, command.output()).await {
        Err(_) => return installed(None, None),
        Ok(Err(error)) => return installed(None, Some(printable(&error.to_string()))),
        Ok(Ok(done)) => done,
    };
    if !done.status.success() {
        return installed(None, Some(done.status.to_string()));
    }
    // By Python 2 the AWS CLI told its version on standard error.
    let told = [done.stdout, done.stderr].map(|it| printable(&String::from_utf8_lossy(&it)));
    installed(told.into_iter().find(|it| !it.is_empty()), None)
}
