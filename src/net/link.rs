//! Link layers: where in a frame the IP header begins, and the innermost VLAN id on the way to it.
//!
//! Link types are those of the LINKTYPE_ registry (tcpdump.org): NULL, Ethernet, RAW under its three numbers, LOOP, Linux "cooked"
//! captures in both versions, IPv4 and IPv6. The others are told in [`super::layer`].

const NULL: u16 = 0;
pub(super) const ETHERNET: u16 = 1;
const RAW_OF_BSD: u16 = 12;
const RAW_OF_OPENBSD: u16 = 14;
const RAW: u16 = 101;
const LOOP: u16 = 108;
const LINUX_SLL: u16 = 113;
const IPV4: u16 = 228;
const IPV6: u16 = 229;
const LINUX_SLL2: u16 = 276;

pub(super) const TYPE_IPV4: u16 = 0x0800;
pub(super) const TYPE_IPV6: u16 = 0x86dd;

/// Largest value of the type field that is a length (IEEE 802.3 §3.2.6).
const LARGEST_LENGTH: u16 = 1500;

/// Where the network layer of a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    /// Offset of the IP header in the frame.
    pub(super) at: usize,
    /// Which IP it is.
    pub(super) version: Version,
    /// Innermost VLAN id; 0 where there is no tag.
    pub(super) vlan: u16,
    /// True where Wireshark reads on to IP as well.
    pub(super) numbered: bool,
}

/// IP's version, as its first four bits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Version {
    /// RFC 791.
    V4,
    /// RFC 8200.
    V6,
}

/// Finds the IP header behind a link layer; `None` where there is none, or the link type is not known here.
#[inline]
pub(super) fn peel(link: u16, frame: &[u8]) -> Option<Network> {
    match link {
        ETHERNET => match be16(frame, 12)? {
            length @ ..=LARGEST_LENGTH => snap(frame, 14, usize::from(length)),
            protocol => typed(frame, 14, protocol),
        },
        LINUX_SLL => typed(frame, 16, be16(frame, 14)?),
        LINUX_SLL2 => typed(frame, 20, be16(frame, 0)?),
        RAW | RAW_OF_BSD | RAW_OF_OPENBSD | IPV4 => ip(frame, 0, TYPE_IPV4),
        IPV6 => ip(frame, 0, TYPE_IPV6),
        NULL => null(frame),
        LOOP => family(u32::from_be_bytes(*frame.first_chunk()?)).and_then(|protocol| ip(frame, 4, protocol)),
        _ => None,
    }
}

/// What a type field behind any VLAN tags says of the bytes that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// Offset of those bytes.
    pub(super) at: usize,
    /// The EtherType, or a length.
    pub(super) protocol: u16,
    /// Innermost VLAN id; 0 where there is no tag.
    pub(super) vlan: u16,
    /// True where Wireshark knows the tags as well.
    pub(super) numbered: bool,
}

/// The type field of the link layers that have one, for the frames in which [`peel`] finds no IP.
pub(super) fn type_field(link: u16, frame: &[u8]) -> Option<Typed> {
    match link {
        ETHERNET => tags(frame, 14, be16(frame, 12)?),
        LINUX_SLL => tags(frame, 16, be16(frame, 14)?),
        LINUX_SLL2 => tags(frame, 20, be16(frame, 0)?),
        _ => None,
    }
}

/// Steps over any number of VLAN tags (IEEE 802.1Q, 802.1ad and its forerunners), of which the type field before `at` may announce
/// the first.
#[inline]
pub(super) fn tags(frame: &[u8], mut at: usize, mut protocol: u16) -> Option<Typed> {
    let mut vlan = 0;
    let mut numbered = true;
    // Every turn moves on by four bytes, so the frame's length bounds them.
    while let 0x8100 | 0x88a8 | 0x9100 | 0x9200 = protocol {
        // Wireshark 4.0 does not know 0x9200, which a few switches wrote before 802.1ad.
        numbered &= protocol != 0x9200;
        vlan = be16(frame, at)? & 0x0fff;
        protocol = be16(frame, at + 2)?;
        at += 4;
    }
    Some(Typed {
        at,
        protocol,
        vlan,
        numbered,
    })
}

/// What follows a type field: IP, or VLAN tags and then IP.
#[inline]
fn typed(frame: &[u8], start: usize, protocol: u16) -> Option<Network> {
    let Typed {
        at,
        protocol,
        vlan,
        numbered,
    } = tags(frame, start, protocol)?;
    let network = match protocol {
        length @ ..=LARGEST_LENGTH if at != start => snap(frame, at, usize::from(length))?,
        _ => ip(frame, at, protocol)?,
    };
    Some(Network {
        vlan,
        numbered,
        ..network
    })
}

/// A length instead of a type: LLC and SNAP may still lead to IP. `length` is the type field's value.
fn snap(frame: &[u8], at: usize, length: usize) -> Option<Network> {
    let protocol = snap_type(frame.get(at..)?)?;
    if length > SNAP {
        ip(frame, at + SNAP, protocol)
    } else {
        None
    }
}

/// Length of a logical link control header with a subnetwork access protocol header.
pub(super) const SNAP: usize = 8;

