"""What must not be torn apart where a line ends, on paper and on a screen.

What belongs here: this. What does not: how wide anything is, which each way of showing a report knows itself.
"""

import re

_TOGETHER = re.compile(
    r"(?<=[0-9]) (?=%|kr\.|mio\.|mia\.|år\b)|(?<=\b[np]r\.) (?=[0-9])|(?<=§) (?=[0-9])|(?<=[0-9]\.) (?=[a-zæøå])"
)
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def kept_together(text: str) -> str:
    """The text, with spaces that no line breaks at between a number and what it counts."""
    return _TOGETHER.sub(_NO_BREAK_SPACE, text)
