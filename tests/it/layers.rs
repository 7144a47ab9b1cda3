//! Holds the house to its plan: which room may import which, what stands in the crate root, where
//! an effect may happen. Reads `src/` as text, so that a new arrow fails here before it is used.
//!
//! A new row or a new name in a row is a decision: change the table, and say why in the commit.

mod circles;
mod paths;
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::paths::{Contents, Named};
use rstest::rstest;

/// Each room and what it may import; a row names only rows above it, so that no cycle can stand.
const ROOMS: Rows = &[
    // Only in a build that is meant to be found out.
    ("planted", &[]),
    ("yaml", &[]),
    ("hl7", &[]),
    ("mllp", &[]),
    ("exam", &[]),
    ("charge", &["hl7"]),
    ("mapping", &["hl7", "exam", "yaml"]),
    ("history", &["hl7", "mllp"]),
    ("verdict", &["history"]),
    ("plan", &["hl7", "exam", "charge", "mapping", "history"]),
    ("scenario", &["hl7", "exam", "mapping", "history", "plan", "yaml"]),
    ("planning", &["hl7", "exam", "charge", "mapping", "history", "plan", "scenario", "yaml"]),
    ("emr", &["planted", "mllp", "hl7", "history", "plan"]),
    ("check", &["planted", "hl7", "mapping", "charge", "history", "verdict", "plan", "exam"]),
    ("report", &["hl7", "history", "verdict"]),
    ("sender", &["hl7", "mllp", "exam", "mapping", "yaml"]),
    ("run", &["planted", "exam", "history", "plan", "emr", "sender"]),
    (
        "suite",
        &[
            "yaml", "hl7", "mllp", "exam", "charge", "mapping", "history", "verdict", "scenario",
            "plan", "planning", "emr", "check", "sender", "run",
        ],
    ),
    (
        "explore",
        &[
            "yaml", "hl7", "mllp", "exam", "charge", "mapping", "history", "verdict", "scenario",
            "plan", "planning", "emr", "check", "sender", "run", "suite",
        ],
    ),
    (
        "selftest",
        &[
            "yaml", "hl7", "mapping", "history", "verdict", "scenario", "plan", "planning",
            "check", "sender", "run", "suite",
        ],
    ),
    (
        "cli",
        &[
            "planted", "yaml", "hl7", "mllp", "exam", "charge", "mapping", "history", "verdict",
            "scenario", "plan", "planning", "emr", "check", "report", "sender", "run", "suite",
            "explore", "selftest",
        ],
    ),
];

/// The folders of a room, or of a folder, and what each may import of it; a row names only rows above
/// it.
const FOLDERS: &[(&str, Rows)] = &[
    (
        "check",
        &[
            ("evidence", &[]),
            ("findings", &[]),
            ("wording", &["evidence", "findings"]),
            ("heard", &["evidence", "wording"]),
            ("proof", &["evidence", "wording"]),
            ("rules", &["evidence", "findings", "wording", "proof"]),
            ("exercise", &["evidence", "findings", "wording", "proof", "rules"]),
        ],
    ),
    ("emr", &[("boundary", &[]), ("faults", &[]), ("machine", &["boundary", "faults"])]),
    (
        "run/real",
        &[
            ("descendants", &[]),
            ("processors", &[]),
            ("spool", &[]),
            ("tls", &[]),
            ("wire", &["descendants", "tls"]),
            ("sender", &["descendants", "tls", "wire"]),
        ],
    ),
];

/// Names, and what each may import.
type Rows = &'static [(&'static str, &'static [&'static str])];

/// Folders in which calls go to and fro by their nature.
const NATURAL: &[&str] = &["emr/machine", "mapping/expression", "sender/machine"];

/// Paths that reach outside the program, wherever they begin.
const EFFECTS: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "env"],
    &["tokio"],
    &["rustix"],
    &["rustls"],
    &["rcgen"],
];

/// Clocks, by how their paths end.
const CLOCKS: &[&[&str]] =
    &[&["Instant", "now"], &["SystemTime", "now"], &["Timestamp", "now"], &["Zoned", "now"]];

/// Macros that write to the standard streams.
const STREAMS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Something that is not as the plan of the house has it, with its place.
type Violation = String;

