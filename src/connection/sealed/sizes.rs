//! The lengths of encrypted records, by what is in them and how their sender pads.

use std::ops::RangeInclusive;

use crate::registry::CipherSuite;

/// How a side pads its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    None,
    Sixteen,
    UpToSixteen,
}

/// Record lengths of one suite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    tag: u16,
    hash: u16,
}

impl Sizes {
    /// The sizes under this suite.
    pub(crate) fn of(suite: CipherSuite) -> Self {
        Self {
            tag: suite.tag_len().unwrap_or(16),
            hash: suite.hash_len().unwrap_or(32),
        }
    }

    /// A message of `len` bytes as sent without padding, by JSSE, and by Mbed TLS.
    fn of_message(self, len: u16) -> [u16; 3] {
        let plain = len + 1 + self.tag;
        [plain, plain + 16, (len + 1).next_multiple_of(16) + self.tag]
    }

    /// True for the length of an encrypted alert, by whatever stack.
    pub(crate) fn is_alert(self, len: u16) -> bool {
        self.of_message(2).contains(&len)
    }

    /// True for the length of an encrypted alert without padding: no message of a handshake is as short.
    fn is_bare_alert(self, len: u16) -> bool {
        len == 2 + 1 + self.tag
    }

    /// True for the length of an alert that breaks a flight off. JSSE pads its own to a size that EncryptedExtensions may have, which come
    /// first; a CertificateRequest is longer.
    pub(super) fn ends_a_flight(self, len: u16, is_first: bool) -> bool {
        self.is_bare_alert(len) || !is_first && self.is_padded_alert(len)
    }

    /// The length of an encrypted alert by the stack whose Finished had this length; `None` where that was no Finished alone.
    fn alert_beside(self, finished: u16) -> Option<u16> {
        self.of_message(2).get(self.habit(finished)?).copied()
    }

    /// Which of the [habits](Self::of_message) a side has that has sent a Finished of this length.
    fn habit(self, finished: u16) -> Option<usize> {
        self.of_message(self.finished()).iter().position(|len| *len == finished)
    }

    /// True for an encrypted alert of a side whose Finished is known: other sizes of alerts are data there.
    pub(crate) fn is_alert_beside(self, finished: Option<u16>, len: u16) -> bool {
        match finished.and_then(|finished| self.alert_beside(finished)) {
            Some(alert) => len == alert,
            None => self.is_alert(len),
        }
    }

    /// True for the length of an encrypted alert by JSSE.
    pub(crate) fn is_padded_alert(self, len: u16) -> bool {
        let [_, padded, _] = self.of_message(2);
        len == padded
    }

    /// True for the length of a Finished alone.
    pub(crate) fn is_finished(self, len: u16) -> bool {
        self.of_message(self.finished()).contains(&len)
    }

    /// Bytes of a Finished.
    pub(super) const fn finished(self) -> u16 {
        4 + self.hash
    }

    /// How a side pads that has sent a Finished of this length.
    pub(super) fn padding_beside(self, finished: u16) -> Option<Padding> {
        [Padding::None, Padding::Sixteen, Padding::UpToSixteen]
            .get(self.habit(finished)?)
            .copied()
    }

    /// The least and the most bytes of a message in a record of this length.
    pub(super) fn content(self, len: u16, padding: Padding) -> RangeInclusive<u32> {
        let most = u32::from(len).saturating_sub(1 + u32::from(self.tag));
        match padding {
            Padding::None => most..=most,
            Padding::Sixteen => most.saturating_sub(16)..=most.saturating_sub(16),
            Padding::UpToSixteen => most.saturating_sub(15)..=most,
        }
    }

    /// True where a Finished fits in.
    pub(super) fn holds_finished(self, len: u16) -> bool {
        len >= self.finished() + 1 + self.tag
    }

    /// True for an empty Certificate alone: context, list length, nothing else (RFC 9846 §4.4.2).
    pub(super) fn is_empty_certificate(self, len: u16) -> bool {
        // Mbed TLS rounds 9 up to 16, which is an alert's size as well: left out.
        let [plain, padded, _] = self.of_message(8);
        len == plain || len == padded
    }

    /// True for an empty Certificate and Finished in one record.
    pub(super) fn is_empty_certificate_and_finished(self, len: u16) -> bool {
        len == 8 + self.finished() + 1 + self.tag
    }
}
