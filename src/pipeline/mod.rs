//! From sources to a report: windows, parallel decoding, shards, judgement. The only user of threads.

mod calls;
mod decode;
mod flows;
mod follow;
mod followed;
mod harvest;
mod inventory;
mod judged;
mod limits;
mod live;
mod numbers;
mod open;
mod servers;
mod shard;
mod tally;
mod translation;
mod unread;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::ThreadPool;

use crate::capture::{Captures, Glob, ProblemKind, Reader, Source, captures_below};
use crate::error::Error;
use crate::evidence::{CaptureId, Time};
use crate::report::{self, Capture, CaptureProblem, Generator, Report, Summary, Timestamp};
use crate::why::{CAUSES, title};
use crate::x509::{
    CertificateIndex, CertificateStore, FetchedStatuses, SYSTEM_TRUST_FILES, Statuses, Trust, TrustStore as Anchors,
};

use follow::{FollowedSet, follow};
use harvest::STATUSES_OF_THE_INPUT;
use judged::{Judged, Shared};

pub use limits::Limits;

/// Certificates that stand in for the clients' trust stores.
#[derive(Clone, Debug)]
pub struct TrustStore(Arc<Anchors>);

impl TrustStore {
    /// Where systems keep their roots in one PEM file; the first that exists is the one to read.
    pub const SYSTEM_FILES: &'static [&'static str] = SYSTEM_TRUST_FILES;

    /// Mozilla's root program, as built into this version. Roots that it removed since October 2016 count for packets from before that.
    pub fn mozilla() -> Self {
        Self(Arc::new(Anchors::mozilla()))
    }

    /// A store from a file's bytes: PEM with any number of certificates, one certificate in DER, a JKS or JCEKS file of Java, a PKCS#12 file
    /// whose certificates are not encrypted, or a PKCS#7 bundle. `name` is what reports call it.
    ///
    /// # Errors
    /// [`Error::Trust`] where the bytes hold no certificate that can be used.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        Anchors::from_file(name, bytes)
            .map(|store| Self(Arc::new(store)))
            .map_err(|reason| Error::Trust {
                path: PathBuf::from(name),
                reason,
            })
    }

    /// What reports call it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What was passed over while it was read, in words: blocks and certificates that cannot be used.
    pub fn problems(&self) -> &[String] {
        &self.0.problems
    }
}

/// Certificates of authorities that complete what servers sent, without being trusted.
#[derive(Clone, Debug)]
pub struct Intermediates(Arc<Anchors>);

impl Intermediates {
    /// The certificates of a file's bytes, in any form that [`TrustStore::from_bytes`] reads. `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Trust`] where the bytes hold no certificate that can be used.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        TrustStore::from_bytes(name, bytes).map(|store| Self(store.0))
    }
}

/// What an analysis is to do.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Threads; 0 = one for each processor. The report is the same for any number.
    pub threads: usize,
    /// Trust stores that certificates are judged by, each by itself: a chain counts as trusted where one of them accepts it, and the
    /// report says which do not. Empty: nothing is trusted but [`trust_added`](Self::trust_added).
    pub trust: Vec<TrustStore>,
    /// Trust stores that count in addition to each of [`trust`](Self::trust): those of an own authority.
    pub trust_added: Vec<TrustStore>,
    /// Certificates that are looked at where a server left one out, after those that were seen in the input.
    pub intermediates: Vec<Intermediates>,
    /// Judge certificates at this moment instead of the packets': nanoseconds since 1970 UTC.
    pub at: Option<i64>,
    /// Seconds to add to the captures' times where certificates are judged; `None`: what a capture plainly says of its own clock, else nothing.
    pub clock_offset: Option<i64>,
    /// Keep completed connections for the report too.
    pub all: bool,
    /// Keep an inventory of the certificates of every server, sound connections' too.
    pub inventory: bool,
    /// Compute the SHA-256 of each input.
    pub hash: bool,
    /// How much is kept at a time.
    pub limits: Limits,
    /// In folders, read only files that match one of these. Empty: all.
    pub glob: Vec<Glob>,
}

