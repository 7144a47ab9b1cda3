//! A mapping while its family is read: each file lays what it says over what its parents said.

use indexmap::IndexMap;

use crate::yaml::{At, Diagnostic};

use crate::mapping::OnceRule;
use crate::mapping::expression::condition::Condition;
use crate::mapping::expression::line::ChargeDate;
use crate::mapping::expression::template::Template;
use crate::mapping::expression::value::{Chosen, Value};
use crate::mapping::file::{ChosenFile, File, IdentityFile, LineFile, ModifiersFile, WrittenValue};
use crate::mapping::mistake::Mistake;
use crate::mapping::place::FieldName;
use crate::mapping::segments::SegmentRule;
use crate::mapping::volatile::Tolerance;
use crate::mapping::written::{Place, Written};

/// Fields and what they hold, in the order in which they were first written.
pub(crate) type Fields = IndexMap<FieldName, Written<Value>>;

/// What a family of mapping files says so far.
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) file: Place,
    pub(crate) message: Option<Written<Template>>,
    pub(crate) version: Option<Written<Template>>,
    pub(crate) charset: Option<Written<Template>>,
    pub(crate) segments: Option<Vec<Written<SegmentRule>>>,
    pub(crate) option: Option<Written<String>>,
    pub(crate) codes_tell_apart: bool,
    pub(crate) charge_ungradable: bool,
    pub(crate) fields: Fields,
    pub(crate) lines: IndexMap<String, LineDraft>,
    pub(crate) order: Option<Written<String>>,
    pub(crate) distinct: Option<Vec<Written<String>>>,
    pub(crate) rule: OnceRule,
    pub(crate) stamps_within: Option<Written<Tolerance>>,
}

/// A charge line so far.
#[derive(Default)]
pub(crate) struct LineDraft {
    pub(crate) code: Option<Written<Template>>,
    pub(crate) date: Option<ChargeDate>,
    pub(crate) when: Option<Written<Condition>>,
    pub(crate) modifiers: ModifiersFile,
    pub(crate) fields: Fields,
}

impl Draft {
    /// Nothing said; a mapping that charges for everything, once per order.
    pub(crate) fn new(file: Place) -> Self {
        Self {
            name: String::new(),
            file,
            message: None,
            version: None,
            charset: None,
            segments: None,
            option: None,
            codes_tell_apart: false,
            charge_ungradable: true,
            fields: Fields::new(),
            lines: IndexMap::new(),
            order: None,
            distinct: None,
            rule: OnceRule::PerOrder,
            stamps_within: None,
        }
    }

    /// Lays `file` over it; `place` is the file as a whole.
    pub(crate) fn lay(&mut self, file: File, place: &Place) -> Result<(), Diagnostic> {
        self.name = file.mapping.value;
        self.file = place.clone();
        replace(&mut self.message, read(file.message, place)?);
        replace(&mut self.version, read(file.version, place)?);
        replace(&mut self.charset, read(file.charset, place)?);
        replace(&mut self.stamps_within, read(file.stamps_within, place)?);
        replace(&mut self.segments, file.segments.map(|all| read_all(all, place)).transpose()?);
        replace(&mut self.option, file.option.map(|option| written(option, place)));
        self.codes_tell_apart = file.codes_tell_apart.unwrap_or(self.codes_tell_apart);
        self.charge_ungradable = file.charge_ungradable.unwrap_or(self.charge_ungradable);
        lay_fields(&mut self.fields, file.fields, place)?;
        for (name, line) in file.charges {
            self.lines.entry(name).or_default().lay(line, place)?;
        }
        self.lay_identity(file.identity, place);
        Ok(())
    }

    fn lay_identity(&mut self, identity: IdentityFile, place: &Place) {
        replace(&mut self.order, identity.order.map(|order| written(order, place)));
        let distinct = identity.distinct;
        replace(
            &mut self.distinct,
            distinct.map(|all| all.into_iter().map(|path| written(path, place)).collect()),
        );
        self.rule = identity.rule.unwrap_or(self.rule);
    }
}

impl LineDraft {
    fn lay(&mut self, file: LineFile, place: &Place) -> Result<(), Diagnostic> {
        replace(&mut self.code, read(file.code, place)?);
        replace(&mut self.date, file.date);
        match file.when {
            Some(when) if when.value.is_empty() => self.when = None,
            when => replace(&mut self.when, read(when, place)?),
        }
        replace(&mut self.modifiers.component, file.modifiers.component);
        replace(&mut self.modifiers.partly_gradable, file.modifiers.partly_gradable);
        replace(&mut self.modifiers.ungradable, file.modifiers.ungradable);
        lay_fields(&mut self.fields, file.fields, place)
    }
}

/// Takes what a child says, if it says anything.
fn replace<T>(known: &mut Option<T>, said: Option<T>) {
    if said.is_some() {
        *known = said;
    }
}

fn written(located: At<String>, file: &Place) -> Written<String> {
    let place = file.of(&located);
    Written { value: located.value, place }
}

fn read<T>(located: Option<At<String>>, file: &Place) -> Result<Option<Written<T>>, Diagnostic>
where
    T: std::str::FromStr<Err = Mistake>,
{
    located.map(|located| file.of(&located).read(&located.value)).transpose()
}

fn read_all<T>(located: Vec<At<String>>, file: &Place) -> Result<Vec<Written<T>>, Diagnostic>
where
    T: std::str::FromStr<Err = Mistake>,
{
    located.into_iter().map(|located| file.of(&located).read(&located.value)).collect()
}

fn lay_fields(
    fields: &mut Fields,
    said: IndexMap<String, At<WrittenValue>>,
    file: &Place,
) -> Result<(), Diagnostic> {
    for (name, value) in said {
        let place = file.of(&value);
        let name = read_name(&name).map_err(|mistake| place.wrong(&mistake.part(name)))?;
        let value = read_value(value.value, &place)?;
        fields.insert(name, Written { value, place });
    }
    Ok(())
}

/// A field that a mapping may write.
fn read_name(text: &str) -> Result<FieldName, Mistake> {
    let name: FieldName = text.parse()?;
    let refused =
        |hint: &str| Err(Mistake::new(format!("`{text}` is not written here")).hint(hint));
    match (name.segment.as_str(), name.number) {
        ("MSH", 1 | 2) => refused("the delimiters are always `|^~\\&`"),
        ("MSH", 9) => refused("say `message:` instead"),
        ("MSH", 12) => refused("say `version:` instead"),
        ("MSH", 18) => refused("say `charset:` instead"),
        // The interface page: IRIS does not store or send the SSN.
        ("PID", 19) => refused("the social security number is never sent"),
        _ => Ok(name),
    }
}

fn read_value(value: WrittenValue, place: &Place) -> Result<Value, Diagnostic> {
    let ChosenFile { each, when, is, otherwise } = match value {
        WrittenValue::Plain(text) => return Ok(Value::Plain(place.read(&text)?.value)),
        WrittenValue::Chosen(chosen) => *chosen,
    };
    let is = place.of(&is).read(&is.value)?.value;
    let when: Option<Written<Condition>> = read(when, place)?;
    let otherwise: Option<Written<Template>> = read(otherwise, place)?;
    Ok(Value::Chosen(Chosen {
        each,
        when: when.map(|when| when.value),
        is,
        otherwise: otherwise.map(|otherwise| otherwise.value).unwrap_or_default(),
    }))
}
