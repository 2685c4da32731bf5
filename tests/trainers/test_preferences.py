"""Rows of preferences: which fields, which tokens are the answer's, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

from arabench.errors import DataError, UsageError  # noqa: E402
from arabench.trainers.data import preferences  # noqa: E402
from arabench.trainers.data.sources import find_places  # noqa: E402
from arabench.trainers.recipe import DataSection, load_recipe  # noqa: E402
from tests.trainers.conftest import SENTENCE, MakeRecipe  # noqa: E402

PAIR = {"prompt": "كيف حالك؟", "chosen": "بخير", "rejected": "لا"}
GOOD = {"prompt": "كيف حالك؟", "response": "بخير", "label": True}
NAMED = {"prompt_field": "prompt", "chosen_field": "chosen", "rejected_field": "rejected"}


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_base)


def encoded(rows: list[dict[str, Any]], tokenizer: Any, max_length: int = 64) -> Any:
    import datasets

    made = datasets.Dataset.from_list(rows)
    if "label" in rows[0]:
        return preferences.encode_labelled(made, tokenizer, max_length)
    return preferences.encode_pairs(made, tokenizer, max_length)


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def test_what_a_pair_is() -> None:
    section = DataSection(source="x", **NAMED, prompt_template="<{prompt}>")
    row = preferences.pair_row({**PAIR, "prompt": "{0}؟"}, section, "<e>")
    assert row == {"prompt": "<{0}؟>", "chosen": "بخير<e>", "rejected": "لا<e>"}
    for key in NAMED.values():
        assert preferences.pair_row({**PAIR, key: None}, section, "<e>") is None
    assert preferences.pair_row({**PAIR, "chosen": " \n"}, section, "<e>") is None
    chat = DataSection(source="x", **NAMED, prompt_template="chat")
    assert preferences.pair_row(PAIR, chat, "<e>") == {
        f"{side}_messages": [{"role": "user", "content": PAIR["prompt"]},
                             {"role": "assistant", "content": PAIR[side]}]
        for side in ("chosen", "rejected")
    }  # fmt: skip


LABELLED = {"prompt_field": "prompt", "response_field": "response", "label_field": "label"}


@pytest.mark.parametrize(
    ("value", "label"),
    [(True, True), (False, False), (1, True), (0, False), ("True", True), (" 0 ", False)],
)
def test_what_a_label_is(value: Any, label: bool) -> None:
    section = DataSection(source="x", **LABELLED, prompt_template="{prompt}")
    row = preferences.labelled_row({**GOOD, "label": value}, section, "<e>")
    assert row == {"prompt": "كيف حالك؟", "completion": "بخير<e>", "label": label}


@pytest.mark.parametrize("value", [2, 1.0, "good", "", [True]])
def test_what_no_label_is(value: Any) -> None:
    section = DataSection(source="x", **LABELLED)
    with pytest.raises(DataError, match=r"its 'label' is .*, and no label. Write true or false"):
        preferences.labelled_row({**GOOD, "label": value}, section, "<e>")
    assert preferences.labelled_row({**GOOD, "label": None}, section, "<e>") is None


def test_what_a_prompt_is_about_stands_below_it() -> None:
    section = DataSection(source="x", **LABELLED, input_field="about", prompt_template="<{prompt}>")
    row = preferences.labelled_row({**GOOD, "about": "نص"}, section, "<e>")
    assert row is not None
    assert row["prompt"] == "<كيف حالك؟\n\nنص>"


def test_prompt_and_answers_are_the_tokens_of_the_whole(tokenizer: Any) -> None:
    end = tokenizer.eos_token
    row = {"prompt": "كيف حالك؟\n", "chosen": f"بخير{end}", "rejected": f"لا{end}"}
    made = encoded([row], tokenizer)
    (tokens,) = made.dataset
    for side in ("chosen", "rejected"):
        whole = tokenizer(row["prompt"] + row[side])["input_ids"]
        assert tokens["prompt_ids"] + tokens[f"{side}_ids"] == whole
    assert tokens["chosen_ids"][-1] == tokens["rejected_ids"][-1] == tokenizer.eos_token_id
    assert tokenizer.decode(tokens["chosen_ids"]) == row["chosen"]
    assert made.said == ()


def test_a_space_before_the_answer_is_where_the_tokens_have_it_and_is_said(tokenizer: Any) -> None:
    """A byte-level tokenizer joins it with the word; both answers begin at the same token."""
    end = tokenizer.eos_token
    row = {"prompt": "كيف ", "chosen": f"حالك{end}", "rejected": f"لا{end}"}
    made = encoded([row], tokenizer)
    (tokens,) = made.dataset
    assert tokenizer.decode(tokens["prompt_ids"]) == "كيف"
    assert tokenizer.decode(tokens["chosen_ids"]) == f" حالك{end}"
    assert tokenizer.decode(tokens["rejected_ids"]) == f" لا{end}"
    assert any("1 of 1 prompts (a space, say)" in line for line in made.notes(1, 64))


def test_same_answers_are_left_out_and_said(tokenizer: Any) -> None:
    end = tokenizer.eos_token
    same = {"prompt": "من؟", "chosen": f"أنا{end}", "rejected": f"أنا{end}"}
    other = {"prompt": "من؟", "chosen": f"أنا{end}", "rejected": f"هو{end}"}
    made = encoded([same, other, same], tokenizer)
    assert (len(made.dataset), made.identical) == (1, 2)
    assert made.notes(3, 64) == ["2 of 3 rows were left out: their two answers are the same"]
    with pytest.raises(DataError, match="chosen and rejected of 2 are the same"):
        encoded([same, same], tokenizer)


def test_answers_that_differ_behind_the_cut_are_the_same(tokenizer: Any) -> None:
    long = SENTENCE * 9
    row = {"prompt": "من؟", "chosen": f"{long} نعم", "rejected": f"{long} لا"}
    with pytest.raises(DataError, match="chosen and rejected of 1 are the same"):
        encoded([row], tokenizer, 16)


def test_what_is_too_long(tokenizer: Any) -> None:
    end = tokenizer.eos_token
    rows = [
        {"prompt": SENTENCE * 9, "chosen": f"نعم{end}", "rejected": f"لا{end}"},
        {"prompt": "من؟", "chosen": f"{SENTENCE * 9}{end}", "rejected": f"لا{end}"},
        {"prompt": "من؟", "chosen": f"نعم{end}", "rejected": f"لا{end}"},
    ]
    made = encoded(rows, tokenizer, 16)
    assert (made.left_out, made.responses_shortened, len(made.dataset)) == (1, 1, 2)
    assert made.longest == 16
    cut = made.dataset[0]
    assert len(cut["prompt_ids"]) + len(cut["chosen_ids"]) == 16
    assert cut["chosen_ids"][-1] != tokenizer.eos_token_id
    assert cut["rejected_ids"][-1] == tokenizer.eos_token_id
    with pytest.raises(DataError, match=r"the prompts of 1 alone fill training.max_length \(16\)"):
        encoded(rows[:1], tokenizer, 16)


@pytest.mark.parametrize("label", [True, False])
def test_labels_that_are_all_the_same_are_refused(label: bool, tokenizer: Any) -> None:
    end = tokenizer.eos_token
    rows = [{"prompt": "من؟", "completion": f"{who}{end}", "label": label} for who in ("أنا", "هو")]
    with pytest.raises(DataError, match=f"all 2 rows that are left is {str(label).lower()}"):
        encoded(rows, tokenizer)
    made = encoded([*rows, {**rows[0], "label": not label}], tokenizer)
    assert [row["label"] for row in made.dataset] == [label, label, not label]
    assert set(made.dataset.column_names) == {"prompt_ids", "completion_ids", "label"}


CHATML = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_answers_in_the_chat_template(tiny_base: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    section = DataSection(source="x", **NAMED, prompt_template="chat")
    row = preferences.pair_row(PAIR, section, tokenizer.eos_token)
    assert row is not None
    with pytest.raises(UsageError, match="no chat template"):
        encoded([row], tokenizer)
    tokenizer.chat_template = CHATML
    (tokens,) = encoded([row], tokenizer).dataset
    assert tokenizer.decode(tokens["prompt_ids"]).endswith("<|assistant|>")
    assert tokenizer.decode(tokens["chosen_ids"]) == PAIR["chosen"] + tokenizer.eos_token
    assert tokenizer.decode(tokens["rejected_ids"]) == PAIR["rejected"] + tokenizer.eos_token


SHARED = [{"role": "user", "content": "مرحبا"}, {"role": "assistant", "content": "أهلا"},
          {"role": "user", "content": "كيف حالك؟"}]  # fmt: skip


def turns(answer: str, *before: dict[str, str]) -> list[dict[str, str]]:
    return [*before, {"role": "assistant", "content": answer}]


def test_conversations_are_compared_in_their_last_answers(tiny_base: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    tokenizer.chat_template = CHATML
    end = tokenizer.eos_token
    section = DataSection(source="x", **NAMED, prompt_template="chat")
    row = {
        "prompt": "كيف حالك؟",
        "chosen": turns("بخير", *SHARED),
        "rejected": turns("لا", *SHARED),
    }
    made = preferences.pair_row(row, section, end)
    assert made == {"chosen_messages": row["chosen"], "rejected_messages": row["rejected"]}
    (tokens,) = encoded([made], tokenizer).dataset
    assert tokenizer.decode(tokens["chosen_ids"]) == f"بخير{end}"
    assert tokenizer.decode(tokens["rejected_ids"]) == f"لا{end}"
    assert "أهلا" in tokenizer.decode(tokens["prompt_ids"])  # read, not learned
    # Answers alone stand behind the prompt.
    alone = {"prompt": "كيف حالك؟", "chosen": turns("بخير"), "rejected": turns("لا")}
    assert preferences.pair_row(alone, section, end) == preferences.pair_row(PAIR, section, end)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            {"chosen": turns("بخير", *SHARED), "rejected": turns("لا", *SHARED[:1])},
            "not the same up",
        ),
        ({"chosen": turns("بخير", *SHARED), "rejected": "لا"}, "conversation is str, not a list"),
        ({"chosen": [*turns("بخير"), SHARED[0]], "rejected": turns("لا")}, "ends in no answer"),
        ({"chosen": 3, "rejected": "لا"}, "'chosen' is int, neither text nor a list of turns"),
        ({"chosen": [{"role": "tool", "content": "x"}], "rejected": turns("لا")}, "is by 'tool'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_conversations_that_are_no_pair(keys: dict[str, Any], says: str) -> None:
    section = DataSection(source="x", **NAMED, prompt_template="chat")
    with pytest.raises(DataError, match=says):
        preferences.pair_row({"prompt": "من؟", **keys}, section, "<e>")


def test_conversations_need_the_chat_template_and_text() -> None:
    section = DataSection(source="x", **NAMED)
    row = {"prompt": "من؟", "chosen": turns("أنا"), "rejected": turns("هو")}
    with pytest.raises(DataError, match=r"set data\.prompt_template to chat"):
        preferences.pair_row(row, section, "<e>")
    chat = DataSection(source="x", **NAMED, prompt_template="chat")
    assert preferences.pair_row({**row, "rejected": turns(" ")}, chat, "<e>") is None
    assert preferences.pair_row({**row, "rejected": None}, chat, "<e>") is None


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_pairs_are_read_from_files_of_every_kind(suffix: str, tmp_path: Path) -> None:
    from arabench.trainers.data.rows import load_rows

    file = tmp_path / f"p.{suffix}"
    if suffix == "csv":
        file.write_text("prompt,chosen,rejected\nمن؟,أنا,هو\nأين؟,,هناك\n", encoding="utf-8")
    else:
        write(file, [{"prompt": "من؟", "chosen": "أنا", "rejected": "هو"},
                     {"prompt": "أين؟", "chosen": None, "rejected": "هناك"}])  # fmt: skip
    section = DataSection(source=str(file), **NAMED, prompt_template="{prompt}")
    places, _ = find_places(section)
    rows = load_rows(section, places, lambda row: preferences.pair_row(row, section, "<e>"))
    assert list(rows.dataset) == [{"prompt": "من؟", "chosen": "أنا<e>", "rejected": "هو<e>"}]
    assert rows.skipped == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (PAIR, NAMED),
        ({"instruction": "a", "chosen": "b", "rejected": "c"},
         {**NAMED, "prompt_field": "instruction"}),
    ],
)  # fmt: skip
def test_fields_of_pairs_are_told_from_the_columns(
    row: dict[str, str], told: dict[str, str], tmp_path: Path
) -> None:
    section = DataSection(source=write(tmp_path / "p.jsonl", [row]))
    places, _ = find_places(section)
    found, note = preferences.resolve_pairs(section, places)
    assert {key: getattr(found, key) for key in told} == told
    assert f"data.prompt_field: {told['prompt_field']}" in note
    assert preferences.resolve_pairs(found, places) == (found, "")


def test_columns_that_do_not_tell(tmp_path: Path) -> None:
    def resolve(row: dict[str, Any], labelled: bool = False) -> None:
        section = DataSection(source=write(tmp_path / "p.jsonl", [row]))
        places, _ = find_places(section)
        (preferences.resolve_labelled if labelled else preferences.resolve_pairs)(section, places)

    with pytest.raises(UsageError, match=r"no field 'rejected' for data.rejected_field"):
        resolve({"prompt": "a", "chosen": "b", "rejcted": "c"})
    with pytest.raises(UsageError, match=r"has the fields 'prompt' and 'question'.*prompt_field"):
        resolve({**PAIR, "question": "x"})
    with pytest.raises(UsageError, match=r"no field 'label' for data.label_field"):
        resolve({"prompt": "a", "response": "b"}, labelled=True)
    resolve(GOOD, labelled=True)
    write(tmp_path / "q.jsonl", [{**PAIR, "instruction": "x"}])
    section = DataSection(source=[write(tmp_path / "p.jsonl", [PAIR]),
                                  write(tmp_path / "r.jsonl", [{"question": "a",
                                        "chosen": "b", "rejected": "c"}])])  # fmt: skip
    places, _ = find_places(section)
    with pytest.raises(UsageError, match="have different fields"):
        preferences.resolve_pairs(section, places)


BAD_RECIPES: list[tuple[dict[str, Any], str]] = [
    ({"method": "dpo", "dpo": {"betta": 0.1}}, r"unknown key 'dpo.betta'. Did you mean 'beta'"),
    ({"method": "dpo", "ipo": {"beta": 0.1}},
     r"the section 'ipo' is of method ipo, and the method is dpo: remove the section"),
    ({"method": "sft", "simpo": {}}, r"the section 'simpo' is of method simpo"),
    ({"method": "dpo", "dpo": {"beta": 0}}, r"dpo.beta: Input should be greater than 0"),
    ({"method": "dpo", "dpo": {"label_smoothing": 0.5}}, r"dpo.label_smoothing: .*less than 0.5"),
    ({"method": "dpo", "dpo": {"gamma": 1}},
     r"unknown key 'dpo.gamma'. Did you mean 'simpo.gamma'"),
    ({"method": "dpo", "data": {"text_field": "t"}}, r"method dpo learns from pairs: name"),
    ({"method": "dpo", "data": {"messages_field": "m"}}, r"method dpo learns from pairs: name"),
    ({"method": "orpo", "data": LABELLED}, r"method orpo learns from pairs: name"),
    ({"method": "dpo", "data": {"chosen_field": "c"}},
     r"prompt_field, chosen_field and rejected_field go together"),
    ({"method": "dpo", "data": {**NAMED, "response_field": "r"}},
     r"chosen_field and rejected_field exclude response_field"),
    ({"method": "sft", "data": NAMED}, r"data.chosen_field says .* method sft does not learn"),
    ({"method": "sft", "data": LABELLED}, r"data.label_field says .* method sft does not learn"),
    ({"method": "cpt", "data": NAMED}, r"data.chosen_field says which answers are better"),
    ({"method": "kto", "data": NAMED}, r"method kto learns from answers with a label"),
    ({"method": "kto", "data": {"label_field": "l"}}, r"label_field goes with prompt_field"),
    ({"method": "kto", "training": {"batch_size": 1}}, r"training.batch_size is 1: set it to 2"),
    ({"method": "dpo", "training": {"packing": True}}, r"training.packing is for methods of texts"),
    ({"method": "kto", "data": {"validation": 0.1}}, r"data.validation measures the loss of a"),
    ({"method": "cpt", "data": {"messages_field": "m"}}, r"method cpt reads raw text"),
    ({"method": "cpt", "training": {"packing": True}}, r"rows of method cpt are full without"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "says"), BAD_RECIPES, ids=[says for _, says in BAD_RECIPES])
def test_recipes_that_contradict_themselves(
    keys: dict[str, Any], says: str, tmp_path: Path
) -> None:
    file = tmp_path / "r.yaml"
    content = {"output_dir": "o", "base": {"name": "b"}, **keys}
    content["data"] = {"source": "x", **keys.get("data", {})}
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        load_recipe(file)


def test_a_recipe_holds_the_section_of_its_method_and_no_other(make_recipe: MakeRecipe) -> None:
    from arabench.trainers.recipe import Recipe, dump_recipe

    plain = make_recipe()
    assert "dpo" not in dump_recipe(plain)
    one = make_recipe(method="dpo")
    assert one.dpo is not None
    assert one.model_dump()["dpo"] == {"beta": 0.1, "label_smoothing": 0.0}
    assert "ipo" not in one.model_dump()
    assert Recipe.model_validate(one.model_dump()) == one
    other = make_recipe(method="dpo", dpo={"beta": 0.2})
    assert other.fingerprint != one.fingerprint
    assert make_recipe(method="dpo", dpo={}).fingerprint == one.fingerprint


def test_the_check_of_the_data_reads_conversations_of_pairs(
    tiny_base: Path, tmp_path: Path
) -> None:
    from arabench.trainers.data.checks import check_rows

    good, bad = turns("بخير", *SHARED), turns("لا", *SHARED)
    rows = [{"prompt": "كيف حالك؟", "chosen": good, "rejected": other} for other in (bad, good)]
    section = DataSection(source=write(tmp_path / "p.jsonl", rows), **NAMED, prompt_template="chat")
    places, _ = find_places(section)
    found = check_rows(section, places, lambda row: preferences.pair_row(row, section, "<e>"), 0)
    assert found.faults["identical"].rows == 1
