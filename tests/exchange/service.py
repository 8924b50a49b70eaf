"""A listening port: accepts, does the handshake where TLS is implicit, runs one session per connection."""

import asyncio

from .connection import Connection
from .faults import Gone, MailFaults, Stage


class Service:
    """name is what the port is called outside; one session object is made for each connection."""

    def __init__(self, site, name, session, tls="implicit"):
        self.site, self.name, self.session, self.tls = site, name, session, tls
        self.faults = MailFaults()
        self.certificate = None  # another one than the site's
        self.port = site.wanted_ports.get(name, 0)
        self._contexts = {}
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._serve, self.site.address, self.port, limit=1 << 20, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        self._server.close()

    @property
    def records(self):
        """Of all connections to this port, oldest first."""
        return [record for record in list(self.site.connections) if record.service == self.name]

    def context(self):
        certificate = self.certificate or self.site.certificate
        if certificate not in self._contexts:
            context = certificate.server_context()
            context.sni_callback = _remember_name
            self._contexts[certificate] = context
        return self._contexts[certificate]

    async def start_tls(self, connection, go_ahead=b"", tag=b"*"):
        """The handshake, or what a fault puts in its place."""
        if self.faults.replaces(Stage.tls):
            await connection.send(go_ahead)
            await self.faults.replaced(Stage.tls, connection, tag)
            return
        await connection.start_tls(self.context(), go_ahead)
        await self.faults.followed(Stage.tls, connection, tag)

    async def _serve(self, reader, writer):
        connection = Connection(reader, writer, self.name)
        self.site.connections.append(connection.record)
        try:
            if self.tls == "implicit":
                await self.start_tls(connection)
            await self.session(self, connection).run()
        except Gone:
            pass
        finally:
            await connection.close()


def _remember_name(inside, name, context):
    inside.asked_for = name
