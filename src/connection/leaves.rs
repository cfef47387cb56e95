//! Which of a server's own certificates came how often for one name, and how the connections that got them fared.

use std::sync::Arc;

use crate::evidence::Mark;
use crate::x509::Interned;

/// Certificates that are told apart; a pool of servers that disagree has two.
const KEPT: usize = 4;

/// One certificate.
#[derive(Clone, Debug)]
pub(crate) struct LeafCount {
    /// The certificate.
    pub(crate) leaf: Arc<Interned>,
    /// Connections that got it.
    pub(crate) connections: u64,
    /// Those of them in which the client went on to send data.
    pub(crate) carried_data: u64,
    /// The packets that completed its first and its last message.
    pub(crate) seen: [Mark; 2],
}

impl LeafCount {
    /// True where one of the two came before and after the other: no change from one to the other explains that.
    pub(crate) fn alternates_with(&self, other: &Self) -> bool {
        let [[first, last], [others_first, others_last]] = [self, other].map(|count| count.seen.map(|mark| mark.frame));
        first < others_last && others_first < last
    }
}

/// Those that one server sent for one name. Adding is commutative: of too many, the first in the order of their bytes stay.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaves(Vec<LeafCount>);

impl Leaves {
    /// Adds a connection in which this certificate was sent.
    pub(crate) fn add(&mut self, leaf: &Arc<Interned>, mark: Mark, carried_data: bool) {
        let place = self.0.binary_search_by(|known| known.leaf.der().cmp(leaf.der()));
        let place = match place {
            Ok(place) => place,
            Err(KEPT..) => return,
            Err(place) => {
                let new = LeafCount {
                    leaf: Arc::clone(leaf),
                    connections: 0,
                    carried_data: 0,
                    seen: [mark; 2],
                };
                self.0.insert(place, new);
                self.0.truncate(KEPT);
                place
            }
        };
        let Some(count) = self.0.get_mut(place) else { return };
        count.connections += 1;
        count.carried_data += u64::from(carried_data);
        let [first, last] = &mut count.seen;
        if mark.frame < first.frame {
            *first = mark;
        }
        if mark.frame > last.frame {
            *last = mark;
        }
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LeafCount> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{CaptureId, Side};

    fn leaves(sent: &[(&[u8], u64)]) -> Leaves {
        let mut leaves = Leaves::default();
        for (der, frame) in sent {
            let mark = Mark {
                capture: CaptureId(0),
                frame: *frame,
                time: None,
                from: Side::Server,
            };
            leaves.add(&Arc::new(Interned::new(der)), mark, *frame % 2 == 0);
        }
        leaves
    }

    #[test]
    fn a_pool_alternates_and_a_rotation_does_not() {
        let alternate = |sent: &[(&[u8], u64)]| {
            let leaves = leaves(sent);
            leaves.0[0].alternates_with(&leaves.0[1])
        };
        assert!(alternate(&[(b"a", 1), (b"b", 2), (b"a", 3)]));
        assert!(alternate(&[(b"b", 1), (b"a", 2), (b"b", 3), (b"a", 4)]));
        assert!(!alternate(&[(b"a", 1), (b"a", 2), (b"b", 3), (b"b", 4)]));
        assert!(!alternate(&[(b"b", 1), (b"a", 2)]));
    }

    #[test]
    fn counts_do_not_depend_on_the_order_of_adding() {
        let mut sent: Vec<(&[u8], u64)> = Vec::new();
        for (place, der) in [b"f", b"a", b"e", b"b", b"d", b"c"].iter().cycle().take(24).enumerate() {
            sent.push((&der[..], place as u64));
        }
        let forwards = leaves(&sent);
        sent.reverse();
        assert_eq!(format!("{forwards:?}"), format!("{:?}", leaves(&sent)));
        let counts = forwards
            .iter()
            .map(|count| (count.leaf.der()[0], count.connections, count.carried_data));
        // "a" came in frames 1, 7, 13 and 19, "b" in 3, 9 …, "c" in 5 …, "d" in 4, 10, 16 and 22.
        assert_eq!(
            counts.collect::<Vec<_>>(),
            [(b'a', 4, 0), (b'b', 4, 0), (b'c', 4, 0), (b'd', 4, 4)]
        );
    }
}
