//! Spans of time, as a proof tells them.

use crate::history::Micros;

pub(crate) fn plus(all: Micros, more: Micros) -> Micros {
    Micros(all.0.saturating_add(more.0))
}

pub(crate) fn ms(time: Micros) -> String {
    format!("{} ms", time.0 / 1000)
}
