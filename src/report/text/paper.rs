//! Lines of a given width: wrapping, colours, and what may stand in a terminal at all.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Layout;

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Ordinary text.
    Plain,
    /// The word that introduces a line, such as `fix`.
    Label,
    /// Something failed.
    Bad,
    /// Something is doubtful.
    Doubt,
    /// Something is sound.
    Good,
}

impl Ink {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Label => Style::new().bold(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Doubt => AnsiColor::Yellow.on_default().bold(),
            Self::Good => AnsiColor::Green.on_default(),
        }
    }
}

/// Where the report is written, line by line.
pub(super) struct Paper<'a> {
    layout: &'a Layout,
    out: &'a mut dyn Write,
}

impl<'a> Paper<'a> {
    pub(super) fn new(layout: &'a Layout, out: &'a mut dyn Write) -> Self {
        Self { layout, out }
    }

    pub(super) const fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// An empty line.
    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// Wrapped text, every line of it `indent` columns in.
    pub(super) fn paragraph(&mut self, indent: usize, text: &str) -> io::Result<()> {
        self.block(indent, "", Ink::Plain, text)
    }

    /// A label, `indent` columns in, and wrapped text beside it; the text's further lines stand below its first.
    pub(super) fn block(&mut self, indent: usize, label: &str, ink: Ink, text: &str) -> io::Result<()> {
        let label = self.clean(label);
        let text = self.clean(text);
        let margin = indent + columns(&label);
        let mut lines = wrap(&text, self.layout.width.saturating_sub(margin)).into_iter();
        let first = lines.next().unwrap_or_default();
        // Blanks are not a part of the label: underlined or inverted they would show.
        let word = label.trim_end();
        let rest = format!("{}{first}", label.strip_prefix(word).unwrap_or_default());
        writeln!(
            self.out,
            "{:indent$}{}{}",
            "",
            self.inked(word, ink),
            if word.is_empty() { &rest } else { rest.trim_end() }
        )?;
        for line in lines {
            writeln!(self.out, "{:margin$}{line}", "")?;
        }
        Ok(())
    }

    /// A line that is not wrapped, because it is to be copied as it is.
    pub(super) fn verbatim(&mut self, indent: usize, text: &str) -> io::Result<()> {
        writeln!(self.out, "{:indent$}{}", "", self.clean(text))
    }

    /// A heading: the mark and the name in colour, `what` beside them, `right` from column 60 on, or on a line of its own where it does not fit.
    pub(super) fn heading(&mut self, ink: Ink, name: &str, what: &str, right: &str) -> io::Result<()> {
        let (name, what, right) = (self.clean(name), self.clean(what), self.clean(right));
        let what = if what.is_empty() { what } else { format!("   {what}") };
        let left = columns(&name) + columns(&what);
        let at = 60.min(self.layout.width.saturating_sub(columns(&right))).max(left + 3);
        let name = self.inked(&name, ink);
        if at + columns(&right) <= self.layout.width {
            writeln!(self.out, "{name}{what}{:gap$}{right}", "", gap = at - left)
        } else {
            writeln!(self.out, "{name}{what}\n  {right}")
        }
    }

    fn inked(&self, text: &str, ink: Ink) -> String {
        let style = if self.layout.color { ink.style() } else { Style::new() };
        format!("{style}{text}{style:#}")
    }

    /// The text as it may stand on this paper.
    fn clean(&self, text: &str) -> String {
        let text = printable(text);
        if self.layout.ascii { ascii(&text) } else { text }
    }
}

/// How many columns a text takes, if every character takes one.
fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Breaks `text` at its spaces into lines of at most `width` columns. A word that is longer stands alone; so does a short span of code, which is
/// to be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    // Narrower than this, a column of single words would be harder to read than a line that the terminal breaks.
    let width = width.max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in words(text) {
        let len = columns(word);
        if used > 0 && used + 1 + len > width {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += len;
    }
    lines.push(line);
    lines
}

