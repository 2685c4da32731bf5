"""camel-tools without its network: importing its modules and finding its data.

Importing `camel_tools.data`, which its morphology, disambiguation and dialect modules all do,
downloads a catalogue where none was saved and makes a folder in the home directory. Here the
user's catalogue is read where there is one, and a table of the same names (the catalogue of
camel-tools 1.6) stands in for one that is absent; nothing is fetched or written.

A file beside the rooms, because `arabench.morph` and `arabench.dialect` both need it and
neither imports the other.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

from arabench.errors import DataError, UsageError, did_you_mean, require_extra

DATA_VARIABLE: Final = "CAMELTOOLS_DATA"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Data that `camel_data -i` installs.

    Attributes:
        package: the name to install it by.
        path: where it is, below the folder `data` of camel-tools' folder.
        files: what must be there for it to work.
    """

    package: str
    path: str
    files: tuple[str, ...]


def _databases() -> dict[str, Dataset]:
    names = ("calima-msa-r13", "calima-egy-r13", "calima-glf-01", "calima-lev-01", "calima-msa-s31")
    return {
        name: Dataset(
            name.replace("calima", "morphology-db"), f"morphology_db/{name}", ("morphology.db",)
        )
        for name in names
    }


def _mle() -> dict[str, Dataset]:
    return {
        name: Dataset(f"disambig-mle-{name}", f"disambig_mle/{name}", ("model.json",))
        for name in ("calima-msa-r13", "calima-egy-r13")
    }


def _bert() -> dict[str, Dataset]:
    files = ("config.json", "default_config.json", "mle_model.json", "vocab.txt")
    return {
        name: Dataset(f"disambig-bert-unfactored-{name}", f"disambig_bert_unfactored/{name}", files)
        for name in ("msa", "egy", "glf", "lev")
    }


def _dialect() -> dict[str, Dataset]:
    return {
        name: Dataset(f"dialectid-{name}", f"dialectid/{name}", ("lm/char", "lm/word"))
        for name in ("model26", "model6")
    }


#: Component -> name -> data, as in the catalogue of camel-tools 1.6. The first is the default.
DATASETS: Final[dict[str, dict[str, Dataset]]] = {
    "MorphologyDB": _databases(),
    "DisambigMLE": _mle(),
    "DisambigBertUnfactored": _bert(),
    "DialectID": _dialect(),
}

_importing = threading.RLock()


def data_folder() -> Path:
    """camel-tools' folder: `$CAMELTOOLS_DATA`, or the one in the home directory."""
    named = os.environ.get(DATA_VARIABLE)
    if named is not None:
        return Path(named).expanduser().absolute()
    below = "AppData/Roaming/camel_tools" if sys.platform == "win32" else ".camel_tools"
    return Path("~").expanduser() / below


def dataset_folder(component: str, name: str) -> Path:
    """Folder of installed data.

    Args:
        component: a key of `DATASETS`.
        name: a name of that component, in `DATASETS` or in the user's catalogue.

    Raises:
        UsageError: no such data, or it is not installed; the message has the command.
    """
    known = DATASETS[component]
    catalogued = _catalogued(component)
    if name not in known and name not in catalogued:
        raise UsageError(
            f"{name!r} is not data of camel-tools' {component}. "
            + did_you_mean(name, {*known, *catalogued})
        )
    path = catalogued.get(name) or known[name].path
    folder = data_folder() / "data" / path
    files = known[name].files if name in known else ()
    absent = [file for file in files if not (folder / file).exists()]
    if absent or not folder.is_dir():
        package = known[name].package if name in known else "PACKAGE"
        where = f" in {data_folder()} ({DATA_VARIABLE})" if DATA_VARIABLE in os.environ else ""
        what = f"{', '.join(absent)} of " if folder.is_dir() else ""
        raise UsageError(
            f"{what}camel-tools' data {name!r} ({component}) is not installed{where}. "
            f"Install it with: camel_data -i {package}"
        )
    return folder


def _catalogued(component: str) -> dict[str, str]:
    """Name -> path of the data of a component in the user's catalogue, if it can be read."""
    try:
        text = (data_folder() / "catalogue.json").read_text(encoding="utf-8")
        found = json.loads(text)["components"][component]["datasets"]
        return {str(name): str(entry["path"]) for name, entry in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def import_camel(module: str) -> ModuleType:
    """Import a module of camel-tools, offline. Safe to call from several threads.

    Args:
        module: full name, such as `camel_tools.morphology.database`.

    Raises:
        MissingExtraError: camel-tools is not installed.
        DataError: it is installed but cannot be imported.
    """
    with _importing:
        require_extra("morph", "camel_tools")
        try:
            if "camel_tools.data" not in sys.modules:
                _import_data_package()
            return importlib.import_module(module)
        except (ImportError, OSError, KeyError, AttributeError) as error:
            raise DataError(
                f"{module} cannot be imported ({type(error).__name__}: {error}). "
                "Install it again: pip install --force-reinstall 'arabench[morph]'"
            ) from error


def _import_data_package() -> None:
    """Put `camel_tools.data` into `sys.modules` with a catalogue that needs no network."""
    name = "camel_tools.data"
    parent = importlib.import_module("camel_tools")
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module named {name}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    try:
        # Its parent is in `sys.modules` by now, so this does not run the package's own code,
        # which would fetch the catalogue.
        with _no_folder_in_home():
            module = importlib.import_module(f"{name}.catalogue")
        original = module.Catalogue.load_catalogue

        def load_catalogue(path: Path | None = None) -> Any:
            place = module.Catalogue.get_default_catalogue_path() if path is None else path
            try:
                catalogue = original(place) if place.is_file() else None
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                catalogue = None  # damaged: of no more use than none
            return _completed(module, catalogue)

        with patch.object(module.Catalogue, "load_catalogue", staticmethod(load_catalogue)):
            spec.loader.exec_module(package)
    except BaseException:
        for key in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
            del sys.modules[key]
        raise
    setattr(parent, "data", package)  # noqa: B010 - what an import statement would do


@contextmanager
def _no_folder_in_home() -> Iterator[None]:
    """Let camel-tools make its folder, if it has none yet, in a place that is soon gone."""
    usual = Path("~").expanduser() / ".camel_tools"
    if sys.platform == "win32" or usual.is_dir():
        yield
        return
    with TemporaryDirectory() as folder:
        with patch.object(Path, "home", staticmethod(lambda: Path(folder))):
            yield
        module = sys.modules["camel_tools.data.catalogue"]
        module.__dict__["CT_DATA_PATH_DEFAULT"] = usual
        module.__dict__["CT_DATA_DIR"] = data_folder()
        module.__dict__["CT_VERSIONS_PATH"] = data_folder() / "versions.json"


def _completed(module: ModuleType, catalogue: Any) -> Any:
    """A catalogue with all of `DATASETS` in it; camel-tools looks some up when imported."""
    if catalogue is None:
        catalogue = module.Catalogue("none", {}, {})
    for component, datasets in DATASETS.items():
        default = next(iter(datasets))
        entry = catalogue.components.setdefault(
            component, module.ComponentEntry(component, default, {})
        )
        for name, dataset in datasets.items():
            path = module.CT_DATA_DIR / "data" / dataset.path
            entry.datasets.setdefault(name, module.DatasetEntry(name, component, path))
    return catalogue
