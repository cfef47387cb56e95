//! The short path: IPv4 without options, or IPv6 without extension headers, unfragmented, with lengths that make sense, and TCP in it.
//!
//! Nearly all packets of a TLS capture are of this shape, and reading them at fixed offsets costs less than half of the general
//! path. Whatever has another shape is left to that one.
//!
//! All of it is inlined into one function on purpose, and addresses travel as numbers: a segment is then written once, where it is
//! wanted. Handing one through calls (96 bytes each time) was measured to cost as much as reading the packet.

use super::link::{Network, Version};
use super::tcp::{Carrier, Header};
use super::{Encapsulations, Packet, Role, layer, udp};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The least that a TCP segment is long.
const LEAST_TCP: usize = 20;

/// Length of an IPv4 header without options, and of an IPv6 header.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// What a packet of the usual shape holds.
pub(super) enum Usual {
    /// A TCP segment.
    Tcp {
        /// What IP says of it.
        carrier: Carrier,
        /// Its header.
        header: Header,
        /// Captured bytes of header and payload.
        captured: usize,
    },
    /// UDP between ports at which no tunnel ends, and with which nothing begins.
    Udp,
}

/// Reads a packet of the usual shape; `None` where it has another.
#[inline(always)]
pub(super) fn read(packet: &Packet<'_>, network: &Network) -> Option<Usual> {
    let bytes = packet.bytes.get(network.at..)?;
    match network.version {
        Version::V4 => v4(network, bytes),
        Version::V6 => v6(network, bytes),
    }
}

#[inline(always)]
fn v4(network: &Network, bytes: &[u8]) -> Option<Usual> {
    let (header, rest) = bytes.split_first_chunk::<IPV4_HEADER>()?;
    // No options; neither an offset nor "more fragments" (RFC 791 §3.1).
    if header[0] != 0x45 || header[6] & 0x3f != 0 || header[7] != 0 {
        return None;
    }
    // A total length of 0 is left by segmentation offload, and wants the frame's own length.
    let on_wire = usize::from(u16::from_be_bytes([header[2], header[3]])).checked_sub(IPV4_HEADER)?;
    match header[9] {
        TCP if on_wire >= LEAST_TCP => {}
        UDP => return datagram(rest),
        _ => return None,
    }
    let carrier = Carrier {
        source: mapped([header[12], header[13], header[14], header[15]]),
        destination: mapped([header[16], header[17], header[18], header[19]]),
        ttl: header[8],
        ip_id: u16::from_be_bytes([header[4], header[5]]),
        vlan: network.vlan,
        at: network.at + IPV4_HEADER,
        on_wire,
        role: role(network),
        encapsulations: Encapsulations::NONE,
    };
    tcp(carrier, rest)
}

#[inline(always)]
fn v6(network: &Network, bytes: &[u8]) -> Option<Usual> {
    let (header, rest) = bytes.split_first_chunk::<IPV6_HEADER>()?;
    let on_wire = usize::from(u16::from_be_bytes([header[4], header[5]]));
    match header[6] {
        TCP if on_wire >= LEAST_TCP => {}
        UDP => return datagram(rest),
        _ => return None,
    }
    let (_, addresses) = header.split_first_chunk::<8>()?;
    let (source, rest_of_addresses) = addresses.split_first_chunk()?;
    let carrier = Carrier {
        source: u128::from_be_bytes(*source),
        destination: u128::from_be_bytes(*rest_of_addresses.first_chunk()?),
        ttl: header[7],
        ip_id: 0,
        vlan: network.vlan,
        at: network.at + IPV6_HEADER,
        on_wire,
        role: role(network),
        encapsulations: Encapsulations::NONE,
    };
    tcp(carrier, rest)
}

/// TCP with at least the fixed part of its header captured.
#[inline(always)]
fn tcp(carrier: Carrier, rest: &[u8]) -> Option<Usual> {
    let bytes = rest.get(..carrier.on_wire).unwrap_or(rest);
    let header = Header::read(bytes).filter(|_| bytes.len() >= LEAST_TCP)?;
    Some(Usual::Tcp {
        carrier,
        header,
        captured: bytes.len(),
    })
}

/// UDP, unless one of its ports says that a tunnel may be inside, or DTLS or QUIC begins.
#[inline(always)]
fn datagram(rest: &[u8]) -> Option<Usual> {
    let ([a, b, c, d], _) = rest.split_first_chunk()?;
    if layer::has_port(u16::from_be_bytes([*a, *b]))
        || layer::has_port(u16::from_be_bytes([*c, *d]))
        || udp::may_open(rest)
    {
        return None;
    }
    Some(Usual::Udp)
}

/// An IPv4 address as an IPv6 address (RFC 4291 §2.5.5.2).
#[inline(always)]
pub(super) const fn mapped(address: [u8; 4]) -> u128 {
    0xffff_0000_0000 | u32::from_be_bytes(address) as u128
}

#[inline(always)]
const fn role(network: &Network) -> Role {
    if network.numbered {
        Role::Whole
    } else {
        Role::Unnumbered
    }
}
