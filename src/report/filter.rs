//! Which connections are shown.
//!
//! A filter never changes what is counted. Values of one kind are alternatives (`--port 443 --port 8443`), different kinds must all fit.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{Connection, Endpoint, Outcome, Severity, Timestamp};

/// Chooses the connections that are shown. The default shows all but the sound ones.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Causes by name, also among the findings.
    pub causes: Vec<String>,
    /// Names or addresses of either end.
    pub hosts: Vec<Host>,
    /// Addresses of the client.
    pub clients: Vec<Host>,
    /// Names or addresses of the server.
    pub servers: Vec<Host>,
    /// The server's ports.
    pub ports: Vec<u16>,
    /// Connections that were still there at this moment, or began later.
    pub since: Option<Timestamp>,
    /// Connections that began at this moment or before.
    pub until: Option<Timestamp>,
    /// Streams as Wireshark numbers them.
    pub streams: Vec<u64>,
    /// Sound connections too.
    pub all: bool,
}

impl Filter {
    /// Whether `connection` is shown.
    pub fn shows(&self, connection: &Connection) -> bool {
        self.fits(connection) && (self.all || is_worth_showing(connection))
    }

    /// Whether nothing but sound connections is held back.
    pub(crate) fn is_open(&self) -> bool {
        let Self {
            causes,
            hosts,
            clients,
            servers,
            ports,
            since,
            until,
            streams,
            all: _,
        } = self;
        causes.is_empty()
            && hosts.is_empty()
            && clients.is_empty()
            && servers.is_empty()
            && ports.is_empty()
            && since.is_none()
            && until.is_none()
            && streams.is_empty()
    }

    fn fits(&self, connection: &Connection) -> bool {
        let name = connection.server_name();
        any(&self.causes, |id| {
            let findings = connection.findings.iter().map(|finding| &finding.cause);
            connection
                .cause
                .iter()
                .chain(findings)
                .any(|cause| cause.id.eq_ignore_ascii_case(id))
        }) && any(&self.hosts, |host| {
            host.fits(&connection.client, None) || host.fits(&connection.server, name)
        }) && any(&self.clients, |host| host.fits(&connection.client, None))
            && any(&self.servers, |host| host.fits(&connection.server, name))
            && any(&self.ports, |port| connection.server.port == Some(*port))
            && any(&self.streams, |stream| {
                connection.stream == Some(*stream)
                    || connection.places.iter().any(|place| place.stream == Some(*stream))
            })
            && self
                .since
                .is_none_or(|since| connection.end.or(connection.start).is_some_and(|end| end >= since))
            && self
                .until
                .is_none_or(|until| connection.start.is_some_and(|start| start <= until))
    }
}

/// True where one of `wanted` fits, or nothing is wanted.
fn any<T>(wanted: &[T], fits: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(fits)
}

/// A sound connection is worth showing where something about it is more than a note.
fn is_worth_showing(connection: &Connection) -> bool {
    connection.outcome != Outcome::Completed
        || connection
            .findings
            .iter()
            .any(|finding| finding.severity > Severity::Note)
}

/// A host to look for: a name, an address, or a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Host {
    /// A name, compared without regard to case; `*.example.com` stands for every name below.
    Name(String),
    /// Addresses that begin with the same bits.
    Range {
        /// An address of the range.
        address: IpAddr,
        /// How many leading bits count.
        bits: u8,
    },
}

impl Host {
    fn fits(&self, endpoint: &Endpoint, name: Option<&str>) -> bool {
        match self {
            Self::Name(wanted) => name.is_some_and(|name| {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                match wanted.strip_prefix('*') {
                    Some(below) => name.ends_with(below) && name.len() > below.len(),
                    None => name == *wanted,
                }
            }),
            Self::Range { address, bits } => endpoint
                .address
                .parse()
                .is_ok_and(|seen: IpAddr| same_range(*address, seen.to_canonical(), *bits)),
        }
    }
}

