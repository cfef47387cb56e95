//! Trust anchors from the file system, handed to the library as bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tlswhy::{Error, TrustStore};

use super::args::{Certificates, Trust};

/// Loads everything that the arguments ask to trust.
pub(crate) fn load(certificates: &Certificates) -> Result<Vec<TrustStore>, Error> {
    let mut stores = Vec::new();
    match certificates.trust {
        Trust::Mozilla => stores.push(TrustStore::mozilla()),
        Trust::System => stores.push(system()?),
        Trust::None => {}
    }
    for path in &certificates.ca_file {
        stores.push(file(path)?);
    }
    for path in &certificates.ca_dir {
        stores.extend(folder(path)?);
    }
    Ok(stores)
}

fn system() -> Result<TrustStore, Error> {
    // OpenSSL's variable: whoever sets it means it for every program.
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        return file(Path::new(&path));
    }
    let mut paths = TrustStore::SYSTEM_FILES.iter().map(Path::new);
    match paths.find(|path| path.is_file()) {
        Some(path) => file(path),
        None => Err(Error::Option {
            name: "--trust",
            reason: "this system keeps no bundle of certificates where it is looked for; name one with --trust none --ca-file FILE".to_owned(),
        }),
    }
}

fn file(path: &Path) -> Result<TrustStore, Error> {
    let bytes = fs::read(path).map_err(|source| open_error(path, source))?;
    TrustStore::from_bytes(&path.display().to_string(), &bytes)
}

/// The certificates of every file in a folder. Files without one are passed over, as `c_rehash` folders hold other things too.
fn folder(path: &Path) -> Result<Vec<TrustStore>, Error> {
    let entries = fs::read_dir(path).map_err(|source| open_error(path, source))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    // The order of a folder is the file system's; the report's must not be.
    files.sort();
    let stores: Vec<TrustStore> = files.iter().filter_map(|path| file(path).ok()).collect();
    if stores.is_empty() {
        return Err(Error::Option {
            name: "--ca-dir",
            reason: format!("{}: no file in it holds a certificate", path.display()),
        });
    }
    Ok(stores)
}

fn open_error(path: &Path, source: io::Error) -> Error {
    Error::Open {
        path: path.to_owned(),
        source,
    }
}
