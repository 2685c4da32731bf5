"""Hub names: answered in seconds, by a stand-in on this machine, a closed port, or the cache."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("huggingface_hub", reason="needs the extra arabench[eval]")

from huggingface_hub import constants

from arabench.errors import UsageError
from arabench.models.hub import cached_folder, require_reachable, why_unreachable

#: What the stand-in answers to /api/models/NAME and /api/datasets/NAME.
ANSWERS = {
    "org/there": (200, None),
    "org/there/revision/v1": (200, None),
    "org/there/revision/v9": (404, "RevisionNotFound"),
    "org/gone": (404, "RepoNotFound"),
    "datasets/org/rows": (200, None),
    "datasets/org/gone": (404, "RepoNotFound"),
    "org/gated": (403, "GatedRepo"),
    "org/broken": (503, None),
}


class StandIn(BaseHTTPRequestHandler):
    """Answers as a hub does, in the headers that tell its errors apart."""

    def do_GET(self) -> None:
        name = self.path.removeprefix("/api/models/").partition("?")[0]
        name = name.removeprefix("/api/")
        status, code = ANSWERS[name]
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        body = json.dumps({"id": name, "siblings": []}).encode() if status == 200 else b"{}"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As a process without HF_HUB_OFFLINE and with an empty cache sees it."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.delenv(spelling, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    yield endpoint
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["closed port", "silent host"])
def no_hub(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address where nobody answers: refused at once, or never."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        if request.param == "silent host":
            place.listen()  # connections are taken, nothing is ever said
        endpoint = f"http://127.0.0.1:{place.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        yield endpoint


def cache(folder: Path, name: str, *files: str, index: tuple[str, ...] = ()) -> Path:
    """A snapshot as the hub's library leaves it."""
    place = folder / f"models--{name.replace('/', '--')}"
    snapshot = place / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("c0ffee")
    for file in ("config.json", *files):
        (snapshot / file).write_text("{}")
    if index:
        content = {"weight_map": {str(number): file for number, file in enumerate(index)}}
        (snapshot / "model.safetensors.index.json").write_text(json.dumps(content))
    return snapshot


@pytest.mark.parametrize("revision", [None, "v1"])
def test_a_model_that_is_there(hub: str, revision: str | None) -> None:
    assert require_reachable("org/there", revision) is False


def test_data_sets(hub: str) -> None:
    assert why_unreachable("org/rows", kind="dataset") == ""
    with pytest.raises(UsageError, match=r"^dataset 'org/gone' is not at"):
        why_unreachable("org/gone", kind="dataset")


@pytest.mark.parametrize(
    ("name", "revision", "says"),
    [
        ("org/gone", None, r"'org/gone' is not at .*no folder here has this name"),
        ("org/gated", None, r"'org/gated' is not open to you .*accept its terms"),
        ("org/there", "v9", r"'org/there' \(revision 'v9'\) at .* has no such revision"),
        ("a b", None, r"'a b' is no hub name \(OWNER/NAME\) and no folder"),
        ("org/broken", None, r"could not be reached \(HfHubHTTPError.*503"),
    ],
)
def test_answers_that_are_no(hub: str, name: str, revision: str | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        require_reachable(name, revision)


def test_what_was_tried_is_told_within_five_seconds(no_hub: str, online: Path) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError) as caught:
        require_reachable("org/there")
    assert time.monotonic() - began < 5
    for part in ("'org/there'", no_hub, str(online), "Give a model folder"):
        assert part in str(caught.value)


def test_a_whole_copy_in_the_cache_is_enough(no_hub: str, online: Path) -> None:
    cache(online, "org/there", "model.safetensors")
    assert require_reachable("org/there") is True


def test_offline_nothing_is_asked(hub: str, online: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="HF_HUB_OFFLINE is set, and the cache"):
        require_reachable("org/there")
    cache(online, "org/there", "model.safetensors")
    assert require_reachable("org/there") is True


def test_half_a_copy_is_none(online: Path) -> None:
    assert cached_folder("org/none") is None
    assert cached_folder("a b") is None
    cache(online, "org/bare")
    assert cached_folder("org/bare") is None
    parts = ("model-1.safetensors", "model-2.safetensors")
    snapshot = cache(online, "org/half", parts[0], index=parts)
    assert cached_folder("org/half") is None
    (snapshot / parts[1]).touch()
    assert cached_folder("org/half") == snapshot


@pytest.mark.parametrize(
    ("name", "near"),
    [("lama", "Did you mean 'llama'? "), ("modls/llama", "Did you mean 'models/llama'? "),
     ("models2/other", ""), ("org/gone", "")],
)  # fmt: skip
def test_a_mistyped_folder_is_told_by_its_nearest(
    name: str, near: str, hub: str, online: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the hub says no, or is not asked."""
    (tmp_path / "here" / "llama").mkdir(parents=True)
    (tmp_path / "here" / "models" / "llama").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError) as caught:
        require_reachable(name)
    assert f"No folder here has this name. {near}Give a model folder" in str(caught.value)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    if name == "org/gone":
        with pytest.raises(UsageError, match=r"no folder here has this name. Check its spelling"):
            require_reachable(name)
