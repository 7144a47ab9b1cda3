//! Which fields make an order and a charge, as the agreement with one EMR has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which fields make an order and a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Path of the field that identifies the order, such as `FT1-3`.
    pub order: String,
    /// Paths of the parts of an FT1 that make it a distinct charge.
    pub distinct: Vec<String>,
    /// Which rule applies.
    pub rule: OnceRule,
}

impl Identity {
    /// Whether a credit of an order is counted apart from its charge: where an order has one message
    /// only, no credit is agreed, and where FT1-6 makes no difference, none can be told.
    #[must_use]
    pub fn tells_credits(&self) -> bool {
        self.rule == OnceRule::PerCharge && self.distinct.iter().any(|path| path == "FT1-6")
    }
}

/// Which once rule the agreement has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnceRule {
    /// One charge message per order.
    PerOrder,
    /// Several messages per order are allowed; no FT1 line is ever repeated.
    PerCharge,
}