/// The EtherType that LLC and SNAP (IEEE 802) lead to.
pub(super) fn snap_type(bytes: &[u8]) -> Option<u16> {
    match *bytes.first_chunk::<SNAP>()? {
        [0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00 | 0xf8, high, low] => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

/// BSD's loopback header: the address family in the byte order of the machine that wrote it. Some write an EtherType there.
fn null(frame: &[u8]) -> Option<Network> {
    let value = *frame.first_chunk::<4>()?;
    let protocol = [u32::from_be_bytes(value), u32::from_le_bytes(value)]
        .into_iter()
        .find_map(|value| match value {
            0x0800 => Some(TYPE_IPV4),
            0x86dd => Some(TYPE_IPV6),
            _ => family(value),
        })?;
    ip(frame, 4, protocol)
}

/// The EtherType for an address family as the BSDs number them: AF_INET6 is 24 for NetBSD and OpenBSD, 28 for FreeBSD, 30 for macOS.
pub(super) const fn family(number: u32) -> Option<u16> {
    match number {
        2 => Some(TYPE_IPV4),
        24 | 28 | 30 => Some(TYPE_IPV6),
        _ => None,
    }
}

/// IP at an offset. Its own version field decides; only a link layer that announces IPv6 is held to it, as Wireshark does.
#[inline]
pub(super) fn ip(frame: &[u8], at: usize, protocol: u16) -> Option<Network> {
    let version = match (frame.get(at)? >> 4, protocol) {
        (4, TYPE_IPV4) => Version::V4,
        (6, TYPE_IPV4 | TYPE_IPV6) => Version::V6,
        _ => return None,
    };
    Some(Network {
        at,
        version,
        vlan: 0,
        numbered: true,
    })
}

/// Two bytes in network order.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))
}

/// Four bytes in network order.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(header: &[u8], ip: u8) -> Vec<u8> {
        let mut frame = header.to_vec();
        frame.extend([ip, 0, 0, 0]);
        frame
    }

    fn ethernet(rest: &[u8], ip: u8) -> Vec<u8> {
        after(&[&[0_u8; 12][..], rest].concat(), ip)
    }

    fn at(link: u16, frame: &[u8]) -> Option<(usize, Version)> {
        peel(link, frame).map(|network| (network.at, network.version))
    }

    #[test]
    fn ethernet_leads_to_either_ip() {
        assert_eq!(at(1, &ethernet(&[0x08, 0x00], 0x45)), Some((14, Version::V4)));
        assert_eq!(at(1, &ethernet(&[0x86, 0xdd], 0x60)), Some((14, Version::V6)));
        assert_eq!(at(1, &ethernet(&[0x08, 0x06], 0x00)), None);
    }

    #[test]
    fn the_innermost_of_several_tags_counts() {
        let frame = ethernet(
            &[
                0x88, 0xa8, 0x00, 0x07, 0x91, 0x00, 0x00, 0x08, 0x81, 0x00, 0xe0, 0x09, 0x08, 0x00,
            ],
            0x45,
        );
        assert_eq!(
            peel(1, &frame),
            Some(Network {
                at: 26,
                version: Version::V4,
                vlan: 9,
                numbered: true
            })
        );
    }

    #[test]
    fn the_tag_that_wireshark_does_not_know_is_followed_but_not_numbered() {
        let frame = ethernet(&[0x92, 0x00, 0x00, 0x07, 0x08, 0x00], 0x45);
        assert_eq!(
            peel(1, &frame),
            Some(Network {
                at: 18,
                version: Version::V4,
                vlan: 7,
                numbered: false
            })
        );
    }

    #[test]
    fn tags_without_an_end_lead_nowhere() {
        assert_eq!(peel(1, &[0x81, 0x00].repeat(40)), None);
    }

    #[test]
    fn a_length_with_snap_leads_to_ip() {
        assert_eq!(
            at(1, &ethernet(&[0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00], 0x45)),
            Some((22, Version::V4))
        );
        assert_eq!(
            at(1, &ethernet(&[0, 48, 0x42, 0x42, 3, 0, 0, 0, 0x08, 0x00], 0x45)),
            None
        );
    }

    #[test]
    fn linux_cooked_headers_have_their_type_at_the_end_or_at_the_start() {
        let mut sll = [0_u8; 16];
        sll[14] = 0x08;
        assert_eq!(at(113, &after(&sll, 0x45)), Some((16, Version::V4)));
        let mut sll2 = [0_u8; 20];
        sll2[..2].copy_from_slice(&[0x86, 0xdd]);
        assert_eq!(at(276, &after(&sll2, 0x60)), Some((20, Version::V6)));
    }

    #[test]
    fn null_is_read_in_both_byte_orders_and_loop_in_network_order() {
        assert_eq!(at(0, &after(&[2, 0, 0, 0], 0x45)), Some((4, Version::V4)));
        assert_eq!(at(0, &after(&[0, 0, 0, 30], 0x60)), Some((4, Version::V6)));
        assert_eq!(at(108, &after(&[0, 0, 0, 24], 0x60)), Some((4, Version::V6)));
        assert_eq!(at(108, &after(&[24, 0, 0, 0], 0x60)), None);
    }

    #[test]
    fn raw_ip_tells_its_version_itself() {
        for link in [12, 14, 101, 228] {
            assert_eq!(at(link, &[0x45]), Some((0, Version::V4)));
            assert_eq!(at(link, &[0x60]), Some((0, Version::V6)));
        }
        assert_eq!(at(229, &[0x60]), Some((0, Version::V6)));
        assert_eq!(at(229, &[0x45]), None);
        assert_eq!(at(101, &[0x00]), None);
    }

    #[test]
    fn a_type_that_is_not_ip_is_told_with_its_tags() {
        let frame = ethernet(&[0x81, 0x00, 0x00, 0x07, 0x88, 0x64], 0x11);
        assert_eq!(peel(1, &frame), None);
        assert_eq!(
            type_field(1, &frame),
            Some(Typed {
                at: 18,
                protocol: 0x8864,
                vlan: 7,
                numbered: true
            })
        );
        assert_eq!(type_field(101, &frame), None);
    }

    #[test]
    fn other_link_types_are_not_read() {
        assert_eq!(at(105, &[0x45; 60]), None);
    }
}
