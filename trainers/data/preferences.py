"""Answers of which one is preferred, or that are good or bad, as rows and as tokens."""

from __future__ import annotations

import array
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import DataError, UsageError, did_you_mean
from arabench.trainers.data.arrow import BATCH_ROWS, RowFile
from arabench.trainers.data.chat import IGNORED, Chat, shared
from arabench.trainers.data.conversations import Turn, read_turns
from arabench.trainers.data.shapes import columns_of
from arabench.trainers.data.sources import Place
from arabench.trainers.data.tokens import Encoded, ended_once, first_learned, nothing_kept
from arabench.trainers.recipe.sections import CHAT, DataSection

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

#: What data sets call a prompt, what answers it, and whether that is good.
PROMPTS: Final = ("prompt", "instruction", "question")
RESPONSES: Final = ("response", "completion", "output", "answer")
CHOSEN: Final = "chosen"
REJECTED: Final = "rejected"
LABEL: Final = "label"
#: Labels as JSON and CSV write them.
_LABELS: Final = {"true": True, "false": False, "1": True, "0": False}
#: A row's answers: what they are called -> tokens and labels of prompt and answer.
_Answers = dict[str, tuple[list[int], list[int]]]


def resolve_pairs(section: DataSection, places: Sequence[Place]) -> tuple[DataSection, str]:
    """The section with the fields of pairs named, and in words what was told from the columns.

    Raises:
        UsageError: the columns are not those of pairs.
        DataError: a file cannot be read.
    """
    if section.chosen_field:
        return section, ""
    return _told(section, places, {"chosen_field": (CHOSEN,), "rejected_field": (REJECTED,)})


def resolve_labelled(section: DataSection, places: Sequence[Place]) -> tuple[DataSection, str]:
    """The section with the fields of labelled answers named, and in words what was told.

    Raises:
        UsageError: the columns are not those of labelled answers.
        DataError: a file cannot be read.
    """
    if section.label_field:
        return section, ""
    return _told(section, places, {"response_field": RESPONSES, "label_field": (LABEL,)})


def _told(
    section: DataSection, places: Sequence[Place], wanted: Mapping[str, Sequence[str]]
) -> tuple[DataSection, str]:
    wanted = {"prompt_field": PROMPTS, **wanted}
    told: dict[str, str] = {}
    for place in places:
        columns = columns_of(place, section)
        found = {key: _only(place.path, key, names, columns) for key, names in wanted.items()}
        if told and found != told:
            raise UsageError(
                f"data {places[0].path!r} and {place.path!r} have different fields "
                f"({', '.join(told.values())}; {', '.join(found.values())}): rows of one run are "
                "of one kind. Name the fields in the recipe's data, or make the sources alike."
            )
        told = found
    named = ", ".join(f"data.{key}: {field}" for key, field in told.items())
    return section.model_copy(update=told), f"fields told from the columns: {named}"


def _only(path: str, key: str, names: Sequence[str], columns: Collection[str]) -> str:
    """The one of `names` that is a column."""
    found = [name for name in names if name in columns]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"data {path!r} has the fields {' and '.join(map(repr, found))}: which of them is "
            f"meant is not told. Write data.{key}: {' or '.join(found)} into the recipe, and the "
            "other fields beside it."
        )
    raise UsageError(
        f"data {path!r} has no field {' or '.join(map(repr, names))} for data.{key}. "
        f"{did_you_mean(names[0], columns)} Name the fields in the recipe's data."
    )


def pair_row(
    source: Mapping[str, Any], section: DataSection, end_of_text: str
) -> dict[str, Any] | None:
    """A `prompt` in its template with `chosen` and `rejected`, or the conversations of both.

    Answers are texts, or lists of turns, of which the last is the answer. None where one of the two
    holds no text, or there is no prompt.

    Raises:
        DataError: an answer is neither, or the conversations differ before their last turns, in
            words that go behind the number of the row.
    """
    prompt = source.get(str(section.prompt_field))
    answers = {
        CHOSEN: source.get(str(section.chosen_field)),
        REJECTED: source.get(str(section.rejected_field)),
    }
    if any(isinstance(answer, list) for answer in answers.values()):
        return _turns(prompt, answers, section)
    for name, answer in answers.items():
        if answer is not None and not isinstance(answer, str):
            raise DataError(
                f"its {name!r} is {type(answer).__name__}, neither text nor a list of turns. Leave "
                "such rows out, or choose another field in the recipe's data."
            )
    return _row(prompt, answers, section, end_of_text)


def answer_text(answer: object) -> str | None:
    """What an answer says: itself, or the last turn of a conversation; None where there is none.

    Raises:
        DataError: it is neither, in words that go behind the number of the row.
    """
    if answer is None or isinstance(answer, str):
        return answer
    turns = read_turns(answer)
    return turns[-1]["content"] if turns else None


