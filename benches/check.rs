//! How long a long history takes to judge: time must grow with its bytes and no faster.

use std::hint::black_box;
use std::time::Duration;

use chargeproof::check::judge;
use chargeproof::history::{Event, FORMAT_VERSION, Header, History, Micros, Piece, Raw, What};
use chargeproof::mapping::{resolve, shipped};
use chargeproof::plan::Plan;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// A field capture: charges of as many orders, each acknowledged, on one connection.
fn capture(messages: u64) -> (Plan, History) {
    let mapping = resolve("iris/option-1", &shipped).expect("the shipped mapping is well formed");
    let plan: Plan = serde_json::from_value(serde_json::json!({
        "id": "capture", "title": "a capture", "requirements": [], "seed": 1,
        "mapping": mapping, "results": null, "exams": {}, "endpoints": ["emr"], "script": [],
        "steps": [],
        "limits": {
            "ack_timeout": 300_000, "longest_retry": 200_000, "settle": 600_000,
            "patience": 2_000_000, "stop": 2_000_000, "message_bytes": 1_048_576,
            "connections": 64, "messages": 10_000_000, "recorded_bytes": 1_u64 << 40,
        },
        "expect": {},
        "sender": {
            "name": "any", "start": ["any"], "environment": {}, "directory": null,
            "account": null, "stop": "terminate", "bug": null, "variant": null,
        },
    }))
    .expect("the plan is spelt out in full");
    let plan_text = serde_json::value::to_raw_value(&plan).expect("a plan can be stored");
    let header = Header {
        format: "chargeproof-history".to_owned(),
        version: FORMAT_VERSION,
        case: "capture".to_owned(),
        started: "2017-04-10T15:13:51Z".to_owned(),
        plan: plan_text,
    };
    let mut events = vec![event(1, What::SenderStarted { incarnation: 1 })];
    let endpoint = "emr".to_owned();
    events.push(event(2, What::Opened { connection: 1, endpoint, incarnation: 1 }));
    for number in 0..messages {
        let seq = events.len() as u64 + 1;
        events.push(event(seq, received(number, seq)));
        events.push(event(seq + 1, replied(number, seq)));
    }
    let seq = events.len() as u64 + 1;
    events.push(event(seq, What::Finished));
    (plan, History { header, events })
}

fn event(seq: u64, what: What) -> Event {
    Event { seq, at: Micros(seq * 1000), what }
}

fn received(number: u64, seq: u64) -> What {
    let text = format!(
        "\u{b}MSH|^~\\&|IRIS|IRIS|EMR|F|20170410151351||DFT^P03|C{number}|P|2.4\r\
         EVN|P03|20170410151351\r\
         PID||M{number}^^^^MRN|M{number}||DOE^JOHN||19581012|M||||||||||A{number}\r\
         PV1|1|O|POC01||||GR0001^DOE^JANE^^^MD^MD^^^^^^NPI|OP0001^DOE^JACK^^^MD^MD^^^^^^NPI\r\
         FT1|1||{number}|20170410145901|20170410151351|CG|92250^Fundus photography^CPT||M{number}|1\
         |||POC01||IRIS|POC01|||E11.41^Type 2 diabetes mellitus^ICD-10-CM||||2017{number}^EPIC||\
         92250^Fundus photography^CPT|26\r\u{1c}\r"
    );
    What::Received {
        connection: 1,
        offset: 0,
        began: Micros(seq * 1000),
        piece: Piece::Frame,
        length: text.len() as u64,
        bytes: Raw::from(text.into_bytes()),
        anomalies: Vec::new(),
    }
}

fn replied(number: u64, seq: u64) -> What {
    let text = format!(
        "\u{b}MSH|^~\\&|EMR|F|IRIS|IRIS|20170410151351||ACK^P03|{seq}|P|2.4\r\
         MSA|AA|C{number}\r\u{1c}\r"
    );
    What::Replied {
        connection: 1,
        to: Some(seq),
        name: "answer/accept".to_owned(),
        bytes: Raw::from(text.into_bytes()),
        began: Micros(seq * 1000),
        writes: 1,
        complete: true,
    }
}

fn long_histories(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    group.sample_size(10).measurement_time(Duration::from_secs(20));
    for messages in [10_000, 100_000, 1_000_000] {
        let (plan, history) = capture(messages);
        group.throughput(Throughput::Elements(messages));
        group.bench_with_input(
            BenchmarkId::from_parameter(messages),
            &history,
            |bencher, history| {
                bencher.iter(|| black_box(judge(&plan, history)));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, long_histories);
criterion_main!(benches);
