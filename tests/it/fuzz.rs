//! Every reader of bytes, fed with bytes that nobody has seen: the same ones each time.
//!
//! The readers and what must hold of them are in `fuzz/src`, where libFuzzer calls the same functions.
//! `CHARGEPROOF_FUZZ_BYTES` says how many bytes all of them get together; each says how many it got.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is the library of another package as well")]
mod readers;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::readers::mutate::Mutator;
use self::readers::{TARGETS, Target, target};
use rstest::rstest;

#[rstest]
#[case::message("message")]
#[case::path("path")]
#[case::escapes("escapes")]
#[case::charset("charset")]
#[case::acknowledgement("acknowledgement")]
#[case::frames("frames")]
#[case::history("history")]
#[case::judge("judge")]
#[case::emr("emr")]
#[case::yaml("yaml")]
#[case::mapping("mapping")]
#[case::scenario("scenario")]
#[case::sender_file("sender-file")]
fn no_bytes_break_what_must_hold_of(#[case] name: &str) {
    let target = target(name);
    let started = Instant::now();
    let (mut inputs, mut bytes) = (0, 0);
    let mut feed = |input: &[u8]| {
        tried(target, input);
        (inputs, bytes) = (inputs + 1, bytes + input.len() as u64);
        bytes
    };
    for (_, input) in found(name) {
        feed(&input);
    }
    let seeds = (target.seeds)();
    for seed in &seeds {
        feed(&seed[..seed.len().min(target.most_bytes)]);
    }
    let mut mutator = Mutator::new(SEED, seeds, target.words, target.most_bytes);
    let budget = feed(b"") + budget() / 1000 * target.share;
    while feed(mutator.next()) < budget {}
    let took = started.elapsed();
    say(&format!("{name}: {inputs} inputs, {bytes} bytes in {:.1} s", took.as_secs_f32()));
}

/// What costs the square of its length would do so here: each piece is fed once in thousands and once in
/// eight times as many copies.
#[test]
fn no_reader_takes_longer_than_its_bytes_explain() {
    for target in TARGETS {
        for (piece, input) in pieces(target) {
            let short = cost(target, &input(SHORT));
            let long = cost(target, &input(SHORT * LONGER));
            let most = short * LONGER as u32 * 3 + SLACK;
            assert!(long < most, "{} of `{piece}`: {short:?}, then {long:?}", target.name);
        }
    }
}

#[test]
fn every_reader_is_fed() {
    let shares: u64 = TARGETS.iter().map(|target| target.share).sum();
    assert_eq!(shares, 1000);
    let own = include_str!("fuzz.rs");
    for target in TARGETS {
        assert!(own.contains(&format!("(\"{}\")]", target.name)), "{} is not fed", target.name);
    }
}

/// Feeds one input; what breaks is kept, and said where.
fn tried(target: &Target, input: &[u8]) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.check)(input))) else { return };
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.bin", target.name));
    std::fs::write(&kept, input).unwrap();
    say(&format!(
        "{} breaks on {} bytes, kept in {}; mended, they belong to fuzz/found/{}/",
        target.name,
        input.len(),
        kept.display(),
        target.name
    ));
    resume_unwind(panic)
}

/// The inputs that broke this reader once.
fn found(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    readers::walk(&readers::root().join("fuzz/found").join(name), "bin")
}

/// How many bytes all readers get together.
fn budget() -> u64 {
    match std::env::var("CHARGEPROOF_FUZZ_BYTES") {
        Ok(bytes) => bytes.parse().expect("CHARGEPROOF_FUZZ_BYTES is a number of bytes"),
        Err(_) => USUAL_BYTES,
    }
}

/// Makes an input of so many bytes.
type Grown = Box<dyn Fn(usize) -> Vec<u8>>;

/// What is repeated behind the lead: each word of a target, and the beginning of its first seed.
fn pieces(target: &'static Target) -> Vec<(String, Grown)> {
    let seed = (target.seeds)().swap_remove(0);
    let seed = seed[target.lead.len()..].iter().copied().take(300).collect();
    let words = target.words.iter().map(|word| word.as_bytes().to_vec());
    let grown = |piece: Vec<u8>| {
        let name = piece.escape_ascii().to_string();
        let grown: Grown =
            Box::new(move |bytes| [target.lead, &piece.repeat(bytes / piece.len())].concat());
        (name, grown)
    };
    words.chain([seed]).map(grown).collect()
}

/// How long a processor works on an input; others who want it as well do not count.
fn cost(target: &Target, input: &[u8]) -> Duration {
    let before = worked();
    tried(target, input);
    worked() - before
}

/// How long this thread has had a processor.
fn worked() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = told.split_whitespace().next().unwrap();
    Duration::from_nanos(nanoseconds.parse().unwrap())
}

fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// What decides every input.
const SEED: u64 = 20_170_410;

/// How many bytes are fed unless somebody asks for more: half a minute of two cores in a debug build.
const USUAL_BYTES: u64 = 2_000_000;

/// How long a short input is, and how many times as long a long one.
const SHORT: usize = 4096;
const LONGER: usize = 8;

/// What a processor may do besides.
const SLACK: Duration = Duration::from_millis(100);
