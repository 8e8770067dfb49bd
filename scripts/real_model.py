"""A small model on llama.cpp's server, on loopback: `python real_model.py FILE`. Prints its address.

Runs in an environment of its own, with the package xllamacpp (`scripts/real`), until its stdin ends.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

#: Tokens of each of the two places: a request of a worker with its results.
_WINDOW, _PLACES = 12_288, 2


def main(file: str) -> None:
    xllamacpp: Any = import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.n_ctx, params.n_parallel = _WINDOW * _PLACES, _PLACES
    params.cpuparams.n_threads = os.cpu_count() or 1
    params.use_jinja = True
    params.port = 0
    params.sampling.seed, params.sampling.temp = 7, 0.2
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
