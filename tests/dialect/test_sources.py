"""Readers of labelled corpora: what they yield, and what they say of broken ones."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from arabench.dialect import sources
from arabench.dialect.features import words_of
from arabench.dialect.sources import SOURCES, Labelled, read_sources, read_written, rewritten_forms
from arabench.errors import DataError, UsageError
from arabench.varieties import DIALECTS, VARIETIES

#: One small file of every public set, written for these tests.
FILES = {
    "flores200/arb_Arab.txt": "لم يصل القطار بعد.\nهذا هو السبب.\n",
    "flores200/arz_Arab.txt": "القطر لسه ماوصلش.\nده السبب.\n",
    "flores200/acm_Arab.txt": "القطار بعده ما وصل.\nهذا السبب.\n",
    "flores200/acq_Arab.txt": "القطار عاده ما وصلش.\nهذا السبب.\n",
    "flores200/ajp_Arab.txt": "القطار لسا ما وصل.\nهاد السبب.\n",
    "flores200/apc_Arab.txt": "القطار لسا ما وصل.\nهيدا السبب.\n",
    "flores200/aeb_Arab.txt": "الترينو مازال ما وصلش.\nهذا السبب.\n",
    "flores200/ary_Arab.txt": "التران باقي ما وصلش.\nهادا هو السبب.\n",
    "madar_coda/train.tsv": "sentID.BTEC\tsplits_shared_task\tdialect\traw\tCODA\n"
    "7\tx\tBEI\tوين المحطة؟\tوين المحطة؟\n7\tx\tTUN\tوينها المحطة؟\tوينها المحطة؟\n",
    "arsarcasm_v2/training_data.csv": "tweet,sarcasm,sentiment,dialect\n"
    '"صباح الخير، يا جماعة",FALSE,POS,msa\n"ايه ده ""يا عم""",TRUE,NEG,egypt\n',
    "shami/Lebanees.txt": "شو هيدا\n\nليش هيك\n",
    "shami/Palestinian.txt": "ايش مالك\n",
    "shami/jordinian.txt": "شو بدك\n",
    "dialect_segmentation/egy.tsv": "Fold\tSubFold\tSentID\tOrder\tWord\tSegmentation\tPOS\n"
    "1\tA\t1\t1\tمش\tمش\tPART\n1\tA\t1\t2\tعارف\tعارف\tADJ\n1\tA\t2\t1\tليه\tليه\tPART\n",
    "tico19/tico19-test.ara": "اغسل يديك.\n",
    "tashkeela/val.txt": "قَالَ الرَّجُلُ\n",
    "wiki/ar.tsv": "d0\tكانت المدينة التي بناها الملك لا تزال عاصمة البلاد حتى اليوم. وهي كبيرة.\n",
    "wiki/arz.tsv": "d0\tالمدينه دي كانت العاصمه بتاعة البلد لحد النهارده وهي كبيره اوي\n",
}
for _code in ("glf", "lev", "mgr"):
    FILES[f"dialect_segmentation/{_code}.tsv"] = FILES["dialect_segmentation/egy.tsv"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def of(source: str, items: list[Labelled]) -> list[Labelled]:
    return [item for item in items if item.source == source]


def test_every_set_is_read(folder: Path) -> None:
    found = read_sources(folder)
    assert {item.source for item in found} == {*SOURCES, *sources.PACKAGED}
    assert {item.variety for item in found} == set(VARIETIES)
    assert all(item.text.strip() for item in found)


def test_parallel_renderings_share_a_key(folder: Path) -> None:
    found = of("flores", read_sources(folder))
    assert Counter(item.key for item in found) == {"0": 8, "1": 8}
    assert {item.variety for item in found if item.key == "0"} == set(VARIETIES)
    assert {item.key for item in of("madar", read_sources(folder))} == {"7"}


def test_labels_of_sets_become_varieties(folder: Path) -> None:
    found = read_sources(folder)
    assert [(item.variety, item.part) for item in of("madar", found)] == [
        ("lev", "BEI"),
        ("mgr", "TUN"),
    ]
    assert [item.variety for item in of("arsarcasm", found)] == ["msa", "egy"]
    assert {item.variety for item in of("shami", found)} == {"lev"}


def test_quoted_commas_and_quotes_stay_in_the_text(folder: Path) -> None:
    texts = [item.text for item in of("arsarcasm", read_sources(folder))]
    assert texts == ["صباح الخير، يا جماعة", 'ايه ده "يا عم"']


def test_words_of_a_tweet_are_put_together(folder: Path) -> None:
    texts = [item.text for item in of("segmentation", read_sources(folder))]
    assert texts[:2] == ["مش عارف", "ليه"]


def test_rules_give_one_sentence_in_msa_and_in_dialects(folder: Path) -> None:
    made = of("rules", read_sources(folder))
    assert {item.key for item in made} == {"0"}
    assert {item.variety for item in made} == set(VARIETIES)
    msa = [item.text for item in made if item.variety == "msa"]
    assert len(msa) == 1
    assert not [item for item in made if item.variety != "msa" and item.text == msa[0]]


def test_reading_twice_gives_the_same(folder: Path) -> None:
    assert read_sources(folder) == read_sources(folder)


def test_large_sets_are_cut_without_changing_the_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"شو هيدا {number}" for number in range(50)]
    (folder / "shami" / "Lebanees.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(sources, "_MOST_SHAMI", 20)
    texts = [item.text for item in of("shami", read_sources(folder))]
    assert len(texts) == 20
    numbers = [int(text.split()[-1]) for text in texts if text in set(lines)]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UsageError, match=Path(name).name):
        read_sources(folder)


