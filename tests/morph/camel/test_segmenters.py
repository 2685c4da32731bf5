"""The CAMeL backends beside camel-tools itself, on stand-ins and on real databases."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("camel_tools", reason="needs the extra arabench[morph]")

from arabench.camel_data import import_camel
from arabench.errors import DataError, UsageError
from arabench.morph.analysis import KINDS, PROCLITICS, Analysis
from arabench.morph.camel.database import CompiledDatabase, rank
from arabench.morph.camel.database_file import read_database
from arabench.morph.camel.mle import LikelihoodRanking
from arabench.morph.camel.morphemes import Morph, morphs_of, segments, split_letters
from arabench.morph.camel.segmenters import CamelDatabase, camel_bert, camel_db, camel_mle
from tests.morph.camel.camel_folder import database_text, write_bert, write_database, write_mle

#: Names of the real databases that camel-tools reads, and of some it does not.
READABLE = ("XYZ_msa_ramaY_v1.0.db", "XYZ_msa_safiyr_v1.0.db", "XYZ_msa_EalaY_v1.0.db")
CUT_DOWN = ("XYZ_egy_iv_v1.0_red.db", "XYZ_glf_pv_v1.0_red.db", "XYZ_msa_cv_v1.0_red.db")

WORDS = [
    "كتاب",
    "الكتاب",
    "والكتاب",
    "كتابه",
    "كتابهم",
    "والكتب",
    "مدرسه",
    "مدرسة",
    "مدرستهم",
    "للمدرسة",
    "كتبوها",
    "كتبوا",
    "كتب",
    "كتبه",
    "سيكتب",
    "يكتبه",
    "رماه",
    "عليه",
    "على",
    "علي",
    "زيد",
    "بزيد",
    "وزيد",
    "والقاهرة",
    "كتابا",
]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> CamelDatabase:
    return camel_db(write_database(tmp_path_factory.mktemp("db")))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """camel-tools' folder for this test."""
    monkeypatch.setenv("CAMELTOOLS_DATA", str(tmp_path))
    return tmp_path


def shown(analysis: Analysis) -> str:
    return "+".join(
        segment.surface + (f"({segment.form})" if segment.form != segment.surface else "")
        for segment in analysis
    )


def kinds(analysis: Analysis) -> list[str]:
    return [segment.kind for segment in analysis]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("كتاب", "كتاب"),
        ("والكتاب", "و+ال+كتاب"),
        ("مدرستهم", "مدرس+ت(ة)+هم"),
        ("للمدرسة", "ل+ل(ال)+مدرس+ة"),
        ("لِلْمَدْرَسَةِ", "لِ+لْ(الْ)+مَدْرَسَ+ةِ"),
        ("كتبوها", "كتب+و(وا)+ها"),
        ("سيكتب", "س+يكتب"),
        ("رماه", "رما(رمى)+ه"),
        ("رمـــاهُ", "رمـــا(رمـــى)+هُ"),
        ("عليه", "علي(على)+ه"),
        ("على", "على"),
        ("كتابا", "كتاب+ا"),
        ("زيد", "زيد"),
        ("رماهم", "رماهم"),  # not in the table
        ("والقاهرة", "و+ال+قاهرة"),  # guessed: in no table
    ],
)
def test_segments_rejoin_and_show_how_each_is_written_on_its_own(
    word: str, expected: str, tmp_path: Path
) -> None:
    if word == "والقاهرة":
        text = database_text().replace("###TABLE BC###", "NPref-Al N0\n###TABLE BC###")
        path = tmp_path / "guess.db"
        path.write_text(text, encoding="utf-8")
    else:
        path = write_database(tmp_path)
    (analysis,) = camel_db(path).segment([word])
    assert shown(analysis) == expected
    assert "".join(segment.surface for segment in analysis) == word


