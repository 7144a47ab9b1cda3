//! What a page shows of a command, beside what the command prints: equal but for times and control ids.

use rstest::rstest;

/// The words of a command line, without the quotes and the comment of a shell.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for one in line.chars() {
        match (quote, one) {
            (None, '\'' | '"') => quote = Some(one),
            (Some(open), one) if open == one => quote = None,
            (None, '#') if words.last().unwrap().is_empty() => break,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().unwrap().push(one),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The first lines that are shown and were not printed in that order; nothing where all of it was.
pub(super) fn difference(shown: &str, printed: &str) -> Option<String> {
    let printed: Vec<String> = printed.trim_end().lines().map(steady).collect();
    let shown: Vec<String> = shown.trim_end().lines().map(steady).collect();
    let parts: Vec<&[String]> = shown.split(|line| line == "...").collect();
    let (mut from, last) = (0, parts.len() - 1);
    for (index, part) in parts.iter().enumerate() {
        let mut places = (from..=printed.len()).filter(|at| printed[*at..].starts_with(part));
        let place = match index {
            0 => places.next().filter(|at| *at == 0),
            _ if index == last && !part.is_empty() => {
                places.find(|at| at + part.len() == printed.len())
            }
            _ => places.next(),
        };
        let Some(place) = place else {
            return Some(format!("{}\n\nis not in\n\n{}", part.join("\n"), printed.join("\n")));
        };
        from = place + part.len();
    }
    (parts.len() == 1 && from < printed.len())
        .then(|| format!("more is printed: {}", printed[from]))
}

/// A line without what differs from one run to the next, and with single blanks.
fn steady(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let next =
        |index: usize| words.get(index + 1).map(|word| word.trim_end_matches([',', ';', ')']));
    let word = |(index, word): (usize, &&str)| {
        let digits =
            word.trim_end_matches(',').bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let is_time = digits && matches!(next(index), Some("s" | "ms"));
        let is_id = digits && word.len() > 11;
        match *word {
            _ if is_time || is_id => "#".to_owned(),
            "ms" if index > 0 => "s".to_owned(),
            other => other.to_owned(),
        }
    };
    words.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
}

#[rstest]
#[case::times("1 case · 2.2 s\n", "1 case · 51 ms\n", true)]
#[case::ids("MSH-10 261121215022, 864 bytes", "MSH-10 260105080001, 864 bytes", true)]
#[case::lengths("864 bytes", "865 bytes", false)]
#[case::counts("381 cases", "382 cases", false)]
#[case::lines_are_skipped("a\n...\nd\n", "a\nb\nc\nd\n", true)]
#[case::what_is_skipped_is_said("a\nd\n", "a\nb\nc\nd\n", false)]
#[case::the_end_is_the_end("...\nc\n", "a\nc\nd\n", false)]
#[case::unless_more_is_skipped("...\nc\n...\n", "a\nc\nd\n", true)]
#[case::order("...\nc\n...\na\n...\n", "a\nc\nd\n", false)]
#[case::more_is_printed("a\n", "a\nb\n", false)]
fn what_is_shown_is_printed(#[case] shown: &str, #[case] printed: &str, #[case] is_equal: bool) {
    assert_eq!(difference(shown, printed).is_none(), is_equal);
}
