//! What a capturing system puts before a frame: the name of the interface, what the radio measured, which rule of a firewall matched.
//! Nothing of that was ever sent, and none of it is read beyond what leads to the frame.

use super::layer::Layer;
use super::link::{self, TYPE_IPV4, TYPE_IPV6, be32};
use super::wireless::Form;

/// Which system's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Linux' netfilter log (LINKTYPE_NFLOG).
    Nflog,
    /// Apple's interfaces (LINKTYPE_PKTAP).
    Pktap,
    /// Of wireless interfaces, today's (radiotap.org).
    Radiotap,
    /// Of wireless interfaces, CACE's: "per-packet information".
    Ppi,
    /// Of wireless interfaces, the oldest, and AVS, which took its place under the same link type and has one of its own as well.
    Prism,
    /// The log of OpenBSD's packet filter.
    Pflog,
    /// OpenBSD's encapsulating interface: packets of IPsec before they are encrypted, or after.
    Enc,
}

impl Format {
    /// Reads a header: what follows it, and how many bytes it takes.
    pub(super) fn read(self, bytes: &[u8]) -> Option<(Layer, usize)> {
        match self {
            Self::Nflog => nflog(bytes),
            Self::Pktap => pktap(bytes),
            Self::Radiotap => radiotap(bytes),
            Self::Ppi => ppi(bytes),
            Self::Prism => prism(bytes),
            Self::Pflog => pflog(bytes),
            Self::Enc => enc(bytes),
        }
    }
}

/// An address family, then attributes, of which one is the packet. Their numbers are in the
/// byte order of the machine that wrote them, which nothing tells: the order in which a packet is found is the one.
fn nflog(bytes: &[u8]) -> Option<(Layer, usize)> {
    let protocol = match *bytes.first_chunk::<4>()? {
        [2, 0, ..] => TYPE_IPV4,
        [10, 0, ..] => TYPE_IPV6,
        _ => return None,
    };
    let at = nflog_payload(bytes, u16::from_le_bytes).or_else(|| nflog_payload(bytes, u16::from_be_bytes))?;
    Some((Layer::Ip(protocol), at))
}

/// Offset of the packet among the attributes, each of which is padded to four bytes.
fn nflog_payload(bytes: &[u8], number: fn([u8; 2]) -> u16) -> Option<usize> {
    const PACKET: u16 = 9;
    let mut at = 4;
    loop {
        let [a, b, c, d] = *bytes.get(at..)?.first_chunk()?;
        let length = usize::from(number([a, b]));
        match number([c, d]) {
            _ if length < 4 => return None,
            PACKET => return Some(at + 4),
            _ => at += length.next_multiple_of(4),
        }
    }
}

/// Apple's header tells its own length, whether a packet follows at all, and the link type, all in the byte order of little-endian
/// machines, the only ones that wrote it.
fn pktap(bytes: &[u8]) -> Option<(Layer, usize)> {
    const PACKET: u32 = 1;
    const LEAST: usize = 12;
    let length = le32(bytes, 0)? as usize;
    match le32(bytes, 4)? {
        PACKET if length >= LEAST => Some((Layer::Link(u16::try_from(le32(bytes, 8)?).ok()?), length)),
        _ => None,
    }
}

/// The header tells its own length. Of its fields one matters: the flags say whether the card has put padding before the payload.
/// They are the second field that may be present, behind the time.
fn radiotap(bytes: &[u8]) -> Option<(Layer, usize)> {
    const TIME: u32 = 0x01;
    const FLAGS: u32 = 0x02;
    const MORE: u32 = 0x8000_0000;
    const PADDED: u8 = 0x20;

    let [0, _, low, high] = *bytes.first_chunk::<4>()? else {
        return None;
    };
    let length = usize::from(u16::from_le_bytes([low, high]));
    let words = bytes.get(4..length)?.as_chunks::<4>().0;
    let present = words.first().map(|word| u32::from_le_bytes(*word))?;
    let more = words.iter().take_while(|word| u32::from_le_bytes(**word) & MORE != 0);
    let mut at = 4 + (more.count() + 1) * 4;
    if present & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    let flags = bytes.get(at).filter(|_| present & FLAGS != 0 && at < length);
    let form = match flags {
        Some(flags) if flags & PADDED != 0 => Form::Padded,
        _ => Form::Plain,
    };
    Some((Layer::Wifi(form), length))
}

/// Version, flags, the header's length, and the link type behind it.
fn ppi(bytes: &[u8]) -> Option<(Layer, usize)> {
    const LEAST: usize = 8;
    let [0, _, low, high] = *bytes.first_chunk::<4>()? else {
        return None;
    };
    let length = usize::from(u16::from_le_bytes([low, high]));
    let link = u16::try_from(le32(bytes, 4)?).ok()?;
    (length >= LEAST).then_some((Layer::Link(link), length))
}

