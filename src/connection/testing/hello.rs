//! Hellos of both sides, built from their parts.

/// Bytes behind a length of 8 bits.
pub(super) fn vec8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).expect("a short list")][..], bytes].concat()
}

/// Bytes behind a length of 16 bits.
pub(super) fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("a list").to_be_bytes()[..], bytes].concat()
}

/// Code points of 16 bits, one behind the other.
pub(super) fn codes(codes: &[u16]) -> Vec<u8> {
    codes.iter().flat_map(|code| code.to_be_bytes()).collect()
}

/// The session id that clients send, and that servers echo.
pub(super) const SESSION: [u8; 32] = [0x5e; 32];

/// A ClientHello to be. Without a word from the test it is what an up-to-date client sends for `shop.example`.
#[derive(Clone)]
pub(crate) struct Hello {
    versions: Vec<u16>,
    suites: Vec<u16>,
    groups: Vec<u16>,
    schemes: Vec<u16>,
    alpn: Vec<&'static str>,
    name: Option<String>,
    extensions: Vec<(u16, Vec<u8>)>,
    garbled: bool,
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            versions: vec![0x0304, 0x0303],
            suites: vec![0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8],
            groups: vec![29, 23, 24],
            schemes: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501],
            alpn: Vec::new(),
            name: Some("shop.example".to_owned()),
            extensions: Vec::new(),
            garbled: false,
        }
    }
}

impl Hello {
    /// Every version offered, best first. `supported_versions` is sent where TLS 1.3 is among them.
    pub(crate) fn versions(mut self, versions: &[u16]) -> Self {
        self.versions = versions.to_vec();
        self
    }

    /// TLS 1.2 alone, with the suites of it that are usual.
    pub(crate) fn tls12(self) -> Self {
        self.versions(&[0x0303])
            .suites(&[0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8])
    }

    /// Cipher suites.
    pub(crate) fn suites(mut self, suites: &[u16]) -> Self {
        self.suites = suites.to_vec();
        self
    }

    /// `supported_groups`; empty: not sent.
    pub(crate) fn groups(mut self, groups: &[u16]) -> Self {
        self.groups = groups.to_vec();
        self
    }

    /// `signature_algorithms`; empty: not sent.
    pub(crate) fn schemes(mut self, schemes: &[u16]) -> Self {
        self.schemes = schemes.to_vec();
        self
    }

