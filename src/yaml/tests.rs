//! What the room promises, seen through its doors: values, places, and every kind of mistake.

use std::collections::BTreeMap;

use insta::assert_snapshot;
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
    assert_eq!((field.value.as_str(), field.referenced.line(), field.referenced.column()), ("1", 5, 11));
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
        assert_eq!(mistake.to_string(), "case.yaml:1:1: the file has 1048577 bytes, which is too many\nhint: a file may have 1048576 bytes at the most");
    }
}

#[test]
fn colour_is_only_added_when_it_is_asked_for() {
    let mistake = plain("titel: x\n").unwrap_err();
    assert!(mistake.coloured().contains('\u{1b}'));
    assert!(!mistake.to_string().contains('\u{1b}'));
}

#[test]
fn generated() {
    eprintln!("@@@an_unknown_key_is_shown_with_the_nearest_valid_one\n{}", mistake("titel: x\n"));
    eprintln!("@@@an_unknown_key_inside_a_value_is_shown_where_it_stands\n{}", mistake("title: x\nlevel: { other: { name: x, nmae: y } }\n"));
    eprintln!("@@@a_list_is_no_text\n{}", mistake("title: [a]\n"));
    eprintln!("@@@a_truth_value_is_no_text\n{}", mistake("title: true\n"));
    eprintln!("@@@yes_is_no_truth_value\n{}", mistake("title: x\nready: yes\n"));
    eprintln!("@@@a_word_is_no_number\n{}", mistake("title: x\ncount: many\n"));
    eprintln!("@@@a_negative_number_is_not_whole\n{}", mistake("title: x\ncount: -1\n"));
    eprintln!("@@@a_fraction_is_not_whole\n{}", mistake("title: x\ncount: 1.5\n"));
    eprintln!("@@@nothing_is_no_text\n{}", mistake("title: ~\n"));
    eprintln!("@@@an_unknown_word_is_shown_with_the_nearest_valid_one\n{}", mistake("title: x\nlevel: hihg\n"));
    eprintln!("@@@a_key_may_stand_once\n{}", mistake("title: x\nready: true\ntitle: y\n"));
    eprintln!("@@@a_missing_key_is_named\n{}", mistake("count: 1\n"));
    eprintln!("@@@an_alias_bomb_is_stopped\n{}", mistake("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"));
    eprintln!("@@@a_tab_in_the_indentation_is_shown\n{}", mistake("title: x\nlevel:\n\tother: x\n"));
    eprintln!("@@@a_tab_after_blanks_is_shown_too\n{}", mistake("title: x\nlevel:\n  \tother:\n  \t\tname: x\n  ready: true\n"));
    eprintln!("@@@a_file_without_text_is_empty\n{}", mistake(""));
    eprintln!("@@@a_file_of_comments_is_empty\n{}", mistake("# only words\n"));
    eprintln!("@@@a_list_is_no_document\n{}", mistake("- title\n"));
    eprintln!("@@@a_text_is_no_document\n{}", mistake("title\n"));
    eprintln!("@@@a_second_document_is_shown\n{}", mistake("title: x\n---\ntitle: y\n"));
    eprintln!("@@@an_open_bracket_is_shown\n{}", mistake("title: [a\n"));
    eprintln!("@@@an_open_quote_is_shown\n{}", mistake("title: \"a\n"));
    eprintln!("@@@text_after_a_quote_is_shown\n{}", mistake("title: 'é: x' y\n"));
    eprintln!("@@@merge_keys_are_not_read\n{}", mistake("<<: { ready: true }\ntitle: x\n"));
    eprintln!("@@@an_unknown_alias_is_shown\n{}", mistake("title: *a\n"));
    eprintln!("@@@a_letter_that_begins_nothing_is_shown\n{}", mistake("title: @x\n"));
    eprintln!("@@@wrong_indentation_is_shown\n{}", mistake("title: x\n  ready: true\n"));
    eprintln!("@@@deep_nesting_is_stopped\n{}", mistake("title: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"));
    eprintln!("@@@a_long_line_is_cut_around_the_mistake\n{}", mistake("{title: x, fields: {F0: x, F1: x, F2: x, F3: x, F4: x, F5: x, F6: x, F7: x, F8: x, F9: x, F10: x, F11: x, F12: x, F13: x, F14: x, F15: x, F16: x, F17: x, F18: x, F19: x, F20: x, F21: x, F22: x, F23: x, F24: x, F25: x, F26: x, F27: x, F28: x, F29: x, F30: x, F31: x, F32: x, F33: x, F34: x, F35: x, F36: x, F37: x, F38: x, F39: x, F40: x, F41: x, F42: x, F43: x, F44: x, F45: x, F46: x, F47: x, F48: x, F49: x, F50: x, F51: x, F52: x, F53: x, F54: x, F55: x, F56: x, F57: x, F58: x, F59: x}, redy: true, count: 1, level: low, more: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\n"));
    eprintln!("@@@control_characters_do_not_reach_the_terminal\n{}", mistake("ti\u{1b}[31mtle: x\n"));
    eprintln!("@@@end");
}
