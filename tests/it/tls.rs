//! TLS as others see it: a client of the same library and one of another, Python's, each speak to
//! `serve` and are told exactly what the catalogue says of every fault of TLS.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use rstest::rstest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::command::{BOUND, Place, python, rules_found};
use crate::wire::{Judged, Server, charge, msa};

/// A server with TLS that plays `fault` on its first connection, or to its first message.
fn serving(script: &str, arguments: &[&str]) -> Server {
    let place = Place::new();
    place.write("script.yaml", format!("title: A script\nexams: [john-doe]\n{script}"));
    let usual = ["--script", "script.yaml", "--ack-timeout", "200ms", "--tls-out", "tls"];
    Server::start(place, &[&usual, arguments].concat())
}

fn playing(fault: &str) -> Server {
    let (on, tls) = match fault {
        "tls/no-close-notify" => ("{ message: 1 }", "true"),
        "tls/client-cert-refused" => ("{ connection: 1 }", "{ client: required }"),
        _ => ("{ connection: 1 }", "true"),
    };
    serving(&format!("tls: {tls}\nemr:\n  - {{ on: {on}, reply: {fault}, times: 1 }}\n"), &[])
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client that trusts the authority of the server, and shows a certificate if it was given one.
fn client(server: &Server, versions: &[&'static rustls::SupportedProtocolVersion]) -> Stream {
    connect(server.addresses[0], &server.place.path("tls"), versions)
}

fn connect(
    address: SocketAddr,
    files: &Path,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Stream {
    offering(address, files, versions, rustls::crypto::ring::DEFAULT_CIPHER_SUITES)
}

/// A client that knows these cipher suites.
fn offering(
    address: SocketAddr,
    files: &Path,
    versions: &[&'static rustls::SupportedProtocolVersion],
    suites: &[rustls::SupportedCipherSuite],
) -> Stream {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(files.join("ca.pem")).unwrap()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let provider = rustls::crypto::CryptoProvider { cipher_suites: suites.to_vec(), ..provider };
    let provider = Arc::new(provider);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let config = match PrivateKeyDer::from_pem_file(files.join("client-key.pem")) {
        Ok(key) => {
            let chain = vec![CertificateDer::from_pem_file(files.join("client.pem")).unwrap()];
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        Err(_) => builder.with_no_client_auth(),
    };
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect_timeout(&address, BOUND).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    StreamOwned::new(connection, socket)
}

/// Reads until the end of a frame, or of the connection.
fn answer(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    let mut one = [0];
    while !read.ends_with(b"\x1c\r") {
        match stream.read(&mut one)? {
            0 => break,
            _ => read.push(one[0]),
        }
    }
    Ok(read)
}

fn ask(stream: &mut Stream, order: &str) -> io::Result<Vec<u8>> {
    stream.write_all(&charge(order, &format!("ID-{order}")))?;
    answer(stream)
}

/// The first event of this kind.
#[track_caller]
fn event<'j>(judged: &'j Judged, kind: &str) -> &'j Value {
    let found = judged.events.iter().find(|event| event["event"] == kind);
    found.unwrap_or_else(|| panic!("no `{kind}` in {:#?}", judged.events))
}

fn played(judged: &Judged) -> Vec<&str> {
    let played = judged.events.iter().filter(|event| event["event"] == "played");
    played.map(|event| event["name"].as_str().unwrap()).collect()
}

#[rstest]
#[case::of_2008(&rustls::version::TLS12, "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")]
#[case::of_2018(&rustls::version::TLS13, "1.3", "TLS_AES_256_GCM_SHA384")]
fn a_charge_is_accepted_and_what_secured_it_is_told(
    #[case] speaks: &'static rustls::SupportedProtocolVersion,
    #[case] version: &str,
    #[case] suite: &str,
) {
    let server = serving("", &["--tls"]);
    let mut stream = client(&server, &[speaks]);
    assert_eq!(msa(&ask(&mut stream, "1").unwrap(), 1), "AA");
    stream.conn.send_close_notify();
    stream.conn.complete_io(&mut stream.sock).unwrap();
    drop(stream);
    let judged = server.ends(0);
    assert_eq!(judged.received(), [charge("1", "ID-1")], "the message itself is kept, not its TLS");
    let secured = event(&judged, "secured");
    assert_eq!((&secured["version"], &secured["suite"]), (&version.into(), &suite.into()));
    assert_eq!((&secured["showed"], &secured["client"]), (&"good".into(), &Value::Null));
    assert_eq!(event(&judged, "ended-by-sender")["how"], "close");
}

#[test]
fn a_sender_that_ends_the_connection_and_not_its_tls_is_seen_to() {
    let server = serving("", &["--tls"]);
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    ask(&mut stream, "1").unwrap();
    drop(stream);
    assert_eq!(event(&server.ends(0), "ended-by-sender")["how"], "truncated");
}

#[test]
fn a_client_certificate_is_asked_for_and_its_subject_told() {
    let server = serving("", &["--tls-client"]);
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut stream, "1").unwrap(), 1), "AA");
    std::fs::remove_file(server.place.path("tls/client-key.pem")).unwrap();
    let error = ask(&mut client(&server, &[&rustls::version::TLS13]), "2").unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    let judged = server.ends(0);
    assert_eq!(event(&judged, "secured")["client"], "a charge sender");
    let failed = event(&judged, "tls-failed");
    assert_eq!((&failed["by"], &failed["alert"]), (&"emr".into(), &"certificate_required".into()));
    // It was under way before the sender could know that it was refused.
    assert_eq!(judged.received(), [charge("1", "ID-1"), charge("2", "ID-2")]);
    assert_eq!(event(&judged, "wrote-ahead")["connection"], failed["connection"]);
    assert!(!rules_found(&judged.report).contains("tls/verified"), "nor was it in the clear");
}

