"""How often an address may fail to sign in."""

import datetime as dt
import ipaddress
import threading
from collections import OrderedDict, deque

FAILURES = 10
WINDOW = dt.timedelta(minutes=15)
# What is remembered stays below a few megabytes, whoever tries from however many addresses.
_ADDRESSES = 10_000


class Throttle:
    """Failed sign-ins by address, of this process. The address that failed longest ago is forgotten first."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[dt.datetime]] = OrderedDict()
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


def _network(address: str) -> str:
    """Who an address belongs to: one line of IPv6 has 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
