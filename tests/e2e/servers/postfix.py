"""Postfix on a STARTTLS-only port, AUTH XOAUTH2 judged by Dovecot, mail handed to Dovecot's LMTP."""

import shutil
import subprocess

from .process import Process, free_ports

MAIN = """
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
maillog_file = {directory}/postfix.log
maillog_file_prefixes = {directory}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
mynetworks =
biff = no
virtual_mailbox_domains = example.test
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
message_size_limit = 60000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
queue_minfree = 0
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = {key}, {certificate}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_sasl_security_options = noanonymous
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_error_sleep_time = 0
smtpd_forbid_bare_newline = normalize
smtpd_forbid_bare_newline_exclusions =
smtpd_client_connection_count_limit = 0
default_process_limit = 60
in_flow_delay = 0
"""

MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, directory, authority, dovecot):
        self.directory = directory / "postfix"
        for name in ("", "queue", "data", "etc"):
            (self.directory / name).mkdir()
            (self.directory / name).chmod(0o755)
        shutil.chown(self.directory / "data", "postfix")
        certificate, key = authority.issue("postfix")
        [self.smtp] = free_ports(1)
        (self.directory / "etc/main.cf").write_text(
            MAIN.format(directory=self.directory, lmtp=dovecot.lmtp, sasl=dovecot.sasl, certificate=certificate,
                        key=key))
        (self.directory / "etc/master.cf").write_text(MASTER.format(smtp=self.smtp))
        subprocess.run(["postfix", "-c", self.directory / "etc", "check"], check=True, capture_output=True)
        self.process = Process(["/usr/lib/postfix/sbin/master", "-c", self.directory / "etc"],
                               self.directory / "master.log")
        try:
            self.process.wait_for_port(self.smtp)
        except BaseException:
            self.stop()
            raise

    def log(self):
        return (self.directory / "postfix.log").read_text(errors="replace")

    def stop(self):
        self.process.stop()
