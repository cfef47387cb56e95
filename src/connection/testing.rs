//! For tests: a connection told step by step.
//!
//! A [`Scene`] makes real packets and feeds them through the reassembler and the [`Observer`], so that a test judges what a capture with
//! these packets would show. Each packet comes 10 ms after the one before it and acknowledges all that its sender has received. What one
//! step says travels in one packet.

mod hello;
mod message;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

pub(crate) use hello::{Hello, ServersHello};
pub(crate) use message::request_naming;

use super::{Closed, Endpoint, Identity, Known, Observed, Observer};
use crate::evidence::{CaptureId, Side, Time};
use crate::net::{Encapsulations, Flags, FlowKey, Role, Segment};
use crate::stream::Tcp;
use crate::x509::CertificateStore;

pub(crate) use crate::tls::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE};
pub(crate) use Side::{Client, Server};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Milliseconds between two packets.
const STEP: i64 = 10;
/// First sequence numbers of client and server.
const ISN: [u32; 2] = [1_000, 700_000];
/// Time to live of each side's packets, unless a test sets it.
const TTL: [u8; 2] = [64, 52];

/// The moment of the first packet: noon of 1 July 2026.
pub(crate) fn noon() -> Time {
    Time::from_civil(2026, 7, 1, 12, 0, 0).expect("a date")
}

/// A connection before its first packet, from 10.0.0.1 to port 443 of 10.0.0.2.
pub(crate) fn scene() -> Scene {
    Scene {
        tcp: Tcp::new(CaptureId(0), true),
        observer: None,
        hosts: [1, 2].map(|last| Ipv4Addr::new(10, 0, 0, last).into()),
        port: 443,
        frame: 0,
        millis: noon().nanos() / 1_000_000,
        sent: [0; 2],
        opened: false,
        off_camera: false,
        midway: false,
        hurried: false,
        ttl: TTL,
        ip_id: None,
        snaplen: usize::MAX,
        together: None,
        handshake: Vec::new(),
    }
}

/// A connection after the three-way handshake: frames 1 to 3.
pub(crate) fn connected() -> Scene {
    scene().connect()
}

/// What several steps of one side say, to travel in one packet.
#[derive(Default)]
struct Packet {
    payload: Vec<u8>,
    flags: u8,
}

/// A connection in the making.
pub(crate) struct Scene {
    tcp: Tcp,
    /// From the first byte of payload on, as in the pipeline.
    observer: Option<Observer>,
    /// The addresses of client and server.
    hosts: [IpAddr; 2],
    port: u16,
    frame: u64,
    millis: i64,
    /// Bytes of each side's stream so far, its FIN included.
    sent: [u32; 2],
    opened: bool,
    off_camera: bool,
    /// The first packet on camera is no SYN.
    midway: bool,
    /// The next packet comes at the time of the last one.
    hurried: bool,
    ttl: [u8; 2],
    /// IPv4 identification of the next packet.
    ip_id: Option<u16>,
    snaplen: usize,
    together: Option<Packet>,
    /// The handshake messages of both sides so far.
    handshake: Vec<u8>,
}

impl Scene {
    /// The addresses of client and server.
    pub(crate) fn hosts(mut self, client: &str, server: &str) -> Self {
        self.hosts = [client, server].map(|host| host.parse().expect("an address"));
        self
    }

    /// The server's port.
    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The frames up to this one are other connections'.
    pub(crate) fn behind_frame(mut self, frame: u64) -> Self {
        self.frame = frame;
        self
    }

    /// Only so many bytes of each packet's payload are captured from here on.
    pub(crate) fn cut_to(mut self, bytes: usize) -> Self {
        self.snaplen = bytes;
        self
    }

    /// Nothing happens for so long.
    pub(crate) fn wait(mut self, seconds: f64) -> Self {
        self.millis += (seconds * 1_000.0) as i64;
        self
    }

    /// The next packet comes right behind the one before.
    pub(crate) fn hurry(mut self) -> Self {
        self.hurried = true;
        self
    }

    /// This side's packets have another time to live from here on.
    pub(crate) fn ttl(mut self, from: Side, ttl: u8) -> Self {
        self.ttl[from.index()] = ttl;
        self
    }

    /// The next packet has this IPv4 identification.
    pub(crate) fn ip_id(mut self, id: u16) -> Self {
        self.ip_id = Some(id);
        self
    }

    /// What happens in `steps` is not in the capture.
    pub(crate) fn off_camera(mut self, steps: impl FnOnce(Self) -> Self) -> Self {
        self.off_camera = true;
        let mut after = steps(self);
        after.off_camera = false;
        after
    }

