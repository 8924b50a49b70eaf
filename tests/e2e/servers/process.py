"""One child process with its output in a file, and waiting with a deadline."""

import socket
import subprocess
import time


def wait_until(condition, what, seconds=10.0):
    """Polls until condition() is true and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class Process:
    def __init__(self, arguments, log_path, **options):
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self.child = subprocess.Popen(arguments, stdout=log, stderr=log, **options)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_for_port(self, port, seconds=20.0):
        def ready():
            assert self.child.poll() is None, f"ended with {self.child.returncode}:\n{self.log()}"
            return answers(port)

        wait_until(ready, lambda: f"port {port} answering:\n{self.log()}", seconds)

    def stop(self, seconds=10.0):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode
