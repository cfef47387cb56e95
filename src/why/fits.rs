//! Which alert each stack sends for each certificate defect, and how far a sign supports a finding.
//!
//! Measured or read in the stacks' sources; a client that checks after the handshake sends nothing at all.

use crate::connection::{Fared, Observed, Rejection, Sign, Support};
use crate::registry::{AlertDescription, ProtocolVersion};
use crate::tls::ClientStack;
use crate::why::CauseId;

/// The defects that are columns of [`MATRIX`]; those of one column look the same to a client.
const COLUMNS: [&[&str]; 12] = [
    &["certificate-expired"],
    &["certificate-not-yet-valid"],
    &["self-signed"],
    &[
        "untrusted-root",
        "missing-intermediate",
        "wrong-intermediate",
        "tls-interception",
        "captive-portal",
    ],
    &["hostname-mismatch"],
    &["wrong-usage"],
    &["weak-key"],
    &["weak-signature"],
    &["name-constraints"],
    &["malformed-certificate"],
    &["certificate-revoked"],
    &["must-staple-missing"],
];

/// What one stack sends for each of [`COLUMNS`]; nothing where it does not look.
type Habits = [&'static [u8]; COLUMNS.len()];

/// Alert numbers by stack and defect. An authority that is none has no column of its own: it is a wrong usage that some stacks report as an
/// unknown issuer (48).
#[rustfmt::skip]
const MATRIX: &[(ClientStack, Habits)] = &[
    //                        expired   not yet   self-sgn  issuer    name      usage         key       signature     names     malformed     revoked    staple
    (ClientStack::OpenSsl,   [&[45],     &[42],     &[48],     &[48],     &[42, 80], &[43, 48],     &[42],     &[42, 51],     &[46],     &[42, 50, 46, 51], &[44],  &[]]),
    (ClientStack::BoringSsl, [&[45, 46], &[45, 46], &[48, 46], &[48, 46], &[42, 46], &[43, 48, 46], &[46],     &[46],         &[46],     &[50, 42, 46, 51], &[44, 46], &[]]),
    (ClientStack::Apple,     [&[46, 45], &[46],     &[46, 48], &[46, 48], &[46],     &[46],         &[46],     &[46],         &[46],     &[50, 46],     &[46],      &[]]),
    (ClientStack::Nss,       [&[45, 48], &[45, 42], &[42],     &[48],     &[42],     &[46, 48],     &[71],     &[42],         &[42],     &[42],         &[44],      &[42]]),
    (ClientStack::GnuTls,    [&[42],     &[42],     &[42],     &[42],     &[42],     &[42],         &[42],     &[42],         &[42],     &[42],         &[42],      &[42]]),
    (ClientStack::Jsse,      [&[45, 46], &[42, 46], &[46],     &[46],     &[46],     &[46],         &[43, 42, 46], &[43, 42, 46], &[46], &[42, 46],     &[44, 113, 46], &[]]),
    (ClientStack::Go,        [&[42],     &[42],     &[42],     &[42],     &[42],     &[42],         &[42],     &[42],         &[42],     &[50, 42],     &[42],      &[]]),
    (ClientStack::Rustls,    [&[45],     &[45],     &[48, 46], &[48],     &[42],     &[43, 46],     &[51],     &[51],         &[46],     &[42, 50, 46, 51], &[44],  &[]]),
    (ClientStack::MbedTls,   [&[45],     &[46],     &[48],     &[48],     &[42],     &[43, 48],     &[43],     &[46],         &[42],     &[42, 43, 48], &[44],      &[]]),
    (ClientStack::WolfSsl,   [&[45],     &[45],     &[42, 48], &[48],     &[42],     &[42],         &[42],     &[42],         &[42],     &[50, 42],     &[42, 44],  &[]]),
    (ClientStack::Schannel,  [&[45],     &[45],     &[48],     &[48],     &[42, 46], &[42, 43, 46], &[42],     &[42],         &[42],     &[50, 42],     &[44],      &[]]),
];

/// Stacks whose defaults take no RSA key of less than 2048 bits: OpenSSL as distributions build it (security level 2), Apple, webpki's
/// algorithms, Mbed TLS' default profile. Go, Java, GnuTLS, NSS and wolfSSL take 1024, Chromium does below a root of the user's own.
const WANTS_2048_BITS: &[ClientStack] = &[
    ClientStack::OpenSsl,
    ClientStack::Apple,
    ClientStack::Rustls,
    ClientStack::MbedTls,
];

/// Stacks whose programs may judge a certificate after the handshake, and leave without a word: the others say what they think of its
/// strength in the handshake.
const JUDGES_LATE: &[ClientStack] = &[ClientStack::OpenSsl, ClientStack::Nss, ClientStack::GnuTls];

/// Stacks that are known to take SHA-1 in a certificate by default.
const TAKES_SHA1: &[ClientStack] = &[ClientStack::WolfSsl];

/// How well internal_error fits to a defect beside a wrong name, where the client is on OpenSSL: programs that look for themselves, and leave
/// no reason behind when they refuse, have it said of whatever they found (`X509_V_ERR_UNSPECIFIED`). Measured on Apache's proxy, of a
/// time that is over; stunnel and libmosquitto say it of names. A missing issuer the library finds, and names.
const BY_CALLBACK: u32 = 88;
/// A sign that fits as well as that is one that the client has for the defect.
const SAYS_SO: u32 = 85;

/// What may be wrong with a certificate that nobody can see, and how it is called; what is usual comes first.
const LOOKS_ALIKE: [(&str, &str); 10] = [
    ("untrusted-root", "an authority unknown to the client"),
    ("missing-intermediate", "a chain without its intermediate"),
    ("certificate-expired", "an expired certificate"),
    ("hostname-mismatch", "a wrong name"),
    ("certificate-not-yet-valid", "a certificate of a time to come"),
    ("weak-key", "a key that is too short"),
    ("weak-signature", "a signature over SHA-1"),
    ("wrong-usage", "a certificate that is not for servers"),
    ("malformed-certificate", "a certificate that the client cannot read"),
    ("certificate-revoked", "a revoked certificate"),
];
/// So many of them are told.
const TOLD: usize = 4;

/// The least weight of an intermediate that is missing here and was sent elsewhere.
pub(super) const SEEN_ELSEWHERE: u8 = 92;

/// The column of a defect.
fn column(defect: CauseId) -> Option<usize> {
    COLUMNS.iter().position(|column| column.contains(&defect.0))
}

/// True for a cause that a server has by its certificate.
pub(super) fn is_of_a_certificate(cause: CauseId) -> bool {
    column(cause).is_some() || cause.0 == "server-certificate-rejected"
}

/// True where this client refuses an RSA key of this length: its library does so by default, or is not known and said that something is
/// wrong.
pub(super) fn refuses_rsa(bits: u32, seen: &Observed, rejection: &Rejection) -> bool {
    bits < 1024 || bits < 2048 && by_default(seen, rejection, |stack| WANTS_2048_BITS.contains(&stack))
}

/// True where this client refuses SHA-1 in a certificate, on the same terms.
pub(super) fn refuses_sha1(seen: &Observed, rejection: &Rejection) -> bool {
    by_default(seen, rejection, |stack| !TAKES_SHA1.contains(&stack))
}

fn by_default(seen: &Observed, rejection: &Rejection, refuses: impl Fn(ClientStack) -> bool) -> bool {
    let (stack, says_so) = (stack(seen), matches!(rejection.sign, Sign::Alert(_)));
    match stack {
        ClientStack::Unknown => says_so,
        stack => refuses(stack) && (says_so || JUDGES_LATE.contains(&stack)),
    }
}

/// True where the client's library is known, and known to insist on a stapled status where the certificate does.
pub(super) fn wants_the_staple(seen: &Observed) -> bool {
    habit(stack(seen), CauseId("must-staple-missing")).is_some_and(|codes| !codes.is_empty())
}

/// True where the client's library says this for a certificate whose time is over (or for one whose time has not come).
pub(super) fn says_of_time(description: AlertDescription, over: bool, seen: &Observed) -> bool {
    let defect = if over {
        "certificate-expired"
    } else {
        "certificate-not-yet-valid"
    };
    match habit(stack(seen), CauseId(defect)) {
        Some(codes) => codes.contains(&description.0),
        None => description == AlertDescription::CERTIFICATE_EXPIRED,
    }
}

/// What a stack sends for a defect; `None` where either is not in [`MATRIX`].
fn habit(stack: ClientStack, defect: CauseId) -> Option<&'static [u8]> {
    let (_, habits) = MATRIX.iter().find(|(known, _)| *known == stack)?;
    habits.get(column(defect)?).copied()
}

