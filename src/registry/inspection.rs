//! Who opens TLS on the way: products that answer in a server's name with a certificate of their own, told by the name of the authority
//! that they issue from.
//!
//! A product's authority has its default name unless somebody chose another, so a name that is not here proves nothing. Names are looked
//! for anywhere in the common name or the organization, without regard to case.

use std::sync::LazyLock;

use super::parts::Parts;

/// What a product is for, and so who can be asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum InspectorKind {
    /// Inspection by a company's or school's network, or by its agent on the computer.
    Company,
    /// Antivirus software on the client's computer.
    Antivirus,
    /// A filter for families and schools, or one against advertisements.
    Filter,
    /// A proxy by which developers and testers look into their own traffic.
    Debugging,
    /// Software that came with a computer or from a state, and that nobody should trust.
    Unsafe,
}

/// One product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inspector {
    /// The product's name.
    pub(crate) product: &'static str,
    /// What it is for.
    pub(crate) kind: InspectorKind,
    /// Parts of the common name of its authority.
    common_names: &'static [&'static str],
    /// Parts of the organization of its authority.
    organizations: &'static [&'static str],
    #[allow(
        dead_code,
        reason = "for readers of the table, and for the test that wants one in every row"
    )]
    source: &'static str,
}

const CHROMIUM: &str = "Chromium, chrome/browser/resources/ssl/ssl_error_assistant/ssl_error_assistant.asciipb";
const DEFAULT: &str = "the product's default name";

const fn inspector(
    product: &'static str,
    kind: InspectorKind,
    common_names: &'static [&'static str],
    organizations: &'static [&'static str],
    source: &'static str,
) -> Inspector {
    Inspector {
        product,
        kind,
        common_names,
        organizations,
        source,
    }
}

use InspectorKind::{Antivirus, Company, Debugging, Filter, Unsafe};

/// Sorted by kind, then by product.
#[rustfmt::skip]
const INSPECTORS: &[Inspector] = &[
    inspector("Barracuda", Company, &["barracuda"], &["barracuda networks"], DEFAULT),
    inspector("Blue Coat / Symantec ProxySG", Company, &["bluecoat", "blue coat", "cloud services ca"], &["blue coat"], CHROMIUM),
    inspector("Check Point", Company, &["check point", "checkpoint"], &["check point"], DEFAULT),
    inspector("Cisco Umbrella", Company, &["cisco umbrella"], &["opendns"], CHROMIUM),
    inspector("Cisco Secure Web Appliance", Company, &["ironport"], &["ironport"], DEFAULT),
    inspector("Cloudflare Gateway", Company, &["gateway ca - cloudflare managed", "cloudflare for teams"], &[], DEFAULT),
    inspector("ContentKeeper", Company, &["contentkeeper appliance ca"], &["contentkeeper"], CHROMIUM),
    inspector("Cyberoam", Company, &["cyberoam"], &["cyberoam"], CHROMIUM),
    inspector("Forcepoint / Websense", Company, &["forcepoint", "websense"], &["forcepoint", "websense"], CHROMIUM),
    inspector("Fortinet FortiGate", Company, &["fortigate", "fortinet_ca"], &["fortinet"], CHROMIUM),
    inspector("Hillstone", Company, &["hillstone", "sg-6000"], &["hillstone"], DEFAULT),
    inspector("iboss", Company, &["iboss"], &["iboss"], DEFAULT),
    inspector("McAfee / Skyhigh / Trellix Web Gateway", Company, &["mcafee web gateway", "skyhigh", "trellix"], &["mcafee web gateway", "skyhigh security"], CHROMIUM),
    inspector("Microsoft Global Secure Access", Company, &["microsoft global secure access"], &[], DEFAULT),
    inspector("Netskope", Company, &["netskope", "goskope.com"], &["netskope"], DEFAULT),
    inspector("NSFOCUS", Company, &["nsfocus"], &["nsfocus"], DEFAULT),
    inspector("Palo Alto Networks", Company, &["palo alto", "paloalto", "forward trust", "forward-trust", "forward untrust", "forward-untrust", "globalprotect", "prisma access"], &["palo alto networks"], DEFAULT),
    inspector("QiAnXin", Company, &["qianxin"], &["qianxin"], DEFAULT),
    inspector("Sangfor", Company, &["sangfor"], &["sangfor"], DEFAULT),
    inspector("SonicWall", Company, &["sonicwall"], &["https management certificate for sonicwall"], CHROMIUM),
    inspector("Sophos", Company, &["sophos ssl ca", "sophos_ca", "sophosutm", "sophos web appliance"], &["sophos"], CHROMIUM),
    inspector("Squid", Company, &["squid"], &["squid"], DEFAULT),
    inspector("Topsec", Company, &["topsec"], &["topsec"], DEFAULT),
    inspector("Trend Micro IWSS", Company, &["iwss.trend", "trend micro web security"], &[], CHROMIUM),
    inspector("Untangle / Arista", Company, &["untangle"], &["untangle"], DEFAULT),
    inspector("WatchGuard", Company, &["fireware https proxy"], &["watchguard"], DEFAULT),
    inspector("Zscaler", Company, &["zscaler"], &["zscaler"], CHROMIUM),
    inspector("Avast", Antivirus, &["avast! web/mail shield", "avast web/mail shield"], &["avast! web/mail shield", "avast web/mail shield"], CHROMIUM),
    inspector("AVG", Antivirus, &["avg web/mail shield"], &["avg web/mail shield"], CHROMIUM),
    inspector("Bitdefender", Antivirus, &["bitdefender personal ca"], &["bitdefender"], CHROMIUM),
    inspector("BullGuard", Antivirus, &["bullguard"], &["bullguard"], DEFAULT),
    inspector("Dr.Web", Antivirus, &["drweb", "dr.web"], &["doctor web"], DEFAULT),
    inspector("ESET", Antivirus, &["eset ssl filter"], &["eset, spol"], DEFAULT),
    inspector("G DATA", Antivirus, &["g data mail", "g data web"], &["g data software"], DEFAULT),
    inspector("Kaspersky", Antivirus, &["kaspersky"], &["kaspersky"], CHROMIUM),
    inspector("AdGuard", Filter, &["adguard"], &["adguard"], DEFAULT),
    inspector("GoGuardian", Filter, &["goguardian"], &["goguardian"], DEFAULT),
    inspector("Lightspeed", Filter, &["lightspeed rocket", "lightspeed systems"], &["lightspeed systems"], DEFAULT),
    inspector("NetSpark", Filter, &["netspark"], &["netspark"], CHROMIUM),
    inspector("Qustodio", Filter, &["qustodio"], &["qustodio"], DEFAULT),
    inspector("Securly", Filter, &["securly"], &["securly"], DEFAULT),
    inspector("Smoothwall", Filter, &["smoothwall"], &["smoothwall"], CHROMIUM),
    inspector("Burp Suite", Debugging, &["portswigger"], &["portswigger"], DEFAULT),
    inspector("Charles", Debugging, &["charles proxy"], &["xk72"], DEFAULT),
    inspector("Fiddler", Debugging, &["do_not_trust_fiddler", "do_not_trust"], &["do_not_trust"], DEFAULT),
    inspector("HTTP Toolkit", Debugging, &["http toolkit ca"], &["http toolkit"], DEFAULT),
    inspector("mitmproxy", Debugging, &["mitmproxy"], &["mitmproxy"], DEFAULT),
    inspector("OWASP ZAP", Debugging, &["zed attack proxy", "owasp zap"], &["owasp root ca"], DEFAULT),
    inspector("Proxyman", Debugging, &["proxyman"], &["proxyman"], DEFAULT),
    inspector("eDellRoot", Unsafe, &["edellroot", "dsdtestprovider"], &[], "CERT/CC VU#870761, VU#925497"),
    inspector("Komodia", Unsafe, &["komodia"], &["komodia"], "CERT/CC VU#529496"),
    inspector("PrivDog", Unsafe, &["privdog"], &["privdog"], "CERT/CC VU#366544"),
    inspector("Qaznet", Unsafe, &["qaznet trust network"], &["qaznet"], "Mozilla bug 1567114"),
    inspector("Superfish", Unsafe, &["superfish"], &["superfish"], "CERT/CC VU#529496"),
];

