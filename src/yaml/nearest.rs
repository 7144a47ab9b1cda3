//! The valid word that is nearest to one that somebody wrote.

use strsim::osa_distance;

/// The candidate that is nearest to `word`, if one is near enough to be what was meant.
///
/// Distance is the number of letters to insert, drop, replace or swap with their neighbour; a
/// third of the word may differ. Of two that are equally near, the first wins. If none is near,
/// a word that was not written out means the shortest candidate that begins with it, or has a
/// part of a path that does, or at least holds it.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let shortened = |word: &str| word.to_lowercase().chars().take(MAX_LETTERS).collect::<String>();
    let wanted = shortened(word);
    let bound = (wanted.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let all: Vec<&'a str> = candidates.into_iter().collect();
    for &candidate in &all {
        let distance = osa_distance(&wanted, &shortened(candidate));
        // A part of a path, such as `reject` for `answer/reject`, is as good as one slip.
        let part = candidate.rsplit('/').next() == Some(word);
        let distance = if part { distance.min(1) } else { distance };
        if distance <= bound && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate).or_else(|| unfinished(word, &all))
}

/// The candidate that `word` is a part of.
fn unfinished<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    if word.chars().count() < MIN_LETTERS {
        return None;
    }
    let word = word.to_lowercase();
    let rank = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let kinds = [
            candidate.starts_with(&word),
            candidate.split('/').any(|part| part.starts_with(&word)),
            candidate.contains(&word),
        ];
        kinds.iter().position(|holds| *holds)
    };
    let ranked = candidates.iter().filter_map(|one| Some((rank(one)?, one.len(), *one)));
    ranked.min_by_key(|(rank, length, _)| (*rank, *length)).map(|(_, _, candidate)| candidate)
}

/// A shorter word is a part of too many others to mean one of them.
const MIN_LETTERS: usize = 3;

/// Words are compared by their beginnings; nobody means a word of this length by a slip.
const MAX_LETTERS: usize = 80;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::nearest;

    #[rstest]
    #[case::one_letter_left_out("titl", Some("title"))]
    #[case::neighbours_swapped("titel", Some("title"))]
    #[case::case_does_not_matter("Title", Some("title"))]
    #[case::one_letter_replaced("stops", Some("steps"))]
    #[case::nothing_like_it("banana", None)]
    #[case::two_of_five_letters_are_too_many("tibla", None)]
    #[case::empty("", None)]
    #[case::the_last_part_of_a_path("junk", Some("payload/junk"))]
    #[case::a_beginning("payload/ju", Some("payload/junk"))]
    #[case::the_beginning_of_a_part("jun", Some("payload/junk"))]
    #[case::something_inside("load", Some("payload/junk"))]
    #[case::too_short_to_mean_anything("ju", None)]
    fn nearest_word(#[case] word: &str, #[case] expected: Option<&str>) {
        assert_eq!(nearest(word, ["title", "steps", "payload/junk"]), expected);
    }
}