#[test]
fn every_room_imports_only_what_its_row_names() {
    let violations = examine(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn no_row_names_a_row_below_it() {
    let tables = FOLDERS.iter().map(|(_, rows)| *rows).chain([ROOMS]);
    for rows in tables {
        for (index, (room, imports)) in rows.iter().enumerate() {
            for import in *imports {
                assert!(rows[..index].iter().any(|(above, _)| above == import), "{room}: {import}");
            }
        }
    }
}

/// Everything below `src` that is not as it should be, in the order of the files.
fn examine(src: &Path) -> Vec<Violation> {
    let files = sources(src);
    let read: Vec<(String, Contents)> = files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
            (name, paths::read(&fs::read_to_string(file).unwrap()))
        })
        .collect();
    let for_tests: BTreeSet<String> = read.iter().flat_map(test_files).collect();
    let is_test = |name: &str| for_tests.iter().any(|stem| is_of_module(name, stem));
    let mut violations = crate_root(&fs::read_to_string(src.join("lib.rs")).unwrap());
    for (name, contents) in read.iter().filter(|(name, _)| name != "lib.rs") {
        let test_file = is_test(name);
        violations.extend(one_file(name, contents, test_file));
    }
    let files: Vec<(String, &Contents)> = read
        .iter()
        .filter(|(name, _)| !is_test(name) && name != "lib.rs")
        .map(|(name, contents)| (name.clone(), contents))
        .collect();
    let is_natural = |circle: &Vec<String>| {
        NATURAL.iter().any(|folder| circle.iter().all(|module| module.starts_with(folder)))
    };
    let circles = circles::circles(&files).into_iter().filter(|circle| !is_natural(circle));
    violations.extend(circles.map(|circle| format!("a circle of {}", circle.join(", "))));
    violations
}

/// The Rust files below `directory`, sorted.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The modules, as paths without an ending, that this file declares for tests only.
fn test_files((name, contents): &(String, Contents)) -> Vec<String> {
    let stem = name.strip_suffix(".rs").unwrap();
    let base = stem.strip_suffix("/mod").unwrap_or(stem);
    contents.test_files.iter().map(|module| format!("{base}/{module}")).collect()
}

