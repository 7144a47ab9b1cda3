//! `serve` is an EMR for any sender: it answers, bears whatever comes, records it byte for byte
//! and judges it on Ctrl-C.

use std::time::Duration;

use crate::command::{Place, rules_found};
use crate::wire::{Client, Server, charge, msa};
use rstest::rstest;

fn server() -> Server {
    Server::start(Place::new(), &[])
}

/// A server that plays the `emr` section of a scenario.
fn scripted(script: &str) -> Server {
    let place = Place::new();
    place.write("script.yaml", format!("title: A script\nexams: [john-doe]\nemr:\n{script}"));
    Server::start(place, &["--script", "script.yaml", "--ack-timeout", "200ms"])
}

#[test]
fn a_charge_is_accepted_under_its_own_control_id() {
    let server = server();
    let mut client = server.connect();
    client.send(&charge("1", "ID-1"));
    let answer = client.answer();
    assert!(answer.starts_with(b"\x0bMSH|^~\\&|EMR|CLINIC|IRIS|IRIS|"), "{answer:?}");
    assert_eq!((msa(&answer, 1), msa(&answer, 2)), ("AA".into(), "ID-1".into()));
    client.hang_up();
    let judged = server.ends(0);
    assert_eq!(judged.received(), [charge("1", "ID-1")]);
    assert_eq!(judged.report["cases"][0]["charges"], 1);
}

#[test]
fn a_charge_that_comes_twice_is_found_and_kept_byte_for_byte() {
    let server = server();
    let first = charge("273013", "ID-1");
    let mut again = charge("273013", "ID-2");
    let name = again.windows(4).position(|four| four == b"JOHN").unwrap();
    again.splice(name..name, *b"\xE9\x00"); // no UTF-8, and the end of a C string
    let mut client = server.connect();
    client.send(&first);
    client.answer();
    let mut other = server.connect();
    other.send(&again);
    other.answer();
    let judged = server.ends(10);
    assert_eq!(judged.received(), [first, again]);
    assert!(rules_found(&judged.report).contains("once/per-order"));
    assert!(judged.out.contains("once/per-order"), "{}", judged.out);
    // Whoever connected was not started by us, and can only be judged again.
    assert!(!judged.out.contains("life"), "{}", judged.out);
    let again = "  repeat    chargeproof check out/cases/serve/history.jsonl\n";
    assert!(judged.out.contains(again), "{}", judged.out);
}

#[test]
fn bytes_that_were_sent_just_before_ctrl_c_are_still_recorded() {
    let server = server();
    let mut client = server.connect();
    client.send(&charge("1", "ID-1"));
    client.send(&charge("1", "ID-1"));
    assert_eq!(server.ends(10).received().len(), 2);
}

#[test]
fn half_a_message_on_an_open_connection_is_recorded_at_the_end() {
    let server = server();
    let whole = charge("1", "ID-1");
    let mut client = server.connect();
    client.send(&whole);
    client.answer();
    client.send(&whole[..200]);
    let judged = server.ends(10);
    assert_eq!(judged.received(), [whole.clone(), whole[..200].to_vec()]);
}

#[test]
fn every_endpoint_is_listened_on() {
    let listen = ["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--listen", "[::1]:0"];
    let server = Server::start(Place::new(), &listen);
    assert_eq!(server.addresses.len(), 3);
    for (index, &address) in server.addresses.iter().enumerate() {
        let mut client = Client::to(address);
        client.send(&charge(&format!("{index}"), &format!("ID-{index}")));
        assert_eq!(msa(&client.answer(), 1), "AA");
    }
    server.ends(0);
}

#[rstest]
#[case::reject("reject", "AR")]
#[case::error("error", "AE")]
#[case::commit("commit-accept", "CA")]
#[case::locked("locked", "AE")]
#[case::prefix("payload/code-prefix", "AAX")]
fn a_script_decides_the_answer(#[case] reply: &str, #[case] code: &str) {
    let server = scripted(&format!("  - on: {{ message: 2 }}\n    reply: {reply}\n"));
    let mut client = server.connect();
    let mut codes = Vec::new();
    for order in 1..=3 {
        client.send(&charge(&format!("{order}"), &format!("ID-{order}")));
        let answer = client.answer();
        assert_eq!(msa(&answer, 2), format!("ID-{order}"));
        codes.push(msa(&answer, 1));
    }
    assert_eq!(codes, ["AA", code, "AA"]);
    server.ends(0);
}

