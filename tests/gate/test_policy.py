"""Policies: what is accepted, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from arabench.demo.run import POLICY
from arabench.errors import UsageError
from arabench.gate.criteria.table import names_for_rules
from arabench.gate.policy import DEFAULT_RULES, Policy, Rule, load_policy


def saved(folder: Path, text: str | bytes) -> Path:
    file = folder / "gate.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_defaults() -> None:
    policy = load_policy(None)
    assert policy == Policy()
    assert policy.rules == DEFAULT_RULES
    assert policy.rules["bits_per_char"].test == "non_inferiority"


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_empty_policy_is_the_default(tmp_path: Path, text: str) -> None:
    assert load_policy(saved(tmp_path, text)) == Policy()


def test_every_key(tmp_path: Path) -> None:
    text = """
confidence: 0.9
draws: 500
seed: 3
min_items: 25
undecided: pass
rules:
  bits_per_char: {margin: 0.01}
  bleu: {margin: 2, test: regression}
  chrf++: null
  dialect_tax: {margin: 1e-1}
margins: {msa: 0.05}
improve: [egy]
varieties: [msa, egy]
allow_identical: true
"""
    policy = load_policy(saved(tmp_path, text))
    assert (policy.confidence, policy.draws, policy.seed) == (0.9, 500, 3)
    assert policy.rules == {
        "bits_per_char": Rule(margin=0.01),
        "bleu": Rule(margin=2.0, test="regression"),
        "f1": DEFAULT_RULES["f1"],
        "acc": DEFAULT_RULES["acc"],
        "dialect_tax": Rule(margin=0.1),
    }
    assert (policy.margins, policy.improve, policy.varieties) == (
        {"msa": 0.05}, ("egy",), ("msa", "egy"),
    )  # fmt: skip
    assert policy.allow_identical
    assert (policy.min_items, policy.undecided) == (25, "pass")
    assert set(yaml.safe_load(text)) == set(Policy.model_fields)


def test_a_rule_that_is_dropped_does_not_decide_alone() -> None:
    policy = Policy(rules={}, improve=("egy",))
    assert policy.rules == {}


def test_overrides_do_not_contradict_the_file(tmp_path: Path) -> None:
    file = saved(tmp_path, "improve: [egy]\n")
    with pytest.raises(UsageError, match=r"'egy' is in `improve`.*margin of 0\.02"):
        load_policy(file, {"margins": {"egy": 0.02}})


def test_one_name_is_a_list_of_one(tmp_path: Path) -> None:
    file = saved(tmp_path, "improve: egy\nvarieties: egy\n")
    policy = load_policy(file)
    assert (policy.improve, policy.varieties) == (("egy",), ("egy",))
    assert load_policy(file, {"improve": ("lev",)}).improve == ("egy", "lev")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("confidense: 0.9", r"unknown key 'confidense'\. Did you mean 'confidence'\? Allowed: a"),
        ("rules: {bleu: {margn: 1}}", r"unknown key 'rules\.bleu\.margn'\. Did you mean 'margin'"),
        ("rules: {blue: {margin: 1}}", r"unknown metric 'blue'\. Did you mean 'bleu'"),
        ("margins: {egi: 0.1}", r"unknown variety 'egi'\. Did you mean 'egy'"),
        ("improve: [lav]", r"unknown variety 'lav'\. Did you mean 'lev'"),
        ("varieties: [arz]", r"unknown variety 'arz'.*Allowed: egy, glf"),
        ("improve: 3", r"improve: Input should be a list, not 3\.$"),
        ("improve: egi", r"unknown variety 'egi'\. Did you mean 'egy'"),
        ("min_items: 1", r"min_items: .*greater than or equal to 2, not 1\."),
        ("min_items: yes", r"min_items: .*integer, not True"),
        ("min_items: few", r"min_items: .*integer"),
        ("undecided: stop", r"undecided: .*'block' or 'pass', not 'stop'\.$"),
        ("confidence: high", r"confidence: .*valid number, not 'high'"),
        ("confidence: 1", r"confidence: .*less than 1, not 1\."),
        ("confidence: 0.5", r"confidence: .*greater than 0\.5"),
        ("confidence: .nan", r"confidence: "),
        ("draws: 10", r"draws: .*200"),
        ("draws: 2000000", r"draws: .*1000000"),
        ("confidence: 0.9999", r"4000 draws are too few for a confidence of 0\.9999; .*50000 or"),
        ("seed: -1", r"seed: .*greater than or equal to 0, not -1"),
        ("seed: yes", r"seed: .*integer, not True"),
        ("seed: 1" + "0" * 30, r"seed: .*less than 18446744073709551616"),
        ("min_items: 1000000000", r"min_items: .*less than or equal to 1000000"),
        ("seed: x", r"seed: .*integer"),
        ("rules: [bleu]", r"rules: Input should be keys and values, not \['bleu'\]\.$"),
        ("rules:", r"rules: Input should be keys and values, not None\.$"),
        (
            "rules: {bleu: 1}",
            r"'rules\.bleu' is a section with the keys margin, test, not 1\. "
            r"For example: \{margin: 0\.02, test: non_inferiority\}\.$",
        ),
        (
            "rules: {bleu: {test: regression}}",
            r"key 'rules\.bleu\.margin' is missing\. It is required\. For example: \{margin: 0",
        ),
        ("rules: {}", r"`rules` names no metric\. Leave it out .*`bleu: null` drops"),
        ("rules: {blue: null}", r"rules: unknown metric 'blue'\. Did you mean 'bleu'"),
        ("rules: {1: null}", r"rules: unknown metric 1\. Did you mean "),
        (
            "rules: {bits_per_char: null, bleu: null, chrf++: null, f1: null, acc: null}",
            r"no rule is left, so nothing would decide: keep .* or name a variety in `improve`\.$",
        ),
        ("varieties: []", r"varieties: name the varieties that decide, of msa, egy, .* leave the"),
        (
            "improve: [egy]\nmargins: {egy: 0.01}",
            r"'egy' is in `improve`, .* a margin of 0\.01 in `margins`: take it out of one of them",
        ),
        (
            "rules: {bleu: {margin: 1, test: maybe}}",
            r": rules\.bleu\.test: Input should be 'non_inferiority' or 'regression', "
            r"not 'maybe'\.$",
        ),
        ("rules: {bleu: {margin: 1, test: improve}}", r"or 'regression', not 'improve'\."),
        ("rules: {bleu: {margin: 1, test: [regression]}}", r"rules\.bleu\.test: .*'regression'"),
        ("rules: {bleu: {margin: -1}}", r"bleu\.margin: a margin is a finite.*Given: -1"),
        ("rules: {bleu: {margin: .inf}}", r"margin: Input should be a finite number, not inf"),
        ("rules: {bleu: {margin: .nan}}", r"margin: Input should be a finite number, not nan"),
        ("rules: {bleu: {margin: yes}}", r"margin: Input should be a valid number, not True"),
        ("rules: {bleu: {margin: 100}}", r"rules: bleu: a margin is in points.*Given: 100"),
        ("rules: {chrf++: {margin: 1e200}}", r"rules: chrf\+\+: .* one point write 1\. Given: 1e"),
        ("rules: {acc: {margin: 2}}", r"rules: acc: a margin is a share.*for 2 % write 0\.02"),
        (
            "rules: {bits_per_char: {margin: 5}}",
            r"rules: bits_per_char: a margin is a share, less than 1; for 5 % write 0\.05\. "
            r"Given: 5\.$",
        ),
        ("rules: {word_perplexity: {margin: 1}}", r"a margin is a share.* for 1 % write 0\.01"),
        ("rules: {noise_cost: {margin: 1e200}}", r"a margin is a share.* for 5 % write 0\.05"),
        ("margins: {egy: 5}", r"margins\.egy: a margin is a share.* for 5 % write 0\.05"),
        ("margins: {egy: 1e200}", r"margins\.egy: a margin is a share.*Given: '1e200'"),
        ("margins: {egy: -0.1}", r"margins\.egy: .*to demand improvement use `improve`"),
        ("margins: {egy: .nan}", r"margins\.egy: Input should be a finite number"),
        ("margins: {egy: .inf}", r"margins\.egy: Input should be a finite number"),
        ("margins: {egy: true}", r"margins\.egy: Input should be a valid number, not True"),
        ("margins: [1]", r"margins: Input should be keys and values, not \[1\]"),
        ("rules: {bits_per_char: null}\nmargins: {egy: 0.1}", r"`rules` has none"),
        ("margin: 0.05", r"unknown key 'margin'\. Did you mean 'margins'"),
        ("seed: 1\nseed: 2", r"on line 2: the key 'seed' is given twice, first on line 1"),
        ("allow_identical: perhaps", r"allow_identical: "),
        ("1: 2", r"Keys should be strings"),
        ("- a\n- b", r"must hold keys and values, but holds a list\. Allowed keys: allow_"),
        ("[]", r"but holds a list"),
        ("0", r"but holds a number"),
        ("just words", r"but holds text"),
        ("a: [", r"is no valid YAML"),
        ("a: b: c", r"is no valid YAML"),
        ("seed: !!python/object/apply:os.getpid []", r"no valid YAML on line 1: .*python/obj"),
        ("!!python/object:arabench.gate.policy.Policy {}", r"on line 1: .*python/object"),
        ("seed: 2024-13-45", r"seed: .*integer, not '2024-13-45'"),
        ("seed: !!bool x", r"is no valid YAML: a value does not fit"),
        ("seed: !!timestamp x", r"seed: .*integer, not 'x'"),
        ("[" * 5000, r"is no valid YAML: it is nested too deeply"),
        (b"seed: \xff\xfe", r"no UTF-8 \(byte 7 is 0xff\)\. Save it as UTF-8"),
        (b"\x00\x01", r"is no valid YAML"),
    ],
)  # fmt: skip
def test_wrong_policies_are_explained(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(UsageError, match=rf"(?s)policy.*{says}"):
        load_policy(saved(tmp_path, text))


def test_python_tags_run_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    tag = f"improve: !!python/object/apply:os.mkdir [{str(trace)!r}]"
    with pytest.raises(UsageError, match="python/object"):
        load_policy(saved(tmp_path, tag))
    assert not trace.exists()


def test_missing_policy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"policy '.*none\.yaml' does not exist\.$"):
        load_policy(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match=r"cannot be read: Is a directory\.$"):
        load_policy(tmp_path)


def test_overrides_replace_keys_and_add_demands(tmp_path: Path) -> None:
    file = saved(tmp_path, "seed: 1\nimprove: [egy]\nmargins: {glf: 0.0, msa: 0.1}\n")
    overrides: dict[str, Any] = {"seed": 2, "improve": ("lev",), "margins": {"msa": 0.05}}
    policy = load_policy(file, overrides)
    assert policy.seed == 2
    assert policy.improve == ("egy", "lev")
    assert policy.margins == {"glf": 0.0, "msa": 0.05}


def test_overrides_do_not_hide_a_wrong_file(tmp_path: Path) -> None:
    for text in ("margins: [egy]", "rules: 3"):
        with pytest.raises(UsageError, match=r"policy .*Input should be keys and values"):
            load_policy(saved(tmp_path, text), {"improve": ("egy",)})


def test_the_demo_is_decided_by_egyptian_bits_alone(tmp_path: Path) -> None:
    policy = load_policy(saved(tmp_path, yaml.safe_dump(POLICY)))
    assert set(policy.rules) == {"bits_per_char"}
    assert (policy.improve, policy.varieties) == (("egy",), ("egy",))


def page() -> str:
    root = Path(__file__).resolve().parents[2]
    return (root / "docs" / "gate.md").read_text(encoding="utf-8")


def test_the_page_shows_every_key_with_its_default() -> None:
    block = page().split("```yaml\n")[1].split("```")[0]
    written = yaml.safe_load(block)
    assert Policy.model_validate(written) == Policy()
    assert set(written) == set(Policy.model_fields)
    for line in block.splitlines():
        assert "#" in line, f"the page says nothing of: {line}"


def test_the_page_names_every_test_of_a_rule() -> None:
    for name in (*get_args(Policy.model_fields["undecided"].annotation), *names_for_rules()):
        assert f"`{name}`" in page()
    for field in Rule.model_fields:
        assert f"`{field}`" in page()
