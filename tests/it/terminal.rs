//! What each command shows on a terminal of 60, 80, 120 and 200 columns, through a pseudo-terminal.
//!
//! Held of each: nothing is ever shown beyond the last column (escape sequences taken out, wide letters
//! counted, what was erased included); nothing of the progress line is left; of what is the same in each
//! run, no word is cut in two, which is seen by every word of a narrow screen standing on the widest too.
//! A word that alone is wider than the terminal, such as a command to paste, is not looked for.
//! Of tables, those of `doctor` are held to have their text in one column.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::{PROGRAM, Place};
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use unicode_width::UnicodeWidthChar;

/// The widths that are tried, and the one at which nearly nothing is wrapped.
const WIDTHS: [u16; 3] = [60, 80, 120];
const WIDEST: u16 = 200;

/// A command on a terminal: its end of the terminal, and the process.
struct Shown {
    master: File,
    child: Child,
}

impl Shown {
    fn start(place: &Place, columns: u16, arguments: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let open = || {
            let file = File::options().read(true).write(true).open(name.to_str().unwrap());
            Stdio::from(OwnedFd::from(file.unwrap()))
        };
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(place.path("")).env("TERM", "xterm-256color");
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "COLUMNS", "CI"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(open()).stderr(open());
        let child = command.spawn().unwrap();
        Self { master: File::from(master), child }
    }

    /// What has come once `enough` says so, or to its end.
    fn until(&mut self, enough: impl Fn(&str) -> bool) -> String {
        let mut bytes = Vec::new();
        let mut piece = [0; 65_536];
        // Once nobody has the terminal open any more, reading from it is an error.
        while let Ok(count @ 1..) = self.master.read(&mut piece) {
            bytes.extend_from_slice(&piece[..count]);
            if enough(&String::from_utf8_lossy(&bytes)) {
                break;
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    fn interrupt(&self) {
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::INT).unwrap();
    }

    fn exit(mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status.code(),
                None if began.elapsed() > Duration::from_secs(30) => {
                    self.child.kill().unwrap();
                    panic!("it does not end");
                }
                None => std::thread::yield_now(),
            }
        }
    }
}

/// All that a command shows, and its exit code.
fn shown(place: &Place, columns: u16, arguments: &[&str]) -> (String, Option<i32>) {
    let mut shown = Shown::start(place, columns, arguments);
    let text = shown.until(|_| false);
    (text, shown.exit())
}

/// The screen: what is left on each line, and the widest that a line ever was.
#[derive(Default)]
struct Screen {
    lines: Vec<String>,
    widest: usize,
}

impl Screen {
    fn of(text: &str) -> Self {
        let mut screen = Self::default();
        let mut line: Vec<char> = Vec::new();
        let (mut at, mut rest) = (0, text.chars());
        while let Some(character) = rest.next() {
            match character {
                '\n' => {
                    screen.lines.push(line.drain(..).collect());
                    at = 0;
                }
                '\r' => at = 0,
                '\u{1b}' => {
                    assert_eq!(rest.next(), Some('['), "only control sequences are written");
                    let sequence: String = rest.by_ref().take_while_including();
                    match sequence.as_str() {
                        "2K" => line.clear(),
                        _ => assert!(sequence.ends_with('m'), "{sequence:?}"),
                    }
                }
                _ => {
                    line.truncate(at);
                    line.push(character);
                    at = line.len();
                    let width = line.iter().filter_map(|one| one.width()).sum();
                    screen.widest = screen.widest.max(width);
                }
            }
        }
        screen.lines.push(line.into_iter().collect());
        screen
    }
}

/// Takes the parameters of a control sequence and the letter that ends it.
trait TakeSequence {
    fn take_while_including(self) -> String;
}

impl<I: Iterator<Item = char>> TakeSequence for I {
    fn take_while_including(self) -> String {
        let mut taken = String::new();
        for character in self {
            taken.push(character);
            if character.is_ascii_alphabetic() {
                break;
            }
        }
        taken
    }
}

#[track_caller]
fn fits(text: &str, columns: u16) -> Screen {
    let screen = Screen::of(text);
    let widest = screen.widest;
    assert!(
        widest <= columns.into(),
        "{widest} of {columns} columns:\n{}",
        screen.lines.join("\n")
    );
    screen
}

fn words(text: &str) -> BTreeSet<String> {
    let lines = Screen::of(text).lines;
    lines.iter().flat_map(|line| line.split_whitespace()).map(str::to_owned).collect()
}

/// A place with a sender that gives a charge to nobody, and the reference sender's own file.
fn place() -> Place {
    let place = Place::new();
    let start = format!(
        "name: S\nstart: ['{PROGRAM}', sender, '--endpoint={{endpoint}}', '--state={{state}}', '--inbox={{inbox}}']\n\
         limits: {{ ack_timeout: 300ms, longest_retry: 200ms, stop: 5s }}\n"
    );
    place.write("sender.yaml", start);
    place
}

#[test]
fn a_screen_knows_what_was_erased_and_what_is_wide() {
    let screen = Screen::of("0/2 · running\r\u{1b}[2K\u{1b}[31mFAIL\u{1b}[0m it\n検査\n");
    assert_eq!(screen.lines, ["FAIL it", "検査", ""]);
    assert_eq!(screen.widest, 13);
}

