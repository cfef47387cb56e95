//! STARTTLS in IMAP (RFC 9051 §6.2.1).

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::line::{Literals, begins, greets, has_word, is_word, may_begin, word};
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::{Pair, Side};

/// Bytes of a tag that is remembered.
const TAG_MAX: usize = 64;
/// The greetings of servers; one that says goodbye at once speaks of nothing else.
const GREETINGS: [&str; 2] = ["* OK ", "* PREAUTH "];
/// Commands that a client begins with.
const FIRST: [&str; 4] = ["CAPABILITY\r", "STARTTLS\r", "ID ", "NOOP\r"];
/// Commands by which a client works with mail.
const OF_MAIL: [&str; 6] = ["SELECT", "EXAMINE", "APPEND", "FETCH", "UID", "STATUS"];

/// Knows a server by its greeting, for which some clients do not wait.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    if heads.server.is_empty() {
        return if may_be_command(heads.client) {
            Guess::Maybe
        } else {
            Guess::No
        };
    }
    match greets(heads.server, &GREETINGS) {
        Some(true) => Guess::yes(Protocol::Imap, Imap::default()),
        Some(false) => Guess::No,
        None => Guess::Maybe,
    }
}

/// False where a client's first bytes are no tag and command.
fn may_be_command(client: &[u8]) -> bool {
    match client.iter().position(|byte| *byte == b' ') {
        Some(end) => {
            let command = client.get(end.saturating_add(1)..).unwrap_or_default();
            end <= TAG_MAX && FIRST.iter().any(|first| may_begin(command, first))
        }
        None => client.len() <= TAG_MAX && client.iter().all(u8::is_ascii_alphanumeric),
    }
}

#[derive(Debug)]
struct Imap {
    lines: Pair<Literals>,
    /// The tag of the request for TLS that is not answered.
    asked_by: Option<Box<[u8]>>,
    /// The client has tried to log in: what the server can do from then on is another matter.
    has_login: bool,
}

impl Default for Imap {
    fn default() -> Self {
        Self {
            lines: Pair {
                client: Literals::waiting(),
                server: Literals::default(),
            },
            asked_by: None,
            has_login: false,
        }
    }
}

impl Automaton for Imap {
    fn frame(&self, side: Side, _bytes: &[u8]) -> Frame {
        self.lines[side].frame()
    }

    fn minds(&mut self, side: Side, message: &[u8]) -> bool {
        self.lines[side].is_beginning(message)
    }

    fn client(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let tag = word(line, 0);
        if is_word(line, 1, "STARTTLS") && tag.len() <= TAG_MAX {
            notes.asks();
            self.asked_by = Some(tag.into());
        } else if is_word(line, 1, "LOGIN") || is_word(line, 1, "AUTHENTICATE") {
            notes.exposes("a login");
            self.has_login = true;
        } else if OF_MAIL.iter().any(|command| is_word(line, 1, command)) {
            notes.exposes("mail");
        } else if is_word(line, 1, "LOGOUT") {
            notes.leaves();
        }
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let tag = word(line, 0);
        let is_ok = is_word(line, 1, "OK");
        if tag == b"+" {
            self.lines.client.let_come();
        } else if tag == b"*" && is_word(line, 1, "CAPABILITY") {
            self.lists(line, line, notes);
        } else if tag == b"*" && is_word(line, 1, "PREAUTH") {
            // Whoever is logged in cannot start TLS (RFC 9051 §6.2.1).
            notes.offers(false);
        } else if tag == b"*" && is_word(line, 1, "BYE") {
            if self.asked_by.take().is_some() {
                notes.refuses();
            }
        } else if self.asked_by.as_deref() == Some(tag) {
            self.asked_by = None;
            if is_ok {
                notes.grants();
            } else {
                notes.refuses();
            }
        } else if is_word(line, 1, "NO") && begins(word(line, 2), "[PRIVACYREQUIRED]") {
            notes.demands();
        } else if is_ok && begins(word(line, 2), "[CAPABILITY") {
            let list = line.split(|byte| *byte == b']').next().unwrap_or_default();
            self.lists(line, list, notes);
        }
    }
}

