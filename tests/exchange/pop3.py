"""POP3 as outlook.office365.com:995 speaks it (EXCHANGE 2.3)."""

import base64

from .connection import Connection
from .faults import Gone, Stage
from .login import OpenSession, Outcome, Style

_longest_line = 4096


class Pop3Session:
    def __init__(self, service, connection: Connection):
        self.service, self.connection, self.faults = service, connection, service.faults
        self.mailbox, self.messages, self.deleted = None, [], set()

    async def run(self):
        if not await self.faults.replaced(Stage.greeting, self.connection):
            await self.ok(f"The Microsoft Exchange POP3 service is ready. [{self.service.site.banner_code}]")
        await self.faults.followed(Stage.greeting, self.connection)
        verdict = await self._log_in()
        self.mailbox = verdict.mailbox
        self.messages = list(self.mailbox.inbox.messages)
        with OpenSession(self.service, verdict):
            while True:
                await self._command()

    async def ok(self, text=""):
        await self.connection.send(f"+OK {text}".rstrip().encode() + b"\r\n")

    async def error(self, text):
        await self.connection.send(f"-ERR {text}\r\n".encode())

    async def _next(self):
        line = await self.connection.line(1 << 16)
        word, _, rest = line.decode("latin-1").partition(" ")
        return word.upper(), rest, len(line)

    async def _log_in(self):
        while True:
            word, rest, length = await self._next()
            if length > _longest_line:
                await self._protocol_error()
            elif word == "CAPA":
                await self._capabilities()
            elif word == "QUIT":
                await self._quit()
            elif word == "USER":
                await self.ok()
            elif word == "PASS":
                self.service.note(self.connection, "PASS", Outcome.password)
                await self.service.pause(9)
                await self.error("Logon failure: unknown user name or bad password.")
            elif word == "AUTH":
                verdict = await self._authenticate(rest)
                if verdict and verdict.accepted:
                    return verdict
            else:
                await self._protocol_error()

    async def _capabilities(self):
        if not await self.faults.replaced(Stage.capabilities, self.connection):
            await self.connection.send(b"+OK\r\nTOP\r\nUIDL\r\nSASL PLAIN XOAUTH2\r\nUSER\r\n.\r\n")
        await self.faults.followed(Stage.capabilities, self.connection)

    async def _authenticate(self, words):
        mechanism, *response = words.split()[:2] or [""]
        if response:
            # Exchange: an initial response on the command line ends the connection.
            self.service.note(self.connection, mechanism, Outcome.malformed, initial_response=True)
            await self._protocol_error()
        if mechanism.upper() not in ("PLAIN", "XOAUTH2"):
            await self.error("Protocol error. 18")
            return None
        if not await self.faults.replaced(Stage.auth, self.connection):
            await self.connection.send(b"+ \r\n")
        await self.faults.followed(Stage.auth, self.connection)
        response = await self.connection.line()
        if response == b"*":
            await self.error("Authentication cancelled.")
            return None
        if len(response) > 2 * _longest_line:
            await self._protocol_error()
        if mechanism.upper() == "PLAIN":
            self.service.note(self.connection, "PLAIN", Outcome.password)
            await self.service.pause(9)
            await self.error("Authentication failure: unknown user name or bad password.")
            return None
        verdict = self.service.judge(self.connection, response)
        await self._say_verdict(verdict)
        return verdict

    async def _say_verdict(self, verdict):
        if not await self.faults.replaced(Stage.token, self.connection):
            if verdict.accepted:
                await self.ok("User successfully authenticated.")
            elif self.service.style is Style.gmail:
                await self.connection.send(b"+ " + self.service.gmail_challenge() + b"\r\n")
                await self.connection.line()
                await self.error("[AUTH] Username and password not accepted.")
            else:
                await self.service.pause(9)
                await self.error("Authentication failure: unknown user name or bad password.")
        await self.faults.followed(Stage.token, self.connection)

    async def _protocol_error(self):
        await self.error("Protocol error. Connection is closed. 10")
        raise Gone

    async def _quit(self):
        self.mailbox and self.mailbox.inbox.remove([self.messages[number - 1] for number in self.deleted])
        await self.ok("Microsoft Exchange Server POP3 server signing off.")
        raise Gone

    async def _command(self):
        word, rest, _ = await self._next()
        handler = getattr(self, f"_do_{word.lower()}", None)
        if word == "QUIT":
            await self._quit()
        elif await self.faults.replaced(Stage.command, self.connection):
            pass
        elif word == "CAPA":
            await self._capabilities()
        elif not handler:
            await self.error("Command is not valid in this state.")
        else:
            try:
                await handler(*(int(one) for one in rest.split()))
            except (TypeError, ValueError):
                await self.error("Protocol error. 15")
            except LookupError:
                await self.error("The specified message is out of range.")
        await self.faults.followed(Stage.command, self.connection)

    def _message(self, number):
        if not 1 <= number <= len(self.messages) or number in self.deleted:
            raise LookupError
        return self.messages[number - 1]

    def _listed(self, number):
        numbers = range(1, len(self.messages) + 1) if number is None else [number]
        return [(one, self._message(one)) for one in numbers if number is not None or one not in self.deleted]

    async def _send_lines(self, lines):
        await self.connection.send(b"".join(line + b"\r\n" for line in (*lines, b".")))

    async def _do_noop(self):
        await self.ok()

    async def _do_stat(self):
        left = self._listed(None)
        await self.ok(f"{len(left)} {sum(len(message.content) for _, message in left)}")

    async def _do_rset(self):
        self.deleted.clear()
        await self.ok()

    async def _do_list(self, number=None):
        await self._table(number, lambda message: len(message.content))

    async def _do_uidl(self, number=None):
        await self._table(number, lambda message: base64.b32encode(message.uid.to_bytes(5, "big")).decode())

    async def _table(self, number, value):
        listed = self._listed(number)
        if number is not None:
            await self.ok(f"{number} {value(listed[0][1])}")
            return
        await self.ok(f"{len(listed)} messages")
        await self._send_lines(f"{one} {value(message)}".encode() for one, message in listed)

    async def _do_dele(self, number):
        self._message(number)
        self.deleted.add(number)
        await self.ok()

    async def _do_retr(self, number):
        content = self._message(number).content
        await self.ok(f"{len(content)} octets")
        await self._send_text(content)

    async def _do_top(self, number, count):
        head, _, body = self._message(number).content.partition(b"\r\n\r\n")
        await self.ok()
        await self._send_text(head + b"\r\n\r\n" + b"".join(body.splitlines(keepends=True)[:count]))

    async def _send_text(self, content):
        """Dots stuffed. RFC 1939 3."""
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        await self.connection.send(stuffed + b".\r\n")
