"""How often an address may fail to sign in, and how many failures a log is told of."""

import datetime as dt
import ipaddress
import threading
from collections import OrderedDict, deque

FAILURES = 10
WINDOW = dt.timedelta(minutes=15)
# What is remembered stays below a few megabytes, whoever tries from however many addresses.
_ADDRESSES = 10_000
LINES = 60
_LINES_WINDOW = dt.timedelta(minutes=1)


class Throttle:
    """Failed sign-ins by address, of this process. The address that failed longest ago is forgotten first."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[dt.datetime]] = OrderedDict()
        self._lines_since: dt.datetime | None = None
        self._lines = 0
        self._left_out = 0
        self._lock = threading.Lock()

    def retry_after_seconds(self, address: str, now: dt.datetime) -> int | None:
        """How long an address must wait; None where it may try."""
        with self._lock:
            failures = self._failures.get(_network(address))
            if failures is None or len(failures) < FAILURES or failures[0] + WINDOW <= now:
                return None
            return int((failures[0] + WINDOW - now).total_seconds()) + 1

    def failed(self, address: str, now: dt.datetime) -> None:
        """Counts a failure."""
        network = _network(address)
        with self._lock:
            self._failures.setdefault(network, deque(maxlen=FAILURES)).append(now)
            self._failures.move_to_end(network)
            if len(self._failures) > _ADDRESSES:
                self._failures.popitem(last=False)

    def left_out(self, now: dt.datetime) -> int | None:
        """Whether a failure is to be logged, by how many before it were not since the last that was.

        Returns:
            Their number; None where this failure is one of them, since those of this minute are enough. Whoever has many
            addresses would else fill the disk.
        """
        with self._lock:
            if self._lines_since is None or self._lines_since + _LINES_WINDOW <= now:
                self._lines_since, self._lines = now, 0
            if self._lines >= LINES:
                self._left_out += 1
                return None
            self._lines += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


def _network(address: str) -> str:
    """Who an address belongs to: one line of IPv6 has 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
