"""What a task's requests say of the run when they come back: settings, counts, notes.

Added up window by window, so that no more than one window of requests is held in memory, and
written down between windows, so that a run that was killed goes on counting.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from arabench.evaluation.harness.chat import OnlyThinking
from arabench.evaluation.harness.marks import MARK
from arabench.evaluation.harness.settings import OWN_TOKENS

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

#: Setting under which the count of answers without an end of thinking is compared.
ONLY_THINKING: Final = "answers_only_thinking"
#: Setting that says where answers came from.
ANSWERED: Final = "answered"
#: Setting that says whether the data that was given, or packaged data, was measured.
DATA: Final = "data"
_BY_THE_MODEL: Final = "by the model"


@dataclass
class RunRecord:
    """Sums over the requests of one task.

    Attributes:
        settings: of the model that answered; empty while none was asked.
        requests: number of requests.
        asked: those of them that a model answered, and no cache of lm-eval's.
        cached: those of them that the very same model answered in an earlier run (`--cache`).
        tokens, unknown_tokens, unread_characters: own tokens of texts, those that stand for
            something unknown, and code points that the tokenizer did not read.
        cut: prompts that the context did not hold.
        only_thinking: answers of a chat that are thinking until the last token allowed; None
            in a task without answers of a chat.
    """

    settings: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    asked: int = 0
    cached: int = 0
    tokens: int = 0
    unknown_tokens: int = 0
    unread_characters: int = 0
    cut: int = 0
    only_thinking: int | None = None

    def add(self, instances: Iterable[Instance]) -> None:
        """Count answered requests."""
        for instance in instances:
            mark = getattr(instance, MARK)
            self.requests += 1
            if mark.settings is not None:
                self.asked += 1
                self.settings = self.settings or dict(mark.settings)
            self.cached += mark.cached
            self.tokens += mark.tokens
            self.unknown_tokens += mark.unread.tokens
            self.unread_characters += mark.unread.characters
            self.cut += mark.cut
            if mark.chat is not None and instance.request_type == "generate_until":
                answers = instance.filtered_resps.values()
                none = any(isinstance(answer, OnlyThinking) for answer in answers)
                self.only_thinking = (self.only_thinking or 0) + none

    @classmethod
    def total(cls, parts: Sequence[RunRecord]) -> RunRecord:
        """The record of requests that several processes answered, each some of them."""
        whole = cls(settings=next((part.settings for part in parts if part.settings), {}))
        for name in (one.name for one in dataclasses.fields(cls) if one.name != "settings"):
            counts = [count for part in parts if (count := getattr(part, name)) is not None]
            setattr(whole, name, sum(counts) if counts else None)
        return whole

    def to_settings(self) -> dict[str, str]:
        """Settings by name, as results carry them."""
        return {
            **self.settings,
            ANSWERED: self._answered(),
            # Compared by the gate: a tokenizer that reads less makes any model look better.
            "characters_not_read": str(self.unread_characters),
            **({} if self.only_thinking is None else {ONLY_THINKING: str(self.only_thinking)}),
        }

    def _answered(self) -> str:
        if self.asked < self.requests:
            return f"{self.requests - self.asked} of {self.requests} requests by a cache"
        if self.cached:
            return f"{_BY_THE_MODEL} ({self.cached} of {self.requests} from its cache)"
        return _BY_THE_MODEL

    def to_notes(self) -> list[str]:
        """What a reader of the numbers must know."""
        notes = []
        if self.unread_characters:
            notes.append(
                f"the tokenizer does not read {self.unread_characters:,} characters "
                f"({self.unknown_tokens:,} of {self.tokens:,} tokens are <unk>; others became "
                "nothing), which cost the model next to nothing: its bits are too low, and compare "
                "with no other tokenizer's"
            )
        if OWN_TOKENS in self.settings:
            notes.append(
                f"{self.settings['backend']} scores texts by its own rules: what its tokenizer "
                "adds may count, and nothing is known of tokens (own-token rules are not applied); "
                "bits compare with those of the same backend"
            )
        if self.cut:
            notes.append(
                f"{self.cut:,} of {self.requests:,} prompts are longer than the model's context "
                "and were cut on the left"
            )
        if self.only_thinking:
            notes.append(
                f"{self.only_thinking:,} of {self.requests:,} answers are thinking that does not "
                "end within the tokens allowed: they have no score and count in none. Allow more "
                "(--max-gen-tokens of `arabench eval`, --gen_kwargs max_gen_toks=N of lm_eval), or "
                "switch thinking off where the template can"
            )
        return notes

    def to_json(self) -> dict[str, Any]:
        """As it is written down between windows."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> RunRecord:
        """What `to_json` gave."""
        return cls(**content)


def gather_notes(notes: Mapping[str, Sequence[str]]) -> list[str]:
    """Each note once, behind the tasks that it is of.

    Args:
        notes: name of a task -> its notes.
    """
    tasks: dict[str, list[str]] = {}
    for name, said in notes.items():
        for note in dict.fromkeys(said):
            tasks.setdefault(note, []).append(name)
    return [f"{', '.join(names)}: {note}" for note, names in tasks.items()]


def answered_by(setting: str) -> str:
    """Who answered, of the setting `ANSWERED` of one task or of several.

    A model's own cache is the model: it holds what the very same bytes answered.
    """
    parts = setting.split(" | ")
    return " | ".join(
        sorted({_BY_THE_MODEL if part.startswith(_BY_THE_MODEL) else part for part in parts})
    )


def gather(record: RunRecord, processes: int) -> RunRecord:
    """The record over all processes of a distributed run; every one of them must call it."""
    if processes == 1:
        return record
    import torch.distributed

    parts: list[Any] = [None] * processes
    torch.distributed.all_gather_object(parts, record)
    return RunRecord.total(parts)
