//! STARTTLS in ManageSieve (RFC 5804 §2.2).

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::line::{Literals, Pending, begins, greets, is_command};
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::{Pair, Side};

/// What a server may begin the list of its capabilities with (RFC 5804 §1.7).
const FIRST: [&str; 6] = [
    "\"IMPLEMENTATION\" \"",
    "\"SIEVE\" \"",
    "\"SASL\" \"",
    "\"VERSION\" \"",
    "\"NOTIFY\" \"",
    "\"STARTTLS\"\r\n",
];
/// How a response ends.
const ENDS: [&str; 3] = ["OK", "NO", "BYE"];

/// Knows a server by its greeting, which lists its capabilities.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    match greets(heads.server, &FIRST) {
        Some(true) => Guess::yes(Protocol::ManageSieve, Sieve::default()),
        Some(false) => Guess::No,
        None => Guess::Maybe,
    }
}

/// What the next response will answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// The server speaks first, and lists what it can do; CAPABILITY has it do so again.
    Capabilities,
    StartTls,
    Other,
}

#[derive(Debug)]
struct Sieve {
    lines: Pair<Literals>,
    pending: Pending<Command>,
    /// The list that is being read has STARTTLS.
    lists_tls: bool,
    /// The client has tried to log in: what the server can do from then on is another matter.
    has_login: bool,
}

impl Default for Sieve {
    fn default() -> Self {
        Self {
            lines: Pair::default(),
            pending: Pending::first(Command::Capabilities),
            lists_tls: false,
            has_login: false,
        }
    }
}

impl Automaton for Sieve {
    fn frame(&self, side: Side, _bytes: &[u8]) -> Frame {
        self.lines[side].frame()
    }

    fn minds(&mut self, side: Side, message: &[u8]) -> bool {
        self.lines[side].is_beginning(message)
    }

    fn client(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        // Strings answer challenges.
        if !line.first().is_some_and(u8::is_ascii_alphabetic) {
            return;
        }
        let command = if is_command(line, "STARTTLS") {
            notes.asks();
            Command::StartTls
        } else if is_command(line, "CAPABILITY") {
            Command::Capabilities
        } else {
            if is_command(line, "AUTHENTICATE") {
                notes.exposes("a login");
                self.has_login = true;
            } else if is_command(line, "LOGOUT") {
                notes.leaves();
            }
            Command::Other
        };
        self.pending.push(command);
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let answers = self.pending.answered();
        let lists_capabilities = answers == Some(Command::Capabilities) && !self.has_login;
        if lists_capabilities && begins(line, "\"STARTTLS\"") {
            self.lists_tls = true;
            notes.offers(true);
        }
        let Some(end) = ENDS.into_iter().find(|end| is_command(line, end)) else {
            return;
        };
        let lists_tls = std::mem::take(&mut self.lists_tls);
        self.pending.pop();
        match answers {
            Some(Command::StartTls) if end == "OK" => notes.grants(),
            Some(Command::StartTls) => notes.refuses(),
            _ if lists_capabilities && end == "OK" && !lists_tls => notes.offers(false),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, server};
    use super::*;

    const READY: &[u8] =
        b"\"IMPLEMENTATION\" \"sieved 1.0\"\r\n\"SIEVE\" \"fileinto\"\r\n\"STARTTLS\"\r\n\"VERSION\" \"1.0\"\r\nOK \"ready\"\r\n";
    const PLAIN: &[u8] = b"\"IMPLEMENTATION\" \"sieved 1.0\"\r\n\"SASL\" \"PLAIN\"\r\nOK\r\n";

    #[test]
    fn consent_leads_to_tls() {
        let talk = Talk::of(&[
            server(READY),
            client(b"STARTTLS\r\n"),
            server(b"OK \"Begin TLS negotiation now\"\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let sieve = talk.only();
        assert!(sieve.is_granted() && sieve.protocol == Protocol::ManageSieve);
        assert!(sieve.offered.as_ref().is_some_and(|offered| offered.tls));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_is_quoted() {
        for answer in ["NO \"TLS is not available\"", "BYE (TRYLATER) \"not now\""] {
            let line = format!("{answer}\r\n");
            let talk = Talk::of(&[server(READY), client(b"STARTTLS\r\n"), server(line.as_bytes())]);
            assert_eq!(&*talk.only().refusal().unwrap().words, answer);
        }
    }

    #[test]
    fn an_error_answers_the_command_that_it_follows() {
        let talk = Talk::of(&[
            server(READY),
            client(b"NOOP\r\nSTARTTLS\r\n"),
            server(b"NO {9}\r\nOK what?\n\r\nOK\r\n"),
            client(HELLO),
        ]);
        assert!(talk.only().is_granted());
    }

    #[test]
    fn what_is_not_listed_is_not_offered() {
        let leaves = Talk::of(&[server(PLAIN), client(b"LOGOUT\r\n")]);
        assert!(leaves.only().lacks_tls() && leaves.only().asks_for_tls());
        assert_eq!(&*leaves.only().offered.as_ref().unwrap().said.words, "OK");
        let busy = Talk::of(&[server(b"\"IMPLEMENTATION\" \"a\"\r\nBYE \"busy\"\r\n")]);
        assert!(busy.preambles.is_empty());
    }

    #[test]
    fn a_login_is_exposed_and_never_quoted() {
        let talk = Talk::of(&[
            server(PLAIN),
            client(b"AUTHENTICATE \"PLAIN\" {8+}\r\nc2VjcmV0\r\n"),
            server(b"OK\r\n"),
            client(b"CAPABILITY\r\n"),
            server(b"\"SASL\" \"\"\r\nOK\r\n"),
        ]);
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert!(!talk.only().asks_for_tls());
        assert!(!format!("{:?}", talk.preambles).contains("c2VjcmV0"));
    }

    #[test]
    fn a_script_about_starttls_asks_for_nothing() {
        let talk = Talk::of(&[
            server(READY),
            client(b"PUTSCRIPT \"a\" {10+}\r\nSTARTTLS\r\n\r\n"),
            server(b"OK\r\n"),
        ]);
        assert!(talk.only().request.is_none());
    }

    #[test]
    fn others_are_not_taken_for_it() {
        for server in [
            &b"\"VERSION\",\"1.0\"\r\n"[..],
            b"\"IMPLEMENTATIONS\" \"",
            b"{\"SASL\"",
            b"OK \"ready\"\r\n",
        ] {
            assert!(matches!(recognise(&Heads { client: b"", server }), Guess::No));
        }
        assert!(Talk::of(&[client(READY)]).preambles.is_empty());
        let tls = Talk::of(&[server(READY), client(HELLO), server(b"NO what?\r\n")]);
        assert!(tls.preambles.is_empty());
    }
}
