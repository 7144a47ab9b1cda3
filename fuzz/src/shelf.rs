//! What is shipped, to begin with: messages, scenarios, mappings, sender files, recorded histories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use chargeproof::exam::Exam;
use chargeproof::history::{What, read};
use chargeproof::mapping::{Stamp, resolve, shipped, shipped_names};
use chargeproof::mllp::encode;
use chargeproof::plan::Plan;
use chargeproof::planning::{Choices, Library, expand};
use chargeproof::scenario::{Scenario, SenderFile};
use chargeproof::yaml::{Source, read as read_yaml};

/// The shipped scenarios and what they name.
pub(super) struct Shelf {
    scenarios: BTreeMap<String, Source>,
    sender: SenderFile,
    silence: Scenario,
}

impl Shelf {
    /// What is in the source tree.
    pub(super) fn get() -> &'static Self {
        static SHELF: LazyLock<Shelf> = LazyLock::new(Shelf::open);
        &SHELF
    }

    fn open() -> Self {
        let scenarios = files("scenarios", "yaml");
        let sender = text("senders/reference.yaml");
        let sender = SenderFile::read(&Source::new("senders/reference.yaml", sender));
        Self {
            sender: sender.expect("invariant: the shipped sender file is sound"),
            silence: Scenario::read(&scenarios["once/silence"])
                .expect("invariant: the shipped scenarios are sound"),
            scenarios,
        }
    }

    /// The sender file of the reference sender.
    pub(super) const fn sender(&self) -> &SenderFile {
        &self.sender
    }

    /// A scenario for any sender.
    pub(super) const fn silence(&self) -> &Scenario {
        &self.silence
    }

    /// The plans of a shipped scenario.
    pub(super) fn plans(&self, id: &str) -> Vec<Plan> {
        let scenario = Scenario::read(&self.scenarios[id]).expect("invariant: it is sound");
        expand(&scenario, id, self, &self.sender, &Choices::default())
            .expect("invariant: a shipped scenario makes sense")
    }
}

impl Library for Shelf {
    fn mapping(&self, name: &str) -> Option<Source> {
        shipped(name)
    }

    fn exam(&self, name: &str) -> Option<Source> {
        self.scenarios.get(&format!("exams/{name}")).cloned()
    }

    fn snapshot(&self, _: &str) -> Option<String> {
        None
    }

    fn mappings(&self) -> Vec<String> {
        shipped_names()
    }

    fn exams(&self) -> Vec<String> {
        let names = self.scenarios.keys().filter_map(|id| id.strip_prefix("exams/"));
        names.map(str::to_owned).collect()
    }
}

/// The exam that everybody knows.
pub(super) fn john_doe() -> &'static Exam {
    static EXAM: LazyLock<Exam> = LazyLock::new(|| {
        let source = Shelf::get().exam("john-doe").expect("invariant: it is shipped");
        read_yaml(&source).expect("invariant: it is sound")
    });
    &EXAM
}

/// What every shipped mapping makes of John Doe, and messages as they are met in the field.
pub(super) fn messages() -> Vec<Vec<u8>> {
    let stamp = Stamp {
        now: "2026-01-05T08:00:00".parse().expect("invariant: this is a time"),
        control_id: "260105080000".to_owned(),
    };
    let made = |name: String| {
        let mapping = resolve(&name, &shipped).expect("invariant: a shipped mapping is sound");
        mapping.message(john_doe(), &stamp)
    };
    let made = shipped_names().into_iter().map(made);
    made.chain(FIELD.iter().map(|text| text.as_bytes().to_vec())).collect()
}

/// Messages as frames, alone and one after the other, and what else is written to such a port.
pub(super) fn streams() -> Vec<Vec<u8>> {
    let messages = messages();
    let mut streams: Vec<Vec<u8>> = messages.iter().map(|message| encode(message)).collect();
    streams.push(streams[..3].concat());
    let noise = NOISE.iter().map(|bytes| bytes.to_vec());
    streams.extend(noise);
    streams
}

/// Texts with escapes, and without, behind headers that declare other delimiters.
pub(super) fn escapes() -> Vec<Vec<u8>> {
    let texts = [
        "W/ FUNDUS \\T\\ PHOTO",
        "\\F\\\\S\\\\T\\\\R\\\\E\\",
        "\\X0D0A\\",
        "\\.br\\\\.sp+2\\\\H\\x\\N\\",
        "MSH|^~\\&|A\\F\\B",
        "MSH#*~!&#A!F!B!E!",
        "\\C2842\\\\M242442\\\\Zlocal\\",
        "a\\b\\",
        "\u{e9}\u{1f600}\0\r",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// A charset's number, and text.
pub(super) fn charsets() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 4] = [
        "Zo\u{eb} \u{141}\u{f3}d\u{17a} \u{4e2d} \u{1f600}".as_bytes(),
        b"Zo\xeb\x80\x9f\xa4\xff",
        b"\xd6\xd0\x81\x30\x81\x30",
        b"plain",
    ];
    let charset = |which: u8| texts.iter().map(move |text| [&[which], *text].concat());
    (0..24).flat_map(charset).collect()
}

