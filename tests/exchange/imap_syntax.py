"""IMAP commands as bytes and lists, sequence sets, and strings as they are sent. RFC 3501 9."""

import re
from dataclasses import dataclass

_token = re.compile(rb'\s+|([()])|"((?:[^"\\]|\\.)*)"|((?:[^\s()"\[]|\[[^\]]*\])+)')
_literal = re.compile(rb"\{(\d+)(\+?)\}$")
_escaped = re.compile(rb"\\(.)")


class BadCommand(Exception):
    pass


@dataclass(frozen=True)
class Command:
    tag: bytes
    name: str        # "SELECT", "UID FETCH"
    arguments: list  # bytes, and lists of them for what stands in parentheses


async def read_command(connection):
    """None for a line that is no command at all."""
    stack = [[]]
    while True:
        line = await connection.line()
        literal = _literal.search(line)
        _split(line[:literal.start()] if literal else line, stack)
        if not literal:
            break
        if not literal[2]:
            await connection.send(b"+ Ready for additional command text.\r\n")
        stack[-1].append(await connection.exactly(int(literal[1])))
    words = stack[0]
    if len(words) < 2 or len(stack) > 1 or not all(isinstance(word, bytes) for word in words[:2]):
        return None
    tag, name, arguments = words[0], words[1].decode("latin-1").upper(), words[2:]
    if name == "UID" and arguments:
        name, arguments = f"UID {arguments[0].decode('latin-1').upper()}", arguments[1:]
    return Command(tag, name, arguments)


def _split(line, stack):
    at = 0
    while at < len(line):
        found = _token.match(line, at)
        if not found:
            raise BadCommand
        at = found.end()
        if found[1] == b"(":
            stack.append([])
        elif found[1] == b")":
            if len(stack) == 1:
                raise BadCommand
            inner = stack.pop()
            stack[-1].append(inner)
        elif found[2] is not None:
            stack[-1].append(_escaped.sub(rb"\1", found[2]))
        elif found[3] is not None:
            stack[-1].append(found[3])


def in_set(text, number, last):
    """RFC 3501 sequence-set; * is the last one, which any range up to it contains."""
    for part in text.decode("ascii").split(","):
        first, _, end = part.partition(":")
        low, high = (last if one == "*" else int(one) for one in (first, end or first))
        if min(low, high) <= number <= max(low, high):
            return True
    return False


def quoted(text):
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", text.encode("utf-8")) + b'"'


def literal(content):
    return b"{%d}\r\n" % len(content) + content
