"""An embedded stand-in for Exchange Online (IMAP, POP3, SMTP) and Entra's token endpoint, with switches for what goes
wrong, and a TCP relay that spoils a connection. On 127.0.0.1 only; nothing but the standard library and openssl.

    with Exchange() as exchange:
        exchange.add_mailbox("scans@contoso.test")
        exchange.imap.faults.after(Stage.token, Stall())
        exchange.entra.next(replies.unavailable())
        ...
        assert len(exchange.requests) == 1
"""

from . import replies
from .certificates import Authority, Certificate, wrong_certificates
from .exchange import Exchange
from .faultrelay import FaultRelay
from .faults import Close, Delay, HalfClose, Reset, Say, Stage, Stall, endless_reply, long_line
from .login import Style
from .store import Access, Mailbox, Message

__all__ = ["Access", "Authority", "Certificate", "Close", "Delay", "Exchange", "FaultRelay", "HalfClose", "Mailbox",
           "Message", "Reset", "Say", "Stage", "Stall", "Style", "endless_reply", "long_line", "replies",
           "wrong_certificates"]
