"""Conversations by the templates of real models: answers are learned, token by token."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="needs the extra arabench[train]")
trl = pytest.importorskip("trl", reason="needs the extra arabench[train]")

from arabench.errors import DataError, UsageError  # noqa: E402
from arabench.trainers.data.chat import IGNORED, Chat  # noqa: E402
from arabench.trainers.data.conversations import read_turns  # noqa: E402
from arabench.trainers.data.tokens import encode  # noqa: E402

#: As SmolLM2-Instruct has it; TRL carries those of the other families.
SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
    "Face<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
#: As Qwen2-Instruct has it.
QWEN2 = SMOLLM2.replace(
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    "You are a helpful assistant.",
)
CHATML, LLAMA3 = ("<|im_start|>", "<|im_end|>"), ("<|start_header_id|>", "<|end_header_id|>",
                                                  "<|eot_id|>", "<|begin_of_text|>")  # fmt: skip
GEMMA = ("<start_of_turn>", "<end_of_turn>", "<bos>")
#: Family -> its template, its own tokens, what begins a text, what ends a turn.
FAMILIES = {
    "smollm2": (SMOLLM2, CHATML, None, "<|im_end|>"),
    "qwen2": (QWEN2, CHATML, None, "<|im_end|>"),
    "qwen2_5": ("qwen2_5", CHATML, None, "<|im_end|>"),
    "qwen3": ("qwen3", (*CHATML, "<think>", "</think>"), None, "<|im_end|>"),
    "llama3": ("llama3", LLAMA3, "<|begin_of_text|>", "<|eot_id|>"),
    "llama3_2": ("llama3_2", LLAMA3, "<|begin_of_text|>", "<|eot_id|>"),
    "gemma2": ("gemma", GEMMA, "<bos>", "<end_of_turn>"),
    "gemma3": ("gemma3", GEMMA, "<bos>", "<end_of_turn>"),
}
ANSWERS = ("أهلا وسهلا", "\nسطر\n\nوسطر <x>", "نعم")
LONG = [
    {"role": "user", "content": "مرحبا"}, {"role": "assistant", "content": ANSWERS[0]},
    {"role": "user", "content": " كيف الحال؟\n"}, {"role": "assistant", "content": ANSWERS[1]},
    {"role": "user", "content": "أهلا وسهلا"}, {"role": "assistant", "content": ANSWERS[2]},
]  # fmt: skip
MakeChat = Callable[..., Any]


@pytest.fixture
def tokenizer_of(tiny_base: Path) -> MakeChat:
    from transformers import AutoTokenizer

    def make(family: str) -> Any:
        template, tokens, begin, _ = FAMILIES[family]
        made = AutoTokenizer.from_pretrained(tiny_base)
        made.add_special_tokens(
            {"additional_special_tokens": list(tokens)}, replace_extra_special_tokens=False
        )
        if begin:
            made.bos_token = begin
        folder = Path(trl.__file__).parent / "chat_templates"
        file = folder / f"{template}.jinja" if len(template) < 20 else None
        made.chat_template = file.read_text(encoding="utf-8") if file else template
        return made

    return make


def learned(tokenizer: Any, tokens: list[int], labels: list[int]) -> list[str]:
    """Texts of the runs of tokens that are learned."""
    runs: list[list[int]] = []
    inside = False
    for token, label in zip(tokens, labels, strict=True):
        if label != IGNORED:
            assert label == token
            if not inside:
                runs.append([])
            runs[-1].append(token)
        inside = label != IGNORED
    return [tokenizer.decode(run) for run in runs]


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "qwen3"])
def test_answers_and_their_ends_are_learned(family: str, tokenizer_of: MakeChat) -> None:
    tokenizer = tokenizer_of(family)
    end = FAMILIES[family][3]
    trims = family.startswith(("gemma", "llama"))
    chat = Chat(tokenizer)
    ((tokens, labels),) = chat.rows(LONG)
    expected = [(text.strip() if trims else text) + end for text in ANSWERS]
    assert learned(tokenizer, tokens, labels) == expected
    # Nothing else than what the model is asked with when it generates.
    whole = tokenizer.apply_chat_template(LONG, tokenize=True, date_string="26 Jul 2024")
    assert tokens == whole["input_ids"]
    for at in (1, 3, 5):
        asked = tokenizer.apply_chat_template(
            LONG[:at], tokenize=True, add_generation_prompt=True, date_string="26 Jul 2024"
        )["input_ids"]
        if not ANSWERS[at // 2].startswith("\n") or trims:
            assert tokens[: len(asked)] == asked
            assert labels[len(asked) - 1] == IGNORED
            assert labels[len(asked)] != IGNORED
    assert tokens.count(tokenizer.convert_tokens_to_ids(FAMILIES[family][2] or "?")) <= 1
    assert chat.divided == 0
    (note,) = chat.notes(1)
    assert f"learned with {end} at their end" in note


@pytest.mark.parametrize("family", ["qwen2_5", "gemma2", "gemma3", "llama3"])
def test_what_is_learned_is_what_trl_marks_in_its_own_templates(
    family: str, tokenizer_of: MakeChat
) -> None:
    """TRL rewrites templates with marks around answers; white space behind the end is its own."""
    tokenizer = tokenizer_of(family)
    ((tokens, labels),) = Chat(tokenizer).rows(LONG)
    marked = copy.deepcopy(tokenizer)
    name = {"gemma2": "gemma"}.get(family, family)
    folder = Path(trl.__file__).parent / "chat_templates"
    marked.chat_template = (folder / f"{name}_training.jinja").read_text(encoding="utf-8")
    theirs = marked.apply_chat_template(
        LONG, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    assert tokens == theirs["input_ids"]
    for place, mark in enumerate(theirs["assistant_masks"]):
        if bool(mark) != (labels[place] != IGNORED):
            assert mark, place
            assert tokenizer.decode([tokens[place]]).strip() == ""


def test_a_template_that_rewrites_earlier_answers_divides_the_conversation(
    tokenizer_of: MakeChat,
) -> None:
    """Qwen3 puts reasoning before its last answer alone: each answer is learned as the last."""
    tokenizer = tokenizer_of("qwen3")
    chat = Chat(tokenizer)
    rows = chat.rows(LONG)
    empty = "<think>\n\n</think>\n\n"
    assert [learned(tokenizer, *row) for row in rows] == [
        [f"{empty}{answer.lstrip() if at == 1 else answer}<|im_end|>"]
        for at, answer in enumerate(ANSWERS)
    ]
    for row, at in zip(rows, (1, 3, 5), strict=True):
        asked = tokenizer.apply_chat_template(LONG[:at], tokenize=True, add_generation_prompt=True)
        assert row[0][: len(asked["input_ids"])] == asked["input_ids"]
    assert chat.divided == 1
    assert "1 of 1 conversations were divided" in chat.notes(1)[0]
    thinking = [LONG[0], {"role": "assistant", "content": "<think>\nفكرة\n</think>\n\nنعم"}]
    ((tokens, labels),) = chat.rows(thinking)
    assert learned(tokenizer, tokens, labels) == ["<think>\nفكرة\n</think>\n\nنعم<|im_end|>"]
    assert chat.divided == 1


PLAIN = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}"
REFUSED = {
    "drops the assistant": (
        "{% for m in messages %}{% if m['role'] != 'assistant' %}{{ m['content'] }}{% endif %}"
        "{% endfor %}",
        LONG[:2],
        r"drops turn 2 \(assistant\)",
    ),
    "drops the system": (
        "{% for m in messages %}{% if m['role'] != 'system' %}{{ m['content'] }}<|im_end|>"
        "{% endif %}{% endfor %}",
        [{"role": "system", "content": "كن مهذبا"}, *LONG[:2]],
        r"drops turn 1 \(system\)",
    ),
    "another header": (
        "{% for m in messages %}{{ '[' + m['role'] + ']' + m['content'] }}{% endfor %}"
        "{% if add_generation_prompt %}[bot]{% endif %}",
        LONG[:2],
        r"beginning of turn 2 \(assistant\) differently from the header .*\[bot\]",
    ),
    "raises": (
        "{{ raise_exception('System role not supported') }}",
        LONG[:2],
        r"refuses it: .*System role not supported",
    ),
    "no template": ("{% for %}", LONG[:2], r"refuses it: TemplateSyntaxError"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_templates_that_do_not_suit_are_refused(name: str, tokenizer_of: MakeChat) -> None:
    template, turns, says = REFUSED[name]
    tokenizer = tokenizer_of("smollm2")
    tokenizer.chat_template = template
    with pytest.raises(DataError, match=says):
        Chat(tokenizer).rows(turns)
    rows = datasets.Dataset.from_list([{"messages": turns}])
    with pytest.raises(DataError, match=f"^conversation 1 of the data: .*{says}"):
        encode(rows, tokenizer, 64)
    tokenizer.chat_template = None
    with pytest.raises(UsageError, match="has no chat template"):
        encode(rows, tokenizer, 64)


def test_a_template_that_ends_answers_with_nothing_gets_the_end_of_text(
    tokenizer_of: MakeChat,
) -> None:
    tokenizer = tokenizer_of("smollm2")
    tokenizer.chat_template = PLAIN
    chat = Chat(tokenizer)
    ((tokens, labels),) = chat.rows(LONG[:4])
    assert tokens[-1] == labels[-1] == tokenizer.eos_token_id
    assert tokens.count(tokenizer.eos_token_id) == 1
    assert "with nothing: the end of text" in chat.notes(1)[0]


def test_long_conversations_lose_their_end_and_that_is_said(tokenizer_of: MakeChat) -> None:
    tokenizer = tokenizer_of("qwen2_5")
    ((whole, _),) = Chat(tokenizer).rows(LONG)
    rows = datasets.Dataset.from_list([{"messages": LONG}])
    at = len(whole) - 3
    cut = encode(rows, tokenizer, at)
    assert (cut.responses_shortened, cut.left_out, cut.longest) == (1, 0, at)
    assert list(cut.dataset["input_ids"][0]) == whole[:at]
    fits = encode(rows, tokenizer, len(whole))
    assert (fits.responses_shortened, fits.left_out) == (0, 0)
    assert fits.sha256 != cut.sha256
    with pytest.raises(DataError, match="no row has a response within"):
        encode(rows, tokenizer, 8)


def test_blank_answers_are_read_and_not_learned(tokenizer_of: MakeChat) -> None:
    tokenizer = tokenizer_of("qwen2_5")
    turns = [LONG[0], {"role": "assistant", "content": " "}, *LONG[2:4]]
    ((tokens, labels),) = Chat(tokenizer).rows(turns)
    assert learned(tokenizer, tokens, labels) == [ANSWERS[1] + "<|im_end|>"]


@pytest.mark.parametrize(
    ("value", "turns"),
    [
        ([{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}],
         [("user", "a"), ("assistant", "b")]),
        ([{"role": "System", "content": "s"}, {"role": "user", "content": None},
          {"role": "assistant", "content": [{"type": "text", "text": "b"}]}],
         [("system", "s"), ("user", ""), ("assistant", "b")]),
        # Arrow gives every turn the keys of all.
        ([{"role": None, "from": "user", "value": "a", "content": None},
          {"role": "model", "content": "b", "from": None, "value": None}],
         [("user", "a"), ("assistant", "b")]),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "  "}], None),
        ([{"role": "user", "content": "a"}], None),
        ([], None),
        (None, None),
    ],
)  # fmt: skip
def test_turns_as_data_sets_write_them(value: Any, turns: Any) -> None:
    found = read_turns(value)
    assert (found and [(turn["role"], turn["content"]) for turn in found]) == turns


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("نص", "is str, not a list of turns"),
        (["نص"], "turn 1 is str"),
        ([{"speaker": "a", "text": "b"}], "neither 'role' nor 'from', but speaker, text"),
        ([{"role": "tool", "content": "b"}], "turn 1 is by 'tool'"),
        ([{"role": "asistant", "content": "b"}], "Did you mean 'assistant'"),
        ([{"role": "user", "content": 5}], "'content' of turn 1 is int"),
        ([{"role": "assistant", "content": "", "tool_calls": [{}]}], "turn 1 calls a tool"),
    ],
)
def test_what_is_no_conversation(value: Any, says: str) -> None:
    with pytest.raises(DataError) as caught:
        read_turns(value)
    assert says in str(caught.value)