/// The weight of a defect that is plainly there (`weight`, 0–100), scaled by how well the client's sign fits to it.
pub(super) fn fits(weight: u8, defect: CauseId, seen: &Observed, rejection: &Rejection) -> u8 {
    let per_cent = match rejection.sign {
        // OpenSSL has no signature for a version that old, and says the same.
        Sign::Alert(AlertDescription::INTERNAL_ERROR)
            if defect.0 != "hostname-mismatch" && (is_matter_of_the_store(weight, defect) || is_of_old(seen)) =>
        {
            40
        }
        Sign::Alert(description) => of_alert(defect, description, stack(seen)),
        Sign::HiddenAlert(_) => 92,
        Sign::CloseNotify => 90,
        // That a root is unknown here is no defect to everybody: private authorities are, and roots of the year of the capture may
        // be. Leaving without a word does not show that it was one to this client.
        Sign::Left if is_matter_of_the_store(weight, defect) && !seen.leaves_like_a_refusal() => 50,
        Sign::LeftAfterCompletion if defect.0 == "tls-interception" => 60,
        // Programs on GnuTLS judge all of a certificate then, others its name at most. That a client left is no sign that a root unknown
        // here is unknown to it.
        Sign::LeftAfterCompletion if is_matter_of_the_store(weight, defect) => {
            match (seen.leaves_like_a_refusal(), seen.judges_after_the_handshake()) {
                (true, _) => 80,
                (false, true) => 60,
                (false, false) => 0,
            }
        }
        Sign::Left => 85,
        Sign::LeftAfterCompletion => after_completion(defect, rejection.support),
    };
    // What another connection was sent is likely what this one was sent.
    let per_cent = if seen.borrowed.is_some() {
        per_cent * 9 / 10
    } else {
        per_cent
    };
    (u32::from(weight) * per_cent / 100) as u8
}

