//! One of the 64 parts of the flow table. A flow lives in one shard, so its packets arrive in the order of the file, however many
//! threads there are.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::connection::{Endpoint, Identity, Observed, Observer, ServerHistory};
use crate::evidence::{CaptureId, Mark, Side, Span, Time};
use crate::net::{Encapsulations, FlowKey, Segment};
use crate::pipeline::tally::HalfOpen;
use crate::stream::{Conversation, GapCause, Sink, Tcp};
use crate::tls::{looks_like_client_hello, looks_like_server_hello};
use crate::x509::{CertificateIndex, CertificateStore, Interned};

/// Nanoseconds of capture time for which a closed connection is still listened to: late resets and data tell who ended it.
const LINGER_NANOS: i64 = 2_000_000_000;
/// The same in packets of the file, where the capture has no clock.
const LINGER_FRAMES: u64 = 100_000;

/// A connection that is followed.
#[derive(Debug)]
struct Live {
    tcp: Tcp,
    /// From the first byte of payload on.
    observer: Option<Box<Observer>>,
    /// Which end is the client: by the SYN, else by what the first payload is.
    client_is_low: bool,
    client_isn: u32,
    /// The first packet is no SYN: the capture begins inside the connection.
    midway: bool,
    vlan: u16,
    encapsulations: Encapsulations,
    lingers: bool,
}

/// One pair of ends. Without `live` it is a tombstone: late packets of a finished connection are numbered and passed over.
#[derive(Debug)]
struct Flow {
    numbering: Conversation,
    /// Place among the conversations that this shard has opened in the file.
    opened: u32,
    live: Option<Box<Live>>,
}

/// What was left of a connection, and the conversation that it belongs to.
#[derive(Debug)]
pub(super) struct Finished {
    /// Place among the shard's conversations.
    pub(super) opened: u32,
    /// Everything that was seen.
    pub(super) observed: Box<Observed>,
}

/// What a shard hands over when its capture set ends.
#[derive(Debug, Default)]
pub(super) struct Harvest {
    /// Connections worth a judgement.
    pub(super) finished: Vec<Finished>,
    /// How each server fared.
    pub(super) servers: HashMap<Endpoint, ServerHistory, foldhash::fast::RandomState>,
    /// Sound connections that were not kept.
    pub(super) sound: u64,
    /// Payload-free connections beyond those that were kept.
    pub(super) half_open: HalfOpen,
    /// Authorities' certificates that were seen.
    pub(super) index: CertificateIndex,
    sighted: Sighted,
    /// Wireshark's number of each conversation that the shard opened.
    pub(super) numbers: Vec<u32>,
}

/// Certificates that the index knows already. Most servers send the same chain to everybody, and a look-up by name costs more than
/// one by address.
#[derive(Debug, Default)]
struct Sighted(HashMap<usize, (Arc<Interned>, u64), foldhash::fast::RandomState>);

impl Sighted {
    /// Chains of hostile captures may all differ: no more than this is remembered, the rest goes to the index each time.
    const KEPT: usize = 4_096;

    /// True where the index has to hear of this sighting: the certificate is new, or was only seen in later frames.
    fn is_news(&mut self, certificate: &Arc<Interned>, frame: u64) -> bool {
        let address = Arc::as_ptr(certificate).addr();
        if let Some((_, known)) = self.0.get_mut(&address) {
            let is_news = frame < *known;
            *known = frame.min(*known);
            return is_news;
        }
        if self.0.len() < Self::KEPT {
            // Holding the certificate keeps its address from being given to another.
            self.0.insert(address, (Arc::clone(certificate), frame));
        }
        true
    }
}

/// A part of the flow table and of what came out of it.
#[derive(Debug)]
pub(super) struct Shard {
    capture: CaptureId,
    certificates: Arc<CertificateStore>,
    keeps_sound: bool,
    flows: HashMap<FlowKey, Flow, foldhash::fast::RandomState>,
    /// Frames that opened a conversation and wait for their number.
    openings: Vec<u64>,
    lingering: VecDeque<(FlowKey, u32, Option<Time>, u64)>,
    harvest: Harvest,
    opened: u32,
}

