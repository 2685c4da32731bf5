"""Prompts of the generation and multiple-choice tasks. A change here raises task versions."""

from __future__ import annotations

from typing import Any, Final

from arabench.varieties import ARABIC_NAMES

#: Latin letters name the choices: one token in every tokenizer we know.
LETTERS: Final = "ABCDE"


def translation(doc: dict[str, Any]) -> str:
    """Source sentence and the name of the target language; the model continues."""
    target = "الإنجليزية" if doc["target_code"] == "en" else f"العربية {ARABIC_NAMES['msa']}"
    return f"العربية {ARABIC_NAMES[doc['variety']]}: {doc['source']}\n{target}:"


def reading(doc: dict[str, Any]) -> str:
    """Passage and question; the model continues with the answer."""
    return f"النص: {doc['context']}\nالسؤال: {doc['question']}\nالجواب:"


def multiple_choice(question: str, choices: list[str]) -> str:
    """Question and lettered choices; the model continues with a letter."""
    lines = [f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=False)]
    return "\n".join([f"السؤال: {question}", *lines, "الجواب:"])
