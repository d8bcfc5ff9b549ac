"""Following a value of a made-up release back to what it comes from."""

import datetime as dt
import json

import polars as pl
import pytest
from upath import UPath

from assets import cli_trace
from pipelines import storage
from pipelines.benchmark.areas import area_members
from pipelines.benchmark.averages import area_averages
from pipelines.release import life, provenance
from pipelines.release.contents import ReleaseFile
from pipelines.release.publish import publish
from pipelines.release.trace import OF_AREA, OF_OWN, Population, trace
from pipelines.statistics.tables import with_statistics
from pipelines.storage import parquet_bytes
from schemas import tables
from schemas.errors import ReleaseError
from schemas.fields import FIELDS
from tests.release_scenario import basis, filled, no_others, rates
from tests.scenario import ROUND

CASES = {"101": 3, "147": 2, "151": 0}
REMARK = "planted remark 4711"
AT = "2022-12-01T02:00:00+00:00"
RATES = "shared/case_rates.parquet"
GROUPS = "shared/target_groups.parquet"
OWN_GROUPS = "municipalities/101/target_groups.parquet"
RESPONSES = "municipalities/101/responses.parquet"
REJECTED = "municipalities/101/rejected_rows.parquet"
LOG = "municipalities/101/delivery_log.parquet"
FINDINGS = "shared/key_findings.parquet"
CHANGES = "shared/round_changes.parquet"


def group(area_type, area_code, code, **figures):
    key = {"round": ROUND.name, "area_type": area_type, "area_code": area_code, "area_name": "navn"}
    return key | {"target_group_level": "main", "target_group": code, "value_status": "published"} | figures


def content(figures_from=None):
    rounded = {"value_status": "rounded", "rounding_base": 3, "cases": 3, "figures_from_release": figures_from}
    hidden = {"value_status": "suppressed", "figures_from_release": figures_from}
    country = group("country", "000", "autism", cases=7, figures_from_release=figures_from)
    groups = [country, group("municipality", "101", "autism", **rounded), group("region", "084", "autism", **hidden)]
    own = [country, group("municipality", "101", "autism", cases=4711)]
    questionnaire = tables.responses(ROUND.questionnaire)
    finding = {"round": ROUND.name, "finding": "sentence", "denominator": 7}
    received_at = dt.datetime(2022, 11, 1, 8, tzinfo=dt.UTC)
    files = {
        RATES: (tables.CASE_RATES, rates(CASES)),
        GROUPS: (tables.RELEASED_TARGET_GROUPS, filled(tables.RELEASED_TARGET_GROUPS, groups)),
        OWN_GROUPS: (tables.RELEASED_TARGET_GROUPS, filled(tables.RELEASED_TARGET_GROUPS, own)),
        FINDINGS: (tables.RELEASED_KEY_FINDINGS, filled(tables.RELEASED_KEY_FINDINGS, [finding])),
        RESPONSES: (
            questionnaire,
            filled(
                questionnaire,
                [
                    {"municipality_code": "101", "file": "sager.csv", "row": row, "comment": REMARK, "age": 4711}
                    for row in (2, 3)
                ],
            ),
        ),
        REJECTED: (
            tables.REJECTED_ROWS,
            filled(
                tables.REJECTED_ROWS,
                [{"municipality_code": "101", "file": "sager.csv", "row": 4, "rule": rule} for rule in ("cpr", "unit")],
            ),
        ),
        LOG: (
            tables.DELIVERY_LOG,
            filled(
                tables.DELIVERY_LOG,
                [
                    {"delivery": 0, "file": "gammel.csv", "received_at": received_at, "sha256": "0" * 64},
                    {"delivery": 1, "file": "sager.csv", "received_at": received_at, "sha256": "1" * 64},
                ],
            ).with_columns(municipality_code=pl.lit("101"), status=pl.Series(["superseded", "current"])),
        ),
        CHANGES: (
            tables.ROUND_CHANGES,
            filled(
                tables.ROUND_CHANGES,
                [{"municipality_code": "101", "earlier_round": "2020-10-01", "later_round": ROUND.name}],
            ),
        ),
    }
    return [ReleaseFile(path, parquet_bytes(frame), table, frame.height) for path, (table, frame) in files.items()]


