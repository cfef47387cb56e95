//! What is shown of the first bytes: enough to know them again, and never a password.
//!
//! Where a command takes credentials, what follows it is replaced by its length. Of binary messages only so many bytes are shown as come
//! before the first place at which credentials may stand.

use super::{begins, find, first_line, is_printable};

/// Characters of a quote.
pub(super) const QUOTE_MAX: usize = 80;
/// Bytes of a quote in hexadecimal.
const HEX_MAX: usize = 16;

/// Commands that credentials follow, in the protocols of mail, news, files, chat and caches. NATS has them in the object after CONNECT.
const COMMANDS: &[&str] = &[
    "AUTH ",
    "AUTHENTICATE ",
    "AUTHINFO ",
    "LOGIN ",
    "USER ",
    "PASS ",
    "ACCT ",
    "APOP ",
    "OPER ",
    "HELLO ",
    "CONNECT {",
    "<auth ",
];
/// Words with which a value begins that is not shown, wherever they stand in a line.
const SECRETS: &[&str] = &[
    "authorization",
    "password",
    "passwd",
    "passcode",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "cookie",
    "session",
    "credential",
];

/// The first line of a text.
pub(super) fn of_line(head: &[u8]) -> String {
    let line = first_line(head);
    let shown = redis_command(head)
        .or_else(|| command(line))
        .unwrap_or_else(|| value(&target(line)));
    cut(&shown)
}

/// The first bytes of a message, or the words in it where those are its point.
pub(super) fn of_bytes(protocol: &str, head: &[u8]) -> String {
    let words = match protocol {
        "MySQL" => mysql(head),
        "PostgreSQL" => postgresql(head),
        "LDAP" => notice_of_disconnection(head),
        "Cassandra" => head
            .get(15..)
            .filter(|_| head.first() > Some(&0x80))
            .map(<[u8]>::to_vec),
        _ => None,
    };
    if let Some(words) = words {
        return cut(&words);
    }
    let shown = match (protocol, head) {
        // A bind's name and password follow.
        ("LDAP", _) => 8,
        // A will, a user and a password follow.
        ("MQTT", _) => 8,
        ("SOCKS5", [_, methods, ..]) => usize::from(*methods) + 2,
        // The user follows.
        ("SOCKS4", _) => 8,
        _ => HEX_MAX,
    };
    let bytes: Vec<String> = head
        .iter()
        .take(shown.min(HEX_MAX))
        .map(|byte| format!("{byte:02x}"))
        .collect();
    bytes.join(" ")
}

