//! A request before TLS that is not answered.

use crate::preamble::Preamble;
use crate::why::prelude::*;

/// Seconds after which a request without an answer is taken for unanswered, where nobody left before.
const PATIENCE: f64 = 5.0;

/// What came instead of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Silence {
    /// The server hung up.
    HungUp,
    /// Nothing, for so many seconds.
    Waited(f64),
}

impl Silence {
    /// What came instead of an answer to the client's request; `None` where there was one, or may have been one, or may still come.
    pub(super) fn after_request(seen: &Observed, spoken: &Preamble) -> Option<Self> {
        let asked = spoken.request.as_ref().filter(|_| spoken.answer.is_none())?;
        if spoken.has_gaps || seen.tcp.one_sided().is_some() {
            return None;
        }
        let waited = seen.waited_since(asked.span.mark);
        match seen.end().by {
            Some(Side::Server) => Some(Self::HungUp),
            None if waited < PATIENCE => None,
            _ => Some(Self::Waited(waited)),
        }
    }
}
