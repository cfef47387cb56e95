//! Errors of ICMP and ICMPv6, by type and code: the IANA registries "Internet Control Message Protocol (ICMP) Parameters" and "Internet Control
//! Message Protocol version 6 (ICMPv6) Parameters".

use super::{Row, find, row};

/// ICMP.
const V4: &[Row<(u8, u8)>] = &[
    row((3, 0), "net unreachable", "RFC 792"),
    row((3, 1), "host unreachable", "RFC 792"),
    row((3, 2), "protocol unreachable", "RFC 792"),
    row((3, 3), "port unreachable", "RFC 792"),
    row((3, 4), "fragmentation needed and don't fragment was set", "RFC 792"),
    row((3, 5), "source route failed", "RFC 792"),
    row((3, 6), "destination network unknown", "RFC 1122 §3.2.2.1"),
    row((3, 7), "destination host unknown", "RFC 1122 §3.2.2.1"),
    row((3, 8), "source host isolated", "RFC 1122 §3.2.2.1"),
    row(
        (3, 9),
        "communication with destination network administratively prohibited",
        "RFC 1122 §3.2.2.1",
    ),
    row(
        (3, 10),
        "communication with destination host administratively prohibited",
        "RFC 1122 §3.2.2.1",
    ),
    row(
        (3, 11),
        "destination network unreachable for type of service",
        "RFC 1122 §3.2.2.1",
    ),
    row(
        (3, 12),
        "destination host unreachable for type of service",
        "RFC 1122 §3.2.2.1",
    ),
    row((3, 13), "communication administratively prohibited", "RFC 1812"),
    row((3, 14), "host precedence violation", "RFC 1812"),
    row((3, 15), "precedence cutoff in effect", "RFC 1812"),
    row((11, 0), "time to live exceeded in transit", "RFC 792"),
    row((11, 1), "fragment reassembly time exceeded", "RFC 792"),
];

/// ICMPv6.
const V6: &[Row<(u8, u8)>] = &[
    row((1, 0), "no route to destination", "RFC 4443 §3.1"),
    row(
        (1, 1),
        "communication with destination administratively prohibited",
        "RFC 4443 §3.1",
    ),
    row((1, 2), "beyond scope of source address", "RFC 4443 §3.1"),
    row((1, 3), "address unreachable", "RFC 4443 §3.1"),
    row((1, 4), "port unreachable", "RFC 4443 §3.1"),
    row((1, 5), "source address failed ingress/egress policy", "RFC 4443 §3.1"),
    row((1, 6), "reject route to destination", "RFC 4443 §3.1"),
    row((1, 7), "error in source routing header", "RFC 6554"),
    row((1, 8), "headers too long", "RFC 8883"),
    row((2, 0), "packet too big", "RFC 4443 §3.2"),
    row((3, 0), "hop limit exceeded in transit", "RFC 4443 §3.3"),
    row((3, 1), "fragment reassembly time exceeded", "RFC 4443 §3.3"),
];

/// The name of an error of ICMP, or of ICMPv6.
pub(crate) fn icmp_error_name(is_v6: bool, kind: u8, code: u8) -> Option<&'static str> {
    Some(find(if is_v6 { V6 } else { V4 }, (kind, code))?.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_unique() {
        for table in [V4, V6] {
            assert!(table.is_sorted_by(|one, other| one.code < other.code));
            assert!(table.iter().all(|row| row.source.starts_with("RFC")));
        }
    }

    #[test]
    fn the_same_numbers_mean_something_else_in_the_other_version() {
        assert_eq!(icmp_error_name(false, 3, 1), Some("host unreachable"));
        assert_eq!(icmp_error_name(true, 3, 1), Some("fragment reassembly time exceeded"));
        assert_eq!(icmp_error_name(true, 128, 0), None);
    }
}
