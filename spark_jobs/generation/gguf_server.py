"""The child process of the embedded endpoint: serves one GGUF file on a free loopback port until its input closes.

Run as a file by `embedded.py`. Its parent holds the other end of standard input, so it ends when the parent does,
however the parent ends. The first line of standard output is the address; everything else goes to standard error.
"""

import argparse
import os
import sys


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    arguments = parser.parse_args()
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    import xllamacpp

    server = xllamacpp.Server(_params(xllamacpp, arguments))
    with answer:
        answer.write(f"{server.listening_address}\n")
    sys.stdin.buffer.read()
    # Without waiting for a generation under way: nobody is there to read it.
    os._exit(0)


def _params(xllamacpp: object, arguments: argparse.Namespace) -> object:
    params = xllamacpp.CommonParams()  # type: ignore[attr-defined]
    params.model.path = arguments.model
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = arguments.context * arguments.slots
    params.n_parallel = arguments.slots
    params.n_gpu_layers = 0
    params.offline = True
    params.ui = False
    # An answer must not depend on what was asked before: a reused prefix rounds differently (measured).
    params.cache_prompt = False
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = arguments.threads
        # Waiting threads sleep: two that spin on a busy machine are ten times slower than one (measured).
        cpu.poll = 0
    return params


if __name__ == "__main__":
    main()
