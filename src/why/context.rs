//! What lies outside a connection and helps to judge it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::connection::{
    Answered, Attempt, Endpoint, Neighbours, Observed, Places, Probe, Rejection, ServerHistory, Sign, Support, Winner,
};
use crate::evidence::{Mark, Pair, Side, Time};
use crate::x509::{
    Certificate, CertificateIndex, CertificateStore, ChainReport, Issued, Key, Name, Statement, StatusReport, Statuses,
    Trust, Verification, examine,
};

/// Seconds between a connection that a browser had to spare and the one that it used.
const TO_SPARE: f64 = 1.0;

/// What a whole capture set knows: trust stores, every certificate of the input, and how each server fared.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// The trust stores that stand in for the clients' own.
    pub(crate) trust: Arc<Trust>,
    /// Every certificate of the input, parsed once, and the signatures checked so far.
    pub(crate) certificates: Arc<CertificateStore>,
    /// The same certificates by subject.
    pub(crate) index: Arc<CertificateIndex>,
    /// OCSP responses and revocation lists that were fetched anywhere in the input.
    pub(crate) statuses: Arc<Statuses>,
    /// Where each name was asked for in this set.
    pub(crate) places: Places,
    /// What each server did in this set.
    pub(crate) servers: hashbrown::HashMap<Endpoint, ServerHistory, foldhash::fast::RandomState>,
    /// What failed connections of one client have in common in this set.
    pub(crate) neighbours: Neighbours,
    /// Judge certificates at this moment instead of the packet's.
    pub(crate) at: Option<Time>,
    /// Seconds by which the capture's clock is late, as far as it is known.
    pub(crate) clock_offset: i64,
}

/// [`Surroundings`] as one connection asks for them.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    surroundings: &'a Surroundings,
    /// The history of a server of which nothing is known.
    nothing: ServerHistory,
    rejections: Pair<OnceCell<Option<Rejection>>>,
    chains: Pair<OnceCell<Option<ChainReport>>>,
}

impl<'a> Context<'a> {
    /// The context of one connection.
    pub(crate) fn new(surroundings: &'a Surroundings) -> Self {
        Self {
            surroundings,
            nothing: ServerHistory::default(),
            rejections: Pair::default(),
            chains: Pair::default(),
        }
    }

    /// How the same server fared elsewhere in the set, this connection included.
    pub(crate) fn server(&self, seen: &Observed) -> &ServerHistory {
        self.surroundings.servers.get(&seen.server).unwrap_or(&self.nothing)
    }

    /// How the servers that were asked for the same name fared, the one of this connection first.
    pub(crate) fn servers_of_the_name(&self, seen: &Observed) -> impl Iterator<Item = (Endpoint, &ServerHistory)> {
        let (about, here) = (self.surroundings, seen.server);
        let name = seen.server_name().unwrap_or_default();
        let others = about.places.asked_for(name).iter().filter(move |place| **place != here);
        let places = std::iter::once(here).chain(others.copied());
        places.filter_map(|place| Some((place, about.servers.get(&place)?)))
    }

    /// The authorities of this length in DER that were seen anywhere in the input, or given.
    pub(crate) fn authorities_of_length(
        &self,
        bytes: RangeInclusive<usize>,
    ) -> impl Iterator<Item = &Arc<Certificate>> {
        self.surroundings.index.of_length(bytes)
    }

    /// The sign by which the other side turned down this side's certificate, if there is one: every defect begins with it.
    pub(crate) fn rejection(&self, seen: &Observed, of: Side) -> Option<Rejection> {
        *self.rejections[of].get_or_init(|| match of {
            Side::Client => seen.client_certificate_rejection(),
            Side::Server => self.weighed(seen, seen.server_certificate_rejection()?),
        })
    }