    /// ALPN protocols.
    pub(crate) fn alpn(mut self, protocols: &[&'static str]) -> Self {
        self.alpn = protocols.to_vec();
        self
    }

    /// `server_name`.
    pub(crate) fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// No `server_name`.
    pub(crate) fn nameless(mut self) -> Self {
        self.name = None;
        self
    }

    /// One more extension.
    pub(crate) fn extension(mut self, kind: u16, body: &[u8]) -> Self {
        self.extensions.push((kind, body.to_vec()));
        self
    }

    /// The list of suites is one byte too long: no receiver can read it.
    pub(crate) fn garbled(mut self) -> Self {
        self.garbled = true;
        self
    }

    /// The body of the handshake message.
    pub(super) fn body(&self) -> Vec<u8> {
        let offers_13 = self.versions.contains(&0x0304);
        let legacy = self
            .versions
            .iter()
            .copied()
            .filter(|version| *version <= 0x0303)
            .max()
            .unwrap_or(0x0303);
        let mut extensions = Vec::new();
        let mut add = |kind: u16, body: &[u8]| extensions.extend([&kind.to_be_bytes()[..], &vec16(body)].concat());
        if let Some(name) = &self.name {
            add(0, &vec16(&[&[0][..], &vec16(name.as_bytes())].concat()));
        }
        if !self.groups.is_empty() {
            add(10, &vec16(&codes(&self.groups)));
        }
        if !self.schemes.is_empty() {
            add(13, &vec16(&codes(&self.schemes)));
        }
        if !self.alpn.is_empty() {
            let names: Vec<u8> = self.alpn.iter().flat_map(|name| vec8(name.as_bytes())).collect();
            add(16, &vec16(&names));
        }
        if offers_13 {
            add(43, &vec8(&codes(&self.versions)));
            if let Some(group) = self.groups.first() {
                add(51, &vec16(&[&group.to_be_bytes()[..], &vec16(&[9; 32])].concat()));
            }
        }
        for (kind, body) in &self.extensions {
            add(*kind, body);
        }
        let mut suites = codes(&self.suites);
        if self.garbled {
            suites.push(0);
        }
        let mut body = [
            &legacy.to_be_bytes()[..],
            &[0xc1; 32],
            &vec8(&SESSION),
            &vec16(&suites),
            &[1, 0],
        ]
        .concat();
        if !extensions.is_empty() {
            body.extend(vec16(&extensions));
        }
        body
    }
}

/// A ServerHello to be.
#[derive(Clone)]
pub(crate) struct ServersHello {
    version: u16,
    suite: u16,
    psk: bool,
    echoes: bool,
    retry: bool,
    downgraded: bool,
    extensions: Vec<(u16, Vec<u8>)>,
}

/// The random value that makes a ServerHello a HelloRetryRequest (RFC 9846 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl ServersHello {
    pub(super) const fn new(version: u16, suite: u16) -> Self {
        Self {
            version,
            suite,
            psk: false,
            echoes: version == 0x0304,
            retry: false,
            downgraded: false,
            extensions: Vec::new(),
        }
    }

    /// Takes the pre-shared key (TLS 1.3).
    pub(crate) const fn psk(mut self) -> Self {
        self.psk = true;
        self
    }

    /// Echoes the client's session id: in TLS ≤ 1.2 the session is resumed.
    pub(crate) const fn resumes(mut self) -> Self {
        self.echoes = true;
        self
    }

    /// One more extension.
    pub(crate) fn extension(mut self, kind: u16, body: &[u8]) -> Self {
        self.extensions.push((kind, body.to_vec()));
        self
    }

    /// More extensions, with nothing in them.
    pub(crate) fn extensions(self, kinds: &[u16]) -> Self {
        kinds.iter().fold(self, |hello, kind| hello.extension(*kind, &[]))
    }

    /// A HelloRetryRequest.
    pub(super) const fn retry(mut self) -> Self {
        self.retry = true;
        self
    }

    /// Says in its random that it can do TLS 1.3.
    pub(crate) const fn downgraded(mut self) -> Self {
        self.downgraded = true;
        self
    }

    /// The body of the handshake message.
    pub(super) fn body(&self) -> Vec<u8> {
        let tls13 = self.version == 0x0304;
        let mut extensions = Vec::new();
        let mut add = |kind: u16, body: &[u8]| extensions.extend([&kind.to_be_bytes()[..], &vec16(body)].concat());
        if tls13 {
            add(43, &[3, 4]);
            if self.retry {
                add(51, &codes(&[23]));
            } else {
                add(51, &[&codes(&[29])[..], &vec16(&[8; 32])].concat());
            }
        }
        if self.psk {
            add(41, &[0, 0]);
        }
        for (kind, body) in &self.extensions {
            add(*kind, body);
        }
        let legacy = if tls13 { 0x0303_u16 } else { self.version };
        let mut random = if self.retry { RETRY } else { [0x5f; 32] };
        if self.downgraded {
            random[24..].copy_from_slice(b"DOWNGRD\x01");
        }
        let session: &[u8] = if self.echoes { &SESSION } else { &[] };
        let mut body = [
            &legacy.to_be_bytes()[..],
            &random,
            &vec8(session),
            &self.suite.to_be_bytes(),
            &[0],
        ]
        .concat();
        if !extensions.is_empty() {
            body.extend(vec16(&extensions));
        }
        body
    }
}
