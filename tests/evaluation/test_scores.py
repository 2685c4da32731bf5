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
from arabench.evaluation.metrics.intervals import (
    LEAST_ITEMS,
    MOST_RESAMPLED,
    bootstrap,
    gain,
    interval,
    standard_error,
    why_none,
)
from arabench.evaluation.metrics.score import by_item, point, sample
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.tasks import (
    score_lm,
    score_next_word,
    score_tax,
    score_translation,
)
from arabench.statistics.proportions import wilson_interval

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


def test_shares_at_the_edge_get_a_wilson_interval() -> None:
    # Wilson 1927, by hand for 0 of n: z^2 / (n + z^2); five questions on two passages are two.
    z2 = 1.959964**2
    for value, items in ((0.0, 5), (1.0, 5), (0.0, 2)):
        sums = by_item(sample(str(i % items), [value, 1]) for i in range(10)).sums
        low, high = interval(SCORES["acc"], sums)
        width = z2 / (items + z2)
        assert (low, high) == pytest.approx((0, width) if value == 0 else (1 - width, 1), abs=1e-6)
        assert standard_error(SCORES["acc"], sums) == pytest.approx(
            width / (2 * 1.959964), rel=1e-5
        )
    for count in range(1, 300):
        assert wilson_interval(0, count)[0] == 0 < wilson_interval(0, count)[1]
        assert wilson_interval(1, count)[1] == 1 > wilson_interval(1, count)[0]
    mixed = by_item(sample(str(i), [float(i > 0), 1]) for i in range(40)).sums
    proportion = pytest.importorskip("scipy.stats").binomtest(39, 40).proportion_ci(method="wilson")
    assert wilson_interval(39 / 40, 40) == pytest.approx((proportion.low, proportion.high))
    # Between the edges the count is that of the items here (one question each), and Student's t.
    t = pytest.importorskip("scipy.stats").t.isf(0.025, 39)
    seen = 39 / 40 * 1 / 40 / 39  # of the share, between items
    effective = 40 * 2 / (seen / (39 / 40 * 1 / 40 / 40) * 1 + 1)
    centre = (39 / 40 + t * t / (2 * effective)) / (1 + t * t / effective)
    spread = t * math.sqrt(39 / 1600 / effective + t * t / (4 * effective**2))
    spread /= 1 + t * t / effective
    assert interval(SCORES["acc"], mixed) == pytest.approx((centre - spread, centre + spread))


def test_questions_that_go_together_count_as_fewer() -> None:
    # Passages of which all or none of five questions are right: a passage is one observation.
    together = by_item(sample(str(i), [5.0 * (i % 2), 5]) for i in range(60)).sums
    single = by_item(sample(str(i), [float(i % 2), 1]) for i in range(60)).sums
    apart = by_item(sample(str(i), [float(i % 2), 1]) for i in range(300)).sums
    widths = [high - low for low, high in (
        interval(SCORES["acc"], sums) for sums in (together, single, apart)
    )]  # fmt: skip
    assert widths[0] == pytest.approx(widths[1], rel=0.01)
    assert widths[2] < 0.5 * widths[0]


@pytest.mark.parametrize("name", ["f1", "bleu", "bits_per_char", "word_perplexity"])
def test_intervals_stay_where_the_metric_can_be(name: str) -> None:
    rng = np.random.default_rng(11)
    score = SCORES[name]
    wide = rng.integers(0, 2, (LEAST_ITEMS, score.width)) * 1.0
    wide[:, -1] = 1
    wide[0] = 1
    low, high = interval(score, wide)
    assert 0 <= low <= point(score, wide) <= high
    assert high <= {"0-1": 1, "0-100": 100 * (1 + 1e-12)}.get(score.unit, math.inf)


def test_perplexities_have_their_interval_in_bits() -> None:
    rng = np.random.default_rng(12)
    sums = np.stack([rng.gamma(9, 5, 40), rng.integers(3, 12, 40)], axis=1)
    bits, words = SCORES["bits_per_char"], SCORES["word_perplexity"]
    expected = [2.0**bound for bound in interval(bits, sums)]
    assert interval(words, sums) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["word_perplexity", "byte_perplexity", "token_perplexity"])
