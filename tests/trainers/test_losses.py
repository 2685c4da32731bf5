"""Losses of preference methods: as computed by hand, and as TRL has them where it does."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

import torch  # noqa: E402

from arabench.trainers.methods.orpo import log_odds  # noqa: E402
from arabench.trainers.recipe import Recipe  # noqa: E402
from tests.trainers.conftest import MakeRecipe  # noqa: E402
from tests.trainers.test_sft import built  # noqa: E402

PAIRS = [
    ("كيف حالك؟", "بخير والحمد لله", "لا"),
    ("من؟", "أنا", "لا أدري والله يا صديقي"),
    ("ما اسم المدينة التي تسكن فيها؟", "القاهرة", "بيت"),
    ("أين؟", "هنا في البيت", "هناك"),
]
#: Settings that differ from the defaults, so that none of them can be forgotten.
OWN: dict[str, dict[str, float]] = {
    "dpo": {"beta": 0.3},
    "ipo": {"beta": 0.4},
    "cpo": {"beta": 0.2, "label_smoothing": 0.1, "nll_weight": 0.7},
    "simpo": {"beta": 1.5, "gamma": 0.8, "label_smoothing": 0.05, "nll_weight": 0.3},
    "orpo": {"beta": 0.6},
}
EXACT = {
    "quantization": {"bits": 16, "compute_dtype": "float32"},
    "lora": {"dropout": 0.0, "r": 4},
}


@pytest.fixture(scope="session")
def tiny_llama(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Llama with the tokenizer of tiny_base."""
    import shutil

    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny_llama")
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=512, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=512,
        tie_word_embeddings=False, bos_token_id=None, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_base / name, folder / name)
    return folder


def write_pairs(path: Path) -> str:
    rows = [dict(zip(("prompt", "chosen", "rejected"), pair, strict=True)) for pair in PAIRS]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def stirred(recipe: Recipe, folder: Path) -> Any:
    """The trainer of a recipe, its adapter away from where it starts, not in training."""
    made = built(recipe, folder)
    stir(made.model, 3)
    made.model.eval()
    return made


def stir(model: Any, seed: int) -> None:
    """Give an adapter values at random."""
    draw = torch.Generator().manual_seed(seed)
    for value in model.parameters():
        if value.requires_grad:
            value.data = torch.randn(value.shape, generator=draw) * 0.1


def said(model: Any, prompt: list[int], answer: list[int]) -> torch.Tensor:
    """Log-probabilities of the tokens of an answer, by a forward pass of our own."""
    ids = torch.tensor([prompt + answer])
    logits = model(input_ids=ids).logits[0].float()
    table = logits.log_softmax(-1)
    return torch.stack(
        [table[at - 1, ids[0, at]] for at in range(len(prompt), len(prompt) + len(answer))]
    )


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def by_hand(method: str, own: dict[str, float], model: Any, row: dict[str, list[int]]) -> float:
    """The formula of the method's page, in Python's numbers."""
    with torch.no_grad():
        chosen = said(model, row["prompt_ids"], row["chosen_ids"])
        rejected = said(model, row["prompt_ids"], row["rejected_ids"])
        with model.disable_adapter():
            base_chosen = said(model, row["prompt_ids"], row["chosen_ids"])
            base_rejected = said(model, row["prompt_ids"], row["rejected_ids"])
    y, z = float(chosen.sum()), float(rejected.sum())
    a, b = y / len(chosen), z / len(rejected)
    ry, rz = float(base_chosen.sum()), float(base_rejected.sum())
    beta, e = own["beta"], own.get("label_smoothing", 0.0)

    def smooth(margin: float) -> float:
        return -(1 - e) * math.log(sigmoid(margin)) - e * math.log(sigmoid(-margin))

    if method == "dpo":
        margin = beta * (y - ry - z + rz)
        right, wrong = math.log(sigmoid(margin)), math.log(sigmoid(-margin))
        return (-(1 - e) * right + e * wrong) / (1 - 2 * e)
    if method == "ipo":
        gap = (y - ry) / len(chosen) - (z - rz) / len(rejected)
        return (gap - 1 / (2 * beta)) ** 2
    if method == "cpo":
        return smooth(beta * (y - z)) - own["nll_weight"] * a
    if method == "simpo":
        return smooth(beta * (a - b) - own["gamma"]) - own["nll_weight"] * a
    odds = math.log(math.exp(a) / (1 - math.exp(a))) - math.log(math.exp(b) / (1 - math.exp(b)))
    return -a - beta * math.log(sigmoid(odds))


CASES = [*OWN.items(), ("dpo", {"beta": 0.3, "label_smoothing": 0.2})]