#[test]
fn a_script_can_hang_up_keep_silent_and_speak_raw_bytes() {
    let server = scripted(
        "  - on: { message: 1 }\n    reply: connection/close-before-reply\n  \
         - on: { message: 2 }\n    reply: connection/reset-before-reply\n  \
         - on: { message: 3 }\n    reply: { raw: 'hello<CR><FS><CR>' }\n  \
         - on: { message: 4 }\n    reply: none\n",
    );
    let mut answers = Vec::new();
    for order in 1..=3 {
        let mut client = server.connect();
        client.send(&charge(&format!("{order}"), &format!("ID-{order}")));
        answers.push(client.answer());
    }
    assert_eq!(answers, [b"".to_vec(), b"".to_vec(), b"hello\r\x1c\r".to_vec()]);
    let mut client = server.connect();
    client.send(&charge("4", "ID-4"));
    client.send(&charge("5", "ID-5"));
    assert_eq!(msa(&client.answer(), 2), "ID-5", "the fourth is read and not answered");
    let judged = server.ends(0);
    let played: Vec<&str> = judged
        .events
        .iter()
        .filter(|event| event["event"] == "played")
        .map(|event| event["name"].as_str().unwrap())
        .collect();
    let names = ["connection/close-before-reply", "connection/reset-before-reply", "answer/none"];
    assert!(names.iter().all(|name| played.contains(name)), "{played:?}");
}

/// Whatever a connection carries, the next client is served, and the end is a verdict.
#[rstest]
#[case::garbage(garbage(100_000))]
#[case::nuls(vec![0; 100_000])]
#[case::starts(vec![0x0b; 100_000])]
#[case::ends([0x1c, 0x0d].repeat(50_000))]
#[case::empty_frames(b"\x0b\x1c\r".repeat(1_000))]
#[case::separators([b"\x0bMSH".to_vec(), vec![b'|'; 100_000], b"\x1c\r".to_vec()].concat())]
#[case::only_a_header(b"\x0bMSH\x1c\r".to_vec())]
#[case::http(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec())]
#[case::nested([b"\x0b".to_vec(), charge("1", "ID-1")].concat())]
fn rubbish_is_borne_recorded_and_judged(#[case] rubbish: Vec<u8>) {
    let server = server();
    let mut client = server.connect();
    let mut reader = server.connect();
    client.try_send(&rubbish).unwrap();
    client.hang_up();
    reader.send(&charge("2", "ID-2"));
    assert_eq!(msa(&reader.answer(), 2), "ID-2");
    let judged = server.ends(1);
    let rules = rules_found(&judged.report);
    assert!(rules.iter().any(|rule| rule.starts_with("wire/")), "{rules:?}");
    let all: Vec<u8> = judged.received().concat();
    assert_eq!(all.len(), rubbish.len() + charge("2", "ID-2").len(), "a byte is lost");
}

#[test]
fn a_frame_may_be_cut_at_every_byte() {
    let server = server();
    let length = charge("0000", "ID-0000").len();
    let cuts: Vec<usize> = (1..length).collect();
    let mut sent = Vec::new();
    for cuts in cuts.chunks(16) {
        let mut client = server.connect();
        for cut in cuts {
            let frame = charge(&format!("{cut:04}"), &format!("ID-{cut:04}"));
            client.send(&frame[..*cut]);
            client.send(&frame[*cut..]);
            assert_eq!(msa(&client.answer(), 2), format!("ID-{cut:04}"));
            sent.push(frame);
        }
        client.hang_up();
    }
    let judged = server.ends(0);
    assert_eq!(judged.received(), sent);
}

#[test]
fn a_frame_that_ends_at_any_byte_is_half_a_message_and_harms_nobody() {
    let server = server();
    let frame = charge("1", "ID-1");
    for length in (1..frame.len()).step_by(7) {
        let mut client = server.connect();
        client.send(&frame[..length]);
        client.hang_up();
    }
    let mut client = server.connect();
    client.send(&charge("2", "ID-2"));
    assert_eq!(msa(&client.answer(), 1), "AA");
    let judged = server.ends(10); // the same charge was begun many times
    let longest = judged.received().iter().map(Vec::len).max();
    assert!(longest > Some(200), "{longest:?}");
}

#[test]
fn eight_mebibytes_without_an_end_are_counted_and_not_kept() {
    let server = server();
    let mut client = server.connect();
    client.send(b"\x0bMSH|^~\\&|");
    for _ in 0..128 {
        client.send(&vec![b'A'; 64 * 1024]);
    }
    let mut other = server.connect();
    other.send(&charge("2", "ID-2"));
    assert_eq!(msa(&other.answer(), 1), "AA", "the others are served meanwhile");
    client.hang_up();
    assert!(server.peak_memory() < 64 << 20, "it holds {} bytes", server.peak_memory());
    let judged = server.ends(1);
    assert!(rules_found(&judged.report).contains("sender/bounded"), "{:#}", judged.report);
    let kept = judged.received().iter().map(Vec::len).max().unwrap();
    assert!(kept <= 2 << 20, "{kept} bytes of one message are kept");
    let counted = judged.events.iter().filter_map(|event| event["length"].as_u64()).max();
    assert_eq!(counted, Some(10 + (8 << 20)));
}

