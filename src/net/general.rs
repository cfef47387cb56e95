//! The general path: IP and TCP by `etherparse`, for the packets that [`super::fast`] declines: IP options, extension headers,
//! lengths that offloading or a snapshot length falsified, tunnels, fragments, and the segments quoted in ICMP errors.
//!
//! `etherparse`'s lax slices take what is there. How much was on the wire, and which packets Wireshark numbers all the same, is
//! worked out here.

use etherparse::{IpNumber, LaxIpSlice, TcpHeaderSlice};

use super::fragment::Key;
use super::layer::Layer;
use super::link::{Version, be32};
use super::tcp::{self, Carrier, Header};
use super::tunnel::{self, Found, Part, Path};
use super::{Decoded, Fragment, Packet, Role, fast, icmp, udp};

/// Errors within errors are not sent (RFC 1122 §3.2.2), but captured packets may claim anything: no deeper than this.
const DEEPEST_QUOTE: u8 = 4;

/// Reads a packet of any shape.
pub(super) fn decode(packet: &Packet<'_>) -> Decoded {
    let original = usize::try_from(packet.original).unwrap_or(usize::MAX);
    let frame = Part {
        bytes: packet.bytes,
        at: 0,
        on_wire: original.max(packet.bytes.len()),
    };
    inside(packet, Layer::Link(packet.link), frame, Path::START).unwrap_or(Decoded::Other)
}

/// Reads a datagram that was put together from fragments; `path` is the way to them.
pub(super) fn datagram(packet: &Packet<'_>, path: Path) -> Decoded {
    let whole = Part {
        bytes: packet.bytes,
        at: 0,
        on_wire: packet.bytes.len(),
    };
    ip(packet, whole, path).unwrap_or(Decoded::Other)
}

/// Reads what a layer holds.
fn inside(packet: &Packet<'_>, layer: Layer, part: Part<'_>, mut path: Path) -> Option<Decoded> {
    match tunnel::unwrap(layer, part, &mut path)? {
        Found::Ip(part) => ip(packet, part, path),
        // What an aggregate holds is read without a memory of what is around it: there must be nothing.
        Found::Aggregate(part) => (path == Path::START).then_some(Decoded::Aggregate(part.at)),
    }
}

/// Reads an IP packet.
fn ip(packet: &Packet<'_>, part: Part<'_>, mut path: Path) -> Option<Decoded> {
    let (slice, _) = LaxIpSlice::from_slice(part.bytes).ok()?;
    let header = IpHeader::new(&slice, part.on_wire)?;
    let inner = slice.payload();

    // The payload is what the extension headers leave of the bytes behind the IP header.
    let captured = part.bytes.len().saturating_sub(header.len).min(header.payload);
    if inner.fragmented && captured == header.payload && path.quotes == 0 {
        path.numbered &= header.numbered;
        return fragment(packet, &slice, &header, part, path);
    }
    let extensions = captured.checked_sub(inner.payload.len())?;
    let payload = Part {
        bytes: inner.payload,
        at: part.at + header.len + extensions,
        on_wire: header.payload.checked_sub(extensions)?,
    };

    path.numbered &= header.numbered;
    let mut role = match (path.numbered, path.quotes) {
        (true, 0) => Role::Whole,
        (false, 0) => Role::Unnumbered,
        (true, _) => Role::Quoted,
        (false, _) => return None,
    };
    if inner.fragmented {
        // Fragments that are not all there are not put together; of these Wireshark reads the first.
        if !header.read_in_part
            || captured == header.payload
            || inner.ip_number != IpNumber::TCP
            || role == Role::Unnumbered
        {
            return None;
        }
        if !role.is_quoted() {
            role = Role::Glimpse;
        }
    }

    match inner.ip_number {
        IpNumber::TCP => {
            let carrier = Carrier {
                source: header.source,
                destination: header.destination,
                ttl: header.ttl,
                ip_id: header.id,
                vlan: path.vlan,
                at: payload.at,
                on_wire: payload.on_wire,
                role,
                encapsulations: path.encapsulations,
            };
            tcp(packet, &carrier, payload)
        }
        IpNumber::ICMP if path.quotes < DEEPEST_QUOTE && matches!(payload.bytes.first()?, 3 | 4 | 11 | 12) => {
            quoted(packet, part, payload, path)
        }
        IpNumber::IPV6_ICMP if path.quotes < DEEPEST_QUOTE && matches!(payload.bytes.first()?, 1..=4) => {
            if payload.bytes.get(icmp::HEADER)? >> 4 == 6 {
                quoted(packet, part, payload, path)
            } else {
                None
            }
        }
        IpNumber::UDP => {
            if let Some((layer, payload)) = tunnel::in_udp(payload, &mut path) {
                return inside(packet, layer, payload, path);
            }
            let opening = udp::opening(packet.frame, header.source, header.destination, payload.bytes);
            opening.filter(|_| path.quotes == 0).map(Decoded::Udp)
        }
        IpNumber(protocol) => inside(packet, Layer::in_ip(protocol)?, payload, path),
    }
}

