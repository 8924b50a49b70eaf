"""Mailboxes and the messages in them: folders as IMAP sees them, the inbox as POP3 sees it."""

import datetime
import enum
import threading
from dataclasses import dataclass, field


class Access(enum.Enum):
    """What the provider's side lets an app do with a mailbox."""

    full = "full"
    refused = "refused"              # the token is turned away
    not_connected = "not_connected"  # IMAP: the login succeeds, the first command finds no mailbox (EXCHANGE 2.2)


@dataclass(eq=False)
class Message:
    uid: int
    content: bytes
    flags: set = field(default_factory=set)
    received: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.timezone.utc))


class Folder:
    """Its watchers are called, from whatever thread, when something has changed."""

    def __init__(self, name):
        self.name = name
        self.uid_validity = 14
        self.uid_next = 1
        self.messages = []
        self.watchers = set()
        self._lock = threading.Lock()

    def add(self, content, flags=(), received=None):
        with self._lock:
            message = Message(self.uid_next, bytes(content), set(flags))
            if received:
                message.received = received
            self.uid_next += 1
            self.messages = [*self.messages, message]
        self._changed()
        return message

    def remove(self, messages):
        gone = {message.uid for message in messages}
        with self._lock:
            self.messages = [message for message in self.messages if message.uid not in gone]
        self._changed()

    def _changed(self):
        for watcher in list(self.watchers):
            watcher()


class Mailbox:
    def __init__(self, address, access=Access.full, clients=None, aliases=(), send_as=()):
        """clients: ids of the apps with rights here (None: all); send_as: other senders it may use."""
        self.delegates = set()  # people with full access; by IMAP and POP3 they name this mailbox (EXCHANGE 2.5)
        self.address, self.access, self.clients = address, access, clients
        self.aliases, self.send_as = set(aliases), set(send_as)
        self.folders = {name: Folder(name) for name in ("INBOX", "Drafts", "Sent Items", "Deleted Items")}

    @property
    def inbox(self):
        return self.folders["INBOX"]

    @property
    def messages(self):
        """The inbox's messages as they were delivered."""
        return [message.content for message in self.inbox.messages]

    def deliver(self, content):
        return self.inbox.add(content)

    def folder(self, name):
        return self.folders.get("INBOX" if name.upper() == "INBOX" else name)

    def may_send_as(self, address):
        own = {self.address, *self.aliases, *self.send_as}
        return address.lower() in {one.lower() for one in own}

    def access_of(self, client_id):
        if self.clients is not None and client_id not in self.clients:
            return Access.not_connected if self.access is Access.full else self.access
        return self.access


class Store:
    def __init__(self):
        self._mailboxes = {}
        self.sent_outside = []  # (sender, recipient, content) for addresses that have no mailbox here

    def add(self, mailbox):
        for address in (mailbox.address, *mailbox.aliases):
            self._mailboxes[address.lower()] = mailbox
        return mailbox

    def find(self, address):
        return self._mailboxes.get(address.lower())

    def submit(self, sender, recipients, content, sent_items):
        for recipient in recipients:
            mailbox = self.find(recipient)
            if mailbox:
                mailbox.deliver(content)
            else:
                self.sent_outside.append((sender, recipient, content))
        sent_items.add(content, {"\\Seen"})
