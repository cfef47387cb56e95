//! STARTTLS in XMPP (RFC 6120 §5), of clients and of servers among each other.

use super::automaton::{Automaton, Frame, Guess, Heads};
use super::layer::HEARD_MAX;
use super::line::{begins, may_begin};
use super::notes::Notes;
use super::protocol::Protocol;
use crate::evidence::Side;
use crate::tls::contains;

/// What a stream begins with, perhaps behind an XML declaration. RFC 6120 §4.8.5 allows for other prefixes; nobody uses them.
const STREAM: &str = "<stream:stream";
/// Bytes of an XML declaration.
const DECLARATION_MAX: usize = 128;

/// Knows a side that opens a stream.
pub(super) fn recognise(heads: &Heads<'_>) -> Guess {
    let opening = if heads.client.is_empty() {
        heads.server
    } else {
        heads.client
    };
    match opens_stream(opening) {
        Some(true) => Guess::yes(Protocol::Xmpp, Xmpp::default()),
        Some(false) => Guess::No,
        None => Guess::Maybe,
    }
}

/// Whether a stream begins with these bytes; `None` where more are needed to tell.
fn opens_stream(bytes: &[u8]) -> Option<bool> {
    let element = if begins(bytes, "<?xml ") {
        let head = bytes.get(..DECLARATION_MAX).unwrap_or(bytes);
        match head.iter().position(|byte| *byte == b'>') {
            Some(end) => bytes
                .get(end.saturating_add(1)..)
                .unwrap_or_default()
                .trim_ascii_start(),
            None => return (head.len() < bytes.len()).then_some(false),
        }
    } else if may_begin(bytes, "<?xml ") {
        return None;
    } else {
        bytes
    };
    match element.get(STREAM.len()) {
        Some(next) => Some(begins(element, STREAM) && next.is_ascii_whitespace()),
        None if may_begin(element, STREAM) => None,
        None => Some(false),
    }
}

#[derive(Debug, Default)]
struct Xmpp {
    /// The server's list of features is being read.
    in_features: bool,
    /// It has `<starttls/>`.
    lists_tls: bool,
    /// What comes next from the server says which error ends the stream.
    in_error: bool,
    /// The client has tried to log in: what the server can do from then on is another matter.
    has_login: bool,
}

impl Automaton for Xmpp {
    /// Tags, each with the text before it; space by itself. What leads to TLS is an element of its own, which may be of two tags.
    fn frame(&self, side: Side, bytes: &[u8]) -> Frame {
        let space = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if space > 0 {
            return Frame::Bytes(space as u64);
        }
        let heard = bytes.iter().take(HEARD_MAX).zip(1_u64..);
        let mut ends = heard.filter(|(byte, _)| **byte == b'>').map(|(_, end)| end);
        let mut end = ends.next();
        let element = match side {
            Side::Client => "starttls",
            Side::Server => "proceed",
        };
        let first = end
            .and_then(|end| bytes.get(..usize::try_from(end).ok()?))
            .unwrap_or_default();
        if local_name(first) == element.as_bytes() && !is_empty_element(first) {
            end = ends.next();
        }
        end.map_or(Frame::More, Frame::Bytes)
    }

    /// Text is nobody's business.
    fn minds(&mut self, _side: Side, message: &[u8]) -> bool {
        message.first() == Some(&b'<')
    }

    fn client(&mut self, tag: &[u8], notes: &mut Notes<'_>) {
        match (name(tag), local_name(tag)) {
            (_, b"starttls") => notes.asks(),
            (b"db:result" | b"db:verify", _) => notes.exposes("a dialback key"),
            (_, b"auth" | b"authenticate" | b"response") => self.logs_in(notes),
            // Logins before SASL (XEP-0078), and those who register (XEP-0077).
            (_, b"query") if contains(tag, "jabber:iq:auth") || contains(tag, "jabber:iq:register") => {
                self.logs_in(notes)
            }
            (_, b"message" | b"presence" | b"query") => notes.exposes("messages"),
            (b"/stream:stream", _) => notes.leaves(),
            _ => {}
        }
    }

    fn server(&mut self, tag: &[u8], notes: &mut Notes<'_>) {
        if std::mem::take(&mut self.in_error) && notes.is_asked() {
            notes.refuses();
        }
        match (name(tag), local_name(tag)) {
            (b"stream:features", _) => {
                self.in_features = true;
                self.lists_tls = false;
                if is_empty_element(tag) {
                    self.features_end(notes);
                }
            }
            (b"/stream:features", _) => self.features_end(notes),
            (_, b"starttls") if self.in_features && !self.has_login => {
                self.lists_tls = true;
                notes.offers(true);
            }
            (_, b"proceed") if notes.is_asked() => notes.grants(),
            (_, b"failure") if notes.is_asked() && !contains(tag, "xmpp-sasl") => notes.refuses(),
            (b"/stream:stream", _) if notes.is_asked() => notes.refuses(),
            (b"stream:error", _) => self.in_error = true,
            _ => {}
        }
    }
}

impl Xmpp {
    fn logs_in(&mut self, notes: &mut Notes<'_>) {
        notes.exposes("a login");
        self.has_login = true;
    }

