//! JSON Schemas of the files that people write, so that an editor completes and checks them.
//!
//! The words come from the tables that the readers use, and the faults from the catalogue, so that
//! they cannot drift apart. A schema does **not** know which exams and mappings there are; the
//! reader's own messages do. `$axis` may stand wherever a value may, so most values also admit it.

use serde_json::{Map, Value, json};

use super::{axes, driving, read, script, sender_file, steps, tls};
use crate::exam::Exam;
use crate::plan::{Fault, Parameter};

/// The JSON Schema of an exam file.
#[must_use]
pub fn exam_schema() -> Value {
    let mut schema = schemars::schema_for!(Exam).to_value();
    entry(&mut schema, "title", json!("A completed exam"));
    schema
}

/// The JSON Schema of a scenario.
#[must_use]
pub fn schema() -> Value {
    let properties = [
        ("title", text("What the scenario is about, in one line.")),
        ("requirements", texts("The promises that it exercises.")),
        ("mapping", text("Name of the mapping (default: `iris/option-1`).")),
        ("results", text("Name of the mapping for results; without it there are none.")),
        ("exams", exams()),
        ("endpoints", texts("Names of the EMR's endpoints (default: `emr`).")),
        ("tls", tls_at_endpoints()),
        ("emr", emr()),
        ("axes", axes()),
        ("steps", step_list()),
        ("expect", expect()),
    ];
    document("A scenario", &["title"], read::KEYS, properties)
}

/// The JSON Schema of a sender file.
#[must_use]
pub fn sender_file_schema() -> Value {
    let limits = object(
        "How patient the sender is, by its own configuration.",
        &["ack_timeout", "longest_retry"],
        sender_file::LIMIT_KEYS,
        [
            ("ack_timeout", duration("How long it waits for an acknowledgement.")),
            ("longest_retry", duration("The longest time after which it tries anything again.")),
            ("in_flight", count("How many messages it may have on their way on one connection.")),
            ("stop", duration("How long it may take to stop (default: 2s).")),
            ("cpu", duration("How much processor time one process may take.")),
            ("memory", text("How much memory one process may ask for, such as `64MiB`.")),
        ],
    );
    let properties = [
        ("name", text("Its name, for people.")),
        (
            "mapping",
            one_or_more("The mappings that it is configured for; cases of others are skipped."),
        ),
        ("start", start()),
        ("listen", one_or_more("Where the EMR listens, an address for each endpoint.")),
        (
            "environment",
            json!({
                "description": "Environment variables to set, placeholders allowed.",
                "type": "object",
                "additionalProperties": { "type": ["string", "number"] },
            }),
        ),
        ("directory", text("Directory to start it in (default: the case's own).")),
        ("feed", feed()),
        ("ready", ready()),
        ("stop", words("How it is asked to stop.", sender_file::STOPS)),
        ("limits", limits),
        ("attempts", words("When an attempt counts.", sender_file::ATTEMPTS)),
        ("account", account()),
        (
            "clock",
            object(
                "How its wall clock is moved.",
                &["file"],
                sender_file::CLOCK_KEYS,
                [("file", text("A file with the seconds to add, which the sender reads."))],
            ),
        ),
        (
            "resend",
            texts("The command by which an operator has the charge of `{order}` sent once more."),
        ),
    ];
    document("A sender file", &["name", "start", "limits"], sender_file::KEYS, properties)
}

fn one_or_more(description: &str) -> Value {
    json!({
        "description": description,
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
    })
}

fn start() -> Value {
    let command = || texts("The program and its arguments, with placeholders in braces.");
    let more = object(
        "A command, and what one process of it is for.",
        &["command"],
        driving::START_KEYS,
        [
            ("command", command()),
            ("per", words("What one process is for (default: a case).", driving::PER)),
        ],
    );
    let observe = json!({
        "const": driving::OBSERVE,
        "description": "It is not ours to start; an operator is told what to do.",
    });
    json!({ "description": "How it is started.", "anyOf": [command(), more, observe] })
}

