//! CONNECT through an HTTP proxy (RFC 9110 §9.3.6), and HTTP's own Upgrade to TLS (RFC 2817).

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::line::{begins, is_word, may_begin, trimmed, word};
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;

/// Bytes of a request in which its wish for an upgrade is looked for.
const UPGRADE_WITHIN: usize = 1_024;
/// Methods of requests that may wish for an upgrade.
const METHODS: [&str; 4] = ["OPTIONS ", "GET ", "POST ", "HEAD "];
/// The header field of RFC 2817 §3.
const UPGRADE: &str = "Upgrade: TLS/";

/// Knows a client that asks a proxy to connect it, and one whose first request wishes for TLS.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let client = heads.client;
    if begins(client, "CONNECT ") {
        return Guess::yes(Protocol::HttpConnect, Http::default());
    }
    let head = client.get(..UPGRADE_WITHIN).unwrap_or(client);
    if METHODS.iter().any(|method| begins(client, method)) {
        let mut lines = head.split_inclusive(|byte| *byte == b'\n');
        if lines.clone().any(|line| begins(line, UPGRADE)) {
            return Guess::yes(Protocol::HttpUpgrade, Http::default());
        }
        let is_whole = head.len() < client.len() || lines.any(|line| matches!(line, b"\r\n" | b"\n"));
        return if is_whole { Guess::No } else { Guess::Maybe };
    }
    let mut words = METHODS.iter().chain(&["CONNECT "]);
    if !client.is_empty() && words.any(|word| may_begin(client, word)) {
        return Guess::Maybe;
    }
    Guess::No
}

#[derive(Debug, Default)]
struct Http {
    /// The status of the answer that is being read.
    status: Option<u16>,
    /// Bytes of the answer's contents, as its header has them so far.
    length: u64,
    /// Contents are what comes next from the server.
    contents: u64,
}

impl Automaton for Http {
    fn frame(&self, side: Side, _bytes: &[u8]) -> Frame {
        match side {
            Side::Server if self.contents > 0 => Frame::Bytes(self.contents),
            _ => Frame::Line,
        }
    }

    fn client(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        if is_word(line, 0, "CONNECT") {
            notes.asks();
            notes.target(&String::from_utf8_lossy(word(line, 1)));
        } else if begins(line, UPGRADE) {
            notes.asks();
        }
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        if std::mem::take(&mut self.contents) > 0 {
            return;
        }
        if begins(line, "HTTP/1.") {
            let status = std::str::from_utf8(word(line, 1))
                .ok()
                .and_then(|code| code.parse().ok());
            self.status = status;
            self.length = 0;
            // What is only on the way (RFC 9110 §15.2) answers nothing yet.
            if status.is_some_and(|status| status >= 300 || status >= 200 && notes.is_upgrade()) {
                notes.refuses();
            } else if matches!(status, Some(101 | 200..=299)) {
                notes.accepts();
            }
        } else if trimmed(line).is_empty() {
            match self.status.take() {
                Some(101 | 200..=299) if notes.is_granted() => notes.begin_both(),
                Some(_) => self.contents = self.length,
                None => {}
            }
        } else if self.status.is_some() && begins(line, "Content-Length:") {
            let value = std::str::from_utf8(word(line, 1)).ok();
            self.length = value.and_then(|value| value.parse().ok()).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, server};
    use super::*;

    #[test]
    fn a_tunnel_leads_to_its_target() {
        let talk = Talk::of(&[
            client(b"CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n"),
            server(b"HTTP/1.1 200 Connection established\r\nVia: a\r\n\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let proxy = talk.only();
        assert!(proxy.is_granted());
        assert_eq!(proxy.target.as_deref(), Some("shop.example:443"));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_is_quoted_by_its_status_line() {
        let talk = Talk::of(&[
            client(b"CONNECT shop.example:443 HTTP/1.1\r\nProxy-Authorization: Basic c2VjcmV0\r\n\r\n"),
            server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!\n"),
        ]);
        let said = talk.only().refusal().unwrap();
        assert_eq!(&*said.words, "HTTP/1.1 403 Forbidden");
        assert!(!format!("{:?}", talk.preambles).contains("c2VjcmV0"));
    }

    #[test]
    fn a_second_try_counts() {
        let talk = Talk::of(&[
            client(b"CONNECT shop.example:443 HTTP/1.1\r\n\r\n"),
            server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nwhat?"),
            client(b"CONNECT shop.example:443 HTTP/1.1\r\nProxy-Authorization: Basic YQ==\r\n\r\n"),
            server(b"HTTP/1.1 200 OK\r\n\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        assert!(talk.only().is_granted());
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn an_upgrade_is_granted_by_101_and_nothing_else() {
        let ask = client(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n");
        let switching = server(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n\r\n");
        let talk = Talk::of(&[ask, switching, client(HELLO), server(ANSWER)]);
        assert!(talk.only().is_granted() && talk.only().protocol == Protocol::HttpUpgrade);
        assert_eq!(talk.within(), (HELLO, ANSWER));
        let talk = Talk::of(&[ask, server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]);
        assert_eq!(&*talk.only().refusal().unwrap().words, "HTTP/1.1 200 OK");
    }

    #[test]
    fn other_requests_are_none_of_it() {
        let talk = Talk::of(&[
            client(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
            server(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        ]);
        assert!(talk.preambles.is_empty());
    }
}