/// True where the server chose a version before TLS 1.2.
fn is_of_old(seen: &Observed) -> bool {
    let answer = seen.answer.as_ref().seen();
    answer.is_some_and(|answer| answer.value.version < ProtocolVersion::TLS12)
}

/// How well the client's alert fits to a defect that nobody can see; signs other than alerts fit to all of them.
fn per_cent(defect: CauseId, seen: &Observed, rejection: &Rejection) -> u32 {
    match rejection.sign {
        Sign::Alert(description) => of_alert(defect, description, stack(seen)),
        _ => 100,
    }
}

/// True where the client's sign is what it has for this defect, as far as its library is known.
pub(super) fn may_mean(defect: CauseId, seen: &Observed, rejection: &Rejection) -> bool {
    per_cent(defect, seen, rejection) >= SAYS_SO
}

/// What may be wrong with a certificate that nobody can see: that of which this client says what it said, what fits best first. Each with
/// its name in a sentence. A key that is known by its signature is either long enough, or the cause.
pub(super) fn looks_alike(
    seen: &Observed,
    rejection: &Rejection,
) -> impl Iterator<Item = (CauseId, &'static str)> + use<> {
    let key_is_known = seen.sealed().is_some_and(|sealed| sealed.key.is_some());
    let defects = LOOKS_ALIKE.map(|(id, name)| (CauseId(id), name));
    let mut fitting: Vec<_> = defects
        .into_iter()
        .filter(|(id, _)| may_mean(*id, seen, rejection) && !(key_is_known && id.0 == "weak-key"))
        .collect();
    fitting.sort_by_key(|(id, _)| std::cmp::Reverse(per_cent(*id, seen, rejection)));
    fitting.into_iter().take(TOLD)
}

