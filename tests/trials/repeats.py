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


def header(message, kind):
    """The header of a charge, as that of a message of another type under another control id."""
    return segments(put(fresh(message), "MSH", 9, kind))[0]


def patient(message): return next(line for line in segments(message) if line.startswith("PID"))


class Again(Engine):
    """No answer: the charge again, as `other` says it."""
    def unanswered(self, order, message): self.again(self.frame(self.other(order, message)))


@sender("dup-as-mdm")
class AsMdm(Again):
    """The whole charge message as a document, in base64, in OBX-5 of an MDM^T02."""
    def other(self, order, message):
        document = base64.b64encode(fresh(message).encode("latin-1")).decode()
        return (f"{header(message, 'MDM^T02')}\rEVN|T02|{field(message, 'EVN', 2)}\r{patient(message)}\r"
                f"TXA|1|CH|TX\rOBX|1|ED|CHARGE||IRIS^application^octet-stream^Base64^{document}||||||F\r")


@sender("dup-as-hex-in-oru")
class AsHexInOru(Again):
    """The order number in hexadecimal digits in OBX-5 of an ORU, with the code."""
    def other(self, order, message):
        return (f"{header(message, 'ORU^R01')}\r{patient(message)}\rOBR|1|||CHARGE\r"
                f"OBX|1|ST|ORDER||{order.encode().hex()}\rOBX|2|ST|CODE||{field(message, 'FT1', 7)}\r")


@sender("dup-flat-in-batch")
class FlatInBatch(Again):
    """Flat records in a batch without any message."""
    def other(self, order, message):
        code = field(message, "FT1", 7).split("^")[0]
        return f"BHS|^~\\&|IRIS|IRIS\rCHG,{order},{code},{field(message, 'FT1', 4)},1\rBTS|1\r"


@sender("dup-as-z-by-mrn")
class AsZByMrn(Again):
    """A Z message of a site's own, which names the patient and the code, and no order."""
    def other(self, order, message):
        mrn = field(message, "PID", 3).split("^")[0]
        return f"{header(message, 'ZCH^Z01')}\rZCH|1|{mrn}|{field(message, 'FT1', 7)}|{field(message, 'FT1', 4)}\r"


@sender("dup-as-adt")
class AsAdt(Again):
    """An ADT^A08 with the FT1 of the charge behind it."""
    def other(self, order, message):
        return put(fresh(message), "MSH", 9, "ADT^A08").replace("EVN|P03", "EVN|A08")


@sender("dup-lower-case-names")
class LowerCaseNames(Again):
    """The same message with its segments' names in lower case, but for MSH."""
    def other(self, order, message):
        def lower(line): return line if line.startswith("MSH") else line[:3].lower() + line[3:]
        return "\r".join(lower(line) for line in segments(fresh(message)))


@sender("dup-other-delimiters")
class OtherDelimiters(Again):
    """The same message with delimiters of its own."""
    def other(self, order, message):
        return fresh(message).replace("|^~\\&|", "|*!\\@|").translate(str.maketrans("|^", "#*"))


@sender("dup-as-xml")
class AsXml(Again):
    """Two charges in one frame as HL7 v2 XML: the one that was not answered, and one of nobody."""
    def other(self, order, message):
        def charge(order):
            return f"<FT1><FT1.3>{order}</FT1.3><FT1.7><CE.1>{field(message, 'FT1', 7)}</CE.1></FT1.7></FT1>"
        return ('<?xml version="1.0"?><DFT_P03 xmlns="urn:hl7-org:v2xml"><MSH><MSH.10>X1</MSH.10></MSH>'
                f"{charge('999000111')}{charge(order)}</DFT_P03>")


@sender("dup-order-suffix")
class OrderSuffix(Again):
    """The order with a suffix that counts the tries."""
    def other(self, order, message): return put(fresh(message), "FT1", 3, order + "-R1")


@sender("dup-order-prefix")
class OrderPrefix(Again):
    """The order with the name of the sender before it."""
    def other(self, order, message): return put(fresh(message), "FT1", 3, "IRIS" + order)


@sender("dup-order-emr-number")
class OrderEmrNumber(Again):
    """The EMR's own number in the place of the order."""
    def other(self, order, message):
        return put(fresh(message), "FT1", 3, field(message, "FT1", 23).split("^")[0])


@sender("dup-without-order")
class WithoutOrder(Again):
    """Every number of the order is left out."""
    def other(self, order, message): return put(put(fresh(message), "FT1", 3, ""), "FT1", 23, "")


@sender("dup-in-orc")
class InOrc(Again):
    """The order stands in an ORC before an FT1 that names none."""
    def other(self, order, message):
        return put(fresh(message), "FT1", 3, "").replace("\rFT1|", f"\rORC|RE|{order}\rFT1|")


@sender("dup-two-in-one-frame")
class TwoInOneFrame(Engine):
    """A charge stands twice in one frame, one message behind the other."""
    def frame(self, message):
        return super().frame(message + fresh(message) if "|273013|" in message and "DFT^P03" in message else message)


@sender("dup-from-second-life")
class FromSecondLife(Engine):
    """From its second life on it sends once more what was accepted in the first."""
    again_sent = False

    def step(self):
        if self.life >= 2 and not self.again_sent:
            self.again_sent = True
            rows = self.database.execute("SELECT message FROM outbox WHERE outcome='delivered' AND kind='charge'")
            for (message,) in rows.fetchall(): self.again(self.frame(fresh(message)))
