//! One connection's facts and verdict → the contract's [`Connection`].

use data_encoding::{BASE32_NOPAD, BASE64};
use ring::digest;

use super::contract::{
    Alert, Answer, CipherSuite, CodePoint, Connection, Encapsulation, Endpoint, NotVisible, Offer, Place, Preamble, Tcp,
};
use super::timeline::timeline;
use super::words::{
    AlertLevel, AlertVisibility, CertificateVisibility, Decryption, Ech, Outcome, PreambleResult, Protocol, Transport,
};
use super::{Cause, CertificateInfo, CertificateOrigin, Certificates, Evidence, Finding, Remedy, Severity, Timestamp};
use crate::connection::{self, Chain, Observed, Spanned, Stretch};
use crate::evidence::{Hidden, Mark, Seen, Time};
use crate::preamble::{Kind, Said};
use crate::registry;
use crate::why::{self, Verdict, cause, title};
use crate::x509::describe_broken;

/// Renders a connection; `captures` are the paths of the input's captures, by number.
pub(crate) fn render(seen: &Observed, verdict: &Verdict, captures: &[String]) -> Connection {
    let capture = captures.get(seen.capture.0 as usize).map_or("", String::as_str);
    let stream = seen.stream.map(u64::from);
    let own = Stretch::of(seen);
    let stretches = std::iter::once(&own).chain(&seen.translated);
    let places: Vec<Place> = stretches
        .map(|stretch| Place {
            capture: capture.to_owned(),
            stream: stretch.stream.map(u64::from),
            first_frame: stretch.first.frame,
            last_frame: stretch.last.frame,
        })
        .collect();
    let start = seen.tcp.first_packet().and_then(|first| first.time);
    let end = seen.tcp.last_packet().and_then(|last| last.time);
    let at = Where {
        capture,
        stream,
        captures,
    };
    Connection {
        id: id(seen),
        capture: capture.to_owned(),
        stream,
        wireshark_filter: Some(wireshark_filter(seen, &places)),
        places,
        transport: Transport::Tcp,
        protocol: if seen.spoke_tls() {
            Protocol::Tls
        } else {
            Protocol::None
        },
        encapsulation: encapsulation(seen),
        preamble: seen.preambles.iter().map(preamble).collect(),
        client: endpoint(seen.client),
        server: endpoint(seen.server),
        start: start.map(Timestamp::from),
        end: end.map(Timestamp::from),
        duration_s: start.zip(end).map(|(start, end)| end.since(start)),
        failed_at: verdict.failed_at.and_then(|mark| mark.time).map(Timestamp::from),
        outcome: verdict.outcome,
        aborted_by: verdict.aborted_by,
        step: verdict.step,
        cause: verdict.cause.as_ref().map(|finding| explained(finding, at)),
        findings: verdict
            .findings
            .iter()
            .map(|finding| Finding {
                cause: explained(finding, at),
                severity: finding.remark.unwrap_or(Severity::Note),
            })
            .collect(),
        offer: seen.offer.as_ref().seen().map(|offer| offered(&offer.value)),
        answer: seen.answer.as_ref().seen().map(|answer| answered(seen, &answer.value)),
        alerts: alerts(seen, capture),
        server_certificates: server_certificates(seen, at),
        client_certificates: certificates(&seen.client_chain, at),
        not_visible: not_visible(seen),
        timeline: timeline(seen, capture),
        tcp: Some(Tcp {
            retransmissions: seen.tcp.retransmissions().into(),
            gaps: seen.tcp.gaps().count.into(),
            rtt_ms: seen.tcp.rtt_ms(),
        }),
        decryption: Decryption::None,
        frames_filter: verdict.cause.as_ref().map(frames_filter),
        community_id: Some(community_id(seen)),
        next_capture: next_capture(seen, verdict),
    }
}

/// A display filter for all packets of a connection.
fn wireshark_filter(seen: &Observed, places: &[Place]) -> String {
    let streams: Option<Vec<String>> = places.iter().map(|place| Some(place.stream?.to_string())).collect();
    match streams.as_deref() {
        Some([stream]) => format!("tcp.stream eq {stream}"),
        Some(streams) => format!("tcp.stream in {{{}}}", streams.join(", ")),
        None => format!(
            "ip.addr eq {} and tcp.port eq {} and ip.addr eq {} and tcp.port eq {}",
            seen.client.address, seen.client.port, seen.server.address, seen.server.port
        ),
    }
}

/// Where a connection stands in the input.
#[derive(Clone, Copy, Debug)]
struct Where<'a> {
    capture: &'a str,
    stream: Option<u64>,
    /// Every capture of the input, by number.
    captures: &'a [String],
}

