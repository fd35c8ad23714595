//! The secret that signs tokens, where the operator did not choose one: made once, kept in the data folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::SECRET_MIN_BYTES;
use crate::ids;
use crate::secret::Secret;

const FILE_NAME: &str = "jwt-secret";

/// Why there is no secret to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read or written.
    #[error("cannot use {path}", path = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The file holds something else.
    #[error("{path} is shorter than {SECRET_MIN_BYTES} bytes", path = .0.display())]
    TooShort(PathBuf),
}

/// The secret kept in a data folder; made if there is none yet. Whoever calls holds the database's lock, so
/// that two servers do not make two.
pub fn signing_secret(data_folder: &Path) -> Result<Secret, SecretError> {
    let path = data_folder.join(FILE_NAME);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim_end().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = ids::secret_text::<32>();
            keep(&path, &text).map_err(|error| SecretError::File(path.clone(), error))?;
            text
        }
        Err(error) => return Err(SecretError::File(path, error)),
    };
    if text.len() < SECRET_MIN_BYTES {
        return Err(SecretError::TooShort(path));
    }
    Ok(Secret::new(text))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = signing_secret(folder.path()).unwrap();
        assert_eq!(first.expose().len(), 64);
        assert_eq!(signing_secret(folder.path()).unwrap().expose(), first.expose());

        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join(FILE_NAME))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_secret_is_an_error_and_not_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), "short").unwrap();
        assert!(matches!(
            signing_secret(folder.path()),
            Err(SecretError::TooShort(_))
        ));
    }
}
