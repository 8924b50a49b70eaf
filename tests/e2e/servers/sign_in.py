"""npm's oidc-provider over TLS as the token endpoint."""

import base64
import json
import os
import secrets
import subprocess
import urllib.parse
import urllib.request
import ssl

SCOPE = "https://mail.example.test/.default"


class SignIn:
    def __init__(self, here, directory, authority):
        certificate, key = authority.issue("sign-in")
        self.client_id = "11111111-2222-3333-4444-555555555555"
        # Characters of an Entra secret, so that a request that forgets to URL-encode it fails.
        self.client_secret = "canary~Se+cr/et=" + secrets.token_hex(12) + "&x%20"
        self.scope = SCOPE
        self.jwt_key = base64.b64encode(os.urandom(32)).decode()
        self.ca_file = authority.certificate
        self.log_path = directory / "sign-in.log"
        orders = {"key": key.read_text(), "cert": certificate.read_text(), "jwt_key": self.jwt_key,
                  "client_id": self.client_id, "client_secret": self.client_secret, "scope": SCOPE}
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(["node", "--import", (here / "servers" / "older_node.mjs").as_uri(), here / "servers" / "sign_in.mjs"], cwd=here, stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=log, text=True)
        self.port = self._order(orders)["port"]
        self.token_endpoint = f"https://localhost:{self.port}/token"

    def _order(self, order):
        self.child.stdin.write(json.dumps(order) + "\n")
        self.child.stdin.flush()
        reply = self.child.stdout.readline()
        assert reply, self.log_path.read_text()
        return json.loads(reply)

    @property
    def requests(self):
        return self._order({})["requests"]

    @property
    def tokens(self):
        return self._order({})["tokens"]

    def switch(self, mode, **details):
        self._order({"mode": mode, **details})

    def token(self):
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret,
                "scope": SCOPE}
        trust = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(self.token_endpoint, urllib.parse.urlencode(form).encode(), context=trust) as reply:
            return json.load(reply)

    def stop(self):
        self.child.stdin.close()
        self.child.wait(10)
        self.child.stdout.close()
