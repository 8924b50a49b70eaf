"""Hosts of a test's own: network namespaces, each joined to this one by a cable that nobody else sees."""

import ctypes
import ipaddress
import itertools
import os
import socket
import subprocess
import threading

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _ip(*arguments):
    done = subprocess.run(["ip", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(map(str, arguments))}: {done.stderr.strip()} (these tests need root and the "
                           "right to make network namespaces: CAP_NET_ADMIN and CAP_SYS_ADMIN)")


class Host:
    """Reaches us at `our_v4` and `our_v6`; we see it as `v4` and `v6`."""

    _numbers = itertools.count()

    def __init__(self):
        number, pid = next(self._numbers), os.getpid()
        self.name = f"saslift-{pid}-{number}"
        self._cable = f"sl{pid}n{number}"
        # Private addresses that no other run of the tests on this machine takes.
        block, site = number * 4 % 256, (pid >> 8 & 0xFF, pid & 0xFF)
        self.our_v4, self.v4 = (f"10.{site[0]}.{site[1]}.{block + end}" for end in (1, 2))
        self.our_v6, self.v6 = (str(ipaddress.ip_address(f"fd5a:{pid & 0xFFFF:x}:{number:x}::{end}")) for end in (1, 2))
        _ip("netns", "add", self.name)
        try:
            self._join()
        except BaseException:
            self.remove()
            raise

    def _join(self):
        inside = ["netns", "exec", self.name, "ip"]
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "cable", "netns", self.name)
        for address in (f"{self.our_v4}/30", f"{self.our_v6}/64"):
            _ip("address", "add", address, "dev", self._cable, *(["nodad"] if ":" in address else []))
        for address in (f"{self.v4}/30", f"{self.v6}/64"):
            _ip(*inside, "address", "add", address, "dev", "cable", *(["nodad"] if ":" in address else []))
        _ip("link", "set", self._cable, "up")
        for device in ("lo", "cable"):
            _ip(*inside, "link", "set", device, "up")

    def remove(self):
        # The cable goes with the namespace; nobody is left in it.
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
        subprocess.run(["ip", "link", "del", self._cable], capture_output=True)

    def command(self, *arguments):
        """The command line that runs there."""
        return ["ip", "netns", "exec", self.name, *map(str, arguments)]

    def connect(self, port, address=None, timeout=15):
        """A connection from there, of the same family as the address; default: our IPv4."""
        made = []

        def dial():
            with open(f"/run/netns/{self.name}") as namespace:
                if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                    made.append(OSError(ctypes.get_errno(), "setns"))
                    return
            try:
                made.append(socket.create_connection((address or self.our_v4, port), timeout))
            except OSError as failure:
                made.append(failure)

        # A thread may change its namespace; a socket stays in that of its birth.
        dialing = threading.Thread(target=dial)
        dialing.start()
        dialing.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]