/// Paths as they are written.
pub(super) fn paths() -> Vec<Vec<u8>> {
    let paths = ["PID-3", "FT1[2]-7.1", "FT1[2]-26[1].3.1", "MSH-10", "ZX1-1[2]"];
    paths.iter().map(|path| path.as_bytes().to_vec()).collect()
}

/// Acknowledgements, and what they are of.
pub(super) fn acknowledgements() -> Vec<Vec<u8>> {
    let own = FIELD.iter().filter(|text| text.contains("MSA")).map(|text| text.as_bytes().to_vec());
    own.chain(messages().into_iter().map(|message| message[..message.len().min(200)].to_vec()))
        .collect()
}

/// Recorded histories, of every kind of verdict; short ones.
pub(super) fn histories() -> Vec<Vec<u8>> {
    let folder = root().join("tests/corpus");
    let mut stored: Vec<(PathBuf, Vec<u8>)> = walk(&folder, "jsonl");
    stored.retain(|(_, bytes)| {
        let history = read(&bytes[..]).expect("invariant: the corpus can be read");
        let received = |what: &What| matches!(what, What::Received { .. });
        bytes.len() < 40_000 && history.events.iter().any(|event| received(&event.what))
    });
    stored.into_iter().map(|(_, bytes)| bytes).collect()
}

/// All that is YAML.
pub(super) fn yaml_files() -> Vec<Vec<u8>> {
    let mut all = scenarios();
    all.extend(mappings());
    all.extend(sender_files());
    all.push(b"&a [*a, {x: 1}, \"\\u00e9\\x0b\", |\n  text\n]".to_vec());
    all
}

/// The shipped mappings.
pub(super) fn mappings() -> Vec<Vec<u8>> {
    contents("mappings")
}

/// The shipped scenarios and exams.
pub(super) fn scenarios() -> Vec<Vec<u8>> {
    contents("scenarios")
}

/// The shipped sender files.
pub(super) fn sender_files() -> Vec<Vec<u8>> {
    contents("senders")
}

fn contents(folder: &str) -> Vec<Vec<u8>> {
    walk(&root().join(folder), "yaml").into_iter().map(|(_, bytes)| bytes).collect()
}

fn files(folder: &str, ending: &str) -> BTreeMap<String, Source> {
    let folder = root().join(folder);
    let named = |(path, bytes): (PathBuf, Vec<u8>)| {
        let name = path.strip_prefix(&folder).expect("invariant: it lies below").with_extension("");
        let name = name.to_string_lossy().into_owned();
        let text = String::from_utf8(bytes).expect("invariant: what is shipped is text");
        (name.clone(), Source::new(name, text))
    };
    walk(&folder, ending).into_iter().map(named).collect()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("invariant: it is in the source tree")
}

/// The files below a folder with this ending, in the order of their paths.
pub fn walk(folder: &Path, ending: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(place) = waiting.pop() {
        for entry in std::fs::read_dir(&place).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|one| one == ending) {
                let bytes = std::fs::read(&path).expect("invariant: it is in the source tree");
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}

/// The source tree of chargeproof, whichever package this file is compiled in.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = if own.ends_with("fuzz") { own.join("..") } else { own.to_owned() };
    root.canonicalize().expect("invariant: the source tree is there")
}

/// Messages that no mapping makes.
const FIELD: &[&str] = &[
    "MSH|^~\\&|EMR|F|IRIS|IRIS|20200130165607||ACK^P03^ACK|1|P|2.4\rMSA|AA|260105080000\r",
    "MSH|^~\\&|EMR|F|IRIS|IRIS|2020||ACK|1|P|2.5.1\rMSA|AE|1|no\rERR||PID^1^3|204^Unknown key^HL70357|E\r",
    "MSH#*~!@#IRIS#####2026##DFT*P03#1#P#2.4####AL#NE\rFT1#1##273013#2026#2026#CG#92250\r",
    "FHS|^~\\&|IRIS\rBHS|^~\\&|IRIS\rMSH|^~\\&|IRIS||||2026||DFT^P03|1|P|2.4\rFT1|1||273013\rBTS|1\rFTS|1\r",
    "MSH|^~\\&|IRIS||||2026||BAR^P05|2|P|2.4\rPID|||ITCC20170410\rPR1|1||92250\rZOR|273013\r",
    "MSH|^~\\&|IRIS||||2026||ORU^R01|3|P|2.4\rOBR|1||273013\rOBX|1|ED|X||^^^Base64^MjczMDEz\r",
    "msh|^~\\&|iris||||2026||dft^p03|4|p|2.4\rft1|1||273013\r",
    "<DFT_P03><FT1><FT1.3>273013</FT1.3><FT1.7>92250</FT1.7></FT1></DFT_P03>",
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "MSH|^~\\&|IRIS||||2026||DFT^P03|5|P|2.4\nPID|||ITCC20170410\nFT1|1||273013\nFT1|2||273014\n",
];

/// What comes to such a port and is no message.
const NOISE: &[&[u8]] = &[
    b"\x0b\x1c\r",
    b"\x0b",
    b"\0\0\0\0",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x0b\x1c\r\x0b",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 2575\r\n",
    b"\x0b\x0bMSH|^~\\&|A\r\x1c\r\x1c\r",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
];