/// True for a defect that is one only by the trust store that stands in for the client's; a missing certificate that was seen elsewhere
/// is missing to everybody.
fn is_matter_of_the_store(weight: u8, defect: CauseId) -> bool {
    match defect.0 {
        "untrusted-root" => true,
        "missing-intermediate" => weight < SEEN_ELSEWHERE,
        _ => false,
    }
}

/// The alerts that servers have for a defect of the client's certificate, and for no other; which stack a server runs is not known.
const BY_SERVERS: &[(&str, &[u8])] = &[
    ("client-certificate-expired", &[45]),
    // 42 is OpenSSL's; rustls, BoringSSL, wolfSSL, NSS and Go say 45.
    ("client-certificate-not-yet-valid", &[42, 45]),
    ("client-certificate-revoked", &[44]),
    ("client-certificate-wrong-usage", &[43]),
    ("client-certificate-wrong-issuer", &[48]),
    ("client-certificate-untrusted", &[48]),
];

/// What servers say of any defect: Go and GnuTLS 42, Java 46, programs on GnuTLS 49, callbacks 40 and 80.
const GENERAL: &[u8] = &[42, 46, 49, 40, 80];

/// As [`fits`], for a defect of the client's certificate and the server's sign.
pub(super) fn fits_client(weight: u8, defect: CauseId, rejection: &Rejection) -> u8 {
    let own = BY_SERVERS
        .iter()
        .find(|(id, _)| *id == defect.0)
        .map_or(&[][..], |(_, alerts)| alerts);
    let per_cent = match rejection.sign {
        Sign::Alert(AlertDescription(code)) if own.contains(&code) => 100,
        Sign::Alert(AlertDescription(code)) if GENERAL.contains(&code) => 92,
        Sign::Alert(_) => 40,
        Sign::HiddenAlert(_) | Sign::CloseNotify => 90,
        Sign::Left | Sign::LeftAfterCompletion => 80,
    };
    (u32::from(weight) * per_cent / 100) as u8
}

fn stack(seen: &Observed) -> ClientStack {
    seen.offer
        .as_ref()
        .seen()
        .map_or(ClientStack::Unknown, |offer| offer.value.stack)
}

fn of_alert(defect: CauseId, description: AlertDescription, stack: ClientStack) -> u32 {
    if column(defect).is_none() {
        return 90;
    }
    let somebody_says = MATRIX
        .iter()
        .filter_map(|(known, _)| habit(*known, defect))
        .any(|codes| codes.contains(&description.0));
    let by_callback = stack == ClientStack::OpenSsl && description == AlertDescription::INTERNAL_ERROR;
    match habit(stack, defect) {
        Some(codes) if codes.contains(&description.0) => 100,
        Some(_) if by_callback && column(defect) != column(CauseId("missing-intermediate")) => BY_CALLBACK,
        // The guess at the stack may be wrong, so a misfit lowers and does not exclude.
        Some(_) if somebody_says || by_callback => 60,
        None if somebody_says => 98,
        _ => 40,
    }
}

/// Names are what clients check after the handshake most often. A check leaves as well, and does not care.
fn after_completion(defect: CauseId, support: Support) -> u32 {
    let by_name = if defect.0 == "hostname-mismatch" { 2 } else { 0 };
    by_name
        + match support {
            Support::None => 85,
            Support::Repeated => 90,
            Support::OthersGoOn => 94,
            Support::Against => 60,
        }
}

/// Clients that fetch an issuer that was not sent, or know it beforehand: Chrome, Edge and Safari on desktops, Windows, Firefox.
const FINDS_ISSUERS: &[ClientStack] = &[
    ClientStack::BoringSsl,
    ClientStack::Apple,
    ClientStack::Schannel,
    ClientStack::Nss,
];

/// True where all who go on with a list of certificates are of those that find a missing issuer themselves, and who refuses is not.
pub(super) fn only_finders_go_on(fared: &Fared, seen: &Observed) -> bool {
    fared.went_on > 0
        && !fared.accepting.is_empty()
        && fared.accepting.are_among(FINDS_ISSUERS)
        && !FINDS_ISSUERS.contains(&stack(seen))
}

