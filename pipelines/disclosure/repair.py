"""What is hidden besides, where the audit finds a small count in a candidate that protection thought safe.

Protection and audit are independent, and now and then the audit sees further: it asks how answers of a question with
several of them can overlap, and what rounded rows say of an area. What belongs here: the rows to hide then. What does
not: the search for single cells (`pattern`).
"""

from collections.abc import Collection, Iterable

from pipelines.disclosure.audit import Failure
from pipelines.disclosure.suppression import FINDING_ANSWERS, cell_key, finding_key
from schemas.questionnaire import Catalogue


def rows_of(failures: Collection[Failure], areas: Iterable[tuple[str, str]], catalogue: Catalogue) -> frozenset[str]:
    """The cells to hide so that what was found out is told in none of these areas.

    Whole rows are hidden, of the question and of its roll-ups, and in the country the findings that repeat it: a row of
    which one answer is hidden gives it back.

    Args:
        failures: small counts that can be found out; a cell's name ends with question and answer.
        areas: area type and code.
        catalogue: the round's form.
    """
    exposed = [failure.cell.split("/")[-2:] for failure in failures]
    findings = {answer for question, answer in exposed if question == "finding"}
    keys = {question for question, _ in exposed} | {FINDING_ANSWERS[f][0] for f in findings if f in FINDING_ANSWERS}
    question_of = {rollup.key: rollup.question for rollup in catalogue.rollups}
    questions = {question_of.get(key, key) for key in keys}
    columns = [(q.key, code) for q in catalogue.closed_questions if q.key in questions for code in q.codes]
    columns += [(r.key, group.code) for r in catalogue.rollups if r.question in questions for group in r.groups]
    told = {key for key, _ in columns}
    cells = {cell_key(kind, code, *column) for kind, code in areas for column in columns}
    if any(kind == "country" for kind, _ in areas):
        findings |= {finding for finding, (key, _) in FINDING_ANSWERS.items() if key in told}
        cells |= {finding_key(finding) for finding in findings}
    return frozenset(cells)