@pytest.mark.parametrize(
    ("word", "tagged", "expected"),
    [
        ("الان", "ال/DET+آن/NOUN", "ال+ان"),
        ("عليه", "عَلَى/PREP+هِ/PRON_3MS", "علي(على)+ه"),
        ("علام", "عَلَى/PREP+مَا/INTERROG_PRON", "علا(على)+م"),
        ("به", "بِ/PREP+هِ/PRON_3MS", "ب+ه"),
        ("اصدقائه", "أَصْدِقاء/NOUN+ِهِ/PRON_3MS", "اصدقائ(اصدقاء)+ه"),
    ],
)
def test_stems_that_hold_clitics_are_split(word: str, tagged: str, expected: str) -> None:
    assert shown(segments(word, morphs_of(tagged, "stem"), "على")) == expected


@pytest.mark.parametrize(
    ("tagged", "part", "expected"),
    [
        ("وَ/CONJ+بِ/PREP+ال/DET", "prefix", "conjunction preposition article"),
        ("وَ/CONJ+سَ/FUT_PART+يَ/IV3MS", "prefix", "conjunction particle stem"),
        ("حَ/FUT_PART", "prefix", "future"),
        ("بِ/PROG_PART+ي/IV3P", "prefix", "progressive stem"),
        ("ما/NEG_PART+بِ/PROG_PART", "prefix", "negation progressive"),
        ("هَ/DEM+ال/DET", "prefix", "demonstrative article"),
        ("لِ/JUS_PART+يَ/IV3MS", "prefix", "preposition stem"),
        ("لَ/EMPHATIC_PART", "prefix", "particle"),
        ("ُوا/PVSUFF_SUBJ:3P+ش/NEG_PART", "suffix", "verb_suffix negation"),
        ("ت/PVSUFF_SUBJ:1S+لِ/PREP+ه/PRON_3MS", "suffix", "verb_suffix indirect_object pronoun"),
        ("َة/NSUFF_FEM_SG+ُ/CASE_DEF_NOM+ها/POSS_PRON_3FS", "suffix", "noun_suffix pronoun"),
        ("اً/CASE_INDEF_ACC", "suffix", "case"),
        ("ُ/IVSUFF_MOOD:I", "suffix", ""),
        ("(null)/PVSUFF_SUBJ:3MS", "suffix", ""),
    ],
)
def test_kinds_follow_the_tags(tagged: str, part: Any, expected: str) -> None:
    assert " ".join(morph.kind for morph in morphs_of(tagged, part)) == expected


def test_spelling_decides_between_teh_marbuta_and_the_pronoun(stand_in: CamelDatabase) -> None:
    pronoun, feminine = stand_in.segment(["مدرسه", "مدرسة"])
    assert kinds(pronoun) == ["stem", "pronoun"]
    assert kinds(feminine) == ["stem", "noun_suffix"]


@pytest.mark.parametrize("word", ["", "ـ", "َ", "ً" * 30, "abc", "١٢٣", "كتاب!", "😀", "ك" * 10_000])
def test_what_is_no_word_of_the_database_is_one_stem(stand_in: CamelDatabase, word: str) -> None:
    (analysis,) = stand_in.segment([word])
    assert [segment.surface for segment in analysis] == [word]
    assert kinds(analysis) == ["stem"]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=[*list("وفبلالكتمدرسهةيىانهاُِّـ#/+_a "), "�", "\u200f"], max_size=12))
def test_any_string_rejoins_from_its_segments(stand_in: CamelDatabase, word: str) -> None:
    (analysis,) = stand_in.segment([word])
    assert "".join(segment.surface for segment in analysis) == word
    assert all(segment.surface for segment in analysis) or not word
    assert {segment.kind for segment in analysis} <= set(KINDS)
    stems = kinds(analysis).count("stem")
    assert stems == 1 or (stems == 0 and set(kinds(analysis)[:-1]) <= PROCLITICS)


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet="ابتةهويىلك", min_size=1, max_size=9),
    st.lists(
        st.tuples(st.text(alphabet="ابتةهويىلك", min_size=1, max_size=4), st.sampled_from(KINDS)),
        min_size=1,
        max_size=5,
    ),
)
def test_any_morphemes_split_any_letters(letters: str, pairs: list[tuple[str, Any]]) -> None:
    morphs = tuple(Morph(text, kind) for text, kind in pairs)
    ends = split_letters(letters, morphs)
    assert ends == sorted(ends)
    assert ends[-1] == len(letters)
    found = segments(letters, morphs)
    assert "".join(segment.surface for segment in found) == letters


