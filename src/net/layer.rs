//! What can stand at a place in a frame, and what announces it: link types, EtherTypes, protocol numbers of IP, ports of UDP.
//!
//! The headers themselves are read in [`super::serial`], [`super::wireless`], [`super::log`] and [`super::encapsulation`];
//! [`super::tunnel`] walks from one to the next. Where implementations differ from the standard, what Wireshark 4.0 makes of a header
//! decides, since its stream numbers are to come out the same.

use super::link::{self, ETHERNET, TYPE_IPV4, TYPE_IPV6, be16, be32};
use super::wireless::{self, Form};
use super::wrapping::Kind;
use super::{encapsulation, log, serial};

/// What begins at a place in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// A frame of a link type of its own; inside tunnels, Ethernet.
    Link(u16),
    /// VLAN tags, of which the EtherType announces the first.
    Tags(u16),
    /// IP; the EtherType says which version is expected.
    Ip(u16),
    /// IP again, directly behind an IP header.
    IpInIp(u16),
    /// A PPP session over Ethernet.
    Pppoe,
    /// PPP.
    Ppp,
    /// Cisco's HDLC.
    CiscoHdlc,
    /// Frame relay.
    FrameRelay,
    /// A line of SLIP.
    Slip,
    /// A logical link control header.
    Llc,
    /// A frame of a wireless network.
    Wifi(Form),
    /// Several frames of a wireless network in one.
    Aggregate,
    /// What the capturing system puts before a frame.
    Log(log::Format),
    /// Cisco's metadata header.
    CiscoMetadata,
    /// A stack of MPLS labels.
    Mpls,
    /// GRE.
    Gre,
    /// VXLAN.
    Vxlan,
    /// VXLAN with a field for the next protocol.
    VxlanGpe,
    /// Geneve.
    Geneve,
    /// The user plane of GTP.
    Gtp,
    /// L2TP in UDP.
    L2tp,
    /// A session of L2TP's third version.
    L2tpSession,
    /// What a wireless access point hands its controller.
    Capwap,
    /// IPv6 in UDP.
    Teredo,
}

/// Link types of the LINKTYPE_ registry.
const SLIP: u16 = 8;
const PPP: u16 = 9;
const PPP_HDLC: u16 = 50;
const PPPOE: u16 = 51;
/// A logical link control header first, as over ATM (RFC 2684).
pub(super) const LLC: u16 = 100;
const CISCO_HDLC: u16 = 104;
const WIFI: u16 = 105;
const FRAME_RELAY: u16 = 107;
const ENC: u16 = 109;
const PFLOG: u16 = 117;
const PRISM: u16 = 119;
const RADIOTAP: u16 = 127;
/// The number that Apple took for PKTAP before it had one of its own, among those that are free for everybody's use.
const USER2: u16 = 149;
const AVS: u16 = 163;
const PPI: u16 = 192;
const NFLOG: u16 = 239;
const PKTAP: u16 = 258;

/// EtherTypes (IANA's registry of IEEE 802 numbers).
const TYPE_ETHERNET: u16 = 0x6558;
const TYPE_MPLS: u16 = 0x8847;
const TYPE_MPLS_MULTICAST: u16 = 0x8848;
const TYPE_PPPOE_SESSION: u16 = 0x8864;
const TYPE_CISCO_METADATA: u16 = 0x8909;

impl Layer {
    /// What a link type holds that [`super::link`] does not read.
    pub(super) const fn in_link(link: u16) -> Option<Self> {
        match link {
            SLIP => Some(Self::Slip),
            PPP | PPP_HDLC => Some(Self::Ppp),
            PPPOE => Some(Self::Pppoe),
            LLC => Some(Self::Llc),
            CISCO_HDLC => Some(Self::CiscoHdlc),
            WIFI => Some(Self::Wifi(Form::Plain)),
            FRAME_RELAY => Some(Self::FrameRelay),
            ENC => Some(Self::Log(log::Format::Enc)),
            PFLOG => Some(Self::Log(log::Format::Pflog)),
            PRISM | AVS => Some(Self::Log(log::Format::Prism)),
            RADIOTAP => Some(Self::Log(log::Format::Radiotap)),
            PPI => Some(Self::Log(log::Format::Ppi)),
            NFLOG => Some(Self::Log(log::Format::Nflog)),
            PKTAP | USER2 => Some(Self::Log(log::Format::Pktap)),
            _ => None,
        }
    }

