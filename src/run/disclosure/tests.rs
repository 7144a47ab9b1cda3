//! What is seen of a patient in an output, and what is let be.

use std::rc::Rc;

use indexmap::IndexMap;
use quickcheck::quickcheck;
use rstest::rstest;

use crate::exam::Exam;
use crate::history::{Datum, Standard};
use crate::run::disclosure::{Disclosure, Listening, Lookout, Overheard};

fn exam(order: &str, patient: &serde_json::Value) -> Exam {
    let facts = serde_json::json!({
        "order": {"number": order, "emr_number": "2017041006", "application": "EPIC"},
        "site": "POC01",
        "patient": patient,
        "ordering_provider": {"id": "OP0001", "family": "DOE", "given": "JACK"},
        "interpreter": {"id": "GR0001", "family": "DOE", "given": "JANE"},
        "images": [{"eye": "left", "captured": "2017-04-10T14:58:03"}],
        "grading": {"signed": "2017-04-10T14:59:01"},
    });
    serde_json::from_value(facts).unwrap()
}

fn john() -> serde_json::Value {
    serde_json::json!({"mrn": "ITCC20170410", "family": "DOE", "given": "JOHN",
        "born": "1958-10-12", "sex": "M", "account": "201026045"})
}

fn lookout(patient: &serde_json::Value) -> Rc<Lookout> {
    let exams = [("john-doe".to_owned(), exam("273013", patient).into())];
    Lookout::of(&IndexMap::from(exams))
}

fn heard_in(lookout: &Rc<Lookout>, pieces: &[&[u8]]) -> Vec<Disclosure> {
    let mut listening = Listening::new(Rc::clone(lookout), Standard::Error);
    let mut overheard = Overheard::default();
    for piece in pieces {
        listening.hear(piece, &mut overheard);
    }
    listening.end(&mut overheard);
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    assert_eq!(overheard.length, length as u64);
    overheard.disclosed()
}

fn data(patient: &serde_json::Value, text: &str) -> Vec<Datum> {
    let told = heard_in(&lookout(patient), &[text.as_bytes()]);
    assert!(told.iter().all(|one| one.exam == "john-doe" && one.output == Standard::Error));
    told.into_iter().flat_map(|one| one.data).collect()
}

#[rstest]
#[case::as_hl7_has_it("PID||ITCC20170410^^^^MRN|", &[Datum::Mrn])]
#[case::at_the_very_end("sent for ITCC20170410", &[Datum::Mrn])]
#[case::with_a_label("mrn_ITCC20170410", &[Datum::Mrn])]
#[case::inside_another_word("XITCC201704101", &[])]
#[case::name_of_hl7("|DOE^JOHN|", &[Datum::Name])]
#[case::name_the_other_way_round("for JOHN DOE.", &[Datum::Name])]
#[case::name_as_json(r#"{"family": "DOE", "given": "JOHN"}"#, &[Datum::Name])]
#[case::half_a_name("DOE", &[])]
#[case::halves_far_apart("DOE is one, and much further on in the log stands JOHN", &[])]
#[case::another_person("DOE^JACK signed, DOE^JANE read", &[])]
#[case::a_file_of_the_inbox("took 0003-john-doe.json", &[])]
#[case::the_same_in_capitals("took 0003-JOHN-DOE.json", &[])]
#[case::name_in_other_letters("for John Doe", &[Datum::Name])]
#[case::name_in_small_letters("for john doe", &[Datum::Name])]
#[case::the_other_way_round_in_small_letters("for doe, john", &[Datum::Name])]
#[case::name_in_a_url("?name=DOE%20JOHN", &[Datum::Name])]
#[case::name_of_hl7_in_a_url("?pid5=DOE%5EJOHN", &[Datum::Name])]
#[case::name_of_hl7_in_json(r"DOE\u005eJOHN", &[Datum::Name])]
#[case::a_hyphen_in_a_url("DOE%2DJOHN", &[])]
#[case::a_letter_in_json(r"DOE \u004aJOHN", &[])]
#[case::after_a_tabulator_in_json(r"\tITCC20170410", &[Datum::Mrn])]
#[case::after_a_line_end_in_json(r"PID\r19581012\n201026045", &[Datum::BirthDate, Datum::Account])]
#[case::halves_on_two_lines("DOE\nJOHN", &[])]
#[case::born("born 1958-10-12T00:00:00", &[Datum::BirthDate])]
#[case::born_as_hl7_has_it("||19581012|M", &[Datum::BirthDate])]
#[case::born_as_a_form_has_it("10/12/1958", &[Datum::BirthDate])]
#[case::born_in_words("born Oct 12, 1958", &[Datum::BirthDate])]
#[case::born_in_capitals("born 12-OCT-1958", &[Datum::BirthDate])]
#[case::born_in_whole_words("born 12 October 1958", &[Datum::BirthDate])]
#[case::born_in_few_digits("born 10/12/58", &[Datum::BirthDate])]
#[case::a_version("version 12.10.58", &[])]
#[case::another_year("Oct 12, 19581", &[])]
#[case::digits_among_others("id 119581012", &[])]
#[case::account("PV1 201026045", &[Datum::Account])]
#[case::what_a_log_needs("order 273013, EPIC 2017041006: AA at 2017-04-10 14:58:03", &[])]
fn what_gives_a_patient_away_is_told_from_what_a_log_needs(
    #[case] text: &str,
    #[case] expected: &[Datum],
) {
    assert_eq!(data(&john(), text), expected);
}

