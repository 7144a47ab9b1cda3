//! What a sender wrote behind the byte at which the EMR broke off, and charges in two frames.

use rstest::rstest;

use crate::check::tests::fixture::{Case, broken, changed, inconclusive};
use crate::history::{End, Outcome, What};
use crate::plan::Fault;
use crate::plan::fault::Connection;
use crate::verdict::{Circumstance, Judgement, Rule, Verdict};

/// John-doe's charge, sent as `sent` makes it, is cut after `cut` bytes; the others stand unread,
/// and `behind` after them.
fn cut(
    sent: impl Fn(&[u8]) -> Vec<u8>,
    cut: usize,
    behind: impl Fn(&[u8]) -> Vec<u8>,
) -> Judgement {
    let mut case = Case::begun().scripted(Fault::Connection(Connection::ResetAfterBytes));
    case.submit("john-doe");
    let first = sent(&case.message("john-doe"));
    let second = case.message("john-doe");
    case.send_part(1, &first[1..cut]);
    let offset = case.received_on(1);
    let bytes = [&first[cut..], &behind(&second)].concat();
    let length = bytes.len() as u64;
    case.push(What::Unread { connection: 1, offset, bytes: bytes.as_slice().into(), length });
    case.end(1, End::Reset);
    case.played(1, Fault::Connection(Connection::ResetAfterBytes));
    case.open(2, 1);
    case.ended(2, Outcome::Unknown).judge()
}

fn framed(payload: &[u8]) -> Vec<u8> {
    [&[0x0B], payload, &[0x1C, b'\r']].concat()
}

fn bare(payload: &[u8]) -> Vec<u8> {
    [payload, &[0x1C, b'\r']].concat()
}

/// The lines in a frame of their own.
fn in_two_frames(payload: &[u8]) -> Vec<u8> {
    let lines = payload.windows(5).position(|part| part == b"\rFT1|").unwrap() + 1;
    [framed(&payload[..lines]), framed(&payload[lines..])].concat()
}

/// A start byte before the second segment.
fn start_inside(payload: &[u8]) -> Vec<u8> {
    let end = payload.iter().position(|byte| *byte == b'\r').unwrap() + 1;
    framed(&[&payload[..end], &[0x0B], &payload[end..]].concat())
}

fn nothing(_: &[u8]) -> Vec<u8> {
    Vec::new()
}

#[rstest]
#[case::after_the_start_byte(framed, 1)]
#[case::in_the_lines(framed, 600)]
#[case::in_two_frames(in_two_frames, 1)]
#[case::in_two_frames_in_the_first(in_two_frames, 300)]
#[case::start_inside(start_inside, 1)]
#[case::start_inside_before_the_cut(start_inside, 300)]
fn the_rest_of_a_charge_that_was_cut_is_no_other_charge(
    #[case] sent: fn(&[u8]) -> Vec<u8>,
    #[case] at: usize,
) {
    let judgement = cut(sent, at, nothing);
    assert_eq!((judgement.verdict(), judgement.findings), (Verdict::Pass, Vec::new()));
}

#[rstest]
#[case::in_a_frame(framed, 1, framed)]
#[case::in_a_frame_after_the_lines(framed, 600, framed)]
#[case::without_a_start_byte(framed, 600, bare)]
#[case::behind_two_frames(in_two_frames, 1, framed)]
#[case::behind_two_frames_cut_in_the_first(in_two_frames, 300, framed)]
#[case::behind_a_start_inside(start_inside, 1, framed)]
#[case::in_two_frames_as_well(in_two_frames, 300, in_two_frames)]
#[case::with_a_start_inside_as_well(start_inside, 300, start_inside)]
#[case::in_the_frame_that_was_cut(|m: &[u8]| framed(m).strip_suffix(b"\x1c\r").unwrap().to_vec(), 600, bare)]
#[case::after_a_lost_end(|m: &[u8]| framed(m).strip_suffix(b"\x1c\r").unwrap().to_vec(), 600, framed)]
#[case::only_its_lines(framed, 600, |m: &[u8]| in_two_frames(m).split_off(in_two_frames(m).iter().position(|&byte| byte == 0x1C).unwrap() + 2))]
fn a_second_charge_behind_the_rest_is_a_second_charge(
    #[case] sent: fn(&[u8]) -> Vec<u8>,
    #[case] at: usize,
    #[case] behind: fn(&[u8]) -> Vec<u8>,
) {
    assert!(broken(&cut(sent, at, behind)).contains(&"once/per-order"));
}

/// Probe 1's charge has come; then a header comes on connection 1, and its lines on another.
#[rstest]
#[case::on_one_connection(1, &[])]
#[case::on_two_connections(2, &[(Rule::OncePerOrder, Circumstance::OrderNotReadable)])]
fn lines_go_on_with_a_charge_on_their_own_connection_only(
    #[case] connection: u32,
    #[case] expected: &[(Rule, Circumstance)],
) {
    let mut case = Case::begun();
    case.open(2, 1);
    case.submit("john-doe");
    let message = case.message("john-doe");
    let lines = message.windows(5).position(|part| part == b"\rFT1|").unwrap() + 1;
    case.send(1, &message[..lines]);
    let to = case.send(connection, &message[lines..]);
    case.answer(connection, to, "AA", &message);
    let judgement = case.ended(1, Outcome::Delivered).judge();
    assert_eq!(inconclusive(&judgement), expected);
}

/// Whatever comes after lines in a frame of their own is still compared with its own like.
#[test]
fn a_charge_under_a_new_order_is_seen_behind_another_in_two_frames() {
    let mut case = Case::begun();
    case.submit("john-doe");
    let message = case.message("john-doe");
    let lines = message.windows(5).position(|part| part == b"\rFT1|").unwrap() + 1;
    case.send(1, &message[..lines]);
    let to = case.send(1, &message[lines..]);
    case.answer(1, to, "AA", &message);
    let again = case.message("probe-1");
    let order = case.plan.exams["probe-1"].order.number.clone();
    case.send(1, &changed(&again, &format!("|{order}|"), "|999999|"));
    assert!(broken(&case.ended(1, Outcome::Delivered).judge()).contains(&"once/per-charge"));
}

#[test]
fn unread_bytes_that_were_not_kept_leave_the_verdict_open() {
    let mut case = Case::begun().scripted(Fault::Connection(Connection::ResetAfterBytes));
    case.submit("john-doe");
    let first = case.message("john-doe");
    case.send_part(1, &first[..599]);
    let kept = [&first[599..], b"\x1c\r"].concat();
    let length = kept.len() as u64 + 1;
    case.push(What::Unread { connection: 1, offset: 600, bytes: kept.as_slice().into(), length });
    case.end(1, End::Reset);
    case.played(1, Fault::Connection(Connection::ResetAfterBytes));
    case.open(2, 1);
    let judgement = case.ended(2, Outcome::Unknown).judge();
    assert_eq!(inconclusive(&judgement), [(Rule::OncePerOrder, Circumstance::HistoryCut)]);
}
