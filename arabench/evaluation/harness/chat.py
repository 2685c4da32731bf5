"""Chat templates and thinking: where a turn ends, what of it is the answer.

A template is asked, not known: its end of turn is what it writes behind an assistant's message,
the place of an answer what it writes before one, and whether it has a system role is seen by
rendering one. Thinking is told by the marks that families write around it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from arabench.errors import UsageError

if TYPE_CHECKING:
    from lm_eval.models.huggingface import HFLM
    from transformers import PreTrainedTokenizerBase

Messages: TypeAlias = "Sequence[dict[str, str]]"
#: lm-eval's `apply_chat_template`: (messages, add_generation_prompt=...) -> text.
Template: TypeAlias = "Callable[..., str]"

#: (opening, closing) marks of thinking, by families that write them.
THINKING: Final = (
    ("<think>", "</think>"),  # Qwen3, DeepSeek-R1, SmolLM3, QwQ, GLM 4.5, MiniMax, Phi 4 reasoning
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A reasoning
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<thought>", "</thought>"),  # EXAONE Deep
    ("◁think▷", "◁/think▷"),  # Kimi
)
#: gpt-oss writes every message into a channel; only this one is the answer.
_CHANNEL, _FINAL = "<|channel|>", "<|channel|>final<|message|>"
#: Contents that no template holds by itself.
_QUESTION, _ANSWER, _SYSTEM = "qqarabenchqq", "aaarabenchaa", "ssarabenchss"
#: The template that is taken where none is named.
_DEFAULT: Final = "default"
#: Between a system text and the user's own, where they share a turn (Gemma 3 and Mistral do so).
_FOLD: Final = "\n\n"


class OnlyThinking(str):
    """An answer that is none: the model thought until it had to stop. An empty string."""

    __slots__ = ()


@dataclass(frozen=True)
class Chat:
    """What a chat template does to prompts and answers.

    Attributes:
        stops: texts that end an answer: the end of a turn, and what else ends a generation.
        folds_system: there is no system role: its text goes in front of the first user turn.
        opens: thinking that the template itself opens where an answer is asked for, or "".
        special: special tokens, which are no part of an answer.
        apply: lm-eval's function that renders.
        render: renders messages that end with an assistant's; None for a model behind an API.
    """

    stops: tuple[str, ...]
    folds_system: bool
    opens: str
    special: tuple[str, ...]
    apply: Template
    render: Callable[[Messages], str] | None

    def prompt(self, messages: Messages, add_generation_prompt: bool = True) -> str:
        """What lm-eval would render, with a system text wherever the template has room for it."""
        return self.apply(self._folded(messages), add_generation_prompt=add_generation_prompt)

    def before(self, messages: Messages, add_generation_prompt: bool = True) -> str:
        """Everything the template writes before an answer: there a choice's likelihood is asked.

        That is the prompt of `prompt`, except where a template thinks: Qwen3's closes an empty
        thinking first, DeepSeek-R1's opens none, gpt-oss's names the channel of answers.
        """
        if self.render is None or not add_generation_prompt:
            return self.prompt(messages, add_generation_prompt)
        said = [*self._folded(messages), {"role": "assistant", "content": _ANSWER}]
        front, found, _ = self.render(said).rpartition(_ANSWER)
        return front if found else self.prompt(messages)

    def until(self, settings: Mapping[str, Any]) -> list[str]:
        """Stops of a generation: a turn ends where the template says, and not with its line."""
        given = settings.get("until") or []
        listed = [given] if isinstance(given, str) else list(given)
        return list(dict.fromkeys([*(stop for stop in listed if stop.strip()), *self.stops]))

    def _folded(self, messages: Messages) -> list[dict[str, str]]:
        kept = list(messages)
        if not self.folds_system or not kept or kept[0]["role"] != "system":
            return kept
        system, *rest = kept
        if not rest or rest[0]["role"] != "user":
            return [{"role": "user", "content": system["content"]}, *rest]
        first = {"role": "user", "content": system["content"] + _FOLD + rest[0]["content"]}
        return [first, *rest[1:]]

    def answer(self, generated: str) -> str:
        """The first non-empty line after thinking; `OnlyThinking` where that never ended.

        Args:
            generated: what the model wrote, with its special tokens.
        """
        text = generated
        for stop in self.stops:
            text = text.partition(stop)[0]
        after = _after_thinking(self.opens + text)
        if after is None:
            return OnlyThinking()
        for token in self.special:
            after = after.replace(token, "")
        lines = (line.strip() for line in after.splitlines())
        return next((line for line in lines if line), "")

    def settings(self) -> dict[str, str]:
        """What of it moves scores, in words, as results carry it."""
        return {
            "answer": "first non-empty line after thinking, up to "
            + (" or ".join(map(repr, self.stops)) or "the end that the server sees"),
            "system_role": "in front of the first user turn" if self.folds_system else "its own",
            "choices_stand": "after all that the template writes before an answer",
        }


def _after_thinking(text: str) -> str | None:
    """What follows all thinking; None where the last of it is still open."""
    if _CHANNEL in text:
        _, found, after = text.rpartition(_FINAL)
        return after if found else None
    for opening, closing in THINKING:
        # A model may begin to think without a mark, and close with one.
        text = text.rpartition(closing)[2]
        front, opened, _ = text.partition(opening)
        if opened and not front.strip():
            return None
        text = front
    return text


def chat_of(apply: Template) -> Chat:
    """Ask a template what it does.

    Args:
        apply: lm-eval's `apply_chat_template`, a method of its model.

    Raises:
        UsageError: there is no template, it raises, or it leaves out what the user says.
    """
    owner = getattr(apply, "__self__", None)
    tokenizer: PreTrainedTokenizerBase | None = getattr(owner, "tokenizer", None)
    if tokenizer is None or not hasattr(tokenizer, "apply_chat_template"):
        return Chat((), False, "", (), apply, None)  # an API: its server renders
    given = dict(getattr(owner, "chat_template_args", None) or {})

    def render(messages: Messages, **more: Any) -> str:
        text: str = tokenizer.apply_chat_template(messages, tokenize=False, **more, **given)
        return text

    user, answer = _said("user", _QUESTION), _said("assistant", _ANSWER)
    try:
        opened = render([user], add_generation_prompt=True)
        closed = render([user, answer])
        dialogue = render([user, answer, user])
    except Exception as error:  # jinja2's, and whatever a template's own code meets
        raise UsageError(
            f"the chat template raises {type(error).__name__}: {str(error)[:200]}. Mend "
            "chat_template of the tokenizer, or measure without a chat template."
        ) from error
    if _QUESTION not in opened or _ANSWER not in closed:
        raise UsageError(
            "the chat template leaves out what the user or the assistant says: it writes "
            f"{closed[:200]!r}. Mend chat_template of the tokenizer, or measure without one."
        )
    special = tuple(sorted(set(tokenizer.all_special_tokens), key=len, reverse=True))
    marks = {*special, *(str(token) for token in tokenizer.get_added_vocab())}
    end = _end_of_turn(closed, dialogue, marks)
    stops = [end, str(tokenizer.eos_token or ""), *_ends_of_generation(owner, tokenizer)]
    return Chat(
        stops=tuple(dict.fromkeys(stop for stop in stops if stop)),
        folds_system=not _has_system_role(render, user),
        opens=_opened_thinking(opened),
        special=special,
        apply=apply,
        render=render,
    )


def choose_template(tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    """Make one of a tokenizer's several templates its default.

    Raises:
        UsageError: it has none of that name.
    """
    held: str | dict[str, str] | None = tokenizer.chat_template
    known = {_DEFAULT: held} if isinstance(held, str) else dict(held or {})
    if name not in known:
        has = f"those named {', '.join(sorted(known))}" if known else "none at all"
        raise UsageError(
            f"chat template {name!r} is not known: the tokenizer has {has}. Give one of its names, "
            "or none for the default one."
        )
    tokenizer.chat_template = {**known, _DEFAULT: known[name]}


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _end_of_turn(closed: str, dialogue: str, marks: set[str]) -> str:
    """What ends an assistant's turn: its first token behind the answer, else what follows it.

    A template may write nothing behind the last answer (GLM) and begin the next turn at once:
    that beginning is then the end. "" where it writes nothing there either.
    """
    behind = closed.rpartition(_ANSWER)[2]
    if not behind.strip():
        behind = dialogue.rpartition(_ANSWER)[2].partition(_QUESTION)[0]
    places = [(behind.find(mark), -len(mark), mark) for mark in marks if mark and mark in behind]
    if places:
        return min(places)[2]
    lines = behind.strip().splitlines()
    return lines[0].strip() if lines else ""


def _ends_of_generation(owner: Any, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Tokens at which the model's own generation configuration stops."""
    config = getattr(getattr(owner, "model", None), "generation_config", None)
    ids = getattr(config, "eos_token_id", None)
    listed = [ids] if isinstance(ids, int) else list(ids or ())
    return [str(tokenizer.decode([token])) for token in listed]


def _has_system_role(render: Callable[..., str], user: dict[str, str]) -> bool:
    """Some templates raise at a system's message, some leave it out."""
    try:
        return _SYSTEM in render([_said("system", _SYSTEM), user], add_generation_prompt=True)
    except Exception:
        return False


def _opened_thinking(prompt: str) -> str:
    """The mark of thinking that stands open at the end of a prompt."""
    behind = prompt.rpartition(_QUESTION)[2]
    for opening, closing in THINKING:
        if opening in behind.rpartition(closing)[2]:
            return opening
    return ""


@contextmanager
def marks_kept(lm: HFLM) -> Iterator[None]:
    """lm-eval's answers with their special tokens, and with the thinking that it would cut."""
    before = lm.think_end_token
    lm.think_end_token = None
    lm.tok_decode = functools.partial(type(lm).tok_decode, lm, skip_special_tokens=False)
    try:
        yield
    finally:
        lm.think_end_token = before
        del lm.tok_decode
