"""The quality gate: what Great Expectations says of a release candidate, and whether it may be released.

What belongs here: the judging, the report, and the stop. What does not: what is expected (`expectations`), what is compared
(`controls`), and who accepted a warning (`acceptances`). Of what Great Expectations returns only the number of rows and the
keys of those that fail are read: the rest holds values.
"""

import logging
import os
import warnings
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import polars as pl

from pipelines.quality.acceptances import Acceptance, is_stopping, warning_id
from pipelines.quality.controls import WHERE
from pipelines.quality.expectations import EXPECTATIONS, LOOK, STOP, Before, Expectation, Material, control_tables
from schemas.errors import QualityError
from schemas.management_tables import MANAGEMENT_QUALITY
from schemas.tables import QUALITY_REPORT

__all__ = ["Before", "Material", "management_quality", "quality_report", "require_met"]

_SEVERITIES = {STOP: "critical", LOOK: "warning"}
_RESULT = {"result_format": "COMPLETE", "unexpected_index_column_names": [WHERE]}
_KEYS_TOLD = 10


class _Verdict(NamedTuple):
    """How many rows an expectation looked at, the keys of those that do not meet it, and all that these rows hold."""

    rows: int
    failing: list[str]
    seen: list[tuple[Any, ...]]


def quality_report(material: Material, before: Before, accepted: Mapping[str, Acceptance]) -> pl.DataFrame:
    """Whether the tables of a release candidate are as expected.

    Grain: expectation, in the order they are declared. Columns: as `schemas.tables.QUALITY_REPORT`.

    Args:
        material: the tables.
        before: the round's current release, and the round before.
        accepted: which warnings were accepted, by their id.

    Raises:
        QualityError: an expectation could not be judged.
    """
    verdicts = judged(control_tables(material, before), EXPECTATIONS)
    name = material.round_.name
    rows = [
        _row(name, expectation, verdicts[expectation.code], accepted) | {"candidate_sha256": material.candidate_sha256}
        for expectation in EXPECTATIONS
    ]
    return pl.DataFrame(rows, schema=dict(QUALITY_REPORT.dtypes), orient="row")


def management_quality(
    year: int, candidate_sha256: str, controls: Mapping[str, pl.DataFrame], expectations: Iterable[Expectation]
) -> pl.DataFrame:
    """Whether the tables of a year of management information are as expected.

    Grain: expectation, in the order they are declared. Columns: as `schemas.management_tables.MANAGEMENT_QUALITY`.

    Args:
        year: the calendar year.
        candidate_sha256: the checksum of the tables that are judged.
        controls: the control tables, by name.
        expectations: what is expected of them.

    Raises:
        QualityError: an expectation could not be judged.
    """
    wanted = list(expectations)
    verdicts = judged(controls, wanted)
    rows = [
        _row(str(year), expectation, verdicts[expectation.code], {})
        | {"year": year, "candidate_sha256": candidate_sha256}
        for expectation in wanted
    ]
    columns = dict(MANAGEMENT_QUALITY.dtypes)
    return pl.DataFrame([{name: row[name] for name in columns} for row in rows], schema=columns, orient="row")


def require_met(report: pl.DataFrame) -> None:
    """Stops a release whose tables are not as expected.

    Raises:
        QualityError: names every unmet expectation that stops a release, with its rows and what to do; no value.
    """
    unmet = report.filter(is_stopping()).rows(named=True)
    if unmet:
        told = "; ".join(
            f"{row['expectation']}: {row['rows_failing']} of {row['rows_checked']} rows do not meet it "
            f"({_told(row['failing_keys'])}). {row['action_da']}"
            for row in unmet
        )
        raise QualityError(f"the quality gate stops the release: {told}")


