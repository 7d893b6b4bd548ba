//! Output files. Invariant: a reader sees the old file or the whole new one, never a part: bytes go to a temporary file
//! beside the target, which is then renamed. Every verb writes through here.

use crate::error::{Error, Result};
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to `path`, whole or not at all; makes the folders that are missing.
///
/// # Errors
/// [`Error::Io`] where the file or its folder cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// Removes a file, if it is there.
///
/// # Errors
/// [`Error::Io`] where it cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::Io {
            action: "cannot remove",
            path: path.to_path_buf(),
            source: e,
        }),
        _ => Ok(()),
    }
}

/// Writes what `fill` produces to `path`, whole or not at all; makes the folders that are missing.
///
/// # Errors
/// [`Error::Io`] where the file or its folder cannot be written, or `fill` fails.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(|e| Error::writing(folder, e))?;
    let file = tempfile::Builder::new()
        .prefix(".pocketrank-")
        .make_in(folder, create)
        .map_err(|e| Error::writing(path, e))?;
    let mut buffered = std::io::BufWriter::new(file);
    fill(&mut buffered)
        .and_then(|()| buffered.flush())
        .map_err(|e| Error::writing(path, e))?;
    let file = buffered
        .into_inner()
        .map_err(|e| Error::writing(path, e.into_error()))?;
    file.persist(path).map_err(|e| Error::writing(path, e.error))?;
    Ok(())
}

/// Creates the temporary file with the permissions that any new file gets (a private temporary file would stay private
/// after the rename, and a web server could not read it).
fn create(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/out.json");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half of the new")?;
            Err(std::io::Error::other("full"))
        });
        assert!(failed.unwrap_err().to_string().contains("out.json: full"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path().join("deep")).unwrap().count(), 1);
    }
}
