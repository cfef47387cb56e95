//! One connection as the contract shows it: every key of the JSON, in its order.
//!
//! The rules of the contract hold for every type here. Each key is always there. `null`, or `None`, says that the thing was looked for and is
//! absent; what could not be looked for is listed in [`Connection::not_visible`]. Frames and streams are numbered as Wireshark numbers them.
//!
//! The types carry no behaviour beyond small questions that several writers ask.

use serde::Serialize;

use super::certificates::Certificates;
use super::timestamp::Timestamp;
use super::verdict::{Cause, Finding};
use super::words::{
    AbortedBy, AlertLevel, AlertVisibility, Decryption, Ech, NotVisibleWhy, Outcome, Party, PreambleResult, Protocol,
    Step, Transport,
};

/// Everything that is said about one connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Connection {
    /// A hash of addresses, ports, the first packet's time and the client's initial sequence number: the same however the input is cut or named.
    pub id: String,
    /// The capture of its first place, as in [`Capture::path`](super::Capture::path).
    pub capture: String,
    /// What Wireshark calls `tcp.stream` in that capture (`udp.stream` over UDP); `None` over EAP and past the cap on flows.
    pub stream: Option<u64>,
    /// Each capture that it is in.
    pub places: Vec<Place>,
    /// What carried it.
    pub transport: Transport,
    /// What was spoken.
    pub protocol: Protocol,
    /// What it was wrapped in below IP, from the outside in.
    pub encapsulation: Vec<Encapsulation>,
    /// What was spoken before TLS, from the outside in.
    pub preamble: Vec<Preamble>,
    /// The end that opened it.
    pub client: Endpoint,
    /// The end that was called.
    pub server: Endpoint,
    /// The time of its first packet.
    pub start: Option<Timestamp>,
    /// The time of its last packet.
    pub end: Option<Timestamp>,
    /// Seconds from its first packet to its last.
    pub duration_s: Option<f64>,
    /// When it failed, if it did.
    pub failed_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whose act ended it.
    pub aborted_by: AbortedBy,
    /// How far it came.
    pub step: Step,
    /// Why it ended so; `None` where nothing is wrong, or nothing can be said.
    pub cause: Option<Cause>,
    /// The other things worth knowing.
    pub findings: Vec<Finding>,
    /// What the client offered; `None` where there was no ClientHello.
    pub offer: Option<Offer>,
    /// What the server chose; `None` where there was no ServerHello.
    pub answer: Option<Answer>,
    /// Its alerts.
    pub alerts: Vec<Alert>,
    /// The server's certificates.
    pub server_certificates: Certificates,
    /// The client's certificates.
    pub client_certificates: Certificates,
    /// What could not be looked for, and why.
    pub not_visible: Vec<NotVisible>,
    /// What happened, in order.
    pub timeline: Vec<TimelineEvent>,
    /// How TCP fared; `None` over UDP and EAP.
    pub tcp: Option<Tcp>,
    /// How much was opened with a key log.
    pub decryption: Decryption,
    /// A display filter that shows the connection in Wireshark.
    pub wireshark_filter: Option<String>,
    /// A display filter that shows the frames of the evidence.
    pub frames_filter: Option<String>,
    /// The Community ID of its addresses and ports.
    pub community_id: Option<String>,
    /// A command for the capture that would show more, where this one does not show enough.
    pub next_capture: Option<String>,
}

impl Connection {
    /// The name that the client asked for.
    pub fn server_name(&self) -> Option<&str> {
        self.offer.as_ref()?.server_name.as_deref()
    }

    /// When it failed, or else when it began: the moment that is matched with a log.
    pub fn moment(&self) -> Option<Timestamp> {
        self.failed_at.or(self.start)
    }

    /// What there is to say about it: its cause, or else the gravest of its findings above a note.
    pub fn subject(&self) -> Option<&Cause> {
        self.cause.as_ref().or_else(|| {
            let worth = self
                .findings
                .iter()
                .filter(|finding| finding.severity > super::Severity::Note);
            // The first of the gravest: `max_by_key` alone would take the last.
            worth
                .rev()
                .max_by_key(|finding| finding.severity)
                .map(|finding| &finding.cause)
        })
    }
}

/// A part of a connection that is in one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Place {
    /// The capture's path.
    pub capture: String,
    /// The stream's number in it.
    pub stream: Option<u64>,
    /// The connection's first frame in it.
    pub first_frame: u64,
    /// The connection's last frame in it.
    pub last_frame: u64,
}

/// One layer around the connection's packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Encapsulation {
    /// Which kind: `vlan`, `vxlan`, `gre` and so on.
    pub kind: String,
    /// The number that its header carries; told for the tag and for the innermost tunnel whose kind has one.
    pub id: Option<u64>,
}

/// What was spoken before TLS began, or to reach the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Preamble {
    /// Which dialogue: `smtp-starttls`, `http-connect` and so on.
    pub protocol: String,
    /// What came of it.
    pub result: PreambleResult,
    /// The host and port that a proxy was asked for.
    pub target: Option<String>,
    /// The client's request, in its own words where they are text.
    pub client: Option<String>,
    /// The server's answer to it, in its own words where they are text.
    pub server: Option<String>,
    /// Address and port of the client, where a proxy tells them (the PROXY header).
    pub client_address: Option<String>,
    /// Address and port that the client called, where a proxy tells them.
    pub server_address: Option<String>,
    /// The frames of its beginning, and of what matters in it.
    pub frames: Vec<u64>,
}

