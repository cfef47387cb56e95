//! The short path: IPv4 without options, or IPv6 without extension headers, unfragmented, with lengths that make sense, and TCP in it.
//!
//! Nearly all packets of a TLS capture are of this shape, and reading them at fixed offsets costs a fifth of the general path.
//! Whatever is not declines (`None`) and goes the long way.

use super::link::{Network, Version};
use super::tcp::{self, Carrier, Header};
use super::{Decoded, Packet, Role};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The least that a TCP segment is long.
const LEAST_TCP: usize = 20;

/// Length of an IPv4 header without options, and of an IPv6 header.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// Reads a packet of the usual shape; `None` where it has another.
#[inline]
pub(super) fn decode(packet: &Packet<'_>, network: &Network) -> Option<Decoded> {
    let bytes = packet.bytes.get(network.at..)?;
    match network.version {
        Version::V4 => v4(packet, network, bytes),
        Version::V6 => v6(packet, network, bytes),
    }
}

#[inline]
fn v4(packet: &Packet<'_>, network: &Network, bytes: &[u8]) -> Option<Decoded> {
    let (header, rest) = bytes.split_first_chunk::<IPV4_HEADER>()?;
    // No options; neither an offset nor "more fragments" (RFC 791 §3.1).
    if header[0] != 0x45 || header[6] & 0x3f != 0 || header[7] != 0 {
        return None;
    }
    // A total length of 0 is left by segmentation offload, and wants the frame's own length.
    let on_wire = usize::from(u16::from_be_bytes([header[2], header[3]])).checked_sub(IPV4_HEADER)?;
    match header[9] {
        TCP if on_wire >= LEAST_TCP => {}
        UDP => return Some(Decoded::Other),
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
    };
    segment(packet, &carrier, rest)
}

#[inline]
fn v6(packet: &Packet<'_>, network: &Network, bytes: &[u8]) -> Option<Decoded> {
    let (header, rest) = bytes.split_first_chunk::<IPV6_HEADER>()?;
    let on_wire = usize::from(u16::from_be_bytes([header[4], header[5]]));
    match header[6] {
        TCP if on_wire >= LEAST_TCP => {}
        UDP => return Some(Decoded::Other),
        _ => return None,
    }
    let (_, addresses) = header.split_first_chunk::<8>()?;
    let (source, rest_of_addresses) = addresses.split_first_chunk()?;
    let carrier = Carrier {
        source: *source,
        destination: *rest_of_addresses.first_chunk()?,
        ttl: header[7],
        ip_id: 0,
        vlan: network.vlan,
        at: network.at + IPV6_HEADER,
        on_wire,
        role: role(network),
    };
    segment(packet, &carrier, rest)
}

/// TCP with at least the fixed part of its header captured, and a data offset that can be.
#[inline]
fn segment(packet: &Packet<'_>, carrier: &Carrier, rest: &[u8]) -> Option<Decoded> {
    let bytes = rest.get(..carrier.on_wire).unwrap_or(rest);
    let header = Header::read(bytes).filter(|_| bytes.len() >= LEAST_TCP)?;
    Some(Decoded::Tcp(tcp::segment(packet, carrier, &header, bytes.len())))
}

/// An IPv4 address as an IPv6 address (RFC 4291 §2.5.5.2).
#[inline]
pub(super) const fn mapped(address: [u8; 4]) -> [u8; 16] {
    let [a, b, c, d] = address;
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

#[inline]
const fn role(network: &Network) -> Role {
    if network.numbered {
        Role::Whole
    } else {
        Role::Unnumbered
    }
}