def origin(*sources, formula="sum(cases)"):
    return {"label": "x", "formula": formula, "function": "pipelines.made.up", "sources": [list(s) for s in sources]}


def columns():
    """Lineage enough for these tests: every column from one above, and the population from Statistics Denmark."""
    names = tables.released(ROUND.questionnaire)
    protected = [name for name in provenance.PROTECTED if name in names]
    of = {
        asset: {field.name: origin(("answer_counts", "cases")) for field in names[table].fields}
        for asset, table in [
            *((name, name) for name in names),
            *((f"shared_{name}", name) for name in protected),
        ]
    }
    for exact in protected:
        del of[exact]["figures_from_release"]
    of["case_rates"]["rate_per_1000"] = origin(
        ("case_rates", "cases"), ("population", "population_18_66"), formula="cases / population_18_66 x 1.000"
    )
    of["round_changes"]["rate_ratio"] = origin(("case_rates", "rate_per_1000"))
    of["round_changes"]["earlier_cases"] = origin(("case_rates", "cases"))
    return of | {
        "answer_counts": {"cases": origin(("responses", "eligible"))},
        "responses": of["responses"] | {"eligible": origin(("inbox", "residential_cost_dkk"))},
        "population": {"population_18_66": origin(("folk1a", "INDHOLD"))},
    }


def deliveries(round_name, names):
    return [
        {
            "municipalityCode": code,
            "folder": f"inbox/{round_name}/{code}",
            "receivedAt": "2022-11-01T08:00:00+00:00",
            "sha256": sha256,
            "status": status,
        }
        for code, _, sha256, status in names
    ]


def population(quarter):
    return {
        "table": "FOLK1A",
        "quarter": quarter,
        "source": "Danmarks Statistik",
        "fetchedAt": AT,
        "sha256": "2" * 64,
        "file": f"reference/folk1a_18_66_{quarter}.csv",
    }


def made(asset, round_name):
    return {
        "dataVersion": f"{asset} of {round_name}",
        "run": "run 1",
        "madeAt": AT,
        "codeVersion": "1",
        "file": f"warehouse/{asset}/{round_name}.parquet",
    }


def document(release):
    assets = ("case_rates", "answer_counts", "responses", "population")
    found = {
        "release": release,
        "round": ROUND.name,
        "codeVersion": "0.1.0",
        "methodVersion": "1",
        "run": "run 1",
        "madeAt": AT,
        "tables": {asset: made(asset, ROUND.name) | {"upstream": []} for asset in assets},
        "deliveries": deliveries(
            ROUND.name,
            [
                ("101", "gammel.csv", "0" * 64, "superseded"),
                ("101", "sager.csv", "1" * 64, "current"),
                ("147", "sager.csv", "3" * 64, "current"),
                ("151", "sager.csv", "4" * 64, "current"),
            ],
        ),
        "population": population("2022K4"),
        "roundBefore": {
            "round": "2020-10-01",
            "tables": {"case_rates": made("case_rates", "2020-10-01")},
            "deliveries": deliveries("2020-10-01", [("101", "da.csv", "5" * 64, "current")]),
            "population": population("2020K4"),
        },
        "columns": columns(),
    }
    paths = (RATES, GROUPS, OWN_GROUPS, FINDINGS, RESPONSES, REJECTED, LOG, CHANGES)
    return found | {"files": {path: provenance.asset_of(path) for path in paths}}


@pytest.fixture
def release(tmp_path):
    """The folder of a made-up release with what lies beside it."""
    root = UPath(tmp_path)
    outcome = publish(root, content(), no_others, basis(CASES))
    provenance.write(root, ROUND.name, document(outcome.release))
    return storage.releases(root, ROUND.name) / outcome.release


def codes(inputs):
    return [delivery.municipality_code for delivery in inputs.deliveries]


def told(found):
    return "\n".join(cli_trace.told(found))


def refused(file, key, column):
    with pytest.raises(ReleaseError) as error:
        trace(file, key, column)
    return str(error.value)