#[test]
fn a_charge_in_the_clear_is_not_excused_by_one_that_went_ahead_of_a_refusal() {
    let server = serving("", &["--tls-client"]);
    std::fs::remove_file(server.place.path("tls/client-key.pem")).unwrap();
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    ask(&mut stream, "1").unwrap_err();
    stream.sock.write_all(&charge("2", "ID-2")).unwrap();
    let _ = stream.sock.shutdown(std::net::Shutdown::Write);
    let _ = stream.sock.read_to_end(&mut Vec::new());
    let judged = server.ends(1);
    assert_eq!(judged.received(), [charge("1", "ID-1"), charge("2", "ID-2")]);
    let connection = &event(&judged, "wrote-ahead")["connection"];
    assert_eq!(&event(&judged, "wrote-in-the-clear")["connection"], connection);
    assert!(rules_found(&judged.report).contains("tls/verified"), "{:#}", judged.report);
}

/// TLS 1.3 lets a sender write before it hears that its certificate was refused.
#[rstest]
#[case::aes_256(rustls::crypto::ring::cipher_suite::TLS13_AES_256_GCM_SHA384)]
#[case::aes_128(rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256)]
#[case::chacha(rustls::crypto::ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256)]
fn a_charge_that_went_out_ahead_of_a_refusal_may_not_be_sent_again(
    #[case] suite: rustls::SupportedCipherSuite,
) {
    let server = playing("tls/client-cert-required");
    let files = server.place.path("tls");
    let mut refused = offering(server.addresses[0], &files, &[&rustls::version::TLS13], &[suite]);
    ask(&mut refused, "1").unwrap_err();
    assert_eq!(msa(&ask(&mut client(&server, &[&rustls::version::TLS13]), "1").unwrap(), 1), "AA");
    let judged = server.ends(10);
    assert_eq!(judged.received(), [charge("1", "ID-1"), charge("1", "ID-1")]);
    assert!(rules_found(&judged.report).contains("once/per-order"), "{:#}", judged.report);
}

#[test]
fn what_comes_after_a_close_notify_is_nothing_that_a_verdict_can_rest_on() {
    let server = serving("", &["--tls"]);
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut stream, "1").unwrap(), 1), "AA");
    stream.conn.send_close_notify();
    while stream.conn.wants_write() {
        stream.conn.write_tls(&mut stream.sock).unwrap();
    }
    let sealed = [&[0x17, 3, 3, 0, 40][..], &[0xA5; 40]].concat();
    stream.sock.write_all(&sealed).unwrap();
    let _ = stream.sock.shutdown(std::net::Shutdown::Write);
    let _ = stream.sock.read_to_end(&mut Vec::new());
    let judged = server.ends(5);
    assert_eq!(event(&judged, "undecryptable")["bytes"], 45);
    assert_eq!(event(&judged, "ended-by-sender")["how"], "close");
    assert!(judged.out.contains("cannot be read"), "{}", judged.out);
}

#[test]
fn a_record_without_its_end_is_nothing_that_a_verdict_can_rest_on() {
    let server = serving("", &["--tls"]);
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut stream, "1").unwrap(), 1), "AA");
    stream.conn.writer().write_all(&charge("1", "ID-2")).unwrap();
    let mut record = Vec::new();
    stream.conn.write_tls(&mut record).unwrap();
    stream.sock.write_all(&record[..record.len() - 1]).unwrap();
    let judged = server.ends(5);
    assert_eq!(event(&judged, "undecryptable")["bytes"], record.len() - 1);
}

