"""Packaged, local and hub data; what is wrong with them is said in one useful message."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from arabench.errors import ArabenchError, DataError, UsageError
from arabench.evaluation import tasks
from arabench.evaluation.data import parallel
from arabench.evaluation.data.parallel import codes_for, load_parallel
from arabench.evaluation.data.passages import load_reading
from arabench.evaluation.data.questions import load_questions
from arabench.evaluation.data.source import Source, code_of, watch_fallbacks
from arabench.varieties import DIALECTS, VARIETIES, variety_of

FLORES_CODES = ("arb", "arz", "apc", "ajp", "acm", "acq", "ars", "aeb", "ary")


def _jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return path


READING = {"id": "1", "code": "egy", "context": "نص", "question": "سؤال؟", "answers": ["نص"]}
QUESTION = {"id": "1", "subject": "s", "question": "سؤال؟", "choices": ["أ", "ب"], "answer": 1}


# --- packaged ----------------------------------------------------------------------------------


def test_packaged_parallel() -> None:
    items = load_parallel(Source())
    assert len(items) >= 300
    assert len({item.item for item in items}) == len(items)
    assert {item.split for item in items} == {"train", "test"}
    for code in (*VARIETIES, "en"):
        texts = [item.texts[code] for item in items]
        assert len(set(texts)) == len(items)
    assert all(set(item.texts) == {*VARIETIES, "en"} for item in items)
    for variety in VARIETIES:
        train, test = (
            {item.texts[variety] for item in items if item.split == split}
            for split in ("train", "test")
        )
        assert not train & test


def test_packaged_reading() -> None:
    items = load_reading(Source())
    count = Counter(item.code for item in items if item.split == "test")
    assert set(count) == set(VARIETIES)
    assert min(count.values()) >= 60
    assert len(set(count.values())) == 1  # the same questions in all five
    by_split = {split: {i.item for i in items if i.split == split} for split in ("train", "test")}
    assert not by_split["train"] & by_split["test"]
    assert len({(item.code, item.context, item.question) for item in items}) == len(items)
    for item in items:
        assert item.answers[0] in item.context  # the others may be paraphrases


def test_packaged_questions() -> None:
    questions = load_questions(Source())
    assert len(questions) >= 100
    assert len({question.question for question in questions}) == len(questions)
    assert len({question.item for question in questions}) == len(questions)
    subjects = Counter(question.subject for question in questions)
    assert len(subjects) == 10
    assert min(subjects.values()) >= 10
    assert {len(set(question.choices)) for question in questions} == {4}
    answers = Counter(question.answer for question in questions)
    assert set(answers) == {0, 1, 2, 3}
    assert max(answers.values()) - min(answers.values()) <= 2


# --- local layouts -----------------------------------------------------------------------------


def test_parallel_jsonl(tmp_path: Path) -> None:
    row = {"id": "x", "en": "Hi.", "arz_Arab": " أهلاً. ", "ary": "", "egy_city": "Cairo"}
    (tmp_path / "parallel.jsonl").write_bytes(
        b"\xef\xbb\xbf" + json.dumps(row).encode() + b"\n\n"  # byte order mark, empty line
    )
    (item,) = load_parallel(Source(str(tmp_path)))
    assert (item.item, item.split) == ("x", "test")
    assert item.texts == {"en": "Hi.", "arz": "أهلاً."}


@pytest.mark.parametrize("names", [("egy", "msa", "en"), ("arz_Arab", "arb_Arab", "eng_Latn")])
def test_aligned_text_files(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        text = f"\ufeff{name} واحد\r\n\r\n{name}\u2028 ثلاثة\r\n"
        (tmp_path / f"{name}.txt").write_bytes(text.encode())
    (tmp_path / "notes.txt").write_text("one line", encoding="utf-8")
    (tmp_path / "arb_Latn.txt").write_text("kitab", encoding="utf-8")
    items = load_parallel(Source(str(tmp_path)))
    codes = [code_of(name) for name in names]
    assert [item.item for item in items] == ["00001", "00002", "00003"]
    assert items[0].texts == {code: f"{name} واحد" for code, name in zip(codes, names, strict=True)}
    assert items[1].texts == {}
    data = tasks.lm_data("egy", arabench_data=str(tmp_path))["test"]
    assert data["text"] == [f"{names[0]} واحد", f"{names[0]}\u2028 ثلاثة"]


def test_reading_jsonl(tmp_path: Path) -> None:
    _jsonl(tmp_path / "reading.jsonl", READING, READING | {"code": "arz_Arab", "passage": "p"})
    items = load_reading(Source(str(tmp_path)))
    assert [(item.item, item.code) for item in items] == [("1", "egy"), ("p", "arz")]
    data = tasks.reading_data("egy", arabench_data=str(tmp_path))["test"]
    assert data["answers"] == [["نص"], ["نص"]]
    assert len(set(data["id"])) == 2


def test_questions_jsonl(tmp_path: Path) -> None:
    _jsonl(tmp_path / "questions.jsonl", QUESTION, QUESTION | {"id": "2", "split": "dev"})
    assert [q.split for q in load_questions(Source(str(tmp_path)))] == ["test", "dev"]
    data = tasks.mmlu_files_data(arabench_data=str(tmp_path))["test"]
    assert data["id"] == ["1"]


def test_mmlu_csv(tmp_path: Path) -> None:
    for split, count in (("dev", 5), ("test", 7)):
        (tmp_path / split).mkdir()
        rows = "".join(f'"سؤال {i}، ""قال""",أ,ب,ج,د,{"ABCD"[i % 4]}\n' for i in range(count))
        (tmp_path / split / f"college_biology_{split}.csv").write_text(rows + "\n", "utf-8")
    questions = load_questions(Source(str(tmp_path)))
    assert Counter(question.split for question in questions) == {"dev": 5, "test": 7}
    assert {question.subject for question in questions} == {"college_biology"}
    assert questions[5].question == 'سؤال 0، "قال"'
    assert [question.answer for question in questions[5:]] == [0, 1, 2, 3, 0, 1, 2]
    assert len(tasks.mmlu_data(arabench_data=str(tmp_path))["test"]) == 7
    # The five dev questions must not use up the subject's five noisy ones.
    noisy = tasks.noisy_mc_data("keyboard", arabench_data=str(tmp_path))["test"]
    assert noisy["id"] == [f"college_biology-{number}" for number in range(1, 6)]


