"""Arabic data sets by a short name: where they are, what their fields are called, their licence.

Rows come out with the fields of `arabench.trainers.data.shapes`. Cards of data sets change: where
a column is called otherwise, the message names those that are there, and `hub:OWNER/NAME` with
fields in the recipe takes any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from arabench.errors import UsageError, did_you_mean

#: In `data.source`: known:NAME, or known:NAME=PATH for a copy of it.
PREFIX: Final = "known:"
_Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class KnownSet:
    """A data set.

    Attributes:
        hub: OWNER/NAME.
        fields: a field of ours -> what its column may be called; the first that is there counts.
        licence: as its card says.
        config: configuration on the hub.
        split: of the hub.
        needs: columns that `remade` reads beside.
        remade: makes rows of rows, where a row is not one of the data set.
        gives: fields that rows come out with; those of `fields` where it is empty.
    """

    hub: str
    fields: Mapping[str, tuple[str, ...]]
    licence: str
    config: str | None = None
    split: str = "train"
    needs: tuple[str, ...] = ()
    remade: Callable[[_Rows], _Rows] | None = None
    gives: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Names of the fields that rows come out with."""
        return list(self.gives or self.fields)

    def rows(self, rows: _Rows, path: str) -> _Rows:
        """Rows as they were read, with our fields.

        Args:
            rows: of the data set.
            path: where they are read from, for messages.

        Raises:
            UsageError: a column is missing in a row.
        """
        found = self._renamed(rows, path)
        return self.remade(found) if self.remade else found

    def _renamed(self, rows: _Rows, path: str) -> _Rows:
        for row in rows:
            made = {column: row.get(column) for column in self.needs}
            for field, names in self.fields.items():
                name = next((name for name in names if name in row), None)
                if name is None:
                    raise UsageError(
                        f"data {path!r} has no column {' or '.join(map(repr, names))}, which its "
                        f"card named. {did_you_mean(names[0], list(row))} Write hub:{self.hub} and "
                        "the fields into the recipe's data."
                    )
                made[field] = row[name]
            yield made


def _answered(rows: _Rows) -> _Rows:
    """Of trees of Arabic messages: each question with its best ranked answer."""
    questions: dict[str, str] = {}
    best: dict[str, tuple[float, str]] = {}
    for row in rows:
        if row["lang"] != "ar" or not row["text"]:
            continue
        if row["role"] == "prompter":
            questions[row["message_id"]] = row["text"]
        else:
            rank = row["rank"] if row["rank"] is not None else 0.0
            before = best.get(row["parent_id"])
            if before is None or rank < before[0]:
                best[row["parent_id"]] = (rank, row["text"])
    for number, question in questions.items():
        if number in best:
            yield {"prompt": question, "response": best[number][1]}


def _of_one_turn(rows: _Rows) -> _Rows:
    """Of pairs of conversations those of one question; others have no answer to compare alone."""
    for row in rows:
        chosen, rejected = row["chosen"], row["rejected"]
        texts: dict[str, str | None] = dict.fromkeys(("prompt", "chosen", "rejected"))
        if (
            isinstance(chosen, list)
            and isinstance(rejected, list)
            and len(chosen) == len(rejected) == 2
            and chosen[0] == rejected[0]
        ):
            texts = {
                "prompt": chosen[0]["content"],
                "chosen": chosen[1]["content"],
                "rejected": rejected[1]["content"],
            }
        yield texts


_PAIR: Final = ("prompt", "response")
KNOWN: Final[dict[str, KnownSet]] = {
    "bactrian-x": KnownSet(
        "MBZUAI/Bactrian-X",
        {"instruction": ("instruction",), "input": ("input",), "output": ("output",)},
        "CC BY-NC 4.0", config="ar",
    ),
    "openassistant": KnownSet(
        "OpenAssistant/oasst1", {}, "Apache 2.0",
        needs=("message_id", "parent_id", "role", "lang", "text", "rank"),
        remade=_answered, gives=_PAIR,
    ),
    "wikipedia": KnownSet(
        "wikimedia/wikipedia", {"text": ("text",)}, "CC BY-SA 3.0 and GFDL", config="20231101.ar",
    ),
    "cidar": KnownSet(
        "arbml/CIDAR", {"instruction": ("instruction",), "output": ("output",)}, "CC BY-NC 4.0",
    ),
    "instar-500k": KnownSet(
        "ClusterlabAi/InstAr-500k", {"instruction": ("instruction",), "output": ("output",)},
        "Apache 2.0",
    ),
    "arabic-openhermes-2.5": KnownSet(
        "2A2I/Arabic-OpenHermes-2.5", {"prompt": ("user",), "response": ("gpt",)}, "Apache 2.0",
    ),
    "arabic-preference-rlhf": KnownSet(
        "FreedomIntelligence/Arabic-preference-data-RLHF",
        {"prompt": ("instruction", "prompt", "question"), "chosen": ("chosen",),
         "rejected": ("rejected",)},
        "none on its card",
    ),
    "argilla-dpo-mix-7k-arabic": KnownSet(
        "2A2I/argilla-dpo-mix-7k-arabic", {"chosen": ("chosen",), "rejected": ("rejected",)},
        "see its card", remade=_of_one_turn, gives=("prompt", "chosen", "rejected"),
    ),
    "arabicqa-2.1m": KnownSet(
        "riotu-lab/ArabicQA_2.1M",
        {"prompt": ("question", "instruction", "prompt"),
         "response": ("answer", "output", "response")},
        "Apache 2.0",
    ),
    "darija-sft-mixture": KnownSet(
        "MBZUAI-Paris/Darija-SFT-Mixture", {"messages": ("messages",)}, "ODC-By",
    ),
}  # fmt: skip


def known_by_source(source: str) -> tuple[str, str]:
    """Name of a set and path of a copy (empty if none) of `known:NAME` or `known:NAME=PATH`.

    Raises:
        UsageError: no such name.
    """
    name, _, path = source.removeprefix(PREFIX).partition("=")
    if name not in KNOWN:
        raise UsageError(f"data.source {source!r} is no known set. {did_you_mean(name, KNOWN)}")
    return name, path


def known_by_hub(name: str) -> str:
    """Name of the set that is on a hub under OWNER/NAME; empty if none is."""
    return next((known for known, one in KNOWN.items() if one.hub == name), "")