/// The product that issues under this name, if it is one of the table.
pub(crate) fn inspector_called(common_name: Option<&str>, organization: Option<&str>) -> Option<&'static Inspector> {
    static NAMES: LazyLock<Parts> = LazyLock::new(|| parts(|row| row.common_names));
    static ORGANIZATIONS: LazyLock<Parts> = LazyLock::new(|| parts(|row| row.organizations));
    let by_name = common_name.and_then(|name| NAMES.first_row(name));
    let by_organization = organization.and_then(|name| ORGANIZATIONS.first_row(name));
    INSPECTORS.get(by_name.into_iter().chain(by_organization).min()?)
}

fn parts(of: impl Fn(&Inspector) -> &'static [&'static str]) -> Parts {
    let rows = INSPECTORS.iter().enumerate();
    Parts::new(rows.flat_map(|(number, row)| of(row).iter().map(move |part| (number, *part))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_sorted_by_kind_named_once_and_lower_case_where_they_are_compared() {
        for pair in INSPECTORS.windows(2) {
            assert!(
                pair[0].kind <= pair[1].kind,
                "{} before {}",
                pair[0].product,
                pair[1].product
            );
        }
        for row in INSPECTORS {
            let twins = INSPECTORS.iter().filter(|other| other.product == row.product).count();
            assert_eq!(twins, 1, "{}", row.product);
            assert!(
                !row.source.is_empty() && !row.common_names.is_empty(),
                "{}",
                row.product
            );
            for part in row.common_names.iter().chain(row.organizations) {
                assert!(
                    part.len() >= 5 && *part == part.to_lowercase() || *part == "xk72",
                    "{part}"
                );
            }
        }
    }

    #[test]
    fn an_authority_is_known_by_its_default_name() {
        let product = |name, organization| inspector_called(name, organization).map(|row| row.product);
        assert_eq!(
            product(Some("FortiGate CA"), Some("Fortinet")),
            Some("Fortinet FortiGate")
        );
        assert_eq!(
            product(Some("FG100F"), Some("Fortinet Ltd.")),
            Some("Fortinet FortiGate")
        );
        assert_eq!(product(Some("AVAST Web/Mail Shield Root"), None), Some("Avast"));
        assert_eq!(
            product(Some("Zscaler Intermediate Root CA (zscaler.net)"), None),
            Some("Zscaler")
        );
        assert_eq!(product(Some("Shop Issuing CA"), Some("Shop")), None);
        assert_eq!(product(None, None), None);
    }
}
