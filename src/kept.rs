//! Files of one line that the server makes once and keeps in its data folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::ids::secret_text;

/// The file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {path}", path = .0.display())]
pub struct KeptError(PathBuf, #[source] io::Error);

/// The line in a file of this name, which is made if it is missing, and its folder with it. Where several processes make
/// it at once, all of them get the line of one.
pub fn line(folder: &Path, name: &str, make: impl FnOnce() -> String) -> Result<String, KeptError> {
    let path = folder.join(name);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_folder(folder)
            .and_then(|()| keep(&path, &make()))
            .and_then(|()| std::fs::read_to_string(&path)),
        read => read,
    };
    match text {
        Ok(text) => Ok(text.trim_end().to_owned()),
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

/// Written beside and linked into place, so that a crash never leaves half a secret, and what somebody else has put
/// there meanwhile stays.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.new", secret_text::<8>()));
    let mut file = private(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match std::fs::hard_link(&unfinished, path) {
        Ok(()) => std::fs::remove_file(&unfinished),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => std::fs::remove_file(&unfinished),
        // Not every file system has links.
        Err(_) => std::fs::rename(&unfinished, path),
    }
}

/// A new file for its owner alone.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn all_who_make_a_file_at_once_get_the_same_line() {
        const MAKERS: usize = 8;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let together = Barrier::new(MAKERS);
        let make = || {
            line(&data, "node-id", || {
                // Nobody has found a file.
                together.wait();
                secret_text::<8>()
            })
            .unwrap()
        };
        let lines: HashSet<String> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..MAKERS).map(|_| scope.spawn(make)).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(
            lines,
            HashSet::from([line(&data, "node-id", String::new).unwrap()])
        );
        assert_eq!(
            std::fs::read_dir(&data).unwrap().count(),
            1,
            "nothing else is left"
        );
    }
}
