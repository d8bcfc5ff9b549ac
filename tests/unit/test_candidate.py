"""What the audit finds in a release candidate's tables. All cases are made up."""

from collections.abc import Mapping

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.benchmark.answer_counts import answer_counts
from pipelines.benchmark.breakdowns import provider_types, target_groups
from pipelines.benchmark.key_findings import key_findings
from pipelines.benchmark.question_answers import question_answers
from pipelines.benchmark.rates import case_rates
from pipelines.disclosure.audit import OUTSIDER, Failure
from pipelines.disclosure.candidate import AREA_TYPES, DIFFERENCE, Release, audit_candidate, own_counts, read_cells
from pipelines.disclosure.figures import Leak, derived_leaks
from pipelines.reference.municipalities import municipalities
from pipelines.statistics.intervals import rate_interval, wilson
from schemas.errors import BotilbudError
from tests.golden.benchmark_scenario import CATALOGUE, MUNICIPALITIES, ROUND, cases, participants, responses

# Copenhagen's surroundings: one region and one municipality group, so that no difference of areas tells them apart.
CODES = municipalities().filter(region_code="084", municipality_group_code="1")["municipality_code"].to_list()[:6]
FIRST, SECOND, THIRD = CODES[:3]
POPULATION = pl.DataFrame(
    {"municipality_code": CODES, "population_18_66": [10_000] * 6, "population_quarter": ["2020K1"] * 6}
)
PROVIDERS = ("own_municipality", "region", "private")
TABLES = ("target_groups", "provider_types", "question_answers")
# What a row is about; all other columns are figures.
ABOUT = ("round", "area_type", "area_code", "area_name", "value_status")
ANSWER = ("target_group_level", "target_group", "provider_type", "question", "answer")


def exact(*groups, codes=CODES):
    """The exact tables of these cases."""
    frame, everyone = responses(*groups), participants(*codes)
    rates = case_rates(frame, POPULATION, MUNICIPALITIES, everyone, ROUND)
    counts = answer_counts(frame, everyone, CATALOGUE)
    return {
        "case_rates": rates,
        "answer_counts": counts,
        "target_groups": target_groups(counts, rates),
        "provider_types": provider_types(counts, rates),
        "question_answers": question_answers(counts, rates, CATALOGUE),
        "key_findings": key_findings(frame, ROUND.name),
    }


def figures(frame):
    return [name for name in frame.columns if name not in ABOUT + ANSWER]


def hide(frame, rows):
    """A breakdown with nothing but the status left in the rows that are hidden."""
    return frame.with_columns(
        *(pl.when(~rows).then(pl.col(name)).alias(name) for name in figures(frame)),
        value_status=pl.when(rows).then(pl.lit("suppressed")).otherwise("value_status"),
    )


def published(truth, shown: Mapping[str, pl.Expr]):
    """The shared tables with these rows shown: none where a table is not named. Findings are hidden."""
    is_municipality = pl.col("area_type") == "municipality"
    of_municipalities = {
        "target_groups": ~is_municipality | (pl.col("target_group_level") == "main"),
        "provider_types": pl.lit(value=True),
        "question_answers": ~is_municipality,
    }
    shared = {
        name: hide(truth[name].filter(of_municipalities[name]), ~shown.get(name, pl.lit(value=False)))
        for name in TABLES
    }
    return shared | {"case_rates": truth["case_rates"], "key_findings": findings(truth)}


def findings(truth, *shown):
    """The headline findings, with the figures of these."""
    is_shown = pl.col("finding").is_in(shown)
    names = [name for name in truth["key_findings"].columns if name == "numerator" or name.startswith("share")]
    return truth["key_findings"].with_columns(pl.when(is_shown).then(pl.col(name)).alias(name) for name in names)


def release(truth, shown=None, **tables):
    return Release(published(truth, shown or {}) | tables, truth["answer_counts"])


def audited(candidate, *earlier):
    return audit_candidate(candidate, earlier, CATALOGUE, threshold=5)


def by_provider(code, municipal, regional, private):
    numbers = zip(PROVIDERS, (municipal, regional, private), strict=True)
    return [case for provider, number in numbers for case in cases(code, number, provider=provider)]


EVERYONE = [by_provider(code, 6, 3, 2) for code in CODES]
COUNTRY = pl.col("area_type") == "country"


