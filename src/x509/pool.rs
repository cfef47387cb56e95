//! Every distinct certificate once.
//!
//! A capture of a year holds the same few thousand certificates in millions of handshakes. The store keeps each by its bytes; a
//! certificate is read when it is first asked for, and a pair (certificate, issuer) is verified when it is first looked at. Past the
//! limits nothing is shared any more, which costs time but changes no answer; so does the order in which threads come.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use data_encoding::HEXLOWER;
use foldhash::quality::RandomState;
use hashbrown::{HashMap, HashTable};

use super::certificate::sha256;
use super::{Certificate, Malformed, Verification, verifies};

/// Number of parts that are locked on their own.
const SHARDS: usize = 64;
/// Most bytes of certificates that are kept, where nobody says otherwise.
const MAX_BYTES: usize = 128 << 20;
/// Most pairs whose verification is remembered.
const MAX_PAIRS: usize = 1 << 18;

/// A certificate's bytes and, once somebody asked, what they say.
#[derive(Debug)]
pub(crate) struct Interned {
    der: Arc<[u8]>,
    read: OnceLock<Result<Arc<Certificate>, Malformed>>,
}

impl Interned {
    /// A certificate that is shared with nobody yet.
    pub(crate) fn new(der: &[u8]) -> Self {
        Self {
            der: Arc::from(der),
            read: OnceLock::new(),
        }
    }

    /// The bytes.
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate.
    ///
    /// # Errors
    /// [`Malformed`] where the bytes are no certificate.
    pub(crate) fn certificate(&self) -> Result<&Arc<Certificate>, &Malformed> {
        self.read
            .get_or_init(|| Certificate::read(Arc::clone(&self.der)).map(Arc::new))
            .as_ref()
    }

    /// The certificate, where the bytes are one.
    pub(crate) fn readable(&self) -> Option<&Arc<Certificate>> {
        self.certificate().ok()
    }

    /// SHA-256 of the bytes, lower-case hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        self.readable().map_or_else(
            || HEXLOWER.encode(&sha256(&self.der)),
            |certificate| certificate.sha256.clone(),
        )
    }
}

/// Two are the same where their bytes are.
impl PartialEq for Interned {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Interned {}

type Known = HashTable<Arc<Interned>>;

type Pairs = HashMap<([u8; 32], [u8; 32]), Verification, RandomState>;

/// All certificates of a run, and what was found out about pairs of them. Shared by all threads.
#[derive(Debug)]
pub(crate) struct CertificateStore {
    hasher: RandomState,
    shards: Vec<Mutex<Known>>,
    pairs: Vec<Mutex<Pairs>>,
    /// Bytes of all certificates that were offered to be kept.
    bytes: AtomicUsize,
    max_bytes: usize,
}

impl Default for CertificateStore {
    fn default() -> Self {
        Self::with_limit(MAX_BYTES)
    }
}

impl CertificateStore {
    /// A store that keeps at most `max_bytes` of certificates.
    pub(crate) fn with_limit(max_bytes: usize) -> Self {
        Self {
            hasher: RandomState::default(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            pairs: (0..SHARDS).map(|_| Mutex::default()).collect(),
            bytes: AtomicUsize::new(0),
            max_bytes,
        }
    }

    /// True where the certificates took more bytes than are kept.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.max_bytes
    }

    /// The one holder of these bytes; an unshared one where the store is full.
    pub(crate) fn intern(&self, der: &[u8]) -> Arc<Interned> {
        let hash = self.hasher.hash_one(der);
        let Some(mut certificates) = pick(&self.shards, hash) else {
            return Arc::new(Interned::new(der));
        };
        if let Some(known) = certificates.find(hash, |known| *known.der == *der) {
            return Arc::clone(known);
        }
        let new = Arc::new(Interned::new(der));
        // Once it was too much it stays so: whether the limit was reached does not depend on who came first.
        if self.is_full() {
            return new;
        }
        let before = self.bytes.fetch_add(der.len(), Ordering::Relaxed);
        if before.saturating_add(der.len()) <= self.max_bytes {
            certificates.insert_unique(hash, Arc::clone(&new), |known| self.hasher.hash_one(&*known.der));
        }
        new
    }

    /// Whether `issuer`'s key signed `child`; computed once for each pair.
    pub(crate) fn verified(&self, child: &Certificate, issuer: &Certificate) -> Verification {
        let pair = (child.fingerprint, issuer.fingerprint);
        let hash = self.hasher.hash_one(pair);
        if let Some(&known) = pick(&self.pairs, hash).as_ref().and_then(|pairs| pairs.get(&pair)) {
            return known;
        }
        // The lock is not held meanwhile: two threads may do the same work, with the same result.
        let verification = verifies(child, issuer);
        if let Some(mut pairs) = pick(&self.pairs, hash)
            && pairs.len() < MAX_PAIRS / SHARDS
        {
            pairs.insert(pair, verification);
        }
        verification
    }
}

fn pick<T>(shards: &[Mutex<T>], hash: u64) -> Option<MutexGuard<'_, T>> {
    // The table inside uses the other bits.
    let place = usize::try_from(hash >> 32).unwrap_or_default() % SHARDS;
    shards.get(place).map(locked)
}

/// A thread that died while it held the lock left nothing half done.
fn locked<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, Leaf};
    use super::*;

    fn kept(store: &CertificateStore) -> usize {
        store.shards.iter().map(|shard| locked(shard).len()).sum()
    }

    #[test]
    fn the_same_bytes_are_kept_once() {
        let store = CertificateStore::default();
        let der = Authority::root("Root").der;
        assert!(Arc::ptr_eq(&store.intern(&der), &store.intern(&der)));
        assert!(store.intern(b"no certificate").certificate().is_err());
        assert_eq!(kept(&store), 2);
    }

    #[test]
    fn past_the_limit_the_answers_stay_the_same() {
        let store = CertificateStore::with_limit(0);
        let root = Authority::root("Root");
        let (one, other) = (store.intern(&root.der), store.intern(&root.der));
        assert!(!Arc::ptr_eq(&one, &other));
        assert_eq!(one, other);
        assert_eq!(one.sha256(), root.certificate().sha256);
        assert_eq!(kept(&store), 0);
        assert!(store.is_full() && !CertificateStore::default().is_full());
    }

    #[test]
    fn a_pair_is_remembered() {
        let store = CertificateStore::default();
        let root = Authority::root("Root");
        let leaf = Certificate::parse(&Leaf::named("a.example").signed_by(&root)).unwrap();
        for _ in 0..2 {
            assert_eq!(store.verified(&leaf, &root.certificate()), Verification::Yes);
            assert_eq!(store.verified(&root.certificate(), &leaf), Verification::No);
        }
        assert_eq!(store.pairs.iter().map(|pairs| locked(pairs).len()).sum::<usize>(), 2);
    }

    #[test]
    fn threads_share_one_store() {
        let store = CertificateStore::default();
        let ders: Vec<_> = (0..8)
            .map(|number| Authority::root(&format!("Root {number}")).der)
            .collect();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    ders.iter()
                        .for_each(|der| assert!(store.intern(der).certificate().is_ok()))
                });
            }
        });
        assert_eq!(kept(&store), 8);
    }
}
