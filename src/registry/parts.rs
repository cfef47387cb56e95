//! Tables whose rows are known by parts of names, all looked for at once: some tables have a hundred parts, and every certificate is held
//! against them.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// The parts of a table.
#[derive(Debug)]
pub(super) struct Parts {
    /// `None` would mean more parts than fit into memory: nothing is found then.
    automaton: Option<AhoCorasick>,
    /// To which row each part belongs.
    rows: Vec<usize>,
}

impl Parts {
    /// The parts, each with the number of its row.
    pub(super) fn new<'a>(parts: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let (rows, parts): (Vec<usize>, Vec<&str>) = parts.into_iter().unzip();
        // The other kinds search faster, and take longer to build than most runs search.
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .ascii_case_insensitive(true)
            .build(parts);
        let automaton = automaton.ok();
        Self { automaton, rows }
    }

    /// The first row of the table of which a part stands in the text, in upper or lower case.
    pub(super) fn first_row(&self, text: &str) -> Option<usize> {
        let found = self.automaton.as_ref()?.find_overlapping_iter(text);
        found
            .filter_map(|part| self.rows.get(part.pattern().as_usize()).copied())
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_counts_wherever_its_part_stands() {
        let parts = Parts::new([(0, "portal"), (1, "acme"), (2, "acme portal"), (2, "me po")]);
        assert_eq!(parts.first_row("The ACME Company"), Some(1));
        assert_eq!(parts.first_row("Acme Portal"), Some(0));
        assert_eq!(parts.first_row("home post"), Some(2));
        assert_eq!(parts.first_row("a c m e"), None);
    }
}
