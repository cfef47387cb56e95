//! Lines of text protocols.

use std::collections::VecDeque;

use super::automaton::{Frame, Heads};
pub(super) use crate::tls::begins;

/// Commands whose replies are waited for; clients send a handful at once (RFC 2920).
const PENDING_MAX: usize = 64;

/// The line without its end.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// The word at this place, counted from 0; empty where there is none.
pub(super) fn word(line: &[u8], place: usize) -> &[u8] {
    let words = trimmed(line)
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    words.into_iter().nth(place).unwrap_or_default()
}

/// True where the word at this place is this one, in either case.
pub(super) fn is_word(line: &[u8], place: usize, wanted: &str) -> bool {
    word(line, place).eq_ignore_ascii_case(wanted.as_bytes())
}

/// True where the bytes so far may become a line that begins so.
pub(super) fn may_begin(bytes: &[u8], wanted: &str) -> bool {
    let length = bytes.len().min(wanted.len());
    bytes
        .get(..length)
        .zip(wanted.as_bytes().get(..length))
        .is_some_and(|(start, wanted)| start.eq_ignore_ascii_case(wanted))
}

/// True where the line holds this word among its words, in either case.
pub(super) fn has_word(line: &[u8], wanted: &str) -> bool {
    let mut words = trimmed(line).split(|byte| matches!(byte, b' ' | b'[' | b']' | b'"'));
    words.any(|word| word.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// A reply of three digits, as SMTP, FTP, NNTP and others have it (RFC 5321 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    /// 100–999.
    pub(super) code: u16,
    /// False where further lines of the same reply follow.
    pub(super) is_last: bool,
    /// What stands behind the code.
    pub(super) text: &'a [u8],
}

/// The reply that a line is, if it is one.
pub(super) fn reply(line: &[u8]) -> Option<Reply<'_>> {
    let line = trimmed(line);
    let (code, rest) = line.split_first_chunk::<3>()?;
    let code = code.iter().try_fold(0_u16, |code, digit| {
        digit.is_ascii_digit().then(|| code * 10 + u16::from(digit - b'0'))
    })?;
    let (is_last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    (code >= 100).then_some(Reply { code, is_last, text })
}

/// Whether a server greets so and a client's first command is one of these; `None` where more bytes are needed to tell.
/// Some clients do not wait for the greeting.
pub(super) fn opens(heads: &Heads<'_>, greetings: &[&str], commands: &[&str]) -> Option<bool> {
    let greets = match heads.server {
        [] => None,
        server => greets(server, greetings),
    };
    match (greets, first_command(heads.client, commands)) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Whether a server's first words are one of these; `None` where more bytes are needed to tell. One that is silent does not greet.
pub(super) fn greets(server: &[u8], greetings: &[&str]) -> Option<bool> {
    if greetings.iter().any(|greeting| begins(server, greeting)) {
        return Some(true);
    }
    let may = !server.is_empty() && greetings.iter().any(|greeting| may_begin(server, greeting));
    if may { None } else { Some(false) }
}

/// Whether a client's first line is one of these commands, of one word or more; `None` where more bytes are needed to tell.
pub(super) fn first_command(client: &[u8], commands: &[&str]) -> Option<bool> {
    match client.split_inclusive(|byte| *byte == b'\n').next() {
        Some(line) if line.ends_with(b"\n") => Some(commands.iter().any(|command| is_command(line, command))),
        _ if commands.iter().any(|command| may_begin(client, command)) => None,
        _ => Some(false),
    }
}

/// True where the line is this command, of one word or more, with or without arguments.
pub(super) fn is_command(line: &[u8], command: &str) -> bool {
    let after = line.get(command.len()).copied();
    begins(line, command) && after.is_none_or(|byte| byte.is_ascii_whitespace())
}

/// Commands without a reply, in order: each reply answers the first of them.
#[derive(Debug)]
pub(super) struct Pending<C>(VecDeque<C>);

impl<C: Copy> Pending<C> {
    /// This is waited for.
    pub(super) fn first(command: C) -> Self {
        Self(VecDeque::from([command]))
    }

    /// This is waited for, too.
    pub(super) fn push(&mut self, command: C) {
        if self.0.len() < PENDING_MAX {
            self.0.push_back(command);
        }
    }

    /// What the next reply answers, or the one that has begun.
    pub(super) fn answered(&self) -> Option<C> {
        self.0.front().copied()
    }

    /// The reply is whole.
    pub(super) fn pop(&mut self) {
        self.0.pop_front();
    }
}

/// Lines of a side within which bytes of a given number may stand, whatever they are: literals (RFC 9051 §4.3, RFC 5804 §1.2).
#[derive(Debug, Default)]
pub(super) struct Literals {
    /// Bytes that come next.
    length: u64,
    /// Bytes that come once the other side lets them.
    asked: Option<u64>,
    /// What comes next belongs to a line that began before.
    goes_on: bool,
    /// Literals wait for consent, unless they say that they do not.
    wait: bool,
}

impl Literals {
    /// Of a side whose literals wait for consent.
    pub(super) fn waiting() -> Self {
        Self {
            wait: true,
            ..Self::default()
        }
    }

    /// Where the next message ends.
    pub(super) const fn frame(&self) -> Frame {
        match self.length {
            0 => Frame::Line,
            length => Frame::Bytes(length),
        }
    }

    /// Takes the next message; true where a line begins with it.
    pub(super) fn is_beginning(&mut self, message: &[u8]) -> bool {
        if std::mem::take(&mut self.length) > 0 {
            return false;
        }
        let begins = !std::mem::take(&mut self.goes_on);
        self.asked = None;
        if let Some((length, waits)) = literal(message) {
            self.asked = Some(length);
            if !(waits && self.wait) {
                self.let_come();
            }
        }
        begins
    }

    /// The literal that waits may come.
    pub(super) fn let_come(&mut self) {
        if let Some(length) = self.asked.take() {
            self.length = length;
            self.goes_on = true;
        }
    }
}

/// The bytes of the literal that follows this line, and whether it has to wait: `{5}` does, `{5+}` does not.
fn literal(line: &[u8]) -> Option<(u64, bool)> {
    let line = trimmed(line).strip_suffix(b"}")?;
    let length = line
        .rsplit(|byte| *byte == b'{')
        .next()
        .filter(|length| length.len() < line.len())?;
    let (length, waits) = match length.strip_suffix(b"+") {
        Some(length) => (length, false),
        None => (length, true),
    };
    let digits = length.iter().all(u8::is_ascii_digit);
    let length = std::str::from_utf8(length).ok().filter(|_| digits)?;
    length.parse().ok().map(|length| (length, waits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_have_a_code_and_perhaps_more_lines() {
        let ready = reply(b"220 ready\r\n").unwrap();
        assert!(ready.is_last && ready.code == 220 && ready.text == b"ready");
        let more = reply(b"250-PIPELINING\r\n").unwrap();
        assert!(!more.is_last && more.code == 250);
        assert_eq!(reply(b"220\r\n").map(|reply| reply.is_last), Some(true));
        for line in [&b"22 ready\r\n"[..], b"220ready\r\n", b"099 low\r\n", b"* OK\r\n", b""] {
            assert_eq!(reply(line), None);
        }
    }

    #[test]
    fn words_are_found_in_either_case() {
        assert!(is_word(b"a1 starttls\r\n", 1, "STARTTLS"));
        assert!(!is_word(b"a1 starttlsx\r\n", 1, "STARTTLS"));
        assert!(has_word(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", "STARTTLS"));
        assert!(!has_word(b"* OK ready for STARTTLSv2\r\n", "STARTTLS"));
        assert!(may_begin(b"CON", "CONNECT ") && !may_begin(b"COX", "CONNECT "));
        assert_eq!(word(b"", 0), b"");
    }

    #[test]
    fn a_first_command_is_known_once_its_line_is_whole() {
        let commands = ["AUTH TLS", "FEAT"];
        assert_eq!(first_command(b"auth tls\r\n", &commands), Some(true));
        assert_eq!(first_command(b"FEAT\r\nUSER a\r\n", &commands), Some(true));
        assert_eq!(first_command(b"FEA", &commands), None);
        assert_eq!(first_command(b"FEAT", &commands), None);
        for client in [&b"FEATURE\r\n"[..], b"AUTH PLAIN\r\n", b"EH"] {
            assert_eq!(first_command(client, &commands), Some(false));
        }
    }

    #[test]
    fn a_conversation_is_known_once_both_have_spoken() {
        let opens = |server, client| opens(&Heads { client, server }, &["220 "], &["FEAT"]);
        assert_eq!(opens(b"220 hi\r\n", b"FEAT\r\n"), Some(true));
        assert_eq!(opens(b"22", b"FEAT\r\n"), None);
        assert_eq!(opens(b"220 hi\r\n", b""), None);
        assert_eq!(opens(b"", b"FEAT\r\n"), None);
        for (server, client) in [
            (&b"331 "[..], &b"FEAT\r\n"[..]),
            (b"221 ", b""),
            (b"220 hi\r\n", b"EHLO"),
        ] {
            assert_eq!(opens(server, client), Some(false));
        }
    }

    #[test]
    fn literals_are_no_lines() {
        let mut server = Literals::default();
        assert!(server.is_beginning(b"* 1 FETCH (BODY[] {5}\r\n"));
        assert_eq!(server.frame(), Frame::Bytes(5));
        assert!(!server.is_beginning(b"a OK\n") && !server.is_beginning(b")\r\n"));
        assert!(server.is_beginning(b"a1 OK\r\n") && server.frame() == Frame::Line);

        let mut client = Literals::waiting();
        assert!(client.is_beginning(b"a1 LOGIN {3}\r\n"));
        assert_eq!(client.frame(), Frame::Line, "refused, it never comes");
        assert!(client.is_beginning(b"a2 LOGIN {3}\r\n"));
        client.let_come();
        assert_eq!(client.frame(), Frame::Bytes(3));
        assert!(!client.is_beginning(b"joe") && !client.is_beginning(b" {0+}\r\n") && !client.is_beginning(b"\r\n"));
        assert!(client.is_beginning(b"a3 NOOP\r\n"));
        for line in [
            &b"a {x}\r\n"[..],
            b"a {}\r\n",
            b"5}\r\n",
            b"{99999999999999999999999}\r\n",
            b"{5} \x00\r\n",
        ] {
            assert_eq!(literal(line), None, "{line:?}");
        }
    }
}
