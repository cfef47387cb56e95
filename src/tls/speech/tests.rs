use proptest::prelude::*;

use super::quote::QUOTE_MAX;
use super::text::SOME_TEXT;
use super::*;

fn name(head: &[u8]) -> Option<&'static str> {
    name_plaintext(head).map(|plaintext| plaintext.protocol)
}

/// First bytes as specifications give them or as the programs send them, client and server, in the order of the rules.
const SPEECH: &[(&str, &[u8])] = &[
    ("HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n"),
    ("HTTP", b"OPTIONS * HTTP/1.1\r\n"),
    ("HTTP", b"POST /a/path/that/is/so/long/that/its/line/does/not/end/within/sixty/four/bytes HTTP/1.1\r\n"),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n"),
    ("HTTP", b"<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\""),
    ("HTTP", b"<html><body>"),
    ("HTTP/2 without TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("HTTP/2 without TLS", &[0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]),
    ("HTTP proxy request", b"CONNECT a:443 HTTP/1.1\r\n"),
    ("SIP", b"OPTIONS sip:a@b SIP/2.0\r\n"),
    ("SIP", b"SUBSCRIBE sip:a@b SIP/2.0\r\n"),
    ("SIP", b"SIP/2.0 400 Bad Request\r\n"),
    ("RTSP", b"DESCRIBE rtsp://cam.example/1 RTSP/1.0\r\nCSeq: 1\r\n"),
    ("RTSP", b"RTSP/1.0 400 Bad Request\r\n"),
    ("PROXY protocol", b"PROXY TCP4 10.0.0.5 10.0.0.1 40000 443\r\n"),
    ("PROXY protocol", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("SMTP", b"EHLO client.example\r\n"),
    ("SMTP", b"220 mx.example ESMTP Postfix\r\n"),
    ("SMTP", b"220-mx.example\r\n220 ESMTP ready\r\n"),
    ("LMTP", b"LHLO client.example\r\n"),
    ("FTP", b"AUTH TLS\r\n"),
    ("FTP", b"220 ProFTPD Server\r\n"),
    ("FTP", b"220-FileZilla Server 1.8.0\r\n"),
    ("SMTP or FTP", b"220 ready\r\n"),
    ("NNTP", b"200 news.example InterNetNews NNRP server ready (posting ok)\r\n"),
    ("IMAP", b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
    ("IMAP", b"a1 CAPABILITY\r\n"),
    ("POP3", b"+OK ready\r\n"),
    ("ManageSieve", b"\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\n"),
    ("IRC", b"NICK anna\r\n"),
    ("IRC", b"CAP LS 302\r\n"),
    ("IRC", b"USER anna 0 * :Anna\r\n"),
    ("IRC", b":irc.example NOTICE * :*** Looking up your hostname...\r\n"),
    ("IRC", b":irc.example 451 * :Connection not registered\r\n"),
    ("IRC", b"ERROR :Closing Link: a\r\n"),
    ("XMPP", b"<?xml version='1.0'?><stream:stream to='a' xmlns='jabber:client'>"),
    ("XML", b"<?xml version='1.0'?><a/>"),
    ("VNC", b"RFB 003.008\n"),
    ("rsync", b"@RSYNCD: 31.0\n"),
    ("syslog", b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed\n"),
    ("syslog", b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed\n"),
    ("syslog", b"61 <165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 p 8710 - - x"),
    ("STOMP", b"CONNECT\naccept-version:1.2\nhost:a\n\n\0"),
    ("STOMP", b"STOMP\naccept-version:1.2\n"),
    ("NATS", b"INFO {\"server_id\":\"NDH\",\"version\":\"2.10.7\"}\r\n"),
    ("NATS", b"CONNECT {\"verbose\":false}\r\n"),
    ("Git", b"0032git-upload-pack /project.git\0host=git.example\0"),
    ("Redis", b"*1\r\n$4\r\nPING\r\n"),
    ("Redis", b"*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n"),
    ("Redis", b"-NOAUTH Authentication required.\r\n"),
    ("Redis", b"-ERR unknown command 'a', with args beginning with: \r\n"),
    ("Redis or POP3", b"-ERR no\r\n"),
    ("memcached", b"get key\r\n"),
    ("memcached", b"set key 0 900 4\r\ndata\r\n"),
    ("memcached", b"ERROR\r\nERROR\r\n"),
    ("memcached", b"CLIENT_ERROR line too long\r\n"),
    ("memcached", b"\x80\0\0\x05\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0Hello"),
    ("memcached", b"\x81\0\0\0\0\0\0\x01\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0\0Not found"),
    ("MySQL", b"\x5b\x00\x00\x00\x0a5.5.5-10.11.6-MariaDB\0"),
    ("MySQL", b"\x17\x00\x00\x00\xff\x10\x04#08004Too many connections"),
    ("MySQL", b"\x20\0\0\x01\x85\xae\xff\x00\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("MySQL", &[5, 0, 0, 0, 0x0b, 8, 5, 0x1a, 0]),
    ("PostgreSQL", &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]),
    ("PostgreSQL", b"\0\0\0\x25\0\x03\0\0user\0anna\0database\0shop\0\0"),
    ("PostgreSQL", b"E\0\0\0\x8fSFATAL\0VFATAL\0C0A000\0"),
    ("PostgreSQL", &[b'R', 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4]),
    ("TDS (SQL Server)", &[0x12, 1, 0, 47, 0, 0, 1, 0, 0, 0, 26, 0, 6, 1, 0, 32, 0, 1]),
    ("TDS (SQL Server)", &[4, 1, 0, 19, 0, 0, 1, 0, 0, 0, 6, 0, 6, 0xff, 16, 0, 0, 0, 0]),
    ("Oracle TNS", b"\0\xe2\0\0\x01\0\0\0\x01\x3a\x01\x2c\x0c\x41\x20\0\xff\xff\x7f\x08\0\0\x01\0"),
    ("Oracle TNS", &[0, 8, 0, 0, 11, 0, 0, 0]),
    ("MongoDB", b"\x3a\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0\0\0\0\0admin.$cmd\0"),
    ("MongoDB", b"\x26\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x11\0\0\0"),
    ("Cassandra", b"\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.0.0"),
    ("Cassandra", &[4, 0, 0, 0, 5, 0, 0, 0, 0]),
    ("Cassandra", b"\x84\0\0\0\0\0\0\0\x38\0\0\0\x0a\0\x32Invalid or unsupported protocol version (22); supported"),
    ("LDAP", &[0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0]),
    ("LDAP", b"\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x02\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20036"),
    (
        "ZooKeeper",
        &[
            0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x75, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    ),
    ("ZooKeeper", b"ruok"),
    ("Kafka", b"\0\0\0\x21\0\x12\0\x03\0\0\0\x01\0\x0aconsumer-1\0\x05java\x063.6.1\0"),
    ("Elasticsearch transport", b"ES\0\0\0\x3f\0\0\0\0\0\0\0\x05\x08\0\x7a\x11\x53\0\0\0"),
    ("Bolt (Neo4j)", b"\x60\x60\xb0\x17\0\0\x04\x04\0\0\0\x04\0\0\0\x03\0\0\0\0"),
    ("RDP", b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x0b\0\0\0"),
    ("RDP", b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0"),
    ("S7 (ISO on TCP)", b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a"),
    ("MQTT", b"\x10\x10\x00\x04MQTT\x04\x02\0\x3c\0\x04anna"),
    ("MQTT", b"\x10\x12\x00\x06MQIsdp\x03\x02\0\x3c\0\x04anna"),
    ("MQTT", &[0x20, 2, 0, 5]),
    ("MQTT", &[0x20, 3, 0, 0x84, 0]),
    ("AMQP", b"AMQP\0\0\x09\x01"),
    ("AMQP", b"AMQP\x03\x01\0\0"),
    ("SMB", b"\0\0\0\x45\xffSMB\x72\0\0\0\0"),
    ("SMB", b"\0\0\0\xe0\xfeSMB\x40\0\0\0"),
    ("SMB", &[0x83, 0, 0, 1, 0x8f]),
    ("Telnet", &[0xff, 0xfd, 24, 0xff, 0xfd, 32, 0xff, 0xfd, 35]),
    ("SSL 2.0", &[0x84, 0, 4, 0, 1, 0, 2, 0, 0]),
    ("SOCKS5", &[5, 1, 0]),
    ("SOCKS5", &[5, 2, 0, 2, 5, 1, 0, 3]),
    ("SOCKS5", &[5, 0xff]),
    ("SOCKS4", &[4, 1, 0, 80, 10, 0, 0, 1, 0]),
    ("SOCKS4", &[0, 0x5b, 0, 0, 0, 0, 0, 0]),
    ("X11", b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1"),
    ("AJP", b"\x12\x34\0\x01\x0a"),
    ("AJP", b"AB\0\x01\x09"),
    ("Zabbix", b"ZBXD\x01\x0e\0\0\0\0\0\0\0agent.hostname"),
    ("BitTorrent", b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x05"),
    ("OpenVPN", &[0, 14, 0x38, 0x5c, 0x1e, 0x77, 0x02, 0xa9, 0x40, 0x13, 0xee, 0, 0, 0, 0, 0]),
    (
        "OpenVPN",
        &[
            0, 26, 0x40, 0x01, 0x86, 0x5f, 0x91, 0x22, 0x4b, 0xd0, 0x7c, 1, 0, 0, 0, 0, 0x5c, 0x1e, 0x77, 0x02, 0xa9, 0x40, 0x13,
            0xee, 0, 0, 0, 0,
        ],
    ),
    ("DNS", b"\0\x1e\x3a\x1f\x01\x20\0\x01\0\0\0\0\0\0\x04shop\x07example\0\0\x01\0\x01"),
    ("DNS", b"\0\x2e\x3a\x1f\x81\x80\0\x01\0\x01\0\0\0\0\x04shop\x07example\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01"),
    ("Minecraft", b"\x10\0\xfd\x05\x09mc.shop.a\x63\xdd\x01"),
];

#[test]
fn every_protocol_is_named_by_its_first_bytes() {
    let mismatches: Vec<_> = SPEECH
        .iter()
        .filter(|(protocol, head)| name(head) != Some(protocol))
        .map(|(protocol, head)| (protocol, name(head), String::from_utf8_lossy(head)))
        .collect();
    assert!(mismatches.is_empty(), "{mismatches:#?}");
    let rtmp = [&[3, 0, 1, 2, 3, 0, 0, 0, 0][..], &[0xa7; 1528]].concat();
    assert_eq!(name(&rtmp), Some("RTMP"));
}

#[test]
fn what_only_looks_like_a_protocol_is_none() {
    let near_misses: &[&'static [u8]] = &[
        // A method without a target, a word that begins like one, a version of its own.
        b"GET  a b\r\n",
        b"GETTING on\r\n",
        b"SSH-keys are here\r\n",
        b"220x ready\r\n",
        // Priorities end at 191, months have names.
        b"<192>1 2003\n",
        b"<34>Okt 11 22:14:15\n",
        // Redis: a length that is none.
        b"*123\r\n$x\r\nPING\r\n",
        b"zzzzgit-upload-pack /a\n",
    ];
    let named = |heads: &[&'static [u8]], expected| -> Vec<_> {
        let mismatches = heads.iter().filter(|head| name(head) != expected);
        mismatches
            .map(|head| (name(head), String::from_utf8_lossy(head)))
            .collect()
    };
    assert_eq!(named(near_misses, Some(SOME_TEXT)), []);
    let near_misses: &[&'static [u8]] = &[
        &[],
        &[0x91, 0xfe, 0x03, 0x77, 0x12],
        // A greeting of MySQL needs a version, an error a number from 1000 on.
        b"\x5b\0\0\0\x0aab",
        b"\x17\0\0\0\xff\x10\x00#08004",
        // Startup of another protocol than 3, an authentication that is unknown.
        b"\0\0\0\x25\0\x04\0\0user\0",
        &[b'R', 0, 0, 0, 8, 0, 0, 0, 99],
        // One byte, as a server of PostgreSQL answers to SSLRequest, proves nothing by itself.
        b"N",
        // X.224 whose lengths do not agree; SETTINGS of seven bytes.
        &[3, 0, 0, 19, 15, 0xe0, 0, 0],
        &[0, 0, 7, 4, 0, 0, 0, 0, 0],
        // A CONNECT of MQTT 9; an OCTET STRING where LDAP has its message id.
        b"\x10\x10\x00\x04MQTT\x09\x02",
        &[0x30, 12, 4, 1, 1, 0x60, 7],
        // SNMP begins like LDAP.
        b"\x30\x26\x02\x01\x00\x04\x06public\xa0",
        // Lengths that say something else than what came.
        &[0, 13, 0x38, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0],
        b"\0\x05\x3a\x1f\x01\x20\0\x01\0\0\0\0\0\0\x04shop\x07example\0\0\x01\0\x01",
        b"\x12\0\xfd\x05\x09mc.shop.a\x63\xdd\x01",
        // A question in a class that is not the Internet's; two questions.
        b"\0\x1e\x3a\x1f\x01\x20\0\x01\0\0\0\0\0\0\x04shop\x07example\0\0\x01\0\x07",
        b"\0\x1e\x3a\x1f\x01\x20\0\x02\0\0\0\0\0\0\x04shop\x07example\0\0\x01\0\x01",
        // Four letters are not a protocol, nor is IAC before a command that is none.
        b"AMQP\x09\0\0\0",
        b"ZBXD\0",
        &[0xff, 0xfd, 200],
        &[5, 3, 0, 2],
        &[4, 1, 0, 80, 10, 0, 0, 1, 7, 9],
    ];
    assert_eq!(named(near_misses, None), []);
}

#[test]
fn records_of_tls_and_dtls_are_not_named() {
    // Some of these fit a rule but for their headers: MySQL, memcached.
    for head in [
        &[22, 3, 0, 0, 0x0a, b'5', b'.', b'7'][..],
        &[21, 3, 1, 0, 2, 2, 40],
        &[20, 3, 3, 0, 1, 1],
        &[22, 1, 1, 0, 0x0a, b'5', b'.'],
        &[22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50],
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50],
        &[
            0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    ] {
        assert_eq!(name(head), None, "{head:02x?}");
    }
}

#[test]
fn text_without_a_name_is_still_text() {
    assert_eq!(name(b"Welcome to the machine\n"), Some(SOME_TEXT));
    assert_eq!(name(b"Welcome to \xe7\xa9\xbd\x02\n"), None);
    assert_eq!(name(b"abcde"), None);
}

#[test]
fn noise_has_no_name() {
    // xorshift64 (Marsaglia, 2003): the same bytes every time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    for _ in 0..50_000 {
        let head: Vec<u8> = std::iter::repeat_with(&mut noise).take(8).flatten().collect();
        assert_eq!(name(&head), None, "{head:02x?}");
        assert_eq!(name(&head[..5]), None, "{head:02x?}");
    }
}

#[test]
fn only_an_answer_of_http_complains_and_names_the_time() {
    let said =
        |head: &[u8]| name_plaintext(head).map(|plaintext| (plaintext.complaint.is_some(), plaintext.date.is_some()));
    let words = "The plain HTTP request was sent to HTTPS port";
    let message = format!("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n{words}");
    assert_eq!(
        said(format!("HTTP/1.1 400 Bad Request\r\n{message}").as_bytes()),
        Some((true, true))
    );
    assert_eq!(
        said(format!("GET / HTTP/1.1\r\n{message}").as_bytes()),
        Some((false, false))
    );
}

proptest! {
    #[test]
    fn any_bytes_can_be_judged(head in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Some(plaintext) = name_plaintext(&head) {
            prop_assert!(plaintext.quote.len() <= QUOTE_MAX);
        }
    }

    #[test]
    fn any_part_of_any_speech_can_be_judged(
        (at, flip) in (0..SPEECH.len(), prop::collection::vec((0..64_usize, any::<u8>()), 0..4)),
        length in 0..64_usize,
    ) {
        let mut head = SPEECH[at].1.to_vec();
        for (place, byte) in flip {
            if let Some(place) = head.get_mut(place) {
                *place = byte;
            }
        }
        head.truncate(length);
        if let Some(plaintext) = name_plaintext(&head) {
            prop_assert!(plaintext.quote.len() <= QUOTE_MAX);
        }
    }

    #[test]
    fn tls_is_no_foreign_speech(
        kind in 20_u8..=24,
        version in prop::sample::select(vec![[3, 0], [3, 1], [3, 2], [3, 3], [3, 4], [1, 1]]),
        rest in prop::collection::vec(any::<u8>(), 2..80),
    ) {
        let head = [&[kind][..], &version, &rest].concat();
        prop_assert_eq!(name(&head), None);
    }

    #[test]
    fn dtls_is_no_foreign_speech(kind in 20_u8..=26, minor in 0xfc_u8..=0xff, rest in prop::collection::vec(any::<u8>(), 0..80)) {
        let head = [&[kind, 0xfe, minor][..], &rest].concat();
        prop_assert_eq!(name(&head), None);
    }

    #[test]
    fn what_follows_a_password_command_is_never_quoted(secret in "[a-zA-Z0-9+/=]{9,60}", at in 0..4_usize) {
        let sent = match at {
            0 => format!("PASS {secret}\r\n"),
            1 => format!("AUTH PLAIN {secret}\r\n"),
            2 => format!("GET http://anna:{secret}@a.example/?t={secret} HTTP/1.1\r\n"),
            _ => format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{secret}\r\n", secret.len()),
        };
        let quote = name_plaintext(sent.as_bytes()).expect("speech").quote;
        prop_assert!(!quote.contains(&secret), "{}", quote);
    }
}
