//! `explain` and `causes`: the catalogue on the terminal.
//!
//! Pages are Markdown that reads well as it is. Headings lose their marks and become bold, fenced blocks are indented; the rest stays.

use std::io::{self, Write};

use anstyle::Style;
use tlswhy::causes;

use super::Failure;

/// Writes the page of a cause.
pub(crate) fn explain(id: &str, color: bool, out: &mut dyn Write) -> Result<io::Result<()>, Failure> {
    match causes().find(|cause| cause.id == id) {
        Some(cause) => Ok(page(cause.page, color, out)),
        None => Err(Failure(unknown(id))),
    }
}

/// Writes the list of causes.
pub(crate) fn list(out: &mut dyn Write) -> io::Result<()> {
    let width = causes().map(|cause| cause.id.len()).max().unwrap_or_default();
    for cause in causes() {
        writeln!(out, "{:width$}  {}", cause.id, cause.title)?;
    }
    Ok(())
}

fn page(markdown: &str, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let bold = if color { Style::new().bold() } else { Style::new() };
    let mut fenced = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            writeln!(out, "{}", format!("    {line}").trim_end())?;
        } else if let Some(heading) = line
            .trim_start_matches('#')
            .strip_prefix(' ')
            .filter(|_| line.starts_with('#'))
        {
            writeln!(out, "{bold}{heading}{bold:#}")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// That there is no such cause, and which ones are meant perhaps.
fn unknown(id: &str) -> String {
    let words: Vec<&str> = id.split('-').filter(|word| word.len() > 2).collect();
    let mut near: Vec<(usize, &str)> = causes()
        .map(|cause| {
            (
                cause.id.split('-').filter(|word| words.contains(word)).count(),
                cause.id,
            )
        })
        .filter(|(shared, _)| *shared > 0)
        .collect();
    near.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    let near: Vec<&str> = near.into_iter().take(5).map(|(_, id)| id).collect();
    if near.is_empty() {
        format!("no cause is called {id:?}: `tlswhy causes` lists them")
    } else {
        format!("no cause is called {id:?}; near it: {}", near.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markdown: &str, color: bool) -> String {
        let mut out = Vec::new();
        page(markdown, color, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn headings_lose_their_marks_and_fences_are_indented() {
        let markdown = "# Title\n\nText with `code`.\n\n```sh\nls\n\n# not a heading\n```\n- item\n";
        assert_eq!(
            shown(markdown, false),
            "Title\n\nText with `code`.\n\n    ls\n\n    # not a heading\n- item\n"
        );
        assert!(shown(markdown, true).starts_with("\u{1b}[1mTitle\u{1b}[0m\n"));
    }

    #[test]
    fn near_names_are_suggested() {
        assert!(unknown("intermediate-missing").contains("near it: missing-intermediate"));
        assert!(unknown("zzz").contains("tlswhy causes"));
    }
}
