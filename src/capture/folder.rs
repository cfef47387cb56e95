//! The captures below a folder.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::decoder::Decoder;
use super::pattern::Glob;
use crate::error::Error;

/// What is in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The captures, by the bytes of their paths. A file or folder that may not be read is among them: to open it tells why.
    pub(crate) captures: Vec<PathBuf>,
    /// Number of files that are no captures.
    pub(crate) passed_over: u64,
}

/// Lists the files below a folder that begin as a capture or an archive does, compressed or not. What is hidden (its name begins with a dot) is left out.
///
/// Where there are `globs`, files that match none of them are left out, too.
///
/// Links are followed where they lead out of the folder, to each place once; what a link within the folder points to is listed itself.
///
/// # Errors
///
/// [`Error::Open`] where the folder itself cannot be listed.
pub(crate) fn captures_below(path: &Path, globs: &[Glob]) -> Result<Listing, Error> {
    let failed = |source| Error::Open {
        path: path.to_path_buf(),
        source,
    };
    let root = fs::canonicalize(path).map_err(failed)?;
    fs::read_dir(path).map_err(failed)?;

    let mut listing = Listing::default();
    let mut visited = HashSet::new();
    let mut folders = vec![path.to_path_buf()];
    let below = path;
    let is_wanted = |path: &Path| {
        let path = path.strip_prefix(below).unwrap_or(path);
        globs.is_empty() || globs.iter().any(|glob| glob.matches(path))
    };
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            listing.captures.push(folder);
            continue;
        };
        // In order of their names, so that of two links to one folder it is always the same that is followed.
        let mut paths: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
            .map(|entry| entry.path())
            .collect();
        paths.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
        for path in paths {
            if path.is_symlink() {
                match fs::canonicalize(&path) {
                    Ok(target) => {
                        let inside = target.starts_with(&root) || root.starts_with(&target);
                        if inside || !visited.insert(target) {
                            continue;
                        }
                    }
                    Err(_) => {
                        listing.passed_over += 1;
                        continue;
                    }
                }
            }
            match fs::metadata(&path) {
                Ok(data) if data.is_dir() => folders.push(path),
                Ok(_) if !is_wanted(&path) => {}
                Ok(data) if data.is_file() => match begins_as_a_capture(&path) {
                    Some(false) => listing.passed_over += 1,
                    _ => listing.captures.push(path),
                },
                // To open a pipe or a device could block.
                Ok(_) => listing.passed_over += 1,
                Err(_) => listing.captures.push(path),
            }
        }
    }
    listing
        .captures
        .sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    Ok(listing)
}

/// True for captures and archives of whatever; `None` where the file cannot be read.
fn begins_as_a_capture(path: &Path) -> Option<bool> {
    let mut decoder = Decoder::of(File::open(path).ok()?);
    let kind = decoder.kind();
    match decoder.take_error() {
        // What is compressed and damaged at once is no capture for all that is known.
        Some(_) if kind.is_none() && decoder.compression().is_none() => None,
        _ => Some(kind.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing;

    /// A folder of its own for a test, which goes when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tlswhy-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn captures_are_found_by_their_content_in_the_order_of_their_paths() {
        let folder = Folder::new("listing");
        let capture = testing::pcap(&[b"packet"]);
        let late = folder.write("z/late.log", &capture);
        let packed = folder.write("b.gz", &testing::gzip(&capture));
        let plain = folder.write("a.pcap", &capture);
        folder.write("notes.pcap", b"this is no capture");
        folder.write("text.gz", &testing::gzip(b"neither is this"));
        folder.write("empty", b"");
        folder.write(".hidden.pcap", &capture);
        let listing = captures_below(&folder.0, &[]).unwrap();
        assert_eq!(
            listing,
            Listing {
                captures: vec![plain, packed, late],
                passed_over: 3
            }
        );
    }

    #[test]
    fn archives_are_listed_whatever_is_in_them() {
        let folder = Folder::new("archives");
        let tar = folder.write("a.tgz", &testing::gzip(&testing::tar(&[("notes", b"text")])));
        let zip = folder.write("b.zip", &testing::zip(&[testing::ZipFile::stored("notes", b"text")]));
        assert_eq!(captures_below(&folder.0, &[]).unwrap().captures, [tar, zip]);
    }

    #[test]
    fn patterns_leave_files_out_and_do_not_count_them() {
        let folder = Folder::new("patterns");
        let capture = testing::pcap(&[b"packet"]);
        let deep = folder.write("x/y/a.pcap", &capture);
        folder.write("x/b.cap", &capture);
        let top = folder.write("c.pcap", &capture);
        folder.write("notes.txt", b"text");
        let listed = |patterns: &[&str]| {
            let globs: Vec<Glob> = patterns.iter().map(|pattern| pattern.parse().unwrap()).collect();
            let listing = captures_below(&folder.0, &globs).unwrap();
            assert_eq!(listing.passed_over, 0);
            listing.captures
        };
        assert_eq!(listed(&["*.pcap"]), [top.clone(), deep.clone()]);
        assert_eq!(listed(&["x/**/*.pcap", "c*"]), [top, deep]);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_end() {
        let (folder, other) = (Folder::new("circle"), Folder::new("circle-other"));
        let capture = testing::pcap(&[b"packet"]);
        let own = folder.write("own.pcap", &capture);
        other.write("theirs.pcap", &capture);
        for (target, link) in [
            (&folder.0, folder.0.join("self")),
            (&other.0, folder.0.join("out")),
            (&other.0, folder.0.join("out-again")),
            (&folder.0, other.0.join("back")),
            (&other.0, other.0.join("round")),
        ] {
            std::os::unix::fs::symlink(target, link).unwrap();
        }
        let listing = captures_below(&folder.0, &[]).unwrap();
        assert_eq!(
            listing,
            Listing {
                captures: vec![folder.0.join("out/theirs.pcap"), own],
                passed_over: 0
            }
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(matches!(
            captures_below(Path::new("no/such/folder"), &[]),
            Err(Error::Open { .. })
        ));
    }
}