/// One end of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Endpoint {
    /// The IP address; over EAP the hardware address.
    pub address: String,
    /// The port; `None` over EAP.
    pub port: Option<u16>,
}

/// `10.0.0.1:443`, or `[2001:db8::1]:443`.
impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) if self.address.contains(':') => write!(f, "[{}]:{port}", self.address),
            Some(port) => write!(f, "{}:{port}", self.address),
            None => f.write_str(&self.address),
        }
    }
}

/// A number of a registry with the name that IANA gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CodePoint {
    /// The number, as in `0x0304`.
    pub code: String,
    /// The name; `None` where the registry has none.
    pub name: Option<String>,
}

/// A cipher suite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CipherSuite {
    /// The number, as in `0x1301`.
    pub code: String,
    /// IANA's name; `None` where the registry has none.
    pub name: Option<String>,
    /// OpenSSL's name; `None` where OpenSSL has none.
    pub openssl: Option<String>,
}

/// What the client offered in its ClientHello.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Offer {
    /// The name that it asked for (RFC 6066 §3).
    pub server_name: Option<String>,
    /// The versions, in its order.
    pub versions: Vec<CodePoint>,
    /// The cipher suites, in its order.
    pub cipher_suites: Vec<CipherSuite>,
    /// The named groups; `None` without the extension.
    pub groups: Option<Vec<CodePoint>>,
    /// The groups that it sent a key share of; `None` without the extension.
    pub key_shares: Option<Vec<CodePoint>>,
    /// The signature schemes; `None` without the extension.
    pub signature_schemes: Option<Vec<CodePoint>>,
    /// The application protocols; `None` without the extension.
    pub alpn: Option<Vec<String>>,
    /// Whether it carries encrypted_client_hello.
    pub ech: Option<Ech>,
    /// The JA3 fingerprint.
    pub ja3: Option<String>,
    /// The JA4 fingerprint.
    pub ja4: Option<String>,
}

/// What the server chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Answer {
    /// The version.
    pub version: Option<CodePoint>,
    /// The cipher suite.
    pub cipher_suite: Option<CipherSuite>,
    /// The group of the key exchange.
    pub group: Option<CodePoint>,
    /// The application protocol.
    pub alpn: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: Option<bool>,
    /// Whether it asked for another ClientHello first.
    pub hello_retry_request: bool,
    /// The JA3S fingerprint.
    pub ja3s: Option<String>,
}

/// One alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Alert {
    /// The capture's path.
    pub capture: String,
    /// The frame that completed it.
    pub frame: u64,
    /// That frame's time.
    pub time: Option<Timestamp>,
    /// Who sent it.
    pub from: Party,
    /// Its level; `None` where it is not known.
    pub level: Option<AlertLevel>,
    /// Its number; `None` where it is not known.
    pub code: Option<u8>,
    /// Its name in the registry.
    pub name: Option<String>,
    /// How it is known.
    pub visibility: AlertVisibility,
}

/// Something that could not be looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotVisible {
    /// The key of the connection that it stands for, such as `answer.alpn`.
    pub path: String,
    /// Why not.
    pub why: NotVisibleWhy,
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TimelineEvent {
    /// The capture's path.
    pub capture: String,
    /// The frame that completed the message.
    pub frame: u64,
    /// That frame's time.
    pub time: Option<Timestamp>,
    /// Who did it.
    pub from: Party,
    /// What it was, in one word: `client-hello`, `alert`, `fin`.
    pub what: String,
    /// What it was, for people.
    pub text: String,
}

/// How TCP fared.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Tcp {
    /// Segments that were sent again.
    pub retransmissions: u64,
    /// Holes in the bytes of either side that were never filled.
    pub gaps: u64,
    /// The round trip of the TCP handshake, in milliseconds.
    pub rtt_ms: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Severity, testing};

    #[test]
    fn every_key_is_there_and_in_order() {
        let json = serde_json::to_string(&Connection::default()).unwrap();
        let mut at = 0;
        for key in [
            "id",
            "capture",
            "stream",
            "places",
            "transport",
            "protocol",
            "encapsulation",
            "preamble",
            "client",
            "server",
            "start",
            "end",
            "duration_s",
            "failed_at",
            "outcome",
            "aborted_by",
            "step",
            "cause",
            "findings",
            "offer",
            "answer",
            "alerts",
            "server_certificates",
            "client_certificates",
            "not_visible",
            "timeline",
            "tcp",
            "decryption",
            "wireshark_filter",
            "frames_filter",
            "community_id",
            "next_capture",
        ] {
            let found = json.get(at..).unwrap().find(&format!("\"{key}\":"));
            at += found.unwrap_or_else(|| panic!("{key} is missing, or before its place"));
        }
    }

    #[test]
    fn an_ipv6_endpoint_is_bracketed() {
        let endpoint = Endpoint {
            address: "2001:db8::1".to_owned(),
            port: Some(443),
        };
        assert_eq!(endpoint.to_string(), "[2001:db8::1]:443");
    }

    #[test]
    fn the_subject_of_a_sound_connection_is_its_gravest_finding() {
        let finding = |id: &str, severity| {
            let cause = Cause {
                id: id.to_owned(),
                ..Cause::default()
            };
            Finding { cause, severity }
        };
        let mut connection = testing::missing_intermediate(1);
        connection.findings = vec![
            finding("a", Severity::Note),
            finding("b", Severity::Warning),
            finding("c", Severity::Problem),
            finding("d", Severity::Problem),
        ];
        assert_eq!(connection.subject().unwrap().id, "missing-intermediate");
        connection.cause = None;
        assert_eq!(connection.subject().unwrap().id, "c");
    }
}
