//! The head of the report: what was read, what came of it, and what is no failure.

use std::collections::BTreeMap;
use std::io;

use super::entry::{days, named};
use super::group::Groups;
use super::paper::{Ink, Paper, count, thousands};
use crate::report::{Capture, CaptureSet, Clock, Comment, ProblemKind, Report, Summary, Timestamp, Traffic};

/// Sets that are listed one by one.
const SETS_LISTED: usize = 12;
/// Damaged places that are listed one by one.
const PROBLEMS_LISTED: usize = 10;
/// Ports of protocols that are not read that are listed one by one.
const UNREAD_LISTED: usize = 5;
/// Notes on comments and secrets that are listed one by one.
const NOTES_LISTED: usize = 6;
/// Comments on a capture's packets that are shown, and how many characters of each comment.
const COMMENTS_LISTED: usize = 3;
const COMMENT_SHOWN: usize = 120;

/// What is no failure, though a ClientHello may have been sent.
const SPARE: &str = "client-abandoned";

/// Writes everything that stands above the groups.
pub(super) fn write(report: &Report, groups: &Groups, paper: &mut Paper<'_>) -> io::Result<()> {
    if (2..=SETS_LISTED).contains(&report.sets.len()) {
        for set in &report.sets {
            let captures: Vec<&Capture> = report
                .captures
                .iter()
                .filter(|capture| capture.set == set.name)
                .collect();
            header_line(&set.name, &captures, &set.summary, paper)?;
        }
    }
    let captures: Vec<&Capture> = report.captures.iter().collect();
    header_line(&title(report), &captures, &report.summary, paper)?;
    if attempts(&report.summary) == 0 {
        without_tls(report, groups, paper)?;
    }
    unread(report, paper)?;
    if report.partial {
        let text = "the reading was stopped; this report covers what was read until then";
        paper.block(2, "note  ", Ink::Label, text)?;
    }
    if report.passed_over > 0 {
        let verb = if report.passed_over == 1 {
            "is no capture and was"
        } else {
            "are no captures and were"
        };
        let text = format!("{} {verb} passed over", count(report.passed_over, "file"));
        paper.block(2, "note  ", Ink::Label, &text)?;
    }
    annotations(report, paper)?;
    problems(report, paper)?;
    limits(report, paper)?;
    quiet(report, groups, paper)
}

/// Columns from which a name stands on a line of its own.
const LONG_NAME: usize = 30;

/// What the whole input is called.
fn title(report: &Report) -> String {
    match (report.captures.as_slice(), report.sets.as_slice()) {
        ([capture], _) => capture.path.clone(),
        (captures, [CaptureSet { name, .. }]) => format!("{name} ({})", count(captures.len() as u64, "capture")),
        (captures, sets) if sets.len() > 1 && sets.len() < captures.len() => {
            format!(
                "{} in {}",
                count(captures.len() as u64, "capture"),
                count(sets.len() as u64, "set")
            )
        }
        (captures, _) => count(captures.len() as u64, "capture"),
    }
}

/// Connections in which TLS was tried, or may have been.
const fn attempts(summary: &Summary) -> u64 {
    summary.connections.saturating_sub(summary.not_attempted)
}

/// `incident.pcapng  31 TLS connections, TIMES: 27 completed, 3 failed, 1 undetermined`.
fn header_line(name: &str, captures: &[&Capture], summary: &Summary, paper: &mut Paper<'_>) -> io::Result<()> {
    let first = captures.iter().filter_map(|capture| capture.first).min();
    let last = captures.iter().filter_map(|capture| capture.last).max();
    let when = first
        .zip(last)
        .map_or_else(String::new, |(first, last)| range(first, last, paper));
    let text = if attempts(summary) == 0 {
        let packets = captures.iter().map(|capture| capture.packets).sum();
        format!("no TLS connection in {}{when}", count(packets, "packet"))
    } else {
        format!(
            "{}{when}: {}",
            count(attempts(summary), "TLS connection"),
            outcomes(summary)
        )
    };
    // A long path would squeeze what follows it into a narrow column.
    if name.chars().count() > LONG_NAME {
        paper.verbatim(0, name)?;
        return paper.paragraph(2, &text);
    }
    paper.block(0, &format!("{name}  "), Ink::Label, &text)
}

/// `27 completed, 3 failed, 1 undetermined`, or that nothing failed.
fn outcomes(summary: &Summary) -> String {
    let counts = [
        (summary.completed, "completed"),
        (summary.failed, "failed"),
        (summary.undetermined, "undetermined"),
    ];
    let told = counts.iter().filter(|(number, _)| *number > 0);
    let text = told
        .map(|(number, what)| format!("{} {what}", thousands(*number)))
        .collect::<Vec<_>>()
        .join(", ");
    match (summary.failed, summary.undetermined) {
        (0, 0) => format!("{text}. Nothing failed."),
        (0, _) => format!("{text}. No failure seen."),
        _ => text,
    }
}

