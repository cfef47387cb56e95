//! Which connections are told together, and in which order.

use std::collections::{BTreeMap, HashMap};

use crate::report::{Confidence, Connection, Endpoint, Filter, Outcome, Report, Timestamp, Transport};

/// Streams listed of one capture.
const STREAMS_KEPT: usize = 64;
/// Captures whose streams are listed.
const CAPTURES_KEPT: usize = 3;

/// What a group is, in the order in which the groups are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Handshakes that failed.
    Failed,
    /// Handshakes whose end cannot be told.
    Undetermined,
    /// Handshakes that were completed, or that nobody tried, with something wrong beside.
    Warned,
    /// Handshakes without fault.
    Sound,
}

/// What connections of one group have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    kind: Kind,
    cause: Option<String>,
    /// The server and the name it was asked for. Undetermined connections are told together whatever their server: mostly the capture is the reason.
    server: Option<(Endpoint, Option<String>)>,
}

/// Connections that are told together.
#[derive(Debug)]
pub(super) struct Group {
    key: Key,
    /// The index of the connection that tells the group: the first of the greatest weight.
    pub(super) clearest: usize,
    weight: u8,
    /// How sure the least sure of them is.
    least: Option<Confidence>,
    /// How many there are.
    pub(super) connections: u64,
    /// The earliest and the latest of their moments.
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// How often each client is there.
    pub(super) clients: BTreeMap<String, u64>,
    /// How often each server is there.
    pub(super) servers: BTreeMap<String, u64>,
    /// Their streams by capture.
    pub(super) streams: Vec<Streams>,
    /// Connections in captures beyond those in `streams`.
    pub(super) elsewhere: u64,
}

/// The streams of a group in one capture.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) capture: String,
    pub(super) transport: Transport,
    /// The first of them.
    pub(super) numbers: Vec<u64>,
    /// Connections beyond `numbers`, or without a number.
    pub(super) more: u64,
}

/// Connections where nobody tried, by cause.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    pub(super) connections: u64,
    pub(super) clients: BTreeMap<String, u64>,
}

/// All groups of a report.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// In the order in which they are told: by kind, the largest first, then by their first connection.
    pub(super) sorted: Vec<Group>,
    /// What is no failure and no success: by cause, the empty text where there is none.
    pub(super) not_attempted: BTreeMap<String, Quiet>,
}

impl Groups {
    /// Groups the connections that `filter` lets through.
    pub(super) fn of(report: &Report, filter: &Filter) -> Self {
        let mut groups = Self::default();
        let mut places: HashMap<Key, usize> = HashMap::new();
        for (index, connection) in report.connections().enumerate() {
            if !filter.shows(&connection) {
                continue;
            }
            let Some(key) = Key::of(&connection) else {
                let id = connection.cause.as_ref().map(|cause| cause.id.clone());
                let quiet = groups.not_attempted.entry(id.unwrap_or_default()).or_default();
                quiet.connections += 1;
                *quiet.clients.entry(connection.client.address.clone()).or_default() += 1;
                continue;
            };
            let place = *places.entry(key.clone()).or_insert_with(|| {
                groups.sorted.push(Group::new(key, index));
                groups.sorted.len() - 1
            });
            if let Some(group) = groups.sorted.get_mut(place) {
                group.add(index, &connection);
            }
        }
        // The sort is stable: groups of one size stay in the order of their first connections.
        groups.sorted.sort_by(|left, right| {
            let size = right.connections.cmp(&left.connections);
            left.key.kind.cmp(&right.key.kind).then(size)
        });
        groups
    }
}

impl Key {
    /// The group of a connection; `None` where nobody tried.
    fn of(connection: &Connection) -> Option<Self> {
        let cause = connection.subject().map(|cause| cause.id.clone());
        let kind = match (connection.outcome, &cause) {
            (Outcome::Failed, _) => Kind::Failed,
            (Outcome::Undetermined, _) => Kind::Undetermined,
            // Nobody tried TLS, and that itself is what is wrong.
            (Outcome::NotAttempted, Some(_)) if connection.cause.is_none() => Kind::Warned,
            (Outcome::NotAttempted, _) => return None,
            (Outcome::Completed, Some(_)) => Kind::Warned,
            (Outcome::Completed, None) => Kind::Sound,
        };
        let server = (kind != Kind::Undetermined).then(|| {
            (
                connection.server.clone(),
                connection.server_name().map(str::to_ascii_lowercase),
            )
        });
        Some(Self { kind, cause, server })
    }
}

impl Group {
    fn new(key: Key, clearest: usize) -> Self {
        Self {
            key,
            clearest,
            weight: 0,
            least: None,
            connections: 0,
            span: None,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            streams: Vec::new(),
            elsewhere: 0,
        }
    }

