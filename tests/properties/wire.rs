//! Conversations as packets, in any way in which a network and a capture may hand them on.

use crate::FINS_ARE_PUT_IN_ORDER;
use crate::conversation::{Conversation, End, Turn};

/// The port of every server; noise has others.
pub(crate) const SERVER_PORT: u16 = 443;
/// The port of the first client.
const CLIENT_PORT: u16 = 40_000;
/// Pieces of one turn: what waits behind a hole is capped at more than this.
const MOST_PIECES: usize = 400;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// How a conversation is sent. Lists are used again and again.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// Bytes of each segment.
    pub(crate) sizes: Vec<usize>,
    /// Segments of a turn are sent in the order of these keys; none: in order.
    pub(crate) order: Vec<u8>,
    /// Whether a segment is captured twice (1) or sent twice (2).
    pub(crate) twice: Vec<u8>,
    /// Ranges of each turn that are sent once more, with their own boundaries.
    pub(crate) again: Vec<(usize, usize)>,
    /// Sequence numbers of the SYNs.
    pub(crate) first: [u32; 2],
    /// Over IPv6.
    pub(crate) v6: bool,
    /// Longest payload of an IP fragment.
    pub(crate) fragment: Option<usize>,
}

impl Style {
    /// Full segments, in order.
    pub(crate) fn plain() -> Self {
        Self {
            sizes: vec![1_400],
            order: Vec::new(),
            twice: vec![0],
            again: Vec::new(),
            first: [1_000, 2_000],
            v6: false,
            fragment: None,
        }
    }
}

/// Which foreign packets come between: 0 is none.
#[derive(Clone, Debug)]
pub(crate) struct Noise(pub(crate) Vec<u8>);

impl Noise {
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }
}

/// The file that holds the packets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    Pcap,
    PcapBigEndianNanos,
    Pcapng,
}

/// A capture of conversations. `turns` says which of them sends next; without it they follow each other.
pub(crate) fn capture(
    conversations: &[Conversation],
    styles: &[Style],
    turns: &[u8],
    noise: &Noise,
    format: Format,
) -> Vec<u8> {
    let mut lists: Vec<std::vec::IntoIter<Vec<u8>>> = conversations
        .iter()
        .zip(styles)
        .enumerate()
        .map(|(number, (conversation, style))| Ends::new(number, style).send(conversation).into_iter())
        .collect();
    let mut packets = Vec::new();
    let mut choices = turns.iter().cycle();
    let mut noises = noise.0.iter().cycle();
    while lists.iter().any(|list| list.len() > 0) {
        let with_more: Vec<usize> = (0..lists.len()).filter(|number| lists[*number].len() > 0).collect();
        let choice = choices.next().map_or(0, |choice| usize::from(*choice));
        packets.extend(lists[with_more[choice % with_more.len()]].next());
        packets.extend(noises.next().and_then(|kind| foreign(*kind)));
    }
    file(&packets, format)
}

/// A packet of none of the conversations.
fn foreign(kind: u8) -> Option<Vec<u8>> {
    let ends = |port| ([198, 51, 100, 7], 53_000, [198, 51, 100, 8], port);
    match kind {
        1 => Some(ethernet(0x0806, &[0; 28])),
        2 => Some(ethernet(0x0800, &[0x45])),
        3 => Some(vec![1, 2, 3]),
        // UDP
        4 => Some(ethernet(
            0x0800,
            &ipv4(17, [198, 51, 100, 7], [198, 51, 100, 8], 9, &[0x30; 40]),
        )),
        // the middle of a connection that is not TLS
        5 => {
            let (source, from, destination, to) = ends(22_u16);
            let segment = tcp([from, to], 77, 99, ACK, b"\x00\x00\x00\x1cencrypted packet");
            Some(ethernet(0x0800, &ipv4(6, source, destination, 9, &segment)))
        }
        // ICMP: a ping
        6 => Some(ethernet(
            0x0800,
            &ipv4(1, [198, 51, 100, 7], [198, 51, 100, 8], 9, &[8, 0, 0, 0, 0, 1, 0, 1]),
        )),
        _ => None,
    }
}

/// Both ends of a conversation while it is sent.
struct Ends<'a> {
    style: &'a Style,
    number: u8,
    /// Next sequence numbers of client and server.
    next: [u32; 2],
    ip_id: u16,
    packets: Vec<Vec<u8>>,
    segments: usize,
}

/// A segment that waits to be sent.
struct Piece<'a> {
    seq: u32,
    bytes: &'a [u8],
    flags: u8,
}

