//! The pcapng format (draft-ietf-opsawg-pcapng): blocks, each framed by its length at both ends.
//!
//! Sections may differ in byte order, interfaces in link type and clock. Packets come in enhanced, simple and obsolete packet blocks; what else
//! Wireshark 4.0 counts as a frame takes a number without becoming a record: journal entries, system call events, custom blocks.
//!
//! Every block's framing is checked before its content is looked at. Options are walked where they lie: a list of them per packet would cost an
//! allocation. Comments, names and secrets are kept in the tally's [`Annotations`](super::annotations::Annotations).

use super::Record;
use super::bytes::Order;
use super::damage::{Damage, Found, Search};
use super::interface::Interface;
use super::tally::{Packet, Tally};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const ENHANCED_PACKET: u32 = 6;
const JOURNAL_EXPORT: u32 = 9;
const DECRYPTION_SECRETS: u32 = 10;
const SYSDIG_EVENT: u32 = 0x204;
const SYSDIG_EVENT_V2: u32 = 0x216;
const SYSDIG_EVENT_V2_LARGE: u32 = 0x221;
const CUSTOM: u32 = 0x0bad;
const CUSTOM_NOT_TO_BE_COPIED: u32 = 0x4000_0bad;
const DARWIN_PROCESS: u32 = 0x8000_0001;

/// Type, length, and length again.
const FRAMING: usize = 12;

/// Bytes from the start of an enhanced or obsolete packet block to the packet.
const PACKET_AT: usize = 28;

/// Bytes from the start of a simple packet block to the packet.
const SIMPLE_AT: usize = 12;

/// Bytes from the start of a section header, an interface description and a name resolution block to what varies in length.
const SECTION_OPTIONS_AT: usize = 24;
const INTERFACE_OPTIONS_AT: usize = 16;
const BODY_AT: usize = 8;

/// Options: a comment; the flags of a packet; the name of an interface.
const OPT_COMMENT: u16 = 1;
const PACKET_FLAGS: u16 = 2;
const IF_NAME: u16 = 2;

/// The longest block that Wireshark reads.
const BLOCK_MAX: u32 = 16 << 20;

/// The longest block that a search believes in, so that it need not wait for megabytes to come.
const FOUND_MAX: u32 = 1 << 20;

/// Interfaces of one section that are kept.
const INTERFACES_MAX: usize = 65_536;

/// Reads the blocks of one pcapng file.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    /// Damage behind which the next block is searched for.
    lost: Option<Damage>,
}

/// A block's framing.
#[derive(Clone, Copy)]
struct Frame {
    kind: u32,
    len: u32,
    /// The byte order of the block: a section header brings its own.
    order: Order,
}

/// Why there is no framing at a place.
enum Unframed {
    /// More bytes are needed to tell.
    Short,
    /// It is none, and why.
    Impossible(String),
}

impl Pcapng {
    /// A reader before the first section header.
    pub(super) fn new() -> Self {
        Self {
            order: Order::Little,
            interfaces: Vec::new(),
            lost: None,
        }
    }

    /// Reads the blocks that lie wholly in `bytes`, which begin at `base` of the capture; `last` says that no more bytes will come. Answers how
    /// many bytes are done with: all where `last`.
    pub(super) fn walk(
        &mut self,
        bytes: &[u8],
        base: u64,
        last: bool,
        tally: &mut Tally,
        records: &mut Vec<Record>,
    ) -> usize {
        let mut at = 0;
        loop {
            if self.lost.is_some()
                && let Some(damage) = self.lost.take()
            {
                let found = self.search(bytes, at, last);
                match damage.searched(found, base, bytes.len(), tally) {
                    Search::Ended(next) => at = next,
                    Search::GoesOn(damage, place) => {
                        self.lost = Some(damage);
                        return place;
                    }
                }
            }
            if at >= bytes.len() {
                return bytes.len();
            }
            let frame = match self.frame(bytes, at) {
                Ok(frame) => frame,
                Err(Unframed::Short) if !last => return at,
                Err(Unframed::Short) => {
                    let left = bytes.len() - at;
                    let what =
                        format!("the file ends inside the header of its last block, of which {left} bytes are there");
                    tally.ends_inside(base + at as u64, what, left as u64);
                    return bytes.len();
                }
                Err(Unframed::Impossible(what)) => {
                    self.lost = Some(Damage::new(base + at as u64, what));
                    at += 1;
                    continue;
                }
            };
            let end = at + frame.len as usize;
            let Some(block) = bytes.get(at..end) else {
                if !last {
                    return at;
                }
                // A length that lies may point past the end, too: then there are blocks behind it.
                let left = bytes.len() - at;
                if let Found::At(next) = self.search(bytes, at + 1, last) {
                    let what = format!("a block claims {} bytes, more than are left of the file", frame.len);
                    tally.damaged(base + at as u64, what, (next - at) as u64);
                    at = next;
                    continue;
                }
                let what = format!(
                    "the file ends inside its last block: {left} of {} bytes are there",
                    frame.len
                );
                tally.ends_inside(base + at as u64, what, left as u64);
                return bytes.len();
            };
            let again = frame.order.u32(block, block.len() - 4);
            if again != Some(frame.len) {
                let what = format!(
                    "a block's length is {} at its start and {} at its end",
                    frame.len,
                    again.unwrap_or_default()
                );
                // Where another block or the end follows, only the second length is wrong: then no more than the block is passed over.
                let followed = match self.frame(bytes, end) {
                    Err(Unframed::Short) if !last => return at,
                    Ok(next) => known(next.kind),
                    Err(_) => end == bytes.len(),
                };
                if followed {
                    tally.damaged(base + at as u64, what, u64::from(frame.len));
                    at = end;
                } else {
                    self.lost = Some(Damage::new(base + at as u64, what));
                    at += 1;
                }
                continue;
            }
            if let Err(what) = self.block(frame, block, base, at, tally, records) {
                tally.damaged(base + at as u64, what, u64::from(frame.len));
            }
            at = end;
        }
    }

