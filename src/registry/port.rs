//! Ports of TLS.

/// Ports that IANA registers for a protocol over TLS from the first byte.
pub(crate) fn is_tls_port(port: u16) -> bool {
    matches!(
        port,
        443 | 465
            | 563
            | 636
            | 853
            | 989
            | 990
            | 992
            | 993
            | 994
            | 995
            | 2376
            | 3269
            | 4433
            | 5061
            | 5223
            | 5671
            | 5986
            | 6443
            | 6514
            | 6697
            | 8443
            | 8883
            | 9443
    )
}
