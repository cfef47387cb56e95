//! What an HTTP answer says besides its status.

use super::contains;
use crate::evidence::Time;

/// Bytes of an answer that are searched.
const ANSWER_MAX: usize = 4096;

/// What servers write into an answer in the clear when a request in the clear came to a port of TLS.
const COMPLAINTS: &[&str] = &[
    // nginx and its descendants
    "The plain HTTP request was sent to HTTPS port",
    // Apache
    "speaking plain HTTP to an SSL-enabled server port",
    // Go's net/http, and so Caddy, Docker and Kubernetes
    "Client sent an HTTP request to an HTTPS server",
    // Tomcat
    "This combination of host and port requires TLS",
    // Webmin
    "This web server is running in SSL mode",
];

/// The words with which an answer says that this port wants TLS.
pub(super) fn complaint(answer: &[u8]) -> Option<&'static str> {
    let answer = answer.get(..ANSWER_MAX).unwrap_or(answer);
    COMPLAINTS.iter().copied().find(|words| contains(answer, words))
}

/// The `Date` among the first header fields.
pub(super) fn date(answer: &[u8]) -> Option<Time> {
    const FIELD: &[u8] = b"date:";
    let mut lines = answer.split(|&byte| byte == b'\n');
    let line = lines.find(|line| {
        line.get(..FIELD.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(FIELD))
    })?;
    // The line must be whole: a date that is cut may still look like one.
    let value = line.get(FIELD.len()..)?.strip_suffix(b"\r")?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value.trim_ascii())
        .ok()?;
    Some(Time::from_seconds(date.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_time() {
        let answer = b"HTTP/1.1 200 OK\r\nServer: x\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        assert_eq!(date(answer), Some(Time::from_seconds(784_111_777)));
        assert_eq!(date(&answer[..answer.len() - 4]), None);
        assert_eq!(date(b"HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n"), None);
    }

    #[test]
    fn the_complaint_of_each_server_is_found() {
        // As nginx 1.22, Apache 2.4, Go 1.19 and Tomcat 9 write it.
        for (answer, words) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\nServer: nginx/1.22.1\r\n\r\n<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n"[..],
                COMPLAINTS[0],
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\n\r\nReason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n",
                COMPLAINTS[1],
            ),
            (
                b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
                COMPLAINTS[2],
            ),
            (
                b"HTTP/1.1 400 \r\nConnection: close\r\n\r\nBad Request\r\nThis combination of host and port requires TLS.\r\n",
                COMPLAINTS[3],
            ),
        ] {
            assert_eq!(complaint(answer), Some(words));
        }
    }

    #[test]
    fn another_bad_request_is_none_and_the_search_ends() {
        assert_eq!(complaint(b"HTTP/1.1 400 Bad Request\r\n\r\nInvalid header"), None);
        let late = [&[b' '; ANSWER_MAX][..], COMPLAINTS[0].as_bytes()].concat();
        assert_eq!(complaint(&late), None);
    }
}