/// A datum that may stand in a log by chance proves nothing.
#[rstest]
#[case::short_numbers("mrn", "2575", "listening on 127.0.0.1:2575")]
#[case::a_fraction_of_a_second("mrn", "123456", "01:23:23.123456 msg")]
#[case::the_day_of_the_log("mrn", "20261122", "20261122 started")]
#[case::the_order_itself("mrn", "273013", "order 273013 was sent")]
#[case::the_account_is_the_order("account", "273013", "order 273013 was sent")]
#[case::the_number_of_the_emr("account", "2017041006", "order 2017041006 was sent")]
#[case::a_letter_for_a_name("given", "J", "DOE J: J")]
#[case::no_name_at_all("given", "", "DOE")]
#[case::the_grader_of_the_exam("given", "JANE", "graded by DOE^JANE")]
#[case::born_on_the_day_of_the_exam("born", "2017-04-10", "captured 2017-04-10")]
fn what_may_stand_there_by_chance_is_not_looked_for(
    #[case] fact: &str,
    #[case] value: &str,
    #[case] text: &str,
) {
    let mut patient = john();
    patient[fact] = value.into();
    assert_eq!(data(&patient, text), []);
}

/// What a log must name is no datum, though one is a part of it.
#[rstest]
#[case::the_file_of_the_exam("ITCC20170410", "273013", "took 0003-ITCC20170410.json")]
#[case::the_exam_by_its_date("dob-1958-10-12", "273013", "took 0003-dob-1958-10-12.json")]
#[case::the_file_by_another_date("dob.1958/10.12", "273013", "took 0003-dob-1958-10-12.json")]
#[case::the_exam_by_its_name("JOHN", "273013", "took JOHN, ordered by DOE^JACK")]
#[case::an_order_of_the_account("john-doe", "201026045-1", "order 201026045-1 was sent")]
#[case::an_order_of_the_mrn("john-doe", "ITCC20170410-1", "order ITCC20170410-1 was sent")]
fn an_order_or_an_exam_may_be_named(#[case] name: &str, #[case] order: &str, #[case] text: &str) {
    let exams = [(name.to_owned(), exam(order, &john()).into())];
    let lookout = Lookout::of(&IndexMap::from(exams));
    assert_eq!(heard_in(&lookout, &[text.as_bytes()]), []);
    let others = heard_in(&lookout, &[b"ITCC20170410 1958-10-12 201026045"]);
    assert_eq!(others.len(), 1, "the rest is looked for still");
}

/// A family name that is no word tells by itself who it is.
#[rstest]
#[case::capitals("FOGG", "refused for FOGG", &[Datum::Name])]
#[case::one_capital("FOGG", "refused for Fogg,", &[Datum::Name])]
#[case::small_letters("FOGG", "refused for fogg", &[Datum::Name])]
#[case::beyond_ascii("SÖRENSEN", "refused for Sörensen", &[Datum::Name])]
#[case::small_letters_beyond_ascii("ÖRSI", "refused for örsi", &[Datum::Name])]
#[case::part_of_a_word("FOGG", "refused by foggy", &[])]
#[case::part_of_the_name_of_an_exam("FOGG", "took 0003-phileas-fogg.json", &[])]
#[case::a_word_like_any_other("YOUNG", "the connection is young", &[])]
#[case::a_word_beside_a_given_name("YOUNG", "for john young", &[Datum::Name])]
#[case::a_word_away_from_it("YOUNG", "john is known, and the connection young", &[])]
#[case::few_letters("FOX", "the quick brown fox", &[])]
#[case::an_order("FOGG", "order 273013 of EPIC was sent", &[])]
fn a_family_name_alone_is_a_name(
    #[case] family: &str,
    #[case] text: &str,
    #[case] expected: &[Datum],
) {
    let mut patient = john();
    patient["family"] = family.into();
    assert_eq!(data(&patient, text), expected);
}

