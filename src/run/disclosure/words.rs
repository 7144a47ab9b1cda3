//! Words that a log holds without meaning anybody who is called so.

/// Whether a name is such a word, in whatever case.
pub(crate) fn is_word(name: &str) -> bool {
    WORDS.contains(&&*name.to_ascii_lowercase())
}

/// What may stand in the log of a sender, and is the name of people.
const WORDS: &[&str] = &[
    "able", "april", "august", "baker", "bank", "banks", "base", "bell", "best", "bill", "bills",
    "black", "block", "blue", "bond", "books", "booth", "born", "bridge", "bridges", "brook",
    "brown", "bush", "carrier", "carry", "case", "cash", "chance", "charge", "church", "clear",
    "close", "coffee", "cook", "cost", "cross", "dash", "date", "daily", "dead", "dial", "door",
    "drop", "early", "east", "ends", "even", "exam", "fail", "fast", "field", "fields", "file",
    "fill", "fine", "first", "fish", "force", "ford", "forest", "forward", "foster", "found",
    "frame", "free", "friday", "frost", "full", "fuller", "good", "gold", "grant", "green", "grey",
    "guard", "hall", "hand", "hands", "hard", "haze", "head", "held", "high", "hill", "hold",
    "holder", "home", "hook", "hope", "host", "hours", "house", "hunt", "hunter", "info", "iris",
    "join", "joint", "judge", "july", "june", "just", "keep", "keys", "king", "lake", "lane",
    "last", "late", "law", "lead", "less", "lift", "line", "link", "list", "little", "load",
    "lock", "long", "loop", "love", "low", "lower", "main", "major", "many", "march", "mark",
    "marks", "mast", "master", "match", "message", "mill", "mills", "mist", "monday", "moon",
    "more", "name", "near", "new", "next", "noble", "north", "note", "null", "number", "offer",
    "open", "order", "orders", "pace", "page", "park", "parent", "part", "pass", "past", "patient",
    "peer", "person", "piece", "pike", "pipe", "place", "plain", "poll", "pool", "port", "porter",
    "post", "pound", "power", "price", "print", "probe", "proxy", "public", "purse", "quick",
    "race", "rank", "read", "reader", "ready", "real", "record", "reply", "rest", "retry", "rich",
    "ring", "river", "road", "root", "rose", "round", "route", "rule", "rush", "safe", "sale",
    "save", "seal", "search", "self", "send", "sender", "sent", "service", "session", "sharp",
    "shell", "shore", "short", "silver", "site", "small", "smart", "snow", "south", "space",
    "spring", "stack", "stage", "start", "state", "steel", "step", "still", "stock", "stone",
    "stop", "store", "storm", "street", "strong", "stub", "summer", "sunday", "swift", "table",
    "tail", "task", "test", "thread", "time", "times", "title", "topic", "total", "town", "track",
    "trace", "true", "trust", "turn", "type", "unit", "upper", "user", "vale", "view", "visit",
    "wait", "walk", "wall", "ward", "warn", "waste", "water", "watch", "way", "week", "weeks",
    "well", "wells", "west", "white", "will", "winter", "wise", "wolf", "wood", "word", "words",
    "work", "worker", "world", "worth", "write", "young",
];