fn feed() -> Value {
    let ways = || words("A way to hand an exam over.", driving::FEEDS);
    let file = object(
        "A text of your own with facts in braces.",
        &["template"],
        &["template"],
        [("template", text("Its file, beside the sender file."))],
    );
    let form = json!({
        "description": "What the sender is given (default: the exam as JSON).",
        "anyOf": [{ "enum": driving::FORMS }, file],
    });
    let more = object(
        "How exams are given to the sender, and as what.",
        &[],
        driving::FEED_KEYS,
        [
            ("by", ways()),
            ("post", text("An address that takes an HTTP POST, placeholders allowed.")),
            ("mllp", text("An address that takes MLLP, placeholders allowed.")),
            ("as", form),
            ("end", words("What ends a document on its standard input.", driving::SEPARATORS)),
        ],
    );
    json!({ "description": "How exams are given to the sender (default: `inbox`).", "anyOf": [ways(), more] })
}

fn ready() -> Value {
    object(
        "What shows that it is ready to be fed (default: that it was started).",
        &[],
        driving::READY_KEYS,
        [
            ("line", text("A line of its standard output that holds this.")),
            ("port", text("An address that accepts a connection.")),
            ("file", text("A file that is there.")),
            ("within", duration("How long that may take (default: 10s).")),
        ],
    )
}

fn account() -> Value {
    let get = object(
        "An address that answers with its account.",
        &["get"],
        &["get"],
        [("get", text("It is asked by HTTP."))],
    );
    let command = texts("The command that prints it.");
    json!({ "description": "What became of its charges.", "anyOf": [command, get, words("Or in a word.", sender_file::ACCOUNTS)] })
}

fn exams() -> Value {
    json!({
        "description": "Names of exam files, or exams that are written here.",
        "type": "array",
        "items": { "oneOf": [
            { "type": ["string", "number"] },
            { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": {
                "description": "Facts; with `like`, only those that differ from another exam.",
                "type": "object",
                "properties": {
                    "like": { "type": "string", "description": "The exam that it is a copy of." },
                    "same_order": {
                        "type": "boolean",
                        "description": "It may have the order number of another exam.",
                    },
                },
            } },
        ] },
    })
}

fn tls_at_endpoints() -> Value {
    let version = words("A version of TLS.", tls::VERSIONS);
    // YAML reads a bare 1.2 as a number, and the reader takes it as it is spelt.
    let version = json!({ "anyOf": [version, { "enum": [1.2, 1.3] }] });
    let how = object(
        "How TLS is spoken.",
        &[],
        tls::KEYS,
        [
            (
                "versions",
                json!({
                    "description": "The versions that the EMR speaks (default: both).",
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": true,
                    "items": version,
                }),
            ),
            ("client", words("Whether the sender must show a certificate.", tls::CLIENT)),
        ],
    );
    let what = "TLS at every endpoint (default: plain MLLP).";
    json!({ "description": what, "anyOf": [{ "type": "boolean" }, axis(), how] })
}

fn emr() -> Value {
    let on = object(
        "When it plays: everything that is named must hold.",
        &[],
        script::ON_KEYS,
        [
            ("exam", text("The exam.")),
            ("attempt", count("Which attempt at its order.")),
            ("message", count("Which message of the endpoint.")),
            ("connection", count("Which connection of the endpoint.")),
            ("endpoint", text("The endpoint.")),
            ("kind", words("The kind of message (default: charges).", script::KINDS)),
            ("field", values("Fields by their paths, and the value that each must have.")),
            ("moment", words("At which moment (default: the reply's own).", script::MOMENTS)),
            ("bytes", count("When so many bytes of a message have arrived.")),
        ],
    );
    let entry = object(
        "What the EMR does; the first entry that matches plays.",
        &["on", "reply"],
        script::ENTRY_KEYS,
        [
            ("on", on),
            ("reply", reply()),
            ("times", count("How many times at the most.")),
            ("optional", flag("It need not be seen to play.")),
        ],
    );
    json!({ "type": "array", "description": "The EMR's script.", "items": entry })
}

