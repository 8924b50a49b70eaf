"""A name server that knows one name: whatever asks it for another hears that there is none."""

import socket
import threading

TYPE_A = 1


class NameServer:
    def __init__(self, name, address, serve_at):
        self._name = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        self._address = socket.inet_aton(address)
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((serve_at, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            asked, whom = self._socket.recvfrom(512)
            if not asked:
                return
            self.questions += 1
            self._socket.sendto(self._answer(asked), whom)

    def _answer(self, asked):
        end = asked.index(b"\0", 12) + 1
        name, kind = asked[12:end], int.from_bytes(asked[end:end + 2], "big")
        question = asked[12:end + 4]
        known = name.lower() == self._name
        # RFC 1035 4.1.3: a pointer to the question's name, type A, class IN, 60 s, 4 bytes.
        records = [b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + self._address] if known and kind == TYPE_A else []
        flags = b"\x85\x80" if known else b"\x85\x83"
        return asked[:2] + flags + b"\0\1" + len(records).to_bytes(2, "big") + b"\0\0\0\0" + question + b"".join(records)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to_end:
            to_end.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()
