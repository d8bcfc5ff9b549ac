"""The error family of the product: one base, few children. No logic belongs here.

A message names the culprit and the fix. It never holds an answer, a CPR-like number or any other case-level value.
"""

import re
from collections.abc import Iterable


def named_codes(codes: Iterable[object]) -> str:
    """Municipality codes for a message, sorted; what is no code is counted and not shown, since it may be anything."""
    values = [str(code) for code in codes]
    named = sorted({value for value in values if re.fullmatch("[0-9]{3}", value)})
    others = sum(value not in named for value in values)
    return ", ".join([*named, *([f"{others} that are no municipality's code"] if others else [])])


class BotilbudError(Exception):
    """Anything that the product refuses to do, said so that the reader can mend it."""


class CatalogueError(BotilbudError):
    """A question catalogue or a rounds file that cannot be used; the message names the file, the place and the fix."""


class ConservationError(BotilbudError):
    """Rows went missing or were counted twice on their way through the pipeline."""


class ReferenceTableError(BotilbudError):
    """A reference table that is not as it must be, or lacks what is needed; the message says what to mend."""


class TableError(BotilbudError):
    """A table that breaks its schema; the message counts the failures per column and check and holds no value."""


class DisclosureError(BotilbudError):
    """A release candidate that would give small counts away; the message counts them and names no single one."""


class ReleaseError(BotilbudError):
    """A release that cannot be made or that does not agree with its manifest."""


class QualityError(BotilbudError):
    """Tables that the quality gate stops; the message names the expectations and holds no value."""
