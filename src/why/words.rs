//! The words of a verdict: outcome, who ended it, how far it came, how sure it is, who has to act. Each is written once, beside its variant.

use crate::evidence::Side;

/// Declares an enum whose variants are words of the contract.
macro_rules! words {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// The word that the contract uses.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// How the attempt ended.
    pub enum Outcome {
        /// The handshake was completed.
        Completed = "completed",
        /// The handshake failed.
        Failed = "failed",
        /// The capture does not show how it ended.
        #[default]
        Undetermined = "undetermined",
        /// Nobody tried: a probe, a scan, a connection opened ahead of need.
        NotAttempted = "not-attempted",
    }
}

words! {
    /// Whose act ended the attempt for good.
    pub enum AbortedBy {
        /// The client's alert, FIN or RST.
        Client = "client",
        /// The server's alert, refusal, FIN or RST.
        Server = "server",
        /// The path lost or forged packets.
        Network = "network",
        /// Nothing ended it.
        #[default]
        Nobody = "nobody",
    }
}

words! {
    /// How far the handshake came: the step at which it ended.
    pub enum Step {
        /// Before the TCP connection was open.
        TcpConnect = "tcp-connect",
        /// In what is spoken before TLS, such as STARTTLS.
        Preamble = "preamble",
        /// At the ClientHello.
        ClientHello = "client-hello",
        /// At the ServerHello.
        ServerHello = "server-hello",
        /// At the server's certificate.
        ServerCertificate = "server-certificate",
        /// At the server's key exchange.
        ServerKeyExchange = "server-key-exchange",
        /// At the server's request for a certificate.
        CertificateRequest = "certificate-request",
        /// At the server's Finished.
        ServerFinished = "server-finished",
        /// At the client's certificate.
        ClientCertificate = "client-certificate",
        /// At the client's Finished.
        ClientFinished = "client-finished",
        /// The handshake was completed.
        Completed = "completed",
        /// The capture does not show it.
        #[default]
        Unknown = "unknown",
    }
}

words! {
    /// How sure a cause is.
    pub enum Confidence {
        /// One of several causes that fit; the others are named.
        #[default]
        Possible = "possible",
        /// The usual cause of what is seen; nothing contradicts it.
        Likely = "likely",
        /// The packets prove it.
        Certain = "certain",
    }
}

impl Confidence {
    /// The confidence that a weight of 0 to 100 stands for; `None` below 30, where it is no cause.
    pub const fn of_weight(weight: u8) -> Option<Self> {
        match weight {
            95.. => Some(Self::Certain),
            80.. => Some(Self::Likely),
            30.. => Some(Self::Possible),
            _ => None,
        }
    }
}

words! {
    /// Whose side has to change something.
    pub enum AtFault {
        /// The client's.
        Client = "client",
        /// The server's.
        Server = "server",
        /// Both: their settings do not meet.
        Both = "both",
        /// The path between them.
        Network = "network",
        /// A device on the path that takes part in the protocol.
        Middlebox = "middlebox",
        /// The authority that issued the certificate.
        Ca = "ca",
        /// The way the capture was taken.
        Capture = "capture",
        /// Nobody's: it is no defect.
        Nobody = "nobody",
        /// It cannot be told.
        #[default]
        Unknown = "unknown",
    }
}

words! {
    /// How much a finding matters.
    pub enum Severity {
        /// Good to know, nothing to do.
        #[default]
        Note = "note",
        /// Works today, will fail elsewhere or later.
        Warning = "warning",
        /// Something is wrong, though it did not end this connection.
        Problem = "problem",
    }
}

impl From<Side> for AbortedBy {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Self::Client,
            Side::Server => Self::Server,
        }
    }
}

pub(crate) use words;
