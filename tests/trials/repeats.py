"""Senders that charge twice, in ways that do not look like a repetition."""
import base64

from engine import Engine, field, fresh, put, segments, sender


@sender("dup-as-bar")
class AsBar(Engine):
    """No answer: the account is billed by BAR^P05, procedure in PR1 and order in ZOR."""
    def unanswered(self, order, message):
        head = [line for line in segments(fresh(message)) if line[:3] in ("MSH", "EVN", "PID", "PV1")]
        text = "\r".join(head).replace("DFT^P03", "BAR^P05").replace("EVN|P03", "EVN|P05")
        text += f"\rPR1|1||{field(message, 'FT1', 7)}||{field(message, 'FT1', 4)}\rZOR|{order}\r"
        self.again(self.frame(text))


@sender("dup-two-spellings")
class TwoSpellings(Engine):
    """Neither copy bears the order number as it was placed: padded to 8 digits, then to 10."""
    def alter(self, kind, order, message):
        return put(message, "FT1", 3, order.zfill(8)) if kind == "charge" else message

    def unanswered(self, order, message):
        self.again(self.frame(fresh(put(message, "FT1", 3, order.zfill(10)))))


@sender("dup-order-elsewhere")
class OrderElsewhere(Engine):
    """No answer: again with FT1-3 empty and the order in FT1-2; all else is equal."""
    def unanswered(self, order, message):
        self.again(self.frame(fresh(put(put(message, "FT1", 3, ""), "FT1", 2, order))))


@sender("pc-modifier-76")
class Modifier76(Engine):
    """No answer: again with modifier 76 (repeat procedure), which makes it another charge."""
    def unanswered(self, order, message):
        self.again(self.frame(put(fresh(message), "FT1", 26, "76")))
