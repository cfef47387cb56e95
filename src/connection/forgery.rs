//! Whether a reset came from the host whose address it bears: what speaks against it, and how much each of it weighs.

use std::fmt;

use crate::connection::Observed;
use crate::evidence::{Mark, Side};

/// Milliseconds that a round trip has to take before a reset can be too early: below, the first packet of a flow is often slower than the
/// others (address resolution, a rule looked up).
const MEASURABLE_MS: f64 = 5.0;
/// So much of a round trip has to pass before an answer can be there.
const TOO_EARLY: f64 = 0.5;
/// Identifications further apart than this are not of one counter.
const ID_REACH: u16 = 1_000;
/// Seconds in which resets in both names are one act.
const AT_ONCE: f64 = 0.005;
/// Seconds after which a packet is no second capture of one that came before.
const NO_COPY: f64 = 0.02;

/// Something about a reset that does not fit the host whose address it bears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Misfit {
    /// Its time to live is none that the other packets of that address had.
    Ttl {
        /// The reset's.
        reset: u8,
        /// The least and the greatest of the others.
        others: (u8, u8),
    },
    /// Its IPv4 identification is not near that of the packet before.
    IpId {
        /// The reset's.
        reset: u16,
        /// That of the packet before.
        before: u16,
    },
    /// The host went on afterwards: it does not know of the reset.
    WentOn(Mark),
    /// It came before an answer of that host could be there.
    TooEarly {
        /// Milliseconds since the packet that it answers.
        after_ms: f64,
        /// Milliseconds to that host and back.
        round_trip_ms: f64,
    },
    /// There were others with numbers ahead of all that was sent.
    Guessed {
        /// How many of them.
        guessed: u16,
        /// How many resets there were in all.
        resets: u16,
    },
    /// Another one came at the same time in the other side's name.
    BothEnds(Mark),
}

impl Misfit {
    /// How much it weighs; three are a reason to doubt the reset, six leave no other reading.
    pub(crate) const fn points(&self) -> u8 {
        match self {
            Self::Ttl {
                reset,
                others: (least, greatest),
            } => {
                let apart = least.saturating_sub(*reset) + reset.saturating_sub(*greatest);
                if apart > 1 { 3 } else { 2 }
            }
            Self::IpId { .. } => 2,
            Self::Guessed { .. } | Self::BothEnds(_) => 3,
            Self::WentOn(_) | Self::TooEarly { .. } => 4,
        }
    }

    /// The packet that shows it, where that is not the reset itself.
    pub(crate) const fn elsewhere(&self) -> Option<Mark> {
        match self {
            Self::WentOn(mark) | Self::BothEnds(mark) => Some(*mark),
            _ => None,
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ttl {
                reset,
                others: (least, greatest),
            } if least == greatest => write!(f, "TTL {reset}, where the other packets of that address have {least}"),
            Self::Ttl {
                reset,
                others: (least, greatest),
            } => write!(
                f,
                "TTL {reset}, where the other packets of that address have {least} to {greatest}"
            ),
            Self::IpId { reset, before } => write!(f, "IP-ID {reset}, where the packet before it had {before}"),
            Self::WentOn(mark) => write!(f, "the {} went on after it and does not know of it", mark.from.as_str()),
            Self::TooEarly {
                after_ms,
                round_trip_ms,
            } => write!(
                f,
                "it came {after_ms:.1} ms after what it answers, though the way there and back takes {round_trip_ms:.1} ms"
            ),
            Self::Guessed { guessed, resets } => write!(
                f,
                "{guessed} of {resets} resets have numbers ahead of all that was sent: who sent them guessed"
            ),
            Self::BothEnds(mark) => write!(
                f,
                "at the same time a reset in the {}'s name went the other way",
                mark.from.as_str()
            ),
        }
    }
}

