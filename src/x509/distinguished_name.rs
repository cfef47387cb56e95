//! Names of subjects and issuers: as people read them, and as certificates are chained by them.
//!
//! The text is RFC 4514's: the most specific part first, parts joined by a comma. Two names are the same where their attributes are,
//! without regard to the string type, to the case of ASCII letters and to the amount of space (RFC 5280 §7.1).

use data_encoding::HEXLOWER;

use super::der::{self, OBJECT_IDENTIFIER, Reader, SEQUENCE, SET};

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];

/// Attribute types that have a name, by the bytes of their identifier (RFC 4519, RFC 2985, CA/Browser Forum EV guidelines).
const ATTRIBUTES: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (ORGANIZATION, "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 13], "description"),
    (&[0x55, 4, 15], "businessCategory"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 41], "name"),
    (&[0x55, 4, 42], "givenName"),
    (&[0x55, 4, 46], "dnQualifier"),
    (&[0x55, 4, 97], "organizationIdentifier"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 1], "jurisdictionL"),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 2], "jurisdictionST"),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 3], "jurisdictionC"),
];

/// A distinguished name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    /// RFC 4514's text, such as `CN=R11,O=Let's Encrypt,C=US`; empty for an empty name.
    pub(crate) text: String,
    /// The most specific common name.
    pub(crate) common_name: Option<String>,
    /// The most specific organization.
    pub(crate) organization: Option<String>,
    /// The form that names are compared in; empty for an empty name.
    pub(crate) key: Box<[u8]>,
}

/// One attribute of a name.
struct Attribute<'a> {
    oid: &'a [u8],
    tag: u8,
    value: &'a [u8],
}

impl Attribute<'_> {
    /// The value as text, with control characters replaced; `None` where it is no string.
    fn text(&self) -> Option<String> {
        let text: String = match self.tag {
            // UTF8String; NumericString, PrintableString, IA5String and VisibleString are its subsets
            0x0c | 0x12 | 0x13 | 0x16 | 0x1a => String::from_utf8_lossy(self.value).into_owned(),
            // TeletexString: nobody implements T.61, everybody writes Latin-1
            0x14 => self.value.iter().map(|&byte| char::from(byte)).collect(),
            // BMPString
            0x1e => {
                let units = self
                    .value
                    .chunks_exact(2)
                    .map(|pair| pair.iter().fold(0, |unit, &byte| unit << 8 | u16::from(byte)));
                char::decode_utf16(units)
                    .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect()
            }
            // UniversalString
            0x1c => {
                let points = self
                    .value
                    .chunks_exact(4)
                    .map(|four| four.iter().fold(0, |point, &byte| point << 8 | u32::from(byte)));
                points
                    .map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect()
            }
            _ => return None,
        };
        Some(
            text.chars()
                .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
                .collect(),
        )
    }
}

/// The sets of attributes of a name, in encoded order; stops at the first defect.
fn relative_names(der: &[u8]) -> Vec<Vec<Attribute<'_>>> {
    let mut sets = Vec::new();
    let Ok(name) = Reader::new(der).expect(SEQUENCE, "name") else {
        return sets;
    };
    let mut entries = name.inside();
    while let Ok(set) = entries.expect(SET, "relative name") {
        let mut members = set.inside();
        let mut attributes = Vec::new();
        while let Ok(member) = members.expect(SEQUENCE, "attribute") {
            let mut parts = member.inside();
            if let Ok(oid) = parts.expect(OBJECT_IDENTIFIER, "attribute type")
                && let Ok(value) = parts.next("attribute value")
            {
                attributes.push(Attribute {
                    oid: oid.body,
                    tag: value.tag,
                    value: value.body,
                });
            }
        }
        sets.push(attributes);
    }
    sets
}

impl Name {
    /// Reads a name; of one that is damaged, what stands before the defect.
    pub(crate) fn parse(der: &[u8]) -> Self {
        let sets = relative_names(der);
        let most_specific = |oid: &[u8]| {
            sets.iter()
                .rev()
                .flatten()
                .find(|attribute| attribute.oid == oid)
                .and_then(Attribute::text)
                .filter(|text| !text.trim().is_empty())
        };
        Self {
            text: sets
                .iter()
                .rev()
                .map(|set| relative_text(set))
                .collect::<Vec<_>>()
                .join(","),
            common_name: most_specific(COMMON_NAME),
            organization: most_specific(ORGANIZATION),
            key: comparable(&sets),
        }
    }

    /// The form that names are compared in, without the rest.
    pub(super) fn comparable(der: &[u8]) -> Box<[u8]> {
        comparable(&relative_names(der))
    }

    /// True where the name has no part at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// True where both name the same; an empty name is nobody's.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        !self.is_empty() && self.key == other.key
    }

    /// What people call it: the common name, else the organization, else the whole name.
    pub(crate) fn display(&self) -> &str {
        self.common_name
            .as_deref()
            .or(self.organization.as_deref())
            .unwrap_or(&self.text)
    }
}

