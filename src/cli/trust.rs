//! Trust anchors from the file system, handed to the library as bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tlswhy::{Error, Intermediates, TrustStore};

use super::args::{Certificates, NamedFile, Trust};

/// The stores that are tried each by itself.
pub(crate) fn stores(certificates: &Certificates) -> Result<Vec<TrustStore>, Error> {
    let mut stores = Vec::new();
    for trust in &certificates.trust {
        match trust {
            Trust::Mozilla => stores.push(TrustStore::mozilla()),
            Trust::System => stores.push(system()?),
            Trust::None if certificates.trust.len() == 1 => {}
            Trust::None => return Err(refused("--trust", "none stands alone".to_owned())),
        }
    }
    for NamedFile { name, path } in &certificates.trust_store {
        stores.push(file(name, path)?);
    }
    let mut names: Vec<&str> = stores.iter().map(TrustStore::name).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair.first() == pair.last());
    if let Some(name) = twice.and_then(<[_]>::first) {
        return Err(refused("--trust-store", format!("two stores are called {name:?}")));
    }
    Ok(stores)
}

/// The certificates that count in every store.
pub(crate) fn added(certificates: &Certificates) -> Result<Vec<TrustStore>, Error> {
    let mut stores = Vec::new();
    for path in &certificates.ca_file {
        stores.push(file_by_path(path)?);
    }
    for path in &certificates.ca_dir {
        stores.extend(folder("--ca-dir", path, file_by_path)?);
    }
    Ok(stores)
}

fn system() -> Result<TrustStore, Error> {
    // OpenSSL's variable: whoever sets it means it for every program.
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        return file("system", Path::new(&path));
    }
    let mut paths = TrustStore::SYSTEM_FILES.iter().map(Path::new);
    match paths.find(|path| path.is_file()) {
        Some(path) => file("system", path),
        None => Err(refused(
            "--trust",
            "this system keeps no bundle of certificates where it is looked for; name one with --trust none --ca-file FILE".to_owned(),
        )),
    }
}

fn file(name: &str, path: &Path) -> Result<TrustStore, Error> {
    let bytes = fs::read(path).map_err(|source| open_error(path, source))?;
    TrustStore::from_bytes(name, &bytes).map_err(|error| match error {
        // The name is the user's; the file is what cannot be used.
        Error::Trust { reason, .. } => Error::Trust {
            path: path.to_owned(),
            reason,
        },
        other => other,
    })
}

fn file_by_path(path: &Path) -> Result<TrustStore, Error> {
    file(&path.display().to_string(), path)
}

fn refused(name: &'static str, reason: String) -> Error {
    Error::Option { name, reason }
}

/// The certificates that complete chains.
pub(crate) fn intermediates(certificates: &Certificates) -> Result<Vec<Intermediates>, Error> {
    let mut all = Vec::new();
    for path in &certificates.intermediates {
        if path.is_dir() {
            all.extend(folder("--intermediates", path, read_intermediates)?);
        } else {
            all.push(read_intermediates(path)?);
        }
    }
    Ok(all)
}

fn read_intermediates(path: &Path) -> Result<Intermediates, Error> {
    let bytes = fs::read(path).map_err(|source| open_error(path, source))?;
    Intermediates::from_bytes(&path.display().to_string(), &bytes)
}

/// What every file in a folder holds. Files without a certificate are passed over, as `c_rehash` folders hold other things too.
fn folder<T>(option: &'static str, path: &Path, read: impl Fn(&Path) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let entries = fs::read_dir(path).map_err(|source| open_error(path, source))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    // The order of a folder is the file system's; the report's must not be.
    files.sort();
    let found: Vec<T> = files.iter().filter_map(|path| read(path).ok()).collect();
    if found.is_empty() {
        return Err(refused(
            option,
            format!("{}: no file in it holds a certificate", path.display()),
        ));
    }
    Ok(found)
}

fn open_error(path: &Path, source: io::Error) -> Error {
    Error::Open {
        path: path.to_owned(),
        source,
    }
}
