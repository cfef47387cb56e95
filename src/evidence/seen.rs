//! Seen, absent, or not visible: three different answers.

/// Why something could not be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hidden {
    /// It was sent under keys that are not known.
    Encrypted,
    /// The capture has a hole where it was.
    Gap,
    /// The packets were cut by the capture's snapshot length.
    Snaplen,
    /// One direction of the connection is not in the capture.
    OneSided,
    /// The capture begins or ends inside the connection, or its bytes end early.
    Truncated,
}

/// A value that was looked for: found, certainly not there, or not visible.
///
/// "The server sent no intermediate" and "the certificates are encrypted" must never be mixed up, so a plain `Option` is not enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seen<T> {
    /// It is in the packets.
    #[expect(
        clippy::enum_variant_names,
        reason = "seen, absent, unknown: the three answers by their names"
    )]
    Seen(T),
    /// The packets prove that it was not sent (so far).
    #[default]
    Absent,
    /// It cannot be known from this capture.
    Unknown(Hidden),
}

impl<T> Seen<T> {
    /// The value, if it was seen.
    pub(crate) fn seen(self) -> Option<T> {
        match self {
            Self::Seen(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// The same answer about a borrowed value.
    pub(crate) const fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::Seen(value) => Seen::Seen(value),
            Self::Absent => Seen::Absent,
            Self::Unknown(why) => Seen::Unknown(*why),
        }
    }

    /// True where the packets show the value.
    pub(crate) const fn is_seen(&self) -> bool {
        matches!(self, Self::Seen(_))
    }
}
