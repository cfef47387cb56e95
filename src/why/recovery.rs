//! A failed attempt after which the client got through: the failure keeps its cause, and how long it lasted is told with it.

use crate::connection::Observed;
use crate::why::prelude::{between, span_of_time};
use crate::why::{Context, Finding, Outcome};

/// Seconds within which a later success is taken for the same wish tried again.
const SHORTLY: f64 = 60.0;

/// Adds the success of the same client with the same server and name, where one followed shortly after.
pub(super) fn tell(finding: Finding, seen: &Observed, context: &Context<'_>) -> Finding {
    if finding.outcome != Outcome::Failed {
        return finding;
    }
    // Where no ClientHello came about, nobody knows what name it would have asked for.
    let name = seen.offer.is_seen().then(|| seen.server_name().unwrap_or_default());
    let failed = seen.end().mark;
    let success = context.server(seen).got_through(name, seen.client.address, failed);
    match success.and_then(|success| Some((success, between(&failed, &success)?))) {
        Some((success, after)) if (0.0..=SHORTLY).contains(&after) => finding.prove_elsewhere(
            success,
            format!(
                "recovered after {}: {} completed a handshake with the same server and sent data",
                span_of_time(after),
                seen.client.address
            ),
        ),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use crate::why::testing::*;

    fn told(later: Scene) -> Option<String> {
        let seen = connected()
            .client_hello(Hello::tls12)
            .alert(Server, 2, 112)
            .fin(Server)
            .seen();
        let other = later
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .sealed(Client, &[80])
            .closed();
        let verdict = context().beside_at_the_server(&[other]).verdict(&seen);
        let evidence = verdict.cause.unwrap().evidence.into_iter();
        evidence
            .filter(|evidence| evidence.elsewhere)
            .map(|evidence| evidence.text)
            .next()
    }

    fn later(seconds: f64) -> Scene {
        scene().behind_frame(50).wait(seconds).connect()
    }

    #[test]
    fn a_success_shortly_after_is_told_with_the_failure() {
        let text = told(later(2.0).client_hello(Hello::tls12)).unwrap();
        assert!(text.starts_with("recovered after 2.1 s"), "{text}");
    }

    #[test]
    fn a_success_for_another_name_or_on_another_day_is_no_recovery() {
        assert!(told(later(2.0).client_hello(|hello| hello.tls12().name("www.example"))).is_none());
        assert!(told(later(900.0).client_hello(Hello::tls12)).is_none());
    }
}