pub(super) fn endpoint(endpoint: connection::Endpoint) -> Endpoint {
    Endpoint {
        address: endpoint.address.to_string(),
        port: Some(endpoint.port),
    }
}

/// What was spoken before TLS.
fn preamble(spoken: &crate::preamble::Preamble) -> Preamble {
    let words = |said: &Said| said.words.to_string();
    let result = match &spoken.answer {
        _ if spoken.is_granted() => PreambleResult::Granted,
        Some(_) => PreambleResult::Refused,
        None if spoken.protocol.kind() == Kind::Header => PreambleResult::Told,
        None if spoken.request.is_some() => PreambleResult::Unanswered,
        None if spoken.lacks_tls() => PreambleResult::NotOffered,
        None => PreambleResult::NotAsked,
    };
    let spans = spoken.spans();
    let mut frames: Vec<u64> = spans.map(|span| span.mark.frame).collect();
    frames.push(spoken.first_frame);
    frames.sort_unstable();
    frames.dedup();
    Preamble {
        protocol: spoken.protocol.as_str().to_owned(),
        result,
        target: spoken.target.as_deref().map(str::to_owned),
        client: spoken.request.as_ref().map(words),
        server: spoken.answer.as_ref().map(|(_, said)| words(said)),
        client_address: spoken.client.map(|address| address.to_string()),
        server_address: spoken.server.map(|address| address.to_string()),
        frames,
    }
}

/// What the first packet was wrapped in: the innermost VLAN tag, then the tunnels, the outermost first.
fn encapsulation(seen: &Observed) -> Vec<Encapsulation> {
    let vlan = (seen.vlan != 0).then_some(("vlan", Some(seen.vlan.into())));
    vlan.into_iter()
        .chain(seen.encapsulations.told())
        .map(|(kind, id)| Encapsulation {
            kind: kind.to_owned(),
            id: id.map(u64::from),
        })
        .collect()
}

/// The same however the input is cut or named: addresses, ports, first packet's time, client's initial sequence number.
fn id(seen: &Observed) -> String {
    let first = seen
        .tcp
        .first_packet()
        .and_then(|first| first.time)
        .map_or(0, Time::nanos);
    let text = format!("{} {} {first} {}", seen.client, seen.server, seen.client_isn);
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    BASE32_NOPAD
        .encode(hash.as_ref().get(..10).unwrap_or_default())
        .to_ascii_lowercase()
}

/// Community ID flow hash, version 1, seed 0 (Corelight's specification): how Zeek, Suricata and others name a flow.
fn community_id(seen: &Observed) -> String {
    let octets = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
        std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let mut ends = [
        (octets(seen.client.address), seen.client.port),
        (octets(seen.server.address), seen.server.port),
    ];
    ends.sort();
    let [low, high] = ends;
    let mut bytes = vec![0, 0];
    bytes.extend(low.0);
    bytes.extend(high.0);
    bytes.extend([6, 0]);
    bytes.extend(low.1.to_be_bytes());
    bytes.extend(high.1.to_be_bytes());
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    format!("1:{}", BASE64.encode(hash.as_ref()))
}

fn frames_of(evidence: &why::Evidence) -> Vec<u64> {
    if evidence.first_frame < evidence.mark.frame {
        vec![evidence.first_frame, evidence.mark.frame]
    } else {
        vec![evidence.mark.frame]
    }
}

fn frames_filter(finding: &why::Finding) -> String {
    let own = finding.evidence.iter().filter(|evidence| !evidence.elsewhere);
    let mut frames: Vec<u64> = own.flat_map(frames_of).collect();
    frames.sort_unstable();
    frames.dedup();
    let frames: Vec<String> = frames.iter().map(u64::to_string).collect();
    format!("frame.number in {{{}}}", frames.join(", "))
}

