//! The connections of the input with what their sets know: judged once to be counted, and again when one is rendered, so that no verdict
//! has to be kept.

use std::io;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::follow::FollowedSet;
use super::limits::Limits;
use super::servers::Histories;
use crate::connection::{Neighbours, Observed, Places, SentChains};
use crate::evidence::Time;
use crate::registry::is_tls_port;
use crate::report::{CaptureSet, Connection, Connections, Outcome, Summary, Take, Traffic, Work, render};
use crate::why::{CauseId, Context, Severity, Surroundings, judge};
use crate::x509::{CertificateIndex, CertificateStore, Statuses, Trust};

/// Connections that are rendered side by side before they are written.
const BATCH: usize = 128;

/// One set, ready to be judged.
#[derive(Debug)]
struct Set {
    observed: Vec<Box<Observed>>,
    surroundings: Surroundings,
}

/// Every connection that the report shows, in input order.
#[derive(Debug)]
pub(super) struct Judged {
    sets: Vec<Set>,
    /// Every capture's path, by number.
    captures: Vec<String>,
    /// The analysis' own threads; without them rayon's.
    pool: Option<ThreadPool>,
    /// Set and place of each shown connection.
    shown: Vec<(u32, u32)>,
}

/// What the whole input shares.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) trust: Arc<Trust>,
    pub(super) certificates: Arc<CertificateStore>,
    pub(super) at: Option<Time>,
    pub(super) clock_offset: Option<i64>,
    pub(super) all: bool,
    pub(super) limits: Limits,
}

impl Judged {
    /// The same, rendering on these threads.
    pub(super) fn on(mut self, pool: Option<ThreadPool>) -> Self {
        self.pool = pool;
        self
    }

    /// Judges every connection, and counts; returns also what is told of each set.
    pub(super) fn new(
        mut followed: Vec<FollowedSet>,
        index: Arc<CertificateIndex>,
        statuses: Arc<Statuses>,
        shared: &Shared,
    ) -> (Self, Vec<CaptureSet>) {
        let captures = followed.iter().map(|set| set.facts.path.clone()).collect();
        let histories: Vec<Histories> = followed
            .iter_mut()
            .map(|set| std::mem::take(&mut set.servers))
            .collect();
        let mut sent = SentChains::default();
        for (server, history) in histories.iter().flatten() {
            sent.add(*server, history);
        }
        let observed = followed.iter_mut().flat_map(|set| &mut set.observed);
        observed.for_each(|seen| sent.lend(seen));
        let (mut sets, mut shown, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (set, servers) in followed.into_iter().zip(histories) {
            let surroundings = Surroundings {
                trust: Arc::clone(&shared.trust),
                certificates: Arc::clone(&shared.certificates),
                index: Arc::clone(&index),
                statuses: Arc::clone(&statuses),
                places: Places::of(&servers),
                servers,
                neighbours: Neighbours::of(set.observed.iter().map(|seen| &**seen)),
                at: shared.at,
                clock_offset: set.clock_offset(shared.clock_offset),
            };
            let verdicts: Vec<Option<Judgement>> = set
                .observed
                .par_iter()
                .map(|seen| Judgement::of(seen, &surroundings))
                .collect();
            let mut summary = Summary {
                connections: set.sound,
                completed: set.sound,
                half_open: set.half_open,
                limits_reached: set.reached.told(&set.facts.path, &shared.limits),
                ..Summary::default()
            };
            shown.reserve(verdicts.len());
            for (place, verdict) in verdicts.iter().enumerate() {
                let Some(verdict) = verdict else { continue };
                summary.count(verdict.outcome, verdict.cause.map(|cause| cause.0));
                if shared.all || verdict.is_worth_showing() {
                    shown.push((sets.len() as u32, place as u32));
                }
            }
            told.push(CaptureSet {
                name: set.facts.path.clone(),
                summary,
                traffic: traffic(&set, &verdicts),
            });
            sets.push(Set {
                observed: set.observed,
                surroundings,
            });
        }
        (
            Self {
                sets,
                captures,
                pool: None,
                shown,
            },
            told,
        )
    }
}

/// What is counted of one connection.
#[derive(Clone, Copy, Debug)]
struct Judgement {
    outcome: Outcome,
    cause: Option<CauseId>,
    /// Something beside the verdict is more than a note.
    warned: bool,
}

impl Judgement {
    /// Judges a connection; `None` where it is no matter of TLS.
    fn of(seen: &Observed, surroundings: &Surroundings) -> Option<Self> {
        let context = Context::new(surroundings);
        let spoke = seen.spoke_tls() || seen.begun_hello().is_some();
        let tried = spoke || seen.asked_for_tls() || seen.is_careless_before_tls();
        if !tried && !is_tls_port(seen.server.port) && context.server(seen).answered == 0 {
            return None;
        }
        let verdict = judge(seen, &context);
        let judgement = Self {
            outcome: verdict.outcome,
            cause: verdict.cause.map(|finding| finding.cause),
            warned: verdict
                .findings
                .iter()
                .any(|finding| finding.remark > Some(Severity::Note)),
        };
        // A flow that is plainly another protocol, and with which nothing is wrong, is none of ours.
        (tried || seen.is_silent() || judgement.cause.is_some()).then_some(judgement)
    }

