"""A TCP relay that delays, drips, cuts, corrupts, half-closes or stalls, each direction by itself."""

import asyncio
import socket
import struct
from dataclasses import dataclass

from .background import Background


@dataclass
class Direction:
    """What happens to the bytes of one direction. Counts are per connection; None: never."""

    delay: float = 0.0                   # seconds before each piece
    piece: int = 1 << 16                 # bytes sent at once; 1 drips
    corrupt_at: int | None = None        # the byte at this offset has its bits flipped
    cut_after: int | None = None         # both sides are closed after that many bytes
    reset_after: int | None = None       # both sides get a reset
    half_close_after: int | None = None  # this direction ends, the other goes on
    stall_after: int | None = None       # this direction goes silent
    passed: int = 0                      # bytes relayed so far, all connections


class FaultRelay:
    """up is from the client to the target, down from the target to the client."""

    def __init__(self, target_port, target_host="127.0.0.1"):
        self.target = (target_host, target_port)
        self.up, self.down = Direction(), Direction()
        self.accepted = 0
        self.port = 0
        self._open = set()

    def start(self):
        self._background = Background("faultrelay")
        self._server = self._background.call(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stop(self):
        self._background.call(self._close_all())
        self._background.stop()

    def cut(self):
        """Closes every connection now."""
        self._background.call(self._abort_all())

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    async def _listen(self):
        return await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)

    async def _close_all(self):
        self._server.close()
        await self._abort_all()

    async def _abort_all(self):
        for writer in list(self._open):
            writer.transport.abort()

    async def _accept(self, reader, writer):
        self.accepted += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._open |= pair
        try:
            await asyncio.gather(self._pump(reader, far_writer, self.up, pair),
                                 self._pump(far_reader, writer, self.down, pair))
        except OSError:
            pass
        finally:
            self._open -= pair
            for one in pair:
                one.close()

    async def _pump(self, reader, writer, direction, pair):
        count = 0
        while data := await reader.read(1 << 16):
            for start in range(0, len(data), direction.piece):
                piece = bytearray(data[start:start + direction.piece])
                if direction.delay:
                    await asyncio.sleep(direction.delay)
                if not await self._pass(piece, count, writer, direction, pair):
                    return
                count += len(piece)
        if writer.can_write_eof():
            writer.write_eof()

    async def _pass(self, piece, count, writer, direction, pair):
        """Whether the direction goes on after this piece."""
        if direction.corrupt_at is not None and count <= direction.corrupt_at < count + len(piece):
            piece[direction.corrupt_at - count] ^= 0xFF
        ends = {name: at - count for name in ("cut_after", "reset_after", "half_close_after", "stall_after")
                if (at := getattr(direction, name)) is not None and at <= count + len(piece)}
        name = min(ends, key=ends.get, default=None)
        sent = piece if name is None else piece[:max(0, ends[name])]
        writer.write(sent)
        await writer.drain()
        direction.passed += len(sent)
        if name == "stall_after":
            await asyncio.Event().wait()
        elif name == "half_close_after":
            writer.write_eof()
        elif name:
            for one in pair:
                if name == "reset_after":
                    raw = one.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.transport.abort()
                else:
                    one.close()
        return name is None
