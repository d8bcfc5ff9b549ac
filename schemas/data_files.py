"""Reading the versioned data that lie beside this package (catalogues, rounds). Nothing else reads files here."""

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


def read_as(model: type[Model], document: Any, file: str) -> Model:  # noqa: ANN401
    """The document as a typed model.

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
            faults.append(f"{file}: {place}: {fault['msg']}{shown}")
        raise CatalogueError("\n".join(faults)) from None
