"""Training: what the weights learn, that they come out again, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from arabench.dialect import training
from arabench.dialect.evaluation import (
    HALVED,
    HeldOut,
    as_table,
    evaluate,
    held_out,
    honest_scores,
    kept_back,
    pooled,
    score,
    temperature_of,
)
from arabench.dialect.features import FeatureSpec, words_of
from arabench.dialect.fitting import (
    Settings,
    Texts,
    fit,
    marker_features,
    prepare,
    quantize,
    scores,
    text_weights,
)
from arabench.dialect.identification import Identifier
from arabench.dialect.markers import shipped_lexicon
from arabench.dialect.model import load_model
from arabench.dialect.neutral import NeutralWords
from arabench.dialect.sources import Labelled
from arabench.errors import DataError, UsageError
from arabench.varieties import VARIETIES

#: A few sentences per variety with the same content.
SENTENCES = {
    "msa": [
        "ماذا تريد الآن",
        "لا أعرف أين ذهب الرجل",
        "سوف نسافر غدا إلى المدينة",
        "هذا الذي قلته",
    ],
    "egy": ["عايز ايه دلوقتي", "مش عارف الراجل راح فين", "هنسافر بكره المدينة", "ده اللي قلته"],
    "glf": ["وش تبي الحين", "ما ادري وين راح الرجال", "بنسافر باچر المدينة", "هذا اللي قلته"],
    "lev": ["شو بدك هلق", "ما بعرف وين راح الزلمة", "رح نسافر بكرا عالمدينة", "هيدا يلي قلتو"],
    "mgr": ["شنو بغيتي دابا", "ما عرفتش فين مشا الراجل", "غادي نسافرو غدا", "هادشي لي قلت"],
}
SMALL = Settings(
    spec=FeatureSpec(char_min=1, char_max=4, pairs=False, buckets_log2=14, alpha=0.4),
    epochs=6,
    source_weights={},
    msa_shift=0.0,
)


def corpus(source: str = "flores") -> list[Labelled]:
    return [
        Labelled(source, variety, text, str(number), "")
        for variety, texts in SENTENCES.items()
        for number, text in enumerate(texts * 3)
    ]


@pytest.fixture(scope="module")
def texts() -> Texts:
    return prepare(corpus(), SMALL.spec)


def everything(texts: Texts) -> np.ndarray:
    return np.arange(len(texts.items), dtype=np.int64)


def test_training_texts_are_labelled_right(texts: Texts) -> None:
    table, bias = fit(texts, everything(texts), SMALL)
    logits = scores(texts, everything(texts), table, bias, SMALL.spec)
    assert (logits.argmax(1) == texts.varieties).mean() > 0.95


def test_same_data_give_the_same_weights_bit_for_bit(texts: Texts) -> None:
    first, second = (fit(texts, everything(texts), SMALL) for _ in range(2))
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


def test_another_seed_gives_other_weights(texts: Texts) -> None:
    other = dataclasses.replace(SMALL, seed=2)
    first, second = fit(texts, everything(texts), SMALL), fit(texts, everything(texts), other)
    assert (first[0] != second[0]).any()


def test_texts_that_are_left_out_leave_no_trace(texts: Texts) -> None:
    rows = everything(texts)[texts.varieties != 1]
    extra = [*corpus(), Labelled("madar", "lev", "هيك صار معنا اليوم", "9", "")]
    more = prepare(extra, SMALL.spec)
    kept = np.arange(len(corpus()))
    assert fit(more, kept, SMALL)[0].tobytes() == fit(texts, kept, SMALL)[0].tobytes()
    with pytest.raises(DataError, match="no training text of 'egy'"):
        fit(texts, rows, SMALL)


def test_listed_words_that_no_text_has_are_known(texts: Texts) -> None:
    _, listed = marker_features(shipped_lexicon())
    seen = set(texts.vocabulary)
    table, bias = fit(texts, everything(texts), SMALL)
    word = words_of("إزاي")[0]
    assert word in listed
    assert word not in seen
    (row,) = scores(
        prepare([Labelled("x", "egy", word, "0", "")], SMALL.spec),
        np.array([0]),
        table,
        bias,
        SMALL.spec,
    )
    assert row[1:].argmax() == VARIETIES.index("egy") - 1


def test_neutral_words_have_no_features_but_count() -> None:
    neutral = NeutralWords.of(words_of("المدينة الرجل"))
    items = [Labelled("x", "msa", "المدينة", "0", ""), Labelled("x", "msa", "سافر الرجل", "1", "")]
    with_names, without = prepare(items, SMALL.spec), prepare(items, SMALL.spec, neutral)
    assert without.n_words.tolist() == with_names.n_words.tolist() == [1, 2]
    lengths = dict(zip(without.vocabulary, np.diff(without.word_starts).tolist(), strict=True))
    assert lengths["المدينة"] == lengths["الرجل"] == 0
    assert lengths["سافر"] > 0


def test_texts_without_words_are_no_trouble() -> None:
    items = [*corpus(), Labelled("flores", "lev", "12 :-) abc", "x", "")]
    texts = prepare(items, SMALL.spec)
    table, bias = fit(texts, np.arange(len(items)), SMALL)
    assert np.isfinite(table).all()
    assert scores(texts, np.array([len(items) - 1]), table, bias, SMALL.spec)[0] == pytest.approx(
        bias
    )


def test_sources_and_varieties_are_balanced() -> None:
    items = corpus("flores") + corpus("madar") * 5
    texts = prepare(items, SMALL.spec)
    even = dataclasses.replace(SMALL, balance=1.0, class_balance=1.0)
    weights = text_weights(texts, np.arange(len(items)), even)
    of_flores = sum(weights[: len(corpus())])
    assert of_flores == pytest.approx(weights[len(corpus()) :].sum(), rel=1e-3)
    assert weights.mean() == pytest.approx(1, rel=1e-3)
    heavier = dataclasses.replace(even, source_weights={"flores": 3.0, "madar/egy": 0.0})
    weights = text_weights(texts, np.arange(len(items)), heavier)
    assert weights[0] > weights[-1]
    assert not weights[[i.source == "madar" and i.variety == "egy" for i in items]].any()


def test_msa_shift_moves_msa_only(texts: Texts) -> None:
    table, bias = fit(texts, everything(texts), SMALL)
    moved_table, moved = fit(texts, everything(texts), dataclasses.replace(SMALL, msa_shift=0.5))
    assert (table == moved_table).all()
    assert moved - bias == pytest.approx([0.5, 0, 0, 0, 0])


def test_eight_bits_keep_the_order_of_weights() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(4096, 5)) * [1, 2, 3, 4, 5]
    whole, found = quantize(table)
    assert whole.dtype == np.int8
    assert np.abs(whole * np.array(found) - table).max() <= max(np.abs(table).max(0) / 20)
    assert np.abs(whole * np.array(found) - table).mean() < 0.05


def test_one_giant_weight_does_not_silence_the_others() -> None:
    table = np.full((20_000, 5), 0.5)
    table[0] = 100.0
    whole, _ = quantize(table)
    assert (np.abs(whole[1:]) > 60).all()
    assert (whole[0] == 127).all()


def test_halves_keep_renderings_together() -> None:
    items = corpus("flores") + corpus("shami")
    tested = kept_back(items)
    by_key = {
        key: {
            bool(t) for item, t in zip(items, tested, strict=True) if (item.source, item.key) == key
        }
        for key in {(item.source, item.key) for item in items}
    }
    assert all(len(values) == 1 for values in by_key.values())
    assert not tested[len(corpus()) :].any()
    assert "shami" not in HALVED


def test_tested_sources_are_not_trained_on() -> None:
    odd = [Labelled("madar", v, "سسسضضض ظظظ", str(i), "") for i, v in enumerate(VARIETIES)]
    texts = prepare(corpus("flores") + odd, SMALL.spec)
    (part,) = held_out(texts, SMALL, [["madar"]], one_in=0)
    assert part.name == "madar"
    alone, _ = fit(texts, np.arange(len(corpus())), SMALL)
    rounded, found = quantize(alone)
    expected = scores(texts, part.rows, rounded * np.array(found), np.zeros(5), SMALL.spec)
    assert np.ptp(part.logits - expected, axis=0) == pytest.approx(np.zeros(5), abs=1e-9)


def part_of(name: str, shown: float, seed: int) -> HeldOut:
    rng = np.random.default_rng(seed)
    varieties = rng.integers(0, 5, 400)
    best = np.where(rng.random(400) < 0.7, varieties, rng.integers(0, 5, 400))
    logits = np.zeros((400, 5))
    logits[np.arange(400), best] = shown
    return HeldOut(name, np.arange(400), logits, varieties, np.full(400, 5))


def test_calibration_of_a_source_comes_from_the_others() -> None:
    parts = [part_of("flores", 9.0, 0), part_of("flores/half", 9.0, 1), part_of("madar", 2.5, 2)]
    found = honest_scores(parts)
    # The others of flores are well calibrated and teach nothing; those of madar are too sure.
    assert found["flores"].calibration_error > 0.15
    assert found["madar"].calibration_error > 0.1
    assert pooled(parts).weights.sum() == pytest.approx(3)


def test_temperatures_come_from_halves_where_there_are_any() -> None:
    half, whole = part_of("flores/half", 9.0, 1), part_of("madar", 2.5, 2)
    assert temperature_of([half, whole]) == temperature_of([half])
    assert temperature_of([whole]) != temperature_of([half])
    assert temperature_of([]) == (1.0, 0.0)


def test_scores_of_a_small_table() -> None:
    probabilities = np.repeat(np.eye(5)[[0, 1, 1, 0]], 20, axis=0)
    row = score(probabilities, np.repeat([0, 1, 2, 1], 20))
    assert row.accuracy == 0.5
    # MSA: 20 right, 20 too many; Egyptian: 20 right, 20 missed, 20 too many; Gulf: none.
    assert row.f1 == {"msa": 0.6667, "egy": 0.5, "glf": 0.0}
    assert row.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert row.confusion[1][:2] == [20, 20]


def test_labels_that_a_source_lacks_cost_precision_only_once() -> None:
    probabilities = np.tile([0.4, 0.3, 0.1, 0.1, 0.1], (40, 1))
    row = score(probabilities, np.full(40, 1))
    assert row.macro_f1 == 0
    assert row.among_dialects == 1
    assert "| x |" in as_table({"x": row})


def test_training_writes_a_calibrated_model_that_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = corpus("flores") + corpus("madar") + corpus("written")
    monkeypatch.setattr(training, "read_sources", lambda folder: items)
    monkeypatch.setattr(training, "neutral_words", lambda folder: NeutralWords.of(["المدينه"]))
    monkeypatch.setattr("arabench.dialect.evaluation.HALVED", ("flores",))
    said: list[str] = []
    model = training.train(tmp_path, tmp_path / "model.bin", SMALL, said.append)
    assert (tmp_path / "model.bin").read_bytes()
    loaded = load_model(tmp_path / "model.bin")
    assert loaded.digest == model.digest
    assert loaded.about["texts"] == {"flores": 60, "madar": 60, "written": 60}
    assert len(loaded.temperatures) > 1
    assert any("everything" in line for line in said)
    labels = Identifier(loaded).label([text for of in SENTENCES.values() for text in of])
    assert (labels.best == np.repeat(np.arange(5), 4)).mean() > 0.9
    training.train(tmp_path, tmp_path / "again.bin", SMALL)
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "model.bin").read_bytes()


def test_no_place_for_the_model_is_said_before_training(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        training.train(tmp_path, tmp_path / "nowhere" / "model.bin")


def test_shipped_model_is_small_and_says_what_it_was_trained_on() -> None:
    path = Path(training.__file__).with_name("model.bin")
    assert path.stat().st_size <= 8_000_000
    about = load_model(path).about
    assert about["settings"] == training._plain(Settings())
    assert {"flores", "madar", "arsarcasm", "written"} <= set(about["texts"])
    assert "doda" not in " ".join(about["texts"])


@pytest.mark.parametrize(
    ("variety", "text"),
    [
        ("msa", "أعلنت الوزارة أن المدارس سوف تفتح أبوابها الأسبوع المقبل"),
        ("msa", "لم أتمكن من الحضور لأن الطائرة تأخرت"),
        ("egy", "انا مش عارف ليه الناس دي بتتخانق كده على الفاضي"),
        ("egy", "هنعمل ايه دلوقتي والعربية عطلانة"),
        ("glf", "وش فيك اليوم ما رديت علي والله اني زعلان عليك"),
        ("glf", "شلونك حبيبي شنو دتسوي هسه"),
        ("lev", "شو صار معك مبارح ليش ما حكيتلي"),
        ("lev", "بدي روح عالسوق هلق بس ما معي مصاري"),
        ("mgr", "واش كاين شي حاجة جديدة ولا بقات غير كيما كانت"),
        ("mgr", "علاش ما قلتليش بلي راك جاي اليوم"),
    ],
)
def test_shipped_model_knows_plain_sentences(variety: str, text: str) -> None:
    labels = Identifier(load_model(Path(training.__file__).with_name("model.bin"))).label([text])
    assert labels.varieties() == [variety]


def test_evaluation_says_what_was_trained_on_and_writes_all_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = [dataclasses.replace(item, source="unseen") for item in corpus()]
    monkeypatch.setattr(
        "arabench.dialect.evaluation.read_sources", lambda folder: corpus("flores") + new
    )
    evaluate(tmp_path)
    shown = capsys.readouterr().out
    assert "| unseen | 60 |" in shown
    assert "Trained on flores:" in shown
    report = evaluate(tmp_path, output=tmp_path / "scores.json")
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "scores.json").read_text("utf-8")) == report
    assert report["trained_on"] == ["flores"]
    assert report["sources"]["unseen"]["texts"] == 60
