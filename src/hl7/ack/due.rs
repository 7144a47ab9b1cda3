//! Which acknowledgements a message asks for (MSH-15 and MSH-16, table 0155).

use crate::hl7::Message;

/// When an acknowledgement is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckCondition {
    /// `AL`.
    Always,
    /// `NE`.
    Never,
    /// `ER`: on error or reject only.
    OnError,
    /// `SU`: on success only.
    OnSuccess,
}

impl AckCondition {
    /// Whether an acknowledgement that accepts is due.
    #[must_use]
    pub const fn on_success(self) -> bool {
        matches!(self, Self::Always | Self::OnSuccess)
    }

    /// Whether an acknowledgement that does not accept is due.
    #[must_use]
    pub const fn on_error(self) -> bool {
        matches!(self, Self::Always | Self::OnError)
    }
}

/// Which acknowledgements are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The immediate one: CA, CE or CR.
    pub accept: AckCondition,
    /// The one of the application: AA, AE or AR.
    pub application: AckCondition,
}

/// Which acknowledgements `message` asks for. With MSH-15 and MSH-16 both empty (original mode)
/// that is one of the application; an acknowledgement is never acknowledged.
#[must_use]
pub fn due(message: &Message<'_>) -> Due {
    let (accept, application) = (message.header(15, None), message.header(16, None));
    if is_acknowledgement(message) {
        return Due { accept: AckCondition::Never, application: AckCondition::Never };
    }
    if accept.is_empty() && application.is_empty() {
        return Due { accept: AckCondition::Never, application: AckCondition::Always };
    }
    Due { accept: condition(accept), application: condition(application) }
}

/// Whether `message` acknowledges another one: by its MSH-9, or, whatever that says, by an MSA where
/// nothing is told of a patient.
#[must_use]
pub fn is_acknowledgement(message: &Message<'_>) -> bool {
    let has = |id: &str| message.segment(id, 1).is_some();
    message.code() == b"ACK" || has("MSA") && !["PID", "OBR", "FT1"].into_iter().any(has)
}

/// One of the two filled is enhanced mode, in which the empty one asks for nothing. Whoever writes
/// a word that the table does not have gets an answer rather than silence.
fn condition(word: &[u8]) -> AckCondition {
    match word {
        b"" | b"NE" => AckCondition::Never,
        b"ER" => AckCondition::OnError,
        b"SU" => AckCondition::OnSuccess,
        _ => AckCondition::Always,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::AckCondition::{Always, Never, OnError, OnSuccess};
    use super::{AckCondition, Due, due, is_acknowledgement};
    use crate::hl7::Message;

    #[rstest]
    #[case::original("", "", Never, Always)]
    #[case::nothing("NE", "NE", Never, Never)]
    #[case::accept_only("AL", "NE", Always, Never)]
    #[case::accept_on_success("SU", "NE", OnSuccess, Never)]
    #[case::accept_on_error("ER", "NE", OnError, Never)]
    #[case::application_only("NE", "AL", Never, Always)]
    #[case::application_on_success("NE", "SU", Never, OnSuccess)]
    #[case::application_on_error("NE", "ER", Never, OnError)]
    #[case::both("AL", "AL", Always, Always)]
    #[case::both_by_outcome("ER", "SU", OnError, OnSuccess)]
    #[case::accept_filled("AL", "", Always, Never)]
    #[case::application_filled("", "AL", Never, Always)]
    fn msh_15_and_16_say_what_is_due(
        #[case] accept: &str,
        #[case] application: &str,
        #[case] expected_accept: AckCondition,
        #[case] expected_application: AckCondition,
    ) {
        let bytes =
            format!("MSH|^~\\&|IRIS|IRIS|E|F|2020||DFT^P03|1|P|2.4|||{accept}|{application}\r");
        let expected = Due { accept: expected_accept, application: expected_application };
        assert_eq!(due(&Message::read(bytes.as_bytes())), expected);
    }

    #[test]
    fn an_acknowledgement_is_never_acknowledged() {
        let message =
            Message::read(b"MSH|^~\\&|E|F|I|I|2020||ACK^P03^ACK|1|P|2.4|||AL|AL\rMSA|AA|1\r");
        assert_eq!(due(&message), Due { accept: Never, application: Never });
    }

    #[rstest]
    #[case::by_its_type("MSH|^~\\&|E|F|I|I|2020||ACK|1|P|2.4\r", true)]
    #[case::without_a_type("MSH|^~\\&|E|F|I|I|2020|||1|P|2.4\rMSA|CA|\r", true)]
    #[case::by_another_type("MSH|^~\\&|E|F|I|I|2020||DFT^P03|1|P|2.4\rMSA|CA|\r", true)]
    #[case::in_small_letters("MSH|^~\\&|E|F|I|I|2020||ack|1|P|2.4\rMSA|CA|9\r", true)]
    #[case::without_a_header("MSA|AA|9\r", true)]
    #[case::a_charge("MSH|^~\\&|I|I|E|F|2020||DFT^P03|1|P|2.4\rPID|1\rFT1|1\r", false)]
    #[case::what_names_a_patient("MSH|^~\\&|I|I|E|F|2020||ORR|1|P|2.4\rMSA|AA|9\rPID|1\r", false)]
    fn an_acknowledgement_is_known_by_more_than_its_type(#[case] text: &str, #[case] is: bool) {
        assert_eq!(is_acknowledgement(&Message::read(text.as_bytes())), is);
    }

    #[rstest]
    #[case(Always, true, true)]
    #[case(Never, false, false)]
    #[case(OnError, false, true)]
    #[case(OnSuccess, true, false)]
    fn a_condition_says_for_which_outcome(
        #[case] condition: AckCondition,
        #[case] on_success: bool,
        #[case] on_error: bool,
    ) {
        assert_eq!((condition.on_success(), condition.on_error()), (on_success, on_error));
    }
}
