//! STARTTLS in NNTP (RFC 4642).

use super::automaton::{Automaton, Guess, Heads};
use super::line::{Pending, is_word, opens, reply, trimmed};
use super::notes::Notes;
use super::protocol::Protocol;

/// The greetings of servers: posting allowed, and not.
const GREETINGS: [&str; 2] = ["200 ", "201 "];
/// What a client may begin with and none of another protocol with such greetings (CDDB, changers of passwords).
const FIRST: [&str; 12] = [
    "CAPABILITIES",
    "MODE READER",
    "MODE STREAM",
    "STARTTLS",
    "AUTHINFO",
    "GROUP",
    "LISTGROUP",
    "IHAVE",
    "NEWGROUPS",
    "NEWNEWS",
    "XOVER",
    "LIST ACTIVE",
];
/// Commands that fetch or offer articles.
const OF_NEWS: [&str; 8] = [
    "GROUP",
    "LISTGROUP",
    "ARTICLE",
    "HEAD",
    "BODY",
    "OVER",
    "XOVER",
    "NEWNEWS",
];
/// Commands that hand an article over.
const POSTING: [&str; 3] = ["POST", "IHAVE", "TAKETHIS"];

/// Knows a server whose greeting and a client whose first command are of it.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    match opens(heads, &GREETINGS, &FIRST) {
        Some(true) => Guess::yes(Protocol::Nntp, Nntp::default()),
        Some(false) => Guess::No,
        None => Guess::Maybe,
    }
}

/// What the next reply will answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// Nothing: the server speaks first.
    Greeting,
    Capabilities,
    StartTls,
    /// LISTGROUP, to which 211 begins a list, as it does to no other command.
    ListGroup,
    Other,
}

#[derive(Debug)]
struct Nntp {
    pending: Pending<Command>,
    /// Lines of a side are an article or a list, up to the one with a single dot.
    is_article: bool,
    is_list: bool,
    /// The list of capabilities that is being read has STARTTLS.
    lists_tls: bool,
    /// What comes next from the client answers a challenge.
    is_challenged: bool,
    /// The client has tried to log in: what the server can do from then on is another matter.
    has_login: bool,
}

impl Default for Nntp {
    fn default() -> Self {
        Self {
            pending: Pending::first(Command::Greeting),
            is_article: false,
            is_list: false,
            lists_tls: false,
            is_challenged: false,
            has_login: false,
        }
    }
}

