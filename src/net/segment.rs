//! What one packet says at the TCP layer, with its payload left where it is.

use std::net::IpAddr;

use crate::evidence::Time;

/// Both ends of a TCP flow, the smaller (address, port) first, so that both directions have one key.
/// IPv4 addresses are kept as IPv4-mapped IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FlowKey {
    /// The smaller address, as 16 bytes.
    pub(crate) low_address: [u8; 16],
    /// The larger address, as 16 bytes.
    pub(crate) high_address: [u8; 16],
    /// The port at the smaller address.
    pub(crate) low_port: u16,
    /// The port at the larger address.
    pub(crate) high_port: u16,
}

impl FlowKey {
    /// The key of a packet, and whether its sender is the low end.
    pub(crate) fn new(source: (IpAddr, u16), destination: (IpAddr, u16)) -> (Self, bool) {
        let (source_address, destination_address) = (octets(source.0), octets(destination.0));
        let from_low = (source_address, source.1) <= (destination_address, destination.1);
        let key = if from_low {
            Self {
                low_address: source_address,
                high_address: destination_address,
                low_port: source.1,
                high_port: destination.1,
            }
        } else {
            Self {
                low_address: destination_address,
                high_address: source_address,
                low_port: destination.1,
                high_port: source.1,
            }
        };
        (key, from_low)
    }

    /// Address and port of the low end.
    pub(crate) fn low(&self) -> (IpAddr, u16) {
        (address(self.low_address), self.low_port)
    }

    /// Address and port of the high end.
    pub(crate) fn high(&self) -> (IpAddr, u16) {
        (address(self.high_address), self.high_port)
    }
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

fn address(octets: [u8; 16]) -> IpAddr {
    IpAddr::from(octets).to_canonical()
}

/// TCP header flags (RFC 9293 §3.1), as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u8);

impl Flags {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;

    /// The sender has no more data.
    pub(crate) const fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }

    /// Opens a connection, or answers such a segment.
    pub(crate) const fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }

    /// Ends a connection at once.
    pub(crate) const fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }

    /// The acknowledgement number counts.
    pub(crate) const fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }
}

/// One TCP segment of one packet. `payload` is a range of the window's bytes; nothing is copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// Which flow.
    pub(crate) key: FlowKey,
    /// True where the sender is the flow's low end.
    pub(crate) from_low: bool,
    /// `frame.number`, counted from 1.
    pub(crate) frame: u64,
    /// The packet's time, where the format has one.
    pub(crate) time: Option<Time>,
    /// Sequence number.
    pub(crate) seq: u32,
    /// Acknowledgement number (meaningful with ACK).
    pub(crate) ack: u32,
    /// Flags.
    pub(crate) flags: Flags,
    /// Receive window as on the wire, not scaled.
    pub(crate) window: u16,
    /// Offset of the payload in the window of the capture.
    pub(crate) payload_at: u32,
    /// Payload bytes that were captured.
    pub(crate) payload_len: u32,
    /// Payload bytes that were on the wire but not captured (snapshot length).
    pub(crate) payload_cut: u32,
    /// Time to live, or hop limit.
    pub(crate) ttl: u8,
    /// IPv4 identification; 0 for IPv6.
    pub(crate) ip_id: u16,
    /// Maximum segment size option of a SYN; 0 where there is none.
    pub(crate) mss: u16,
    /// Innermost VLAN id; 0 where there is no tag.
    pub(crate) vlan: u16,
}
