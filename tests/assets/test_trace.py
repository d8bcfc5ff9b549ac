"""Published values computed again from nothing but the files that their traces name: counted by hand, in plain arithmetic.

What belongs here: reading the deliveries and the population with the standard library, and the formulas written out anew.
Nothing of the pipeline is called but the night itself and the trace.
"""

import csv
import hashlib
import hmac
import io
import json
import math
import random
import statistics

import dagster as dg
import polars as pl
import pytest
from scipy import stats
from upath import UPath

from assets import cli_trace
from pipelines.release.trace import trace
from tests.assets.commands import botilbud
from tests.assets.graph import failures, materialise
from tests.scenario import COMMENT, ROUND, hand_in, row
from tests.upstream.statbank_server import StatBankServer

KEY = bytes(range(32))
# Ten municipalities of Region Hovedstaden, six of Syddanmark; so many rows each.
CODES = (101, 147, 151, 153, 157, 159, 161, 163, 165, 167, 410, 420, 430, 440, 450, 461)
ROWS = {str(code): 2 * number for number, code in enumerate(CODES, start=1)}
PROVIDERS = {
    "Egen kommune": "municipal",
    "Anden kommune": "municipal",
    "Regionen": "regional",
    "Privat (herunder selvejende og fonde)": "private",
}
MAIN_GROUPS = {
    "Udviklingshæmning": "cognitive",
    "Erhvervet hjerneskade": "cognitive",
    "Forandret virkelighedsopfattelse": "mental",
    "Fysisk eller multipel funktionsnedsættelse": "physical",
    "Socialt problem": "social",
}
ROLLUPS = {
    "provider_type": ("provider", PROVIDERS, ("municipal", "regional", "private")),
    "main_target_group": ("target_group", MAIN_GROUPS, ("cognitive", "mental", "physical", "social")),
}
ANSWERS = {
    "gender": {"female": "Kvinde", "male": "Mand", "other": "Andet/uoplyst"},
    "viso_involved": {"yes": "Ja", "no": "Nej"},
    "behaviour_decisive": {"yes": "Ja", "no": "Nej"},
}
FINDINGS = {
    "under_35": lambda case: int(case["age"]) < 35,
    "behaviour_decisive": lambda case: case["behaviour_decisive"] == "Ja",
    "sentence": lambda case: case["sentence"] != "Ingen dom",
    "provider_private": lambda case: PROVIDERS[case["provider"]] == "private",
    "provider_municipal": lambda case: PROVIDERS[case["provider"]] == "municipal",
    "viso_involved": lambda case: case["viso_involved"] == "Ja",
}
# What is drawn from: a table, which of its rows, and the columns that are computed again below.
RATE = "rate_per_1000"
KINDS = {
    "cases": ("case_rates", None, ["cases"]),
    "residents": ("case_rates", None, ["population_18_66"]),
    "rates": ("case_rates", None, [RATE]),
    "limits": ("case_rates", None, ["ci95_lower", "ci95_upper", "ci998_lower", "ci998_upper"]),
    "ranks": ("case_rates", None, ["rank"]),
    "ranks_if": ("case_rates", None, ["rank_if_plus_1", "rank_if_plus_3", "rank_if_minus_1", "rank_if_minus_2"]),
    "pooled": ("area_averages", None, ["pooled_rate_per_1000", "cases", "population_18_66", "municipalities"]),
    "means": ("area_averages", None, ["unweighted_mean_rate_per_1000"]),
    "spread": ("area_averages", None, ["min_rate_per_1000", "median_rate_per_1000", "max_rate_per_1000"]),
    "numerators": (
        "key_findings",
        {"finding": list(FINDINGS)},
        ["numerator", "denominator", "share", "share_ci95_upper"],
    ),
    "answers": (
        "question_answers",
        {"question": list(ANSWERS), "area_type": ["country", "region"], "value_status": ["published"]},
        ["cases", "share", "share_ci95_lower", RATE, "ci95_upper"],
    ),
    "rounded_providers": ("provider_types", {"value_status": ["rounded"]}, ["cases", "share", RATE]),
    "rounded_groups": (
        "target_groups",
        {"value_status": ["rounded"], "target_group_level": ["main"]},
        ["cases", "share", RATE],
    ),
}
DRAWN_PER_KIND = 4


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The folder of the release of one night, and the data root."""
    root = tmp_path_factory.mktemp("traced") / "data"
    (root / "secrets").mkdir(parents=True, mode=0o700)
    (root / "secrets" / "rounding.key").write_bytes(KEY)
    draw = random.Random(1991)  # noqa: S311 - made-up cases
    for code, number in ROWS.items():
        hand_in(root, code, [_made_up_row(code, i, draw) for i in range(number)])
    # An older delivery, which does not count; and one row that is rejected.
    hand_in(root, "147", [row("147", 1)] * 5, name="20221031T080000Z__foreløbig.csv")
    hand_in(root, "461", [*(_made_up_row("461", i, draw) for i in range(32)), row("461", 99, provider="Regjonen")])
    with dg.DagsterInstance.ephemeral() as instance, StatBankServer(quarters=("2022K4",)) as statbank:
        result = materialise(root, instance, statbank.url)
    assert failures(result) == []
    releases = root / "releases" / ROUND.name
    return root, releases / json.loads((releases / "latest.json").read_bytes())["release"], result


def _made_up_row(code, number, draw):
    return row(
        code,
        number,
        age=str(draw.randint(18, 66)),
        gender=draw.choice(list(ANSWERS["gender"].values())),
        residential_cost_dkk=draw.choice(["1.999.999", "2.000.000", "2.400.000", "3100000"]),
        in_residential_care=draw.choice(["Ja", "Ja", "Ja", "Nej"]),
        provider=draw.choice(list(PROVIDERS)),
        target_group=draw.choice(list(MAIN_GROUPS)),
        behaviour_decisive=draw.choice(["Ja", "Nej"]),
        sentence=draw.choice(["Ingen dom", "Dom til behandling"]),
        viso_involved=draw.choice(["Ja", "Nej"]),
        # As in the report: figures far from it stop a release.
        time_above_threshold=draw.choice(["Siden det 18. år", "Under 1 år"]),
        places_in_facility=draw.choice(["Over 8 pladser", "5-8 pladser"]),
        choice_at_referral=draw.choice(
            ["Eksisterende botilbud var eneste valgmulighed", "Flere eksisterende botilbud"]
        ),
    )


# Computing again -------------------------------------------------------------------------------------------------------


def named_file(root, name, sha256):
    """The bytes of a file that a trace names, when they are those that it names."""
    content = (root / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256
    return content


def delivered(root, delivery):
    """The bytes of a delivery that a trace tells of, found by their checksum."""
    (content,) = {
        content
        for path in (root / delivery.folder).iterdir()
        if hashlib.sha256(content := path.read_bytes()).hexdigest() == delivery.sha256
    }
    return content


def kroner(text):
    return int(text.replace(".", ""))


def eligible_cases(root, found):
    """By municipality, the rows that count of the deliveries that the trace names."""
    (inputs,) = found.inputs
    cases = {}
    for delivery in inputs.deliveries:
        text = delivered(root, delivery).decode("utf-8-sig")
        assert delivery.municipality_code not in cases
        cases[delivery.municipality_code] = [
            case
            for case in csv.DictReader(io.StringIO(text), delimiter=";")
            if case["provider"] in PROVIDERS
            and case["in_residential_care"] == "Ja"
            and kroner(case["residential_cost_dkk"]) + kroner(case["day_programme_cost_dkk"])
            >= found.settings["threshold_dkk"]
        ]
    return cases


def residents(root, found):
    """By municipality, the persons of 18 to 66 in the file of Statistics Denmark that the trace names."""
    named = found.inputs[0].population
    text = named_file(root, named.file, named.sha256).decode("utf-8-sig")
    counted = {}
    for line in csv.DictReader(io.StringIO(text), delimiter=";"):
        if 18 <= int(line["ALDER"]) <= 66:
            counted[line["OMRÅDE"]] = counted.get(line["OMRÅDE"], 0) + int(line["INDHOLD"])
    return counted


def poisson_limits(count, confidence):
    """Exact below 10, Byar's approximation from 10."""
    tail = (1 - confidence) / 2
    if count < 10:
        lower = stats.chi2.ppf(tail, 2 * count) / 2 if count else 0
        return lower, stats.chi2.ppf(1 - tail, 2 * count + 2) / 2
    z = stats.norm.ppf(1 - tail)
    above = count + 1
    lower = count * (1 - 1 / (9 * count) - z / (3 * math.sqrt(count))) ** 3
    return lower, above * (1 - 1 / (9 * above) + z / (3 * math.sqrt(above))) ** 3


