//! STLS in POP3 (RFC 2595 §4).

use super::automaton::{Automaton, Guess, Heads};
use super::line::{Pending, is_word, opens, trimmed, word};
use super::notes::Notes;
use super::protocol::Protocol;

/// The greetings of servers.
const GREETINGS: [&str; 2] = ["+OK ", "+OK\r\n"];
/// What a client may begin with.
const FIRST: [&str; 6] = ["CAPA", "STLS", "USER", "APOP", "AUTH", "NOOP"];

/// Knows a server whose greeting and a client whose first command are of it. Others say `+OK`, too, but not before their client has spoken.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    if heads.server.is_empty() {
        return Guess::No;
    }
    match opens(heads, &GREETINGS, &FIRST) {
        Some(true) => Guess::yes(Protocol::Pop3, Pop3::default()),
        Some(false) => Guess::No,
        None => Guess::Maybe,
    }
}

/// What the next reply will answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// Nothing: the server speaks first.
    Greeting,
    /// CAPA: the reply lists what the server can do.
    Capabilities,
    StartTls,
    /// Another one whose reply is of many lines, if it is good.
    Listing,
    Other,
}

#[derive(Debug)]
struct Pop3 {
    pending: Pending<Command>,
    /// Lines of the server are a list, up to the one with a single dot.
    is_list: bool,
    /// The list that is being read has STLS.
    lists_tls: bool,
    /// What comes next from the client answers a challenge.
    is_challenged: bool,
    /// The client has tried to log in: what the server can do from then on is another matter.
    has_login: bool,
}

impl Default for Pop3 {
    fn default() -> Self {
        Self {
            pending: Pending::first(Command::Greeting),
            is_list: false,
            lists_tls: false,
            is_challenged: false,
            has_login: false,
        }
    }
}

impl Automaton for Pop3 {
    fn client(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        if std::mem::take(&mut self.is_challenged) {
            return;
        }
        let has_argument = !word(line, 1).is_empty();
        let is = |command: &str| is_word(line, 0, command);
        let command = if is("STLS") {
            notes.asks();
            Command::StartTls
        } else if is("CAPA") {
            Command::Capabilities
        } else if is("RETR") || is("TOP") || (is("LIST") || is("UIDL") || is("AUTH")) && !has_argument {
            Command::Listing
        } else {
            if ["USER", "PASS", "APOP", "AUTH"].into_iter().any(is) {
                notes.exposes("a login");
                self.has_login = true;
            } else if is("QUIT") {
                notes.leaves();
            }
            Command::Other
        };
        self.pending.push(command);
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let answers = self.pending.answered();
        let lists_capabilities = answers == Some(Command::Capabilities) && !self.has_login;
        if self.is_list {
            if lists_capabilities && is_word(line, 0, "STLS") {
                self.lists_tls = true;
                notes.offers(true);
            }
            if trimmed(line) != b"." {
                return;
            }
            if lists_capabilities && !self.lists_tls {
                notes.offers(false);
            }
            self.is_list = false;
            self.pending.pop();
            return;
        }
        let is_good = is_word(line, 0, "+OK");
        if is_word(line, 0, "+") {
            self.is_challenged = true;
        } else if is_good && matches!(answers, Some(Command::Capabilities | Command::Listing)) {
            self.is_list = true;
            self.lists_tls = false;
        } else if is_good || is_word(line, 0, "-ERR") {
            self.pending.pop();
            match answers {
                Some(Command::StartTls) if is_good => notes.grants(),
                Some(Command::StartTls) => notes.refuses(),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, server};
    use super::*;

    #[test]
    fn consent_leads_to_tls() {
        let talk = Talk::of(&[
            server(b"+OK POP3 ready <1@pop.example>\r\n"),
            client(b"CAPA\r\n"),
            server(b"+OK\r\nTOP\r\nSTLS\r\nUSER\r\n.\r\n"),
            client(b"STLS\r\n"),
            server(b"+OK Begin TLS negotiation\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let pop = talk.only();
        assert!(pop.is_granted() && pop.protocol == Protocol::Pop3 && pop.exposed.is_none() && pop.injected.is_none());
        assert!(pop.offered.as_ref().is_some_and(|offered| offered.tls));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_is_quoted() {
        let talk = Talk::of(&[
            server(b"+OK ready\r\n"),
            client(b"STLS\r\n"),
            server(b"-ERR TLS not available\r\n"),
            client(b"QUIT\r\n"),
        ]);
        assert_eq!(&*talk.only().refusal().unwrap().words, "-ERR TLS not available");
    }

    #[test]
    fn an_error_answers_the_command_that_it_follows() {
        let talk = Talk::of(&[
            server(b"+OK ready\r\n"),
            client(b"CAPA\r\nSTLS\r\n"),
            server(b"-ERR what?\r\n+OK go\r\n"),
            client(HELLO),
        ]);
        assert!(talk.only().is_granted() && talk.only().injected.is_none());
    }

    #[test]
    fn what_is_not_listed_is_not_offered() {
        let lacking = [
            server(b"+OK ready\r\n"),
            client(b"CAPA\r\n"),
            server(b"+OK list follows\r\nUSER\r\nSTLSX\r\n.\r\n"),
            client(b"QUIT\r\n"),
        ];
        assert!(Talk::of(&lacking).only().lacks_tls() && Talk::of(&lacking).only().asks_for_tls());
        let unknown = [server(b"+OK ready\r\n"), client(b"CAPA\r\n"), server(b"-ERR what?\r\n")];
        assert!(Talk::of(&unknown).preambles.is_empty());
    }

    #[test]
    fn a_login_is_exposed_and_never_quoted() {
        let talk = Talk::of(&[
            server(b"+OK ready\r\n"),
            client(b"AUTH PLAIN\r\n"),
            server(b"+ \r\n"),
            client(b"c2VjcmV0\r\n"),
            server(b"-ERR no\r\n"),
            client(b"STLS\r\n"),
            server(b"-ERR not now\r\n"),
        ]);
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert_eq!(&*talk.only().refusal().unwrap().words, "-ERR not now");
        assert!(!format!("{:?}", talk.preambles).contains("c2VjcmV0"));
        let lists_only = Talk::of(&[
            server(b"+OK ready\r\n"),
            client(b"AUTH\r\n"),
            server(b"+OK\r\nPLAIN\r\n.\r\n"),
        ]);
        assert!(lists_only.preambles.is_empty());
    }

    #[test]
    fn a_mail_about_stls_offers_nothing() {
        let talk = Talk::of(&[
            server(b"+OK ready\r\n"),
            client(b"USER joe\r\nPASS secret\r\nRETR 1\r\nCAPA\r\n"),
            server(b"+OK\r\n+OK in\r\n+OK 20 octets\r\nSTLS\r\n-ERR no\r\n.\r\n+OK\r\nTOP\r\n.\r\n"),
        ]);
        assert!(talk.only().offered.is_none() && talk.only().request.is_none());
    }

    #[test]
    fn others_are_not_taken_for_it() {
        // Redis answers its client so.
        let redis = Talk::of(&[client(b"AUTH secret\r\n"), server(b"+OK\r\n")]);
        assert!(redis.preambles.is_empty());
        let no =
            |client: &'static [u8], server: &'static [u8]| matches!(recognise(&Heads { client, server }), Guess::No);
        assert!(no(b"", b"+OKAY\r\n") && no(b"USER joe\r\n", b"220 ftp.example\r\n") && no(b"PING\r\n", b"+OK\r\n"));
        assert!(no(b"USER joe\r\n", b"") && no(b"\x16\x03", b"+OK hi\r\n"));
    }
}
