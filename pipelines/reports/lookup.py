"""Where the numbers of a report come from: published tables, a municipality's own files, and what follows from them.

What belongs here: looking a number up and writing it, so that a sentence and its check do the same. What does not: words.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from pipelines import danish
from pipelines.benchmark.areas import COUNTRY_CODE
from pipelines.plots.published import published as as_published
from pipelines.release.contents import Shared
from pipelines.reports.document import Bullets, Document, Paragraph, Section, Source
from pipelines.statistics.counts import tail_of
from pipelines.statistics.funnel import INNER, WITHIN
from schemas import tables
from schemas.errors import DisclosureError, ReleaseError, TableError
from schemas.municipalities import municipality_codes
from schemas.questionnaire import load_catalogue
from schemas.rounds import Round

Tables = Mapping[str, pl.DataFrame]
Published = Shared
"""The tables of a release that every participant may see, as they lie in its shared folder."""

COUNTRY = {"area_type": "country", "area_code": COUNTRY_CODE}
"""The rows of the country, as part of a key."""

ROUND, RATE_SUMMARY, REJECTED_SUMMARY, CHANGE_SUMMARY = (
    "round",
    "rate_summary",
    "rejected_summary",
    "change_summary",
)
_PUBLISHED = {
    "case_rates": tables.CASE_RATES,
    "area_averages": tables.AREA_AVERAGES,
    "funnel_limits": tables.FUNNEL_LIMITS,
    "round_changes": tables.ROUND_CHANGES,
    "target_groups": tables.RELEASED_TARGET_GROUPS,
    "provider_types": tables.RELEASED_PROVIDER_TYPES,
    "question_answers": tables.RELEASED_QUESTION_ANSWERS,
    "key_findings": tables.RELEASED_KEY_FINDINGS,
}
_OWN = {
    "target_groups": tables.RELEASED_TARGET_GROUPS,
    "provider_types": tables.RELEASED_PROVIDER_TYPES,
    "question_answers": tables.RELEASED_QUESTION_ANSWERS,
    "delivery_log": tables.DELIVERY_LOG,
    "rejected_rows": tables.REJECTED_ROWS,
}
_ONE_DECIMAL = frozenset({"times_lowest", "expected_outside_95", "rate_ratio", "rate_ratio_ci95_lower"}) | {
    "rate_ratio_ci95_upper"
}
# From where on per cents are whole: limits of small shares tell more with a decimal.
_WHOLE_SHARES, _WHOLE_LIMITS = 1.95, 4.95

_NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?(?!\w)")
# What stands in sentences whatever the tables say: units, names of methods, dates, ids, and what is quoted from the form.
_CONSTANT = re.compile(
    r"”[^”]*”|\d\d-\d\d-\d{4}|\b[0-9a-f]{16}\b|\b\d{4}K[1-4]\b|18-66-årige|18-66 år|pr\. 1\.000|95 %-|99,8 %-"
    r"|\b(?:2-)?[1-3] borgere? (?:flere|færre)|2-3 borgere|under 35 år|18\. år|over 8 pladser|mindst 10 sager|når nr\. 1 er"
    r"|1 ud af (?:40|1\.000) |VUM 2\.0|CC BY 4\.0|\(spørgsmål [0-9, og]+\)"
)


class Own(NamedTuple):
    """What a municipality's own folder in a release holds of its figures and deliveries; empty where there is no file.

    The breakdowns hold its rows in full beside the country's as everybody sees them.
    """

    target_groups: pl.DataFrame = tables.RELEASED_TARGET_GROUPS.empty
    provider_types: pl.DataFrame = tables.RELEASED_PROVIDER_TYPES.empty
    question_answers: pl.DataFrame = tables.RELEASED_QUESTION_ANSWERS.empty
    delivery_log: pl.DataFrame = tables.DELIVERY_LOG.empty
    rejected_rows: pl.DataFrame = tables.REJECTED_ROWS.empty


def shared_tables(published: Published, round_: Round, changes: pl.DataFrame | None = None) -> Tables:
    """The shared tables by name, with what follows from them: `round`, `rate_summary`, `change_summary`.

    Args:
        published: the tables of the shared folder.
        round_: their round.
        changes: the release's changes in files of the shared folder; None where there was no release before.

    Raises:
        TableError: a table is not as it is released.
        DisclosureError: a figure stands in a row that is not shown, or a change is one of a municipality's own files.
    """
    named = {name: as_published(frame, _PUBLISHED[name]) for name, frame in published._asdict().items()}
    named |= {ROUND: _round_facts(round_), RATE_SUMMARY: rate_summary(published.case_rates)}
    if changes is not None:
        of_others = changes.filter(~pl.col("file").str.starts_with("shared/")).height
        if of_others:
            raise DisclosureError(
                f"{of_others} changes are of municipalities' own files: give those of shared files only"
            )
        named |= {"changes": changes, CHANGE_SUMMARY: _change_summary(changes)}
    return named


def own_tables(own: Own, municipality_code: str) -> Tables:
    """A municipality's own tables by name, as `own_target_groups`, with `rejected_summary`.

    Raises:
        TableError: a table is not as it is released.
        DisclosureError: a row is another municipality's; the message counts such rows.
    """
    named = {name: as_published(frame, _OWN[name]) for name, frame in own._asdict().items()}
    others = sum(
        frame.filter(_whose(frame) != municipality_code).height for frame in named.values() if not frame.is_empty()
    )
    if others:
        raise DisclosureError(
            f"{others} rows are of another municipality than the report's: give it its own files only"
        )
    return {f"own_{name}": frame for name, frame in named.items()} | {REJECTED_SUMMARY: _rejected_summary(own)}


def _whose(frame: pl.DataFrame) -> pl.Expr:
    """Whose a row is; null where it is everybody's."""
    if "municipality_code" in frame.columns:
        return pl.col("municipality_code")
    return pl.when(pl.col("area_type") != "country").then("area_code")


