//! How fast a charge message is indexed, read, compared and answered.

use std::hint::black_box;

use chargeproof::charge::{Agreement, lines};
use chargeproof::hl7::ack::{Answer, Code};
use chargeproof::hl7::{Message, diff, escape};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// A charge with a professional and a technical part, as it is sent.
const CHARGE: &[u8] = b"MSH|^~\\&|IRIS|IRIS|EPIC|CLINIC|20170410151351||DFT^P03|170410151351|P|2.4\r\
EVN|P03|20170410151351\r\
PID||ITCC20170410^^^^MRN|ITCC20170410||DOE^JOHN||19581012|M||||||||||1234\r\
PV1|1|O|POC01||||GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI|||||||||\
GR0001^DOE^JANE^^^MD^MD^^^^^^NPI||1234|||||||||||||||||||||||||20170410145803|20170410145803\r\
FT1|1||273013|20170410145901|20170410151351|CG|92250^Fundus photography with interpretation and report^CPT\
||ITCC20170410|1|||POC01||IRIS|POC01|||E11.41^Type 2 diabetes mellitus with diabetic mononeuropathy^ICD-10-CM\
~H35.81^Retinal edema^ICD-10-CM|GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI\
||2017041006^EPIC||92250^Fundus photography with interpretation and report^CPT|26\r\
FT1|2||273013|20170410145803|20170410151351|CG|92000035^OPHTHALMOSCOPY W/ FUNDUS PHOTO||ITCC20170410|1\
|||POC01||IRIS|POC01|||E11.41^Type 2 diabetes mellitus with diabetic mononeuropathy^ICD-10-CM\
~H35.81^Retinal edema^ICD-10-CM|GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI\
||2017041006^EPIC||92000035^OPHTHALMOSCOPY W/ FUNDUS PHOTO|TC\r";

/// Thirty places, from every segment and of every depth.
const PLACES: [&str; 30] = [
    "MSH-3",
    "MSH-4",
    "MSH-5",
    "MSH-7",
    "MSH-9.1",
    "MSH-9.2",
    "MSH-10",
    "MSH-12",
    "EVN-1",
    "EVN-2",
    "PID-2.1",
    "PID-3",
    "PID-5.1",
    "PID-5.2",
    "PID-18",
    "PV1-3",
    "PV1-7.1",
    "PV1-8.2",
    "PV1-19",
    "PV1-44",
    "FT1-3",
    "FT1-4",
    "FT1-7.1",
    "FT1-19[2].1",
    "FT1-26",
    "FT1[2]-1",
    "FT1[2]-3",
    "FT1[2]-7.2",
    "FT1[2]-19[1].2",
    "FT1[2]-26",
];

fn index(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("hl7");
    group.throughput(Throughput::Bytes(CHARGE.len() as u64));
    group.bench_function("index a charge", |b| b.iter(|| Message::read(black_box(CHARGE))));
    let mut out = Vec::with_capacity(CHARGE.len());
    group.bench_function("index, read 30 fields, write back", |b| {
        b.iter(|| {
            let message = Message::read(black_box(CHARGE));
            let length: usize = PLACES.iter().map(|place| message.value(place).len()).sum();
            out.clear();
            out.extend_from_slice(message.bytes());
            (length, out.len())
        });
    });
    group.finish();
}

fn work(bench: &mut Criterion) {
    let message = Message::read(CHARGE);
    let again: Vec<u8> =
        CHARGE.iter().map(|byte| if *byte == b'5' { b'6' } else { *byte }).collect();
    let again = Message::read(&again);
    let mut group = bench.benchmark_group("hl7");
    group.bench_function("diff", |b| b.iter(|| diff(black_box(&message), black_box(&again))));
    group.bench_function("escape mistakes", |b| {
        b.iter(|| escape::mistakes(black_box(CHARGE), message.delimiters()));
    });
    let agreement = Agreement::default();
    group.bench_function("charge lines", |b| b.iter(|| lines(black_box(&message), &agreement)));
    let (text, control_id, at) = (String::new(), "1".to_owned(), "20170410151352".to_owned());
    let answer = Answer { code: Code::AA, text, error: None, control_id, at };
    group.bench_function("acknowledge", |b| b.iter(|| answer.to(black_box(&message))));
    group.finish();
}

criterion_group!(benches, index, work);
criterion_main!(benches);
