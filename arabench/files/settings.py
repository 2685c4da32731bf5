"""Settings that people write: strict YAML, frozen models, and the first problem in words."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from arabench.errors import UsageError, did_you_mean

_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"
_KINDS: Final = {list: "a list", str: "text", int: "a number", float: "a number", bool: "yes or no"}
#: What pydantic calls things that have another name in YAML.
_WORDS: Final = {
    "Input should be a valid tuple": "Input should be a list",
    "Input should be a valid list": "Input should be a list",
    "Input should be a valid string": "Input should be text",
    "Input should be a valid dictionary": "Input should be keys and values",
    "Input should be a valid boolean": "Input should be true or false",
}
_Model = TypeVar("_Model", bound=BaseModel)


class Section(BaseModel):
    """Settings: frozen, closed to unknown keys, and of the types that they are declared with."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _read_number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


#: A number, also one that YAML 1.1 reads as text, such as 1e-3.
Number = Annotated[float, BeforeValidator(_read_number)]


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, but a key stands once in its mapping, and a date is text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - an attribute of PyYAML's classes
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_date(self, node: yaml.ScalarNode) -> str:
        """A date, even one that says that it is one, as the text that it is."""
        return str(self.construct_scalar(node))

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Here, and not where values are made: by then `<<` has copied keys between nodes.
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            place = key.tag, str(key.value)
            if place in lines:
                problem = f"the key {key.value!r} is given twice, first on line {lines[place]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            lines[place] = key.start_mark.line + 1
        return node


_Loader.add_constructor(_TIMESTAMP, _Loader.construct_date)


def read_mapping(path: str | Path, what: str, model: type[BaseModel]) -> dict[str, Any]:
    """Keys and values of a YAML file; none of an empty one.

    YAML has keys that are no text, too (`1:`); what is made of the mapping refuses these.

    Args:
        path: UTF-8 text.
        what: what the file is, for messages: recipe, policy.
        model: what will be made of it; a file that holds no mapping is told its keys.

    Raises:
        UsageError: file missing, not UTF-8, no YAML, a key given twice, something else than keys.
    """
    named = f"{what} {str(path)!r}"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{named} does not exist.") from None
    except OSError as error:
        raise UsageError(f"{named} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        found = error.object[error.start]
        raise UsageError(
            f"{named} cannot be read: it is no UTF-8 (byte {error.start + 1} is 0x{found:02x}). "
            "Save it as UTF-8."
        ) from error
    content = parse_yaml(text, named)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(
            f"{named} must hold keys and values, but holds "
            f"{_KINDS.get(type(content), 'something else')}. "
            f"Allowed keys: {', '.join(sorted(model.model_fields))}."
        )
    return content


def parse_yaml(text: str, named: str) -> object:
    """The value that YAML text stands for; `named` says in messages where it is from.

    Raises:
        UsageError: it is no YAML, or a key is given twice.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" on line {error.problem_mark.line + 1}"
        raise UsageError(f"{named} is no valid YAML{line}: {error.problem}.") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{named} is no valid YAML: {reason}.") from error
    except RecursionError:
        raise UsageError(f"{named} is no valid YAML: it is nested too deeply.") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{named} is no valid YAML: a value does not fit its type ({error})."
        ) from error


def validate(model: type[_Model], content: Mapping[str, Any], named: str) -> _Model:
    """The settings that `content` amounts to.

    Raises:
        UsageError: `named` and the first problem.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{named}: {first_problem(error, model)}") from error


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem in words, with the nearest valid key or the allowed values.

    A section whose `json_schema_extra` has `examples` is shown by the first of them.
    """
    # A misspelt key also leaves its right name missing: say what was misspelt.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    where = [str(part) for part in first["loc"] if part != "[key]"]
    name, given = ".".join(where), _shown(first["input"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {name!r}. {_nearest(where, model)}"
    if first["type"] == "missing":
        return f"key {name!r} is missing. It is required.{_example(_model_at(model, where[:-1]))}"
    section = _model_at(model, where)
    if first["type"] == "model_type" and section is not None:
        keys = ", ".join(section.model_fields)
        return f"{name!r} is a section with the keys {keys}, not {given}.{_example(section)}"
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    message = _WORDS.get(message, message)
    start = f"{name}: " if name else ""
    if message.startswith("Input should be"):
        return f"{start}{message}, not {given}."
    if isinstance(first["input"], Mapping | BaseModel):
        return f"{start}{message}."
    return f"{start}{message}. Given: {given}."


def _shown(value: object) -> str:
    """A value in a line; one that refers to itself or to much else is cut."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 80
    short.maxlevel = 2
    return short.repr(value)


def _example(section: type[BaseModel] | None) -> str:
    extra = None if section is None else section.model_config.get("json_schema_extra")
    examples = extra.get("examples") if isinstance(extra, dict) else None
    return f" For example: {examples[0]}." if isinstance(examples, list) and examples else ""


def _nearest(where: Sequence[str], model: type[BaseModel]) -> str:
    """What may have been meant by an unknown key: the same name elsewhere, or a like one here."""
    *place, last = where
    section = _model_at(model, place)
    allowed = [] if section is None else list(section.model_fields)
    near = difflib.get_close_matches(last, allowed, n=1, cutoff=0.8)
    elsewhere = [".".join(path) for path in _paths(model) if path[-1] == last and len(path) > 1]
    if elsewhere and not near:
        return f"Did you mean {elsewhere[0]!r}? Allowed: {', '.join(sorted(allowed))}."
    return did_you_mean(last, allowed)


def _paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Every key that a file can hold, but those under names of the writer's choice."""
    for name, field in model.model_fields.items():
        yield (name,)
        inner = None if get_origin(field.annotation) is dict else _section_of(field.annotation)
        if inner is not None:
            yield from ((name, *path) for path in _paths(inner))


def _model_at(model: type[BaseModel], where: Sequence[str]) -> type[BaseModel] | None:
    """The section at a path of keys; None where there is another value."""
    place: Any = model
    for part in where:
        section = _section_of(place)
        if get_origin(place) is dict:
            place = get_args(place)[1]
        elif section is not None and part in section.model_fields:
            place = section.model_fields[part].annotation
        else:
            return None
    return None if get_origin(place) is dict else _section_of(place)


def _section_of(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *get_args(annotation)]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
