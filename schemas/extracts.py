"""The forms of the extracts that management information is made from, as question catalogues from `extracts/<name>.yaml`.

A form's questions are the columns of the extract. Options that other data hold already are taken from there.
"""

from functools import cache

from schemas.data_files import SCHEMAS_DIR, load_yaml
from schemas.errors import CatalogueError
from schemas.questionnaire import Catalogue, Option, catalogue_from, load_catalogue
from schemas.service_areas import area_options, group_options

GRANTS, BUDGETS, PLANNED_CHANGES, INITIATIVES = "grants", "budgets", "planned_changes", "initiatives"
EXTRACTS = (GRANTS, BUDGETS, PLANNED_CHANGES, INITIATIVES)
"""The extracts, each delivered below `inbox/<name>/<municipality code>/`; only the first is needed."""

REJECTED_ROWS_SHARE = 0.2
"""An extract with a larger share of rejected rows (and more than one) is rejected whole, as a screening form is."""


def load_extract(name: str) -> Catalogue:
    """The form of an extract.

    Raises:
        CatalogueError: there is no such extract, or its file is faulty; the message names every fault.
    """
    if name not in EXTRACTS:
        raise CatalogueError(f"there is no extract {name!r}; the extracts are: {', '.join(EXTRACTS)}")
    return _load(name)


def load_form(version: str) -> Catalogue:
    """The form of an extract, or of the screening, by its version.

    Raises:
        CatalogueError: there is neither, or its file is faulty; the message names every fault.
    """
    return load_extract(version) if version in EXTRACTS else load_catalogue(version)


@cache
def _load(name: str) -> Catalogue:
    path = SCHEMAS_DIR / "extracts" / f"{name}.yaml"
    document = load_yaml(path)
    known = {"service_areas": area_options(), "service_areas_and_groups": (*area_options(), *group_options())}
    questions = [_with_options(question, known, path.name) for question in document["questions"]]
    return catalogue_from({**document, "questions": questions}, path.name)


def _with_options(question: dict[str, object], known: dict[str, tuple[Option, ...]], file: str) -> dict[str, object]:
    """A question that names known options in `options_from`, with them."""
    if "options_from" not in question:
        return question
    source = question["options_from"]
    if source not in known:
        raise CatalogueError(f"{file}: {question.get('key')}: options_from {source!r} is none of: {', '.join(known)}")
    rest = {key: value for key, value in question.items() if key != "options_from"}
    return {**rest, "options": [option.model_dump() for option in known[str(source)]]}
