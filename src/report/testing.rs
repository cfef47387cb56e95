//! Connections and reports built by hand, for the tests of the writers.

use serde_json::json;

use super::*;

struct Fixed(Vec<Connection>);

impl Connections for Fixed {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn render(&self, index: usize) -> Connection {
        self.0[index].clone()
    }
}

/// Milliseconds after 2026-11-23 12:03:01 UTC.
pub(crate) fn at(millis: i64) -> Option<Timestamp> {
    Some(Timestamp::from_nanos((1_795_435_381_000 + millis) * 1_000_000))
}

fn endpoint(address: &str, port: u16) -> Endpoint {
    Endpoint {
        address: address.to_owned(),
        port: Some(port),
    }
}

fn base(stream: u64) -> Connection {
    Connection {
        id: format!("c{stream}"),
        capture: "incident.pcapng".to_owned(),
        stream: Some(stream),
        places: vec![Place {
            capture: "incident.pcapng".to_owned(),
            stream: Some(stream),
            first_frame: 1,
            last_frame: 10,
        }],
        protocol: Protocol::Tls,
        client: endpoint("10.0.0.5", 51_234),
        server: endpoint("10.90.0.1", 443),
        start: at(120),
        end: at(180),
        duration_s: Some(0.06),
        wireshark_filter: Some(format!("tcp.stream eq {stream}")),
        offer: Some(Offer {
            server_name: Some("shop.example".to_owned()),
            ..Offer::default()
        }),
        tcp: Some(Tcp::default()),
        ..Connection::default()
    }
}

fn proof(stream: u64, frames: &[u64], from: Party, text: &str) -> Evidence {
    Evidence {
        capture: "incident.pcapng".to_owned(),
        stream: Some(stream),
        frames: frames.to_vec(),
        from: Some(from),
        time: at(150),
        text: text.to_owned(),
    }
}

/// A server that sends its own certificate alone, and a client that gives up.
pub(crate) fn missing_intermediate(stream: u64) -> Connection {
    Connection {
        failed_at: at(160),
        outcome: Outcome::Failed,
        aborted_by: AbortedBy::Client,
        step: Step::ServerCertificate,
        cause: Some(Cause {
            id: "missing-intermediate".to_owned(),
            title: "The server does not send its intermediate certificate".to_owned(),
            confidence: Confidence::Certain,
            weight: 97,
            at_fault: AtFault::Server,
            sentence: "shop.example (10.90.0.1:443) sent only its own certificate; nothing that it sent leads from the issuer \
                       \"Northwind Issuing CA G2\" to a root, and 10.0.0.5 gave up: unknown_ca."
                .to_owned(),
            observed: "One certificate was sent.".to_owned(),
            evidence: vec![
                proof(
                    stream,
                    &[6],
                    Party::Server,
                    "Certificate: CN=shop.example, issued by \"Northwind Issuing CA G2\"; no other certificate",
                ),
                proof(stream, &[8], Party::Client, "alert, fatal: unknown_ca (48)"),
                proof(9, &[41], Party::Server, "the missing certificate; with it the chain is complete"),
            ],
            remedies: vec![Remedy {
                side: AtFault::Server,
                text: "serve leaf + intermediate: nginx `ssl_certificate fullchain.pem;`".to_owned(),
                command: Some("openssl s_client -connect 10.90.0.1:443 -servername shop.example -showcerts".to_owned()),
            }],
            ..Cause::default()
        }),
        ..base(stream)
    }
}

/// A connection whose beginning is not in the capture.
pub(crate) fn began_before(stream: u64) -> Connection {
    Connection {
        offer: None,
        cause: Some(Cause {
            id: "started-mid-connection".to_owned(),
            title: "The capture began after the connection".to_owned(),
            confidence: Confidence::Certain,
            weight: 96,
            at_fault: AtFault::Capture,
            sentence: "The handshake of 10.0.0.5:51234 with 10.90.0.1:443 took place before the capture began."
                .to_owned(),
            observed: "The first packet carries application data.".to_owned(),
            evidence: vec![proof(
                stream,
                &[1],
                Party::Client,
                "application data, without a handshake before it",
            )],
            ..Cause::default()
        }),
        ..base(stream)
    }
}

/// A connection that was opened and closed without a byte.
pub(crate) fn probe(stream: u64) -> Connection {
    Connection {
        offer: None,
        protocol: Protocol::None,
        outcome: Outcome::NotAttempted,
        cause: Some(Cause {
            id: "tcp-probe".to_owned(),
            title: "Opened and closed without a byte".to_owned(),
            confidence: Confidence::Certain,
            weight: 98,
            at_fault: AtFault::Nobody,
            sentence: "10.0.0.5 opened a connection to 10.90.0.1:443 and closed it again.".to_owned(),
            ..Cause::default()
        }),
        ..base(stream)
    }
}

/// A handshake without fault.
pub(crate) fn completed(stream: u64) -> Connection {
    Connection {
        outcome: Outcome::Completed,
        step: Step::Completed,
        ..base(stream)
    }
}