def test_absent_part_falls_back_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _jsonl(tmp_path / "reading.jsonl", READING)
    with caplog.at_level(logging.WARNING):
        assert load_parallel(Source(str(tmp_path))) == load_parallel(Source())
    assert "has no parallel sentences" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert load_reading(Source("hub:somebody/parallel")) == load_reading(Source())
    assert "has no reading questions" in caplog.text


def test_what_packaged_data_stand_in_for_is_told_every_time(tmp_path: Path) -> None:
    _jsonl(tmp_path / "reading.jsonl", READING)
    given = Source(str(tmp_path))
    for _ in range(2):  # a data set is read once and asked for by many tasks
        with watch_fallbacks() as found:
            load_reading(given)
            load_parallel(Source())
            assert found == []
            load_parallel(given)
            assert found == [
                f"measured on the packaged parallel sentences, for {tmp_path} has none"
            ]
    with watch_fallbacks() as found:
        load_reading(Source("hub:somebody/parallel"))
        assert "packaged reading questions (reading.jsonl), for hub:somebody" in found[0]


@pytest.mark.parametrize("name", ["parallel.jsonl", "reading.jsonl", "arb.txt"])
def test_a_variety_that_is_not_there_is_one_fault_in_every_file(name: str, tmp_path: Path) -> None:
    if name == "arb.txt":
        (tmp_path / name).write_text("نص\n", encoding="utf-8")
    elif name == "parallel.jsonl":
        _jsonl(tmp_path / name, {"id": "1", "arb": "نص"})
    else:
        _jsonl(tmp_path / name, {**READING, "code": "arb"})
    load = tasks.reading_data if name == "reading.jsonl" else tasks.lm_data
    shown = "*.txt" if name == "arb.txt" else name
    says = rf"{re.escape(str(tmp_path / shown))} has no text for 'egy'\. It holds arb; egy needs "
    with pytest.raises(SystemExit, match=says + "one of egy, arz, aec, apd, shu.*Run only") as stop:
        load("egy", arabench_data=str(tmp_path))
    assert isinstance(stop.value.__cause__, UsageError)


