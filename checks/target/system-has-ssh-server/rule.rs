//! The system of the node comes with an SSH server.
//!
//! The session forwards to port 22 of the node, and what listens there is not visible. Windows starts no SSH server by
//! itself: OpenSSH Server is an optional feature, and since Windows Server 2025 it is installed and not started.
//! Source: Microsoft Learn, "Get started with OpenSSH for Windows".

use crate::prelude::*;

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Advises,
    depends_on: &[&super::found_in_region::CHECK],
    proves: &[],
    run,
};

fn run(case: &Case) -> Answer {
    if case.scope.session != Session::Ssh {
        return Ok(Verdict::NotApplicable("only SSH sessions need an SSH server"));
    }
    let target = &case.scope.target;
    let windows = match target.instance() {
        Some(id) => case.facts.instance(id).required()?.windows,
        None => match case.facts.node(target).optional()? {
            Some(node) => node.platform.as_deref() == Some("Windows"),
            None => return Ok(Verdict::NotApplicable("the node is not registered")),
        },
    };
    if !windows {
        return Ok(Verdict::Pass(observed(target, "does not run Windows")));
    }
    Ok(Verdict::Fail(
        observed(target, "runs Windows, which starts no SSH server unless somebody set it up"),
        Fix::options(
            [
                FixOption::new("make sure that OpenSSH Server is installed on the node and started").after(
                    "run in a shell session: `Add-WindowsCapability -Online -Name OpenSSH.Server~~~~0.0.1.0; Set-Service sshd -StartupType Automatic; Start-Service sshd`",
                ),
                FixOption::new("use Remote Desktop instead: forward port 3389 with --session port"),
            ],
            Recovery::NextSession,
        ),
    ))
}