def test_a_rate_is_traced_to_its_own_delivery_and_the_population(release):
    found = trace(release / RATES, "101", "rate_per_1000")
    assert found.value == 3 / 1_000 * 1_000
    assert found.key == {"round": ROUND.name, "municipality_code": "101"}
    assert found.column.label == FIELDS["rate_per_1000"].label_da
    assert (found.formula, found.function) == ("cases / population_18_66 x 1.000", "pipelines.made.up")
    (inputs,) = found.inputs
    assert [(d.folder, d.sha256, d.status) for d in inputs.deliveries] == [
        (f"inbox/{ROUND.name}/101", "1" * 64, "current")
    ]
    assert inputs.population == Population(
        "FOLK1A", "2022K4", "Danmarks Statistik", AT, "2" * 64, "reference/folk1a_18_66_2022K4.csv"
    )
    upstream = {table.table: table for table in inputs.tables}
    assert list(upstream) == ["case_rates", "population", "answer_counts", "folk1a", "responses", "inbox"]
    assert upstream["case_rates"].columns == ("cases",)
    assert upstream["responses"].data_version == f"responses of {ROUND.name}"
    assert upstream["inbox"].data_version is None


def test_a_count_names_no_population(release):
    (inputs,) = trace(release / RATES, "101", "cases").inputs
    assert inputs.population is None


def test_a_rank_comes_from_the_deliveries_of_everybody(release):
    (inputs,) = trace(release / RATES, "101", "rank").inputs
    assert codes(inputs) == ["101", "147", "151"]


def test_an_area_comes_from_the_deliveries_of_its_members(release):
    regions = dict(rates(CASES).select("municipality_code", "region_code").iter_rows())
    assert set(regions.values()) == {"084"}
    (inputs,) = trace(release / GROUPS, "area_type=region", "cases").inputs
    assert codes(inputs) == ["101", "147", "151"]
    (inputs,) = trace(release / GROUPS, "area_type=municipality", "cases").inputs
    assert codes(inputs) == ["101"]


def test_only_the_columns_said_to_be_a_municipalitys_own_stay_when_others_change():
    """Every column that changes with another municipality's cases is one that names its delivery."""
    plain = rates({"101": 9, "147": 20, "151": 2}).select(rates(CASES).columns[:13])
    more = plain.with_columns(cases=pl.when(municipality_code="147").then(400).otherwise("cases")).with_columns(
        rate_per_1000=pl.col("cases") / pl.col("population_18_66") * 1_000
    )
    before, after = (with_statistics(frame, area_averages(frame)).row(0, named=True) for frame in (plain, more))
    changed = {name for name in before if before[name] != after[name]}
    assert {"eb_rate_per_1000", "comparison_country"} <= changed
    assert changed.isdisjoint(OF_OWN)


def test_the_comparison_with_an_area_stays_when_another_area_changes():
    codes = {"101": 5, "461": 5, "851": 5}
    plain = rates(codes, dict.fromkeys(codes, 1_000)).select(rates(CASES).columns[:13])
    areas = area_members(plain).filter(pl.col("area_type").is_in(["region", "municipality_group"]))
    assert (
        areas.group_by("area_type").agg(pl.col("area_code").n_unique()).filter(area_type="region")["area_code"][0] == 3
    )
    for column, area in OF_AREA.items():
        own = plain[area][0]
        more = plain.with_columns(
            cases=pl.when(pl.col(area) != own).then(pl.col("cases") * 100).otherwise("cases")
        ).with_columns(rate_per_1000=pl.col("cases") / pl.col("population_18_66") * 1_000)
        before, after = (with_statistics(frame, area_averages(frame)).row(0, named=True) for frame in (plain, more))
        assert before[column] == after[column]
        assert before["comparison_country"] != after["comparison_country"]


def test_a_rounded_and_a_hidden_value_say_so(release):
    rounded = trace(release / GROUPS, "area_code=101", "cases")
    assert (rounded.value, rounded.value_status, rounded.rounding_base) == (3, "rounded", 3)
    assert "Værdi: 3 (tallet af sager er afrundet til et multiplum af 3;" in told(rounded)
    hidden = trace(release / GROUPS, "area_type=region", "share")
    assert (hidden.value, hidden.value_status) == (None, "suppressed")
    assert "Værdi: skjult: tallet findes, men vises ikke" in told(hidden)
    finding = trace(release / FINDINGS, "sentence", "numerator")
    assert (finding.value, finding.value_status) == (None, "suppressed")
    assert trace(release / FINDINGS, "sentence", "denominator").value_status is None