impl Shard {
    /// An empty shard for one capture set. `keeps_sound`: completed connections are wanted too.
    pub(super) fn new(capture: CaptureId, certificates: Arc<CertificateStore>, keeps_sound: bool) -> Self {
        Self {
            capture,
            certificates,
            keeps_sound,
            flows: HashMap::default(),
            openings: Vec::new(),
            lingering: VecDeque::new(),
            harvest: Harvest::default(),
            opened: 0,
        }
    }

    /// Frames that opened a conversation since the last numbering, ascending.
    pub(super) fn openings(&self) -> &[u64] {
        &self.openings
    }

    /// The number of the next conversation that waits for one.
    pub(super) fn number(&mut self, number: u32) {
        self.harvest.numbers.push(number);
    }

    /// All openings have their numbers.
    pub(super) fn numbered(&mut self) {
        self.openings.clear();
    }

    /// Takes one segment; `payload` are its captured bytes.
    pub(super) fn segment(&mut self, segment: &Segment, payload: &[u8]) {
        let opened = &mut self.opened;
        let openings = &mut self.openings;
        let mut open = || {
            openings.push(segment.frame);
            *opened += 1;
            *opened - 1
        };
        let flow = match self.flows.entry(segment.key) {
            hashbrown::hash_map::Entry::Occupied(entry) => {
                let flow = entry.into_mut();
                let reopens = flow.numbering.reopened_by(segment);
                let begins = reopens || flow.live.as_ref().is_some_and(|live| live.tcp.is_reopened_by(segment));
                if begins {
                    if let Some(live) = flow.live.take() {
                        retire(
                            *live,
                            segment.key,
                            flow.opened,
                            &mut self.harvest,
                            self.keeps_sound,
                            self.capture,
                        );
                    }
                    flow.live = Some(Box::new(Live::new(self.capture, segment, payload)));
                }
                if reopens {
                    flow.opened = open();
                }
                flow
            }
            hashbrown::hash_map::Entry::Vacant(entry) => {
                let numbering = Conversation::new(segment);
                let opened = if numbering.is_counted() { open() } else { u32::MAX };
                let live = Some(Box::new(Live::new(self.capture, segment, payload)));
                entry.insert(Flow {
                    numbering,
                    opened,
                    live,
                })
            }
        };
        if !segment.role.followed() {
            return;
        }
        let Some(live) = &mut flow.live else { return };
        live.segment(segment, payload, &self.certificates);
        if !live.lingers && live.tcp.is_closed() {
            live.lingers = true;
            self.lingering
                .push_back((segment.key, flow.opened, segment.time, segment.frame));
        }
        self.expire(segment.time, segment.frame);
    }

    /// Closes the books of connections that ended a while ago.
    fn expire(&mut self, now: Option<Time>, frame: u64) {
        while let Some((key, opened, since, at)) = self.lingering.front().copied() {
            let late = match (now, since) {
                (Some(now), Some(since)) => now.nanos().saturating_sub(since.nanos()) > LINGER_NANOS,
                _ => false,
            };
            if !late && frame.saturating_sub(at) < LINGER_FRAMES {
                return;
            }
            self.lingering.pop_front();
            let Some(flow) = self.flows.get_mut(&key) else { continue };
            if flow.opened == opened
                && flow.live.as_ref().is_some_and(|live| live.lingers)
                && let Some(live) = flow.live.take()
            {
                retire(*live, key, opened, &mut self.harvest, self.keeps_sound, self.capture);
            }
        }
    }

    /// The set has ended: every connection is closed, and all that was found is handed over.
    pub(super) fn finish(mut self) -> Harvest {
        for (key, flow) in self.flows.drain() {
            if let Some(live) = flow.live {
                retire(
                    *live,
                    key,
                    flow.opened,
                    &mut self.harvest,
                    self.keeps_sound,
                    self.capture,
                );
            }
        }
        self.harvest
    }
}

