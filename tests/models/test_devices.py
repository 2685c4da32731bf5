"""What `auto` picks, on machines that are described and not there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from arabench.errors import UsageError
from arabench.models import devices
from arabench.models.devices import native_bfloat16, pick_precision, pick_threads

AVX2 = frozenset({"avx", "avx2", "fma"})
BF16 = AVX2 | {"avx512f", "avx512_bf16"}
AMX = AVX2 | {"amx_tile", "amx_bf16"}


@pytest.fixture(autouse=True)
def no_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("flags", "cap", "dtype", "words"),
    [
        (AVX2, "", "float32", "no bfloat16 in hardware"),
        (BF16, "", "bfloat16", "avx512_bf16"),
        (AMX, "", "bfloat16", "amx_bf16"),
        (BF16, "AVX2", "float32", "no bfloat16 in hardware"),
        (BF16, "avx512_core", "float32", "no bfloat16 in hardware"),
        (BF16, "AVX512_CORE_BF16", "bfloat16", "avx512_bf16"),
        (frozenset(), "", "float32", "no bfloat16 in hardware"),
    ],
)
def test_cpus(
    flags: frozenset[str], cap: str, dtype: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_cpu_flags", lambda: flags)
    if cap:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", cap)
    found = pick_precision("auto", "cpu")
    assert found.dtype == dtype
    assert words in found.reason


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [((7, 0), "float16"), ((7, 5), "float16"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")],
)
def test_gpus(capability: tuple[int, int], dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra arabench[eval]")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    for device in ("cuda", "cuda:1"):
        assert pick_precision("auto", device).dtype == dtype


def test_where_nothing_is_known_it_is_float32() -> None:
    found = pick_precision("auto", "mps")
    assert (found.dtype, found.reason) == ("float32", "nothing is known of bfloat16 on mps")


def test_a_type_that_is_named_is_taken() -> None:
    for name in ("float32", "bfloat16", "float16"):
        assert pick_precision(name, "cpu").dtype == name
    with pytest.raises(UsageError, match="'float8' is not auto, float32"):
        pick_precision("float8", "cpu")


def test_flags_are_those_of_the_system() -> None:
    if not Path("/proc/cpuinfo").exists():
        pytest.skip("this system has no /proc/cpuinfo")
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    assert bool(native_bfloat16()) == (" avx512_bf16" in text or " amx_bf16" in text)


@pytest.mark.parametrize(
    ("cpus", "quota", "idle", "count"),
    [
        (2, None, 2.0, 2),
        (2, None, 1.9, 2),
        (2, None, 1.1, 1),
        (2, None, 0.0, 1),
        (16, None, 15.2, 15),
        (16, 4.0, 15.2, 4),
        (16, 0.5, 15.2, 1),
        (4, None, None, 4),
    ],
)
def test_threads(
    cpus: int, quota: float | None, idle: float | None, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_allowed_cpus", lambda: list(range(cpus)))
    monkeypatch.setattr(devices, "_cgroup_quota", lambda: quota)
    monkeypatch.setattr(devices, "_idle_cpus", lambda found: idle)
    assert pick_threads().count == count


def test_threads_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pick_threads(3).count == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert pick_threads() == devices.Threads(5, "OMP_NUM_THREADS")
    assert pick_threads(3).count == 3
    with pytest.raises(UsageError, match="threads is 0; allowed is 1 or more"):
        pick_threads(0)


def test_busy_cpus_are_seen() -> None:
    """A process that spins on one CPU leaves one fewer."""
    if not Path("/proc/stat").exists() or not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not tell how busy its CPUs are")
    cpu = min(os.sched_getaffinity(0))
    spin = f"import os\nos.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", spin])
    try:
        for _ in range(20):
            time.sleep(0.3)
            idle: Any = devices._idle_cpus([cpu])
            if idle < 0.2:
                break
        assert idle < 0.2
    finally:
        process.kill()
        process.wait()


def test_in_8_bits_a_token_is_rounded_by_itself_when_asked() -> None:
    bnb = pytest.importorskip("bitsandbytes", reason="needs the extra arabench[train]")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = bnb.nn.Linear8bitLt(64, 64, bias=False, has_fp16_weights=False, threshold=6.0)
    layer.load_state_dict({"weight": torch.randn(64, 64)})
    model = torch.nn.Sequential(layer).to("cpu").eval()
    alone = torch.randn(1, 1, 64)
    after = torch.cat([alone, 20.0 * torch.randn(1, 1, 64)], dim=1)  # outliers in other columns
    with torch.no_grad():
        mixed = (model(after)[:, :1] - model(alone)).abs().max()
        with devices.tokens_apart(model):
            apart = (model(after)[:, :1] - model(alone)).abs().max()
    assert mixed > 1e-3
    assert apart == 0
    assert layer.state.threshold == 6.0
