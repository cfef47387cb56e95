//! Connections that a client begins side by side for one wish, to keep the first that comes through: the race between addresses (RFC 8305),
//! and connections that a browser opens ahead of need. The others it closes, in whatever state they are.
//!
//! The one that is kept is sound, and let go long before anybody knows whether others lost to it. So a server remembers the first few
//! arrivals of each client that got through; of a client that has much to do this says nothing.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::connection::{ClientReply, Endpoint, Observed, Offer, ServerHistory};
use crate::evidence::{Mark, Side, Time};
use crate::registry::{CipherSuite, SignatureScheme};
use crate::tls::{ClientHello, HANDSHAKE};

/// Seconds between the beginnings of two that race: RFC 8305 §8 recommends a quarter, browsers take up to one.
const SIDE_BY_SIDE: f64 = 1.0;
/// Seconds after the first one came through within which the others are closed.
const LETS_GO_WITHIN: f64 = 0.5;
/// A client that comes through more often in that time has much to do; browsers open no more connections to one host.
const RACERS: usize = 6;
/// Arrivals of one client that are remembered.
const KEPT: usize = 16;

/// A connection that was completed and then carried data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// Its first packet's time.
    pub(crate) began: Time,
    /// The client's Finished: from then on it knows that it needs no other.
    pub(crate) through: Mark,
    /// What stands in the hello of the same program too.
    program: u64,
    /// It took an earlier session up.
    resumed: bool,
}

impl Arrival {
    /// The arrival of a connection with this hello, in captures that have a clock.
    pub(super) fn of(seen: &Observed, hello: &ClientHello<'_>) -> Option<Self> {
        Some(Self {
            began: seen.opening().time?,
            through: seen.clients_finished()?,
            program: program(hello.cipher_suites(), hello.signature_schemes().into_iter().flatten()),
            resumed: seen.resumed(),
        })
    }
}

/// The first arrivals of one client. Adding is commutative.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals(Vec<Arrival>);

impl Arrivals {
    /// Adds one.
    pub(super) fn add(&mut self, arrival: Arrival) {
        let place = self
            .0
            .partition_point(|known| known.through.frame < arrival.through.frame);
        if place < KEPT {
            self.0.insert(place, arrival);
            self.0.truncate(KEPT);
        }
    }
}

/// The connection that a client kept instead of another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Winner {
    /// The client's address there.
    pub(crate) client: IpAddr,
    /// The server.
    pub(crate) server: Endpoint,
    /// When it came through.
    pub(crate) arrival: Arrival,
}

impl Observed {
    /// The client's message that makes the handshake complete for it, hidden as it is.
    fn clients_finished(&self) -> Option<Mark> {
        match self.sealed() {
            Some(sealed) => match sealed.client {
                ClientReply::Accepted { finished, .. } => Some(finished.mark),
                ClientReply::Nothing | ClientReply::Refused(_) => None,
            },
            None => {
                let mut records = self.records[Side::Client].first().iter();
                let finished = records.find(|record| record.content_type == HANDSHAKE)?;
                Some(finished.mark)
            }
        }
    }

    /// What stands in the hellos of the program that began this connection; `None` where its hello cannot be seen.
    pub(super) fn program(&self) -> Option<u64> {
        Some(program_of(&self.offer.as_ref().seen()?.value))
    }

    /// True where the same program of this client takes a session up at one of these servers, the ones of the same name, and goes on: it
    /// keeps sessions for later, and takes the certificate.
    pub(crate) fn is_by_who_resumes<'a>(
        &self,
        mut servers: impl Iterator<Item = (Endpoint, &'a ServerHistory)>,
    ) -> bool {
        let (name, client) = (self.server_name().unwrap_or_default(), self.client.address);
        servers.any(|(_, history)| {
            let through = history.names.get(name).and_then(|clients| clients.get(&client));
            let mut arrivals = through.into_iter().flat_map(|through| &through.arrivals.0);
            arrivals.any(|arrival| arrival.resumed && Some(arrival.program) == self.program())
        })
    }