    /// What it is.
    pub(super) const fn kind(&self) -> Kind {
        self.key.kind
    }

    /// The name that its server was asked for.
    pub(super) fn server_name(&self) -> Option<&str> {
        self.key.server.as_ref()?.1.as_deref()
    }

    /// How sure others of the group are, where they are less so than the one that tells it.
    pub(super) fn less_sure(&self, than: Confidence) -> Option<Confidence> {
        self.least.filter(|least| *least < than)
    }

    fn add(&mut self, index: usize, connection: &Connection) {
        self.connections += 1;
        let confidence = connection.subject().map(|cause| cause.confidence);
        self.least = self.least.into_iter().chain(confidence).min();
        let weight = connection.subject().map_or(0, |cause| cause.weight);
        if weight > self.weight {
            self.weight = weight;
            self.clearest = index;
        }
        if let Some(moment) = connection.moment() {
            let (first, last) = self.span.unwrap_or((moment, moment));
            self.span = Some((first.min(moment), last.max(moment)));
        }
        *self.clients.entry(connection.client.address.clone()).or_default() += 1;
        *self.servers.entry(connection.server.to_string()).or_default() += 1;
        self.add_stream(connection);
    }

    fn add_stream(&mut self, connection: &Connection) {
        let known = self
            .streams
            .iter()
            .position(|streams| streams.capture == connection.capture && streams.transport == connection.transport);
        let place = match known {
            Some(place) => place,
            None if self.streams.len() < CAPTURES_KEPT => {
                self.streams.push(Streams {
                    capture: connection.capture.clone(),
                    transport: connection.transport,
                    numbers: Vec::new(),
                    more: 0,
                });
                self.streams.len() - 1
            }
            None => {
                self.elsewhere += 1;
                return;
            }
        };
        if let Some(streams) = self.streams.get_mut(place) {
            match connection.stream {
                Some(number) if streams.numbers.len() < STREAMS_KEPT => {
                    streams.numbers.push(number);
                    // Behind a translation of addresses it has others in the same capture.
                    let others = connection
                        .places
                        .iter()
                        .filter(|place| place.capture == connection.capture);
                    streams
                        .numbers
                        .extend(others.filter_map(|place| place.stream).filter(|other| *other != number));
                }
                _ => streams.more += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{began_before, completed, missing_intermediate, probe, report_on};

    fn grouped(connections: Vec<Connection>) -> Groups {
        Groups::of(
            &report_on(connections),
            &Filter {
                all: true,
                ..Filter::default()
            },
        )
    }

    #[test]
    fn every_stream_of_a_connection_is_listed() {
        let mut connection = missing_intermediate(4);
        let own = connection.places[0].clone();
        let other = |capture: &str, stream| crate::report::Place {
            capture: capture.to_owned(),
            stream,
            ..own.clone()
        };
        let translated = [
            other(&own.capture, Some(5)),
            other("another.pcap", Some(9)),
            other(&own.capture, None),
        ];
        connection.places.extend(translated);
        let groups = grouped(vec![connection]);
        assert_eq!(groups.sorted[0].streams[0].numbers, [4, 5]);
        assert_eq!(groups.sorted[0].connections, 1);
    }

    #[test]
    fn one_cause_at_one_server_under_one_name_is_one_group() {
        let mut other = missing_intermediate(3);
        other.offer.as_mut().unwrap().server_name = Some("other.example".to_owned());
        let mut shouted = missing_intermediate(2);
        shouted.offer.as_mut().unwrap().server_name = Some("SHOP.example".to_owned());
        let groups = grouped(vec![missing_intermediate(1), shouted, other]);
        assert_eq!(
            groups.sorted.iter().map(|group| group.connections).collect::<Vec<_>>(),
            [2, 1]
        );
        assert_eq!(groups.sorted[0].streams[0].numbers, [1, 2]);
    }

    #[test]
    fn failures_come_first_then_the_larger_group() {
        let groups = grouped(vec![
            completed(1),
            began_before(2),
            began_before(3),
            probe(4),
            missing_intermediate(5),
        ]);
        let kinds: Vec<Kind> = groups.sorted.iter().map(Group::kind).collect();
        assert_eq!(kinds, [Kind::Failed, Kind::Undetermined, Kind::Sound]);
        assert_eq!(groups.not_attempted["tcp-probe"].connections, 1);
    }

    #[test]
    fn the_clearest_connection_tells_the_group() {
        let mut vague = missing_intermediate(1);
        vague.cause.as_mut().unwrap().weight = 80;
        let groups = grouped(vec![vague, missing_intermediate(2), missing_intermediate(3)]);
        assert_eq!(groups.sorted[0].clearest, 1);
    }
}
