//! What the author wrote, with line and column.
