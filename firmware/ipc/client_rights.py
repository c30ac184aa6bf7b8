"""What each service may ask of the coach, by the account that its connection comes from.

The kernel says whose a connection is (SO_PEERCRED), so a service cannot claim to be another. Display and courier have
accounts of their own, and each may ask only what it needs: the display confirms no delivery and changes no plan, the
courier sets no PIN and presses no button. Other accounts are people's at the command line, whom the socket's group
lets in, and the coach's own: they may ask everything.
"""

import pwd
import socket
import struct
from collections.abc import Mapping

from msgspec import Struct

from coach.model.messages import AllRightAnswer, SessionCommand
from firmware.ipc.messages import (
    AnyToCoach,
    Devices,
    ForgetReceipts,
    GivePlan,
    GiveReceipt,
    NextUndelivered,
    Press,
    ShowText,
    Subscribe,
    Tell,
    TypeDigit,
    WithdrawPlan,
)

_CREDENTIALS = struct.Struct("3i")
"""Process, user and group (man 7 unix)."""


class ClientRights(Struct, frozen=True):
    """What one account may ask; None: everything. `told`: what it may tell a session."""

    service: str = ""
    messages: tuple[type, ...] | None = None
    told: tuple[type, ...] = ()

    def allow(self, message: AnyToCoach) -> bool:
        """Return whether the account may ask this."""
        if self.messages is None:
            return True
        if isinstance(message, Tell):
            return isinstance(message.message, self.told)
        return isinstance(message, self.messages)

    @property
    def refusal(self) -> str:
        """Why it may not."""
        return f"The account of {self.service} may not ask this, and nothing has changed. Ask at the command line."


EVERYTHING = ClientRights()
DISPLAY = ClientRights("the display", (Subscribe, Press, TypeDigit, Devices))
COURIER = ClientRights(
    "the courier",
    (Subscribe, NextUndelivered, GiveReceipt, ForgetReceipts, GivePlan, WithdrawPlan, ShowText),
    (SessionCommand, AllRightAnswer),
)
BY_ACCOUNT: Mapping[str, ClientRights] = {"interval-coach-display": DISPLAY, "interval-coach-sync": COURIER}


class ServiceRights(Struct, frozen=True):
    """The services' rights by user id."""

    by_user: Mapping[int, ClientRights]

    @classmethod
    def of_this_system(cls) -> "ServiceRights":
        """Look up the services' accounts; where there are none, each client is a person's."""
        found = {}
        for account, rights in BY_ACCOUNT.items():
            try:
                found[pwd.getpwnam(account).pw_uid] = rights
            except KeyError:
                continue
        return cls(found)

    def of_client(self, connection: socket.socket) -> ClientRights:
        """Return what the account at a connection's other end may ask."""
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return self.by_user.get(_CREDENTIALS.unpack(credentials)[1], EVERYTHING)