/// While a reply waits to be taken, the other side asks for new keys, which is answered at once.
#[test]
fn what_tls_says_for_itself_does_not_run_into_a_reply() {
    let giant = "{ payload/giant: { bytes: 16777216 } }";
    let server =
        serving(&format!("tls: true\nemr:\n  - {{ on: {{ message: 1 }}, reply: {giant} }}\n"), &[]);
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    stream.write_all(&charge("1", "ID-1")).unwrap();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(10)); // the reply fills what the systems hold
        stream.conn.refresh_traffic_keys().unwrap();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut stream.sock).unwrap();
        }
    }
    let mut read = Vec::new();
    let mut part = vec![0; 1 << 16];
    while !read.ends_with(b"\x1c\r") {
        let count = stream.read(&mut part).unwrap();
        assert_ne!(count, 0, "it ended after {} bytes", read.len());
        read.extend_from_slice(&part[..count]);
    }
    assert!(read.len() >= 16 << 20, "{}", read.len());
    assert_eq!(msa(&ask(&mut stream, "2").unwrap(), 2), "ID-2");
    server.ends(0);
}

#[test]
fn what_waits_to_be_accepted_when_it_is_interrupted_is_read_all_the_same() {
    let server = serving("", &["--tls"]);
    server.signal(rustix::process::Signal::STOP);
    let mut plain = TcpStream::connect_timeout(&server.addresses[0], BOUND).unwrap();
    plain.write_all(&charge("1", "ID-1")).unwrap();
    assert_eq!(server.ends(1).received(), [charge("1", "ID-1")]);
}

#[test]
fn a_certificate_of_one_s_own_is_shown() {
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let own = own.self_signed(&key).unwrap();
    let place = Place::new();
    place.write("own/ca.pem", own.pem());
    place.write("own/key.pem", key.serialize_pem());
    let files = ["--tls-cert", "own/ca.pem", "--tls-key", "own/key.pem"];
    let server = Server::start(place, &files);
    let own = server.place.path("own");
    let mut stream = connect(server.addresses[0], &own, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut stream, "1").unwrap(), 1), "AA");
    server.ends(0);
}

#[test]
fn an_endpoint_of_ipv6_shows_a_certificate_for_its_address() {
    let server = serving("", &["--tls", "--listen", "[::1]:0"]);
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut stream, "1").unwrap(), 1), "AA");
    server.ends(0);
}

/// The error that a client sees, in the words of its library, and what is written down.
#[rstest]
#[case("tls/expired", "certificate expired", "sender", "certificate_expired")]
#[case("tls/wrong-host", "not valid for name", "sender", "bad_certificate")]
#[case("tls/unknown-ca", "UnknownIssuer", "sender", "unknown_ca")]
#[case("tls/client-cert-required", "CertificateRequired", "emr", "certificate_required")]
#[case("tls/client-cert-refused", "UnknownCA", "emr", "unknown_ca")]
#[case("tls/plaintext-on-tls", "corrupt message", "sender", "decode_error")]
fn a_fault_of_the_handshake_is_met_once_and_the_next_connection_is_well(
    #[case] fault: &str,
    #[case] error: &str,
    #[case] by: &str,
    #[case] alert: &str,
    #[values(&rustls::version::TLS12, &rustls::version::TLS13)]
    version: &'static rustls::SupportedProtocolVersion,
) {
    let server = playing(fault);
    let seen = ask(&mut client(&server, &[version]), "1").unwrap_err().to_string();
    assert!(seen.contains(error), "{fault}: {seen}");
    assert_eq!(msa(&ask(&mut client(&server, &[version]), "2").unwrap(), 2), "ID-2");
    let judged = server.ends(0);
    assert_eq!(played(&judged), [fault]);
    let failed = event(&judged, "tls-failed");
    assert_eq!((&failed["by"], &failed["alert"]), (&by.into(), &alert.into()));
    // Whom the EMR refuses in TLS 1.3 has written before he hears of it.
    let ahead = (by == "emr" && version.version == rustls::ProtocolVersion::TLSv1_3).then_some("1");
    let sent = ahead.into_iter().chain(["2"]).map(|order| charge(order, &format!("ID-{order}")));
    assert_eq!(judged.received(), sent.collect::<Vec<_>>());
}