/// At most so many characters; bytes that cannot be printed as their number.
fn cut(line: &[u8]) -> String {
    let mut text = String::with_capacity(line.len().min(QUOTE_MAX));
    for &byte in line {
        let length = if is_printable(byte) { 1 } else { "\\x00".len() };
        if text.len() + length > QUOTE_MAX {
            break;
        }
        if is_printable(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The same bytes up to `keep`, then the length of the others up to `end`, then what follows.
fn without(line: &[u8], keep: usize, end: usize) -> Vec<u8> {
    let hidden = end.saturating_sub(keep);
    let before = line.get(..keep).unwrap_or(line);
    let after = line.get(end..).unwrap_or_default();
    if hidden == 0 {
        return line.to_vec();
    }
    [before, format!("<{hidden} bytes>").as_bytes(), after].concat()
}

/// A command with credentials, perhaps behind a tag as IMAP has it.
fn command(line: &[u8]) -> Option<Vec<u8>> {
    let tag = line.iter().position(|&byte| byte == b' ').map_or(0, |space| space + 1);
    for start in [0, tag] {
        let rest = line.get(start..).unwrap_or_default();
        let Some(known) = COMMANDS.iter().find(|known| begins(rest, known)) else {
            continue;
        };
        let keep = start + known.len();
        // The request for TLS of FTP (RFC 4217 §4) is no login.
        let argument = line.get(keep..).unwrap_or_default();
        let asks_for_tls = begins(argument, "TLS") || begins(argument, "SSL");
        return (!asks_for_tls || argument.len() > 5).then(|| without(line, keep, line.len()));
    }
    None
}

/// The name of a Redis command that came as an array, and the length of what follows it.
fn redis_command(head: &[u8]) -> Option<Vec<u8>> {
    let mut lines = head.strip_prefix(b"*")?.split(|&byte| byte == b'\n');
    let (count, length, name) = (lines.next()?, lines.next()?, lines.next()?);
    let name = name.trim_ascii_end();
    if !length.starts_with(b"$") || name.is_empty() {
        return None;
    }
    let rest = head.len().saturating_sub(count.len() + length.len() + name.len() + 5);
    let rest = if rest == 0 {
        String::new()
    } else {
        format!(" <{rest} bytes>")
    };
    Some([name, rest.as_bytes()].concat())
}

/// A line whose URLs have lost their users and queries; a path or what a proxy is to connect to counts as one.
fn target(line: &[u8]) -> Vec<u8> {
    let mut shown = Vec::new();
    for (index, word) in line.split(|&byte| byte == b' ').enumerate() {
        if index > 0 {
            shown.push(b' ');
        }
        let is_connect = index == 1 && begins(line, "CONNECT ");
        let authority = if let Some(at) = find(word, b"://") {
            Some(at + 3)
        } else if begins(word, "sip:") || begins(word, "sips:") {
            find(word, b":").map(|colon| colon + 1)
        } else {
            is_connect.then_some(0)
        };
        // A password may hold what ends a host; hiding too much of a path that holds an @ is the lesser harm.
        let (start, end) = match (authority, word.iter().rposition(|&byte| byte == b'@')) {
            (Some(start), Some(at)) if start <= at => (start, at),
            _ => (0, 0),
        };
        let rest = word.get(end..).unwrap_or_default();
        let is_url = authority.is_some() || index == 1 && word.starts_with(b"/");
        let query = rest.iter().position(|&byte| byte == b'?').filter(|_| is_url);
        let cut = match query {
            Some(at) => without(word, end + at + 1, word.len()),
            None => word.to_vec(),
        };
        shown.extend(without(&cut, start, end));
    }
    shown
}

/// A line without the value of what is called a password or the like.
fn value(line: &[u8]) -> Vec<u8> {
    // Most lines hold no value at all, and every connection that is no TLS comes by here.
    if !line.iter().any(|byte| matches!(byte, b'=' | b':')) {
        return line.to_vec();
    }
    let lower = line.to_ascii_lowercase();
    let found = SECRETS.iter().filter_map(|word| {
        let at = find(&lower, word.as_bytes())?;
        let rest = lower.get(at..)?;
        let sign = rest.iter().position(|byte| matches!(byte, b'=' | b':'))?;
        let space = rest.get(sign + 1) == Some(&b' ');
        // `token`, `token_id`, `"token"`: the sign belongs to the word where nothing else stands between.
        let between = rest.get(word.len()..sign)?;
        let belongs = between
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-\"' ".contains(byte));
        belongs.then_some(at + sign + 1 + usize::from(space))
    });
    match found.min() {
        Some(keep) => without(line, keep, line.len()),
        None => line.to_vec(),
    }
}

/// The server's version in a greeting; number and words of an error.
fn mysql(head: &[u8]) -> Option<Vec<u8>> {
    match head {
        [_, _, 0, 0, 0x0a, version @ ..] => Some(version.split(|&byte| byte == 0).next()?.to_vec()),
        [_, _, 0, 0, 0xff, low, high, words @ ..] => {
            let words = match words {
                [b'#', _, _, _, _, _, words @ ..] => words,
                words => words,
            };
            let code = u16::from_le_bytes([*low, *high]);
            Some([format!("{code}: ").as_bytes(), words].concat())
        }
        _ => None,
    }
}

/// Severity and words of an ErrorResponse.
fn postgresql(head: &[u8]) -> Option<Vec<u8>> {
    let fields = head.strip_prefix(b"E")?.get(4..)?;
    let field = |code: u8| {
        let mut fields = fields.split(|&byte| byte == 0);
        fields.find_map(|field| field.strip_prefix(&[code]))
    };
    Some([field(b'S')?, b": ", field(b'M')?].concat())
}

/// The unsolicited notification with which a server of LDAP hangs up (RFC 4511 §4.4.1), and its words.
fn notice_of_disconnection(head: &[u8]) -> Option<Vec<u8>> {
    const OID: &[u8] = b"1.3.6.1.4.1.1466.20036";
    find(head, OID)?;
    // Result code, an empty name, then the words.
    let at = find(head, &[0x0a, 0x01])?;
    let words = match head.get(at + 3..)? {
        [0x04, 0, 0x04, length, words @ ..] => words.get(..usize::from(*length)).unwrap_or(words),
        _ => &[],
    };
    let told: &[u8] = if words.is_empty() { b"" } else { b": " };
    Some([b"Notice of Disconnection", told, words].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_a_line_or_bytes() {
        assert_eq!(of_line(b"HTTP/1.0 400 Bad Request\r\nx"), "HTTP/1.0 400 Bad Request");
        assert_eq!(of_line(b"220 caf\xc3\xa9 ready\r\n"), "220 caf\\xc3\\xa9 ready");
        assert_eq!(of_bytes("SOCKS5", &[5, 1, 0]), "05 01 00");
        assert_eq!(of_line(&[b'a'; 200]).len(), QUOTE_MAX);
        assert_eq!(of_line(&[0xe9; 200]).len(), QUOTE_MAX);
    }

    #[test]
    fn what_follows_a_login_is_its_length() {
        for (sent, shown) in [
            (&b"PASS hunter2hunter22\r\n"[..], "PASS <15 bytes>"),
            (b"pass hunter2\r\n", "pass <7 bytes>"),
            (b"USER anna\r\n", "USER <4 bytes>"),
            (b"AUTH PLAIN AGFubmEAaHVudGVyMg==\r\n", "AUTH <26 bytes>"),
            (b"AUTH hunter2\r\n", "AUTH <7 bytes>"),
            (b"AUTH p\xc3\xa4ss\r\n", "AUTH <5 bytes>"),
            (b"AUTH TLSomething\r\n", "AUTH <11 bytes>"),
            (b"a1 LOGIN anna hunter2\r\n", "a1 LOGIN <12 bytes>"),
            (b"a1 AUTHENTICATE PLAIN AGFubmE=\r\n", "a1 AUTHENTICATE <14 bytes>"),
            (b"OPER anna hunter2\r\n", "OPER <12 bytes>"),
            (b"AUTHINFO PASS hunter2\r\n", "AUTHINFO <12 bytes>"),
            (b"CONNECT {\"user\":\"anna\",\"pass\":\"x\"}\r\n", "CONNECT {<25 bytes>"),
            (b"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n", "AUTH <13 bytes>"),
            (b"*1\r\n$4\r\nPING\r\n", "PING"),
            (
                b"Proxy-Authorization: Basic YTpi\r\n",
                "Proxy-Authorization: <10 bytes>",
            ),
            (b"X-Api-Key: 0123\r\n", "X-Api-Key: <4 bytes>"),
            (
                b"connected, password=hunter2 host=a\r\n",
                "connected, password=<14 bytes>",
            ),
        ] {
            assert_eq!(of_line(sent), shown);
        }
    }

    #[test]
    fn what_only_looks_like_a_login_is_shown() {
        for line in [
            "AUTH TLS",
            "AUTH SSL",
            "EHLO client.example",
            "220 anna@mail.example ESMTP",
            "-NOAUTH Authentication required.",
            "-WRONGPASS invalid username-password pair or user is disabled.",
            "GET /@anna/photos HTTP/1.1",
            "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7",
        ] {
            assert_eq!(of_line(line.as_bytes()), line);
        }
    }

    #[test]
    fn urls_are_shown_without_user_and_query() {
        for (line, shown) in [
            ("GET /login?user=anna&pw=x HTTP/1.1", "GET /login?<14 bytes> HTTP/1.1"),
            (
                "GET http://anna:x@shop.example/a?b=c HTTP/1.1",
                "GET http://<6 bytes>@shop.example/a?<3 bytes> HTTP/1.1",
            ),
            (
                "CONNECT anna:x@shop.example:443 HTTP/1.1",
                "CONNECT <6 bytes>@shop.example:443 HTTP/1.1",
            ),
            (
                "DESCRIBE rtsp://anna:x@cam.example/1 RTSP/1.0",
                "DESCRIBE rtsp://<6 bytes>@cam.example/1 RTSP/1.0",
            ),
            (
                "REGISTER sip:anna:x@sip.example SIP/2.0",
                "REGISTER sip:<6 bytes>@sip.example SIP/2.0",
            ),
            (
                "upstream is amqp://anna:x@mq.example/",
                "upstream is amqp://<6 bytes>@mq.example/",
            ),
        ] {
            assert_eq!(of_line(line.as_bytes()), shown);
        }
    }

    #[test]
    fn of_binary_logins_only_the_beginning_is_shown() {
        // A bind as cn=a with the password "hunter2", and a CONNECT without an id with the user "u" and the password "hunter2".
        let bind = b"\x30\x17\x02\x01\x01\x60\x12\x02\x01\x03\x04\x04cn=a\x80\x07hunter2";
        assert_eq!(of_bytes("LDAP", bind), "30 17 02 01 01 60 12 02");
        let connect = b"\x10\x18\x00\x04MQTT\x04\xc2\x00\x3c\x00\x00\x00\x01u\x00\x07hunter2";
        assert_eq!(of_bytes("MQTT", connect), "10 18 00 04 4d 51 54 54");
        assert_eq!(of_bytes("SOCKS5", b"\x05\x01\x02\x01\x04anna\x01x"), "05 01 02");
        assert_eq!(
            of_bytes("SOCKS4", b"\x04\x01\x01\xbb\x0a\x14\x00\x01anna\x00"),
            "04 01 01 bb 0a 14 00 01"
        );
    }

    #[test]
    fn the_words_in_a_binary_answer_are_its_quote() {
        for (protocol, head, quote) in [
            (
                "MySQL",
                &b"\x5b\0\0\0\x0a5.5.5-10.11.6-MariaDB-0\0\x07\0\0\0"[..],
                "5.5.5-10.11.6-MariaDB-0",
            ),
            (
                "MySQL",
                b"\x17\0\0\0\xff\x10\x04#08004Too many connections",
                "1040: Too many connections",
            ),
            (
                "MySQL",
                b"\x20\0\0\0\xff\x6a\x04Host 'a' is not allowed",
                "1130: Host 'a' is not allowed",
            ),
            (
                "PostgreSQL",
                b"E\0\0\0\x40SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host\0Fauth.c\0",
                "FATAL: no pg_hba.conf entry for host",
            ),
            (
                "LDAP",
                b"\x30\x2f\x02\x01\x00\x78\x2a\x0a\x01\x02\x04\x00\x04\x0bdecode fail\x8a\x161.3.6.1.4.1.1466.20036",
                "Notice of Disconnection: decode fail",
            ),
        ] {
            assert_eq!(of_bytes(protocol, head), quote);
        }
        // An answer that is cut off, and one without words.
        assert_eq!(of_bytes("PostgreSQL", b"E\0\0\0\x40SFA"), "45 00 00 00 40 53 46 41");
        assert_eq!(
            of_bytes("LDAP", b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00"),
            "30 0c 02 01 01 61 07 0a"
        );
    }
}
