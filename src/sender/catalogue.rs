//! Things that are chosen by a stable name: an enum, its names, and the way back from a name.

/// Defines an enum whose variants each have a stable name and one line of explanation, and the
/// error for a name that none of them has.
macro_rules! catalogue {
    (
        $(#[$about:meta])* $catalogue:ident, $unknown:ident $message:literal:
        $($variant:ident $name:literal $what:literal)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $catalogue {
            $(#[doc = $what] $variant,)*
        }

        impl $catalogue {
            /// All of them, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does, in one line.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)* }
            }
        }

        /// Nothing has this name.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        #[error($message)]
        pub struct $unknown(pub String);

        impl std::str::FromStr for $catalogue {
            type Err = $unknown;

            fn from_str(text: &str) -> Result<Self, $unknown> {
                let found = Self::ALL.iter().find(|one| one.name() == text);
                found.copied().ok_or_else(|| $unknown(text.to_owned()))
            }
        }

        impl std::fmt::Display for $catalogue {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.name())
            }
        }
    };
}

pub(crate) use catalogue;
