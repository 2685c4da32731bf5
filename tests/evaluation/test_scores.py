"""Every score against an independent computation; the statistics against theory."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest
import yaml
from sacrebleu.metrics import BLEU, CHRF

from arabench.evaluation import aggregations
from arabench.evaluation.families.next_word import word_ends
from arabench.evaluation.harness.own_tokens import Likelihood
from arabench.evaluation.metrics.intervals import bootstrap, interval, standard_error
from arabench.evaluation.metrics.score import by_item, point, sample
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.tasks import (
    score_lm,
    score_next_word,
    score_tax,
    score_translation,
)

TASKS = Path(__file__).resolve().parents[2] / "tasks"
SENTENCE = "ذهب الولد إلى المدرسة صباحاً ، ثم عاد ؟ هل رأيت القمر اليوم في السماء 3 NASA !"
WORDS = SENTENCE.split()
#: Scores per token -> the place of the sum that counts samples whose tokens nobody knows.
UNKNOWN = {"token_perplexity": 1, "tokenizer_tax": 1, "model_tax": 2}


def _corpora(seed: int) -> tuple[list[str], list[str]]:
    rng = random.Random(seed)
    references = [
        " ".join(rng.choices(WORDS, k=rng.randint(1, 14))) for _ in range(rng.randint(1, 8))
    ]
    hypotheses = []
    for reference in references:
        words = reference.split()
        kept = [word for word in words if rng.random() < 0.8] + rng.choices(WORDS, k=1)
        hypotheses.append("" if rng.random() < 0.2 else " ".join(kept))
    return hypotheses, references


def _samples(name: str, hypotheses: list[str], references: list[str]) -> list[dict[str, object]]:
    return [
        score_translation({"item": str(index), "target": reference}, [hypothesis])[name]
        for index, (hypothesis, reference) in enumerate(zip(hypotheses, references, strict=True))
    ]


@pytest.mark.parametrize("seed", range(25))
def test_bleu_and_chrf_equal_sacrebleu(seed: int) -> None:
    hypotheses, references = _corpora(seed)
    for name, metric in (("bleu", BLEU(tokenize="intl")), ("chrf++", CHRF(word_order=2))):
        ours = point(SCORES[name], by_item(_samples(name, hypotheses, references)).sums)
        assert ours == pytest.approx(metric.corpus_score(hypotheses, [references]).score, abs=1e-9)


@pytest.mark.parametrize(
    ("hypotheses", "references"),
    [([""], ["نعم"]), (["لا"], ["نعم"]), (["نعم"], ["نعم"]), (["أ ب ج د"], ["ه و ز ح"])],
)
def test_degenerate_translations_equal_sacrebleu(
    hypotheses: list[str], references: list[str]
) -> None:
    for name, metric in (("bleu", BLEU(tokenize="intl")), ("chrf++", CHRF(word_order=2))):
        ours = point(SCORES[name], by_item(_samples(name, hypotheses, references)).sums)
        assert ours == pytest.approx(metric.corpus_score(hypotheses, [references]).score, abs=1e-9)


def test_signatures_are_sacrebleus() -> None:
    bleu, chrf = BLEU(tokenize="intl"), CHRF(word_order=2)
    for metric in (bleu, chrf):
        metric.corpus_score(["نعم"], [["نعم"]])
    in_yaml = (TASKS / "arabench_dialects/_mt_template").read_text(encoding="utf-8")
    plain = in_yaml.replace("!function ", "")
    signatures = yaml.safe_load(plain)["metadata"]["signatures"]
    for name, metric in (("bleu", bleu), ("chrf++", chrf)):
        theirs = metric.get_signature().format().rsplit("|version:", 1)[0]
        ours = f"{name}|{theirs}" + ("|punct:unicode" if name == "chrf++" else "")
        assert SCORES[name].signature == ours
        assert signatures[name] == ours


@pytest.mark.parametrize("metric", ["bleu", "chrf++"])
@pytest.mark.parametrize("mark", ["؟", "،", "؛", "۔", "»", "…", "?", "."])
def test_space_before_punctuation_costs_nothing(mark: str, metric: str) -> None:
    samples = _samples(metric, [f"هل تأكل التفاح كل يوم{mark}"], [f"هل تأكل التفاح كل يوم {mark}"])
    assert point(SCORES[metric], by_item(samples).sums) == pytest.approx(100)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Do you eat apples, daily?", "Do you eat an apple every day?"),
        ("هل تأكل التفاح", "هل أكلت تفاحا اليوم"),
    ],
)
def test_chrf_is_sacrebleus_where_punctuation_is_ascii(ours: str, theirs: str) -> None:
    found = point(SCORES["chrf++"], by_item(_samples("chrf++", [ours], [theirs])).sums)
    assert found == pytest.approx(CHRF(word_order=2).corpus_score([ours], [[theirs]]).score)


@pytest.mark.parametrize(
    ("ours", "theirs", "score", "of_sacrebleu"),
    [("هل تأكل؟", "هل تأكل ؟", 100, 79.57), (".؟؟", "نعم.", 5.26, 15.31)],
)
def test_chrf_is_higher_or_lower_than_sacrebleus_by_the_mark_that_is_parted(
    ours: str, theirs: str, score: float, of_sacrebleu: float
) -> None:
    found = point(SCORES["chrf++"], by_item(_samples("chrf++", [ours], [theirs])).sums)
    assert found == pytest.approx(score, abs=0.01)
    own = CHRF(word_order=2).corpus_score([ours], [[theirs]]).score
    assert own == pytest.approx(of_sacrebleu, abs=0.01)


@pytest.mark.parametrize("name", sorted(SCORES))
def test_every_score_has_its_width_and_an_aggregation(name: str) -> None:
    score = SCORES[name]
    counts = [*range(1, score.width + 1)]
    if name == "chrf++":
        counts.reverse()  # no more matches than n-grams
    plain = name.removeprefix("pseudo_")
    if plain in UNKNOWN:
        counts[UNKNOWN[plain]] = 0
    values = [sample(str(index), counts) for index in range(3)]
    value = getattr(aggregations, aggregations.identifier(name))(values)
    error = getattr(aggregations, aggregations.identifier(name) + "_stderr")(values)
    assert math.isfinite(value)
    assert error == pytest.approx(0, abs=1e-9)  # equal items: nothing to vary


def test_unknown_aggregation_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such"):
        aggregations.no_such  # noqa: B018


def test_ratios_are_of_sums_not_means_of_ratios() -> None:
    # (12 + 2) bits over (4 + 10) characters; the mean of ratios would be 1.6.
    sums = by_item([sample("a", [12, 4]), sample("b", [2, 10])]).sums
    assert point(SCORES["bits_per_char"], sums) == pytest.approx(14 / 14)


def test_perplexities_by_hand() -> None:
    sums = by_item([sample("a", [6, 2]), sample("b", [3, 1])]).sums
    # 9 bits over 3 words: 2 ** 3
    assert point(SCORES["word_perplexity"], sums) == pytest.approx(8)
    assert point(SCORES["byte_perplexity"], sums) == pytest.approx(8)


def test_token_perplexity_by_hand() -> None:
    # 6 + 3 bits over 2 + 1 tokens: 2 ** 3, which is exp of the mean negative log-likelihood.
    texts = [("a", Likelihood(-6 * math.log(2), 2)), ("b", Likelihood(-3 * math.log(2), 1))]
    values = [
        score_lm({"item": item, "text": "نعم"}, [value])["token_perplexity"]
        for item, value in texts
    ]
    expected = math.exp(-sum(value for _, value in texts) / 3)
    assert point(SCORES["token_perplexity"], by_item(values).sums) == pytest.approx(8)
    assert expected == pytest.approx(8)


def test_tax_is_what_the_tokenizer_costs_times_what_the_model_costs() -> None:
    pairs = [
        [Likelihood(-7.5, 5), Likelihood(-4.25, 4)],
        [Likelihood(-3.5, 3), Likelihood(-6.0, 2)],
    ]
    rows = [score_tax({"item": str(place)}, pair) for place, pair in enumerate(pairs)]
    tax, tokenizer, model = (
        point(SCORES[name], by_item(row[name] for row in rows).sums)
        for name in ("dialect_tax", "tokenizer_tax", "model_tax")
    )
    assert tax == pytest.approx(11 / 10.25)
    assert tokenizer == pytest.approx(8 / 6)
    assert model == pytest.approx((11 / 8) / (10.25 / 6))
    assert tokenizer * model == pytest.approx(tax, rel=1e-14)


def test_tokens_that_one_backend_does_not_count_give_no_number() -> None:
    known, unknown = Likelihood(-6.0, 2), -3.0  # another backend gives a plain number
    rows = [score_lm({"item": str(i), "text": "نعم"}, [v]) for i, v in enumerate((known, unknown))]
    sums = by_item(row["token_perplexity"] for row in rows).sums
    assert math.isnan(point(SCORES["token_perplexity"], sums))
    assert math.isnan(standard_error(SCORES["token_perplexity"], sums))
    assert all(map(math.isnan, interval(SCORES["token_perplexity"], sums)))
    taxes = [score_tax({"item": "a"}, [known, known]), score_tax({"item": "b"}, [known, unknown])]
    for name in ("tokenizer_tax", "model_tax"):
        assert math.isnan(point(SCORES[name], by_item(row[name] for row in taxes).sums))
    assert math.isfinite(
        point(SCORES["dialect_tax"], by_item(r["dialect_tax"] for r in taxes).sums)
    )


def test_words_after_the_first_count() -> None:
    text = "قال  لي\tصديقي ، أمس"
    ends = word_ends(text)
    assert [text[:end].split()[-1] for end in ends] == text.split()
    row = score_next_word({"item": "a"}, [(-1.0, True), (-2.0, False), (-0.5, True)])
    assert row["next_word_acc"] == sample("a", [2, 3])


def test_nothing_to_divide_by_is_not_a_number() -> None:
    assert math.isnan(point(SCORES["bits_per_char"], np.array([[3.0, 0.0]])))


def test_noise_area_by_hand() -> None:
    # Ratios 1, 1.1, ... 1.5 rise linearly: the mean height is 1.25.
    assert point(SCORES["noise_cost"], np.array([[10, 11, 12, 13, 14, 15.0]])) == pytest.approx(
        1.25
    )
    # Bits that do not rise cost 1.
    assert point(SCORES["noise_cost"], np.array([[7.0] * 6])) == pytest.approx(1)
    # Two right of two, then none: one half of the first of five steps, 0.5 / 5.
    assert point(SCORES["noise_acc"], np.array([[2, 0, 0, 0, 0, 0, 2.0]])) == pytest.approx(0.1)
    # 1, 0.5, 0.5, 0, 0, 1 -> (0.75 + 0.5 + 0.25 + 0 + 0.5) / 5
    assert point(SCORES["noise_acc"], np.array([[2, 1, 1, 0, 0, 2, 2.0]])) == pytest.approx(0.4)


def test_standard_error_of_a_mean_is_the_analytic_one() -> None:
    values = np.random.default_rng(1).normal(3, 2, size=200)
    sums = np.stack([values, np.ones(200)], axis=-1)
    analytic = values.std(ddof=0) / math.sqrt(200)
    # 1000 draws leave a Monte-Carlo error of 2 %; 7 % is three of them.
    assert standard_error(SCORES["f1"], sums) == pytest.approx(analytic, rel=0.07)


def test_bootstrap_is_seeded_and_centred() -> None:
    values = np.random.default_rng(2).uniform(size=100)
    sums = np.stack([values, np.ones(100)], axis=-1)
    draws = bootstrap(SCORES["acc"], sums)
    assert np.array_equal(draws, bootstrap(SCORES["acc"], sums))
    assert not np.array_equal(draws, bootstrap(SCORES["acc"], sums, seed=5))
    assert draws.mean() == pytest.approx(values.mean(), abs=4 * draws.std() / math.sqrt(1000))


def test_samples_of_one_item_are_resampled_together() -> None:
    values = np.random.default_rng(4).uniform(size=60)
    single = [sample(str(index), [value, 1]) for index, value in enumerate(values)]
    grouped, apart = by_item(single * 4), by_item(
        [sample(f"{copy}-{index}", [value, 1]) for copy in range(4) for index, value in
         enumerate(values)]
    )  # fmt: skip
    error = standard_error(SCORES["f1"], by_item(single).sums)
    assert standard_error(SCORES["f1"], grouped.sums) == pytest.approx(error)
    # The mistake this guards against: four copies taken for new evidence halve the error.
    assert standard_error(SCORES["f1"], apart.sums) == pytest.approx(error / 2, rel=0.1)


def test_one_item_has_no_error() -> None:
    sums = np.array([[1.0, 2.0]])
    assert math.isnan(standard_error(SCORES["f1"], sums))
    assert all(math.isnan(bound) for bound in interval(SCORES["f1"], sums))


def test_order_of_samples_does_not_matter() -> None:
    values = [sample(str(index), [index % 3, 1]) for index in range(40)]
    shuffled = random.Random(0).sample(values, k=40)
    score = SCORES["acc"]
    assert standard_error(score, by_item(values).sums) == standard_error(
        score, by_item(shuffled).sums
    )
