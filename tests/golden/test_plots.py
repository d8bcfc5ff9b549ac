"""What plots say: titles, sentences and texts for those who do not see them, from counts that can be added by hand."""

import re
from functools import cache

import polars as pl
import pytest

from pipelines.plots.funnel import funnel
from pipelines.plots.heat_table import heat_table
from pipelines.plots.ranked_dots import ranked_dots
from pipelines.plots.small_multiples import small_multiples
from pipelines.plots.spine import spine
from schemas.errors import BotilbudError
from tests.golden import plots_scenario as scenario
from tests.golden.plots_scenario import CONTEXT

THREE = (("Ærø", 4, 2_000), ("Ishøj", 10, 10_000), ("Fanø", 0, 8_000))
POOLED = (4 + 10 + 0) / (2_000 + 10_000 + 8_000) * 1_000
FIVE = (("Ærø", 10, 10_000), ("Ishøj", 14, 10_000), ("Fanø", 0, 10_000), ("Odense", 6, 10_000), ("Læsø", 8, 10_000))


def da(number, decimals=2):
    return f"{number:.{decimals}f}".replace(".", ",")


@cache  # drawing takes a tenth of a second
def ranked(*municipalities, own=None):
    rates = scenario.case_rates(*municipalities)
    return ranked_dots(rates, scenario.averages(rates), CONTEXT, own)


@cache
def funnelled(*municipalities, own=None):
    rates = scenario.case_rates(*municipalities)
    return funnel(rates, scenario.limits(rates), CONTEXT, own)


@cache
def multiples(*municipalities, area_type="region"):
    rates = scenario.case_rates(*municipalities)
    return small_multiples(rates, scenario.averages(rates), CONTEXT, area_type, "101")


def spined(groups, providers, municipalities=FIVE, own="102"):
    return spine(scenario.case_rates(*municipalities), groups, providers, CONTEXT, own)


def words(plot):
    """All that is written in the picture, a line of text after the other."""
    return re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", plot.svg.decode())


# Ranked dots


def test_the_ranking_names_the_highest_and_the_lowest_rate_and_that_of_all():
    assert ranked(*THREE).title_da == (
        f"Ærø har flest sager pr. 1.000 18-66-årige, {da(4 / 2_000 * 1_000)}, og Fanø færrest, {da(0)}; "
        f"samlet er det {da(POOLED)}"
    )


def test_the_ranking_tells_the_own_municipality_its_rate_and_rank():
    plot = ranked(*THREE, own="102")
    assert plot.title_da == (
        f"Ishøj har {da(10 / 10_000 * 1_000)} sager pr. 1.000 18-66-årige, nr. 2 af 3; samlet er det {da(POOLED)}"
    )
    assert plot.table["municipality_name"].to_list() == ["Ærø", "Ishøj", "Fanø"]


def test_the_ranking_says_in_words_what_is_to_be_seen():
    rows = ranked(*THREE).table.rows(named=True)
    first, last = (
        f"({da(row['ci95_lower'])} til {da(row['ci95_upper'])}), placering {row['rank_ci95_lower']} til "
        f"{row['rank_ci95_upper']}"
        for row in (rows[0], rows[2])
    )
    assert ranked(*THREE).alt_da == (
        "Prikdiagram med 3 kommuner ordnet efter sager pr. 1.000 18-66-årige, med 95 %-interval for rate og placering: "
        f"øverst Ærø med 2,00 {first} og nederst Fanø med 0,00 {last}. En stiplet linje viser den samlede rate, 0,70. "
        # Fanø's upper limit is 3.69 / 8.000 x 1.000 = 0.46, below 0.70; the lower one of Ærø is 1.09 / 2 = 0.54.
        "Hele 95 %-intervallet ligger over den samlede rate hos 0 kommuner og under den hos 1 kommune."
    )


