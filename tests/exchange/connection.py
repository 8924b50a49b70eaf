"""One connection to the stand-in: lines and blocks in, bytes out, TLS on top when asked, and a record of all of it."""

import asyncio
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field

from .faults import Gone

_read_size = 1 << 16
_most_recorded = 64 << 20  # of one connection: an endless reply is not kept for ever


@dataclass(frozen=True)
class Entry:
    time: float
    side: str  # "client", "server", or "event" for what happened to the connection itself
    data: bytes


@dataclass
class Record:
    """What went over one connection, as the application sees it: the text inside TLS, not the records."""

    service: str
    peer_port: int
    entries: list = field(default_factory=list)
    tls: str = ""          # the version, once there was a handshake
    server_name: str = ""  # SNI
    handshake_error: str = ""
    resumed: bool = False
    closed: bool = False
    recorded: int = 0

    def note(self, side, data):
        self.recorded += len(data)
        if self.recorded <= _most_recorded:
            self.entries.append(Entry(time.monotonic(), side, bytes(data)))

    @property
    def received(self):
        return b"".join(entry.data for entry in self.entries if entry.side == "client")

    @property
    def sent(self):
        return b"".join(entry.data for entry in self.entries if entry.side == "server")

    @property
    def received_before_tls(self):
        clear = []
        for entry in self.entries:
            if entry.side == "event" and entry.data.startswith(b"TLS"):
                return b"".join(clear)
            if entry.side == "client":
                clear.append(entry.data)
        return b"".join(clear)

    @property
    def commands(self):
        """Every line received, a message's own lines too."""
        return self.received.decode("latin-1").split("\r\n")[:-1]


class Connection:
    def __init__(self, reader, writer, service):
        self._reader, self._writer = reader, writer
        self._buffer = bytearray()
        self.record = Record(service, writer.get_extra_info("peername")[1])
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def is_tls(self):
        return bool(self.record.tls)

    async def _more(self):
        try:
            data = await self._reader.read(_read_size)
        except (OSError, ssl.SSLError) as error:
            raise Gone from error
        if not data:
            raise Gone
        self.record.note("client", data)
        self._buffer += data

    async def line(self, limit=1 << 16):
        """Without its end, which is CRLF or a bare LF. A longer line than the limit ends the connection."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            if len(self._buffer) > limit:
                raise Gone
            searched = len(self._buffer)
            await self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[:end + 1]
        return line.removesuffix(b"\r")

    async def exactly(self, count):
        while len(self._buffer) < count:
            await self._more()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def until(self, end):
        """Everything up to and without end, which is taken too."""
        searched = 0
        while (at := self._buffer.find(end, searched)) < 0:
            searched = max(0, len(self._buffer) - len(end) + 1)
            await self._more()
        taken = bytes(self._buffer[:at])
        del self._buffer[:at + len(end)]
        return taken

    async def message(self):
        """What follows DATA, dots unstuffed. RFC 5321 4.5.2: only CRLF.CRLF ends it."""
        while len(self._buffer) < 3:
            await self._more()
        if self._buffer.startswith(b".\r\n"):
            del self._buffer[:3]
            return b""
        text = b"\r\n" + await self.until(b"\r\n.\r\n") + b"\r\n"
        return text.replace(b"\r\n.", b"\r\n")[2:]

    async def send(self, data):
        if self._writer.transport.is_closing():
            raise Gone
        self.record.note("server", data)
        try:
            self._writer.write(data)
            await self._writer.drain()
            await asyncio.sleep(0)  # drain() need not: an endless reply would keep the loop for itself
        except (OSError, ssl.SSLError) as error:
            raise Gone from error

    def send_now(self, data):
        """For timers, which cannot wait."""
        self.record.note("server", data)
        self._writer.write(data)

    def end(self):
        """For timers: what was sent goes out, then the connection closes; readers hear that it is gone."""
        self._writer.close()

    async def start_tls(self, context, go_ahead=b""):
        """The go-ahead leaves while reading is paused, so that no byte of the handshake is taken for text."""
        self._writer.transport.pause_reading()
        if go_ahead:
            self.record.note("server", go_ahead)
            self._writer.write(go_ahead)
        self._buffer.clear()
        try:
            await self._writer.start_tls(context, ssl_handshake_timeout=20)
        except (OSError, ssl.SSLError, ConnectionError) as error:
            self.record.handshake_error = str(error) or type(error).__name__
            self.record.note("event", b"TLS refused: " + self.record.handshake_error.encode())
            raise Gone from error
        inside = self._writer.get_extra_info("ssl_object")
        self.record.tls = inside.version()
        self.record.server_name = getattr(inside, "asked_for", None) or ""
        self.record.resumed = inside.session_reused
        self.record.note("event", b"TLS " + self.record.tls.encode())

    async def read_until_closed(self):
        try:
            while True:
                await self._more()
                self._buffer.clear()
        except Gone:
            pass

    async def half_close(self):
        if not self.is_tls:
            self._writer.write_eof()
            return
        # A TLS transport has no half-close: shut the socket's own sending side, as a broken server would.
        await self._writer.drain()
        self._writer.get_extra_info("socket").shutdown(socket.SHUT_WR)

    def reset(self):
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self):
        self.record.closed = True
        try:
            self._writer.close()
            await asyncio.wait_for(self._writer.wait_closed(), 1)
        except (OSError, ssl.SSLError, asyncio.TimeoutError):
            self._writer.transport.abort()
