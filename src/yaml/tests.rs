//! What the room promises, seen through its doors: values, places, and every kind of mistake.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use quickcheck::quickcheck;
use rstest::rstest;
use serde::Deserialize;

use super::{At, Diagnostic, MAX_BYTES, Source, read};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    title: At<String>,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    fields: BTreeMap<String, At<String>>,
    #[serde(default)]
    level: Option<Level>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Low,
    High,
    #[serde(rename_all = "kebab-case")]
    Other(Named),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

fn plain(text: &str) -> Result<Plain, Diagnostic> {
    read(&Source::new("case.yaml", text))
}

fn mistake(text: &str) -> String {
    plain(text).unwrap_err().to_string()
}

#[test]
fn every_value_arrives_with_its_place() {
    let text = "title: A\ncount: 3\nready: true\nfields:\n  FT1-10: \"1\"\nlevel: { other: { name: B } }\n";
    let read = plain(text).unwrap();
    assert_eq!(read.title.value, "A");
    assert_eq!((read.title.referenced.line(), read.title.referenced.column()), (1, 8));
    assert_eq!((read.count, read.ready), (Some(3), true));
    let field = &read.fields["FT1-10"];
    assert_eq!(
        (field.value.as_str(), field.referenced.line(), field.referenced.column()),
        ("1", 5, 11)
    );
    assert_eq!(read.level, Some(Level::Other(Named { name: "B".to_owned() })));
}

#[rstest]
#[case::leading_zeros("007")]
#[case::trailing_zeros("2.50")]
#[case::more_digits_than_a_machine_word("123456789012345678901234567890")]
#[case::looks_like_an_exponent("1e5")]
#[case::looks_like_hexadecimal("0x10")]
fn a_number_that_is_wanted_as_text_keeps_its_spelling(#[case] spelling: &str) {
    assert_eq!(plain(&format!("title: {spelling}\n")).unwrap().title.value, spelling);
}

#[rstest]
#[case::one_word_of_yaml_1_1("no")]
#[case::another_word("on")]
#[case::initial("Y")]
#[case::quoted("\"true\"")]
#[case::date("2017-04-10")]
fn a_text_that_looks_like_something_else_stays_text(#[case] written: &str) {
    let expected = written.trim_matches('"');
    assert_eq!(plain(&format!("title: {written}\n")).unwrap().title.value, expected);
}

#[test]
fn an_alias_gives_the_place_where_it_stands() {
    let read = plain("level: &a low\ntitle: *a\n").unwrap();
    assert_eq!((read.title.value.as_str(), read.title.referenced.line()), ("low", 2));
}

