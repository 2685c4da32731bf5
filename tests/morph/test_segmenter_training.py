"""Reading annotated words, and training a small model on words written here."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from arabench.errors import DataError
from arabench.morph import lexicon, training
from arabench.morph.gold import (
    UNREACHABLE,
    GoldWord,
    align,
    folded,
    kinds_of,
    read_news,
    read_tweets,
)
from arabench.morph.letters import encode
from arabench.morph.model_file import Model
from arabench.morph.segmenter import BuiltinSegmenter
from arabench.morph.training import Recipe
from arabench.morph.written import read_written

HEADER = "Fold\tSubFold\tSentID\tOrder\tWord\tSegmentation\tPOS\n"


def codes(word: str) -> bytes:
    letters = encode(word)
    assert letters is not None
    return letters.codes


@pytest.mark.parametrize(
    ("word", "segments", "cuts"),
    [
        ("والبيت", "و+ال+بيت", (1, 3)),
        ("للبيت", "ل+ال+بيت", (1, 2)),
        ("لله", "ل+الله", (1,)),
        ("وُعِد", "و+عد", (1,)),
        ("حلوووو", "حل+و", (2,)),
        ("أحمد", "ا+حمد", (1,)),
        ("كتاب", "كتب+ه", None),
        ("كتابي", "كتاب", None),
    ],
)
def test_annotated_segments_are_aligned_with_the_word(
    word: str, segments: str, cuts: tuple[int, ...] | None
) -> None:
    assert align(codes(word), segments.split("+")) == cuts


@pytest.mark.parametrize(
    ("segments", "tags", "kinds"),
    [
        ("و+ب+شوف+ك", "CONJ+PROG_PART+V+PRON", "conjunction progressive stem pronoun"),
        ("شف+ت+ها", "V+PRON+PRON", "stem verb_suffix pronoun"),
        ("شف+نا", "V+PRON", "stem verb_suffix"),
        ("يسمع+نا", "V+PRON", "stem pronoun"),
        ("م+نام+ش", "PART+V+NEG_PART", "negation stem negation"),
        ("قال+ل+ي", "V+PREP+PRON", "stem indirect_object pronoun"),
        ("شنط+ة", "NOUN+NSUFF", "stem noun_suffix"),
        ("ل+ها", "PREP+PRON", "preposition pronoun"),
        ("من+ها", "PREP+PRON", "stem pronoun"),
        ("ه+ال+باب", "PRON+DET+NOUN", "demonstrative article stem"),
        ("يا+بنت", "PART+NOUN", "particle stem"),
        ("جد+ا", "NOUN+CASE", "stem case"),
    ],
)
def test_tags_become_kinds(segments: str, tags: str, kinds: str) -> None:
    assert kinds_of(segments.split("+"), tags.split("+")) == tuple(kinds.split())


def test_tweets_are_read_with_their_folds(tmp_path: Path) -> None:
    (tmp_path / "egy.tsv").write_text(
        HEADER
        + "2\tA\t1\t1\tبالباب\tب+ال+باب\tPREP+DET+NOUN\n"
        + "2\tA\t1\t2\t@me\t@me\tMENTION\n"
        + "2\tA\t1\t3\tكتب\tكت+اب\tNOUN+NOUN\n"
        + "2\tA\t1\t4\tEOS\tEOS\tEOS\n",
        encoding="utf-8",
    )
    words = read_tweets(tmp_path, "egy")
    assert [(w.word, w.cuts, bool(w.codes), w.part) for w in words] == [
        ("بالباب", (1, 3), True, "2"),
        ("@me", (), False, "2"),
        ("كتب", UNREACHABLE, True, "2"),
    ]


@pytest.mark.parametrize("content", [None, "a\tb\n1\t2\n", ""])
def test_a_file_of_another_layout_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "egy.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="tweets"):
        read_tweets(tmp_path, "egy")


def test_news_words_are_rebuilt_and_freed_from_punctuation(tmp_path: Path) -> None:
    rows = [("و", True), ("باب", True), (".", False), ("ل", True), ("لبيت", False)]
    lines = ["# newdoc id = d1"]
    for number, (form, glued) in enumerate(rows, start=1):
        misc = "SpaceAfter=No" if glued else "_"
        lines.append("\t".join([str(number), form, *["_"] * 7, misc]))
    folder = tmp_path / "ud_arabic_pud"
    folder.mkdir()
    (folder / "ar_pud-first500.conllu").write_text("\n".join(lines), encoding="utf-8")
    words = read_news(tmp_path)
    assert [(w.word, w.cuts, w.part) for w in words] == [
        ("وباب", (1,), "d1"),
        (".", (), "d1"),
        ("للبيت", (1,), "d1"),
    ]


def test_absent_news_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="news"):
        read_news(tmp_path)


def test_absent_corpora_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        lexicon.count_words(tmp_path)
    with pytest.raises(DataError, match="verb databases"):
        lexicon.read_verb_stems(tmp_path)


def test_written_words_are_well_formed_and_within_the_grammar() -> None:
    words = read_written()
    assert len(words) > 3000
    unreachable = [
        w.word
        for w in words
        if not training._right_candidates((w.codes, w.cuts, w.kinds, w.convention))
    ]
    assert unreachable == []


def test_a_written_word_that_is_not_arabic_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.txt"
    path.write_text("# words\nب+يت ab+c\n", encoding="utf-8")
    with pytest.raises(DataError, match="ab\\+c"):
        read_written(path)


# --- training on a handful of invented words ------------------------------------------------

STEMS = "باب شارع قمر كرسي دفتر صندوق".split()  # noqa: SIM905


def small_gold() -> list[GoldWord]:
    words = []
    for part, stem in enumerate(STEMS):
        for segments in ([stem], ["ال", stem], ["و", "ال", stem], [stem, "هم"], ["ب", stem]):
            word = "".join(segments)
            cuts = align(codes(word), segments)
            assert cuts is not None
            words.append(GoldWord(word, codes(word), cuts, (), "full", "egy", str(part % 2)))
    return words


def small_entries() -> lexicon.Entries:
    seen = Counter({folded(codes(stem)): 20 for stem in STEMS})
    return lexicon.collect({"msa": seen, "dialect": Counter()}, {})


@pytest.fixture(scope="module")
def trained() -> Model:
    weights, table = training.learn(small_gold(), small_entries(), Recipe(epochs=4))
    return Model(weights, table, {})


def test_the_same_words_train_the_same_weights(trained: Model) -> None:
    weights, table = training.learn(small_gold(), small_entries(), Recipe(epochs=4))
    assert Model(weights, table, {}).checksum == trained.checksum


def test_another_seed_trains_other_weights(trained: Model) -> None:
    weights, _ = training.learn(small_gold(), small_entries(), Recipe(epochs=4, seed=2))
    assert weights.tobytes() != trained.weights.tobytes()


def test_a_trained_model_knows_its_words(trained: Model) -> None:
    report = training.measure(small_gold(), [], trained.weights, trained.lexicon)
    score = report.scores["egy"]
    assert score.right == score.words == 30
    segments = BuiltinSegmenter(trained).segment(["والقمر"])[0]
    assert [s.surface for s in segments] == ["و", "ال", "قمر"]
    assert [s.kind for s in segments] == ["conjunction", "article", "stem"]


def test_cross_validation_answers_every_word_once_and_names_the_errors() -> None:
    report = training.cross_validate(small_gold(), small_entries(), Recipe(epochs=2))
    score = report.scores["egy"]
    assert score.words == 30
    assert sum(report.errors.values()) == 30 - score.right


def test_tokens_that_are_no_words_count_as_right_in_all_tokens_only(trained: Model) -> None:
    mention = GoldWord("@me", b"", (), (), "full", "egy", "1")
    score = training.measure([mention], [], trained.weights, trained.lexicon).scores["egy"]
    assert (score.right, score.words, score.right_arabic, score.arabic) == (1, 1, 0, 0)


def test_the_packaged_model_holds_on_the_annotated_words(shared_data: Path) -> None:
    # Trained on these very words: guards against weights that do not fit the code.
    from arabench.morph.segmenter import _packaged

    model = _packaged()
    gold = training.read_gold(shared_data)
    report = training.measure(gold, [], model.weights, model.lexicon)
    for source, score in report.scores.items():
        assert score.right_arabic / score.arabic > 0.97, source
