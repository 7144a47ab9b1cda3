//! TLS of a scenario, and the faults that it allows.

use insta::assert_snapshot;
use rstest::rstest;

use crate::history::TlsVersion::{V1_2, V1_3};
use crate::plan::fault;
use crate::plan::{ClientCertificate, Fault, Tls};
use crate::planning::tests::{SHORT, mistake, plan};

#[rstest]
#[case::not_written("", None)]
#[case::off("tls: false\n", None)]
#[case::on("tls: true\n", Some((&[V1_2, V1_3][..], ClientCertificate::None)))]
#[case::a_version("tls: { versions: [\"1.2\"] }\n", Some((&[V1_2][..], ClientCertificate::None)))]
#[case::a_bare_version("tls: { versions: [1.3] }\n", Some((&[V1_3][..], ClientCertificate::None)))]
#[case::in_any_order(
    "tls: { versions: [\"1.3\", \"1.2\"] }\n",
    Some((&[V1_2, V1_3][..], ClientCertificate::None))
)]
#[case::mutual("tls: { client: required }\n", Some((&[V1_2, V1_3][..], ClientCertificate::Required)))]
fn tls_is_what_the_author_says(
    #[case] written: &str,
    #[case] expected: Option<(&[crate::history::TlsVersion], ClientCertificate)>,
) {
    let expected = expected.map(|(versions, client)| Tls { versions: versions.to_vec(), client });
    assert_eq!(plan(&format!("{SHORT}{written}")).tls, expected);
}

#[test]
fn an_unknown_version() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\ntls: { versions: [\"1.1\"] }\n"), @r#"
    once/case.yaml:3:19: expected a version of TLS, found `1.1`
      |
    3 | tls: { versions: ["1.1"] }
      |                   ^^^^^
    hint: did you mean `1.2`?
    hint: valid versions: 1.2, 1.3
    "#);
}

#[test]
fn a_version_twice() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\ntls: { versions: [\"1.2\", \"1.2\"] }\n"), @r#"
    once/case.yaml:3:26: the version is named twice
      |
    3 | tls: { versions: ["1.2", "1.2"] }
      |                          ^^^^^
    "#);
}

#[test]
fn an_unknown_key() {
    assert_snapshot!(mistake("title: T\nexams: [john-doe]\ntls: { clients: required }\n"), @r"
    once/case.yaml:3:8: unknown key `clients`
      |
    3 | tls: { clients: required }
      |        ^^^^^^^
    hint: did you mean `client`?
    hint: valid keys: versions, client
    ");
}

fn playing(tls: &str, reply: &str) -> String {
    mistake(&format!("{SHORT}{tls}emr:\n  - {{ on: {{ connection: 1 }}, reply: {reply} }}\n"))
}

#[test]
fn a_fault_of_tls_without_tls() {
    assert_snapshot!(playing("", "tls/expired"), @r"
    once/case.yaml:4:37: `tls/expired` cannot be played here
      |
    4 |   - { on: { connection: 1 }, reply: tls/expired }
      |                                     ^^^^^^^^^^^
    hint: it is about an endpoint with TLS: add `tls: true` to the scenario
    ");
}

#[rstest]
#[case("tls: true\n", "tls/tls-on-plaintext", "drop the key `tls`")]
#[case("tls: true\n", "tls/client-cert-refused", "write `tls: { client: required }`")]
#[case("tls: { client: required }\n", "tls/client-cert-required", "write `tls: true`")]
#[case("tls: true\n", "[wait: 5ms, tls/expired]", "put it first in the list")]
#[case("", "tls/no-close-notify", "add `tls: true`")]
fn a_fault_that_cannot_play_is_told_with_what_to_do(
    #[case] tls: &str,
    #[case] reply: &str,
    #[case] hint: &str,
) {
    let told = playing(tls, reply);
    assert!(told.contains("cannot be played here") && told.contains(hint), "{told}");
}

#[test]
fn a_stall_lasts_longer_than_the_patience_of_the_sender() {
    let text = "tls: true\nemr:\n  - { on: { connection: 1 }, reply: tls/handshake-stall }\n";
    let plan = plan(&format!("{SHORT}{text}"));
    assert!(plan.plays(Fault::Tls(fault::Tls::HandshakeStall)));
    let after = match &plan.script[0].play[0] {
        crate::plan::Play::Fault { with, .. } => with.after,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        after,
        Some(crate::planning::tests::millis(600)),
        "twice the acknowledgement timeout"
    );
}