@pytest.mark.parametrize(
    ("municipalities", "title"),
    [
        ((), "Ingen kommuner er med i opgørelsen"),
        ([("Ærø", 3, 2_000)], "Ærø har 1,50 sager pr. 1.000 18-66-årige"),
        ([("Ærø", 0, 2_000), ("Fanø", 0, 1_000)], "Ærø og Fanø har 0,00 sager pr. 1.000 18-66-årige"),
        (
            [("Ærø", 1, 1_000), ("Fanø", 1, 1_000), ("Læsø", 1, 1_000), ("Samsø", 0, 1_000)],
            "3 kommuner har flest sager pr. 1.000 18-66-årige, 1,00, og Samsø færrest, 0,00; samlet er det 0,75",
        ),
    ],
)
def test_the_ranking_of_none_of_one_and_of_equals_has_a_title_too(municipalities, title):
    assert ranked(*municipalities).title_da == title


def test_rates_without_the_average_of_the_country_are_refused():
    rates = scenario.case_rates(*THREE)
    with pytest.raises(BotilbudError, match="no average of the country"):
        ranked_dots(rates, scenario.averages(rates).clear(), CONTEXT)


# Funnel


def test_the_funnel_counts_who_is_outside_and_whom_chance_alone_would_put_there():
    # Of 10 expected cases 25 are too many at 99.8 %, the others are within.
    plot = funnelled(("Ærø", 40, 10_000), *((f"Kommune {n}", 10, 10_000) for n in range(9)))
    assert plot.table["funnel_label"].to_list() == ["above_998", *["within"] * 9]
    assert plot.title_da == (
        f"1 af 10 kommuner ligger uden for 95 %-grænserne; tilfældighed alene giver højst {da(10 * 0.05, 1)}"
    )
    assert (
        f"Tilfældighed alene lægger i gennemsnit højst {da(10 * 0.05, 1)} uden for 95 %-grænserne (her: 1) og højst "
        f"{da(10 * 0.002, 1)} uden for 99,8 % (her: 1)."
    ) in plot.alt_da
    assert "Over 99,8 %-grænsen: Ærø." in plot.alt_da
    assert "Ærø" in words(plot)
    assert "Kommune 3" not in words(plot)


@pytest.mark.parametrize(
    ("municipalities", "title"),
    [
        ((), "Ingen kommuner er med i opgørelsen"),
        ([("Ærø", 3, 2_000)], "Ærø ligger inden for 95 %-grænserne"),
        (
            [("Ærø", 0, 2_000), ("Fanø", 0, 9_000)],
            "Ingen af 2 kommuner ligger uden for 95 %-grænserne: forskellene kan være tilfældige",
        ),
    ],
)
def test_a_funnel_with_nobody_outside_says_so(municipalities, title):
    plot = funnelled(*municipalities)
    assert plot.title_da == title
    assert not municipalities or "ingen uden for grænserne" in plot.alt_da.lower()


def test_the_own_municipality_is_named_within_the_funnel_too():
    plot = funnelled(*THREE, own="102")
    assert "Ishøj ligger inden for grænserne." in words(plot)
    assert words(plot).count("Ishøj") == 2 + 1  # in the key, and at its point with white around


# Spine

