//! Whole text reports on connections built by hand.

use super::*;
use crate::report::testing::{at, began_before, completed, missing_intermediate, probe, report_on};
use crate::report::{
    Alternative, CaptureProblem, CaptureSet, Comment, Confidence, Connection, NotVisible, NotVisibleWhy, ProblemKind,
    Spoken, Summary, Traffic,
};

fn written_with(report: &Report, filter: &Filter, layout: &Layout) -> String {
    let mut out = Vec::new();
    write(report, filter, layout, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn written(connections: Vec<Connection>) -> String {
    written_with(&report_on(connections), &Filter::default(), &Layout::default())
}

fn later(mut connection: Connection) -> Connection {
    connection.failed_at = at(5_300);
    connection
}

#[test]
fn a_failure_is_told_with_its_proof_and_its_fix() {
    let text = written(vec![
        missing_intermediate(3),
        later(missing_intermediate(7)),
        completed(8),
    ]);
    assert_eq!(
        text,
        "\
incident.pcapng  3 TLS connections, 2026-11-23 12:03:01.100–12:03:06.300 UTC: 1 completed, 2 failed

✗ missing-intermediate   certain, server's side             2 connections   12:03:01.160 – 12:03:06.300
  shop.example (10.90.0.1:443) sent only its own certificate; nothing that it sent leads from the issuer
  \"Northwind Issuing CA G2\" to a root, and 10.0.0.5 gave up: unknown_ca.
    frame 6   server   Certificate: CN=shop.example, issued by \"Northwind Issuing CA G2\"; no other certificate
    frame 8   client   alert, fatal: unknown_ca (48)
    also      stream 9, frame 41: the missing certificate; with it the chain is complete
  fix  serve leaf + intermediate: nginx `ssl_certificate fullchain.pem;`
       openssl s_client -connect 10.90.0.1:443 -servername shop.example -showcerts
  more  `tlswhy explain missing-intermediate`
  streams 3, 7   Wireshark: tcp.stream in {3, 7}
"
    );
}

#[test]
fn a_capture_without_failures_is_short() {
    assert_eq!(
        written(vec![completed(1), completed(2), probe(3), probe(4)]),
        "\
incident.pcapng  2 TLS connections, 2026-11-23 12:03:01.100–12:03:06.300 UTC: 2 completed. Nothing failed.
  also  2 connections that never sent a byte (from 10.0.0.5); not failures
"
    );
}

#[test]
fn what_cannot_be_told_carries_a_question_mark() {
    assert_eq!(
        written(vec![began_before(1)]),
        "\
incident.pcapng  1 TLS connection, 2026-11-23 12:03:01.100–12:03:06.300 UTC: 1 undetermined. No failure seen.

? started-mid-connection   certain, a matter of the capture   1 connection   12:03:01.120
  The handshake of 10.0.0.5:51234 with 10.90.0.1:443 took place before the capture began.
    frame 1   client   application data, without a handshake before it
  more  `tlswhy explain started-mid-connection`
  stream 1   Wireshark: tcp.stream eq 1
"
    );
}

#[test]
fn doubt_is_named_as_alternatives_and_as_what_was_not_seen() {
    let mut connection = missing_intermediate(1);
    connection.not_visible = vec![
        NotVisible {
            path: "answer.alpn".to_owned(),
            why: NotVisibleWhy::Encrypted,
        },
        NotVisible {
            path: "offer.alpn".to_owned(),
            why: NotVisibleWhy::Snaplen,
        },
    ];
    let cause = connection.cause.as_mut().unwrap();
    cause.confidence = Confidence::Likely;
    cause.inferred = Some("The client does not know the issuer.".to_owned());
    cause.alternatives = vec![Alternative {
        id: "untrusted-root".to_owned(),
        why_not: "alike in this capture".to_owned(),
    }];
    let text = written(vec![connection]);
    for line in [
        "✗ missing-intermediate   likely, server's side ",
        "  inferred  The client does not know the issuer.\n",
        "  also possible  untrusted-root: alike in this capture\n",
        "  not seen  offer.alpn: the capture cut the packets (snapshot length)\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains("answer.alpn"));
}

#[test]
fn a_group_is_not_said_to_be_surer_than_all_of_it() {
    let mut other = missing_intermediate(4);
    other.cause.as_mut().unwrap().confidence = Confidence::Likely;
    other.cause.as_mut().unwrap().weight = 85;
    let text = written(vec![missing_intermediate(1), other]);
    assert!(
        text.contains("✗ missing-intermediate   certain, others likely, server's side "),
        "{text}"
    );
}

#[test]
fn groups_beyond_the_limit_are_counted() {
    let connections: Vec<Connection> = (0..5)
        .map(|port| {
            let mut connection = missing_intermediate(u64::from(port));
            connection.server.port = Some(port);
            connection
        })
        .collect();
    let layout = Layout {
        limit: 2,
        ..Layout::default()
    };
    let text = written_with(&report_on(connections), &Filter::default(), &layout);
    assert_eq!(text.matches('✗').count(), 2);
    assert!(
        text.ends_with("\n3 more groups with 3 connections not shown: --limit 0 shows them all.\n"),
        "{text}"
    );
}

#[test]
fn several_clients_are_named() {
    let mut other = missing_intermediate(2);
    other.client.address = "10.0.0.6".to_owned();
    let text = written(vec![missing_intermediate(1), missing_intermediate(4), other]);
    assert!(text.contains("\n  clients  10.0.0.5 (2), 10.0.0.6\n"), "{text}");
}

#[test]
fn an_input_without_tls_says_what_was_there() {
    let mut report = report_on(vec![]);
    report.sets = vec![CaptureSet {
        name: "incident.pcapng".to_owned(),
        summary: Summary::default(),
        traffic: Traffic {
            tcp_flows: 17,
            began_before: 14,
            spoken: vec![Spoken {
                protocol: "plain HTTP".to_owned(),
                port: 8_080,
                flows: 3,
            }],
        },
    }];
    assert_eq!(
        written_with(&report, &Filter::default(), &Layout::default()),
        "\
incident.pcapng  no TLS connection in 1,204 packets, 2026-11-23 12:03:01.100–12:03:06.300 UTC
  seen  17 TCP flows; 14 flows began before the capture; 3 speak plain HTTP on port 8080
  see more  start the capture before the connection is made, with whole packets:
            tcpdump -i any -s 0 -w FILE 'host SERVER and port 443'
"
    );
}

#[test]
fn who_only_checked_is_not_advised_to_capture_more() {
    let mut check = probe(1);
    check.cause.as_mut().unwrap().id = "client-abandoned".to_owned();
    let text = written(vec![check]);
    let quiet = "also  1 connection that clients only checked, or did not need beside another: client-abandoned (from 10.0.0.5); not a failure";
    assert!(text.replace("\n        ", " ").contains(quiet), "{text}");
    assert!(
        !text.contains("see more") && written(vec![probe(1)]).contains("see more"),
        "{text}"
    );
}

#[test]
fn comments_are_counted_and_the_first_ones_shown() {
    let mut report = report_on(vec![completed(1)]);
    let comment = |frame, text: &str| Comment {
        frame,
        text: text.to_owned(),
    };
    report.captures[0].comments = vec![
        comment(None, "taken at the load balancer"),
        comment(Some(5), "here it\nbegins"),
        comment(Some(5), "see ticket 12"),
        comment(Some(9), "and ends"),
        comment(Some(10), &"x".repeat(300)),
    ];
    report.captures[0].secrets = 2;
    let text = written_with(&report, &Filter::default(), &Layout::default());
    assert!(text.contains("  note  taken at the load balancer\n"), "{text}");
    assert!(
        text.contains("  note  3 packets carry comments: frame 5 “here it begins”; frame 5 “see ticket 12”; frame 9 “and ends”; and 1"),
        "{text}"
    );
    assert!(text.contains("  note  it brings 2 blocks of secrets along"), "{text}");
}

#[test]
fn damage_and_a_cut_end_are_told_apart() {
    let mut report = report_on(vec![completed(1)]);
    report.partial = true;
    report.captures[0].problems = vec![
        CaptureProblem {
            offset: 4_096,
            what: "a block of unknown length".to_owned(),
            skipped: 128,
            kind: ProblemKind::Damage,
        },
        CaptureProblem {
            offset: 123_400,
            what: "the last record is cut".to_owned(),
            skipped: 0,
            kind: ProblemKind::CutAtEnd,
        },
    ];
    let text = written_with(&report, &Filter::default(), &Layout::default());
    assert!(
        text.contains("  damaged  incident.pcapng: a block of unknown length, at byte 4,096; 128 bytes passed over\n")
    );
    assert!(text.contains("  note  incident.pcapng: the last record is cut, at byte 123,400\n"));
    assert!(text.contains("  note  the reading was stopped;"));
}

#[test]
fn sound_connections_are_one_line_for_each_server() {
    let filter = Filter {
        all: true,
        ..Filter::default()
    };
    let text = written_with(
        &report_on(vec![completed(1), completed(2)]),
        &filter,
        &Layout::default(),
    );
    assert!(
        text.ends_with("\n\n✓ shop.example (10.90.0.1:443)                              2 connections\n"),
        "{text}"
    );
}

#[test]
fn a_filter_that_fits_nothing_says_so() {
    let filter = Filter {
        ports: vec![1],
        ..Filter::default()
    };
    let text = written_with(&report_on(vec![missing_intermediate(1)]), &filter, &Layout::default());
    assert!(text.ends_with("1 failed\n\nNothing matches the filters.\n"), "{text}");
}

#[test]
fn ascii_and_colours_do_not_change_the_words() {
    let report = report_on(vec![missing_intermediate(3)]);
    let plain = written_with(&report, &Filter::default(), &Layout::default());
    let ascii = written_with(
        &report,
        &Filter::default(),
        &Layout {
            ascii: true,
            ..Layout::default()
        },
    );
    assert!(ascii.is_ascii());
    assert!(ascii.contains("\nx missing-intermediate   certain"));
    let coloured = written_with(
        &report,
        &Filter::default(),
        &Layout {
            color: true,
            ..Layout::default()
        },
    );
    assert!(coloured.contains("\u{1b}["));
    let mut stripped = coloured;
    while let Some(at) = stripped.find('\u{1b}') {
        let end = stripped.get(at..).unwrap().find('m').unwrap();
        stripped.replace_range(at..=at + end, "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn a_narrow_terminal_gets_narrow_lines() {
    let layout = Layout {
        width: 70,
        ..Layout::default()
    };
    let text = written_with(&report_on(vec![missing_intermediate(3)]), &Filter::default(), &layout);
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 70).collect();
    // The command is to be copied: it stays in one piece.
    assert_eq!(
        wide,
        ["       openssl s_client -connect 10.90.0.1:443 -servername shop.example -showcerts"]
    );
}

#[test]
fn what_a_peer_sent_cannot_reach_the_terminal() {
    let mut connection = missing_intermediate(1);
    connection.cause.as_mut().unwrap().sentence = "\u{1b}]0;owned\u{7} sent this".to_owned();
    assert!(!written(vec![connection]).contains('\u{1b}'));
}
