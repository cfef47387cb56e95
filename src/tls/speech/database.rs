//! Binary protocols of databases and directories.

use super::{contains, is_printable, u16_at, u32_at};

/// Names the protocol where it is one of these.
pub(super) fn name(head: &[u8]) -> Option<&'static str> {
    Some(match head {
        _ if is_postgresql(head) => "PostgreSQL",
        _ if is_mysql(head) => "MySQL",
        _ if is_tds(head) => "TDS (SQL Server)",
        _ if is_tns(head) => "Oracle TNS",
        _ if is_mongodb(head) => "MongoDB",
        _ if is_cassandra(head) => "Cassandra",
        _ if is_ldap(head) => "LDAP",
        _ if is_memcached(head) => "memcached",
        _ if is_zookeeper(head) => "ZooKeeper",
        _ if is_kafka(head) => "Kafka",
        _ if is_elasticsearch(head) => "Elasticsearch transport",
        _ if is_bolt(head) => "Bolt (Neo4j)",
        _ => return None,
    })
}

/// A request for encryption or to cancel, a startup message of protocol 3 with its first parameter; an error or a request to
/// authenticate.
fn is_postgresql(head: &[u8]) -> bool {
    match *head {
        [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f | 0x30] | [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e, ..] => true,
        [0, 0, _, _, 0, 3, 0, 0, letter, ..] => letter.is_ascii_lowercase(),
        [b'E', 0, 0, _, _, b'S', letter, ..] => letter.is_ascii_uppercase(),
        [b'R', 0, 0, 0, 8 | 12, 0, 0, 0, 0 | 3 | 5, ..] | [b'R', 0, 0, 0, _, 0, 0, 0, 10, b'S', b'C', b'R', ..] => true,
        _ => false,
    }
}

/// A packet: length in three bytes, sequence number 0, then the version of the protocol and of the server, or the mark of an error and its
/// number, which begins at 1000. Or the client's request for TLS: 32 bytes, sequence number 1. Or the first notice of the X protocol.
fn is_mysql(head: &[u8]) -> bool {
    match *head {
        [_, _, 0, 0, 0x0a, b'0'..=b'9', digit, ..] => matches!(digit, b'0'..=b'9' | b'.'),
        [_, 0..=2, 0, 0, 0xff, low, high, letter, ..] => {
            let code = u16::from_le_bytes([low, high]);
            (1000..5000).contains(&code) && is_printable(letter)
        }
        [0x20, 0, 0, 1, _, _, _, _, _, _, _, _, _, 0, 0, 0, ..] => true,
        [5, 0, 0, 0, 0x0b, 8, 5, 0x1a, 0] => true,
        _ => false,
    }
}

/// The header of a packet, type PRELOGIN or a reply to it, and the first option, VERSION (MS-TDS §2.2.6.5).
fn is_tds(head: &[u8]) -> bool {
    match *head {
        [0x12, 0 | 1, _, _, 0, 0, 0 | 1, 0, 0, 0, ..] => true,
        [4, 1, _, _, _, _, 0 | 1, 0, 0, 0, ..] => u16_at(head, 2) == Some(head.len()),
        _ => false,
    }
}

/// A packet of TNS: length, no checksums; a connect with its versions, a refusal with its reason, or the request to send it again.
fn is_tns(head: &[u8]) -> bool {
    let is_whole = u16_at(head, 0) == Some(head.len());
    match *head {
        [_, _, 0, 0, 1, 0, 0, 0, 1, 0x2c..=0x3f, 1, 0x00..=0x3f, ..] => true,
        [0, 8, 0, 0, 11, 0 | 4, 0, 0] => true,
        [_, _, 0, 0, 4, 0, 0, 0, ..] => is_whole && contains(head, "(DESCRIPTION="),
        _ => false,
    }
}

/// A message's header in little-endian: length, two numbers, and the code of OP_MSG, OP_QUERY or OP_COMPRESSED.
fn is_mongodb(head: &[u8]) -> bool {
    matches!(
        *head,
        [_, _, 0 | 1, 0, _, _, _, _, _, _, _, _, 0xdd | 0xd4 | 0xdc, 7, 0, 0, ..]
    )
}

