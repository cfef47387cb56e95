//! Protocols whose first line can be read.

use super::{NAMED_WITHIN, begins, contains, first_line, is_printable};

/// What a text may be if it has no better name.
pub(super) const SOME_TEXT: &str = "a text protocol";
/// A greeting whose words tell neither.
const SMTP_OR_FTP: &str = "SMTP or FTP";
/// Bytes of a greeting in which a server says what it is: some have several lines.
const GREETING_MAX: usize = 256;

/// Beginnings of lines, the longer ones of a kind first. Letters match in either case.
const LINES: &[(&str, &str)] = &[
    ("PRI * HTTP/2", "HTTP/2 without TLS"),
    ("HTTP/1.", "HTTP"),
    ("HTTP/2", "HTTP"),
    ("<!DOCTYPE html", "HTTP"),
    ("<html", "HTTP"),
    ("SIP/2.0 ", "SIP"),
    ("RTSP/1.0 ", "RTSP"),
    ("RTSP/2.0 ", "RTSP"),
    ("PROXY TCP4 ", "PROXY protocol"),
    ("PROXY TCP6 ", "PROXY protocol"),
    ("PROXY UNKNOWN", "PROXY protocol"),
    ("SSH-2.0-", "SSH"),
    ("SSH-1.", "SSH"),
    ("EHLO ", "SMTP"),
    ("HELO ", "SMTP"),
    ("LHLO ", "LMTP"),
    ("* OK ", "IMAP"),
    ("* PREAUTH ", "IMAP"),
    ("* BYE ", "IMAP"),
    ("+OK ", "POP3"),
    ("+PONG\r\n", "Redis"),
    ("-NOAUTH ", "Redis"),
    ("-DENIED Redis", "Redis"),
    ("-WRONGPASS ", "Redis"),
    ("-LOADING Redis", "Redis"),
    ("-ERR unknown command", "Redis"),
    ("-ERR wrong number of arguments", "Redis"),
    ("-ERR Protocol error", "Redis"),
    ("-ERR max number of clients", "Redis"),
    ("-ERR ", "Redis or POP3"),
    ("\"IMPLEMENTATION\" ", "ManageSieve"),
    ("RFB 003.", "VNC"),
    ("RFB 004.", "VNC"),
    ("<stream:stream", "XMPP"),
    ("@RSYNCD: ", "rsync"),
    ("TSH ", "IBM MQ"),
    ("AUTH TLS", "FTP"),
    ("AUTH SSL", "FTP"),
    ("INFO {\"", "NATS"),
    ("CONNECT {", "NATS"),
    ("CONNECT\naccept-version:", "STOMP"),
    ("CONNECT\r\naccept-version:", "STOMP"),
    ("STOMP\n", "STOMP"),
    ("STOMP\r\n", "STOMP"),
    ("ERROR\nmessage:", "STOMP"),
    ("ERROR\r\n", "memcached"),
    ("CLIENT_ERROR ", "memcached"),
    ("SERVER_ERROR ", "memcached"),
    ("CAP LS", "IRC"),
    ("NICK ", "IRC"),
    ("NOTICE AUTH :", "IRC"),
    ("NOTICE * :", "IRC"),
    ("ERROR :", "IRC"),
];

/// Lines that are all that is said.
const WHOLE: &[(&[u8], &str)] = &[
    (b"stats\r\n", "memcached"),
    (b"version\r\n", "memcached"),
    (b"ruok", "ZooKeeper"),
    (b"srvr", "ZooKeeper"),
    (b"mntr", "ZooKeeper"),
    (b"imok", "ZooKeeper"),
    (b"+OK\r\n", "Redis or POP3"),
];

/// Methods of HTTP; each may be followed by a path, a URL or an asterisk (RFC 9112 §3.2).
const METHODS: &[&str] = &[
    "GET ",
    "POST ",
    "HEAD ",
    "PUT ",
    "DELETE ",
    "OPTIONS ",
    "PATCH ",
    "TRACE ",
    "PROPFIND ",
];