GROUPS = scenario.target_groups(
    ("Ærø", 10, (9, 0, 0, 0)),
    ("Ishøj", 14, (3, 12, None, 0)),
    ("Fanø", 0, (0, 0, 0, 0)),
    ("Odense", 6, (6, 0, 0, 0)),
    ("Læsø", 8, (6, 3, 0, 0)),
)
ONE_PROVIDER = scenario.provider_types(*((name, cases, (cases // 3 * 3, 0, 0)) for name, cases, _ in FIVE))


@pytest.fixture(scope="module")
def ishoej():
    return spined(GROUPS, ONE_PROVIDER)


def measures(plot):
    return {row["label_da"]: row for row in plot.table.rows(named=True)}


def test_a_share_is_held_against_the_middle_half_of_those_that_have_one(ishoej):
    cognitive = measures(ishoej)["Kognitive vanskeligheder"]
    # Shares 3/14, 6/8, 9/10 and 6/6; Fanø has no cases. Quartiles at positions 0.75 and 2.25 (from 0).
    assert cognitive["municipalities"] == 4
    assert cognitive["lower_quartile"] == pytest.approx(3 / 14 + 0.75 * (6 / 8 - 3 / 14))
    assert cognitive["upper_quartile"] == pytest.approx(9 / 10 + 0.25 * (1 - 9 / 10))
    assert cognitive["own"] == 3 / 14
    assert cognitive["comparison_da"] == "lavere"
    assert not cognitive["may_be_chance"]  # Wilson's upper limit of 3/14 is 0.48, the lower quartile 0.62


def test_a_rate_above_the_middle_half_is_higher_and_may_be_chance(ishoej):
    rate = measures(ishoej)["Alle sager"]
    # Rates 0, 0.6, 0.8, 1.0 and 1.4: the upper quartile is the fourth. The interval of 14 cases begins at 7.65.
    assert rate["upper_quartile"] == 10 / 10_000 * 1_000
    assert rate["comparison_da"] == "højere"
    assert rate["may_be_chance"]


def test_the_spine_chart_counts_what_lies_higher_and_lower_and_says_what_is_hidden(ishoej):
    # Higher: the rate, mental (12/14). Lower: cognitive, and municipal (12/14 where the others have 9/10, 1 and 6/8).
    found = [row["comparison_da"] for row in ishoej.table.rows(named=True)]
    assert found == ["højere", "lavere", "højere", "skjult", *["omtrent som de fleste"] * 4]
    assert ishoej.title_da == "Ishøj ligger højere på 2 og lavere på 1 af 7 mål end kommunernes midterste halvdel"
    assert "1 mål: skjult." in words(ishoej)
    assert "Skjult: tallet findes, men vises ikke, fordi det eller et andet tal er lille." in words(ishoej)
    assert "Fysisk eller multipel funktionsnedsættelse: skjult, for få kommuner at sammenligne med" in ishoej.alt_da


def test_a_municipality_without_cases_has_no_shares_to_compare():
    found = measures(spined(GROUPS, ONE_PROVIDER, own="103"))
    assert found["Alle sager"]["own"] == 0
    assert {row["comparison_da"] for label, row in found.items() if label != "Alle sager"} == {"ingen sager"}


def test_a_single_municipality_has_nobody_to_be_compared_with():
    groups, providers = scenario.target_groups(("Ærø", 6, (6, 0, 0, 0))), scenario.provider_types(("Ærø", 6, (6, 0, 0)))
    plot = spined(groups, providers, [("Ærø", 6, 3_000)], own="101")
    assert plot.title_da == f"Ærø har {da(6 / 3_000 * 1_000)} sager pr. 1.000 18-66-årige"


def test_a_municipality_like_most_is_said_to_be_so():
    equal = [(name, 6, 10_000) for name in ("Ærø", "Fanø", "Læsø", "Samsø")]
    groups = scenario.target_groups(*((name, 6, (6, 0, 0, 0)) for name, _, _ in equal))
    providers = scenario.provider_types(*((name, 6, (6, 0, 0)) for name, _, _ in equal))
    plot = spined(groups, providers, equal, own="101")
    assert plot.title_da == f"Ærø ligger som kommunernes midterste halvdel på alle {1 + 4 + 3} mål"


def test_a_municipality_missing_from_an_earlier_releases_breakdowns_is_not_reported_there():
    groups = scenario.target_groups(("Ærø", 10, (9, 0, 0, 0)), figures_from_release="fedcba9876543210")
    plot = spined(groups, scenario.provider_types())
    assert measures(plot)["Sociale problemer"]["comparison_da"] == "ikke indberettet"
    assert "Fordelingernes tal er fra udgivelse fedcba9876543210." in words(plot)


def test_a_municipality_that_takes_no_part_has_no_spine_chart():
    with pytest.raises(BotilbudError, match="Municipality 999 takes no part"):
        spined(GROUPS, ONE_PROVIDER, own="999")


# Heat table


def test_the_heat_table_says_which_group_is_the_largest_in_most_municipalities():
    plot = heat_table(
        scenario.target_groups(
            *(
                row
                for row in [
                    ("Ærø", 10, (9, 0, 0, 0)),
                    ("Ishøj", 15, (3, 12, 0, 0)),
                    ("Odense", 6, (6, 0, 0, 0)),
                    ("Læsø", 6, (3, 3, 0, 0)),
                ]
            )
        ),
        CONTEXT,
    )
    assert plot.title_da == "Målgruppen Kognitive vanskeligheder er størst hos 2 af 4 kommuner"
    assert plot.alt_da == (
        "Tabel med 4 kommuner og 4 grupper efter målgruppe, farvet efter andel. Kognitive vanskeligheder er størst hos "
        "2 kommuner; Psykiske vanskeligheder er størst hos 1 kommune."
    )
    # By share: 6/6, 9/10, 3/6, 3/15.
    assert plot.table["municipality_name"].unique(maintain_order=True).to_list() == ["Odense", "Ærø", "Læsø", "Ishøj"]
    assert "9 (90 %)" in words(plot)


def test_two_groups_that_are_the_largest_equally_often_are_both_named():
    plot = heat_table(scenario.provider_types(("Ærø", 6, (6, 0, 0)), ("Ishøj", 6, (0, 0, 6))), CONTEXT)
    assert plot.title_da == "Kommunalt og Privat er hver størst hos 1 af 2 kommuner"


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ([], "Ingen kommuner er med i opgørelsen"),
        ([("Fanø", 0, (0, 0, 0))], "Ingen leverandørtype er alene størst hos nogen af 1 kommune"),
        (
            [("Ærø", 9, (None, None, None))],
            "Fordelingen efter leverandørtype er ikke vist i sin helhed for nogen af 1 kommune",
        ),
        (
            [("Ærø", 9, (6, None, None)), ("Fanø", 9, (9, 0, 0)), ("Læsø", 6, (6, 0, 0))],
            "Leverandørtypen Kommunalt er størst hos 2 af de 2 kommuner, der har alle felter vist",
        ),
    ],
)
def test_the_heat_table_claims_nothing_of_rows_with_hidden_cells(rows, title):
    assert heat_table(scenario.provider_types(*rows), CONTEXT).title_da == title


def test_hidden_cells_are_words_without_colour():
    plot = heat_table(scenario.provider_types(("Ærø", 9, (None, None, None)), ("Fanø", 0, (0, 0, 0))), CONTEXT)
    assert words(plot).count("skjult") == 3
    assert "3 af 6 felter: skjult." in words(plot)
    assert plot.svg.decode().count('fill="#ffffff"') == 3  # the zeros of Fanø


# Small multiples


def test_small_multiples_compare_the_areas_and_tell_how_far_their_municipalities_spread():
    plot = multiples(*FIVE)
    # Region A: Ærø, Fanø, Læsø; region B: Ishøj, Odense.
    first, second = (10 + 0 + 8) / 30_000 * 1_000, (14 + 6) / 20_000 * 1_000
    assert plot.title_da == (
        f"Region B har flest sager pr. 1.000 18-66-årige, {da(second)}, og Region A færrest, {da(first)}; "
        "de enkelte kommuner har fra 0,00 til 1,40"
    )
    assert plot.alt_da == (
        "Prikdiagrammer for 2 regioner med sager pr. 1.000 18-66-årige på samme skala. Region A: 3 kommuner, samlet 0,60; "
        "fra Fanø 0,00 til Ærø 1,00. Region B: 2 kommuner, samlet 1,00; fra Odense 0,60 til Ishøj 1,40."
    )


@pytest.mark.parametrize(
    ("municipalities", "title"),
    [
        ((), "Ingen kommuner er med i opgørelsen"),
        (
            [("Fanø", 0, 2_000)],
            "Gruppe A har 0,00 sager pr. 1.000 18-66-årige; de enkelte kommuner har fra 0,00 til 0,00",
        ),
    ],
)
def test_small_multiples_of_none_and_of_one_have_a_title_too(municipalities, title):
    assert multiples(*municipalities, area_type="municipality_group").title_da == title


def test_the_table_beside_a_plot_holds_the_rows_that_it_shows():
    assert multiples(*FIVE).table.select("area_code", "municipality_code").rows() == [
        ("081", "103"),
        ("081", "105"),
        ("081", "101"),
        ("082", "104"),
        ("082", "102"),
    ]
    assert isinstance(multiples().table, pl.DataFrame)
