//! How fast frames are found, whole and cut into reads: the time must grow with the bytes and with
//! nothing else.

use std::hint::black_box;

use chargeproof::mllp::{Decoder, encode};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn decode(bytes: &[u8], read: usize) -> usize {
    let mut decoder = Decoder::new(16 << 20);
    let mut frames = 0;
    for piece in bytes.chunks(read) {
        decoder.feed(piece);
        while decoder.next().is_some() {
            frames += 1;
        }
    }
    frames
}

fn one_large_frame(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("mllp large frame in 1 KiB reads");
    for mebibytes in [1, 2, 4] {
        let frame = encode(&vec![b'A'; mebibytes << 20]);
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(format!("{mebibytes} MiB"), |b| {
            b.iter(|| decode(black_box(&frame), 1 << 10))
        });
    }
    group.finish();
}

/// A frame of 2 KB in reads of one byte, of two, and so on up to all of it.
fn every_cut(bench: &mut Criterion) {
    let frame = encode(&b"FT1|1||273013|20170410145901\r".repeat(70));
    let mut group = bench.benchmark_group("mllp 2 KB frame");
    group.throughput(Throughput::Bytes((frame.len() * frame.len()) as u64));
    group.bench_function("in reads of every length", |b| {
        b.iter(|| (1..frame.len()).map(|at| decode(black_box(&frame), at)).sum::<usize>())
    });
    group.finish();
}

fn many_frames(bench: &mut Criterion) {
    let frames = encode(&b"FT1|1||273013|20170410145901\r".repeat(40)).repeat(1000);
    let mut group = bench.benchmark_group("mllp thousand pipelined frames");
    group.throughput(Throughput::Bytes(frames.len() as u64));
    for (name, read) in [("64 KiB reads", 1 << 16), ("100 byte reads", 100), ("single bytes", 1)] {
        group.bench_function(name, |b| b.iter(|| decode(black_box(&frames), read)));
    }
    group.finish();
}

fn hostile(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("mllp hostile mebibyte");
    for (name, unit) in [("starts", &b"\x0b"[..]), ("ends", b"\x1c"), ("half headers", b"\x0bMS")] {
        let bytes = [&b"\x0b"[..], &unit.repeat((1 << 20) / unit.len())].concat();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |b| b.iter(|| decode(black_box(&bytes), 1 << 10)));
    }
    group.finish();
}

criterion_group!(benches, one_large_frame, every_cut, many_frames, hostile);
criterion_main!(benches);
