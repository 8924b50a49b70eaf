"""Command-line programs: transfer, fetch, send."""

from .door import Cannot
from .lmtp import local_mailbox


def curl(door):
    login = ["curl", "-sS", "--user", f"{door.user}:{door.password}", "--cacert", door.ca_file]
    if door.tls == "starttls":
        login.append("--ssl-reqd")
    scheme = door.protocol + ("s" if door.tls == "implicit" else "")
    base = f"{scheme}://{door.host}:{door.port}/"
    if door.protocol == "smtp":
        return door.run(*login, base + "device", "--mail-from", door.mailbox, "--mail-rcpt", door.mailbox,
                        "--upload-file", "-", input=door.message)
    if door.protocol == "imap":
        number = door.run(*login, base + "INBOX", "-X", f"SEARCH HEADER Subject {door.subject}").split()[-1].decode()
        return door.run(*login, f"{base}INBOX;MAILINDEX={number}")
    count = len(door.run(*login, base).splitlines())
    return b"".join(door.run(*login, base + str(number)) for number in range(count, 0, -1))


def fetchmail(door):
    tls = {"off": 'sslproto ""', "starttls": f'sslproto "auto" sslcertck sslcertfile "{door.ca_file}"',
           "implicit": f'ssl sslcertck sslcertfile "{door.ca_file}"'}[door.tls]
    rc = door.file("rc", f'poll {door.host} protocol {door.protocol} service {door.port} auth password\n'
                         f'  username "{door.user}" password "{door.password}" keep fetchall {tls}\n'
                         f'  mda "cat >> {door.directory}/got"\n')
    door.run("fetchmail", "-f", rc, "--nodetach", "--nosyslog", "--idfile", door.directory / "ids", "--pidfile",
             door.directory / "pid")
    return (door.directory / "got").read_bytes()


def getmail6(door):
    if door.tls == "starttls":
        raise Cannot("has TLS from the start or none")
    kind = f"Simple{door.protocol.upper()}{'SSL' if door.tls == 'implicit' else ''}Retriever"
    certificates = f"ca_certs = {door.ca_file}\n" if door.tls == "implicit" else ""
    # Its destinations that start a program may miss that program's end and then wait for their timeout: SIGCHLD is
    # caught only after the fork, and is forgotten where it comes before the wait.
    with local_mailbox() as (port, taken):
        rc = door.file("getmailrc", f"[retriever]\ntype = {kind}\nserver = {door.host}\nport = {door.port}\n"
                                    f"username = {door.user}\npassword = {door.password}\n{certificates}"
                                    f"[destination]\ntype = MDA_lmtp\nhost = 127.0.0.1\nport = {port}\n"
                                    f"override = {door.user}\n[options]\nread_all = true\n")
        door.run("getmail", "--getmaildir", door.directory, "--rcfile", rc)
        return b"".join(taken)


def mbsync(door):
    kind = {"off": "None", "starttls": "STARTTLS", "implicit": "IMAPS"}[door.tls]
    certificate = f"CertificateFile {door.ca_file}\n" if door.tls != "off" else ""
    (door.directory / "local").mkdir()
    rc = door.file("rc", f"IMAPStore far\nHost {door.host}\nPort {door.port}\nUser {door.user}\nPass {door.password}\n"
                         f"SSLType {kind}\nAuthMechs LOGIN\n{certificate}\nMaildirStore near\n"
                         f"Path {door.directory}/local/\nInbox {door.directory}/local/INBOX\n\n"
                         "Channel all\nFar :far:\nNear :near:\nPatterns INBOX\n"
                         "Sync Pull\nCreate Near\nSyncState *\n")
    door.run("mbsync", "-c", rc, "all")
    return b"".join(path.read_bytes() for path in (door.directory / "local" / "INBOX").glob("[nc][eu][wr]/*"))


def offlineimap3(door):
    tls = {"off": "ssl = no\nstarttls = no\n",
           "starttls": f"ssl = no\nstarttls = yes\nsslcacertfile = {door.ca_file}\n",
           "implicit": f"ssl = yes\nsslcacertfile = {door.ca_file}\n"}[door.tls]
    rc = door.file("rc", f"[general]\naccounts = one\nmetadata = {door.directory}/meta\nui = quiet\n[Account one]\n"
                         "localrepository = near\nremoterepository = far\n[Repository near]\ntype = Maildir\n"
                         f"localfolders = {door.directory}/local\n[Repository far]\ntype = IMAP\n"
                         f"remotehost = {door.host}\nremoteport = {door.port}\nremoteuser = {door.user}\n"
                         f"remotepass = {door.password}\n{tls}"
                         "folderfilter = lambda name: name == 'INBOX'\nreadonly = true\n")
    door.run("offlineimap", "-o", "-c", rc, timeout=120)
    return b"".join(path.read_bytes() for path in (door.directory / "local" / "INBOX").glob("[nc][eu][wr]/*"))