fn is_of_module(name: &str, module: &str) -> bool {
    name.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The crate root is a map: it declares modules and defines nothing.
fn crate_root(source: &str) -> Vec<Violation> {
    let tokens = tokens::tokens(source);
    let mut rest = tokens.as_slice();
    let mut violations = Vec::new();
    while let [first, ..] = rest {
        let words: Vec<&str> = rest.iter().take(4).map(|token| &*token.text).collect();
        rest = match words.as_slice() {
            ["#", ..] => &rest[attribute(rest)..],
            ["pub", "mod", _, ";"] => &rest[4..],
            ["mod", _, ";", ..] => &rest[3..],
            _ => {
                violations.push(format!("lib.rs:{}: the crate root defines something", first.line));
                break;
            }
        };
    }
    violations
}

/// How many tokens the attribute has that `tokens` begins with.
fn attribute(tokens: &[tokens::Token]) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        match &*token.text {
            "[" => depth += 1,
            "]" if depth == 1 => return index + 1,
            "]" => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

fn one_file(name: &str, contents: &Contents, test_file: bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    let room = name.split(['/', '.']).next().unwrap();
    let row = ROOMS.iter().find(|(known, _)| *known == room).map(|(_, imports)| *imports);
    if row.is_none() && name != "main.rs" {
        return vec![format!("{name}:1: the room `{room}` has no row in the table")];
    }
    for path in &contents.paths {
        let wrong = [
            import(room, row.unwrap_or(&["cli"]), path),
            folder(name, path).filter(|_| !test_file && !path.in_test),
            glob(path),
            leaves_room(name, path),
            effect(name, path).filter(|_| !test_file && !path.in_test),
            unmasked(name, path).filter(|_| !test_file && !path.in_test),
        ];
        for wrong in wrong.into_iter().flatten() {
            violations.push(format!("{name}:{}: {wrong}", path.line));
        }
    }
    for called in &contents.macros {
        let prints = STREAMS.contains(&&*called.segments[0]) && room != "cli";
        if prints && !test_file && !called.in_test {
            let what = &called.segments[0];
            violations.push(format!("{name}:{}: `{what}!` outside of cli", called.line));
        }
    }
    violations
}

/// A path into another room, or to the crate root, that the row does not name.
fn import(room: &str, row: &[&str], path: &Named) -> Option<String> {
    let [root, target, ..] = path.segments.as_slice() else { return None };
    if root != "crate" && root != "chargeproof" {
        return None;
    }
    if !ROOMS.iter().any(|(known, _)| known == target) {
        return Some(format!("`{}` is no room", path.segments.join("::")));
    }
    let allowed = target == room || row.contains(&&**target);
    (!allowed).then(|| format!("`{room}` may not import `{target}`"))
}

/// A path into another folder of the same room that the folder's row does not name.
fn folder(name: &str, path: &Named) -> Option<String> {
    let below_of = |house: &str| name.strip_prefix(house)?.strip_prefix('/').map(str::to_owned);
    let (house, rows, below) =
        FOLDERS.iter().find_map(|(house, rows)| Some((*house, *rows, below_of(house)?)))?;
    let own = below.split(['/', '.']).next()?;
    if own == "mod" {
        return None; // which calls all of them
    }
    let Some((_, imports)) = rows.iter().find(|(known, _)| *known == own) else {
        return Some(format!("the folder `{house}/{own}` has no row in the table"));
    };
    let climbs = path.segments.iter().take_while(|segment| *segment == "super").count();
    let depth = below.split('/').count() - usize::from(below.ends_with("/mod.rs")) + path.depth;
    let to_house: Vec<&str> = std::iter::once("crate").chain(house.split('/')).collect();
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    let target = match segments.strip_prefix(to_house.as_slice()) {
        Some([target, ..]) => target,
        None if climbs > 0 && climbs == depth => segments.get(climbs)?,
        _ => return None,
    };
    let is_folder = rows.iter().any(|(known, _)| known == target);
    let allowed = !is_folder || *target == own || imports.contains(target);
    (!allowed).then(|| format!("`{house}/{own}` may not import `{house}/{target}`"))
}

fn glob(path: &Named) -> Option<String> {
    let is_glob = path.imported && path.segments.last().is_some_and(|last| last == "*");
    is_glob.then(|| format!("`{}` imports without names", path.segments.join("::")))
}

/// A `super` path that climbs to the crate root.
fn leaves_room(name: &str, path: &Named) -> Option<String> {
    if path.segments.len() < 2 {
        return None;
    }
    let stem = name.strip_suffix(".rs").unwrap();
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    let depth = stem.split('/').count() + path.depth;
    let climbs = path.segments.iter().filter(|segment| *segment == "super").count();
    (climbs >= depth).then(|| format!("`{}` leaves its room", path.segments.join("::")))
}

/// A path that reaches outside the program from a room that must not.
fn effect(name: &str, path: &Named) -> Option<String> {
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    let is_path = segments.len() > 1 || path.imported;
    let reaches = is_path && EFFECTS.iter().any(|effect| segments.starts_with(effect));
    let reads_clock = CLOCKS.iter().any(|clock| segments.ends_with(clock));
    let room = name.split(['/', '.']).next().unwrap();
    let allowed = match room {
        "run" | "cli" | "main" => true,
        "sender" => name == "sender/shell.rs" || name.starts_with("sender/shell/"),
        // Tasks over cases, and nothing that touches the machine.
        "suite" | "explore" | "selftest" => {
            let touches = ["fs", "net", "process", "io"];
            segments[0] == "tokio" && !segments.get(1).is_some_and(|part| touches.contains(part))
        }
        _ => false,
    };
    let seen = (reaches || reads_clock) && !allowed;
    seen.then(|| format!("`{}` is an effect outside of its room", segments.join("::")))
}

/// What makes words of bytes, in the room that judges: what came over the wire must not be shown but
/// by its mask. Where no text is made for anybody to read, a file may have them decoded.
fn unmasked(name: &str, path: &Named) -> Option<String> {
    const MAKES_WORDS: [&str; 3] = ["visible", "from_utf8_lossy", "escape_ascii"];
    const NOT_SHOWN: [&str; 4] = [
        "check/evidence/made.rs",
        "check/rules/compared.rs",
        "check/rules/snapshot.rs",
        "check/proof/reply.rs",
    ];
    let last = path.segments.last().map_or("", String::as_str);
    let makes_words = MAKES_WORDS.contains(&last);
    let may = !name.starts_with("check/")
        || name.starts_with("check/wording/mask/")
        || last != "visible" && NOT_SHOWN.contains(&name);
    (makes_words && !may)
        .then(|| format!("`{}` makes words of bytes outside of the mask", path.segments.join("::")))
}

/// Writes a small house and then `text` into `file` of it, and examines it.
fn planted(file: &str, text: &str) -> Vec<Violation> {
    let house = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = house.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("lib.rs", "//! The map.\n\n#![allow(missing_docs, reason = \"small\")]\npub mod hl7;\n");
    write("main.rs", "fn main() -> std::process::ExitCode {\n    cli::main()\n}\n");
    write("hl7/mod.rs", "//! Text.\nmod path;\npub use path::Path;\n");
    write("hl7/path.rs", "pub struct Path;\nfn f() { super::delimiters::f() }\n");
    write(file, text);
    examine(house.path())
}

#[rstest]
#[case::arrow(
    "report/mod.rs",
    "use crate::plan::Plan;",
    "report/mod.rs:1: `report` may not import `plan`"
)]
#[case::grouped(
    "hl7/a.rs",
    "use crate::{\n    hl7::Path,\n    mllp::{Frame},\n};",
    "hl7/a.rs:3: `hl7` may not import `mllp`"
)]
#[case::inline("check/rules/a.rs", "fn f(e: &crate::emr::Emr) {}", "`check` may not import `emr`")]
#[case::folder(
    "check/evidence/a.rs",
    "use crate::check::rules::once;",
    "check/evidence/a.rs:1: `check/evidence` may not import `check/rules`"
)]
#[case::folder_by_climbing(
    "check/proof/a.rs",
    "use super::super::rules::once;",
    "`check/proof` may not import `check/rules`"
)]
#[case::new_folder(
    "check/helpers/a.rs",
    "use crate::hl7::Path;",
    "the folder `check/helpers` has no row in the table"
)]
#[case::circle(
    "hl7/delimiters.rs",
    "use crate::hl7::Path;\nuse super::path::Path;",
    "a circle of hl7/delimiters, hl7/path"
)]
#[case::in_a_test(
    "hl7/a.rs",
    "#[cfg(test)]\nmod tests {\n    use crate::mllp::Frame;\n}",
    "hl7/a.rs:3: `hl7` may not import `mllp`"
)]
#[case::by_name("check/rules/a.rs", "use chargeproof::emr::Emr;", "`check` may not import `emr`")]
#[case::in_a_macro(
    "verdict/a.rs",
    "macro_rules! m { () => { $crate::hl7::f() } }",
    "`verdict` may not import `hl7`"
)]
#[case::from_main("main.rs", "fn main() { chargeproof::run::go() }", "`main` may not import `run`")]
#[case::root_item("hl7/a.rs", "use crate::Error;", "`crate::Error` is no room")]
#[case::new_room(
    "util/mod.rs",
    "pub fn f() {}",
    "util/mod.rs:1: the room `util` has no row in the table"
)]
#[case::flat_room("helpers.rs", "pub fn f() {}", "the room `helpers` has no row in the table")]
#[case::root_function(
    "lib.rs",
    "pub mod hl7;\npub fn f() {}",
    "lib.rs:2: the crate root defines something"
)]
#[case::root_reexport(
    "lib.rs",
    "pub mod hl7;\npub use hl7::Path;",
    "lib.rs:2: the crate root defines something"
)]
#[case::root_inline("lib.rs", "pub mod hl7 { }", "lib.rs:1: the crate root defines something")]
#[case::glob("check/rules/a.rs", "use crate::hl7::*;", "`crate::hl7::*` imports without names")]
#[case::glob_in_group(
    "check/rules/a.rs",
    "use crate::hl7::{ack::{Code, self}, path::*};",
    "`crate::hl7::path::*` imports without names"
)]
#[case::climb(
    "hl7/mod.rs",
    "use super::mllp::Frame;",
    "hl7/mod.rs:1: `super::mllp::Frame` leaves its room"
)]
#[case::climb_twice(
    "hl7/path.rs",
    "fn f() { super::super::mllp::f() }",
    "`super::super::mllp::f` leaves its room"
)]
#[case::climb_from_module(
    "hl7/path.rs",
    "mod a {\n use super::super::super::mllp;\n}",
    "leaves its room"
)]
#[case::files("hl7/a.rs", "use std::{fs, io};", "`std::fs` is an effect")]
#[case::network(
    "emr/machine/a.rs",
    "fn f() { std::net::TcpStream::connect(a) }",
    "`std::net::TcpStream::connect` is an effect"
)]
#[case::process(
    "check/rules/a.rs",
    "use std::process::Command;",
    "`std::process::Command` is an effect"
)]
#[case::thread("sender/machine.rs", "use std::thread;", "`std::thread` is an effect")]
#[case::tokio("emr/machine/a.rs", "use tokio::time::sleep;", "`tokio::time::sleep` is an effect")]
#[case::attribute(
    "emr/machine/a.rs",
    "#[tokio::main]\nasync fn f() {}",
    "`tokio::main` is an effect"
)]
#[case::suite_network(
    "suite/a.rs",
    "use tokio::net::TcpStream;",
    "`tokio::net::TcpStream` is an effect"
)]
#[case::instant(
    "emr/machine/a.rs",
    "use std::time::Instant;\nfn f() { Instant::now(); }",
    "emr/machine/a.rs:2: `Instant::now` is an effect"
)]
#[case::wall_clock("history/a.rs", "fn f() { std::time::SystemTime::now(); }", "is an effect")]
#[case::print("run/a.rs", "fn f() { println!(\"{}\", 1) }", "`println!` outside of cli")]
#[case::unmasked("check/rules/a.rs", "use crate::hl7::visible;", "outside of the mask")]
#[case::print_error("sender/shell.rs", "fn f() { std::eprintln!() }", "`eprintln!` outside of cli")]
fn a_planted_violation_is_caught(#[case] file: &str, #[case] text: &str, #[case] caught: &str) {
    let violations = planted(file, text);
    assert_eq!(violations.len(), 1, "{violations:#?}");
    assert!(violations[0].contains(caught), "{violations:#?}");
}

