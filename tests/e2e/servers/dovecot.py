"""Dovecot: IMAP, POP3 and submission with XOAUTH2, tokens judged by its own JWT check; LMTP for Postfix.

Debian 12 has 2.3 and Debian 13 has 2.4, whose configuration is another language."""

import base64
import subprocess

from .process import Process, free_ports

REFUSED_MAILBOX = "no-rights@people.example.test"

CONFIGURATION_2_3 = """
base_dir = {run}
state_dir = {run}
log_path = {directory}/dovecot.log
protocols = imap pop3 submission lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
hostname = localhost
default_vsz_limit = 512M
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_max_userip_connections = 500
mail_fsync = never
postmaster_address = postmaster@example.test
submission_relay_host = 127.0.0.1
submission_relay_port = {sink}
submission_max_mail_size = 60M
auth_mechanisms = xoauth2 oauthbearer
auth_failure_delay = 0
auth_cache_size = 0
auth_verbose = yes
passdb {{
  driver = passwd-file
  deny = yes
  args = {directory}/refused
}}
passdb {{
  driver = oauth2
  args = {directory}/delegated.conf
  result_failure = continue
}}
passdb {{
  driver = oauth2
  args = {directory}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={directory}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {imap_starttls}
  }}
  inet_listener imaps {{
    port = {imap}
    ssl = yes
  }}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 1
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3}
    ssl = yes
  }}
}}
service submission-login {{
  service_count = 0
  process_min_avail = 1
  inet_listener submission {{
    port = {submission}
  }}
}}
service imap {{
  process_limit = 300
}}
service pop3 {{
  process_limit = 300
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {sasl}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

# A person's token opens the mailbox of that name.
DELEGATED_2_3 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={directory}/keys/
username_attribute = upn
active_attribute = idtyp
active_value = user
"""

OAUTH2_2_3 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={directory}/keys/
# An app-only token names no mailbox and opens any.
username_attribute = idtyp
username_format = app
active_attribute = idtyp
active_value = app
"""


# One oauth2 block judges every token here: the user must be what the token says it opens. An app-only token opens any
# mailbox of the domain, since all of those are the user "app" to the check, with homes of their own. People, whose
# tokens open what is called like them, have another domain.
CONFIGURATION_2_4 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {run}
state_dir = {run}
log_path = {directory}/dovecot.log
protocols = imap pop3 submission lmtp
listen = 127.0.0.1
ssl = required
ssl_server_cert_file = {certificate}
ssl_server_key_file = {key}
hostname = localhost
default_vsz_limit = 512M
first_valid_uid = 1
mail_driver = maildir
mail_path = ~/Maildir
mail_max_userip_connections = 500
mail_fsync = never
postmaster_address = postmaster@example.test
submission_relay_host = 127.0.0.1
submission_relay_port = {sink}
submission_max_mail_size = 60M
login_log_format_elements = user=<%{{original_user}}> method=%{{mechanism}} rip=%{{remote_ip}} %{{secured}}
auth_mechanisms = xoauth2 oauthbearer
auth_username_format = %{{user | domain | if('eq', 'example.test', 'app', user)}}
auth_failure_delay = 0
auth_cache_size = 0
auth_verbose = yes
passdb deny {{
  driver = passwd-file
  deny = yes
  passwd_file_path = {directory}/refused
}}
oauth2 {{
  introspection_mode = local
  username_attribute = opens
  username_validation_format = %{{user}}
  oauth2_local_validation {{
    dict fs {{
      fs posix {{
        prefix = {directory}/keys/
      }}
    }}
  }}
}}
userdb static {{
  fields {{
    uid = mail
    gid = mail
    home = {directory}/mail/%{{original_user}}
  }}
  static_allow_all_users = yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  restart_request_count = unlimited
  process_min_avail = 1
  inet_listener imap {{
    port = {imap_starttls}
  }}
  inet_listener imaps {{
    port = {imap}
    ssl = yes
  }}
}}
service pop3-login {{
  restart_request_count = unlimited
  process_min_avail = 1
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3}
    ssl = yes
  }}
}}
service submission-login {{
  restart_request_count = unlimited
  process_min_avail = 1
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = 0
  }}
}}
service imap {{
  process_limit = 300
}}
service pop3 {{
  process_limit = 300
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0
  }}
  inet_listener lmtp {{
    listen = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener sasl {{
    listen = 127.0.0.1
    port = {sasl}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


def is_2_3():
    version = subprocess.run(["dovecot", "--version"], check=True, capture_output=True, text=True).stdout
    return version.startswith("2.3.")


class Dovecot:
    def __init__(self, directory, authority, jwt_key):
        self.directory = directory / "dovecot"
        run, mail, keys = (self.directory / name for name in ("run", "mail", "keys/default/HS256"))
        for one in (run, mail, keys):
            one.mkdir(parents=True)
        (keys / "default").write_text(jwt_key)
        for one in (keys, keys.parent, keys.parent.parent, self.directory):
            one.chmod(0o755)
        mail.chmod(0o1777)
        (self.directory / "refused").write_text(f"{REFUSED_MAILBOX}:::::::\n")
        (self.directory / "delegated.conf").write_text(DELEGATED_2_3.format(directory=self.directory))
        (self.directory / "oauth2.conf").write_text(OAUTH2_2_3.format(directory=self.directory))
        certificate, key = authority.issue("dovecot")
        names = ("imap", "imap_starttls", "pop3", "submission", "lmtp", "sasl", "sink")
        ports = dict(zip(names, free_ports(len(names))))
        vars(self).update(ports)  # self.imap and so on
        configuration = self.directory / "dovecot.conf"
        wanted = CONFIGURATION_2_3 if is_2_3() else CONFIGURATION_2_4
        configuration.write_text(
            wanted.format(directory=self.directory, run=run, certificate=certificate, key=key, **ports))
        self.sink_process = Process(["smtp-sink", "-u", "nobody", f"127.0.0.1:{self.sink}", "100"],
                                    self.directory / "sink.log")
        self.process = Process(["dovecot", "-F", "-c", configuration], self.directory / "master.log")
        try:
            for port in (self.imap, self.pop3, self.submission, self.sasl, self.lmtp):
                self.process.wait_for_port(port)
            self.sink_process.wait_for_port(self.sink)
        except BaseException:
            self.stop()
            raise

    def log(self):
        path = self.directory / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def logins(self, user=""):
        """The log's lines of successful logins, of that user or of all."""
        return [line for line in self.log().split("\n")
                if f"Login: user=<{user}" in line or f"Logged in: user=<{user}" in line]

    def messages(self, user):
        """The files of a user's mailbox, as Dovecot keeps them."""
        return sorted((self.directory / "mail" / user / "Maildir").glob("[nc][eu][wr]/*"))

    def stop(self):
        self.process.stop()
        self.sink_process.stop()


def xoauth2(user, token):
    return base64.b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode()).decode()