    fn features_end(&mut self, notes: &mut Notes<'_>) {
        if std::mem::take(&mut self.in_features) && !self.lists_tls && !self.has_login {
            notes.offers_as(false, "<stream:features> without <starttls>");
        }
    }
}

/// The name of a tag, with its prefix; that of an end begins with a slash.
fn name(tag: &[u8]) -> &[u8] {
    let Some(tag) = tag.strip_prefix(b"<") else {
        return &[];
    };
    let end = tag
        .iter()
        .skip(1)
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
    end.and_then(|end| tag.get(..=end)).unwrap_or(tag)
}

/// The name of a tag without its prefix.
fn local_name(tag: &[u8]) -> &[u8] {
    name(tag).rsplit(|byte| *byte == b':').next().unwrap_or_default()
}

fn is_empty_element(tag: &[u8]) -> bool {
    tag.ends_with(b"/>")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ANSWER, HELLO, Said, Talk, client, server};
    use super::*;

    const OPEN: Said<'static> = client(
        b"<?xml version='1.0'?>\n<stream:stream xmlns='jabber:client' to='im.example' version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>",
    );
    const FEATURES: Said<'static> = server(
        b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' from='im.example' version='1.0'>\
          <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>",
    );
    const ASK: Said<'static> = client(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");

    #[test]
    fn consent_leads_to_tls() {
        let proceed = server(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        let talk = Talk::of(&[OPEN, FEATURES, ASK, proceed, client(HELLO), server(ANSWER)]);
        let xmpp = talk.only();
        assert!(xmpp.is_granted() && xmpp.protocol == Protocol::Xmpp && xmpp.injected.is_none());
        assert!(xmpp.offered.as_ref().is_some_and(|offered| offered.tls));
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn elements_of_two_tags_are_one() {
        let talk = Talk::of(&[
            OPEN,
            FEATURES,
            client(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'></starttls>\n"),
            server(b"\n<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>"),
            client(HELLO),
            server(ANSWER),
        ]);
        assert!(talk.only().is_granted() && talk.only().injected.is_none());
        assert_eq!(talk.within(), (HELLO, ANSWER));
    }

    #[test]
    fn a_refusal_is_quoted() {
        let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
        let error = "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>";
        for (answer, words) in [
            (format!("{failure}</stream:stream>"), failure),
            (format!("<stream:error>{error}</stream:error></stream:stream>"), error),
            ("</stream:stream>".to_owned(), "</stream:stream>"),
        ] {
            let talk = Talk::of(&[OPEN, FEATURES, ASK, server(answer.as_bytes())]);
            assert_eq!(&*talk.only().refusal().unwrap().words, words);
        }
    }

    #[test]
    fn an_error_of_something_else_refuses_nothing() {
        let talk = Talk::of(&[
            OPEN,
            FEATURES,
            client(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>c2VjcmV0</auth>"),
            server(b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>"),
        ]);
        assert!(talk.only().answer.is_none() && !talk.only().asks_for_tls());
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a login"));
        assert!(!format!("{:?}", talk.preambles).contains("c2VjcmV0"));
    }

    #[test]
    fn what_is_not_listed_is_not_offered() {
        for list in [
            &b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"[..],
            b"<stream:features/>",
            b"<stream:features xmlns:stream='http://etherx.jabber.org/streams'></stream:features>",
        ] {
            let talk = Talk::of(&[OPEN, server(b"<stream:stream version='1.0'>"), server(list), client(b"</stream:stream>")]);
            assert!(talk.only().lacks_tls() && talk.only().asks_for_tls());
        }
        let none = Talk::of(&[
            OPEN,
            server(b"<stream:stream><stream:error><host-unknown/></stream:error></stream:stream>"),
        ]);
        assert!(none.preambles.is_empty());
    }

    #[test]
    fn servers_that_go_on_with_dialback_do_without() {
        let talk = Talk::of(&[
            client(b"<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' version='1.0'>"),
            server(b"<stream:stream xmlns='jabber:server' version='1.0'><stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>"),
            client(b"<db:result from='a.example' to='b.example'>5ec2e7</db:result>"),
        ]);
        assert_eq!(talk.only().exposed.map(|(what, _)| what), Some("a dialback key"));
        assert!(talk.only().lacks_tls() && !talk.only().asks_for_tls());
        assert!(!format!("{:?}", talk.preambles).contains("5ec2e7"));
    }

    #[test]
    fn a_tag_behind_the_request_is_noted_by_its_name() {
        let talk = Talk::of(&[
            OPEN,
            FEATURES,
            client(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><auth mechanism='PLAIN'>c2VjcmV0</auth>"),
            server(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
            client(HELLO),
        ]);
        assert_eq!(&*talk.only().injected.as_ref().unwrap().words, "<auth");
    }

    #[test]
    fn other_xml_is_not_taken_for_it() {
        for client in [
            &b"<policy-file-request/>\0"[..],
            b"<?xml version='1.0'?><soap:Envelope>",
            b"<?xmlrpc",
            b"<stream:streams>",
            b"<html>",
            HELLO,
        ] {
            assert!(
                matches!(recognise(&Heads { client, server: b"" }), Guess::No),
                "{client:?}"
            );
        }
        let mut long = b"<?xml version='1.0' ".to_vec();
        long.resize(200, b' ');
        assert_eq!(opens_stream(&long), Some(false));
    }
}