def test_perplexities_are_cut_at_one(name: str) -> None:
    # Bits per unit whose interval reaches below 0: one item of five has nearly all of them.
    bits, units = np.array([0.5, 90.0, 0.5, 0.5, 1.0]), np.array([8.0, 9, 10, 11, 12])
    columns = [bits, np.zeros(5), units] if name == "token_perplexity" else [bits, units]
    sums = np.stack(columns, axis=1)
    assert interval(SCORES["bits_per_char"], sums[:, [0, -1]])[0] == 0
    low, high = interval(SCORES[name], sums)
    assert (low, math.isfinite(high)) == (1, True)
    # A likelihood that is rounded to above 1 leaves the value a little below it.
    sums[:, 0] = [-1e-6, 0, 1e-7, 0, 0]
    value = point(SCORES[name], sums)
    assert interval(SCORES[name], sums)[0] == value < 1


#: Bits, code points, bytes and words of five texts, two of which cost all but the same.
TEXTS = np.array(
    [[212.4, 48, 87, 9], [210.1, 50, 91, 10], [214.3, 51, 93, 10], [181.0, 40, 70, 7],
     [390.2, 80, 149, 14]]
)  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_items_have_no_interval_but_of_shares(count: int) -> None:
    for name, place in (("bits_per_char", 1), ("bits_per_byte", 2), ("word_perplexity", 3)):
        sums = TEXTS[:count][:, [0, place]]
        assert all(map(math.isnan, interval(SCORES[name], sums))), name
        assert why_none(SCORES[name], sums) == "it needs 5 items or more"
        five = TEXTS[:, [0, place]]
        assert all(map(math.isfinite, interval(SCORES[name], five)))
        assert why_none(SCORES[name], five) == ""
    answers = np.array([[float(i == 1), 1.0] for i in range(count)])
    bounded = count >= 2
    assert all(map(math.isfinite, interval(SCORES["acc"], answers))) == bounded
    assert why_none(SCORES["acc"], answers) == ("" if bounded else "it needs 2 items or more")


@pytest.mark.parametrize("seed", range(20))
def test_numbers_of_the_same_bits_do_not_contradict_each_other(seed: int) -> None:
    # Bytes are nearly twice the characters, so each relative interval is nearly the same.
    rng = np.random.default_rng(seed)
    chars = rng.integers(30, 90, 5).astype(float)
    columns = np.stack([chars * rng.gamma(30, 0.14, 5), chars, chars * rng.normal(1.8, 0.02, 5)])
    widths = []
    for name, place in (("bits_per_char", 1), ("bits_per_byte", 2)):
        sums = columns[[0, place]].T
        low, high = interval(SCORES[name], sums)
        widths.append((high - low) / point(SCORES[name], sums))
    assert max(widths) < 2.5 * min(widths)
    assert interval(SCORES["byte_perplexity"], columns[[0, 2]].T) == pytest.approx(
        tuple(2 ** np.array(interval(SCORES["bits_per_byte"], columns[[0, 2]].T))), rel=1e-5
    )


def test_gains_of_few_items_have_no_interval() -> None:
    before = np.array([[0.1 * i, 1.0] for i in range(6)])
    after = before.copy()
    after[:, 0] += [0.1, 0.2, 0, 0.1, 0.3, 0.2]
    value, low, high = gain(SCORES["f1"], before, after)
    assert value == pytest.approx(0.15)
    assert low < value < high
    value, low, high = gain(SCORES["f1"], before[:4], after[:4])
    assert value == pytest.approx(0.1)
    assert all(map(math.isnan, (low, high)))
    assert gain(SCORES["f1"], before[:4], before[:4]) == (0, 0, 0)