def _reference(compiled: CompiledDatabase) -> Any:
    analyzer = import_camel("camel_tools.morphology.analyzer")
    return analyzer.Analyzer(compiled.database, compiled.backoff)


def _words_of(compiled: CompiledDatabase, count: int) -> list[str]:
    """Words that the tables allow, and some that they do not, seeded."""
    database, chance = compiled.database, random.Random(5)
    tables = [sorted(table) for table in (
        database.prefix_hash, database.stem_hash, database.suffix_hash)]  # fmt: skip
    words = ["".join(map(chance.choice, tables)) for _ in range(count)]
    return [word for word in words if word and "NOAN" not in word]


def _assert_same_as_camel(compiled: CompiledDatabase, words: list[str]) -> int:
    """Every analysis in place, and the best of them; returns the number of analyses."""
    reference, total = _reference(compiled), 0
    dediac = import_camel("camel_tools.utils.dediac").dediac_ar
    for word in words:
        expected = reference.analyze(word)
        candidates = compiled.candidates(word)
        assert [compiled.merged(item) for item in candidates] == [
            {name: value for name, value in item.items() if name not in _ADDED_BY_ANALYZE}
            for item in _without_additions(expected, compiled, candidates)
        ]
        for item, features in zip(candidates, expected, strict=True):
            assert compiled.diacritized(item) == features["diac"]
            assert compiled.tagged(item) == features["bw"]
            assert compiled.lexeme(item) == features["lex"]
            exact = dediac(features["diac"]) == dediac(word).replace("\u0640", "")
            assert rank(item, compiled.unmarked(word))[0] is not exact
        total += len(expected)
    return total


_ADDED_BY_ANALYZE = {"stemcat"}


def _without_additions(
    expected: list[dict[str, Any]], compiled: CompiledDatabase, candidates: list[Any]
) -> list[dict[str, Any]]:
    """What `Analyzer` puts over the merged features is of no use to segments."""
    same = []
    for features, item in zip(expected, candidates, strict=True):
        merged = compiled.merged(item)
        assert features["stemcat"] == item.stem.category
        own = {"source", "pattern", "gloss", "caphi"}
        same.append({**features, **{name: merged[name] for name in own if name in merged}})
        for name in own - merged.keys():
            same[-1].pop(name, None)
    return same


def test_analyses_are_those_of_camel_tools_in_its_order(stand_in: CamelDatabase) -> None:
    words = [*WORDS, *_words_of(stand_in.compiled, 300)]
    assert _assert_same_as_camel(stand_in.compiled, words) > 300


@pytest.mark.parametrize("name", [*READABLE, *CUT_DOWN])
@pytest.mark.shared_data
def test_analyses_of_real_databases_are_those_of_camel_tools(name: str, shared_data: Path) -> None:
    database, left_out = read_database(shared_data / "camel_morph/db" / name)
    assert bool(left_out) == (name in CUT_DOWN)
    compiled = CompiledDatabase(database)
    assert _assert_same_as_camel(compiled, _words_of(compiled, 400)) > 0


@pytest.mark.shared_data
def test_real_databases_give_d3_tokens_of_camel_tools(shared_data: Path) -> None:
    path = shared_data / "camel_morph/db" / READABLE[1]
    segmenter = camel_db(path)
    compiled = segmenter.compiled
    dediac = import_camel("camel_tools.utils.dediac").dediac_ar
    words = [word for word in _words_of(compiled, 400) if compiled.candidates(word)]
    assert words
    for word, analysis in zip(words, segmenter.segment(words), strict=True):
        best = compiled.best(word)
        assert best is not None
        tokens = dediac(compiled.merged(best)["d3tok"]).split("_")
        clitics = [token for token in tokens if "+" in token]
        outer = PROCLITICS | {"pronoun"}
        assert len(clitics) == sum(segment.kind in outer for segment in analysis), word


