//! STARTTLS in IRC (IRCv3's `tls` capability).

use super::automaton::{Automaton, Guess, Heads};
use super::line::{begins, first_command, is_command, is_word, may_begin, trimmed, word};
use super::notes::Notes;
use super::protocol::Protocol;

/// What a client may begin with, and none of another protocol.
const FIRST: [&str; 3] = ["CAP LS", "CAP REQ", "NICK"];
/// How clients prove who they are.
const LOGIN: [&str; 2] = ["PASS", "AUTHENTICATE"];

/// Knows a client by its first commands, where the server is silent or speaks as one of IRC.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let Heads { client, server } = *heads;
    let notices = begins(server, "NOTICE ") || server.starts_with(b":");
    if client.is_empty() {
        // A server may tell first that it looks up who calls.
        let may = may_begin(server, "NOTICE ") || server.starts_with(b":") && first_line_may(server, "NOTICE");
        return if may { Guess::Maybe } else { Guess::No };
    }
    if !(notices || server.is_empty()) {
        return Guess::No;
    }
    // Other protocols have passwords, too: what follows tells.
    let is_password = |line: &&[u8]| begins(line, "PASS ") && line.ends_with(b"\n");
    let mut lines = client.split_inclusive(|byte| *byte == b'\n').skip_while(is_password);
    let Some(line) = lines.next() else {
        return Guess::Maybe;
    };
    let is_whole = line.ends_with(b"\n");
    let may_be_known_later = ["PASS ", "USER ", "STARTTLS\r\n"]
        .iter()
        .any(|start| may_begin(line, start));
    match first_command(line, &FIRST) {
        Some(true) => Guess::yes(Protocol::Irc, Irc::default()),
        // Of several parameters, as FTP's and POP3's never is.
        _ if is_whole && is_command(line, "USER") && !word(line, 4).is_empty() => {
            Guess::yes(Protocol::Irc, Irc::default())
        }
        // By itself it may be of any protocol whose server was not heard.
        _ if is_whole && is_command(line, "STARTTLS") => {
            if notices {
                Guess::yes(Protocol::Irc, Irc::default())
            } else {
                Guess::Maybe
            }
        }
        None => Guess::Maybe,
        Some(false) if may_be_known_later && !is_whole => Guess::Maybe,
        Some(false) => Guess::No,
    }
}

/// Knows a client that asked for TLS and never heard a word: in other protocols the server speaks first.
pub(super) fn recognise_unheard(client: &[u8]) -> Guess {
    if client == b"STARTTLS\r\n" {
        Guess::yes(Protocol::Irc, Irc::default())
    } else {
        Guess::No
    }
}

/// False where the first line is whole and its second word is another.
fn first_line_may(bytes: &[u8], wanted: &str) -> bool {
    let line = bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    !line.ends_with(b"\n") || is_word(line, 1, wanted)
}

#[derive(Debug, Default)]
struct Irc {
    /// The list of capabilities that is being read has `tls`, or the port to use instead.
    lists_tls: bool,
}

impl Automaton for Irc {
    fn client(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        if is_word(line, 0, "STARTTLS") {
            notes.asks();
        } else if LOGIN.iter().any(|command| is_word(line, 0, command)) {
            notes.exposes("a login");
        } else if is_word(line, 0, "USER") {
            notes.goes_on();
        } else if is_word(line, 0, "QUIT") {
            notes.leaves();
        }
    }

    fn server(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        let line = without_source(line);
        match word(line, 0) {
            b"CAP" if is_word(line, 2, "LS") => self.lists(line, notes),
            b"670" if notes.is_asked() => notes.grants(),
            b"691" if notes.is_asked() => notes.refuses(),
            b"421" | b"451" if notes.is_asked() && is_about_starttls(line) => notes.refuses(),
            _ => {}
        }
    }
}

impl Irc {
    fn lists(&mut self, line: &[u8], notes: &mut Notes<'_>) {
        // `CAP * LS :tls`; where more lines follow, `CAP * LS * :tls`.
        let goes_on = word(line, 3) == b"*";
        let mut names = line.split(|byte| *byte == b' ').skip(if goes_on { 4 } else { 3 });
        let tls = |name: &[u8]| is_capability(name, "tls");
        let sts = |name: &[u8]| is_capability(name, "sts");
        if names.clone().any(tls) {
            self.lists_tls = true;
            notes.offers(true);
        } else if names.any(sts) {
            // TLS is at another port: who leaves does what is wanted (IRCv3's Strict Transport Security).
            self.lists_tls = true;
        }
        if !goes_on && !std::mem::take(&mut self.lists_tls) {
            notes.offers(false);
        }
    }
}

/// True for this capability, with or without a value.
fn is_capability(name: &[u8], wanted: &str) -> bool {
    let name = name.strip_prefix(b":").unwrap_or(name);
    name.split(|byte| *byte == b'=').next() == Some(wanted.as_bytes())
}

