"""What a task family is: metrics, columns of the table, and the pieces its file is made of.

A family's file holds `*_data` functions, which lm-eval calls with every `--metadata` key and
model argument, `*_prompt` functions, and `score_*` functions, which turn model outputs into
sums. Its YAML template under tasks/ is written by hand and names them.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeAlias, TypeVar

from arabench.errors import ArabenchError, DataError, UsageError, did_you_mean
from arabench.evaluation.contamination.exclusion import DIGEST_KEY, KEY
from arabench.evaluation.data.source import Source
from arabench.evaluation.harness.conditions import COLUMN

if TYPE_CHECKING:
    from datasets import Dataset

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
#: Name of a split -> its documents.
Splits: TypeAlias = "dict[str, Dataset]"
Document = dict[str, Any]
#: Keys of --metadata that choose documents, whatever data they come from.
EXCLUSION_KEYS: Final = (KEY, DIGEST_KEY)


@dataclass(frozen=True)
class Column:
    """A column of the per-variety table.

    Attributes:
        metric: its name.
        task: name of the task, with {} for the variety.
        heading: over the column.
    """

    metric: str
    task: str
    heading: str


@dataclass(frozen=True)
class Template:
    """A YAML template of the family.

    Attributes:
        path: below tasks/.
        metrics: names, in order.
        extra: further lines of its metadata.
    """

    path: str
    metrics: tuple[str, ...]
    extra: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Family:
    """A task family: its templates and its columns."""

    name: str
    templates: tuple[Template, ...]
    columns: tuple[Column, ...] = ()


def plain_errors(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Under lm-eval's own command an error of the user's ends with one message."""

    @functools.wraps(function)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except ArabenchError as error:
            raise SystemExit(f"arabench: error: {error}") from error

    return wrapper


def source_of(metadata: Mapping[str, Any]) -> Source:
    """The data source named by `arabench_*` keys; unknown ones are refused."""
    chosen = {key: value for key, value in metadata.items() if key.startswith("arabench_")}
    allowed = {
        "arabench_data",
        "arabench_config",
        "arabench_split",
        "arabench_columns",
        "arabench_codes",
    }
    unknown = sorted(set(chosen) - allowed - {*EXCLUSION_KEYS})
    if unknown:
        raise UsageError(
            f"--metadata key {unknown[0]!r} is not known. "
            f"{did_you_mean(unknown[0], {*allowed, EXCLUSION_KEYS[0]})}"
        )
    return Source.from_metadata(**{key: chosen[key] for key in chosen if key in allowed})


def dataset(rows: Sequence[Mapping[str, Any]], what: str, conditions: str = "") -> Dataset:
    """Documents as lm-eval reads them.

    Raises:
        DataError: there are none of `what`.
    """
    if not rows:
        raise DataError(f"the data holds nothing to evaluate for {what}.")
    import datasets

    extra = {COLUMN: conditions} if conditions else {}
    documents = [{**row, **extra} for row in rows]
    # `from_list` pickles the whole table for a fingerprint, which takes most of its time.
    digest = hashlib.sha256(repr(documents).encode("utf-8", "surrogatepass")).hexdigest()
    table = datasets.table.InMemoryTable.from_pylist(documents)
    return datasets.Dataset(table, fingerprint=digest[:16])


def with_stderr(values: Mapping[str, Document]) -> dict[str, Document]:
    """The values, and each again under the name of its standard error, as lm-eval wants them."""
    return {**values, **{f"{name}_stderr": value for name, value in values.items()}}
