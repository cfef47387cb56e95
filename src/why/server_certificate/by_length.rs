//! What the length of a hidden list of certificates tells, beside what others were sent for the same name.
//!
//! TLS 1.3 hides the list and not its length. That is exact where each message has a record of its own, and certificates are as long as
//! they are: one that is left out shows.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::connection::{Endpoint, Fared, RecordSeen, Room, message_len, of_certificates};
use crate::why::fits::{may_mean, only_finders_go_on, tolerance};
use crate::why::prelude::*;
use crate::x509::Certificate;

/// Bytes that an intermediate takes in a list, as far as they go: EC with an EC signature, and RSA 4096 with everything that is usual.
const OF_AN_INTERMEDIATE: RangeInclusive<u32> = 350..=2_600;
/// Bytes by which two certificates of one authority for one name differ: other dates, another serial number, one name more.
const ANOTHER_OF_ITS_KIND: u32 = 40;
/// The most bytes that one certificate with a key of RSA has as a rule: RSA 2048 signed by RSA 3072 has about 1,100.
const ROOM_FOR_ONE: u32 = 1_180;
/// The same with any other key: two small ones of ECDSA have as many as one of RSA (1,136 to 1,141 bytes measured).
const ROOM_FOR_ONE_SMALL: u32 = 700;

/// The most bytes of certificates that vouch for themselves, by key: what is longer was issued by somebody.
const SELF_SIGNED: [(&str, u32); 5] = [
    ("ECDSA P-256", 480),
    ("ECDSA P-384", 560),
    ("RSA 2048", 880),
    ("RSA 3072", 1_140),
    ("RSA 4096", 1_400),
];

/// The room that a connection's hidden certificates take, and the others that it is compared with.
pub(super) struct Lengths<'a> {
    room: Room,
    record: RecordSeen,
    key: Option<&'static str>,
    /// The client's sign may mean that it misses an issuer.
    may_miss_issuer: bool,
    /// The client takes compressed certificates, so that a short list may be a long one.
    compressible: bool,
    /// How those fared that were sent as much by the same server for the same name.
    same: Option<&'a Fared>,
    /// Somebody who went on was sent another length for the name.
    other: Option<(Endpoint, Room, &'a Fared)>,
}

/// What is missing from a list, by its length.
pub(super) struct Shortfall {
    /// How likely.
    pub(super) weight: u8,
    /// What is missing, where its length names it.
    pub(super) missing: Option<Arc<Certificate>>,
    /// What its length was compared with.
    pub(super) compared: String,
    /// The packet that holds that.
    pub(super) mark: Mark,
}

impl<'a> Lengths<'a> {
    /// Of a connection whose certificates nobody can see.
    pub(super) fn of(seen: &Observed, context: &'a Context<'_>) -> Option<Self> {
        let sealed = seen.sealed().filter(|_| !seen.server_chain.is_seen())?;
        let room = sealed.room?;
        let mut flights = flights_for_the_name(seen, context);
        let same = flights.find(|(place, other, _)| *place == seen.server && *other == room);
        let other = flights_for_the_name(seen, context)
            .find(|(_, other, fared)| *other != room && other.shared == room.shared && fared.went_on > 0);
        Some(Self {
            room,
            record: sealed.certificate.or_else(|| sealed.flight.first().copied())?,
            key: sealed.key,
            may_miss_issuer: context
                .rejection(seen, Side::Server)
                .is_some_and(|rejection| may_mean(CauseId("missing-intermediate"), seen, &rejection)),
            compressible: seen
                .offer
                .as_ref()
                .seen()
                .is_none_or(|offer| offer.value.compresses_certificates),
            same: same.map(|(.., fared)| fared),
            other,
        })
    }

    /// The record as evidence.
    pub(super) fn prove(&self, finding: Finding) -> Finding {
        let beside = if self.room.shared {
            ", beside other messages"
        } else {
            ""
        };
        let room = if self.points_at_the_issuer() {
            ": room for one certificate, hardly for two"
        } else {
            ""
        };
        let key = self
            .key
            .map_or_else(String::new, |key| format!("; by its signature the key is {key}"));
        let text = format!(
            "encrypted: {} bytes where the certificates are{beside}{room}{key}",
            self.record.len
        );
        finding.prove(self.record.mark, text)
    }

