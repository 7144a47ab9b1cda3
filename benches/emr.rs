//! How fast the simulated EMR answers, beside a bare server that answers everything with the same
//! bytes, and what an idle connection costs it.
//!
//! Both servers are processes of their own and are driven by the same client in this one, in
//! turns, over loopback. The bare server looks for the end of a frame and at nothing else: it
//! does not read the message, does not record it and answers no question about it.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

mod shelf;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|one| !one.starts_with("--"));
    if arguments.next().as_deref() == Some("bare") {
        return runtime()?.block_on(bare());
    }
    raise_descriptors()?;
    throughput()?;
    long()?;
    idle()
}

/// Sends many messages, and says what that took of memory and of the patience of who sent them.
fn long() -> io::Result<()> {
    println!("{LONG} messages over {CONNECTIONS} connections");
    println!("             msg/s   p99 ms   longest ms   peak MB");
    for (name, orders) in
        [("bare", Orders::Different), ("emr", Orders::Different), ("emr, again", Orders::Same)]
    {
        let server = if name == "bare" { Server::bare()? } else { Server::emr()? };
        let started = Instant::now();
        let mut waits = runtime()?.block_on(send_many(server.address, orders))?;
        let rate = waits.len() as f64 / started.elapsed().as_secs_f64();
        waits.sort_unstable();
        let millis = |at: usize| waits[at].as_secs_f64() * 1e3;
        let (p99, longest) = (millis(waits.len() * 99 / 100), millis(waits.len() - 1));
        let peak = server.peak_bytes()? as f64 / 1e6;
        println!("{name:<11} {rate:>6.0} {p99:>8.2} {longest:>12.2} {peak:>9.1}");
    }
    Ok(())
}

/// Which order a message carries.
#[derive(Clone, Copy, PartialEq)]
enum Orders {
    Different,
    Same,
}

/// Sends [`LONG`] messages, and says how long each waited for its answer.
async fn send_many(address: SocketAddr, orders: Orders) -> io::Result<Vec<Duration>> {
    let mut tasks = JoinSet::new();
    for connection in 0..CONNECTIONS {
        tasks.spawn(async move {
            let mut line = TcpStream::connect(address).await?;
            line.set_nodelay(true)?;
            let mut waits = Vec::new();
            for sent in 0..LONG / CONNECTIONS {
                let number = connection * 100_000_000 + sent;
                let message = shelf::frame(if orders == Orders::Same { 0 } else { number });
                let asked = Instant::now();
                exchange(&mut line, &message).await?;
                waits.push(asked.elapsed());
            }
            io::Result::Ok(waits)
        });
    }
    let mut all = Vec::new();
    while let Some(waits) = tasks.join_next().await {
        all.extend(waits.map_err(io::Error::other)??);
    }
    Ok(all)
}

/// Compares the two servers at [`CONNECTIONS`] connections.
fn throughput() -> io::Result<()> {
    println!(
        "{CONNECTIONS} connections, {} bytes a message, {ROUNDS} rounds in turns",
        shelf::frame(0).len()
    );
    println!("round   bare/s   emr/s   ratio   bare us   emr us (processor time a message)");
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        let (bare, emr) = (measure(Server::bare()?)?, measure(Server::emr()?)?);
        let ratio = emr.rate / bare.rate;
        println!(
            "{round:>5} {:>8.0} {:>7.0} {ratio:>7.2} {:>9.2} {:>8.2}",
            bare.rate, emr.rate, bare.micros, emr.micros
        );
        rounds.push([bare.rate, emr.rate, ratio, bare.micros, emr.micros]);
    }
    let [bare, emr, ratio, bare_micros, emr_micros] =
        [0, 1, 2, 3, 4].map(|column| median(rounds.iter().map(|round| round[column]).collect()));
    println!("median{bare:>8.0} {emr:>7.0} {ratio:>7.2} {bare_micros:>9.2} {emr_micros:>8.2}");
    Ok(())
}

/// What one round showed.
struct Measured {
    /// Messages a second.
    rate: f64,
    /// Microseconds of processor time that the server spent on a message.
    micros: f64,
}

