//! An EMR that `serve` plays, and clients over real sockets that speak to it. Every wait has a
//! bound, and the server is ended with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::command::{BOUND, PROGRAM, Place};

/// A running `serve` in a folder of its own, with `--out out`.
pub(crate) struct Server {
    /// Its folder.
    pub(crate) place: Place,
    /// Where it listens.
    pub(crate) addresses: Vec<SocketAddr>,
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it on ports of the system's choice and waits until it says that it listens.
    pub(crate) fn start(place: Place, arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--out", "out"]).args(arguments);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.current_dir(place.path("")).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(std::fs::File::create(place.path("stderr")).unwrap());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut addresses = Vec::new();
        loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "it ended: {}", place.text("stderr"));
            match line.trim_end().strip_prefix("listening on ") {
                Some(address) => addresses.push(address.parse().unwrap()),
                None => break,
            }
        }
        Self { place, addresses, child, output }
    }

    /// A client of the first address.
    pub(crate) fn connect(&self) -> Client {
        Client::to(self.addresses[0])
    }

    /// The most memory that it ever had, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(process, signal).unwrap();
    }

    /// Waits until what it has recorded so far is like this.
    pub(crate) fn recorded(&self, is_so: impl Fn(&str) -> bool) {
        let until = Instant::now() + BOUND;
        while !is_so(&self.place.text("out/cases/serve/history.jsonl")) {
            assert!(Instant::now() < until, "it does not come to that");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a kill has ended it; its folder.
    pub(crate) fn killed(mut self) -> Place {
        self.child.wait().unwrap();
        std::mem::replace(&mut self.place, Place::new())
    }

    /// Presses Ctrl-C, waits for its verdict and checks that it is this exit code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Judged {
        let (found, judged, err) = self.ended();
        assert_eq!(found, Some(code), "\nout:\n{}\nerr:\n{err}", judged.out);
        assert_eq!(err, "");
        judged
    }

    /// Presses Ctrl-C and waits for its verdict: the exit code, what it said, and its error output.
    pub(crate) fn ended(mut self) -> (Option<i32>, Judged, String) {
        self.signal(Signal::INT);
        self.signal(Signal::CONT); // it may have been stopped
        let until = Instant::now() + BOUND;
        let mut status = self.child.try_wait().unwrap();
        while status.is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
            status = self.child.try_wait().unwrap();
        }
        let status = status.expect("it ends when it is interrupted");
        let mut out = String::new();
        self.output.read_to_string(&mut out).unwrap();
        let err = self.place.text("stderr");
        let events = self.place.text("out/cases/serve/history.jsonl");
        let events = events.lines().skip(1).map(|line| serde_json::from_str(line).unwrap());
        let events = events.filter(|event: &Value| event.get("seal").is_none()).collect();
        let report = self.place.json("out/report.json");
        (status.code(), Judged { out, events, report }, err)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended long ago
        let _ = self.child.wait();
    }
}

/// What a server said at its end.
pub(crate) struct Judged {
    /// The report for people.
    pub(crate) out: String,
    /// The events of the history.
    pub(crate) events: Vec<Value>,
    /// `report.json`.
    pub(crate) report: Value,
}

impl Judged {
    /// The bytes of every piece that was received, in order of arrival.
    pub(crate) fn received(&self) -> Vec<Vec<u8>> {
        let received = self.events.iter().filter(|event| event["event"] == "received");
        received.map(|event| bytes(&event["bytes"])).collect()
    }
}

/// Stored bytes: each is the character of the same number.
fn bytes(stored: &Value) -> Vec<u8> {
    stored.as_str().unwrap().chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect()
}

/// One connection of a sender.
pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, BOUND).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream }
    }

    /// Writes bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Writes bytes to a peer that may have hung up.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads until the end of a frame, or of the connection.
    pub(crate) fn answer(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        let mut one = [0];
        while !read.ends_with(b"\x1c\r") {
            match self.stream.read(&mut one) {
                Ok(1..) => read.push(one[0]),
                Ok(0) => break,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("no answer after {read:?}: {error}"),
            }
        }
        read
    }

    /// Reads until the end of a frame, or of the connection, or of this time: what has come by then.
    #[allow(dead_code, reason = "not every test waits for what may not come")]
    pub(crate) fn answer_within(&mut self, time: Duration) -> Vec<u8> {
        let until = Instant::now() + time;
        let (mut read, mut one) = (Vec::new(), [0]);
        while !read.ends_with(b"\x1c\r") {
            let left = until.saturating_duration_since(Instant::now());
            if self.stream.set_read_timeout(Some(left)).is_err() {
                break; // no time is left
            }
            match self.stream.read(&mut one) {
                Ok(1..) => read.push(one[0]),
                Ok(0) | Err(_) => break,
            }
        }
        read
    }

    /// Says that nothing more will be written, and reads until the server has seen it.
    pub(crate) fn hang_up(mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        let _ = self.stream.read_to_end(&mut Vec::new());
    }
}

/// A charge message of an order, in its frame.
pub(crate) fn charge(order: &str, control_id: &str) -> Vec<u8> {
    format!(
        "\x0bMSH|^~\\&|IRIS|IRIS|EMR|CLINIC|20260105080000||DFT^P03|{control_id}|P|2.4\r\
         EVN|P03|20260105080000\r\
         PID||77^^^^MRN|77||DOE^JOHN||19581012|M||||||||||1234\r\
         PV1|1|O|POC01\r\
         FT1|1||{order}|20170410145901|20260105080000|CG|92250^Photo^CPT||77|1\r\x1c\r"
    )
    .into_bytes()
}

/// The field of the answer's MSA with this number.
pub(crate) fn msa(answer: &[u8], field: usize) -> String {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let segment = text.split('\r').find(|segment| segment.starts_with("MSA|"));
    let segment = segment.unwrap_or_else(|| panic!("no MSA in {text:?}"));
    segment.split('|').nth(field).unwrap_or_default().to_owned()
}
