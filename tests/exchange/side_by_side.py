"""Two conversations in two columns: what the device and saslift said on the left, saslift and the provider on the
right. A line that saslift passed on stands once, across both. Secrets are masked."""

import base64
import textwrap
import urllib.parse
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    time: float
    side: str  # "C: ", "S: " or "-- "
    text: str

    def same_words(self, other):
        return (self.side, self.text) == (other.side, other.text)


def lines_of(entries):
    """A connection's record, cut into lines; each has the time of its last byte."""
    sides = {"client": "C: ", "server": "S: "}
    partial, lines = {"client": b"", "server": b""}, []
    for entry in entries:
        if entry.side == "event":
            lines.append(Line(entry.time, "-- ", entry.data.decode("latin-1")))
            continue
        *whole, partial[entry.side] = (partial[entry.side] + entry.data).split(b"\r\n")
        lines += [Line(entry.time, sides[entry.side], text.decode("utf-8", "replace")) for text in whole]
    return lines


class Mask:
    """Replaces secrets in every form they travel in by what they are."""

    def __init__(self):
        self._forms = {}

    def add(self, secret, name):
        self._forms[secret] = f"<{name}>"
        self._forms[urllib.parse.quote_plus(secret)] = f"<{name}>"
        self.add_encoded(secret, name)

    def add_encoded(self, text, name):
        """For what is no secret as it is, and yet part of what a device sends to log in."""
        self._forms[_base64(text)] = f"<{name}, base64>"

    def add_login(self, mailbox, token):
        self._forms[_base64(f"user={mailbox}\x01auth=Bearer {token}\x01\x01")] = (
            f"<base64 of: user={mailbox}^Aauth=Bearer TOKEN^A^A>")
        self.add(token, "token")

    def __call__(self, text):
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, self._forms[form])
        return text

    def misses_in(self, text):
        return any(form in text for form in self._forms)


def _base64(text):
    return base64.b64encode(text.encode()).decode()


def rows(left, right):
    """Pairs of lines in the order they were said; a line passed on makes one pair of both."""
    left, right = list(left), list(right)
    while left and right:
        if left[0].same_words(right[0]):
            yield left.pop(0), right.pop(0)
        elif left[0].time <= right[0].time:
            yield left.pop(0), None
        else:
            yield None, right.pop(0)
    yield from ((line, None) for line in left)
    yield from ((None, line) for line in right)


def table(heads, pairs, mask, width):
    """The whole table as text."""
    column = (width - 3) // 2

    def cells(line):
        if not line:
            return [""]
        return textwrap.wrap(line.side + mask(line.text), column, subsequent_indent="   ", drop_whitespace=False,
                             break_on_hyphens=False) or [line.side]

    def printed(left, right):
        height = max(len(left), len(right))
        padded = zip(left + [""] * (height - len(left)), right + [""] * (height - len(right)))
        return [f"{one:<{column}} | {other}".rstrip() for one, other in padded]

    lines = printed([heads[0]], [heads[1]]) + ["-" * column + "-+-" + "-" * column]
    for left, right in pairs:
        lines += printed(cells(left), cells(right))
    return "\n".join(lines)
