//! What a side said that the protocol forbids, though it can be read: values out of range, and answers that do not fit what they answer.
//!
//! Peers answer it with illegal_parameter (RFC 9846 §6.2), with another alert, or by leaving; so it is looked for in connections that have
//! to be explained only. What is of one negotiation alone, such as a version that was not offered or an extension that was not, has a
//! cause of its own and is not told here.

use crate::connection::closed::Kept;
use crate::evidence::{Side, Span};
use crate::registry::{CipherSuite, ExtensionType, Group, ProtocolVersion, SignatureScheme};
use crate::tls::{ClientHello, Reason, ServerHello, ServerKeyExchange};

/// One such thing.
#[derive(Clone, Debug)]
pub(crate) struct Breach {
    /// What was said, as a sentence without its subject's article: `ServerHello chooses …`.
    pub(crate) what: String,
    /// The rule that it breaks.
    pub(crate) rule: &'static str,
    /// Peers are known to pass over it: alone it explains nothing but illegal_parameter.
    pub(crate) is_minor: bool,
    /// The message.
    pub(crate) span: Span,
}

impl Breach {
    /// Something that peers do not pass over.
    pub(super) fn new(span: Span, what: impl Into<String>, rule: &'static str) -> Self {
        Self {
            what: what.into(),
            rule,
            is_minor: false,
            span,
        }
    }

    /// Who said it.
    pub(crate) const fn by(&self) -> Side {
        self.span.from()
    }
}

