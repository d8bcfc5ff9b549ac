"""How many columns of a table are named in a line: questions by their numbers, everything else by name."""

from collections.abc import Iterable

from schemas.questionnaire import Catalogue

# The tables whose columns are the form's questions.
_ANSWERED_IN = ("inbox", "delivered_rows", "responses")
_NAMED_AT_MOST = 4


def question_columns(table: str, columns: Iterable[str], catalogue: Catalogue) -> list[str]:
    """The columns that are questions, where they are too many to be named one by one; else none."""
    asked = [name for name in columns if table in _ANSWERED_IN and name in catalogue.by_key]
    return asked if len(asked) > _NAMED_AT_MOST else []


def question_numbers(columns: Iterable[str], catalogue: Catalogue) -> str:
    """`spørgsmål 1-3, 7`: the numbers of questions, neighbours as a range."""
    numbers = sorted(catalogue.question(name).number for name in columns)
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    told = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return f"spørgsmål {told}"


def columns_told(table: str, columns: Iterable[str], catalogue: Catalogue) -> str:
    """The columns of a table in a line, in their order; many questions by number, after the others."""
    named = list(columns)
    asked = question_columns(table, named, catalogue)
    told = [name for name in named if name not in asked]
    return ", ".join([*told, question_numbers(asked, catalogue)] if asked else told)
