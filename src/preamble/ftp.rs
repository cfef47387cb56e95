//! AUTH TLS in FTP (RFC 4217).

use super::automaton::{Automaton, Guess, Heads};
use super::line::{Pending, begins, is_word, opens, reply, word};
use super::notes::Notes;
use super::protocol::Protocol;

/// The greetings of servers, of SMTP's as well.
const GREETINGS: [&str; 2] = ["220 ", "220-"];
/// What a client may begin with, and none of SMTP.
const FIRST: [&str; 14] = [
    "AUTH TLS",
    "AUTH TLS-C",
    "AUTH TLS-P",
    "AUTH SSL",
    "AUTH GSSAPI",
    "FEAT",
    "USER",
    "HOST",
    "CLNT",
    "SYST",
    "OPTS",
    "LANG",
    "PBSZ",
    "PASV",
];

/// Knows a server whose greeting and a client whose first command are of it.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let is_mail = heads.server.windows(4).any(|word| word.eq_ignore_ascii_case(b"SMTP"));
    // Where the client did not wait for the greeting, it may not be whole.
    let greets = heads.server.contains(&b'\n');
    match opens(heads, &GREETINGS, &FIRST) {
        Some(true) if !greets => Guess::Maybe,
        Some(true) if !is_mail => Guess::yes(Protocol::Ftp, Ftp::default()),
        None if !is_mail => Guess::Maybe,
        _ => Guess::No,
    }
}

/// What the next reply will answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// Nothing: the server speaks first.
    Greeting,
    /// FEAT: the reply lists what the server can do (RFC 2389 §3).
    Features,
    /// AUTH with TLS.
    StartTls,
    Other,
}

#[derive(Debug)]
struct Ftp {
    pending: Pending<Command>,
    /// The code of the reply that is being read, if it is of several lines.
    within: Option<u16>,
    /// The list of features that is being read has AUTH TLS.
    lists_tls: bool,
}

impl Default for Ftp {
    fn default() -> Self {
        Self {
            pending: Pending::first(Command::Greeting),
            within: None,
            lists_tls: false,
        }
    }
}

impl Automaton for Ftp {
    fn client(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let command = if is_word(line, 0, "AUTH") && is_tls(word(line, 1)) {
            notes.asks();
            Command::StartTls
        } else if is_word(line, 0, "FEAT") {
            Command::Features
        } else {
            if is_word(line, 0, "USER") || is_word(line, 0, "PASS") {
                notes.exposes("a login");
            } else if is_word(line, 0, "QUIT") {
                notes.leaves();
            }
            Command::Other
        };
        self.pending.push(command);
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let reply = reply(line);
        // Between the first line and the last, which repeats the code, anything may stand (RFC 959 §4.2).
        let (code, is_last) = match (self.within, reply) {
            (Some(code), reply) => (code, reply.is_some_and(|reply| reply.code == code && reply.is_last)),
            (None, Some(reply)) => (reply.code, reply.is_last),
            (None, None) => return,
        };
        let answers = self.pending.answered();
        if answers == Some(Command::Features) && code == 211 {
            if lists_tls(reply.map_or(line, |reply| reply.text)) {
                self.lists_tls = true;
                notes.offers(true);
            } else if is_last && !self.lists_tls {
                notes.offers(false);
            }
        }
        self.within = (!is_last).then_some(code);
        // 1xx says that the answer is still to come.
        if !is_last || code < 200 {
            return;
        }
        self.lists_tls = false;
        self.pending.pop();
        match answers {
            // Before RFC 4217 some agreed with 334.
            Some(Command::StartTls) if matches!(code, 234 | 334) => notes.grants(),
            Some(Command::StartTls) => notes.refuses(),
            _ => {}
        }
    }
}

/// True for the mechanisms of RFC 4217 §2.1 and the elder SSL.
fn is_tls(mechanism: &[u8]) -> bool {
    begins(mechanism, "TLS") || begins(mechanism, "SSL")
}