impl Imap {
    /// The line lists what the server can do.
    fn lists(&self, line: &[u8], list: &[u8], notes: &mut Notes<'_>) {
        let lists_tls = has_word(list, "STARTTLS");
        // Of a list that is cut, what is not in it may be in the rest.
        let is_whole = list.len() < line.len() || line.ends_with(b"\n");
        if !self.has_login && (lists_tls || is_whole) {
            notes.offers(lists_tls);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, server};
    use super::*;

    const READY: &[u8] = b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n";

    #[test]
    fn consent_comes_by_the_tag_of_the_request() {
        let talk = Talk::of(&[
            server(READY),
            client(b"a1 CAPABILITY\r\na2 STARTTLS\r\n"),
            server(b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n"),
            server(b"a2 OK Begin TLS negotiation now\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let imap = talk.only();
        assert_eq!(imap.protocol, Protocol::Imap);
        assert_eq!(&*imap.request.as_ref().unwrap().words, "a2 STARTTLS");
        assert_eq!(
            &*imap.answer.as_ref().unwrap().1.words,
            "a2 OK Begin TLS negotiation now"
        );
        assert!(imap.is_granted() && imap.injected.is_none() && imap.exposed.is_none() && !imap.lacks_tls());
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn some_clients_do_not_wait_for_the_greeting() {
        let talk = Talk::of(&[
            client(b"a CAPABILITY\r\n"),
            server(b"* OK Waiting for authentication process to respond..\r\n"),
            server(READY),
            server(b"* CAPABILITY IMAP4rev1 STARTTLS\r\na OK listed\r\n"),
            client(b"a STARTTLS\r\n"),
            server(b"a OK go\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        assert!(talk.only().is_granted());
        assert_eq!(talk.within(), (HELLO, ANSWER));
        assert!(!may_be_command(b"GET / HTTP/1.1\r\n") && !may_be_command(b"PING\r\n") && !may_be_command(&[5, 1, 0]));
    }

    #[test]
    fn a_refusal_is_quoted() {
        for answer in ["s NO TLS is not available\r\n", "s BAD what?\r\n", "* BYE later\r\n"] {
            let talk = Talk::of(&[server(READY), client(b"s starttls\r\n"), server(answer.as_bytes())]);
            assert_eq!(&*talk.only().refusal().unwrap().words, answer.trim());
        }
        let other = Talk::of(&[server(READY), client(b"s STARTTLS\r\n"), server(b"t NO not yours\r\n")]);
        assert!(other.only().answer.is_none());
    }

    #[test]
    fn what_is_not_listed_is_not_offered() {
        let greeting = Talk::of(&[server(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] STARTTLS? no\r\n")]);
        assert!(greeting.only().lacks_tls() && greeting.only().asks_for_tls());
        let asked = Talk::of(&[
            server(b"* OK ready\r\n"),
            client(b"1 CAPABILITY\r\n"),
            server(b"* CAPABILITY IMAP4rev1\r\n1 OK done\r\n"),
            client(b"2 LOGOUT\r\n"),
        ]);
        assert_eq!(
            &*asked.only().offered.as_ref().unwrap().said.words,
            "* CAPABILITY IMAP4rev1"
        );
        assert!(asked.only().lacks_tls());
        assert!(Talk::of(&[server(b"* PREAUTH welcome\r\n")]).only().lacks_tls());
        // A greeting without a list says nothing about TLS.
        assert!(Talk::of(&[server(b"* OK ready\r\n")]).preambles.is_empty());
    }

    #[test]
    fn a_list_that_is_cut_lacks_nothing() {
        let mut line = b"* CAPABILITY IMAP4rev1".to_vec();
        line.resize(3_000, b'x');
        line.extend_from_slice(b" STARTTLS\r\n");
        let talk = Talk::of(&[server(b"* OK ready\r\n"), server(&line)]);
        assert!(talk.preambles.is_empty());
    }

    #[test]
    fn a_login_is_exposed_and_never_quoted() {
        let talk = Talk::of(&[
            server(READY),
            client(b"1 LOGIN joe {6}\r\n"),
            server(b"+ go on\r\n"),
            client(b"secret\r\n"),
            server(b"1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"),
        ]);
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert!(
            !talk.only().lacks_tls(),
            "what is listed behind a login is another matter"
        );
        assert!(!format!("{:?}", talk.preambles).contains("secret"));
        let preauth = Talk::of(&[server(b"* PREAUTH hi\r\n"), client(b"1 SELECT INBOX\r\n")]);
        assert!(preauth.only().lacks_tls() && !preauth.only().asks_for_tls());
    }

    #[test]
    fn a_literal_asks_for_nothing() {
        let talk = Talk::of(&[
            server(READY),
            client(b"1 ID (\"name\" {13+}\r\nx STARTTLS\r\n ) NIL\r\n"),
            server(b"1 OK fine\r\n"),
        ]);
        assert!(talk.only().request.is_none());
        let refused = Talk::of(&[
            server(READY),
            client(b"1 LOGIN {40}\r\n"),
            server(b"1 NO [PRIVACYREQUIRED] not so\r\n"),
            client(b"2 STARTTLS\r\n"),
            server(b"2 OK go\r\n"),
            client(HELLO),
        ]);
        assert!(refused.only().is_granted());
    }

    #[test]
    fn a_command_behind_the_request_is_noted_by_its_first_word() {
        let talk = Talk::of(&[
            server(READY),
            client(b"1 STARTTLS\r\n2 LOGIN joe secret\r\n"),
            server(b"1 OK go\r\n"),
            client(HELLO),
        ]);
        assert_eq!(&*talk.only().injected.as_ref().unwrap().words, "2");
        assert!(!format!("{:?}", talk.preambles).contains("secret"));
    }

    #[test]
    fn others_are_not_taken_for_it() {
        for greeting in [
            &b"* OKAY [CAPABILITY IMAP4rev1] hi\r\n"[..],
            b"* AUTH PLAIN\r\n",
            b"*1\r\n$4\r\n",
            b"+OK hi\r\n",
        ] {
            assert!(matches!(
                recognise(&Heads {
                    client: b"",
                    server: greeting
                }),
                Guess::No
            ));
        }
        let client_of_it = Talk::of(&[client(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")]);
        assert!(client_of_it.preambles.is_empty());
        let tls = Talk::of(&[server(READY), client(HELLO), server(b"* BAD what?\r\n")]);
        assert!(tls.preambles.is_empty());
    }
}
