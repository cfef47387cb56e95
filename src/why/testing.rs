//! For the tests of the causes: connections to judge, what surrounds them, and short ways to ask.

use std::net::IpAddr;
use std::sync::Arc;

pub(crate) use crate::connection::testing::*;
pub(crate) use crate::x509::testing::{Authority, Leaf, valid};

use crate::connection::{Closed, Endpoint, GotThrough, Neighbours, Observed, Places, ServerHistory};
use crate::evidence::{CaptureId, Mark, Seen, Time};
use crate::registry::{CipherSuite, Group, ProtocolVersion};
use crate::tls::ClientStack;
use crate::why::{Cause, CauseId, Confidence, Context, Finding, Surroundings, Verdict, judge};
use crate::x509::{
    CertificateIndex, CertificateStore, FetchedStatuses, Interned, StatusKind, StatusSource, Statuses, Trust,
    TrustStore,
};

/// A certificate with the two authorities above it, all valid.
pub(crate) struct Issued {
    /// Signed by itself.
    pub(crate) root: Authority,
    /// Signed by the root.
    pub(crate) intermediate: Authority,
    /// The server's certificate.
    pub(crate) leaf: Vec<u8>,
}

impl Issued {
    /// A sound chain for this name.
    pub(crate) fn to(host: &str) -> Self {
        Self::of(&Leaf::named(host))
    }

    /// A chain for this certificate.
    pub(crate) fn of(leaf: &Leaf) -> Self {
        let root = Authority::root("Shop Anchor");
        let intermediate = root.below("Shop Issuing CA");
        let leaf = leaf.signed_by(&intermediate);
        Self {
            root,
            intermediate,
            leaf,
        }
    }

    /// What a server should send: leaf and intermediate.
    pub(crate) fn whole(&self) -> [&[u8]; 2] {
        [&self.leaf, &self.intermediate.der]
    }
}

/// A connection whose ClientHello the server answers with this alert, and nothing else.
pub(crate) fn refused(build: impl FnOnce(Hello) -> Hello, description: u8) -> Observed {
    connected()
        .client_hello(build)
        .alert(Server, 2, description)
        .fin(Server)
        .seen()
}

/// What lies outside the connection: no trust store, no other connection, no other certificate, until a test says so.
#[derive(Default)]
pub(crate) struct World {
    stores: Vec<Arc<TrustStore>>,
    added: Vec<Arc<TrustStore>>,
    index: CertificateIndex,
    statuses: Vec<(StatusKind, Vec<u8>)>,
    history: ServerHistory,
    others: Vec<(Endpoint, ServerHistory)>,
    neighbours: Neighbours,
    at: Option<Time>,
}

/// An empty [`World`].
pub(crate) fn context() -> World {
    World::default()
}

impl World {
    /// Clients are taken to trust this authority.
    pub(crate) fn trusting(self, root: &Authority) -> Self {
        self.trusting_certificate(&root.der)
    }

    /// Clients are taken to trust the authority with this certificate in DER.
    pub(crate) fn trusting_certificate(mut self, der: &[u8]) -> Self {
        let store = TrustStore::from_file("test", der).expect("a root");
        self.added.push(Arc::new(store));
        self
    }

    /// One kind of client has this store, others may have others.
    pub(crate) fn with_store(mut self, store: TrustStore) -> Self {
        self.stores.push(Arc::new(store));
        self
    }

    /// This authority's certificate was sent in another connection.
    pub(crate) fn with_elsewhere(mut self, authority: &Authority) -> Self {
        let first = Mark {
            capture: CaptureId(0),
            frame: 900,
            time: None,
            from: Server,
        };
        self.index.add(&Arc::new(Interned::new(&authority.der)), first);
        self
    }

    /// These certificates were sent in other connections.
    pub(crate) fn with_leaves_elsewhere(mut self, leaves: &[Vec<u8>]) -> Self {
        let first = Mark {
            capture: CaptureId(0),
            frame: 901,
            time: None,
            from: Server,
        };
        for leaf in leaves {
            self.index.add(&Arc::new(Interned::new(leaf)), first);
        }
        self
    }

    /// These connections are in the same capture.
    pub(crate) fn beside(mut self, others: &[&Observed]) -> Self {
        self.neighbours = Neighbours::of(others.iter().copied());
        self
    }

    /// These connections went to the same server.
    pub(crate) fn beside_at_the_server(mut self, others: &[Closed]) -> Self {
        others.iter().for_each(|other| self.history.add(other));
        self
    }

    /// Each of these connections went to a server of its own.
    pub(crate) fn beside_elsewhere(mut self, others: &[Closed]) -> Self {
        for other in others {
            let mut history = ServerHistory::default();
            history.add(other);
            self.others.push((other.observed.server, history));
        }
        self
    }

    /// The user gave this authority's certificate.
    pub(crate) fn with_given(mut self, authority: &Authority) -> Self {
        self.index.add_given(&Arc::new(Interned::new(&authority.der)));
        self
    }

    /// Somebody fetched this from 10.0.0.9 over HTTP: the first one with frame 902, the next with 903.
    pub(crate) fn with_fetched(mut self, kind: StatusKind, body: &[u8]) -> Self {
        self.statuses.push((kind, body.to_vec()));
        self
    }

    /// Certificates are judged at this moment.
    pub(crate) fn at(mut self, moment: Time) -> Self {
        self.at = Some(moment);
        self
    }

