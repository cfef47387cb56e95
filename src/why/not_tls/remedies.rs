//! How each protocol is spoken over TLS: what its clients have to be told, and what its servers.

/// What to do where a protocol is spoken in the clear and TLS was meant.
#[derive(Debug)]
pub(super) struct Remedies {
    /// As [`Plaintext`](crate::tls::Plaintext) names it.
    pub(super) protocol: &'static str,
    /// How a client of this protocol is made to use TLS.
    pub(super) client: &'static str,
    /// How a server of this protocol is made to speak TLS, or that it never does.
    pub(super) server: &'static str,
    /// What `openssl s_client -starttls` calls the protocol, where TLS may begin within it.
    pub(super) starttls: Option<&'static str>,
}

/// The remedies of this protocol; none where there is no more to say than to look at the port.
pub(super) fn remedies(protocol: &str) -> Option<&'static Remedies> {
    REMEDIES.iter().find(|row| row.protocol == protocol)
}

const fn row(
    protocol: &'static str,
    client: &'static str,
    server: &'static str,
    starttls: Option<&'static str>,
) -> Remedies {
    Remedies {
        protocol,
        client,
        server,
        starttls,
    }
}

const REMEDIES: &[Remedies] = &[
    row(
        "HTTP",
        "https:// goes to the port with TLS (443, 8443), http:// to the one without",
        "nginx: `listen 443 ssl;`, Apache: `SSLEngine on`, HAProxy: `bind :443 ssl crt FILE`",
        None,
    ),
    row(
        "HTTP/2 without TLS",
        "gRPC: channel credentials that fit the server, TLS or insecure; curl --http2-prior-knowledge is without TLS",
        "gRPC: server credentials with certificate and key; nginx: `listen 443 ssl http2;`",
        None,
    ),
    row(
        "HTTP proxy request",
        "this port is no HTTP proxy: correct https_proxy, or write https:// in it where the proxy itself speaks TLS",
        "Squid: `https_port 3129 tls-cert=FILE`",
        None,
    ),
    row(
        "PROXY protocol",
        "the balancer in front sends a PROXY header: remove `send-proxy` there, or accept it at the server",
        "nginx: `listen 443 ssl proxy_protocol;`, HAProxy: `bind :443 accept-proxy ssl crt FILE`",
        None,
    ),
    row(
        "SMTP",
        "smtps:// is port 465; on 587 and 25 TLS begins with STARTTLS (curl: smtp:// with --ssl-reqd)",
        "Postfix, in master.cf: `-o smtpd_tls_wrappermode=yes`",
        Some("smtp"),
    ),
    row(
        "LMTP",
        "TLS begins with STARTTLS",
        "Dovecot: `ssl = yes` in the listener",
        Some("lmtp"),
    ),
    row(
        "IMAP",
        "imaps:// is port 993; on 143 TLS begins with STARTTLS",
        "Dovecot: `inet_listener imaps { port = 993 ssl = yes }`",
        Some("imap"),
    ),
    row(
        "POP3",
        "pop3s:// is port 995; on 110 TLS begins with STLS",
        "Dovecot: `inet_listener pop3s { port = 995 ssl = yes }`",
        Some("pop3"),
    ),
    row(
        "ManageSieve",
        "TLS begins with STARTTLS on port 4190",
        "Dovecot: `ssl = yes`",
        Some("sieve"),
    ),
    row(
        "FTP",
        "ftps:// is port 990; on 21 TLS begins with AUTH TLS (curl: ftp:// with --ssl-reqd)",
        "vsftpd: `implicit_ssl=YES`, ProFTPD: `TLSOptions UseImplicitSSL`",
        Some("ftp"),
    ),
    row(
        "NNTP",
        "nntps:// is port 563; on 119 TLS begins with STARTTLS",
        "INN: `nnrpd -S`",
        Some("nntp"),
    ),
    row(
        "XMPP",
        "on 5222 and 5269 TLS begins with STARTTLS; TLS from the first byte is 5223 and 5270",
        "Prosody: `c2s_direct_tls_ports = { 5223 }`",
        Some("xmpp"),
    ),
    row(
        "IRC",
        "ircs:// is port 6697: most clients have a switch for TLS beside the port",
        "ngircd: `[SSL] Ports = 6697`, InspIRCd: `<bind port=\"6697\" sslprofile=\"…\">`",
        Some("irc"),
    ),
    row(
        "LDAP",
        "ldaps:// is port 636 (3269 for the global catalogue); on 389 TLS begins with StartTLS (ldapsearch -ZZ)",
        "OpenLDAP: `slapd -h ldaps:///`; Active Directory needs a certificate for the domain controller",
        Some("ldap"),
    ),
    row(
        "PostgreSQL",
        "sslmode=verify-full: TLS begins within the protocol; from the first byte only since 17 with sslnegotiation=direct",
        "postgresql.conf: `ssl = on`",
        Some("postgres"),
    ),
    row(
        "MySQL",
        "--ssl-mode=VERIFY_IDENTITY (MariaDB: --ssl-verify-server-cert): the server greets first, TLS begins after that",
        "its own TLS: `ssl_cert`, `ssl_key` in my.cnf; from the first byte only behind a proxy such as stunnel",
        Some("mysql"),
    ),
    row(
        "TDS (SQL Server)",
        "Encrypt=Mandatory: TLS begins within the protocol; from the first byte with Encrypt=Strict (TDS 8.0)",
        "SQL Server 2022: `Force Strict Encryption`",
        None,
    ),
    row(
        "Oracle TNS",
        "a connect descriptor with PROTOCOL=TCPS",
        "listener.ora: an ADDRESS with PROTOCOL=TCPS and a wallet",
        None,
    ),
    row(
        "Redis",
        "rediss:// and redis-cli --tls go to the server's tls-port, redis:// to the other",
        "redis.conf: `tls-port 6379`, `port 0`, `tls-cert-file`, `tls-key-file`",
        None,
    ),
    row(
        "memcached",
        "TLS is a switch of the client library, and has to fit the server's -Z",
        "memcached -Z -o ssl_chain_cert=FILE,ssl_key=FILE",
        None,
    ),
    row(
        "MongoDB",
        "tls=true in the connection string, where the server has TLS",
        "mongod.conf: `net.tls.mode: requireTLS`",
        None,
    ),
    row(
        "Cassandra",
        "cqlsh --ssl, where the server has TLS",
        "cassandra.yaml: `client_encryption_options: enabled: true`",
        None,
    ),
    row(
        "Kafka",
        "security.protocol has to fit the listener: SSL or SASL_SSL with TLS, PLAINTEXT or SASL_PLAINTEXT without",
        "server.properties: a listener SSL:// or SASL_SSL://",
        None,
    ),
    row(
        "ZooKeeper",
        "zookeeper.client.secure=true with the Netty client",
        "zoo.cfg: `secureClientPort`",
        None,
    ),
    row(
        "Elasticsearch transport",
        "xpack.security.transport.ssl.enabled: true on every node",
        "xpack.security.transport.ssl.enabled: true on every node",
        None,
    ),
    row(
        "Bolt (Neo4j)",
        "bolt+s:// or neo4j+s:// with TLS, bolt:// without",
        "neo4j.conf: `server.bolt.tls_level=REQUIRED`",
        None,
    ),
    row(
        "MQTT",
        "mqtts:// is port 8883 (mosquitto_pub --cafile FILE), mqtt:// 1883",
        "Mosquitto: `listener 8883` with `certfile` and `keyfile`",
        None,
    ),
    row(
        "AMQP",
        "amqps:// is port 5671, amqp:// 5672",
        "RabbitMQ: `listeners.ssl.default = 5671`",
        None,
    ),
    row(
        "STOMP",
        "stomp+ssl://, usually port 61614",
        "RabbitMQ: `stomp.listeners.ssl.1 = 61614`",
        None,
    ),
    row(
        "NATS",
        "tls:// instead of nats://: the server greets first, TLS begins after that",
        "`tls { cert_file key_file handshake_first: true }`",
        None,
    ),
    row(
        "DNS",
        "DNS over TLS is port 853 (kdig +tls), plain DNS 53",
        "Unbound: `tls-port: 853`, BIND: `listen-on port 853 tls NAME`",
        None,
    ),
    row(
        "SIP",
        "sips: or transport=tls, port 5061",
        "a TLS transport on 5061; Asterisk: `protocol=tls`",
        None,
    ),
    row("RTSP", "rtsps://, port 322", "the server's RTSPS port", None),
    row("RTMP", "rtmps://", "the server's RTMPS port", None),
    row(
        "syslog",
        "rsyslog: `StreamDriver=\"gtls\" StreamDriverMode=\"1\"`, port 6514",
        "rsyslog: imtcp with `StreamDriver.Mode=\"1\"`",
        None,
    ),
    row(
        "RDP",
        "an RDP client: TLS begins after its own first two messages",
        "RDP never begins with TLS",
        None,
    ),
    row(
        "SSH",
        "ssh: it has its own encryption, and no TLS",
        "SSH has no TLS",
        None,
    ),
    row(
        "VNC",
        "a client with VeNCrypt, in which TLS begins, or a tunnel",
        "VNC never begins with TLS",
        None,
    ),
    row(
        "SMB",
        "an SMB client: it has its own encryption, and no TLS on port 445",
        "SMB over TCP has no TLS",
        None,
    ),
    row(
        "rsync",
        "rsync-ssl, or rsync over ssh",
        "stunnel or HAProxy in front of the daemon",
        None,
    ),
    row(
        "Telnet",
        "a client with TLS (telnets is port 992), or ssh",
        "stunnel in front",
        None,
    ),
    row("Zabbix", "TLSConnect=cert or psk", "TLSAccept=cert or psk", None),
    row(
        "AJP",
        "AJP has no TLS: let the proxy speak https:// to Tomcat's own TLS connector",
        "Tomcat: `SSLEnabled=\"true\"` in an HTTP connector",
        None,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::name_plaintext;

    #[test]
    fn a_protocol_has_one_row() {
        for (at, row) in REMEDIES.iter().enumerate() {
            assert!(
                REMEDIES[at + 1..].iter().all(|other| other.protocol != row.protocol),
                "{}",
                row.protocol
            );
        }
    }

    #[test]
    fn rows_are_found_by_the_names_that_speech_has() {
        for head in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"220 mail.example ESMTP\r\n",
            b"* OK ready\r\n",
            b"+OK ready\r\n",
            b"*1\r\n$4\r\nPING\r\n",
            b"AMQP\0\0\x09\x01",
            b"RFB 003.008\n",
            &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f],
        ] {
            let protocol = name_plaintext(head).unwrap().protocol;
            assert!(remedies(protocol).is_some(), "{protocol}");
        }
        assert!(remedies("a text protocol").is_none());
    }
}
