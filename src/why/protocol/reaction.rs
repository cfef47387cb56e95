//! How a side answers what the other said wrong: with an alert, or by leaving.

use crate::connection::{AlertSeen, is_about_certificates};
use crate::why::prelude::*;

/// The end of a handshake that was not completed, as the answer to something that one side said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reaction {
    /// Who gave up.
    pub(super) by: Side,
    /// The alert that says why, where there is one in the clear.
    pub(super) alert: Option<AlertSeen>,
    /// The packet.
    pub(super) mark: Mark,
}

impl Reaction {
    /// The answer of the other side to what this one said; `None` where the handshake was completed, or ended otherwise.
    pub(super) fn to(culprit: Side, seen: &Observed) -> Option<Self> {
        if seen.completed() {
            return None;
        }
        let (by, end) = (culprit.peer(), seen.end());
        let fatal = seen.fatal_alert().filter(|alert| alert.span.from() == by);
        // The alert may cross the culprit's own FIN.
        let crosses = end.by == Some(culprit) && matches!(end.act, Act::Fin | Act::Reset);
        match fatal {
            Some(alert) if end.by == Some(by) || crosses => Some(Self {
                by,
                alert: Some(*alert),
                mark: alert.span.mark,
            }),
            _ if end.by == Some(by) => Some(Self {
                by,
                alert: None,
                mark: end.mark,
            }),
            _ => None,
        }
    }

    /// The weight of something wrong that is plainly there: `own` are the alerts that are made for it. `None` where the alert says that
    /// something else was the reason.
    pub(super) fn weigh(&self, own: &[AlertDescription], is_minor: bool) -> Option<u8> {
        match self.alert.map(|alert| alert.description) {
            Some(description) if own.contains(&description) => Some(97),
            _ if is_minor => None,
            Some(description) if names_another(description) => None,
            Some(_) => Some(90),
            None => Some(82),
        }
    }

    /// The reaction as evidence.
    pub(super) fn prove(&self, finding: Finding) -> Finding {
        let finding = finding.aborted_by(self.by.into());
        match &self.alert {
            Some(alert) => finding.prove_span(&alert.span, told(alert)),
            None => finding.prove(self.mark, format!("the {} leaves", self.by.as_str())),
        }
    }

    /// `answered with illegal_parameter (47)`, or `left`.
    pub(super) fn told(&self) -> String {
        match &self.alert {
            Some(alert) => format!("answered with {}", alert.description),
            None => "left".to_owned(),
        }
    }
}

/// The alerts that say what is wrong, and mean nothing but that.
fn names_another(description: AlertDescription) -> bool {
    is_about_certificates(description)
        || matches!(
            description,
            AlertDescription::PROTOCOL_VERSION
                | AlertDescription::INAPPROPRIATE_FALLBACK
                | AlertDescription::UNRECOGNIZED_NAME
                | AlertDescription::CERTIFICATE_REQUIRED
                | AlertDescription::NO_APPLICATION_PROTOCOL
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn hello() -> Scene {
        connected().client_hello(Hello::tls12).server_hello(0x0303, 0xc02f)
    }

    fn told(scene: Scene) -> Option<String> {
        Reaction::to(Server, &scene.seen()).map(|reaction| reaction.told())
    }

    #[test]
    fn an_alert_or_leaving_is_a_reaction() {
        assert_eq!(
            told(hello().alert(Client, 2, 47)).as_deref(),
            Some("answered with illegal_parameter (47)")
        );
        assert_eq!(told(hello().fin(Client)).as_deref(), Some("left"));
        assert_eq!(told(hello()), None);
    }

    #[test]
    fn an_alert_may_cross_the_culprits_close() {
        assert!(told(hello().fin(Server).alert(Client, 2, 47)).is_some());
        assert_eq!(told(hello().fin(Server).fin(Client)), None);
        assert_eq!(told(hello().alert(Server, 2, 40).alert(Client, 2, 47)), None);
    }

    #[test]
    fn after_completion_nothing_is_answered() {
        let scene = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .finished_by_both();
        assert_eq!(told(scene.fin(Client)), None);
    }

    #[test]
    fn an_alert_with_a_meaning_of_its_own_speaks_against_it() {
        let weight = |scene: Scene, is_minor| {
            let reaction = Reaction::to(Server, &scene.seen())?;
            reaction.weigh(&[AlertDescription::ILLEGAL_PARAMETER], is_minor)
        };
        assert_eq!(weight(hello().alert(Client, 2, 47), true), Some(97));
        assert_eq!(weight(hello().alert(Client, 2, 40), false), Some(90));
        assert_eq!(weight(hello().alert(Client, 2, 40), true), None);
        assert_eq!(weight(hello().alert(Client, 2, 48), false), None);
        assert_eq!(weight(hello().fin(Client), false), Some(82));
    }
}