    /// True where a report that leaves out what is sound shows it.
    fn is_worth_showing(self) -> bool {
        self.cause.is_some() || self.warned || self.outcome != Outcome::Completed
    }
}

fn traffic(set: &FollowedSet, verdicts: &[Option<Judgement>]) -> Traffic {
    let passed_over = verdicts.iter().filter(|verdict| verdict.is_none()).count() as u64;
    Traffic {
        tcp_flows: set.observed.len() as u64 + set.sound + set.half_open,
        began_before: set.observed.iter().filter(|seen| seen.tcp.started_midway()).count() as u64,
        spoken: spoken(set, passed_over),
    }
}

/// Other protocols that were recognised, by port, most frequent first.
fn spoken(set: &FollowedSet, passed_over: u64) -> Vec<crate::report::Spoken> {
    if passed_over == 0 {
        return Vec::new();
    }
    let mut flows = std::collections::BTreeMap::new();
    for seen in set.observed.iter().filter(|seen| !seen.spoke_tls()) {
        if let Some(protocol) = seen.plain_protocol() {
            *flows.entry((protocol, seen.server.port)).or_insert(0) += 1;
        }
    }
    let mut spoken: Vec<crate::report::Spoken> = flows
        .into_iter()
        .map(|((protocol, port), flows)| crate::report::Spoken {
            protocol: protocol.to_owned(),
            port,
            flows,
        })
        .collect();
    spoken.sort_by_key(|spoken| std::cmp::Reverse(spoken.flows));
    spoken
}

impl Connections for Judged {
    fn len(&self) -> usize {
        self.shown.len()
    }

    fn write_each(&self, work: Work<'_>, take: Take<'_>) -> io::Result<()> {
        for first in (0..self.len()).step_by(BATCH) {
            let batch = first..self.len().min(first + BATCH);
            let render = || {
                batch
                    .into_par_iter()
                    .map(|index| work(index, self.render(index)))
                    .collect()
            };
            let done: Vec<Vec<u8>> = match &self.pool {
                Some(pool) => pool.install(render),
                None => render(),
            };
            done.iter().try_for_each(|bytes| take(bytes))?;
        }
        Ok(())
    }

    fn render(&self, index: usize) -> Connection {
        let found = self.shown.get(index).and_then(|(set, place)| {
            let set = self.sets.get(*set as usize)?;
            Some((set, set.observed.get(*place as usize)?))
        });
        let Some((set, seen)) = found else {
            return Connection::default();
        };
        let verdict = judge(seen, &Context::new(&set.surroundings));
        render(seen, &verdict, &self.captures)
    }
}
