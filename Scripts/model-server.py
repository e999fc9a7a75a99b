"""Serves one GGUF model on loopback with one thread, speaking OpenAI's protocol, until standard input closes.

Usage: model-server.py MODEL.gguf PORT CONTEXT_TOKENS
"""
import sys

import xllamacpp

model, port, context = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
parameters = xllamacpp.CommonParams()
parameters.model.path = model
parameters.hostnames = ["127.0.0.1"]
parameters.port = port
parameters.n_ctx = context
parameters.n_parallel = 1
parameters.cpuparams.n_threads = 1
parameters.cpuparams_batch.n_threads = 1
parameters.warmup = False
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()  # ends with whoever started us
