//! From everything that a family of files says to instructions that cannot be wrong: whatever
//! one part of a mapping asks of another is checked here, once.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::hl7::{Charset, Path};
use crate::yaml::Diagnostic;

use crate::mapping::draft::{Draft, Fields, LineDraft};
use crate::mapping::expression::fact::Fact;
use crate::mapping::expression::form::Forms;
use crate::mapping::expression::line::{Line, Modifiers};
use crate::mapping::expression::template::Template;
use crate::mapping::expression::value::Value;
use crate::mapping::file::ModifiersFile;
use crate::mapping::mistake::Mistake;
use crate::mapping::place::{Each, FieldName};
use crate::mapping::segments::{Block, SegmentRule};
use crate::mapping::written::{Place, Written};
use crate::mapping::{Identity, Mapping};

/// The instructions that `draft` comes to.
///
/// # Errors
/// The first thing that is missing or that contradicts another.
pub(crate) fn assemble(mut draft: Draft) -> Result<Mapping, Diagnostic> {
    let missing = |key: &str, example: &str| {
        let mistake = Mistake::new(format!("neither this mapping nor a parent says `{key}`"));
        draft.file.wrong(&mistake.hint(format!("as in `{example}`")))
    };
    let message = draft.message.take().ok_or_else(|| missing("message", "message: DFT^P03"))?;
    let segments =
        draft.segments.take().ok_or_else(|| missing("segments", "segments: [MSH, EVN]"))?;
    let order =
        draft.order.take().ok_or_else(|| missing("identity", "identity: { order: FT1-3 }"))?;
    if order.value.starts_with("MSH") {
        let mistake = Mistake::new(format!("`{}` cannot identify an order", order.value));
        let hint = "two orders may share a control id, and one may come under two: name a field of the order, such as FT1-3";
        return Err(order.place.wrong(&mistake.hint(hint)));
    }
    check_header(&segments, &draft.file)?;
    let leaves = leaves(&segments)?;
    let version = draft.version.take();
    let charset = read_charset(draft.charset.take())?;
    let lines = lines(&draft, &leaves)?;
    let mut fields = fields(draft.fields, &leaves)?;
    let header = [
        (9, Some(message.value.clone())),
        (12, version.as_ref().map(|version| version.value.clone())),
        (18, charset.parse().ok()),
    ];
    for (number, template) in header {
        let value = Value::Plain(template.unwrap_or_default());
        fields.insert(FieldName::new("MSH", number), value);
    }
    fields.retain(|_, value| !value.is_empty());
    Ok(Mapping {
        name: draft.name,
        message: message.value.to_string(),
        version: version.map(|version| version.value.to_string()).unwrap_or_default(),
        charset,
        identity: Identity {
            order: read_path(&order)?,
            distinct: read_distinct(draft.distinct)?,
            rule: draft.rule,
        },
        stamps_within: draft.stamps_within.map(|tolerance| tolerance.value).unwrap_or_default(),
        segments: segments.into_iter().map(|segment| segment.value).collect(),
        fields,
        lines,
        forms: Forms::default(),
    })
}

fn check_header(segments: &[Written<SegmentRule>], file: &Place) -> Result<(), Diagnostic> {
    match segments.first() {
        Some(Written { value: SegmentRule { block: Block::Segment(id), each: None }, .. })
            if id == "MSH" =>
        {
            Ok(())
        }
        Some(first) => Err(first.place.wrong(&Mistake::new("the first segment must be `MSH`"))),
        None => Err(file.wrong(&Mistake::new("a message has at least the segment `MSH`"))),
    }
}

/// One segment of a mapping's list, however deep in groups.
struct Listed<'s> {
    id: &'s str,
    repeated: Vec<Each>,
    place: &'s Place,
}

impl Listed<'_> {
    fn is_charged(&self) -> bool {
        self.repeated.contains(&Each::Charge)
    }
}

/// Every segment of the list, each repeated for different things.
fn leaves(segments: &[Written<SegmentRule>]) -> Result<Vec<Listed<'_>>, Diagnostic> {
    let mut found = Vec::new();
    for Written { value, place } in segments {
        for leaf in value.leaves() {
            let mut repeated = leaf.repeated.iter().enumerate();
            if let Some((_, twice)) =
                repeated.find(|(index, each)| leaf.repeated[..*index].contains(each))
            {
                let word = twice.word();
                let message = format!("`{}` is repeated for each {word} of each {word}", leaf.id);
                return Err(place.wrong(&Mistake::new(message)));
            }
            found.push(Listed { id: leaf.id, repeated: leaf.repeated, place });
        }
    }
    Ok(found)
}

