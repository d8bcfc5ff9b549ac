"""What stands in every report of a survey round: how to read it, how it is made, what is hidden, what else to know.

What belongs here: sentences that are the same for whoever reads. What does not: what the figures say (`sentences`,
`findings`).
"""

import polars as pl

from pipelines.danish import joined
from pipelines.plots.published import SHOWN
from pipelines.reports.document import Paragraph
from pipelines.reports.lookup import COUNTRY, Tables, of_round, said
from schemas.rounds import Round


def disclosure(named: Tables, round_: Round) -> list[Paragraph]:
    """What is rounded or hidden of the shared figures, and why."""
    rounded = round_.disclosure_method == "rounding"
    of_municipalities = (
        said(
            named,
            "Hver kommunes fordelinger er afrundet op eller ned til et tal i #-tabellen. Tallene giver derfor ikke altid "
            "kommunens total tilsammen.",
            of_round("rounding_base"),
        )
        if rounded
        else Paragraph("Hver kommunes små tal er skjult, og med dem så mange andre, at ingen kan regne de små ud.")
    )
    return [
        Paragraph("Ingen borger må kunne genkendes. Hver kommunes antal sager i alt er vist, som det er."),
        of_municipalities,
        said(
            named,
            "I fordelingerne for landet, regionerne og kommunegrupperne er tal under # skjult, og med dem så mange andre, at "
            "ingen kan regne de små ud. Områder med færre end # deltagende kommuner er skjult helt.",
            of_round("disclosure_threshold"),
            of_round("disclosure_threshold"),
        ),
        Paragraph("Før hver udgivelse er det gennemgået, om nogen kan regne et lille tal ud af alt det, der er vist."),
    ]


def reading_guide() -> list[Paragraph]:
    """How to read rates, intervals, words and hidden cells, for people who do not know them."""
    return [
        Paragraph(
            "En rate er medregnede sager i alle aldre delt med indbyggere på 18-66 år, gange tusind. Den samlede rate i et "
            "område er alle sager delt med alle indbyggere i de kommuner, der er med. En kommune uden aflevering er ikke med."
        ),
        Paragraph(
            "Et 95 %-interval viser, hvor tallet lige så vel kunne være havnet med de samme forhold. Det er bredt, fordi der "
            "er få sager. Det dækker ikke forkerte svar eller kommuner, der ikke er med."
        ),
        Paragraph(
            "”Højere end” og ”lavere end” betyder, at hele intervallet ligger over eller under det, der sammenlignes med. "
            "”Omtrent som” betyder ikke, at tallene er ens, men at der er for få sager til at vise en forskel."
        ),
        Paragraph(
            "En høj rate er hverken god eller dårlig. Den kan følge af, hvem der bor i kommunen, og hvilke tilbud der findes."
        ),
        Paragraph(
            "”Skjult” betyder, at et tal findes, men ikke vises, fordi det eller et andet tal er så lille, at enkeltpersoner "
            "kunne genkendes. ”Afrundet” betyder, at tallet er rundet op eller ned og derfor kan være lidt forkert."
        ),
    ]


def method(named: Tables) -> list[Paragraph]:
    """How the figures are made."""
    return [
        said(
            named,
            "Kommunerne udfylder et skema med # spørgsmål om hver sag. En sag tæller med, når borgeren er i botilbud på "
            "opgørelsesdatoen, og botilbud og dagtilbud koster # kr. eller mere om året, før statsrefusion.",
            of_round("questions"),
            of_round("threshold_dkk"),
        ),
        Paragraph(
            "Rater har eksakte intervaller (Garwood) ved få sager og Byars fra mindst 10 sager; andele har Wilsons. "
            "Placeringens interval følger af, hvor usikre alle kommuners rater er. Tragtdiagrammets grænser viser, hvor langt "
            "fra den samlede rate tilfældighed alene lægger kommuner af samme størrelse."
        ),
        Paragraph("VISO er den nationale videns- og specialrådgivningsorganisation."),
    ]


def population_stands_in(named: Tables, round_: Round) -> str | None:
    """That the population is of another quarter than the round's, in words; None where it is of the round's."""
    quarters = named["case_rates"]["population_quarter"].unique().sort().to_list()
    if quarters in ([], [round_.population_quarter]):
        return None
    return (
        f"Befolkningen for {round_.population_quarter} kunne ikke hentes fra Danmarks Statistik. Raterne bygger i stedet på "
        f"befolkningen for {joined(quarters)}."
    )


def breakdowns_hidden(named: Tables) -> Paragraph | None:
    """That nothing of the country's breakdowns is shown; None where something is."""
    country = pl.concat(
        named[table].filter(**COUNTRY).select("value_status") for table in ("target_groups", "provider_types")
    )["value_status"]
    if country.is_in(SHOWN).any():
        return None
    return Paragraph(
        "Fordelingerne for hele landet er skjult i denne udgivelse: Tallene er så små, eller så få kommuner er med, at "
        "enkeltpersoner kunne genkendes. ”Skjult” betyder, at et tal findes, men ikke vises."
    )


def figures_from(named: Tables) -> Paragraph | None:
    """That the shared breakdowns are those of an earlier release; None where they are of this one."""
    releases = pl.concat(
        named[table]["figures_from_release"]
        for table in ("target_groups", "provider_types", "question_answers", "key_findings")
    )
    earlier = releases.drop_nulls().unique().sort()
    if earlier.is_empty():
        return None
    return Paragraph(
        f"De fælles fordelinger og hovedresultater er fra udgivelse {joined(earlier)}. De er ikke opgjort på ny, fordi "
        "forskellen ville røbe små tal. Rater og placeringer er nye."
    )