impl Automaton for Nntp {
    fn client(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        if self.is_article {
            self.is_article = trimmed(line) != b".";
            return;
        }
        if std::mem::take(&mut self.is_challenged) {
            return;
        }
        let is = |command: &str| is_word(line, 0, command);
        let command = if is("STARTTLS") {
            notes.asks();
            Command::StartTls
        } else if is("CAPABILITIES") {
            Command::Capabilities
        } else {
            if is("AUTHINFO") {
                notes.exposes("a login");
                self.has_login = true;
            } else if POSTING.into_iter().any(is) {
                notes.exposes("a message");
            } else if OF_NEWS.into_iter().any(is) {
                notes.goes_on();
            } else if is("QUIT") {
                notes.leaves();
            }
            // Its article follows at once (RFC 4644 §2.5).
            self.is_article = is("TAKETHIS");
            if is("LISTGROUP") {
                Command::ListGroup
            } else {
                Command::Other
            }
        };
        self.pending.push(command);
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let answers = self.pending.answered();
        let lists_capabilities = answers == Some(Command::Capabilities) && !self.has_login;
        if self.is_list {
            if lists_capabilities && is_word(line, 0, "STARTTLS") {
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
        let Some(reply) = reply(line) else { return };
        // Whether more lines follow is known by the code alone (RFC 3977 §3.2).
        match (reply.code, answers) {
            (382, Some(Command::StartTls)) => notes.grants(),
            (_, Some(Command::StartTls)) => notes.refuses(),
            (100 | 101 | 215 | 220..=222 | 224 | 225 | 230 | 231, Some(_)) | (211, Some(Command::ListGroup)) => {
                self.is_list = true;
                self.lists_tls = false;
                return;
            }
            (335 | 340, _) => {
                self.is_article = true;
                return;
            }
            (383, _) => {
                self.is_challenged = true;
                return;
            }
            _ => {}
        }
        self.pending.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, server};
    use super::*;

    const READY: &[u8] = b"200 news.example ready, posting allowed\r\n";

    #[test]
    fn consent_leads_to_tls() {
        let talk = Talk::of(&[
            server(READY),
            client(b"CAPABILITIES\r\n"),
            server(b"101 list follows\r\nVERSION 2\r\nREADER\r\nSTARTTLS\r\n.\r\n"),
            client(b"STARTTLS\r\n"),
            server(b"382 Continue with TLS negotiation\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let nntp = talk.only();
        assert!(nntp.is_granted() && nntp.protocol == Protocol::Nntp && nntp.exposed.is_none());
        assert!(nntp.offered.as_ref().is_some_and(|offered| offered.tls));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_is_quoted() {
        for answer in [
            "580 Can not initiate TLS negotiation",
            "502 Command unavailable",
            "500 What?",
        ] {
            let line = format!("{answer}\r\n");
            let talk = Talk::of(&[server(READY), client(b"STARTTLS\r\n"), server(line.as_bytes())]);
            assert_eq!(&*talk.only().refusal().unwrap().words, answer);
        }
    }

    #[test]
    fn a_demand_for_protection_is_no_refusal_of_it() {
        let talk = Talk::of(&[
            server(READY),
            client(b"MODE READER\r\n"),
            server(b"483 Strong encryption required\r\n"),
            client(b"STARTTLS\r\n"),
            server(b"382 go\r\n"),
            client(HELLO),
        ]);
        assert!(talk.only().is_granted());
    }

    #[test]
    fn what_is_not_listed_is_not_offered() {
        let ask = [
            server(READY),
            client(b"CAPABILITIES\r\n"),
            server(b"101 list:\r\nVERSION 2\r\nREADER\r\n.\r\n"),
        ];
        assert!(Talk::of(&ask).only().lacks_tls() && Talk::of(&ask).only().asks_for_tls());
        let reading = Talk::of(&[ask[0], ask[1], ask[2], client(b"GROUP a.b\r\n")]);
        assert!(reading.only().lacks_tls() && !reading.only().asks_for_tls());
    }

    #[test]
    fn articles_and_lists_ask_for_nothing() {
        let talk = Talk::of(&[
            server(READY),
            client(b"MODE READER\r\n"),
            server(b"200 fine\r\n"),
            client(b"LISTGROUP a.b\r\n"),
            server(b"211 1 1 1 a.b\r\n1\r\n.\r\n"),
            client(b"POST\r\n"),
            server(b"340 go\r\n"),
            client(b"STARTTLS\r\n.\r\n"),
            server(b"240 thanks\r\n"),
            client(b"HEAD 1\r\n"),
            server(b"221 1 <a@b>\r\nSTARTTLS\r\n.\r\n"),
            client(b"STARTTLS\r\n"),
            server(b"502 no\r\n"),
        ]);
        let nntp = talk.only();
        assert!(nntp.offered.is_none());
        assert_eq!(nntp.request.as_ref().unwrap().span.mark.frame, 12);
        assert_eq!(&*nntp.refusal().unwrap().words, "502 no");
        assert!(nntp.went_on);
        assert_eq!(nntp.exposed.map(|(what, _)| what), Some("a message"));
    }

    #[test]
    fn a_login_is_exposed_and_never_quoted() {
        let talk = Talk::of(&[
            server(READY),
            client(b"AUTHINFO SASL PLAIN\r\n"),
            server(b"383 \r\n"),
            client(b"c2VjcmV0\r\n"),
            server(b"481 no\r\n"),
            client(b"STARTTLS\r\n"),
            server(b"580 no\r\n"),
        ]);
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert_eq!(&*talk.only().refusal().unwrap().words, "580 no");
        assert!(!format!("{:?}", talk.preambles).contains("c2VjcmV0"));
    }

    #[test]
    fn others_are_not_taken_for_it() {
        let cddb = Talk::of(&[
            server(b"201 freedb.example CDDBP server ready\r\n"),
            client(b"cddb hello joe host app 1\r\n"),
        ]);
        assert!(cddb.preambles.is_empty());
        let no =
            |client: &'static [u8], server: &'static [u8]| matches!(recognise(&Heads { client, server }), Guess::No);
        assert!(no(b"user joe\r\n", b"200 poppassd hello, who are you?\r\n"));
        assert!(
            no(b"STARTTLS\r\n", b"220 mx.example ESMTP\r\n") && no(b"STARTTLS\r\n", b"382 go\r\n") && no(b"", b"2000 ")
        );
        let tls = Talk::of(&[server(READY), client(HELLO), server(b"500 what?\r\n")]);
        assert!(tls.preambles.is_empty());
    }
}
