//! From the tree into any type that serde can fill, with the place of the first mistake.
//!
//! serde's own errors know no place: whoever meets one first on its way up adds the place of
//! the value, or of the key, that it was about.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::node::add;
use super::{Diagnostic, Key, Node, Place, Value};

impl Node {
    /// Reads it as a `T`.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        read(self)
    }
}

/// Reads `node` as a `T`.
fn read<T: DeserializeOwned>(node: &Node) -> Result<T, Diagnostic> {
    T::deserialize(Reader(node)).map_err(|mistake| mistake.at(&node.place).finish(&node.place))
}

/// A mistake on its way up to whoever knows its place.
#[derive(Debug)]
struct Mistake {
    message: String,
    unknown: Option<Box<Unknown>>,
    /// The key that is not there.
    missing: Option<&'static str>,
    place: Option<Box<Place>>,
}

/// A word that is not among the valid ones.
#[derive(Debug)]
struct Unknown {
    word: String,
    plural: &'static str,
    valid: &'static [&'static str],
}

impl Mistake {
    fn new(message: String) -> Self {
        Self { message, unknown: None, missing: None, place: None }
    }

    /// The same mistake at `place`, unless somebody further down knew better.
    fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| Box::new(place.clone()));
        self
    }

    fn finish(self, fallback: &Place) -> Diagnostic {
        let mut mistake = self.place.as_deref().unwrap_or(fallback).error(self.message);
        if let Some(key) = self.missing {
            mistake = mistake.hint(add(key));
        }
        match self.unknown {
            Some(unknown) => {
                mistake.hint_words(&unknown.word, unknown.plural, unknown.valid.iter().copied())
            }
            None => mistake,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::new(mismatch(&found, wanted))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::new(mismatch(&found, wanted))
    }

    fn unknown_field(field: &str, valid: &'static [&'static str]) -> Self {
        let unknown = Unknown { word: field.to_owned(), plural: "valid keys", valid };
        Self { unknown: Some(Box::new(unknown)), ..Self::new(format!("unknown key `{field}`")) }
    }

    fn unknown_variant(word: &str, valid: &'static [&'static str]) -> Self {
        let unknown = Unknown { word: word.to_owned(), plural: "valid words", valid };
        Self { unknown: Some(Box::new(unknown)), ..Self::new(format!("unknown word `{word}`")) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new(format!("missing key `{field}`")) }
    }
}

/// serde's words for kinds of values, in words that are no programmer's.
fn mismatch(found: &Unexpected<'_>, wanted: &dyn de::Expected) -> String {
    let wanted = wanted.to_string();
    let wanted = match wanted.as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "i8" | "i16" | "i32" | "i64" => "a whole number, perhaps negative",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" => "text",
        other => other,
    };
    let found = match found {
        Unexpected::Str(text) => format!("the text `{text}`"),
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(number) => format!("the number `{number}`"),
        Unexpected::Signed(number) => format!("the number `{number}`"),
        Unexpected::Float(number) => format!("the number `{number}`"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        other => other.to_string(),
    };
    format!("expected {wanted}, found {found}")
}

/// A node that serde reads.
#[derive(Clone, Copy)]
struct Reader<'de>(&'de Node);

impl<'de> Reader<'de> {
    fn mismatch(self, wanted: &dyn de::Expected) -> Mistake {
        let text = format!("expected {wanted}, found {}", self.0.value.kind());
        Mistake::new(text).at(&self.0.place)
    }

    /// Gives a number to the visitor in the first form that holds it.
    fn visit_number<V: Visitor<'de>>(self, text: &str, visitor: V) -> Result<V::Value, Mistake> {
        let placed = |mistake: Mistake| mistake.at(&self.0.place);
        if let Ok(number) = text.parse::<u64>() {
            return visitor.visit_u64(number).map_err(placed);
        }
        if let Ok(number) = text.parse::<i64>() {
            return visitor.visit_i64(number).map_err(placed);
        }
        match text.parse::<f64>() {
            Ok(number) => visitor.visit_f64(number).map_err(placed),
            Err(_) => Err(self.mismatch(&visitor)),
        }
    }
}

