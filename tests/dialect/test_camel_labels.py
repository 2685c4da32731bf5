"""Finer labels: the table beside camel-tools', and its models trained on a handful of phrases."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("camel_tools", reason="needs the extra arabench[morph]")
pytest.importorskip("kenlm", reason="camel-tools' dialect models need kenlm")

from arabench.camel_data import import_camel
from arabench.dialect.camel import MODELS, PLACES, finer_labels, label_of
from arabench.errors import DataError, UsageError
from arabench.varieties import VARIETIES

# Of scikit-learn, about the settings camel-tools trains with.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

PHRASES = {
    "BEI": ["شو بدك هلق", "كيفك شو عم تعمل", "وين رايح بكرا"],
    "CAI": ["عايز ايه دلوقتي", "ازيك بتعمل ايه", "رايح فين بكره"],
    "DOH": ["شتبي الحين", "شلونك شتسوي", "وين بتروح باجر"],
    "MSA": ["ماذا تريد الآن", "كيف حالك ماذا تفعل", "إلى أين ستذهب غدا"],
    "RAB": ["شنو بغيتي دابا", "كيداير شنو كتدير", "فين غادي غدا"],
    "TUN": ["شنوة تحب توا", "شنية احوالك شنوة تعمل", "وين ماشي غدوة"],
}


def _write_language_model(path: Path, texts: list[str]) -> None:
    """A model in ARPA form: all words alike, and no bigram but one."""
    words = sorted({word for text in texts for word in text.split()})
    lines = ["\\data\\", f"ngram 1={len(words) + 3}", "ngram 2=1", "", "\\1-grams:"]
    lines += ["-4\t<unk>\t0", "-99\t<s>\t0", "-1\t</s>"]
    lines += [f"-1.5\t{word}\t0" for word in words]
    lines += ["", "\\2-grams:", f"-1\t<s> {words[0]}"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, "", "\\end\\", ""]), encoding="utf-8")


def _phrases(labels: list[str]) -> dict[str, list[str]]:
    return {
        label: [*PHRASES.get(label, []), f"أنا من {PLACES[label].city}", f"اسمي {label}"]
        for label in labels
    }


def _spelled(text: str) -> str:
    return " <SPACE> ".join(" ".join(word) for word in text.split())


def _install(data: Path, name: str, labels: list[str]) -> Path:
    """Train a model with camel-tools' code and save it where `camel_data` puts it."""
    import dill

    folder = data / "data/dialectid" / name
    phrases = _phrases(labels)
    for label, texts in phrases.items():
        _write_language_model(folder / f"lm/word/{label}.arpa", texts)
        _write_language_model(folder / f"lm/char/{label}.arpa", [_spelled(text) for text in texts])
    train = folder / "train.tsv"
    rows = [f"{text}\t{label}" for label, texts in phrases.items() for text in texts]
    train.write_text("\n".join(["ar\tdialect", *rows]), encoding="utf-8")
    module = import_camel(f"camel_tools.dialectid.{name}")
    places: dict[str, Any] = {
        "char_lm_dir": folder / "lm/char", "word_lm_dir": folder / "lm/word"
    }  # fmt: skip
    if name == "model26":
        extra = folder / "extra.tsv"
        rows = [f"{text}\t{label}" for label in PHRASES for text in phrases[label]]
        extra.write_text("\n".join(["ar\tdialect", *rows]), encoding="utf-8")
        model = module.DIDModel26(**places)
        model.train(str(train), str(extra))
    else:
        model = module.DIDModel6(**places)
        model.train(str(train))
    model._char_lms = model._word_lms = None  # as camel-tools saves them
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    with (folder / f"did_pretrained_{version}.dill").open("wb") as file:
        dill.dump(model, file)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("camel")
    _install(folder, "model6", sorted(PHRASES))
    _install(folder, "model26", sorted(PLACES))
    return folder


@pytest.mark.parametrize("name", ["model26", "model6"])
def test_cities_and_countries_are_those_of_camel_tools(name: str) -> None:
    module = import_camel(f"camel_tools.dialectid.{name}")
    assert module.label_city_pairs() <= {(label, place.city) for label, place in PLACES.items()}
    assert module.label_country_pairs() <= {
        (label, place.country) for label, place in PLACES.items()
    }
    if name == "model26":
        assert {label for label, _ in module.label_city_pairs()} == PLACES.keys()