#[rstest]
#[case::own_room("hl7/a.rs", "use crate::hl7::Path;\nuse super::Path as P;\npub(crate) fn f() {}")]
#[case::named_in_row("check/rules/a.rs", "use crate::{charge::Line, hl7::{Path, ack::Code as C}};")]
#[case::masked("check/wording/mask/a.rs", "use crate::hl7::visible;")]
#[case::comment("hl7/a.rs", "//! See [`crate::run`].\n/* use crate::run; /* std::fs */ */")]
#[case::text(
    "hl7/a.rs",
    "const A: &str = \"crate::run\"; const B: &str = r#\"\"std::fs\"\"#; const C: char = '\"';"
)]
#[case::lifetime(
    "hl7/a.rs",
    "struct A<'a>(&'a str); // 'crate::run'\nfn f<'b>() -> char { '\\'' }"
)]
#[case::inline_module("hl7/path.rs", "mod a { mod b { use super::super::super::Path; } }")]
#[case::capture(
    "hl7/a.rs",
    "impl A { fn f<'a>(&'a self) -> impl B + use<'a> { a; b }\n fn g() { c; } }"
)]
#[case::broken_tree("hl7/a.rs", "use crate::hl7::{Path;\nfn f() {}")]
#[case::restricted("hl7/mod.rs", "pub(super) struct Path;")]
#[case::duration("emr/machine/a.rs", "use std::time::{Duration, Instant};\nfn f(now: Instant) {}")]
#[case::not_equal("emr/machine/a.rs", "fn f(print: u8, tokio: u8) -> bool { print != tokio }")]
#[case::shell("sender/shell.rs", "use std::{fs, thread};\nfn f() { std::time::Instant::now(); }")]
#[case::tasks("suite/a.rs", "use tokio::task::JoinSet;")]
#[case::command_line("cli/a.rs", "fn f() { eprintln!(); std::fs::read(p); crate::suite::go() }")]
#[case::test_reads(
    "emr/machine/a.rs",
    "#[cfg(test)]\n#[allow(x, reason = \"y\")]\nmod tests { fn f() { std::fs::read(p); dbg!(p) } }"
)]
fn what_is_allowed_is_left_alone(#[case] file: &str, #[case] text: &str) {
    assert_eq!(planted(file, text), Vec::<Violation>::new());
}

#[test]
fn a_test_file_of_its_own_may_read_files_and_still_not_import() {
    let text = "#[cfg(test)]\nmod tests;\nfn f() {}\n";
    let house = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("lib.rs", "pub mod hl7;"),
        ("hl7/mod.rs", text),
        ("hl7/tests.rs", "fn f() { std::fs::read(p); crate::run::go() }"),
        ("hl7/tests_of.rs", "fn f() { std::fs::read(p); }"),
    ] {
        let path = house.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    assert_eq!(
        examine(house.path()),
        [
            "hl7/tests.rs:1: `hl7` may not import `run`",
            "hl7/tests_of.rs:1: `std::fs::read` is an effect outside of its room",
        ]
    );
}
