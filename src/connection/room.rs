//! How much room a server's hidden certificates take, and how those who were sent lists of one length fared.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::evidence::Mark;
use crate::tls::ClientStack;
use crate::x509::Interned;

/// Lengths that are told apart for one name.
const KEPT: usize = 8;
/// Bytes of a Certificate message beside its certificates (RFC 9846 §4.4.2): header of 4, context, length of the list.
const AROUND_THE_LIST: u32 = 8;
/// Bytes of an entry beside the certificate, without extensions: its length, and theirs.
const AROUND_A_CERTIFICATE: u32 = 5;

/// The length of a Certificate message of TLS 1.3 with this list and no extensions.
pub(crate) fn message_len(list: &[Arc<Interned>]) -> u32 {
    let entries = list.iter().map(|one| entry_len(one.der()));
    AROUND_THE_LIST + entries.sum::<u32>()
}

/// The length of an entry of such a list without extensions.
fn entry_len(der: &[u8]) -> u32 {
    der.len() as u32 + AROUND_A_CERTIFICATE
}

/// The lengths of the certificates that entries of these lengths hold.
pub(crate) const fn of_certificates(entries: &RangeInclusive<u32>) -> RangeInclusive<usize> {
    let (start, end) = (*entries.start(), *entries.end());
    start.saturating_sub(AROUND_A_CERTIFICATE) as usize..=end.saturating_sub(AROUND_A_CERTIFICATE) as usize
}

/// The length of what holds a server's certificates, as far as its records tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Room {
    /// Where messages share records: they hold all of the flight but Finished. Else the Certificate message alone.
    pub(crate) shared: bool,
    /// The most bytes that it may be.
    pub(crate) bytes: u32,
    /// So many of them may be padding, or belong to messages whose length varies.
    pub(crate) slack: u32,
}

impl Room {
    /// True where a Certificate message of this length would look so.
    pub(crate) fn fits(self, message: u32) -> bool {
        !self.shared && self.range().contains(&message)
    }

    /// True where a Certificate message of this length is too long for it.
    pub(crate) const fn is_too_small_for(self, message: u32) -> bool {
        self.bytes < message
    }

    /// By how many bytes the certificates in `other` are longer; `None` where the two cannot be compared, or it is not longer for sure.
    pub(crate) fn shorter_than(self, other: Self) -> Option<RangeInclusive<u32>> {
        if self.shared != other.shared {
            return None;
        }
        let (own, other) = (self.range(), other.range());
        let least = other.start().checked_sub(*own.end()).filter(|least| *least > 0)?;
        Some(least..=other.end().saturating_sub(*own.start()))
    }

    /// The most bytes that its first certificate may have.
    pub(crate) const fn of_a_certificate(self) -> u32 {
        self.bytes.saturating_sub(AROUND_THE_LIST + AROUND_A_CERTIFICATE)
    }

    fn range(self) -> RangeInclusive<u32> {
        self.bytes.saturating_sub(self.slack)..=self.bytes
    }
}

/// Families of TLS libraries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stacks(u16);

impl Stacks {
    fn add(&mut self, stack: ClientStack) {
        self.0 |= 1 << stack as u16;
    }

    /// True where none is among them.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True where this one is among them.
    pub(crate) const fn contains(self, stack: ClientStack) -> bool {
        self.0 & (1 << stack as u16) != 0
    }

    /// True where all of them are among these.
    pub(crate) fn are_among(self, others: &[ClientStack]) -> bool {
        let others = others.iter().fold(0, |all, stack| all | 1 << *stack as u16);
        self.0 & !others == 0
    }
}

/// How the connections fared whose certificates took the same room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fared {
    /// How many went on: they were completed, and the client sent data.
    pub(crate) went_on: u64,
    /// By which libraries.
    pub(crate) accepting: Stacks,
    /// The libraries of those that did not complete the handshake.
    pub(crate) refusing: Stacks,
    /// One of the clients takes no compressed certificates (RFC 8879): the length is that of the certificates.
    pub(crate) uncompressed: bool,
    /// The first packet that held them, of those that went on where there is one.
    pub(crate) first: Mark,
}

/// What is added for one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    /// The room that its certificates took.
    pub(crate) room: Room,
    /// The packet that held them.
    pub(crate) mark: Mark,
    /// The client's library.
    pub(crate) stack: ClientStack,
    /// The client takes compressed certificates.
    pub(crate) compressible: bool,
    /// The handshake was completed.
    pub(crate) completed: bool,
    /// And the client sent data.
    pub(crate) went_on: bool,
}

