"""The moment between SIGTERM and the end of accepting. Knows no signal and no server.

A system completes connections on its own and queues them for the process; closing a listener
resets those that wait in the queue, requests and all. So first nobody is let in any more, then who
is in the queue is accepted as ever, and only then the listener is closed.
"""

import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

LAST_ARRIVALS_S = 0.2
"""So long is accepted who was let in before: the rest of a handshake takes a round trip."""

_LOWEST_HOPS = (  # level and option of packets over IPv4 and over IPv6; Python has no names
    (socket.IPPROTO_IP, 21),  # IP_MINTTL of linux/in.h
    (socket.IPPROTO_IPV6, 73),  # IPV6_MINHOPCOUNT of linux/in6.h
)
_NOBODYS_HOPS = 255  # packets set out with 64 or 128


class Departure:
    """Whether the process is about to leave; its connections look at it at each request."""

    def __init__(self, listeners: Sequence[socket.socket] = ()) -> None:
        """``listeners`` are the process's own; those of a supervisor are its business."""
        self._listeners = listeners
        self.has_begun = False

    def begin(self) -> None:
        self.has_begun = True
        for listener in self._listeners:
            let_nobody_in(listener)


def let_nobody_in(listener: socket.socket) -> None:
    """Have the system ignore attempts to connect; who is in the queue can still be accepted.

    The client tries again after a second, and is then refused or reaches whoever listens in this
    process's place. Does nothing where the system has no such option (it is Linux's).
    """
    _ignore_packets(listener, below_hops=_NOBODYS_HOPS)


def let_in(connection: socket.socket) -> None:
    """Undo that for a connection, which may have inherited it: its handshake ended later."""
    _ignore_packets(connection, below_hops=0)


def _ignore_packets(of: socket.socket, *, below_hops: int) -> None:
    """Of those that newly come; packets of connections that there are stay heard."""
    if sys.platform != "linux":
        return
    for level, option in _LOWEST_HOPS:
        with suppress(OSError):  # of the protocol that the socket does not speak
            of.setsockopt(level, option, below_hops)