/// How far an analysis has come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of the current input read so far.
    pub bytes: u64,
    /// Packets of the current input so far.
    pub packets: u64,
    /// The current input.
    pub capture: String,
}

type OnProgress = Box<dyn FnMut(&Progress) + Send>;

/// Reads captures and explains the handshakes in them.
///
/// Each source is read to its end before the next; nothing is judged before [`Analysis::finish`], since certificates from anywhere in
/// the input may complete a chain.
pub struct Analysis {
    options: Options,
    on_progress: Option<OnProgress>,
    stop: Arc<AtomicBool>,
    pool: Option<ThreadPool>,
    certificates: Arc<CertificateStore>,
    statuses: FetchedStatuses,
    sets: Vec<FollowedSet>,
    passed_over: u64,
    /// Captures of folders that could not be read.
    unread: Vec<Capture>,
}

impl std::fmt::Debug for Analysis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analysis")
            .field("options", &self.options)
            .field("captures", &self.sets.len())
            .finish_non_exhaustive()
    }
}

impl Analysis {
    /// An analysis that has read nothing yet.
    pub fn new(options: Options) -> Self {
        // Without a pool of its own rayon's global one is used, with a thread for each processor.
        let pool = (options.threads > 0)
            .then(|| {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(options.threads)
                    .build()
                    .ok()
            })
            .flatten();
        let certificates = Arc::new(CertificateStore::with_limit(options.limits.certificates));
        Self {
            options,
            on_progress: None,
            stop: Arc::new(AtomicBool::new(false)),
            pool,
            certificates,
            statuses: FetchedStatuses::with_limit(STATUSES_OF_THE_INPUT),
            sets: Vec::new(),
            passed_over: 0,
            unread: Vec::new(),
        }
    }

