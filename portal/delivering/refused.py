"""How a file is refused before anything of it is kept. What the format rejects is decided in `pipelines.ingest`."""

from typing import NamedTuple

from pipelines.ingest.limits import FILE_BYTES

ERRORS_SHOWN = 1_000


class RowError(NamedTuple):
    """One broken rule of one row; `question` is its number in the form, None for the whole row."""

    row: int
    question: int | None
    rule: str
    message: str


class FileErrors(NamedTuple):
    """What is wrong with the rows of a file: how many broken rules of each kind, and the first `ERRORS_SHOWN` by row."""

    by_rule: dict[str, int]
    first: tuple[RowError, ...]

    @property
    def total(self) -> int:
        """Broken rules in all."""
        return sum(self.by_rule.values())


class RefusedError(Exception):
    """A file, or a whole request, that is not taken in.

    Its text is the rule alone. `message` (Danish) and `errors` are for the one who sent the file and nobody else: the
    messages of the rows quote what was found in them.

    Attributes:
        status: of the HTTP answer.
        rule: a rule of the format, or one of the portal's own.
        checksum: SHA-256 of the file, where it was read.
    """

    def __init__(
        self,
        status: int,
        rule: str,
        message: str,
        *,
        checksum: str | None = None,
        errors: FileErrors | None = None,
    ) -> None:
        super().__init__(rule)
        self.status = status
        self.rule = rule
        self.message = message
        self.checksum = checksum
        self.errors = errors or FileErrors({}, ())

    @property
    def headers(self) -> dict[str, str]:
        """Of the answer: the rest of a body that is too large is not waited for."""
        return {"Connection": "close"} if self.status == 413 else {}


def too_large() -> RefusedError:
    """A file, or the body that brings it, beyond the format's limit."""
    return RefusedError(
        413,
        "too_large",
        f"Filen fylder mere end {FILE_BYTES // 1_000_000} MB. Slet billeder, andre ark og tomme rækker, og gem på ny.",
    )