@pytest.mark.shared_data
def test_verbs_of_camel_morph_are_segmented_without_the_sections_left_out(
    shared_data: Path,
) -> None:
    segmenter = camel_db(shared_data / "camel_morph/db" / CUT_DOWN[0])
    assert "without:POSTREGEX,SMARTBACKOFF" in segmenter.signature
    found = segmenter.segment(["وتكتبوا", "تحبه"])
    assert [shown(analysis) for analysis in found] == ["و+تكتب+وا", "تحب+ه"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\x00\xff\x00" * 99, "is no CAMeL morphology database"),
        (b"SQLite format 3\x00", "is no CAMeL morphology database"),
        (b"###DEFINES###\n", "lacks the sections"),
        (b"###DEFINES###\n\xff\xfe\n", "lacks the sections"),
        (database_text().replace("###TABLE AC###", "###TABLE AD###").encode(), "TABLE AD"),
        (database_text().replace("DEFINE pos ", "DEFINED pos ").encode(), "is a damaged"),
        (database_text().replace("N Suff-0\n", "N\n").encode(), "is a damaged"),
        (database_text().replace("diac:كِتاب", "diac").encode(), "is a damaged"),
        (database_text().replace("\t", " ").encode(), "is a damaged"),
        (database_text().replace("diac:NOAN", "daic:NOAN").encode(), "has an entry without"),
        (database_text().replace("diac:رَما", "daic:رَما").encode(), "has an entry without"),
        (database_text().replace("logprob:-4.2", "logprob:low").encode(), "has an entry without"),
        (database_text().split("###TABLE AC###")[0].encode() + b"###TABLE AC###\n", "is cut off"),
        (database_text().encode()[:2000] + b"\xff\xfe" + database_text().encode()[2000:], "utf-8"),
    ],
)
def test_what_is_no_readable_database_gives_one_clear_error(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.db"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        camel_db(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_and_an_absent_file_are_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a file"):
        camel_db(tmp_path)
    with pytest.raises(UsageError, match="no database"):
        camel_db(tmp_path / "absent.db")


def test_d3_tokens_stand_in_for_tags_that_a_database_lacks(tmp_path: Path) -> None:
    path = tmp_path / "untagged.db"
    path.write_text(re.sub(r" bw:[^*\s]\S*", "", database_text()), encoding="utf-8")
    found = camel_db(path).segment(["وكتابه", "بكتاب", "الكتاب", "مدرستهم"])
    assert [shown(analysis) for analysis in found] == [
        "و+كتاب+ه", "ب+كتاب", "ال+كتاب", "مدرست(مدرسة)+هم"
    ]  # fmt: skip
    assert kinds(found[0]) == ["conjunction", "stem", "pronoun"]


def test_backoff_is_left_out_where_the_database_has_none(tmp_path: Path) -> None:
    text = "\n".join(line for line in database_text().splitlines() if not line.startswith("NOAN"))
    path = tmp_path / "plain.db"
    path.write_text(text, encoding="utf-8")
    segmenter = camel_db(path)
    assert "backoff:NONE" in segmenter.signature
    assert shown(segmenter.segment(["بزيد"])[0]) == "بزيد"


