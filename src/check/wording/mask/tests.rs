//! What is shown of a value, by where it stands and what it looks like.

use std::cell::OnceCell;

use rstest::rstest;

use crate::check::wording::mask::{Known, Origin, Page, Sides};
use crate::hl7::{Difference, Message};

const CHARGE: &str = "MSH|^~\\&|IRIS|IRIS|EMR|CLINIC|20260105080000||DFT^P03|C1|P|2.4\r\
    PID|1|77001|77001^^^^MRN||ROE^RICHARD||19700101|M|||12 Main^^Ames||555-123-4567||||A77|123-45-6789\r\
    PV1|1|O|POC01||||GR1^GRADER^GAIL\r\
    FT1|1|T9|700001|20260104|20260105080000|CG|92250^Fundus of Roe^CPT|||1|41.50\r\
    ZPI|1|ROE\rNTE|1||Mr Roe called\r";

fn page<'m>(known: &'m Known, message: &'m Message<'m>, origin: Origin) -> Page<'m> {
    Page { known, order: "FT1-3".parse().ok(), origin, message, private: OnceCell::new() }
}

fn shown(text: &str, path: &str, value: &str) -> (String, String) {
    let (known, message) = (Known::these(&["DOE", "JOHN"]), Message::read(text.as_bytes()));
    let page = page(&known, &message, Origin::Anywhere);
    let sides = Sides { expected: None, found: &page };
    let found = value.as_bytes().to_vec();
    let difference = Difference { path: path.to_owned(), expected: b"ROE".to_vec(), found };
    let shown = sides.show(&difference);
    assert_eq!(shown.expected, "ROE", "what was agreed was not on the wire");
    (shown.path, shown.found)
}

#[rstest]
#[case::known_name("PID-5", "DOE^JOHN", "DOE^JOHN")]
#[case::unknown_name("PID-5", "ROE^JANE", "•••(3)^•••(4)")]
#[case::ssn("PID-19", "123-45-6789", "•••(11)")]
#[case::visit("PV1-19", "987654", "•••(6)")]
#[case::ward("PV1-3", "POC01", "•••(5)")]
#[case::mrn_of_a_charge("FT1-9", "987654", "•••(6)")]
#[case::order("FT1-3", "700001", "700001")]
#[case::mrn_in_place_of_an_order("FT1-3", "77001", "•••(5)")]
#[case::name_in_place_of_an_order("FT1-3", "ROE", "•••(3)")]
#[case::diagnosis("FT1-19", "E11.9^Diabetes^I10", "E11.9^•••(8)^I10")]
#[case::modifiers("FT1-26", "TC~52", "TC~52")]
#[case::amount("FT1-11", "41.50", "41.50")]
#[case::time("MSH-7", "20260105080000.12-0600", "20260105080000.12-0600")]
#[case::application("MSH-3", "CLINIC", "•••(6)")]
#[case::control_id("MSH-10", "C1", "C1")]
#[case::placeholder("MSH-10", "[control id 2]", "[control id 2]")]
#[case::what_looks_like_one("MSH-10", "[control id of ROE]", "•••(19)")]
#[case::note("NTE-3", "Mr Roe called", "•••(13)")]
#[case::letters_for_a_form("FT1-10", "one", "•••(3)")]
fn a_value_is_shown_if_it_looks_like_what_belongs_there(
    #[case] path: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    assert_eq!(shown(CHARGE, path, value), (path.to_owned(), expected.to_owned()));
}

#[rstest]
#[case::of_a_patient("PID", "PID|1|ROE^ANNA", "PID|1|•••(3)^•••(4)")]
#[case::of_nobody_knows_whom("ZPI", "ZPI|1|ROE", "•••(9)")]
#[case::charge("FT1", "FT1|1||700002|20260104||CG|ROE", "FT1|1||700002|20260104||CG|•••(3)")]
fn a_whole_segment_is_shown_by_its_fields(
    #[case] path: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    assert_eq!(shown(CHARGE, path, value), (path.to_owned(), expected.to_owned()));
}

/// Where a segment is not what its name says, nothing in it is shown for its place.
#[rstest]
#[case::shifted("FT1|1|700001|20260104|20260105080000|CG|92250|||1", "FT1-2", "700001")]
#[case::a_patient_by_its_name("FT1||MRN1^^^^MRN|MRN1||ROE^RICHARD||19700101|M", "FT1-3", "MRN1")]
#[case::its_birth_date("FT1||MRN1^^^^MRN|MRN1||ROE^RICHARD||19700101|M", "FT1-7", "19700101")]
#[case::a_patient_behind_it("FT1|1||700001|||CG|92250PID||7|88", "FT1-10", "88")]
fn a_segment_in_disorder_shows_nothing(
    #[case] text: &str,
    #[case] path: &str,
    #[case] value: &str,
) {
    assert_eq!(shown(text, path, value).1, format!("•••({})", value.len()));
}

#[rstest]
#[case::other_delimiters("PID##ROE77****MRN#ROE77##ROE*ANNA", "•••(33)")]
#[case::a_word("ROE", "•••(3)")]
#[case::a_blank_before(" PID", "•••(4)")]
#[case::small_letters("pid", "•••(3)")]
fn a_path_names_segments_of_hl7_alone(#[case] id: &str, #[case] expected: &str) {
    assert_eq!(
        shown(&format!("{CHARGE}{id}\r"), id, id),
        (expected.to_owned(), expected.to_owned())
    );
}

/// A letter that separates components is a letter all the same.
#[test]
fn letters_for_delimiters_show_no_name() {
    let text = "MSH|DOEX|\rPID|||||DOOD\r";
    assert_eq!(shown(text, "PID-5", "DOOD").1, "•••(4)");
    assert_eq!(shown(text, "MSH-2", "DOEX").1, "•••(4)");
}

#[rstest]
#[case::number("C1", Origin::Anywhere, "C1")]
#[case::letters("ABCDEF", Origin::Anywhere, "•••(6)")]
#[case::letters_of_a_sender_of_ours("ABCDEF", Origin::Driven, "ABCDEF")]
#[case::mrn("77001", Origin::Driven, "•••(5)")]
#[case::sentence("Mr Roe 7", Origin::Driven, "•••(8)")]
fn a_control_id_is_shown_if_it_looks_like_one(
    #[case] id: &str,
    #[case] origin: Origin,
    #[case] expected: &str,
) {
    let text = CHARGE.replacen("|C1|", &format!("|{id}|"), 1);
    let (known, message) = (Known::default(), Message::read(text.as_bytes()));
    assert_eq!(page(&known, &message, origin).control_id().to_string(), expected);
}

#[rstest]
#[case::order("700001", "700001")]
#[case::credit("700001 CD", "700001 CD")]
#[case::of_an_application("700001^EPIC", "700001^•••(4)")]
#[case::name("ROE", "•••(3)")]
fn an_order_is_shown_if_it_looks_like_one(#[case] order: &str, #[case] expected: &str) {
    let (known, message) = (Known::default(), Message::read(CHARGE.as_bytes()));
    let shown = page(&known, &message, Origin::Anywhere).order(order.as_bytes(), 1);
    assert_eq!(shown.to_string(), expected);
}
