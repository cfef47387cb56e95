//! How a server fared with everybody: what it accepted, from how many, and for which names. The best evidence about a refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::connection::clock::Sightings;
use crate::connection::closed::name_in;
use crate::connection::leaves::Leaves;
use crate::connection::race::{Arrival, Arrivals};
use crate::connection::room::{Flight, Flights};
use crate::connection::{Chain, Closed, Endpoint, Observed, message_len};
use crate::evidence::{Hidden, Mark, Seen, Side};
use crate::registry::{CipherSuite, ExtensionType, Group, ProtocolVersion};
use crate::tls::{ClientHello, guess_client};
use crate::x509::Certificate;

/// Values of each kind that are remembered of one server.
const KEPT: usize = 48;
/// Servers of one name that are looked at beside the one in question: who asks looks at all of them, for each connection.
const PLACES_KEPT: usize = 16;
/// Clients that are remembered of one name.
const CLIENTS_KEPT: usize = 16;

/// How often a client got through to a server, as far as that is remembered.
#[derive(Clone, Debug)]
pub(crate) struct Through {
    /// The packets that completed its first and its last handshake.
    pub(crate) ends: [Mark; 2],
    /// The first few, with when they began.
    pub(crate) arrivals: Arrivals,
}

/// Clients that got through to a server.
pub(crate) type GotThrough = BTreeMap<IpAddr, Through>;

/// Certificates that a server was seen to send.
#[derive(Clone, Debug)]
pub(crate) struct SentChain {
    /// As it was sent, leaf first.
    pub(crate) chain: Chain,
    /// The packet that completed the message.
    pub(crate) mark: Mark,
}

impl SentChain {
    /// The first certificate, where it can be read.
    pub(crate) fn leaf(&self) -> Option<&Certificate> {
        self.chain.first()?.readable().map(|leaf| &**leaf)
    }
}

/// What servers of the whole input were seen to send, for those connections in which TLS 1.3 hides it.
#[derive(Debug, Default)]
pub(crate) struct SentChains<'a>(BTreeMap<Endpoint, Vec<&'a ServerHistory>>);

impl<'a> SentChains<'a> {
    /// Seconds after which a server may well have got another certificate.
    const FRESH: u64 = 86_400;

    /// Takes in how a server fared in one capture.
    pub(crate) fn add(&mut self, server: Endpoint, history: &'a ServerHistory) {
        if !history.sent.is_empty() {
            self.0.entry(server).or_default().push(history);
        }
    }

    /// What this server sent to those who asked for this name around `near`. `None` where it sent now this and now that: then nobody can
    /// tell which of them it sent here.
    fn of(&self, server: Endpoint, name: &str, near: Mark) -> Option<&'a SentChain> {
        let apart = |sent: &SentChain| match (sent.mark.time, near.time) {
            (Some(at), Some(near)) => at.seconds().abs_diff(near.seconds()),
            _ if sent.mark.capture == near.capture => 0,
            _ => u64::MAX,
        };
        let sightings = self.0.get(&server)?.iter().filter_map(|history| history.sent.get(name));
        let mut fresh = sightings
            .flat_map(|sent| &sent.ends)
            .filter(|sent| apart(sent) <= Self::FRESH);
        let first = fresh.next()?;
        fresh.all(|other| other.chain == first.chain).then_some(first)
    }

    /// Gives a connection the certificates that its own packets hide, unless their length says that they are others.
    pub(crate) fn lend(&self, seen: &mut Observed) {
        if matches!(seen.server_chain, Seen::Unknown(Hidden::Encrypted)) && !seen.resumed() {
            let name = seen.server_name().unwrap_or_default();
            let sent = self.of(seen.server, name, seen.opening());
            seen.borrowed = sent
                .filter(|sent| may_be(seen, &sent.chain))
                .map(|sent| Arc::new(sent.clone()));
        }
    }
}

/// True where the hidden certificates of a connection may be these, as far as lengths tell.
fn may_be(seen: &Observed, chain: &Chain) -> bool {
    let (Some(room), Some(offer)) = (seen.sealed().and_then(|sealed| sealed.room), seen.offer.as_ref().seen()) else {
        return true;
    };
    let (offer, message) = (&offer.value, message_len(chain));
    // A staple or timestamps come with the certificate they are about.
    let is_larger_with = [
        ExtensionType::STATUS_REQUEST,
        ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP,
    ];
    let may_be_larger = room.shared || is_larger_with.iter().any(|kind| offer.extensions.contains(kind));
    room.fits(message)
        || may_be_larger && !room.is_too_small_for(message)
        || offer.compresses_certificates && room.is_too_small_for(message)
}

/// The servers of a capture set that were asked for each name; of many, the first in the order of their addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(BTreeMap<String, Vec<Endpoint>>);

