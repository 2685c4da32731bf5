"""Pseudo-log-likelihoods against a loop that masks one token at a time and reads it alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from arabench.models.masked import (
    Frame,
    MaskedReader,
    MaskedText,
    masked_row,
    pseudo_log_likelihoods,
    readable_length,
    window_starts,
)
from tests.models import encoders

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

TEXTS = [
    "ذهب الولد إلى المدرسة صباحا",
    "عايز أروح السوق النهارده عشان أشتري خضار",
    "السلام",
    "شو بدك تعمل بكرا بالليل؟",
]


def frame_of(model: Any, tokenizer: Any) -> Frame:
    """What the tiny tokenizers put around a text."""
    front, behind = tokenizer.encode("")
    length = readable_length(model, tokenizer)
    return Frame((front,), (behind,), tokenizer.mask_token_id, tokenizer.pad_token_id, length)


def masked_texts(tokenizer: Any, texts: list[str]) -> list[MaskedText]:
    encoded = tokenizer(texts, add_special_tokens=False)
    return [
        MaskedText(np.asarray(ids), np.asarray(encoded.word_ids(number)))
        for number, ids in enumerate(encoded["input_ids"])
    ]


def alone(
    model: Any, tokenizer: Any, text: MaskedText, frame: Frame, within: bool
) -> tuple[float, int]:
    """Sum and first guesses by the definition: no batch, no window, all logits."""
    total, hits = 0.0, 0
    for place in range(text.start, len(text.tokens)):
        ids = [int(token) for token in text.tokens]
        for later in range(place, len(ids)):
            if later == place or (within and text.words[later] == text.words[place]):
                ids[later] = tokenizer.mask_token_id
        whole = torch.tensor([[*frame.front, *ids, *frame.behind]])
        with torch.no_grad():
            logits = model(input_ids=whole).logits[0, len(frame.front) + place].double()
        total += float(torch.log_softmax(logits, -1)[int(text.tokens[place])])
        hits += int(logits.argmax()) == int(text.tokens[place])
    return total, hits


@pytest.mark.parametrize("masking", ["within-word", "original"])
@pytest.mark.parametrize("kind", encoders.KINDS)
def test_batches_give_what_one_mask_at_a_time_gives(kind: str, masking: Any) -> None:
    tokenizer = encoders.tokenizer(kind, TEXTS)
    model = encoders.model(kind, len(tokenizer), length=120)
    frame = frame_of(model, tokenizer)
    texts = masked_texts(tokenizer, TEXTS)
    assert max(len(text.tokens) for text in texts) <= frame.room
    assert any(len(set(text.words)) < len(text.words) for text in texts)  # words of many pieces
    found = pseudo_log_likelihoods(
        MaskedReader(model), texts, frame, masking=masking, batch_tokens=300
    )
    for score, text in zip(found, texts, strict=True):
        total, hits = alone(model, tokenizer, text, frame, masking == "within-word")
        assert score.total == pytest.approx(total, rel=1e-6)
        assert (score.tokens, score.hits) == (len(text.tokens), hits)


def test_the_two_maskings_differ_where_a_word_has_several_pieces() -> None:
    tokenizer = encoders.tokenizer("bert", TEXTS)
    model = encoders.model("bert", len(tokenizer), length=80)
    texts, frame = masked_texts(tokenizer, TEXTS), frame_of(model, tokenizer)
    within, original = (
        pseudo_log_likelihoods(MaskedReader(model), texts, frame, masking=name, batch_tokens=500)
        for name in ("within-word", "original")
    )
    assert all(
        abs(one.total - other.total) > 1e-3 for one, other in zip(within, original, strict=True)
    )


def test_only_the_end_is_scored_where_a_beginning_is_given() -> None:
    tokenizer = encoders.tokenizer("bert", TEXTS)
    model = encoders.model("bert", len(tokenizer))
    frame = frame_of(model, tokenizer)
    (text,) = masked_texts(tokenizer, TEXTS[:1])
    part = MaskedText(text.tokens, text.words, len(text.tokens) - 2)
    (found,) = pseudo_log_likelihoods(MaskedReader(model), [part], frame, batch_tokens=100)
    assert found.tokens == 2
    assert found.total == pytest.approx(alone(model, tokenizer, part, frame, True)[0], rel=1e-6)


def test_roberta_counts_positions_behind_its_padding() -> None:
    tokenizer = encoders.tokenizer("roberta", TEXTS)
    model = encoders.model("roberta", len(tokenizer), length=20)
    assert model.config.max_position_embeddings == 22
    assert readable_length(model, tokenizer) == 20
    frame = frame_of(model, tokenizer)
    text = MaskedText(np.full(50, 7), np.arange(50))
    (found,) = pseudo_log_likelihoods(MaskedReader(model), [text], frame, batch_tokens=100)
    assert found.tokens == 50
    with pytest.raises((IndexError, RuntimeError)):  # one more than that is beyond its table
        model(input_ids=torch.full((1, 21), 7))


def test_long_texts_are_read_in_windows_that_show_both_sides() -> None:
    tokenizer = encoders.tokenizer("bert", TEXTS)
    model = encoders.model("bert", len(tokenizer), length=22)
    frame = frame_of(model, tokenizer)
    rng = np.random.default_rng(3)
    text = MaskedText(rng.integers(5, len(tokenizer), 57), np.arange(57) // 3)
    (found,) = pseudo_log_likelihoods(MaskedReader(model), [text], frame, batch_tokens=200)
    total = 0.0
    for place in range(57):
        start = int(window_starts(57, frame.room)[place])
        window = slice(start, start + frame.room)
        part = MaskedText(text.tokens[window], text.words[window], place - start)
        ids, column = masked_row(part, place - start, 0, frame, "within-word")
        with torch.no_grad():
            logits = model(input_ids=torch.tensor(ids)[None]).logits[0, column].double()
        total += float(torch.log_softmax(logits, -1)[int(text.tokens[place])])
    assert found.total == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize(("tokens", "room"), [(5, 8), (9, 8), (57, 20), (1000, 510), (12, 1)])
def test_every_token_stands_in_its_window_with_room_on_both_sides(tokens: int, room: int) -> None:
    starts = window_starts(tokens, room)
    place = np.arange(tokens)
    assert (starts <= place).all()
    assert (place < starts + room).all()
    assert (starts + min(room, tokens) <= tokens).all()
    left = np.where(starts == 0, room, place - starts)
    right = np.where(starts + room >= tokens, room, starts + room - 1 - place)
    assert (np.minimum(left, right) >= min(room, tokens) // 4 - 1).all()


def test_memory_that_does_not_hold_a_batch_halves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = encoders.tokenizer("bert", TEXTS)
    model = encoders.model("bert", len(tokenizer))
    texts, frame = masked_texts(tokenizer, TEXTS), frame_of(model, tokenizer)
    plain = pseudo_log_likelihoods(MaskedReader(model), texts, frame, batch_tokens=400)
    read, sizes = MaskedReader.read, []

    def small(self: MaskedReader, rows: Any, columns: Any, pad: int) -> Any:
        sizes.append(len(rows))
        if len(rows) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return read(self, rows, columns, pad)

    monkeypatch.setattr(MaskedReader, "read", small)
    halved = pseudo_log_likelihoods(MaskedReader(model), texts, frame, batch_tokens=400)
    assert max(sizes) > 3
    for one, other in zip(plain, halved, strict=True):
        assert one.total == pytest.approx(other.total, rel=1e-6)
        assert (one.tokens, one.hits) == (other.tokens, other.hits)