def wilson_limits(part, whole):
    p, z = part / whole, stats.norm.ppf(0.975)
    middle, spread = p + z**2 / (2 * whole), z * math.sqrt(p * (1 - p) / whole + z**2 / (4 * whole**2))
    return (middle - spread) / (1 + z**2 / whole), (middle + spread) / (1 + z**2 / whole)


def rounded_counts(code, rollup, cases, base):
    """What a municipality's counts are rounded to: the first draw in which its total gives none of them away."""
    question, type_of, types = ROLLUPS[rollup]
    counts = {name: sum(type_of[case[question]] == name for case in cases) for name in types}
    for draw in range(100):
        shown = {}
        for name, count in counts.items():
            cell = f"municipality/{code}/{rollup}/{name}"
            text = "\n".join([ROUND.name, cell, str(base), str(count), str(draw)])
            number = int(hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest(), 16)
            goes_up = number / 2**256 < (count % base) / base
            shown[name] = count - count % base + base * goes_up
        lowest = {name: max(0, value - base + 1) for name, value in shown.items()}
        highest = {name: value + base - 1 for name, value in shown.items()}
        others = {name: sum(counts.values()) - sum(highest.values()) + highest[name] for name in types}
        others_most = {name: sum(counts.values()) - sum(lowest.values()) + lowest[name] for name in types}
        known = [n for n in types if max(lowest[n], others[n]) == min(highest[n], others_most[n]) and 0 < counts[n] < 5]
        if not known:
            return shown, sum(counts.values())
    raise AssertionError("no draw is safe")


