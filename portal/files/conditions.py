"""What a request's conditions ask for: a part of a file, or the file only if it is another one than before.

What belongs here: reading the header fields of RFC 9110, sections 13 and 14. What a server may ignore is ignored: several
ranges at once, other units, and anything malformed give the whole file.
"""

import re
from typing import NamedTuple

# No file of this world has more digits of bytes; Python refuses to read very long numbers.
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class Part(NamedTuple):
    """Bytes of a file from `start`, as many as `length`; `is_asked_for` unless it is simply all of them."""

    start: int
    length: int
    is_asked_for: bool


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the asker has this content already; tags are compared weakly."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)


def part(range_: str | None, if_range: str | None, etag: str, size: int) -> Part | None:
    """The part asked for; None where it lies outside the file. Without a range, or with one for another content, all.

    Args:
        range_: the field `Range`.
        if_range: the field `If-Range`; tags are compared strongly, and a date never holds.
        etag: the tag of the content.
        size: bytes of the content.
    """
    whole = Part(0, size, is_asked_for=False)
    asked = _RANGE.fullmatch(range_ or "")
    if asked is None or asked[1] == asked[2] == "" or (if_range is not None and if_range.strip() != etag):
        return whole
    if not asked[1]:
        length = min(int(asked[2]), size)
        return Part(size - length, length, is_asked_for=True) if length else None
    first = int(asked[1])
    last = int(asked[2]) if asked[2] else max(first, size - 1)
    if last < first:
        return whole
    return Part(first, min(last, size - 1) - first + 1, is_asked_for=True) if first < size else None
