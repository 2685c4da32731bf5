"""A stand-in for a server of OpenAI's completions API around a model in memory."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@contextlib.contextmanager
def serve(model: Any, tokenizer: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve on a free port of this machine; yields the address and the requests that came."""
    import torch

    seen: list[dict[str, Any]] = []

    def choice(number: int, ids: list[int], more: int, echo: bool) -> dict[str, Any]:
        given = len(ids)
        with torch.no_grad():
            for _ in range(more):
                logits = model(torch.tensor([ids])).logits[0, -1]
                ids = [*ids, int(logits.argmax())]
            logs = torch.log_softmax(model(torch.tensor([ids])).logits[0].float(), -1)
        start = 0 if echo else given
        found: list[float | None] = [None]
        found += [float(logs[at - 1, token]) for at, token in enumerate(ids) if at]
        best: list[dict[str, float] | None] = [None]
        best += [{str(int(row.argmax())): float(row.max())} for row in logs[:-1]]
        return {
            "index": number,
            "text": tokenizer.decode(ids[start:]),
            "logprobs": {"token_logprobs": found[start:], "top_logprobs": best[start:]},
        }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(asked)
            prompts = asked["prompt"]
            if prompts and isinstance(prompts[0], int):
                prompts = [prompts]
            made = [
                choice(number, list(ids), int(asked["max_tokens"]), bool(asked.get("echo")))
                for number, ids in enumerate(prompts)
            ]
            body = json.dumps({"choices": made}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/completions", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