fn read_charset(charset: Option<Written<Template>>) -> Result<String, Diagnostic> {
    let Some(Written { value, place }) = charset else { return Ok(String::new()) };
    let name = value.to_string();
    match Charset::named(&name) {
        Some(_) => Ok(name),
        None => Err(place.wrong(
            &Mistake::new(format!("there is no character set `{name}`"))
                .hint("as MSH-18 writes it (table 0211): `ASCII`, `8859/1`, `UNICODE UTF-8`"),
        )),
    }
}

fn read_path(path: &Written<String>) -> Result<String, Diagnostic> {
    match path.value.parse::<Path>() {
        Ok(parsed) => Ok(parsed.to_string()),
        Err(_) => Err(path.place.wrong(
            &Mistake::new(format!("`{}` is not a place in a message", path.value))
                .hint("write `FT1-3` or `FT1-23.1`")
                .part(&path.value),
        )),
    }
}

/// The default follows the interface: the transaction type, the code, and of the modifiers the
/// one that names the component.
fn read_distinct(distinct: Option<Vec<Written<String>>>) -> Result<Vec<String>, Diagnostic> {
    match distinct {
        Some(paths) => paths.iter().map(read_path).collect(),
        None => Ok(["FT1-6", "FT1-7.1", "FT1-26"].map(str::to_owned).to_vec()),
    }
}

