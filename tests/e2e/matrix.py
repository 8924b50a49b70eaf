"""Fills the README's matrix: every mail program of matrix_table, each protocol and each kind of TLS, really tried.

    python3 matrix.py [--only NAME]... [--print]
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from conftest import HERE
from matrix_table import PROGRAMS, PROTOCOLS, TLS, Site, tried
from running_saslift import new_password
from servers.certificates import Authority
from servers.dovecot import Dovecot
from servers.postfix import Postfix
from servers.sign_in import SignIn

README = HERE.parent.parent / "README.md"
BEGIN, END = "<!-- the matrix: filled by ./dev matrix -->", "<!-- end of the matrix -->"


@contextlib.contextmanager
def site():
    """The servers and the saslift that the tests have, without pytest."""
    binary = pathlib.Path(os.environ["SASLIFT"]).resolve()
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="saslift-matrix-")))
        directory.chmod(0o755)
        authority = Authority(directory, "trusted")
        sign_in = SignIn(HERE, directory, authority)
        stack.callback(sign_in.stop)
        dovecot = Dovecot(directory, authority, sign_in.jwt_key)
        stack.callback(dovecot.stop)
        postfix = Postfix(directory, authority, dovecot)
        stack.callback(postfix.stop)
        programs = directory / "programs"
        programs.mkdir()
        made = Site((binary, directory, new_password(binary, "matrix"), sign_in, dovecot, postfix), authority, programs)
        stack.callback(made.stop)
        yield made


def version_of(program):
    """As its package says, npm's or Debian's."""
    from_npm = HERE / "node_modules" / program.name / "package.json"
    if from_npm.exists():
        return f" {json.loads(from_npm.read_text())['version']}"
    said = subprocess.run(["dpkg-query", "-W", "-f=${Version}", program.package or program.name], capture_output=True,
                          text=True)
    return f" {said.stdout}" if said.returncode == 0 else ""


def filled(made, programs):
    """Lines of Markdown, with the reasons behind the table."""
    heads = [f"{protocol.upper()} {tls}" for protocol in PROTOCOLS for tls in TLS]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    reasons = {}
    for program in programs:
        cells = []
        for protocol in PROTOCOLS:
            for tls in TLS:
                if protocol not in program.protocols:
                    cells.append("")
                    continue
                mark, reason = tried(made, program, protocol, tls)
                print(f"{program.name:36} {protocol:5} {tls:9} {mark} {reason}", file=sys.stderr, flush=True)
                if mark == "no":
                    mark = f"no ({reasons.setdefault((program.name, reason), len(reasons) + 1)})"
                cells.append(mark)
        lines.append(f"| {program.name}{version_of(program)} | " + " | ".join(cells) + " |")
    notes = [f"{number}. {name}: {reason}" for (name, reason), number in reasons.items()]
    return lines + ["", *notes]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[program.name for program in PROGRAMS])
    parser.add_argument("--print", action="store_true", help="leave the README as it is")
    arguments = parser.parse_args()
    programs = [program for program in PROGRAMS if not arguments.only or program.name in arguments.only]
    with site() as made:
        lines = filled(made, programs)
    if arguments.print or arguments.only:
        print("\n".join(lines))
        return
    text = README.read_text()
    before, rest = text.split(BEGIN)
    README.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