/// Reads the packet that an ICMP error quotes. `error` begins with the IP header of the error, `message` with its ICMP header.
fn quoted(packet: &Packet<'_>, error: Part<'_>, message: Part<'_>, mut path: Path) -> Option<Decoded> {
    path.quotes += 1;
    let quote = message.after(icmp::HEADER)?;
    let mut decoded = ip(packet, quote, path)?;
    if let Decoded::Tcp(segment) = &mut decoded
        && segment.role.is_quoted()
    {
        segment.payload_at = packet.at.saturating_add(u32::try_from(error.at).ok()?);
        segment.payload_len = u32::try_from(quote.at.checked_sub(error.at)?).ok()?;
    }
    Some(decoded)
}

/// Reads a fragment, of which everything is there.
fn fragment(
    packet: &Packet<'_>,
    slice: &LaxIpSlice<'_>,
    header: &IpHeader,
    part: Part<'_>,
    path: Path,
) -> Option<Decoded> {
    let payload = part.after(header.len)?;
    let bytes = payload.bytes.get(..header.payload)?;
    let field = match slice {
        LaxIpSlice::Ipv4(v4) => {
            let header = v4.header();
            Field {
                at: 0,
                protocol: header.protocol().0,
                id: header.identification().into(),
                offset: header.fragments_offset().byte_offset(),
                more: header.more_fragments(),
            }
        }
        LaxIpSlice::Ipv6(v6) => Field::of_v6(v6.header().next_header().0, bytes)?,
    };
    let len = bytes.len().checked_sub(field.at).filter(|len| *len > 0)?;
    if !may_hold_tcp(IpNumber(field.protocol)) {
        return None;
    }
    let (version, protocol) = match slice {
        LaxIpSlice::Ipv4(_) => (Version::V4, field.protocol),
        LaxIpSlice::Ipv6(_) => (Version::V6, 0),
    };
    Some(Decoded::Fragment(Fragment {
        key: Key {
            version,
            source: header.source.to_be_bytes(),
            destination: header.destination.to_be_bytes(),
            id: field.id,
            protocol,
            vlan: path.vlan,
        },
        frame: packet.frame,
        time: packet.time,
        at: packet.at.checked_add(u32::try_from(payload.at + field.at).ok()?)?,
        len: u32::try_from(len).ok()?,
        offset: field.offset,
        more: field.more,
        protocol: field.protocol,
        ttl: header.ttl,
        path: path.into_fragments()?,
    }))
}

/// True for what may lead to TCP: fragments of anything else need not be kept.
const fn may_hold_tcp(protocol: IpNumber) -> bool {
    matches!(
        protocol,
        IpNumber::TCP
            | IpNumber::UDP
            | IpNumber::AUTHENTICATION_HEADER
            | IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_ROUTE_HEADER
            | IpNumber::IPV6_FRAGMENTATION_HEADER
            | IpNumber::IPV6_DESTINATION_OPTIONS
    ) || Layer::in_ip(protocol.0).is_some()
}

/// What a fragment says of itself.
struct Field {
    /// Offset of the fragment's bytes behind the fixed header and its options.
    at: usize,
    /// The protocol of the datagram.
    protocol: u8,
    id: u32,
    /// Offset of the fragment's bytes in the datagram.
    offset: u16,
    /// More fragments follow.
    more: bool,
}

impl Field {
    /// The first fragment header (RFC 8200 §4.5) that makes a fragment, behind the extension headers that may precede one. What is
    /// behind it can look like anything, and is not interpreted.
    fn of_v6(mut next: u8, payload: &[u8]) -> Option<Self> {
        let mut at = 0;
        loop {
            let header = payload.get(at..)?.first_chunk::<8>()?;
            let length = match IpNumber(next) {
                IpNumber::IPV6_HEADER_HOP_BY_HOP | IpNumber::IPV6_ROUTE_HEADER | IpNumber::IPV6_DESTINATION_OPTIONS => {
                    (usize::from(header[1]) + 1) * 8
                }
                IpNumber::AUTHENTICATION_HEADER => (usize::from(header[1]) + 2) * 4,
                IpNumber::IPV6_FRAGMENTATION_HEADER => {
                    let field = u16::from_be_bytes([header[2], header[3]]);
                    let (offset, more) = (field & 0xfff8, field & 1 != 0);
                    if offset != 0 || more {
                        return Some(Self {
                            at: at + header.len(),
                            protocol: header[0],
                            id: be32(header, 4)?,
                            offset,
                            more,
                        });
                    }
                    header.len()
                }
                _ => return None,
            };
            next = header[0];
            at += length;
        }
    }
}

/// Reads a TCP segment whose header may be cut, or wrong.
fn tcp(packet: &Packet<'_>, carrier: &Carrier, part: Part<'_>) -> Option<Decoded> {
    let mut carrier = *carrier;
    let header = match TcpHeaderSlice::from_slice(part.bytes) {
        Ok(complete) => Header::from_slice(&complete),
        Err(_) => match Header::read(part.bytes) {
            Some(header) => header,
            None if carrier.role == Role::Quoted => {
                carrier.role = Role::QuotedInPart;
                Header::read_beginning(part.bytes)?
            }
            None if part.bytes.len() < part.on_wire && carrier.role != Role::Glimpse => return Some(Decoded::Cut),
            None => return None,
        },
    };
    Some(Decoded::Tcp(tcp::segment(packet, &carrier, &header, part.bytes.len())))
}

/// What is needed of an IP header of either version.
struct IpHeader {
    source: u128,
    destination: u128,
    ttl: u8,
    id: u16,
    /// Length of the fixed header and its IPv4 options, in bytes.
    len: usize,
    /// Bytes on the wire behind it.
    payload: usize,
    /// Of the fragments that are not all there, Wireshark reads on in the first one of an IPv4 packet only.
    read_in_part: bool,
    /// Wireshark reads on behind this header.
    numbered: bool,
}