    /// What follows from the comparison, where something does.
    pub(super) fn inferred(&self) -> Option<String> {
        if let Some(same) = self.same.filter(|same| same.went_on > 0) {
            let hint = tolerance(same).map_or_else(String::new, |hint| format!(" {hint}."));
            let others = match same.went_on {
                1 => "Another connection was".to_owned(),
                several => format!("{several} other connections were"),
            };
            return Some(format!(
                "{others} sent a list of the same length and went on, so it suits other clients: look at this client's trust store, its \
                 clock and the name that it expects.{hint}"
            ));
        }
        let (place, other, _) = self.other?;
        let apart = other.bytes.abs_diff(self.room.bytes);
        let is_longer = other.bytes > self.room.bytes;
        let what = if apart <= ANOTHER_OF_ITS_KIND {
            "this is another certificate of that kind, so look at its dates and names"
        } else if is_longer && self.points_at_the_issuer() && OF_AN_INTERMEDIATE.contains(&apart) {
            "an intermediate may be missing here"
        } else {
            "these are other certificates"
        };
        let more = if is_longer { "more" } else { "fewer" };
        Some(format!(
            "{place} sends {apart} bytes {more} for the same name, with which clients go on: {what}."
        ))
    }

    /// What to look at where the list has room for one certificate.
    pub(super) fn first_to_check(&self) -> Option<String> {
        self.points_at_the_issuer().then(|| {
            "By its size the server sent one certificate only: whether the intermediate is missing is the first thing to check."
                .to_owned()
        })
    }

    /// True where the list has room for one certificate, hardly for two.
    fn is_one_certificate(&self) -> bool {
        let most = match self.key {
            Some(key) if key.starts_with("RSA") => ROOM_FOR_ONE,
            _ => ROOM_FOR_ONE_SMALL,
        };
        !self.room.shared && !self.compressible && self.room.of_a_certificate() <= most
    }

    /// True where that is worth saying: the client may have left for want of an issuer.
    fn points_at_the_issuer(&self) -> bool {
        self.may_miss_issuer && self.is_one_certificate()
    }

    /// True where it is longer than one that vouches for itself.
    fn is_issued(&self) -> bool {
        let most = SELF_SIGNED.iter().find(|(key, _)| Some(*key) == self.key);
        most.is_some_and(|(_, most)| self.room.of_a_certificate() > *most)
    }

    /// What the list lacks, where its length tells.
    pub(super) fn shortfall(&self, seen: &Observed, context: &Context<'_>) -> Option<Shortfall> {
        self.beside_a_clear_list(seen, context)
            .or_else(|| self.beside_a_known_authority(seen, context))
            .or_else(|| self.beside_a_longer_list(seen, context))
            .or_else(|| self.known_to_those_who_find_issuers(seen))
    }

    /// A list that was sent in the clear for the name begins with exactly as much.
    fn beside_a_clear_list(&self, seen: &Observed, context: &Context<'_>) -> Option<Shortfall> {
        let name = seen.server_name()?;
        let lists = context
            .servers_of_the_name(seen)
            .filter_map(|(place, server)| Some((place, server.sent.get(name)?)))
            .flat_map(|(place, sent)| sent.ends.iter().map(move |sent| (place, sent)));
        lists
            .filter_map(|(place, sent)| {
                let left_out = (1..sent.chain.len()).find(|end| {
                    let begins = sent.chain.get(..*end).unwrap_or_default();
                    self.room.fits(message_len(begins))
                })?;
                let missing = sent.chain.get(left_out)?.readable()?;
                if missing.is_self_issued() || !missing.may_issue() {
                    return None;
                }
                let leaf = sent.leaf()?;
                Some(Shortfall {
                    weight: 92,
                    missing: Some(Arc::clone(missing)),
                    compared: format!(
                        "what {place} sent for the same name in the clear: up to \"{}\" it is exactly as long, and \"{}\" follows there",
                        if left_out == 1 { leaf.display_name() } else { "the certificate before" },
                        missing.display_name()
                    ),
                    mark: sent.mark,
                })
            })
            .next()
    }

