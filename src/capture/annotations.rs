//! What a capture says besides its packets: comments, names of interfaces and addresses, secrets.
//!
//! pcapng files carry them. All of it is kept up to caps in number and bytes, each of which is told once when it is hit: a file of nothing but
//! comments must not fill memory.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bytes::Order;

/// Comments that are kept, and bytes of one.
const COMMENTS_MAX: usize = 1_000;
const COMMENT_MAX: usize = 4 << 10;

/// Names of addresses and of interfaces that are kept, and bytes of one (a host name has at most 255).
const NAMES_MAX: usize = 10_000;
const NAME_MAX: usize = 255;

/// Blocks of secrets that are kept, and bytes of all of them.
const SECRETS_MAX: usize = 1_000;
const SECRETS_BYTES_MAX: usize = 16 << 20;

/// Types of records in a name resolution block.
const IPV4_NAMES: u16 = 1;
const IPV6_NAMES: u16 = 2;

/// What a capture says besides its packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Annotations {
    /// Comments in the order of the file.
    pub(crate) comments: Vec<Comment>,
    /// Names of addresses in the order of the file, each once.
    pub(crate) names: Vec<(IpAddr, String)>,
    /// Names of interfaces in the order of the file, each once.
    pub(crate) interfaces: Vec<String>,
    /// Secrets, such as key logs.
    pub(crate) secrets: Vec<Secrets>,
    secret_bytes: usize,
    comments_left: bool,
    names_left: bool,
    secrets_left: bool,
}

/// A comment that somebody wrote into a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    /// The frame that it is about; `None` where it is about an interface or the capture.
    pub(crate) frame: Option<u64>,
    /// Its words.
    pub(crate) text: String,
}

/// A block of secrets.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secrets {
    /// Of which kind: 0x544c534b is a TLS key log.
    pub(crate) kind: u32,
    /// The secrets themselves.
    pub(crate) bytes: Vec<u8>,
}

/// Secrets are not printed.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("kind", &self.kind)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// A cap that was hit for the first time: what is not kept, in words.
pub(super) type Hit = Option<&'static str>;

impl Annotations {
    /// Keeps a comment.
    pub(super) fn comment(&mut self, frame: Option<u64>, text: &[u8]) -> Hit {
        if text.is_empty() {
            return None;
        }
        if self.comments.len() >= COMMENTS_MAX {
            return first(&mut self.comments_left, "comments beyond the first 1,000 are left out");
        }
        let kept = text.get(..COMMENT_MAX).unwrap_or(text);
        let text = String::from_utf8_lossy(kept).into_owned();
        self.comments.push(Comment { frame, text });
        if kept.len() == COMMENT_MAX {
            return first(&mut self.comments_left, "comments are kept to their first 4,096 bytes");
        }
        None
    }

    /// Keeps the name of an interface.
    pub(super) fn interface(&mut self, name: &[u8]) -> Hit {
        let name = to_name(name);
        if name.is_empty() || self.interfaces.contains(&name) {
            return None;
        }
        // Few, since each is searched for among those before it.
        if self.interfaces.len() >= NAMES_MAX / 100 {
            return first(
                &mut self.names_left,
                "names of interfaces beyond the first 100 are left out",
            );
        }
        self.interfaces.push(name);
        None
    }

    /// Keeps the names of a name resolution block, whose body this is. Each record has a type, a length, an address and names that end in zero.
    pub(super) fn name_block(&mut self, mut records: &[u8], order: Order) -> Hit {
        while let (Some(kind), Some(len)) = (order.u16(records, 0), order.u16(records, 2)) {
            let Some(record) = records.get(4..4 + usize::from(len)).filter(|_| kind != 0) else {
                break;
            };
            let address = match kind {
                IPV4_NAMES => record
                    .split_first_chunk::<4>()
                    .map(|(address, names)| (IpAddr::V4(Ipv4Addr::from(*address)), names)),
                IPV6_NAMES => record
                    .split_first_chunk::<16>()
                    .map(|(address, names)| (IpAddr::V6(Ipv6Addr::from(*address)), names)),
                _ => None,
            };
            if let Some((address, names)) = address {
                for name in names
                    .split(|&byte| byte == 0)
                    .map(to_name)
                    .filter(|name| !name.is_empty())
                {
                    if self.names.len() >= NAMES_MAX {
                        return first(
                            &mut self.names_left,
                            "names of addresses beyond the first 10,000 are left out",
                        );
                    }
                    self.names.push((address, name));
                }
            }
            records = records
                .get(4 + usize::from(len).next_multiple_of(4)..)
                .unwrap_or_default();
        }
        None
    }

