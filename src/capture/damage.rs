//! Damage in the middle of a capture: from where it begins until something is found behind it that can be read.

use super::tally::Tally;

/// What a search for the next record or block found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One, at this place.
    At(usize),
    /// Nothing before this place, which cannot be judged yet.
    NotBefore(usize),
    /// Nothing.
    Nothing,
}

/// Damage whose end is searched for.
#[derive(Debug)]
pub(super) struct Damage {
    /// Where it begins, in the capture.
    offset: u64,
    what: String,
}

/// What to do after a search.
#[derive(Debug)]
pub(super) enum Search {
    /// Read on at this place.
    Ended(usize),
    /// Search on when there are more bytes; those before this place are done with.
    GoesOn(Damage, usize),
}

impl Damage {
    /// Damage that begins at this offset of the capture.
    pub(super) const fn new(offset: u64, what: String) -> Self {
        Self { offset, what }
    }

    /// Tells where it ends, if a search in `len` bytes, which begin at `base` of the capture, found that out.
    pub(super) fn searched(self, found: Found, base: u64, len: usize, tally: &mut Tally) -> Search {
        let end = match found {
            Found::At(next) => next,
            Found::NotBefore(place) => return Search::GoesOn(self, place),
            Found::Nothing => len,
        };
        tally.damaged(self.offset, self.what, (base + end as u64).saturating_sub(self.offset));
        Search::Ended(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a search in 50 bytes from 1,000 on leads to that found this, of damage that begins at 900; and the bytes that are told as damaged.
    fn after(found: Found) -> (Search, Vec<u64>) {
        let mut tally = Tally::default();
        let search = Damage::new(900, "zeros".to_owned()).searched(found, 1_000, 50, &mut tally);
        let told = tally.into_problems();
        (search, told.iter().map(|problem| problem.skipped).collect())
    }

    #[test]
    fn damage_ends_where_something_is_found_or_with_the_bytes() {
        assert!(matches!(after(Found::At(20)), (Search::Ended(20), told) if told == [120]));
        assert!(matches!(after(Found::Nothing), (Search::Ended(50), told) if told == [150]));
    }

    #[test]
    fn damage_whose_end_cannot_be_seen_yet_is_not_told() {
        let (search, told) = after(Found::NotBefore(30));
        assert!(matches!(search, Search::GoesOn(Damage { offset: 900, .. }, 30)));
        assert!(told.is_empty());
    }
}