def _turns(
    prompt: str | None, answers: Mapping[str, object], section: DataSection
) -> dict[str, Any] | None:
    """The conversations of both answers, which are the same but for their last turns."""
    if section.prompt_template != CHAT:
        raise DataError(
            "its answers are lists of turns, which the model's own chat template writes: set "
            f"data.prompt_template to {CHAT}."
        )
    both: list[list[Turn]] = []
    for answer in answers.values():
        turns = read_turns(answer)
        if turns is None:
            return None
        if turns[-1]["role"] != "assistant":
            raise DataError("its conversation ends in no answer. Leave such rows out.")
        if not turns[-1]["content"].strip():
            return None
        if len(turns) == 1 and prompt is not None:
            turns = [Turn(role="user", content=prompt), *turns]
        both.append(turns)
    one, other = both
    if one[:-1] != other[:-1] or len(one) < 2:
        raise DataError(
            "its two conversations are not the same up to their last answers, so that these do not "
            "answer the same. Leave such rows out."
        )
    return {f"{name}_messages": turns for name, turns in zip(answers, both, strict=True)}


def labelled_row(
    source: Mapping[str, Any], section: DataSection, end_of_text: str
) -> dict[str, Any] | None:
    """A `prompt` in its template with a `completion` and its `label`, or the conversation.

    None where there is no response, no prompt or no label.

    Raises:
        DataError: the label is none, in words that go behind the number of the row.
    """
    value = source.get(str(section.label_field))
    prompt = source.get(str(section.prompt_field))
    about = source.get(section.input_field) if section.input_field else None
    if prompt is not None and about and about.strip():
        prompt = f"{prompt}\n\n{about}"
    answer = source.get(str(section.response_field))
    row = _row(prompt, {"completion": answer}, section, end_of_text)
    if row is None or value is None:
        return None
    label = _LABELS.get(str(value).strip().casefold())
    if label is None or isinstance(value, float):
        raise DataError(
            f"its {section.label_field!r} is {str(value)[:80]!r}, and no label. Write true or "
            "false, or 1 or 0."
        )
    return {**row, LABEL: label}


def _row(
    prompt: str | None, answers: Mapping[str, str | None], section: DataSection, end_of_text: str
) -> dict[str, Any] | None:
    if prompt is None or any(not answer or not answer.strip() for answer in answers.values()):
        return None
    if section.prompt_template == CHAT:
        asked = Turn(role="user", content=prompt)
        return {
            f"{name}_messages": [asked, Turn(role="assistant", content=str(answer))]
            for name, answer in answers.items()
        }
    return {
        "prompt": section.prompt_template.replace("{prompt}", prompt),
        **{name: f"{answer}{end_of_text}" for name, answer in answers.items()},
    }


def encode_pairs(
    rows: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, file: Path | None = None
) -> Encoded:
    """Pairs as `prompt_ids`, `chosen_ids` and `rejected_ids`.

    A pair whose two answers are the same tokens says nothing: it is left out and counted. What is
    longer than `max_length` is treated as `tokens.encode` treats responses.

    Args:
        rows: of what `pair_row` made.
        tokenizer: of the base model.
        max_length: tokens of prompt and answer.
        file: gets the tokens, which are then mapped from it; None to hold them in memory.

    Raises:
        UsageError: there are conversations, and no chat template.
        DataError: no row is left, or the chat template does not suit a conversation.
    """
    return _encode(rows, tokenizer, max_length, file, (CHOSEN, REJECTED))


def encode_labelled(
    rows: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, file: Path | None = None
) -> Encoded:
    """Labelled answers as `prompt_ids`, `completion_ids` and `label`; see `encode_pairs`.

    Raises:
        UsageError: there are conversations, and no chat template.
        DataError: no row is left, all labels are the same, or the chat template does not suit.
    """
    encoded = _encode(rows, tokenizer, max_length, file, ("completion",))
    labels = set(encoded.dataset[LABEL])
    if len(labels) == 1:
        (label,) = labels
        raise DataError(
            f"the label of all {len(encoded.dataset):,} rows that are left is "
            f"{'true' if label else 'false'}: nothing says what is better than what. Add rows with "
            "the other label, or use method sft on good answers."
        )
    return encoded


