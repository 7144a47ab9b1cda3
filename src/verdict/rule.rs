//! The rules by name. What each one promises is said where it is checked.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident $name:literal)*) => {
        /// A rule, by its stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule {
            $($(#[$doc])* $variant,)*
        }

        impl Rule {
            /// Every rule, in the order in which they are documented.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its stable name, such as `once/per-order`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

rules! {
    /// One charge message per order.
    OncePerOrder "once/per-order"
    /// No charge line is repeated.
    OncePerCharge "once/per-charge"
    /// An accepted result is not sent again.
    ResultsSettled "results/settled"
    /// A healthy EMR gets every charge that is due, and no other.
    Delivers "delivers"
    /// After a fault, fresh exams still get through.
    Recovers "recovers"
    /// What the sender says agrees with the wire.
    Accounts "accounts"
    /// Frames as MLLP has them.
    WireFraming "wire/framing"
    /// Segments end in a carriage return.
    WireSegments "wire/segments"
    /// Delimiters inside values are escaped.
    WireEscapes "wire/escapes"
    /// Every message has its own control id.
    WireControlIds "wire/control-ids"
    /// The letters are of the character set that MSH-18 declares.
    WireCharset "wire/charset"
    /// MSH-12 is the version that was agreed.
    WireVersion "wire/version"
    /// An acknowledgement is never acknowledged.
    WireAcknowledgements "wire/acknowledgements"
    /// No more messages on their way than declared.
    WireInFlight "wire/in-flight"
    /// No message to an EMR whose certificate is bad.
    TlsVerified "tls/verified"
    /// The message's time is UTC.
    WireClock "wire/clock"
    /// The message is exactly as agreed.
    Snapshot "snapshot"
    /// The sender can be started and fed.
    SenderStarts "sender/starts"
    /// The sender does not exit unasked.
    SenderStaysUp "sender/stays-up"
    /// The sender stops when asked, with all its processes.
    SenderStops "sender/stops"
    /// The sender connects in order to send.
    SenderConnections "sender/connections"
    /// The sender prints no data of its patients.
    SenderDiscreet "sender/discreet"
    /// The sender stays within bounds.
    SenderBounded "sender/bounded"
}

impl Rule {
    /// Whether it says that no charge is sent twice.
    #[must_use]
    pub const fn is_once(self) -> bool {
        matches!(self, Self::OncePerOrder | Self::OncePerCharge)
    }

    /// The rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// By name, as reports list them.
impl Ord for Rule {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Rule {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Rule;

    #[test]
    fn a_name_is_of_one_rule() {
        let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert_eq!(Rule::named(rule.name()), Some(*rule));
        }
        assert_eq!(Rule::named("once"), None);
    }
}