    /// What one side says in `steps` travels in a single packet.
    pub(crate) fn in_one_packet(mut self, from: Side, steps: impl FnOnce(Self) -> Self) -> Self {
        self.together = Some(Packet::default());
        let mut after = steps(self);
        let packet = after.together.take().expect("steps do not nest");
        after.send(from, packet.flags | ACK, &packet.payload);
        after
    }

    /// The whole three-way handshake.
    pub(crate) fn connect(self) -> Self {
        self.syn().syn_ack().ack(Client)
    }

    /// The client's SYN, or its repetition.
    pub(crate) fn syn(mut self) -> Self {
        self.opened = true;
        let ttl = self.ttl[0];
        self.packet(Client, SYN, -1, &[], ttl);
        self
    }

    /// The server's answer to it.
    pub(crate) fn syn_ack(mut self) -> Self {
        self.packet(Server, SYN | ACK, -1, &[], self.ttl[1]);
        self
    }

    /// The server's address refuses the SYN.
    pub(crate) fn refuse(mut self) -> Self {
        self.packet(Server, RST | ACK, -1, &[], self.ttl[1]);
        self
    }

    /// An acknowledgement of all that was received, without payload.
    pub(crate) fn ack(mut self, from: Side) -> Self {
        self.send(from, ACK, &[]);
        self
    }

    /// An acknowledgement of the first `bytes` of the peer's stream only: what came after them is missing.
    pub(crate) fn ack_only(mut self, from: Side, bytes: u32) -> Self {
        let sent = std::mem::replace(&mut self.sent[from.peer().index()], bytes);
        self.send(from, ACK, &[]);
        self.sent[from.peer().index()] = sent;
        self
    }

    /// Bytes, whatever they are.
    pub(crate) fn say(mut self, from: Side, bytes: &[u8]) -> Self {
        self.send(from, ACK, bytes);
        self
    }

    /// The last packet of this side's payload again, as it was: `bytes` from its end.
    pub(crate) fn repeat(mut self, from: Side, bytes: &[u8]) -> Self {
        let at = i64::from(self.sent[from.index()]) - bytes.len() as i64;
        self.packet(from, ACK, at, bytes, self.ttl[from.index()]);
        self
    }

    /// Bytes of this side's payload from this offset on once more.
    pub(crate) fn repeat_from(mut self, from: Side, at: u32, bytes: &[u8]) -> Self {
        self.packet(from, ACK, at.into(), bytes, self.ttl[from.index()]);
        self
    }

    /// The side closes.
    pub(crate) fn fin(mut self, from: Side) -> Self {
        self.send(from, FIN | ACK, &[]);
        self
    }

    /// The side resets the connection.
    pub(crate) fn reset(self, from: Side) -> Self {
        let ttl = self.ttl[from.index()];
        self.reset_with_ttl(from, ttl)
    }

    /// A reset that bears this side's address and another time to live.
    pub(crate) fn reset_with_ttl(mut self, from: Side, ttl: u8) -> Self {
        let at = i64::from(self.sent[from.index()]);
        self.packet(from, RST | ACK, at, &[], ttl);
        self
    }

    /// A reset that bears this side's address, with a number ahead of what it sent.
    pub(crate) fn reset_ahead(mut self, from: Side, by: u32) -> Self {
        let at = i64::from(self.sent[from.index()]) + i64::from(by);
        self.packet(from, RST | ACK, at, &[], self.ttl[from.index()]);
        self
    }

    /// An ICMP error by 10.0.0.254 about the last packet of this side, `bytes` long. Port unreachable is 3, 3.
    pub(crate) fn icmp(mut self, about: Side, kind: u8, code: u8, bytes: i64) -> Self {
        self.millis += STEP;
        self.frame += 1;
        let at = i64::from(self.sent[about.index()]) - bytes;
        let mut quoted = self.segment(about, ACK, at, 0, 0, TTL[about.index()]);
        quoted.role = Role::Quoted;
        let mut error = vec![0x45, 0, 0, 68, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 254, 10, 0, 0, 1];
        error.extend([kind, code, 0, 0, 0, 0, 5, 0x78]);
        self.tcp.quoted(&quoted, &error);
        self
    }