    /// The server completed handshakes that carried data with other clients.
    pub(crate) fn serves_others(mut self) -> Self {
        self.history.hellos += 1;
        self.history.answered += 1;
        self.history.completed += 1;
        self.history.carried_data += 1;
        self
    }

    /// The server chose these suites with other clients.
    pub(crate) fn server_took_suites(mut self, suites: &[u16]) -> Self {
        self.history
            .cipher_suites
            .extend(suites.iter().copied().map(CipherSuite));
        self.serves_others()
    }

    /// The server used these groups with other clients.
    pub(crate) fn server_took_groups(mut self, groups: &[u16]) -> Self {
        self.history.groups.extend(groups.iter().copied().map(Group));
        self.serves_others()
    }

    /// The server chose these versions with other clients.
    pub(crate) fn server_took_versions(mut self, versions: &[u16]) -> Self {
        self.history
            .versions
            .extend(versions.iter().copied().map(ProtocolVersion));
        self.serves_others()
    }

    /// The server completed handshakes for these names.
    pub(crate) fn server_serves(mut self, names: &[&str]) -> Self {
        let names = names.iter().map(|&name| (name.to_owned(), GotThrough::default()));
        self.history.names.extend(names);
        self.serves_others()
    }

    fn surroundings(self, seen: &Observed) -> Surroundings {
        let mut fetched = FetchedStatuses::with_limit(1 << 20);
        for (frame, (kind, body)) in (902..).zip(self.statuses) {
            let source = StatusSource {
                server: IpAddr::from([10, 0, 0, 9]),
                mark: Mark {
                    capture: CaptureId(0),
                    frame,
                    time: None,
                    from: Server,
                },
            };
            fetched.add(kind, body.into(), source);
        }
        let mut surroundings = Surroundings {
            trust: Arc::new(Trust {
                stores: self.stores,
                added: self.added,
            }),
            certificates: Arc::new(CertificateStore::default()),
            index: Arc::new(self.index),
            statuses: Arc::new(Statuses::read(&fetched)),
            places: Places::default(),
            servers: hashbrown::HashMap::default(),
            neighbours: self.neighbours,
            at: self.at,
            clock_offset: 0,
        };
        surroundings.servers.extend(self.others);
        surroundings.servers.insert(seen.server, self.history);
        surroundings.places = Places::of(&surroundings.servers);
        surroundings
    }

    /// What `ask` says of this world as the connection sees it.
    pub(crate) fn in_context<T>(self, seen: &Observed, ask: impl FnOnce(&Context<'_>) -> T) -> T {
        ask(&Context::new(&self.surroundings(seen)))
    }

    /// What one cause says in this world.
    pub(crate) fn judged(self, cause: &dyn Cause, seen: &Observed) -> Option<Finding> {
        let surroundings = self.surroundings(seen);
        let mut findings = Vec::new();
        cause.judge(seen, &Context::new(&surroundings), &mut findings);
        // A remark may stand beside the finding itself.
        findings.sort_by_key(|finding| finding.is_remark());
        let itself = findings.iter().filter(|finding| !finding.is_remark()).count();
        assert!(itself <= 1, "more than one finding of one cause");
        let finding = findings.into_iter().next()?;
        assert_eq!(finding.cause, cause.id());
        assert!(!finding.evidence.is_empty(), "a finding without evidence");
        Some(finding)
    }

    /// What is said of the connection in this world, all causes considered.
    pub(crate) fn verdict(self, seen: &Observed) -> Verdict {
        let surroundings = self.surroundings(seen);
        judge(seen, &Context::new(&surroundings))
    }

    /// The chosen cause in this world; `""` where there is none.
    pub(crate) fn chosen(self, seen: &Observed) -> &'static str {
        name_of(&self.verdict(seen))
    }
}

/// Takes the client for one with this library.
pub(crate) fn set_stack(seen: &mut Observed, stack: ClientStack) {
    if let Seen::Seen(offer) = &mut seen.offer {
        Arc::make_mut(&mut offer.value).stack = stack;
    }
}

/// A client of TLS 1.2 that answers the server's flight with this fatal alert, and leaves.
pub(crate) fn turned_down(chain: &[&[u8]], description: u8) -> Observed {
    connected()
        .client_hello(Hello::tls12)
        .server_flight(chain)
        .alert(Client, 2, description)
        .fin(Client)
        .seen()
}

/// What one cause says in an empty world.
pub(crate) fn judged(cause: &dyn Cause, seen: &Observed) -> Option<Finding> {
    context().judged(cause, seen)
}

/// How sure one cause is of itself in an empty world; `None` where it is silent or too weak to count.
pub(crate) fn confidence(cause: &dyn Cause, seen: &Observed) -> Option<Confidence> {
    sure(judged(cause, seen))
}

/// How sure a finding is.
pub(crate) fn sure(finding: Option<Finding>) -> Option<Confidence> {
    Confidence::of_weight(finding?.weight)
}

/// The chosen cause in an empty world; `""` where there is none.
pub(crate) fn chosen(seen: &Observed) -> &'static str {
    context().chosen(seen)
}

/// The cause of a verdict; `""` where there is none.
pub(crate) fn name_of(verdict: &Verdict) -> &'static str {
    verdict.cause.as_ref().map_or("", |finding| finding.cause.0)
}

/// True where a verdict's cause or weaker findings hold this one.
pub(crate) fn mentions(verdict: &Verdict, id: &'static str) -> bool {
    verdict
        .cause
        .iter()
        .chain(&verdict.findings)
        .any(|finding| finding.cause == CauseId(id))
}