impl Places {
    /// Of these servers.
    pub(crate) fn of<'a>(servers: impl IntoIterator<Item = (&'a Endpoint, &'a ServerHistory)>) -> Self {
        let mut places = Self::default();
        for (server, history) in servers {
            let shown = history.sent.keys().chain(history.flights.keys());
            let names: BTreeSet<&String> = shown.chain(history.names.keys()).collect();
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                places.0.entry(name.clone()).or_default().push(*server);
            }
        }
        for servers in places.0.values_mut() {
            servers.sort();
            servers.truncate(PLACES_KEPT);
        }
        places
    }

    /// Those that were asked for this name, in the order of their addresses.
    pub(crate) fn asked_for(&self, name: &str) -> &[Endpoint] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The certificates that a server sent in the clear to those who asked for one name.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The first list and the last.
    pub(crate) ends: [SentChain; 2],
    /// How often each leaf came.
    pub(crate) leaves: Leaves,
}

/// What the connections of one capture set to one server (address and port) came to. Adding is commutative: the order in which
/// connections come never shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerHistory {
    /// Connections that sent it a ClientHello.
    pub(crate) hellos: u64,
    /// Connections in which it answered with TLS, be it an alert.
    pub(crate) answered: u64,
    /// Bytes of the longest ClientHello that it answered with a ServerHello.
    pub(crate) longest_hello: u32,
    /// Handshakes that were completed.
    pub(crate) completed: u64,
    /// Completed handshakes in which the client went on to send data.
    pub(crate) carried_data: u64,
    /// Versions that it chose.
    pub(crate) versions: BTreeSet<ProtocolVersion>,
    /// Suites that it chose.
    pub(crate) cipher_suites: BTreeSet<CipherSuite>,
    /// Groups that it chose.
    pub(crate) groups: BTreeSet<Group>,
    /// Protocols that it chose by ALPN, where that is in the clear (TLS ≤ 1.2).
    pub(crate) alpn: BTreeSet<String>,
    /// It completed a handshake of TLS ≤ 1.2 without `extended_master_secret`.
    pub(crate) without_master_secret: bool,
    /// It completed one in which it took the client's offer of it.
    pub(crate) takes_master_secret: bool,
    /// It completed one in which it passed over that offer.
    pub(crate) passes_over_master_secret: bool,
    /// It completed a handshake of TLS ≤ 1.2 without `renegotiation_info`.
    pub(crate) without_renegotiation_info: bool,
    /// Names for which it completed a handshake, "" where none was asked for, and who then sent data.
    pub(crate) names: BTreeMap<String, GotThrough>,
    /// The certificates that it sent in the clear, by the name that was asked for; "" where none was.
    pub(crate) sent: BTreeMap<String, Box<Sent>>,
    /// The room that the certificates took which TLS 1.3 hides, by the name that was asked for.
    pub(crate) flights: BTreeMap<String, Box<Flights>>,
    /// The times in its HTTP answers.
    pub(super) dates: Sightings,
    /// What its randoms would say if they began with the time.
    pub(super) randoms: Sightings,
}

impl ServerHistory {
    /// Adds one connection.
    pub(crate) fn add(&mut self, closed: &Closed) {
        let seen = &closed.observed;
        if closed.has_hello() {
            self.hellos += 1;
        }
        if seen.first[Side::Server].is_tls() {
            self.answered += 1;
        }
        if let Some(answer) = seen.answer.as_ref().seen() {
            let answer = &answer.value;
            self.longest_hello = self.longest_hello.max(closed.hello_len());
            self.versions.insert(answer.version);
            self.cipher_suites.insert(answer.cipher_suite);
            self.groups.extend(answer.group);
            if let Some(protocol) = answer.alpn.as_ref().filter(|protocol| !self.alpn.contains(*protocol)) {
                self.alpn.insert(protocol.clone());
            }
        }
        self.groups
            .extend(seen.key_exchange.as_ref().and_then(|exchange| exchange.value.group));
        let completion = seen.completion();
        let carried_data = completion.is_some() && seen.client_sent_data();
        self.completed += u64::from(completion.is_some());
        self.carried_data += u64::from(carried_data);
        let sealed = seen.sealed();
        let room = sealed.as_ref().and_then(|sealed| {
            Some((
                sealed.room?,
                sealed.certificate.or_else(|| sealed.flight.first().copied())?,
            ))
        });
        if completion.is_some() || seen.server_chain.is_seen() || room.is_some() {
            let hello = closed.hello();
            let name = hello.as_ref().and_then(name_in);
            if let (Some((room, record)), Some(hello)) = (room, &hello) {
                let flight = Flight {
                    room,
                    mark: record.mark,
                    stack: guess_client(hello),
                    compressible: hello.compress_certificate().is_some(),
                    completed: completion.is_some(),
                    went_on: carried_data,
                };
                self.keep_flight(name.unwrap_or_default(), &flight);
            }
            // Without the hello nobody can tell whether it asked for a name.
            if let Some(mark) = completion.filter(|_| closed.has_hello()) {
                self.keep_name(hello.as_ref(), seen, mark, carried_data);
            }
            self.keep_certificates(name.unwrap_or_default(), seen, carried_data);
        }
        self.look_at_clock(seen);
        self.trim();
    }

