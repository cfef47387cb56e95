//! A connection that is followed.

use std::sync::Arc;

use super::open::Stage;
use super::translation::{Sighting, Unchanged};
use crate::connection::{Endpoint, Identity, Observer, RecordLog};
use crate::evidence::{CaptureId, Mark, Side, Span};
use crate::net::{Encapsulations, FlowKey, Segment};
use crate::stream::{GapCause, Sink, Tcp};
use crate::tls::{looks_like_client_hello, looks_like_server_hello};
use crate::x509::CertificateStore;

/// State of a connection that has not been given up.
#[derive(Debug)]
pub(super) struct Live {
    /// Both ends.
    pub(super) key: FlowKey,
    /// Place among the conversations that its shard has opened in the file.
    pub(super) opened: u32,
    pub(super) tcp: Tcp,
    /// From the first byte of payload on.
    pub(super) observer: Option<Box<Observer>>,
    /// Which end is the client: by a ClientHello that comes first, else by the SYN, else by what the first payload is.
    client_is_low: bool,
    client_isn: u32,
    /// The first packet is no SYN: the capture begins inside the connection.
    midway: bool,
    vlan: u16,
    encapsulations: Encapsulations,
    /// What makes it known under other addresses was told.
    sighted: bool,
    /// It has closed, and is listened to a little longer.
    pub(super) lingers: bool,
    /// So many records of the server are to be there before it is asked again whether anything can still change.
    look_at: u64,
}

impl Live {
    /// The connection that a segment begins.
    pub(super) fn new(capture: CaptureId, opened: u32, segment: &Segment, payload: &[u8]) -> Self {
        let client_is_low = client_is_low(segment, payload);
        Self {
            key: segment.key,
            opened,
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
            sighted: false,
            lingers: false,
            look_at: RecordLog::KEPT as u64 + 1,
        }
    }

    /// Takes one segment; `payload` are its captured bytes.
    pub(super) fn segment(&mut self, segment: &Segment, payload: &[u8], certificates: &Arc<CertificateStore>) {
        // The first words decide who is the client of TLS; nearly always it is who called.
        if self.observer.is_none()
            && !payload.is_empty()
            && segment.from_low != self.client_is_low
            && looks_like_client_hello(payload)
        {
            self.client_is_low = !self.client_is_low;
            self.tcp.turn_round();
        }
        let mut sink = Lazy {
            observer: &mut self.observer,
            midway: self.midway,
            certificates,
        };
        self.tcp.segment(segment, payload, &mut sink);
    }

    /// No segment comes any more: what waits behind holes is handed up.
    pub(super) fn finish(&mut self, certificates: &Arc<CertificateStore>) {
        // Without a byte to observe there is nothing to hand up, unless all bytes that came wait behind a hole.
        if self.observer.is_none() && self.tcp.facts().sides.iter().all(|side| side.first_payload().is_none()) {
            return;
        }
        let mut sink = Lazy {
            observer: &mut self.observer,
            midway: self.midway,
            certificates,
        };
        self.tcp.finish(&mut sink);
    }

    /// What it is known by under other addresses too, told once: with the packet `frame`, or with an earlier one.
    pub(super) fn sighting(&mut self, frame: u64) -> Option<Sighting> {
        if self.sighted {
            return None;
        }
        let random = self.observer.as_ref()?.client_random()?;
        let server_isn = self.tcp.beginning(Side::Server)?;
        let first = self.tcp.facts().first_packet()?;
        self.sighted = true;
        Some(Sighting {
            unchanged: Unchanged {
                client_isn: self.client_isn,
                server_isn,
                random,
            },
            key: self.key,
            hello: frame,
            first: first.frame,
            time: first.time?,
        })
    }

    /// Bytes that it takes. Lists of a few entries are left out.
    pub(super) fn bytes(&self) -> usize {
        let observer = self.observer.as_ref();
        size_of::<Self>()
            + self.tcp.held_bytes()
            + observer.map_or(0, |observer| size_of::<Observer>() + observer.held_bytes())
    }

    /// How far it has come.
    pub(super) fn stage(&self) -> Stage {
        let [client, server] = &self.tcp.facts().sides;
        match (client.sent_payload(), server.sent_payload()) {
            _ if self.lingers => Stage::Closed,
            (true, true) => Stage::Talking,
            (true, false) | (false, true) => Stage::Begun,
            _ if server.packets > 0 => Stage::Answered,
            _ if client.syn_count > 1 => Stage::CalledAgain,
            _ => Stage::Called,
        }
    }

    /// True where nothing that is still to come can matter: it is sound, and the server sent more records than are looked at.
    pub(super) fn is_settled(&mut self, capture: CaptureId) -> bool {
        let Some(observer) = &self.observer else { return false };
        if observer.hidden_records(Side::Server) < self.look_at {
            return false;
        }
        self.look_at = self.look_at.saturating_mul(2);
        let Some(snapshot) = observer.snapshot() else {
            return false;
        };
        let closed = snapshot.close(self.identity(capture), self.tcp.facts().clone());
        closed.observed.is_plainly_sound()
    }

    /// Who it is, apart from what it said.
    pub(super) fn identity(&self, capture: CaptureId) -> Identity {
        let endpoint = |(address, port)| Endpoint { address, port };
        let (low, high) = (endpoint(self.key.low()), endpoint(self.key.high()));
        let (client, server) = if self.client_is_low { (low, high) } else { (high, low) };
        Identity {
            client,
            server,
            capture,
            client_isn: self.client_isn,
            vlan: self.vlan,
            encapsulations: self.encapsulations,
        }
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