/// True where a feature is AUTH with TLS among its mechanisms: `AUTH TLS`, `AUTH SSL;TLS-P;`.
fn lists_tls(feature: &[u8]) -> bool {
    let mut words = feature.split(|byte| matches!(byte, b' ' | b';' | b','));
    let is_auth = words
        .find(|word| !word.is_empty())
        .is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH"));
    is_auth && words.any(is_tls)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, server};
    use super::*;

    const BANNER: &[u8] = b"220-Welcome.\r\n500 users at most\r\n220-\r\n  220 is no end\r\n220 ready\r\n";

    #[test]
    fn consent_leads_to_tls() {
        let talk = Talk::of(&[
            server(BANNER),
            client(b"FEAT\r\n"),
            server(b"211-Features:\r\n AUTH TLS;SSL;\r\n PBSZ\r\n PROT\r\n211 End\r\n"),
            client(b"AUTH TLS\r\n"),
            server(b"234 Proceed with negotiation.\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let ftp = talk.only();
        assert!(ftp.is_granted() && ftp.protocol == Protocol::Ftp && ftp.exposed.is_none());
        assert!(ftp.offered.as_ref().is_some_and(|offered| offered.tls));
        assert_eq!(talk.within(), (HELLO, ANSWER));
        for request in [&b"auth ssl\r\n"[..], b"AUTH TLS-C\r\n", b"AUTH TLS-P\r\n"] {
            let talk = Talk::of(&[
                server(b"220 hi\r\n"),
                client(request),
                server(b"234 go\r\n"),
                client(HELLO),
            ]);
            assert!(talk.only().is_granted());
        }
    }

    #[test]
    fn some_clients_do_not_wait_for_the_greeting() {
        let talk = Talk::of(&[
            client(b"FEAT\r\n"),
            server(b"220 ready\r\n211-Features:\r\n AUTH SSL\r\n211 End\r\n"),
            client(b"AUTH TLS\r\n"),
            server(b"234 go\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        assert!(talk.only().is_granted() && !talk.only().lacks_tls());
        assert_eq!(talk.within(), (HELLO, ANSWER));
        let mail = Talk::of(&[
            client(b"USER joe\r\n"),
            server(b"220 mx.example ESMTP\r\n500 what?\r\n"),
        ]);
        assert!(mail.preambles.is_empty());
    }

    #[test]
    fn the_same_greeting_may_be_of_mail() {
        let talk = Talk::of(&[
            server(b"220-Welcome.\r\n220 ready\r\n"),
            client(b"EHLO me\r\n"),
            server(b"250-a\r\n250 STARTTLS\r\n"),
            client(b"STARTTLS\r\n"),
            server(b"220 go\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        assert!(talk.only().is_granted() && talk.only().protocol == Protocol::Smtp);
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_is_quoted() {
        for answer in [
            "534 Local policy",
            "530 Please login with USER and PASS.",
            "500 AUTH?",
            "431 No certificate",
        ] {
            let line = format!("{answer}\r\n");
            let talk = Talk::of(&[server(BANNER), client(b"AUTH TLS\r\n"), server(line.as_bytes())]);
            assert_eq!(&*talk.only().refusal().unwrap().words, answer);
        }
    }

    #[test]
    fn a_second_mechanism_counts() {
        let talk = Talk::of(&[
            server(b"220 ready\r\n"),
            client(b"AUTH TLS\r\n"),
            server(b"504 Unknown\r\n"),
            client(b"AUTH SSL\r\n"),
            server(b"334 go\r\n"),
            client(HELLO),
        ]);
        assert!(talk.only().is_granted());
    }

    #[test]
    fn a_demand_for_protection_is_no_refusal_of_it() {
        let talk = Talk::of(&[
            server(b"220 ready\r\n"),
            client(b"USER joe\r\n"),
            server(b"534 Policy requires SSL.\r\n"),
        ]);
        assert!(talk.only().answer.is_none() && !talk.only().asks_for_tls());
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert!(!format!("{:?}", talk.preambles).contains("joe"));
    }

    #[test]
    fn what_is_not_listed_is_not_offered() {
        for list in [
            &b"211-Extensions\r\n MLST\r\n AUTH GSSAPI\r\n UTF8 TLS\r\n211 End\r\n"[..],
            b"211 none\r\n",
        ] {
            let talk = Talk::of(&[
                server(b"220 ready\r\n"),
                client(b"FEAT\r\n"),
                server(list),
                client(b"QUIT\r\n"),
            ]);
            assert!(talk.only().lacks_tls() && talk.only().asks_for_tls(), "{list:?}");
        }
        let unknown = Talk::of(&[server(b"220 ready\r\n"), client(b"FEAT\r\n"), server(b"500 what?\r\n")]);
        assert!(unknown.preambles.is_empty());
        let dashes = Talk::of(&[
            server(b"220 ready\r\n"),
            client(b"FEAT\r\n"),
            server(b"211-Features:\r\n211-AUTH TLS\r\n211 End\r\n"),
        ]);
        assert!(!dashes.only().lacks_tls());
    }

    #[test]
    fn what_is_on_the_way_answers_nothing() {
        let list = Talk::of(&[
            server(b"220 ready\r\n"),
            client(b"USER a\r\nLIST\r\nAUTH TLS\r\n"),
            server(b"230 in\r\n150 here\r\n226 done\r\n503 too late\r\n"),
        ]);
        assert_eq!(&*list.only().refusal().unwrap().words, "503 too late");
    }

    #[test]
    fn others_are_not_taken_for_it() {
        let no =
            |client: &'static [u8], server: &'static [u8]| matches!(recognise(&Heads { client, server }), Guess::No);
        assert!(no(b"AUTH LOGIN\r\n", b"220 hi\r\n") && no(b"USER joe\r\n", b"220 mx ESMTP\r\n"));
        assert!(
            no(b"USER joe\r\n", b"+OK hi\r\n")
                && no(b"USER joe\r\n", b"331 go on\r\n")
                && no(b"FEATURES\r\n", b"220 hi\r\n")
        );
        assert!(no(b"", b"221 ") && no(b"", b"120 wait\r\n") && no(HELLO, b"220 hi\r\n"));
    }
}
