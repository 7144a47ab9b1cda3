//! Where the history of a plan comes from, and how that is told where a stored plan does not say it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plan::{Plan, Step};

/// Where the history of a plan comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The harness drove the sender, over real sockets or in virtual time: both are judged alike.
    #[default]
    Driven,
    /// The EMR was simply there, and whoever came was fed by others.
    Served,
    /// Somebody else's EMR was there: what was said to it was recorded.
    Captured,
}

impl Origin {
    /// Whether every plan of this origin shows it by its steps.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) const fn shows(&self) -> bool {
        matches!(self, Self::Driven | Self::Served)
    }

    /// The origin of a plan that does not name one: who has nothing to do but to wait has served.
    fn shown_by(steps: &[Step]) -> Self {
        if steps.contains(&Step::Hold) { Self::Served } else { Self::Driven }
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut plan = Self::deserialize(deserializer)?;
        if plan.origin == Origin::Driven {
            plan.origin = Origin::shown_by(&plan.steps);
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::Origin;
    use crate::plan::Plan;

    /// A stored plan with these steps.
    fn stored(steps: &Value) -> Value {
        json!({
            "id": "x", "title": "", "requirements": [], "seed": 1,
            "mapping": {
                "name": "m", "message": "DFT^P03", "version": "2.4", "charset": "",
                "identity": { "order": "FT1-2", "distinct": [], "rule": "per-order" },
                "segments": [], "fields": {}, "lines": [],
            },
            "results": null, "exams": {}, "endpoints": ["emr"], "script": [], "steps": steps,
            "limits": {
                "ack_timeout": 1, "longest_retry": 1, "settle": 1, "patience": 1, "stop": 1,
                "message_bytes": 1, "connections": 1, "messages": 1, "recorded_bytes": 1,
            },
            "expect": {},
            "sender": {
                "name": "s", "start": [], "environment": {}, "directory": null, "account": null,
                "stop": "terminate", "bug": null, "variant": null,
            },
        })
    }

    #[rstest]
    #[case::driven(&json!(["start", "settle", "stop"]), Origin::Driven)]
    #[case::served(&json!(["hold"]), Origin::Served)]
    fn a_plan_that_names_no_origin_shows_it_and_is_stored_without_one(
        #[case] steps: &Value,
        #[case] origin: Origin,
    ) {
        let plan: Plan = serde_json::from_value(stored(steps)).unwrap();
        assert_eq!(plan.origin, origin);
        assert_eq!(serde_json::to_value(plan).unwrap().get("origin"), None);
    }

    #[test]
    fn a_plan_that_was_captured_says_so() {
        let mut plan: Plan = serde_json::from_value(stored(&json!(["hold"]))).unwrap();
        plan.origin = Origin::Captured;
        let stored = serde_json::to_value(plan).unwrap();
        assert_eq!(stored["origin"], "captured");
        let plan: Plan = serde_json::from_value(stored).unwrap();
        assert_eq!(plan.origin, Origin::Captured);
    }
}
