//! One group, told: heading, sentence, proof, doubts, remedies, and the way to the packets.

use std::collections::BTreeMap;
use std::io;

use super::group::{Group, Kind, Streams};
use super::paper::{Ink, Paper, count};
use crate::report::{
    Alternative, AtFault, Cause, Confidence, Connection, Evidence, NotVisibleWhy, Remedy, Report, Severity, Timestamp,
    Transport,
};

/// Frames or streams that are listed one by one.
const LISTED: usize = 12;
/// Clients or servers that are named.
const NAMED: usize = 4;

/// Writes a group that has something to tell.
pub(super) fn write(report: &Report, group: &Group, paper: &mut Paper<'_>) -> io::Result<()> {
    let connection = report.connections.render(group.clearest);
    let cause = connection.subject();
    let (mark, ink) = match group.kind() {
        Kind::Failed => ('✗', Ink::Bad),
        Kind::Undetermined => ('?', Ink::Doubt),
        Kind::Warned => ('!', Ink::Doubt),
        Kind::Sound => ('✓', Ink::Good),
    };
    let name = format!("{mark} {}", cause.map_or("no known cause fits", |cause| &cause.id));
    let what = cause.map_or_else(String::new, |cause| {
        let others = group.less_sure(cause.confidence).map(|least| format!("others {least}"));
        let side = Some(side(cause.at_fault)).filter(|side| !side.is_empty());
        let parts = [Some(cause.confidence.to_string()), others, side.map(str::to_owned)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    paper.heading(ink, &name, &what, &extent(report, &connection, group, paper))?;
    let Some(cause) = cause else {
        return unexplained(&connection, group, paper);
    };
    let example = if group.servers.len() > 1 { "For example: " } else { "" };
    paper.paragraph(2, &format!("{example}{}", cause.sentence))?;
    proof(&connection, cause, paper)?;
    doubts(&connection, cause, paper)?;
    remedies(cause, paper)?;
    if let Some(command) = &connection.next_capture {
        paper.block(2, "see more  ", Ink::Label, "this capture would show it:")?;
        paper.verbatim(12, command)?;
    }
    ends(cause, group, paper)?;
    inside(&connection, paper)?;
    streams(report, &connection, group, paper)
}

/// Writes the one line of a group without fault.
pub(super) fn sound(group: &Group, paper: &mut Paper<'_>) -> io::Result<()> {
    let servers = named(&group.servers, NAMED);
    let name = group
        .server_name()
        .map_or_else(|| servers.clone(), |name| format!("{name} ({servers})"));
    paper.heading(
        Ink::Good,
        &format!("✓ {name}"),
        "",
        &count(group.connections, "connection"),
    )
}

/// Writes a group that no cause explains.
fn unexplained(connection: &Connection, group: &Group, paper: &mut Paper<'_>) -> io::Result<()> {
    paper.paragraph(
        2,
        &format!(
            "{} and {}: the handshake ended at step {}; {} ended it.",
            connection.client, connection.server, connection.step, connection.aborted_by
        ),
    )?;
    for part in &group.streams {
        stream_line(part, false, paper)?;
    }
    Ok(())
}

/// How many connections, and when.
fn extent(report: &Report, connection: &Connection, group: &Group, paper: &Paper<'_>) -> String {
    let number = count(group.connections, "connection");
    let Some((first, last)) = group.span else {
        return number;
    };
    let times = &paper.layout().times;
    let start = report.start_of(&connection.capture);
    let dated = days(report).is_none_or(|(from, to)| times.date(from) != times.date(to));
    let shown = |moment: Timestamp| match times.date(moment) {
        date if dated && !date.is_empty() => format!("{date} {}", times.clock(moment, start)),
        _ => times.clock(moment, start),
    };
    if first == last {
        format!("{number}   {}", shown(first))
    } else {
        format!("{number}   {} – {}", shown(first), shown(last))
    }
}

/// The first and the last moment of the input.
pub(super) fn days(report: &Report) -> Option<(Timestamp, Timestamp)> {
    let first = report.captures.iter().filter_map(|capture| capture.first).min()?;
    let last = report.captures.iter().filter_map(|capture| capture.last).max()?;
    Some((first, last))
}

/// Whose side it is, for the heading.
const fn side(at_fault: AtFault) -> &'static str {
    match at_fault {
        AtFault::Client => "client's side",
        AtFault::Server => "server's side",
        AtFault::Both => "both sides' settings",
        AtFault::Network => "network's side",
        AtFault::Middlebox => "a device on the path",
        AtFault::Ca => "the issuing authority's side",
        AtFault::Capture => "a matter of the capture",
        AtFault::Nobody => "nobody's fault",
        AtFault::Unknown => "",
    }
}

/// The evidence, in columns: frames, who, what.
fn proof(connection: &Connection, cause: &Cause, paper: &mut Paper<'_>) -> io::Result<()> {
    let labels: Vec<String> = cause
        .evidence
        .iter()
        .map(|proof| frame_label(connection, proof))
        .collect();
    let width = labels
        .iter()
        .map(|label| label.chars().count())
        .max()
        .unwrap_or_default();
    for (label, proof) in labels.iter().zip(&cause.evidence) {
        if label == "also" {
            let text = elsewhere(connection, proof);
            paper.block(4, &format!("{label:width$}   "), Ink::Plain, &text)?;
            continue;
        }
        let from = match proof.from {
            Some(from) => from.as_str(),
            // A packet that neither side sent.
            None if !proof.frames.is_empty() => "network",
            None => "",
        };
        paper.block(4, &format!("{label:width$}   {from:7}  "), Ink::Plain, &proof.text)?;
    }
    Ok(())
}

/// `frame 6`, `frames 5, 7`, `frames 17–21`; `also` for what stands in another stream.
fn frame_label(connection: &Connection, proof: &Evidence) -> String {
    let other = proof.capture != connection.capture || proof.stream != connection.stream;
    match proof.frames.as_slice() {
        _ if other => "also".to_owned(),
        [] => String::new(),
        [frame] => format!("frame {frame}"),
        frames => format!("frames {}", listed(frames, 6)),
    }
}

/// What another stream shows, and where that is, unless the text says so itself.
fn elsewhere(connection: &Connection, proof: &Evidence) -> String {
    let mut place = Vec::new();
    if proof.capture != connection.capture {
        place.push(proof.capture.clone());
    }
    place.extend(proof.stream.map(|stream| format!("stream {stream}")));
    match proof.frames.as_slice() {
        [] => {}
        [frame] => place.push(format!("frame {frame}")),
        frames => place.push(format!("frames {}", listed(frames, 6))),
    }
    if place.last().is_none_or(|last| proof.text.contains(last)) {
        proof.text.clone()
    } else {
        format!("{}: {}", place.join(", "), proof.text)
    }
}

/// `3, 5, 17–21`, at most `limit` entries of it.
fn listed(numbers: &[u64], limit: usize) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let mut parts = Vec::new();
    for (first, last) in runs {
        if last - first < 2 {
            parts.extend((first..=last).map(|number| number.to_string()));
        } else {
            parts.push(format!("{first}–{last}"));
        }
    }
    let more = parts.len() > limit;
    parts.truncate(limit);
    if more {
        format!("{}, …", parts.join(", "))
    } else {
        parts.join(", ")
    }
}

/// What is inferred, what else could be, what else was found, what could not be seen.
fn doubts(connection: &Connection, cause: &Cause, paper: &mut Paper<'_>) -> io::Result<()> {
    if let Some(inferred) = &cause.inferred
        && !cause.sentence.contains(inferred.trim_end_matches('.'))
    {
        paper.block(2, "inferred  ", Ink::Label, inferred)?;
    }
    if cause.confidence != Confidence::Certain && !cause.alternatives.is_empty() {
        paper.block(2, "also possible  ", Ink::Label, &alternatives(&cause.alternatives))?;
    }
    for finding in connection.findings.iter().filter(|finding| finding.cause != *cause) {
        let label = if finding.severity == Severity::Note {
            "note  "
        } else {
            "also  "
        };
        paper.block(2, label, Ink::Label, &finding.cause.sentence)?;
    }
    let mut hidden: BTreeMap<NotVisibleWhy, Vec<&str>> = BTreeMap::new();
    for missing in connection
        .not_visible
        .iter()
        .filter(|missing| missing.why != NotVisibleWhy::Encrypted)
    {
        hidden.entry(missing.why).or_default().push(&missing.path);
    }
    for (why, paths) in hidden {
        paper.block(
            2,
            "not seen  ",
            Ink::Label,
            &format!("{}: {}", paths.join(", "), because(why)),
        )?;
    }
    Ok(())
}

/// Why something was not seen, for people.
const fn because(why: NotVisibleWhy) -> &'static str {
    match why {
        NotVisibleWhy::Encrypted => "encrypted, and no key log was given",
        NotVisibleWhy::Gap => "packets are missing from the capture",
        NotVisibleWhy::Snaplen => "the capture cut the packets (snapshot length)",
        NotVisibleWhy::OneSided => "the capture holds one direction only",
        NotVisibleWhy::Truncated => "the capture begins or ends inside the connection",
    }
}

