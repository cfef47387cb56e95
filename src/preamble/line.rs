//! Lines of text protocols.

/// The line without its end.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// The word at this place, counted from 0; empty where there is none.
pub(super) fn word(line: &[u8], place: usize) -> &[u8] {
    let words = trimmed(line)
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    words.into_iter().nth(place).unwrap_or_default()
}

/// True where the word at this place is this one, in either case.
pub(super) fn is_word(line: &[u8], place: usize, wanted: &str) -> bool {
    word(line, place).eq_ignore_ascii_case(wanted.as_bytes())
}

/// True where the line begins so, in either case.
pub(super) fn begins(line: &[u8], wanted: &str) -> bool {
    line.get(..wanted.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// True where the bytes so far may become a line that begins so.
pub(super) fn may_begin(bytes: &[u8], wanted: &str) -> bool {
    let length = bytes.len().min(wanted.len());
    bytes
        .get(..length)
        .zip(wanted.as_bytes().get(..length))
        .is_some_and(|(start, wanted)| start.eq_ignore_ascii_case(wanted))
}

/// True where the line holds this word among its words, in either case.
pub(super) fn has_word(line: &[u8], wanted: &str) -> bool {
    let mut words = trimmed(line).split(|byte| matches!(byte, b' ' | b'[' | b']' | b'"'));
    words.any(|word| word.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// A reply of three digits, as SMTP, FTP, NNTP and others have it (RFC 5321 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    /// 100–999.
    pub(super) code: u16,
    /// False where further lines of the same reply follow.
    pub(super) is_last: bool,
    /// What stands behind the code.
    pub(super) text: &'a [u8],
}

/// The reply that a line is, if it is one.
pub(super) fn reply(line: &[u8]) -> Option<Reply<'_>> {
    let line = trimmed(line);
    let (code, rest) = line.split_first_chunk::<3>()?;
    let code = code.iter().try_fold(0_u16, |code, digit| {
        digit.is_ascii_digit().then(|| code * 10 + u16::from(digit - b'0'))
    })?;
    let (is_last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    (code >= 100).then_some(Reply { code, is_last, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_have_a_code_and_perhaps_more_lines() {
        let ready = reply(b"220 ready\r\n").unwrap();
        assert!(ready.is_last && ready.code == 220 && ready.text == b"ready");
        let more = reply(b"250-PIPELINING\r\n").unwrap();
        assert!(!more.is_last && more.code == 250);
        assert_eq!(reply(b"220\r\n").map(|reply| reply.is_last), Some(true));
        for line in [&b"22 ready\r\n"[..], b"220ready\r\n", b"099 low\r\n", b"* OK\r\n", b""] {
            assert_eq!(reply(line), None);
        }
    }

    #[test]
    fn words_are_found_in_either_case() {
        assert!(is_word(b"a1 starttls\r\n", 1, "STARTTLS"));
        assert!(!is_word(b"a1 starttlsx\r\n", 1, "STARTTLS"));
        assert!(has_word(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", "STARTTLS"));
        assert!(!has_word(b"* OK ready for STARTTLSv2\r\n", "STARTTLS"));
        assert!(may_begin(b"CON", "CONNECT ") && !may_begin(b"COX", "CONNECT "));
        assert_eq!(word(b"", 0), b"");
    }
}