/// One relative name in RFC 4514's form.
fn relative_text(set: &[Attribute<'_>]) -> String {
    let mut text = String::new();
    for attribute in set {
        if !text.is_empty() {
            text.push('+');
        }
        match ATTRIBUTES.iter().find(|(oid, _)| *oid == attribute.oid) {
            Some((_, name)) => text.push_str(name),
            None => text.push_str(&der::oid_text(attribute.oid)),
        }
        text.push('=');
        match attribute.text() {
            Some(value) => escape(&value, &mut text),
            None => {
                text.push('#');
                HEXLOWER.encode_append(attribute.value, &mut text);
            }
        }
    }
    text
}

/// Appends a value with the escapes of RFC 4514 §2.4.
fn escape(value: &str, text: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (place, c) in value.chars().enumerate() {
        let special = matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (c == '#' && place == 0)
            || (c == ' ' && (place == 0 || place == last));
        if special {
            text.push('\\');
        }
        text.push(c);
    }
}

/// Lower case, trimmed, single spaces: see RFC 5280 §7.1 and RFC 4518.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&word.to_ascii_lowercase());
    }
    folded
}

fn comparable(sets: &[Vec<Attribute<'_>>]) -> Box<[u8]> {
    let mut key = Vec::new();
    for set in sets {
        let mut members: Vec<Vec<u8>> = set
            .iter()
            .map(|attribute| {
                let mut member = Vec::new();
                prefixed(attribute.oid, &mut member);
                match attribute.text() {
                    Some(text) => prefixed(folded(&text).as_bytes(), &mut member),
                    None => {
                        member.push(attribute.tag);
                        prefixed(attribute.value, &mut member);
                    }
                }
                member
            })
            .collect();
        // A set has no order, and DER's own order depends on the string types.
        members.sort_unstable();
        prefixed(&members.concat(), &mut key);
    }
    key.into()
}

/// Appends bytes behind their number, so that no two lists of parts look alike.
fn prefixed(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name of one-attribute sets: the last byte of a 2.5.4 identifier, a string tag, a value.
    fn name(parts: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let wrap = |tag: u8, body: Vec<u8>| [vec![tag, u8::try_from(body.len()).unwrap()], body].concat();
        let sets = parts.iter().flat_map(|&(kind, tag, value)| {
            wrap(
                SET,
                wrap(
                    SEQUENCE,
                    [wrap(OBJECT_IDENTIFIER, vec![0x55, 4, kind]), wrap(tag, value.to_vec())].concat(),
                ),
            )
        });
        wrap(SEQUENCE, sets.collect())
    }

    #[test]
    fn the_text_begins_with_the_most_specific_part() {
        let parsed = Name::parse(&name(&[
            (6, 0x13, b"US"),
            (10, 0x0c, b"A, Inc."),
            (3, 0x0c, b"shop.example"),
        ]));
        assert_eq!(parsed.text, "CN=shop.example,O=A\\, Inc.,C=US");
        assert_eq!(parsed.common_name.as_deref(), Some("shop.example"));
        assert_eq!(parsed.display(), "shop.example");
    }

    #[test]
    fn string_type_case_and_space_do_not_matter() {
        let one = Name::parse(&name(&[(10, 0x13, b"Northwind  Trust "), (3, 0x13, b"ROOT")]));
        let other = Name::parse(&name(&[(10, 0x0c, b" northwind trust"), (3, 0x1e, b"\0R\0o\0o\0t")]));
        assert!(one.matches(&other));
        assert!(!one.matches(&Name::parse(&name(&[
            (10, 0x0c, b"northwindtrust"),
            (3, 0x0c, b"root")
        ]))));
    }

    #[test]
    fn the_order_of_parts_matters() {
        let one = Name::parse(&name(&[(10, 0x0c, b"a"), (3, 0x0c, b"b")]));
        assert!(!one.matches(&Name::parse(&name(&[(3, 0x0c, b"b"), (10, 0x0c, b"a")]))));
    }

    #[test]
    fn an_empty_name_is_nobodys() {
        let empty = Name::parse(&[0x30, 0]);
        assert!(empty.is_empty() && !empty.matches(&empty));
        assert_eq!(empty.text, "");
    }

    #[test]
    fn what_is_no_string_is_shown_in_hexadecimal_and_control_characters_never_raw() {
        assert_eq!(Name::parse(&name(&[(3, 0x04, b"\x01\xff")])).text, "CN=#01ff");
        assert_eq!(Name::parse(&name(&[(3, 0x0c, b"a\x1b[31m")])).text, "CN=a\u{fffd}[31m");
    }

    #[test]
    fn a_damaged_name_tells_what_stands_before_the_defect() {
        let mut der = name(&[(10, 0x0c, b"a"), (3, 0x0c, b"b")]);
        der[1] -= 3;
        der.truncate(usize::from(der[1]) + 2);
        assert_eq!(Name::parse(&der).text, "O=a");
    }
}
