//! Data frames of wireless networks (IEEE 802.11), where they are not encrypted: those of open networks, and those that a driver or an
//! access point has decrypted. Management and control frames, and fragments, hold nothing that is read here.

use super::layer::Layer;
use super::link::{self, SNAP};

/// How a frame differs from what is on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In nothing.
    Plain,
    /// The header is padded to a multiple of four bytes, as Atheros' cards want it.
    Padded,
    /// In CAPWAP, where the two bytes of the frame control field may have changed places.
    InCapwap,
}

/// The first byte of the frame control field (§9.2.4.1): version 0 and type "data" in the low half, the subtype in the high one.
const TYPE: u8 = 0x0f;
const DATA: u8 = 0x08;
/// Subtypes without a payload, and those with a field for quality of service.
const NO_PAYLOAD: u8 = 0x40;
const QUALITY: u8 = 0x80;

/// The second byte.
const BOTH_SYSTEMS: u8 = 0x03;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const HIGH_THROUGHPUT: u8 = 0x80;

/// The first byte of the field for quality of service: several frames in one (A-MSDU).
const AGGREGATE: u8 = 0x80;

/// True where the two bytes of the frame control field have changed places: Cisco's access points send them so, and Wireshark expects
/// it by default.
pub(super) fn is_swapped(frame: &[u8]) -> bool {
    matches!(*frame, [first, second, ..] if first & TYPE != DATA && second & TYPE == DATA)
}

/// A data frame: three addresses or four (§9.3.2.1), the fields that its control field announces, and LLC with the EtherType.
pub(super) fn wifi(form: Form, frame: &[u8]) -> Option<(Layer, usize)> {
    let (mut control, mut flags) = (*frame.first()?, *frame.get(1)?);
    if form == Form::InCapwap && is_swapped(frame) {
        (control, flags) = (flags, control);
    }
    let fragment = frame.get(22)? & 0x0f;
    if control & TYPE != DATA || control & NO_PAYLOAD != 0 || flags & (PROTECTED | MORE_FRAGMENTS) != 0 || fragment != 0
    {
        return None;
    }
    let mut at = 24;
    if flags & BOTH_SYSTEMS == BOTH_SYSTEMS {
        at += 6;
    }
    let mut aggregate = false;
    if control & QUALITY != 0 {
        aggregate = frame.get(at)? & AGGREGATE != 0;
        at += 2;
        if flags & HIGH_THROUGHPUT != 0 {
            at += 4;
        }
    }
    if form == Form::Padded {
        at = at.next_multiple_of(4);
    }
    if aggregate {
        return Some((Layer::Aggregate, at));
    }
    let protocol = link::snap_type(frame.get(at..)?)?;
    Some((Layer::typed(protocol)?, at + SNAP))
}

/// What the first of the frames in an aggregate (§9.3.2.2) holds, LLC first, and what is left behind that frame. Each has two addresses,
/// a length, and padding to a multiple of four bytes.
pub(super) fn next_frame(aggregate: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = FRAME_HEADER + usize::from(link::be16(aggregate, 12)?);
    let payload = aggregate.get(FRAME_HEADER..end.min(aggregate.len()))?;
    let rest = aggregate.get(end.next_multiple_of(4)..).unwrap_or_default();
    Some((payload, rest))
}

/// Length of the header of each frame in an aggregate.
pub(super) const FRAME_HEADER: usize = 14;

#[cfg(test)]
mod tests {
    use super::super::link::TYPE_IPV4;
    use super::*;

    const LLC: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00];

    /// A frame with so many bytes between the fixed header and LLC.
    fn frame(control: [u8; 2], between: &[u8]) -> Vec<u8> {
        [&control[..], &[0; 22], between, &LLC].concat()
    }

    fn read(form: Form, control: [u8; 2], between: &[u8]) -> Option<usize> {
        match wifi(form, &frame(control, between))? {
            (Layer::Ip(TYPE_IPV4), at) => Some(at),
            other => panic!("not IP: {other:?}"),
        }
    }

    #[test]
    fn what_the_control_field_announces_is_stepped_over() {
        for (control, between) in [
            ([0x08, 0x00], 0),
            ([0x08, 0x01], 0),
            ([0x08, 0x02], 0),
            ([0x08, 0x03], 6),
            ([0x88, 0x01], 2),
            ([0x88, 0x03], 8),
            ([0x88, 0x82], 6),
        ] {
            assert_eq!(
                read(Form::Plain, control, &vec![0; between]),
                Some(32 + between),
                "{control:02x?}"
            );
        }
        assert_eq!(read(Form::Padded, [0x88, 0x02], &[0; 4]), Some(36));
    }

    #[test]
    fn encrypted_frames_fragments_and_other_frames_hold_nothing() {
        for control in [
            [0x08, 0x41],
            [0x08, 0x05],
            [0x48, 0x01],
            [0x80, 0x00],
            [0xb4, 0x00],
            [0x09, 0x01],
        ] {
            assert_eq!(read(Form::Plain, control, &[]), None, "{control:02x?}");
        }
        let mut last = frame([0x08, 0x01], &[]);
        last[22] = 0x13;
        assert_eq!(wifi(Form::Plain, &last), None);
    }

    #[test]
    fn the_control_field_of_ciscos_access_points_is_turned_round() {
        assert_eq!(read(Form::InCapwap, [0x01, 0x08], &[]), Some(32));
        assert_eq!(read(Form::InCapwap, [0x08, 0x01], &[]), Some(32));
        assert_eq!(read(Form::Plain, [0x01, 0x08], &[]), None);
        assert!(is_swapped(&[0x01, 0x88]) && !is_swapped(&[0x88, 0x01]));
    }

    #[test]
    fn an_aggregate_is_taken_apart() {
        let frame = [&[0x88, 0x01][..], &[0; 22], &[0x80, 0]].concat();
        assert_eq!(wifi(Form::Plain, &frame), Some((Layer::Aggregate, 26)));
        let part = |fill: u8, length: u8| [&[fill; 12][..], &[0, length], &vec![fill; length.into()]].concat();
        let both = [&part(1, 9)[..], &[0], &part(2, 5)].concat();
        let (first, rest) = next_frame(&both).unwrap();
        assert_eq!(first, [1; 9]);
        let (second, rest) = next_frame(rest).unwrap();
        assert_eq!((second, rest), (&[2; 5][..], &[][..]));
        assert_eq!(next_frame(rest), None);
        assert_eq!(next_frame(&both[..20]).unwrap().0, [1; 6]);
    }
}