fn measure(server: Server) -> io::Result<Measured> {
    let runtime = runtime()?;
    runtime.block_on(drive(server.address, WARM_UP))?;
    let (before, started) = (server.processor_time()?, Instant::now());
    let messages = runtime.block_on(drive(server.address, ROUND))?;
    let took = started.elapsed().as_secs_f64();
    let spent = server.processor_time()? - before;
    Ok(Measured {
        rate: messages as f64 / took,
        micros: spent.as_secs_f64() * 1e6 / messages as f64,
    })
}

/// Sends one message after the other on every connection; how many were answered.
async fn drive(address: SocketAddr, time: Duration) -> io::Result<u64> {
    let mut tasks = JoinSet::new();
    let end = Instant::now() + time;
    for connection in 0..CONNECTIONS {
        tasks.spawn(async move {
            let mut line = TcpStream::connect(address).await?;
            line.set_nodelay(true)?;
            let mut sent = 0;
            while Instant::now() < end {
                exchange(&mut line, &shelf::frame(connection * 100_000_000 + sent)).await?;
                sent += 1;
            }
            io::Result::Ok(sent)
        });
    }
    let mut all = 0;
    while let Some(sent) = tasks.join_next().await {
        all += sent.map_err(io::Error::other)??;
    }
    Ok(all)
}

async fn exchange(line: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    line.write_all(message).await?;
    let mut answer = [0; 1024];
    let mut length = 0;
    while !answer[..length].ends_with(b"\x1c\r") {
        match line.read(&mut answer[length..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => length += read,
        }
    }
    Ok(())
}

/// Opens as many connections as are allowed and says what one of them costs the EMR.
fn idle() -> io::Result<()> {
    let server = Server::emr()?;
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let count = IDLE.min(usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(100));
    let before = server.resident_bytes()?;
    let lines = runtime()?.block_on(async {
        let mut lines = Vec::with_capacity(count);
        for _ in 0..count {
            lines.push(TcpStream::connect(server.address).await?);
        }
        // Connections are accepted in turn: once the last one is answered, all of them are there.
        if let Some(last) = lines.last_mut() {
            exchange(last, &shelf::frame(0)).await?;
        }
        io::Result::Ok(lines)
    })?;
    let grown = server.resident_bytes()?.saturating_sub(before);
    println!(
        "{} idle connections: {:.2} KB each",
        lines.len(),
        grown as f64 / 1e3 / lines.len() as f64
    );
    Ok(())
}

/// A server in a process of its own.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn emr() -> io::Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chargeproof"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--project", "/"]);
        Self::start(&mut command)
    }

    fn bare() -> io::Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).arg("bare"))
    }

    fn start(command: &mut Command) -> io::Result<Self> {
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().rsplit(' ').next().unwrap_or_default();
        let address = address.parse().map_err(io::Error::other)?;
        Ok(Self { process, address })
    }

    /// Processor time so far. Both servers have one thread, so it is all of it.
    fn processor_time(&self) -> io::Result<Duration> {
        let text = self.file("schedstat")?;
        let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
        nanos.map(Duration::from_nanos).ok_or(io::ErrorKind::InvalidData.into())
    }

    fn resident_bytes(&self) -> io::Result<u64> {
        self.memory("VmRSS:")
    }

    fn peak_bytes(&self) -> io::Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> io::Result<u64> {
        let text = self.file("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib =
            line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
        kib.map(|kib: u64| kib * 1024).ok_or(io::ErrorKind::InvalidData.into())
    }

    fn file(&self, name: &str) -> io::Result<String> {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.process.id()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server to compare with.
async fn bare() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (mut line, _) = listener.accept().await?;
        tokio::spawn(async move {
            line.set_nodelay(true)?;
            let mut buffer = vec![0; 64 * 1024];
            let (answer, mut length) = (shelf::answer(0), 0);
            loop {
                match line.read(&mut buffer[length..]).await? {
                    0 => return io::Result::Ok(()),
                    read => length += read,
                }
                if buffer[..length].ends_with(b"\x1c\r") {
                    line.write_all(&answer).await?;
                    length = 0;
                }
            }
        });
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Lets this process and its children hold as many descriptors as they may.
fn raise_descriptors() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const CONNECTIONS: u64 = 50;
const LONG: u64 = 300_000;
const IDLE: usize = 10_000;
const ROUNDS: usize = 7;
const WARM_UP: Duration = Duration::from_millis(200);
const ROUND: Duration = Duration::from_secs(1);