#[test]
fn a_stalled_handshake_says_nothing_for_as_long_as_it_should() {
    // The close behind it tells the client when it is over.
    let stall = "{ on: { connection: 1 }, reply: [tls/handshake-stall, end: close], times: 1 }";
    let server = serving(&format!("tls: true\nemr:\n  - {stall}\n"), &[]);
    let mut stalled = client(&server, &[&rustls::version::TLS13]);
    let began = Instant::now();
    stalled.conn.write_tls(&mut stalled.sock).unwrap();
    let mut well = client(&server, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut well, "2").unwrap(), 2), "ID-2", "others are served meanwhile");
    let mut said = Vec::new();
    stalled.sock.read_to_end(&mut said).unwrap();
    assert_eq!(said, b"");
    // Twice the patience that the server was told of.
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    let judged = server.ends(0);
    assert_eq!(played(&judged), ["tls/handshake-stall"]);
    assert_eq!(event(&judged, "client-hello")["connection"], 1);
}

#[test]
fn a_close_without_its_notice_comes_after_the_answer() {
    let server = playing("tls/no-close-notify");
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut stream, "1").unwrap(), 1), "AA");
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
    let mut well = client(&server, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut well, "2").unwrap(), 1), "AA");
    let judged = server.ends(0);
    assert_eq!(played(&judged), ["tls/no-close-notify"]);
    assert_eq!(event(&judged, "ended-by-emr")["how"], "truncated");
}

#[test]
fn tls_on_a_plain_port_is_an_alert_that_a_tls_client_would_know() {
    let server = serving("emr:\n  - { on: { message: 1 }, reply: tls/tls-on-plaintext }\n", &[]);
    let mut plain = TcpStream::connect_timeout(&server.addresses[0], BOUND).unwrap();
    plain.write_all(&charge("1", "ID-1")).unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).unwrap();
    // An alert, version 3.3, two bytes: fatal, unexpected_message (RFC 8446 section 6).
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 10]);
    assert_eq!(played(&server.ends(0)), ["tls/tls-on-plaintext"]);
}

#[test]
fn a_charge_in_the_clear_is_seen_byte_for_byte_and_held_against_its_sender() {
    let server = serving("", &["--tls"]);
    let mut plain = TcpStream::connect_timeout(&server.addresses[0], BOUND).unwrap();
    plain.write_all(&charge("1", "ID-1")).unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 10], "and is not answered");
    drop(plain);
    let judged = server.ends(1);
    assert_eq!(judged.received(), [charge("1", "ID-1")]);
    assert!(rules_found(&judged.report).contains("tls/verified"), "{:#}", judged.report);
}

#[test]
fn whoever_goes_on_under_a_bad_certificate_is_convicted_by_what_it_sends() {
    let place = Place::new();
    let case = "tls/certificate[version=1.3,reply=tls/expired]";
    let run = ["run", case, "--bug", "accepts-expired-certificate", "--out", "out"];
    let ran = place.run(&run).exits(1);
    assert!(ran.out.contains("an expired certificate"), "{}", ran.out);
    let rules = rules_found(&place.json("out/report.json"));
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), ["tls/verified"]);
}

#[test]
fn what_is_no_tls_after_a_good_beginning_harms_nobody() {
    let server = serving("", &["--tls"]);
    for rubbish in
        [&b"\x16\x03\x01\xff\xff"[..], b"\x16\x03\x01\x00\x02\x01\x00", b"\x16", &[0x16; 70_000]]
    {
        let mut plain = TcpStream::connect_timeout(&server.addresses[0], BOUND).unwrap();
        let _ = plain.write_all(rubbish);
        let _ = plain.shutdown(std::net::Shutdown::Write);
        let _ = plain.read_to_end(&mut Vec::new());
    }
    let mut stream = client(&server, &[&rustls::version::TLS13]);
    assert_eq!(msa(&ask(&mut stream, "2").unwrap(), 2), "ID-2");
    assert_eq!(server.ends(0).received(), [charge("2", "ID-2")], "rubbish is not kept");
}

/// A long answer and many small ones go through the layer whole.
#[test]
fn several_charges_in_one_write_are_each_answered() {
    let server = serving("", &["--tls"]);
    let mut stream = client(&server, &[&rustls::version::TLS12]);
    let all: Vec<u8> = (0..50).flat_map(|n| charge(&format!("{n}"), &format!("ID-{n}"))).collect();
    stream.write_all(&all).unwrap();
    for n in 0..50 {
        assert_eq!(msa(&answer(&mut stream).unwrap(), 2), format!("ID-{n}"));
    }
    assert_eq!(server.ends(0).received().len(), 50);
}

