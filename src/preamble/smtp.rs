//! STARTTLS in SMTP (RFC 3207) and LMTP (RFC 2033).

use super::automaton::{Automaton, Guess, Heads};
use super::line::{Pending, begins, has_word, is_word, may_begin, reply, trimmed};
use super::notes::Notes;
use super::protocol::Protocol;

/// The greetings of clients.
const GREETINGS: [&str; 3] = ["EHLO ", "HELO ", "LHLO "];

/// Knows a client that greets as one of SMTP or LMTP, or asks for TLS where a server greeted so. FTP greets in the same way: what the
/// client says tells.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let (client, server) = (heads.client, heads.server);
    let greeted = reply(server).is_some_and(|reply| reply.code == 220);
    let words = GREETINGS.into_iter().chain(greeted.then_some("STARTTLS\r"));
    if words.clone().any(|word| begins(client, word)) {
        return Guess::yes(Protocol::Smtp, Smtp::default());
    }
    let is_due = if client.is_empty() {
        may_begin(server, "220 ") || may_begin(server, "220-")
    } else {
        (greeted || server.is_empty()) && words.into_iter().any(|word| may_begin(client, word))
    };
    if is_due { Guess::Maybe } else { Guess::No }
}

/// What the next reply will answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// Nothing: the server speaks first.
    Greeting,
    /// EHLO or LHLO: the reply lists what the server can do.
    Hello,
    StartTls,
    Other,
}

#[derive(Debug)]
struct Smtp {
    pending: Pending<Command>,
    /// Lines of the client are a message, up to the one with a single dot.
    is_message: bool,
    /// Whether there is STARTTLS was told by the reply to a hello that is being read.
    told: bool,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            pending: Pending::first(Command::Greeting),
            is_message: false,
            told: false,
        }
    }
}

impl Automaton for Smtp {
    fn client(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        if self.is_message {
            self.is_message = trimmed(line) != b".";
            return;
        }
        let command = if is_word(line, 0, "STARTTLS") {
            notes.asks();
            Command::StartTls
        } else if is_word(line, 0, "EHLO") {
            Command::Hello
        } else if is_word(line, 0, "LHLO") {
            notes.is(Protocol::Lmtp);
            Command::Hello
        } else {
            if is_word(line, 0, "AUTH") {
                notes.exposes("a login");
            } else if is_word(line, 0, "DATA") || is_word(line, 0, "BDAT") {
                notes.exposes("mail");
            } else if is_word(line, 0, "QUIT") {
                notes.leaves();
            }
            Command::Other
        };
        self.pending.push(command);
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let Some(reply) = reply(line) else { return };
        let answers = self.pending.answered();
        if answers == Some(Command::Hello) && reply.code == 250 {
            // Some firewalls cross out what they do not want to be used.
            let is_masked = reply.text.starts_with(b"XXXX") && reply.text.iter().all(u8::is_ascii_uppercase);
            if has_word(reply.text, "STARTTLS") {
                self.told = true;
                notes.offers(true);
            } else if is_masked || reply.is_last && !self.told {
                self.told = true;
                notes.offers(false);
            }
        }
        if !reply.is_last {
            return;
        }
        self.pending.pop();
        self.is_message = reply.code == 354;
        self.told = false;
        match answers {
            Some(Command::StartTls) if reply.code == 220 => notes.grants(),
            Some(Command::StartTls) => notes.refuses(),
            // "Must issue a STARTTLS command first" (RFC 3207 §4), and encryption required (RFC 4954 §6).
            _ if reply.code == 538 || reply.code == 530 && has_word(reply.text, "STARTTLS") => notes.demands(),
            _ => {}
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
            server(b"220 mx.example ESMTP\r\n"),
            client(b"EHLO me\r\n"),
            server(b"250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n"),
            client(b"STARTTLS\r\n"),
            server(b"220 2.0.0 Ready to start TLS\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let smtp = talk.only();
        assert_eq!(smtp.protocol, Protocol::Smtp);
        assert!(smtp.is_granted() && smtp.injected.is_none() && smtp.exposed.is_none());
        assert!(smtp.offered.as_ref().is_some_and(|offered| offered.tls));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_is_quoted() {
        let talk = Talk::of(&[
            server(b"220 mx.example ESMTP\r\n"),
            client(b"EHLO me\r\n"),
            server(b"250-mx.example\r\n250 STARTTLS\r\n"),
            client(b"STARTTLS\r\n"),
            server(b"454 4.7.0 TLS not available due to local problem\r\n"),
            client(b"QUIT\r\n"),
        ]);
        let said = talk.only().refusal().unwrap();
        assert_eq!(&*said.words, "454 4.7.0 TLS not available due to local problem");
        assert_eq!(said.span.mark.frame, 5);
    }

    #[test]
    fn what_is_not_listed_is_not_offered() {
        let lines = [
            server(b"220 lists.example LMTP\r\n"),
            client(b"LHLO me\r\n"),
            server(b"250-lists.example\r\n250 SIZE\r\n"),
            client(b"QUIT\r\n"),
        ];
        let talk = Talk::of(&lines);
        assert!(talk.only().lacks_tls() && talk.only().request.is_none());
        assert_eq!(talk.only().protocol, Protocol::Lmtp);
        let masked = Talk::of(&[
            server(b"220 ****\r\n"),
            client(b"EHLO me\r\n"),
            server(b"250-a\r\n250-XXXXXXXA\r\n250-XXXXXXXX\r\n250 SIZE\r\n"),
        ]);
        assert!(masked.only().lacks_tls());
    }

    #[test]
    fn commands_behind_the_request_are_noted_by_their_first_word() {
        let pipelined = Talk::of(&[
            server(b"220 mx.example ESMTP\r\n"),
            client(b"EHLO me\r\n"),
            server(b"250 STARTTLS\r\n"),
            client(b"STARTTLS\r\nAUTH PLAIN AHNlY3JldA==\r\n"),
            server(b"220 ready\r\n"),
            client(HELLO),
        ]);
        assert_eq!(&*pipelined.only().injected.as_ref().unwrap().words, "AUTH");
        let before = Talk::of(&[
            server(b"220 mx.example ESMTP\r\n"),
            client(b"EHLO me\r\nSTARTTLS\r\n"),
            server(b"250 STARTTLS\r\n220 ready\r\n"),
            client(HELLO),
        ]);
        assert!(before.only().is_granted() && before.only().injected.is_none());
    }

    #[test]
    fn a_message_about_starttls_asks_for_nothing() {
        let talk = Talk::of(&[
            server(b"220 mx.example ESMTP\r\n"),
            client(b"EHLO me\r\n"),
            server(b"250-a\r\n250 STARTTLS\r\n"),
            client(b"MAIL FROM:<a@b>\r\n"),
            server(b"250 fine\r\n"),
            client(b"DATA\r\n"),
            server(b"354 go\r\n"),
            client(b"STARTTLS\r\n.\r\n"),
            server(b"250 queued\r\n"),
        ]);
        assert!(talk.only().request.is_none());
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("mail"));
    }

    #[test]
    fn a_hello_that_answers_a_greeting_is_no_upgrade() {
        let talk = Talk::of(&[
            server(b"220 mx.example ESMTP\r\n"),
            client(HELLO),
            server(b"500 what?\r\n"),
        ]);
        assert!(talk.preambles.is_empty());
        assert_eq!(talk.within(), (HELLO, &b"220 mx.example ESMTP\r\n500 what?\r\n"[..]));
    }
}
