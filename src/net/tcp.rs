//! TCP headers (RFC 9293 §3.1), and how a header and the IP packet around it become a [`Segment`].

use etherparse::TcpHeaderSlice;

use super::{Encapsulations, Flags, FlowKey, Packet, Role, Segment, trailer};

/// The least header: no options.
const LEAST: usize = 20;

/// The part of a header without which there is nothing to number: all up to the window. Wireshark reads as far before it looks up
/// the conversation, so a snapshot length that cuts here leaves a packet without `tcp.stream`.
const NUMBERED: usize = 16;

/// What an ICMP error quotes at least of what was behind the IP header (RFC 792).
const QUOTED: usize = 8;

/// Option kinds (RFC 9293 §3.2).
const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;
const MAXIMUM_SEGMENT_SIZE: u8 = 2;
/// RFC 7323 §2.2.
const WINDOW_SCALE: u8 = 3;

/// What IP says of the TCP segment that it carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier {
    /// Sender's address as a number, IPv4 mapped. Numbers stay in registers where arrays would go through the stack.
    pub(super) source: u128,
    /// Receiver's address, likewise.
    pub(super) destination: u128,
    /// Time to live, or hop limit.
    pub(super) ttl: u8,
    /// IPv4 identification; 0 for IPv6.
    pub(super) ip_id: u16,
    /// Innermost VLAN id; 0 where there is no tag.
    pub(super) vlan: u16,
    /// Offset of the TCP header in the frame.
    pub(super) at: usize,
    /// Bytes of header and payload on the wire.
    pub(super) on_wire: usize,
    /// What may be done with the segment, as far as IP tells.
    pub(super) role: Role,
    /// What this IP packet was wrapped in.
    pub(super) encapsulations: Encapsulations,
}

/// The fields of a header that are of use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    source_port: u16,
    destination_port: u16,
    seq: u32,
    ack: u32,
    flags: Flags,
    window: u16,
    /// In bytes, as the data offset says.
    len: usize,
    options: SynOptions,
}

/// What a SYN announces in its options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SynOptions {
    /// The first maximum segment size, 0 where there is none.
    mss: u16,
    /// The first window scale.
    window_scale: Option<u8>,
}

impl Header {
    /// Reads a header from the captured bytes of a segment; `None` where it ends before its window field.
    #[inline(always)]
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<NUMBERED>()?;
        let flags = Flags(header[13]);
        let len = usize::from(header[12] >> 4) * 4;
        Some(Self {
            source_port: u16::from_be_bytes([header[0], header[1]]),
            destination_port: u16::from_be_bytes([header[2], header[3]]),
            seq: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ack: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            flags,
            window: u16::from_be_bytes([header[14], header[15]]),
            len,
            options: if flags.syn() {
                syn_options(bytes.get(LEAST..len.min(bytes.len())))
            } else {
                SynOptions::default()
            },
        })
    }

    /// Ports and sequence number from as little of a header as an ICMP error has to quote (RFC 792); the other fields are 0.
    pub(super) fn read_beginning(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<QUOTED>()?;
        Some(Self {
            source_port: u16::from_be_bytes([header[0], header[1]]),
            destination_port: u16::from_be_bytes([header[2], header[3]]),
            seq: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ack: 0,
            flags: Flags(0),
            window: 0,
            len: 0,
            options: SynOptions::default(),
        })
    }

    /// The same fields of a header that etherparse found complete.
    pub(super) fn from_slice(header: &TcpHeaderSlice<'_>) -> Self {
        Self {
            source_port: header.source_port(),
            destination_port: header.destination_port(),
            seq: header.sequence_number(),
            ack: header.acknowledgment_number(),
            flags: Flags(header.slice().get(13).copied().unwrap_or_default()),
            window: header.window_size(),
            len: header.slice().len(),
            // etherparse's own iterator ends at the first option of an unexpected length; what follows may still be of use.
            options: if header.syn() {
                syn_options(Some(header.options()))
            } else {
                SynOptions::default()
            },
        }
    }
}

/// Reads a SYN's options as far as they make sense.
fn syn_options(options: Option<&[u8]>) -> SynOptions {
    let mut rest = options.unwrap_or_default();
    let mut found = SynOptions::default();
    loop {
        let len = match *rest {
            [] | [END_OF_OPTIONS, ..] => return found,
            [NO_OPERATION, ..] => 1,
            [MAXIMUM_SEGMENT_SIZE, 4, high, low, ..] => {
                if found.mss == 0 {
                    found.mss = u16::from_be_bytes([high, low]);
                }
                4
            }
            [WINDOW_SCALE, 3, shift, ..] => {
                found.window_scale.get_or_insert(shift);
                3
            }
            [_, len, ..] if len >= 2 => usize::from(len),
            _ => return found,
        };
        rest = rest.get(len..).unwrap_or_default();
    }
}

