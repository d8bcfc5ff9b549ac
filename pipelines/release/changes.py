"""What differs from the round's release before, value by value, and why.

What belongs here: comparing two releases and explaining what differs. What does not: reading them (`publish`), and
saying it in words (the portal). A value that nothing explains stops the release: then something is wrong that nobody
decided.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from pipelines.benchmark.areas import area_members
from pipelines.disclosure.shared import SUPPRESSED
from schemas import tables
from schemas.errors import ReleaseError
from schemas.tables import Table

LATE, CORRECTED, POPULATION, METHOD = "late_delivery", "corrected_delivery", "population_revised", "method_version"

# What tells a row apart in two releases, where the table's own key holds what changes with every delivery.
_LASTING_KEYS = {
    "responses": ("municipality_code", "case_id"),
    "rejected_rows": ("municipality_code", "row", "question", "rule"),
    "delivery_log": ("municipality_code", "received_at", "file"),
    "extract_log": ("extract", "municipality_code", "received_at", "file"),
    "extract_rejected_rows": ("extract", "municipality_code", "row", "question", "rule"),
}
# Where a row was read from, how many came before it, and which release made it: no values. The manifest tells of the last.
_PLACES = {
    "responses": {"file", "row"},
    "rejected_rows": {"file"},
    "delivery_log": {"delivery"},
    "extract_log": {"delivery"},
    "extract_rejected_rows": {"file"},
    "extract_warnings": {"file"},
    **{
        name: {"figures_from_release"}
        for name in ("target_groups", "provider_types", "question_answers", "key_findings")
    },
}
# Tables of a municipality that follow from its own deliveries alone, whatever the population.
_OF_OWN_EXTRACTS = frozenset(
    {
        *("extract_rejected_rows", "extract_warnings", "monthly_active_cases", "full_year_cases", "unit_costs"),
        *("cases_over_threshold", "refunds", "forecast", "initiative_effects", "cost_drivers"),
    }
)
_OF_CASES = _OF_OWN_EXTRACTS | {"responses", "rejected_rows", "delivery_log", "extract_log", "threshold_reconciliation"}
# Columns that follow from cases alone, whatever the population.
_WITHOUT_POPULATION = frozenset(
    {
        *("cases", "share", "share_ci95_lower", "share_ci95_upper", "numerator", "denominator", "municipalities"),
        *("value_status", "rounding_base", "earlier_cases", "later_cases"),
    }
)
# Columns of a municipality that follow from its own cases and residents alone.
OWN = frozenset(
    {
        *("municipality_name", "region_code", "region_name", "municipality_group_code", "municipality_group"),
        *("population_18_66", "population_quarter", "cases", "rate_per_1000", "reports_for", "interval_method"),
        *("ci95_lower", "ci95_upper", "ci998_lower", "ci998_upper", "reliability"),
    }
)
_SHOWN_FILES = 4


class TableOfRelease(NamedTuple):
    """A table with its file within the release, before (None where it was not there) and now."""

    path: str
    table: Table
    before: pl.DataFrame | None
    now: pl.DataFrame | None


@dataclass(frozen=True)
class Causes:
    """What has changed between two releases that may explain a difference: municipalities, or everything."""

    late: frozenset[str] = frozenset()
    corrected: frozenset[str] = frozenset()
    population: frozenset[str] = frozenset()
    method: bool = False

    def among(self, codes: frozenset[str] | None) -> "Causes":
        """Those of these municipalities; None is all of them."""
        if codes is None:
            return self
        return Causes(self.late & codes, self.corrected & codes, self.population & codes, self.method)

    def and_also(self, other: "Causes") -> "Causes":
        """Both together."""
        return Causes(
            self.late | other.late,
            self.corrected | other.corrected,
            self.population | other.population,
            self.method or other.method,
        )

    def reason(self, *, population: bool) -> str:
        """The reasons, joined; empty where nothing explains. `population` says whether a new population may be one."""
        named = {
            LATE: self.late,
            CORRECTED: self.corrected,
            POPULATION: self.population if population else (),
            METHOD: self.method,
        }
        return "+".join(name for name, found in named.items() if found)


def causes(before: Mapping[str, Any], now: Mapping[str, Any], round_name: str, *, any_file: bool = False) -> Causes:
    """What has changed between two releases, by their manifests.

    Args:
        before: the manifest of the one before.
        now: that of this one, or what it will hold (`basis.origin`).
        round_name: the round whose deliveries are compared.
        any_file: also files that do not count, which only the log of deliveries shows.
    """
    old, new = before.get("inputs", {}), now["inputs"]
    old_files, new_files = (state.get("deliveries", {}).get(round_name, {}) for state in (old, new))
    late: set[str] = set()
    corrected: set[str] = set()
    for code, state in new_files.items():
        earlier = old_files.get(code, {"current": None, "files": []})
        came = bool(set(state["files"]) - set(earlier["files"]))
        counts = state["current"] != earlier["current"] and state["current"] is not None
        if came and (counts or any_file):
            (late if earlier["current"] is None else corrected).add(code)
    old_people, new_people = old.get("population", {}), new["population"]
    revised = {code for code, people in new_people.items() if old_people.get(code, people) != people}
    if before.get("populationQuarter") != now["populationQuarter"]:
        revised = set(new_people)
    method = any(before.get(key) != now[key] for key in ("methodVersion", "settings"))
    return Causes(frozenset(late), frozenset(corrected), frozenset(revised), method)


class Explanations:
    """Why values may differ between two releases of a round."""

    def __init__(
        self,
        before: Mapping[str, Any],
        now: Mapping[str, Any],
        figures_before: Mapping[str, Any],
        municipalities: Iterable[pl.DataFrame],
    ) -> None:
        """Work out what has changed.

        Args:
            before: the manifest of the release before.
            now: that of this one, or what it will hold.
            figures_before: the manifest of the release whose shared breakdowns `before` shows; often itself.
            municipalities: those of both releases with their areas.
        """
        name = now["round"]
        self._all = causes(before, now, name)
        self._log = causes(before, now, name, any_file=True)
        # Breakdowns that stayed behind catch up with all that came since they were made.
        self._breakdowns = self._all.and_also(causes(figures_before, now, name))
        earlier_rounds = [causes(before, now, other) for other in now["inputs"]["deliveries"] if other != name]
        self._rounds = self._all
        for of_round in earlier_rounds:
            self._rounds = self._rounds.and_also(of_round)
        members: dict[tuple[str, str], set[str]] = {}
        for frame in municipalities:
            areas = area_members(frame).select("area_type", "area_code", "municipality_code")
            for kind, area, code in areas.iter_rows():
                members.setdefault((kind, area), set()).add(code)
        self._members = {area: frozenset(codes) for area, codes in members.items()}

    def reason(self, table: str, column: str, row: Mapping[str, Any]) -> str:
        """Why a value differs; empty where nothing explains it.

        Args:
            table: its table's name.
            column: its column.
            row: the key of its row, with `hidden`: whether the row was or is suppressed.
        """
        population = table not in _OF_CASES and column not in _WITHOUT_POPULATION
        return self._causes(table, column, row).reason(population=population)

    def _causes(self, table: str, column: str, row: Mapping[str, Any]) -> Causes:
        own = frozenset({row["municipality_code"]}) if "municipality_code" in row else None
        match table:
            case "delivery_log" | "extract_log":
                return self._log.among(own)
            case "responses" | "rejected_rows":
                return self._all.among(own)
            case _ if table in _OF_OWN_EXTRACTS:
                return self._all.among(own)
            case "case_rates":
                # Rank, comparisons and shrinkage follow from everybody's.
                return self._all.among(own if column in OWN else None)
            case "round_changes" | "threshold_reconciliation":
                return self._rounds.among(own)
            case "area_averages":
                return self._all.among(self._area(row))
            case "target_groups" | "provider_types" | "question_answers":
                # Which cells are hidden beside a small one depends on all of them.
                return self._breakdowns.among(None if row["hidden"] else self._area(row))
            case "key_findings":
                return self._breakdowns
            case _:
                return self._all

    def _area(self, row: Mapping[str, Any]) -> frozenset[str]:
        return self._members.get((row["area_type"], row["area_code"]), frozenset())


def changes(compared: Iterable[TableOfRelease], explanations: Explanations) -> pl.DataFrame:
    """One row per value that differs, with its reason.

    Grain: file, row and column, sorted. Columns: those of `tables.CHANGES`.

    Raises:
        ReleaseError: a value differs and nothing explains it; names the files and columns, and no value.
    """
    found: list[tuple[str, str, str, str | None, str | None, str]] = []
    unexplained: dict[str, set[str]] = {}
    for each in compared:
        for row, column, old, new in _differing(each):
            reason = explanations.reason(each.table.name, column, row)
            if not reason:
                unexplained.setdefault(each.path, set()).add(column)
            found.append((each.path, _row_in_words(row), column, old, new, reason))
    if unexplained:
        # Shared files, which come last in the alphabet, tell most.
        shown = sorted(unexplained, reverse=True)[:_SHOWN_FILES]
        told = "; ".join(f"{path} ({', '.join(sorted(unexplained[path]))})" for path in shown)
        if more := len(unexplained) - len(shown):
            told += f"; and {more} files more"
        raise ReleaseError(
            f"values differ from the release before, and no delivery, population or method version explains it: {told}. "
            "Lay back deliveries that are gone from the inbox, raise METHOD_VERSION if the method changed, or withdraw the "
            "release before"
        )
    return pl.DataFrame(found, schema=dict(tables.CHANGES.dtypes), orient="row").sort("file", "key", "column")


def _differing(each: TableOfRelease) -> Iterable[tuple[dict[str, Any], str, str | None, str | None]]:
    """The rows' keys, the columns and the two values, as text, where they differ."""
    columns = [field.name for field in each.table.fields]
    key = [name for name in _LASTING_KEYS.get(each.table.name, each.table.key) if name != "round"]
    values = [name for name in columns if name not in {*key, "round", *_PLACES.get(each.table.name, ())}]
    texts = {when: _texts(getattr(each, when), key, values) for when in ("before", "now")}
    joined = texts["before"].join(
        texts["now"], on=[*key, "_nth"], how="full", coalesce=True, nulls_equal=True, suffix="/now"
    )
    hidden = [name for name in ("value_status", "value_status/now") if name in joined.columns]
    is_hidden = pl.any_horizontal(pl.lit(value=False), *(pl.col(name).eq_missing(SUPPRESSED) for name in hidden))
    for column in values:
        differs = joined.filter(pl.col(column).ne_missing(pl.col(f"{column}/now")))
        for row in differs.select(*key, is_hidden.alias("hidden"), old=column, new=f"{column}/now").iter_rows(
            named=True
        ):
            yield {name: row[name] for name in (*key, "hidden")}, column, row["old"], row["new"]


def _texts(frame: pl.DataFrame | None, key: list[str], values: list[str]) -> pl.DataFrame:
    """Key and values as text, with a number for rows that share a key; no rows where there is no table of this key."""
    if frame is None or not set(key) <= set(frame.columns):
        names = [*key, *values]
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String) | {"_nth": pl.UInt32})
    missing = [pl.lit(None, pl.String).alias(name) for name in values if name not in frame.columns]
    return frame.with_columns(missing).select(
        *(_text(frame, name) for name in (*key, *values)), _nth=pl.int_range(pl.len(), dtype=pl.UInt32).over(key)
    )


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    dtype = frame.schema.get(name, pl.String())
    if isinstance(dtype, pl.List):
        return pl.col(name).list.join("; ")
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    return pl.col(name).cast(pl.String)


def _row_in_words(row: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}={value}" for name, value in row.items() if name != "hidden" and value is not None)
