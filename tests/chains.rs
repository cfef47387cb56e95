//! Every list of certificates in fixtures, corpus and public captures, held against `openssl verify -attime` and rustls-webpki: we call a list sound
//! exactly where they accept it. Whatever differs stands in `data/chain-exceptions.txt` with its reason; a line that is not needed fails the test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde_json::Value;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/program.rs"]
mod program;

/// One list of certificates at one moment.
struct Served {
    /// SHA-256 over the list; with it an exception names the list.
    name: String,
    leaf: PathBuf,
    /// The whole list in PEM.
    list: Vec<PathBuf>,
    /// Seconds since 1970.
    at: i64,
    /// What we say of it.
    sound: bool,
    defects: String,
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Folders with captures, as far as they are there.
fn folders() -> Vec<PathBuf> {
    let public = manifest().join("../shared/captures");
    let public = std::env::var_os("TLSWHY_CAPTURES").map_or(public, PathBuf::from);
    [Some(manifest().join("fixtures")), corpus::captures(), Some(public)]
        .into_iter()
        .flatten()
        .filter(|folder| folder.is_dir())
        .collect()
}

/// One file with every root: Mozilla's and those of the private authorities of fixtures and corpus.
fn roots(scratch: &Path) -> PathBuf {
    let private = [
        Some(manifest().join("fixtures/trust")),
        corpus::captures().map(|folder| folder.join("../trust")),
    ];
    let mut files: Vec<PathBuf> = private
        .into_iter()
        .flatten()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pem"))
        .collect();
    files.sort();
    let mut pem: Vec<String> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push(format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            data_encoding::BASE64.encode(root)
        ));
    }
    let path = scratch.join("roots.pem");
    fs::write(&path, pem.join("\n")).unwrap();
    path
}

/// What the program says of every list.
fn served(scratch: &Path, roots: &Path) -> Vec<Served> {
    let folder = scratch.join("pem");
    let mut arguments: Vec<String> = ["certs", "--json", "--trust", "none", "--pem", folder.to_str().unwrap()]
        .map(str::to_owned)
        .to_vec();
    arguments.extend(["--ca-file".to_owned(), roots.display().to_string()]);
    arguments.extend(folders().iter().map(|folder| folder.display().to_string()));
    let document: Value = serde_json::from_slice(&program::run(arguments).stdout).unwrap();
    let mut lists = BTreeMap::new();
    for row in document["servers"].as_array().unwrap() {
        let chain = row["chain"].as_array().unwrap();
        let (Some(name), Some(at)) = (row["chain_sha256"].as_str(), row["last_seen"].as_str()) else {
            continue;
        };
        let list: Vec<PathBuf> = chain
            .iter()
            .map(|one| folder.join(format!("{}.pem", one["sha256"].as_str().unwrap())))
            .collect();
        let at = at.parse::<jiff::Timestamp>().unwrap().as_second();
        lists.insert(
            (name.to_owned(), at),
            Served {
                name: name.chars().take(16).collect(),
                leaf: list[0].clone(),
                list,
                at,
                sound: row["sound"].as_bool().unwrap(),
                defects: row["defects"].to_string(),
            },
        );
    }
    lists.into_values().collect()
}

/// Differences that are explained: `OTHER LIST REASON`, the list by the first digits of its SHA-256.
fn exceptions(other: &str) -> BTreeMap<String, String> {
    include_str!("data/chain-exceptions.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| {
            let mut words = line.splitn(3, ' ');
            let (who, list, reason) = (words.next()?, words.next()?, words.next().expect("a reason"));
            (who == other).then(|| (list.to_owned(), reason.to_owned()))
        })
        .collect()
}

/// Fails where we and the other differ without an explanation, or an explanation is not needed.
fn hold_against(other: &str, lists: &[Served], accepts: impl Fn(&Served) -> Result<(), String>) {
    let mut explained = exceptions(other);
    let (mut agree, mut accepted, mut differ) = (0, 0, Vec::new());
    let mut used = Vec::new();
    for list in lists {
        let theirs = accepts(list);
        if theirs.is_ok() == list.sound {
            agree += 1;
            accepted += usize::from(list.sound);
        } else if explained.contains_key(&list.name) {
            used.push(list.name.clone());
        } else {
            differ.push(format!(
                "{} at {}: {other} says {theirs:?}, we {} {}",
                list.name, list.at, list.sound, list.defects
            ));
        }
    }
    println!(
        "{other}: {agree} of {} lists alike, {accepted} of them accepted; {} explained",
        lists.len(),
        used.len()
    );
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    explained.retain(|list, _| !used.contains(list));
    // Without corpus and public captures their exceptions cannot be met.
    if folders().len() == 3 {
        assert!(explained.is_empty(), "exceptions that nothing needs: {explained:?}");
    }
}

fn openssl(list: &Served, roots: &Path, scratch: &Path) -> Result<(), String> {
    let untrusted = scratch.join("untrusted.pem");
    let pem: String = list.list.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    fs::write(&untrusted, pem).unwrap();
    let output = Command::new("openssl")
        .args([
            "verify",
            "-no-CApath",
            "-no-CAstore",
            "-purpose",
            "sslserver",
            "-attime",
            &list.at.to_string(),
        ])
        .arg("-CAfile")
        .arg(roots)
        .arg("-untrusted")
        .arg(&untrusted)
        .arg(&list.leaf)
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(said
                .lines()
                .find(|line| line.contains("error"))
                .unwrap_or_default()
                .to_owned())
        }
    }
}

fn webpki(list: &Served, anchors: &[TrustAnchor<'_>]) -> Result<(), String> {
    let read = |path: &PathBuf| CertificateDer::from_pem_file(path).unwrap();
    let others: Vec<CertificateDer<'_>> = list.list.iter().skip(1).map(read).collect();
    let leaf = read(&list.leaf);
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| error.to_string())?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(list.at.try_into().unwrap()));
    leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        anchors,
        &others,
        at,
        KeyUsage::server_auth(),
        None,
        None,
    )
    .map(|_| ())
    .map_err(|error| error.to_string())
}

#[test]
fn others_accept_the_lists_that_we_call_sound_and_no_others() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chains");
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch).unwrap();
    let roots = roots(&scratch);
    let lists = served(&scratch, &roots);
    assert!(lists.len() > 10, "{} lists", lists.len());

    let anchors: Vec<CertificateDer<'_>> = CertificateDer::pem_file_iter(&roots)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let anchors: Vec<TrustAnchor<'_>> = anchors
        .iter()
        .filter_map(|der| anchor_from_trusted_cert(der).ok())
        .collect();
    hold_against("webpki", &lists, |list| webpki(list, &anchors));

    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not installed");
        return;
    }
    hold_against("openssl", &lists, |list| openssl(list, &roots, &scratch));
}
