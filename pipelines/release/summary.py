"""What a night came to, in Danish: for the consultant at the terminal, on the release asset, and inside the release.

What belongs here: counting and wording. What does not: how sure a figure is, and what to do about a red night.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from pipelines.benchmark.areas import unexpected_participants
from pipelines.quality.acceptances import is_open
from pipelines.release.contents import SUMMARY, ReleaseFile
from pipelines.release.manifest import title
from schemas.rounds import Round


class Night(NamedTuple):
    """The tables of one night that its summary tells of."""

    round_: Round
    delivery_log: pl.DataFrame
    rejected_rows: pl.DataFrame
    case_rates: pl.DataFrame
    population: pl.DataFrame
    shared_key_findings: pl.DataFrame
    quality_report: pl.DataFrame


def summary(night: Night) -> list[str]:
    """What the night read and found, a sentence or two a line."""
    log, rates = night.delivery_log, night.case_rates
    rejected_files = log.filter(pl.col("status") == "rejected").height
    rejected_rows = night.rejected_rows.select("municipality_code", "row").n_unique()
    read = f"{_counted(rates.height, 'kommune', 'kommuner')}, {_counted(int(rates['cases'].sum()), 'sag', 'sager')}"
    rejected = f"{_counted(rejected_files, 'fil', 'filer')} og {_counted(rejected_rows, 'række', 'rækker')} er afvist"
    return [
        f"{read}; {rejected}.",
        *_population(night),
        *_participants(night),
        *_figures_from(night),
        *_warnings(night.quality_report),
    ]


def summary_file(night: Night) -> ReleaseFile:
    """The same as a file of the release; it follows from the release's tables and holds no clock."""
    met, checked = night.quality_report["met"].sum(), night.quality_report.height
    lines = [
        f"# {title(night.round_)}",
        "",
        *(f"- {line}" for line in summary(night)),
        f"- Kvalitetskontrol: {met} af {checked} forventninger er opfyldt.",
        *(f"- {line}" for line in _told(night.quality_report)),
        "- Hvad der er anderledes end i udgivelsen før, og hvorfor: se changes.xlsx.",
    ]
    return ReleaseFile(SUMMARY, ("\n".join(lines) + "\n").encode(), None, None)


def _population(night: Night) -> Sequence[str]:
    quarter, wanted = night.population["population_quarter"][0], night.round_.population_quarter
    if quarter == wanted:
        return ()
    return (
        f"Advarsel: befolkningen for {wanted} kunne ikke hentes fra Danmarks Statistik; raterne bygger på {quarter}.",
    )


def _participants(night: Night) -> Sequence[str]:
    surplus = unexpected_participants(night.case_rates, night.round_)
    if not surplus:
        return ()
    return (f"Advarsel: {', '.join(surplus)} har selv afleveret, selv om en anden kommune indberetter for dem.",)


def _figures_from(night: Night) -> Sequence[str]:
    findings = night.shared_key_findings
    release = findings["figures_from_release"][0] if findings.height else None
    if release is None:
        return ()
    return (f"Bemærk: de fælles fordelinger er fra udgivelse {release}; forskellen til den ville røbe små tal.",)


def _warnings(report: pl.DataFrame) -> Sequence[str]:
    waiting = report.filter(is_open()).height
    if not waiting:
        return ()
    return (
        f"Kvalitetskontrollen har {waiting} {'advarsel' if waiting == 1 else 'advarsler'}, som en konsulent skal se på.",
    )


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _told(report: pl.DataFrame) -> list[str]:
    """The warnings of a report, each with who accepted it and why."""
    lines = []
    for row in report.filter(~pl.col("met")).iter_rows(named=True):
        by = row["accepted_by"]
        state = f"godkendt af {by}: {row['accepted_reason']}" if by else "ikke godkendt endnu"
        lines.append(f"Ikke opfyldt ({row['rows_failing']} af {row['rows_checked']}): {row['expected_da']} ({state})")
    return lines