def _round_facts(round_: Round) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "round": [round_.name],
            "threshold_dkk": [round_.threshold_dkk],
            "rounding_base": [round_.rounding_base],
            "disclosure_threshold": [round_.disclosure_threshold],
            "questions": [len(load_catalogue(round_.questionnaire).questions)],
            "municipalities": [len(municipality_codes())],
        }
    )


def rate_summary(case_rates: pl.DataFrame) -> pl.DataFrame:
    """How the rates of the participating municipalities differ.

    Grain: one row. Columns: round, participants (with those that others report for), highest_rate_per_1000,
    lowest_rate_per_1000 (of those with cases), times_lowest (highest by lowest; null where no municipality has cases),
    whole_times (the largest whole number below times_lowest), without_cases, with_cases, higher, lower (than the pooled
    rate of all, by their intervals), outside_95, outside_998 (of the funnel's limits), expected_outside_95 (by chance
    alone, at most on average), the last eight all numbers of municipalities.
    """
    rate, with_cases = pl.col("rate_per_1000"), pl.col("cases") > 0
    word, label = pl.col("comparison_country"), pl.col("funnel_label")
    highest, lowest = rate.max(), rate.filter(with_cases).min()
    return case_rates.select(
        pl.col("round").first(),
        participants=(pl.len() + pl.col("reports_for").str.split(";").list.len().sum()).cast(pl.Int64),
        highest_rate_per_1000=highest,
        lowest_rate_per_1000=lowest,
        times_lowest=highest / lowest,
        whole_times=((highest / lowest).ceil() - 1).cast(pl.Int64),
        without_cases=(~with_cases).sum().cast(pl.Int64),
        with_cases=with_cases.sum().cast(pl.Int64),
        higher=(word == "higher").sum().cast(pl.Int64),
        lower=(word == "lower").sum().cast(pl.Int64),
        outside_95=(label != WITHIN).sum().cast(pl.Int64),
        outside_998=label.is_in(["below_998", "above_998"]).sum().cast(pl.Int64),
        expected_outside_95=pl.len() * 2 * tail_of(INNER),
    )


def _rejected_summary(own: Own) -> pl.DataFrame:
    """How much is still to be mended. Grain: one row. Columns: rows, faults (each a rule broken in a cell or a row)."""
    rows = own.rejected_rows.select("file", "row").n_unique()
    return pl.DataFrame({"rows": [rows], "faults": [own.rejected_rows.height]})


def _change_summary(changes: pl.DataFrame) -> pl.DataFrame:
    """How many municipalities came or went. Grain: one row. Columns: came, gone."""
    cases = changes.filter(pl.col("file") == "shared/case_rates.parquet", pl.col("column") == "cases")
    return pl.DataFrame({"came": [cases["old"].null_count()], "gone": [cases["new"].null_count()]})


# Looking up


def of_municipality(code: str, column: str) -> Source:
    """A figure of a municipality's rate."""
    return Source("case_rates", {"municipality_code": code}, column)


def of_country(column: str) -> Source:
    """A figure of the country's averages."""
    return Source("area_averages", COUNTRY, column)


def of_round(column: str) -> Source:
    """A setting of the round."""
    return Source(ROUND, {}, column)


