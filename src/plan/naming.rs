//! Faults by their stable names, as they are written and stored.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Fault;

/// No fault has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault `{0}`")]
pub struct UnknownFault(pub String);

/// Every name that can be written. A search writes thousands of scenarios a second.
static BY_NAME: LazyLock<HashMap<&str, Fault>> = LazyLock::new(|| {
    let short = |fault: &Fault| Some((fault.name().strip_prefix("answer/")?, *fault));
    let whole = |fault: &Fault| (fault.name(), *fault);
    Fault::ALL.iter().filter_map(short).chain(Fault::ALL.iter().map(whole)).collect()
});

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Reads a stable name; one without a kind, such as `reject`, means an answer.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        BY_NAME.get(text).copied().ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn the_page_for_authors_lists_every_fault_and_no_other() {
        let page = include_str!("../../scenarios/README.md");
        let (_, listed) = page.split_once("\n## Every fault\n").unwrap();
        let rows: Vec<&str> = listed.lines().filter(|line| line.starts_with("| `")).collect();
        let row = |fault: &Fault| format!("| `{}` | {} |", fault.name(), fault.what());
        assert_eq!(rows, Fault::ALL.iter().map(row).collect::<Vec<String>>());
    }
}