@pytest.mark.parametrize("base", ["tiny_base", "tiny_llama"])
@pytest.mark.parametrize(("method", "own"), CASES, ids=str)
def test_losses_are_those_of_the_formulas(
    method: str, own: dict[str, float], base: str, request: pytest.FixtureRequest,
    make_recipe: MakeRecipe, tmp_path: Path,
) -> None:  # fmt: skip
    recipe = make_recipe(
        method=method, base={"name": str(request.getfixturevalue(base))},
        data={"source": write_pairs(tmp_path / "p.jsonl")}, **{method: own}, **EXACT,
    )  # fmt: skip
    made = stirred(recipe, tmp_path)
    rows = list(made.train_dataset)
    hand = [by_hand(method, own, made.model, row) for row in rows]
    batch = made.data_collator(rows)
    with torch.no_grad():
        loss = float(made.compute_loss(made.model, batch))
    assert loss == pytest.approx(sum(hand) / len(hand), abs=1e-5)
    assert max(hand) - min(hand) > 1e-3  # of all pairs, not of one
    alone = [
        float(made.prediction_step(made.model, made.data_collator([row]), True)[0]) for row in rows
    ]
    assert alone == pytest.approx(hand, abs=1e-5)


@pytest.mark.parametrize("method", ["dpo", "ipo"])
def test_the_reference_is_the_bare_base_and_is_asked_once(
    method: str, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    recipe = make_recipe(method=method, data={"source": write_pairs(tmp_path / "p.jsonl")}, **EXACT)
    made = stirred(recipe, tmp_path)
    bare = AutoModelForCausalLM.from_pretrained(recipe.base.name, dtype=torch.float32).eval()
    rows = list(made.train_dataset)
    for row in rows:
        for side in ("chosen", "rejected"):
            with torch.no_grad():
                there = float(said(bare, row["prompt_ids"], row[f"{side}_ids"]).sum())
            assert row[f"ref_{side}_logps"] == pytest.approx(there, abs=1e-4)
    assert made.reference_seconds > 0
    spent = made.reference_seconds
    with torch.no_grad():
        once = float(made.compute_loss(made.model, made.data_collator(rows)))
        made.precompute_ref_logps = False
        each_time = float(made.compute_loss(made.model, made.data_collator(rows)))
    assert once == pytest.approx(each_time, abs=1e-5)
    assert made.reference_seconds == spent


@pytest.mark.parametrize("base", ["tiny_base", "tiny_llama"])
def test_the_loss_of_kto_is_that_of_the_formula_in_each_pass(
    base: str, request: pytest.FixtureRequest, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    own = {"beta": 0.3, "desirable_weight": 1.2, "undesirable_weight": 0.7}
    file = tmp_path / "k.jsonl"
    rows = [{"prompt": p, "response": (c, r)[n % 2], "label": n % 2 == 0}
            for n, (p, c, r) in enumerate(PAIRS)]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    recipe = make_recipe(
        method="kto", base={"name": str(request.getfixturevalue(base))},
        data={"source": str(file)}, kto=own, training={"batch_size": 4}, **EXACT,
    )  # fmt: skip
    made = stirred(recipe, tmp_path)
    read = list(made.train_dataset)

    def gain(prompt: list[int], answer: list[int]) -> float:
        with torch.no_grad():
            there = float(said(made.model, prompt, answer).sum())
            with made.model.disable_adapter():
                return there - float(said(made.model, prompt, answer).sum())

    def hand(some: list[dict[str, Any]]) -> float:
        gains = [gain(row["prompt_ids"], row["completion_ids"]) for row in some]
        others = [gain(row["prompt_ids"], row["KL_completion_ids"]) for row in some]
        k = max(0.0, sum(others) / len(others))
        losses = [
            own["desirable_weight"] * (1 - sigmoid(own["beta"] * (a - k))) if row["label"]
            else own["undesirable_weight"] * (1 - sigmoid(own["beta"] * (k - a)))
            for a, row in zip(gains, some, strict=True)
        ]  # fmt: skip
        return sum(losses) / len(losses)

    def theirs(some: list[dict[str, Any]]) -> float:
        with torch.no_grad():
            return float(made.compute_loss(made.model, made.data_collator(some)))

    # Each row with the answer of the one before in a pass of four.
    before = [row["completion_ids"] for row in read]
    assert [row["KL_completion_ids"] for row in read] == [before[-1], *before[:-1]]
    apart = []
    for seed in range(6):  # of which some have a k above 0
        stir(made.model, seed)
        for some in (read, read[:2], read[2:]):
            assert theirs(some) == pytest.approx(hand(some), abs=1e-5)
        apart.append(abs((theirs(read[:2]) + theirs(read[2:])) / 2 - theirs(read)))
    # So that a step that is split has another loss: the method says so.
    assert max(apart) > 1e-3


def test_a_loss_does_not_depend_on_how_a_step_is_split(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    """Answers differ in length: a mean over all tokens of a pass would depend on the pass."""
    from arabench.trainers import sft
    from arabench.trainers.monitors.losses import read_losses

    losses: dict[str, list[list[float]]] = {}
    for method in ("cpo", "simpo", "orpo"):
        for size in (4, 2, 1):
            recipe = make_recipe(
                method=method, output_dir=str(tmp_path / f"{method}{size}"),
                data={"source": write_pairs(tmp_path / "p.jsonl")},
                training={
                    "batch_size": size, "gradient_accumulation": 4 // size, "max_steps": 3,
                    "optimizer": "adamw_torch",
                },
                **EXACT,
            )  # fmt: skip
            sft.train(recipe)
            log = read_losses(Path(recipe.output_dir) / "losses.jsonl")
            losses.setdefault(method, []).append([row["loss"] for row in log])
    for whole, *split in losses.values():
        for parts in split:
            assert parts == pytest.approx(whole, abs=1e-4)
        assert whole[0] != pytest.approx(whole[2], abs=1e-3)


def test_odds_of_sure_and_of_impossible_answers_are_finite() -> None:
    sure = torch.tensor([0.0, -1e-9, -1e-4, -1.0, -50.0, -200.0], requires_grad=True)
    odds = log_odds(sure)
    odds.sum().backward()
    assert torch.isfinite(odds).all()
    assert sure.grad is not None
    assert torch.isfinite(sure.grad).all()
    assert float(odds[3].detach()) == pytest.approx(math.log(1 / (math.e - 1)), abs=1e-6)
    assert float(odds[5].detach()) == pytest.approx(-200.0)


def _ours(row: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """A batch of one pair as TRL's experimental trainers want it."""
    batch = {"prompt_input_ids": torch.tensor([row["prompt_ids"]])}
    for side in ("chosen", "rejected"):
        ids = row["prompt_ids"] + row[f"{side}_ids"]
        labels = [-100] * len(row["prompt_ids"]) + row[f"{side}_ids"]
        batch[f"{side}_input_ids"] = torch.tensor([ids])
        batch[f"{side}_attention_mask"] = torch.ones(1, len(ids), dtype=torch.long)
        batch[f"{side}_labels"] = torch.tensor([labels])
    return batch


def _cpo(**settings: Any) -> tuple[Any, Any]:
    trl = pytest.importorskip("trl.experimental.cpo")
    return trl.CPOTrainer, lambda folder: trl.CPOConfig(folder, **settings)


def _orpo(**settings: Any) -> tuple[Any, Any]:
    trl = pytest.importorskip("trl.experimental.orpo")
    return trl.ORPOTrainer, lambda folder: trl.ORPOConfig(folder, **settings)


THEIRS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "cpo": lambda: _cpo(
        loss_type="sigmoid", beta=0.2, label_smoothing=0.1, cpo_alpha=0.7, report_to="none",
        use_cpu=True, bf16=False,
    ),
    "simpo": lambda: _cpo(
        loss_type="simpo", beta=1.5, simpo_gamma=0.8, label_smoothing=0.05, cpo_alpha=0.3,
        report_to="none", use_cpu=True, bf16=False,
    ),
    "orpo": lambda: _orpo(beta=0.6, report_to="none", use_cpu=True, bf16=False),
}  # fmt: skip


@pytest.mark.parametrize("method", THEIRS)
def test_losses_are_those_of_trl(method: str, make_recipe: MakeRecipe, tmp_path: Path) -> None:
    """TRL takes the prompt into the cross-entropy of ORPO, so prompts are one token here."""
    import datasets
    from transformers import AutoModelForCausalLM

    trainer, settings = THEIRS[method]()
    recipe = make_recipe(
        method=method, data={"source": write_pairs(tmp_path / "p.jsonl")},
        **{method: OWN[method]}, **EXACT,
    )  # fmt: skip
    made = stirred(recipe, tmp_path)
    rows = [{**row, "prompt_ids": row["prompt_ids"][-1:]} for row in made.train_dataset]
    theirs = trainer(
        model=AutoModelForCausalLM.from_pretrained(recipe.base.name, dtype=torch.float32),
        args=settings(str(tmp_path / "theirs")),
        processing_class=made.processing_class,
        train_dataset=datasets.Dataset.from_list(
            [{"prompt": p, "chosen": c, "rejected": r} for p, c, r in PAIRS]
        ),
    )
    for row in rows:
        with torch.no_grad():
            ours = float(made.compute_loss(made.model, made.data_collator([row])))
            loss, metrics = theirs.get_batch_loss_metrics(made.model, _ours(row), "train")
        assert ours == pytest.approx(float(loss), abs=1e-3)
        assert metrics
