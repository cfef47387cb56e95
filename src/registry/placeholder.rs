//! Certificates that software makes for itself when nobody gave it one, and what each proves: the server that was meant did not answer,
//! or was never set up.

use std::sync::LazyLock;

use super::parts::Parts;

/// One kind of such certificates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placeholder {
    /// Part of the common name or the organization of subject or issuer, in lower case.
    part: &'static str,
    /// What its presence proves, as a sentence.
    pub(crate) proves: &'static str,
    #[allow(
        dead_code,
        reason = "for readers of the table, and for the test that wants one in every row"
    )]
    source: &'static str,
}

const fn placeholder(part: &'static str, proves: &'static str, source: &'static str) -> Placeholder {
    Placeholder { part, proves, source }
}

const DISTRIBUTION: &str =
    "It is the certificate that the distribution made at installation: the default virtual host answered.";
const TENANT: &str = "It is the hoster's own certificate: the name that was asked for is not bound to a service there.";
const APPLIANCE: &str = "It is the certificate that the appliance makes for itself: none was installed on it.";
const PANEL: &str = "It is the hosting panel's default: the site has no certificate of its own, or the panel answered.";
const EXAMPLE: &str = "It is a certificate made from an example, for tests.";
const LOCAL: &str = "It comes from an authority made for one developer's machine.";
const DEFAULT: &str = "the software's default";

/// The more specific ones first.
#[rustfmt::skip]
const PLACEHOLDERS: &[Placeholder] = &[
    placeholder("kubernetes ingress controller fake certificate", "It is ingress-nginx' own: no TLS secret matched the name that was asked for.", "ingress-nginx, internal/net/ssl"),
    placeholder("traefik default cert", "It is Traefik's default: no router with a certificate matched the name that was asked for.", "Traefik, pkg/tls/generate"),
    placeholder("invalid2.invalid", "It is what Google's front ends send to a client that asks for no name.", "the certificate's own OU"),
    placeholder("no sni provided", "It is what Google's front ends send to a client that asks for no name.", "the certificate's own OU"),
    placeholder("ssl_self_signed_fallback", "It is the one that SQL Server makes at each start while no certificate is configured.", "Microsoft Learn, Configure SQL Server for encryption"),
    placeholder("wmsvc-", "It is that of IIS' management service: no certificate is bound to the site.", DEFAULT),
    placeholder("fake le intermediate", "It comes from Let's Encrypt's staging environment: the ACME client was never switched to production.", "letsencrypt.org, Staging Environment"),
    placeholder("(staging)", "It comes from Let's Encrypt's staging environment: the ACME client was never switched to production.", "letsencrypt.org, Staging Environment"),
    placeholder("caddy local authority", LOCAL, DEFAULT),
    placeholder("mkcert ", LOCAL, DEFAULT),
    placeholder("minica root ca", LOCAL, DEFAULT),
    placeholder("acme co", EXAMPLE, "Go, crypto/tls/generate_cert.go"),
    placeholder("internet widgits pty", EXAMPLE, "OpenSSL, apps/openssl.cnf"),
    placeholder("default company ltd", EXAMPLE, "Red Hat's openssl.cnf"),
    placeholder("someorganization", DISTRIBUTION, "mod_ssl of Red Hat"),
    placeholder("snakeoil", DISTRIBUTION, "Debian's ssl-cert"),
    placeholder("localhost.localdomain", DISTRIBUTION, "mod_ssl of Red Hat"),
    placeholder("plesk", PANEL, DEFAULT),
    placeholder("parallels panel", PANEL, DEFAULT),
    placeholder("webmin webserver", PANEL, DEFAULT),
    placeholder("virtualmin", PANEL, DEFAULT),
    placeholder("ispconfig", PANEL, DEFAULT),
    placeholder("directadmin", PANEL, DEFAULT),
    placeholder(".cloudfront.net", TENANT, DEFAULT),
    placeholder(".azurewebsites.net", TENANT, DEFAULT),
    placeholder(".herokuapp.com", TENANT, DEFAULT),
    placeholder(".elb.amazonaws.com", TENANT, DEFAULT),
    placeholder("default.ssl.fastly.net", TENANT, DEFAULT),
    placeholder("a248.e.akamai.net", TENANT, DEFAULT),
    placeholder("cloudflaressl.com", TENANT, DEFAULT),
    placeholder("*.wordpress.com", TENANT, DEFAULT),
    placeholder("*.github.io", TENANT, DEFAULT),
    placeholder("*.vercel.app", TENANT, DEFAULT),
    placeholder("*.netlify.app", TENANT, DEFAULT),
    placeholder("default issuer (do not trust)", APPLIANCE, "HPE iLO"),
    placeholder("idrac", APPLIANCE, "Dell iDRAC"),
    placeholder("supermicro", APPLIANCE, DEFAULT),
    placeholder("ios-self-signed-certificate", APPLIANCE, "Cisco IOS"),
    placeholder("opnsense", APPLIANCE, DEFAULT),
    placeholder("pfsense", APPLIANCE, DEFAULT),
    placeholder("mikrotik", APPLIANCE, DEFAULT),
    placeholder("unifi", APPLIANCE, "Ubiquiti UniFi"),
    placeholder("synology", APPLIANCE, DEFAULT),
    placeholder("qnap", APPLIANCE, DEFAULT),
    placeholder("vmware", APPLIANCE, DEFAULT),
];

/// What the first of these names says that is one of software's own making.
pub(crate) fn placeholder_called<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'static Placeholder> {
    static PARTS: LazyLock<Parts> = LazyLock::new(|| Parts::new(PLACEHOLDERS.iter().map(|row| row.part).enumerate()));
    names
        .into_iter()
        .find_map(|name| PLACEHOLDERS.get(PARTS.first_row(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_lower_case_and_stand_once() {
        for row in PLACEHOLDERS {
            assert_eq!(row.part, row.part.to_lowercase());
            assert!(row.proves.ends_with('.') && !row.source.is_empty(), "{}", row.part);
            assert_eq!(
                PLACEHOLDERS.iter().filter(|other| other.part == row.part).count(),
                1,
                "{}",
                row.part
            );
        }
    }

    #[test]
    fn a_default_is_known_by_its_name() {
        let proves = |name| placeholder_called([name]).map(|row| row.proves);
        assert!(
            proves("Kubernetes Ingress Controller Fake Certificate").is_some_and(|text| text.contains("TLS secret"))
        );
        assert!(proves("TRAEFIK DEFAULT CERT").is_some_and(|text| text.contains("router")));
        assert_eq!(proves("shop.example"), None);
    }
}