    /// The connection that the client kept instead of this one, which it left in the packet `left`, among those to the servers of the same
    /// name: begun beside this one by the same program, and through while this one was under way, right before it was closed. Whoever tries again
    /// has failed before.
    ///
    /// Over the other version of IP the client has another address: there no more than one may be it.
    pub(crate) fn lost_to<'a>(
        &self,
        left: Mark,
        servers: impl Iterator<Item = (Endpoint, &'a ServerHistory)>,
    ) -> Option<Winner> {
        let offer = &self.offer.as_ref().seen()?.value;
        let (began, left_at, program) = (self.opening().time?, left.time?, self.program()?);
        let name = offer.server_name.as_deref().unwrap_or_default();
        let is_beside = |arrival: &Arrival| {
            arrival.through.capture == left.capture
                && arrival.program == program
                && arrival.began.since(began).abs() <= SIDE_BY_SIDE
                && arrival.through.time.is_some_and(|through| through >= began)
        };
        // Another port is another service.
        let servers = servers.filter(|(server, _)| server.port == self.server.port);
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (server, history) in servers {
            for (client, through) in history.names.get(name).into_iter().flatten() {
                let racers = if *client == self.client.address {
                    &mut own
                } else if client.is_ipv4() != self.client.address.is_ipv4() {
                    &mut others
                } else {
                    continue;
                };
                let beside = through.arrivals.0.iter().filter(|arrival| is_beside(arrival));
                racers.extend(beside.map(|arrival| Winner {
                    client: *client,
                    server,
                    arrival: *arrival,
                }));
            }
        }
        if own.len() > RACERS || own.is_empty() && others.len() > 1 {
            return None;
        }
        let racers = if own.is_empty() { others } else { own };
        let is_ahead = |winner: &Winner| {
            let through = winner.arrival.through;
            let ahead = through.time.map(|through| left_at.since(through));
            through.frame < left.frame && ahead.is_some_and(|ahead| (0.0..=LETS_GO_WITHIN).contains(&ahead))
        };
        let ahead = racers.into_iter().filter(is_ahead);
        ahead.min_by_key(|winner| winner.arrival.through.frame)
    }
}

fn program_of(offer: &Offer) -> u64 {
    program(
        offer.cipher_suites.iter().copied(),
        offer.signature_schemes.iter().copied(),
    )
}

