//! What an EMR does to connections, seen by a plain client at the other end of a real socket: its
//! errors, its ends and its times. And whatever such a client has sent is recorded, though nobody
//! had accepted or read it when the case ended.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rstest::rstest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::command::Place;
use crate::wire::{Server, charge, msa};

/// A server whose script plays `reply` for whoever comes.
fn playing(reply: &str) -> Server {
    let place = Place::new();
    let script = format!("title: A script\nemr:\n  - on: {{}}\n    reply: {reply}\n    times: 1\n");
    place.write("script.yaml", script);
    Server::start(place, &["--script", "script.yaml", "--ack-timeout", "200ms"])
}

/// A plain connection to a server.
fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect_timeout(&server.addresses[0], BOUND).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.set_write_timeout(Some(BOUND)).unwrap();
    stream
}

/// Reads until the connection is over: what came, and whether it ended in order or with a reset.
fn read_out(stream: &mut TcpStream) -> (Vec<u8>, &'static str) {
    let mut all = Vec::new();
    let mut some = [0; 4096];
    loop {
        match stream.read(&mut some) {
            Ok(0) => return (all, "close"),
            Ok(count) => all.extend_from_slice(&some[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (all, "reset"),
            Err(error) => panic!("neither bytes nor an end: {error}"),
        }
    }
}

fn names(events: &[serde_json::Value], wanted: &str) -> usize {
    events.iter().filter(|event| event["event"] == wanted).count()
}

#[rstest]
#[case::close_before_reply("connection/close-before-reply", false, "close")]
#[case::reset_before_reply("connection/reset-before-reply", false, "reset")]
#[case::reply_then_close("connection/reply-then-close", true, "close")]
#[case::reply_then_reset("connection/reply-then-reset", true, "reset")]
#[case::half_close("connection/half-close", false, "close")]
#[case::reset_after_bytes("{ connection/reset-after-bytes: { bytes: 220 } }", false, "reset")]
#[case::idle_drop("{ connection/idle-drop: { after: 100ms } }", true, "close")]
#[case::close_every("connection/close-every", true, "close")]
#[case::steal_session("connection/steal-session", false, "close")]
#[case::restart("{ connection/restart: { after: 100ms } }", false, "close")]
fn the_client_sees_the_end_that_the_history_tells(
    #[case] reply: &str,
    #[case] answered: bool,
    #[case] end: &str,
) {
    let server = playing(reply);
    let mut stream = connect(&server);
    stream.write_all(&charge("1", "ID-1")).unwrap();
    let (bytes, seen) = read_out(&mut stream);
    assert_eq!((!bytes.is_empty(), seen), (answered, end));
    if answered {
        assert_eq!(msa(&bytes, 1), "AA");
    }
    drop(stream);
    let judged = server.ends(0);
    let told = judged.events.iter().find(|event| event["event"] == "ended-by-emr").unwrap();
    let how = if reply.contains("half-close") { "half-close" } else { end };
    assert_eq!(told["how"], how);
    assert_eq!(names(&judged.events, "played"), 1);
}

#[test]
fn a_connect_to_a_black_hole_gets_neither_an_answer_nor_a_refusal() {
    let server = playing("{ connection/blackhole: { after: 1s } }");
    // Well below the second after which a system asks again.
    let connect = || TcpStream::connect_timeout(&server.addresses[0], Duration::from_millis(400));
    assert_eq!(connect().unwrap_err().kind(), ErrorKind::TimedOut);
    let until = Instant::now() + BOUND;
    let mut stream = loop {
        match connect() {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < until, "it never ends: {error}"),
        }
    };
    stream.write_all(&charge("1", "ID-1")).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 1);
    let judged = server.ends(0);
    assert_eq!((names(&judged.events, "silence-seen"), names(&judged.events, "opened")), (1, 1));
}

#[test]
fn a_connect_to_a_closed_endpoint_is_refused_and_its_port_is_kept() {
    let server = playing("{ connection/refused: { after: 300ms } }");
    let address = server.addresses[0];
    let refused = TcpStream::connect_timeout(&address, BOUND).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let until = Instant::now() + BOUND;
    let mut stream = loop {
        match TcpStream::connect_timeout(&address, BOUND) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < until, "it stays closed: {error}"),
        }
    };
    stream.write_all(&charge("1", "ID-1")).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 1);
    assert_eq!(names(&server.ends(0).events, "refusal-seen"), 1);
}