def judged(controls: Mapping[str, pl.DataFrame], expectations: Iterable[Expectation]) -> dict[str, _Verdict]:
    """What Great Expectations says of control tables, by the expectations' codes.

    Raises:
        QualityError: an expectation could not be judged, which is a fault of the program and not of the data.
    """
    by_control: dict[str, list[Expectation]] = {}
    for expectation in expectations:
        by_control.setdefault(expectation.control, []).append(expectation)
    gx = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("candidate").add_dataframe_asset("control")
    whole = asset.add_batch_definition_whole_dataframe("whole")  # one for all: each costs as much as judging a table
    verdicts: dict[str, _Verdict] = {}
    for name, of_control in by_control.items():
        control = controls[name]
        if control.is_empty():
            verdicts |= {expectation.code: _Verdict(0, [], []) for expectation in of_control}
            continue
        suite = gx.ExpectationSuite(name, expectations=[_rule(gx, expectation) for expectation in of_control])
        batch = whole.get_batch({"dataframe": control.to_pandas()})
        for result in batch.validate(suite, result_format=_RESULT).results:
            code = result.expectation_config.meta["code"]
            verdicts[code] = _verdict(code, result, control)
    return verdicts


def _rule(gx: ModuleType, expectation: Expectation) -> Any:  # noqa: ANN401 - Great Expectations is imported late
    """An expectation as Great Expectations takes it."""
    return getattr(gx.expectations, expectation.rule)(
        **expectation.arguments,
        severity=_SEVERITIES[expectation.severity],
        description=expectation.expected_da,
        meta={"code": expectation.code},
    )


def _great_expectations() -> ModuleType:
    """The library, which takes seconds to import; it sends nothing, warns of nothing and logs nothing."""
    # It would report to its makers; what it reads at import cannot be said later.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    log = logging.getLogger("great_expectations")
    if log.propagate:
        log.addHandler(logging.NullHandler())  # without one Python prints warnings itself
        log.propagate = False  # its text may hold an answer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports what Python has deprecated
        import great_expectations as gx
    return gx


def _verdict(code: str, result: Any, control: pl.DataFrame) -> _Verdict:  # noqa: ANN401 - Great Expectations is imported late
    # A value that is not there is passed over by most rules: the row would count as met without having been looked at.
    if _raised(result.exception_info) or result.result.get("missing_count"):
        raise QualityError(
            f"expectation {code} could not be judged; that is a fault of the program, not of the data (the text of the "
            "error may hold an answer and is not shown)"
        )
    failing = sorted(row[WHERE] for row in result.result["unexpected_index_list"])
    return _Verdict(control.height, failing, control.filter(pl.col(WHERE).is_in(failing)).sort(WHERE).rows())


def _raised(information: Mapping[str, Any]) -> bool:
    """Whether a rule failed to run: told directly, or by each metric that it is computed from."""
    if "raised_exception" in information:
        return bool(information["raised_exception"])
    return any(metric["raised_exception"] for metric in information.values())


def _row(
    round_name: str, expectation: Expectation, verdict: _Verdict, accepted: Mapping[str, Acceptance]
) -> dict[str, Any]:
    met = not verdict.failing
    warning = None
    if expectation.severity == LOOK and not met:
        warning = warning_id(round_name, expectation.code, verdict.seen)
    acceptance = accepted.get(warning) if warning is not None else None
    return {
        "round": round_name,
        "expectation": expectation.code,
        "about": expectation.about,
        "severity": expectation.severity,
        "expected_da": expectation.expected_da,
        "met": met,
        "rows_checked": verdict.rows,
        "rows_failing": len(verdict.failing),
        "failing_keys": verdict.failing,
        "action_da": None if met else expectation.action_da,
        "warning_id": warning,
        "accepted_by": acceptance and acceptance.by,
        "accepted_reason": acceptance and acceptance.reason,
        "accepted_at": acceptance and acceptance.at,
    }


def _told(keys: Iterable[str]) -> str:
    """The first keys, and how many there are besides."""
    every = list(keys)
    more = f" and {len(every) - _KEYS_TOLD} more, see quality_report" if len(every) > _KEYS_TOLD else ""
    return ", ".join(every[:_KEYS_TOLD]) + more