fn explained(finding: &why::Finding, at: Where<'_>) -> Cause {
    let page = cause(finding.cause).map_or("", |cause| cause.page());
    Cause {
        id: finding.cause.0.to_owned(),
        title: title(page).to_owned(),
        confidence: why::Confidence::of_weight(finding.weight).unwrap_or_default(),
        weight: finding.weight,
        at_fault: finding.at_fault,
        sentence: finding.sentence.clone(),
        observed: finding
            .evidence
            .iter()
            .map(|evidence| evidence.text.as_str())
            .collect::<Vec<_>>()
            .join("; "),
        inferred: finding.inferred.clone(),
        evidence: finding
            .evidence
            .iter()
            .map(|evidence| Evidence {
                capture: at
                    .captures
                    .get(evidence.mark.capture.0 as usize)
                    .cloned()
                    .unwrap_or_default(),
                stream: at.stream.filter(|_| !evidence.elsewhere),
                frames: frames_of(evidence),
                from: (!evidence.by_path).then(|| evidence.mark.from.into()),
                time: evidence.mark.time.map(Timestamp::from),
                text: evidence.text.clone(),
            })
            .collect(),
        remedies: finding
            .remedies
            .iter()
            .map(|remedy| Remedy {
                side: remedy.side,
                text: remedy.text.clone(),
                command: remedy.command.clone(),
            })
            .collect(),
        log: Vec::new(),
        alternatives: finding
            .alternatives
            .iter()
            .map(|other| super::Alternative {
                id: other.cause.0.to_owned(),
                why_not: other.why_not.clone(),
            })
            .collect(),
        ruled_out: Vec::new(),
        references: references(page),
    }
}

/// The entries of a page's last section.
fn references(page: &str) -> Vec<String> {
    let sources = page.lines().skip_while(|line| *line != "## Sources");
    sources
        .filter_map(|line| line.strip_prefix("- "))
        .map(str::to_owned)
        .collect()
}

fn code(code: u16, name: Option<&str>) -> CodePoint {
    CodePoint {
        code: format!("0x{code:04x}"),
        name: name.map(str::to_owned),
    }
}

fn suite(suite: registry::CipherSuite) -> CipherSuite {
    CipherSuite {
        code: format!("0x{:04x}", suite.0),
        name: suite.name().map(str::to_owned),
        openssl: suite.openssl_name().map(str::to_owned),
    }
}

fn offered(offer: &connection::Offer) -> Offer {
    let has = |extension| offer.has(extension);
    Offer {
        server_name: offer.server_name.clone(),
        versions: offer
            .versions
            .iter()
            .map(|version| code(version.0, version.name()))
            .collect(),
        cipher_suites: offer.cipher_suites.iter().copied().map(suite).collect(),
        groups: has(registry::ExtensionType::SUPPORTED_GROUPS)
            .then(|| offer.groups.iter().map(|group| code(group.0, group.name())).collect()),
        key_shares: has(registry::ExtensionType::KEY_SHARE).then(|| {
            offer
                .key_shares
                .iter()
                .map(|group| code(group.0, group.name()))
                .collect()
        }),
        signature_schemes: has(registry::ExtensionType::SIGNATURE_ALGORITHMS).then(|| {
            offer
                .signature_schemes
                .iter()
                .map(|scheme| code(scheme.0, scheme.name()))
                .collect()
        }),
        alpn: has(registry::ExtensionType::ALPN).then(|| offer.alpn.clone()),
        ech: offer.ech.then_some(Ech::Outer),
        ja3: offer.ja3.clone(),
        ja4: offer.ja4.clone(),
    }
}

fn answered(seen: &Observed, answer: &connection::Answer) -> Answer {
    let group = answer
        .group
        .or_else(|| seen.key_exchange.as_ref().and_then(|exchange| exchange.value.group));
    Answer {
        version: Some(code(answer.version.0, answer.version.name())),
        cipher_suite: Some(suite(answer.cipher_suite)),
        group: group.map(|group| code(group.0, group.name())),
        alpn: answer.alpn.clone(),
        resumed: Some(seen.resumed()),
        hello_retry_request: seen.retry.is_some(),
        ja3s: answer.ja3s(),
    }
}

fn alerts(seen: &Observed, capture: &str) -> Vec<Alert> {
    let clear = seen.alerts.iter().map(|alert| Alert {
        capture: capture.to_owned(),
        frame: alert.span.mark.frame,
        time: alert.span.mark.time.map(Timestamp::from),
        from: alert.span.from().into(),
        level: Some(if alert.level == registry::AlertLevel::FATAL {
            AlertLevel::Fatal
        } else {
            AlertLevel::Warning
        }),
        code: Some(alert.description.0),
        name: alert.description.name().map(str::to_owned),
        visibility: AlertVisibility::Clear,
    });
    let inferred = seen.hidden_alert().map(|(side, record)| Alert {
        capture: capture.to_owned(),
        frame: record.mark.frame,
        time: record.mark.time.map(Timestamp::from),
        from: side.into(),
        level: None,
        code: None,
        name: None,
        visibility: AlertVisibility::Inferred,
    });
    let mut alerts: Vec<Alert> = clear.chain(inferred).collect();
    alerts.sort_by_key(|alert| alert.frame);
    alerts
}

