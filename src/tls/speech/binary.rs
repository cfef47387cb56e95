//! Other binary protocols: messages, remote desktops, tunnels, games.

use super::{NAMED_WITHIN, contains, is_printable, u16_at};

/// Names the protocol where it is one of these.
pub(super) fn name(head: &[u8]) -> Option<&'static str> {
    let length = head.len();
    Some(match *head {
        [
            0x0d,
            0x0a,
            0x0d,
            0x0a,
            0x00,
            0x0d,
            0x0a,
            0x51,
            0x55,
            0x49,
            0x54,
            0x0a,
            ..,
        ] => "PROXY protocol",
        // A length of 24 bits, a multiple of six; type SETTINGS, stream 0 (RFC 9113 §6.5).
        [0, 0, bytes, 4, 0 | 1, 0, 0, 0, 0, ..] if bytes % 6 == 0 => "HTTP/2 without TLS",
        // TPKT and a connection request or confirm of X.224. S7 puts its parameters where RDP has a cookie or its negotiation.
        [3, 0, 0, whole, rest, 0xe0 | 0xd0, ..] if whole == rest.wrapping_add(5) => {
            if matches!(head.get(11), Some(0xc0..=0xc2)) {
                "S7 (ISO on TCP)"
            } else {
                "RDP"
            }
        }
        [0x10, ..] if is_mqtt_connect(head) => "MQTT",
        // CONNACK: two bytes in version 3, and properties behind them in version 5.
        [0x20, 2, 0 | 1, 0..=5] => "MQTT",
        [0x20, rest @ 3..=0x7f, 0 | 1, 0 | 0x80..=0x9f, ..] if usize::from(rest) + 2 == length => "MQTT",
        [b'A', b'M', b'Q', b'P', 0..=3, 0..=1, 0..=9, 0..=10] => "AMQP",
        [b'A', b'M', b'Q', b'P', 0, 0, 9, 1, ..] | [b'A', b'M', b'Q', b'P', 0 | 3, 1, 0, 0, ..] => "AMQP",
        // NetBIOS' length, then the mark of SMB 1, 2, an encrypted or a compressed message.
        [0, 0 | 1, _, _, 0xfc..=0xff, b'S', b'M', b'B', ..] => "SMB",
        // A session request with two names of 34 bytes, and what refuses it (RFC 1002 §4.3).
        [0x81, 0, 0, 0x44, 0x20, ..] | [0x83, 0, 0, 1, 0x80..=0x8f] => "SMB",
        [0xff, 0xfb..=0xfe, 0..=49, ..] if is_telnet(head) => "Telnet",
        // The SERVER-HELLO of SSL 2.0.
        [high, _, 4, 0 | 1, 0 | 1, 0, 2, ..] if high & 0x80 != 0 => "SSL 2.0",
        // Version, number of methods, the methods, and perhaps the request that follows; or version and the method chosen.
        [5, count @ 1..=9, ..] if is_socks5(head, usize::from(count)) => "SOCKS5",
        [5, 0 | 1 | 2 | 0xff] => "SOCKS5",
        [4, 1 | 2, _, _, _, _, _, _, ref user @ .., 0] if user.iter().all(|&byte| is_printable(byte) || byte == 0) => {
            "SOCKS4"
        }
        [0, 0x5a..=0x5d, ..] if length == 8 => "SOCKS4",
        [0x6c, 0, 11, 0, 0, 0, 0 | 18, 0, 0 | 16, 0, 0, 0, ..]
        | [0x42, 0, 0, 11, 0, 0, 0, 0 | 18, 0, 0 | 16, 0, 0, ..] => "X11",
        // A forwarded request, a CPing; the answer to that.
        [0x12, 0x34, _, _, 2 | 7 | 8 | 10, ..] if u16_at(head, 2).is_some_and(|bytes| bytes > 0 && bytes <= 8192) => {
            "AJP"
        }
        [b'A', b'B', 0, 1, 9] => "AJP",
        [b'Z', b'B', b'X', b'D', 1..=7, ..] => "Zabbix",
        // The time of the client, then four zeros, then random bytes.
        [3, _, _, _, _, 0, 0, 0, 0, ..] if length >= 64 => "RTMP",
        [0x13, ref words @ ..] if words.starts_with(b"BitTorrent protocol") => "BitTorrent",
        [_, _, 0x38 | 0x40 | 0x50, ..] if is_openvpn(head) => "OpenVPN",
        _ if is_dns(head) => "DNS",
        _ if is_minecraft(head) => "Minecraft",
        _ => return None,
    })
}

