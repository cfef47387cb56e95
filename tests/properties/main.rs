//! What is said of a connection does not depend on how it is packed; what is cut or damaged is never told as more than it is.
//!
//! The conversations of some fixtures are taken apart into what each side said ([`conversation`]), and sent again in other ways ([`wire`]):
//! other segments, other order, twice, again with other boundaries, with other sequence numbers, over the other IP, among others, in
//! another format. The report has to say the same of them ([`told`]).

mod conversation;
mod told;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use conversation::Conversation;
use told::{analyse, difference, told};
use wire::{Format, Noise, Style, capture};

/// IP fragments are put together again only once the defragmenter is there; until then no packet is fragmented here.
const FRAGMENTS_ARE_READ: bool = true;

/// A FIN that is captured before the bytes it follows counts from its own frame so far, which makes it look as if nothing had been said
/// before it: until that is mended a FIN stays behind the bytes of its turn.
const FINS_ARE_PUT_IN_ORDER: bool = true;

/// Sound connections and failed ones, of TLS 1.2 and 1.3.
const FIXTURES: [&str; 10] = [
    "sound/not-tls12.pcap",
    "sound/not-tls13.pcap",
    "sound/not-hello-retry-request.pcap",
    "sound/not-client-certificate.pcap",
    "untrusted-root/yes-root-sent-along.pcap",
    "client-certificate-missing/yes-openssl.pcap",
    "client-certificate-missing/yes-tls13-haproxy.pcap",
    "version-mismatch/yes-tls10-client-go.pcap",
    "server-certificate-rejected/yes-go-pinning.pcap",
    "no-shared-cipher/yes-tls13-disjoint.pcap",
];

fn fixture(name: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn conversation(number: usize) -> Conversation {
    Conversation::of(&fixture(FIXTURES[number]))
}

/// How a side's bytes are sent: any of it may be plain.
fn style() -> impl Strategy<Value = Style> {
    let sizes = prop::collection::vec(prop_oneof![1..=9_usize, 1..=1_460_usize], 1..8);
    let order = prop::collection::vec(any::<u8>(), 0..12);
    let twice = prop::collection::vec(prop_oneof![4 => Just(0_u8), 1 => 1..=2_u8], 1..8);
    let again = prop::collection::vec((0..3_000_usize, 1..1_460_usize), 0..4);
    // A sequence number wraps within the first bytes, somewhere in the conversation, or not at all.
    let first = || prop_oneof![1 => Just(1_000_u32), 2 => (0..6_000_u32).prop_map(|before| 0_u32.wrapping_sub(before))];
    let fragment = if FRAGMENTS_ARE_READ {
        prop_oneof![3 => Just(None), 1 => (1..100_usize).prop_map(|units| Some(units * 8))].boxed()
    } else {
        Just(None).boxed()
    };
    (sizes, order, twice, again, [first(), first()], any::<bool>(), fragment).prop_map(
        |(sizes, order, twice, again, first, v6, fragment)| Style {
            sizes,
            order,
            twice,
            again,
            first,
            v6,
            fragment,
        },
    )
}

fn noise() -> impl Strategy<Value = Noise> {
    prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => 1..=6_u8], 0..20).prop_map(Noise)
}

fn format() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![Format::Pcap, Format::PcapBigEndianNanos, Format::Pcapng])
}

/// The report's words on conversations that are sent plainly, one after the other.
fn plainly(conversations: &[Conversation]) -> Vec<String> {
    let styles = vec![Style::plain(); conversations.len()];
    told(&analyse(
        &capture(conversations, &styles, &[], &Noise::none(), Format::Pcap),
        1,
    ))
}

#[test]
fn a_conversation_sent_again_is_told_as_the_fixture_is() {
    for (number, name) in FIXTURES.iter().enumerate() {
        let original = told(&analyse(&fixture(name), 1));
        assert_eq!(plainly(&[conversation(number)]), original, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_packing_of_a_conversation_tells_the_same(
        number in 0..FIXTURES.len(),
        style in style(),
        noise in noise(),
        format in format(),
    ) {
        let conversations = [conversation(number)];
        let bytes = capture(&conversations, &[style], &[], &noise, format);
        let difference = difference(&plainly(&conversations), &told(&analyse(&bytes, 1)));
        prop_assert!(difference.is_empty(), "{}: {difference:#?}", FIXTURES[number]);
    }

    #[test]
    fn conversations_that_overlap_are_told_as_those_that_follow_each_other(
        numbers in prop::collection::vec(0..FIXTURES.len(), 2..5),
        styles in prop::collection::vec(style(), 5),
        turns in prop::collection::vec(any::<u8>(), 1..40),
        noise in noise(),
        format in format(),
    ) {
        let conversations: Vec<Conversation> = numbers.iter().map(|number| conversation(*number)).collect();
        let bytes = capture(&conversations, &styles[..conversations.len()], &turns, &noise, format);
        let difference = difference(&plainly(&conversations), &told(&analyse(&bytes, 1)));
        prop_assert!(difference.is_empty(), "{numbers:?}: {difference:#?}");
    }

    #[test]
    fn a_sound_connection_that_is_cut_anywhere_did_not_certainly_fail(
        number in 0..4_usize,
        at in any::<prop::sample::Index>(),
        style in style(),
        format in format(),
    ) {
        let bytes = capture(&[conversation(number)], &[style], &[], &Noise::none(), format);
        let report = analyse(&bytes[..at.index(bytes.len())], 1);
        for connection in told::connections(&report) {
            let certainly = connection["cause"]["confidence"] == "certain";
            prop_assert!(connection["outcome"] != "failed" || !certainly, "{:#}", connection);
        }
    }

    #[test]
    fn bytes_that_are_overwritten_break_nothing(
        number in 0..FIXTURES.len(),
        style in style(),
        format in format(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        threads in 2..5_usize,
    ) {
        let mut bytes = capture(&[conversation(number)], &[style], &[], &Noise::none(), format);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let report = analyse(&bytes, 1);
        prop_assert_eq!(&report, &analyse(&bytes, threads), "with {} threads", threads);
        prop_assert_eq!(told::breaches(&report), Vec::<String>::new());
    }
}