impl IpHeader {
    /// `on_wire` are the bytes that were sent from the header's first one on, which is all there is to go by where the header's
    /// own length is 0.
    fn new(slice: &LaxIpSlice<'_>, on_wire: usize) -> Option<Self> {
        match slice {
            LaxIpSlice::Ipv4(v4) => {
                let header = v4.header();
                let len = header.slice().len();
                let payload = match usize::from(header.total_len()) {
                    0 => on_wire.saturating_sub(len),
                    // Shorter than its own header: discarded by receivers, and not read further by Wireshark.
                    total => total.checked_sub(len)?,
                };
                Some(Self {
                    source: fast::mapped(header.source()),
                    destination: fast::mapped(header.destination()),
                    ttl: header.ttl(),
                    id: header.identification(),
                    len,
                    payload,
                    read_in_part: header.fragments_offset().value() == 0,
                    numbered: true,
                })
            }
            LaxIpSlice::Ipv6(v6) => {
                let header = v6.header();
                let len = header.slice().len();
                Some(Self {
                    source: u128::from_be_bytes(header.source()),
                    destination: u128::from_be_bytes(header.destination()),
                    ttl: header.hop_limit(),
                    id: 0,
                    len,
                    payload: match usize::from(header.payload_length()) {
                        0 => on_wire.saturating_sub(len),
                        payload => payload,
                    },
                    read_in_part: false,
                    numbered: header.payload_length() != 0,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Flags, Segment, decode};
    use super::*;

    const TCP: [u8; 28] = [
        0xc0, 0x01, 0x01, 0xbb, 0, 0, 0, 100, 0, 0, 0, 9, 0x50, 0x18, 0x10, 0x00, 0, 0, 0, 0, b'p', b'a', b'y', b'l',
        b'o', b'a', b'd', b'!',
    ];

    const RAW: u16 = 101;

    fn v4(protocol: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
        let total = (20 + options.len() + payload.len()) as u16;
        let mut bytes = vec![0x45 + (options.len() / 4) as u8, 0];
        bytes.extend(total.to_be_bytes());
        bytes.extend([0x12, 0x34, 0x40, 0, 61, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        [&bytes[..], options, payload].concat()
    }

    fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend([next, 62]);
        bytes.extend([0x20; 16]);
        bytes.extend([0x21; 16]);
        [&bytes[..], payload].concat()
    }

    fn icmp(kind: u8, quote: &[u8]) -> Vec<u8> {
        [&[kind, 1, 0, 0, 0, 0, 0, 0], quote].concat()
    }

    fn with_length(mut packet: Vec<u8>, length: u16) -> Vec<u8> {
        let at = if packet[0] >> 4 == 4 { 2 } else { 4 };
        packet[at..at + 2].copy_from_slice(&length.to_be_bytes());
        packet
    }

    fn read_cut(bytes: &[u8], original: usize) -> Decoded {
        decode(&Packet {
            link: RAW,
            bytes,
            original: original as u32,
            at: 500,
            frame: 3,
            time: None,
        })
    }

    fn read(bytes: &[u8]) -> Decoded {
        read_cut(bytes, bytes.len())
    }

    fn segment(decoded: Decoded) -> Segment {
        match decoded {
            Decoded::Tcp(segment) => segment,
            other => panic!("not a segment: {other:?}"),
        }
    }

    /// Offset in the packet, captured length, and length that was cut.
    fn payload(segment: &Segment) -> (u32, u32, u32) {
        (segment.payload_at - 500, segment.payload_len, segment.payload_cut)
    }

    #[test]
    fn every_field_of_a_plain_packet_is_read() {
        let segment = segment(read(&v4(6, &[], &TCP)));
        assert_eq!(segment.key.low(), ([10, 0, 0, 1].into(), 49153));
        assert_eq!(segment.key.high(), ([10, 0, 0, 2].into(), 443));
        assert!(segment.from_low);
        assert_eq!(
            (segment.frame, segment.seq, segment.ack, segment.flags),
            (3, 100, 9, Flags(0x18))
        );
        assert_eq!(
            (segment.window, segment.ttl, segment.ip_id, segment.mss, segment.vlan),
            (4096, 61, 0x1234, 0, 0)
        );
        assert_eq!((payload(&segment), segment.role), ((40, 8, 0), Role::Whole));
    }

    #[test]
    fn ipv4_options_and_an_authentication_header_are_stepped_over() {
        assert_eq!(payload(&segment(read(&v4(6, &[1, 1, 1, 0], &TCP)))), (44, 8, 0));
        let authentication = [&[6, 4, 0, 0][..], &[0; 20]].concat();
        assert_eq!(
            payload(&segment(read(&v4(51, &[], &[&authentication[..], &TCP].concat())))),
            (64, 8, 0)
        );
    }

    #[test]
    fn ipv6_extension_headers_are_stepped_over() {
        let hop_by_hop = [6, 0, 1, 4, 0, 0, 0, 0];
        let segment = segment(read(&v6(0, &[&hop_by_hop[..], &TCP].concat())));
        assert_eq!((payload(&segment), segment.ttl, segment.ip_id), ((68, 8, 0), 62, 0));
    }

    #[test]
    fn an_atomic_fragment_is_a_whole_packet() {
        let atomic = [6, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(segment(read(&v6(44, &[&atomic[..], &TCP].concat()))).role, Role::Whole);
    }

    fn fragment(decoded: Decoded) -> Fragment {
        match decoded {
            Decoded::Fragment(fragment) => fragment,
            other => panic!("not a fragment: {other:?}"),
        }
    }

    #[test]
    fn fragments_are_left_to_reassembly() {
        for (field, offset, more) in [
            ([0x20, 0x00], 0, true),
            ([0x20, 0x03], 24, true),
            ([0x00, 0x03], 24, false),
        ] {
            let mut bytes = v4(6, &[1, 1, 1, 0], &TCP);
            bytes[6..8].copy_from_slice(&field);
            let fragment = fragment(read(&bytes));
            assert_eq!((fragment.offset, fragment.more, fragment.protocol), (offset, more, 6));
            assert_eq!((fragment.at, fragment.len, fragment.key.id), (524, 28, 0x1234));
        }
    }

    #[test]
    fn a_fragment_header_is_found_behind_others_and_ends_the_search() {
        let last = [60, 0, 0xff, 0xf8, 0, 0, 0, 9];
        let atomic = [44, 0, 0, 0, 0, 0, 0, 8];
        let options = [44, 0, 1, 4, 0, 0, 0, 0];
        let datagram = v6(60, &[&options[..], &atomic, &last, &[0xff; 16]].concat());
        let fragment = fragment(read(&datagram));
        assert_eq!((fragment.offset, fragment.more, fragment.protocol), (0xfff8, false, 60));
        assert_eq!((fragment.at, fragment.len, fragment.key.id), (564, 16, 9));
    }

    #[test]
    fn fragments_of_what_holds_no_tcp_or_nothing_at_all_are_nothing() {
        let mut bytes = v4(1, &[], &TCP);
        bytes[6] = 0x20;
        assert_eq!(read(&bytes), Decoded::Other);
        let mut bytes = v4(6, &[], &[]);
        bytes[6] = 0x20;
        assert_eq!(read(&bytes), Decoded::Other);
        assert_eq!(read(&v6(44, &[6, 0, 0, 1, 0, 0, 0, 9])), Decoded::Other);
    }

    #[test]
    fn a_first_fragment_that_was_cut_is_numbered_and_no_more() {
        let mut bytes = v4(6, &[], &TCP);
        bytes[6] = 0x20;
        let segment = segment(read_cut(&bytes[..40], bytes.len()));
        assert_eq!(
            (segment.role, segment.payload_len, segment.payload_cut),
            (Role::Glimpse, 0, 0)
        );
    }

    #[test]
    fn padding_is_no_payload() {
        let padded = [&v4(6, &[], &TCP)[..], &[0; 6]].concat();
        assert_eq!(payload(&segment(read(&padded))), (40, 8, 0));
    }

    #[test]
    fn a_cut_payload_says_how_much_is_missing() {
        let whole = v4(6, &[], &TCP);
        assert_eq!(payload(&segment(read_cut(&whole[..43], whole.len()))), (40, 3, 5));
        let whole = v6(6, &TCP);
        assert_eq!(payload(&segment(read_cut(&whole[..60], whole.len()))), (60, 0, 8));
    }

    #[test]
    fn the_ip_length_tells_of_a_cut_that_the_capture_does_not_admit() {
        let whole = v4(6, &[], &TCP);
        assert_eq!(payload(&segment(read(&whole[..43]))), (40, 3, 5));
    }

    #[test]
    fn a_length_left_to_the_network_card_means_the_rest_of_the_frame() {
        let offloaded = with_length(v4(6, &[], &TCP), 0);
        assert_eq!(payload(&segment(read(&offloaded))), (40, 8, 0));
        assert_eq!(
            payload(&segment(read_cut(&offloaded[..43], offloaded.len()))),
            (40, 3, 5)
        );
    }

    #[test]
    fn ipv6_without_a_length_is_followed_and_not_numbered() {
        let segment = segment(read(&with_length(v6(6, &TCP), 0)));
        assert_eq!((payload(&segment), segment.role), ((60, 8, 0), Role::Unnumbered));
    }

    #[test]
    fn a_length_below_the_header_is_nothing() {
        assert_eq!(read(&with_length(v4(6, &[], &TCP), 19)), Decoded::Other);
    }

    #[test]
    fn a_cut_header_is_told_where_its_window_is_missing() {
        let whole = v4(6, &[], &TCP);
        assert_eq!(read_cut(&whole[..35], whole.len()), Decoded::Cut);
        assert_eq!(payload(&segment(read_cut(&whole[..36], whole.len()))), (36, 0, 8));
    }

    #[test]
    fn a_segment_too_short_for_a_header_is_nothing() {
        assert_eq!(read(&v4(6, &[], &TCP[..12])), Decoded::Other);
        assert_eq!(segment(read(&v4(6, &[], &TCP[..16]))).role, Role::Glimpse);
    }

    #[test]
    fn a_data_offset_that_cannot_be_is_numbered_and_not_followed() {
        let mut bytes = v4(6, &[], &TCP);
        bytes[32] = 0x40;
        assert_eq!(segment(read(&bytes)).role, Role::Mangled);
        bytes[32] = 0xf0;
        assert_eq!(
            (segment(read(&bytes)).role, segment(read(&bytes)).payload_len),
            (Role::Glimpse, 0)
        );
    }

    #[test]
    fn a_header_quoted_in_an_error_comes_with_the_error() {
        for kind in [3, 4, 11, 12] {
            let quoted = segment(read(&v4(1, &[1, 1, 1, 0], &icmp(kind, &v4(6, &[], &TCP)))));
            assert_eq!((quoted.role, quoted.seq), (Role::Quoted, 100));
            assert_eq!(payload(&quoted), (0, 24 + 8, 0));
        }
        for kind in 1..=4 {
            let quoted = segment(read(&v6(58, &icmp(kind, &v6(6, &TCP)))));
            assert_eq!((quoted.role, payload(&quoted)), (Role::Quoted, (0, 40 + 8, 0)));
        }
    }

    #[test]
    fn an_echo_or_a_redirect_quotes_nothing() {
        for kind in [0, 5, 8] {
            assert_eq!(read(&v4(1, &[], &icmp(kind, &v4(6, &[], &TCP)))), Decoded::Other);
        }
        assert_eq!(read(&v6(58, &icmp(128, &v6(6, &TCP)))), Decoded::Other);
    }

    #[test]
    fn the_eight_bytes_that_rfc_792_asks_for_are_too_few_to_be_numbered() {
        let quoted = segment(read(&v4(1, &[], &icmp(3, &v4(6, &[], &TCP)[..28]))));
        assert_eq!(
            (quoted.role, quoted.seq, quoted.flags),
            (Role::QuotedInPart, 100, Flags(0))
        );
        assert!(!quoted.role.numbered() && !quoted.role.followed());
        assert_eq!(read(&v4(1, &[], &icmp(3, &v4(6, &[], &TCP)[..27]))), Decoded::Other);
    }

    #[test]
    fn quotes_in_quotes_end_somewhere() {
        let mut packet = v4(6, &[], &TCP);
        for _ in 0..40 {
            packet = v4(1, &[], &icmp(3, &packet));
        }
        assert_eq!(read(&packet), Decoded::Other);
    }
}