    /// Somebody went on with a list that is longer by exactly one authority's certificate which the input holds.
    fn beside_a_known_authority(&self, seen: &Observed, context: &Context<'_>) -> Option<Shortfall> {
        self.longer(seen, context).find_map(|(place, by, fared)| {
            let is_exact = by.start() == by.end();
            // What is compressed is not longer by exactly what was put in.
            if !is_exact && (self.compressible || !fared.uncompressed) {
                return None;
            }
            let mut fitting = context
                .authorities_of_length(of_certificates(&by))
                .filter(|one| !one.is_self_issued());
            let missing = fitting.next()?;
            // Two that are as long are not told apart.
            let missing = fitting.next().is_none().then_some(missing);
            let name = missing.map_or_else(
                || "an intermediate that was seen elsewhere".to_owned(),
                |missing| format!("\"{}\"", missing.display_name()),
            );
            Some(Shortfall {
                weight: if is_exact { 90 } else { 84 },
                missing: missing.map(Arc::clone),
                compared: format!(
                    "what {place} sent for the same name to a client that went on: longer by {}, as much as {name} takes",
                    bytes(&by)
                ),
                mark: fared.first,
            })
        })
    }

    /// Somebody went on with a list for the same name that is longer by what an intermediate takes, and this one has room for one certificate
    /// which somebody issued. At another address that may be another certificate altogether.
    fn beside_a_longer_list(&self, seen: &Observed, context: &Context<'_>) -> Option<Shortfall> {
        if !self.is_one_certificate() || !self.is_issued() {
            return None;
        }
        let (place, by, fared) = self
            .longer(seen, context)
            .find(|(_, by, fared)| fared.uncompressed && is_as_an_intermediate(by))?;
        Some(Shortfall {
            weight: if place == seen.server { 86 } else { 78 },
            missing: None,
            compared: format!(
                "what {place} sent for the same name to a client that went on: longer by {}, as much as an intermediate takes",
                bytes(&by)
            ),
            mark: fared.first,
        })
    }

    /// A list of one certificate, with which only those go on who find its issuer themselves.
    fn known_to_those_who_find_issuers(&self, seen: &Observed) -> Option<Shortfall> {
        let same = self.same.filter(|same| only_finders_go_on(same, seen))?;
        (self.is_one_certificate() && self.is_issued()).then(|| Shortfall {
            weight: 76,
            missing: None,
            compared: format!(
                "as much was sent to {} connections of browsers, which went on: they find an issuer that was not sent themselves",
                same.went_on
            ),
            mark: same.first,
        })
    }

    /// Lists that are longer for sure, and with which clients went on.
    fn longer<'b>(
        &self,
        seen: &Observed,
        context: &'b Context<'_>,
    ) -> impl Iterator<Item = (Endpoint, RangeInclusive<u32>, &'b Fared)> {
        flights_for_the_name(seen, context)
            .filter(|(.., fared)| fared.went_on > 0)
            .filter_map(|(place, room, fared)| Some((place, self.room.shorter_than(room)?, fared)))
    }
}

/// The room that certificates took which anybody was sent for the same name, those of the same server first.
fn flights_for_the_name<'b>(
    seen: &Observed,
    context: &'b Context<'_>,
) -> impl Iterator<Item = (Endpoint, Room, &'b Fared)> {
    let name = seen.server_name().unwrap_or_default();
    context
        .servers_of_the_name(seen)
        .filter_map(move |(place, server)| Some((place, server.flights.get(name)?)))
        .flat_map(|(place, flights)| flights.iter().map(move |(room, fared)| (place, room, fared)))
}

fn is_as_an_intermediate(by: &RangeInclusive<u32>) -> bool {
    OF_AN_INTERMEDIATE.contains(by.start()) && OF_AN_INTERMEDIATE.contains(by.end())
}