/// The server's certificates, if need be as another connection shows them.
fn server_certificates(seen: &Observed, at: Where<'_>) -> Certificates {
    let Some(sent) = &seen.borrowed else {
        return certificates(&seen.server_chain, at);
    };
    let capture = at.captures.get(sent.mark.capture.0 as usize);
    Certificates {
        visibility: CertificateVisibility::Borrowed,
        from: Some(CertificateOrigin {
            capture: capture.cloned().unwrap_or_default(),
            stream: None,
            frame: sent.mark.frame,
        }),
        chain: sent.chain.iter().map(|one| information(one)).collect(),
    }
}

fn certificates(chain: &Seen<Box<Spanned<Chain>>>, at: Where<'_>) -> Certificates {
    let (visibility, from, chain) = match chain {
        Seen::Seen(chain) => {
            let origin = CertificateOrigin {
                capture: at.capture.to_owned(),
                stream: at.stream,
                frame: chain.span.mark.frame,
            };
            (
                CertificateVisibility::Clear,
                Some(origin),
                chain.value.iter().map(|one| information(one)).collect(),
            )
        }
        Seen::Absent => (CertificateVisibility::Absent, None, Vec::new()),
        Seen::Unknown(Hidden::Encrypted) => (CertificateVisibility::Encrypted, None, Vec::new()),
        Seen::Unknown(_) => (CertificateVisibility::Incomplete, None, Vec::new()),
    };
    Certificates {
        visibility,
        from,
        chain,
    }
}

pub(super) fn information(interned: &crate::x509::Interned) -> CertificateInfo {
    let Some(certificate) = interned.readable() else {
        let broken = describe_broken(interned.der());
        return CertificateInfo {
            subject: broken.subject,
            issuer: broken.issuer,
            serial: broken.serial,
            sha256: interned.sha256(),
            ..CertificateInfo::default()
        };
    };
    let extensions = &certificate.extensions;
    CertificateInfo {
        subject: Some(certificate.subject.text.clone()),
        issuer: Some(certificate.issuer.text.clone()),
        serial: Some(certificate.serial.clone()),
        not_before: Some(certificate.not_before.to_string()),
        not_after: Some(certificate.not_after.to_string()),
        dns_names: extensions.dns_names.clone(),
        ip_addresses: extensions.ip_addresses.iter().map(ToString::to_string).collect(),
        uris: extensions.uris.clone(),
        emails: extensions.emails.clone(),
        key: Some(certificate.key.to_string()),
        signature: Some(certificate.signature_algorithm.to_string()),
        subject_key_id: extensions.subject_key_id.clone(),
        authority_key_id: extensions.authority_key_id.clone(),
        spki_sha256: Some(certificate.spki_sha256.clone()),
        sha256: certificate.sha256.clone(),
        self_signed: Some(certificate.is_self_issued()),
        transparency_logs: extensions
            .timestamps
            .as_ref()
            .map(|timestamps| timestamps.logs.len() as u64),
    }
}

fn not_visible(seen: &Observed) -> Vec<NotVisible> {
    let mut list = Vec::new();
    let mut note = |path: &str, why: Option<Hidden>| {
        list.extend(why.map(|why| NotVisible {
            path: path.to_owned(),
            why: why.into(),
        }));
    };
    note("offer", hidden(&seen.offer));
    note("answer", hidden(&seen.answer));
    note("answer.alpn", seen.is_tls13().then_some(Hidden::Encrypted));
    note("server_certificates", hidden(&seen.server_chain));
    note("client_certificates", hidden(&seen.client_chain));
    list
}

fn hidden<T>(value: &Seen<T>) -> Option<Hidden> {
    match value {
        Seen::Unknown(why) => Some(*why),
        Seen::Seen(_) | Seen::Absent => None,
    }
}

/// The command of a capture that would show more, where the verdict is in doubt.
fn next_capture(seen: &Observed, verdict: &Verdict) -> Option<String> {
    let doubtful = match &verdict.cause {
        Some(finding) => why::Confidence::of_weight(finding.weight) == Some(why::Confidence::Possible),
        None => false,
    };
    (doubtful || verdict.outcome == Outcome::Undetermined).then(|| {
        format!(
            "tcpdump -i any -s 0 -w FILE 'host {} and tcp port {}'",
            seen.server.address, seen.server.port
        )
    })
}

/// A packet's number and time, for those who only want to point at it.
pub(super) fn moment(mark: &Mark) -> (u64, Option<Timestamp>) {
    (mark.frame, mark.time.map(Timestamp::from))
}
