"""The control tables of the quality gate: what is compared with what, row by row.

What belongs here: pure functions from tables of the release candidate to one small table each, with the column `where` (the
row's key in codes, unique) and the columns that an expectation looks at. What does not: how near they must be, and what it
means when they are not (`expectations`). A control over nothing (no release or round before) has no rows.

The keys that fail are told, and how many rows were looked at. So what numbers may fail for what they are, and not for a fault
of the program, is made from what everybody may see: that one fails, or is looked at, would tell of a hidden one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE, area_members
from pipelines.benchmark.measures import FIGURES, PUBLISHED
from pipelines.disclosure.figures import question_answer
from pipelines.disclosure.shared import ROUNDED
from pipelines.release.compatibility import breaks
from pipelines.release.manifest import table_schema
from pipelines.statistics.counts import Interval
from pipelines.statistics.intervals import wilson
from pipelines.statistics.rounds import rate_ratio_interval
from schemas.fields import AREA_TYPES
from schemas.municipalities import municipality_codes
from schemas.periods import Period
from schemas.rounds import Round
from schemas.tables import Table

WHERE = "where"
_AREA = ("area_type", "area_code")
_COUNTRY = (pl.lit("country").alias("area_type"), pl.lit(COUNTRY_CODE).alias("area_code"))
_ANSWER = (*_AREA, "question", "answer")
_SHARES = ("share", "share_ci95_lower", "share_ci95_upper")
# Some 140 shares are held against others: at 99.9 % chance alone puts one outside in one round of seven, at 95 % seven
# in every round; and the bands lie around these intervals.
_CONFIDENCE = 0.999


def totals(case_rates: pl.DataFrame, breakdown: pl.DataFrame, questions: Sequence[str]) -> pl.DataFrame:
    """The cases of every area beside the sum over a question's answers.

    Grain: area x question. Columns: cases (of the area's municipalities), answers (sum over the breakdown's rows).

    Args:
        case_rates: the municipalities' cases.
        breakdown: target_groups, provider_types or question_answers, exact.
        questions: those that every case has exactly one answer to.
    """
    cases = area_members(case_rates).group_by(_AREA).agg(pl.col("cases").sum())
    asked = pl.DataFrame({"question": questions}, schema={"question": pl.String})
    given = _answers(breakdown).filter(pl.col("question").is_in(asked["question"].implode()))
    answers = given.group_by(*_AREA, "question").agg(answers=pl.col("cases").sum())
    joined = cases.join(asked, how="cross").join(answers, on=[*_AREA, "question"], how="full", coalesce=True)
    return control(joined, (*_AREA, "question"), "cases", "answers")


def areas(breakdown: pl.DataFrame) -> pl.DataFrame:
    """The cases of every answer, summed over each kind of area: country, regions, groups and municipalities.

    Grain: question x answer. Columns: one per kind of area.
    """
    sums = (pl.col("cases").filter(pl.col("area_type") == kind).sum().alias(kind) for kind in AREA_TYPES)
    summed = _answers(breakdown).group_by("question", "answer").agg(sums)
    return control(summed.with_columns(_cell()), ("cell",), *AREA_TYPES)


def averages(case_rates: pl.DataFrame, area_averages: pl.DataFrame) -> pl.DataFrame:
    """What `area_averages` says of every area beside the sum over its municipalities.

    Grain: area x count (municipalities, cases, residents). Columns: stated, counted.
    """
    counts = ("municipalities", "cases", "population_18_66")
    members = area_members(case_rates).filter(pl.col("area_type") != "municipality")
    sums = members.group_by(_AREA).agg(
        pl.len().cast(pl.Int64).alias("municipalities"), pl.col("cases", "population_18_66").sum()
    )
    stated, counted = (
        _long(table, _AREA, counts, value) for table, value in ((area_averages, "stated"), (sums, "counted"))
    )
    joined = stated.join(counted, on=[*_AREA, "column"], how="full", coalesce=True)
    return control(joined, ("column", *_AREA), "stated", "counted")


def rates(case_rates: pl.DataFrame) -> pl.DataFrame:
    """How far every municipality's rate is from its cases by its residents.

    Grain: municipality. Columns: difference (cases per 1,000 residents).
    """
    exact = pl.col("cases") / pl.col("population_18_66") * 1_000
    return control(
        case_rates.with_columns(difference=(pl.col("rate_per_1000") - exact).abs()),
        ("municipality_code",),
        "difference",
    )


def hidden(shared: pl.DataFrame) -> pl.DataFrame:
    """Every figure that stands in a row which shows none.

    Grain: column x row that is neither published nor rounded. Columns: value.
    """
    rows = _answers(shared).filter(~pl.col("value_status").is_in([PUBLISHED, ROUNDED]))
    figures = _long(rows, _ANSWER, (*FIGURES, "rounding_base"), "value")
    return control(figures.with_columns(_cell()), ("column", *_AREA, "cell"), "value")


def hidden_findings(shared: pl.DataFrame) -> pl.DataFrame:
    """The same for the headline findings: those without a numerator."""
    figures = _long(shared.filter(pl.col("numerator").is_null()), ("finding",), _SHARES, "value")
    return control(figures, ("column", "finding"), "value")


def published(exact: pl.DataFrame, shared: pl.DataFrame) -> pl.DataFrame:
    """Every figure that is shown as it is, beside the exact one.

    Grain: figure of a published row of this release's own. Columns: shown, exact; figures that neither has are left out.
    """
    rows = _of_this_release(_answers(shared)).filter(pl.col("value_status") == PUBLISHED)
    shown, true = _long(rows, _ANSWER, FIGURES, "shown"), _long(_answers(exact), _ANSWER, FIGURES, "exact")
    joined = shown.join(true, on=[*_ANSWER, "column"], how="left")
    return control(_known(joined).with_columns(_cell()), ("column", *_AREA, "cell"), "shown", "exact")


def published_findings(exact: pl.DataFrame, shared: pl.DataFrame) -> pl.DataFrame:
    """The same for the headline findings; the denominator is always shown."""
    figures, rows = ("numerator", "denominator", *_SHARES), _of_this_release(shared)
    hidden_ones = rows.filter(pl.col("numerator").is_null())["finding"]
    shown, true = _long(rows, ("finding",), figures, "shown"), _long(exact, ("finding",), figures, "exact")
    joined = shown.join(true, on=["finding", "column"], how="left").filter(
        (pl.col("column") == "denominator") | ~pl.col("finding").is_in(hidden_ones.implode())
    )
    return control(_known(joined), ("column", "finding"), "shown", "exact")


def rounded(exact: pl.DataFrame, shared: pl.DataFrame) -> pl.DataFrame:
    """Every rounded count beside the exact one.

    Grain: rounded row of this release's own. Columns: rounding_base, remainder (of the shown count by the base), distance
    (of the shown count from the exact one).
    """
    rows = _of_this_release(_answers(shared)).filter(pl.col("value_status") == ROUNDED)
    true = _answers(exact).select(*_ANSWER, exact="cases")
    joined = rows.join(true, on=_ANSWER, how="left").with_columns(
        _cell(),
        remainder=pl.col("cases") % pl.col("rounding_base"),
        distance=(pl.col("cases") - pl.col("exact")).abs(),
    )
    return control(joined, (*_AREA, "cell"), "rounding_base", "remainder", "distance")


def municipalities(population: pl.DataFrame) -> pl.DataFrame:
    """Whether each of the 98 municipalities has residents, and whether nobody else has.

    Grain: municipality of either. Columns: is_both.
    """
    codes, counted = municipality_codes(), set(population["municipality_code"])
    return _flags({code: code in codes and code in counted for code in codes | counted}, "is_both")


def quarter(population: pl.DataFrame, round_: Round) -> pl.DataFrame:
    """The quarter that the population is from, beside the round's own.

    Grain: quarter. Columns: population_quarter, wanted.
    """
    used = population.select("population_quarter").unique().with_columns(wanted=pl.lit(round_.population_quarter))
    return control(used, ("population_quarter",), "population_quarter", "wanted")


def released_quarter(population: pl.DataFrame, release: Mapping[str, Any] | None) -> pl.DataFrame:
    """The quarter that the population is from, beside that of the round's current release.

    Grain: quarter. Columns: number, released (quarters since year 0).
    """
    used = population.select("population_quarter").unique()
    if release is None:
        used = used.clear()
    released = pl.lit(None if release is None else release["populationQuarter"], pl.String)
    numbered = used.with_columns(number=_number(pl.col("population_quarter")), released=_number(released))
    return control(numbered, ("population_quarter",), "number", "released")


def released_participants(case_rates: pl.DataFrame, round_: Period, release: Mapping[str, Any] | None) -> pl.DataFrame:
    """Whether the participants of the round's current release take part still, those included that others report for.

    Grain: participant of the release. Columns: takes_part.
    """
    now = _covered(case_rates, round_)
    before = () if release is None else release["participants"]
    return _flags({code: code in now for code in before}, "takes_part")


def released_columns(release: Mapping[str, Any] | None, tables: Mapping[str, Table]) -> pl.DataFrame:
    """In how many ways the tables break what the round's current release promised of each column.

    Grain: column of a table of the release, and each table's key. Columns: breaks (0 where the table's version was raised).

    Args:
        release: its manifest.
        tables: those that a release holds now, by name.
    """
    promised = {} if release is None else {_stem(r["path"]): r for r in release["resources"] if "schema" in r}
    found = {
        where: count
        for name, resource in sorted(promised.items())
        for where, count in _column_breaks(name, resource, tables.get(name)).items()
    }
    return control(
        pl.DataFrame(
            {"key": list(found), "breaks": list(found.values())}, schema={"key": pl.String, "breaks": pl.Int64}
        ),
        ("key",),
        "breaks",
    )


def findings(shared: pl.DataFrame, shares: Mapping[str, float]) -> pl.DataFrame:
    """How far every headline finding that is shown is from a published share.

    Grain: finding with a numerator that everybody may see, and cases to count among. Columns: distance (from the share's
    99.9 % interval to the published one; 0 within it).
    """
    # A numerator that cannot be is for `published_findings` to tell.
    shown = pl.col("numerator").is_between(0, pl.col("denominator"))
    counted = shared.filter(shown, pl.col("denominator") > 0, pl.col("finding").is_in(list(shares)))
    limits = wilson(counted["numerator"], counted["denominator"], _CONFIDENCE)
    share = counted["finding"].replace_strict(shares, return_dtype=pl.Float64).to_numpy()
    apart = _apart(limits, Interval(share, share))
    return control(counted.with_columns(distance=apart), ("finding",), "distance")


def answers(shared: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """How far the answers in the whole country that are shown are from the round before's.

    Grain: question x answer that both rounds show, with cases that answered in both. Columns: distance (between the two
    shares' 99.9 % intervals; 0 where they meet).

    Args:
        shared: question_answers as everybody may see them.
        earlier: the same of the round before.
    """
    both = _country(shared).join(_country(earlier), on=["question", "answer"], suffix="_earlier")
    later, before = (wilson(both[f"cases{when}"], both[f"answered{when}"], _CONFIDENCE) for when in ("", "_earlier"))
    return control(both.with_columns(_cell(), distance=_apart(later, before)), ("cell",), "distance")


def earlier_participants(case_rates: pl.DataFrame, round_: Round, earlier: pl.DataFrame) -> pl.DataFrame:
    """Whether the participants of the round before take part again, those included that others report for.

    Grain: participant of the round before. Columns: takes_part.
    """
    now = _covered(case_rates, round_)
    before = {*earlier["municipality_code"], *_reported_for(earlier)}
    return _flags({code: code in now for code in before}, "takes_part")


def participation(case_rates: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """How many municipalities take part, by those of the round before.

    Grain: the country. Columns: ratio.
    """
    before = earlier.group_by("round").agg(before=pl.len())
    return control(before.with_columns(*_COUNTRY, ratio=case_rates.height / pl.col("before")), _AREA, "ratio")


def pooled_rate(round_changes: pl.DataFrame) -> pl.DataFrame:
    """The pooled rate by the round before's, of the municipalities in both.

    Grain: the country. Columns: ratio (the one nearest to 1 in its 95 % interval).
    """
    sums = round_changes.group_by("later_round").agg(pl.col("^(earlier|later)_(cases|population_18_66)$").sum())
    limits = rate_ratio_interval(
        sums["earlier_cases"], sums["earlier_population_18_66"], sums["later_cases"], sums["later_population_18_66"]
    )
    return control(sums.with_columns(*_COUNTRY, ratio=_nearest_to_one(limits)), _AREA, "ratio")


def municipal_rates(round_changes: pl.DataFrame) -> pl.DataFrame:
    """Every municipality's rate by the round before's.

    Grain: municipality in both rounds. Columns: ratio (the one nearest to 1 in its 95 % interval).
    """
    limits = Interval(*(round_changes[f"rate_ratio_ci95_{end}"].to_numpy() for end in ("lower", "upper")))
    return control(round_changes.with_columns(ratio=_nearest_to_one(limits)), ("municipality_code",), "ratio")


def rejected_rows(delivery_log: pl.DataFrame) -> pl.DataFrame:
    """How much of each delivery that counts was rejected.

    Grain: municipality with a delivery that counts. Columns: share (of its rows; a single rejected row counts as none, as
    where a whole file is rejected for its rows).
    """
    current = delivery_log.filter(pl.col("status") == "current")
    share = pl.when(pl.col("rejected") > 1).then(pl.col("rejected") / pl.col("rows")).otherwise(0.0)
    return control(current.with_columns(share=share), ("municipality_code",), "share")


def rejected_files(delivery_log: pl.DataFrame) -> pl.DataFrame:
    """How many files were rejected that no good one has come after.

    Grain: municipality that handed anything in. Columns: files.
    """
    is_rejected, is_current = (pl.col("status") == status for status in ("rejected", "current"))
    # Numbered oldest first per municipality.
    good = pl.col("delivery").filter(is_current).max().fill_null(-1)
    files = (is_rejected & (pl.col("delivery") > good)).sum().cast(pl.Int64)
    return control(delivery_log.group_by("municipality_code").agg(files=files), ("municipality_code",), "files")


def control(frame: pl.DataFrame, key: Sequence[str], *columns: str) -> pl.DataFrame:
    """The columns to look at, with the row's key as one text, sorted by it."""
    return frame.select(pl.concat_str(*key, separator=" ").alias(WHERE), *columns).sort(WHERE)


def _flags(flags: Mapping[str, bool], column: str) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"key": list(flags), column: list(flags.values())}, schema={"key": pl.String, column: pl.Boolean}
    )
    return control(frame, ("key",), column)