def test_columns_of_other_arabic_codes_are_read(tmp_path: Path) -> None:
    row = {
        "id": "1",
        "msa": "أين البيت؟",
        "apd": "البيت وين؟",
        "ayl": "وين الحوش؟",
        "mey": "منين الدار؟",
    }
    _jsonl(tmp_path / "parallel.jsonl", row)
    folder = str(tmp_path)
    assert tasks.lm_data("egy", arabench_data=folder)["test"]["text"] == [row["apd"]]
    assert tasks.lm_data("mgr", arabench_data=folder)["test"]["text"] == [row["ayl"], row["mey"]]


def test_columns_and_files_that_look_like_codes_and_are_not_read_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _jsonl(tmp_path / "parallel.jsonl", {"id": "1", "msa": "نص", "ara": "نص", "glf_city": "x"})
    with caplog.at_level(logging.WARNING):
        load_parallel(Source(str(tmp_path)))
    assert "no text is read from ara (all of Arabic):" in caplog.text
    assert "glf_city" not in caplog.text
    caplog.clear()
    (tmp_path / "parallel.jsonl").unlink()
    for number in range(12):
        (tmp_path / f"q{chr(97 + number)}.txt").write_text("نص", encoding="utf-8")
    for name in ("arz", "notes", "fra_Latn"):
        (tmp_path / f"{name}.txt").write_text("نص", encoding="utf-8")
    parallel._load.cache_clear()
    with caplog.at_level(logging.WARNING):
        load_parallel(Source(str(tmp_path)))
    assert "from qa, qb, qc, qd, qe, qf, qg, qh and 4 more:" in caplog.text
    assert "notes" not in caplog.text


def test_packaged_data_name_no_unread_columns(caplog: pytest.LogCaptureFixture) -> None:
    parallel._load.cache_clear()
    with caplog.at_level(logging.WARNING):
        load_parallel(Source())
    assert not caplog.records


def test_finer_codes_are_pooled_and_can_be_chosen(tmp_path: Path) -> None:
    rows = [{"id": str(i), "msa": "فصحى", "apc": f"شامي {i}", "ajp": f"جنوبي {i}"} for i in (1, 2)]
    _jsonl(tmp_path / "parallel.jsonl", *rows)
    pooled = tasks.tax_data("lev", arabench_data=str(tmp_path))["test"]
    assert pooled["item"] == ["1", "1", "2", "2"]
    assert pooled["texts"][0] == ["شامي 1", "فصحى"]
    for codes in ("ajp", ["ajp_Arab"]):
        chosen = tasks.tax_data("lev", arabench_data=str(tmp_path), arabench_codes=codes)["test"]
        assert chosen["code"] == ["ajp", "ajp"]


# --- bad input ---------------------------------------------------------------------------------