#[rstest]
#[case::list(&["list"])]
#[case::explain(&["explain"])]
#[case::explain_one(&["explain", "once/per-order"])]
#[case::faults(&["faults"])]
#[case::fault(&["faults", "payload/err-without-msa"])]
#[case::help(&["--help"])]
#[case::help_of_run(&["run", "--help"])]
#[case::help_of_list(&["list", "--help"])]
#[case::help_of_explain(&["explain", "--help"])]
#[case::help_of_faults(&["faults", "--help"])]
#[case::help_of_doctor(&["doctor", "--help"])]
#[case::help_of_selftest(&["selftest", "--help"])]
#[case::help_of_explore(&["explore", "--help"])]
#[case::help_of_serve(&["serve", "--help"])]
#[case::help_of_check(&["check", "--help"])]
#[case::help_of_init(&["init", "--help"])]
fn what_is_always_the_same_is_wrapped_between_words(#[case] arguments: &[&str]) {
    let place = place();
    let (widest, code) = shown(&place, WIDEST, arguments);
    assert_eq!(code, Some(0), "{widest}");
    fits(&widest, WIDEST);
    let all = words(&widest);
    for columns in WIDTHS {
        let (text, _) = shown(&place, columns, arguments);
        fits(&text, columns);
        let cut: Vec<String> = words(&text).difference(&all).cloned().collect();
        let is_long = |word: &str| word.chars().count() >= usize::from(columns) / 2;
        let long: Vec<&String> = all.iter().filter(|word| is_long(word)).collect();
        let is_part = |word: &String| long.iter().any(|long| long.contains(word.as_str()));
        let cut: Vec<&String> = cut.iter().filter(|word| !is_part(word)).collect();
        assert!(cut.is_empty(), "{columns} columns cut {cut:?}:\n{text}");
    }
}

#[rstest]
#[case::green(&["run", "once/silence"], 0)]
#[case::red(&["run", "once/silence", "--bug", "resend-on-timeout"], 10)]
#[case::selftest(&["selftest", "correct", "resend-on-timeout", "--simulated"], 0)]
#[case::explore(&["explore", "--schedules", "20"], 0)]
fn what_runs_is_never_wider_than_the_terminal_and_leaves_no_progress_line(
    #[case] arguments: &[&str],
    #[case] code: i32,
) {
    for columns in WIDTHS.into_iter().chain([WIDEST]) {
        let (text, exit) = shown(&place(), columns, arguments);
        let screen = fits(&text, columns);
        let left = screen.lines.iter().find(|line| line.contains(" running · "));
        assert_eq!((left, exit), (None, Some(code)), "{columns}:\n{}", screen.lines.join("\n"));
    }
}

#[test]
fn an_open_run_fits_too() {
    for columns in [60, 120] {
        // Nothing of the script is ever met.
        let script = "emr: [{ on: { message: 99 }, reply: reject }]\n";
        let place = Place::with_scenario(&format!("title: A charge\nexams: [john-doe]\n{script}"));
        let (text, code) = shown(&place, columns, &["run", "the-case"]);
        assert_eq!(code, Some(5), "{text}");
        fits(&text, columns);
        assert!(text.contains("\u{1b}[1m\u{1b}[33mINCONCLUSIVE\u{1b}[0m"), "{text:?}");
    }
}

#[test]
fn the_rows_of_doctor_have_their_text_in_one_column() {
    let place = place();
    for columns in WIDTHS {
        let (text, code) = shown(&place, columns, &["doctor", "sender.yaml"]);
        assert_eq!(code, Some(0), "{text}");
        let screen = fits(&text, columns);
        let is_row = |line: &&String| ["  ok  ", "  took"].iter().any(|one| line.starts_with(one));
        let rows: Vec<&String> = screen.lines.iter().filter(is_row).collect();
        assert!(rows.len() >= 11, "{text}");
        for row in rows {
            let column = |at: usize| row.chars().nth(at);
            assert!(column(8) == Some(' ') && column(9) != Some(' '), "{row}");
            assert!(column(27) == Some(' ') && column(28) != Some(' '), "{row}");
        }
    }
}

#[test]
fn what_serve_says_is_no_wider_than_the_terminal() {
    for columns in WIDTHS {
        let mut served = Shown::start(&place(), columns, &["serve", "--listen", "127.0.0.1:0"]);
        let began = served.until(|text| text.contains("Ctrl-C"));
        served.interrupt();
        let rest = served.until(|_| false);
        fits(&format!("{began}{rest}"), columns);
        assert!(served.exit().is_some());
    }
}

#[rstest]
#[case::green(&["run", "once/silence"], "\u{1b}[32m")]
#[case::red(&["run", "once/silence", "--bug", "resend-on-timeout"], "\u{1b}[1m\u{1b}[31mFAIL")]
fn each_verdict_has_its_colour_and_never_means_none(#[case] run: &[&str], #[case] colour: &str) {
    let (text, _) = shown(&place(), 80, run);
    assert!(text.contains(colour), "{text:?}");
    // Where the progress line is drawn, it is erased; without a terminal there is none.
    let ran = place().run(&[run, &["--color", "never"]].concat());
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
    let ran = place().run(&[run, &["--color", "always"]].concat());
    assert!(ran.out.contains(colour), "{ran:?}");
}