/// Names under which [`super::At`] asks for its value and the place of it.
const LOCATED: &str = "__yaml_spanned";
const LOCATED_MARKER: &str = "__serde_saphyr_private_spanned";

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let read = match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(text) => self.visit_number(text, visitor),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(entries) => visitor.visit_map(Entries::new(entries)),
        };
        read.map_err(|mistake| mistake.at(&self.0.place))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let (Value::Text(text) | Value::Number(text)) = &self.0.value else {
            return Err(self.mismatch(&"text"));
        };
        visitor.visit_borrowed_str(text).map_err(|mistake: Mistake| mistake.at(&self.0.place))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.0.value {
            Value::List(_) => self.deserialize_any(visitor),
            _ => Err(self.mismatch(&"a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.0.value {
            Value::Map(_) => self.deserialize_any(visitor),
            _ => Err(self.mismatch(&"a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let read = match &self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        };
        read.map_err(|mistake| mistake.at(&self.0.place))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        if name == LOCATED {
            let located = Located { node: self.0, next: 0 };
            return visitor.visit_newtype_struct(MapAccessDeserializer::new(located));
        }
        visitor.visit_newtype_struct(self).map_err(|mistake| mistake.at(&self.0.place))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let read = match &self.0.value {
            Value::Text(text) | Value::Number(text) => {
                visitor.visit_enum(BorrowedStrDeserializer::new(text))
            }
            Value::Map(entries) => match entries.as_slice() {
                [(key, value)] => visitor.visit_enum(Chosen { key, value }),
                _ => Err(Mistake::new("expected a map with one key".to_owned())),
            },
            _ => Err(self.mismatch(&"a word, or a map with one key")),
        };
        read.map_err(|mistake| mistake.at(&self.0.place))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bytes byte_buf unit unit_struct
        tuple tuple_struct ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mistake> {
        let read = |node: &'de Node| {
            seed.deserialize(Reader(node)).map_err(|mistake| mistake.at(&node.place))
        };
        self.0.next().map(read).transpose()
    }
}

struct Entries<'de> {
    rest: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
}

impl<'de> Entries<'de> {
    fn new(entries: &'de [(Key, Node)]) -> Self {
        Self { rest: entries.iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mistake> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        let read = seed.deserialize(KeyText(key));
        read.map(Some).map_err(|mistake| mistake.at(&key.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let node = self.value.take().expect("serde asks for a value only after its key");
        seed.deserialize(Reader(node)).map_err(|mistake| mistake.at(&node.place))
    }
}

/// A key, which may be asked for with its place.
struct KeyText<'de>(&'de Key);

impl<'de> Deserializer<'de> for KeyText<'de> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_borrowed_str(&self.0.name)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        if name == LOCATED {
            let located = LocatedKey { key: self.0, next: 0 };
            return visitor.visit_newtype_struct(MapAccessDeserializer::new(located));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_enum(BorrowedStrDeserializer::new(&self.0.name))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The four entries of which [`super::At`] is read.
const LOCATED_KEYS: [&str; 4] = [LOCATED_MARKER, "value", "referenced", "defined"];

struct Located<'de> {
    node: &'de Node,
    next: usize,
}

struct LocatedKey<'de> {
    key: &'de Key,
    next: usize,
}

macro_rules! located {
    ($access:ident, $field:ident, $value:expr) => {
        impl<'de> MapAccess<'de> for $access<'de> {
            type Error = Mistake;

            fn next_key_seed<K: DeserializeSeed<'de>>(
                &mut self,
                seed: K,
            ) -> Result<Option<K::Value>, Mistake> {
                let Some(key) = LOCATED_KEYS.get(self.next) else { return Ok(None) };
                self.next += 1;
                let key: StrDeserializer<'_, Mistake> = (*key).into_deserializer();
                seed.deserialize(key).map(Some)
            }

            fn next_value_seed<V: DeserializeSeed<'de>>(
                &mut self,
                seed: V,
            ) -> Result<V::Value, Mistake> {
                match self.next {
                    1 => seed.deserialize(true.into_deserializer()),
                    2 => seed.deserialize($value(self.$field)),
                    _ => seed.deserialize(location(&self.$field.place)),
                }
            }
        }
    };
}

located!(Located, node, Reader);
located!(LocatedKey, key, KeyText);

/// A place in the form in which the YAML library's location reads it.
fn location<'de>(place: &Place) -> impl Deserializer<'de, Error = Mistake> + use<'de> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let entries = [("line", number(place.line)), ("column", number(place.column))];
    de::value::MapDeserializer::new(entries.into_iter())
}

/// The one entry of a map that stands for a word with a value.
struct Chosen<'de> {
    key: &'de Key,
    value: &'de Node,
}

impl<'de> EnumAccess<'de> for Chosen<'de> {
    type Error = Mistake;
    type Variant = Payload<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Payload<'de>), Mistake> {
        let word = seed.deserialize(KeyText(self.key));
        let word = word.map_err(|mistake| mistake.at(&self.key.place))?;
        Ok((word, Payload(self.value)))
    }
}

struct Payload<'de>(&'de Node);

impl<'de> VariantAccess<'de> for Payload<'de> {
    type Error = Mistake;

    fn unit_variant(self) -> Result<(), Mistake> {
        match self.0.value {
            Value::Null => Ok(()),
            _ => Err(Reader(self.0).mismatch(&"nothing")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mistake> {
        seed.deserialize(Reader(self.0)).map_err(|mistake| mistake.at(&self.0.place))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mistake> {
        Reader(self.0).deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        Reader(self.0).deserialize_map(visitor)
    }
}