impl Live {
    fn new(capture: CaptureId, segment: &Segment, payload: &[u8]) -> Self {
        let client_is_low = client_is_low(segment, payload);
        Self {
            tcp: Tcp::new(capture, client_is_low),
            observer: None,
            client_is_low,
            client_isn: if segment.from_low == client_is_low {
                segment.seq
            } else {
                segment.ack.wrapping_sub(1)
            },
            midway: !segment.flags.syn(),
            vlan: segment.vlan,
            encapsulations: segment.encapsulations,
            lingers: false,
        }
    }

    fn segment(&mut self, segment: &Segment, payload: &[u8], certificates: &Arc<CertificateStore>) {
        let mut sink = Lazy {
            observer: &mut self.observer,
            midway: self.midway,
            certificates,
        };
        self.tcp.segment(segment, payload, &mut sink);
    }
}

/// Which end is the client: the sender of a SYN, the receiver of a SYN-ACK, the sender of a ClientHello, else the end with the
/// higher port, as servers' ports are the low ones.
fn client_is_low(segment: &Segment, payload: &[u8]) -> bool {
    let from_client = if segment.flags.syn() {
        !segment.flags.ack()
    } else if looks_like_client_hello(payload) {
        true
    } else if looks_like_server_hello(payload) {
        false
    } else {
        let (low, high) = (segment.key.low_port, segment.key.high_port);
        return low > high;
    };
    from_client == segment.from_low
}

/// Makes an observer with the first byte of payload: most half-open flows never need one.
struct Lazy<'a> {
    observer: &'a mut Option<Box<Observer>>,
    midway: bool,
    certificates: &'a Arc<CertificateStore>,
}

impl Lazy<'_> {
    fn observer(&mut self) -> &mut Observer {
        self.observer.get_or_insert_with(|| {
            let certificates = Arc::clone(self.certificates);
            Box::new(if self.midway {
                Observer::midway(certificates)
            } else {
                Observer::new(certificates)
            })
        })
    }
}

impl Sink for Lazy<'_> {
    fn data(&mut self, bytes: &[u8], span: Span) {
        self.observer().data(bytes, span);
    }

    fn gap(&mut self, from: Side, at: u64, len: u64, cause: GapCause, mark: Mark) {
        self.observer().gap(from, at, len, cause, mark);
    }
}

/// Closes the books of one connection, and keeps what may have to be judged.
fn retire(mut live: Live, key: FlowKey, opened: u32, harvest: &mut Harvest, keeps_sound: bool, capture: CaptureId) {
    let certificates = live.observer.as_ref().map(|observer| observer.store());
    if let Some(certificates) = certificates {
        live.tcp.finish(&mut Lazy {
            observer: &mut live.observer,
            midway: live.midway,
            certificates: &certificates,
        });
    }
    let (low, high) = (key.low(), key.high());
    let (client, server) = if live.client_is_low { (low, high) } else { (high, low) };
    let identity = Identity {
        client: Endpoint {
            address: client.0,
            port: client.1,
        },
        server: Endpoint {
            address: server.0,
            port: server.1,
        },
        capture,
        client_isn: live.client_isn,
        vlan: live.vlan,
        encapsulations: live.encapsulations,
    };
    let facts = live.tcp.facts().clone();
    let Some(observer) = live.observer else {
        if harvest.half_open.keeps(identity.server, &facts) {
            let observed = Box::new(Observed::without_bytes(identity, facts));
            harvest.finished.push(Finished { opened, observed });
        }
        return;
    };
    let closed = observer.close(identity, facts);
    let observed = &closed.observed;
    if !observed.spoke_tls()
        && observed.asked_for_tls.is_none()
        && !harvest.half_open.keeps(identity.server, &observed.tcp)
    {
        return;
    }
    if observed.spoke_tls() {
        harvest.servers.entry(identity.server).or_default().add(&closed);
        for chain in [&observed.server_chain, &observed.client_chain]
            .into_iter()
            .filter_map(|chain| chain.as_ref().seen())
        {
            for certificate in &chain.value {
                if harvest.sighted.is_news(certificate, chain.span.mark.frame) {
                    harvest.index.add(certificate, chain.span.mark);
                }
            }
        }
    }
    if observed.is_plainly_sound() && !keeps_sound {
        harvest.sound += 1;
        return;
    }
    harvest.finished.push(Finished {
        opened,
        observed: closed.read(),
    });
}