/// `, 2026-11-23 12:03:01.100–12:03:05.300 UTC`; the length alone where times are relative.
fn range(first: Timestamp, last: Timestamp, paper: &Paper<'_>) -> String {
    let times = &paper.layout().times;
    let (from, to) = (times.date(first), times.date(last));
    if from.is_empty() {
        return format!(" in {:.3} s", last.seconds_since(first));
    }
    let (start, end) = (times.clock(first, None), times.clock(last, None));
    let label = times.label(last);
    if from == to {
        format!(", {from} {start}–{end} {label}")
    } else {
        format!(", {from} {start} – {to} {end} {label}")
    }
}

/// What there was instead of TLS, and which capture would show more.
fn without_tls(report: &Report, groups: &Groups, paper: &mut Paper<'_>) -> io::Result<()> {
    let mut total = Traffic::default();
    for set in &report.sets {
        total.tcp_flows += set.traffic.tcp_flows;
        total.began_before += set.traffic.began_before;
        total.spoken.extend(set.traffic.spoken.iter().cloned());
    }
    total
        .spoken
        .sort_by(|left, right| right.flows.cmp(&left.flows).then(left.port.cmp(&right.port)));
    let mut parts = Vec::new();
    if total.tcp_flows > 0 {
        parts.push(count(total.tcp_flows, "TCP flow"));
    }
    if total.began_before > 0 {
        parts.push(format!(
            "{} began before the capture",
            count(total.began_before, "flow")
        ));
    }
    for spoken in total.spoken.iter().take(5) {
        let verb = if spoken.flows == 1 { "speaks" } else { "speak" };
        parts.push(format!(
            "{} {verb} {} on port {}",
            thousands(spoken.flows),
            spoken.protocol,
            spoken.port
        ));
    }
    if !parts.is_empty() {
        paper.block(2, "seen  ", Ink::Label, &parts.join("; "))?;
    }
    // There is TLS in them, and another capture would show no more of it.
    let is_unread = report.captures.iter().any(|capture| !capture.unread.is_empty());
    if days(report).is_none() || is_unread || groups.not_attempted.contains_key(SPARE) {
        return Ok(());
    }
    let advice = if total.began_before > 0 {
        "start the capture before the connection is made, with whole packets:"
    } else {
        "capture where both directions of the connection pass, with whole packets:"
    };
    paper.block(2, "see more  ", Ink::Label, advice)?;
    paper.verbatim(12, "tcpdump -i any -s 0 -w FILE 'host SERVER and port 443'")
}

/// Connections of protocols that are not read yet.
fn unread(report: &Report, paper: &mut Paper<'_>) -> io::Result<()> {
    let mut counted: BTreeMap<(&str, u16), u64> = BTreeMap::new();
    for unread in report.captures.iter().flat_map(|capture| &capture.unread) {
        *counted.entry((unread.protocol.as_str(), unread.port)).or_default() += unread.connections;
    }
    let mut most: Vec<_> = counted.into_iter().collect();
    most.sort_by_key(|(_, connections)| std::cmp::Reverse(*connections));
    let told = most.iter().take(UNREAD_LISTED).map(|((protocol, port), connections)| {
        let what = format!("{} connection", protocol.to_uppercase());
        format!("{} to UDP port {port}", count(*connections, &what))
    });
    let mut told = told.collect::<Vec<_>>().join(", ");
    if told.is_empty() {
        return Ok(());
    }
    if most.len() > UNREAD_LISTED {
        told.push_str(" and others");
    }
    paper.block(2, "also  ", Ink::Label, &format!("{told}: not read yet"))
}

/// What people wrote into the captures, and that they bring secrets along.
fn annotations(report: &Report, paper: &mut Paper<'_>) -> io::Result<()> {
    let mut notes = Vec::new();
    for capture in &report.captures {
        let name = match report.captures.as_slice() {
            [_] => String::new(),
            _ => format!("{}: ", capture.path),
        };
        notes.extend(annotations_of(capture).into_iter().map(|note| name.clone() + &note));
    }
    for note in notes.iter().take(NOTES_LISTED) {
        paper.block(2, "note  ", Ink::Label, note)?;
    }
    match notes.len().saturating_sub(NOTES_LISTED) {
        0 => Ok(()),
        more => {
            let text = format!(
                "and {} more such notes: --format json lists them",
                thousands(more as u64)
            );
            paper.paragraph(2, &text)
        }
    }
}

