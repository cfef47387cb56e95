//! What stood around a segment's own IP header, in a few bytes of the segment.
//!
//! A list of kinds, the outermost first, and the number of the innermost one that has a number. VLAN tags are not in it: their id is
//! a field of its own, which the short path fills as well. Link layers are not in it either.

/// A way of wrapping an IP packet, or a frame that holds one, once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// PPP by itself, or in GRE (RFC 1661, RFC 2637).
    Ppp = 1,
    /// A PPP session over Ethernet (RFC 2516); its number is the session's.
    Pppoe,
    /// MPLS labels (RFC 3032); the number is the label at the bottom of the stack.
    Mpls,
    /// Cisco's metadata header (EtherType 0x8909).
    CiscoMetadata,
    /// IP in IP, of either version in either (RFC 2003, RFC 4213, RFC 2473).
    Ip,
    /// GRE (RFC 2784); its number is the key of RFC 2890.
    Gre,
    /// A mirrored frame behind GRE (draft-foschiano-erspan-03); its number is the mirror session's.
    Erspan,
    /// VXLAN (RFC 7348); its number is the network's.
    Vxlan,
    /// Geneve (RFC 8926); its number is the network's.
    Geneve,
    /// The user plane of GTP (3GPP TS 29.281); its number is the tunnel endpoint's, which differs between the directions.
    Gtp,
    /// L2TP, version 2 or 3 (RFC 2661, RFC 3931); its number is the session's, which differs between the directions.
    L2tp,
    /// IPv6 in UDP (RFC 4380).
    Teredo,
    /// What a wireless access point hands its controller (RFC 5415).
    Capwap,
}

impl Kind {
    /// Every kind with the word that reports use, in the order of their numbers.
    const ALL: [(Self, &'static str); 13] = [
        (Self::Ppp, "ppp"),
        (Self::Pppoe, "pppoe"),
        (Self::Mpls, "mpls"),
        (Self::CiscoMetadata, "cisco-metadata"),
        (Self::Ip, "ip"),
        (Self::Gre, "gre"),
        (Self::Erspan, "erspan"),
        (Self::Vxlan, "vxlan"),
        (Self::Geneve, "geneve"),
        (Self::Gtp, "gtp"),
        (Self::L2tp, "l2tp"),
        (Self::Teredo, "teredo"),
        (Self::Capwap, "capwap"),
    ];

    /// True where a header of this kind may carry a number.
    const fn has_id(self) -> bool {
        !matches!(
            self,
            Self::Ppp | Self::CiscoMetadata | Self::Ip | Self::Teredo | Self::Capwap
        )
    }
}

/// The most encapsulations that are unwrapped, far more than any network stacks up.
const DEEPEST: u32 = 8;

/// Bits that a kind takes in the list.
const BITS: u32 = 4;

/// The encapsulations around a segment, the outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encapsulations {
    /// Four bits for each kind, the outermost in the lowest; 0 ends the list.
    kinds: u32,
    /// Number of the innermost kind that has numbers; 0 where it carries none.
    id: u32,
}

impl Encapsulations {
    /// Nothing but the link layer.
    pub(crate) const NONE: Self = Self { kinds: 0, id: 0 };

    /// The list with another kind inside; `None` where it is full. `id` is 0 where the header carries no number.
    pub(crate) const fn with(self, kind: Kind, id: u32) -> Option<Self> {
        let depth = self.depth();
        if depth == DEEPEST {
            return None;
        }
        Some(Self {
            kinds: self.kinds | (kind as u32) << (depth * BITS),
            id: if kind.has_id() { id } else { self.id },
        })
    }

    /// The words for the kinds, the outermost first, with the number of the innermost that has one.
    pub(crate) fn told(self) -> impl Iterator<Item = (&'static str, Option<u32>)> {
        let kinds = move |at: u32| {
            let number = (self.kinds >> (at * BITS)) as usize & 0xf;
            Kind::ALL.get(number.checked_sub(1)?)
        };
        let depth = self.depth();
        let numbered = (0..depth).rfind(|at| kinds(*at).is_some_and(|(kind, _)| kind.has_id()));
        (0..depth).filter_map(move |at| {
            let id = (numbered == Some(at) && self.id != 0).then_some(self.id);
            kinds(at).map(|(_, word)| (*word, id))
        })
    }

    /// How many there are.
    const fn depth(self) -> u32 {
        (u32::BITS - self.kinds.leading_zeros()).div_ceil(BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kinds: &[(Kind, u32)]) -> Encapsulations {
        let add = |list: Encapsulations, (kind, id): &(Kind, u32)| list.with(*kind, *id).unwrap();
        kinds.iter().fold(Encapsulations::NONE, add)
    }

    #[test]
    fn kinds_are_told_from_the_outermost_to_the_innermost() {
        let told: Vec<_> = of(&[(Kind::Vxlan, 42), (Kind::Ppp, 0)]).told().collect();
        assert_eq!(told, [("vxlan", Some(42)), ("ppp", None)]);
        let told: Vec<_> = of(&[(Kind::Ip, 0), (Kind::Ip, 0)]).told().collect();
        assert_eq!(told, [("ip", None), ("ip", None)]);
        assert_eq!(Encapsulations::NONE.told().count(), 0);
    }

    #[test]
    fn the_number_is_that_of_the_innermost_kind_that_has_numbers() {
        let told: Vec<_> = of(&[(Kind::Gtp, 7), (Kind::Vxlan, 42), (Kind::Ip, 0)]).told().collect();
        assert_eq!(told, [("gtp", None), ("vxlan", Some(42)), ("ip", None)]);
        let told: Vec<_> = of(&[(Kind::Vxlan, 42), (Kind::Gre, 0)]).told().collect();
        assert_eq!(told, [("vxlan", None), ("gre", None)]);
    }

    #[test]
    fn every_kind_has_its_own_word_at_its_own_number() {
        for (at, (kind, word)) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at + 1);
            assert_eq!(
                of(&[(kind, 5)]).told().collect::<Vec<_>>(),
                [(word, kind.has_id().then_some(5))]
            );
        }
    }

    #[test]
    fn eight_fit_and_nine_do_not() {
        let full = of(&[(Kind::Capwap, 0); 8]);
        assert_eq!(full.told().count(), 8);
        assert_eq!(full.with(Kind::Gre, 1), None);
    }
}
