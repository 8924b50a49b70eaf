"""IMAP as outlook.office365.com:993 speaks it (EXCHANGE 2.2): from the greeting to the login, and folders.

What a selected folder answers is in imap_folder.
"""

import asyncio
import re

from .connection import Connection
from .faults import Gone, Stage
from .imap_folder import SelectedFolder
from .imap_syntax import BadCommand, quoted, read_command
from .login import OpenSession, Outcome, Style
from .store import Folder

_capabilities = b"AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
_after_login = b" CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE"
_before_tls = b"LOGINDISABLED STARTTLS UIDPLUS MOVE ID CHILDREN IDLE NAMESPACE LITERAL+"
_gmail = (b"IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR AUTH=XOAUTH2 AUTH=PLAIN "
          b"AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER")
_before_login = {"CAPABILITY", "NOOP", "LOGOUT", "ID", "STARTTLS", "LOGIN", "AUTHENTICATE"}
_special_use = {"Drafts": r"\Drafts", "Sent Items": r"\Sent", "Deleted Items": r"\Trash"}


class Refusal(Exception):
    """A tagged NO."""


class ImapSession:
    def __init__(self, service, connection: Connection):
        self.service, self.connection, self.faults = service, connection, service.faults
        self.verdict, self.open, self.selected = None, None, None
        self.tag = b"*"

    async def send(self, line):
        await self.connection.send(line + b"\r\n")

    async def answer(self, status, text):
        await self.send(b" ".join((self.tag, status.encode(), text.encode())))

    async def run(self):
        if not await self.faults.replaced(Stage.greeting, self.connection):
            gmail = self.service.style is Style.gmail
            await self.send(b"* OK Gimap ready for requests from 127.0.0.1 t1" if gmail else
                            b"* OK The Microsoft Exchange IMAP4 service is ready. ["
                            + self.service.site.banner_code.encode() + b"]")
        await self.faults.followed(Stage.greeting, self.connection)
        try:
            while True:
                await self._command()
        finally:
            self._leave_folder()
            if self.open:
                self.open.__exit__()

    async def _command(self):
        try:
            command = await read_command(self.connection)
        except BadCommand:
            command = None
        if not command:
            await self.send(b"* BAD Command Error. 10")
            return
        self.tag = command.tag
        logged_in = self.verdict is not None
        faulty = logged_in and command.name != "LOGOUT"
        if faulty and await self.faults.replaced(Stage.command, self.connection, self.tag):
            return
        if logged_in and command.name not in _before_login:
            await self._turn_away()
        try:
            await self._dispatch(command)
        except Refusal as refusal:
            await self.answer("NO", str(refusal))
        except (BadCommand, ValueError, TypeError, IndexError, AttributeError):
            await self.answer("BAD", "Command Argument Error. 11")
        if logged_in:
            await self.faults.followed(Stage.command, self.connection, self.tag)

    async def _turn_away(self):
        """What Exchange does to sessions that have logged in and yet may not go on."""
        if not self.verdict.connected:
            await self.answer("BAD", "User is authenticated but not connected.")
        elif self.service.throttled:
            await self.answer("BAD", "Request is throttled. Suggested Backoff Time: 89117 milliseconds")
        else:
            return
        await self.send(b"* BYE Connection closed. 14")
        raise Gone

    async def _dispatch(self, command):
        name, arguments = command.name, command.arguments
        if name in _before_login or (self.verdict and name in _authenticated):
            await getattr(self, f"_do_{name.lower()}")(*arguments)
        elif self.selected and await self.selected.does(name, arguments):
            await self.answer("OK", f"{name} completed.")
        else:
            await self.answer("BAD", "Command received in Invalid state." if self.verdict else "Command Error. 10")
            return
        if self.selected and name not in ("FETCH", "STORE", "SEARCH"):
            await self.selected.announce_changes()

    # Any state

    async def _do_capability(self):
        if not await self.faults.replaced(Stage.capabilities, self.connection, self.tag):
            await self.send(b"* CAPABILITY " + self._capability_list())
            await self.answer("OK", "CAPABILITY completed.")
        await self.faults.followed(Stage.capabilities, self.connection, self.tag)

    def _capability_list(self):
        if self.service.style is Style.gmail:
            return _gmail
        if self.connection.is_tls:
            return b"IMAP4 IMAP4rev1 " + _capabilities + (_after_login if self.verdict else b"")
        clear = _before_tls.replace(b"STARTTLS ", b"") if self.faults.starttls == "stripped" else _before_tls
        return b"IMAP4 IMAP4rev1 " + clear

    async def _do_noop(self):
        await self.answer("OK", "NOOP completed.")

    async def _do_id(self, _):
        await self.send(b'* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")')
        await self.answer("OK", "ID completed")

    async def _do_logout(self):
        await self.send(b"* BYE Microsoft Exchange Server IMAP4 server signing off.")
        await self.answer("OK", "LOGOUT completed.")
        raise Gone

    # Not authenticated

    async def _do_starttls(self):
        if await self.faults.replaced(Stage.starttls, self.connection, self.tag):
            return
        if self.connection.is_tls or self.faults.starttls == "stripped":
            raise BadCommand
        if self.faults.starttls == "refused":
            raise Refusal("STARTTLS is not available now.")
        go_ahead = self.tag + b" OK Begin TLS negotiation now.\r\n" + self.faults.behind_go_ahead
        await self.service.start_tls(self.connection, go_ahead, self.tag)
        await self.faults.followed(Stage.starttls, self.connection, self.tag)

    async def _do_login(self, *_):
        self.service.note(self.connection, "LOGIN", Outcome.password)
        await self.service.pause(2)
        await self.answer("NO", "Basic authentication is disabled.")
        await self.send(b"* BYE Microsoft Exchange Server IMAP4 server signing off.")
        raise Gone

    async def _do_authenticate(self, mechanism, *response):
        mechanism, initial_response = mechanism.decode("latin-1").upper(), bool(response)
        if self.verdict or not self.connection.is_tls or mechanism not in ("PLAIN", "XOAUTH2"):
            raise BadCommand
        if not initial_response:
            if not await self.faults.replaced(Stage.auth, self.connection, self.tag):
                await self.connection.send(b"+ \r\n")
            await self.faults.followed(Stage.auth, self.connection, self.tag)
            response = [await self.connection.line()]
        if response[0] == b"*":
            raise BadCommand
        if mechanism == "PLAIN":
            self.service.note(self.connection, "PLAIN", Outcome.password)
            await self.service.pause(2)
            raise Refusal("AUTHENTICATE failed.")
        verdict = self.service.judge(self.connection, response[0], initial_response)
        if verdict.accepted:
            await self.service.pause(1)
            self.verdict = verdict
            self.open = OpenSession(self.service, verdict, self._end_with_token).__enter__()
        if not await self.faults.replaced(Stage.token, self.connection, self.tag):
            await self._say_verdict(verdict)
        await self.faults.followed(Stage.token, self.connection, self.tag)

    async def _say_verdict(self, verdict):
        gmail = self.service.style is Style.gmail
        if verdict.accepted:
            if gmail:
                await self.send(b"* CAPABILITY " + _gmail)
            await self.answer("OK", "AUTHENTICATE completed.")
        elif gmail and verdict.outcome is not Outcome.malformed:
            await self.send(b"+ " + self.service.gmail_challenge())
            await self.connection.line()
            await self.answer("NO", "[AUTHENTICATIONFAILED] Invalid credentials (Failure)")
        elif gmail:
            await self.answer("BAD", "Invalid SASL argument")
        else:
            await self.service.pause(2)
            await self.answer("NO", "AUTHENTICATE failed.")

    def _end_with_token(self):
        self.connection.send_now(b"* BYE Session invalidated - AccessTokenExpired\r\n")
        self.connection.end()

    # Authenticated

    @property
    def _mailbox(self):
        return self.verdict.mailbox

    def _folder(self, name):
        folder = self._mailbox.folder(name.decode("utf-8"))
        if not folder:
            raise Refusal(f"{name.decode('utf-8')} doesn't exist.")
        return folder

    async def _do_namespace(self):
        await self.send(b'* NAMESPACE (("" "/")) NIL NIL')
        await self.answer("OK", "NAMESPACE completed.")

    async def _do_list(self, reference, pattern):
        await self._list_folders("LIST", reference, pattern)

    async def _do_lsub(self, reference, pattern):
        await self._list_folders("LSUB", reference, pattern)

    async def _list_folders(self, word, reference, pattern):
        head = b"* " + word.encode()
        if not pattern:
            await self.send(head + b' (\\Noselect \\HasChildren) "/" ""')
        expression = re.escape((reference + pattern).decode("utf-8")).replace(r"\*", ".*").replace("%", "[^/]*")
        for name in self._mailbox.folders:
            if re.fullmatch(expression, name, re.IGNORECASE):
                flags = " ".join([r"\HasNoChildren", _special_use.get(name, "")]).strip().encode()
                await self.send(head + b" (" + flags + b') "/" ' + quoted(name))
        await self.answer("OK", f"{word} completed.")

    async def _do_status(self, name, items):
        folder = self._folder(name)
        unseen = sum(r"\Seen" not in message.flags for message in folder.messages)
        values = {"MESSAGES": len(folder.messages), "RECENT": 0, "UNSEEN": unseen, "UIDNEXT": folder.uid_next,
                  "UIDVALIDITY": folder.uid_validity}
        asked = [item.decode("ascii").upper() for item in items]
        told = " ".join(f"{item} {values[item]}" for item in asked if item in values)
        await self.send(b"* STATUS " + quoted(folder.name) + f" ({told})".encode())
        await self.answer("OK", "STATUS completed.")

    async def _do_create(self, name):
        text = name.decode("utf-8").rstrip("/")
        if self._mailbox.folder(text):
            raise Refusal("Folder already exists.")
        self._mailbox.folders[text] = Folder(text)
        await self.answer("OK", "CREATE completed.")

    async def _do_delete(self, name):
        del self._mailbox.folders[self._folder(name).name]
        await self.answer("OK", "DELETE completed.")

    async def _do_subscribe(self, name):
        await self.answer("OK", "SUBSCRIBE completed.")

    async def _do_unsubscribe(self, name):
        await self.answer("OK", "UNSUBSCRIBE completed.")

    async def _do_select(self, name):
        await self._select(name, read_only=False)

    async def _do_examine(self, name):
        await self._select(name, read_only=True)

    async def _select(self, name, read_only):
        self._leave_folder()
        self.selected = SelectedFolder(self.connection, self._mailbox, self._folder(name), read_only)
        await self.selected.describe()
        await self.answer("OK", "[READ-ONLY] EXAMINE completed." if read_only else "[READ-WRITE] SELECT completed.")

    def _leave_folder(self):
        if self.selected:
            self.selected.leave()
            self.selected = None

    async def _do_close(self):
        if self.selected and not self.selected.read_only:
            self.selected.folder.remove([one for one in self.selected.messages if r"\Deleted" in one.flags])
        self._leave_folder()
        await self.answer("OK", "CLOSE completed.")

    async def _do_unselect(self):
        self._leave_folder()
        await self.answer("OK", "UNSELECT completed.")

    async def _do_append(self, name, *rest):
        flags = {flag.decode("ascii") for part in rest[:-1] if isinstance(part, list) for flag in part}
        try:
            folder = self._folder(name)
        except Refusal as refusal:
            raise Refusal(f"[TRYCREATE] {refusal}") from None
        message = folder.add(rest[-1], flags)
        await self.answer("OK", f"[APPENDUID {folder.uid_validity} {message.uid}] APPEND completed.")

    async def _do_idle(self):
        await self.send(b"+ IDLE accepted, awaiting DONE command.")
        done = asyncio.create_task(self.connection.line())
        try:
            while not done.done():
                if self.selected:
                    await self.selected.announce_changes()
                    changed = asyncio.create_task(self.selected.changed.wait())
                    await asyncio.wait({done, changed}, return_when=asyncio.FIRST_COMPLETED)
                    changed.cancel()
                else:
                    await asyncio.wait({done})
        finally:
            done.cancel()
        if done.result().upper() != b"DONE":
            raise BadCommand
        await self.answer("OK", "IDLE completed.")


_authenticated = {"NAMESPACE", "LIST", "LSUB", "STATUS", "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE", "SELECT",
                  "EXAMINE", "CLOSE", "UNSELECT", "APPEND", "IDLE"}
