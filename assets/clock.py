"""The clock that commands and assets note times by. Logic gets a time given."""

import datetime as dt


def now() -> dt.datetime:
    """The time, in whole seconds (UTC)."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