    /// Calls `report` now and then while a source is read.
    #[must_use]
    pub fn on_progress(mut self, report: impl FnMut(&Progress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    /// A switch that ends the reading, not the report: set it to true from anywhere, a signal handler for one.
    pub fn stopper(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Reads one source to its end. A folder is every capture below it, in order of path; an archive every capture in it, in its order.
    ///
    /// # Errors
    /// The source cannot be opened, or holds no capture. What is damaged within a capture is told in its
    /// [problems](crate::report::Capture::problems) instead. In folders and archives, files that cannot be read are told so too.
    pub fn read(&mut self, source: Source) -> Result<(), Error> {
        if let Source::Path(path) = &source
            && path.is_dir()
        {
            let listing = captures_below(path, &self.options.glob)?;
            self.passed_over += listing.passed_over;
            for capture in listing.captures {
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
                match self.read_file(Source::Path(capture.clone())) {
                    Ok(true) => {}
                    // An archive of other things.
                    Ok(false) => self.passed_over += 1,
                    // One bad file among many is told, and the others are read.
                    Err(error) => self.unread.push(unread(&error)),
                }
            }
            return Ok(());
        }
        let path = source.path();
        if self.read_file(source)? {
            return Ok(());
        }
        let found = if self.stop.load(Ordering::Relaxed) {
            "nothing was read before the reading was stopped"
        } else {
            "an archive without a capture in it"
        };
        Err(Error::NotACapture {
            path,
            found: found.into(),
        })
    }

    /// Reads every capture of a file or a stream; false where it is an archive that holds none, or none was begun before the reading was stopped.
    fn read_file(&mut self, source: Source) -> Result<bool, Error> {
        let mut captures = Captures::open(source, self.options.hash)?;
        let mut holds_any = false;
        while let Some(next) = captures.next(&self.stop) {
            holds_any = true;
            match next {
                Ok(reader) => self.follow(reader),
                Err(error) if captures.is_archive() => self.unread.push(unread(&error)),
                Err(error) => return Err(error),
            }
        }
        if holds_any {
            self.passed_over += captures.passed_over();
        }
        Ok(holds_any)
    }

    fn follow(&mut self, reader: Reader) {
        let capture = CaptureId(self.sets.len() as u32);
        let (options, certificates) = (&self.options, &self.certificates);
        let (stop, on_progress) = (&self.stop, &mut self.on_progress);
        let run = || follow(reader, capture, certificates, options, stop, on_progress);
        let mut set = match &self.pool {
            Some(pool) => pool.install(run),
            None => run(),
        };
        let fetched = std::mem::replace(&mut set.statuses, FetchedStatuses::with_limit(0));
        self.statuses.merge(fetched);
        self.sets.push(set);
    }

    /// Judges what was read.
    pub fn finish(self) -> Report {
        let anchors = |stores: &[TrustStore]| stores.iter().map(|store| Arc::clone(&store.0)).collect();
        let trust = Trust {
            stores: anchors(&self.options.trust),
            added: anchors(&self.options.trust_added),
        };
        let told_trust = told_trust(&trust);
        let partial = self.sets.iter().any(|set| set.facts.stopped) || self.stop.load(Ordering::Relaxed);
        let read = self.sets.iter().map(|set| told_capture(set, self.options.clock_offset));
        let captures = read.chain(self.unread).collect();
        let options = effective(&self.options);
        let shared = Shared {
            trust: Arc::new(trust),
            certificates: self.certificates,
            at: self.options.at.map(Time::from_nanos),
            clock_offset: self.options.clock_offset,
            all: self.options.all,
            limits: self.options.limits.clone(),
        };
        let certificates = Arc::clone(&shared.certificates);
        let followed = self.sets;
        let mut index = CertificateIndex::default();
        followed.iter().for_each(|set| index.merge(&set.index));
        let given = self.options.intermediates.iter().flat_map(|given| given.0.anchors());
        given.for_each(|given| index.add_given(given));
        let index = Arc::new(index);
        let inventory = self.options.inventory.then(|| {
            let offset = |set: &FollowedSet| set.clock_offset(self.options.clock_offset);
            let served = followed
                .iter()
                .map(|set| (set.facts.path.as_str(), &set.served, offset(set)));
            inventory::told(served, &index, &shared.trust, &certificates, shared.at)
        });
        let statuses = Arc::new(Statuses::read(&self.statuses));
        let judge = || Judged::new(followed, index, statuses, &shared);
        let (judged, sets) = match &self.pool {
            Some(pool) => pool.install(judge),
            None => judge(),
        };
        let mut summary = Summary::default();
        sets.iter().for_each(|set| summary.add(&set.summary));
        if certificates.is_full() {
            summary.limits_reached.push(self.options.limits.certificates_reached());
        }
        Report {
            generator: Generator::default(),
            options,
            trust: told_trust,
            partial,
            captures,
            sets,
            passed_over: self.passed_over,
            summary,
            connections: Box::new(judged.on(self.pool)),
            inventory,
        }
    }
}

/// The options that shape the result. The number of threads does not.
fn effective(options: &Options) -> serde_json::Value {
    serde_json::json!({
        "trust": options.trust.iter().chain(&options.trust_added).map(TrustStore::name).collect::<Vec<_>>(),
        "intermediates": options.intermediates.iter().map(|given| given.0.name.as_str()).collect::<Vec<_>>(),
        "at": options.at.map(Timestamp::from_nanos),
        "clock_offset": options.clock_offset,
        "all": options.all,
        "hash": options.hash,
        "glob": options.glob.iter().map(Glob::to_string).collect::<Vec<_>>(),
    })
}

fn told_trust(trust: &Trust) -> Vec<report::Trust> {
    let told = |store: &Arc<Anchors>, added| report::Trust {
        name: store.name.clone(),
        version: store.version.map(str::to_owned),
        date: store.date.map(str::to_owned),
        added,
        anchors: store.anchors().count() as u64,
        removed: store.removed() as u64,
        sha256: store.sha256().to_owned(),
    };
    let stores = trust.stores.iter().map(|store| told(store, false));
    stores
        .chain(trust.added.iter().map(|store| told(store, true)))
        .collect()
}

/// A capture that could not be read at all.
fn unread(error: &Error) -> Capture {
    let path = error.path().unwrap_or_else(|| Path::new("")).display().to_string();
    let (offset, kind) = match error {
        Error::Read { offset, source, .. } if source.kind() == ErrorKind::UnexpectedEof => {
            (*offset, report::ProblemKind::CutAtEnd)
        }
        Error::Read { offset, .. } => (*offset, report::ProblemKind::Damage),
        _ => (0, report::ProblemKind::Damage),
    };
    Capture {
        set: path.clone(),
        path,
        problems: vec![CaptureProblem {
            offset,
            what: error.to_string(),
            kind,
            ..CaptureProblem::default()
        }],
        ..Capture::default()
    }
}

fn told_capture(set: &FollowedSet, clock_offset: Option<i64>) -> Capture {
    let (facts, fragments) = (&set.facts, set.fragments);
    let problems = facts.problems.iter().map(|problem| CaptureProblem {
        offset: problem.offset,
        what: problem.what.clone(),
        skipped: problem.skipped,
        kind: match problem.kind {
            ProblemKind::Damaged => report::ProblemKind::Damage,
            ProblemKind::Cut => report::ProblemKind::CutAtEnd,
            ProblemKind::Limit => report::ProblemKind::Limit,
        },
    });
    let annotations = &facts.annotations;
    let comments = annotations.comments.iter().map(|comment| report::Comment {
        frame: comment.frame,
        text: comment.text.clone(),
    });
    let names = annotations.names.iter().map(|(address, name)| report::AddressName {
        address: address.to_string(),
        name: name.clone(),
    });
    Capture {
        path: facts.path.clone(),
        set: facts.path.clone(),
        format: facts.format.to_owned(),
        bytes: facts.bytes,
        packets: facts.frames,
        first: facts.first.map(Timestamp::from),
        last: facts.last.map(Timestamp::from),
        sha256: facts.sha256.clone(),
        problems: problems.collect(),
        fragments: report::Fragments {
            completed: fragments.completed,
            incomplete: fragments.incomplete + fragments.too_old + fragments.no_room,
            contradictory: fragments.contradictory,
        },
        comments: comments.collect(),
        names: names.collect(),
        interfaces: annotations.interfaces.clone(),
        secrets: annotations.secrets.len() as u64,
        clock: clock(set, clock_offset),
        unread: set.unread.clone(),
        cut_packets: facts.cut,
    }
}

/// What is told of a capture's clock: nothing where it seems right and is left alone.
fn clock(set: &FollowedSet, given: Option<i64>) -> Option<report::Clock> {
    let estimate = set.clock.as_ref();
    (estimate.is_some() || given.is_some()).then(|| report::Clock {
        suggested_s: estimate.map(|estimate| estimate.offset),
        sign: estimate.map(ToString::to_string),
        applied_s: set.clock_offset(given),
    })
}

/// A cause of the catalogue.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CauseInfo {
    /// Its stable name, as in the JSON.
    pub id: &'static str,
    /// Its title, without jargon.
    pub title: &'static str,
    /// Its page in Markdown: what happened, how to tell, how to fix it.
    pub page: &'static str,
}

/// Every cause that a verdict can name, in the order of the documentation.
pub fn causes() -> impl Iterator<Item = CauseInfo> {
    CAUSES.iter().map(|cause| CauseInfo {
        id: cause.id().0,
        title: title(cause.page()),
        page: cause.page(),
    })
}