@pytest.mark.parametrize("name", ["bleu", "chrf++"])
def test_translations_of_nothing_right_are_as_sure_as_a_share_of_nothing(name: str) -> None:
    wrong = by_item(_samples(name, ["لا شيء هنا"] * 15, ["كتب نعم"] * 15)).sums
    wrong[:, [place for place in range(wrong.shape[1]) if place % 3 == 2]] *= name == "bleu"
    assert point(SCORES[name], wrong) == 0
    # By hand, as for shares: z^2 / (15 + z^2) of 100.
    width = 100 * 1.959964**2 / (15 + 1.959964**2)
    assert interval(SCORES[name], wrong) == pytest.approx((0, width), abs=1e-5)
    assert standard_error(SCORES[name], wrong) == pytest.approx(width / (2 * 1.959964), rel=1e-5)
    right = by_item(_samples(name, ["كتب الولد درسه ثم نام"] * 15, ["كتب الولد درسه ثم نام"] * 15))
    low, high = interval(SCORES[name], right.sums)
    assert (low, high) == pytest.approx((100 - width, 100), abs=1e-5)
    assert why_none(SCORES[name], wrong) == ""


def test_items_that_do_not_differ_do_not_say_how_sure_a_number_is() -> None:
    sums = np.array([[4.0 * i, 2.0 * i] for i in range(1, 9)])
    for name in ("bits_per_char", "word_perplexity", "dialect_tax"):
        assert all(map(math.isnan, interval(SCORES[name], sums)))
        assert why_none(SCORES[name], sums) == "the items do not differ"


@pytest.mark.parametrize("count", [5, 8, 10, 12, 15, 20, 30])
def test_shares_of_0_and_1_hold_95_percent_on_average(count: int) -> None:
    # Exact: the binomial chances of all counts, on average over every share (Brown et al. 2001).
    binom = pytest.importorskip("scipy.stats").binom
    sums = [np.array([[float(i < right), 1] for i in range(count)]) for right in range(count + 1)]
    low, high = np.array([interval(SCORES["acc"], one) for one in sums]).T
    shares = np.linspace(0.001, 0.999, 999)
    chances = binom.pmf(np.arange(count + 1), count, shares[:, None])
    held = (chances * ((low <= shares[:, None]) & (shares[:, None] <= high))).sum(axis=1)
    assert held.mean() >= 0.95
    # The end of 0 right is the normal one, and no share beyond it is missed too often for it.
    z2 = 1.959964**2
    assert high[0] == pytest.approx(z2 / (count + z2))
    beyond = (shares > high[0]) & (shares < 0.5)
    assert held[beyond].min() >= 0.925


def test_many_items_need_no_draws() -> None:
    rng = np.random.default_rng(13)
    sums = np.stack([rng.normal(5, 1, MOST_RESAMPLED + 1), np.ones(MOST_RESAMPLED + 1)], axis=1)
    low, high = interval(SCORES["bits_per_char"], sums)
    error = sums[:, 0].std(ddof=1) / math.sqrt(len(sums))
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, rel=0.01)


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


def test_interval_covers_the_truth_at_its_level() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        bits, chars = rng.gamma(4, 2, size=80), rng.integers(20, 120, size=80)
        low, high = interval(SCORES["bits_per_char"], np.stack([bits, chars], axis=-1))
        covered += low <= 8 / 69.5 <= high  # E[gamma(4, 2)] = 8, E[chars] = 69.5
    # Binomial standard deviation 1.3 %.
    assert 0.915 <= covered / 300 <= 0.985


def test_intervals_hold_skewed_items_that_the_percentile_interval_misses() -> None:
    rng, count = np.random.default_rng(14), 30
    held = percentile = 0
    for _ in range(300):
        sums = np.stack([rng.lognormal(0, 1, count), np.ones(count)], axis=1)
        low, high = interval(SCORES["bits_per_char"], sums)
        held += low <= math.exp(0.5) <= high
        ends = np.quantile(bootstrap(SCORES["bits_per_char"], sums), [0.025, 0.975])
        percentile += ends[0] <= math.exp(0.5) <= ends[1]
    assert held / 300 >= 0.90  # 93 % and more are expected; a standard error is 1.5
    assert held - percentile >= 6


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