    /// What an EtherType announces.
    pub(super) const fn typed(protocol: u16) -> Option<Self> {
        match protocol {
            0x8100 | 0x88a8 | 0x9100 => Some(Self::Tags(protocol)),
            TYPE_PPPOE_SESSION => Some(Self::Pppoe),
            TYPE_CISCO_METADATA => Some(Self::CiscoMetadata),
            _ => Self::typed_elsewhere(protocol),
        }
    }

    /// What an EtherType announces where it stands in GRE or on a serial line, for which Wireshark has shorter lists.
    pub(super) const fn typed_elsewhere(protocol: u16) -> Option<Self> {
        match protocol {
            TYPE_IPV4 | TYPE_IPV6 => Some(Self::Ip(protocol)),
            TYPE_MPLS | TYPE_MPLS_MULTICAST => Some(Self::Mpls),
            TYPE_ETHERNET => Some(Self::Link(ETHERNET)),
            _ => None,
        }
    }

    /// What a protocol number of IP announces, beside TCP, UDP and ICMP.
    pub(super) const fn in_ip(protocol: u8) -> Option<Self> {
        match protocol {
            4 => Some(Self::IpInIp(TYPE_IPV4)),
            41 => Some(Self::IpInIp(TYPE_IPV6)),
            47 => Some(Self::Gre),
            115 => Some(Self::L2tpSession),
            137 => Some(Self::Mpls),
            _ => None,
        }
    }

    /// What is expected behind UDP at a port, and whether Wireshark 4.0 expects it there too.
    pub(super) const fn in_udp(port: u16) -> Option<(Self, bool)> {
        match port {
            1701 => Some((Self::L2tp, true)),
            2152 => Some((Self::Gtp, true)),
            3544 => Some((Self::Teredo, true)),
            4754 => Some((Self::Gre, true)),
            4789 => Some((Self::Vxlan, true)),
            4790 => Some((Self::VxlanGpe, true)),
            5247 => Some((Self::Capwap, true)),
            6081 => Some((Self::Geneve, true)),
            6635 => Some((Self::Mpls, true)),
            // What the Linux kernel and Flannel use by default.
            8472 => Some((Self::Vxlan, false)),
            _ => None,
        }
    }

    /// What a layer adds to the list of encapsulations; `None` for those that are link layers, or IP itself, or counted already.
    pub(super) fn kind(self, bytes: &[u8]) -> Option<Kind> {
        match self {
            Self::Link(_) | Self::Tags(_) | Self::Ip(_) | Self::Llc | Self::Wifi(_) | Self::Aggregate => None,
            Self::CiscoHdlc | Self::FrameRelay | Self::Slip | Self::Log(_) => None,
            Self::IpInIp(_) => Some(Kind::Ip),
            Self::Teredo => Some(Kind::Teredo),
            Self::Ppp => Some(Kind::Ppp),
            Self::Pppoe => Some(Kind::Pppoe),
            Self::CiscoMetadata => Some(Kind::CiscoMetadata),
            Self::Mpls => Some(Kind::Mpls),
            Self::Gre if encapsulation::is_mirror(bytes) => Some(Kind::Erspan),
            Self::Gre => Some(Kind::Gre),
            Self::Vxlan | Self::VxlanGpe => Some(Kind::Vxlan),
            Self::Geneve => Some(Kind::Geneve),
            Self::Gtp => Some(Kind::Gtp),
            Self::L2tp | Self::L2tpSession => Some(Kind::L2tp),
            Self::Capwap => Some(Kind::Capwap),
        }
    }

    /// The number that the header of a layer carries: of a network, a session, a label; 0 where there is none.
    pub(super) fn id(self, bytes: &[u8]) -> u32 {
        let id = match self {
            Self::Pppoe => be16(bytes, 2).map(u32::from),
            Self::Mpls => encapsulation::bottom_label(bytes),
            Self::Gre if encapsulation::is_mirror(bytes) => encapsulation::mirror_session(bytes),
            Self::Gre => encapsulation::gre_key(bytes),
            Self::Vxlan | Self::VxlanGpe | Self::Geneve => be32(bytes, 4).map(|id| id >> 8),
            Self::Gtp => be32(bytes, 4),
            Self::L2tp => serial::l2tp_session(bytes),
            Self::L2tpSession => be32(bytes, 0),
            _ => None,
        };
        id.unwrap_or_default()
    }