/// The last word of a request line.
const VERSIONS: &[(&str, &str)] = &[
    (" HTTP/1.1", "HTTP"),
    (" HTTP/1.0", "HTTP"),
    (" SIP/2.0", "SIP"),
    (" RTSP/1.0", "RTSP"),
    (" RTSP/2.0", "RTSP"),
];

/// Names the protocol of a text.
pub(super) fn name(head: &[u8]) -> Option<&'static str> {
    let start = head.get(..NAMED_WITHIN).unwrap_or(head);
    let line = first_line(start);
    request(start, line)
        .or_else(|| {
            LINES
                .iter()
                .find(|(words, _)| begins(start, words))
                .map(|found| found.1)
        })
        .or_else(|| WHOLE.iter().find(|(words, _)| *words == head).map(|found| found.1))
        .or_else(|| xml(head))
        .or_else(|| imap_command(line))
        .or_else(|| irc(line))
        .or_else(|| memcached(line))
        .or_else(|| reply(head))
        .or_else(|| is_redis_array(start).then_some("Redis"))
        .or_else(|| is_syslog(line).then_some("syslog"))
        .or_else(|| is_git(line).then_some("Git"))
        .or_else(|| is_text(start).then_some(SOME_TEXT))
}

/// A request line: method, target, and a version where the line is not too long for that.
fn request(start: &[u8], line: &[u8]) -> Option<&'static str> {
    if begins(line, "CONNECT ") && (contains(line, " HTTP/1.") || start.len() == line.len() && contains(line, ":")) {
        return Some("HTTP proxy request");
    }
    let words = line.split(|&byte| byte == b' ').count();
    if words == 3
        && let Some((_, protocol)) = VERSIONS.iter().find(|(version, _)| line.ends_with(version.as_bytes()))
    {
        return Some(protocol);
    }
    // The end of a long line is out of reach. Methods are upper case (RFC 9110 §9.1): `get key` is memcached's.
    let target = METHODS.iter().find_map(|method| line.strip_prefix(method.as_bytes()))?;
    match target {
        [b'/' | b'*', ..] => Some("HTTP"),
        _ if begins(target, "http://") || begins(target, "https://") => Some("HTTP"),
        _ if begins(target, "rtsp://") => Some("RTSP"),
        _ if begins(target, "sip:") || begins(target, "sips:") => Some("SIP"),
        _ => None,
    }
}

fn xml(head: &[u8]) -> Option<&'static str> {
    begins(head, "<?xml").then(|| {
        if contains(head, "<stream:stream") {
            "XMPP"
        } else {
            "XML"
        }
    })
}

/// Commands of IMAP come after a tag of the client's choice (RFC 9051 §2.2.1).
fn imap_command(line: &[u8]) -> Option<&'static str> {
    let mut words = line.split(|&byte| byte == b' ');
    let (tag, command) = (words.next()?, words.next()?);
    let is_tag = (1..=16).contains(&tag.len()) && tag.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    let is_command = ["CAPABILITY", "LOGIN", "STARTTLS", "AUTHENTICATE"]
        .iter()
        .any(|known| command.eq_ignore_ascii_case(known.as_bytes()));
    (is_tag && is_command).then_some("IMAP")
}

/// A server's message with its name in front, or a client's USER with four parameters (RFC 2812 §2.3, §3.1.3).
fn irc(line: &[u8]) -> Option<&'static str> {
    let words: Vec<&[u8]> = line.splitn(6, |&byte| byte == b' ').collect();
    let is_numeric = |word: &[u8]| word.len() == 3 && word.iter().all(u8::is_ascii_digit);
    let is_irc = match *words.as_slice() {
        [[b':', _, ..], command, _, ..] => is_numeric(command) || command == b"NOTICE" || command == b"CAP",
        [b"USER", _, _, _, [b':', ..], ..] => true,
        _ => false,
    };
    is_irc.then_some("IRC")
}

