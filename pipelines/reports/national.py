"""The report of a survey round for all who take part: what the municipalities have together, and how they differ.

What belongs here: what the report holds and in what order. What does not: the sentences (`sentences`), the cells of
tables (`tables`), and how it looks. It is made of the shared tables alone: nothing that is exact in secret can reach it.
"""

import polars as pl

from pipelines.plots.funnel import funnel
from pipelines.plots.heat_table import heat_table
from pipelines.plots.ranked_dots import ranked_dots
from pipelines.plots.small_multiples import small_multiples
from pipelines.plots.style import Context
from pipelines.reports import findings, guide, parts, tables
from pipelines.reports.document import Block, Bullets, Document, Section
from pipelines.reports.lookup import Published, Tables, checked, shared_tables, together
from schemas.questionnaire import Catalogue, load_catalogue
from schemas.rounds import Round


def national_report(
    published: Published,
    round_: Round,
    release: str,
    *,
    changes: pl.DataFrame | None = None,
    is_made_up: bool = False,
) -> Document:
    """What a release says of all participating municipalities together.

    Args:
        published: the tables of the release's shared folder.
        round_: the round.
        release: the release's id.
        changes: what differs in the shared files from the round's release before; None where there was none.
        is_made_up: whether the figures are of demonstration data.

    Raises:
        TableError: a table is not as it is released.
        DisclosureError: a figure stands in a row that is not shown, or a change is one of a municipality's own files.
    """
    named = shared_tables(published, round_, changes)
    catalogue = load_catalogue(round_.questionnaire)
    context = parts.context(round_, release)
    if published.case_rates.is_empty():
        lead, figures = findings.nobody(), []
    else:
        lead = together(findings.extent(named, round_), findings.averages(named))
        figures = [
            Section("Hovedresultater", 1, _findings(published, named, round_)),
            *_variation(published, named, context),
            Section("Målgrupper og leverandører", 1, _breakdowns(published, named, catalogue, context)),
            Section("Ændringer", 1, _changes(named)),
            Section("Hvem er med", 1, [findings.participation(named), Bullets(tables.participants(named))]),
        ]
    document = Document(
        title="Særligt dyre botilbud i kommunerne",
        subtitle=round_.title_da,
        lead=lead,
        sections=[
            *figures,
            parts.reading_guide(),
            Section("Små tal", 1, guide.disclosure(named, round_)),
            parts.method(named, catalogue),
            parts.sources(named, round_, release),
            *(_answers(named, catalogue) if figures else []),
        ],
        facts=parts.facts(round_, release),
        is_made_up=is_made_up,
    )
    return checked(document, named)


def _findings(published: Published, named: Tables, round_: Round) -> list[Block]:
    few = findings.few_participants(named, round_)
    spread = findings.spread(named)
    items = [findings.finding(named, code) for code in published.key_findings["finding"]]
    return [
        *parts.warnings(named, round_),
        *(paragraph for paragraph in (few, spread) if paragraph is not None),
        Bullets(items),
    ]


def _variation(published: Published, named: Tables, context: Context) -> list[Section]:
    """How the municipalities differ: in words, against chance, ranked, and within regions."""
    rates, averages, limits = published.case_rates, published.area_averages, published.funnel_limits
    return [
        Section(
            "Forskelle mellem kommunerne",
            1,
            [findings.differing(named), parts.plot(lambda width: funnel(rates, limits, context, width=width))],
        ),
        Section(
            "Regioner og kommunegrupper",
            2,
            [
                parts.plot(lambda width: small_multiples(rates, averages, context, "region", width=width)),
                tables.areas(named),
            ],
        ),
        Section(
            "Alle kommuner",
            2,
            [
                parts.plot(lambda width: ranked_dots(rates, averages, context, width=width)),
                tables.municipalities(named),
            ],
        ),
    ]


def _breakdowns(published: Published, named: Tables, catalogue: Catalogue, context: Context) -> list[Block]:
    hidden = guide.breakdowns_hidden(named)
    return [
        *([hidden] if hidden else []),
        *tables.target_groups(named, catalogue, with_own=False),
        tables.provider_types(named, catalogue, with_own=False),
        parts.plot(lambda width: heat_table(published.target_groups, context, width=width)),
        parts.plot(lambda width: heat_table(published.provider_types, context, width=width)),
    ]


def _changes(named: Tables) -> list[Block]:
    """Since the round before, and since the release before."""
    first = findings.first_round(named)
    if first is not None:
        return [first, *findings.news(named)]
    return [*findings.since_round_before(named), tables.changes_of_rounds(named), *findings.news(named)]


def _answers(named: Tables, catalogue: Catalogue) -> list[Section]:
    """Every closed question with its text and its answers in the country."""
    return [
        Section("Bilag: svarene på skemaet", 1, [tables.open_questions(catalogue)]),
        *(
            Section(theme, 2, [tables.question_answers(named, question) for question in questions])
            for theme, questions in tables.themes(catalogue).items()
        ),
    ]
