"""Senders whose messages say something else than was agreed."""
from engine import Engine, field, put, segments, sender


@sender("con-time-zeros")
class TimeZeros(Engine):
    """MSH-7, EVN-2 and FT1-5 are fourteen zeros (a clock that was never set)."""
    def alter(self, kind, order, message):
        if kind == "charge":
            for segment, number in (("MSH", 7), ("EVN", 2), ("FT1", 5)):
                message = put(message, segment, number, "0" * 14)
        return message


@sender("con-result-garbled")
class ResultGarbled(Engine):
    """Results say the opposite of what was graded, and name another patient."""
    def alter(self, kind, order, message):
        if kind == "result":
            message = put(put(message, "PID", 3, "WRONG999"), "OBX", 5, "None")
        return message


@sender("con-resend-altered")
class ResendAltered(Engine):
    """The message that an operator has sent once more has quantity 2 and another service date."""
    def due(self):
        def altered(message): return put(put(message, "FT1", 10, "2"), "FT1", 4, "20200101")
        return [(row, sent, altered(message) if sent else message, order, kind)
                for row, sent, message, order, kind in super().due()]


@sender("con-control-id-delimiters")
class ControlIdDelimiters(Engine):
    """MSH-10 holds component and repetition separators that are not escaped."""
    def alter(self, kind, order, message):
        if kind == "charge":
            message = put(message, "MSH", 10, "IRIS^" + field(message, "MSH", 10)[-6:] + "~1")
        return message


@sender("con-trailing-delimiters")
class TrailingDelimiters(Engine):
    """Every segment ends in three field separators."""
    def alter(self, kind, order, message): return message.replace("\r", "|||\r")


@sender("con-zone-in-msh-7")
class ZoneInMsh7(Engine):
    """MSH-7 tells its time zone, which nobody agreed on; EVN-2 and FT1-5 do not."""
    def alter(self, kind, order, message):
        return put(message, "MSH", 7, field(message, "MSH", 7) + "-0500")


@sender("g-html-all")
class HtmlAll(Engine):
    """Every text is HTML-escaped: ' becomes &#39;, < &lt;, > &gt;, and the quotation mark &quot;."""
    def alter(self, kind, order, message):
        def escaped(line):
            for letter, entity in (("'", "&#39;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
                line = line.replace(letter, entity)
            return line
        return "\r".join(line if line.startswith("MSH") else escaped(line) for line in segments(message))


class EveryTime(Engine):
    """The three stamps of a charge are what `stamp` makes of them."""
    def alter(self, kind, order, message):
        if kind == "charge":
            for segment, number in (("MSH", 7), ("EVN", 2), ("FT1", 5)):
                message = put(message, segment, number, self.stamp(field(message, segment, number)))
        return message


@sender("con-month-13")
class Month13(EveryTime):
    """The thirteenth month."""
    def stamp(self, time): return time[:4] + "13" + time[6:]


@sender("con-1970")
class Epoch(EveryTime):
    """A real time of long ago."""
    def stamp(self, time): return "19700101" + time[8:]


@sender("con-minutes-only")
class MinutesOnly(EveryTime):
    """No seconds, where fourteen digits were agreed on."""
    def stamp(self, time): return time[:12]


@sender("con-control-id-blanks")
class ControlIdBlanks(Engine):
    """MSH-10 is three blanks."""
    def alter(self, kind, order, message):
        return put(message, "MSH", 10, "   ") if kind == "charge" else message


@sender("con-last-altered")
class LastAltered(Engine):
    """From the third message on the quantity is 2."""
    def alter(self, kind, order, message):
        sent = self.database.execute("SELECT count(*) FROM outbox WHERE kind = 'charge'").fetchone()[0]
        return put(message, "FT1", 10, "2") if kind == "charge" and sent >= 2 else message


@sender("con-result-swapped")
class ResultSwapped(Engine):
    """The values of the first two OBX of a result have changed places."""
    def alter(self, kind, order, message):
        if kind != "result":
            return message
        lines = segments(message)
        places = [at for at, line in enumerate(lines) if line.startswith("OBX|")][:2]
        values = [lines[at].split("|") for at in places]
        if len(values) == 2:
            values[0][5], values[1][5] = values[1][5], values[0][5]
        for at, parts in zip(places, values):
            lines[at] = "|".join(parts)
        return "\r".join(lines)


@sender("g-composed")
class Composed(Engine):
    """Every letter with its accents becomes one character (NFC)."""
    def alter(self, kind, order, message):
        import unicodedata
        text = message.encode("latin-1").decode("utf-8", "surrogateescape")
        return unicodedata.normalize("NFC", text).encode("utf-8", "surrogateescape").decode("latin-1")


@sender("g-no-mark")
class NoMark(Engine):
    """A byte order mark inside a text is dropped."""
    def alter(self, kind, order, message): return message.replace("\xef\xbb\xbf", "")


@sender("g-three-bytes")
class ThreeBytes(Engine):
    """A character of four bytes becomes a question mark, as old databases have it."""
    def alter(self, kind, order, message):
        text = message.encode("latin-1").decode("utf-8", "surrogateescape")
        text = "".join(one if one < "\U00010000" else "?" for one in text)
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
