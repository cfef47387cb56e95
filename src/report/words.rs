//! The fixed vocabulary of the contract: every field that holds one word of a known list.
//!
//! Each word is written once, beside its variant; JSON, the text report and the line format all take it from there.

use crate::evidence::{Hidden, Side};
use crate::why::words;

pub use crate::why::{AbortedBy, AtFault, Confidence, Outcome, Severity, Step};

words! {
    /// What carried the connection.
    pub enum Transport {
        /// TCP.
        #[default]
        Tcp = "tcp",
        /// UDP: DTLS or QUIC.
        Udp = "udp",
        /// EAP frames, without addresses or ports.
        Eap = "eap",
    }
}

words! {
    /// What was spoken.
    pub enum Protocol {
        /// TLS or its predecessor SSL.
        Tls = "tls",
        /// TLS over datagrams.
        Dtls = "dtls",
        /// TLS inside QUIC.
        Quic = "quic",
        /// The Chinese national variant (GB/T 38636).
        Tlcp = "tlcp",
        /// Nothing of TLS was spoken.
        #[default]
        None = "none",
    }
}

words! {
    /// What came of the words before TLS.
    pub enum PreambleResult {
        /// The server agreed: TLS, or the way to it, begins behind it.
        Granted = "granted",
        /// The server refused.
        Refused = "refused",
        /// The server did not answer the request.
        Unanswered = "unanswered",
        /// The server let the client know that it has no TLS, and the client did not ask for it.
        NotOffered = "not-offered",
        /// The client did not ask, though the server may have it.
        #[default]
        NotAsked = "not-asked",
        /// Something was told that is not answered, such as a PROXY header.
        Told = "told",
    }
}

words! {
    /// Who sent a packet that is cited.
    pub enum Party {
        /// The end that opened the connection.
        #[default]
        Client = "client",
        /// The end that was called.
        Server = "server",
        /// Something between them, such as a router's ICMP message.
        Network = "network",
    }
}

impl From<Side> for Party {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Self::Client,
            Side::Server => Self::Server,
        }
    }
}

words! {
    /// An alert's level.
    pub enum AlertLevel {
        /// Level 1.
        Warning = "warning",
        /// Level 2.
        #[default]
        Fatal = "fatal",
    }
}

words! {
    /// How an alert is known.
    pub enum AlertVisibility {
        /// It was sent in the clear.
        #[default]
        Clear = "clear",
        /// It was opened with a key log.
        Decrypted = "decrypted",
        /// Its size and place show that it is one; its content is not known.
        Inferred = "inferred",
    }
}

words! {
    /// How a chain of certificates is known.
    pub enum CertificateVisibility {
        /// It was sent in the clear.
        Clear = "clear",
        /// It was opened with a key log.
        Decrypted = "decrypted",
        /// It was seen in another connection to the same server.
        Borrowed = "borrowed",
        /// It was sent under keys that are not known.
        Encrypted = "encrypted",
        /// None was sent.
        #[default]
        Absent = "absent",
        /// Only a part of it is in the capture.
        Incomplete = "incomplete",
    }
}

words! {
    /// Why something could not be looked for.
    pub enum NotVisibleWhy {
        /// It was sent under keys that are not known.
        #[default]
        Encrypted = "encrypted",
        /// The capture has a hole where it was.
        Gap = "gap",
        /// The packets were cut by the snapshot length.
        Snaplen = "snaplen",
        /// One direction is not in the capture.
        OneSided = "one-sided",
        /// The capture begins or ends inside the connection.
        Truncated = "truncated",
    }
}

impl From<Hidden> for NotVisibleWhy {
    fn from(hidden: Hidden) -> Self {
        match hidden {
            Hidden::Encrypted => Self::Encrypted,
            Hidden::Gap => Self::Gap,
            Hidden::Snaplen => Self::Snaplen,
            Hidden::OneSided => Self::OneSided,
            Hidden::Truncated => Self::Truncated,
        }
    }
}

words! {
    /// How much of the connection was opened with a key log.
    pub enum Decryption {
        /// Nothing.
        #[default]
        None = "none",
        /// Some of its records.
        Partial = "partial",
        /// All of them.
        Full = "full",
    }
}

words! {
    /// Which kind of ClientHello the encrypted_client_hello extension marks (RFC 9849 §5).
    pub enum Ech {
        /// The visible hello around an encrypted one; GREASE looks the same.
        #[default]
        Outer = "outer",
        /// The inner hello, seen only where it was opened.
        Inner = "inner",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_serialised_as_the_contract_spells_it() {
        assert_eq!(
            serde_json::to_string(&Outcome::NotAttempted).unwrap(),
            "\"not-attempted\""
        );
        assert_eq!(
            serde_json::to_string(&Step::ServerKeyExchange).unwrap(),
            "\"server-key-exchange\""
        );
    }

    #[test]
    fn reasons_for_not_seeing_keep_their_words() {
        for (hidden, word) in [
            (Hidden::Encrypted, "encrypted"),
            (Hidden::Gap, "gap"),
            (Hidden::Snaplen, "snaplen"),
            (Hidden::OneSided, "one-sided"),
            (Hidden::Truncated, "truncated"),
        ] {
            assert_eq!(NotVisibleWhy::from(hidden).as_str(), word);
        }
    }

    #[test]
    fn confidence_follows_the_bands_of_weight() {
        assert_eq!(Confidence::of_weight(95), Some(Confidence::Certain));
        assert_eq!(Confidence::of_weight(94), Some(Confidence::Likely));
        assert_eq!(Confidence::of_weight(79), Some(Confidence::Possible));
        assert_eq!(Confidence::of_weight(29), None);
    }
}
