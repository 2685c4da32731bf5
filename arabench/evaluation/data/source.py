"""Where evaluation data comes from: the package, a local folder, or a hub data set.

Local folder layout (any subset; see tasks/README.md):

    parallel.jsonl        {"id": ..., "en": ..., "msa": ..., "egy": ..., ...} a line
    CODE.txt              or aligned text files, one sentence a line, same order in all;
                          CODE is a variety (egy), an ISO 639-3 code (arz, apc, ...) or
                          either with a script suffix (arz_Arab); English is en or eng
    reading.jsonl         {"id", "code", "context", "question", "answers": [...]} a line
    questions.jsonl       {"id", "subject", "question", "choices": [...], "answer": 0} a line
    test/*.csv            or MMLU files without header: question, A, B, C, D, letter
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import DataError, UsageError, did_you_mean
from arabench.resources import tasks_dir
from arabench.varieties import FINER_CODES, VARIETIES, unread_codes, variety_of

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)

ENGLISH: Final = "en"
HUB_PREFIX: Final = "hub:"
#: Names in a warning; a folder may hold two hundred languages.
_NAMED: Final = 8
_watched: ContextVar[list[str] | None] = ContextVar("_watched", default=None)


@dataclass(frozen=True)
class Source:
    """Where evaluation data comes from.

    Attributes:
        data: a folder, `hub:OWNER/NAME`, or None for the packaged data.
        config, split: hub configuration and split.
        columns: hub column -> code, where column names are no known codes.
        codes: restrict to these codes (all known ones when empty).
    """

    data: str | None = None
    config: str | None = None
    split: str = "test"
    columns: tuple[tuple[str, str], ...] = ()
    codes: tuple[str, ...] = ()

    @classmethod
    def from_metadata(
        cls,
        arabench_data: str | None = None,
        arabench_config: str | None = None,
        arabench_split: str = "test",
        arabench_columns: dict[str, str] | None = None,
        arabench_codes: Sequence[str] | str = (),
    ) -> Source:
        """Build from lm-eval's `--metadata` keys."""
        if arabench_data is not None and not isinstance(arabench_data, str):
            raise UsageError(
                f"arabench_data is {arabench_data!r}; give a folder or 'hub:OWNER/NAME'."
            )
        codes = [arabench_codes] if isinstance(arabench_codes, str) else arabench_codes
        return cls(
            arabench_data,
            arabench_config,
            str(arabench_split),
            _checked_columns(arabench_columns or {}),
            tuple(_checked_code(code) for code in codes or ()),
        )


def _checked_code(name: Any) -> str:
    code = code_of(str(name))
    if code in (None, ENGLISH):
        raise UsageError(f"arabench_codes names {name!r}. {did_you_mean(str(name), known_codes())}")
    return str(code)