/// The alternatives; those with one reason stand together.
fn alternatives(alternatives: &[Alternative]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for alternative in alternatives {
        match reasons.iter_mut().find(|(why, _)| *why == alternative.why_not) {
            Some((_, ids)) => ids.push(&alternative.id),
            None => reasons.push((&alternative.why_not, vec![&alternative.id])),
        }
    }
    let told = reasons.iter().map(|(why, ids)| match *why {
        "" => ids.join(", "),
        why => format!("{}: {}", ids.join(", "), why.trim_end_matches('.')),
    });
    told.collect::<Vec<_>>().join("; ")
}

/// What to do, and where to read on.
fn remedies(cause: &Cause, paper: &mut Paper<'_>) -> io::Result<()> {
    for (at, remedy) in cause.remedies.iter().enumerate() {
        let label = if at == 0 { "fix  " } else { "     " };
        paper.block(2, label, Ink::Label, &told(cause, remedy))?;
        if let Some(command) = &remedy.command {
            paper.verbatim(7, command)?;
        }
    }
    paper.block(2, "more  ", Ink::Label, &format!("`tlswhy explain {}`", cause.id))
}

/// The remedy; with whose it is, unless there is only one and the heading says so.
fn told(cause: &Cause, remedy: &Remedy) -> String {
    let plain = matches!(remedy.side, AtFault::Unknown | AtFault::Nobody);
    if plain || (cause.remedies.len() == 1 && remedy.side == cause.at_fault) {
        remedy.text.clone()
    } else {
        format!("{}: {}", remedy.side, remedy.text)
    }
}