    /// Everything that the capture shows of it. The capture ends with the connection, later by what was waited for since.
    pub(crate) fn seen(mut self) -> Observed {
        let end = Time::from_nanos(self.millis * 1_000_000);
        let mut seen = match self.observer.take() {
            Some(observer) => *self.close(observer).read(&mut Known::default()),
            None => {
                let silent = Observer::new(Arc::new(CertificateStore::default()));
                *silent
                    .close(self.identity(), self.tcp.facts().clone())
                    .read(&mut Known::default())
            }
        };
        seen.stream = Some(0);
        seen.capture_end = Some(end);
        seen
    }

    /// The books of a connection that carried bytes, its hellos still to be read.
    pub(crate) fn closed(mut self) -> Closed {
        let observer = self.observer.take().expect("bytes");
        self.close(observer)
    }

    fn close(&mut self, mut observer: Observer) -> Closed {
        self.tcp.finish(&mut observer);
        observer.close(self.identity(), self.tcp.facts().clone())
    }

    fn identity(&self) -> Identity {
        let (client, server) = self.ends();
        Identity {
            client,
            server,
            capture: CaptureId(0),
            client_isn: ISN[0],
            vlan: 0,
            encapsulations: Encapsulations::NONE,
        }
    }

    /// The handshake messages of both sides so far.
    pub(crate) fn handshake(&self) -> &[u8] {
        &self.handshake
    }

    /// The frame of the last packet.
    pub(crate) fn frame(&self) -> u64 {
        self.frame
    }

    fn ends(&self) -> (Endpoint, Endpoint) {
        let [client, server] = self.hosts;
        let end = |address, port| Endpoint { address, port };
        (end(client, 50_000), end(server, self.port))
    }

    /// The next bytes of a side's stream, or what is to travel with others.
    fn send(&mut self, from: Side, flags: u8, payload: &[u8]) {
        if let Some(packet) = &mut self.together {
            packet.payload.extend_from_slice(payload);
            packet.flags |= flags;
            return;
        }
        let at = i64::from(self.sent[from.index()]);
        self.packet(from, flags, at, payload, self.ttl[from.index()]);
        self.sent[from.index()] += payload.len() as u32 + u32::from(flags & FIN != 0);
    }

    fn packet(&mut self, from: Side, flags: u8, at: i64, payload: &[u8], ttl: u8) {
        self.millis += if std::mem::take(&mut self.hurried) { 0 } else { STEP };
        if self.off_camera {
            return;
        }
        self.frame += 1;
        if self.frame == 1 {
            self.midway = flags & SYN == 0;
        }
        let captured = &payload[..payload.len().min(self.snaplen)];
        let cut = payload.len() - captured.len();
        let mut segment = self.segment(from, flags, at, captured.len(), cut, ttl);
        segment.ip_id = self.ip_id.take().unwrap_or(segment.ip_id);
        // As the pipeline does: no observer before there is a byte to observe.
        if self.observer.is_none() && !payload.is_empty() {
            let certificates = Arc::new(CertificateStore::default());
            self.observer = Some(if self.midway {
                Observer::midway(certificates)
            } else {
                Observer::new(certificates)
            });
        }
        match &mut self.observer {
            Some(observer) => self.tcp.segment(&segment, captured, observer),
            None => self.tcp.segment(&segment, captured, &mut Nobody),
        }
    }

    fn segment(&self, from: Side, flags: u8, at: i64, captured: usize, cut: usize, ttl: u8) -> Segment {
        let number = |side: Side, offset: i64| ISN[side.index()].wrapping_add(1).wrapping_add(offset as u32);
        let (client, server) = self.ends();
        Segment {
            key: FlowKey::new((client.address, client.port), (server.address, server.port)).0,
            from_low: from == Client,
            frame: self.frame,
            time: Some(Time::from_nanos(self.millis * 1_000_000)),
            seq: number(from, at),
            ack: number(from.peer(), i64::from(self.sent[from.peer().index()])),
            flags: Flags(flags),
            window: 500,
            payload_at: 0,
            payload_len: captured as u32,
            payload_cut: cut as u32,
            ttl,
            ip_id: self.frame as u16,
            mss: if flags & SYN != 0 { 1_460 } else { 0 },
            window_scale: None,
            vlan: 0,
            told_by_device: false,
            encapsulations: Encapsulations::NONE,
            role: Role::Whole,
        }
    }
}

/// Takes the bytes of a connection that has none.
struct Nobody;

impl crate::stream::Sink for Nobody {
    fn data(&mut self, _: &[u8], _: crate::evidence::Span) {
        panic!("a connection without payload has no bytes");
    }

    fn gap(&mut self, _: Side, _: u64, _: u64, _: crate::stream::GapCause, _: crate::evidence::Mark) {}
}
