//! Names and patterns of cases, as they are typed.

use wildmatch::WildMatch;

/// Whether a name, a folder or a pattern means this case.
pub(super) fn is_meant(pattern: &str, id: &str) -> bool {
    if pattern.contains(['*', '?']) {
        let scenario = id.split('[').next().unwrap_or(id);
        let pattern = WildMatch::new(pattern);
        return pattern.matches(id) || pattern.matches(scenario);
    }
    names(pattern, id)
}

/// Whether `name` is this id, its scenario, or a folder above it.
pub(super) fn names(name: &str, id: &str) -> bool {
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    name.is_empty()
        || id == name
        || id.strip_prefix(name).is_some_and(|rest| {
            rest.starts_with('[') || rest.starts_with('/') || name.ends_with('/')
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{is_meant, names};

    #[rstest]
    #[case::everything("*", "once/late", true)]
    #[case::inside("*reset*", "wire/reset-in-frame[at=3]", true)]
    #[case::scenario("once/rej*", "once/rejected[reply=reject]", true)]
    #[case::whole_case("*reply=reject]", "once/rejected[reply=reject]", true)]
    #[case::other("tls/*", "once/late", false)]
    #[case::folder("once", "once/late", true)]
    #[case::no_prefix("once/la", "once/late", false)]
    fn a_pattern_means_cases(#[case] pattern: &str, #[case] id: &str, #[case] meant: bool) {
        assert_eq!(is_meant(pattern, id), meant);
    }

    #[rstest]
    #[case("once/rejected", "once/rejected[reply=reject]", true)]
    #[case("once/rejected[reply=reject]", "once/rejected[reply=reject]", true)]
    #[case("once", "once/rejected", true)]
    #[case("once/", "once/rejected", true)]
    #[case("once/rejected.yaml", "once/rejected[reply=error]", true)]
    #[case("once/rej", "once/rejected", false)]
    #[case("once/rejected[reply=error]", "once/rejected[reply=reject]", false)]
    fn a_name_selects_a_case_a_scenario_or_a_folder(
        #[case] name: &str,
        #[case] id: &str,
        #[case] selected: bool,
    ) {
        assert_eq!(names(name, id), selected);
    }
}
