//! Archives taken apart as they are read, without a copy of them anywhere.
//!
//! A source is one capture, or an archive; in an archive each member is looked at as a source of its own, with its own compression, and what
//! begins as a capture does is handed on. This runs on the thread that reads the source, and calls an [`Outlet`] with what it finds.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::decoder::{Decoder, Tap};
use super::magic::{Archive, Kind};
use super::tar::{self, Tar};
use super::zip::{self, Zip};
use crate::error::Error;

/// How deep archives may lie in each other.
const DEPTH_MAX: usize = 2;

/// Nobody wants to hear of the source any more.
pub(super) struct Gone;

/// Where what is found goes.
pub(super) trait Outlet {
    /// A capture, or the whole source where it is none; `archive` is what it lies in. `read` counts what is read of it as it lies there.
    fn capture(
        &mut self,
        path: &Path,
        decoder: Decoder<'_>,
        archive: Option<&'static str>,
        read: Arc<AtomicU64>,
    ) -> Result<(), Gone>;

    /// A member that is neither capture nor archive.
    fn passed_over(&mut self) -> Result<(), Gone>;

    /// A member, or a part of an archive, that cannot be read.
    fn unreadable(&mut self, error: Error) -> Result<(), Gone>;
}

/// Takes sources apart.
pub(super) struct Unpacker<'o, O> {
    outlet: &'o mut O,
    hash: bool,
}

impl<'o, O: Outlet> Unpacker<'o, O> {
    /// With `hash`, captures are hashed as they lie in their archive.
    pub(super) fn new(outlet: &'o mut O, hash: bool) -> Self {
        Self { outlet, hash }
    }

    /// Hands on what is in a source.
    pub(super) fn source(&mut self, path: &Path, decoder: Decoder<'_>, read: Arc<AtomicU64>) -> Result<(), Gone> {
        self.take(path, decoder, read, None, 0)
    }

    /// Hands on what is in a zip archive that has a directory; where that is missing, the members that stand before its place.
    pub(super) fn zip_file(&mut self, path: &Path, file: impl Read + Seek + Send) -> Result<(), Gone> {
        let mut zip = Zip::new(BufReader::new(file));
        let Ok((entries, are_all)) = zip.directory() else {
            let mut file = zip.into_inner();
            return match file.rewind() {
                Ok(()) => self.zip(path, file, 1),
                Err(error) => self.failed(path, 0, Archive::Zip, error),
            };
        };
        for entry in entries.iter().filter(|entry| !entry.is_folder()) {
            let Some(path) = member_path(path, &entry.name) else {
                continue;
            };
            match zip.go_to(entry) {
                Ok(()) => self.zip_member(&path, &mut zip, entry, 1)?,
                Err(error) => self.failed(&path, entry.offset(), Archive::Zip, error)?,
            }
        }
        if are_all {
            return Ok(());
        }
        self.outlet.unreadable(Error::NotACapture {
            path: path.to_path_buf(),
            found: "a part of the zip archive's directory cannot be read; members may be missing".into(),
        })
    }

    fn take(
        &mut self,
        path: &Path,
        mut decoder: Decoder<'_>,
        read: Arc<AtomicU64>,
        within: Option<Archive>,
        depth: usize,
    ) -> Result<(), Gone> {
        match decoder.kind() {
            Some(Kind::Archive(_)) if depth >= DEPTH_MAX => self.outlet.unreadable(Error::NotACapture {
                path: path.to_path_buf(),
                found: "an archive in an archive in an archive; unpack it first".into(),
            }),
            Some(Kind::Archive(Archive::Tar)) => self.tar(path, decoder, depth + 1),
            Some(Kind::Archive(Archive::Zip)) => self.zip(path, BufReader::new(decoder), depth + 1),
            None if within.is_some() => match decoder.take_error() {
                None => self.outlet.passed_over(),
                Some(error) => self.failed(path, 0, within.unwrap_or(Archive::Tar), error),
            },
            _ => self.outlet.capture(path, decoder, within.map(Archive::name), read),
        }
    }