/// The clients, and the servers where there are several.
fn ends(cause: &Cause, group: &Group, paper: &mut Paper<'_>) -> io::Result<()> {
    let named_already = group.clients.len() == 1
        && group
            .clients
            .keys()
            .all(|client| cause.sentence.contains(client.as_str()));
    if !named_already {
        let label = if group.clients.len() == 1 {
            "client  "
        } else {
            "clients  "
        };
        paper.block(2, label, Ink::Label, &named(&group.clients, NAMED))?;
    }
    if group.servers.len() > 1 {
        paper.block(2, "servers  ", Ink::Label, &named(&group.servers, NAMED))?;
    }
    Ok(())
}

/// What the connection was wrapped in, the outermost first: `vlan 7, vxlan 42`.
fn inside(connection: &Connection, paper: &mut Paper<'_>) -> io::Result<()> {
    let layers = connection.encapsulation.iter().map(|layer| match layer.id {
        Some(id) => format!("{} {id}", layer.kind),
        None => layer.kind.clone(),
    });
    let layers: Vec<String> = layers.collect();
    if layers.is_empty() {
        return Ok(());
    }
    paper.block(2, "inside  ", Ink::Label, &layers.join(", "))
}

/// `10.0.0.5 (7), 10.0.0.6, and 3 more`: the most frequent first.
pub(super) fn named(hosts: &BTreeMap<String, u64>, limit: usize) -> String {
    let mut ranked: Vec<(&String, u64)> = hosts.iter().map(|(host, times)| (host, *times)).collect();
    // The sort is stable, and the map is in order: hosts of one rank stay in the order of their names.
    ranked.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let shown = ranked.iter().take(limit).map(|(host, times)| match times {
        1 => (*host).clone(),
        _ if hosts.len() == 1 => (*host).clone(),
        times => format!("{host} ({times})"),
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if ranked.len() > limit {
        text.push_str(&format!(", and {} more", ranked.len() - limit));
    }
    text
}

/// The streams of each capture, with a filter for Wireshark.
fn streams(report: &Report, connection: &Connection, group: &Group, paper: &mut Paper<'_>) -> io::Result<()> {
    let several = report.captures.len() > 1;
    if let ([streams], 1) = (group.streams.as_slice(), group.connections)
        && streams.numbers.is_empty()
    {
        let capture = if several {
            format!("{}   ", connection.capture)
        } else {
            String::new()
        };
        return match &connection.wireshark_filter {
            Some(filter) => paper.block(2, "packets  ", Ink::Label, &format!("{capture}Wireshark: {filter}")),
            None => Ok(()),
        };
    }
    for part in &group.streams {
        stream_line(part, several, paper)?;
    }
    if group.elsewhere > 0 {
        paper.paragraph(
            2,
            &format!("and {} in other captures", count(group.elsewhere, "connection")),
        )?;
    }
    Ok(())
}

fn stream_line(streams: &Streams, named: bool, paper: &mut Paper<'_>) -> io::Result<()> {
    let field = match streams.transport {
        Transport::Udp => "udp.stream",
        Transport::Tcp | Transport::Eap => "tcp.stream",
    };
    let mut numbers: Vec<String> = streams.numbers.iter().take(LISTED).map(u64::to_string).collect();
    let more = streams.more + (streams.numbers.len() - numbers.len()) as u64;
    let all = numbers.join(", ");
    let (label, filter) = match numbers.as_slice() {
        [] => return Ok(()),
        [number] => ("stream ", format!("{field} eq {number}")),
        _ => ("streams ", format!("{field} in {{{all}}}")),
    };
    if more > 0 {
        numbers.push(format!("and {more} more"));
    }
    let capture = if named {
        format!("   {}", streams.capture)
    } else {
        String::new()
    };
    paper.block(
        2,
        label,
        Ink::Label,
        &format!("{}{capture}   Wireshark: {filter}", numbers.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_frames_are_shortened() {
        assert_eq!(listed(&[5, 7], 6), "5, 7");
        assert_eq!(listed(&[16, 17, 18, 19, 21, 22], 6), "16–19, 21, 22");
        assert_eq!(listed(&[1, 3, 5, 7], 3), "1, 3, 5, …");
    }

    #[test]
    fn hosts_are_named_by_how_often_they_are_there() {
        let hosts = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 7), ("c".to_owned(), 1)]);
        assert_eq!(named(&hosts, 4), "b (7), a, c");
        assert_eq!(named(&hosts, 2), "b (7), a, and 1 more");
    }

    #[test]
    fn alternatives_with_one_reason_stand_together() {
        let alternative = |id: &str, why: &str| Alternative {
            id: id.to_owned(),
            why_not: why.to_owned(),
        };
        let text = alternatives(&[
            alternative("untrusted-root", "alike in this capture"),
            alternative("certificate-expired", "alike in this capture"),
            alternative("self-signed", "two certificates fit the size"),
        ]);
        assert_eq!(
            text,
            "untrusted-root, certificate-expired: alike in this capture; self-signed: two certificates fit the size"
        );
    }
}