@pytest.mark.parametrize(
    ("make", "command"),
    [
        (camel_mle, "camel_data -i disambig-mle-calima-msa-r13"),
        (lambda: camel_mle("calima-egy-r13"), "camel_data -i disambig-mle-calima-egy-r13"),
        (camel_bert, "camel_data -i disambig-bert-unfactored-msa"),
        (lambda: camel_bert("lev"), "camel_data -i disambig-bert-unfactored-lev"),
    ],
)
def test_missing_data_name_the_command_that_installs_them(
    make: Any, command: str, installed: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        make()
    assert str(raised.value).endswith(command)
    assert list(installed.iterdir()) == []


def test_unknown_data_are_answered_with_those_there_are(installed: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'calima-msa-r13'"):
        camel_mle("calima-msa")
    with pytest.raises(UsageError, match="Allowed: egy, glf, lev, msa"):
        camel_bert("mgr")


def test_a_database_missing_beside_its_model_is_named(installed: Path) -> None:
    write_mle(installed)
    (installed / "data/morphology_db/calima-msa-r13/morphology.db").unlink()
    with pytest.raises(UsageError, match="camel_data -i morphology-db-msa-r13"):
        camel_mle()


def test_mle_takes_what_camel_tools_takes(installed: Path) -> None:
    write_mle(installed)
    segmenter = camel_mle()
    assert segmenter.in_context is False
    assert segmenter.signature.startswith("camel-mle|calima-msa-r13|")
    mle = import_camel("camel_tools.disambig.mle")
    folder = installed / "data"
    database, _ = read_database(folder / "morphology_db/calima-msa-r13/morphology.db")
    compiled = CompiledDatabase(database)
    theirs = mle.MLEDisambiguator(
        _reference(compiled), str(folder / "disambig_mle/calima-msa-r13/model.json")
    )
    words = [*WORDS, *_words_of(compiled, 300), "كَتَبَ"]
    for word, analysis in zip(words, segmenter.segment(words), strict=True):
        chosen = theirs.disambiguate([word])[0].analyses
        candidate = compiled.candidate_of(word, chosen[0].analysis) if chosen else None
        assert analysis == compiled.segments(word, candidate), word


@pytest.mark.shared_data
def test_mle_takes_what_camel_tools_takes_on_a_real_database(
    shared_data: Path, tmp_path: Path
) -> None:
    """Counts are made of analyses drawn from the database, some of another word."""
    mle = import_camel("camel_tools.disambig.mle")
    database, _ = read_database(shared_data / "camel_morph/db" / READABLE[0])
    compiled, chance = CompiledDatabase(database), random.Random(11)
    words = [word for word in _words_of(compiled, 3000) if compiled.candidates(word)]
    assert len(words) > 30
    drawn = {
        word: compiled.merged(chance.choice(compiled.candidates(chance.choice([word, *words]))))
        for word in words[::2]
    }
    path = tmp_path / "model.json"
    path.write_text(json.dumps(drawn), encoding="utf-8")
    theirs = mle.MLEDisambiguator(_reference(compiled), str(path))
    ours = LikelihoodRanking(compiled, drawn)
    for word in words:
        chosen = theirs.disambiguate([word])[0].analyses[0].analysis
        best = ours.best(word)
        assert best is not None
        found = (compiled.diacritized(best), compiled.tagged(best), compiled.lexeme(best))
        assert found == (chosen["diac"], chosen["bw"], chosen["lex"]), word


def test_the_counts_decide_over_the_probabilities(installed: Path) -> None:
    write_mle(installed)
    (counted,) = camel_mle().segment(["مدرسه"])
    assert kinds(counted) == ["stem", "pronoun"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"كتب": 3}', '{"كتب": {}}', "\x00"])
def test_a_damaged_mle_model_is_one_error(text: str, installed: Path) -> None:
    write_mle(installed)
    path = installed / "data/disambig_mle/calima-msa-r13/model.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="camel_data -f -i"):
        camel_mle()


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("bert")
    write_bert(folder)
    return folder


def test_bert_takes_what_camel_tools_takes_in_its_sentence(
    bert_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMELTOOLS_DATA", str(bert_folder))
    segmenter = camel_bert(use_gpu=False)
    assert segmenter.in_context is True
    assert segmenter.signature.startswith("camel-bert|msa|")
    chance = random.Random(3)
    sentences = [[chance.choice(WORDS) for _ in range(size)] for size in (1, 3, 8, 20)]
    sentences[2][4:4] = ["ـ", "َ", "", " ", "abc", "😀", "\ud800", "\u200f", "ك" * 10_000]
    found = segmenter.segment_sentences([*sentences, []])
    assert found[-1] == []
    for words, analyses in zip(sentences, found, strict=False):
        assert ["".join(s.surface for s in analysis) for analysis in analyses] == words
        assert segmenter.segment(words) == analyses
    theirs, compiled = segmenter._disambiguator, segmenter._compiled
    for words in sentences[:2]:
        for word, chosen, analysis in zip(
            words, theirs.disambiguate(words), segmenter.segment(words), strict=True
        ):
            candidate = compiled.candidate_of(word, chosen.analyses[0].analysis)
            assert analysis == compiled.segments(word, candidate)


@pytest.mark.parametrize("name", ["config.json", "default_config.json", "mle_model.json"])
def test_a_damaged_bert_model_is_one_error(name: str, bert_folder: Path, installed: Path) -> None:
    import shutil

    shutil.copytree(bert_folder / "data", installed / "data")
    (installed / "data/disambig_bert_unfactored/msa" / name).write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="is damaged"):
        camel_bert()


_OFFLINE = """
import socket, sys
def refuse(*_, **__): raise SystemExit("reached for the network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from arabench.camel_data import import_camel
for name in {modules}:
    import_camel(name)
from camel_tools.data import CATALOGUE, CT_DATA_DIR
print(CT_DATA_DIR, sorted(CATALOGUE.components))
"""


@pytest.mark.parametrize("named", [True, False])
def test_import_fetches_and_writes_nothing(named: bool, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "CAMELTOOLS_DATA"}
    environment["HOME"] = str(home)
    place = home / ".camel_tools"
    if named:
        place = tmp_path / "data"
        environment["CAMELTOOLS_DATA"] = str(place)
    modules = ["camel_tools.disambig.mle", "camel_tools.tokenizers.morphological"]
    done = subprocess.run(
        [sys.executable, "-c", _OFFLINE.format(modules=modules)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(place) in done.stdout
    assert "DialectID" in done.stdout
    assert list(home.iterdir()) == []


def test_a_damaged_catalogue_of_the_user_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "catalogue.json").write_text("{", encoding="utf-8")
    environment = {**os.environ, "CAMELTOOLS_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _OFFLINE.format(modules=["camel_tools.morphology.database"])],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_users_catalogue_says_where_data_are(installed: Path) -> None:
    write_mle(installed)
    (installed / "data/disambig_mle/calima-msa-r13").rename(installed / "data/elsewhere")
    components = {
        "DisambigMLE": {
            "default": "calima-msa-r13",
            "datasets": {"calima-msa-r13": {"path": "elsewhere"}},
        }
    }
    text = json.dumps({"version": "1.6.0", "packages": {}, "components": components})
    (installed / "catalogue.json").write_text(text, encoding="utf-8")
    assert kinds(camel_mle().segment(["كتبوا"])[0]) == ["stem", "verb_suffix"]


def test_long_words_are_not_kept(stand_in: CamelDatabase) -> None:
    stand_in.segment(["ك" * 10_000, "كتاب"])
    assert "كتاب" in stand_in._known
    assert max(map(len, stand_in._known)) < 100


def test_more_words_than_are_kept_are_all_answered(
    stand_in: CamelDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arabench.morph.camel.segmenters.CACHED_WORDS", 10)
    alone = camel_db_answers(stand_in, WORDS)
    assert stand_in.segment(WORDS) == alone
    assert stand_in.segment(WORDS[:5]) == alone[:5]


def camel_db_answers(segmenter: CamelDatabase, words: list[str]) -> list[Analysis]:
    return [segmenter.compiled.segments(w, segmenter.compiled.best(w)) for w in words]


def test_threads_share_a_segmenter(stand_in: CamelDatabase) -> None:
    alone = stand_in.segment(WORDS)
    results: list[list[Analysis]] = []
    threads = [
        threading.Thread(target=lambda: results.append(stand_in.segment(WORDS))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [alone] * 8