def municipal(*codes):
    return (pl.col("area_type") == "municipality") & pl.col("area_code").is_in(codes)


def rounded_to(frame, rows, count, total=11):
    """The rows with this count, as rounding to base 3 shows it beside so many cases and 10,000 residents."""
    smallest, largest = max(0, count - 2), min(count + 2, total)
    values = {
        "cases": count,
        "share": min(count / total, 1.0) if total else None,
        "share_ci95_lower": float(wilson(smallest, total).lower) if total else None,
        "share_ci95_upper": float(wilson(largest, total).upper) if total else None,
        "rate_per_1000": count / 10_000 * 1_000,
        "ci95_lower": float(rate_interval(smallest, 10_000).lower),
        "ci95_upper": float(rate_interval(largest, 10_000).upper),
        "rounding_base": 3,
    }
    return frame.with_columns(
        pl.when(rows).then(pl.lit(value, frame.schema[name])).otherwise(name).alias(name)
        for name, value in values.items()
    ).with_columns(value_status=pl.when(rows).then(pl.lit("rounded")).otherwise("value_status"))


def rounded(truth, shown=None):
    """The main groups and providers of municipalities, every count as the multiple of 3 nearest to it."""
    shared = published(truth, shown or {})
    totals = dict(truth["case_rates"].select("municipality_code", "cases").iter_rows())
    for name in ("target_groups", "provider_types"):
        answer = "target_group" if name == "target_groups" else "provider_type"
        exact_rows = truth[name].filter(pl.col("area_type") == "municipality")
        if name == "target_groups":
            exact_rows = exact_rows.filter(pl.col("target_group_level") == "main")
        for code, what, count in exact_rows.select("area_code", answer, "cases").iter_rows():
            rows = municipal(code) & (pl.col(answer) == what)
            shared[name] = rounded_to(shared[name], rows, (count + 1) // 3 * 3, totals[code])
    return Release(shared, truth["answer_counts"])


def of_type(report, area_type):
    return next(row for row in report.area_types if row.area_type == area_type)


def test_a_country_beside_hidden_municipalities_is_clean():
    found = audited(release(exact(*EVERYONE), {"provider_types": COUNTRY}))
    assert found.is_clean
    assert found.attackers == 1 + 6
    assert [row.area_type for row in found.area_types] == [*AREA_TYPES, DIFFERENCE]
    # Nothing of the providers is hidden of the country; all of the 6 municipalities' 3 providers and 4 groups is.
    country, municipality = (of_type(found, area_type) for area_type in ("country", "municipality"))
    assert country.hidden == country.cells - 3
    assert (municipality.cells, municipality.hidden, municipality.rounded) == (6 * (3 + 4), 6 * (3 + 4), 0)
    # 3 regional and 2 private each. An insider's five neighbours have 15 and 10 of them, among 11 cases each.
    assert (municipality.small, municipality.narrowest) == (6 * 2, 10)
    assert [(row.exposed, row.faults) for row in found.area_types] == [(0, 0)] * 6


def test_a_small_count_that_is_shown_is_refused():
    shown = {"provider_types": municipal(FIRST) & (pl.col("provider_type") == "private")}
    assert (
        Failure(f"municipality/{FIRST}/provider_type/private", "published", OUTSIDER)
        in audited(release(exact(*EVERYONE), shown)).failures
    )


def test_a_hidden_cell_recoverable_through_a_second_table_is_refused():
    truth = exact(by_provider(FIRST, 10, 2, 3), *[by_provider(code, 10, 5, 5) for code in CODES[1:]])
    # Alone, each is clean: the country's table, and the municipalities' with the first row hidden.
    assert audited(release(truth, {"provider_types": COUNTRY})).is_clean
    assert audited(release(truth, {"provider_types": municipal(*CODES[1:])})).is_clean
    # The country less the five others is the sixth: 27 - 25 = 2 and 28 - 25 = 3. The question says it again in options.
    both = release(truth, {"provider_types": COUNTRY | municipal(*CODES[1:])})
    found = {failure for failure in audited(both).failures if failure.cell.startswith("municipality")}
    assert found == {
        Failure(f"municipality/{FIRST}/provider_type/private", "exact", OUTSIDER),
        Failure(f"municipality/{FIRST}/provider_type/regional", "exact", OUTSIDER),
    }
    # So is it where the country is told by another table, question 22 in options.
    other = {"provider_types": municipal(*CODES[1:]), "question_answers": COUNTRY & (pl.col("question") == "provider")}
    assert {
        failure for failure in audited(release(truth, other)).failures if failure.cell in {f.cell for f in found}
    } == found


def test_two_hidden_municipalities_are_told_apart_by_each_other_only():
    truth = exact(
        *[by_provider(code, 10, 2, 3) for code in CODES[:2]], *[by_provider(code, 10, 5, 5) for code in CODES[2:]]
    )
    shown = {"provider_types": COUNTRY | municipal(*CODES[2:])}
    found = [
        failure
        for failure in audited(release(truth, shown)).failures
        if failure.cell.startswith("municipality") and failure.kind == "exact"
    ]
    assert found == [
        Failure(f"municipality/{other}/provider_type/{provider}", "exact", attacker)
        for attacker, other in ((FIRST, SECOND), (SECOND, FIRST))
        for provider in ("regional", "private")
    ]


def test_a_newcomer_is_told_by_the_difference_of_two_releases():
    before = exact(*EVERYONE[:5], codes=CODES[:5])
    after = exact(*EVERYONE)
    shown = {"provider_types": COUNTRY}
    assert audited(release(before, shown)).is_clean
    assert audited(release(after, shown)).is_clean
    found = audited(release(after, shown), release(before, shown)).failures
    # 36, 18 and 12 less 30, 15 and 10.
    newcomer = CODES[5]
    assert {failure for failure in found if failure.cell.startswith("municipality")} == {
        Failure(f"municipality/{newcomer}/provider_type/private", "exact", OUTSIDER),
        Failure(f"municipality/{newcomer}/provider_type/regional", "exact", OUTSIDER),
    }


def more(code, *providers):
    """The same cases, and one more of this municipality for each of these providers."""
    return [*EVERYONE, [case for provider in providers for case in cases(code, 1, provider=provider)]]


def test_one_case_more_is_told_by_the_difference_of_two_releases():
    before, after = exact(*EVERYONE), exact(*more(FIRST, "private"))
    shown = {"provider_types": COUNTRY}
    assert audited(release(after, shown)).is_clean
    found = audited(release(after, shown), release(before, shown))
    # 13 - 12 = 1, and the public total is 1 more: whose case it is, and that it is a private one.
    change = f"change/084+1+{FIRST}"
    assert set(found.failures) == {
        Failure(f"{change}/provider_type/private", "exact", OUTSIDER),
        Failure(f"{change}/provider/private", "exact", OUTSIDER),
    }
    assert (of_type(found, DIFFERENCE).exposed, of_type(found, DIFFERENCE).narrowest) == (2, 0)
    # So it is with one case less.
    found = audited(release(before, shown), release(after, shown))
    assert {failure.cell for failure in found.failures} == {
        f"{change}/{key}" for key in ("provider_type/private", "provider/private")
    }


def test_one_case_more_is_safe_where_one_of_the_two_releases_says_nothing_of_it():
    before, after = exact(*EVERYONE), exact(*more(FIRST, "private"))
    shown = {"provider_types": COUNTRY}
    # FIRST itself knows its case: that is no secret to it.
    assert audited(release(after), release(before)).is_clean
    assert audited(release(after, shown), release(before)).is_clean
    assert audited(release(after), release(before, shown)).is_clean


def test_a_change_is_told_by_releases_that_are_further_apart():
    first, second, third = exact(*EVERYONE), exact(*more(FIRST, "region")), exact(*more(FIRST, "region", "private"))
    shown = {"provider_types": COUNTRY}
    found = audited(release(third, shown), release(second), release(first, shown)).failures
    # The second release hides which came first; that the two are these two is told all the same.
    assert {failure.cell for failure in found} == {
        f"change/084+1+{FIRST}+since release 2/{key}"
        for key in ("provider_type/private", "provider_type/regional", "provider/private", "provider/region")
    }


def test_cases_that_two_municipalities_add_at_once_are_told_of_both_together():
    before = exact(*EVERYONE)
    after = exact(*more(FIRST, "private"), cases(SECOND, 1, provider="region"))
    shown = {"provider_types": COUNTRY}
    found = audited(release(after, shown), release(before, shown)).failures
    label = f"change/084+1+{min(FIRST, SECOND)}"
    assert {failure.cell for failure in found if failure.attacker == OUTSIDER} == {
        f"{label}/{key}"
        for key in ("provider_type/private", "provider_type/regional", "provider/private", "provider/region")
    }
    # Less its own, each knows the other's.
    others = {failure for failure in found if failure.attacker in (FIRST, SECOND)}
    assert others == {
        Failure(f"change/{SECOND}/provider_type/regional", "exact", FIRST),
        Failure(f"change/{FIRST}/provider_type/private", "exact", SECOND),
    }
    assert audited(release(after), release(before)).is_clean


def test_one_correction_is_clean():
    before = exact(*EVERYONE)
    after = exact(by_provider(FIRST, 5, 4, 2), *EVERYONE[1:])
    shown = {"provider_types": COUNTRY}
    assert audited(release(after, shown), release(before, shown)).is_clean


def test_a_rounded_count_that_becomes_another_number_tells_a_change():
    before = exact(by_provider(FIRST, 7, 3, 1), *EVERYONE[1:])
    after = exact(by_provider(FIRST, 7, 3, 2), *EVERYONE[1:])
    # 1 is shown as 0, 2 as 3: the number is drawn by the count, so it is the one case more that is private.
    assert audited(rounded(before)).is_clean
    assert audited(rounded(after)).is_clean
    found = audited(rounded(after), rounded(before)).failures
    assert Failure(f"change/084+1+{FIRST}/provider_type/private", "exact", OUTSIDER) in found
    # 3 and 4 are both shown as 3: any of the three can be the one.
    same = exact(by_provider(FIRST, 7, 4, 1), *EVERYONE[1:])
    assert audited(rounded(same), rounded(before)).is_clean


def test_a_finding_that_no_answers_give_is_told_by_its_difference():
    young = [cases(code, 1, age=30) for code in CODES]
    before = exact(*EVERYONE, *young)

    def with_under_35(*groups):
        truth = exact(*EVERYONE, *young, *groups)
        return release(truth, key_findings=findings(truth, "under_35"))

    assert audited(with_under_35()).is_clean
    for age, of in ((30, "000"), (50, "000+rest")):
        candidate = with_under_35(cases(FIRST, 1, age=age))
        assert audited(candidate).is_clean
        assert audited(candidate, with_under_35()).failures == (
            Failure(f"change/{of}/finding/under_35", "exact", OUTSIDER),
        )
        assert audited(candidate, release(before)).is_clean
    # 5 and 5 of 10 more.
    assert audited(with_under_35(cases(FIRST, 5, age=30), cases(FIRST, 5)), with_under_35()).is_clean


def test_a_finding_that_is_corrected_is_read_as_two_numbers():
    truth, corrected = (exact(*EVERYONE, *[cases(code, 1, age=age) for code in CODES]) for age in (30, 50))
    seven = exact(*EVERYONE, *[cases(code, 1, age=30) for code in CODES])
    assert audited(
        release(corrected, key_findings=findings(corrected, "under_35")),
        release(seven, key_findings=findings(seven, "under_35")),
    ).is_clean
    # Hidden, it is tied to nothing.
    cells = read_cells(release(truth), [], CATALOGUE, threshold=5)
    assert not any("under_35" in cell for cell in cells.known)


def test_a_small_finding_that_is_shown_is_refused():
    for few, rest, of in ((3, 60, "000"), (60, 3, "000+rest")):
        truth = exact(
            *[cases(code, few // 3, age=30) for code in CODES[:3]], *[cases(code, rest // 3) for code in CODES[:3]]
        )
        found = audited(release(truth, key_findings=findings(truth, "under_35")))
        assert found.failures == (Failure(f"finding/{of}/finding/under_35", "published", OUTSIDER),)
        assert of_type(found, "finding").exposed == 1


def test_a_release_that_shows_the_same_again_is_clean():
    again = release(exact(*EVERYONE), {"provider_types": COUNTRY})
    assert audited(again, again, again) == audited(again)._replace(releases=2)
    assert read_cells(again, [again] * 40, CATALOGUE, threshold=5) == read_cells(again, [], CATALOGUE, threshold=5)


def test_a_count_shown_in_an_earlier_release_is_no_secret():
    truth = exact(*EVERYONE)
    earlier = release(truth, {"provider_types": municipal(FIRST)})
    found = audited(release(truth), earlier).failures
    assert Failure(f"municipality/{FIRST}/provider_type/private", "published", OUTSIDER) in found


def test_an_exact_count_beside_a_rounded_one_is_refused():
    truth = exact(*EVERYONE)
    regional = municipal(FIRST) & (pl.col("provider_type") == "regional")
    shown = release(truth, {"provider_types": COUNTRY}).shared["provider_types"]
    rounding = release(truth, provider_types=rounded_to(shown, regional, 3))
    assert audited(rounding).is_clean
    assert of_type(audited(rounding), "municipality").rounded == 1
    earlier = release(truth, {"provider_types": regional})
    cell = f"municipality/{FIRST}/provider_type/regional"
    found = audited(rounding, earlier)
    assert found.leaks == (Leak("releases", cell, "cases", "exact beside a rounded count of the same cell"),)
    assert of_type(found, "municipality").faults == 1
    # The same number again tells nothing.
    assert audited(rounding, release(truth, provider_types=rounded_to(shown, regional, 3))).is_clean


def test_a_count_rounded_to_two_numbers_is_refused():
    truth = exact(*EVERYONE)
    private = municipal(FIRST) & (pl.col("provider_type") == "private")
    shown = published(truth, {})["provider_types"]
    up, down = (release(truth, provider_types=rounded_to(shown, private, count)) for count in (3, 0))
    # 2 is shown as 3 (1..5) and as 0 (0..2): 1..2.
    assert audited(up).is_clean
    assert audited(down).is_clean
    cell = f"municipality/{FIRST}/provider_type/private"
    fault = "rounded to two different numbers"
    assert audited(up, down).leaks == (Leak("releases", cell, "cases", fault),)
    # Whatever becomes of the other counts: the cell and its count are the same.
    other = exact(by_provider(FIRST, 5, 4, 2), *EVERYONE[1:])
    earlier = release(other, provider_types=rounded_to(published(other, {})["provider_types"], private, 0))
    assert audited(up, earlier).leaks == (Leak("releases", f"earlier release 1: {cell}", "cases", fault),)


def test_a_rounded_count_that_its_total_gives_away_is_refused():
    # One case, shown as 3 (1..5), in a municipality with one case in all.
    truth = exact(by_provider(FIRST, 0, 0, 1), *EVERYONE[1:])
    private = municipal(FIRST) & (pl.col("provider_type") == "private")
    shown = rounded_to(published(truth, {})["provider_types"], private, 3, total=1)
    found = audited(release(truth, provider_types=shown))
    assert found.failures == (Failure(f"municipality/{FIRST}/provider_type/private", "exact", OUTSIDER),)
    assert (of_type(found, "municipality").exposed, of_type(found, "municipality").narrowest) == (1, 0)


def test_zeros_that_are_shown_make_hidden_counts_at_least_one():
    # 9 of 11 shown, and the others' zeros are shown elsewhere: the two hidden ones are 1 and 1.
    truth = exact(by_provider(FIRST, 9, 1, 1), by_provider(SECOND, 11, 0, 0), *EVERYONE[2:])
    large = municipal(FIRST) & (pl.col("cases") > 5)
    alone = audited(release(truth, {"provider_types": large})).failures
    beside_zeros = audited(release(truth, {"provider_types": large | municipal(SECOND)})).failures
    cells = [f"municipality/{FIRST}/provider_type/{provider}" for provider in ("regional", "private")]
    assert [failure for failure in alone if failure.cell in cells] == [
        Failure(cell, "narrow", OUTSIDER) for cell in cells
    ]
    assert [failure for failure in beside_zeros if failure.cell in cells] == [
        Failure(cell, "exact", OUTSIDER) for cell in cells
    ]


def test_a_finding_is_a_sum_of_answers():
    truth = exact(by_provider(FIRST, 10, 2, 1), *[by_provider(code, 10, 0, 0) for code in CODES[1:]])
    shown = findings(truth, "provider_regional")
    found = audited(release(truth, key_findings=shown)).failures
    assert Failure("finding/000/finding/provider_regional", "published", OUTSIDER) in found
    assert Failure("country/000/provider/region", "exact", OUTSIDER) in found


def test_the_share_of_a_question_with_several_answers_tells_how_many_answered():
    # Of 60 cases 20 are outward, and 3 of them inward as well: 20 of 20 are 100 %.
    groups = [
        [
            *cases(code, 7),
            *cases(code, 3, behaviour_types="outward"),
            *cases(code, 1 if code in CODES[:3] else 0, behaviour_types="outward;inward"),
        ]
        for code in CODES
    ]
    truth = exact(*groups)
    outward = COUNTRY & (pl.col("question") == "behaviour_types") & (pl.col("answer") == "outward")
    cells = read_cells(release(truth, {"question_answers": outward}), [], CATALOGUE, threshold=5)
    assert cells.known["country/000/behaviour_types/#answered"] == (21, 21)


def test_every_figure_left_in_beside_a_hidden_count_is_named():
    truth = exact(*EVERYONE)
    hidden = release(truth).shared["provider_types"]
    for column in figures(hidden):
        left_in = hidden.with_columns(pl.when(municipal(FIRST)).then(pl.lit(1)).alias(column))
        assert [(leak.row, leak.column) for leak in derived_leaks(release(truth, provider_types=left_in).shared)] == [
            (f"municipality/{FIRST}/provider_type/{provider}", column)
            for provider in ("municipal", "regional", "private")
        ]
    label = hidden.with_columns(funnel_label=pl.lit("within"))
    found = audited(release(truth, provider_types=label))
    assert {leak.column for leak in found.leaks} == {"funnel_label"}
    assert of_type(found, "municipality").faults == 6 * 3
    for column in [name for name in truth["key_findings"].columns if name.startswith("share")]:
        left_in = findings(truth).with_columns(truth["key_findings"][column])
        leaks = derived_leaks(release(truth, key_findings=left_in).shared)
        assert {(leak.table, leak.column) for leak in leaks} == {("key_findings", column)}
        assert len(leaks) == left_in.height


def test_figures_of_a_rounded_count_must_follow_from_it():
    truth = exact(*EVERYONE)
    regional = municipal(FIRST) & (pl.col("provider_type") == "regional")
    # 10 of 11 is shown as 12 once: the largest that it can stand for is 11.
    for count in (0, 3, 6, 12):
        sound = rounded_to(published(truth, {})["provider_types"], regional, count)
        assert derived_leaks(release(truth, provider_types=sound).shared) == ()
    exact_row = truth["provider_types"].filter(regional).row(0, named=True)
    sound = rounded_to(published(truth, {})["provider_types"], regional, 6)
    of_3 = {name: exact_row[name] for name in figures(truth["provider_types"]) if name != "rounding_base"}
    wrong = of_3 | {"cases": 4, "rounding_base": None}
    for column, value in wrong.items():
        frame = sound.with_columns(
            pl.when(regional).then(pl.lit(value, sound.schema[column])).otherwise(column).alias(column)
        )
        faults = [leak.column for leak in derived_leaks(release(truth, provider_types=frame).shared)]
        assert faults == ["cases" if column == "rounding_base" else column]


def test_a_rounded_count_is_a_municipality_s():
    truth = exact(*EVERYONE)
    country = rounded_to(published(truth, {})["provider_types"], COUNTRY, 3)
    leaks = derived_leaks(release(truth, provider_types=country).shared)
    assert [leak.row for leak in leaks if leak.column == "value_status"] == [
        f"country/000/provider_type/{provider}" for provider in ("municipal", "regional", "private")
    ]


def test_a_municipality_without_cases_has_rounded_counts_of_no_share():
    truth = exact([], *EVERYONE[1:])
    assert derived_leaks(rounded(truth).shared) == ()
    none = rounded(truth).shared["provider_types"]
    of_zero = none.with_columns(share=pl.when(municipal(FIRST)).then(0.0).otherwise("share"))
    assert {leak.column for leak in derived_leaks(release(truth, provider_types=of_zero).shared)} == {"share"}


def test_a_table_that_the_audit_cannot_read_is_refused():
    truth = exact(*EVERYONE)
    with pytest.raises(BotilbudError, match="shared table ages"):
        audited(release(truth, ages=truth["case_rates"]))


def test_the_municipalities_own_tables_hold_the_counts():
    truth = exact(*[[*cases(code, 4, behaviour_types="outward;inward"), *cases(code, 2)] for code in CODES])
    asked = [question.key for question in CATALOGUE.closed_questions]
    expected = truth["answer_counts"].filter(pl.col("question").is_in(asked))
    assert_frame_equal(own_counts(truth["question_answers"]), expected, check_row_order=False)


def test_a_round_that_nobody_takes_part_in_is_clean():
    truth = exact(codes=[])
    nobody = release(truth)
    without_rows = Release(
        {name: table.clear() for name, table in nobody.shared.items()}, truth["answer_counts"].clear()
    )
    for candidate in (nobody, without_rows):
        found = audited(candidate)
        assert found.is_clean
        assert (found.attackers, found.releases) == (1, 0)
        areas = [row for row in found.area_types if row.area_type != "finding"]
        assert {row[1:] for row in areas} == {(0, 0, 0, 0, None, 0, 0)}
    assert of_type(audited(without_rows), "finding").cells == 0
    # All who were there have left again.
    assert audited(without_rows, release(exact(*EVERYONE))).attackers == 1 + 6


def test_the_limit_of_a_share_of_zero_tells_how_many_answered():
    groups = [[*cases(code, 7), *cases(code, 3, behaviour_types="outward")] for code in CODES]
    truth = exact(*groups)
    inward = COUNTRY & (pl.col("question") == "behaviour_types") & (pl.col("answer") == "inward")
    cells = read_cells(release(truth, {"question_answers": inward}), [], CATALOGUE, threshold=5)
    # 0 of 18: 3.84 / (18 + 3.84).
    assert cells.known["country/000/behaviour_types/#answered"] == (18, 18)


def test_a_municipality_may_know_what_is_its_own():
    # 3 cases with VISO, all of FIRST; that the others have none is all that FIRST learns.
    groups = [[*cases(code, 10, viso_involved="no"), *cases(code, 3 if code == FIRST else 0)] for code in CODES]
    truth = exact(*groups)
    cells = read_cells(release(truth), [], CATALOGUE, threshold=5)
    assert cells.widths["finding/000/finding/viso_involved"] == 3
    assert cells.insiders[FIRST].widths["finding/000/finding/viso_involved"] == 0
    assert cells.insiders[FIRST].widths["country/000/viso_involved/yes"] == 0
    assert cells.insiders[SECOND].widths["finding/000/finding/viso_involved"] == 3


def men(code, number, of=10):
    return [*cases(code, number, gender="male"), *cases(code, of - number, gender="female")]


GENDER = {"question_answers": COUNTRY & (pl.col("question") == "gender")}


def test_what_is_left_of_a_count_without_a_participants_own_is_no_small_count():
    # All are of one region and group. 5 men in all is no small count; but without each one's own it is 1 and 4.
    found = audited(release(exact(men(FIRST, 4), men(SECOND, 1), *[men(code, 0) for code in CODES[2:]]), GENDER))
    assert found.failures == tuple(Failure("part/084+1/gender/male", "exact", code) for code in (FIRST, SECOND))
    # 4 and 9: only who has the 9 is left with a small count.
    both = audited(release(exact(men(FIRST, 4), men(SECOND, 9), *[men(code, 0) for code in CODES[2:]]), GENDER))
    assert both.failures == (Failure("part/084+1/gender/male", "exact", SECOND),)
    apart = exact(*[men(code, 3) for code in CODES])
    assert audited(release(apart, GENDER)).is_clean


def test_a_total_that_was_shown_in_between_tells_whose_case_came_and_went():
    before, after = (
        exact(*[men(code, 5) for code in CODES]),
        exact(men(FIRST, 6), *[men(code, 5) for code in CODES[1:]]),
    )
    earlier = release(before, GENDER)
    assert audited(release(after, GENDER), earlier).is_clean
    # Meanwhile a release that showed nothing else anew said that the first had 9 cases.
    shown_between = Release(earlier.shared, earlier.answer_counts, ({FIRST: 9},))
    found = audited(release(after, GENDER), shown_between).failures
    assert {failure.cell for failure in found} == {
        f"change/084+1+{FIRST}/gender/female",
        f"change/084+1+{FIRST}+back/gender/male",
    }
    same = Release(earlier.shared, earlier.answer_counts, ({FIRST: 10},))
    assert audited(release(after, GENDER), same).is_clean
