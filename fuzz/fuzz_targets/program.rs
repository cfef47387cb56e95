//! Bytes as a capture, up to the JSON report: the same twice, and true to itself.
#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tlswhy::{Analysis, Options, Source, TrustStore};

static MOZILLA: LazyLock<TrustStore> = LazyLock::new(TrustStore::mozilla);

fuzz_target!(|data: &[u8]| {
    let Some(report) = report(data) else { return };
    assert_eq!(Some(&report), self::report(data).as_ref(), "two runs");
    check(&report);
});

/// The report on a capture; None where it is none.
fn report(data: &[u8]) -> Option<Value> {
    let mut options = Options::default();
    options.trust = vec![MOZILLA.clone()];
    options.all = true;
    let mut analysis = Analysis::new(options);
    let source = Source::Reader {
        name: "fuzz".to_owned(),
        reader: Box::new(Cursor::new(data.to_vec())),
    };
    analysis.read(source).ok()?;
    Some(serde_json::to_value(analysis.finish()).expect("a report is JSON"))
}

/// Every frame is one of the capture, every cause is of the catalogue and has its evidence, and the summary counts what is shown.
fn check(report: &Value) {
    let frames = 1..=report["captures"][0]["packets"].as_u64().expect("a number of packets");
    let connections = report["connections"].as_array().expect("connections");
    let inside = |frame: &Value| frame.as_u64().is_some_and(|frame| frames.contains(&frame));
    for connection in connections {
        for key in ["timeline", "alerts"] {
            let events = connection[key].as_array().expect("a list");
            assert!(events.iter().all(|event| inside(&event["frame"])), "{connection:#}");
        }
        for place in connection["places"].as_array().expect("places") {
            let (first, last) = (&place["first_frame"], &place["last_frame"]);
            assert!(inside(first) && inside(last) && first.as_u64() <= last.as_u64(), "{place:#}");
        }
        let cause = &connection["cause"];
        let causes = connection["findings"].as_array().expect("findings").iter();
        for cause in causes.chain([cause]).filter(|cause| cause.is_object()) {
            assert!(tlswhy::causes().any(|known| cause["id"] == known.id), "{cause:#}");
            assert!(cause["weight"].as_u64().is_some_and(|weight| weight <= 100), "{cause:#}");
            let evidence = cause["evidence"].as_array().expect("evidence");
            assert!(!evidence.is_empty(), "{cause:#}");
            let frames = evidence.iter().flat_map(|one| one["frames"].as_array().expect("frames"));
            assert!(frames.clone().count() > 0 && frames.clone().all(inside), "{cause:#}");
        }
    }
    let summary = &report["summary"];
    assert_eq!(summary["connections"].as_u64(), Some(connections.len() as u64), "{summary:#}");
    let of = |outcome: &str| connections.iter().filter(|one| one["outcome"] == outcome).count() as u64;
    for (key, outcome) in [
        ("completed", "completed"),
        ("failed", "failed"),
        ("undetermined", "undetermined"),
        ("not_attempted", "not-attempted"),
    ] {
        assert_eq!(summary[key].as_u64(), Some(of(outcome)), "{key} of {summary:#}");
    }
}