#[test]
fn a_window_closes_while_the_emr_does_not_read_and_opens_when_it_does() {
    let server = playing("{ connection/no-read: { after: 300ms } }");
    let mut stream = connect(&server);
    rustix::net::sockopt::set_socket_send_buffer_size(&stream, 16 * 1024).unwrap();
    let mut message = charge("1", "ID-1");
    let place = message.len() - 3;
    message.splice(place..place, std::iter::repeat_n(b'x', MUCH)); // a long last field
    stream.set_nonblocking(true).unwrap();
    let mut sent = 0;
    let stuck = loop {
        match stream.write(&message[sent..]) {
            Ok(count) => sent += count,
            Err(error) => break error.kind(),
        }
        assert!(sent < message.len(), "somebody takes all of it");
    };
    assert_eq!(stuck, ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    stream.write_all(&message[sent..]).unwrap();
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).unwrap();
    answer.truncate(count);
    assert_eq!(msa(&answer, 1), "AA");
    let judged = server.ends(0);
    let reading = judged.events.iter().filter(|event| event["event"] == "reading");
    let waiting: Vec<u64> = reading.map(|event| event["waiting"].as_u64().unwrap()).collect();
    assert_eq!((waiting.len(), waiting[0]), (2, 0));
    assert!(waiting[1] > 0 && waiting[1] < MUCH as u64, "{waiting:?}");
    assert_eq!(judged.received(), [message]);
}

#[test]
fn only_as_many_connections_as_there_are_places_are_kept() {
    let server = playing("{ connection/max-connections: { count: 1 } }");
    let mut first = connect(&server);
    first.write_all(&charge("1", "ID-1")).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap(), 1);
    let mut second = connect(&server);
    assert_eq!(read_out(&mut second), (Vec::new(), "close"));
    first.write_all(&charge("2", "ID-2")).unwrap();
    assert_eq!(server.ends(0).received().len(), 2);
}

#[rstest]
#[case::unaccepted("{ connection/slow-accept: { after: 60m } }")]
#[case::unread("{ connection/no-read: { after: 60m } }")]
fn a_second_charge_that_nobody_had_taken_in_when_the_case_ended_is_counted(#[case] reply: &str) {
    let server = playing(reply);
    let (mut first, mut second) = (connect(&server), connect(&server));
    first.write_all(&charge("1", "ID-1")).unwrap();
    second.write_all(&charge("1", "ID-2")).unwrap();
    let judged = server.ends(10);
    assert_eq!(judged.received(), [charge("1", "ID-1"), charge("1", "ID-2")]);
    assert_eq!(names(&judged.events, "not-played"), 1, "and the fault did not last as it should");
}

#[test]
fn ten_thousand_connections_under_mixed_faults_cost_what_they_say_and_no_more() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let count = 10_000.min(usize::try_from(most).unwrap_or(usize::MAX) - 100);
    let place = Place::new();
    place.write("script.yaml", MIX);
    let server = Server::start(place, &["--script", "script.yaml", "--ack-timeout", "500ms"]);
    let mut streams: Vec<TcpStream> = (0..count).map(|_| connect(&server)).collect();
    let mut memory = Vec::new();
    for round in 0..3 {
        for (number, stream) in streams.iter_mut().enumerate() {
            let order = (round * count + number).to_string();
            let _ = stream.write_all(&charge(&order, &order)); // some of them are closed by now
        }
        // Whoever comes last is answered last, or nearly.
        let mut last = connect(&server);
        last.write_all(&charge(&format!("last-{round}"), "LAST")).unwrap();
        assert_eq!(last.read(&mut [0]).unwrap(), 1);
        memory.push(server.peak_memory());
    }
    let message = charge("10000", "10000").len() as u64;
    let said = message + 200; // an answer is shorter than that
    // A connection of the EMR costs a few kilobytes. What was recorded is on disk, but for what waits to be
    // written; the peak that the system tells may even be a little less than it was.
    let grown = memory[2].saturating_sub(memory[0]);
    let most = 24 * 1024 * 1024;
    assert!(grown <= most, "{grown} bytes in two rounds, not {most}: {memory:?}");
    let all = count as u64 * (8 * 1024 + said * 3) + 64 * 1024 * 1024;
    assert!(memory[0] <= all, "{} bytes after the first round, not {all}", memory[0]);
}

/// Faults that keep connections, answers or nothing waiting; everybody else is answered.
const MIX: &str = "title: A mix
emr:
  - { on: {}, reply: { connection/idle-drop: { after: 2s } }, times: 1000 }
  - { on: {}, reply: none, times: 1000 }
  - { on: {}, reply: connection/half-close, times: 1000 }
  - { on: {}, reply: frame/partial-then-silence, times: 1000 }
  - { on: {}, reply: connection/reset-before-reply, times: 500 }
  - { on: {}, reply: { late: { after: 1s } }, times: 1000 }
  - { on: {}, reply: frame/byte-by-byte, times: 100 }
  - { on: {}, reply: { connection/close-every: { count: 2 } }, times: 1000 }
";

/// Every wait ends.
const BOUND: Duration = Duration::from_secs(20);

/// More than the buffers of both ends hold, and less than a message may have.
const MUCH: usize = 900_000;
