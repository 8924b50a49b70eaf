"""The TCP connections of another process, and their options as the kernel has them."""

import ctypes
import os
import pathlib
import re
import socket

KEEPALIVE = {"idle": socket.TCP_KEEPIDLE, "interval": socket.TCP_KEEPINTVL, "probes": socket.TCP_KEEPCNT,
             "user_timeout": socket.TCP_USER_TIMEOUT, "nodelay": socket.TCP_NODELAY}
_pidfd_getfd = 438  # the same on every architecture


def _descriptors_of(pid):
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            if re.match(r"socket:\[", os.readlink(entry)):
                yield int(entry.name)
        except OSError:
            pass


def _duplicate(process, descriptor):
    libc = ctypes.CDLL(None, use_errno=True)
    made = libc.syscall(_pidfd_getfd, process, descriptor, 0)
    if made < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return socket.socket(fileno=made)


def connection_options(pid):
    """{port of the peer: options} of every connected TCP socket of a process."""
    found = {}
    process = os.pidfd_open(pid)
    try:
        for descriptor in _descriptors_of(pid):
            with _duplicate(process, descriptor) as one:
                try:
                    peer = one.getpeername()
                    options = {name: one.getsockopt(socket.IPPROTO_TCP, option) for name, option in KEEPALIVE.items()}
                except OSError:
                    continue
                options["keepalive"] = one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                found[peer[1]] = options
    finally:
        os.close(process)
    return found
