"""The mailbox of a program's own machine, for programs that deliver what they fetch."""

import contextlib
import itertools
import socketserver
import threading


class _Delivery(socketserver.StreamRequestHandler):
    def handle(self):
        self._say("220 localhost LMTP")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 Go on")
                self.server.taken.append(b"".join(itertools.takewhile(lambda text: text != b".\r\n", self.rfile)))
            self._say("221 Bye" if verb == b"QUIT" else "250 OK")
            if verb == b"QUIT":
                return

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


@contextlib.contextmanager
def local_mailbox():
    """(its port, the messages delivered so far)"""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Delivery) as server:
        server.taken = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], server.taken
        finally:
            server.shutdown()
            thread.join()
