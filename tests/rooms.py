"""Reads every include and says which one points the wrong way between the rooms, and why that matters."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)

# (what is included, who may, why nobody else)
LIBRARIES = (
    (r"uv\.h|openssl/.*", r"proxy/(net|keeper|fetch)/|config/signing_key\.cpp",
     "sockets and TLS are behind proxy/net, so that dialogues and sessions are tested without either; one file of the "
     "loader opens certificates and keys"),
    (r"httplib\.h", r"proxy/(fetch|console)/", "HTTP runs in a process of its own that a deadline can kill"),
    (r"toml\+\+/.*", r"config/document\.cpp", "one file knows the library, and guards what reaches it"),
    (r"nlohmann/.*", r"(auth|proxy)/.*\.cpp", "it takes seconds to compile: never in a header"),
    (r"sys/socket\.h|netinet/.*|unistd\.h|fcntl\.h", r"proxy/|config/", "auth/ decides and does no I/O"),
)
# (from, to, why not)
ROOMS = (
    (r"config/", r"(auth|proxy)/", "config knows nobody: proxy -> auth -> config"),
    (r"auth/", r"proxy/", "auth knows no connection: proxy -> auth -> config"),
    (r"proxy/(dialogue|sasl|imap|pop3|smtp)/", r"proxy/(net|session|worker|keeper|fetch|commands)/",
     "dialogues are sans-IO: they know bytes and actions, nothing that moves them"),
    (r"proxy/net/", r"proxy/(?!net/)", "streams know nothing of mail"),
    (r"proxy/session/", r"proxy/(imap|pop3|smtp|worker|keeper)/", "a session knows its protocol as one row of functions"),
    (r"proxy/(worker|session)/", r"proxy/(keeper|fetch|commands)/", "a worker has nothing of the keeper's in it"),
    (r"proxy/keeper/", r"proxy/(dialogue|sasl|imap|pop3|smtp|session|worker)/", "the keeper parses no mail protocol"),
    (r"proxy/http/", r"(auth|proxy/(?!http/))", "it is what anybody reaches: bytes, and nothing else"),
    (r"proxy/sign_in/", r"proxy/(?!sign_in/|http/|keeper/descriptor\.h)",
     "what any page in a browser reaches knows nothing else"),
) + tuple((rf"proxy/{one}/", rf"proxy/{other}/", "a protocol knows no other")
          for one in ("imap", "pop3", "smtp") for other in ("imap", "pop3", "smtp") if one != other)


def faults(path, included):
    for library, allowed, why in LIBRARIES:
        if re.fullmatch(library, included) and not re.match(allowed, path):
            yield why
    for room, other, why in ROOMS:
        if re.match(room, path) and re.match(other, included):
            yield why


def main():
    files = [file for room in ("config", "auth", "proxy") for file in (ROOT / room).rglob("*") if file.suffix in (".h", ".cpp")]
    found = [f"{path}: includes {included}: {why}"
             for path, text in ((file.relative_to(ROOT).as_posix(), file.read_text()) for file in sorted(files))
             for included in INCLUDE.findall(text)
             for why in faults(path, included)]
    print("\n".join(found) or f"{len(files)} files, every include points the right way")
    return 1 if found or len(files) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
