"""Azure's token endpoints for what runs on it (EXCHANGE 1.10): App Service's with its header, a virtual machine's
(IMDS). Anything but the request as documented is refused."""

import http.server
import json
import secrets
import threading
import time
import urllib.parse


class Platform:
    """issue(): a token's text. Listens on 127.0.0.1, or where it is told to."""

    def __init__(self, issue, form, resource, address=("127.0.0.1", 0)):
        self.issue, self.form, self.resource = issue, form, resource
        self.header = secrets.token_urlsafe(24)
        self.requests, self.refused, self.next_status = [], 0, []
        platform = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                platform.requests.append((self.path, dict(self.headers)))
                status, body = platform.answer(self.path, self.headers)
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(address, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/msi/token"

    def answer(self, target, headers):
        path, _, query = target.partition("?")
        fields = dict(urllib.parse.parse_qsl(query, strict_parsing=True))
        wanted = {"app_service": ("/msi/token", "2019-08-01"),
                  "imds": ("/metadata/identity/oauth2/token", "2018-02-01")}[self.form]
        proof = headers.get("X-IDENTITY-HEADER") == self.header if self.form == "app_service" else \
            headers.get("Metadata") == "true" and "X-Forwarded-For" not in headers
        allowed = {"api-version", "resource", "client_id",
                   *(("principal_id", "mi_res_id") if self.form == "app_service" else ("object_id", "msi_res_id"))}
        if ((path, fields.get("api-version")) != wanted or not proof or fields.get("resource") != self.resource or
                not set(fields) <= allowed):
            self.refused += 1
            return 400, {"error": "invalid_request", "error_description": f"not as documented: {target}"}
        if self.next_status:
            status = self.next_status.pop(0)
            return status, {"error": "invalid_request" if status == 404 else "server_error", "error_description": "wait"}
        end = int(time.time()) + 3600
        reply = {"access_token": self.issue(), "expires_on": str(end), "resource": self.resource,
                 "token_type": "Bearer", "client_id": fields.get("client_id", "own")}
        if self.form == "imds":
            reply |= {"expires_in": "3600", "not_before": str(end - 3900)}
        return 200, reply

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
