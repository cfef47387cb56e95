//! What the connections of one client that went wrong have in common: signs that its clock or its network is the reason, and no server.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::connection::clock::majority;
use crate::connection::ending::{Act, End};
use crate::connection::intervals::Times;
use crate::connection::{ClientReply, Endpoint, First, Observed, Sign};
use crate::evidence::{CaptureId, Mark, Side};
use crate::registry::{AlertDescription, ProtocolVersion};
use crate::x509::site;

/// Hellos of one client whose clock is looked at.
const CLOCKS: usize = 64;
/// Seconds by which two readings of one clock may differ.
const AGREE: i64 = 2;
/// Sites of one leaf that are remembered.
const SITES: usize = 16;
/// Seconds within which a browser comes back once its user has chosen.
const RETURNS_WITHIN: f64 = 60.0;
/// Returns of one client to one server that are remembered.
const RETURNS: usize = 16;

/// Ports of one server that are remembered.
const PORTS: usize = 64;

/// Paths that systems fetch without TLS to see whether the internet is there, and whose answer everybody knows.
const PROBES: [&str; 10] = [
    "/hotspot-detect.html",
    "/generate_204",
    "/gen_204",
    "/connecttest.txt",
    "/ncsi.txt",
    "/success.txt",
    "/canonical.html",
    "/check_network_status.txt",
    "/library/test/success.html",
    "/nm",
];
/// Answers of a network that wants a login first: a redirection, or RFC 6585 §6.
const LOGIN_FIRST: [&str; 4] = [" 302", " 303", " 307", " 511"];

/// One leaf, shown to one client for several sites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The sites that were asked for, each with the first connection's packet that showed the leaf.
    pub(crate) sites: BTreeMap<String, Mark>,
    /// The addresses that showed it.
    pub(crate) servers: BTreeSet<IpAddr>,
}

impl Answered {
    fn add(&mut self, showing: Showing) {
        if self.sites.len() < SITES {
            self.sites.entry(showing.site).or_insert(showing.mark);
            self.servers.insert(showing.server);
        }
    }
}

/// The connection that showed a leaf to a client first, of all leaves: most are shown once.
type Shown<'a> = HashMap<(IpAddr, &'a str), &'a Observed, foldhash::fast::RandomState>;

/// For whom a connection showed its leaf.
struct Showing {
    site: String,
    server: IpAddr,
    mark: Mark,
}

impl Showing {
    fn of(seen: &Observed) -> Option<Self> {
        Some(Self {
            site: site(seen.server_name()?)?,
            server: seen.server.address,
            mark: seen.server_chain.as_ref().seen()?.span.mark,
        })
    }
}

/// A probe of the network that was answered by somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// The client's request line.
    pub(crate) request: String,
    /// The first line of the answer.
    pub(crate) answer: String,
    /// The packet that holds the answer.
    pub(crate) mark: Mark,
}

/// An attempt that failed, after which the client came back with an older version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// The best version that it offered.
    pub(crate) best: ProtocolVersion,
    /// The packet that holds its ClientHello.
    pub(crate) hello: Mark,
    /// How it ended.
    pub(crate) end: End,
}

/// [`Neighbours::of`] a capture set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Neighbours {
    clocks: HashMap<IpAddr, i64, foldhash::fast::RandomState>,
    leaves: HashMap<(IpAddr, String), Answered, foldhash::fast::RandomState>,
    probes: HashMap<IpAddr, Probe, foldhash::fast::RandomState>,
    /// By the packet that holds the ClientHello of the one that came back.
    before_fallback: HashMap<(CaptureId, u64), Attempt, foldhash::fast::RandomState>,
    knocked: HashMap<(IpAddr, IpAddr), BTreeSet<u16>, foldhash::fast::RandomState>,
    visits: Times,
    /// Empty Certificates that the server did not put up with, by client and server, in the order of the capture.
    without_certificate: HashMap<(IpAddr, Endpoint), Vec<Mark>, foldhash::fast::RandomState>,
    /// When a client left a server right after a completed handshake, without having sent data.
    departures: Times,
    /// Where a client first said in the clear that it cannot decrypt what the server sends under the keys of TLS 1.3.
    unreadable: HashMap<Endpoint, Mark, foldhash::fast::RandomState>,
    /// When a client began a handshake with a server that it left in the middle, without an alert.
    broken_off: Times,
    /// Where a client first refused, with an alert, the certificate that a server showed for a name ("": none was asked for).
    refusals: HashMap<(Endpoint, String), Mark, foldhash::fast::RandomState>,
}