def _answers(breakdown: pl.DataFrame) -> pl.DataFrame:
    """A breakdown with its question and answer under these names."""
    question, answer = question_answer(breakdown.columns)
    return breakdown.with_columns(question=question, answer=answer)


def _cell() -> pl.Expr:
    return pl.concat_str("question", "answer", separator="/").alias("cell")


def _long(frame: pl.DataFrame, index: Sequence[str], columns: Sequence[str], value: str) -> pl.DataFrame:
    """One row per row and column."""
    numbers = frame.select(*index, pl.col(*columns).cast(pl.Float64))
    return numbers.unpivot(columns, index=index, variable_name="column", value_name=value)


def _known(joined: pl.DataFrame) -> pl.DataFrame:
    return joined.filter(pl.col("shown").is_not_null() | pl.col("exact").is_not_null())


def _of_this_release(shared: pl.DataFrame) -> pl.DataFrame:
    """Without what is shown again from an earlier release, whose exact figures were others."""
    return shared.filter(pl.col("figures_from_release").is_null())


def _number(quarter_: pl.Expr) -> pl.Expr:
    """A quarter such as 2022K4 as a number of quarters."""
    return quarter_.str.slice(0, 4).cast(pl.Int64) * 4 + quarter_.str.slice(5).cast(pl.Int64)