/// A report on `connections`, with counts to match.
pub(crate) fn report_on(connections: Vec<Connection>) -> Report {
    let mut summary = Summary::default();
    for connection in &connections {
        let cause = connection.cause.as_ref().map(|cause| cause.id.as_str());
        summary.count(connection.outcome, cause);
    }
    Report {
        generator: Generator {
            name: "tlswhy".to_owned(),
            version: "0.0.0".to_owned(),
        },
        options: json!({}),
        trust: Vec::new(),
        partial: false,
        captures: vec![Capture {
            path: "incident.pcapng".to_owned(),
            set: "incident.pcapng".to_owned(),
            format: "pcapng".to_owned(),
            bytes: 123_456,
            packets: 1_204,
            first: at(100),
            last: at(5_300),
            ..Capture::default()
        }],
        sets: Vec::new(),
        passed_over: 0,
        summary,
        connections: Box::new(Fixed(connections)),
        inventory: None,
    }
}

/// One connection of each kind.
pub(crate) fn report() -> Report {
    report_on(vec![missing_intermediate(3), began_before(4), probe(5), completed(6)])
}

fn code_point(code: &str, name: &str) -> CodePoint {
    CodePoint {
        code: code.to_owned(),
        name: Some(name.to_owned()),
    }
}

/// A connection with something under every key.
pub(crate) fn full() -> Connection {
    let text = || Some("text".to_owned());
    let group = || {
        vec![
            code_point("0x001d", "x25519"),
            CodePoint {
                code: "0x0a0a".to_owned(),
                name: None,
            },
        ]
    };
    let suite = || CipherSuite {
        code: "0x1301".to_owned(),
        name: text(),
        openssl: text(),
    };
    let mut connection = missing_intermediate(3);
    if let Some(cause) = &mut connection.cause {
        cause.inferred = text();
        cause.log = vec![LogLine {
            side: Party::Client,
            text: "unknown ca".to_owned(),
        }];
        cause.alternatives = vec![Alternative {
            id: "untrusted-root".to_owned(),
            why_not: "it fits less".to_owned(),
        }];
        cause.ruled_out = vec![RuledOut {
            id: "certificate-expired".to_owned(),
            because: "it is valid".to_owned(),
            frames: vec![6],
        }];
        cause.references = vec!["RFC 5280 section 6".to_owned()];
        connection.findings = vec![Finding {
            cause: cause.clone(),
            severity: Severity::Warning,
        }];
    }
    let certificates = Certificates {
        visibility: CertificateVisibility::Clear,
        from: Some(CertificateOrigin {
            capture: "incident.pcapng".to_owned(),
            stream: Some(3),
            frame: 6,
        }),
        chain: vec![CertificateInfo {
            subject: text(),
            dns_names: vec!["shop.example".to_owned()],
            key: text(),
            spki_sha256: Some("0f".repeat(32)),
            sha256: "a0".repeat(32),
            self_signed: Some(false),
            transparency_logs: Some(2),
            ..CertificateInfo::default()
        }],
    };
    Connection {
        encapsulation: vec![Encapsulation {
            kind: "vlan".to_owned(),
            id: Some(7),
        }],
        preamble: vec![Preamble {
            protocol: "smtp-starttls".to_owned(),
            client: text(),
            frames: vec![4, 5],
            ..Preamble::default()
        }],
        offer: Some(Offer {
            server_name: Some("shop.example".to_owned()),
            versions: vec![code_point("0x0304", "TLS 1.3")],
            cipher_suites: vec![suite()],
            groups: Some(group()),
            key_shares: Some(group()),
            signature_schemes: Some(group()),
            alpn: Some(vec!["h2".to_owned()]),
            ech: Some(Ech::Outer),
            ja3: text(),
            ja4: text(),
        }),
        answer: Some(Answer {
            version: Some(code_point("0x0303", "TLS 1.2")),
            cipher_suite: Some(suite()),
            group: group().pop(),
            alpn: text(),
            resumed: Some(false),
            hello_retry_request: false,
            ja3s: text(),
        }),
        alerts: vec![Alert {
            capture: "incident.pcapng".to_owned(),
            frame: 8,
            time: at(160),
            from: Party::Client,
            level: Some(AlertLevel::Fatal),
            code: Some(48),
            name: Some("unknown_ca".to_owned()),
            visibility: AlertVisibility::Clear,
        }],
        server_certificates: certificates,
        not_visible: vec![NotVisible {
            path: "answer.alpn".to_owned(),
            why: NotVisibleWhy::OneSided,
        }],
        timeline: vec![TimelineEvent {
            capture: "incident.pcapng".to_owned(),
            frame: 4,
            time: at(120),
            from: Party::Client,
            what: "client-hello".to_owned(),
            text: "ClientHello, TLS 1.2".to_owned(),
        }],
        tcp: Some(Tcp {
            retransmissions: 1,
            gaps: 0,
            rtt_ms: Some(0.4),
        }),
        frames_filter: Some("frame.number in {6, 8}".to_owned()),
        community_id: Some("1:AAAA".to_owned()),
        next_capture: Some("tcpdump -s 0 host 10.90.0.1".to_owned()),
        ..connection
    }
}