/// The same of one capture: its own comments, those of its packets, its secrets.
fn annotations_of(capture: &Capture) -> Vec<String> {
    let short = |comment: &Comment| {
        let text = comment.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(COMMENT_SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    };
    let (on_packets, others): (Vec<&Comment>, Vec<&Comment>) =
        capture.comments.iter().partition(|comment| comment.frame.is_some());
    let mut notes: Vec<String> = others.into_iter().map(short).collect();
    let mut frames: Vec<u64> = on_packets.iter().filter_map(|comment| comment.frame).collect();
    frames.dedup();
    if !frames.is_empty() {
        let told = on_packets.iter().take(COMMENTS_LISTED);
        let mut told: Vec<String> = told
            .filter_map(|comment| Some(format!("frame {} “{}”", comment.frame?, short(comment))))
            .collect();
        let more = on_packets.len().saturating_sub(COMMENTS_LISTED);
        if more > 0 {
            told.push(format!("and {} more", thousands(more as u64)));
        }
        let verb = if frames.len() == 1 { "carries" } else { "carry" };
        let packets = count(frames.len() as u64, "packet");
        notes.push(format!("{packets} {verb} comments: {}", told.join("; ")));
    }
    let fragments = capture.fragments;
    if fragments.incomplete > 0 {
        let packets = count(fragments.incomplete, "fragmented IP packet");
        notes.push(format!("a part is missing of {packets}"));
    }
    if fragments.contradictory > 0 {
        let these = count(fragments.contradictory, "IP fragment");
        notes.push(format!(
            "{these} said something else than earlier ones of the same bytes; the first ones count"
        ));
    }
    notes.extend(capture.clock.as_ref().and_then(clock));
    if capture.secrets > 0 {
        let blocks = count(capture.secrets, "block");
        notes.push(format!("it brings {blocks} of secrets along, such as a key log"));
    }
    notes
}

/// That the capture's clock seems wrong, and what was done about it. Whoever gave an offset knows of it.
fn clock(clock: &Clock) -> Option<String> {
    let (suggested, sign) = (clock.suggested_s?, clock.sign.as_deref().unwrap_or_default());
    let (way, back) = if suggested > 0 {
        ("behind", "later")
    } else {
        ("ahead", "earlier")
    };
    let by = match suggested.unsigned_abs() {
        seconds @ 172_800.. => count(seconds / 86_400, "day"),
        seconds @ 7_200.. => count(seconds / 3_600, "hour"),
        seconds => count(seconds / 60, "minute"),
    };
    let done = if clock.applied_s == suggested {
        format!("certificates are judged {by} {back}; --clock-offset 0 leaves the times as they are")
    } else {
        format!("--clock-offset {suggested} judges certificates by that")
    };
    Some(format!(
        "the clock of the capture seems to be {by} {way}: {sign}; {done}"
    ))
}

/// Damaged places, and packets that are not there in full.
fn problems(report: &Report, paper: &mut Paper<'_>) -> io::Result<()> {
    let cut = report.captures.iter().map(|capture| capture.cut_packets).sum();
    if cut > 0 {
        let text = format!(
            "{} cut by the snapshot length; capture with -s 0 to see all of them",
            count(cut, "packet")
        );
        paper.block(2, "note  ", Ink::Label, &text)?;
    }
    let all = || {
        report
            .captures
            .iter()
            .flat_map(|capture| capture.problems.iter().map(move |problem| (capture, problem)))
    };
    for (capture, problem) in all().take(PROBLEMS_LISTED) {
        let label = match problem.kind {
            ProblemKind::Damage => "damaged  ",
            ProblemKind::CutAtEnd | ProblemKind::Limit => "note  ",
        };
        let mut text = format!(
            "{}: {}, at byte {}",
            capture.path,
            problem.what,
            thousands(problem.offset)
        );
        if problem.skipped > 0 {
            text.push_str(&format!("; {} passed over", count(problem.skipped, "byte")));
        }
        paper.block(2, label, Ink::Label, &text)?;
    }
    let more = all().skip(PROBLEMS_LISTED).count();
    if more > 0 {
        paper.paragraph(
            2,
            &format!(
                "and {} more such places: --format json lists them",
                thousands(more as u64)
            ),
        )?;
    }
    Ok(())
}

/// What was given up to keep within the limits on memory.
fn limits(report: &Report, paper: &mut Paper<'_>) -> io::Result<()> {
    let reached = &report.summary.limits_reached;
    for limit in reached.iter().take(PROBLEMS_LISTED) {
        let number = if limit.count > 1 {
            thousands(limit.count) + " "
        } else {
            String::new()
        };
        let capture = limit
            .capture
            .as_deref()
            .map_or(String::new(), |capture| format!("{capture}: "));
        let text = format!(
            "{capture}{number}{} (--max-{} {})",
            limit.what,
            limit.limit,
            thousands(limit.value)
        );
        paper.block(2, "limit  ", Ink::Label, &text)?;
    }
    Ok(())
}

/// What is no failure and no success.
fn quiet(report: &Report, groups: &Groups, paper: &mut Paper<'_>) -> io::Result<()> {
    for (cause, quiet) in &groups.not_attempted {
        let what = match cause.as_str() {
            "tcp-probe" => "that never sent a byte".to_owned(),
            "" => "in which nobody tried TLS".to_owned(),
            SPARE => format!("that clients only checked, or did not need beside another: {SPARE}"),
            id => format!("in which nobody tried TLS: {id}"),
        };
        let verdict = if quiet.connections == 1 {
            "not a failure"
        } else {
            "not failures"
        };
        let text = format!(
            "{} {what} (from {}); {verdict}",
            count(quiet.connections, "connection"),
            named(&quiet.clients, 4)
        );
        paper.block(2, "also  ", Ink::Label, &text)?;
    }
    if report.summary.half_open > 0 {
        let text = format!(
            "{} without a message of TLS, counted only",
            count(report.summary.half_open, "more connection")
        );
        paper.block(2, "also  ", Ink::Label, &text)?;
    }
    Ok(())
}