def _covered(case_rates: pl.DataFrame, round_: Period) -> set[str]:
    """Who takes part, those included that others report for; as a release names its participants."""
    codes = case_rates["municipality_code"].to_list()
    return {*codes, *(other for code in codes for other in round_.reports_for.get(code, ()))}


def _reported_for(case_rates: pl.DataFrame) -> Iterable[str]:
    return (code for codes in case_rates["reports_for"].drop_nulls() for code in codes.split(";"))


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _column_breaks(name: str, resource: Mapping[str, Any], table: Table | None) -> dict[str, int]:
    """The breaks of one table, by `table.column`, and by `table` for its key; one that is gone breaks as a whole."""
    earlier = resource["schema"]
    columns = {f"{name}.{field['name']}": field for field in earlier["fields"]}
    if table is None:
        return {name: 1}
    if table.version > resource["schemaVersion"]:
        return dict.fromkeys([name, *columns], 0)
    now = table_schema(table)
    same_key = {"primaryKey": now["primaryKey"]} if "primaryKey" in now else {}
    found = {where: len(breaks({"fields": [field], **same_key}, now)) for where, field in columns.items()}
    return {name: len(breaks({**earlier, "fields": []}, now)), **found}


def _country(shared: pl.DataFrame) -> pl.DataFrame:
    """Published cases by answer in the whole country, and how many answered the question.

    Without questions of which no published answer tells how many answered.
    """
    # An answer that nobody gave does not tell how many answered; the question's others do.
    answered = pl.when(pl.col("cases") > 0).then((pl.col("cases") / pl.col("share")).round().cast(pl.Int64))
    return (
        shared.filter(pl.col("area_type") == "country", pl.col("value_status") == PUBLISHED)
        .with_columns(answered=answered)
        .select("question", "answer", "cases", pl.col("answered").fill_null(pl.col("answered").max().over("question")))
        .drop_nulls("answered")
    )


def _apart(one: Interval, other: Interval) -> pl.Series:
    """How far two intervals lie from each other; 0 where they meet."""
    return pl.Series(np.maximum(np.maximum(one.lower - other.upper, other.lower - one.upper), 0.0), dtype=pl.Float64)


def _nearest_to_one(limits: Interval) -> pl.Series:
    """The ratio in an interval that is nearest to 1; a limit that is not known (NaN) is none."""
    nearest = np.clip(1.0, np.fmax(limits.lower, -np.inf), np.fmin(limits.upper, np.inf))
    return pl.Series(nearest, dtype=pl.Float64)