impl<'a> Ends<'a> {
    fn new(number: usize, style: &'a Style) -> Self {
        let number = u8::try_from(number).expect("a handful of conversations");
        let [client, server] = style.first;
        Self {
            style,
            number,
            // Equal numbers and an equal hello under other addresses would be one connection, before and behind a translation.
            next: [client & !7 | u32::from(number), server],
            ip_id: 0,
            packets: Vec::new(),
            segments: 0,
        }
    }

    fn send(mut self, conversation: &Conversation) -> Vec<Vec<u8>> {
        let [client, server] = self.next;
        self.packet(true, client, SYN, b"");
        self.next[0] = client.wrapping_add(1);
        self.packet(false, server, SYN | ACK, b"");
        self.next[1] = server.wrapping_add(1);
        self.packet(true, self.next[0], ACK, b"");
        for turn in &conversation.turns {
            self.turn(turn);
        }
        self.packets
    }

    fn turn(&mut self, turn: &Turn) {
        let side = usize::from(!turn.from_client);
        let start = self.next[side];
        let mut pieces = self.split(start, &turn.bytes);
        self.next[side] = start.wrapping_add(turn.bytes.len() as u32);
        let fin = (turn.end == Some(End::Fin)).then(|| Piece {
            seq: self.next[side],
            bytes: b"",
            flags: ACK | FIN,
        });
        let (fin_in_window, fin_behind) = if FINS_ARE_PUT_IN_ORDER {
            (fin, None)
        } else {
            (None, fin)
        };
        pieces.extend(fin_in_window);
        if !self.style.order.is_empty() {
            let keys = self.style.order.iter().cycle().copied();
            let mut keyed: Vec<(u8, Piece<'_>)> = keys.zip(pieces).collect();
            keyed.sort_by_key(|(key, _)| *key);
            pieces = keyed.into_iter().map(|(_, piece)| piece).collect();
        }
        pieces.extend(fin_behind);
        for piece in &pieces {
            self.packet(turn.from_client, piece.seq, piece.flags, piece.bytes);
            let twice = self.style.twice[self.segments % self.style.twice.len()];
            self.segments += 1;
            match twice {
                1 => self.packets.extend(self.packets.last().cloned()),
                2 => self.packet(turn.from_client, piece.seq, piece.flags, piece.bytes),
                _ => {}
            }
        }
        for (from, len) in &self.style.again {
            if let Some(bytes) = turn.bytes.get(*from..) {
                let bytes = &bytes[..bytes.len().min(*len)];
                self.packet(turn.from_client, start.wrapping_add(*from as u32), ACK, bytes);
            }
        }
        if turn.end == Some(End::Fin) {
            self.next[side] = self.next[side].wrapping_add(1);
        }
        if let Some(End::Reset { ack }) = turn.end {
            let flags = if ack { RST | ACK } else { RST };
            self.packet(turn.from_client, self.next[side], flags, b"");
        } else {
            self.packet(!turn.from_client, self.next[1 - side], ACK, b"");
        }
    }

    fn split<'b>(&self, start: u32, bytes: &'b [u8]) -> Vec<Piece<'b>> {
        let least = bytes.len() / MOST_PIECES + 1;
        let (mut pieces, mut at) = (Vec::new(), 0);
        for size in self.style.sizes.iter().cycle() {
            if at == bytes.len() {
                break;
            }
            let end = (at + (*size).max(least)).min(bytes.len());
            pieces.push(Piece {
                seq: start.wrapping_add(at as u32),
                bytes: &bytes[at..end],
                flags: ACK,
            });
            at = end;
        }
        pieces
    }

    fn packet(&mut self, from_client: bool, seq: u32, flags: u8, payload: &[u8]) {
        let client_port = CLIENT_PORT + u16::from(self.number);
        let ports = if from_client {
            [client_port, SERVER_PORT]
        } else {
            [SERVER_PORT, client_port]
        };
        let ack = if flags & ACK != 0 {
            self.next[usize::from(from_client)]
        } else {
            0
        };
        let segment = tcp(ports, seq, ack, flags, payload);
        self.ip_id += 1;
        let (client, server) = ([10, 1, self.number, 5], [10, 2, self.number, 1]);
        let (source, destination) = if from_client {
            (client, server)
        } else {
            (server, client)
        };
        if self.style.v6 {
            self.packets
                .extend(ipv6(source, destination, self.ip_id, self.style.fragment, &segment));
        } else {
            self.packets.extend(ipv4_fragments(
                source,
                destination,
                self.ip_id,
                self.style.fragment,
                &segment,
            ));
        }
    }
}