/// A frame of CQL: version, flags, stream, operation, length. STARTUP has one known key; a server that cannot read what came says so.
fn is_cassandra(head: &[u8]) -> bool {
    match *head {
        [3..=5, 0..=0x10, _, _, 1, 0, 0, ..] => contains(head.get(..48).unwrap_or(head), "CQL_VERSION"),
        [3..=5, 0..=0x10, _, _, 5, 0, 0, 0, 0] => true,
        [0x81..=0x85, 0..=0x10, _, _, 0, 0, 0, _, _, 0, 0, 0, 0x0a, 0, ..] => contains(head, "protocol version"),
        _ => false,
    }
}

/// A BER sequence that begins with a message id, then an operation of LDAP (RFC 4511 §4.1.1).
fn is_ldap(head: &[u8]) -> bool {
    let contents = match head {
        [0x30, ..=0x7f, rest @ ..] | [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] => rest,
        [0x30, 0x84, _, _, _, _, rest @ ..] => rest,
        _ => return false,
    };
    let ([2, 1, _, operation, ..] | [2, 2, _, _, operation, ..]) = contents else {
        return false;
    };
    // Constructed requests and responses, and the three that are primitive: unbind, delete, abandon.
    matches!(operation, 0x60 | 0x61 | 0x63..=0x69 | 0x6b..=0x6f | 0x73 | 0x77..=0x79 | 0x42 | 0x4a | 0x50)
}

/// The header of the binary protocol: magic, a known operation, lengths that fit each other.
fn is_memcached(head: &[u8]) -> bool {
    // A request's bucket is 0 everywhere, in an answer the status stands there.
    let ([0x80, ..=0x25, _, _, extras, 0, 0, 0, ..] | [0x81, ..=0x25, _, _, extras, 0, 0, _, ..]) = *head else {
        return false;
    };
    let (Some(key), Some(body)) = (u16_at(head, 2), u32_at(head, 8)) else {
        return false;
    };
    let least = key.saturating_add(usize::from(extras));
    head.len() >= 24 && key <= 250 && extras <= 20 && least <= body && body <= 1 << 20
}

/// A ConnectRequest: protocol 0, and a password of 16 bytes behind zxid, timeout and session.
fn is_zookeeper(head: &[u8]) -> bool {
    matches!(*head, [0, 0, 0, 44 | 45, 0, 0, 0, 0, ..])
        && head.get(28..32) == Some(&[0, 0, 0, 16])
        && matches!(head.len(), 48 | 49)
}

/// A request that comes first (ApiVersions, Metadata, SaslHandshake): length, key, version, number, and a client's name or none.
fn is_kafka(head: &[u8]) -> bool {
    let (Some(length), Some(name_length)) = (u32_at(head, 0), u16_at(head, 12)) else {
        return false;
    };
    let is_first = matches!(*head, [0, 0, _, _, 0, 3 | 17 | 18, 0, 0..=13, ..]);
    let name_fits = match name_length {
        0xffff => true,
        _ => {
            name_length <= 255
                && head.get(14..).is_some_and(|rest| {
                    let name = rest.get(..name_length).unwrap_or(rest);
                    name.iter().all(|&byte| is_printable(byte))
                })
        }
    };
    is_first && name_fits && length >= 10 && length.checked_add(4).is_some_and(|whole| whole >= head.len().min(64))
}

/// `ES`, a length, a number and the mark of a request or of an answer.
fn is_elasticsearch(head: &[u8]) -> bool {
    matches!(
        *head,
        [b'E', b'S', 0, 0, _, _, 0, 0, 0, 0, _, _, _, _, 0..=0x0f, 0, _, _, _, ..]
    )
}

/// The preamble of Bolt, and four versions.
fn is_bolt(head: &[u8]) -> bool {
    matches!(*head, [0x60, 0x60, 0xb0, 0x17, 0, ..])
}
