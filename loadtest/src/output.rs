//! The files that a run leaves: looked after before it starts, and whole or not there.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::{Builder, NamedTempFile};
use turnout_loadtest::place::Place;
use turnout_loadtest::report::Report;

use crate::options::EveryRunArgs;

/// Where the result goes beside the terminal.
pub(crate) struct Outputs {
    json: Option<Output>,
    page: Option<Output>,
}

/// A file to be written.
pub(crate) enum Output {
    /// One that takes the place of what is there when it is whole.
    Whole { beside: NamedTempFile, path: PathBuf },
    /// Something that is no file, such as a pipe.
    Stream(File),
}

impl Outputs {
    /// Fails where something cannot be written: nobody should wait for a run to be told that.
    pub(crate) fn prepare(common: &EveryRunArgs) -> anyhow::Result<Self> {
        Ok(Self {
            json: common.json.as_deref().map(Output::prepare).transpose()?,
            page: common.report.as_deref().map(Output::prepare).transpose()?,
        })
    }

    /// Writes all of them.
    pub(crate) fn write(self, report: &Report, place: &Place) -> anyhow::Result<()> {
        if let Some(json) = self.json {
            json.write(&serde_json::to_vec_pretty(report)?)?;
        }
        if let Some(page) = self.page {
            page.write(report.page(place).as_bytes())?;
        }
        Ok(())
    }
}

impl Output {
    /// A place beside the file at `path`, which is to be written later.
    pub(crate) fn prepare(path: &Path) -> anyhow::Result<Self> {
        let prepared = Self::prepared(path);
        prepared.with_context(|| format!("cannot write {}", path.display()))
    }

    fn prepared(path: &Path) -> io::Result<Self> {
        match path.metadata() {
            Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(there) if !there.is_file() => {
                return Ok(Self::Stream(File::options().write(true).open(path)?));
            }
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let beside = Builder::new()
            .prefix(".turnout-loadtest-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        let path = path.to_owned();
        Ok(Self::Whole { beside, path })
    }

    /// Writes it.
    pub(crate) fn write(self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Stream(mut stream) => stream.write_all(bytes).context("cannot write the result"),
            Self::Whole { mut beside, path } => {
                let written = beside.write_all(bytes).and_then(|()| beside.as_file().sync_all());
                let placed = written.and_then(|()| Ok(beside.persist(&path)?));
                placed
                    .map(drop)
                    .with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_when_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.html");
        fs::write(&path, "before").unwrap();
        let output = Output::prepare(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        output.write(b"after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_told_before_and_nothing_is_left_of_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Output::prepare(&folder.path().join("nowhere/run.html")).is_err());
        assert!(Output::prepare(folder.path()).is_err());
        drop(Output::prepare(&folder.path().join("run.html")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
