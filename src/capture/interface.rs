//! An interface of a pcapng section: its link type, its snapshot length, and how to read its clock.

use pcap_parser::{parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le};

use super::bytes::Order;
use crate::evidence::Time;

/// Options of an interface description: the end of the list, the unit of the clock, bytes of the frame check sequence, and seconds to be added
/// to the times.
const OPT_ENDOFOPT: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_FCSLEN: u16 = 13;
const IF_TSOFFSET: u16 = 14;

/// What packets need to know of their interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    /// `LINKTYPE_` value.
    pub(super) link: u16,
    /// Bytes that are kept of a packet; 0 for no limit.
    pub(super) snaplen: u32,
    /// Bytes of the frame check sequence at the end of each packet.
    pub(super) fcs: u32,
    unit: Unit,
    /// Nanoseconds to be added to each time.
    offset: i128,
}

/// The unit in which an interface counts time (if_tsresol).
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// A nanosecond divided by this; `None` where a whole 64-bit count stays below a nanosecond.
    Divided(Option<u64>),
    /// A second divided by two to this power.
    PowerOfTwo(u32),
}

impl Interface {
    /// From an interface description block whose framing is sound.
    pub(super) fn new(block: &[u8], order: Order) -> Result<Self, String> {
        let parsed = match order {
            Order::Little => parse_interfacedescriptionblock_le(block),
            Order::Big => parse_interfacedescriptionblock_be(block),
        };
        let (_, description) = parsed.map_err(|_| "an interface description cannot be read".to_string())?;
        let mut interface = Self {
            link: description.linktype.0 as u16,
            snaplen: description.snaplen,
            fcs: 0,
            // Microseconds, where no option says otherwise.
            unit: Unit::Nanoseconds(1_000),
            offset: 0,
        };
        // The parser reads numbers in options as little-endian in every section, so their bytes are read here.
        for option in &description.options {
            match option.code.0 {
                OPT_ENDOFOPT => break,
                IF_TSRESOL => {
                    if let Some(&resolution) = option.value.first() {
                        interface.unit = Unit::from_resolution(resolution);
                    }
                }
                IF_FCSLEN => interface.fcs = option.value.first().map_or(0, |len| u32::from(*len)),
                IF_TSOFFSET => {
                    let seconds = order.i64(&option.value, 0).unwrap_or_default();
                    interface.offset = i128::from(seconds) * 1_000_000_000;
                }
                _ => {}
            }
        }
        Ok(interface)
    }

    /// The moment of a time stamp; `None` where it lies outside the range of [`Time`].
    pub(super) fn time(&self, stamp: u64) -> Option<Time> {
        let nanos = match self.unit {
            Unit::Nanoseconds(each) => u128::from(stamp) * u128::from(each),
            Unit::Divided(by) => by.map_or(0, |by| u128::from(stamp / by)),
            Unit::PowerOfTwo(power) => (u128::from(stamp) * 1_000_000_000) >> power,
        };
        let nanos = i128::try_from(nanos).ok()?.checked_add(self.offset)?;
        i64::try_from(nanos).ok().map(Time::from_nanos)
    }
}

impl Unit {
    /// From the value of if_tsresol: a negative power of 10, or of 2 where the highest bit is set.
    fn from_resolution(resolution: u8) -> Self {
        let power = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            return Self::PowerOfTwo(power);
        }
        match 9_u32.checked_sub(power) {
            Some(below) => Self::Nanoseconds(10_u64.pow(below)),
            None => Self::Divided(10_u64.checked_pow(power - 9)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::Block;

    fn time_of(options: &[u8], stamp: u64) -> Option<Time> {
        Interface::new(&Block::interface(1, 0, options), Order::Little)
            .unwrap()
            .time(stamp)
    }

    #[test]
    fn time_counts_in_the_unit_of_the_interface() {
        assert_eq!(time_of(&[], 1_000_000), Some(Time::from_seconds(1)));
        assert_eq!(time_of(&Block::option(9, &[9]), 5), Some(Time::from_nanos(5)));
        assert_eq!(time_of(&Block::option(9, &[0]), 5), Some(Time::from_seconds(5)));
        assert_eq!(time_of(&Block::option(9, &[12]), 7_999), Some(Time::from_nanos(7)));
        assert_eq!(time_of(&Block::option(9, &[127]), u64::MAX), Some(Time::from_nanos(0)));
        assert_eq!(
            time_of(&Block::option(9, &[0x80 | 10]), 1_536),
            Some(Time::from_nanos(1_500_000_000))
        );
        assert_eq!(time_of(&Block::option(9, &[0xff]), u64::MAX), Some(Time::from_nanos(0)));
    }

    #[test]
    fn the_offset_of_the_interface_is_added_and_what_is_out_of_range_has_no_time() {
        assert_eq!(
            time_of(&Block::option(14, &(-1_i64).to_le_bytes()), 3_000_000),
            Some(Time::from_seconds(2))
        );
        assert_eq!(time_of(&Block::option(14, &i64::MAX.to_le_bytes()), 0), None);
        assert_eq!(time_of(&[], u64::MAX), None);
    }

    #[test]
    fn options_after_the_end_of_options_do_not_count() {
        let options = [Block::option(0, &[]), Block::option(9, &[0])].concat();
        assert_eq!(time_of(&options, 1_000_000), Some(Time::from_seconds(1)));
    }
}
