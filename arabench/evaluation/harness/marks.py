"""The mark that a request of ours carries through lm-eval's models, and what it brings back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from arabench.evaluation.harness.chat import Chat
from arabench.evaluation.harness.own_tokens import Unread

#: Attribute of a request that is ours.
MARK: Final = "arabench"


@dataclass
class Mark:
    """What a request of ours brings back besides its answer.

    Attributes:
        settings: of the model that answered; None while none was asked (a cache answered).
        unread: what of the text became <unk>, or nothing.
        tokens: own tokens of the text; 0 for prompts.
        cut: a prompt that the context did not hold, so that lm-eval cut it on the left.
        over: tokens by which it is longer than fits; below 0 where there is room.
        looked_at: whether `cut` is known already.
        chat: the chat template that wrote its prompt, if one did.
        cached: whether the answer is one that the very same model gave in an earlier run.
    """

    settings: dict[str, str] | None = None
    unread: Unread = field(default_factory=Unread)
    tokens: int = 0
    cut: bool = False
    over: int = 0
    looked_at: bool = False
    chat: Chat | None = None
    cached: bool = False
