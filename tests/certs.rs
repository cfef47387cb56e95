//! `tlswhy certs`: what servers served, and the files that it writes.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

#[path = "support/program.rs"]
mod program;

use program::run;

/// Sent by several servers, alone and with the certificate of its issuer.
const FIXTURES: &str = "fixtures/missing-intermediate";
const LEAF_ALONE: &str = "fixtures/missing-intermediate/yes-nss.pcap";
const HIDDEN: &str = "fixtures/sound/not-tls13.pcap";

fn document(arguments: &[&str]) -> Value {
    let output = run(["certs", "--json"].iter().chain(arguments));
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn servers(arguments: &[&str]) -> Vec<Value> {
    document(arguments)["servers"].as_array().unwrap().clone()
}

/// A folder of this test alone, empty.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[test]
fn a_row_tells_who_what_where_and_until_when() {
    let rows = servers(&[LEAF_ALONE, "--at", "2027-05-01"]);
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(row["server"]["address"], "10.90.0.1");
    assert_eq!(row["names"], serde_json::json!(["shop.northwind.example"]));
    assert_eq!(row["names_not_covered"], serde_json::json!([]));
    assert_eq!(row["visibility"], "clear");
    assert_eq!(row["chain"].as_array().unwrap().len(), 1);
    assert_eq!(row["trusted_by"], serde_json::json!([]));
    let defects = row["defects"].to_string();
    assert!(
        defects.contains("Northwind Issuing CA G2") && defects.contains("was not sent"),
        "{defects}"
    );
    assert_eq!(row["places"][0]["frame"], 6);
    assert_eq!(row["places"][0]["streams"], serde_json::json!([0]));
    assert_eq!(
        (row["days_left"].as_i64(), row["days_left_when_seen"].as_i64()),
        (Some(6), Some(164))
    );
}

#[test]
fn the_same_list_of_one_server_in_several_captures_is_one_row() {
    let rows = servers(&[FIXTURES]);
    let lists: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row["server"].to_string(), row["chain_sha256"].to_string()))
        .collect();
    let mut distinct = lists.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(lists.len(), distinct.len());
    assert!(rows.iter().any(|row| row["places"].as_array().unwrap().len() > 1));
    let counted: u64 = rows.iter().map(|row| row["connections"].as_u64().unwrap()).sum();
    assert!(counted >= rows.len() as u64);
}

#[test]
fn what_tls_1_3_hides_is_told_as_hidden() {
    let rows = servers(&[HIDDEN]);
    assert!(!rows.is_empty());
    for row in &rows {
        assert_eq!(
            (&row["visibility"], &row["chain"]),
            (&Value::from("encrypted"), &serde_json::json!([]))
        );
        assert_eq!(row["days_left"], Value::Null);
    }
}

#[test]
fn only_what_ends_soon_is_shown_where_that_is_asked_for() {
    let of = |days: &str| servers(&[LEAF_ALONE, HIDDEN, "--at", "2027-05-01", "--expiring", days]).len();
    // 2027-05-07 is its last day.
    assert_eq!((of("6"), of("7")), (0, 1));
}

#[test]
fn the_order_is_that_of_the_ends_and_threads_do_not_show() {
    let text = |threads: &str| {
        run([
            "certs",
            "fixtures/certificate-expired",
            FIXTURES,
            "--at",
            "2026-11-29",
            "-j",
            threads,
        ])
    };
    let (one, four) = (text("1"), text("4"));
    assert_eq!(one.stdout, four.stdout);
    let days: Vec<i64> = servers(&["fixtures/certificate-expired", FIXTURES])
        .iter()
        .filter_map(|row| row["days_left"].as_i64())
        .collect();
    assert!(days.len() > 3 && days.is_sorted());
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(
        text.contains("ended 29 days ago") && text.contains("days left"),
        "{text}"
    );
}

#[test]
fn pem_files_are_named_by_what_they_hold_and_can_be_given_back() {
    let folder = scratch("certs-pem");
    let rows = servers(&[FIXTURES, "--pem", folder.to_str().unwrap()]);
    for row in &rows {
        let chain = row["chain"].as_array().unwrap();
        let whole: String = chain
            .iter()
            .map(|one| fs::read_to_string(folder.join(format!("{}.pem", one["sha256"].as_str().unwrap()))).unwrap())
            .collect();
        if chain.len() > 1 {
            let list = folder.join(format!("chain-{}.pem", row["chain_sha256"].as_str().unwrap()));
            assert_eq!(fs::read_to_string(list).unwrap(), whole);
        }
    }
    let leaf = folder.join(format!("{}.pem", rows[0]["chain"][0]["sha256"].as_str().unwrap()));
    let trusted = servers(&[FIXTURES, "--trust", "none", "--ca-file", leaf.to_str().unwrap()]);
    assert_eq!(trusted[0]["trusted_by"], serde_json::json!([leaf.to_str().unwrap()]));
}

#[test]
fn without_a_capture_it_says_so() {
    let output = run(["certs"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no capture is given"));
}