#[test]
fn a_name_in_latin_1_is_a_name() {
    let mut patient = john();
    patient["family"] = "SÖRENSEN".into();
    assert_eq!(heard_in(&lookout(&patient), &[b"for S\xd6RENSEN."]).len(), 1);
}

#[test]
fn the_names_of_two_providers_are_no_patients() {
    let mut facts = exam("273013", &john());
    let text = "graded by ROE^JOHN, ordered by DOE^JACK";
    facts.interpreter.family = "ROE".into();
    facts.interpreter.given = "John".into();
    let exams = [("john-doe".to_owned(), facts.into())];
    assert_eq!(heard_in(&Lookout::of(&IndexMap::from(exams)), &[text.as_bytes()]), []);
    assert_eq!(data(&john(), text), [Datum::Name], "where no provider is called so");
}

#[test]
fn of_an_output_without_end_the_beginning_is_looked_through() {
    let lookout = lookout(&john());
    let mut overheard = Overheard::default();
    let mut listening = Listening::new(Rc::clone(&lookout), Standard::Output);
    let line = [b"flood\n".repeat(683).as_slice(), b"ITCC20170410\n"].concat();
    listening.hear(&line[..line.len() - 13], &mut overheard);
    assert!(overheard.is_whole() && overheard.disclosed().is_empty());
    while overheard.is_whole() {
        listening.hear(&line[..line.len() - 13], &mut overheard);
    }
    listening.hear(&line, &mut overheard);
    listening.end(&mut overheard);
    assert_eq!(overheard.disclosed(), []);
}

/// Twice as many exams take about twice as long: each is compared with what is known once.
#[test]
fn ten_thousand_exams_are_looked_for_at_once() {
    let exams = (0..10_000).map(|number: u32| {
        let mut patient = john();
        patient["mrn"] = format!("ITCC{number:08}").into();
        patient["account"] = format!("2010{number:08}").into();
        (format!("exam-{number}"), exam(&format!("ORDER{number}"), &patient).into())
    });
    let lookout = Lookout::of(&exams.collect());
    let text = "ITCC00009999 DOE^JOHN\n".repeat(1000);
    let told = heard_in(&lookout, &[text.as_bytes()]);
    let told: Vec<_> = told.iter().map(|one| (one.exam.as_str(), &*one.data)).collect();
    assert_eq!(told, [("exam-0", &[Datum::Name][..]), ("exam-9999", &[Datum::Mrn][..])]);
}

#[test]
fn letters_beyond_ascii_are_a_name_like_any_other() {
    let mut patient = john();
    patient["family"] = "MÜLLER-GARÇON".into();
    patient["given"] = "ÅSA".into();
    assert_eq!(data(&patient, "für ÅSA MÜLLER-GARÇON"), [Datum::Name]);
    assert_eq!(data(&patient, "für müller-garçon"), [Datum::Name]);
    assert_eq!(data(&patient, "für ÅSA ÅMÜLLER-GARÇON"), []);
}

#[test]
fn a_patient_of_two_exams_is_the_first_ones() {
    let exams = ["john-doe", "twin"].map(|name| (name.to_owned(), exam(name, &john()).into()));
    let lookout = Lookout::of(&IndexMap::from(exams));
    let told = heard_in(&lookout, &[b"ITCC20170410 DOE^JOHN 1958-10-12"]);
    let john = told.iter().map(|one| one.exam.as_str()).collect::<Vec<_>>();
    assert_eq!(john, ["john-doe"]);
}

quickcheck! {
    fn how_the_output_is_cut_changes_nothing(cuts: Vec<usize>, before: Vec<u8>) -> bool {
        let mut text = before;
        text.extend_from_slice(b" DOE^JOHN|ITCC20170410|19581012 201026045");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % text.len()).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&text[from..cut]);
            from = cut;
        }
        pieces.push(&text[from..]);
        let lookout = lookout(&john());
        let whole = heard_in(&lookout, &[&text]);
        whole.len() == 1 && whole[0].data.len() == 4 && heard_in(&lookout, &pieces) == whole
    }
}
