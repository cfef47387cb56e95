//! What is spoken where TLS was expected: the first bytes of other protocols, from either side.
//!
//! Text protocols are known by how a line begins, binary ones by fields that must hold certain values. A few bytes rarely prove a protocol,
//! so each rule asks for all that the captured bytes can show; what fits none has no name.

use crate::evidence::Time;

/// Speech that is not TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plaintext {
    /// The protocol, as people call it.
    pub(crate) protocol: &'static str,
    /// The first line where it is text, at most 80 characters; else the first bytes in hexadecimal.
    pub(crate) quote: String,
    /// The `Date` of an HTTP answer (RFC 9110 §6.6.1).
    pub(crate) date: Option<Time>,
}

/// What a text may be if it has no better name.
const SOME_TEXT: &str = "a text protocol";
/// Characters of a quote.
const QUOTE_MAX: usize = 80;
/// Bytes of a quote in hexadecimal.
const HEX_MAX: usize = 16;

/// Names the protocol that a stream begins with, where it is not TLS. Both sides' first bytes are known.
pub(crate) fn name_plaintext(head: &[u8]) -> Option<Plaintext> {
    let protocol = binary(head).or_else(|| text(head))?;
    Some(Plaintext {
        protocol,
        quote: quote(head),
        date: if head.starts_with(b"HTTP/") {
            http_date(head)
        } else {
            None
        },
    })
}

/// Beginnings of lines, the longer ones of a kind first. Letters match in either case.
const LINES: &[(&str, &str)] = &[
    ("PRI * HTTP/2", "HTTP/2 without TLS"),
    ("OPTIONS sip", "SIP"),
    ("REGISTER sip", "SIP"),
    ("INVITE sip", "SIP"),
    ("SIP/2.0", "SIP"),
    ("CONNECT ", "HTTP proxy request"),
    ("GET ", "HTTP"),
    ("POST ", "HTTP"),
    ("HEAD ", "HTTP"),
    ("PUT ", "HTTP"),
    ("DELETE ", "HTTP"),
    ("OPTIONS ", "HTTP"),
    ("PATCH ", "HTTP"),
    ("TRACE ", "HTTP"),
    ("PROPFIND ", "HTTP"),
    ("HTTP/", "HTTP"),
    ("<!DOCTYPE", "HTTP"),
    ("<html", "HTTP"),
    ("RTSP/1.0", "RTSP"),
    ("PROXY TCP4 ", "PROXY protocol"),
    ("PROXY TCP6 ", "PROXY protocol"),
    ("PROXY UNKNOWN", "PROXY protocol"),
    ("SSH-", "SSH"),
    ("EHLO ", "SMTP"),
    ("HELO ", "SMTP"),
    ("LHLO ", "LMTP"),
    ("* OK", "IMAP"),
    ("* PREAUTH", "IMAP"),
    ("* BYE", "IMAP"),
    ("+OK", "POP3"),
    ("RFB 003.", "VNC"),
    ("<?xml", "XMPP"),
    ("<stream:stream", "XMPP"),
    ("AMQP", "AMQP"),
    ("+PONG", "Redis"),
    ("-NOAUTH", "Redis"),
    ("-ERR", "Redis or POP3"),
    ("*1\r\n$", "Redis"),
    ("*2\r\n$", "Redis"),
    ("*3\r\n$", "Redis"),
    ("@RSYNCD:", "rsync"),
    ("TSH ", "IBM MQ"),
    ("AUTH TLS", "FTP"),
    ("AUTH SSL", "FTP"),
    ("200 ", "NNTP"),
    ("201 ", "NNTP"),
];

