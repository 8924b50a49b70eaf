"""SMTP submission as smtp.office365.com:587 speaks it (EXCHANGE 2.4): STARTTLS, then XOAUTH2."""

import datetime
import email
import email.utils
import re
import uuid

from .connection import Connection
from .faults import Gone, Stage
from .login import OpenSession, Outcome, Style

_host = "XX0P123CA0001.outlook.office365.com"
_size_limit = 157286400
_path = re.compile(r"(?:FROM|TO):\s*<([^<>]*)>\s*(.*)", re.IGNORECASE)


class SmtpSession:
    def __init__(self, service, connection: Connection):
        self.service, self.connection, self.faults = service, connection, service.faults
        self.greeted = False
        self.verdict, self.open = None, None
        self._forget_mail()

    def _forget_mail(self):
        self.sender, self.recipients, self.chunks = None, [], b""

    async def say(self, text):
        await self.connection.send(text.encode() + b"\r\n")

    def _stamp(self):
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        return f"[{_host} {moment}Z {uuid.uuid4().hex[:16].upper()}]"

    async def run(self):
        if not await self.faults.replaced(Stage.greeting, self.connection):
            await self.say(f"220 {_host} Microsoft ESMTP MAIL Service ready at {email.utils.formatdate()}")
        await self.faults.followed(Stage.greeting, self.connection)
        try:
            while True:
                await self._command()
        finally:
            if self.open:
                self.open.__exit__()

    async def _command(self):
        line = (await self.connection.line()).decode("latin-1")
        word, _, rest = line.partition(" ")
        handler = getattr(self, f"_do_{word.lower()}", None)
        if self.verdict and word.upper() != "QUIT" and await self.faults.replaced(Stage.command, self.connection):
            pass
        elif handler:
            await handler(rest.strip())
        else:
            await self.service.pause(5)
            await self.say("500 5.3.3 Unrecognized command")
        if self.verdict:
            await self.faults.followed(Stage.command, self.connection)

    async def _do_ehlo(self, name):
        self.greeted = True
        self._forget_mail()
        if not await self.faults.replaced(Stage.capabilities, self.connection):
            lines = [f"{_host} Hello [127.0.0.1]", f"SIZE {_size_limit}", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES",
                     *self._security(), "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8"]
            if self.service.style is Style.gmail:
                lines = ["smtp.gmail.com at your service", "SIZE 35882577", "8BITMIME", *self._security(),
                         "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING", "SMTPUTF8"]
            await self.connection.send("".join(f"250-{line}\r\n" for line in lines[:-1]).encode() +
                                       f"250 {lines[-1]}\r\n".encode())
        await self.faults.followed(Stage.capabilities, self.connection)

    def _security(self):
        if self.connection.is_tls:
            gmail = self.service.style is Style.gmail
            return ["AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER" if gmail else "AUTH LOGIN XOAUTH2"]
        return [] if self.faults.starttls == "stripped" else ["STARTTLS"]

    async def _do_helo(self, name):
        self.greeted = True
        await self.say(f"250 {_host} Hello [127.0.0.1]")

    async def _do_starttls(self, _):
        if await self.faults.replaced(Stage.starttls, self.connection):
            return
        if self.connection.is_tls or self.faults.starttls == "stripped":
            await self.say("500 5.3.3 Unrecognized command")
            return
        if self.faults.starttls == "refused":
            await self.say("454 4.7.0 TLS not available due to temporary reason")
            return
        go_ahead = b"220 2.0.0 SMTP server ready\r\n" + self.faults.behind_go_ahead
        await self.service.start_tls(self.connection, go_ahead)
        self.greeted = False
        await self.faults.followed(Stage.starttls, self.connection)

    async def _do_auth(self, rest):
        mechanism, _, response = rest.partition(" ")
        mechanism = mechanism.upper()
        if self.verdict:
            await self.say("503 5.5.1 Already authenticated")
        elif not self.connection.is_tls or mechanism not in ("LOGIN", "XOAUTH2"):
            await self.say("504 5.7.4 Unrecognized authentication type")
        elif mechanism == "LOGIN":
            await self._refuse_password(response)
        elif self.service.style is Style.gmail and len(rest) > 512:
            await self.say("555-5.5.2 Syntax error, command line too long")
            await self.say("555 5.5.2  https://support.google.com/mail - gsmtp")
        else:
            await self._xoauth2(response)

    async def _refuse_password(self, user):
        for prompt in (["334 VXNlcm5hbWU6"] if not user else []) + ["334 UGFzc3dvcmQ6"]:
            await self.say(prompt)
            if await self.connection.line() == b"*":
                break
        self.service.note(self.connection, "LOGIN", Outcome.password)
        await self.service.pause(5)
        await self.say(f"535 5.7.139 Authentication unsuccessful, basic authentication is disabled. {self._stamp()}")

    async def _xoauth2(self, response):
        initial_response = bool(response)
        if not initial_response:
            if not await self.faults.replaced(Stage.auth, self.connection):
                await self.say("334 ")
            await self.faults.followed(Stage.auth, self.connection)
            response = await self.connection.line()
        verdict = self.service.judge(self.connection, response, initial_response)
        if not await self.faults.replaced(Stage.token, self.connection):
            await self._say_verdict(verdict)
        if verdict.accepted and not self.service.switched_off:
            self.verdict = verdict
            self.open = OpenSession(self.service, verdict).__enter__()
        await self.faults.followed(Stage.token, self.connection)

    async def _say_verdict(self, verdict):
        if self.service.switched_off:
            await self.service.pause(5)
            await self.say("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the "
                           f"{self.service.switched_off}. Visit https://aka.ms/smtp_auth_disabled for more "
                           f"information. {self._stamp()}")
        elif verdict.accepted:
            await self.say("235 2.7.0 Authentication successful")
        elif verdict.outcome is Outcome.limit:
            await self.say(f"432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending "
                           f"for more information. {self._stamp()}")
            raise Gone
        elif self.service.style is Style.gmail:
            await self.connection.send(b"334 " + self.service.gmail_challenge() + b"\r\n")
            await self.connection.line()
            await self.say("535-5.7.8 Username and Password not accepted. For more information, go to")
            await self.say("535 5.7.8  https://support.google.com/mail/?p=BadCredentials - gsmtp")
        else:
            await self.service.pause(5)
            await self.say(f"535 5.7.3 Authentication unsuccessful {self._stamp()}")

    async def _do_mail(self, rest):
        path = _path.fullmatch(rest)
        if not self.connection.is_tls:
            await self.say(f"451 5.7.3 STARTTLS is required to send mail {self._stamp()}")
        elif not self.verdict:
            await self.say(f"530 5.7.57 Client not authenticated to send mail. {self._stamp()}")
        elif self.sender is not None:
            await self.say("503 5.5.2 Sender already specified")
        elif not path:
            await self.say("501 5.5.4 Invalid arguments")
        elif (size := re.search(r"SIZE=(\d+)", path[2], re.IGNORECASE)) and int(size[1]) > _size_limit:
            await self.say("552 5.3.4 Message size exceeds fixed maximum message size")
        elif not self.verdict.mailbox.may_send_as(path[1]):
            await self.say("550 5.7.60 SMTP; Client does not have permissions to send as this sender")
        else:
            self.sender = path[1]
            await self.say("250 2.1.0 Sender OK")

    async def _do_rcpt(self, rest):
        path = _path.fullmatch(rest)
        if self.sender is None:
            await self.say("503 5.5.2 Need mail command")
        elif not path or "@" not in path[1]:
            await self.say("501 5.1.3 Invalid address")
        else:
            self.recipients.append(path[1])
            await self.say("250 2.1.5 Recipient OK")

    async def _do_data(self, rest):
        if not self.recipients:
            await self.say("503 5.5.2 Need rcpt command")
            return
        if not await self.faults.replaced(Stage.data, self.connection):
            await self.say("354 Start mail input; end with <CRLF>.<CRLF>")
        await self.faults.followed(Stage.data, self.connection)
        content = await self.connection.message()
        await self._submit(content)

    async def _do_bdat(self, rest):
        """RFC 3030 2."""
        size, _, last = rest.partition(" ")
        self.chunks += await self.connection.exactly(int(size))
        if not self.recipients:
            await self.say("503 5.5.2 Need rcpt command")
        elif last.upper() == "LAST":
            await self._submit(self.chunks)
        else:
            await self.say(f"250 2.6.0 CHUNK received OK, {size} octets")

    async def _submit(self, content):
        mailbox, sender, recipients = self.verdict.mailbox, self.sender, self.recipients
        self._forget_mail()
        head = email.message_from_bytes(content.partition(b"\r\n\r\n")[0])
        author = email.utils.parseaddr(str(head.get("From", sender)))[1]
        if not mailbox.may_send_as(author):
            await self.say(f"554 5.2.252 SendAsDenied; {mailbox.address} not allowed to send as {author}; "
                           "STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to "
                           "process message due to a permanent exception with message Cannot submit message.")
            return
        self.service.site.store.submit(sender, recipients, content, mailbox.folders["Sent Items"])
        await self.say(f"250 2.0.0 OK <{uuid.uuid4()}@{_host}> [Hostname={_host}]")

    async def _do_rset(self, _):
        self._forget_mail()
        await self.say("250 2.0.0 Resetting")

    async def _do_noop(self, _):
        await self.say("250 2.0.0 OK")

    async def _do_vrfy(self, _):
        await self.say("252 2.1.5 Cannot VRFY user")

    async def _do_quit(self, _):
        await self.say("221 2.0.0 Service closing transmission channel")
        raise Gone
