//! Files of one line that the server makes once and keeps in its data folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {path}", path = .0.display())]
pub struct KeptError(PathBuf, #[source] io::Error);

/// The line in a file of this name, which is made if it is missing, and its folder with it.
pub fn line(folder: &Path, name: &str, make: impl FnOnce() -> String) -> Result<String, KeptError> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = make();
            make_folder(folder)
                .and_then(|()| keep(&path, &text))
                .map_err(|error| KeptError(path, error))?;
            Ok(text)
        }
        Err(error) => Err(KeptError(path, error)),
    }
}

/// Makes a data folder if it is missing. It will hold password hashes, personal data and a signing secret: for its
/// owner alone.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut maker = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.recursive(true).create(folder)
}

/// Written beside and moved into place, so that a crash never leaves half a secret.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = private(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

/// A file for its owner alone.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