def of_case_rates(root, found):
    code = found.key["municipality_code"]
    cases = {of: len(rows) for of, rows in eligible_cases(root, found).items()}
    # A rank follows from everybody's; what is the municipality's own, from nobody else's.
    assert set(cases) == (set(ROWS) if found.column.name.startswith("rank") else {code})
    if found.column.name == "cases":
        return cases[code]
    persons = residents(root, found)
    if found.column.name == "population_18_66":
        return persons[code]
    if found.column.name == RATE:
        return cases[code] / persons[code] * 1_000
    if found.column.name.startswith("ci"):
        name, side = found.column.name.split("_")
        limits = poisson_limits(cases[code], {"ci95": 0.95, "ci998": 0.998}[name])
        return limits[side == "upper"] / persons[code] * 1_000
    more = 0
    if found.column.name != "rank":
        more = int(found.column.name.replace("rank_if_plus_", "").replace("rank_if_minus_", "-"))
    own = max(cases[code] + more, 0) / persons[code]
    return 1 + sum(cases[of] / persons[of] > own for of in cases if of != code)


def of_area_averages(root, found):
    cases = {of: len(rows) for of, rows in eligible_cases(root, found).items()}
    if found.column.name == "municipalities":
        return len(cases)
    if found.column.name == "cases":
        return sum(cases.values())
    persons = residents(root, found)
    rates = [cases[code] / persons[code] * 1_000 for code in cases]
    total = sum(persons[code] for code in cases)
    return {
        "population_18_66": total,
        "pooled_rate_per_1000": sum(cases.values()) / total * 1_000,
        "unweighted_mean_rate_per_1000": statistics.mean(rates),
        "min_rate_per_1000": min(rates),
        "median_rate_per_1000": statistics.median(rates),
        "max_rate_per_1000": max(rates),
    }[found.column.name]


def of_key_findings(root, found):
    cases = [case for rows in eligible_cases(root, found).values() for case in rows]
    numerator = sum(FINDINGS[found.key["finding"]](case) for case in cases)
    return {
        "numerator": numerator,
        "denominator": len(cases),
        "share": numerator / len(cases),
        "share_ci95_upper": wilson_limits(numerator, len(cases))[1],
    }[found.column.name]


def of_question_answers(root, found):
    by_municipality = eligible_cases(root, found)
    cases = [case for rows in by_municipality.values() for case in rows]
    label = ANSWERS[found.key["question"]][found.key["answer"]]
    count = sum(case[found.key["question"]] == label for case in cases)
    if found.column.name in ("cases", "share", "share_ci95_lower"):
        shares = {"cases": count, "share": count / len(cases), "share_ci95_lower": wilson_limits(count, len(cases))[0]}
        return shares[found.column.name]
    persons = residents(root, found)
    total = sum(persons[code] for code in by_municipality)
    return {RATE: count / total * 1_000, "ci95_upper": poisson_limits(count, 0.95)[1] / total * 1_000}[
        found.column.name
    ]


def of_rounded(root, found):
    code = found.key["area_code"]
    rollup, answer = (
        ("provider_type", "provider_type") if "provider_type" in found.key else ("main_target_group", "target_group")
    )
    cases = eligible_cases(root, found)
    assert set(cases) == {code}
    shown, total = rounded_counts(code, rollup, cases[code], found.rounding_base)
    count = shown[found.key[answer]]
    if found.column.name == RATE:
        return count / residents(root, found)[code] * 1_000
    return count if found.column.name == "cases" else min(1, count / total)