fn text(head: &[u8]) -> Option<&'static str> {
    let begins = |line: &str| {
        head.get(..line.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(line.as_bytes()))
    };
    if let Some((_, protocol)) = LINES.iter().find(|(line, _)| begins(line)) {
        return Some(protocol);
    }
    // Commands of IMAP come after a tag of the client's choice.
    let second = first_line(head).split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    if ["CAPABILITY", "LOGIN", "STARTTLS", "AUTHENTICATE"]
        .iter()
        .any(|command| second.eq_ignore_ascii_case(command.as_bytes()))
    {
        return Some("IMAP");
    }
    // Replies of SMTP and FTP begin with three digits; only the words after them tell the two apart.
    if ["220", "421", "554"].iter().any(|code| begins(code)) && matches!(head.get(3), Some(b' ' | b'-')) {
        let line = String::from_utf8_lossy(head).to_ascii_uppercase();
        return Some(match (line.contains("SMTP"), line.contains("FTP")) {
            (true, _) => "SMTP",
            (false, true) => "FTP",
            (false, false) => "SMTP or FTP",
        });
    }
    let first = first_line(head);
    (first.len() >= 4 && first.iter().all(|&byte| is_printable(byte))).then_some(SOME_TEXT)
}

fn binary(head: &[u8]) -> Option<&'static str> {
    let length = head.len();
    let u16_at = |at: usize| {
        let bytes = head.get(at..)?.first_chunk()?;
        Some(u16::from_be_bytes(*bytes))
    };
    Some(match *head {
        [
            0x0d,
            0x0a,
            0x0d,
            0x0a,
            0x00,
            0x0d,
            0x0a,
            0x51,
            0x55,
            0x49,
            0x54,
            0x0a,
            ..,
        ] => "PROXY protocol",
        // A length of 24 bits, type SETTINGS, stream 0 (RFC 9113 §4.1).
        [0, 0, _, 4, 0 | 1, 0, 0, 0, 0, ..] => "HTTP/2 without TLS",
        [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f | 0x30] | [0, 0, _, _, 0, 3, 0, 0, ..] => "PostgreSQL",
        [b'E', 0, 0, _, _, b'S', ..] | [b'R', 0, 0, 0, _, 0, 0, 0, ..] | [b'N' | b'S'] => "PostgreSQL",
        // A packet header of eight bytes: type, status, length, SPID, packet id, window.
        [0x12 | 0x04, 0 | 1, _, _, 0, _, 0 | 1, 0, ..] => "TDS (SQL Server)",
        // TPKT and a connection request or confirm of X.224.
        [3, 0, _, _, _, 0xe0 | 0xd0, ..] => "RDP",
        [0x30, ..] if is_ldap(head) => "LDAP",
        [0x10, _, 0, 4, b'M', b'Q', b'T', b'T', ..] | [0x10, _, _, 0, 4, b'M', b'Q', b'T', b'T', ..] => "MQTT",
        [0x10, _, 0, 6, b'M', b'Q', b'I', b's', b'd', b'p', ..] => "MQTT",
        [0x20, 2, 0 | 1, 0..=5] => "MQTT",
        // Length in three bytes, sequence number 0, then the version of the protocol or the mark of an error.
        [_, _, 0, 0, 0x0a, b'0'..=b'9', ..] | [_, _, 0, 0, 0xff, _, _, ..] => "MySQL",
        // The client's request for TLS: 32 bytes, sequence number 1.
        [0x20, 0, 0, 1, ..] if length >= 9 => "MySQL",
        [0, 0, 0, _, 0, 18, 0, 0..=9, ..] => "Kafka",
        [_, _, 0, 0, _, _, _, _, _, _, _, _, 0xdd | 0xd4, 7, 0, 0, ..] => "MongoDB",
        [0, 0, _, _, 0xff | 0xfe, b'S', b'M', b'B', ..] => "SMB",
        [0x38 | 0x40, ..] if length < 3 => return None,
        [high, low, 0x38 | 0x40, ..] if length >= 16 && usize::from(u16::from_be_bytes([high, low])) + 2 == length => {
            "OpenVPN"
        }
        [0xff, 0xfb..=0xfe, ..] => "Telnet",
        [high, _, 4, 0 | 1, 0 | 1, 0, 2, ..] if high & 0x80 != 0 => "SSL 2.0",
        // Version, number of methods, the methods, and perhaps the request that follows; or version and the method chosen.
        [5, count @ 1..=9, ..] if is_socks5(head, usize::from(count)) => "SOCKS5",
        [5, 0 | 1 | 2 | 0xff] => "SOCKS5",
        [4, 1 | 2, ..] if length >= 9 && head.last() == Some(&0) => "SOCKS4",
        [0, 0x5a..=0x5d, ..] if length == 8 => "SOCKS4",
        // DNS over TCP: the length of the message, flags without an error, one question.
        [_, _, _, _, 0x01 | 0x81, _, 0, 1, ..] if u16_at(0).map(|count| usize::from(count) + 2) == Some(length) => {
            "DNS"
        }
        _ => return None,
    })
}

