//! What two ends said to each other: the connection of a fixture, taken out of its packets.

use std::collections::HashMap;

/// A connection as a dialogue, opened by the usual three packets.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) turns: Vec<Turn>,
}

/// What one side sends before the other does.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) from_client: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: Option<End>,
}

/// How a side ends the connection, behind the bytes of its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    /// With or without an acknowledgement.
    Reset {
        ack: bool,
    },
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

impl Conversation {
    /// The connection of a capture that holds one and nothing else: a pcap file with Ethernet and IPv4, nothing lost or out of order.
    pub(crate) fn of(capture: &[u8]) -> Self {
        let mut turns: Vec<Turn> = Vec::new();
        let mut client = None;
        let mut next: HashMap<bool, u32> = HashMap::new();
        let mut ended: HashMap<bool, bool> = HashMap::new();
        for packet in packets(capture) {
            let (ip, protocol) = (&packet[14..], packet[23]);
            assert_eq!((&packet[12..14], protocol), (&[8, 0][..], 6), "TCP over IPv4");
            let header = usize::from(ip[0] & 15) * 4;
            let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            let tcp = &ip[header..total];
            let (port, seq, flags) = (&tcp[..2], u32::from_be_bytes(tcp[4..8].try_into().unwrap()), tcp[13]);
            let payload = &tcp[usize::from(tcp[12] >> 4) * 4..];
            let from_client = *client.get_or_insert_with(|| port.to_vec()) == port;
            if flags & SYN != 0 {
                next.insert(from_client, seq.wrapping_add(1));
                continue;
            }
            let expected = next.get_mut(&from_client).expect("a SYN comes first");
            let known = expected.wrapping_sub(seq) as usize;
            let fresh = payload.get(known..).unwrap_or_default();
            *expected = expected.wrapping_add(fresh.len() as u32);
            let is_first_end = !ended.get(&from_client).copied().unwrap_or_default();
            let end = match flags {
                _ if flags & RST != 0 => Some(End::Reset { ack: flags & ACK != 0 }),
                _ if flags & FIN != 0 && is_first_end => Some(End::Fin),
                _ => None,
            };
            if fresh.is_empty() && end.is_none() {
                continue;
            }
            ended.insert(from_client, end.is_some());
            match turns.last_mut() {
                Some(turn) if turn.from_client == from_client && turn.end.is_none() => {
                    turn.bytes.extend(fresh);
                    turn.end = end;
                }
                _ => turns.push(Turn {
                    from_client,
                    bytes: fresh.to_vec(),
                    end,
                }),
            }
        }
        Self { turns }
    }
}

/// The packets of a little-endian pcap file.
fn packets(capture: &[u8]) -> Vec<&[u8]> {
    let mut rest = &capture[24..];
    let mut packets = Vec::new();
    while let Some((header, behind)) = rest.split_first_chunk::<16>() {
        let len = u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
        let (packet, behind) = behind.split_at(len);
        packets.push(packet);
        rest = behind;
    }
    packets
}
