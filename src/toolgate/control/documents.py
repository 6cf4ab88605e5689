"""Policy documents in files: JSON, or YAML by the file's ending, read so that no key is overlooked."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from toolgate.errors import InvalidDocument, Problem, Unavailable
from toolgate.policy.strict import load_json


class _StrictLoader(yaml.SafeLoader):
    """Refuses duplicate keys, which YAML libraries usually resolve silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key `{key}` twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_document(path: Path) -> Any:
    """The decoded document in a file. Raises InvalidDocument, or Unavailable when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"`{path}` cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise InvalidDocument([Problem("", "text that is not UTF-8", "UTF-8")], f"document `{path}`") from None
    if path.suffix in (".yaml", ".yml"):
        return _yaml(text, path)
    document, problems = load_json(text)
    if problems:
        raise InvalidDocument(problems, f"document `{path}`")
    return document


def _yaml(text: str, path: Path) -> Any:
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InvalidDocument([Problem("", reason, "YAML")], f"document `{path}`") from None
