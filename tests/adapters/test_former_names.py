"""What programs imported from `arabench.adapters` is still there, and is the same."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

FORMER = {
    "ray_data": ["normalize_dataset", "run_with_ray"],
    "spark": ["PartitionMap", "normalize_dataframe", "normalize_partitions"],
    "datatrove_step": ["NormalizeDocuments"],
    "hf_datasets": ["ExampleMap", "normalize_examples"],
}


@pytest.mark.parametrize("module", FORMER)
def test_former_names_lead_to_the_engines(module: str) -> None:
    former = importlib.import_module(f"arabench.adapters.{module}")
    now = importlib.import_module(f"arabench.engines.{module}")
    assert sorted(former.__all__) == sorted(FORMER[module])
    for name in FORMER[module]:
        assert getattr(former, name) is getattr(now, name)
    assert f"arabench.engines.{module}" in (former.__doc__ or "")


def test_former_names_import_no_framework() -> None:
    code = (
        "import sys\n"
        "from arabench.adapters import datatrove_step, hf_datasets, ray_data, spark\n"
        "print(sorted({'ray', 'pyspark', 'datatrove', 'datasets', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
