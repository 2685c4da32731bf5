"""Items in training text: what is found, where, and what is not."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from arabench.corpus.word_hashes import scan
from arabench.errors import UsageError
from arabench.evaluation.contamination import search as module
from arabench.evaluation.contamination.alignment import align, shingles
from arabench.evaluation.contamination.index import PairIndex
from arabench.evaluation.contamination.items import Item, Part, item_of
from arabench.evaluation.contamination.options import Options
from arabench.evaluation.contamination.renderings import likeness
from arabench.evaluation.contamination.search import Finding, Search, split_rows
from arabench.evaluation.contamination.skeletons import skeletons

SENTENCE = "ذهبت الأستاذة منى إلى المدرسة القديمة يوم ٢٣ مارس مع تلاميذها."
QUESTION = "ما اسم أطول جسر معلق بني في المدينة قبل عام 1950؟"
#: Twelve words that are in no other text here.
LONG = "رتب البستاني أحواض النعناع قرب السور ثم سقاها قبيل الفجر بماء البئر البارد"


def item(text: str, name: str = "a", answer: str = "", part: str = "sentence") -> Item:
    return Item("task", name, (Part(part, text),), answer)


def find(texts: list[str], *items: Item, options: Options | None = None) -> list[Finding]:
    search = Search(items, options)
    search.look(texts, "train.txt")
    return search.findings()


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        "ذَهَبَتِ الأُسْتاذَةُ مُنى إلى المَدْرَسَةِ القَديمَةِ يومَ ٢٣ مارس مع تلاميذِها",
        "ذهبـــت الأستـــاذة منى إلى المدرســـة القديمة يوم ٢٣ مارس مع تلاميذها",
        "ذهبت الاستاذه منى الي المدرسه القديمه يوم 23 مارس مع تلاميذها",
        "ذهبت أﻷستاذة منى إلى المدرسة القديمة يوم ۲۳ مارس مع تلاميذها".replace("أﻷ", "ﺍﻷ"),
        "ذهبت، الأستاذة (منى) إلى: المدرسة القديمة - يوم 23 مارس - مع تلاميذها!",
        "ذهبت  الأستاذة\u00a0منى\tإلى المدرسة\u200f القديمة\nيوم ٢٣ مارس مع تلاميذها",
        f"قبلها كلام آخر كثير {SENTENCE} وبعدها كلام",
    ],
    ids=["verbatim", "marks", "tatweel", "letters", "ligature", "signs", "space", "inside"],
)
def test_spelling_makes_no_difference(text: str) -> None:
    (found,) = find(["سطر أول بلا شيء", text], item(SENTENCE))
    assert found.level == "exact"
    assert found.hits["exact"].score == 1.0
    assert (found.hits["exact"].file, found.hits["exact"].row) == ("train.txt", 2)
    assert found.hits["exact"].excerpt.startswith("ذ")


def test_a_few_words_count_only_as_a_sentence_of_their_own() -> None:
    short = item("متى تبدأ الدروس؟")
    (inside,) = find(["سألني متى تبدأ الدروس في المدرسة فلم أجب"], short)
    assert not inside.hits
    assert inside.told
    for text in (
        "متى تبدأ الدروس؟",
        "سألني: متى تبدأ الدروس؟ فلم أجب.",
        "نعم\nمتى تبدا الدروس\nلا",
    ):
        (found,) = find([text], short)
        assert found.level == "exact", text


@pytest.mark.parametrize("text", ["نعم", "شكرا جزيلا", "-4 + (−3) =", ""])
def test_less_than_three_words_are_not_looked_for(text: str) -> None:
    (found,) = find([text, f"قال. {text}. ثم"], item(text))
    assert not found.told
    assert not found.hits


def test_an_item_over_two_rows_is_in_neither() -> None:
    words = LONG.split()
    (found,) = find([" ".join(words[:6]), " ".join(words[6:])], item(LONG))
    assert "exact" not in found.hits
    assert "near" not in found.hits


def test_half_of_a_passage_in_a_row() -> None:
    words = [f"كلمة{number}" for number in range(40)]
    for kept, level in ((20, "ngram"), (19, None)):
        (found,) = find([" ".join(["قال", *words[:kept], "وسكت"])], item(" ".join(words)))
        assert found.level == level, kept
    assert found.hits == {}


def test_length_of_runs_and_share_are_options() -> None:
    words = [f"كلمة{number}" for number in range(40)]
    text = [" ".join(["آخر", *words[:12], "غيره", *words[20:26], "آخر"])]
    assert not find(text, item(" ".join(words)))[0].hits
    (found,) = find(text, item(" ".join(words)), options=Options(gram=6, overlap=0.45))
    assert found.hits["ngram"].score == pytest.approx(18 / 40)


@pytest.mark.parametrize(
    "text",
    [
        LONG.replace("النعناع", "الريحان").replace("الفجر", "العصر"),
        LONG.replace("قرب السور ", ""),
        LONG.replace("ثم سقاها", "سقاها ثم"),
        "وكان يا ما كان " + LONG.replace("البستاني", "البستاني العجوز") + " وانتهى اليوم",
    ],
    ids=["replaced", "deleted", "exchanged", "inserted"],
)
def test_other_words_here_and_there_are_near(text: str) -> None:
    (found,) = find([text], item(LONG))
    assert found.level in {"near", "ngram"}
    assert found.hits["near"].excerpt.startswith("رتب")


def test_one_phrase_in_common_is_not_near() -> None:
    question = item("من الطبيب الذي وصف الدورة الدموية في القرن الثالث عشر الميلادي؟")
    (found,) = find(["بنيت القلعة في القرن الثالث عشر الميلادي، ثم هدمت."], question)
    assert not found.hits


@pytest.mark.parametrize(
    "text",
    [
        "zhbt el ostaza mona lel madrasa el 2adima yom 23 mares m3a talamizha",
        "Dhahabat al-ustadha Mona ela almadrasa alqadima youm 23 mars ma3 talameethha",
    ],
)
def test_latin_letters_are_read(text: str) -> None:
    (found,) = find([text], item(SENTENCE))
    assert found.level == "arabizi"
    assert 0.6 <= found.hits["arabizi"].score <= 1


def test_other_text_in_latin_letters_is_not() -> None:
    english = "The teacher went to the old school in March with all of her pupils."
    (found,) = find([english], item(SENTENCE))
    assert not found.hits


def test_the_answer_beside_its_question_is_said() -> None:
    asked = item(QUESTION, answer="جسر الحرية", part="question")
    (alone,) = find([QUESTION], asked)
    (both,) = find([QUESTION, f"{QUESTION} الجواب: جسر الحرية."], asked)
    assert not alone.hits["exact"].answer
    assert both.hits["exact"].answer
    assert both.hits["exact"].row == 2
    assert both.hits["exact"].part == "question"


def test_equal_texts_of_several_tasks_are_all_found() -> None:
    others = [Item(name, "1", (Part("sentence", SENTENCE),)) for name in ("lm", "tax")]
    assert [found.level for found in find([SENTENCE], *others)] == ["exact", "exact"]


def test_a_beginning_that_many_items_share() -> None:
    """Its pairs point at none of them, and each is found all the same."""
    start = "اختر الإجابة الصحيحة مما يلي عن"
    items = [item(f"{start} مدينة{n} وتاريخها{n}", str(n)) for n in range(90)]
    found = find([one.parts[0].text for one in items[::3]], *items)
    assert [bool(one.hits.get("exact")) for one in found] == [n % 3 == 0 for n in range(90)]


def test_a_long_row_is_looked_at_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_CHARS", 40_000)
    filler = "حجر شجر قمر نهر " * 1500  # 24,000 characters
    for place in range(0, len(filler) * 4, 6007):
        text = filler * 4
        (found,) = find(["أول", text[:place] + f" {LONG} " + text[place:]], item(LONG))
        assert found.level == "exact", place
        assert found.hits["exact"].row == 2


def test_no_piece_is_longer_than_what_is_scanned() -> None:
    pieces, rows = split_rows(["x" * (3 * module.PIECE_CHARS), "y"], 7)
    assert max(map(len, pieces)) <= module.PIECE_CHARS
    assert rows == [7] * (len(pieces) - 1) + [8]


@pytest.mark.parametrize("seed", range(40))
def test_alignment_is_what_counting_says(seed: int) -> None:
    """Against sets of tuples of words."""
    draw = random.Random(seed)
    part = [draw.randrange(30) for _ in range(draw.randint(5, 14))]
    text = [draw.randrange(30) for _ in range(5)]
    for _ in range(3):
        start = draw.randrange(len(part))
        text += [*part[start : start + draw.randint(2, 9)], draw.randrange(30)]
    gram = draw.randint(2, 5)
    found = align(np.array(part, np.uint64), np.array(text, np.uint64), gram)
    runs = {tuple(text[at : at + gram]) for at in range(len(text))}
    covered = {
        at + step
        for at in range(len(part) - gram + 1)
        if tuple(part[at : at + gram]) in runs
        for step in range(gram)
    }
    whole = [at for at in range(len(text)) if text[at : at + len(part)] == part]
    assert found.covered == pytest.approx(len(covered) / len(part))
    assert found.whole == (whole[0] if whole else -1)
    if found.end:
        sets = [{*words, *pairwise(words)} for words in (part, text[found.start : found.end])]
        assert found.similarity == pytest.approx(len(sets[0] & sets[1]) / len(sets[0] | sets[1]))
        assert found.shared == len(sets[0] & sets[1])


def test_shingles_of_one_word() -> None:
    assert len(shingles(np.array([5], np.uint64))) == 1


def test_nothing_to_look_for() -> None:
    assert PairIndex([]).suspects(np.arange(9, dtype=np.uint64), np.array([0, 9])) == []
    assert find(["نص"]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("el-madrasa", "elmadrasa"), ("mabrook", "mabruk"), ("7abibi", "habibi"), ("qalb", "kalb"),
     ("shams", "ššams".replace("š", "s")), ("wallah", "wala"), ("el beit", "beyt")],
)  # fmt: skip
def test_skeletons_of_one_word_meet(one: str, other: str) -> None:
    first, second = skeletons(scan([one])), skeletons(scan([other]))
    assert first is not None
    assert second is not None
    assert first.hashes.tolist() == second.hashes.tolist()


def test_skeletons_know_their_words_and_texts() -> None:
    found = skeletons(scan(["قال sabah ثم eh world 2024", "لا", "ok يا man"]))
    assert found is not None
    assert found.numbers.tolist() == [1, 4, 7, 9]
    assert found.text_words.tolist() == [0, 2, 2, 4]
    assert skeletons(scan(["كله عربي 12"])) is None


def test_likeness_of_a_reading() -> None:
    assert likeness("7abibi", "حبيبي", "egy") == 1.0
    assert likeness("good morning", SENTENCE, "egy") < 0.5


@pytest.mark.parametrize("wrong", [{"gram": 4}, {"gram": 101}, {"near": 0.0}, {"overlap": 1.5}])
def test_impossible_thresholds(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"Use "):
        Options(**wrong)  # type: ignore[arg-type]


def test_parts_of_each_kind_of_document() -> None:
    names = {
        "lm": {"id": "1/egy", "text": "نص"},
        "tax": {"id": "1", "texts": ["نص", "فصيح"]},
        "mt": {"id": "1", "source": "نص", "target": "text"},
        "rc": {"id": "1", "context": "نص", "question": "سؤال", "answers": ["جواب", "آخر"]},
        "mmlu": {"id": "1", "question": "سؤال", "choices": ["خطأ", "صواب"], "answer": 1},
    }
    items = {task: item_of(task, document) for task, document in names.items()}
    assert {task: [part.name for part in one.parts] for task, one in items.items()} == {
        "lm": ["sentence"],
        "tax": ["sentence", "MSA sentence"],
        "mt": ["source", "target"],
        "rc": ["passage", "question"],
        "mmlu": ["question"],
    }
    assert (items["rc"].answer, items["mmlu"].answer) == ("جواب", "صواب")
    with pytest.raises(UsageError, match="fields id, premise"):
        item_of("foreign", {"id": "1", "premise": "x"})
