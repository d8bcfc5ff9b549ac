"""The question catalogue: what the screening form asks, as typed, checked data.

The catalogue itself is `questionnaire/<version>.yaml`. Everything that knows a question (Pandera schema, form, messages,
labels, tables) is derived from it. No question text and no option is written anywhere else.
"""

from functools import cache, cached_property
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from schemas.data_files import SCHEMAS_DIR, load_yaml, read_as
from schemas.errors import CatalogueError

Kind = Literal["code", "text", "integer", "amount", "date", "single", "multiple"]
CODE = r"^[a-z0-9_]+$"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Option(_Data):
    """One answer of a closed question: the code that tables hold and the Danish label that people read.

    `also` are further ways to write it that are understood.
    """

    code: StrictStr = Field(pattern=CODE)
    label_da: StrictStr = Field(min_length=1)
    also: tuple[StrictStr, ...] = ()


class Question(_Data):
    """One question of the form. `minimum` and `maximum` (included) are in the unit of the answer: years, months, kroner."""

    number: StrictInt = Field(ge=1)
    key: StrictStr = Field(pattern=CODE)
    kind: Kind
    text_da: StrictStr = Field(min_length=1)
    optional: StrictBool = False
    options: tuple[Option, ...] = ()
    options_of: StrictStr | None = None
    minimum: StrictInt | None = None
    maximum: StrictInt | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the answers are options."""
        return self.kind in ("single", "multiple")

    @property
    def is_number(self) -> bool:
        """Whether the answer is a number with bounds."""
        return self.kind in ("integer", "amount")

    @property
    def header(self) -> str:
        """The column header in the form."""
        return f"{self.number}. {self.text_da}"

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the options, in the form's order."""
        return tuple(option.code for option in self.options)


class RollupGroup(_Data):
    """One group of a roll-up: which options of the question it gathers."""

    code: StrictStr = Field(pattern=CODE)
    label_da: StrictStr
    options: tuple[StrictStr, ...]


class Rollup(_Data):
    """Groups the options of one single question; every option stands in exactly one group."""

    key: StrictStr = Field(pattern=CODE)
    question: StrictStr
    text_da: StrictStr
    groups: tuple[RollupGroup, ...]


class Band(_Data):
    """One interval of a banding; `lower` belongs to it, the next band's `lower` does not."""

    code: StrictStr = Field(pattern=CODE)
    label_da: StrictStr
    lower: StrictInt = Field(alias="from")


class Banding(_Data):
    """Bands of a number (the sum of the questions in `of`), in `unit`."""

    key: StrictStr = Field(pattern=CODE)
    text_da: StrictStr
    unit: StrictStr
    of: tuple[StrictStr, ...]
    groups: tuple[Band, ...]


