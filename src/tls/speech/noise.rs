//! Bytes that look random: encrypted by something that is not TLS, compressed, or noise. WireGuard carried over TCP, obfuscated tunnels
//! and Shadowsocks begin so.

use super::{NAMED_WITHIN, Plaintext, may_be_tls, quote};

/// What such bytes are called.
pub(crate) const NOISE: &str = "random-looking bytes";

/// Bytes that must be at hand before they look random.
const ENOUGH: usize = 32;
/// How many values there must be, in percent of the bytes: random ones have 94 where there are 32 of them and 89 where there are 64,
/// give or take 4.
const DIFFERENT: usize = 75;

/// Names the bytes that a stream begins with, which fit no protocol, where they look random. A stream whose beginning was not captured
/// must not be asked: in its middle, TLS looks random too.
pub(crate) fn name_noise(head: &[u8]) -> Option<Plaintext> {
    let start = head.get(..NAMED_WITHIN).unwrap_or(head);
    if start.len() < ENOUGH || may_be_tls(head) {
        return None;
    }
    let mut values = start.to_vec();
    values.sort_unstable();
    values.dedup();
    (values.len() * 100 >= start.len() * DIFFERENT).then(|| Plaintext {
        protocol: NOISE,
        quote: quote::of_bytes(NOISE, head),
        complaint: None,
        date: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::name_plaintext;

    /// Bytes of a linear congruential generator.
    fn random(seed: u32, length: usize) -> Vec<u8> {
        std::iter::successors(Some(seed), |last| {
            Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
        })
        .map(|number| number.to_be_bytes()[0])
        .skip(1)
        .filter(|&byte| !(20..=26).contains(&byte))
        .take(length)
        .collect()
    }

    #[test]
    fn random_bytes_are_noise_and_quoted() {
        for seed in 0..500 {
            for length in [32, 64, 148] {
                let bytes = random(seed, length);
                if name_plaintext(&bytes).is_none() && !may_be_tls(&bytes) {
                    let noise = name_noise(&bytes).unwrap_or_else(|| panic!("{bytes:x?}"));
                    assert_eq!((noise.protocol, noise.quote.len()), (NOISE, 47));
                }
            }
        }
        // The first message of WireGuard (its paper, §5.4.2), as udp2raw and the like carry it.
        let handshake = [&[1, 0, 0, 0][..], &random(7, 144)].concat();
        assert!(name_noise(&handshake).is_some());
    }

    #[test]
    fn fields_and_words_do_not_look_random() {
        let mut message = vec![0, 0, 0, 60, 0, 3, 0, 0, 0, 0, 0, 1, 0, 7];
        message.extend(b"service\0\0\0\x05topic\0\0\0\x01\0\0\0\x02partition\0");
        assert_eq!(name_noise(&message), None);
        assert_eq!(name_noise(b"the quick brown fox jumps over the lazy dog"), None);
        assert_eq!(name_noise(&[7; 64]), None);
    }

    #[test]
    fn a_few_bytes_and_records_are_not_called_noise() {
        assert_eq!(name_noise(&random(1, 31)), None);
        let record = [&[22, 3, 3, 0, 200][..], &random(1, 100)].concat();
        assert_eq!(name_noise(&record), None);
    }
}