def _checked_columns(columns: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(columns, dict):
        raise UsageError(
            f"arabench_columns is {columns!r}; give an object of column names and codes, "
            'such as {"sentence_arz": "arz"}.'
        )
    for name, code in columns.items():
        if code_of(str(code)) is None:
            raise UsageError(
                f"arabench_columns gives column {name!r} the code {code!r}. "
                f"{did_you_mean(str(code), [ENGLISH, *known_codes()])}"
            )
    return tuple(sorted((str(name), str(code)) for name, code in columns.items()))


def known_codes() -> list[str]:
    """Every code that names Arabic text."""
    return [*VARIETIES, *FINER_CODES]


def code_of(name: str) -> str | None:
    """`egy`, `arz` or `en` for a column or file stem such as `arz_Arab` or `eng_Latn`.

    Other suffixes name something else: `glf_city` is no text, `arb_Latn` no Arabic script.
    """
    bare, _, script = name.strip().lower().partition("_")
    if bare in {"en", "eng", "english"}:
        return ENGLISH if script in {"", "latn"} else None
    return bare if script in {"", "arab"} and variety_of(bare) else None


def aligned_files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.txt")):
        code = code_of(path.stem)
        if code and code in found:
            raise DataError(f"{found[code]} and {path.name} both hold {code!r}: keep one of them.")
        if code:
            found[code] = path
    return found


def packaged_file(suite: str, name: str) -> Path:
    """A data file that travels with the package."""
    return tasks_dir() / suite / "data" / name


def check_folder(data: str) -> Path:
    """The folder, or a message that says what is allowed."""
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise UsageError(
            f"arabench_data is {data!r}, which is no folder. "
            f"Give a folder (layout: tasks/README.md) or '{HUB_PREFIX}OWNER/NAME'."
        )
    parts = ("parallel.jsonl", "reading.jsonl", "questions.jsonl", "test/*.csv")
    if not any(any(folder.glob(part)) for part in parts) and not aligned_files(folder):
        raise UsageError(
            f"{folder} holds none of parallel.jsonl, CODE.txt, reading.jsonl, questions.jsonl, "
            "test/*.csv. See tasks/README.md for the layout."
        )
    return folder


def warn_fallback(data: Path | str, what: str) -> None:
    log.warning("%s has no %s: the packaged ones are used for the tasks that need them", data, what)


def note_fallback(data: Path | str, what: str) -> None:
    """Tell whoever watches that packaged data stand in for what the given data do not hold."""
    watched = _watched.get()
    if watched is not None:
        watched.append(f"measured on the packaged {what}, for {data} has none")


@contextlib.contextmanager
def watch_fallbacks() -> Iterator[list[str]]:
    """What packaged data stood in for while something was loaded: a sentence each."""
    found: list[str] = []
    token = _watched.set(found)
    try:
        yield found
    finally:
        _watched.reset(token)


def check_held(
    variety: str, codes: Sequence[str], held: Iterable[str], where: Path | str, extra: str = ""
) -> None:
    """Refuse data without text of a variety.

    Args:
        variety: that a task asks for.
        codes: of it that the data holds.
        held: all codes that the data holds.
        where: file, folder or data set.
        extra: a further sentence.

    Raises:
        UsageError: there is none; names the place, the codes found and those that would do.
    """
    if codes:
        return
    wanted = [code for code in known_codes() if variety_of(code) == variety]
    raise UsageError(
        f"{where} has no text for {variety!r}. It holds {', '.join(sorted(held)) or 'none'}; "
        f"{variety} needs one of {', '.join(wanted)}.{extra} "
        "Run only the tasks of varieties it has."
    )


def warn_unread(names: Iterable[str], where: Path | str) -> None:
    """Name columns or files that look like languages and are read as no text."""
    found = unread_codes(name for name in names if code_of(name) is None)
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        log.warning(
            "%s: no text is read from %s%s: these name no variety of Arabic in Arabic script. "
            "Known codes: %s.",
            where,
            ", ".join(found[:_NAMED]),
            more,
            ", ".join([ENGLISH, *known_codes()]),
        )


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON-lines file; the first broken line is named."""
    rows = []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if not text.strip():
                    continue
                row = json.loads(text)
            except ValueError as error:
                raise DataError(f"{path}:{number}: {error}") from error
            if not isinstance(row, dict):
                raise DataError(f"{path}:{number}: not a JSON object.")
            rows.append(row)
    if not rows:
        raise DataError(f"{path} is empty.")
    return rows


def load_hub(data: str, config: str | None, split: str) -> Dataset:
    """A data set by hub name or local path; data sets with scripts are refused."""
    import datasets

    name = data.removeprefix(HUB_PREFIX)
    try:
        loaded = datasets.load_dataset(name, config, split=split)
    except Exception as error:
        raise UsageError(
            f"data set {name!r} (configuration {config!r}, split {split!r}) could not be loaded: "
            f"{type(error).__name__}: {str(error)[:300]}"
        ) from error
    if not len(loaded):
        raise DataError(f"data set {name!r}, split {split!r}, is empty.")
    return loaded