def _text(name: str, content: str | bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def _rows(name: str, *rows: dict[str, Any]) -> Callable[[Path], Path]:
    return lambda folder: _jsonl(folder / name, *rows)


def _two_files(folder: Path) -> None:
    _text("egy.txt", "واحد\nاثنان\n")(folder)
    _text("msa.txt", "واحد\n")(folder)


def _same_code_twice(folder: Path) -> None:
    _text("egy.txt", "واحد\n")(folder)
    _text("egy_Arab.txt", "واحد\n")(folder)


BAD = [
    (load_parallel, lambda folder: None, "holds none of parallel.jsonl"),
    (load_parallel, lambda folder: (folder / "test").mkdir(), "holds none of parallel.jsonl"),
    (load_parallel, _two_files, r"differ in their number of lines: .*egy.txt': 2.*msa.txt': 1"),
    (load_parallel, _same_code_twice, "both hold 'egy'"),
    (load_parallel, _text("egy.txt", b"ab\xff\n"), r"egy.txt is not valid UTF-8 at byte 2"),
    (load_parallel, _text("egy.txt", "\n"), "hold no text"),
    (load_parallel, _text("parallel.jsonl", b'{"egy": "\xff"}'), r"parallel.jsonl:1: .*utf-8"),
    (load_parallel, _text("parallel.jsonl", '{"egy": "a"}\n{"egy'), r"parallel.jsonl:2: "),
    (load_parallel, _text("parallel.jsonl", "[1]\n"), r"parallel.jsonl:1: not a JSON object"),
    (load_parallel, _text("parallel.jsonl", "\n"), "is empty"),
    (load_parallel, _rows("parallel.jsonl", {"xyz": "نص"}), r"row 1 has no text .*keys are xyz"),
    (load_parallel, _rows("parallel.jsonl", {"egy": 3}), "row 1 has 3 under 'egy', not text"),
    (load_parallel, _rows("parallel.jsonl", {"egy": "أ", "EGY": "ب"}), "two texts for 'egy'"),
    (load_reading, _rows("reading.jsonl", {"id": "1"}), "row 1 lacks 'code'"),
    (load_reading, _rows("reading.jsonl", READING | {"code": "egi"}), "Did you mean 'egy'"),
    (load_reading, _rows("reading.jsonl", READING | {"code": "en"}), "has code 'en'"),
    (load_reading, _rows("reading.jsonl", READING | {"answers": []}), "empty list of answers"),
    (load_reading, _rows("reading.jsonl", READING | {"answers": [" "]}), "empty answer"),
    (load_reading, _rows("reading.jsonl", READING | {"answers": "نص"}), "give a list"),
    (load_reading, _rows("reading.jsonl", READING | {"answers": None}), "give a list"),
    (load_questions, _rows("reading.jsonl", READING), "neither questions.jsonl nor test"),
    (load_questions, _text("dev/a_dev.csv", "س,أ,ب,A\n"), "holds none of"),
    (load_questions, _text("questions.jsonl", "{"), r"questions.jsonl:1: "),
    (load_questions, _rows("questions.jsonl", {"id": "1"}), "row 1 is broken"),
    (load_questions, _rows("questions.jsonl", QUESTION | {"answer": 2}), "2 choices and answer 2"),
    (load_questions, _rows("questions.jsonl", QUESTION | {"answer": -1}), "answer -1"),
    (load_questions, _rows("questions.jsonl", QUESTION | {"answer": "B"}), "row 1 is broken"),
    (load_questions, _rows("questions.jsonl", QUESTION | {"answer": 0.5}), "row 1 is broken"),
    (load_questions, _rows("questions.jsonl", QUESTION | {"choices": "أبجد"}), "choices is 'أبجد"),
    (
        load_questions,
        _rows("questions.jsonl", QUESTION | {"choices": ["أ"], "answer": 0}),
        "allowed are 2 to 5",
    ),
    (load_questions, _text("test/a_test.csv", "س,أ,ب,ج,د,F\n"), "row 1 is not question"),
    (load_questions, _text("test/a_test.csv", "س,أ,ب,ج,د,\n"), "row 1 is not question"),
    (load_questions, _text("test/a_test.csv", "س,أ,ب,C\n"), "2 choices and answer 2"),
    (load_questions, _text("test/a_test.csv", b"\xff,a,b,A\n"), "not valid UTF-8 at byte 0"),
]


@pytest.mark.parametrize(("load", "write", "message"), BAD, ids=[entry[2] for entry in BAD])
def test_bad_input_is_named(
    tmp_path: Path,
    load: Callable[[Source], object],
    write: Callable[[Path], object],
    message: str,
) -> None:
    write(tmp_path)
    with pytest.raises(ArabenchError, match=message):
        load(Source(str(tmp_path)))


def test_missing_folder() -> None:
    for load in (load_parallel, load_reading, load_questions):
        with pytest.raises(UsageError, match=r"'/no/such', which is no folder. Give a folder"):
            load(Source("/no/such"))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"arabench_data": 3}, "give a folder"),
        ({"arabench_codes": "egi"}, "Did you mean 'egy'"),
        ({"arabench_codes": ["arz", "en"]}, "names 'en'"),
        ({"arabench_columns": ["egy"]}, "give an object"),
        ({"arabench_columns": {"text": "egi"}}, r"'egi'\. Did you mean 'egy'"),
        ({"arabench_colums": {}}, "Did you mean 'arabench_columns'"),
    ],
)
def test_bad_metadata_is_named(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tasks.source_of(metadata)


def test_metadata_of_others_is_ignored() -> None:
    assert tasks.source_of({"pretrained": "x", "dtype": "auto", "max_length": 5}) == Source()


def test_absent_variety_says_what_there_is(tmp_path: Path) -> None:
    _text("arz.txt", "نص\n")(tmp_path)
    items = load_parallel(Source(str(tmp_path)))
    with pytest.raises(
        UsageError, match=r"has no text for 'mgr'. It holds arz; .*mgr, ary, arq, aeb"
    ):
        codes_for("mgr", items, Source())
    with pytest.raises(UsageError, match="arabench_codes allows ary"):
        codes_for("egy", items, Source(codes=("ary",)))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("egy", "egy"),
        (" ARZ_Arab ", "arz"),
        ("eng_Latn", "en"),
        ("english", "en"),
        ("arb_Latn", None),  # Arabic in Latin letters is not what the tasks measure
        ("glf_city", None),
        ("id", None),
        ("", None),
    ],
)
def test_code_of(name: str, code: str | None) -> None:
    assert code_of(name) == code


