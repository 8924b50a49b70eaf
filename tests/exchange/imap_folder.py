"""A folder as one IMAP session sees it: its numbers change only when the session is told."""

import asyncio
import re

from .imap_syntax import BadCommand, in_set, literal

_flags = rb"\Seen \Answered \Flagged \Deleted \Draft"
_section = re.compile(r"(BODY|BODY\.PEEK)\[([^\]]*)\](?:<(\d+)\.(\d+)>)?", re.IGNORECASE)
_header_fields = re.compile(r"HEADER\.FIELDS(\.NOT)? \((.*)\)", re.IGNORECASE)
_whole = {"RFC822": "", "RFC822.HEADER": "HEADER", "RFC822.TEXT": "TEXT"}
_flag_searches = {"SEEN": r"\Seen", "ANSWERED": r"\Answered", "FLAGGED": r"\Flagged", "DELETED": r"\Deleted",
                  "DRAFT": r"\Draft"}


class SelectedFolder:
    def __init__(self, connection, mailbox, folder, read_only):
        self.connection, self.mailbox, self.folder, self.read_only = connection, mailbox, folder, read_only
        self.messages = list(folder.messages)
        self.changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._watcher = lambda: loop.call_soon_threadsafe(self.changed.set)
        folder.watchers.add(self._watcher)

    def leave(self):
        self.folder.watchers.discard(self._watcher)

    async def _send(self, line):
        await self.connection.send(line + b"\r\n")

    async def describe(self):
        unseen = next((at for at, one in enumerate(self.messages, 1) if r"\Seen" not in one.flags), None)
        await self._send(b"* %d EXISTS\r\n* 0 RECENT\r\n* FLAGS (%s $MDNSent)" % (len(self.messages), _flags))
        await self._send(b"* OK [PERMANENTFLAGS (%s $MDNSent)] Permanent flags" % (b"" if self.read_only else _flags))
        if unseen:
            await self._send(b"* OK [UNSEEN %d] Is the first unseen message" % unseen)
        await self._send(b"* OK [UIDVALIDITY %d] UIDVALIDITY value" % self.folder.uid_validity)
        await self._send(b"* OK [UIDNEXT %d] The next unique identifier value" % self.folder.uid_next)

    async def announce_changes(self):
        self.changed.clear()
        now = self.folder.messages
        kept = set(now)
        for at in range(len(self.messages), 0, -1):
            if self.messages[at - 1] not in kept:
                await self._send(b"* %d EXPUNGE" % at)
                del self.messages[at - 1]
        if len(now) > len(self.messages):
            self.messages = list(now)
            await self._send(b"* %d EXISTS" % len(now))

    async def does(self, name, arguments):
        """Whether the command is one of a selected folder."""
        by_uid = name.startswith("UID ")
        handler = getattr(self, f"_do_{name.removeprefix('UID ').lower()}", None)
        if not handler:
            return False
        await handler(by_uid, *arguments)
        return True

    def _chosen(self, by_uid, text):
        last = (self.messages[-1].uid if by_uid else len(self.messages)) if self.messages else 0
        return [(at, one) for at, one in enumerate(self.messages, 1) if in_set(text, one.uid if by_uid else at, last)]

    async def _do_check(self, by_uid):
        pass

    async def _do_expunge(self, by_uid, uids=b"1:*"):
        chosen = self._chosen(True, uids) if by_uid else enumerate(self.messages, 1)
        if not self.read_only:
            self.folder.remove([one for _, one in chosen if r"\Deleted" in one.flags])
        await self.announce_changes()

    async def _do_store(self, by_uid, numbers, action, *flags):
        flags = flags[0] if len(flags) == 1 and isinstance(flags[0], list) else flags
        given = {_system_flag(flag.decode("ascii")) for flag in flags}
        action = action.decode("ascii").upper()
        for at, message in self._chosen(by_uid, numbers):
            if action.startswith("+"):
                message.flags |= given
            elif action.startswith("-"):
                message.flags -= given
            else:
                message.flags = set(given)
            if not action.endswith(".SILENT"):
                uid = f"UID {message.uid} " if by_uid else ""
                await self._send(f"* {at} FETCH ({uid}FLAGS ({' '.join(sorted(message.flags))}))".encode())

    async def _do_copy(self, by_uid, numbers, name):
        target = self.mailbox.folder(name.decode("utf-8"))
        if not target:
            raise BadCommand
        for _, message in self._chosen(by_uid, numbers):
            target.add(message.content, message.flags, message.received)

    async def _do_move(self, by_uid, numbers, name):
        chosen = [one for _, one in self._chosen(by_uid, numbers)]
        await self._do_copy(by_uid, numbers, name)
        self.folder.remove(chosen)
        await self.announce_changes()

    # SEARCH

    async def _do_search(self, by_uid, *keys):
        keys = list(keys)
        if keys and keys[0].upper() == b"CHARSET":
            keys = keys[2:]
        tests = []
        while keys:
            tests.append(self._search_test(keys))
        found = [one.uid if by_uid else at for at, one in enumerate(self.messages, 1)
                 if all(test(at, one) for test in tests)]
        await self._send(" ".join(["* SEARCH", *map(str, found)]).encode())

    def _search_test(self, keys):
        """Takes one search key off the list and returns its predicate."""
        key = keys.pop(0)
        if isinstance(key, list):
            tests = []
            while key:
                tests.append(self._search_test(key))
            return lambda at, one: all(test(at, one) for test in tests)
        word = key.decode("ascii").upper()
        last_uid = self.messages[-1].uid if self.messages else 0
        if word in ("ALL", "OLD"):
            return lambda at, one: True
        if word in ("RECENT", "NEW"):
            return lambda at, one: False
        if word in _flag_searches or word.removeprefix("UN") in _flag_searches:
            flag, wanted = _flag_searches[word.removeprefix("UN")], not word.startswith("UN")
            return lambda at, one: (flag in one.flags) is wanted
        if word == "NOT":
            inner = self._search_test(keys)
            return lambda at, one: not inner(at, one)
        if word == "OR":
            first, second = self._search_test(keys), self._search_test(keys)
            return lambda at, one: first(at, one) or second(at, one)
        if word == "UID":
            numbers = keys.pop(0)
            return lambda at, one: in_set(numbers, one.uid, last_uid)
        if word in ("LARGER", "SMALLER"):
            size, sign = int(keys.pop(0)), 1 if word == "LARGER" else -1
            return lambda at, one: sign * len(one.content) > sign * size
        if word in ("SUBJECT", "FROM", "TO", "CC", "HEADER"):
            field = keys.pop(0).decode("ascii").upper() if word == "HEADER" else word
            wanted = keys.pop(0).lower()
            return lambda at, one: any(line.partition(b":")[0].decode("latin-1").upper() == field
                                       and wanted in line.lower() for line in _header_lines(one.content))
        if word in ("TEXT", "BODY"):
            wanted = keys.pop(0).lower()
            return lambda at, one: wanted in one.content.lower()
        return lambda at, one: in_set(key, at, len(self.messages))

    # FETCH

    async def _do_fetch(self, by_uid, numbers, *items):
        if len(items) == 1 and isinstance(items[0], list):
            items = items[0]
        names = [item.decode("latin-1") for item in items]
        if [name.upper() for name in names] == ["FAST"]:
            names = ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]
        if by_uid and "UID" not in (name.upper() for name in names):
            names.append("UID")
        for at, message in self._chosen(by_uid, numbers):
            parts = [self._fetched(message, name) for name in names]
            if any(_marks_seen(name) for name in names) and r"\Seen" not in message.flags and not self.read_only:
                message.flags.add(r"\Seen")
                if "FLAGS" not in (name.upper() for name in names):
                    parts.append(self._fetched(message, "FLAGS"))
            await self._send(b"* %d FETCH (" % at + b" ".join(parts) + b")")

    def _fetched(self, message, item):
        word = item.upper()
        if word == "FLAGS":
            return f"FLAGS ({' '.join(sorted(message.flags))})".encode()
        if word == "UID":
            return b"UID %d" % message.uid
        if word == "RFC822.SIZE":
            return b"RFC822.SIZE %d" % len(message.content)
        if word == "INTERNALDATE":
            return message.received.strftime('INTERNALDATE "%d-%b-%Y %H:%M:%S %z"').encode()
        if word in _whole:
            return word.encode() + b" " + literal(_part(message.content, _whole[word]))
        section = _section.fullmatch(item)
        if not section:
            raise BadCommand
        content = _part(message.content, section[2])
        name = f"BODY[{section[2]}]"
        if section[3]:
            start = int(section[3])
            content, name = content[start:start + int(section[4])], f"{name}<{start}>"
        return name.encode("latin-1") + b" " + literal(content)


def _system_flag(flag):
    """As RFC 3501 2.3.2 writes it; keywords stay as they are."""
    return "\\" + flag[1:].capitalize() if flag.startswith("\\") else flag


def _marks_seen(item):
    word = item.upper()
    return word in ("RFC822", "RFC822.TEXT") or word.startswith("BODY[")


def _part(content, section):
    """The whole, HEADER, TEXT, HEADER.FIELDS (..); 1 is the text of a message that has no parts."""
    head, gap, body = content.partition(b"\r\n\r\n")
    fields = _header_fields.fullmatch(section)
    if not section:
        return content
    if section.upper() in ("TEXT", "1"):
        return body
    if section.upper() == "HEADER":
        return head + gap
    if not fields:
        raise BadCommand
    wanted, without = {name.strip('"').upper() for name in fields[2].split()}, bool(fields[1])
    lines = [line for line in _header_lines(content)
             if (line.partition(b":")[0].decode("latin-1").upper() in wanted) is not without]
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def _header_lines(content):
    """Each with its continuation lines."""
    return re.split(rb"\r\n(?![ \t])", content.partition(b"\r\n\r\n")[0])