#[test]
fn three_hundred_connections_at_once_are_all_answered() {
    let server = server();
    let mut clients: Vec<Client> = (0..300).map(|_| server.connect()).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(&charge(&format!("{index}"), &format!("ID-{index}")));
    }
    for (index, client) in clients.iter_mut().enumerate() {
        let answer = client.answer();
        assert_eq!((msa(&answer, 1), msa(&answer, 2)), ("AA".into(), format!("ID-{index}")));
    }
    let judged = server.ends(0);
    assert_eq!(judged.report["cases"][0]["charges"], 300);
}

#[test]
fn a_client_that_never_reads_does_not_stop_the_others() {
    let server = server();
    let mut deaf = server.connect();
    for order in 0..2_000 {
        deaf.send(&charge(&format!("A{order}"), &format!("A-{order}")));
    }
    let mut client = server.connect();
    client.send(&charge("B", "B-1"));
    assert_eq!(msa(&client.answer(), 2), "B-1");
    let judged = server.ends(0);
    assert_eq!(judged.report["cases"][0]["charges"], 2_001);
    drop(deaf);
}

#[test]
fn an_entry_of_a_script_that_never_played_is_no_verdict_and_is_named() {
    let entry = "  - { on: { message: 2 }, reply: reject }\n";
    let server = scripted(entry);
    let mut client = server.connect();
    client.send(&charge("1", "ID-1"));
    client.answer();
    let judged = server.ends(5);
    assert!(
        judged.out.contains("`answer/reject` for message 2 was never played"),
        "{}",
        judged.out
    );
    assert!(judged.out.contains("only 1 message came"), "{}", judged.out);
    assert!(!judged.out.contains("longer limits"), "patience is no cure: {}", judged.out);
    let server = scripted("  - { on: { message: 2 }, reply: reject, optional: true }\n");
    let mut client = server.connect();
    client.send(&charge("1", "ID-1"));
    client.answer();
    server.ends(0);
}

#[test]
fn a_wire_that_was_quiet_for_less_than_the_longest_retry_is_no_verdict() {
    let server = Server::start(Place::new(), &["--longest-retry", "1h"]);
    let mut client = server.connect();
    client.send(&charge("1", "ID-1"));
    client.answer();
    let judged = server.ends(5);
    assert!(judged.out.contains("not watched quiet"), "{}", judged.out);
}

#[test]
fn a_charge_whose_order_cannot_be_read_is_not_said_to_be_missing() {
    let server = server();
    let mut client = server.connect();
    client.send(&charge("", "ID-1"));
    client.answer();
    let judged = server.ends(5);
    assert!(judged.out.contains("carries a charge and no order"), "{}", judged.out);
    assert!(judged.out.contains("`identity` of the mapping"), "{}", judged.out);
    for wrong in ["no charge was attempted", "by hand", "nothing was sent"] {
        assert!(!judged.out.contains(wrong), "{wrong}: {}", judged.out);
    }
}

#[test]
fn nobody_connected_is_no_verdict() {
    server().ends(5);
}

#[test]
fn a_port_that_is_taken_is_a_mistake_in_the_command() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::new();
    let mut command = place.command(&["serve", "--listen", &address]);
    let output = command.timeout(Duration::from_secs(20)).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&address));
}

#[test]
fn two_servers_do_not_share_a_port() {
    let server = server();
    let address = server.addresses[0].to_string();
    let place = Place::new();
    let mut other = place.command(&["serve", "--listen", &address]);
    let output = other.timeout(Duration::from_secs(20)).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "it may not take half of the connections");
    server.ends(5);
}

#[test]
fn a_port_that_was_served_a_moment_ago_can_be_served_again() {
    let first = server();
    let address = first.addresses[0].to_string();
    let mut client = first.connect();
    client.send(&charge("1", "ID-1"));
    client.answer();
    first.ends(0); // it closes first, so the port is left in TIME_WAIT
    drop(client);
    let again = Server::start(Place::new(), &["--listen", &address]);
    let mut client = again.connect();
    client.send(&charge("1", "ID-1"));
    assert_eq!(msa(&client.answer(), 1), "AA");
    again.ends(0);
}

/// Bytes without any order in them, the same in every run.
fn garbage(length: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}
