"""What programs are made of: the mail libraries of Python, Perl, Java, Node and PHP."""

import imaplib
import pathlib
import poplib
import smtplib
import ssl

HERE = pathlib.Path(__file__).resolve().parent


def _context(door):
    return ssl.create_default_context(cafile=door.ca_file)


def python(door):
    {"imap": _imaplib, "pop3": _poplib, "smtp": _smtplib}[door.protocol](door, got := [])
    return b"".join(got)


def _imaplib(door, got):
    client = (imaplib.IMAP4_SSL(door.host, door.port, ssl_context=_context(door)) if door.tls == "implicit" else
              imaplib.IMAP4(door.host, door.port))
    with client:
        if door.tls == "starttls":
            client.starttls(_context(door))
        client.login(door.user, door.password)
        client.select("INBOX", readonly=True)
        for number in client.search(None, "HEADER", "Subject", door.subject)[1][0].split():
            got.append(client.fetch(number, "(BODY.PEEK[])")[1][0][1])


def _poplib(door, got):
    client = (poplib.POP3_SSL(door.host, door.port, context=_context(door)) if door.tls == "implicit" else
              poplib.POP3(door.host, door.port))
    if door.tls == "starttls":
        client.stls(_context(door))
    client.user(door.user)
    client.pass_(door.password)
    for number in range(1, client.stat()[0] + 1):
        got.append(b"\n".join(client.retr(number)[1]))
    client.quit()


def _smtplib(door, _):
    client = (smtplib.SMTP_SSL(door.host, door.port, context=_context(door)) if door.tls == "implicit" else
              smtplib.SMTP(door.host, door.port))
    with client:
        if door.tls == "starttls":
            client.starttls(context=_context(door))
        client.login(door.user, door.password)
        client.sendmail(door.mailbox, [door.mailbox], door.message)


def _told(door):
    """What a script in another language is told, by its environment."""
    return {f"DOOR_{key.upper()}": str(value) for key, value in vars(door).items()} | {
        "DOOR_HOST": door.host, "DOOR_MESSAGE": door.message.decode()}


def perl(door):
    return door.run("perl", HERE / "net.pl", env=_told(door))


def java_mail(door):
    jars = ":".join(f"/usr/share/java/{name}.jar" for name in ("javax.mail", "javax.activation", "activation"))
    return door.run("java", "-cp", jars, HERE / "JavaMail.java", env=_told(door), timeout=120)


def php_mailer(door):
    return door.run("php", HERE / "phpmailer.php", env=_told(door))


def nodemailer(door):
    return door.run("node", HERE / "nodemailer.mjs", env=_told(door) | {"NODE_EXTRA_CA_CERTS": str(door.ca_file)})


def imapflow(door):
    return door.run("node", HERE / "imapflow.mjs", env=_told(door) | {"NODE_EXTRA_CA_CERTS": str(door.ca_file)})
