"""docs/train.md says of every key of a recipe what the schema says."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import yaml
from pydantic_core import PydanticUndefined

from arabench.trainers.methods.table import METHODS
from arabench.trainers.recipe import Recipe, Section, keys, load_recipe, losses, schema, sections

PAGE = Path(__file__).resolve().parents[2] / "docs" / "train.md"
WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}
LIMITS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def meanings() -> dict[tuple[str, str], str]:
    """(section class, field) -> the text below the field in the source."""
    found = {}
    source = "".join(map(inspect.getsource, (keys, schema, sections, losses)))
    for node in ast.parse(source.replace("from __future__ import annotations", "")).body:
        if isinstance(node, ast.ClassDef):
            for field, text in zip(node.body, node.body[1:], strict=False):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and isinstance(text, ast.Expr)
                    and isinstance(text.value, ast.Constant)
                ):
                    found[node.name, field.target.id] = " ".join(str(text.value.value).split())
    return found


def in_words(kind: Any) -> str:
    """A type as a person would write it."""
    if get_origin(kind) is Annotated:
        return in_words(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) in {Union, UnionType}:
        return " or ".join(in_words(part) for part in get_args(kind))
    if get_origin(kind) is tuple:
        return "list of text"
    return "null" if kind is type(None) else WORDS[kind]


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def rows(section: type[Section], prefix: str = "") -> list[str]:
    """Lines of the table, in order."""
    lines = []
    texts = meanings()
    for name, field in section.model_fields.items():
        kind = field.annotation
        # The section of a method, null where it is not the recipe's.
        inner = next((part for part in (kind, *get_args(kind)) if _is_section(part)), None)
        if inner is not None:
            lines += rows(inner, f"{prefix}{name}.")
            continue
        limits = [
            f"{sign} {getattr(limit, key):,}"
            for limit in field.metadata
            for key, sign in LIMITS.items()
            if getattr(limit, key, None) is not None
        ]
        required = field.default is PydanticUndefined
        default = "required" if required else f"`{json.dumps(field.default, ensure_ascii=False)}`"
        holder = next(kind for kind in section.__mro__ if (kind.__name__, name) in texts)
        meaning = texts[holder.__name__, name].replace("|", "\\|")
        named = [f"`{method}`" for method in METHODS] if name == "method" else [in_words(kind)]
        allowed = ", ".join([*named, *limits])
        lines.append(f"| `{prefix}{name}` | {allowed} | {default} | {meaning} |")
    return lines


def test_every_key_with_type_default_and_meaning() -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    start = page.index("| key | allowed | default | meaning |") + 2
    assert page[start : page.index("", start)] == rows(Recipe)


def recipes_on_the_page() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(recipes_on_the_page())))
def test_recipes_on_the_page_are_recipes(number: int, tmp_path: Path) -> None:
    text = recipes_on_the_page()[number]
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_recipe(path).base.name == yaml.safe_load(text)["base"]["name"]
