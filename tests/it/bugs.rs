//! Broken senders over real sockets and processes: each is convicted by its own rule, in the
//! report, on the terminal and by the exit code.

use crate::command::{Place, rules_found};
use chargeproof::selftest::own_rule;
use chargeproof::sender::Bug;
use chargeproof::verdict::Rule;
use rstest::rstest;

#[rstest]
#[case("resend-on-timeout", "once/silence", 10, "once/per-order")]
#[case("resend-on-reject", "once/rejected[reply=reject]", 10, "once/per-order")]
#[case("resend-new-control-id", "once/silence", 10, "once/per-order")]
#[case("replay-after-kill", "crash/killed[at=end-of-message]", 10, "once/per-order")]
#[case("replay-on-restart", "options/option-1", 10, "once/per-order")]
#[case("duplicate-line", "options/option-1", 10, "once/per-charge")]
#[case("silent-drop", "once/rejected[reply=reject]", 1, "accounts")]
#[case("no-final-cr", "options/option-1", 1, "wire/segments")]
#[case("lf-after-frame", "options/option-1", 1, "wire/framing")]
#[case("brick", "options/option-1", 1, "delivers")]
#[case("dies-at-start", "options/option-1", 1, "sender/stays-up")]
#[case("ignores-host-name", "tls/certificate[version=1.2,reply=tls/wrong-host]", 1, "tls/verified")]
#[case("resend-after-truncation", "tls/answers[reply=tls/no-close-notify]", 10, "once/per-order")]
#[case("hangs-in-handshake", "tls/stalled", 1, "recovers")]
#[case(
    "resends-twice-on-request",
    "once/resent-by-an-operator[reply=reject]",
    10,
    "once/per-order"
)]
#[case("pipelines", "once/handed-over-together", 1, "wire/in-flight")]
#[case("prints-secrets", "options/option-1", 1, "sender/discreet")]
#[case("ignores-terminate", "options/option-1", 1, "sender/stops")]
fn a_broken_sender_is_convicted_by_its_own_rule(
    #[case] bug: &str,
    #[case] case: &str,
    #[case] code: i32,
    #[case] rule: &str,
) {
    let place = Place::new();
    let ran = place.run(&["run", case, "--bug", bug, "--out", "out"]).exits(code);
    let report = place.json("out/report.json");
    assert_eq!(report["exit_code"], code);
    let worst = &report["cases"][0]["findings"][0];
    assert_eq!(worst["rule"], rule, "{worst:#}");
    assert!(ran.out.contains(&format!("FAIL {rule}: ")), "{}", ran.out);
    let told = ran.out.split_whitespace().collect::<Vec<_>>().join(" "); // lines are wrapped
    assert!(told.contains(&format!("--bug {bug}")), "how to repeat it: {}", ran.out);
}

#[rstest]
#[case("once/silence")]
#[case("once/rejected[reply=reject]")]
#[case("once/resent-by-an-operator[reply=reject]")]
#[case("crash/killed[at=end-of-message]")]
fn the_honest_sender_is_clean_where_the_broken_ones_fall(#[case] case: &str) {
    let place = Place::new();
    place.run(&["run", case, "--out", "out"]).exits(0);
    assert!(rules_found(&place.json("out/report.json")).is_empty());
}

/// A sender may be reached by any address of the machine.
#[test]
fn the_honest_sender_is_clean_over_ipv6() {
    let place = Place::new();
    let cases = ["once/silence", "tls/accepted[version=1.3,client=required]"];
    place.run(&["run", cases[0], cases[1], "--host", "::1", "--out", "out"]).exits(0);
    assert!(rules_found(&place.json("out/report.json")).is_empty());
}

#[rstest]
#[case("connection-per-message")]
#[case("control-id-counter")]
fn an_unusual_habit_is_no_defect(#[case] variant: &str) {
    let place = Place::new();
    place.run(&["run", "once/silence", "--variant", variant]).exits(0);
}

/// Who waits between two messages says so in its sender file, and is watched for as long.
#[test]
fn two_seconds_between_two_messages_are_no_defect() {
    let place = Place::new();
    let reference = include_str!("../../senders/reference.yaml");
    let slow = reference
        .replace("longest_retry: 200ms", "longest_retry: 2s")
        .replace("  - --tls-ca", "  - --variant=gap-between\n  - --tls-ca");
    assert_ne!(slow, reference);
    place.write("slow.yaml", slow);
    let cases = ["options/option-1", "once/rejected[reply=reject]"];
    place.run(&[&["run", "--sender", "slow.yaml"], &cases[..]].concat()).exits(0);
}

/// Virtual time proves what real time does: the same verdict by the same rules.
#[rstest]
#[case("resend-on-timeout", "once/silence")]
#[case("no-final-cr", "options/option-1")]
#[case("brick", "options/option-1")]
fn virtual_and_real_time_convict_alike(#[case] bug: &str, #[case] case: &str) {
    let place = Place::new();
    let real = place.run(&["run", case, "--bug", bug, "--out", "real"]);
    let simulated = place.run(&["run", case, "--bug", bug, "--out", "virtual", "--simulated"]);
    assert_eq!(real.code, simulated.code);
    let rules = |folder: &str| rules_found(&place.json(&format!("{folder}/report.json")));
    assert_eq!(rules("real"), rules("virtual"));
}

#[test]
fn the_command_that_a_report_names_repeats_the_verdict() {
    let place = Place::new();
    let run = ["run", "once/rejected", "--bug", "resend-on-reject", "--simulated", "--out", "out"];
    place.run(&run).exits(10);
    let report = place.json("out/report.json");
    let cases = report["cases"].as_array().unwrap();
    let broken = cases.iter().find(|case| case["verdict"] == "fail").unwrap();
    let repeat = broken["repeat"].as_str().unwrap().strip_prefix("chargeproof ").unwrap();
    let arguments: Vec<&str> = repeat.split(' ').map(|one| one.trim_matches('\'')).collect();
    let ran = place.run(&arguments).exits(10);
    assert!(ran.out.contains("1 case, 1 failed"), "{}", ran.out);
}

/// A page says which rule convicts which broken sender.
#[test]
fn the_page_names_every_broken_sender_under_its_rule() {
    let page = include_str!("../../docs/judge.md");
    let row = |rule: Rule| page.lines().find(|line| line.starts_with(&format!("| `{rule}` | `")));
    for bug in Bug::ALL {
        let rule = own_rule(*bug);
        let named = row(rule).is_some_and(|row| row.contains(&format!("`{bug}`")));
        assert!(named, "{bug} is convicted by {rule}");
    }
}