def test_a_change_between_rounds_names_what_both_rounds_came_from(release):
    now, before = trace(release / CHANGES, "101", "rate_ratio").inputs
    assert (now.round, before.round) == (ROUND.name, "2020-10-01")
    assert [delivery.folder for delivery in before.deliveries] == ["inbox/2020-10-01/101"]
    assert before.population.quarter == "2020K4"
    assert [table.data_version for table in before.tables] == ["case_rates of 2020-10-01"]
    (earlier,) = trace(release / CHANGES, "101", "earlier_cases").inputs
    assert earlier.round == "2020-10-01"
    (later,) = trace(release / CHANGES, "101", "later_cases").inputs
    assert later.round == ROUND.name


def test_a_figure_of_an_earlier_release_is_followed_there(tmp_path, release):
    root = UPath(tmp_path)
    first = release.name
    later = publish(root, content(first), no_others, basis(CASES, files="second"))
    provenance.write(root, ROUND.name, document(later.release))
    found = trace(release.parent / later.release / GROUPS, "country", "cases")
    assert (found.release, found.figures_from, found.inputs) == (later.release, first, ())
    assert (found.earlier.release, found.earlier.value, found.earlier.figures_from) == (first, 7, None)
    assert codes(found.earlier.inputs[0]) == ["101", "147", "151"]
    assert f"det er fra udgivelse {first}" in told(found)
    assert found.document()["earlier"]["release"] == first


def test_a_value_of_a_single_case_is_traced_but_not_repeated(release):
    found = trace(release / RESPONSES, "row=3", "age")
    assert (found.is_shared, found.value) == (False, None)
    assert found.key == {"municipality_code": "101", "row": 3}
    (inputs,) = found.inputs
    assert [delivery.sha256 for delivery in inputs.deliveries] == ["1" * 64]
    everything = told(found) + json.dumps(found.document())
    assert "4711" not in everything
    assert "sager.csv" not in everything
    assert "vises ikke her" in told(found)


def test_a_broken_rule_is_not_repeated(release):
    found = trace(release / REJECTED, "row=4,rule=cpr", "message")
    assert (found.value, found.key) == (None, {"municipality_code": "101", "row": 4})


def test_a_municipalitys_own_count_is_not_repeated_and_the_countrys_is(release):
    own = trace(release / OWN_GROUPS, "municipality", "cases")
    assert (own.table, own.value, own.value_status) == ("target_groups", None, None)
    assert "4711" not in told(own) + json.dumps(own.document())
    country = trace(release / OWN_GROUPS, "country", "cases")
    assert (country.table, country.value) == ("shared_target_groups", 7)
    assert trace(release / OWN_GROUPS, "municipality", "figures_from_release").formula == "sum(cases)"


def test_a_row_of_the_delivery_log_names_its_own_file(release):
    (inputs,) = trace(release / LOG, "0", "message").inputs
    assert [(d.sha256, d.status) for d in inputs.deliveries] == [("0" * 64, "superseded")]


def test_an_unclear_key_is_answered_with_what_it_may_be(release):
    assert refused(release / RATES, "999", "cases") == (
        "Ingen række har nøglen 999. Nøglen er: round, municipality_code. municipality_code kan være 101, 147, 151."
    )
    assert "area_type kan være country, municipality, region." in refused(release / GROUPS, "autism", "cases")
    assert refused(release / GROUPS, "kommune=101", "cases").startswith("kommune er ikke en del af nøglen.")
    assert "har ingen kolonne rate. Kolonnerne er: round, municipality_code," in refused(release / RATES, "101", "rate")


def test_an_unclear_key_to_a_case_is_not_answered_with_any(release):
    assert refused(release / RESPONSES, "101", "age") == (
        "101 er ikke nøglen til præcis én række. Nøglen er: municipality_code, file, row."
    )
    assert refused(release / RESPONSES, "row=99", "age").startswith("row=99 er ikke nøglen til præcis én række.")


@pytest.mark.parametrize(
    "key", ["", "=", ",", "row=", "row=x", "row=2,row=3,", "file=sager.csv", "a=b=c", "\0", "row=2,"]
)
def test_a_key_that_makes_no_sense_is_refused_without_an_answer(release, key):
    told = refused(release / RESPONSES, key, "age")
    assert "Nøglen er: municipality_code, file, row." in told
    assert "4711" not in told


