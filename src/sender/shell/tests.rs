//! The sender over real sockets and a real disk: few tests, each of something that virtual time
//! cannot show.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::mpsc::{Sender, channel};

use crate::hl7::Message;
use crate::mllp::encode;
use crate::sender::shell::{Bug, Outcome, SenderError, ShellOptions, account_of, serve};
use crate::sender::shell::{Shell, block_on};
use crate::sender::tests::rehearsal::{exam, mapping_named};

const A: &str = "700001";
const B: &str = "700002";

/// What a sender has logged.
type Lived = Result<Vec<String>, SenderError>;

/// A sender in a thread, its directory and the listener that it talks to.
struct Living {
    home: TempDir,
    listener: TcpListener,
    sender: Option<(Sender<()>, JoinHandle<Lived>)>,
}

impl Living {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("inbox")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { home, listener, sender: None }
    }

    fn options(&self) -> ShellOptions {
        ShellOptions {
            ack_port: None,
            endpoints: vec![self.listener.local_addr().unwrap().to_string()],
            state: self.home.path().join("state"),
            inbox: self.home.path().join("inbox"),
            mapping: mapping_named("iris/option-2"),
            results: None,
            ack_timeout: Duration::from_millis(500),
            retry_every: Duration::from_millis(20),
            tls: None,
            talks: false,
            bug: None,
            variant: None,
        }
    }

    fn start(&mut self) {
        let options = self.options();
        let (stop, stopped) = channel(1);
        let thread = spawn(move || {
            let mut lines = Vec::new();
            let mut log = |line: &str| lines.push(line.to_owned());
            block_on(async { Shell::start(&options, &mut log, stopped)?.run().await })?;
            Ok(lines)
        });
        self.sender = Some((stop, thread));
    }

    fn stop(&mut self) -> Vec<String> {
        let (stop, thread) = self.sender.take().unwrap();
        stop.blocking_send(()).unwrap();
        thread.join().unwrap().unwrap()
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let inbox = self.home.path().join("inbox");
        fs::write(inbox.join("part"), bytes).unwrap();
        fs::rename(inbox.join("part"), inbox.join(name)).unwrap();
    }

    fn put_exam(&self, order: &str) {
        let json = serde_json::to_vec(&exam(order)).unwrap();
        self.put(&format!("{order}.json"), &json);
    }

    fn accept(&self) -> TcpStream {
        let stream = self.accept_in_time();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    fn accept_in_time(&self) -> TcpStream {
        self.listener.set_nonblocking(true).unwrap();
        let begun = Instant::now();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => return stream,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "the sender does not connect");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the account says what is expected.
    fn await_account(&self, expected: &[(&str, Outcome)]) {
        let expected: Vec<_> =
            expected.iter().map(|(order, outcome)| ((*order).to_owned(), *outcome)).collect();
        let begun = Instant::now();
        while account_of(&self.options().state).unwrap() != expected {
            assert!(begun.elapsed() < Duration::from_secs(5), "no such account");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn assert_silent(&self) {
        self.listener.set_nonblocking(true).unwrap();
        let error = self.listener.accept().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

fn read_message(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\x1c\r") {
        assert_eq!(stream.read(&mut one).unwrap(), 1, "the sender hung up");
        bytes.push(one[0]);
    }
    bytes[1..bytes.len() - 2].to_vec()
}

fn acknowledgement(message: &[u8]) -> Vec<u8> {
    let id = String::from_utf8_lossy(Message::read(message).control_id()).into_owned();
    encode(format!("MSH|^~\\&|E|F|I|I|||ACK^P03|1|P|2.4\rMSA|AA|{id}\r").as_bytes())
}

fn file_names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn exams_of_the_inbox_go_out_in_the_order_of_their_names() {
    let mut living = Living::new();
    living.put_exam(B);
    living.put_exam(A);
    living.start();
    let mut stream = living.accept();
    for order in [A, B] {
        let message = read_message(&mut stream);
        assert_eq!(Message::read(&message).value("FT1-3"), order.as_bytes());
        for byte in acknowledgement(&message) {
            stream.write_all(&[byte]).unwrap();
        }
    }
    living.await_account(&[(A, Outcome::Delivered), (B, Outcome::Delivered)]);
    assert!(living.stop().is_empty());
    assert!(file_names(&living.options().inbox).is_empty());
    assert_eq!(file_names(&living.options().state.join("done")).len(), 2);
}

#[test]
fn what_is_no_exam_is_set_aside_and_the_next_goes_out() {
    let mut living = Living::new();
    living.put("0.json", b"{\"order\": 1}");
    living.put_exam(A);
    living.start();
    let mut stream = living.accept();
    let message = read_message(&mut stream);
    stream.write_all(&acknowledgement(&message)).unwrap();
    living.await_account(&[(A, Outcome::Delivered)]);
    let log = living.stop();
    assert!(log.len() == 1 && log[0].starts_with("`0.json` is no exam: "));
    assert_eq!(file_names(&living.options().state.join("rejected")), ["0.json"]);
}

#[test]
fn a_charge_without_an_answer_is_unknown_and_stays_so_over_a_restart() {
    let mut living = Living::new();
    living.put_exam(A);
    living.start();
    let mut stream = living.accept();
    read_message(&mut stream);
    drop(stream);
    living.await_account(&[(A, Outcome::Unknown)]);
    living.stop();
    // The same exam once more, and a fresh one after it.
    living.put_exam(A);
    living.put_exam(B);
    living.start();
    let mut stream = living.accept();
    let message = read_message(&mut stream);
    assert_eq!(Message::read(&message).value("FT1-3"), B.as_bytes());
    stream.write_all(&acknowledgement(&message)).unwrap();
    living.await_account(&[(A, Outcome::Unknown), (B, Outcome::Delivered)]);
    living.stop();
    living.assert_silent();
}

#[test]
fn a_stop_waits_for_the_answer_that_is_due() {
    let mut living = Living::new();
    living.put_exam(A);
    living.start();
    let mut stream = living.accept();
    let message = read_message(&mut stream);
    let (stop, thread) = living.sender.take().unwrap();
    stop.blocking_send(()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    stream.write_all(&acknowledgement(&message)).unwrap();
    thread.join().unwrap().unwrap();
    living.await_account(&[(A, Outcome::Delivered)]);
}

#[test]
fn a_connection_that_closed_while_idle_costs_nothing() {
    let mut living = Living::new();
    living.put_exam(A);
    living.start();
    let mut stream = living.accept();
    let message = read_message(&mut stream);
    stream.write_all(&acknowledgement(&message)).unwrap();
    drop(stream);
    living.await_account(&[(A, Outcome::Delivered)]);
    std::thread::sleep(Duration::from_millis(20));
    living.put_exam(B);
    let mut stream = living.accept();
    let message = read_message(&mut stream);
    stream.write_all(&acknowledgement(&message)).unwrap();
    living.await_account(&[(A, Outcome::Delivered), (B, Outcome::Delivered)]);
    living.stop();
}

#[test]
fn a_refused_sender_tries_again() {
    let mut living = Living::new();
    let address = living.listener.local_addr().unwrap();
    let options = living.options();
    living.listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (stop, stopped) = channel(1);
    let thread = spawn(move || {
        block_on(async { Shell::start(&options, &mut |_| {}, stopped)?.run().await })
    });
    living.put_exam(A);
    std::thread::sleep(Duration::from_millis(60));
    living.listener = TcpListener::bind(address).unwrap();
    let mut stream = living.accept();
    let message = read_message(&mut stream);
    stream.write_all(&acknowledgement(&message)).unwrap();
    living.await_account(&[(A, Outcome::Delivered)]);
    stop.blocking_send(()).unwrap();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_sender_without_an_endpoint_or_built_to_die_does_not_start() {
    let living = Living::new();
    let none = ShellOptions { endpoints: Vec::new(), ..living.options() };
    assert!(matches!(serve(&none, &mut |_| {}), Err(SenderError::NoEndpoint)));
    let dying = ShellOptions { bug: Some(Bug::DiesAtStart), ..living.options() };
    assert!(matches!(serve(&dying, &mut |_| {}), Err(SenderError::Died)));
}
