//! What makes a field's value differ between two equal messages.

/// What makes a field's value differ between two equal messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatile {
    /// The sender's clock.
    Time,
    /// MSH-10.
    ControlId,
}
