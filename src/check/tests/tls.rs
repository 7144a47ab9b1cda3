//! Over which connections a message may go where TLS is agreed.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken};
use crate::history::{End, Outcome, Shown, Side, TlsVersion, What};
use crate::plan::{ClientCertificate, Tls};
use crate::verdict::{Circumstance, Rule};

/// A case under TLS, whose sender has delivered the first probe on connection 1.
fn begun() -> Case {
    let mut case = Case::new();
    let versions = vec![TlsVersion::V1_2, TlsVersion::V1_3];
    case.plan.tls = Some(Tls { versions, client: ClientCertificate::None });
    case.start(1);
    case.open(1, 1);
    secure(&mut case, 1, Shown::Good);
    case.deliver(1, "probe-1");
    case
}

fn secure(case: &mut Case, connection: u32, showed: Shown) {
    let suite = "TLS_AES_256_GCM_SHA384".to_owned();
    let version = TlsVersion::V1_3;
    case.push(What::ClientHello { connection });
    case.push(What::Secured { connection, version, suite, showed, client: None });
}

/// john-doe's charge goes over connection 2, of which `what` is known, and all else over 1.
fn over(what: impl FnOnce(&mut Case)) -> Case {
    let mut case = begun();
    case.open(2, 1);
    what(&mut case);
    case.deliver(2, "john-doe");
    case.ended(1, Outcome::Delivered)
}

fn held(case: &Case) -> u64 {
    let held = case.judge().held;
    held.iter().find(|held| held.rule == Rule::TlsVerified).map_or(0, |held| held.times)
}

#[test]
fn charges_over_good_connections_are_held_each_connection_once() {
    let case = over(|case| secure(case, 2, Shown::Good));
    assert_eq!((broken(&case.judge()), held(&case)), (Vec::new(), 2));
}

#[rstest]
#[case::expired(Shown::Expired, "tls/expired")]
#[case::wrong_host(Shown::WrongHost, "tls/wrong-host")]
#[case::unknown_ca(Shown::UnknownCa, "tls/unknown-ca")]
fn a_charge_under_a_bad_certificate_is_told_by_its_rule_alone(
    #[case] shown: Shown,
    #[case] circumstance: &str,
) {
    let judgement = over(|case| secure(case, 2, shown)).judge();
    assert_eq!(broken(&judgement), ["tls/verified"]);
    assert_eq!(judgement.findings[0].circumstance.to_string(), circumstance);
    let witness = &judgement.findings[0].proof.as_ref().unwrap().attempts[0];
    assert_eq!(witness.connection, 2);
}

#[rstest]
#[case::whole(1000)]
#[case::half(1)]
fn a_charge_in_the_clear_is_told_however_little_of_it_came(#[case] bytes: usize) {
    let mut case = begun();
    case.submit("john-doe");
    case.open(2, 1);
    let message = case.message("john-doe");
    case.send_part(2, &message[..bytes.min(message.len())]);
    case.end(2, End::Close);
    let judgement = case.ended(1, Outcome::Unknown).judge();
    // Nor has it arrived, though the EMR was well.
    assert_eq!(broken(&judgement), ["delivers", "tls/verified"]);
    let told = judgement.findings.iter().find(|one| one.rule == Rule::TlsVerified).unwrap();
    assert_eq!(told.circumstance, Circumstance::InTheClear);
}

/// A message under a TLS that had failed already, or stood; what follows on its connection.
#[rstest]
#[case::nothing_in_the_clear(false, false)]
#[case::in_the_clear_behind_early_words(false, true)]
#[case::under_good_tls(true, false)]
#[case::in_the_clear_behind_good_tls(true, true)]
fn words_under_tls_excuse_nothing_that_follows_in_the_clear(
    #[case] secured: bool,
    #[case] in_the_clear: bool,
) {
    let case = over(|case| {
        if secured {
            secure(case, 2, Shown::Good);
        } else {
            case.push(What::ClientHello { connection: 2 });
            case.push(What::WroteAhead { connection: 2 });
        }
        case.deliver(2, "probe-2");
        if in_the_clear {
            case.push(What::WroteInTheClear { connection: 2 });
        }
    });
    assert_eq!(broken(&case.judge()).contains(&"tls/verified"), in_the_clear);
}

#[test]
fn a_handshake_alone_convicts_nobody() {
    let mut case = begun();
    case.open(2, 1);
    secure(&mut case, 2, Shown::Expired);
    case.push(What::EndedBySender { connection: 2, how: End::Close });
    case.deliver(1, "john-doe");
    let case = case.ended(1, Outcome::Delivered);
    assert_eq!((broken(&case.judge()), held(&case)), (Vec::new(), 1));
}

#[test]
fn who_refuses_a_bad_certificate_keeps_the_rule() {
    let mut case = begun();
    case.open(2, 1);
    case.push(What::ClientHello { connection: 2 });
    let alert = Some("certificate_expired".to_owned());
    case.push(What::TlsFailed { connection: 2, by: Side::Sender, alert, why: None });
    case.deliver(1, "john-doe");
    let case = case.ended(1, Outcome::Delivered);
    assert_eq!((broken(&case.judge()), held(&case)), (Vec::new(), 2));
}

#[test]
fn where_plain_mllp_is_agreed_nothing_is_asked() {
    let case = Case::healthy();
    assert_eq!((broken(&case.judge()), held(&case)), (Vec::new(), 0));
}

/// What was written under a TLS that the EMR had refused is an attempt, and no arrival.
#[test]
fn what_was_written_into_a_refusal_has_not_arrived() {
    let mut case = begun();
    case.submit("john-doe");
    case.open(2, 1);
    case.push(What::ClientHello { connection: 2 });
    let alert = Some("certificate_required".to_owned());
    case.push(What::TlsFailed { connection: 2, by: Side::Emr, alert, why: None });
    case.push(What::WroteAhead { connection: 2 });
    let message = case.message("john-doe");
    case.send(2, &message);
    case.end(2, End::Close);
    let again = {
        let mut case = case.clone();
        case.open(3, 1);
        secure(&mut case, 3, Shown::Good);
        let message = case.message("john-doe");
        let to = case.send(3, &message);
        case.answer(3, to, "AA", &message);
        case.ended(1, Outcome::Delivered)
    };
    let lost = case.ended(1, Outcome::Unknown).judge();
    assert_eq!(broken(&lost), ["delivers"]);
    assert!(lost.findings[0].message.contains("refused"), "{}", lost.findings[0].message);
    assert_eq!(broken(&again.judge()), ["once/per-order"]);
}
