"""A token endpoint over TLS for refresh tokens alone: each reply brings a new one. `rule`: "entra" (older ones stay
valid) or "theft" (the use of an older one is taken for theft and ends the family)."""

import contextlib
import http.server
import json
import ssl
import threading
import urllib.parse


class RotatingProvider:
    def __init__(self, certificate, key, ca_file, rule="entra"):
        self.ca_file, self.rule = ca_file, rule
        self.user, self.ended, self.reply_delay = None, False, None
        self.refresh_tokens, self.access_tokens, self.used = [], [], []
        self._lock = threading.Lock()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                status, body = provider._answer(form)
                if provider.reply_delay:
                    provider.reply_delay()
                text = json.dumps(body).encode()
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.token_endpoint = f"https://localhost:{self._server.server_port}/token"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def sign_in(self):
        """A refresh token as a sign-in brings it."""
        with self._lock:
            self.ended = False
            return self._issue()

    def _issue(self):
        self.refresh_tokens.append(f"canary-refresh+/{len(self.refresh_tokens)}=")
        return self.refresh_tokens[-1]

    def _answer(self, form):
        with self._lock:
            token = form.get("refresh_token", [""])[0]
            self.used.append(token)
            if form.get("grant_type") != ["refresh_token"] or token not in self.refresh_tokens:
                return 400, {"error": "invalid_grant", "error_description": "unknown refresh token"}
            if self.rule == "theft" and token != self.refresh_tokens[-1]:
                self.ended = True
            if self.ended:
                return 400, {"error": "invalid_grant", "error_description": "the session was ended"}
            self.access_tokens.append(f"canary-access-{len(self.access_tokens)}")
            return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": self.access_tokens[-1],
                         "refresh_token": self._issue()}

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