    /// Keeps the secrets of a decryption secrets block, whose body this is: a type, a length, and that many bytes.
    pub(super) fn secrets_block(&mut self, body: &[u8], order: Order) -> Hit {
        let (Some(kind), Some(len)) = (order.u32(body, 0), order.u32(body, 4)) else {
            return None;
        };
        let rest = body.get(8..).unwrap_or_default();
        let bytes = rest.get(..len as usize).unwrap_or(rest);
        let sum = self.secret_bytes.saturating_add(bytes.len());
        if self.secrets.len() >= SECRETS_MAX || sum > SECRETS_BYTES_MAX {
            return first(
                &mut self.secrets_left,
                "secrets beyond 1,000 blocks or 16 MiB are left out",
            );
        }
        self.secret_bytes = sum;
        self.secrets.push(Secrets {
            kind,
            bytes: bytes.to_vec(),
        });
        None
    }

    /// Puts the names in order once all of them are known.
    pub(super) fn finish(mut self) -> Self {
        // Files that were merged bring the same names again and again.
        let mut seen = std::collections::HashSet::new();
        self.names.retain(|name| seen.insert(name.clone()));
        self
    }
}

/// Says a thing once.
fn first(said: &mut bool, what: &'static str) -> Hit {
    (!std::mem::replace(said, true)).then_some(what)
}

fn to_name(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes.get(..NAME_MAX).unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_families_are_kept_once() {
        let mut block = Vec::new();
        block.extend([1, 0, 10, 0, 10, 0, 0, 1, b'a', 0, b'b', b'c', 0, 0, 0, 0]);
        let mut six = vec![2, 0, 18, 0];
        six.extend([0; 15]);
        six.extend([1, b'd', 0, 0, 0]);
        block.extend(
            [
                six.as_slice(),
                &[1, 0, 6, 0, 10, 0, 0, 1, b'a', 0, 0, 0],
                &[0; 4],
                &[9; 40],
            ]
            .concat(),
        );
        let mut annotations = Annotations::default();
        assert_eq!(annotations.name_block(&block, Order::Little), None);
        let names: Vec<(String, String)> = annotations
            .finish()
            .names
            .into_iter()
            .map(|(address, name)| (address.to_string(), name))
            .collect();
        let expected = [("10.0.0.1", "a"), ("10.0.0.1", "bc"), ("::1", "d")];
        assert_eq!(names, expected.map(|(address, name)| (address.into(), name.into())));
    }

    #[test]
    fn each_cap_is_told_once() {
        let mut annotations = Annotations::default();
        let hits: Vec<&str> = (0..COMMENTS_MAX as u64 + 9)
            .filter_map(|frame| annotations.comment(Some(frame), b"text"))
            .collect();
        assert_eq!((annotations.comments.len(), hits.len()), (COMMENTS_MAX, 1));
        let block = [&[0; 4][..], &(1_u32 << 20).to_le_bytes(), &[7; 1 << 20]].concat();
        let hits = (0..20)
            .filter_map(|_| annotations.secrets_block(&block, Order::Little))
            .count();
        assert_eq!((annotations.secrets.len(), hits), (16, 1));
        assert!(
            !format!("{:?}", annotations.secrets[0]).contains('['),
            "secrets are not printed"
        );
    }

    #[test]
    fn a_block_that_ends_early_gives_what_it_has() {
        let mut annotations = Annotations::default();
        annotations.secrets_block(&[1, 0, 0, 0, 99, 0, 0, 0, 5, 6], Order::Little);
        assert_eq!(annotations.secrets[0].bytes, [5, 6]);
        annotations.secrets_block(&[1, 0], Order::Little);
        annotations.name_block(&[1, 0, 99, 0, 10, 0, 0, 1, b'a', 0], Order::Little);
        assert_eq!((annotations.secrets.len(), annotations.names.len()), (1, 0));
    }
}
