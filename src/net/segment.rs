//! What one packet says at the TCP layer, with its payload left where it is.

use std::net::IpAddr;

use super::wrapping::Encapsulations;
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
    /// The same for addresses as such.
    #[cfg(test)]
    pub(crate) fn new(source: (IpAddr, u16), destination: (IpAddr, u16)) -> (Self, bool) {
        Self::from_numbers((number(source.0), source.1), (number(destination.0), destination.1))
    }

    /// The key of a packet, and whether its sender is the low end. Addresses are numbers (IPv4 ones mapped), whose order is that of their
    /// bytes.
    #[inline]
    pub(super) const fn from_numbers(source: (u128, u16), destination: (u128, u16)) -> (Self, bool) {
        let from_low = source.0 < destination.0 || (source.0 == destination.0 && source.1 <= destination.1);
        let (low, high) = if from_low {
            (source, destination)
        } else {
            (destination, source)
        };
        let key = Self {
            low_address: low.0.to_be_bytes(),
            high_address: high.0.to_be_bytes(),
            low_port: low.1,
            high_port: high.1,
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

#[cfg(test)]
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
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
    const URG: u8 = 0x20;

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

    /// The urgent pointer counts (RFC 9293 §3.8.5).
    pub(crate) const fn urg(self) -> bool {
        self.0 & Self::URG != 0
    }
}

/// What may be done with a segment. Wireshark numbers some headers that carry no stream, and leaves out some that do; both must
/// be known where `tcp.stream` is to come out the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// Numbered and followed: every ordinary segment, whether its payload was captured in full or not.
    #[default]
    Whole,
    /// Numbered, not followed: the data offset is below the least header (RFC 9293 §3.1), so that no receiver takes the segment.
    Mangled,
    /// Numbered, not followed, and no source of initial sequence numbers: a header whose segment's length is unknown. It is longer than
    /// its packet, or stands in a first fragment that the snapshot length cut.
    Glimpse,
    /// As [`Glimpse`](Self::Glimpse): a header that an ICMP error quotes. Its payload is the error, an [`IcmpError`](super::IcmpError).
    Quoted,
    /// Likewise, but no more than ports and sequence number were quoted (RFC 792): neither numbered nor followed.
    QuotedInPart,
    /// Followed, not numbered: Wireshark 4.0 does not dissect it as TCP by default (IPv6 payload length 0 without a jumbo option,
    /// as offloading leaves it; VLAN tag 0x9200).
    Unnumbered,
}

impl Role {
    /// True where the segment belongs to a numbered conversation.
    pub(crate) const fn numbered(self) -> bool {
        !matches!(self, Self::Unnumbered | Self::QuotedInPart)
    }

    /// True for the header of a segment whose length is unknown.
    pub(crate) const fn is_glimpse(self) -> bool {
        matches!(self, Self::Glimpse | Self::Quoted | Self::QuotedInPart)
    }

    /// True for a header that an ICMP error quotes.
    pub(crate) const fn is_quoted(self) -> bool {
        matches!(self, Self::Quoted | Self::QuotedInPart)
    }

    /// True where the segment is part of what its sender said.
    pub(crate) const fn followed(self) -> bool {
        matches!(self, Self::Whole | Self::Unnumbered)
    }
}

/// One TCP segment of one packet. `payload` is a range of the window's bytes, or of the datagrams put together from its fragments;
/// nothing is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Payload bytes that were captured; 0 where the segment is not to be followed. Of a reset without any: what the frame's trailer says of
    /// it. Of a quoted header: the error that quotes it.
    pub(crate) payload_len: u32,
    /// Payload bytes that were on the wire but not captured (snapshot length).
    pub(crate) payload_cut: u32,
    /// Time to live, or hop limit.
    pub(crate) ttl: u8,
    /// IPv4 identification; 0 for IPv6.
    pub(crate) ip_id: u16,
    /// Maximum segment size option of a SYN; 0 where there is none.
    pub(crate) mss: u16,
    /// Window scale option of a SYN (RFC 7323 §2.2): how far later windows of its sender are shifted.
    pub(crate) window_scale: Option<u8>,
    /// Innermost VLAN id; 0 where there is no tag.
    pub(crate) vlan: u16,
    /// Whether it is numbered, and whether it is followed.
    pub(crate) role: Role,
    /// The payload is not the sender's: it is what the device that captured the reset says of it, for
    /// [`DeviceReset`](super::DeviceReset).
    pub(crate) told_by_device: bool,
    /// What it was wrapped in, VLAN tags apart.
    pub(crate) encapsulations: Encapsulations,
}

// Segments are handed between threads by the million: a field that makes them larger is to be a decision, not an accident.
const _: () = assert!(size_of::<Segment>() <= 96);

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOW: (IpAddr, u16) = (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 50_000);
    const HIGH: (IpAddr, u16) = (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 443);

    #[test]
    fn both_directions_have_one_key() {
        assert_eq!(FlowKey::new(LOW, HIGH).0, FlowKey::new(HIGH, LOW).0);
        assert!(FlowKey::new(LOW, HIGH).1);
        assert!(!FlowKey::new(HIGH, LOW).1);
    }

    #[test]
    fn ports_decide_where_the_addresses_are_equal() {
        let (key, from_low) = FlowKey::new((LOW.0, 9), (LOW.0, 8));
        assert!(!from_low);
        assert_eq!((key.low_port, key.high_port), (8, 9));
    }

    #[test]
    fn an_ipv4_address_comes_out_as_it_went_in() {
        assert_eq!(FlowKey::new(HIGH, LOW).0.low(), LOW);
        assert_eq!(FlowKey::new(HIGH, LOW).0.high(), HIGH);
    }
}