AGAIN = {
    "case_rates": of_case_rates,
    "area_averages": of_area_averages,
    "shared_key_findings": of_key_findings,
    "shared_question_answers": of_question_answers,
    "shared_provider_types": of_rounded,
    "shared_target_groups": of_rounded,
}


def drawn_values(release, kind):
    """A few published values of a kind: key and column; the same in every run."""
    table, only, columns = KINDS[kind]
    frame = pl.read_parquet(release / "shared" / f"{table}.parquet")
    for column, values in (only or {}).items():
        frame = frame.filter(pl.col(column).is_in(values))
    known = [
        (cells, column, cells[column])
        for cells in frame.iter_rows(named=True)
        for column in columns
        if cells[column] is not None
    ]
    return random.Random(2022).sample(known, DRAWN_PER_KIND)  # noqa: S311 - a sample


def key_of(path, cells):
    (resource,) = [
        r
        for r in json.loads((path.parents[1] / "datapackage.json").read_bytes())["resources"]
        if path.match(f"*/{r['path']}")
    ]
    return ",".join(f"{name}={cells[name]}" for name in resource["schema"]["primaryKey"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_published_value_follows_from_the_files_that_its_trace_names(released, kind):
    root, release, _ = released
    path = release / "shared" / f"{KINDS[kind][0]}.parquet"
    for cells, column, value in drawn_values(release, kind):
        found = trace(UPath(path), key_of(path, cells), column)
        assert found.value == value
        again = AGAIN[found.table](root, found)
        assert math.isclose(again, value, rel_tol=1e-9), (found.key, column)


def test_a_trace_names_the_run_and_the_version_of_every_table(released):
    root, release, result = released
    found = trace(UPath(release / "shared" / "case_rates.parquet"), "101", RATE)
    assert (found.run, found.status) == (result.run_id, "preliminary")
    made = [table for table in found.inputs[0].tables if table.table not in ("inbox", "folk1a")]
    assert {"responses", "population"} <= {table.table for table in made}
    for table in made:
        assert table.run == result.run_id
        key = (root / "secrets" / "rounding.key").read_bytes()
        assert hmac.new(key, (root / table.file).read_bytes(), "sha256").hexdigest() == table.data_version


def test_only_the_delivery_that_counts_is_named(released):
    _, release, _ = released
    (inputs,) = trace(UPath(release / "shared" / "case_rates.parquet"), "147", "cases").inputs
    assert [(delivery.folder, delivery.received_at) for delivery in inputs.deliveries] == [
        (f"inbox/{ROUND.name}/147", "2022-11-01T08:00:00+00:00")
    ]


def test_a_trace_needs_nothing_but_the_release_and_what_lies_beside_it(released, tmp_path):
    _, release, _ = released
    for path in (release.parent / f"{release.name}.provenance.json", *sorted(release.rglob("*"))):
        copy = tmp_path / path.relative_to(release.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            copy.write_bytes(path.read_bytes())
    found = trace(UPath(tmp_path / release.name / "shared" / "case_rates.csv"), "101", "cases")
    assert (found.value, found.status) == (
        trace(UPath(release / "shared" / "case_rates.csv"), "101", "cases").value,
        None,
    )


def test_the_command_tells_it_in_danish_and_as_json(released):
    root, release, _ = released
    arguments = ("trace", str(release / "shared" / "case_rates.xlsx"), "101", RATE)
    told = botilbud(root, *arguments)
    assert (told.returncode, told.stderr) == (0, "")
    for said in (
        "Værdi: 0,",
        "Formel: ",
        "(foreløbig), runde 2022-10-01",
        "Befolkning: FOLK1A, 2022K4 (",
        "101: i inbox/",
    ):
        assert said in told.stdout
    found = json.loads(botilbud(root, *arguments, "--json").stdout)
    assert (
        found["value"]
        == pl.read_parquet(release / "shared" / "case_rates.parquet").filter(municipality_code="101")[RATE][0]
    )
    assert found["inputs"][0]["deliveries"][0]["municipality_code"] == "101"


def test_the_command_says_in_danish_what_it_cannot_follow(released):
    root, release, _ = released
    refused = botilbud(root, "trace", str(release / "shared" / "case_rates.parquet"), "999", RATE)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Ingen række har nøglen 999.")


def test_no_answer_reaches_the_terminal(released):
    _, release, _ = released
    own = release / "municipalities" / "461"
    frame = pl.read_parquet(own / "responses.parquet")
    line = frame["row"][0]
    for column in frame.columns:
        told = "\n".join(cli_trace.told(trace(UPath(own / "responses.parquet"), f"row={line}", column)))
        assert "Værdi: vises ikke her" in told
        assert COMMENT not in told
        assert "sag-" not in told
