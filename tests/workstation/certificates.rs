//! Certificates of two authorities, for servers on AWS's names.

use std::{error::Error, fs, process::Command};

use tempfile::TempDir;

/// By OpenSSL: `trusted.pem` signs `aws`, `other-host` and `expired`; another authority `inspected`.
pub fn made() -> Result<TempDir, Box<dyn Error + Send + Sync>> {
    const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let folder = tempfile::tempdir()?;
    let openssl = |words: &[&str]| -> Result<(), Box<dyn Error + Send + Sync>> {
        let done = Command::new("openssl").args(words).current_dir(folder.path()).output()?;
        let told = String::from_utf8_lossy(&done.stderr);
        if done.status.success() {
            Ok(())
        } else {
            Err(format!("openssl {words:?}: {told}").into())
        }
    };
    for authority in ["trusted", "foreign"] {
        let (key, pem) = (format!("{authority}.key"), format!("{authority}.pem"));
        let subject = format!("/CN={authority}");
        let words = ["-keyout", &key, "-out", &pem, "-subj", &subject, "-days", "9"];
        openssl(&[&["req", "-x509"], &KEY[..], &words].concat())?;
    }
    let regional = "DNS:*.eu-west-1.amazonaws.com,DNS:*.eu-west-1.api.aws";
    for (name, names, authority, days) in [
        ("aws", regional, "trusted", "9"),
        ("other-host", "DNS:portal.example", "trusted", "9"),
        ("expired", regional, "trusted", "0"),
        ("inspected", regional, "foreign", "9"),
    ] {
        let file = |extension: &str| format!("{name}.{extension}");
        let (key, request, pem, extensions) = (file("key"), file("csr"), file("pem"), file("ext"));
        let words = ["-keyout", &key, "-out", &request, "-subj", "/CN=host"];
        openssl(&[&["req"], &KEY[..], &words].concat())?;
        fs::write(folder.path().join(&extensions), format!("subjectAltName={names}\n"))?;
        let (ca, ca_key) = (format!("{authority}.pem"), format!("{authority}.key"));
        let words = ["-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial", "-days", days];
        let files = ["-in", &request, "-out", &pem, "-extfile", &extensions];
        openssl(&[&["x509", "-req"], &words[..], &files].concat())?;
    }
    Ok(folder)
}