    /// Names that it serves: those for which it completed a handshake.
    pub(crate) fn served_names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str).filter(|name| !name.is_empty())
    }

    /// True where it completed a handshake with a client that asked for no name.
    pub(crate) fn serves_nameless(&self) -> bool {
        self.names.contains_key("")
    }

    /// The completion of the next handshake that this client was seen to get through after this packet, for this name ("" for none) or, where
    /// it is not known, for any; of one name the client's last where others came before.
    pub(crate) fn got_through(&self, name: Option<&str>, client: IpAddr, after: Mark) -> Option<Mark> {
        let of_name = name.and_then(|name| self.names.get(name));
        let of_any = self.names.values().filter(|_| name.is_none());
        let ends = of_name
            .into_iter()
            .chain(of_any)
            .filter_map(|clients| Some(&clients.get(&client)?.ends));
        let later = |mark: &&Mark| mark.capture == after.capture && mark.frame > after.frame;
        ends.flatten().filter(later).min_by_key(|mark| mark.frame).copied()
    }

    fn keep_name(&mut self, hello: Option<&ClientHello<'_>>, seen: &Observed, mark: Mark, carried_data: bool) {
        if let Some(answer) = seen.answer.as_ref().seen().filter(|_| !seen.is_tls13()) {
            let takes = answer.value.has(ExtensionType::EXTENDED_MASTER_SECRET);
            let offers = hello.is_some_and(|hello| hello.has(ExtensionType::EXTENDED_MASTER_SECRET));
            self.without_master_secret |= !takes;
            self.takes_master_secret |= takes;
            self.passes_over_master_secret |= offers && !takes;
            self.without_renegotiation_info |= !answer.value.has(ExtensionType::RENEGOTIATION_INFO);
        }
        let name = hello.and_then(name_in).unwrap_or_default();
        let clients = match self.names.get_mut(name) {
            Some(clients) => clients,
            None => self.names.entry(name.to_owned()).or_default(),
        };
        if carried_data {
            let through = clients.entry(seen.client.address).or_insert_with(|| Through {
                ends: [mark; 2],
                arrivals: Arrivals::default(),
            });
            let [first, last] = &mut through.ends;
            if mark.frame < first.frame {
                *first = mark;
            }
            if mark.frame > last.frame {
                *last = mark;
            }
            if let Some(arrival) = hello.and_then(|hello| Arrival::of(seen, hello)) {
                through.arrivals.add(arrival);
            }
            if clients.len() > CLIENTS_KEPT {
                clients.pop_last();
            }
        }
    }

    fn keep_flight(&mut self, name: &str, flight: &Flight) {
        match self.flights.get_mut(name) {
            Some(flights) => flights.add(flight),
            None => self.flights.entry(name.to_owned()).or_default().add(flight),
        }
    }

    fn keep_certificates(&mut self, name: &str, seen: &Observed, carried_data: bool) {
        let Seen::Seen(sent) = &seen.server_chain else {
            return;
        };
        let Some(leaf) = sent.value.first() else { return };
        let mark = sent.span.mark;
        let new = || SentChain {
            chain: sent.value.clone(),
            mark,
        };
        let known = match self.sent.get_mut(name) {
            Some(known) => {
                match &mut known.ends {
                    [first, _] if mark.frame < first.mark.frame => *first = new(),
                    // Most servers send the same again and again.
                    [_, last] if mark.frame > last.mark.frame && last.chain == sent.value => last.mark = mark,
                    [_, last] if mark.frame > last.mark.frame => *last = new(),
                    _ => {}
                }
                known
            }
            None => self.sent.entry(name.to_owned()).or_insert_with(|| {
                Box::new(Sent {
                    ends: [new(), new()],
                    leaves: Leaves::default(),
                })
            }),
        };
        known.leaves.add(leaf, mark, carried_data);
    }

    /// Notes what a connection says of the time, be it TLS or plain HTTP.
    pub(crate) fn look_at_clock(&mut self, seen: &Observed) {
        if let Some((date, mark)) = seen.http_date()
            && let Some(at) = mark.time
        {
            self.dates.add(mark.frame, date.seconds(), at);
        }
        if let Some(answer) = seen.answer.as_ref().seen()
            && let (Some(told), Some(at)) = (answer.value.random_as_time(), answer.span.mark.time)
        {
            self.randoms.add(answer.span.mark.frame, told, at);
        }
    }

    /// The smallest values stay: which ones are kept does not depend on the order of adding.
    fn trim(&mut self) {
        while self.names.len() > KEPT {
            self.names.pop_last();
        }
        while self.alpn.len() > KEPT {
            self.alpn.pop_last();
        }
        while self.cipher_suites.len() > KEPT {
            self.cipher_suites.pop_last();
        }
        while self.groups.len() > KEPT {
            self.groups.pop_last();
        }
        while self.sent.len() > KEPT {
            self.sent.pop_last();
        }
        while self.flights.len() > KEPT {
            self.flights.pop_last();
        }
        while self.versions.len() > KEPT {
            self.versions.pop_last();
        }
    }
}

#[cfg(test)]
mod tests;
