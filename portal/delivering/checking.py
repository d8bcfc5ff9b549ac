"""What one file holds and what is wrong with it, told by the same reader and the same rules as the night's.

Beyond the night's: a file of another municipality is refused whole, since it must not lie in this one's folder at all.
"""

import datetime as dt
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipelines.ingest import answers
from pipelines.ingest.inbox import single_file
from pipelines.ingest.intake import as_read, screen, told
from pipelines.ingest.pool import ReaderPool, ReadFile
from pipelines.reference.municipalities import municipalities
from portal.delivering.refused import ERRORS_SHOWN, FileErrors, RefusedError, RowError
from schemas.questionnaire import Catalogue
from schemas.rounds import Round

_UNPROCESSABLE = 422


class Checked(NamedTuple):
    """A file that would count: rows read = eligible + out of scope + rejected.

    `case_rows`: every row as delivered, `row` and one text column per question. `files` and `broken`: as in `ReadInbox`
    and `Screened`, for the one file.
    """

    rows: int
    eligible: int
    out_of_scope: int
    rejected: int
    warnings: list[str]
    case_rows: pl.DataFrame
    files: pl.DataFrame
    broken: pl.DataFrame


def check(
    pool: ReaderPool, path: Path, round_: Round, catalogue: Catalogue, municipality_code: str, *, now: dt.datetime
) -> Checked:
    """Reads and judges one file as the only one of a municipality.

    Args:
        pool: reading children that know the round's form.
        path: the file, under a name of ours.
        round_: the round it is handed in for.
        catalogue: the round's form.
        municipality_code: whose it should be; three digits.
        now: UTC.

    Raises:
        RefusedError: it is another municipality's, or the format rejects it whole.
    """
    file = single_file(path, municipality_code, received_at=now)
    if file.rejected is not None:
        raise RefusedError(_UNPROCESSABLE, file.rejected.rule, file.rejected.message)
    (result,) = pool.read([file.path])
    read = as_read([file], [result], catalogue)
    _require_own(result, read.rows, municipality_code)
    log, _, broken = screen(*read, round_, catalogue)
    entry = log.row(0, named=True)
    if entry["status"] == "rejected":
        errors = file_errors(broken, read.files, catalogue)
        raise RefusedError(_UNPROCESSABLE, entry["rule"], entry["message"], errors=errors)
    return Checked(
        rows=entry["rows"],
        eligible=entry["eligible"],
        out_of_scope=entry["out_of_scope"],
        rejected=entry["rejected"],
        warnings=entry["warnings"],
        case_rows=read.rows.select("row", *catalogue.keys),
        files=read.files,
        broken=broken,
    )


def file_errors(broken: pl.DataFrame, files: pl.DataFrame, catalogue: Catalogue) -> FileErrors:
    """The errors of one file: all counted, the first ones told. Arguments as for `intake.told`."""
    first = told(broken.head(ERRORS_SHOWN), files, catalogue).select("row", "question", "rule", "message")
    return FileErrors(
        by_rule=dict(broken.group_by("rule").len().iter_rows()), first=tuple(RowError(*error) for error in first.rows())
    )


def municipality_label(municipality_code: str) -> str:
    """A municipality's name and code."""
    names = dict(municipalities().select("municipality_code", "municipality_name").iter_rows())
    return f"{names[municipality_code]} ({municipality_code})"


def _require_own(result: ReadFile, rows: pl.DataFrame, municipality_code: str) -> None:
    if result.delivery is None:
        return
    declared = result.delivery["declared_municipality"]
    named = answers.named_municipality(declared) if declared is not None else None
    if named is not None and named != municipality_code:
        raise _another_municipality(f"Forsiden angiver {municipality_label(named)}")
    found = rows.select("row", code=answers.municipality_code(pl.col("municipality_code"))).filter(
        pl.col("code") != municipality_code
    )
    if found.height:
        row, code = found.row(0)
        raise _another_municipality(f"Række {row} angiver {municipality_label(code)}")


def _another_municipality(where: str) -> RefusedError:
    return RefusedError(
        _UNPROCESSABLE,
        "another_municipality",
        f"{where}. Filen er derfor ikke modtaget. Aflever kun din egen kommunes sager.",
    )
