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