fn tcp(ports: [u16; 2], seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
    segment.extend(seq.to_be_bytes());
    segment.extend(ack.to_be_bytes());
    let options: &[u8] = if flags & SYN != 0 { &[2, 4, 5, 0xb4] } else { &[] };
    segment.extend([((20 + options.len()) as u8 / 4) << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(options);
    segment.extend(payload);
    segment
}

fn ipv4(protocol: u8, source: [u8; 4], destination: [u8; 4], id: u16, payload: &[u8]) -> Vec<u8> {
    ipv4_part(protocol, source, destination, id, 0, payload)
}

fn ipv4_part(protocol: u8, source: [u8; 4], destination: [u8; 4], id: u16, place: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + payload.len() as u16).to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend(place.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(source);
    packet.extend(destination);
    packet.extend(payload);
    packet
}

/// The parts of a payload, with offset and whether more follow (RFC 791 §3.1, RFC 8200 §4.5).
fn parts(payload: &[u8], most: Option<usize>) -> Vec<(usize, bool, &[u8])> {
    let most = most.unwrap_or(payload.len());
    let starts = (0..payload.len()).step_by(most);
    starts
        .map(|at| {
            let end = (at + most).min(payload.len());
            (at, end < payload.len(), &payload[at..end])
        })
        .collect()
}

fn ipv4_fragments(source: [u8; 4], destination: [u8; 4], id: u16, most: Option<usize>, payload: &[u8]) -> Vec<Vec<u8>> {
    const MORE: u16 = 0x2000;
    let parts = parts(payload, most).into_iter();
    parts
        .map(|(at, more, part)| {
            let place = (at / 8) as u16 | if more { MORE } else { 0 };
            ethernet(0x0800, &ipv4_part(6, source, destination, id, place, part))
        })
        .collect()
}

fn ipv6(source: [u8; 4], destination: [u8; 4], id: u16, most: Option<usize>, payload: &[u8]) -> Vec<Vec<u8>> {
    const FRAGMENT: u8 = 44;
    let address = |end: [u8; 4]| [&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0][..], &end].concat();
    let packet = |next: u8, payload: &[u8]| {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((payload.len() as u16).to_be_bytes());
        packet.extend([next, 64]);
        packet.extend(address(source));
        packet.extend(address(destination));
        packet.extend(payload);
        ethernet(0x86dd, &packet)
    };
    let parts = parts(payload, most);
    if parts.len() == 1 {
        return vec![packet(6, payload)];
    }
    let fragments = parts.into_iter().map(|(at, more, part)| {
        let place = (at as u16) | u16::from(more);
        let header = [&[6, 0][..], &place.to_be_bytes(), &u32::from(id).to_be_bytes(), part].concat();
        packet(FRAGMENT, &header)
    });
    fragments.collect()
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), payload].concat()
}

/// Second of the first packet: the certificates of the fixtures are valid then.
const SECOND: u64 = 1_795_600_000;

/// A capture file, each packet 30 µs after the one before.
fn file(packets: &[Vec<u8>], format: Format) -> Vec<u8> {
    let micros = (SECOND * 1_000_000..).step_by(30);
    let mut file = Vec::new();
    match format {
        Format::Pcap => {
            for field in [0xa1b2_c3d4_u32, 4 << 16 | 2, 0, 0, 262_144, 1] {
                file.extend(field.to_le_bytes());
            }
            for (packet, micros) in packets.iter().zip(micros) {
                let len = packet.len() as u32;
                for field in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, len, len] {
                    file.extend(field.to_le_bytes());
                }
                file.extend(packet);
            }
        }
        Format::PcapBigEndianNanos => {
            for field in [0xa1b2_3c4d_u32, 2 << 16 | 4, 0, 0, 262_144, 1] {
                file.extend(field.to_be_bytes());
            }
            for (packet, micros) in packets.iter().zip(micros) {
                let len = packet.len() as u32;
                for field in [
                    (micros / 1_000_000) as u32,
                    (micros % 1_000_000 * 1_000) as u32,
                    len,
                    len,
                ] {
                    file.extend(field.to_be_bytes());
                }
                file.extend(packet);
            }
        }
        Format::Pcapng => {
            file.extend(block(
                0x0a0d_0d0a,
                &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat(),
            ));
            file.extend(block(1, &[1, 0, 0, 0, 0, 0, 4, 0]));
            for (packet, micros) in packets.iter().zip(micros) {
                let len = packet.len() as u32;
                let mut body = Vec::new();
                for field in [0, (micros >> 32) as u32, micros as u32, len, len] {
                    body.extend(field.to_le_bytes());
                }
                body.extend(packet);
                file.extend(block(6, &body));
            }
        }
    }
    file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = (padded as u32 + 12).to_le_bytes();
    let mut block = [kind.to_le_bytes(), len].concat();
    block.extend(body);
    block.resize(8 + padded, 0);
    block.extend(len);
    block
}