/// True where an error names the request, or no command at all.
fn is_about_starttls(line: &[u8]) -> bool {
    if is_word(line, 1, "STARTTLS") || is_word(line, 2, "STARTTLS") {
        return true;
    }
    is_word(line, 0, "451") && word(line, 2).starts_with(b":")
}

/// The message without its tags and its source, which stand before the command.
fn without_source(line: &[u8]) -> &[u8] {
    let mut rest = trimmed(line);
    for mark in [b'@', b':'] {
        if rest.first() == Some(&mark) {
            let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Talk, client, server};
    use super::*;

    #[test]
    fn consent_leads_to_tls() {
        let talk = Talk::of(&[
            server(b":irc.example NOTICE * :*** Looking up your hostname\r\n"),
            client(b"CAP LS 302\r\n"),
            server(b":irc.example CAP * LS * :sasl multi-prefix\r\n:irc.example CAP * LS :server-time tls\r\n"),
            client(b"STARTTLS\r\n"),
            server(b":irc.example 670 * :STARTTLS successful, go ahead with TLS handshake\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        let irc = talk.only();
        assert!(irc.is_granted() && irc.protocol == Protocol::Irc && irc.exposed.is_none());
        assert!(irc.offered.as_ref().is_some_and(|offered| offered.tls));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_request_is_known_by_the_answer() {
        let talk = Talk::of(&[
            client(b"STARTTLS\r\n"),
            server(b":irc.example 670 joe :go ahead\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        assert!(talk.only().is_granted());
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_is_quoted() {
        for answer in [
            ":irc.example 691 * :STARTTLS failure: no certificate",
            ":irc.example 421 * STARTTLS :Unknown command",
            ":irc.example 451 STARTTLS :You have not registered",
            "451 * :Register first.",
        ] {
            let line = format!("{answer}\r\n");
            let talk = Talk::of(&[client(b"CAP LS\r\n"), client(b"STARTTLS\r\n"), server(line.as_bytes())]);
            assert_eq!(&*talk.only().refusal().unwrap().words, answer);
        }
    }

    #[test]
    fn an_error_of_something_else_refuses_nothing() {
        for answer in [
            &b":irc.example 421 * CAP :Unknown command\r\n"[..],
            b":irc.example 451 * JOIN :You have not registered\r\n",
            b":irc.example 433 * joe :Nickname is already in use\r\n",
        ] {
            let talk = Talk::of(&[client(b"CAP LS\r\n"), client(b"STARTTLS\r\n"), server(answer)]);
            assert!(talk.only().answer.is_none(), "{answer:?}");
        }
    }

    #[test]
    fn what_is_not_listed_is_not_offered() {
        let list = |names: &str| {
            Talk::of(&[
                client(b"CAP LS 302\r\n"),
                server(format!(":a CAP * LS :{names}\r\n").as_bytes()),
            ])
        };
        assert!(list("sasl=PLAIN xtls tlsx").only().lacks_tls() && list("").only().lacks_tls());
        assert!(!list("tls=1 sasl").only().lacks_tls());
        assert!(
            list("sts=port=6697,duration=1").preambles.is_empty(),
            "TLS is elsewhere"
        );
    }

    #[test]
    fn a_login_is_exposed_and_never_quoted() {
        let talk = Talk::of(&[
            client(b"PASS secret\r\nNICK joe\r\nUSER joe 0 * :Joe\r\n"),
            server(b":irc.example 001 joe :Welcome\r\n"),
        ]);
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert!(!format!("{:?}", talk.preambles).contains("secret"));
    }

    #[test]
    fn others_are_not_taken_for_it() {
        let no =
            |client: &'static [u8], server: &'static [u8]| matches!(recognise(&Heads { client, server }), Guess::No);
        assert!(no(b"USER joe\r\n", b"") && no(b"PASS a\r\nSYST\r\n", b"") && no(b"NICK joe\r\n", b"220 hi\r\n"));
        assert!(no(b"STARTTLS\r\n", b"200 news\r\n") && no(b"CAPABILITIES\r\n", b"") && no(b"CAPA\r\n", b""));
        assert!(no(b"", b":x y z\r\n") && no(HELLO, b"") && no(b"CAP LSX\r\n", b""));
        // The middle of a conversation of mail, whose answer tells.
        let mail = Talk::of_packets(&[
            client(b"STARTTLS\r\n"),
            server(b"220 ready\r\n"),
            client(HELLO),
            server(ANSWER),
        ]);
        assert_eq!(mail.only().protocol, Protocol::Smtp);
        assert_eq!(mail.within(), (HELLO, ANSWER));
        // Its server was not captured.
        let mail = Talk::of_packets(&[client(b"STARTTLS\r\n"), client(HELLO)]);
        assert!(mail.preambles.is_empty());
        assert_eq!(mail.within().0, HELLO);
    }
}