/// The last attempt of a client at a server, for those of whom it is asked: who came back to it and said that it falls back. They are few.
struct Attempts(HashMap<(IpAddr, Endpoint), Option<Attempt>, foldhash::fast::RandomState>);

impl Attempts {
    fn of<'a>(observed: impl Iterator<Item = &'a Observed>) -> Self {
        let falls_back = |seen: &&Observed| seen.offer.as_ref().seen().is_some_and(|offer| offer.value.fallback);
        let pair = |seen: &Observed| ((seen.client.address, seen.server), None);
        Self(observed.filter(falls_back).map(pair).collect())
    }
}

impl Neighbours {
    /// From the connections of a set, in their order. Sound ones are left out whether they are there or not.
    pub(crate) fn of<'a>(observed: impl IntoIterator<Item = &'a Observed, IntoIter: Clone>) -> Self {
        let observed = observed.into_iter();
        let mut all = Self::default();
        let mut clocks: HashMap<IpAddr, Vec<i64>, foldhash::fast::RandomState> = HashMap::default();
        let mut attempts = Attempts::of(observed.clone());
        let mut shown = Shown::default();
        for seen in observed.filter(|seen| !seen.is_plainly_sound()) {
            let client = seen.client.address;
            if let (Some(told), Some(offer)) = (seen.hello_time, seen.offer.as_ref().seen())
                && let Some(at) = offer.span.mark.time
            {
                let readings = clocks.entry(client).or_default();
                if readings.len() < CLOCKS {
                    readings.push(i64::from(told).saturating_sub(at.seconds()));
                }
            }
            all.note_leaf(seen, &mut shown);
            all.note_attempt(seen, &mut attempts);
            all.note_silent(seen);
            all.note_empty_certificate(seen);
            all.note_departure(seen);
            all.note_break(seen);
            all.note_unreadable(seen);
            all.note_refusal(seen);
            if let Some(probe) = probe(seen) {
                all.probes.entry(client).or_insert(probe);
            }
        }
        for (client, readings) in clocks {
            if let Some(offset) = agreed(readings) {
                all.clocks.insert(client, offset);
            }
        }
        all
    }

    /// Seconds by which a client's clock is ahead of the capture's (negative: behind), where its hellos carry it. Most hellos begin their
    /// random with anything but the time; two or more that agree are no accident.
    pub(crate) fn clock_of(&self, client: IpAddr) -> Option<i64> {
        self.clocks.get(&client).copied()
    }

    /// For which sites, and from which addresses, this client was shown the leaf of this SHA-256; `None` where that happened once.
    pub(crate) fn shown_leaf(&self, client: IpAddr, sha256: &str) -> Option<&Answered> {
        self.leaves.get(&(client, sha256.to_owned()))
    }

    /// A probe of this client that a network's login answered.
    pub(crate) fn probe_of(&self, client: IpAddr) -> Option<&Probe> {
        self.probes.get(&client)
    }

    /// The client's last attempt at the same server before it came back with this ClientHello, which says that it falls back.
    pub(crate) fn before_fallback(&self, hello: Mark) -> Option<&Attempt> {
        self.before_fallback.get(&(hello.capture, hello.frame))
    }

    /// How often the program of this connection left this server right after a completed handshake, without having sent data.
    pub(crate) fn departures(&self, seen: &Observed) -> usize {
        self.departures.count(seen)
    }

    /// At which interval in seconds it did so, and how often, where that is regular, as the checks of a load balancer are.
    pub(crate) fn departs_every(&self, seen: &Observed) -> Option<(f64, usize)> {
        self.departures.every(seen)
    }

    fn note_departure(&mut self, seen: &Observed) {
        let left = seen
            .server_certificate_rejection()
            .filter(|rejection| rejection.sign == Sign::LeftAfterCompletion);
        if let Some(left) = left {
            self.departures.note(seen, left.mark);
        }
    }

    /// At which interval in seconds the program of this connection leaves this server in the middle of a handshake, without an alert, and how
    /// often it did, where it does so regularly.
    pub(crate) fn breaks_off_every(&self, seen: &Observed) -> Option<(f64, usize)> {
        self.broken_off.every(seen)
    }

    fn note_break(&mut self, seen: &Observed) {
        let end = seen.end();
        let left = end.by == Some(Side::Client) && matches!(end.act, Act::Fin | Act::Reset);
        if left && seen.offer.is_seen() && !seen.completed() {
            self.broken_off.note(seen, seen.opening());
        }
    }

    /// The packet in which the first of the clients that say so in the clear says that it cannot decrypt what this server sends in TLS 1.3.
    pub(crate) fn unreadable(&self, server: Endpoint) -> Option<Mark> {
        self.unreadable.get(&server).copied()
    }

    fn note_unreadable(&mut self, seen: &Observed) {
        let end = seen.end();
        if let Act::Alert(alert) = end.act
            && alert.description == AlertDescription::BAD_RECORD_MAC
            && end.by == Some(Side::Client)
            && seen.is_tls13()
        {
            self.unreadable.entry(seen.server).or_insert(end.mark);
        }
    }

    /// The packet in which somebody first refused, with an alert, the certificate that this server shows for this name.
    pub(crate) fn refused(&self, server: Endpoint, name: &str) -> Option<Mark> {
        self.refusals.get(&(server, name.to_owned())).copied()
    }

    fn note_refusal(&mut self, seen: &Observed) {
        let Some(rejection) = seen.server_certificate_rejection() else {
            return;
        };
        let by_an_alert = match rejection.sign {
            Sign::HiddenAlert(_) => seen.is_tls13(),
            _ => rejection.names_a_certificate(),
        };
        if by_an_alert {
            let name = seen.server_name().unwrap_or_default().to_owned();
            self.refusals.entry((seen.server, name)).or_insert(rejection.mark);
        }
    }

    /// The packet in which this client, soon after this one, showed the server an empty Certificate, and was refused for it.
    pub(crate) fn without_certificate(&self, client: IpAddr, server: Endpoint, after: Mark) -> Option<Mark> {
        let soon = |mark: &&Mark| match (mark.time, after.time) {
            (Some(then), Some(after)) => (0.0..RETURNS_WITHIN).contains(&then.since(after)),
            _ => mark.frame > after.frame,
        };
        self.without_certificate
            .get(&(client, server))?
            .iter()
            .find(soon)
            .copied()
    }

    fn note_empty_certificate(&mut self, seen: &Observed) {
        let in_the_clear = || {
            let chain = seen.client_chain.as_ref().seen()?;
            chain.value.is_empty().then_some(chain.span.mark)
        };
        let sealed = || match seen.sealed()?.client {
            ClientReply::Accepted { empty_certificate, .. } => empty_certificate.map(|record| record.mark),
            ClientReply::Nothing | ClientReply::Refused(_) => None,
        };
        let Some(mark) = in_the_clear()
            .or_else(sealed)
            .filter(|_| seen.client_certificate_rejection().is_some())
        else {
            return;
        };
        let marks = self
            .without_certificate
            .entry((seen.client.address, seen.server))
            .or_default();
        if marks.len() < RETURNS {
            marks.push(mark);
        }
    }

    fn note_attempt(&mut self, seen: &Observed, attempts: &mut Attempts) {
        let Some(offer) = seen.offer.as_ref().seen() else {
            return;
        };
        let (Some(best), hello) = (offer.value.best_version(), offer.span.mark) else {
            return;
        };
        let Some(last) = attempts.0.get_mut(&(seen.client.address, seen.server)) else {
            return;
        };
        if offer.value.fallback {
            let attempt = last.filter(|attempt| attempt.best.rank() > best.rank());
            if let Some(attempt) = attempt.filter(|attempt| attempt.hello.frame < hello.frame) {
                self.before_fallback.insert((hello.capture, hello.frame), attempt);
            }
        } else if !seen.completed() {
            let end = seen.end();
            *last = Some(Attempt { best, hello, end });
        }
    }

    /// How many ports of a server this client tried without saying a byte.
    pub(crate) fn ports_tried(&self, client: IpAddr, server: IpAddr) -> usize {
        self.knocked.get(&(client, server)).map_or(0, BTreeSet::len)
    }

    /// At which interval in seconds this client connects to this server without saying a byte, and how often it did, where it does so regularly.
    pub(crate) fn checks_every(&self, seen: &Observed) -> Option<(f64, usize)> {
        self.visits.every(seen)
    }

    fn note_silent(&mut self, seen: &Observed) {
        let opens = seen.tcp.side(Side::Client).syn();
        let Some(syn) = opens.filter(|_| seen.is_silent()) else {
            return;
        };
        let client = seen.client.address;
        let ports = self.knocked.entry((client, seen.server.address)).or_default();
        if ports.len() < PORTS {
            ports.insert(seen.server.port);
        }
        self.visits.note(seen, syn);
    }

    fn note_leaf<'a>(&mut self, seen: &'a Observed, shown: &mut Shown<'a>) {
        let client = seen.client.address;
        let (Some(leaf), Some(showing)) = (seen.leaf(), Showing::of(seen)) else {
            return;
        };
        match shown.entry((client, &leaf.sha256)) {
            Entry::Vacant(place) => {
                place.insert(seen);
            }
            Entry::Occupied(first) => {
                let answered = self.leaves.entry((client, leaf.sha256.clone())).or_insert_with(|| {
                    let mut answered = Answered::default();
                    if let Some(showing) = Showing::of(first.get()) {
                        answered.add(showing);
                    }
                    answered
                });
                answered.add(showing);
            }
        }
    }
}