/// The fields of the message, each of them in one of its segments.
fn fields(
    fields: Fields,
    segments: &[Listed<'_>],
) -> Result<BTreeMap<FieldName, Value>, Diagnostic> {
    let mut known = BTreeMap::new();
    // A child that replaces the list of segments drops what its parents wrote for the others.
    let depth = segments.first().map_or(0, |segment| segment.place.depth);
    for (name, Written { value, place }) in fields {
        let listed = segments.iter().find(|segment| segment.id == name.segment);
        match listed {
            Some(segment) => check_facts(&value, &segment.repeated, &name, &place)?,
            None if place.depth < depth || value.is_empty() => continue,
            None => return Err(place.wrong(&no_segment(&name, segments))),
        }
        known.insert(name, value);
    }
    Ok(known)
}

fn no_segment(name: &FieldName, segments: &[Listed<'_>]) -> Mistake {
    let ids = segments.iter().map(|segment| segment.id);
    Mistake::new(format!("`{}` is not among the `segments` of this mapping", name.segment))
        .nearest(&name.segment, ids)
        .part(name.to_string())
}

/// Every fact must have something to say where it is named.
fn check_facts(
    value: &Value,
    repeated: &[Each],
    name: &FieldName,
    place: &Place,
) -> Result<(), Diagnostic> {
    if value.each() == Some(Each::Charge) {
        let mistake = Mistake::new("a field cannot repeat for each charge");
        return Err(place.wrong(&mistake.hint("a segment can: `FT1 for each charge`")));
    }
    let silent = |fact: &Fact| {
        fact.needs().filter(|needed| !repeated.contains(needed) && Some(*needed) != value.each())
    };
    for fact in value.facts() {
        if let Some(needed) = silent(&fact) {
            return Err(place.wrong(&silent_fact(fact, needed, &name.to_string())));
        }
    }
    value.asked().try_for_each(|fact| check_steady(fact, place, "a condition"))
}

fn silent_fact(fact: Fact, needed: Each, place: &str) -> Mistake {
    Mistake::new(format!("`{fact}` says nothing in {place}"))
        .hint(format!("it belongs into what is written for each {}", needed.word()))
        .part(fact.to_string())
}

/// The charge lines that the option names, in its order; none where no segment carries charges.
fn lines(draft: &Draft, segments: &[Listed<'_>]) -> Result<Vec<Line>, Diagnostic> {
    if !segments.iter().any(Listed::is_charged) {
        return Ok(Vec::new());
    }
    let option = draft.option.as_ref().ok_or_else(|| {
        let mistake = Mistake::new("neither this mapping nor a parent says `option`");
        draft.file.wrong(&mistake.hint("as in `option: professional + technical`"))
    })?;
    let mut lines: Vec<Line> = Vec::new();
    for name in option.value.split('+').map(str::trim) {
        let wrong = |mistake: Mistake| option.place.wrong(&mistake.part(name));
        let line = draft.lines.get(name).ok_or_else(|| wrong(unknown_line(name, &draft.lines)))?;
        if lines.iter().any(|line| line.name == name) {
            return Err(wrong(Mistake::new(format!("charge line `{name}` is named twice"))));
        }
        let incomplete = |key: &str| {
            wrong(Mistake::new(format!("charge line `{name}` does not say its `{key}`")))
        };
        let code = line.code.as_ref().ok_or_else(|| incomplete("code"))?;
        check_line(name, line, segments)?;
        lines.push(Line {
            name: name.to_owned(),
            code: code.value.clone(),
            date: line.date.ok_or_else(|| incomplete("date"))?,
            modifiers: modifiers(draft, &line.modifiers),
            when: line.when.as_ref().map(|when| when.value.clone()),
            fields: own_fields(&line.fields),
        });
    }
    Ok(lines)
}

fn unknown_line(name: &str, lines: &IndexMap<String, LineDraft>) -> Mistake {
    let known: Vec<&str> = lines.keys().map(String::as_str).collect();
    let mistake = Mistake::new(format!("there is no charge line `{name}`"))
        .hint(format!("this mapping's lines are `{}`", known.join("`, `")));
    mistake.nearest(name, known)
}

fn own_fields(fields: &Fields) -> BTreeMap<FieldName, Value> {
    fields.iter().map(|(name, field)| (name.clone(), field.value.clone())).collect()
}

fn check_line(name: &str, line: &LineDraft, segments: &[Listed<'_>]) -> Result<(), Diagnostic> {
    let carriers = || segments.iter().filter(|segment| segment.is_charged());
    if let Some(Written { value, place }) = &line.code {
        check_line_facts(value.facts(), place, "the code of a charge line")?;
    }
    if let Some(Written { value, place }) = &line.when {
        check_line_facts(value.facts(), place, "the condition of a charge line")?;
    }
    for (field, Written { value, place }) in &line.fields {
        let Some(carrier) = carriers().find(|segment| segment.id == field.segment) else {
            let ids: Vec<&str> = carriers().map(|segment| segment.id).collect();
            return Err(place.wrong(
                &Mistake::new(format!("charge line `{name}` cannot write `{field}`"))
                    .hint(format!("its own fields are those of `{}`", ids.join("` and `")))
                    .part(field.to_string()),
            ));
        };
        check_facts(value, &carrier.repeated, field, place)?;
    }
    Ok(())
}

/// What is charged, and whether, is decided by the exam alone: not by the line itself, and not
/// by the clock, or two messages of one exam would differ in more than their volatile fields.
fn check_line_facts(
    facts: impl Iterator<Item = Fact>,
    place: &Place,
    what: &str,
) -> Result<(), Diagnostic> {
    for fact in facts {
        if let Some(needed) = fact.needs() {
            return Err(place.wrong(&silent_fact(fact, needed, what)));
        }
        check_steady(fact, place, what)?;
    }
    Ok(())
}

fn check_steady(fact: Fact, place: &Place, what: &str) -> Result<(), Diagnostic> {
    match fact.volatile() {
        None => Ok(()),
        Some(_) => Err(place.wrong(
            &Mistake::new(format!("{what} cannot depend on `{fact}`"))
                .hint("it would differ between two messages of one exam")
                .part(fact.to_string()),
        )),
    }
}

/// What the switches leave of a line's modifiers: no component where the codes tell it, and no
/// word about charging where ungradable exams are charged.
fn modifiers(draft: &Draft, said: &ModifiersFile) -> Modifiers {
    let kept = |modifier: &Option<String>, dropped: bool| {
        modifier.clone().filter(|text| !text.is_empty() && !dropped)
    };
    Modifiers {
        component: kept(&said.component, draft.codes_tell_apart),
        partly_gradable: kept(&said.partly_gradable, false),
        ungradable: kept(&said.ungradable, draft.charge_ungradable),
    }
}