# --- hub ---------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write a folder of parquet files and name it as hub data."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def write(rows: list[dict[str, Any]], split: str = "test") -> str:
        folder = tmp_path / "hub" / "data"
        folder.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(rows).to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))
        return f"hub:{folder.parent}"

    return write


def test_hub_parallel(hub: Callable[..., str]) -> None:
    data = hub(
        [{"id": 7, "split": "old", "arz_Arab": "مصري", "arb_Arab": "فصيح", "eng_Latn": "English"}]
    )
    (item,) = load_parallel(Source(data))
    assert (item.item, item.split) == ("7", "test")
    assert item.texts == {"arz": "مصري", "arb": "فصيح", "en": "English"}
    rows = tasks.translation_data("egy", "en", arabench_data=data)["test"]
    assert (rows["source"], rows["target"]) == (["مصري"], ["English"])


def test_hub_columns(hub: Callable[..., str]) -> None:
    data = hub([{"cairo": "مصري", "egy": "غيره", "msa": "فصيح"}], "validation")
    metadata = {
        "arabench_data": data,
        "arabench_split": "validation",
        "arabench_columns": {"cairo": "arz", "egy": "ary"},
    }
    (item,) = load_parallel(tasks.source_of(metadata))
    assert item.texts == {"arz": "مصري", "ary": "غيره", "msa": "فصيح"}
    metadata["arabench_columns"] = {"caira": "arz"}
    with pytest.raises(UsageError, match="Did you mean 'cairo'"):
        load_parallel(tasks.source_of(metadata))