/// What two hellos of one program have in common, tickets, names and GREASE or not.
fn program(suites: impl Iterator<Item = CipherSuite>, schemes: impl Iterator<Item = SignatureScheme>) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    suites.for_each(|suite| hasher.write_u16(suite.0));
    // No suite: ends the list.
    hasher.write_u16(0);
    schemes.for_each(|scheme| hasher.write_u16(scheme.0));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Closed;
    use crate::connection::testing::*;

    /// Begins `at` seconds after noon.
    fn opened(at: f64) -> Scene {
        scene().wait(at).connect()
    }

    /// Through 80 ms after its beginning, with this hello, and then carries data.
    fn wins(scene: Scene, hello: impl FnOnce(Hello) -> Hello) -> Closed {
        scene
            .client_hello(hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .sealed(Client, &[53, 120])
            .sealed(Server, &[255, 800])
            .closed()
    }

    /// Begins at noon, and is left in the middle of the handshake after so many seconds.
    fn left_after(seconds: f64) -> Observed {
        scene()
            .behind_frame(900)
            .connect()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .wait(seconds - 0.06)
            .fin(Client)
            .seen()
    }

    /// Which server won, if one did.
    fn winner(lost: &Observed, others: &[Closed]) -> Option<IpAddr> {
        let mut servers: Vec<(Endpoint, ServerHistory)> = Vec::new();
        for other in others {
            let server = other.observed.server;
            if !servers.iter().any(|(known, _)| *known == server) {
                servers.push((server, ServerHistory::default()));
            }
            let (_, history) = servers.iter_mut().find(|(known, _)| *known == server).unwrap();
            history.add(other);
        }
        let servers = servers.iter().map(|(server, history)| (*server, history));
        lost.lost_to(lost.end().mark, servers)
            .map(|winner| winner.server.address)
    }

    fn here() -> Option<IpAddr> {
        Some("10.0.0.2".parse().unwrap())
    }

    #[test]
    fn who_is_closed_when_the_other_came_through_has_lost() {
        for began in [0.0, 0.25, 0.9] {
            let other = || [wins(opened(began), |hello| hello)];
            assert_eq!(winner(&left_after(began + 0.1), &other()), here());
            // Too early: it was given up by itself, and tried again. Too late: the other has nothing to do with it.
            assert_eq!(winner(&left_after(began + 0.06), &other()), None);
            assert_eq!(winner(&left_after(began + 0.7), &other()), None);
        }
        let next = |began: f64| [wins(opened(began), |hello| hello)];
        assert_eq!(winner(&left_after(1.3), &next(1.2)), None);
        // It was through when this one began: nobody raced.
        assert_eq!(winner(&left_after(0.1), &next(-0.05)), here());
        assert_eq!(winner(&left_after(0.1), &next(-0.07)), None);
    }

    #[test]
    fn another_program_or_another_name_is_another_wish() {
        let lost = left_after(0.1);
        assert_eq!(
            winner(&lost, &[wins(opened(0.0), |hello| hello.suites(&[0x1301]))]),
            None
        );
        assert_eq!(
            winner(&lost, &[wins(opened(0.0), |hello| hello.schemes(&[0x0403]))]),
            None
        );
        assert_eq!(
            winner(&lost, &[wins(opened(0.0), |hello| hello.name("www.example"))]),
            None
        );
        // A ticket that only one of them has changes nothing.
        let ticket = |hello: Hello| hello.extension(35, &[7; 90]);
        assert_eq!(winner(&lost, &[wins(opened(0.0), ticket)]), here());
    }

    #[test]
    fn who_sends_nothing_has_not_come_through() {
        let silent = opened(0.0)
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .sealed(Client, &[53])
            .sealed(Server, &[255])
            .closed();
        assert_eq!(winner(&left_after(0.1), &[silent]), None);
    }

    #[test]
    fn another_server_may_win_and_another_client_may_not() {
        let over = |client: &str, server: &str| wins(scene().hosts(client, server).connect(), |hello| hello);
        let lost = left_after(0.1);
        assert_eq!(
            winner(&lost, &[over("10.0.0.1", "10.0.0.9")]),
            Some("10.0.0.9".parse().unwrap())
        );
        assert_eq!(winner(&lost, &[over("10.0.0.7", "10.0.0.2")]), None);
        let another_port = wins(scene().port(8_443).connect(), |hello| hello);
        assert_eq!(winner(&lost, &[another_port]), None);
        // Over the other version of IP nobody knows whose address it is: one may be the client's, of two nobody can tell.
        let six = || over("fd00::1", "fd00::2");
        assert_eq!(winner(&lost, &[six()]), Some("fd00::2".parse().unwrap()));
        assert_eq!(winner(&lost, &[six(), over("fd00::7", "fd00::2")]), None);
        assert_eq!(
            winner(
                &lost,
                &[six(), over("fd00::7", "fd00::2"), over("10.0.0.1", "10.0.0.2")]
            ),
            here()
        );
    }

    #[test]
    fn who_has_much_to_do_does_not_race() {
        let some = |count: u32| -> Vec<Closed> {
            let one = |number: u32| {
                let frame = u64::from(number) * 20;
                wins(
                    scene().behind_frame(frame).wait(f64::from(number) / 100.0).connect(),
                    |hello| hello,
                )
            };
            (0..count).map(one).collect()
        };
        assert_eq!(winner(&left_after(0.2), &some(6)), here());
        assert_eq!(winner(&left_after(0.2), &some(7)), None);
    }

    #[test]
    fn who_comes_back_with_the_session_resumes() {
        let again = |hello: fn(Hello) -> Hello, answer: fn(ServersHello) -> ServersHello| {
            let back = opened(1.0)
                .client_hello(hello)
                .server_hello_with(0x0304, 0x1301, answer)
                .sealed(Server, &[40, 53])
                .sealed(Client, &[53, 120])
                .sealed(Server, &[255, 800])
                .closed();
            let mut history = ServerHistory::default();
            history.add(&back);
            let left = left_after(0.2);
            left.is_by_who_resumes([(left.server, &history)].into_iter())
        };
        assert!(again(|hello| hello, ServersHello::psk));
        assert!(!again(|hello| hello, |answer| answer));
        // Another program, and another name.
        assert!(!again(|hello| hello.suites(&[0x1302, 0x1301]), ServersHello::psk));
        assert!(!again(|hello| hello.name("www.example"), ServersHello::psk));
    }

    #[test]
    fn the_first_arrivals_are_remembered_in_whatever_order_they_come() {
        let arrival = |frame: u64| Arrival {
            began: noon(),
            through: Mark {
                frame,
                ..connected().seen().opening()
            },
            program: 0,
            resumed: false,
        };
        let of = |frames: &mut dyn Iterator<Item = u64>| {
            let mut arrivals = Arrivals::default();
            frames.for_each(|frame| arrivals.add(arrival(frame)));
            arrivals
                .0
                .iter()
                .map(|arrival| arrival.through.frame)
                .collect::<Vec<_>>()
        };
        let first: Vec<u64> = (1..=KEPT as u64).collect();
        assert_eq!(of(&mut (1..40)), first);
        assert_eq!(of(&mut (1..40).rev()), first);
    }
}