    /// A member of an archive, as it lies there.
    fn member(&mut self, path: &Path, bytes: impl Read + Send, archive: Archive, depth: usize) -> Result<(), Gone> {
        let read = Arc::new(AtomicU64::new(0));
        let tap = Tap::new(Box::new(bytes), self.hash, Arc::clone(&read));
        self.take(path, Decoder::new(tap), read, Some(archive), depth)
    }

    fn tar(&mut self, path: &Path, source: impl Read + Send, depth: usize) -> Result<(), Gone> {
        let mut tar = Tar::new(source);
        loop {
            match tar.next() {
                Ok(Some(tar::Item::File(name))) => {
                    if let Some(path) = member_path(path, &name) {
                        self.member(&path, &mut tar, Archive::Tar, depth)?;
                    }
                }
                Ok(Some(tar::Item::Damaged { at, skipped })) => self.damaged(path, Archive::Tar, at, skipped)?,
                Ok(None) => return Ok(()),
                Err(error) => return self.failed(path, tar.position(), Archive::Tar, error),
            }
        }
    }

    fn zip(&mut self, path: &Path, source: impl BufRead + Send, depth: usize) -> Result<(), Gone> {
        let mut zip = Zip::new(source);
        loop {
            match zip.next() {
                Ok(Some(zip::Item::Member(entry))) => {
                    if let Some(path) = member_path(path, &entry.name).filter(|_| !entry.is_folder()) {
                        self.zip_member(&path, &mut zip, &entry, depth)?;
                    }
                }
                Ok(Some(zip::Item::Damaged { at, skipped })) => self.damaged(path, Archive::Zip, at, skipped)?,
                Ok(None) => return Ok(()),
                Err(error) => return self.failed(path, zip.position(), Archive::Zip, error),
            }
        }
    }

    fn zip_member<R: BufRead + Send>(
        &mut self,
        path: &Path,
        zip: &mut Zip<R>,
        entry: &zip::Entry,
        depth: usize,
    ) -> Result<(), Gone> {
        let is_endless = zip.is_endless();
        let mut content = match zip.content(entry) {
            Ok(content) => content,
            Err(found) => {
                let path = path.to_path_buf();
                return self.outlet.unreadable(Error::NotACapture { path, found });
            }
        };
        self.member(path, &mut content, Archive::Zip, depth)?;
        if is_endless {
            // The next member is behind the end of this one. An error was told, or is met again there.
            let _ = io::copy(&mut content, &mut io::sink());
        }
        Ok(())
    }

    fn damaged(&mut self, path: &Path, archive: Archive, at: u64, skipped: u64) -> Result<(), Gone> {
        let what = format!(
            "{skipped} bytes of the {} are damaged and were passed over",
            archive.name()
        );
        self.failed(path, at, archive, io::Error::new(ErrorKind::InvalidData, what))
    }

    /// Tells why an archive or one of its members cannot be read from a place on.
    fn failed(&mut self, path: &Path, offset: u64, archive: Archive, error: io::Error) -> Result<(), Gone> {
        let source = match error.kind() {
            ErrorKind::UnexpectedEof => io::Error::new(
                ErrorKind::UnexpectedEof,
                format!("the {} ends before its time", archive.name()),
            ),
            _ => error,
        };
        self.outlet.unreadable(Error::Read {
            path: path.to_path_buf(),
            offset,
            source,
        })
    }
}

/// The path by which a member is known: the archive's, and the member's in it. `None` for what is hidden, as in folders.
fn member_path(archive: &Path, name: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."))
        .collect();
    if parts.iter().any(|part| part.starts_with('.')) {
        return None;
    }
    let mut path = archive.as_os_str().to_owned();
    path.push("/");
    path.push(parts.join("/").replace(char::is_control, "\u{fffd}"));
    Some(path.into())
}

#[cfg(test)]
mod tests;