def s_nail(door):
    scheme = {"imap": "imap", "pop3": "pop3", "smtp": "smtp" if door.tls != "implicit" else "smtps"}[door.protocol]
    if door.tls == "implicit" and door.protocol != "smtp":
        scheme += "s"
    options = ["-S", f"tls-ca-file={door.ca_file}", "-S", "tls-ca-no-defaults", "-S", "tls-verify=strict",
               "-S", "v15-compat=yes"]
    options += {"off": [], "starttls": ["-S", f"{door.protocol}-use-starttls"], "implicit": []}[door.tls]
    url = f"{scheme}://{door.user}:{door.password}@{door.host}:{door.port}"
    if door.protocol == "smtp":
        return door.run("s-nail", "-:/", "-#", *options, "-S", f"mta={url}", "-S", "smtp-auth=login",
                        "-S", "sendwait", "-r", door.mailbox, "-s", door.subject, door.mailbox, input=b"A line\n")
    return door.run("s-nail", "-:/", "-#", *options, "-R", "-Y", "type *", "-Y", "exit", "-f",
                    url + ("/INBOX" if door.protocol == "imap" else ""), input=b"")


def msmtp(door):
    secret = door.file("secret", door.password)
    tls = {"off": ["--tls=off"], "starttls": ["--tls=on", "--tls-starttls=on", f"--tls-trust-file={door.ca_file}"],
           "implicit": ["--tls=on", "--tls-starttls=off", f"--tls-trust-file={door.ca_file}"]}[door.tls]
    return door.run("msmtp", "--file=/dev/null", f"--host={door.host}", f"--port={door.port}", "--auth=login",
                    f"--user={door.user}", f"--passwordeval=cat {secret}", *tls, f"--from={door.mailbox}", door.mailbox,
                    input=door.message.replace(b"\r\n", b"\n"))


def mpop(door):
    secret = door.file("secret", door.password)
    tls = {"off": "tls off\n", "starttls": f"tls on\ntls_starttls on\ntls_trust_file {door.ca_file}\n",
           "implicit": f"tls on\ntls_starttls off\ntls_trust_file {door.ca_file}\n"}[door.tls]
    rc = door.file("rc", f"account default\nhost {door.host}\nport {door.port}\nuser {door.user}\nauth user\n"
                         f'passwordeval "cat {secret}"\n{tls}keep on\ndelivery mbox {door.directory}/got\n'
                         f"uidls_file {door.directory}/uidls\n")
    door.run("mpop", f"--file={rc}", "-a")
    return (door.directory / "got").read_bytes()


def swaks(door):
    tls = {"off": [], "starttls": ["--tls"], "implicit": ["--tlsc"]}[door.tls]
    if tls:
        tls += ["--tls-verify", "--tls-ca-path", door.ca_file, "--tls-sni", door.host]
    return door.run("swaks", "--server", f"{door.host}:{door.port}", "--auth", "LOGIN", "--auth-user", door.user,
                    "--auth-password", door.password, "--from", door.mailbox, "--to", door.mailbox, "--header",
                    f"Subject: {door.subject}", *tls)


def nullmailer(door):
    """Unpacked, not installed: its package and that of the Postfix that receives exclude each other."""
    door.run("apt-get", "download", "-q", "nullmailer")
    [package] = door.directory.glob("nullmailer_*.deb")
    door.run("dpkg-deb", "-x", package, door.directory)
    tls = {"off": "", "starttls": "starttls\n", "implicit": "tls\n"}[door.tls]
    certificate = f"x509cafile={door.ca_file}\n" if tls else ""
    options = (f"host={door.host}\nport={door.port}\nuser={door.user}\npass={door.password}\nauth-login\n{tls}"
               f"{certificate}\n")
    message = door.message.decode().replace("\r\n", "\n")
    queued = door.file("queued", f"{door.mailbox}\n{door.mailbox}\n\n{message}")
    return door.run("sh", "-c", f"exec usr/lib/nullmailer/smtp 3<{queued}", input=options.encode(),
                    env={"HELOHOST": "device"})