/// `1309 bytes`, or `1294 to 1324 bytes` where padding hides the exact number.
fn bytes(range: &RangeInclusive<u32>) -> String {
    let (least, most) = (range.start(), range.end());
    if least == most {
        format!("{least} bytes")
    } else {
        format!("{least} to {most} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Closed;
    use crate::tls::ClientStack;
    use crate::why::testing::*;

    /// A client with this hello, sent a list that takes so many bytes by a server of this port.
    fn flight(port: u16, hello: fn(Hello) -> Hello, message: usize) -> Scene {
        scene()
            .port(port)
            .connect()
            .client_hello(hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, message + 17, 281, 53])
    }

    fn same(hello: Hello) -> Hello {
        hello
    }

    fn refused(message: usize) -> Observed {
        flight(443, same, message).sealed(Client, &[19]).fin(Client).seen()
    }

    fn went_on(port: u16, hello: fn(Hello) -> Hello, message: usize) -> Closed {
        flight(port, hello, message)
            .sealed(Client, &[53, 120])
            .sealed(Server, &[255, 800])
            .closed()
    }

    /// The length of a Certificate message with these.
    fn takes(list: &[&[u8]]) -> usize {
        8 + list.iter().map(|der| der.len() + 5).sum::<usize>()
    }

    /// Weight of what is missing, and its name.
    fn shortfall(world: World, seen: &Observed) -> Option<(u8, Option<String>)> {
        world.in_context(seen, |context| {
            let short = Lengths::of(seen, context)?.shortfall(seen, context)?;
            Some((
                short.weight,
                short.missing.map(|missing| missing.display_name().to_owned()),
            ))
        })
    }

    fn inferred(world: World, seen: &Observed) -> Option<String> {
        world.in_context(seen, |context| Lengths::of(seen, context)?.inferred())
    }

    #[test]
    fn a_list_in_the_clear_for_the_name_that_begins_as_long_names_what_is_missing() {
        let chain = Issued::to("shop.example");
        let clear = || {
            scene()
                .port(8443)
                .connect()
                .client_hello(Hello::tls12)
                .server_flight(&chain.whole())
                .finished_by_both()
                .closed()
        };
        let (short, whole) = (takes(&[&chain.leaf]), takes(&chain.whole()));
        let world = || context().beside_elsewhere(&[clear()]);
        assert_eq!(
            shortfall(world(), &refused(short)),
            Some((92, Some("Shop Issuing CA".to_owned())))
        );
        for other in [short + 1, short - 1, whole] {
            assert_eq!(shortfall(world(), &refused(other)), None, "{other}");
        }
        // Asked for another name, it says nothing.
        let elsewhere = scene()
            .port(8443)
            .connect()
            .client_hello(|hello| hello.tls12().name("www.example"))
            .server_flight(&chain.whole())
            .closed();
        assert_eq!(
            shortfall(context().beside_elsewhere(&[elsewhere]), &refused(short)),
            None
        );
    }

    #[test]
    fn a_list_that_is_longer_by_a_known_intermediate_names_it() {
        let chain = Issued::to("shop.example");
        let by = chain.intermediate.der.len() + 5;
        let world = |longer: usize| {
            context()
                .with_elsewhere(&chain.intermediate)
                .beside_elsewhere(&[went_on(8443, same, 860 + longer)])
        };
        assert_eq!(
            shortfall(world(by), &refused(860)),
            Some((90, Some("Shop Issuing CA".to_owned())))
        );
        assert_eq!(shortfall(world(by + 1), &refused(860)), None);
        // A root is left out by everybody.
        let by_root =
            context()
                .with_elsewhere(&chain.root)
                .beside_elsewhere(&[went_on(8443, same, 865 + chain.root.der.len())]);
        assert_eq!(shortfall(by_root, &refused(860)), None);
    }

    #[test]
    fn a_list_that_is_shorter_by_about_an_intermediate_lacks_one() {
        let world = |port: u16, longer: usize| {
            let other = went_on(port, same, 960 + longer);
            if port == 443 {
                context().beside_at_the_server(&[other])
            } else {
                context().beside_elsewhere(&[other])
            }
        };
        assert_eq!(shortfall(world(443, 1_100), &refused(960)), Some((86, None)));
        assert_eq!(shortfall(world(8443, 1_100), &refused(960)), Some((78, None)));
        for other in [40, 4_000] {
            assert_eq!(shortfall(world(443, other), &refused(960)), None, "{other}");
        }
        // One that vouches for itself is as short as that.
        assert_eq!(shortfall(world(443, 1_000), &refused(860)), None);
        // Two certificates may be others altogether.
        assert_eq!(shortfall(world(443, 2_400), &refused(1_900)), None);
    }

    #[test]
    fn room_for_one_certificate_is_told_by_its_key_and_where_an_issuer_may_be_missing() {
        let told = |message: usize, verify: usize, alert: u8| {
            let mut seen = connected()
                .client_hello(same)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, message + 17, verify + 25, 53])
                .alert(Client, 2, alert)
                .fin(Client)
                .seen();
            set_stack(&mut seen, ClientStack::OpenSsl);
            context().in_context(&seen, |context| Lengths::of(&seen, context)?.first_to_check())
        };
        assert!(told(1_100, 256, 48).is_some());
        assert!(told(600, 71, 48).is_some());
        // Leaf and intermediate of ECDSA.
        assert_eq!(told(1_100, 71, 48), None);
        // By these alerts OpenSSL found an issuer.
        assert_eq!([42, 80].map(|alert| told(1_100, 256, alert)), [None, None]);
    }

    #[test]
    fn other_lengths_are_told() {
        let told = |message: usize| {
            let world = context().beside_elsewhere(&[went_on(8443, same, 2_000)]);
            inferred(world, &refused(message)).unwrap()
        };
        assert_eq!(
            told(1_100),
            "10.0.0.2:8443 sends 900 bytes more for the same name, with which clients go on: an intermediate may be missing here."
        );
        assert!(
            told(1_500)
                .ends_with("500 bytes more for the same name, with which clients go on: these are other certificates.")
        );
        assert!(told(2_200).contains("200 bytes fewer"));
        assert!(told(1_990).ends_with("so look at its dates and names."));
    }

    #[test]
    fn a_client_that_takes_compressed_certificates_may_have_got_them() {
        fn compresses(hello: Hello) -> Hello {
            hello.extension(27, &[2, 0, 2])
        }
        let seen = flight(443, compresses, 960).sealed(Client, &[19]).fin(Client).seen();
        let world = context().beside_at_the_server(&[went_on(443, same, 2_060)]);
        assert_eq!(shortfall(world, &seen), None);
    }

    #[test]
    fn where_browsers_alone_go_on_with_one_certificate_its_issuer_is_missing() {
        // As Chromium orders its signature schemes, with GREASE.
        fn chromium(hello: Hello) -> Hello {
            hello
                .schemes(&[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601])
                .extension(0x0a0a, &[])
        }
        // As Go does.
        fn go(hello: Hello) -> Hello {
            hello.schemes(&[
                0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603,
            ])
        }
        let others = |hello: fn(Hello) -> Hello| context().beside_at_the_server(&[went_on(443, hello, 960)]);
        let mut seen = refused(960);
        set_stack(&mut seen, ClientStack::OpenSsl);
        assert_eq!(shortfall(others(chromium), &seen), Some((76, None)));
        assert_eq!(shortfall(others(go), &seen), None);
        set_stack(&mut seen, ClientStack::Nss);
        assert_eq!(shortfall(others(chromium), &seen), None);
    }

    #[test]
    fn who_goes_on_with_as_much_is_told() {
        let text = inferred(
            context().beside_at_the_server(&[went_on(443, same, 2_000)]),
            &refused(2_000),
        )
        .unwrap();
        assert!(
            text.starts_with("Another connection was sent a list of the same length"),
            "{text}"
        );
        assert_eq!(inferred(context(), &refused(2_000)), None);
    }
}
