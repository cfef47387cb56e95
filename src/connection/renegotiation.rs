//! A second handshake within a connection of TLS ≤ 1.2 that the other side does not want (RFC 5246 §7.2.2, §7.4.1.1).
//!
//! All of it is encrypted, but the types of the records are not: after its Finished a side sends a handshake record only to ask for another
//! handshake.

use crate::connection::{Observed, RecordSeen};
use crate::evidence::{Mark, Pair, Seen, Side};
use crate::tls::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE};

/// A renegotiation that was asked for and refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefusedRenegotiation {
    /// Who asked.
    pub(crate) by: Side,
    /// The record that asks: a ClientHello, or a HelloRequest.
    pub(crate) asked: RecordSeen,
    /// The alert of the other side; `None` where it closed without one.
    pub(crate) alert: Option<RecordSeen>,
    /// The packet that refuses.
    pub(crate) mark: Mark,
    /// Whose act ended the connection then.
    pub(crate) ended_by: Option<Side>,
}

impl Observed {
    /// A renegotiation that one side asked for and the other refused, with which the connection ended.
    pub(crate) fn refused_renegotiation(&self) -> Option<RefusedRenegotiation> {
        if !matches!(&self.answer, Seen::Seen(answer) if !answer.value.version.is_tls13()) {
            return None;
        }
        let is_asked = self.records.iter().any(|log| {
            let mut handshake = log.first().iter().filter(|record| record.content_type == HANDSHAKE);
            handshake.nth(1).is_some()
        });
        if !is_asked {
            return None;
        }
        let completion = self.completion()?;
        let asks = |side: Side| {
            let mut records = self.records[side].first().iter();
            records.find(|record| record.content_type == HANDSHAKE && record.mark.frame > completion.frame)
        };
        let asked = *[asks(Side::Client), asks(Side::Server)]
            .into_iter()
            .flatten()
            .min_by_key(|record| record.mark.frame)?;
        let by = asked.mark.from;
        let after = |frame: u64, content_type: u8| {
            let Pair { client, server } = &self.records;
            let kept = client.kept().iter().chain(server.kept());
            let later = kept.filter(move |record| record.mark.frame > frame && record.content_type == content_type);
            later.copied()
        };
        // New keys: the other side took it.
        if after(asked.mark.frame, CHANGE_CIPHER_SPEC).next().is_some() {
            return None;
        }
        let alert = after(asked.mark.frame, ALERT)
            .filter(|record| record.mark.from == by.peer())
            .min_by_key(|record| record.mark.frame);
        let ending = self.tcp.first_ending();
        let closed = ending.filter(|ending| ending.from == by.peer() && ending.mark.frame > asked.mark.frame);
        let closing = || closed.map(|ending| ending.mark);
        let mark = alert.map(|alert| alert.mark).or_else(closing)?;
        // Without words it may have closed for any reason, unless nothing came between.
        if after(asked.mark.frame, APPLICATION_DATA).next().is_some() {
            return None;
        }
        let last_word = after(mark.frame, ALERT).min_by_key(|record| record.mark.frame);
        let ended_by = [last_word.map(|record| record.mark), ending.map(|ending| ending.mark)]
            .into_iter()
            .flatten()
            .filter(|act| act.frame >= mark.frame)
            .min_by_key(|act| act.frame)
            .map(|act| act.from);
        Some(RefusedRenegotiation {
            by,
            asked,
            alert,
            mark,
            ended_by,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::connection::testing::*;
    use crate::evidence::Side;

    fn complete() -> Scene {
        connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .finished_by_both()
    }

    /// What was refused to whom, and who ended it.
    fn told(scene: Scene) -> Option<(Side, bool, Option<Side>)> {
        let refused = scene.seen().refused_renegotiation()?;
        Some((refused.by, refused.alert.is_some(), refused.ended_by))
    }

    #[test]
    fn a_client_that_asks_again_and_gets_an_alert_was_refused() {
        let asked = || complete().record(Client, HANDSHAKE, &[7; 240]);
        let scene = asked().record(Server, ALERT, &[7; 26]);
        assert_eq!(
            told(scene.record(Client, ALERT, &[7; 26]).fin(Server)),
            Some((Client, true, Some(Client)))
        );
        let scene = asked().record(Server, ALERT, &[7; 26]).fin(Server);
        assert_eq!(told(scene), Some((Client, true, Some(Server))));
        assert_eq!(told(asked().fin(Server)), Some((Client, false, Some(Server))));
    }

    #[test]
    fn a_server_may_ask_too() {
        let scene = complete()
            .sealed(Client, &[200])
            .record(Server, HANDSHAKE, &[7; 28])
            .record(Client, ALERT, &[7; 26])
            .fin(Client);
        assert_eq!(told(scene), Some((Server, true, Some(Client))));
    }

    #[test]
    fn one_that_comes_to_new_keys_was_not_refused() {
        let scene = complete()
            .record(Client, HANDSHAKE, &[7; 240])
            .record(Server, HANDSHAKE, &[7; 1_200])
            .record(Client, HANDSHAKE, &[7; 90])
            .record(Client, CHANGE_CIPHER_SPEC, &[7; 25])
            .record(Client, HANDSHAKE, &[7; 40])
            .record(Server, ALERT, &[7; 26])
            .fin(Server);
        assert_eq!(told(scene), None);
    }

    #[test]
    fn a_refusal_that_changes_nothing_is_none() {
        let scene = complete()
            .record(Server, HANDSHAKE, &[7; 28])
            .record(Client, ALERT, &[7; 26])
            .sealed(Server, &[400])
            .fin(Server);
        assert_eq!(told(scene), None);
    }

    #[test]
    fn an_ordinary_goodbye_refuses_nothing() {
        let scene = complete().sealed(Client, &[80]).sealed(Server, &[400]);
        assert_eq!(told(scene.record(Server, ALERT, &[7; 26]).fin(Server)), None);
    }
}