fn reply() -> Value {
    let mut properties: Map<String, Value> = Map::new();
    let mut names: Vec<&str> = Vec::new();
    for fault in Fault::ALL {
        let short = fault.name().strip_prefix("answer/");
        for name in short.into_iter().chain([fault.name()]) {
            names.push(name);
            properties.insert(name.to_owned(), with(*fault));
        }
    }
    let raw = "Bytes, with `<VT>`, `<CR>`, `<FS>` or `<E9>` for what is no text, and `{control_id}` \
               for what is filled in.";
    properties.insert("raw".to_owned(), text(raw));
    properties.insert("hex".to_owned(), text("Bytes as pairs of hexadecimal digits."));
    properties.insert("wait".to_owned(), duration("A pause."));
    properties.insert("end".to_owned(), words("The end of the connection.", script::ENDS));
    let one = json!({ "anyOf": [
        {
            "description": "A fault or answer, such as `reject` or `payload/junk`.",
            "anyOf": [{ "enum": names }, { "type": "string", "pattern": r"\$" }],
        },
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": properties,
            "patternProperties": { r"\$": { "type": "object" } },
            "additionalProperties": false,
        },
    ] });
    json!({
        "description": "A fault or answer, bytes, a pause, an end, or a list of them.",
        "anyOf": [one, { "type": "array", "minItems": 1, "items": one }],
    })
}

/// The parameters that a fault reads.
fn with(fault: Fault) -> Value {
    let one = |&parameter: &Parameter| {
        let what = parameter.what();
        let choice = |words: &[&str]| match words {
            [] => text(what),
            words => json!({ "description": what, "anyOf": [{ "enum": words }, axis()] }),
        };
        let value = match parameter {
            Parameter::After => duration(what),
            Parameter::Bytes | Parameter::Times | Parameter::Count | Parameter::Error => {
                count(what)
            }
            Parameter::Cut => json!({
                "description": what,
                "anyOf": [{ "const": "half" }, { "type": "integer", "minimum": 0 }, axis()],
            }),
            Parameter::Form => choice(fault.forms()),
            Parameter::Code => {
                choice(&fault.codes().iter().map(|code| code.as_str()).collect::<Vec<&str>>())
            }
            Parameter::Severity => choice(&["E", "W", "I", "F"]),
            Parameter::Text | Parameter::At => text(what),
        };
        (parameter.name().to_owned(), value)
    };
    json!({
        "description": fault.what(),
        "type": "object",
        "properties": fault.reads().iter().map(one).collect::<Map<String, Value>>(),
        "additionalProperties": false,
    })
}

fn axes() -> Value {
    json!({
        "description": "Values for each `$name`; several axes make their product.",
        "type": "object",
        "propertyNames": { "pattern": "^[a-z][a-z0-9-]*$" },
        "additionalProperties": { "anyOf": [
            { "type": "array", "minItems": 1 },
            object(
                "Every whole number from one to another, in steps.",
                axes::RANGE_KEYS,
                axes::RANGE_KEYS,
                [("from", whole()), ("to", whole()), ("step", whole())],
            ),
        ] },
    })
}