def test_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        read_sources(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("madar_coda/train.tsv", "a\tb\n1\t2\n", "lacks the columns"),
        ("madar_coda/train.tsv", "sentID.BTEC\tdialect\traw\n1\tXYZ\tشو\n", "unknown label 'XYZ'"),
        ("madar_coda/train.tsv", "sentID.BTEC\tdialect\traw\n1\tBEI\n", "too few columns"),
        ("arsarcasm_v2/training_data.csv", "tweet,dialect\nشو,moon\n", "unknown label 'moon'"),
        ("wiki/ar.tsv", "no tab here\n", "without a tab"),
    ],
)
def test_broken_files_give_one_clear_error(
    folder: Path, name: str, text: str, message: str
) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_sources(folder)


def test_bytes_that_are_no_utf8_give_one_clear_error(folder: Path) -> None:
    (folder / "tico19" / "tico19-test.ara").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read_sources(folder)


def test_written_sentences_cover_all_varieties() -> None:
    found = of("written", read_written())
    counts = Counter(item.variety for item in found)
    assert min(counts[variety] for variety in VARIETIES) >= 300
    assert all(words_of(item.text) for item in found)


def test_test_split_of_the_parallel_task_is_not_trained_on() -> None:
    from arabench.evaluation.data.parallel import load_parallel
    from arabench.evaluation.data.source import Source

    held = {item.item for item in load_parallel(Source()) if item.split == "test"}
    used = {item.key for item in of("parallel", read_written())}
    assert held
    assert used
    assert not held & used


def test_no_text_of_a_test_item_is_trained_on_however_it_is_spelled() -> None:
    from arabench.evaluation.data.parallel import load_parallel
    from arabench.evaluation.data.passages import load_reading
    from arabench.evaluation.data.questions import load_questions
    from arabench.evaluation.data.source import Source

    parallel = [item for item in load_parallel(Source()) if item.split == "test"]
    texts = [text for item in parallel for code, text in item.texts.items() if code != "en"]
    for question in load_reading(Source()):
        if question.split == "test":
            texts += [question.question, *re.split(r"(?<=[.!؟])\s+", question.context)]
    texts += [question.question for question in load_questions(Source())]
    held = {tuple(words_of(text)): text for text in texts}
    assert len(held) > 1500
    found = {
        f"{item.key}: {item.text}" for item in read_written() if tuple(words_of(item.text)) in held
    }
    assert not found


def test_meanings_written_in_parallel_share_a_key() -> None:
    keys = Counter(item.key for item in of("written", read_written()))
    shared = {key for key, count in keys.items() if count > 1}
    assert shared
    assert all(key.startswith("parallel-") for key in shared)


def test_rewritten_forms_hold_both_sides_of_the_rules() -> None:
    forms = set(rewritten_forms())
    assert {"الذي", "اللي"} <= forms


def test_real_sets_have_the_published_sizes(shared_data: Path) -> None:
    found = read_sources(shared_data)
    counts = Counter(item.source for item in found)
    assert counts["flores"] == 8 * 508
    assert counts["madar"] == 7000
    assert counts["tico"] == 2100
    rules = Counter(item.variety for item in of("rules", found))
    assert rules["msa"] == sources.RULE_SENTENCES
    assert min(rules[variety] for variety in DIALECTS) > 1000