def test_hub_questions(hub: Callable[..., str]) -> None:
    row = {
        "ID": 1, "Subject": "Law", "Context": None, "Question": "سؤال؟", "Answer Key": "C",
        "Option 1": "أ", "Option 2": "ب", "Option 3": "ج", "Option 4": None, "Option 5": None,
    }  # fmt: skip
    with_context = row | {"ID": 2, "Context": "نص", "Option 4": "د", "Answer Key": " d "}
    data = hub([row, with_context], "dev")
    questions = load_questions(Source(data, split="dev"))
    assert [(q.item, q.answer, len(q.choices)) for q in questions] == [("1", 2, 3), ("2", 3, 4)]
    assert questions[1].question == "نص\nسؤال؟"
    # The split asked for is the split measured, whatever it is called.
    rows = tasks.mmlu_data(arabench_data=data, arabench_split="dev")["test"]
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Answer Key": ""}, "answer -1"),
        ({"Answer Key": "AB"}, "answer -1"),
        ({"Answer Key": None}, "answer -1"),
        ({"Option 1": ""}, "empty option before a full one"),
        ({"Option 2": ""}, "1 choices"),
    ],
)
def test_broken_hub_question(hub: Callable[..., str], change: dict[str, Any], message: str) -> None:
    row = {"Question": "سؤال؟", "Option 1": "أ", "Option 2": "ب", "Answer Key": "A"}
    data = hub([row, row | change])
    with pytest.raises(DataError, match=f"row 2 .*{message}"):
        load_questions(Source(data))


def test_hub_errors(hub: Callable[..., str]) -> None:
    data = hub([{"Question": "سؤال؟"}])
    with pytest.raises(UsageError, match=r"has columns Question; multiple choice needs Answer Key"):
        load_questions(Source(data))
    with pytest.raises(DataError, match=r"row 1 has no text under a known code\. Its keys are Qu"):
        load_parallel(Source(data))
    with pytest.raises(UsageError, match=r"split 'nowhere'\) could not be loaded"):
        load_parallel(Source(data, split="nowhere"))


# --- real corpora ------------------------------------------------------------------------------


@pytest.mark.shared_data
def test_flores_200(shared_data: Path) -> None:
    source = str(shared_data / "flores200")
    items = load_parallel(Source(source))
    assert len(items) == 508
    assert {code for item in items for code in item.texts} == {*FLORES_CODES, "en"}
    for variety in VARIETIES:
        codes = [code for code in FLORES_CODES if variety_of(code) == variety]
        data = tasks.lm_data(variety, arabench_data=source)["test"]
        assert Counter(data["code"]) == dict.fromkeys(codes, 508)
        assert len(set(data["id"])) == 508 * len(codes)
    lines = {
        code: (shared_data / f"flores200/{code}_Arab.txt").read_text("utf-8").splitlines()
        for code in FLORES_CODES
    }
    for variety in DIALECTS:
        data = tasks.tax_data(variety, arabench_data=source)["test"]
        for item, code, texts in zip(data["item"], data["code"], data["texts"], strict=True):
            number = int(item) - 1
            assert texts == [lines[code][number].strip(), lines["arb"][number].strip()]


@pytest.mark.shared_data
def test_acegpt_mmlu_arabic(shared_data: Path) -> None:
    source = str(shared_data / "acegpt" / "MMLUArabic")
    questions = load_questions(Source(source))
    assert Counter(question.split for question in questions) == {"test": 14042, "dev": 57 * 5}
    assert len({question.subject for question in questions}) == 57
    assert {len(question.choices) for question in questions} == {4}
    assert len(tasks.mmlu_files_data(arabench_data=source)["test"]) == 14042
    assert len(tasks.noisy_mc_data("keyboard", arabench_data=source)["test"]) == 57 * 5