def _encode(
    rows: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    file: Path | None,
    names: Sequence[str],
) -> Encoded:
    chat = Chat(tokenizer) if f"{names[0]}_messages" in rows.column_names else None
    shortened = left_out = vanished = identical = longest = joined = 0
    nothing = nothing_kept(tokenizer)
    digest = hashlib.sha256()
    with RowFile(file) as kept:
        for answers, seam, label in _answers(rows, tokenizer, chat, names):
            start = min(first_learned(labels) for _, labels in answers.values())
            if start >= max_length:
                left_out += 1
                continue
            if any(_learned(labels) in nothing for _, labels in answers.values()):
                vanished += 1
                continue
            prompt = next(iter(answers.values()))[0][:start]
            ids = {
                f"{name}_ids": tokens[start : min(_end(labels), max_length)]
                for name, (tokens, labels) in answers.items()
            }
            if len(names) > 1 and len({tuple(answer) for answer in ids.values()}) == 1:
                identical += 1
                continue
            shortened += any(_end(labels) > max_length for _, labels in answers.values())
            joined += seam
            row = {"prompt_ids": prompt, **ids, **label}
            for part in (prompt, *ids.values(), [int(value) for value in label.values()]):
                digest.update(array.array("q", [len(part), *part]).tobytes())
            kept.add(row)
            longest = max(longest, start + max(map(len, ids.values())))
        if not kept.count:
            raise DataError(_none_left(len(rows), left_out, identical, max_length))
        dataset = kept.finish()
    return Encoded(
        dataset=dataset, sha256=digest.hexdigest(), longest=longest, texts_divided=0,
        responses_shortened=shortened, left_out=left_out, vanished=vanished, pairs=True,
        identical=identical,
        said=(*_said(joined, len(rows)), *(chat.notes(len(rows)) if chat else ())),
    )  # fmt: skip


def _said(joined: int, rows: int) -> list[str]:
    if not joined:
        return []
    return [
        f"the end of {joined:,} of {rows:,} prompts (a space, say) is joined with the answer to "
        "one token: there the answer begins with that token, as arabench eval scores it"
    ]


def _none_left(rows: int, left_out: int, identical: int, max_length: int) -> str:
    reasons = []
    if left_out:
        reasons.append(f"the prompts of {left_out:,} alone fill training.max_length ({max_length})")
    if identical:
        reasons.append(f"chosen and rejected of {identical:,} are the same")
    if rest := rows - left_out - identical:
        reasons.append(f"the tokenizer keeps nothing of an answer of {rest:,}")
    return (
        f"none of {rows:,} rows can be learned from: {'; '.join(reasons)}. Check the data and "
        "training.max_length."
    )


def _learned(labels: Sequence[int]) -> tuple[int, ...]:
    return tuple(label for label in labels if label != IGNORED)


def _end(labels: Sequence[int]) -> int:
    """Behind the last token that is learned."""
    return len(labels) - first_learned(labels[::-1])


def _answers(
    rows: Dataset, tokenizer: PreTrainedTokenizerBase, chat: Chat | None, names: Sequence[str]
) -> Iterator[tuple[_Answers, bool, dict[str, bool]]]:
    """Of each row its answers, whether the prompt's end is joined with one, and the label."""
    for start in range(0, len(rows), BATCH_ROWS):
        batch = rows[start : start + BATCH_ROWS]
        labels = [{LABEL: bool(label)} for label in batch[LABEL]] if LABEL in batch else None
        read = (
            _of_conversations(batch, chat, names, start)
            if chat
            else _of_texts(batch, tokenizer, names)
        )
        for place, (answers, seam) in enumerate(read):
            yield answers, seam, labels[place] if labels else {}


def _of_conversations(
    batch: Mapping[str, Any], chat: Chat, names: Sequence[str], start: int
) -> Iterator[tuple[_Answers, bool]]:
    columns = [batch[f"{name}_messages"] for name in names]
    for number, row in enumerate(zip(*columns, strict=True), start=start + 1):
        try:
            yield {n: _last(chat.rows(turns)) for n, turns in zip(names, row, strict=True)}, False
        except DataError as error:
            raise DataError(f"conversation {number:,} of the data: {error}") from error


def _last(rows: Sequence[tuple[list[int], list[int]]]) -> tuple[list[int], list[int]]:
    """A conversation of which the last answer is learned alone; it is in the last of its rows."""
    tokens, labels = rows[-1]
    end = _end(labels)
    start = next((at for at in range(end, 0, -1) if labels[at - 1] == IGNORED), 0)
    return tokens, [IGNORED] * start + labels[start:]


def _of_texts(
    batch: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase, names: Sequence[str]
) -> Iterator[tuple[_Answers, bool]]:
    prompts: Any = tokenizer(text=batch["prompt"])
    wholes: list[Any] = [
        tokenizer(text=[a + b for a, b in zip(batch["prompt"], batch[name], strict=True)])
        for name in names
    ]
    end = tokenizer.eos_token_id
    for place, prompt in enumerate(prompts["input_ids"]):
        asked = ended_once(prompt, end)
        # A tokenizer that ends every text ends the prompt too, where the answer goes on.
        asked = asked[:-1] if asked[-1:] == [end] else asked
        answers: _Answers = {}
        seam = False
        for name, whole in zip(names, wholes, strict=True):
            tokens = ended_once(whole["input_ids"][place], end)
            begins = shared(asked, tokens)
            seam |= begins < len(asked)
            answers[name] = tokens, [IGNORED] * begins + tokens[begins:]
        yield answers, seam