    /// True where Wireshark 4.0 reads on behind this layer as well.
    pub(super) fn numbered(self, bytes: &[u8]) -> bool {
        match self {
            // It knows how a session is laid out from the messages that set it up.
            Self::L2tpSession => false,
            Self::L2tp => !serial::is_l2tp_version_3(bytes),
            Self::Slip => false,
            Self::Wifi(Form::InCapwap) => wireless::is_swapped(bytes),
            _ => true,
        }
    }

    /// Reads the header of a layer: what follows it, and how many bytes it takes. `None` where it cannot be one, or leads to nothing
    /// that is read here.
    pub(super) fn read(self, bytes: &[u8]) -> Option<(Self, usize)> {
        match self {
            Self::IpInIp(announced) => Some((Self::Ip(announced), 0)),
            Self::Pppoe => serial::pppoe(bytes),
            Self::Ppp => serial::ppp(bytes),
            Self::CiscoHdlc => Some((Self::typed_elsewhere(be16(bytes, 2)?)?, 4)),
            Self::FrameRelay => serial::frame_relay(bytes),
            // The direction, and the first 15 bytes of what was sent (LINKTYPE_SLIP).
            Self::Slip => Some((Self::Ip(TYPE_IPV4), 16)),
            Self::Llc => Some((Self::typed(link::snap_type(bytes)?)?, link::SNAP)),
            Self::Wifi(form) => wireless::wifi(form, bytes),
            Self::Log(format) => format.read(bytes),
            Self::CiscoMetadata => Some((Self::typed(be16(bytes, 6)?)?, 8)),
            Self::Mpls => encapsulation::mpls(bytes),
            Self::Gre => encapsulation::gre(bytes),
            // The flags (RFC 7348 §5) do not matter for what follows.
            Self::Vxlan => Some((Self::Link(ETHERNET), 8)),
            Self::VxlanGpe => encapsulation::vxlan_gpe(bytes),
            Self::Geneve => encapsulation::geneve(bytes),
            Self::Gtp => encapsulation::gtp(bytes),
            Self::L2tp => serial::l2tp(bytes),
            Self::L2tpSession => serial::l2tp_data(bytes, 4),
            Self::Capwap => encapsulation::capwap(bytes),
            Self::Teredo => encapsulation::teredo(bytes),
            Self::Link(_) | Self::Tags(_) | Self::Ip(_) | Self::Aggregate => None,
        }
    }
}

/// True where a tunnel is expected at a UDP port.
#[inline(always)]
pub(super) const fn has_port(port: u16) -> bool {
    Layer::in_udp(port).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Layer = Layer::Ip(TYPE_IPV4);

    #[test]
    fn cisco_metadata_ends_with_an_ethertype() {
        assert_eq!(
            Layer::CiscoMetadata.read(&[1, 1, 0, 1, 0, 2, 0x08, 0x00]),
            Some((V4, 8))
        );
        let tags = Some((Layer::Tags(0x8100), 8));
        assert_eq!(Layer::CiscoMetadata.read(&[1, 1, 0, 1, 0, 2, 0x81, 0x00]), tags);
    }

    #[test]
    fn each_header_tells_its_number() {
        for (layer, header, id) in [
            (Layer::Pppoe, &[0x11, 0, 0x01, 0x02, 0, 0][..], 0x0102),
            (Layer::Gre, &[0x20, 0, 8, 0, 0, 0, 0, 5], 5),
            (
                Layer::Gre,
                &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0x07, 0xff, 0xff],
                0x3ff,
            ),
            (Layer::Vxlan, &[8, 0, 0, 0, 1, 2, 3, 0xff], 0x01_0203),
            (Layer::Geneve, &[0, 0, 0x65, 0x58, 0, 0, 42, 0], 42),
            (Layer::Gtp, &[0x30, 0xff, 0, 20, 0xfe, 0, 0, 1], 0xfe00_0001),
            (Layer::L2tpSession, &[0, 1, 0, 2], 0x1_0002),
            (Layer::Vxlan, &[8, 0, 0], 0),
            (Layer::Ppp, &[0xff, 3, 0, 0x21], 0),
        ] {
            assert_eq!(layer.id(header), id, "{layer:?}");
        }
    }

    #[test]
    fn every_tunnel_has_a_port_and_others_have_none() {
        assert!(
            [1701, 2152, 3544, 4754, 4789, 4790, 5247, 6081, 6635, 8472]
                .into_iter()
                .all(has_port)
        );
        assert!([53, 443, 4788, 5246].into_iter().all(|port| !has_port(port)));
    }
}
