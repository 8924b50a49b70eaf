"""A TLS server whose every byte and record the test decides: one function serves each connection in a thread."""

import socket
import ssl
import struct
import threading

from servers.process import wait_until


class Gone(Exception):
    """The client has ended, or the test."""


class Connection:
    def __init__(self, raw, context):
        self.raw, self._context = raw, context
        self.received = b""         # inside TLS, where there is any
        self.client_ended = ""      # "close_notify" | "end" | "reset"
        self._unread = b""
        self._tls = None

    def start_tls(self):
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(self._in, self._out, server_side=True)
        while True:
            try:
                self._tls.do_handshake()
                return self._flush()
            except ssl.SSLWantReadError:
                self._flush()
                self._in.write(self._receive())

    def _receive(self):
        try:
            data = self.raw.recv(1 << 16)
        except OSError:
            self.client_ended = self.client_ended or "reset"
            raise Gone from None
        if not data:
            self.client_ended = self.client_ended or "end"
            raise Gone
        return data

    def _flush(self):
        if waiting := self._out.read():
            self.raw.sendall(waiting)

    def _more(self):
        """At least one more byte of text, or Gone."""
        if not self._tls:
            data = self._receive()
        else:
            while True:
                try:
                    data = self._tls.read(1 << 16)
                except ssl.SSLWantReadError:
                    self._in.write(self._receive())
                    continue
                except ssl.SSLZeroReturnError:
                    data = b""
                break
            if not data:
                self.client_ended = "close_notify"
                raise Gone
        self.received += data
        self._unread += data

    def line(self):
        while b"\n" not in self._unread:
            self._more()
        line, _, self._unread = self._unread.partition(b"\n")
        return line + b"\n"

    def rest(self):
        """Everything until the client ends."""
        try:
            while True:
                self._more()
        except Gone:
            rest, self._unread = self._unread, b""
            return rest

    def records(self, text):
        """Encrypted, not sent."""
        self._tls.write(text)
        return self._out.read()

    def send(self, text):
        self.raw.sendall(self.records(text) if self._tls else text)

    def close_notify(self):
        """Sent; what the client still says can be read."""
        try:
            self._tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLSyscallError):
            pass
        self._flush()

    def end(self):
        """FIN."""
        self.raw.shutdown(socket.SHUT_WR)

    def reset(self):
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.close()

    # As far as the yes to the login

    def log_in_imap(self):
        self.send(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\r\n")
        self.line()
        self.send(b"L OK done\r\n")

    def log_in_smtp(self):
        self.send(b"220 ready\r\n")
        self.line()
        self.send(b"250-here\r\n250 AUTH XOAUTH2\r\n")
        self.line()
        self.send(b"334 \r\n")
        self.line()
        self.send(b"235 2.7.0 done\r\n")


class ByHand:
    def __init__(self, certificate, serve, tls="implicit", highest=ssl.TLSVersion.TLSv1_3):
        self._serve, self._tls = serve, tls
        self._context = certificate.server_context()
        self._context.maximum_version = highest
        self._context.num_tickets = 0
        self.connections, self.failures, self._threads = [], [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept)

    def _accept(self):
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.settimeout(20)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(raw, self._context)
            self._threads.append(threading.Thread(target=self._run, args=(connection,)))
            self._threads[-1].start()

    def _run(self, connection):
        try:
            if self._tls == "implicit":
                connection.start_tls()
            self._serve(connection)
        except (Gone, ssl.SSLError, ConnectionError) as ended:
            self.failures.append(ended)
        finally:
            connection.raw.close()
            self.connections.append(connection)

    def wait_for_one(self):
        """The first connection that is over."""
        wait_until(lambda: self.connections, "a connection that is over", 20)
        return self.connections[0]

    def __enter__(self):
        self._acceptor.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        for thread in self._threads:
            thread.join()
