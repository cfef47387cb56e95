//! Whose turn it was to speak when nobody spoke any more.

use crate::connection::{ClientReply, Observed, Sealed, ServerReply};
use crate::evidence::{Mark, Seen, Side};
use crate::registry::HandshakeType;

/// Who had to say something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Whose turn it was.
    pub(crate) of: Side,
    /// The packet since which it was.
    pub(crate) since: Mark,
    /// That packet, as evidence.
    pub(crate) what: &'static str,
    /// Where in the handshake that is.
    pub(crate) after: &'static str,
    /// The messages say so; else it is read from sizes that others may have too.
    pub(crate) is_sure: bool,
}

impl Observed {
    /// Whose turn it was in the handshake at its end, after the ClientHello had come whole and was answered; or where it never came whole.
    /// `None` where nobody can tell.
    pub(crate) fn turn(&self) -> Option<Turn> {
        let sure = |of, since, what, after| {
            Some(Turn {
                of,
                since,
                what,
                after,
                is_sure: true,
            })
        };
        // Where something is missing nobody can tell who said what last.
        if self.lost.iter().any(Option::is_some) {
            return None;
        }
        let Seen::Seen(offer) = &self.offer else {
            let begun = self.unfinished.iter().find(|part| part.span.from() == Side::Client)?;
            let silent = !self.tcp.side(Side::Server).sent_payload();
            return silent.then_some(Turn {
                of: Side::Client,
                since: begun.span.mark,
                what: "a part of a ClientHello",
                after: "in the midst of its ClientHello",
                is_sure: true,
            });
        };
        let Seen::Seen(answer) = &self.answer else {
            let retry = self.retry.as_ref()?;
            return match &self.second_offer {
                Some(second) => sure(
                    Side::Server,
                    second.span.mark,
                    "the second ClientHello",
                    "after the second ClientHello",
                ),
                None => sure(
                    Side::Client,
                    retry.span.mark,
                    "HelloRetryRequest",
                    "at the server's HelloRetryRequest",
                ),
            };
        };
        let (answered, offered) = (answer.span.mark, offer.span.mark);
        if answered.frame < offered.frame {
            return None;
        }
        if let Some(sealed) = self.sealed() {
            return self.turn_under_keys(&sealed, answered);
        }
        let changed = |side: Side| self.change_cipher_spec[side].as_ref().map(|span| span.mark);
        let done = self
            .message(Side::Server, HandshakeType::SERVER_HELLO_DONE)
            .map(|done| done.span.mark);
        match (changed(Side::Client), changed(Side::Server)) {
            (Some(_), Some(_)) => None,
            (Some(client), None) => sure(
                Side::Server,
                client,
                "the client's ChangeCipherSpec and Finished",
                "after the client's Finished",
            ),
            (None, Some(server)) => sure(
                Side::Client,
                server,
                "the server's ChangeCipherSpec and Finished",
                "after the server's Finished",
            ),
            (None, None) => match (done, self.client_spoke_after(done)) {
                (Some(done), false) => sure(Side::Client, done, "ServerHelloDone", "after the server's flight"),
                // A part of the client's flight.
                (Some(_), true) => None,
                (None, _) => {
                    let last = self
                        .messages
                        .iter()
                        .rev()
                        .find(|message| message.span.from() == Side::Server);
                    let since = last.map_or(answered, |last| last.span.mark);
                    sure(
                        Side::Server,
                        since,
                        "the server's last message",
                        "in the midst of its flight",
                    )
                }
            },
        }
    }

    fn turn_under_keys(&self, sealed: &Sealed<'_>, answered: Mark) -> Option<Turn> {
        let turn = |of, since, what, after, is_sure| {
            Some(Turn {
                of,
                since,
                what,
                after,
                is_sure,
            })
        };
        match (sealed.client, sealed.server) {
            (ClientReply::Nothing, _) => match sealed.flight.last() {
                None => turn(Side::Server, answered, "ServerHello", "after its ServerHello", true),
                Some(last) => turn(
                    Side::Client,
                    last.mark,
                    "the last record of the server's flight",
                    "after the server's flight",
                    sealed.ends_with_finished,
                ),
            },
            // To a Finished alone nobody has to say anything.
            (
                ClientReply::Accepted {
                    finished,
                    empty_certificate,
                    certificate,
                },
                ServerReply::Nothing,
            ) if empty_certificate.is_some() || certificate.is_some() || sealed.client_data > 0 => {
                let last = self.records[Side::Client].last().unwrap_or(finished);
                turn(
                    Side::Server,
                    last.mark,
                    "the client's last record",
                    "after the client's Finished",
                    false,
                )
            }
            _ => None,
        }
    }

    /// True where the client sent a message after this one of the server.
    fn client_spoke_after(&self, done: Option<Mark>) -> bool {
        let after = done.map_or(u64::MAX, |done| done.frame);
        self.messages
            .iter()
            .any(|message| message.span.from() == Side::Client && message.span.mark.frame > after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    fn hello() -> Scene {
        connected().client_hello(Hello::tls12)
    }

    fn turn(scene: Scene) -> Option<(Side, u64)> {
        let turn = scene.seen().turn()?;
        Some((turn.of, turn.since.frame))
    }

    #[test]
    fn messages_in_the_clear_tell_whose_turn_it_is() {
        assert_eq!(turn(hello().server_hello(0x0303, 0xc02f)), Some((Server, 5)));
        let flight = || hello().server_flight(&[b"leaf"]);
        let done = flight().frame();
        assert_eq!(turn(flight()), Some((Client, done)));
        let replied = flight().client_key_exchange().finished(Client);
        assert!(matches!(turn(replied), Some((Server, _))));
        assert_eq!(turn(flight().finished_by_both()), None);
    }

    #[test]
    fn before_an_answer_it_is_nobodys_that_could_be_told_here() {
        assert_eq!(turn(hello()), None);
        let bytes = Scene::hello_bytes(|hello| hello);
        assert_eq!(turn(connected().say(Client, &bytes[..90])), Some((Client, 4)));
        assert_eq!(turn(connected()), None);
    }

    #[test]
    fn in_a_resumption_the_server_finishes_first() {
        let resumed = hello()
            .server_hello_with(0x0303, 0xc02f, ServersHello::resumes)
            .finished(Server);
        assert!(matches!(turn(resumed), Some((Client, _))));
    }

    #[test]
    fn where_something_is_missing_nobody_can_tell() {
        let holed = hello()
            .server_hello(0x0303, 0xc02f)
            .off_camera(|scene| scene.certificate(Server, &[&[0xce; 900]]))
            .server_hello_done()
            .ack(Client);
        assert_eq!(turn(holed), None);
    }

    #[test]
    fn under_the_keys_of_tls_1_3_a_finished_alone_asks_for_nothing() {
        let sealed = |client: &[usize]| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 2_000, 281, 53])
                .sealed(Client, client)
        };
        assert_eq!(turn(sealed(&[53])), None);
        assert!(matches!(turn(sealed(&[53, 90])), Some((Server, _))));
    }
}