def row(named: Tables, table: str, **key: str | None) -> dict[str, Any]:
    """The one row with this key.

    Raises:
        TableError: there is none, or there are several; the message holds no value but the key.
    """
    found = find(named, table, **key)
    if found is None:
        raise TableError(f"{table} has no row with {key}: a report cannot tell of it")
    return found


def find(named: Tables, table: str, **key: str | None) -> dict[str, Any] | None:
    """The one row with this key; None where there is none.

    Raises:
        TableError: there are several.
    """
    rows = named[table].filter(*(pl.col(column).eq_missing(pl.lit(value)) for column, value in key.items()))
    if rows.height > 1:
        raise TableError(f"{table} has {rows.height} rows with {key}: the key must name one")
    return rows.row(0, named=True) if rows.height else None


def value(named: Tables, source: Source) -> float | str:
    """The number at a place.

    Raises:
        TableError: the key names no row or several, or there is nothing to show there.
    """
    if source.column not in named[source.table].columns:
        raise TableError(f"{source.table} has no column {source.column}")
    found = row(named, source.table, **source.key)[source.column]
    if found is None:
        raise TableError(
            f"{source.table}: {source.column} is not shown for {dict(source.key)}: a report says so in words"
        )
    return found  # type: ignore[no-any-return]  # a row's values are of any type


def written(named: Tables, source: Source) -> str:
    """The number at a place as sentences write it: shares in per cent, rates to two decimals.

    Raises:
        TableError: as `value`.
    """
    found = value(named, source)
    if isinstance(found, str):  # the changes hold values of all columns as text
        return number(int(found) if found.isdigit() else float(found), source.key["column"])
    return number(found, source.column)


def number(figure: float, column: str) -> str:
    """A number of this column: a count whole, a share in per cent (one decimal where it is small), a rate to two decimals."""
    if isinstance(figure, int):
        return danish.number(figure)
    if column.startswith("share"):
        per_cent = figure * 100
        whole = _WHOLE_SHARES if column == "share" else _WHOLE_LIMITS
        return danish.decimal(per_cent, 1 if 0 < per_cent < whole else 0)
    return danish.decimal(figure, 1 if column in _ONE_DECIMAL else 2)


def said(named: Tables, text: str, *sources: Source) -> Paragraph:
    """A paragraph: each `#` of the text is the number at the next of the sources.

    Raises:
        TableError: as `value`, or there are more or fewer sources than places.
    """
    first, *rest = text.split("#")
    if len(rest) != len(sources):
        raise TableError(f"a sentence has {len(rest)} places for {len(sources)} numbers")
    numbers = (written(named, source) for source in sources)
    return Paragraph(first + "".join(f"{shown}{words}" for shown, words in zip(numbers, rest, strict=True)), sources)


def together(*paragraphs: Paragraph | None) -> Paragraph:
    """Paragraphs as one, those left out that are None."""
    told = [paragraph for paragraph in paragraphs if paragraph is not None]
    return Paragraph(" ".join(p.text for p in told), tuple(source for p in told for source in p.sources))


# Checking


def check_numbers(paragraph: Paragraph, named: Tables) -> list[str]:
    """In what a paragraph's numbers differ from its sources; empty where each is the next source's number as written.

    Names places and never a number of the tables. Numbers that stand in sentences whatever the tables say (units, dates,
    names of methods, quotations from the form) are not looked at.
    """
    shown = _NUMBER.findall(_CONSTANT.sub(" ", paragraph.text))
    if len(shown) != len(paragraph.sources):
        return [f"{len(shown)} numbers, and {len(paragraph.sources)} sources"]
    return [
        f"number {place} is not {source.column} of {source.table}, {dict(source.key)}"
        for place, (found, source) in enumerate(zip(shown, paragraph.sources, strict=True), start=1)
        if found != written(named, source)
    ]


def checked(document: Document, named: Tables) -> Document:
    """The report, if every number in its sentences is where it says it is from.

    Raises:
        ReleaseError: one is not; the message names the sentence's place, no number.
    """
    for heading, paragraph in _paragraphs(document):
        if wrong := check_numbers(paragraph, named):
            raise ReleaseError(f"{document.title}, {heading}: {'; '.join(wrong)}")
    return document


def _paragraphs(document: Document) -> list[tuple[str, Paragraph]]:
    return [("lead", document.lead), *(found for section in document.sections for found in _of_section(section))]


def _of_section(section: Section) -> list[tuple[str, Paragraph]]:
    found = []
    for block in section.blocks:
        if isinstance(block, Bullets):
            found += [(section.heading, item) for item in block.items]
        elif isinstance(block, Paragraph):
            found.append((section.heading, block))
    return found
