//! The stream numbers of a shard's conversations, in the order in which it opened them.

/// A list of ascending numbers, kept as the steps between them: there are as many as flows, and a step is seldom larger than a byte.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// Each step, as bytes that add up to it: any number of [`Self::MORE`], and one below.
    steps: Vec<u8>,
    last: u32,
}

impl Numbers {
    /// A byte of this value is followed by another.
    const MORE: u8 = u8::MAX;

    /// Adds the number of the next conversation, which is not below the last one's.
    pub(super) fn push(&mut self, number: u32) {
        let mut step = number.saturating_sub(self.last);
        while step >= u32::from(Self::MORE) {
            self.steps.push(Self::MORE);
            step -= u32::from(Self::MORE);
        }
        self.steps.push(step as u8);
        self.last = number;
    }

    /// The numbers of all conversations in turn.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let mut number = 0_u32;
        self.steps.iter().filter_map(move |step| {
            number = number.saturating_add(u32::from(*step));
            (*step != Self::MORE).then_some(number)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_went_in() {
        let given = [0, 1, 1, 255, 256, 510, 511, 1_021, 70_000, u32::MAX / 4];
        let mut numbers = Numbers::default();
        given.iter().for_each(|number| numbers.push(*number));
        assert_eq!(numbers.iter().collect::<Vec<_>>(), given);
    }
}
