"""Reading the versioned data that lie beside this package (catalogues, rounds). Nothing else reads files here."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from schemas.errors import CatalogueError

Model = TypeVar("Model", bound=BaseModel)

SCHEMAS_DIR = Path(__file__).parent


class _Loader(yaml.CSafeLoader):
    """YAML in which a key that stands twice in a mapping is an error, and not silently its last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
        return super().construct_mapping(node, deep=deep)


class Lines:
    """On which line of a YAML file each entry stands, so that a fault in it can be told with its place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _root(self) -> yaml.Node | None:
        # Read again only where there is a fault to tell.
        return yaml.compose(self.path.read_text(encoding="utf-8"), Loader=_Loader)

    def line_of(self, place: Sequence[str | int]) -> int:
        """The line (from 1) of the innermost entry on the way to `place` that the file has."""
        node = self._root
        line = 1
        for part in place:
            if isinstance(node, yaml.MappingNode):
                found = {key.value: (key, value) for key, value in node.value}.get(str(part))
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                found = (node.value[part], node.value[part])
            else:
                found = None
            if found is None:
                break
            key, node = found
            line = key.start_mark.line + 1
        return line


def load_yaml(path: Path) -> Any:  # noqa: ANN401 - a YAML document is any value until a model has read it
    """The document in a YAML file.

    Raises:
        CatalogueError: the file is missing or is no YAML; names the file and the line.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yaml")))
        raise CatalogueError(f"{path.name}: there is no such file; known are: {known}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path.name}: is not valid YAML: {error}") from None


def read_as(model: type[Model], document: Any, file: str, lines: Lines | None = None) -> Model:  # noqa: ANN401
    """The document as a typed model.

    Args:
        model: what it is to be read as.
        document: as `load_yaml` gives it.
        file: its name, for messages.
        lines: of the file, where it is at hand.

    Raises:
        CatalogueError: one line per fault, each naming the place in the file, what was found and what is allowed.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_url=False):
            place = ".".join(str(part) for part in fault["loc"]) or "top level"
            found = fault.get("input")
            shown = "" if isinstance(found, (dict, list)) else f" (found {found!r})"
            line = "" if lines is None else f", line {lines.line_of(fault['loc'])}"
            faults.append(f"{file}{line}: {place}: {fault['msg']}{shown}")
        raise CatalogueError("\n".join(faults)) from None
