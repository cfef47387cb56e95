//! What binary protocols share: codes, and texts that end with a NUL.

use std::fmt::Display;

/// A code as it is quoted: what it is, its number, its name in the specification, and what the server says of it.
pub(super) fn coded(what: &str, code: impl Display, name: Option<&str>, text: &str) -> String {
    let mut words = format!("{what} {code}");
    if let Some(name) = name {
        words.push_str(&format!(" ({name})"));
    }
    if !text.is_empty() {
        words.push_str(": ");
        words.push_str(text);
    }
    words
}

/// True where the bytes so far do not contradict a beginning.
pub(super) fn may_become(bytes: &[u8], beginning: &[u8]) -> bool {
    beginning.starts_with(bytes) || bytes.starts_with(beginning)
}

/// A text up to its NUL, and what follows; `None` where there is no NUL.
pub(super) fn until_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    Some((text, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_quoted_with_what_is_known_of_them() {
        assert_eq!(
            coded("REP", 5, Some("connection refused"), ""),
            "REP 5 (connection refused)"
        );
        assert_eq!(coded("ERR", 1045, None, "Access denied"), "ERR 1045: Access denied");
    }

    #[test]
    fn a_beginning_may_be_short() {
        assert!(may_become(b"AM", b"AMQP") && may_become(b"AMQP3", b"AMQP") && may_become(b"", b"AMQP"));
        assert!(!may_become(b"AN", b"AMQP"));
    }

    #[test]
    fn texts_end_with_a_nul() {
        assert_eq!(until_nul(b"a\0b\0"), Some((&b"a"[..], &b"b\0"[..])));
        assert_eq!(until_nul(b"\0"), Some((&b""[..], &b""[..])));
        assert_eq!(until_nul(b"a"), None);
    }
}
