"""Conversations as data sets write them, as one kind of turns."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from arabench.errors import DataError, did_you_mean

#: What data sets call the roles that chat templates know.
ROLES: Final = {
    "system": "system", "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant",
    "bard": "assistant", "bot": "assistant", "model": "assistant",
}  # fmt: skip


class Turn(TypedDict):
    """What one side says: `role` is system, user or assistant."""

    role: str
    content: str


def read_turns(value: object) -> list[Turn] | None:
    """Turns of a conversation: {role, content}, or ShareGPT's {from, value}.

    Returns:
        None where no answer holds text: nothing could be learned of it.

    Raises:
        DataError: it is no conversation, in words that go behind the number of the row.
    """
    if value is None:
        return None
    if not isinstance(value, list):
        raise DataError(f"its conversation is {type(value).__name__}, not a list of turns.")
    turns = [_turn(number, turn) for number, turn in enumerate(value, start=1)]
    if not any(turn["role"] == "assistant" and turn["content"].strip() for turn in turns):
        return None
    return turns


def _turn(number: int, turn: object) -> Turn:
    if not isinstance(turn, dict):
        raise DataError(f"turn {number} is {type(turn).__name__}, not {{role, content}}.")
    spoken = next((key for key in ("role", "from") if turn.get(key) is not None), None)
    if spoken is None:
        raise DataError(
            f"turn {number} has neither 'role' nor 'from', but {_names(turn)}. "
            "Write {role, content} or {from, value}."
        )
    role = ROLES.get(str(turn[spoken]).strip().casefold())
    if role is None:
        raise DataError(
            f"turn {number} is by {turn[spoken]!r}. {did_you_mean(str(turn[spoken]), ROLES)} "
            "Turns of tools are not learned from: leave such conversations out."
        )
    if turn.get("tool_calls"):
        raise DataError(
            f"turn {number} calls a tool, which is not learned from: leave such conversations out."
        )
    key = "content" if turn.get("content") is not None else "value"
    return Turn(role=role, content=_content(number, key, turn.get(key)))


def _content(number: int, key: str, content: Any) -> str:
    """Text, or the text of a list of parts."""
    if content is None:
        return ""
    if isinstance(content, list) and all(
        isinstance(part, dict) and part.get("type") == "text" for part in content
    ):
        content = "".join(str(part.get("text") or "") for part in content)
    if not isinstance(content, str):
        raise DataError(f"{key!r} of turn {number} is {type(content).__name__}, not text.")
    return content


def _names(turn: dict[str, Any]) -> str:
    return ", ".join(sorted(str(key) for key, value in turn.items() if value is not None)) or "none"
