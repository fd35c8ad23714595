//! The secret that signs tokens, where the operator did not choose one: made once, kept in the data folder.

use std::path::{Path, PathBuf};

use super::SECRET_MIN_BYTES;
use crate::ids;
use crate::kept::{self, KeptError};
use crate::secret::Secret;

const FILE_NAME: &str = "jwt-secret";

/// Why there is no secret to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeptError),
    /// The file holds something else.
    #[error("{path} is shorter than {SECRET_MIN_BYTES} bytes", path = .0.display())]
    TooShort(PathBuf),
}

/// The secret kept in a data folder; made if there is none yet. Two servers that make it at once get the same.
pub fn signing_secret(data_folder: &Path) -> Result<Secret, SecretError> {
    let text = kept::line(data_folder, FILE_NAME, ids::secret_text::<32>)?;
    if text.len() < SECRET_MIN_BYTES {
        return Err(SecretError::TooShort(data_folder.join(FILE_NAME)));
    }
    Ok(Secret::new(text))
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