/// Storage commands with their numbers, retrievals, and what answers them.
fn memcached(line: &[u8]) -> Option<&'static str> {
    let words: Vec<&[u8]> = line.splitn(7, |&byte| byte == b' ').collect();
    let is_number = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let is_memcached = match *words.as_slice() {
        [
            b"set" | b"add" | b"replace" | b"append" | b"prepend",
            _,
            flags,
            time,
            bytes,
            ..,
        ] => is_number(flags) && is_number(time) && is_number(bytes),
        [b"get" | b"gets", key] => !key.is_empty(),
        [b"VERSION", [b'0'..=b'9', b'.', ..]] | [b"STAT", b"pid", _] => true,
        _ => false,
    };
    is_memcached.then_some("memcached")
}

/// Replies of SMTP, FTP and NNTP begin with three digits; only the words after them tell the three apart.
fn reply(head: &[u8]) -> Option<&'static str> {
    let [code @ .., b' ' | b'-'] = head.get(..4)? else {
        return None;
    };
    let greeting = head.get(..GREETING_MAX).unwrap_or(head).to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|words| contains(&greeting, words));
    match code {
        b"220" | b"421" | b"554" if says(&["SMTP", "POSTFIX", "EXIM", "SENDMAIL"]) => Some("SMTP"),
        b"220" | b"421" if says(&["FTP", "FILEZILLA"]) => Some("FTP"),
        b"220" | b"421" | b"554" => Some(SMTP_OR_FTP),
        b"200" | b"201" if says(&["NNTP", "NNRP", "INTERNETNEWS", "POSTING", "NEWS"]) => Some("NNTP"),
        _ => None,
    }
}

/// A command as an array of strings: `*2`, `$4`, each a line of its own.
fn is_redis_array(start: &[u8]) -> bool {
    let mut lines = start.split(|&byte| byte == b'\n');
    let mut number_after = |mark: u8| match lines.next() {
        Some([first, number @ .., b'\r']) => {
            *first == mark && (1..=6).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    number_after(b'*') && number_after(b'$')
}

/// A priority of at most 191 in angle brackets, then a version or the name of a month (RFC 5424 §6.2, RFC 3164 §4.1), perhaps behind the
/// length of the message (RFC 6587 §3.4.1).
fn is_syslog(line: &[u8]) -> bool {
    let counted = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let message = match line.get(counted..) {
        Some([b' ', message @ ..]) if counted > 0 => message,
        _ => line,
    };
    let Some(rest) = message.strip_prefix(b"<") else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (Some(priority), Some(rest)) = (rest.get(..digits), rest.get(digits..)) else {
        return false;
    };
    let priority = std::str::from_utf8(priority)
        .ok()
        .and_then(|text| text.parse::<u16>().ok());
    let is_month = |name: &[u8; 3]| {
        b"JanFebMarAprMayJunJulAugSepOctNovDec"
            .chunks(3)
            .any(|month| month == name)
    };
    priority.is_some_and(|priority| priority <= 191)
        && digits <= 3
        && match rest {
            [b'>', b'1', b' ', ..] => true,
            [b'>', rest @ ..] => rest.first_chunk().is_some_and(is_month) && rest.get(3) == Some(&b' '),
            _ => false,
        }
}

/// A line of Git's own protocol: its length in four hexadecimal digits, then the service.
fn is_git(line: &[u8]) -> bool {
    match line {
        [a, b, c, d, service @ ..] => {
            [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit())
                && (service.starts_with(b"git-upload-pack /") || service.starts_with(b"git-receive-pack /"))
        }
        _ => false,
    }
}

/// Nothing but text, and enough of it: an ended line, or more letters than chance would put together.
fn is_text(start: &[u8]) -> bool {
    let is_ended = first_line(start).len() < start.len();
    start.len() >= if is_ended { 8 } else { 12 }
        && start
            .iter()
            .all(|&byte| is_printable(byte) || matches!(byte, b'\r' | b'\n'))
}