/// A CONNECT of MQTT: the remaining length in up to four bytes, then the protocol's name and level.
fn is_mqtt_connect(head: &[u8]) -> bool {
    let bytes = head.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count();
    let Some(variable) = bytes.checked_add(2).and_then(|at| head.get(at..)) else {
        return false;
    };
    bytes <= 3
        && (variable.starts_with(b"\x00\x04MQTT\x04")
            || variable.starts_with(b"\x00\x04MQTT\x05")
            || variable.starts_with(b"\x00\x06MQIsdp\x03"))
}

/// Commands of Telnet, three bytes each (RFC 854); what follows them is a subnegotiation, or text.
fn is_telnet(head: &[u8]) -> bool {
    let mut rest = head.get(..NAMED_WITHIN).unwrap_or(head);
    while let [0xff, 0xfb..=0xfe, 0..=49, after @ ..] = rest {
        rest = after;
    }
    let is_text = |byte: &u8| is_printable(*byte) || matches!(byte, 0 | b'\r' | b'\n' | 0x1b);
    // Of the last command perhaps not all was at hand.
    matches!(rest, [0xff, 0xfa, ..] | [0xff] | [0xff, 0xfb..=0xfe]) || rest.iter().all(is_text)
}

/// A greeting of SOCKS 5 with this number of methods (RFC 1928 §3), alone or followed by the next message.
fn is_socks5(head: &[u8], methods: usize) -> bool {
    let Some((methods, after)) = head.get(2..).and_then(|rest| rest.split_at_checked(methods)) else {
        return false;
    };
    methods.iter().all(|method| matches!(method, 0..=9 | 0x80..=0xfe))
        && after.first().is_none_or(|&version| matches!(version, 1 | 5))
}

/// A hard reset of OpenVPN over TCP: the length of the packet, the operation, a session. Without a key for the control channel the rest is
/// known; with one it is as long as a digest or a cipher asks.
fn is_openvpn(head: &[u8]) -> bool {
    let Some(length) = u16_at(head, 0).filter(|length| length + 2 == head.len()) else {
        return false;
    };
    match length {
        14 => head.get(11..) == Some(&[0; 5]),
        26 => head.get(11) == Some(&1),
        _ => (42..=128).contains(&length),
    }
}

/// A message of DNS over TCP (RFC 1035 §4.2.2): its length, flags of a query or an answer, one question whose name can be read.
fn is_dns(head: &[u8]) -> bool {
    let (Some(length), Some(flags), Some(1)) = (u16_at(head, 0), u16_at(head, 4), u16_at(head, 6)) else {
        return false;
    };
    let is_answer = flags & 0x8000 != 0;
    // Operation 0, and the bit that is reserved.
    if flags & 0x7840 != 0 || !is_answer && (u16_at(head, 8) != Some(0) || u16_at(head, 10) != Some(0)) {
        return false;
    }
    if length.saturating_add(2) < head.len() || length < 17 {
        return false;
    }
    let mut rest = head.get(14..).unwrap_or_default();
    loop {
        match *rest {
            // Type and class: the Internet's, or any.
            [0, _, _, 0, 1 | 255, ..] => return true,
            [label @ 1..=63, ref after @ ..] => {
                let Some((label, after)) = after.split_at_checked(usize::from(label)) else {
                    return false;
                };
                if !label.iter().all(|&byte| is_printable(byte)) {
                    return false;
                }
                rest = after;
            }
            _ => return false,
        }
    }
}

/// A handshake of Minecraft: length, packet 0, version, the server's name, port, and what comes next (status or login); or the ping of old
/// clients.
fn is_minecraft(head: &[u8]) -> bool {
    if head.starts_with(&[0xfe, 0x01, 0xfa]) {
        return contains(head, "\0M\0C\0|\0P\0i\0n\0g");
    }
    let [length, 0, rest @ ..] = head else { return false };
    let version = rest.iter().take_while(|byte| **byte & 0x80 != 0).count();
    let Some([name_length, name @ ..]) = version.checked_add(1).and_then(|at| rest.get(at..)) else {
        return false;
    };
    let Some((name, after)) = name.split_at_checked(usize::from(*name_length)) else {
        return false;
    };
    let expected = version.saturating_add(name.len()).saturating_add(6);
    matches!(after, [_, _, 1..=3, ..])
        && version <= 2
        && usize::from(*length) == expected
        && name.len() >= 3
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'))
}
