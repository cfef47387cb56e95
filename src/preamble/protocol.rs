//! The protocols that lead to TLS.

/// A protocol within which TLS begins, by the way in which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Protocol {
    /// SMTP, STARTTLS (RFC 3207).
    Smtp,
    /// LMTP, STARTTLS (RFC 2033, RFC 3207).
    Lmtp,
    /// IMAP, STARTTLS (RFC 9051 §6.2.1).
    Imap,
    /// POP3, STLS (RFC 2595 §4).
    Pop3,
    /// ManageSieve, STARTTLS (RFC 5804 §2.2).
    ManageSieve,
    /// NNTP, STARTTLS (RFC 4642).
    Nntp,
    /// FTP, AUTH TLS (RFC 4217).
    Ftp,
    /// LDAP, the StartTLS operation (RFC 4511 §4.14).
    Ldap,
    /// XMPP, STARTTLS (RFC 6120 §5).
    Xmpp,
    /// IRC, STARTTLS (IRCv3's tls capability).
    Irc,
    /// PostgreSQL's SSLRequest.
    Postgresql,
    /// The SSLRequest of MySQL and MariaDB.
    Mysql,
    /// SQL Server's PRELOGIN (MS-TDS), which goes on to wrap the handshake in packets.
    Tds,
    /// RDP's negotiation in X.224 (MS-RDPBCGR §2.2.1.1).
    Rdp,
    /// AMQP's TLS header (AMQP 1.0 §5.2).
    Amqp,
    /// HTTP CONNECT through a proxy (RFC 9110 §9.3.6).
    HttpConnect,
    /// HTTP's Upgrade: TLS (RFC 2817).
    HttpUpgrade,
    /// SOCKS 4.
    Socks4,
    /// SOCKS 4a, in which the proxy resolves the name.
    Socks4a,
    /// SOCKS 5 (RFC 1928).
    Socks5,
    /// Version 1 of the header with which a proxy tells the addresses before it.
    ProxyV1,
    /// Version 2 of that header.
    ProxyV2,
}

/// What becomes of a connection by a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Both sides agree to go on in TLS.
    Upgrade,
    /// A proxy connects the client to somebody else.
    Tunnel,
    /// Something is told, and nothing answered.
    Header,
}

impl Protocol {
    /// The word in the JSON contract.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp-starttls",
            Self::Lmtp => "lmtp-starttls",
            Self::Imap => "imap-starttls",
            Self::Pop3 => "pop3-stls",
            Self::ManageSieve => "managesieve-starttls",
            Self::Nntp => "nntp-starttls",
            Self::Ftp => "ftp-auth-tls",
            Self::Ldap => "ldap-starttls",
            Self::Xmpp => "xmpp-starttls",
            Self::Irc => "irc-starttls",
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Tds => "tds",
            Self::Rdp => "rdp",
            Self::Amqp => "amqp",
            Self::HttpConnect => "http-connect",
            Self::HttpUpgrade => "http-upgrade",
            Self::Socks4 => "socks4",
            Self::Socks4a => "socks4a",
            Self::Socks5 => "socks5",
            Self::ProxyV1 => "proxy-v1",
            Self::ProxyV2 => "proxy-v2",
        }
    }

    /// The protocol's name in a sentence.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Smtp => "SMTP",
            Self::Lmtp => "LMTP",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::ManageSieve => "ManageSieve",
            Self::Nntp => "NNTP",
            Self::Ftp => "FTP",
            Self::Ldap => "LDAP",
            Self::Xmpp => "XMPP",
            Self::Irc => "IRC",
            Self::Postgresql => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Tds => "SQL Server",
            Self::Rdp => "RDP",
            Self::Amqp => "AMQP",
            Self::HttpConnect | Self::HttpUpgrade => "HTTP",
            Self::Socks4 | Self::Socks4a => "SOCKS4",
            Self::Socks5 => "SOCKS5",
            Self::ProxyV1 | Self::ProxyV2 => "PROXY protocol",
        }
    }

    /// What asks for TLS, or for the way to it, in the words of the protocol.
    pub(crate) const fn request(self) -> &'static str {
        match self {
            Self::Smtp | Self::Lmtp | Self::Imap | Self::ManageSieve | Self::Nntp | Self::Irc => "STARTTLS",
            Self::Pop3 => "STLS",
            Self::Ftp => "AUTH TLS",
            Self::Ldap => "the StartTLS operation",
            Self::Xmpp => "<starttls/>",
            Self::Postgresql | Self::Mysql => "SSLRequest",
            Self::Tds => "encryption in PRELOGIN",
            Self::Rdp => "TLS in the connection request",
            Self::Amqp => "the TLS header",
            Self::HttpConnect => "CONNECT",
            Self::HttpUpgrade => "Upgrade: TLS",
            Self::Socks4 | Self::Socks4a | Self::Socks5 => "a connection",
            Self::ProxyV1 | Self::ProxyV2 => "the PROXY header",
        }
    }

    /// What becomes of the connection by it.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::HttpConnect | Self::Socks4 | Self::Socks4a | Self::Socks5 => Kind::Tunnel,
            Self::ProxyV1 | Self::ProxyV2 => Kind::Header,
            _ => Kind::Upgrade,
        }
    }

    /// True where a client that has asked waits for the answer before it says another word: what comes all the same may be taken by
    /// the server for words of the TLS session (CVE-2011-0411).
    pub(super) const fn waits_for_answer(self) -> bool {
        matches!(
            self,
            Self::Smtp
                | Self::Lmtp
                | Self::Imap
                | Self::Pop3
                | Self::ManageSieve
                | Self::Nntp
                | Self::Ftp
                | Self::Ldap
                | Self::Xmpp
                | Self::Irc
                | Self::Postgresql
        )
    }
}
