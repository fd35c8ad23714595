//! A certificate of one test for 127.0.0.1, and the authority that signed it, which nobody else trusts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) struct Certificate {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// Makes them in a folder.
    pub(crate) fn make(folder: &Path) -> Self {
        let made = Self {
            authority: folder.join("authority.pem"),
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
        };
        let authority_key = folder.join("authority.key");
        let new = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ];
        openssl(&new, |command| {
            command
                .args(["-subj", "/CN=Authority", "-keyout"])
                .arg(&authority_key);
            command.arg("-out").arg(&made.authority);
        });
        openssl(&new, |command| {
            command.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
            command
                .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
                .arg(&made.key);
            command
                .arg("-CA")
                .arg(&made.authority)
                .arg("-CAkey")
                .arg(&authority_key);
            command.arg("-out").arg(&made.certificate);
        });
        made
    }
}

fn openssl(arguments: &[&str], more: impl FnOnce(&mut Command)) {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::null());
    more(&mut command);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