class Catalogue(_Data):
    """A version of the form."""

    version: StrictStr
    note_da: StrictStr
    questions: tuple[Question, ...]
    rollups: tuple[Rollup, ...]
    bands: tuple[Banding, ...]

    @cached_property
    def by_key(self) -> dict[str, Question]:
        """The questions by key, in the form's order."""
        return {question.key: question for question in self.questions}

    def question(self, key: str) -> Question:
        """The question with this key."""
        return self.by_key[key]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of all questions, in the form's order."""
        return tuple(self.by_key)

    @cached_property
    def closed_questions(self) -> tuple[Question, ...]:
        """The questions whose answers are options."""
        return tuple(question for question in self.questions if question.is_closed)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        faults: list[str] = []
        for position, question in enumerate(self.questions, start=1):
            faults += _question_faults(question, position)
        faults += [f"key {key!r} stands twice" for key in _repeated([q.key for q in self.questions])]
        faults += [f"text {text!r} stands twice" for text in _repeated([q.text_da.casefold() for q in self.questions])]
        faults += [fault for rollup in self.rollups for fault in _rollup_faults(rollup, self.by_key)]
        faults += [fault for banding in self.bands for fault in _banding_faults(banding, self.by_key)]
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _repeated(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def _question_faults(question: Question, position: int) -> list[str]:
    name = f"question {question.number} ({question.key})"
    faults = []
    if question.number != position:
        faults.append(f"{name} stands as number {position}: number the questions 1, 2, 3 ... in order")
    if question.is_closed and len(question.options) < 2:
        faults.append(f"{name} is {question.kind} and needs at least two options")
    if not question.is_closed and question.options:
        faults.append(f"{name} is {question.kind} and cannot have options")
    labels = [option.label_da.casefold() for option in question.options]
    answers = [
        answer
        for option in question.options
        for answer in {option.code, option.label_da.casefold(), *(other.casefold() for other in option.also)}
    ]
    faults += [f"{name}: code or label {answer!r} stands twice" for answer in _repeated(answers)]
    if question.kind == "multiple" and any(";" in label for label in labels):
        faults.append(f"{name}: a label of a multiple question cannot hold a semicolon, which separates answers")
    if question.is_number and (question.minimum is None or question.maximum is None):
        faults.append(f"{name} is {question.kind} and needs minimum and maximum")
    elif not question.is_number and (question.minimum, question.maximum) != (None, None):
        faults.append(f"{name} is {question.kind} and cannot have minimum or maximum")
    elif question.minimum is not None and question.maximum is not None and question.minimum > question.maximum:
        faults.append(f"{name}: minimum {question.minimum} is above maximum {question.maximum}")
    return faults


def _rollup_faults(rollup: Rollup, by_key: dict[str, Question]) -> list[str]:
    if rollup.question not in by_key:
        return [f"rollup {rollup.key}: there is no question {rollup.question!r}"]
    gathered = [option for group in rollup.groups for option in group.options]
    if sorted(gathered) != sorted(by_key[rollup.question].codes):
        return [f"rollup {rollup.key}: every option of {rollup.question} must stand in exactly one group"]
    return []


def _banding_faults(banding: Banding, by_key: dict[str, Question]) -> list[str]:
    faults = [f"banding {banding.key}: there is no question {key!r}" for key in banding.of if key not in by_key]
    lowers = [band.lower for band in banding.groups]
    if lowers != sorted(set(lowers)):
        faults.append(f"banding {banding.key}: the lower edges must rise")
    return faults


@cache
def load_catalogue(version: str) -> Catalogue:
    """The catalogue of a version.

    Raises:
        CatalogueError: there is no such version, or the file is faulty; the message names every fault.
    """
    file = f"{version}.yaml"
    return catalogue_from(load_yaml(SCHEMAS_DIR / "questionnaire" / file), file)


def catalogue_from(document: object, file: str) -> Catalogue:
    """The catalogue in a parsed document; `file` names it in messages.

    Raises:
        CatalogueError: the document is faulty; the message names every fault.
    """
    if not isinstance(document, dict) or not isinstance(document.get("questions"), list):
        raise CatalogueError(f"{file}: a catalogue is a mapping with a list `questions`")
    with_options = {
        question["key"]: question["options"]
        for question in document["questions"]
        if isinstance(question, dict) and isinstance(question.get("key"), str) and "options" in question
    }
    questions = [_with_borrowed_options(question, with_options, file) for question in document["questions"]]
    return read_as(Catalogue, {**document, "questions": questions}, file)


def _with_borrowed_options(question: object, with_options: dict[str, object], file: str) -> object:
    """A question that names another one in `options_of`, with that one's options."""
    if not isinstance(question, dict) or not isinstance(question.get("options_of"), str):
        return question
    source = question["options_of"]
    if source not in with_options:
        raise CatalogueError(f"{file}: {question.get('key')}: options_of names {source!r}, which has no options")
    if "options" in question:
        raise CatalogueError(f"{file}: {question.get('key')}: has options and options_of; keep one")
    return {**question, "options": with_options[source]}