/// The messages of one handshake as bytes, as far as they came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages<'a> {
    /// Both ClientHellos.
    pub(super) hellos: &'a [Kept],
    /// HelloRetryRequest.
    pub(super) retry: Option<(&'a [u8], Span)>,
    /// ServerHello.
    pub(super) answer: Option<(&'a [u8], Span)>,
    /// ServerKeyExchange (TLS ≤ 1.2).
    pub(super) key_exchange: Option<(&'a [u8], Span)>,
}

/// A hello that was read, and where it stands.
struct Told<T> {
    hello: T,
    span: Span,
}

impl Messages<'_> {
    /// Everything in these messages that the protocol forbids, in their order.
    pub(super) fn breaches(&self) -> Box<[Breach]> {
        let mut found = Vec::new();
        let mut offers = self.hellos.iter().filter_map(|kept| {
            let hello = ClientHello::parse(&kept.body).ok()?;
            Some(Told { hello, span: kept.span })
        });
        let Some(first) = offers.next() else {
            return Box::default();
        };
        of_offer(&first, &mut found);
        let answer_of = |(body, span)| {
            let hello = ServerHello::parse(body).ok()?;
            Some(Told { hello, span })
        };
        let retry = self.retry.and_then(answer_of);
        let second = offers.next();
        if let Some(retry) = &retry {
            of_choice(retry, &first.hello, &mut found);
            of_retry(retry, &first.hello, &mut found);
            if let Some(second) = &second {
                of_offer(second, &mut found);
                of_second_offer(second, retry, &first.hello, &mut found);
            }
        }
        let asked = second.as_ref().filter(|_| retry.is_some()).unwrap_or(&first);
        if let Some(answer) = self.answer.and_then(answer_of) {
            of_choice(&answer, &asked.hello, &mut found);
            of_answer(
                &answer,
                &asked.hello,
                retry.as_ref().map(|retry| &retry.hello),
                &mut found,
            );
            if let Some((body, span)) = self.key_exchange
                && let Ok(exchange) =
                    ServerKeyExchange::parse(body, answer.hello.cipher_suite(), answer.hello.version())
            {
                of_key_exchange(&exchange, span, &asked.hello, &mut found);
            }
        }
        found.into()
    }
}

/// What is wrong in a ClientHello alone.
fn of_offer(offer: &Told<ClientHello<'_>>, found: &mut Vec<Breach>) {
    let Told { hello, span } = offer;
    if let Some(fault) = hello
        .extensions()
        .fault()
        .filter(|fault| fault.why == Reason::Duplicate)
    {
        let what = format!("ClientHello has the same extension twice ({fault})");
        found.push(Breach::new(*span, what, "RFC 9846 §4.3"));
    }
    let last = hello.extensions().last().map(|(kind, _)| kind);
    if hello.has_psk() && last != Some(ExtensionType::PRE_SHARED_KEY) {
        let what = "ClientHello has an extension after pre_shared_key, which has to be the last";
        found.push(Breach::new(*span, what, "RFC 9846 §4.3.11"));
    }
    let mut groups = Vec::new();
    for (group, key) in hello.key_shares().into_iter().flatten() {
        if groups.contains(&group) {
            let what = format!("ClientHello has two key shares for {group}");
            found.push(Breach::new(*span, what, "RFC 9846 §4.3.8"));
        }
        if hello
            .groups()
            .is_some_and(|mut offered| !offered.any(|offered| offered == group))
        {
            let what = format!("ClientHello has a key share for {group}, which is not among its supported_groups");
            found.push(Breach::new(*span, what, "RFC 9846 §4.3.8"));
        }
        found.extend(of_share(group, key, Side::Client).map(|fault| {
            let what = format!("ClientHello has a key share for {group} {fault}");
            Breach::new(*span, what, "RFC 9846 §4.3.8.2")
        }));
        groups.push(group);
    }
    if hello.highest_version().is_tls13() && hello.compression_methods() != [0] {
        let what = "ClientHello offers TLS 1.3 and compression, which that version forbids";
        found.push(Breach {
            is_minor: true,
            ..Breach::new(*span, what, "RFC 9846 §4.2.2")
        });
    }
}

/// What is wrong in the choices of a ServerHello or HelloRetryRequest.
fn of_choice(answer: &Told<ServerHello<'_>>, offer: &ClientHello<'_>, found: &mut Vec<Breach>) {
    let Told { hello, span } = answer;
    let name = name_of(hello);
    let mut add = |what: String, rule| found.push(Breach::new(*span, what, rule));
    if let Some(fault) = hello
        .extensions()
        .fault()
        .filter(|fault| fault.why == Reason::Duplicate)
    {
        add(
            format!("{name} has the same extension twice ({fault})"),
            "RFC 9846 §4.3",
        );
    }
    let (version, suite) = (hello.version(), hello.cipher_suite());
    if !offer.cipher_suites().with_grease().any(|offered| offered == suite) || suite.is_signalling() {
        add(
            format!("{name} chooses {suite}, which the client does not offer"),
            "RFC 9846 §4.2.3",
        );
    } else if suite.name().is_some() && suite.is_tls13() != version.is_tls13() {
        add(
            format!("{name} chooses {suite}, which is not of {version}"),
            "RFC 9846 §B.4",
        );
    }
    if hello.legacy_version() == ProtocolVersion::TLS13 {
        add(
            format!("{name} has TLS 1.3 in legacy_version, where TLS 1.2 has to stand"),
            "RFC 9846 §4.2.3",
        );
    } else if hello.has(ExtensionType::SUPPORTED_VERSIONS) && !version.is_tls13() {
        add(
            format!("{name} chooses {version} in supported_versions, which is for TLS 1.3 and later"),
            "RFC 9846 §4.3.1",
        );
    }
    if version.is_tls13() && hello.session_id() != offer.session_id() {
        add(
            format!("{name} does not echo the session id of the ClientHello"),
            "RFC 9846 §4.2.3",
        );
    }
    let compression = hello.compression_method();
    if compression != 0 && (version.is_tls13() || !offer.compression_methods().contains(&compression)) {
        add(
            format!("{name} chooses compression {compression}, which the client does not offer"),
            "RFC 9846 §4.2.3",
        );
    }
}

/// What is wrong in a HelloRetryRequest alone: it has to ask for something that is on offer and was not sent.
fn of_retry(retry: &Told<ServerHello<'_>>, offer: &ClientHello<'_>, found: &mut Vec<Breach>) {
    let Told { hello, span } = retry;
    let what = match hello.group() {
        Some(group)
            if offer
                .groups()
                .is_some_and(|mut groups| !groups.any(|offered| offered == group)) =>
        {
            format!("HelloRetryRequest asks for a key share of {group}, which the client does not offer")
        }
        Some(group)
            if offer
                .key_shares()
                .into_iter()
                .flatten()
                .any(|(shared, _)| shared == group) =>
        {
            format!("HelloRetryRequest asks for a key share of {group}, which the ClientHello already has")
        }
        None if !hello.has(ExtensionType::COOKIE) && !hello.has(ExtensionType::ENCRYPTED_CLIENT_HELLO) => {
            "HelloRetryRequest asks for nothing that would change the ClientHello".to_owned()
        }
        _ => return,
    };
    found.push(Breach::new(*span, what, "RFC 9846 §4.2.4"));
}

/// What is wrong in the ClientHello after a HelloRetryRequest: only what was asked for may change (RFC 9846 §4.2.2).
fn of_second_offer(
    second: &Told<ClientHello<'_>>,
    retry: &Told<ServerHello<'_>>,
    first: &ClientHello<'_>,
    found: &mut Vec<Breach>,
) {
    let Told { hello, span } = second;
    let suites = |hello: &ClientHello<'_>| hello.cipher_suites().with_grease().collect::<Vec<CipherSuite>>();
    let changed = [
        ("random", hello.random() != first.random()),
        ("session id", hello.session_id() != first.session_id()),
        ("list of cipher suites", suites(hello) != suites(first)),
        ("server_name", hello.server_name() != first.server_name()),
    ];
    let mut add = |what: String| found.push(Breach::new(*span, what, "RFC 9846 §4.2.2"));
    for (field, _) in changed.iter().filter(|(_, changed)| *changed) {
        add(format!("second ClientHello has another {field} than the first"));
    }
    if hello.has_early_data() {
        add("second ClientHello still has early_data".to_owned());
    }
    if retry.hello.has(ExtensionType::COOKIE) && !hello.has(ExtensionType::COOKIE) {
        add("second ClientHello lacks the cookie of the HelloRetryRequest".to_owned());
    }
    if let Some(wanted) = retry.hello.group() {
        let shares: Vec<Group> = hello
            .key_shares()
            .into_iter()
            .flatten()
            .map(|(group, _)| group)
            .collect();
        if shares != [wanted] {
            add(format!(
                "second ClientHello has not the one key share that was asked for, {wanted}"
            ));
        }
    }
}

/// What is wrong in a ServerHello beside its choices.
fn of_answer(
    answer: &Told<ServerHello<'_>>,
    offer: &ClientHello<'_>,
    retry: Option<&ServerHello<'_>>,
    found: &mut Vec<Breach>,
) {
    let Told { hello, span } = answer;
    let mut add = |what: String, rule| found.push(Breach::new(*span, what, rule));
    if let Some((group, key)) = hello.key_share() {
        if !offer
            .key_shares()
            .into_iter()
            .flatten()
            .any(|(shared, _)| shared == group)
        {
            add(
                format!("ServerHello has a key share of {group}, for which the client sent none"),
                "RFC 9846 §4.3.8",
            );
        } else if let Some(fault) = of_share(group, key, Side::Server) {
            add(
                format!("ServerHello has a key share of {group} {fault}"),
                "RFC 9846 §4.3.8.2",
            );
        }
    }
    if let (Some(index), Some(count)) = (hello.selected_psk(), offer.psk_count())
        && usize::from(index) >= count
    {
        add(
            format!("ServerHello takes pre-shared key {index}, counted from 0, of {count} on offer"),
            "RFC 9846 §4.3.11",
        );
    }
    if let Some(retry) = retry
        && retry.cipher_suite() != hello.cipher_suite()
    {
        add(
            format!(
                "ServerHello chooses {}, the HelloRetryRequest before it {}",
                hello.cipher_suite(),
                retry.cipher_suite()
            ),
            "RFC 9846 §4.2.4",
        );
    }
}

/// What is wrong in a ServerKeyExchange.
fn of_key_exchange(exchange: &ServerKeyExchange<'_>, span: Span, offer: &ClientHello<'_>, found: &mut Vec<Breach>) {
    let mut add = |what: String, rule| found.push(Breach::new(span, what, rule));
    if let Some(group) = exchange.group
        && !matches!(exchange.public.first(), Some(2 | 3))
        && let Some(fault) = of_share(group, exchange.public, Side::Server)
    {
        add(
            format!("ServerKeyExchange has a key of {group} {fault}"),
            "RFC 8422 §5.11",
        );
    }
    if let Some(prime) = exchange.dh_prime
        && is_out_of_range(exchange.public, prime)
    {
        add(
            "ServerKeyExchange has a Diffie-Hellman key that is not between 1 and the prime less 1".to_owned(),
            "RFC 7919 §5.1",
        );
    }
    if let Some(scheme) = exchange.signature_scheme
        && let Some(offered) = offer.signature_schemes()
        && !offered.with_grease().any(|offered: SignatureScheme| offered == scheme)
    {
        add(
            format!("ServerKeyExchange is signed with {scheme}, which the client does not offer"),
            "RFC 5246 §7.4.3",
        );
    }
}

fn name_of(hello: &ServerHello<'_>) -> &'static str {
    if hello.is_hello_retry_request() {
        "HelloRetryRequest"
    } else {
        "ServerHello"
    }
}

/// What is wrong with one side's public key in a group, as far as its shape tells.
fn of_share(group: Group, key: &[u8], from: Side) -> Option<String> {
    let (client, server) = group.share_lens()?;
    let wanted = if from == Side::Client { client } else { server };
    if key.len() != usize::from(wanted) {
        return Some(format!("of {} bytes, which has {wanted}", key.len()));
    }
    if group.has_points() && key.first() != Some(&4) {
        return Some("that is no uncompressed point".to_owned());
    }
    key.iter().all(|byte| *byte == 0).then(|| "that is zero".to_owned())
}

/// True for a public key of finite-field Diffie-Hellman of 0, 1, the prime less 1, or more.
fn is_out_of_range(public: &[u8], prime: &[u8]) -> bool {
    let significant = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).unwrap_or_default().to_vec()
    };
    let (public, mut greatest) = (significant(public), significant(prime));
    // A prime is odd: less 1, its last bit is 0.
    if let Some(last) = greatest.last_mut() {
        *last &= 0xfe;
    }
    let by_size = |bytes: &[u8]| (bytes.len(), bytes.to_vec());
    public.is_empty() || public == [1] || by_size(&public) >= by_size(&greatest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    fn told(scene: Scene) -> Vec<String> {
        let seen = scene.seen();
        seen.breaches.iter().map(|breach| breach.what.clone()).collect()
    }

    fn hello() -> Scene {
        connected().client_hello(|hello| hello)
    }

    /// True where the one breach of the scene is told with these words.
    fn only(scene: Scene, words: &str) {
        let told = told(scene);
        assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    }

    #[test]
    fn ordinary_handshakes_break_no_rule() {
        for scene in [
            hello().server_hello(0x0304, 0x1301),
            hello().retry_request(0x1301).client_hello(|hello| hello.groups(&[23])),
            connected().client_hello(Hello::tls12).server_flight(&[b"leaf"]),
            connected()
                .client_hello(Hello::tls12)
                .server_hello_with(0x0303, 0xc02f, ServersHello::resumes),
        ] {
            let told = told(scene);
            // The second hello here has fewer groups than the first, which is not compared.
            assert!(told.is_empty(), "{told:?}");
        }
    }

    #[test]
    fn a_suite_that_was_not_offered_is_told() {
        only(
            connected().client_hello(Hello::tls12).server_hello(0x0303, 0x009c),
            "chooses TLS_RSA_WITH_AES_128_GCM_SHA256, which the client does not offer",
        );
        only(hello().server_hello(0x0303, 0x1301), "which is not of TLS 1.2");
    }

    #[test]
    fn tls_1_3_echoes_the_session_id() {
        only(
            hello().server_hello_with(0x0304, 0x1301, ServersHello::forgets_session),
            "does not echo the session id",
        );
    }

    #[test]
    fn a_retry_asks_for_what_is_on_offer_and_was_not_sent() {
        let ask = |groups: &'static [u16]| {
            connected()
                .client_hello(|hello| hello.groups(groups))
                .retry_request(0x1301)
        };
        assert!(told(ask(&[29, 23])).is_empty());
        only(
            ask(&[29, 24]),
            "HelloRetryRequest asks for a key share of secp256r1, which the client does not offer",
        );
        only(ask(&[23, 29]), "which the ClientHello already has");
    }

    #[test]
    fn a_second_hello_changes_nothing_but_what_was_asked_for() {
        let again = |build: fn(Hello) -> Hello| hello().retry_request(0x1301).client_hello(build);
        only(again(|hello| hello), "has not the one key share that was asked for");
        only(
            again(|hello| hello.groups(&[23]).suites(&[0x1301])),
            "another list of cipher suites",
        );
        only(
            again(|hello| hello.groups(&[23]).name("other.example")),
            "another server_name",
        );
    }

    #[test]
    fn a_share_has_the_length_of_its_group() {
        let share = |group: u16, key: &[u8]| of_share(Group(group), key, Server);
        assert_eq!(share(29, &[7; 32]), None);
        assert_eq!(share(29, &[0; 32]), Some("that is zero".to_owned()));
        assert_eq!(share(29, &[7; 31]), Some("of 31 bytes, which has 32".to_owned()));
        assert_eq!(share(23, &[4; 65]), None);
        assert_eq!(share(23, &[5; 65]), Some("that is no uncompressed point".to_owned()));
        assert_eq!(share(0x7777, &[]), None);
        assert_eq!(of_share(Group(0x11ec), &[7; 1216], Client), None);
        assert!(of_share(Group(0x11ec), &[7; 1216], Server).is_some());
    }

    #[test]
    fn a_diffie_hellman_key_lies_within_its_prime() {
        let prime = [0, 0xfb, 0x17];
        for (public, is_out) in [
            (&[0, 0][..], true),
            (&[1], true),
            (&[2], false),
            (&[0xfb, 0x15], false),
            (&[0xfb, 0x16], true),
            (&[0xfb, 0x17], true),
            (&[1, 0, 0], true),
        ] {
            assert_eq!(is_out_of_range(public, &prime), is_out, "{public:?}");
        }
    }

    #[test]
    fn extensions_come_once_and_shared_keys_last() {
        only(
            connected().client_hello(|hello| hello.extension(23, &[]).extension(23, &[])),
            "the same extension twice",
        );
        only(
            connected().client_hello(|hello| hello.extension(41, &[0, 0, 0, 0]).extension(23, &[])),
            "after pre_shared_key",
        );
        assert!(
            told(connected().client_hello(|hello| hello.extension(23, &[]).extension(41, &[0, 0, 0, 0]))).is_empty()
        );
    }

    #[test]
    fn a_signature_is_of_a_scheme_on_offer() {
        only(
            connected()
                .client_hello(|hello| hello.tls12().schemes(&[0x0804]))
                .server_flight(&[b"leaf"]),
            "signed with ecdsa_secp256r1_sha256, which the client does not offer",
        );
    }

    #[test]
    fn with_a_hole_nothing_is_compared() {
        let scene = connected()
            .client_hello(Hello::tls12)
            .off_camera(|scene| scene.say(Server, &[22, 3, 3, 0, 40]))
            .server_hello(0x0303, 0x009c);
        assert!(told(scene).is_empty());
    }
}