/// Puts a segment together. `captured` is the number of its bytes in the capture, header included.
#[inline(always)]
pub(super) fn segment(packet: &Packet<'_>, carrier: &Carrier, header: &Header, captured: usize) -> Segment {
    let (key, from_low) = FlowKey::from_numbers(
        (carrier.source, header.source_port),
        (carrier.destination, header.destination_port),
    );
    let role = match carrier.role {
        // A header longer than its packet: the length of the payload is anybody's guess.
        Role::Whole if header.len > carrier.on_wire => Role::Glimpse,
        Role::Whole if header.len < LEAST => Role::Mangled,
        role => role,
    };
    let (mut payload, on_wire) = if role.followed() {
        (
            captured.saturating_sub(header.len),
            carrier.on_wire.saturating_sub(header.len),
        )
    } else {
        (0, 0)
    };
    let mut payload_at = carrier.at + header.len.min(captured);
    let mut told_by_device = false;
    // A reset with a text of its own is its sender's; else the device that took it down may know.
    if header.flags.rst()
        && on_wire == 0
        && role.followed()
        && let Some(details) = trailer::reset_details(packet.bytes, carrier.at.saturating_add(carrier.on_wire))
    {
        (payload_at, payload) = (details.start, details.len());
        told_by_device = true;
    }
    Segment {
        key,
        from_low,
        frame: packet.frame,
        time: packet.time,
        seq: header.seq,
        ack: header.ack,
        flags: header.flags,
        window: header.window,
        payload_at: packet.at.saturating_add(narrow(payload_at)),
        payload_len: narrow(payload),
        payload_cut: narrow(on_wire.saturating_sub(payload)),
        ttl: carrier.ttl,
        ip_id: carrier.ip_id,
        mss: header.options.mss,
        window_scale: header.options.window_scale,
        vlan: carrier.vlan,
        role,
        told_by_device,
        encapsulations: carrier.encapsulations,
    }
}

/// Lengths inside a packet fit 32 bits, as the formats' own length fields do.
#[inline(always)]
fn narrow(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYN: [u8; 24] = [
        0xc0, 0x01, 0x01, 0xbb, 0, 0, 0, 100, 0, 0, 0, 0, 0x60, 0x02, 0xfa, 0xf0, 0, 0, 0, 0, 2, 4, 5, 0xb4,
    ];

    #[test]
    fn a_header_gives_ports_numbers_flags_and_window() {
        let header = Header::read(&SYN).unwrap();
        assert_eq!((header.source_port, header.destination_port), (49153, 443));
        assert_eq!((header.seq, header.ack, header.window, header.len), (100, 0, 64240, 24));
        assert!(header.flags.syn() && !header.flags.ack());
    }

    #[test]
    fn both_readers_see_the_same_header() {
        let slice = TcpHeaderSlice::from_slice(&SYN).unwrap();
        assert_eq!(Header::read(&SYN), Some(Header::from_slice(&slice)));
    }

    #[test]
    fn segment_size_and_window_scale_are_found_behind_other_options() {
        let options = syn_options(Some(&[1, 1, 4, 2, 3, 3, 7, 2, 4, 5, 0x78]));
        assert_eq!((options.mss, options.window_scale), (1400, Some(7)));
    }

    #[test]
    fn broken_options_announce_nothing() {
        for options in [
            &[3_u8, 0, 2, 4, 5, 0xb4][..],
            &[3, 4, 7, 0],
            &[2, 3, 5],
            &[8, 40, 2, 4],
            &[0, 2, 4, 5, 0xb4],
            &[2, 4, 5],
            &[4],
        ] {
            assert_eq!(syn_options(Some(options)), SynOptions::default());
        }
    }

    #[test]
    fn options_count_in_a_syn_only() {
        let mut bytes = SYN;
        bytes[13] = 0x10;
        assert_eq!(Header::read(&bytes).unwrap().options, SynOptions::default());
    }

    #[test]
    fn sixteen_bytes_make_a_header_and_fifteen_do_not() {
        assert_eq!(Header::read(&SYN[..16]).unwrap().seq, 100);
        assert_eq!(Header::read(&SYN[..15]), None);
    }
}