impl Observed {
    /// What speaks against the reset by which this side ended the connection; nothing where it did not.
    pub(crate) fn misfits_of_reset(&self, side: Side) -> Vec<Misfit> {
        let (own, peer) = (self.tcp.side(side), self.tcp.side(side.peer()));
        let Some(reset) = own.first_rst().filter(|reset| reset.believed) else {
            return Vec::new();
        };
        let seconds = |earlier: Mark, later: Mark| Some(later.time?.since(earlier.time?));
        let ttl = own.ttls().map(|others| Misfit::Ttl {
            reset: reset.ttl,
            others,
        });
        let ttl = ttl.filter(|_| {
            own.ttls()
                .is_some_and(|(least, greatest)| reset.ttl < least || reset.ttl > greatest)
        });
        // Of a socket that is gone, many systems write 0.
        let ip_id = reset.ip_id_before.filter(|before| {
            let apart = reset.ip_id.wrapping_sub(*before);
            reset.ip_id != 0 && apart.min(apart.wrapping_neg()) > ID_REACH
        });
        let ip_id = ip_id.map(|before| Misfit::IpId {
            reset: reset.ip_id,
            before,
        });
        // Where packets are captured twice, the second copy of an earlier one may come behind the reset.
        let twice = self.tcp.sides.iter().any(|side| side.duplicates > 0);
        let went_on = reset
            .went_on
            .filter(|mark| !twice || seconds(reset.mark, *mark).is_some_and(|apart| apart > NO_COPY));
        let both = peer.first_rst().filter(|other| {
            let apart = seconds(reset.mark, other.mark).map(f64::abs);
            // A host answers what it does not know with a reset of its own.
            went_on.is_none() && apart.is_some_and(|apart| apart < AT_ONCE)
        });
        let guessed = (own.rst_count > 1 && own.guessed_resets() > 0).then(|| Misfit::Guessed {
            guessed: own.guessed_resets(),
            resets: own.rst_count,
        });
        [
            ttl,
            ip_id,
            went_on.map(Misfit::WentOn),
            self.too_early(side, reset.mark),
            guessed,
            both.map(|other| Misfit::BothEnds(other.mark)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether a reset came before its apparent sender could have answered the first bytes of the other side.
    fn too_early(&self, side: Side, reset: Mark) -> Option<Misfit> {
        let round_trip_ms = self.tcp.round_trip_ms(side).filter(|trip| *trip >= MEASURABLE_MS)?;
        let asked = self.tcp.side(side.peer()).first_payload()?;
        // Once it has spoken, it may have sent the reset long before.
        if self
            .tcp
            .side(side)
            .first_payload()
            .is_some_and(|said| said.frame < reset.frame)
            || asked.frame > reset.frame
        {
            return None;
        }
        let after_ms = reset.time?.since(asked.time?) * 1_000.0;
        (0.0..round_trip_ms * TOO_EARLY)
            .contains(&after_ms)
            .then_some(Misfit::TooEarly {
                after_ms,
                round_trip_ms,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    fn hello() -> Scene {
        connected().client_hello(|hello| hello)
    }

    fn points(seen: &Observed, side: Side) -> u8 {
        seen.misfits_of_reset(side).iter().map(Misfit::points).sum()
    }

    #[test]
    fn a_reset_like_the_other_packets_of_its_host_fits() {
        let seen = hello().ack(Server).reset(Server).seen();
        assert_eq!(seen.misfits_of_reset(Server), []);
    }

    #[test]
    fn without_a_reset_there_is_nothing_to_doubt() {
        assert_eq!(hello().fin(Server).seen().misfits_of_reset(Server), []);
    }

    #[test]
    fn one_hop_is_a_weak_sign_and_more_is_a_strong_one() {
        let with = |ttl| hello().reset_with_ttl(Server, ttl).seen();
        assert_eq!(points(&with(51), Server), 2);
        assert_eq!(points(&with(54), Server), 3);
        assert_eq!(
            with(54).misfits_of_reset(Server)[0].to_string(),
            "TTL 54, where the other packets of that address have 52"
        );
    }

    #[test]
    fn a_host_whose_packets_come_by_several_ways_may_reset_by_any() {
        let seen = hello()
            .ttl(Server, 49)
            .ack(Server)
            .ttl(Server, 52)
            .reset_with_ttl(Server, 50)
            .seen();
        assert_eq!(seen.misfits_of_reset(Server), []);
    }

    #[test]
    fn an_identification_far_from_the_counter_is_a_sign_and_zero_is_none() {
        let with = |id| hello().ack(Server).ip_id(id).reset(Server).seen();
        assert_eq!(points(&with(4_660), Server), 2);
        assert_eq!(points(&with(0), Server), 0);
        assert_eq!(points(&with(900), Server), 0);
        // Nothing but the SYN-ACK came before, which has none on many systems.
        assert_eq!(points(&hello().ip_id(4_660).reset(Server).seen(), Server), 0);
    }

    #[test]
    fn who_goes_on_after_its_reset_did_not_send_it() {
        let seen = hello().reset(Server).server_hello(0x0303, 0xc02f).reset(Client).seen();
        let misfits = seen.misfits_of_reset(Server);
        assert!(
            matches!(misfits[..], [Misfit::WentOn(mark)] if mark.frame == 6),
            "{misfits:?}"
        );
    }

    #[test]
    fn a_reset_before_an_answer_can_be_there_is_too_early() {
        let far = |wait: f64| {
            scene()
                .syn()
                .wait(0.2)
                .syn_ack()
                .ack(Client)
                .client_hello(|hello| hello)
                .wait(wait)
                .reset(Server)
                .seen()
        };
        assert_eq!(points(&far(0.0), Server), 4);
        assert_eq!(points(&far(0.15), Server), 0);
        // The way to the other host is ten milliseconds here: as long as between any two packets.
        assert_eq!(points(&hello().reset(Server).seen(), Server), 0);
    }

    #[test]
    fn resets_with_numbers_ahead_of_the_stream_were_guessed() {
        let seen = hello()
            .reset(Server)
            .reset_ahead(Server, 1_460)
            .reset_ahead(Server, 4_380)
            .seen();
        assert_eq!(
            seen.misfits_of_reset(Server),
            [Misfit::Guessed { guessed: 2, resets: 3 }]
        );
        let again = hello().reset(Server).reset(Server).seen();
        assert_eq!(points(&again, Server), 0);
    }

    #[test]
    fn resets_in_both_names_at_once_come_from_between() {
        let at_once = |scene: Scene| scene.hurry().reset(Client).seen();
        assert_eq!(points(&at_once(hello().reset(Server)), Server), 3);
        // The client's answers data of a connection that it has reset.
        assert_eq!(
            points(&at_once(hello().reset(Server).hurry().say(Server, b"x")), Server),
            4
        );
    }
}