/// The words of a text; `` `a short span of code` `` is one word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    /// Longer spans are broken like other text.
    const SHORT: usize = 60;
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut end = text.find(' ').unwrap_or(text.len());
        if let Some(open) = text.find('`').filter(|open| *open < end)
            && let Some(len) = text.get(open + 1..).and_then(|inside| inside.find('`'))
            && len <= SHORT
        {
            let close = open + 1 + len;
            end = text
                .get(close..)
                .and_then(|after| after.find(' '))
                .map_or(text.len(), |after| close + after);
        }
        rest = text.get(end + 1..);
        text.get(..end)
    })
}

/// The text without characters that would move the cursor, change colours, hide something or turn the direction of reading: each is shown by its number.
///
/// Names and banners come from the network: whoever sent them may have meant them for the terminal of the one who reads the report.
pub(crate) fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        let hides =
            matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || hides {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// The text in ASCII: marks and dashes by what looks like them, everything else by its number.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\u{7f}' => plain.push(c),
            '✗' | '×' => plain.push('x'),
            '✓' => plain.push('+'),
            '–' | '—' | '−' => plain.push('-'),
            '…' => plain.push_str("..."),
            '→' => plain.push_str("->"),
            '≤' => plain.push_str("<="),
            '≥' => plain.push_str(">="),
            '“' | '”' => plain.push('"'),
            '‘' | '’' => plain.push('\''),
            'µ' | 'μ' => plain.push('u'),
            '·' => plain.push('.'),
            '§' => plain.push_str("section "),
            _ => plain.extend(c.escape_unicode()),
        }
    }
    plain
}

/// `1 connection`, `1,204 connections`.
pub(crate) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(number))
}

/// `1,204`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_paper(layout: &Layout, write: impl FnOnce(&mut Paper<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Paper::new(layout, &mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_broken_at_spaces_and_hang_below_the_text() {
        let layout = Layout {
            width: 30,
            ..Layout::default()
        };
        let text = on_paper(&layout, |paper| {
            paper.block(2, "fix  ", Ink::Label, "serve leaf and intermediate, in this order")
        });
        assert_eq!(
            text,
            "  fix  serve leaf and\n       intermediate, in this\n       order\n"
        );
    }

    #[test]
    fn a_word_longer_than_the_line_stands_alone() {
        assert_eq!(
            wrap("a 0123456789012345678901234 b", 20),
            ["a", "0123456789012345678901234", "b"]
        );
        assert_eq!(wrap("", 20), [""]);
    }

    #[test]
    fn a_short_span_of_code_is_not_broken() {
        assert_eq!(
            wrap("one two three (`tlswhy explain x`), then", 20),
            ["one two three", "(`tlswhy explain x`),", "then"]
        );
        assert_eq!(wrap("a ` b", 20), ["a ` b"]);
        assert_eq!(
            words("a  b `c d` ` e").collect::<Vec<_>>(),
            ["a", "", "b", "`c d`", "`", "e"]
        );
    }

    #[test]
    fn control_characters_are_shown_by_number() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(printable("Zürich 株式会社"), "Zürich 株式会社");
    }

    #[test]
    fn ascii_keeps_the_sense_of_marks() {
        let layout = Layout {
            ascii: true,
            ..Layout::default()
        };
        assert_eq!(
            on_paper(&layout, |paper| paper.verbatim(0, "✗ 1–2 … é")),
            "x 1-2 ... \\u{e9}\n"
        );
    }

    #[test]
    fn colour_stands_on_words_only() {
        let layout = Layout {
            color: true,
            ..Layout::default()
        };
        let text = on_paper(&layout, |paper| paper.block(2, "fix  ", Ink::Label, "this"));
        assert_eq!(text, "  \u{1b}[1mfix\u{1b}[0m  this\n");
    }

    #[test]
    fn a_heading_that_does_not_fit_takes_two_lines() {
        let layout = Layout {
            width: 40,
            ..Layout::default()
        };
        let text = on_paper(&layout, |paper| {
            paper.heading(Ink::Bad, "✗ missing-intermediate", "certain", "2 connections")
        });
        assert_eq!(text, "✗ missing-intermediate   certain\n  2 connections\n");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(count(1, "connection"), "1 connection");
    }
}