fn same_range(left: IpAddr, right: IpAddr, bits: u8) -> bool {
    let shift = |width: u8| u32::from(width.saturating_sub(bits));
    match (left, right) {
        (IpAddr::V4(left), IpAddr::V4(right)) => {
            (left.to_bits() ^ right.to_bits())
                .checked_shr(shift(32))
                .unwrap_or_default()
                == 0
        }
        (IpAddr::V6(left), IpAddr::V6(right)) => {
            (left.to_bits() ^ right.to_bits())
                .checked_shr(shift(128))
                .unwrap_or_default()
                == 0
        }
        _ => false,
    }
}

/// A text that is neither a name nor an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadHost(String);

impl fmt::Display for BadHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no host: give a name, an address, or a range such as 10.0.0.0/8",
            self.0
        )
    }
}

impl std::error::Error for BadHost {}

impl FromStr for Host {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadHost(text.to_owned());
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            let address = address.to_canonical();
            return Ok(Self::Range {
                address,
                bits: width(address),
            });
        }
        if let Some((address, bits)) = bare.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| bad())?;
            let bits = bits.parse().map_err(|_| bad())?;
            return if bits <= width(address) {
                Ok(Self::Range { address, bits })
            } else {
                Err(bad())
            };
        }
        if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c == ':') {
            return Err(bad());
        }
        Ok(Self::Name(text.trim_end_matches('.').to_ascii_lowercase()))
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    fn shows(change: impl FnOnce(&mut Filter)) -> bool {
        let mut filter = Filter::default();
        change(&mut filter);
        filter.shows(&testing::missing_intermediate(1))
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        assert!(shows(|filter| filter.hosts = vec![host("Shop.Example.")]));
        assert!(shows(|filter| filter.servers = vec![host("*.example")]));
        assert!(!shows(|filter| filter.hosts = vec![host("*.shop.example")]));
        assert!(!shows(|filter| filter.clients = vec![host("shop.example")]));
    }

    #[test]
    fn an_address_is_compared_as_an_address() {
        assert!(shows(|filter| filter.hosts = vec![host("10.0.0.5")]));
        assert!(shows(|filter| filter.hosts = vec![host("::ffff:10.0.0.5")]));
        assert!(shows(|filter| filter.servers = vec![host("10.90.0.0/16")]));
        assert!(shows(|filter| filter.servers = vec![host("0.0.0.0/0")]));
        assert!(!shows(|filter| filter.servers = vec![host("10.0.0.5")]));
        assert!(!shows(|filter| filter.hosts = vec![host("::/0")]));
    }

    #[test]
    fn values_of_one_kind_are_alternatives_and_kinds_add_up() {
        assert!(shows(|filter| filter.ports = vec![80, 443]));
        assert!(!shows(|filter| {
            filter.ports = vec![443];
            filter.causes = vec!["tcp-refused".to_owned()];
        }));
    }

    #[test]
    fn a_connection_that_overlaps_the_time_asked_for_is_shown() {
        let connection = testing::missing_intermediate(1);
        let (start, end) = (connection.start.unwrap(), connection.end.unwrap());
        assert!(shows(|filter| filter.since = Some(end)));
        assert!(shows(|filter| filter.until = Some(start)));
        assert!(!shows(
            |filter| filter.since = Some(Timestamp::from_nanos(end.nanos() + 1))
        ));
        assert!(!shows(
            |filter| filter.until = Some(Timestamp::from_nanos(start.nanos() - 1))
        ));
    }

    #[test]
    fn sound_connections_are_shown_with_all_or_a_warning() {
        let mut sound = testing::completed(4);
        assert!(!Filter::default().shows(&sound));
        assert!(
            Filter {
                all: true,
                ..Filter::default()
            }
            .shows(&sound)
        );
        sound.findings.push(crate::report::Finding {
            severity: Severity::Warning,
            ..Default::default()
        });
        assert!(Filter::default().shows(&sound));
    }

    #[test]
    fn a_stream_is_found_in_any_place() {
        assert!(shows(|filter| filter.streams = vec![1]));
        assert!(!shows(|filter| filter.streams = vec![2]));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "a b", "10.0.0.0/33", "shop.example:443", "x/8"] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