    /// The same sign with what the client's other connections, and other clients, say for it. Leaving right after the handshake is no sign
    /// where a browser had a connection to spare, where a load balancer checks, or where a program comes back with the session.
    fn weighed(&self, seen: &Observed, rejection: Rejection) -> Option<Rejection> {
        if rejection.sign != Sign::LeftAfterCompletion {
            return Some(rejection);
        }
        let (server, client) = (self.server(seen), seen.client.address);
        let name = seen.server_name().unwrap_or_default();
        let own = || {
            self.servers_of_the_name(seen)
                .filter_map(|(_, server)| server.names.get(name)?.get(&client))
        };
        if seen.is_by_a_browser() && own().any(|through| is_around(through.ends, rejection.mark)) {
            return None;
        }
        if seen.is_by_who_resumes(self.servers_of_the_name(seen)) {
            return None;
        }
        let neighbours = &self.surroundings.neighbours;
        let checks = neighbours.departs_every(seen).is_some() && own().next().is_none();
        let support = match (neighbours.departures(seen), server.carried_data) {
            _ if checks && name.is_empty() => return None,
            _ if checks => Support::Against,
            (_, 1..) => Support::OthersGoOn,
            (2.., _) => Support::Repeated,
            _ => Support::None,
        };
        Some(Rejection { support, ..rejection })
    }

    /// The moment at which certificates are judged.
    pub(crate) fn time(&self, seen: &Observed) -> Option<Time> {
        let corrected = |time: Time| time.plus_seconds(self.surroundings.clock_offset);
        self.surroundings.at.or_else(|| seen.certificate_time().map(corrected))
    }

    /// The chain that one side sent, examined; of a server that hides its own, the borrowed one. `None` where there is neither, or the list
    /// was empty.
    pub(crate) fn chain(&self, seen: &Observed, of: Side) -> Option<&ChainReport> {
        self.chains[of]
            .get_or_init(|| {
                let chain = match of {
                    Side::Client => Cow::Borrowed(seen.client_chain.as_ref().seen()?.value.as_slice()),
                    Side::Server => seen.listed_server_chain()?,
                };
                let about = self.surroundings;
                (!chain.is_empty())
                    .then(|| examine(&chain, &about.index, &about.trust, &about.certificates, self.time(seen)))
            })
            .as_ref()
    }

