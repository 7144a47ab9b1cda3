//! What an author is told.

use rstest::rstest;

use crate::yaml::Source;

use crate::mapping::{read, resolve, shipped};

fn told(text: &str) -> String {
    let find = |name: &str| match name {
        "one" => Some(Source::new("one.yaml", "mapping: one\nextends: two\n")),
        "two" => Some(Source::new("two.yaml", "mapping: two\nextends: one\n")),
        other => shipped(other),
    };
    read(&Source::new("m.yaml", text), &find).unwrap_err().to_string()
}

const CHILD: &str = "mapping: m\nextends: iris/option-2\n";

#[rstest]
#[case::unknown_fact(
    "fields:\n  PID-3: '^{patient.mnr}'\n",
    "m.yaml:4:13",
    "there is no fact `patient.mnr`",
    "did you mean `patient.mrn`?"
)]
#[case::bad_field(
    "fields:\n  PID-x: '{site}'\n",
    "m.yaml:4:3",
    "`PID-x` is not a field",
    "write a segment and a number"
)]
#[case::reserved_field(
    "fields:\n  MSH-12: '2.5'\n",
    "m.yaml:4:3",
    "`MSH-12` is not written here",
    "say `version:` instead"
)]
#[case::social_security_number(
    "fields:\n  PID-19: '123456789'\n",
    "m.yaml:4:3",
    "`PID-19` is not written here",
    "never sent"
)]
#[case::unknown_line(
    "option: professional + tecnical\n",
    "m.yaml:3:24",
    "there is no charge line `tecnical`",
    "did you mean `technical`?"
)]
#[case::line_twice(
    "option: professional + professional\n",
    "m.yaml:3:9",
    "charge line `professional` is named twice",
    ""
)]
#[case::segment_not_listed(
    "fields:\n  PDI-3: '{site}'\n",
    "m.yaml:4:3",
    "`PDI` is not among the `segments` of this mapping",
    "did you mean `PID`?"
)]
#[case::fact_in_the_wrong_place(
    "fields:\n  PID-3: '{charge.code}'\n",
    "m.yaml:4:12",
    "`charge.code` says nothing in PID-3",
    "written for each charge"
)]
#[case::code_of_itself(
    "charges:\n  technical: { code: '{charge.code}' }\n",
    "m.yaml:4:24",
    "`charge.code` says nothing in the code of a charge line",
    ""
)]
#[case::line_without_code(
    "option: other\ncharges:\n  other: { date: signed }\n",
    "m.yaml:3:9",
    "charge line `other` does not say its `code`",
    ""
)]
#[case::line_in_another_segment(
    "charges:\n  technical: { fields: { PV1-3: X } }\n",
    "m.yaml:4:26",
    "charge line `technical` cannot write `PV1-3`",
    "those of `FT1`"
)]
#[case::condition(
    "charges:\n  technical: { when: over-18 and normall }\n",
    "m.yaml:4:34",
    "`normall` is neither a condition nor a fact",
    "did you mean `normal`?"
)]
#[case::condition_on_the_clock(
    "charges:\n  technical: { when: now is 2 }\n",
    "m.yaml:4:22",
    "the condition of a charge line cannot depend on `now`",
    ""
)]
#[case::character_set(
    "charset: LATIN1\n",
    "m.yaml:3:10",
    "there is no character set `LATIN1`",
    "8859/1"
)]
#[case::identity(
    "identity: { order: FT1_3 }\n",
    "m.yaml:3:20",
    "`FT1_3` is not a place in a message",
    "FT1-3"
)]
#[case::segments(
    "segments: [MSH, FT1 for each visit]\n",
    "m.yaml:3:30",
    "nothing can be repeated for each `visit`",
    "`charge`"
)]
#[case::group_within_itself(
    "segments: [MSH, '{FT1 PR1 for each charge} for each charge']\n",
    "m.yaml:3:17",
    "`PR1` is repeated for each charge of each charge",
    ""
)]
#[case::open_group(
    "segments: [MSH, '{FT1 PR1 for each charge']\n",
    "m.yaml:3:17",
    "a group of segments without its `}`",
    "as in `{FT1 PR1} for each charge`"
)]
#[case::stamps("stamps_within: 2\n", "m.yaml:3:16", "", "")]
#[case::stamps_of_milliseconds(
    "stamps_within: 500ms\n",
    "m.yaml:3:16",
    "`500ms` is not how far apart stamps may be",
    "as in `2s`"
)]
#[case::header_last("segments: [PID, MSH]\n", "m.yaml:3:12", "the first segment must be `MSH`", "")]
fn a_mistake_has_its_place_and_advice(
    #[case] lines: &str,
    #[case] place: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let told = told(&format!("{CHILD}{lines}"));
    for part in [place, message, hint] {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
}

#[rstest]
#[case::unknown_parent("mapping: m\nextends: iris/optoin-1\n", "m.yaml:2:10", "`iris/option-1`")]
#[case::circle("mapping: m\nextends: one\n", "two.yaml:2:10", "`m` -> `one` -> `two` -> `one`")]
#[case::itself("mapping: m\nextends: m\n", "m.yaml:2:10", "a mapping extends itself: `m` -> `m`")]
#[case::no_message("mapping: m\n", "m.yaml:1:1", "says `message`")]
#[case::number("mapping: m\nfields:\n  FT1-10: 1\n", "m.yaml:3:11", "a template in quotes")]
#[case::unknown_key("mapping: m\nfeilds: {}\n", "m.yaml:2:1", "feilds")]
fn a_family_that_cannot_be_read_says_where(
    #[case] text: &str,
    #[case] place: &str,
    #[case] message: &str,
) {
    let told = told(text);
    for part in [place, message] {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
}

#[test]
fn an_unknown_name_suggests_a_shipped_one() {
    let told = resolve("iris/option-3", &shipped).unwrap_err().to_string();
    assert!(told.contains("there is no mapping `iris/option-3`"), "{told}");
    assert!(told.contains("did you mean `iris/option-1`?"), "{told}");
}