fn step_list() -> Value {
    let names = json!({ "anyOf": [
        { "type": ["string", "number"] },
        { "type": "array", "items": { "type": ["string", "number"] } },
    ] });
    let event = || words("A wire event.", crate::plan::WIRE_EVENTS);
    let moment = || {
        let delays = words("A moment around the sender's timeout.", steps::DELAYS);
        let after = json!({ "anyOf": [delays, duration("How long after it.")] });
        [
            ("at", event()),
            ("bytes", count("After this many bytes of a message.")),
            ("reply-bytes", count("After this many bytes of the reply.")),
            ("after", after),
        ]
    };
    let with = |what: &str, keys: &[&str], required: &[&str], more: (&'static str, Value)| {
        let [at, bytes, reply, after] = moment();
        object(what, required, keys, [at, bytes, reply, after, more])
    };
    let when = || object("When.", &[], steps::WHEN_KEYS, moment());
    let pause = with(
        "When to stop the sender where it stands, and for how long.",
        steps::PAUSE_KEYS,
        &[],
        ("for", duration("For how long (default: twice the sender's timeout).")),
    );
    let jump = with(
        "How far to move the sender's clock, and when.",
        steps::JUMP_KEYS,
        &["by"],
        ("by", jump("How far forward.")),
    );
    let valued = object(
        "A step that says what with.",
        &[],
        steps::WITH_VALUE,
        [
            ("submit", names.clone()),
            ("await", names.clone()),
            ("resend", names),
            ("kill", json!({ "anyOf": [event(), when()] })),
            ("terminate", json!({ "anyOf": [event(), when()] })),
            ("pause", pause),
            ("jump", jump),
            ("storm", count("How many restarts in a row.")),
        ],
    );
    json!({
        "description": "What the harness does, in place of the default steps.",
        "type": "array",
        "minItems": 1,
        "items": { "anyOf": [{ "enum": steps::BARE }, valued] },
    })
}

fn expect() -> Value {
    let charges = json!({
        "description": "How often each exam's charge is attempted (default: once).",
        "type": "object",
        "additionalProperties": words("How often.", read::HOW_OFTEN),
    });
    object(
        "What must come of it.",
        &[],
        read::EXPECT_KEYS,
        [
            ("charges", charges),
            ("snapshot", flag("Messages are compared with approved snapshots.")),
            ("attempts", words("When an attempt counts.", sender_file::ATTEMPTS)),
        ],
    )
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn text(what: &str) -> Value {
    json!({ "description": what, "type": ["string", "number"] })
}

fn texts(what: &str) -> Value {
    json!({ "description": what, "type": "array", "items": { "type": ["string", "number"] } })
}

fn values(what: &str) -> Value {
    json!({
        "description": what,
        "type": "object",
        "minProperties": 1,
        "additionalProperties": { "type": ["string", "number"] },
    })
}

fn flag(what: &str) -> Value {
    json!({ "description": what, "anyOf": [{ "type": "boolean" }, axis()] })
}

fn count(what: &str) -> Value {
    json!({ "description": what, "anyOf": [{ "type": "integer", "minimum": 0 }, axis()] })
}

fn duration(what: &str) -> Value {
    json!({
        "description": what,
        "anyOf": [{ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" }, axis()],
    })
}

/// The same for a jump of the clock, which may be longer.
fn jump(what: &str) -> Value {
    json!({
        "description": what,
        "anyOf": [{ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d|w)$" }, axis()],
    })
}

fn words<T>(what: &str, words: &[(&str, T)]) -> Value {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    json!({ "description": what, "anyOf": [{ "enum": words }, axis()] })
}

/// A reference to an axis, which stands for a value.
fn axis() -> Value {
    json!({ "type": "string", "pattern": r"^\$(\{[a-z][a-z0-9-]*\}|[a-z][a-z0-9-]*)$" })
}

/// A map with exactly the keys that its reader knows.
fn object<const N: usize>(
    what: &str,
    required: &[&str],
    keys: &[&str],
    properties: [(&str, Value); N],
) -> Value {
    let described: Map<String, Value> =
        properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let known = |key: &&str| (*key).to_owned();
    let listed: Map<String, Value> = keys
        .iter()
        .map(known)
        .map(|key| {
            let value = described.get(&key).cloned().unwrap_or(Value::Bool(true));
            (key, value)
        })
        .collect();
    json!({
        "description": what,
        "type": "object",
        "required": required,
        "properties": listed,
        "additionalProperties": false,
    })
}

fn document<const N: usize>(
    title: &str,
    required: &[&str],
    keys: &[&str],
    properties: [(&str, Value); N],
) -> Value {
    let mut schema = object(title, required, keys, properties);
    entry(&mut schema, "$schema", json!("https://json-schema.org/draft/2020-12/schema"));
    entry(&mut schema, "title", json!(title));
    schema
}

fn entry(schema: &mut Value, key: &str, value: Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(key.to_owned(), value);
    }
}