/// A greeting of SOCKS 5 with this number of methods (RFC 1928 §3), alone or followed by the next message.
fn is_socks5(head: &[u8], methods: usize) -> bool {
    let after = head.get(2..).and_then(|rest| rest.get(methods..));
    after.is_some_and(|after| after.first().is_none_or(|&version| matches!(version, 1 | 5)))
}

/// A BER sequence that begins with a message id, then an operation of LDAP (RFC 4511 §4.1.1).
fn is_ldap(head: &[u8]) -> bool {
    let contents = match head {
        [0x30, ..=0x7f, rest @ ..] | [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] => rest,
        [0x30, 0x84, _, _, _, _, rest @ ..] => rest,
        _ => return false,
    };
    matches!(
        contents,
        [2, 1, _, 0x42 | 0x60..=0x79, ..] | [2, 2, _, _, 0x42 | 0x60..=0x79, ..]
    )
}

fn first_line(head: &[u8]) -> &[u8] {
    head.split(|&byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default()
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// The first line if all of it can be printed, else the first bytes in hexadecimal.
/// The `Date` among the first header fields.
fn http_date(head: &[u8]) -> Option<Time> {
    const FIELD: &[u8] = b"date:";
    let mut lines = head.split(|&byte| byte == b'\n');
    let line = lines.find(|line| {
        line.get(..FIELD.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(FIELD))
    })?;
    // The line must be whole: a date that is cut may still look like one.
    let value = line.get(FIELD.len()..)?.strip_suffix(b"\r")?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value.trim_ascii())
        .ok()?;
    Some(Time::from_seconds(date.as_second()))
}

fn quote(head: &[u8]) -> String {
    let line = first_line(head);
    if !line.is_empty() && line.iter().all(|&byte| is_printable(byte)) {
        return line.iter().take(QUOTE_MAX).map(|&byte| char::from(byte)).collect();
    }
    let bytes: Vec<_> = head.iter().take(HEX_MAX).map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(head: &[u8]) -> Option<&'static str> {
        name_plaintext(head).map(|plaintext| plaintext.protocol)
    }

    #[test]
    fn clients_of_other_protocols_are_named() {
        assert_eq!(name(b"GET / HTTP/1.1\r\nHost: a\r\n"), Some("HTTP"));
        assert_eq!(name(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Some("HTTP/2 without TLS"));
        assert_eq!(name(b"CONNECT a:443 HTTP/1.1\r\n"), Some("HTTP proxy request"));
        assert_eq!(name(b"OPTIONS sip:a@b SIP/2.0\r\n"), Some("SIP"));
        assert_eq!(name(b"SSH-2.0-OpenSSH_9.2\r\n"), Some("SSH"));
        assert_eq!(name(&[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]), Some("PostgreSQL"));
        assert_eq!(name(&[0x12, 1, 0, 47, 0, 0, 1, 0, 0, 0]), Some("TDS (SQL Server)"));
        assert_eq!(name(&[3, 0, 0, 19, 14, 0xe0, 0, 0]), Some("RDP"));
        assert_eq!(name(&[0x30, 12, 2, 1, 1, 0x60, 7]), Some("LDAP"));
        assert_eq!(name(b"\x10\x10\x00\x04MQTT\x04\x02"), Some("MQTT"));
        assert_eq!(name(b"*1\r\n$4\r\nPING\r\n"), Some("Redis"));
        assert_eq!(name(&[5, 1, 0]), Some("SOCKS5"));
        assert_eq!(name(&[5, 2, 0, 2, 5, 1, 0, 3]), Some("SOCKS5"));
        assert_eq!(name(b"a1 CAPABILITY\r\n"), Some("IMAP"));
        assert_eq!(name(b"AUTH TLS\r\n"), Some("FTP"));
        assert_eq!(name(&[4, 1, 0, 80, 10, 0, 0, 1, 0]), Some("SOCKS4"));
        assert_eq!(name(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"), Some("PROXY protocol"));
    }

    #[test]
    fn servers_of_other_protocols_are_named() {
        assert_eq!(name(b"HTTP/1.1 400 Bad Request\r\n"), Some("HTTP"));
        assert_eq!(name(b"<html><body>"), Some("HTTP"));
        assert_eq!(name(b"220 mx.example ESMTP Postfix\r\n"), Some("SMTP"));
        assert_eq!(name(b"220 ProFTPD Server\r\n"), Some("FTP"));
        assert_eq!(name(b"220 ready\r\n"), Some("SMTP or FTP"));
        assert_eq!(name(b"* OK [CAPABILITY IMAP4rev1] ready\r\n"), Some("IMAP"));
        assert_eq!(name(b"+OK ready\r\n"), Some("POP3"));
        assert_eq!(name(b"RFB 003.008\n"), Some("VNC"));
        assert_eq!(name(b"\x5b\x00\x00\x00\x0a5.5.5-10.11.6-MariaDB"), Some("MySQL"));
        assert_eq!(name(&[0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3]), Some("HTTP/2 without TLS"));
        assert_eq!(name(b"E\0\0\0\x8fSFATAL\0"), Some("PostgreSQL"));
        assert_eq!(name(&[0x84, 0, 4, 0, 1, 0, 2, 0, 0]), Some("SSL 2.0"));
    }

    #[test]
    fn text_without_a_name_is_still_text() {
        assert_eq!(name(b"Welcome to the machine\n"), Some(SOME_TEXT));
        assert_eq!(name(&[0x91, 0xfe, 0x03, 0x77, 0x12]), None);
        assert_eq!(name(&[]), None);
    }

    #[test]
    fn quotes_are_a_line_or_bytes() {
        assert_eq!(
            name_plaintext(b"HTTP/1.0 400 Bad Request\r\nx").unwrap().quote,
            "HTTP/1.0 400 Bad Request"
        );
        assert_eq!(name_plaintext(&[5, 1, 0]).unwrap().quote, "05 01 00");
        assert_eq!(name_plaintext(&[b'a'; 200]).unwrap().quote.len(), QUOTE_MAX);
    }

    #[test]
    fn an_http_answer_names_the_time() {
        let date = |head: &[u8]| name_plaintext(head).and_then(|plaintext| plaintext.date);
        let answer = b"HTTP/1.1 200 OK\r\nServer: x\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        assert_eq!(date(answer), Some(Time::from_seconds(784_111_777)));
        assert_eq!(date(&answer[..answer.len() - 4]), None);
        assert_eq!(date(b"HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n"), None);
        assert_eq!(
            date(b"GET / HTTP/1.1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"),
            None
        );
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_judged(head in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(plaintext) = name_plaintext(&head) {
                prop_assert!(plaintext.quote.len() <= QUOTE_MAX);
            }
        }

        #[test]
        fn tls_is_no_foreign_speech(rest in prop::collection::vec(any::<u8>(), 20)) {
            let head = [&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3][..], &rest].concat();
            prop_assert_eq!(name(&head), None);
        }
    }
}