def test_a_cpr_number_in_a_key_is_masked(release):
    assert "010190-1234" not in refused(release / RATES, "010190-1234", "cases")


def test_a_changed_file_is_said_to_be_changed(release):
    path = release / RATES
    path.write_bytes(parquet_bytes(pl.read_parquet(path).with_columns(cases=pl.lit(4711))))
    assert f"{RATES} er ændret, efter at udgivelse {release.name} blev lavet" in refused(path, "101", "cases")


def test_a_spreadsheet_is_traced_by_the_same_table_and_is_checked_itself(release):
    workbook = release / "shared/case_rates.xlsx"
    assert trace(workbook, "147", "cases").value == 2
    workbook.write_bytes(workbook.read_bytes() + b" ")
    assert "shared/case_rates.xlsx er ændret" in refused(workbook, "147", "cases")


def test_a_file_that_is_no_table_of_a_release_is_refused(tmp_path, release):
    assert "ligger ikke i en udgivelses mappe" in refused(UPath(tmp_path) / "case_rates.parquet", "101", "cases")
    assert "changes.parquet er ikke en tabel, der kan spores." in refused(release / "changes.parquet", "101", "cases")
    assert "datapackage.json er ikke en tabel" in refused(release / "datapackage.json", "101", "cases")


def test_a_file_is_found_by_a_way_around(release):
    assert trace(release / "shared" / ".." / RATES, "101", "cases").value == 3


def test_a_release_from_before_there_were_traces_says_so(release):
    provenance.beside(release).unlink()
    assert "Udgivelsen er lavet, før udgivelser kunne spores" in refused(release / RATES, "101", "cases")


def test_a_trace_that_a_later_run_gathered_does_not_claim_that_the_run_made_the_release(release):
    found = trace(release / RATES, "101", "cases")
    assert not found.reconstructed
    assert "  lavet 01-12-2022 kl. 03.00 af kørsel run 1 med program 0.1.0, metode 1" in told(found).splitlines()
    path = provenance.beside(release)
    document = json.loads(path.read_bytes()) | {"reconstructed": True, "run": "run 2"}
    path.write_text(json.dumps(document), encoding="utf-8")
    later = trace(release / RATES, "101", "cases")
    assert later.document()["reconstructed"] is True
    lines = told(later).splitlines()
    assert "  lavet med program 0.1.0, metode 1" in lines
    gathered = "  det følgende er samlet 01-12-2022 kl. 03.00 af en senere kørsel run 2, som ikke lavede udgivelsen"
    assert gathered in lines
    assert not any("af kørsel run 2" in line for line in lines)


def test_it_is_told_where_the_population_came_from(release):
    assert "  reference/folk1a_18_66_2022K4.csv, hentet 01-12-2022 kl. 03.00" in told(
        trace(release / RATES, "101", "rate_per_1000")
    )
    path = provenance.beside(release)
    document = json.loads(path.read_bytes())
    for note, line in (
        ({"fetchedAt": None}, "  reference/folk1a_18_66_2022K4.csv, følger med programmet"),
        ({"fetchedAt": None, "sha256": None, "file": None}, "    filen fra Danmarks Statistik er ikke bevaret"),
    ):
        path.write_text(json.dumps(document | {"population": population("2022K4") | note}), encoding="utf-8")
        assert line in told(trace(release / RATES, "101", "rate_per_1000"))


def test_the_status_is_told_where_the_decisions_lie(tmp_path, release):
    assert trace(release / RATES, "101", "cases").status == life.PRELIMINARY
    at = dt.datetime(2022, 12, 2, tzinfo=dt.UTC)
    life.promote(UPath(tmp_path), ROUND.name, release.name, by="N. N.", reason="gennemset", at=at)
    assert "(endelig)" in told(trace(release / RATES, "101", "cases"))


def test_the_status_of_a_copied_release_is_unknown(tmp_path, release):
    copied = release.parent.rename(UPath(tmp_path) / "kopi")
    found = trace(copied / release.name / RATES, "101", "cases")
    assert found.status is None
    assert "status ukendt" in told(found)
