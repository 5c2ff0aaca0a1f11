"""Serves a model with llama.cpp's own server, as the wheel xllamacpp holds it, on a free port.

    llama_server.py MODEL

Prints the base URL in one line. Ends when its input does, so that it never outlives its starter.
"""

import sys

import xllamacpp


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    params = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.model_alias = {"random"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 65536
    params.n_parallel = 2
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 4
    params.endpoint_slots = True
    params.warmup = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


main()