/// What the tolerance of some, and the severity of others, to one and the same list of certificates points at.
pub(super) fn tolerance(fared: &Fared) -> Option<&'static str> {
    let (accepting, refusing) = (fared.accepting, fared.refusing);
    let takes_old_forms = [
        ClientStack::OpenSsl,
        ClientStack::GnuTls,
        ClientStack::Jsse,
        ClientStack::WolfSsl,
    ];
    if accepting.is_empty() || refusing.is_empty() {
        None
    } else if accepting.are_among(&[ClientStack::Nss]) {
        Some("NSS alone goes on, which lets a certificate pass whose time comes within a day")
    } else if refusing.are_among(&[ClientStack::Go]) && accepting.contains(ClientStack::Rustls) {
        Some("Go alone refuses, which takes no negative serial number")
    } else if refusing.are_among(&[ClientStack::Go, ClientStack::Rustls]) && accepting.are_among(&takes_old_forms) {
        Some(
            "Go and rustls refuse what others take: a name in the common name alone, or a certificate of X.509 version 1",
        )
    } else if refusing.are_among(&[ClientStack::OpenSsl]) && accepting.contains(ClientStack::Go) {
        Some("OpenSSL alone refuses, which by strict rules takes no certificate without authorityKeyIdentifier")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_says_45_for_expired_and_nothing_else() {
        let expired = CauseId("certificate-expired");
        assert_eq!(
            of_alert(expired, AlertDescription::CERTIFICATE_EXPIRED, ClientStack::OpenSsl),
            100
        );
        assert_eq!(
            of_alert(expired, AlertDescription::UNKNOWN_CA, ClientStack::OpenSsl),
            60
        );
    }

    #[test]
    fn openssl_says_80_of_what_a_program_finds_for_itself() {
        let says = |defect, stack| of_alert(CauseId(defect), AlertDescription::INTERNAL_ERROR, stack);
        let openssl = ["hostname-mismatch", "certificate-expired", "missing-intermediate"];
        assert_eq!(openssl.map(|defect| says(defect, ClientStack::OpenSsl)), [100, 88, 60]);
        assert_eq!(says("certificate-expired", ClientStack::Go), 40);
        assert_eq!(says("certificate-expired", ClientStack::Unknown), 40);
    }

    #[test]
    fn internal_error_speaks_of_no_root_that_is_unknown_here_and_of_no_old_version() {
        let weight = |version, defect| {
            let mut seen = crate::connection::testing::connected()
                .client_hello(crate::connection::testing::Hello::tls12)
                .server_hello(version, 0xc013)
                .seen();
            crate::why::testing::set_stack(&mut seen, ClientStack::OpenSsl);
            let rejection = Rejection::new(Sign::Alert(AlertDescription::INTERNAL_ERROR), seen.opening());
            fits(90, CauseId(defect), &seen, &rejection)
        };
        assert_eq!(weight(0x0303, "certificate-expired"), 79);
        assert_eq!(weight(0x0303, "untrusted-root"), 36);
        assert_eq!(weight(0x0301, "certificate-expired"), 36);
        assert_eq!(weight(0x0301, "hostname-mismatch"), 90);
    }

    #[test]
    fn what_a_client_would_have_said_otherwise_does_not_look_alike() {
        let alike = |stack, sign| {
            let mut seen = crate::connection::testing::connected()
                .client_hello(|hello| hello)
                .seen();
            crate::why::testing::set_stack(&mut seen, stack);
            let rejection = Rejection::new(sign, seen.opening());
            looks_alike(&seen, &rejection).map(|(id, _)| id.0).collect::<Vec<_>>()
        };
        let alert = |code| Sign::Alert(AlertDescription(code));
        assert_eq!(
            alike(ClientStack::OpenSsl, alert(42)),
            [
                "hostname-mismatch",
                "certificate-not-yet-valid",
                "weak-key",
                "weak-signature"
            ]
        );
        assert_eq!(
            alike(ClientStack::OpenSsl, alert(80))[..2],
            ["hostname-mismatch", "certificate-expired"]
        );
        let usual = [
            "untrusted-root",
            "missing-intermediate",
            "certificate-expired",
            "hostname-mismatch",
        ];
        assert_eq!(alike(ClientStack::Go, alert(42)), usual);
        assert_eq!(alike(ClientStack::OpenSsl, Sign::HiddenAlert(19)), usual);
    }

    #[test]
    fn go_says_42_for_everything() {
        for defect in [
            "certificate-expired",
            "hostname-mismatch",
            "self-signed",
            "untrusted-root",
        ] {
            assert_eq!(
                of_alert(CauseId(defect), AlertDescription::BAD_CERTIFICATE, ClientStack::Go),
                100
            );
        }
    }

    #[test]
    fn a_server_that_names_another_defect_speaks_against_this_one() {
        let expired = CauseId("client-certificate-expired");
        let weight = |sign| {
            let mark = crate::connection::testing::connected().seen().opening();
            fits_client(98, expired, &Rejection::new(sign, mark))
        };
        let alert = |code| weight(Sign::Alert(AlertDescription(code)));
        assert_eq!((alert(45), alert(46), alert(48), weight(Sign::Left)), (98, 90, 39, 78));
    }

    #[test]
    fn leaving_after_the_handshake_weighs_what_others_say_for_it() {
        let seen = crate::connection::testing::connected().seen();
        let weight = |defect, support| {
            let rejection = Rejection {
                support,
                ..Rejection::new(Sign::LeftAfterCompletion, seen.opening())
            };
            fits(97, CauseId(defect), &seen, &rejection)
        };
        let name = [Support::Against, Support::None, Support::Repeated, Support::OthersGoOn]
            .map(|support| weight("hostname-mismatch", support));
        assert_eq!(name, [60, 84, 89, 93]);
        assert_eq!(weight("certificate-expired", Support::None), 82);
    }

    #[test]
    fn a_root_unknown_here_is_the_reason_only_of_those_who_judge_late() {
        use crate::connection::testing::{Hello, connected};
        let weight = |hello: fn(Hello) -> Hello, stack| {
            let mut seen = connected().client_hello(hello).seen();
            crate::why::testing::set_stack(&mut seen, stack);
            let rejection = Rejection {
                support: Support::OthersGoOn,
                ..Rejection::new(Sign::LeftAfterCompletion, seen.opening())
            };
            fits(97, CauseId("untrusted-root"), &seen, &rejection)
        };
        let node =
            |hello: Hello| hello.suites(&[0x1302, 0x1303, 0x1301, 0xc02f, 0xc02b, 0xc030, 0xc02c, 0x009e, 0xc027]);
        assert_eq!(weight(Hello::tls12, ClientStack::OpenSsl), 0);
        assert_eq!(weight(node, ClientStack::OpenSsl), 58);
        assert_eq!(weight(Hello::tls12, ClientStack::GnuTls), 77);
    }

    #[test]
    fn every_defect_stands_in_one_column() {
        let all: Vec<&str> = COLUMNS.iter().flat_map(|column| column.iter().copied()).collect();
        for id in &all {
            assert!(crate::why::cause(CauseId(id)).is_some(), "{id}");
            assert_eq!(all.iter().filter(|other| *other == id).count(), 1, "{id}");
        }
    }

    #[test]
    fn a_stack_that_looks_at_no_staple_has_no_habit_for_it() {
        let staple = CauseId("must-staple-missing");
        assert_eq!(habit(ClientStack::Go, staple), Some(&[][..]));
        assert_eq!(habit(ClientStack::GnuTls, staple), Some(&[42][..]));
        assert_eq!(habit(ClientStack::Unknown, staple), None);
    }

    #[test]
    fn no_stack_says_revoked_for_a_wrong_name() {
        let name = CauseId("hostname-mismatch");
        assert_eq!(
            of_alert(name, AlertDescription::CERTIFICATE_REVOKED, ClientStack::Unknown),
            40
        );
    }
}