#[test]
fn the_key_of_a_client_is_nobody_else_s() {
    use std::os::unix::fs::PermissionsExt;
    let server = serving("", &["--tls-client"]);
    let key = File::open(server.place.path("tls/client-key.pem")).unwrap();
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    server.ends(5);
    // Not even where a file of that name was everybody's.
    let place = Place::new();
    let key = place.write("tls/client-key.pem", "old");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o666)).unwrap();
    let server = Server::start(place, &["--tls-client", "--tls-out", "tls"]);
    assert_eq!(File::open(&key).unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_ne!(std::fs::read_to_string(key).unwrap(), "old");
    server.ends(5);
}

#[rstest]
#[case(&["--tls-cert", "missing.pem", "--tls-key", "missing.pem"], "missing.pem")]
#[case(&["--script", "plain.yaml", "--tls"], "tls/tls-on-plaintext")]
fn a_mistake_about_tls_is_told_before_anything_listens(
    #[case] arguments: &[&str],
    #[case] named: &str,
) {
    let place = Place::new();
    let entry = "  - { on: { message: 1 }, reply: tls/tls-on-plaintext }\n";
    place.write("plain.yaml", format!("title: T\nemr:\n{entry}"));
    let ran = place.run(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat()).exits(2);
    assert!(ran.err.contains(named), "{}", ran.err);
}

/// What Python's `ssl`, which is another implementation, says of each fault.
const IN_PYTHON: &[(&str, &str)] = &[
    ("tls/expired", "certificate has expired"),
    ("tls/wrong-host", "IP address mismatch"),
    ("tls/unknown-ca", "unable to get local issuer certificate"),
    ("tls/client-cert-required", "certificate required"),
    ("tls/client-cert-refused", "unknown ca"),
    ("tls/plaintext-on-tls", "wrong version number"),
    ("tls/handshake-stall", "timed out"),
    ("tls/no-close-notify", "EOF occurred in violation of protocol"),
];

/// The faults over TLS; the one over a plain connection has a test of its own.
#[test]
fn every_fault_of_tls_is_seen_from_outside() {
    let listed = Place::new().run(&["faults", "tls/", "--json"]).exits(0).out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let listed = listed.as_array().unwrap().iter().map(|fault| fault["name"].as_str().unwrap());
    let seen = IN_PYTHON.iter().map(|(fault, _)| *fault).chain(["tls/tls-on-plaintext"]);
    assert_eq!(listed.collect::<BTreeSet<_>>(), seen.collect::<BTreeSet<_>>());
}

#[test]
fn a_python_client_sees_what_the_catalogue_says() {
    let Some(python) = python() else {
        return; // where there is none, the client above has seen it
    };
    std::thread::scope(|all| {
        for (fault, error) in IN_PYTHON {
            let python = &python;
            all.spawn(move || {
                let server = playing(fault);
                let first = in_python(python, &server, "1");
                let wanted = error.to_lowercase();
                assert!(first.to_lowercase().contains(&wanted), "{fault}: {first}");
                assert_eq!(in_python(python, &server, "2"), "AA, then an end in order", "{fault}");
                assert_eq!(played(&server.ends(0)), [*fault]);
            });
        }
    });
}

fn in_python(python: &str, server: &Server, order: &str) -> String {
    let script = server.place.write("client.py", CLIENT);
    let message = server.place.write("message", charge(order, &format!("ID-{order}")));
    let mut client = Command::new(python);
    client.arg(script).arg(server.addresses[0].port().to_string());
    client.arg(server.place.path("tls")).arg(message).timeout(BOUND);
    let output = client.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const CLIENT: &str = r#"
import os, socket, ssl, sys
port, files, message = sys.argv[1:]
context = ssl.create_default_context(cafile=os.path.join(files, "ca.pem"))
key = os.path.join(files, "client-key.pem")
if os.path.exists(key):
    context.load_cert_chain(os.path.join(files, "client.pem"), key)
try:
    with socket.create_connection(("127.0.0.1", int(port)), 10) as raw:
        raw.settimeout(1)
        tls = context.wrap_socket(raw, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
        tls.settimeout(10)
        tls.sendall(open(message, "rb").read())
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            part = tls.recv(4096)
            if not part:
                break
            answer += part
        code = answer.split(b"MSA|")[1].split(b"|")[0].decode()
        try:
            tls.settimeout(0.3)
            end = "an end in order" if tls.recv(1) == b"" else "more"
        except TimeoutError:
            tls.unwrap()
            end = "an end in order"
        except ssl.SSLError as error:
            end = str(error)
        print(f"{code}, then {end}")
except OSError as error:
    print(error)
"#;