    /// What was fetched in the input about the certificate at `depth` of this path, and whose signature fits.
    pub(crate) fn fetched_about<'b>(
        &'b self,
        chain: &'b ChainReport,
        depth: usize,
        at: Option<Time>,
    ) -> impl Iterator<Item = (&'b Statement, StatusReport)> {
        let certificate = chain.path.get(depth).map(|link| &*link.certificate);
        let told = certificate.and_then(|certificate| {
            let issuer = self.issuer(chain, depth, certificate)?;
            Some(self.surroundings.statuses.about(certificate, issuer, at))
        });
        told.into_iter().flatten().filter(|(_, report)| report.is_vouched_for())
    }

    /// Who signed the certificate at `depth` of this path: the next one of it, else one that was seen elsewhere.
    fn issuer<'b>(
        &'b self,
        chain: &'b ChainReport,
        depth: usize,
        certificate: &Certificate,
    ) -> Option<&'b Certificate> {
        let above = chain.path.get(depth + 1).map(|link| &*link.certificate);
        above.or_else(|| {
            let namesakes = self.surroundings.index.named(&certificate.issuer).iter();
            let mut namesakes = namesakes.map(|sighting| &*sighting.certificate);
            let store = &self.surroundings.certificates;
            namesakes.find(|issuer| store.verified(certificate, issuer) == Verification::Yes)
        })
    }

    /// For whom the authority of this name issued, anywhere in the input.
    pub(crate) fn issued_by(&self, issuer: &Name) -> Option<&Issued> {
        self.surroundings.index.issued_by(issuer)
    }

    /// Seconds by which the client's clock is ahead of the capture's, where its hellos tell.
    pub(crate) fn client_clock(&self, seen: &Observed) -> Option<i64> {
        self.surroundings.neighbours.clock_of(seen.client.address)
    }

    /// For which sites the client was shown the same leaf, and by whom.
    pub(crate) fn shown_leaf(&self, seen: &Observed) -> Option<&Answered> {
        let leaf = seen.leaf()?;
        self.surroundings
            .neighbours
            .shown_leaf(seen.client.address, &leaf.sha256)
    }

    /// The attempt that failed before the client came back with an older version and said so.
    pub(crate) fn before_fallback(&self, seen: &Observed) -> Option<&Attempt> {
        let hello = seen.offer.as_ref().seen()?.span.mark;
        self.surroundings.neighbours.before_fallback(hello)
    }

    /// True where an authority that the user gave has a key of this kind: such keys are in use here.
    pub(crate) fn is_given_a_root(&self, has: impl Fn(&Key) -> bool) -> bool {
        let given = self.surroundings.trust.added.iter().flat_map(|store| store.anchors());
        given.filter_map(|anchor| anchor.readable()).any(|root| has(&root.key))
    }

    /// The packet in which the client came back to the server without a certificate soon after it had left, and was refused for that.
    pub(crate) fn return_without_certificate(&self, seen: &Observed) -> Option<Mark> {
        let neighbours = &self.surroundings.neighbours;
        neighbours.without_certificate(seen.client.address, seen.server, seen.end().mark)
    }

    /// A probe of this client for the internet, which a network's login answered.
    pub(crate) fn probe(&self, seen: &Observed) -> Option<&Probe> {
        self.surroundings.neighbours.probe_of(seen.client.address)
    }

    /// At which interval in seconds the client connects to this server and says nothing, and how often: a health check.
    pub(crate) fn checks_every(&self, seen: &Observed) -> Option<(f64, usize)> {
        self.surroundings.neighbours.checks_every(seen)
    }

    /// The connection that the client kept, where it had begun this one beside it and left it in this packet for want of need.
    pub(crate) fn lost_to(&self, seen: &Observed, left: Mark) -> Option<Winner> {
        seen.lost_to(left, self.servers_of_the_name(seen))
    }

    /// At which interval in seconds the client leaves this server without having sent data, be it in the middle of the handshake or after it,
    /// and how often; `None` where it sends data at other times.
    pub(crate) fn leaves_every(&self, seen: &Observed) -> Option<(f64, usize)> {
        let (neighbours, client) = (&self.surroundings.neighbours, seen.client.address);
        let mut served = self.server(seen).names.values();
        if served.any(|clients| clients.contains_key(&client)) {
            return None;
        }
        if seen.completed() {
            neighbours.departs_every(seen)
        } else {
            neighbours.breaks_off_every(seen)
        }
    }

    /// Where a client says in the clear that it cannot decrypt what this server sends; `None` where somebody gets through to it.
    pub(crate) fn unreadable_to_others(&self, seen: &Observed) -> Option<Mark> {
        let nobody_got_through = self.server(seen).completed == 0;
        self.surroundings
            .neighbours
            .unreadable(seen.server)
            .filter(|_| nobody_got_through)
    }

    /// The packet in which a connection was given up with an alert upon the certificate that this server showed for the same name.
    pub(crate) fn refused_elsewhere(&self, seen: &Observed) -> Option<Mark> {
        let name = seen.server_name().unwrap_or_default();
        self.surroundings.neighbours.refused(seen.server, name)
    }

    /// How many ports of the server's address the client tried without a byte, where they are so many that nobody wanted to speak at each.
    pub(crate) fn scanned_ports(&self, seen: &Observed) -> Option<usize> {
        const SCAN: usize = 8;
        let tried = self
            .surroundings
            .neighbours
            .ports_tried(seen.client.address, seen.server.address);
        (tried >= SCAN).then_some(tried)
    }

    /// The trust stores' names, for the sentence that says by which store a chain was judged; one that knows what it held at the moment
    /// of the handshake is named with the day that counts, the handshake's or its own.
    pub(crate) fn trust_names(&self, seen: &Observed) -> String {
        let moment = self.time(seen).map(Time::date);
        let names: Vec<String> = self
            .surroundings
            .trust
            .all()
            .map(|store| match (&moment, store.date) {
                (Some(moment), Some(date)) => format!("{} as of {}", store.name, date.min(moment)),
                _ => store.name.clone(),
            })
            .collect();
        if names.is_empty() {
            "no trust store".to_owned()
        } else {
            names.join(", ")
        }
    }
}

/// True where a packet is in the time between these two, or not more than [`TO_SPARE`] outside of it.
fn is_around([first, last]: [Mark; 2], mark: Mark) -> bool {
    let before = |one: Mark, other: Mark| match (one.time, other.time) {
        (Some(one), Some(other)) => other.since(one) >= -TO_SPARE,
        _ => one.frame <= other.frame,
    };
    first.capture == mark.capture && before(first, mark) && before(mark, last)
}
