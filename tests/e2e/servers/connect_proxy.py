"""An HTTP proxy that knows CONNECT alone (RFC 9110 9.3.6), with Basic authentication where it is told a user."""

import base64
import socket
import socketserver
import threading


class ConnectProxy:
    def __init__(self, user=None):
        """user: "name:password", or None: everybody."""
        self.wanted = user and "Basic " + base64.b64encode(user.encode()).decode()
        self.asked, self.refused = [], 0
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                head = [self.rfile.readline().decode("latin-1").strip()]
                while line := self.rfile.readline().strip():
                    head.append(line.decode("latin-1"))
                proxy.serve(self.connection, head)

        socketserver.ThreadingTCPServer.daemon_threads = True
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def serve(self, client, head):
        method, target, _ = head[0].split()
        given = dict(line.split(": ", 1) for line in head[1:] if ": " in line).get("Proxy-Authorization")
        self.asked.append(f"{method} {target}")
        if method != "CONNECT" or (self.wanted and given != self.wanted):
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n"
                           b"Content-Length: 0\r\n\r\n")
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(10)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _pump(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