/// Those that one server sent for one name, by the room that they took. Adding is commutative: of too many, the shortest stay.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flights(BTreeMap<Room, Fared>);

impl Flights {
    /// Adds a connection.
    pub(crate) fn add(&mut self, flight: &Flight) {
        let fared = self.0.entry(flight.room).or_insert_with(|| Fared {
            went_on: 0,
            accepting: Stacks::default(),
            refusing: Stacks::default(),
            uncompressed: false,
            first: flight.mark,
        });
        let place = |went_on: bool, mark: Mark| (!went_on, mark.capture.0, mark.frame);
        if place(flight.went_on, flight.mark) < place(fared.went_on > 0, fared.first) {
            fared.first = flight.mark;
        }
        fared.went_on += u64::from(flight.went_on);
        fared.uncompressed |= !flight.compressible;
        if flight.went_on {
            fared.accepting.add(flight.stack);
        } else if !flight.completed {
            fared.refusing.add(flight.stack);
        }
        if self.0.len() > KEPT {
            self.0.pop_last();
        }
    }

    /// Each length, and how those fared that were sent it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Room, &Fared)> {
        self.0.iter().map(|(room, fared)| (*room, fared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{CaptureId, Side};

    const fn room(bytes: u32, slack: u32) -> Room {
        Room {
            shared: false,
            bytes,
            slack,
        }
    }

    fn flight(bytes: u32, frame: u64, stack: ClientStack, went_on: bool) -> Flight {
        Flight {
            room: room(bytes, 0),
            mark: Mark {
                capture: CaptureId(0),
                frame,
                time: None,
                from: Side::Server,
            },
            stack,
            compressible: false,
            completed: went_on,
            went_on,
        }
    }

    #[test]
    fn a_list_is_as_long_as_its_certificates_and_what_is_around_them() {
        let list = [vec![0; 1_089], vec![0; 1_304]].map(|der| Arc::new(Interned::new(&der)));
        assert_eq!(message_len(&list), 8 + 1_094 + 1_309);
        assert_eq!(message_len(&list[..1]), 8 + entry_len(list[0].der()));
    }

    #[test]
    fn what_is_padded_may_be_shorter_and_is_never_longer() {
        assert!(room(100, 0).fits(100) && !room(100, 0).fits(99));
        assert!(room(100, 15).fits(85) && !room(100, 15).fits(84) && !room(100, 15).fits(101));
        assert!(room(100, 15).is_too_small_for(101) && !room(100, 15).is_too_small_for(100));
    }

    #[test]
    fn lengths_are_compared_with_what_they_leave_open() {
        assert_eq!(room(1_102, 0).shorter_than(room(2_411, 0)), Some(1_309..=1_309));
        assert_eq!(room(1_102, 15).shorter_than(room(2_411, 15)), Some(1_294..=1_324));
        assert_eq!(room(2_411, 0).shorter_than(room(1_102, 0)), None);
        assert_eq!(room(1_102, 15).shorter_than(room(1_110, 15)), None);
        let shared = Room {
            shared: true,
            ..room(2_411, 0)
        };
        assert_eq!(room(1_102, 0).shorter_than(shared), None);
    }

    #[test]
    fn who_went_on_and_who_refused_is_told_apart() {
        let mut flights = Flights::default();
        flights.add(&flight(900, 5, ClientStack::Go, false));
        flights.add(&flight(900, 9, ClientStack::Nss, true));
        flights.add(&flight(900, 7, ClientStack::Nss, true));
        let fared = flights.0.get(&room(900, 0)).unwrap();
        assert_eq!((fared.went_on, fared.first.frame), (2, 7));
        assert!(fared.accepting.are_among(&[ClientStack::Nss, ClientStack::Apple]));
        assert!(!fared.refusing.are_among(&[ClientStack::Nss]) && fared.refusing.contains(ClientStack::Go));
    }

    #[test]
    fn the_order_of_adding_does_not_show() {
        let mut all: Vec<Flight> = (0..40_u32)
            .map(|number| flight(900 + number % 11, u64::from(number), ClientStack::Go, number % 3 == 0))
            .collect();
        let of = |all: &[Flight]| {
            let mut flights = Flights::default();
            all.iter().for_each(|flight| flights.add(flight));
            format!("{flights:?}")
        };
        let forwards = of(&all);
        all.reverse();
        assert_eq!(forwards, of(&all));
        assert_eq!(forwards.matches("went_on").count(), KEPT);
    }
}