    /// Takes in one block, which is framed well and lies at `at` behind `base` of the capture.
    fn block(
        &mut self,
        frame: Frame,
        block: &[u8],
        base: u64,
        at: usize,
        tally: &mut Tally,
        records: &mut Vec<Record>,
    ) -> Result<(), String> {
        match frame.kind {
            ENHANCED_PACKET | OBSOLETE_PACKET => {
                let (packet, captured, fcs) = self.packet(frame.kind, block, at)?;
                let room = block.len().saturating_sub(PACKET_AT + 4);
                if captured > room {
                    return Err(format!(
                        "a packet claims {captured} captured bytes in a block that has room for {room}"
                    ));
                }
                let options_at = PACKET_AT + captured.next_multiple_of(4);
                let fcs = if options_at + FRAMING - 4 <= block.len() {
                    self.packet_options(block, options_at, base + at as u64, tally)
                        .unwrap_or(fcs)
                } else {
                    fcs
                };
                tally.packet(packet.without_fcs(fcs), records);
            }
            SIMPLE_PACKET => {
                let original = self
                    .order
                    .u32(block, 8)
                    .filter(|_| block.len() >= SIMPLE_AT + 4)
                    .ok_or_else(|| too_short(block))?;
                let interface = *self.interface(0)?;
                let captured = if interface.snaplen == 0 {
                    original
                } else {
                    original.min(interface.snaplen)
                };
                let room = block.len().saturating_sub(SIMPLE_AT + 4);
                if captured as usize > room {
                    return Err(format!(
                        "a packet claims {captured} captured bytes in a block that has room for {room}"
                    ));
                }
                tally.packet(
                    Packet {
                        time: None,
                        link: interface.link,
                        at: at + SIMPLE_AT,
                        captured,
                        original,
                    }
                    .without_fcs(interface.fcs),
                    records,
                );
            }
            SECTION_HEADER => {
                self.order = frame.order;
                self.interfaces.clear();
                for (code, value) in options(block, SECTION_OPTIONS_AT, self.order) {
                    if code == OPT_COMMENT {
                        let hit = tally.annotations.comment(None, value);
                        tally.capped(base + at as u64, hit);
                    }
                }
            }
            INTERFACE_DESCRIPTION => {
                self.describe(block)?;
                for (code, value) in options(block, INTERFACE_OPTIONS_AT, self.order) {
                    let hit = match code {
                        OPT_COMMENT => tally.annotations.comment(None, value),
                        IF_NAME => tally.annotations.interface(value),
                        _ => None,
                    };
                    tally.capped(base + at as u64, hit);
                }
            }
            NAME_RESOLUTION => {
                let hit = tally.annotations.name_block(body(block), self.order);
                tally.capped(base + at as u64, hit);
            }
            DECRYPTION_SECRETS => {
                let hit = tally.annotations.secrets_block(body(block), self.order);
                tally.capped(base + at as u64, hit);
            }
            JOURNAL_EXPORT
            | SYSDIG_EVENT
            | SYSDIG_EVENT_V2
            | SYSDIG_EVENT_V2_LARGE
            | CUSTOM
            | CUSTOM_NOT_TO_BE_COPIED => {
                tally.frames += 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// The header of an enhanced or obsolete packet block, the bytes that it claims, and those of the frame check sequence. They differ in the interface's number only, which the obsolete one keeps in 16 bits
    /// to leave room for a count of drops.
    fn packet(&self, kind: u32, block: &[u8], at: usize) -> Result<(Packet, usize, u32), String> {
        let number = match kind {
            ENHANCED_PACKET => self.order.u32(block, 8),
            _ => self.order.u16(block, 8).map(u32::from),
        };
        let word = |place| self.order.u32(block, place);
        let (Some(number), Some(high), Some(low), Some(captured), Some(original)) =
            (number, word(12), word(16), word(20), word(24))
        else {
            return Err(too_short(block));
        };
        let interface = self.interface(number)?;
        let time = interface.time(u64::from(high) << 32 | u64::from(low));
        Ok((
            Packet {
                time,
                link: interface.link,
                at: at + PACKET_AT,
                captured,
                original,
            },
            captured as usize,
            interface.fcs,
        ))
    }

    /// Takes in the options of the packet that comes next: comments are kept, and the length of the frame check sequence is answered where the
    /// flags tell it.
    fn packet_options(&self, block: &[u8], at: usize, offset: u64, tally: &mut Tally) -> Option<u32> {
        let mut fcs = None;
        for (code, value) in options(block, at, self.order) {
            match code {
                OPT_COMMENT => {
                    let hit = tally.annotations.comment(Some(tally.frames + 1), value);
                    tally.capped(offset, hit);
                }
                // Bits 5 to 8; zero says that it is not told here.
                PACKET_FLAGS => {
                    let flags = self.order.u32(value, 0).unwrap_or(0);
                    fcs = Some(flags >> 5 & 0x0f).filter(|&len| len > 0);
                }
                _ => {}
            }
        }
        fcs
    }

    fn interface(&self, number: u32) -> Result<&Interface, String> {
        self.interfaces
            .get(number as usize)
            .ok_or_else(|| format!("a packet names interface {number}, which its section does not describe"))
    }

    /// Takes in an interface description block.
    fn describe(&mut self, block: &[u8]) -> Result<(), String> {
        if self.interfaces.len() >= INTERFACES_MAX {
            return Err(format!("a section describes more than {INTERFACES_MAX} interfaces"));
        }
        let interface = Interface::new(block, self.order)?;
        self.interfaces.push(interface);
        Ok(())
    }

    /// The framing of the block at `at`.
    fn frame(&self, bytes: &[u8], at: usize) -> Result<Frame, Unframed> {
        let Some(kind) = self.order.u32(bytes, at) else {
            return Err(Unframed::Short);
        };
        let order = if kind == SECTION_HEADER {
            match bytes.get(at + 8..at + 12) {
                None => return Err(Unframed::Short),
                Some([0x4d, 0x3c, 0x2b, 0x1a]) => Order::Little,
                Some([0x1a, 0x2b, 0x3c, 0x4d]) => Order::Big,
                Some(_) => return Err(Unframed::Impossible("a section header has no byte-order magic".into())),
            }
        } else {
            self.order
        };
        let Some(len) = order.u32(bytes, at + 4) else {
            return Err(Unframed::Short);
        };
        if (len as usize) < FRAMING || len % 4 != 0 || len > BLOCK_MAX {
            return Err(Unframed::Impossible(format!("a block claims a length of {len} bytes")));
        }
        Ok(Frame { kind, len, order })
    }

    /// Searches for a block from `from` on: of a known type, with the same length at both ends.
    fn search(&self, bytes: &[u8], from: usize, last: bool) -> Found {
        for at in from..bytes.len() {
            match self.order.u32(bytes, at) {
                Some(kind) if known(kind) => {}
                Some(_) => continue,
                None if last => return Found::Nothing,
                None => return Found::NotBefore(at),
            }
            match self.frame(bytes, at) {
                Ok(frame) if frame.len <= FOUND_MAX => {
                    let end = at + frame.len as usize;
                    if end > bytes.len() {
                        if last {
                            continue;
                        }
                        return Found::NotBefore(at);
                    }
                    if frame.order.u32(bytes, end - 4) == Some(frame.len) {
                        return Found::At(at);
                    }
                }
                Err(Unframed::Short) if !last => return Found::NotBefore(at),
                _ => {}
            }
        }
        if last {
            Found::Nothing
        } else {
            Found::NotBefore(bytes.len())
        }
    }
}

/// The options of a block from `at` on, as code and value, up to their end.
fn options(block: &[u8], at: usize, order: Order) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = block.get(at..block.len().saturating_sub(4)).unwrap_or_default();
    std::iter::from_fn(move || {
        let (code, len) = (order.u16(rest, 0)?, usize::from(order.u16(rest, 2)?));
        let value = rest.get(4..4 + len).filter(|_| code != 0)?;
        rest = rest.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    })
}

/// A block without its framing.
fn body(block: &[u8]) -> &[u8] {
    block.get(BODY_AT..block.len().saturating_sub(4)).unwrap_or_default()
}

fn too_short(block: &[u8]) -> String {
    format!("a packet block of {} bytes is too short for its header", block.len())
}

/// Block types that are in use: those of the draft, sysdig's, custom blocks and Apple's process information.
fn known(kind: u32) -> bool {
    matches!(
        kind,
        SECTION_HEADER
            | INTERFACE_DESCRIPTION..=10
            | 0x200..=0x222
            | CUSTOM
            | CUSTOM_NOT_TO_BE_COPIED
            | DARWIN_PROCESS
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::ProblemKind;
    use crate::capture::testing::{Block, SECOND, pcapng};
    use crate::evidence::Time;

    fn walk(file: &[u8]) -> (Vec<Record>, Tally) {
        let (mut tally, mut records) = (Tally::default(), Vec::new());
        let used = Pcapng::new().walk(file, 0, true, &mut tally, &mut records);
        assert_eq!(used, file.len());
        (records, tally)
    }

    fn problems(tally: Tally) -> Vec<(u64, u64, ProblemKind)> {
        tally
            .into_problems()
            .into_iter()
            .map(|problem| (problem.offset, problem.skipped, problem.kind))
            .collect()
    }

    #[test]
    fn sections_may_differ_in_byte_order_and_number_their_interfaces_anew() {
        let mut interface = Block::swapped(Block::interface(0, 0, &Block::option(14, &7_i64.to_be_bytes())), 2);
        interface[8..12].copy_from_slice(&[0, 113, 0, 0]);
        // The option's code and length, in the other order.
        interface[16..20].copy_from_slice(&[0, 14, 0, 8]);
        let file = [
            pcapng(&[b"first"]),
            Block::swapped(Block::section(), 3),
            interface,
            Block::swapped(Block::packet(b"second"), 7),
        ]
        .concat();
        let (records, tally) = walk(&file);
        let links: Vec<u16> = records.iter().map(|record| record.link).collect();
        assert_eq!(links, [1, 113]);
        let [first, second] = [records[0].time.unwrap(), records[1].time.unwrap()];
        assert_eq!(second.nanos() - first.nanos(), 7_000_000_000);
        assert_eq!(&file[records[1].at as usize..][..6], b"second");
        assert_eq!(tally.into_problems(), []);
    }

    #[test]
    fn a_simple_packet_is_cut_to_the_snaplen_and_has_no_time() {
        let mut body = 60_u32.to_le_bytes().to_vec();
        body.extend([7; 32]);
        let file = [Block::section(), Block::interface(1, 30, &[]), Block::of(3, &body)].concat();
        let (records, tally) = walk(&file);
        assert_eq!(
            (records[0].captured, records[0].original, records[0].time),
            (30, 60, None)
        );
        assert_eq!(tally.cut, 1);
    }

    #[test]
    fn an_obsolete_packet_block_keeps_its_interface_in_16_bits() {
        let mut block = Block::packet_at(0, 1, b"data");
        block[0] = 2;
        block[10..12].copy_from_slice(&[9, 9]);
        let (records, _) = walk(&Block::file(&[block]));
        assert_eq!((records[0].link, records[0].captured), (1, 4));
    }

    #[test]
    fn a_packet_larger_than_its_block_costs_that_block_only() {
        let mut liar = Block::packet(b"liar");
        liar[20] = 200;
        let start = Block::file(&[]).len() as u64;
        let (records, tally) = walk(&Block::file(&[liar, Block::packet(b"next")]));
        assert_eq!(records.len(), 1);
        assert_eq!(problems(tally), [(start, 36, ProblemKind::Damaged)]);
    }

    #[test]
    fn a_packet_of_an_unknown_interface_is_told() {
        let (records, tally) = walk(&Block::file(&[Block::packet_at(3, 0, b"data"), Block::packet(b"next")]));
        assert_eq!((records.len(), tally.into_problems().len()), (1, 1));
    }

    #[test]
    fn impossible_lengths_are_searched_past() {
        for len in [0_u32, 4, 11, 37, 0xffff_fff0] {
            let mut bad = Block::packet(b"data");
            bad[4..8].copy_from_slice(&len.to_le_bytes());
            let start = Block::file(&[]).len() as u64;
            let (records, tally) = walk(&Block::file(&[bad, Block::packet(b"next"), Block::packet(b"last")]));
            assert_eq!(records.len(), 2, "{len}");
            assert_eq!(problems(tally), [(start, 36, ProblemKind::Damaged)]);
        }
    }

    #[test]
    fn a_wrong_second_length_costs_that_block_and_a_wrong_first_one_no_more() {
        let start = Block::file(&[]).len() as u64;
        for at in [4, 32] {
            let mut bad = Block::packet(b"data");
            bad[at] = 40;
            let (records, tally) = walk(&Block::file(&[bad, Block::packet(b"next"), Block::packet(b"last")]));
            assert_eq!(records.len(), 2);
            assert_eq!(problems(tally), [(start, 36, ProblemKind::Damaged)]);
        }
    }

    #[test]
    fn a_cut_last_block_is_a_note() {
        let (one, two) = (pcapng(&[b"one"]), pcapng(&[b"one", b"two"]));
        for left in [1, 7, 8, 35] {
            let (records, tally) = walk(&two[..one.len() + left]);
            assert_eq!(records.len(), 1);
            assert_eq!(problems(tally), [(one.len() as u64, left as u64, ProblemKind::Cut)]);
        }
    }

    #[test]
    fn a_block_that_is_not_whole_waits_for_the_rest() {
        let file = pcapng(&[b"one", b"two"]);
        for split in 0..file.len() {
            let (mut pcapng, mut tally, mut records) = (Pcapng::new(), Tally::default(), Vec::new());
            let used = pcapng.walk(&file[..split], 0, false, &mut tally, &mut records);
            pcapng.walk(&file[used..], used as u64, true, &mut tally, &mut records);
            assert_eq!((records.len(), tally.frames), (2, 2));
            assert_eq!(
                records[1].time,
                Some(Time::from_nanos(i64::from(SECOND) * 1_000_000_000 + 5_000))
            );
            assert_eq!(tally.into_problems(), []);
        }
    }

    #[test]
    fn comments_names_and_secrets_are_kept() {
        let option = Block::option;
        let mut section = Block::section();
        section.splice(24..24, option(1, b"of the capture"));
        let len = (section.len() as u32).to_le_bytes();
        section[4..8].copy_from_slice(&len);
        let end = section.len() - 4;
        section[end..].copy_from_slice(&len);
        let interface = Block::interface(1, 0, &[option(2, b"eth0"), option(1, b"of the interface")].concat());
        let commented = Block::packet_with(
            b"packet",
            &[option(1, b"first"), option(1, b"second"), option(0, b"")].concat(),
        );
        let names = Block::of(4, &[&[1, 0, 6, 0, 10, 0, 0, 1, b'a', 0, 0, 0][..], &[0; 4]].concat());
        let secrets = Block::of(10, b"KSLT\x03\0\0\0abc\0");
        let file = [section, interface, Block::packet(b"plain"), commented, names, secrets].concat();
        let (records, tally) = walk(&file);
        assert_eq!(records.len(), 2);
        let annotations = &tally.annotations;
        let comments: Vec<_> = annotations
            .comments
            .iter()
            .map(|comment| (comment.frame, comment.text.as_str()))
            .collect();
        assert_eq!(
            comments,
            [
                (None, "of the capture"),
                (None, "of the interface"),
                (Some(2), "first"),
                (Some(2), "second")
            ]
        );
        assert_eq!(annotations.interfaces, ["eth0"]);
        assert_eq!(annotations.names, [([10, 0, 0, 1].into(), "a".to_owned())]);
        assert_eq!(
            (annotations.secrets[0].kind, annotations.secrets[0].bytes.as_slice()),
            (0x544c_534b, &b"abc"[..])
        );
        assert_eq!(tally.into_problems(), []);
    }

    #[test]
    fn the_frame_check_sequence_is_told_by_the_interface_or_by_the_packet() {
        let flags = Block::option(2, &(2_u32 << 5).to_le_bytes());
        let file = [
            Block::section(),
            Block::interface(1, 0, &Block::option(13, &[4])),
            Block::packet(b"datafcs!"),
            Block::packet_with(b"data!!", &flags),
        ]
        .concat();
        let (records, _) = walk(&file);
        let lengths: Vec<_> = records
            .iter()
            .map(|record| (record.captured, record.original))
            .collect();
        assert_eq!(lengths, [(4, 4), (4, 4)]);
    }
}