/// AVS' header begins with a magic number and its length; that of Prism has one length.
fn prism(bytes: &[u8]) -> Option<(Layer, usize)> {
    const AVS: u32 = 0x8021_1000;
    const PRISM: usize = 144;
    const LEAST: usize = 8;
    let length = match be32(bytes, 0)? {
        magic if magic & 0xffff_f000 == AVS => be32(bytes, 4)? as usize,
        _ => PRISM,
    };
    (length >= LEAST).then_some((Layer::Wifi(Form::Plain), length))
}

/// The header's length, without its padding, and the address family.
fn pflog(bytes: &[u8]) -> Option<(Layer, usize)> {
    const LEAST: u8 = 4;
    let [length, family, ..] = *bytes else { return None };
    let protocol = link::family(family.into())?;
    (length >= LEAST).then_some((Layer::Ip(protocol), usize::from(length).next_multiple_of(4)))
}

/// The address family in the byte order of the machine that wrote it, the association's number, flags.
fn enc(bytes: &[u8]) -> Option<(Layer, usize)> {
    const HEADER: usize = 12;
    let protocol = link::family(be32(bytes, 0)?).or_else(|| link::family(le32(bytes, 0)?))?;
    Some((Layer::Ip(protocol), HEADER))
}

/// Four bytes, the lowest first.
fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Layer = Layer::Ip(TYPE_IPV4);
    const V6: Layer = Layer::Ip(TYPE_IPV6);

    #[test]
    fn the_packet_of_a_netfilter_log_is_found_in_both_byte_orders() {
        let little = [2, 0, 0, 0, 5, 0, 10, 0, 0, 0, 0, 0, 44, 0, 9, 0, 0x45];
        assert_eq!(nflog(&little), Some((V4, 16)));
        let big = [10, 0, 0, 0, 0, 5, 0, 10, 0, 0, 0, 0, 0, 44, 0, 9, 0x60];
        assert_eq!(nflog(&big), Some((V6, 16)));
        assert_eq!(nflog(&[2, 0, 0, 0, 0, 0, 10, 0]), None);
    }

    #[test]
    fn apples_header_names_the_link_type_behind_it() {
        let header = |length: u32, kind: u32, link: u32| [length, kind, link].map(u32::to_le_bytes).concat();
        assert_eq!(pktap(&header(108, 1, 1)), Some((Layer::Link(1), 108)));
        assert_eq!(pktap(&header(108, 0, 1)), None);
        assert_eq!(pktap(&header(8, 1, 1)), None);
        assert_eq!(pktap(&header(108, 1, 0x1_0001)), None);
    }

    #[test]
    fn the_radios_header_tells_of_padding() {
        let plain = Some((Layer::Wifi(Form::Plain), 8));
        assert_eq!(radiotap(&[0, 0, 8, 0, 0, 0, 0, 0]), plain);
        assert_eq!(radiotap(&[1, 0, 8, 0, 0, 0, 0, 0]), None);
        let padded = |length| Some((Layer::Wifi(Form::Padded), length));
        assert_eq!(radiotap(&[0, 0, 9, 0, 2, 0, 0, 0, 0x20]), padded(9));
        let timed = [&[0, 0, 17, 0, 3, 0, 0, 0][..], &[0; 8], &[0x20]].concat();
        assert_eq!(radiotap(&timed), padded(17));
        let longer = [0, 0, 13, 0, 2, 0, 0, 0x80, 0, 0, 0, 0, 0x20];
        assert_eq!(radiotap(&longer), padded(13));
        assert_eq!(radiotap(&[0, 0, 9, 0, 2, 0, 0]), None);
    }

    #[test]
    fn the_older_headers_of_radios_lead_to_the_frame() {
        let wifi = Layer::Wifi(Form::Plain);
        assert_eq!(ppi(&[0, 0, 8, 0, 105, 0, 0, 0]), Some((Layer::Link(105), 8)));
        assert_eq!(ppi(&[0, 0, 7, 0, 105, 0, 0, 0]), None);
        assert_eq!(prism(&[0x44, 0, 0, 0, 144, 0, 0, 0]), Some((wifi, 144)));
        assert_eq!(prism(&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64]), Some((wifi, 64)));
        assert_eq!(prism(&[0x80, 0x21, 0x10, 1, 0, 0, 0, 0]), None);
    }

    #[test]
    fn openbsds_headers_tell_the_address_family() {
        assert_eq!(pflog(&[61, 2, 1, 0]), Some((V4, 64)));
        assert_eq!(pflog(&[64, 24, 1, 0]), Some((V6, 64)));
        assert_eq!(pflog(&[0, 2, 1, 0]), None);
        assert_eq!(enc(&[2, 0, 0, 0]), Some((V4, 12)));
        assert_eq!(enc(&[0, 0, 0, 24]), Some((V6, 12)));
        assert_eq!(enc(&[0, 7, 0, 0]), None);
    }
}