/// What most of the readings agree on; random ones do not.
fn agreed(mut readings: Vec<i64>) -> Option<i64> {
    majority(&mut readings, AGREE)
        .filter(|(_, agree)| *agree >= 2)
        .map(|(offset, _)| offset)
}

fn probe(seen: &Observed) -> Option<Probe> {
    let (First::Other(Some(request), _), First::Other(Some(answer), span)) =
        (&seen.first[Side::Client], &seen.first[Side::Server])
    else {
        return None;
    };
    let path = request.quote.split(' ').nth(1)?;
    let asks = request.quote.starts_with("GET ") && PROBES.contains(&path);
    let refers = answer.quote.starts_with("HTTP/1.") && LOGIN_FIRST.iter().any(|code| answer.quote.contains(code));
    (asks && refers).then(|| Probe {
        request: request.quote.clone(),
        answer: answer.quote.clone(),
        mark: span.mark,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;
    use crate::x509::testing::{Authority, Leaf};

    #[test]
    fn readings_that_agree_are_a_clock_and_random_ones_are_none() {
        assert_eq!(agreed(vec![-500, -499, -500]), Some(-500));
        assert_eq!(agreed(vec![-500]), None);
        assert_eq!(agreed(vec![-500, 90_000, 7_000_000]), None);
        assert_eq!(agreed(Vec::new()), None);
    }

    #[test]
    fn connections_without_a_byte_at_regular_intervals_are_checks() {
        let silent = |seconds: f64| scene().wait(seconds).connect().fin(Client).seen();
        let all: Vec<_> = [0.0, 5.0, 10.1, 15.0].map(silent).into();
        let (every, times) = Neighbours::of(&all).checks_every(&all[0]).unwrap();
        assert!((4.9..5.1).contains(&every) && times == 4);
        let all: Vec<_> = [0.0, 5.0, 7.0, 15.0].map(silent).into();
        assert_eq!(Neighbours::of(&all).checks_every(&all[0]), None);
        assert_eq!(Neighbours::of(&all[..3]).checks_every(&all[0]), None);
    }

    #[test]
    fn ports_that_were_tried_without_a_byte_are_counted() {
        let all: Vec<_> = [443, 8_443, 8_443, 22]
            .map(|port| scene().port(port).syn().refuse().seen())
            .into();
        let spoke = connected().client_hello(|hello| hello).seen();
        let (client, server) = (spoke.client.address, spoke.server.address);
        assert_eq!(
            Neighbours::of(all.iter().chain([&spoke])).ports_tried(client, server),
            3
        );
    }

    #[test]
    fn one_leaf_for_two_sites_is_remembered_with_both() {
        let leaf = Leaf::named("login.portal.example").signed_by(&Authority::root("Portal"));
        let to = |name: &str| {
            connected()
                .client_hello(|hello| hello.tls12().name(name))
                .server_flight(&[&leaf])
                .alert(Client, 2, 48)
                .seen()
        };
        let all = [to("mail.example"), to("www.mail.example"), to("www.shop.test")];
        let neighbours = Neighbours::of(all.iter());
        let sha256 = &all[0].leaf().unwrap().sha256;
        let answered = neighbours.shown_leaf(all[0].client.address, sha256).unwrap();
        assert_eq!(answered.sites.keys().collect::<Vec<_>>(), ["mail.example", "shop.test"]);
    }

    #[test]
    fn departures_are_counted_and_checks_are_regular() {
        let left = |wait: f64| {
            connected()
                .wait(wait)
                .client_hello(Hello::tls12)
                .server_flight(&[b"leaf"])
                .finished_by_both()
                .fin(Client)
                .seen()
        };
        let departures = |waits: &[f64]| {
            let all: Vec<Observed> = waits.iter().map(|wait| left(*wait)).collect();
            let neighbours = Neighbours::of(&all);
            (
                neighbours.departures(&all[0]),
                neighbours.departs_every(&all[0]).is_some(),
            )
        };
        assert_eq!(departures(&[0.0, 10.0, 20.0, 30.5]), (4, true));
        assert_eq!(departures(&[0.0, 10.0, 35.0, 40.0]), (4, false));
        assert_eq!(departures(&[0.0, 10.0]), (2, false));
        // At once: attempts, and no checks.
        assert_eq!(departures(&[0.0, 0.1, 0.2, 0.3]), (4, false));
    }

    #[test]
    fn handshakes_that_the_client_leaves_in_the_middle_are_noted_apart() {
        let left =
            |at: f64, end: fn(Scene) -> Scene| end(scene().wait(at).connect().client_hello(|hello| hello)).seen();
        let every = |end: fn(Scene) -> Scene| {
            let all = [0.0, 10.0, 20.0, 30.0].map(|at| left(at, end));
            let neighbours = Neighbours::of(&all);
            assert_eq!(neighbours.departures(&all[0]), 0);
            neighbours.breaks_off_every(&all[0]).map(|(_, times)| times)
        };
        assert_eq!(every(|scene| scene.reset(Client)), Some(4));
        assert_eq!(every(|scene| scene.reset(Server)), None);
        assert_eq!(every(|scene| scene.alert(Client, 2, 48).fin(Client)), None);
    }

    #[test]
    fn a_refused_return_without_a_certificate_is_found_for_a_minute() {
        let left = connected().client_hello(Hello::tls12).fin(Client).seen();
        let returns = |refused: bool, wait: f64| {
            let scene = connected()
                .wait(wait)
                .client_hello(Hello::tls12)
                .server_flight_asking(&[b"leaf"])
                .certificate(Client, &[])
                .client_key_exchange()
                .finished(Client);
            if refused {
                scene.alert(Server, 2, 40).fin(Server).seen()
            } else {
                scene.finished(Server).seen()
            }
        };
        let found = |other: &Observed| {
            let neighbours = Neighbours::of([&left, other]);
            neighbours
                .without_certificate(left.client.address, left.server, left.end().mark)
                .is_some()
        };
        assert!(found(&returns(true, 20.0)));
        assert!(!found(&returns(true, 90.0)));
        assert!(!found(&returns(false, 20.0)));
    }

    #[test]
    fn a_fallback_knows_the_attempt_before_it() {
        let first = connected().client_hello(|hello| hello).reset(Server).seen();
        let again = |versions: &[u16], suites: &[u16]| {
            scene()
                .behind_frame(10)
                .connect()
                .client_hello(|hello| hello.versions(versions).suites(suites))
                .alert(Server, 2, 86)
                .seen()
        };
        let known = |first: &Observed, again: &Observed| {
            let hello = again.offer.as_ref().seen().unwrap().span.mark;
            Neighbours::of([first, again]).before_fallback(hello).copied()
        };
        let fallback = again(&[0x0303], &[0xc02f, 0x5600]);
        let attempt = known(&first, &fallback).unwrap();
        assert_eq!((attempt.best, attempt.end.by), (ProtocolVersion::TLS13, Some(Server)));
        assert!(known(&first, &again(&[0x0303], &[0xc02f])).is_none());
        // No fallback from what was no better.
        assert!(known(&first, &again(&[0x0304], &[0x1301, 0x5600])).is_none());
    }

    #[test]
    fn a_probe_that_is_sent_elsewhere_is_told_and_one_that_succeeds_is_not() {
        let asks = |answer: &str| {
            connected()
                .say(Client, b"GET /generate_204 HTTP/1.1\r\nHost: a.example\r\n\r\n")
                .say(Server, answer.as_bytes())
                .seen()
        };
        let of = |seen: Observed| Neighbours::of([&seen]).probe_of(seen.client.address).cloned();
        assert!(of(asks("HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n\r\n")).is_some());
        assert!(of(asks("HTTP/1.1 204 No Content\r\n\r\n")).is_none());
    }
}