#[test]
fn the_first_byte_that_is_no_utf_8_is_shown() {
    let mistake = Source::from_bytes("case.yaml", b"title: \"\xc3\xa9\"\nname: J\xe9r\n".to_vec());
    assert_snapshot!(mistake.unwrap_err(), @r"
    case.yaml:2:8: the file is not UTF-8: the byte E9 at offset 19
      |
    2 | name: J�r
      |        ^^
    hint: save the file as UTF-8; a byte to put on the wire is written `<E9>` in `raw`
    ");
}

#[test]
fn a_byte_order_mark_is_dropped() {
    let source = Source::from_bytes("case.yaml", b"\xef\xbb\xbftitle: x\n".to_vec()).unwrap();
    assert_eq!(&*source.text, "title: x\n");
}

#[rstest]
#[case::the_largest(MAX_BYTES, true)]
#[case::one_byte_more(MAX_BYTES + 1, false)]
fn a_file_has_one_mebibyte_at_the_most(#[case] length: usize, #[case] fits: bool) {
    let read = Source::from_bytes("case.yaml", vec![b'#'; length]);
    assert_eq!(read.is_ok(), fits);
    if let Err(mistake) = read {
        assert_eq!(
            mistake.to_string(),
            "case.yaml:1:1: the file has 1048577 bytes, which is too many\nhint: a file may have 1048576 bytes at the most"
        );
    }
}

#[test]
fn colour_is_only_added_when_it_is_asked_for() {
    let mistake = plain("titel: x\n").unwrap_err();
    assert!(mistake.coloured().contains('\u{1b}'));
    assert!(!mistake.to_string().contains('\u{1b}'));
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest_valid_one() {
    assert_snapshot!(mistake("titel: x\n"), @r"
    case.yaml:1:1: unknown key `titel`
      |
    1 | titel: x
      | ^^^^^
    hint: did you mean `title`?
    hint: valid keys: title, count, ready, fields, level
    ");
}

#[test]
fn an_unknown_key_inside_a_value_is_shown_where_it_stands() {
    assert_snapshot!(mistake("title: x\nlevel: { other: { name: x, nmae: y } }\n"), @r"
    case.yaml:2:28: unknown key `nmae`
      |
    2 | level: { other: { name: x, nmae: y } }
      |                            ^^^^
    hint: did you mean `name`?
    hint: valid keys: name
    ");
}

#[test]
fn a_list_is_no_text() {
    assert_snapshot!(mistake("title: [a]\n"), @r"
    case.yaml:1:8: expected text, found a list
      |
    1 | title: [a]
      |        ^
    ");
}

#[test]
fn a_truth_value_is_no_text() {
    assert_snapshot!(mistake("title: true\n"), @r"
    case.yaml:1:8: expected text, found `true`
      |
    1 | title: true
      |        ^^^^
    ");
}

#[test]
fn yes_is_no_truth_value() {
    assert_snapshot!(mistake("title: x\nready: yes\n"), @r"
    case.yaml:2:8: expected `true` or `false`, found the text `yes`
      |
    2 | ready: yes
      |        ^^^
    ");
}

#[test]
fn a_word_is_no_number() {
    assert_snapshot!(mistake("title: x\ncount: many\n"), @r"
    case.yaml:2:8: expected a whole number, found the text `many`
      |
    2 | count: many
      |        ^^^^
    ");
}

#[test]
fn a_negative_number_is_not_whole() {
    assert_snapshot!(mistake("title: x\ncount: -1\n"), @r"
    case.yaml:2:8: expected a whole number, found the number `-1`
      |
    2 | count: -1
      |        ^^
    ");
}

#[test]
fn a_fraction_is_not_whole() {
    assert_snapshot!(mistake("title: x\ncount: 1.5\n"), @r"
    case.yaml:2:8: expected a whole number, found the number `1.5`
      |
    2 | count: 1.5
      |        ^^^
    ");
}

#[test]
fn nothing_is_no_text() {
    assert_snapshot!(mistake("title: ~\n"), @r"
    case.yaml:1:8: expected text, found nothing
      |
    1 | title: ~
      |        ^
    ");
}

#[test]
fn an_unknown_word_is_shown_with_the_nearest_valid_one() {
    assert_snapshot!(mistake("title: x\nlevel: hihg\n"), @r"
    case.yaml:2:8: unknown word `hihg`
      |
    2 | level: hihg
      |        ^^^^
    hint: did you mean `high`?
    hint: valid words: low, high, other
    ");
}

#[test]
fn a_key_may_stand_once() {
    assert_snapshot!(mistake("title: x\nready: true\ntitle: y\n"), @r"
    case.yaml:3:1: the key `title` stands here for the second time
      |
    3 | title: y
      | ^^^^^
    hint: it was first written on line 1
    ");
}

#[test]
fn a_missing_key_is_named() {
    assert_snapshot!(mistake("count: 1\n"), @r"
    case.yaml:1:1: missing key `title`
      |
    1 | count: 1
      | ^^^^^
    hint: add `title: …` beside the keys of this map
    ");
}

#[test]
fn an_alias_bomb_is_stopped() {
    assert_snapshot!(mistake("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"), @r"
    case.yaml:5:5: the file is nested or expanded too far
      |
    5 | e: [*d,*d,*d,*d,*d,*d,*d,*d,*d]
      |     ^^
    hint: write the values out instead of referring to them with `*`
    ");
}

#[test]
fn a_tab_in_the_indentation_is_shown() {
    assert_snapshot!(mistake("title: x\nlevel:\n\tother: x\n"), @r"
    case.yaml:3:1: a tab in the indentation
      |
    3 | →other: x
      | ^^^^^^
    hint: YAML is indented with spaces
    ");
}

#[test]
fn a_tab_after_blanks_is_shown_too() {
    assert_snapshot!(mistake("title: x\nlevel:\n  \tother:\n  \t\tname: x\n  ready: true\n"), @r"
    case.yaml:3:3: a tab in the indentation
      |
    3 |   →other:
      |   ^^^^^^
    hint: YAML is indented with spaces
    ");
}

#[test]
fn a_file_without_text_is_empty() {
    assert_snapshot!(mistake(""), @r"
    case.yaml:1:1: the file is empty
    hint: `chargeproof schema --help` names the formats that can be printed
    ");
}

#[test]
fn a_file_of_comments_is_empty() {
    assert_snapshot!(mistake("# only words\n"), @r"
    case.yaml:1:1: the file is empty
      |
    1 | # only words
      | ^
    hint: `chargeproof schema --help` names the formats that can be printed
    ");
}

#[test]
fn a_list_is_no_document() {
    assert_snapshot!(mistake("- title\n"), @r"
    case.yaml:1:1: expected a map, found a list
      |
    1 | - title
      | ^
    ");
}

#[test]
fn a_text_is_no_document() {
    assert_snapshot!(mistake("title\n"), @r"
    case.yaml:1:1: expected a map, found the text `title`
      |
    1 | title
      | ^^^^^
    ");
}

#[test]
fn a_second_document_is_shown() {
    assert_snapshot!(mistake("title: x\n---\ntitle: y\n"), @r"
    case.yaml:3:1: a second document begins here
      |
    3 | title: y
      | ^^^^^
    hint: a file holds one document; remove the `---` and what follows it
    ");
}

#[test]
fn an_open_bracket_is_shown() {
    assert_snapshot!(mistake("title: [a\n"), @r"
    case.yaml:1:8: this is no YAML: unclosed bracket '['
      |
    1 | title: [a
      |        ^
    hint: the bracket that opens here is never closed
    ");
}

#[test]
fn an_open_quote_is_shown() {
    assert_snapshot!(mistake("title: \"a\n"), @r"
    case.yaml:2:1: this is no YAML: invalid indentation in multiline quoted scalar
    hint: a quote may have been left open above
    ");
}

#[test]
fn text_after_a_quote_is_shown() {
    assert_snapshot!(mistake("title: 'é: x' y\n"), @r"
    case.yaml:1:15: this is no YAML: invalid trailing content after single-quoted scalar
      |
    1 | title: 'é: x' y
      |               ^
    ");
}

#[test]
fn merge_keys_are_not_read() {
    assert_snapshot!(mistake("<<: { ready: true }\ntitle: x\n"), @r"
    case.yaml:1:1: merge keys (`<<`) are not read
      |
    1 | <<: { ready: true }
      | ^^
    hint: write the keys out; an exam can say `like:`, a mapping `extends:`
    ");
}

#[test]
fn an_unknown_alias_is_shown() {
    assert_snapshot!(mistake("title: *a\n"), @r"
    case.yaml:1:8: this is no YAML: alias references unknown anchor
      |
    1 | title: *a
      |        ^^
    ");
}

#[test]
fn a_letter_that_begins_nothing_is_shown() {
    assert_snapshot!(mistake("title: @x\n"), @r"
    case.yaml:1:8: this is no YAML: unexpected character: `@'
      |
    1 | title: @x
      |        ^^
    hint: a text that begins with this character is put in quotes
    ");
}

#[test]
fn wrong_indentation_is_shown() {
    assert_snapshot!(mistake("title: x\n  ready: true\n"), @r"
    case.yaml:2:8: this is no YAML: mapping values are not allowed in this context
      |
    2 |   ready: true
      |        ^
    hint: a text that holds `: ` is put in quotes, and keys of one map stand below each other
    ");
}

#[test]
fn deep_nesting_is_stopped() {
    assert_snapshot!(mistake("title: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"), @r"
    case.yaml:1:32: this is no YAML: recursion limit exceeded
      |
    1 | title: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
      |                                ^
    ");
}

#[test]
fn a_long_line_is_cut_around_the_mistake() {
    assert_snapshot!(mistake("{title: x, fields: {F0: x, F1: x, F2: x, F3: x, F4: x, F5: x, F6: x, F7: x, F8: x, F9: x, F10: x, F11: x, F12: x, F13: x, F14: x, F15: x, F16: x, F17: x, F18: x, F19: x, F20: x, F21: x, F22: x, F23: x, F24: x, F25: x, F26: x, F27: x, F28: x, F29: x, F30: x, F31: x, F32: x, F33: x, F34: x, F35: x, F36: x, F37: x, F38: x, F39: x, F40: x, F41: x, F42: x, F43: x, F44: x, F45: x, F46: x, F47: x, F48: x, F49: x, F50: x, F51: x, F52: x, F53: x, F54: x, F55: x, F56: x, F57: x, F58: x, F59: x}, redy: true, count: 1, level: low, more: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\n"), @r"
    case.yaml:1:492: unknown key `redy`
      |
    1 | , F53: x, F54: x, F55: x, F56: x, F57: x, F58: x, F59: x}, redy: true, count: 1, level: low, more: xxxxxxxxxxxxxxxxxxxxx
      |                                                            ^^^^
    hint: did you mean `ready`?
    hint: valid keys: title, count, ready, fields, level
    ");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    assert_snapshot!(mistake("ti\u{1b}[31mtle: x\n"), @r"
    case.yaml:1:1: this is no YAML: unexpected character: `\u{1b}'
      |
    1 | ti�[31mtle: x
      | ^^^
    hint: a text that begins with this character is put in quotes
    ");
}

const SOUND: &str = "title: 'A: b'\ncount: 3\nready: true\nfields:\n  FT1-10: \"1\"\n  FT1-7: &c [x, y]\nlevel: { other: { name: B } }\n";

/// A file with a piece of it replaced by anything: how people break files.
fn broken(cut: usize, length: usize, by: &str) -> String {
    let mut letters: Vec<char> = SOUND.chars().collect();
    let start = cut % letters.len();
    let end = (start + length % 20).min(letters.len());
    letters.splice(start..end, by.chars());
    letters.into_iter().collect()
}

quickcheck! {
    fn whatever_is_written_every_mistake_can_be_shown(cut: usize, length: usize, by: String) -> bool {
        let text = broken(cut, length, &by);
        let source = Source::new("case.yaml", text.as_str());
        match read::<Plain>(&source) {
            Ok(_) => true,
            Err(mistake) => {
                let (line, column) = mistake.place();
                let shown = mistake.to_string();
                line <= text.lines().count() + 1
                    && shown.starts_with(&format!("case.yaml:{line}:{column}: "))
                    && !shown.chars().any(|letter| letter.is_control() && letter != '\n')
            }
        }
    }
}