def test_varieties_follow_the_regions_of_camel_tools_but_for_yemen() -> None:
    regions = dict(import_camel("camel_tools.dialectid.model26").label_region_pairs())
    expected = {
        "Modern Standard Arabic": "msa", "Nile Basin": "egy", "Gulf": "glf", "Gulf of Aden": "glf",
        "Levant": "lev", "Maghreb": "mgr",
    }  # fmt: skip
    assert {label: expected[region] for label, region in regions.items()} == {
        label: place.variety for label, place in PLACES.items()
    }
    assert {place.variety for place in PLACES.values()} == set(VARIETIES)


@pytest.mark.parametrize("model", MODELS)
def test_models_are_loaded_and_their_answers_mapped(
    model: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMELTOOLS_DATA", str(data))
    labels = list(PHRASES)
    found = finer_labels([PHRASES[label][0] for label in labels], model)
    for label, answer in zip(labels, found, strict=True):
        assert answer is not None
        assert answer.label == label
        assert answer.variety == PLACES[label].variety
        assert len(answer.probs) == (26 if model == "did26" else 6)
        assert sum(answer.probs.values()) == pytest.approx(1)
        assert sum(answer.by_country().values()) == pytest.approx(1)
        assert list(answer.probs.values()) == sorted(answer.probs.values(), reverse=True)
    module = import_camel(f"camel_tools.dialectid.{'model26' if model == 'did26' else 'model6'}")
    theirs = getattr(module, model.replace("did", "DIDModel")).pretrained()
    (prediction,) = theirs.predict([PHRASES["CAI"][0]], output="country")
    assert found[1] is not None
    assert found[1].country == prediction.top
    assert found[1].by_country() == pytest.approx(
        {name: score for name, score in prediction.scores.items() if name in found[1].by_country()}
    )


def test_text_without_arabic_letters_gets_no_label(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMELTOOLS_DATA", str(data))
    texts = ["", "hello", "123 😀", "عايز ايه", "\ud800عايز\nايه\x00", "ب" * 10_000]
    found = finer_labels(texts, "did6")
    assert [answer is None for answer in found] == [True, True, True, False, False, False]
    assert finer_labels([], "did6") == []


def test_countries_and_varieties_are_sums_of_labels() -> None:
    found = label_of({"DOH": 0.4, "BEI": 0.3, "DAM": 0.2, "ALE": 0.1})
    assert (found.label, found.variety) == ("DOH", "lev")
    assert found.by_variety() == pytest.approx({"glf": 0.4, "lev": 0.6})
    tied = label_of({"RAB": 0.5, "CAI": 0.5})
    assert (tied.label, tied.country, tied.variety) == ("CAI", "Egypt", "egy")


@pytest.mark.parametrize("probs", [{}, {"XYZ": 1.0}])
def test_labels_without_a_place_are_refused(probs: dict[str, float]) -> None:
    with pytest.raises(DataError, match="labels without a place"):
        label_of(probs)


@pytest.mark.parametrize(
    ("model", "package"), [("did26", "dialectid-model26"), ("did6", "dialectid-model6")]
)
def test_missing_data_name_the_command_that_installs_them(
    model: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMELTOOLS_DATA", str(tmp_path))
    with pytest.raises(UsageError) as raised:
        finer_labels(["عايز ايه"], model)
    assert str(raised.value).endswith(f"camel_data -i {package}")


def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"Allowed: did26, did6\."):
        finer_labels(["عايز ايه"], "did7")


def test_a_model_of_another_python_and_a_damaged_one_are_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMELTOOLS_DATA", str(tmp_path))
    folder = tmp_path / "data/dialectid/model6"
    (folder / "lm/char").mkdir(parents=True)
    (folder / "lm/word").mkdir()
    (folder / "did_pretrained_27.dill").touch()
    with pytest.raises(UsageError, match="has no model for Python"):
        finer_labels(["عايز ايه"], "did6")
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    (folder / f"did_pretrained_{version}.dill").write_bytes(b"\x80")
    with pytest.raises(DataError, match="cannot be loaded"):
        finer_labels(["عايز ايه"], "did6")
