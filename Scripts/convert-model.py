#!/usr/bin/env python3
"""Converts the weights of all-MiniLM-L6-v2 into the one file that gibsey maps into memory. Standard library only.

Usage: convert-model.py FOLDER OUT      FOLDER holds model.safetensors, config.json and vocab.txt
       convert-model.py --check FILE    exit 0 when FILE is whole, and of this version

The file, version 2, little-endian; a section begins at a multiple of 64 bytes, the weights at one of 4,096.

  0  8 bytes   magic "gibseyEM"
  8  u32       version of this format: 2
 12  u32       bytes of the header: 320
 16  u64       bytes of the file: one cut short is known by it
 24  u32 x 8   dims, layers, heads, inner, positions, vocab, pieces read at once, slots of the hash table
 56  u32 x 3   ids of [UNK], [CLS], [SEP]
 68  f32       epsilon of the layer norms
 72  32 bytes  name of the model, NUL behind
104  32 bytes  SHA-256 of the safetensors file: the revision
136  32 bytes  SHA-256 of everything after the header
168  u64 x 14  places of the sections, in this order:
     words       i16 (vocab, dims): times its scale, the embedding of a piece
     wordScales  f32 (vocab,)
     positions   f32 (positions, dims): position and type embeddings, added up
     vectors     f32: gain, bias of the first norm (dims,) each; then for each layer: scale, bias of query|key|value
                 (3 dims,), of the attention's output (dims,), gain, bias of its norm, scale, bias of up (inner,), of
                 down (dims,), gain, bias of its norm
     weights     i16: for each layer query|key|value (3 dims, dims), output (dims, dims), up (inner, dims), down (dims,
                 inner), packed: [channel / 16][input / 2][16 channels][2 inputs]. Weight = number x scale of its channel;
                 no number is beyond +-4,095, from which the kernels know that their sums fit 32 bits. The scale and the
                 bias of query are divided by the square root of a head's dims.
     slots       u32 (slots,): id + 1 of a piece, 0 for none, at FNV-1a of its bytes and after it
     pieces      u32 (vocab + 1,): where the bytes of a piece begin, and the next one's
     pieceBytes  u8
     blocks      u16 (4,352,): for each 256 code points the number of their block
     characters  u32 (blocks, 256), then the sequences. What becomes of a code point: kind << 24 | value, where kind is
                 0 nothing, 1 a space, 2 a word by itself, 3 a letter (value: the code point that is meant, lower case and
                 without accent, or 0 for the same), 4 several (value: where in this section their count stands, and they
                 behind it)
     nearWords   the words once more, in four bits, for comparing many of them: for each piece f32 scale, then for each 32
                 components 16 bytes, the low halves the first 16 of them. Component = (half - 7.5) x scale.
     smallWeights  i8: the weights once more, in the same order, for questions: packed [channel / 16][input / 4][16 channels]
                 [4 inputs]; no number is beyond +-127
     smallScales f32: for each layer, of each channel: of query|key|value, of the attention's output, of up, of down; the scale of
                 query is divided as that of weights
     smallTotals i32: of each channel, its weights added up

Files of version 1, of 256 bytes of header, end with nearWords, or before them with 0 for their place. They are used without.
"""
import array
import hashlib
import json
import math
import os
import struct
import sys
import unicodedata

MAGIC, VERSION, HEADER = b"gibseyEM", 2, 320
NAME = b"all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LARGEST = 4095
SMALL_LARGEST = 127
EMBEDDING_LARGEST = 32767
SLOTS = 1 << 16
READ_AT_ONCE = 256


class Tensors:
    """The float tensors of a safetensors file (github.com/huggingface/safetensors, "Format")."""

    def __init__(self, data):
        (length,) = struct.unpack_from("<Q", data)
        self.header = json.loads(data[8 : 8 + length])
        self.data, self.start = data, 8 + length

    def read(self, name):
        entry = self.header[name]
        if entry["dtype"] != "F32":
            raise SystemExit(f"convert-model: {name} is {entry['dtype']}, wanted F32")
        begin, end = entry["data_offsets"]
        values = array.array("f")
        values.frombytes(self.data[self.start + begin : self.start + end])
        if sys.byteorder == "big":
            values.byteswap()
        if not all(map(math.isfinite, values)):
            raise SystemExit(f"convert-model: {name} holds NaN or infinity; these weights are not used")
        return values

    def rows(self, name):
        values, width = self.read(name), self.header[name]["shape"][1]
        return [values[start : start + width] for start in range(0, len(values), width)]


def quantized(row, largest):
    """The row as integers within +-largest, and what they are to be multiplied by."""
    top = max(max(row), -min(row))
    if top == 0:
        return [0] * len(row), 0.0
    factor = largest / top
    return [round(value * factor) for value in row], top / largest


def nibbles(row):
    """The row in four bits a component: sixteen levels over 2.7 standard deviations to both sides, none of them 0."""
    scale = 2.7 * math.sqrt(sum(value * value for value in row) / len(row)) / 7.5 or 1.0
    levels = [min(15, max(0, math.floor(value / scale + 8))) for value in row]
    halves = (levels[first + k] | levels[first + 16 + k] << 4 for first in range(0, len(row), 32) for k in range(16))
    return struct.pack("<f", scale) + bytes(halves)


def packed(rows, kind, largest, step):
    """[channel / 16][input / step][16][step] of an array's kind, and of the channels the scales and the weights added up."""
    out, scales, totals = array.array(kind), array.array("f"), array.array("i")
    for start in range(0, len(rows), 16):
        panel = [quantized(row, largest) for row in rows[start : start + 16]]
        scales.extend(scale for _, scale in panel)
        numbers = [row for row, _ in panel]
        totals.extend(map(sum, numbers))
        for k in range(0, len(numbers[0]), step):
            for row in numbers:
                out.extend(row[k : k + step])
    return out, scales, totals


def layer(tensors, number, head_dims, small):
    """The weights and the vectors of one layer, in the order of the file; those of 8 bits are added to `small`."""
    prefix = f"encoder.layer.{number}."
    weights, vectors = array.array("h"), array.array("f")

    def add(names, shrink_first=0):
        rows, biases = [], []
        for name in names:
            rows += tensors.rows(prefix + name + ".weight")
            biases += tensors.read(prefix + name + ".bias")
        numbers, scales, _ = packed(rows, "h", LARGEST, 2)
        small_numbers, small_scales, small_totals = packed(rows, "b", SMALL_LARGEST, 4)
        root = math.sqrt(head_dims)
        for index in range(shrink_first):
            scales[index] /= root
            small_scales[index] /= root
            biases[index] /= root
        weights.extend(numbers)
        for section, values in zip(small, (small_numbers, small_scales, small_totals)):
            section.extend(values)
        vectors.extend(scales)
        vectors.extend(biases)

    def norm(name):
        vectors.extend(tensors.read(prefix + name + ".weight"))
        vectors.extend(tensors.read(prefix + name + ".bias"))

    dims = tensors.header[prefix + "attention.self.query.bias"]["shape"][0]
    add(["attention.self.query", "attention.self.key", "attention.self.value"], shrink_first=dims)
    add(["attention.output.dense"])
    norm("attention.output.LayerNorm")
    add(["intermediate.dense"])
    add(["output.dense"])
    norm("output.LayerNorm")
    return weights, vectors


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def vocabulary(pieces):
    slots, places, text = array.array("I", bytes(4 * SLOTS)), array.array("I", [0]), bytearray()
    for number, piece in enumerate(pieces):
        text += piece
        places.append(len(text))
        hashed = fnv1a(piece)
        slot = (hashed ^ hashed >> 32) % SLOTS
        while slots[slot]:
            slot = (slot + 1) % SLOTS
        slots[slot] = number + 1
    return slots, places, bytes(text)


# CJK ideographs, each a word by itself (github.com/google-research/bert, tokenization.py, _is_chinese_char).
IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
              (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
# White_Space of the Unicode database, PropList.txt.
SPACES = {*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
DROP, SPACE, WORD, LETTER, SEQUENCE = 0, 1 << 24, 2 << 24, 3 << 24, 4 << 24


def is_punctuation(code):
    return 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126 \
        or unicodedata.category(chr(code)).startswith("P")


def meaning(code):
    """What uncased BERT makes of a code point: a list of kind << 24 | code point."""
    category = unicodedata.category(chr(code))
    if code not in (0x09, 0x0A, 0x0D) and (code in (0, 0xFFFD) or category in ("Cc", "Cf", "Co", "Cs")):
        return []
    if code in SPACES:
        return [SPACE]
    is_ideograph = any(first <= code <= last for first, last in IDEOGRAPHS)
    text = "".join(c for c in unicodedata.normalize("NFD", chr(code)) if unicodedata.category(c) != "Mn")
    text = "".join(c.lower() for c in text)
    return [(WORD if is_ideograph or is_punctuation(ord(c)) else LETTER) | ord(c) for c in text]


def character_table():
    blocks, numbers, table, sequences = array.array("H"), {}, array.array("I"), []
    for start in range(0, 0x110000, 256):
        block = []
        for code in range(start, start + 256):
            meant = meaning(code)
            if len(meant) > 1:
                block.append(tuple(meant))
            elif meant:
                # Most stand for themselves; said so, blocks of them are equal and kept once.
                block.append(meant[0] & 0xFF000000 if meant[0] & 0xFFFFFF == code else meant[0])
            else:
                block.append(DROP)
        block = tuple(block)
        if block not in numbers:
            numbers[block] = len(numbers)
        blocks.append(numbers[block])
    end = 256 * len(numbers)
    for block in numbers:
        for entry in block:
            if isinstance(entry, tuple):
                table.append(SEQUENCE | end + len(sequences))
                sequences += [len(entry), *entry]
            else:
                table.append(entry)
    table.extend(sequences)
    return blocks, table


def convert(folder, out):
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        data = file.read()
    digest = hashlib.sha256(data)
    if digest.hexdigest() != WEIGHTS_SHA256:
        raise SystemExit(f"convert-model: model.safetensors has SHA-256 {digest.hexdigest()}, wanted {WEIGHTS_SHA256}")
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(folder, "vocab.txt"), "rb") as file:
        pieces = file.read().rstrip(b"\n").split(b"\n")
    tensors = Tensors(data)
    dims, heads = config["hidden_size"], config["num_attention_heads"]

    words, word_scales, near_words = array.array("h"), array.array("f"), bytearray()
    for row in tensors.rows("embeddings.word_embeddings.weight"):
        numbers, scale = quantized(row, EMBEDDING_LARGEST)
        words.extend(numbers)
        word_scales.append(scale)
        near_words += nibbles(row)
    kind = tensors.rows("embeddings.token_type_embeddings.weight")[0]
    positions = array.array("f")
    for row in tensors.rows("embeddings.position_embeddings.weight"):
        positions.extend(a + b for a, b in zip(row, kind))
    vectors = tensors.read("embeddings.LayerNorm.weight") + tensors.read("embeddings.LayerNorm.bias")
    small = array.array("b"), array.array("f"), array.array("i")
    weights = array.array("h")
    for number in range(config["num_hidden_layers"]):
        more_weights, more_vectors = layer(tensors, number, dims // heads, small)
        weights.extend(more_weights)
        vectors.extend(more_vectors)
    slots, places, piece_bytes = vocabulary(pieces)
    blocks, characters = character_table()

    body, offsets = bytearray(), []
    for section in (words, word_scales, positions, vectors, weights, slots, places, piece_bytes, blocks, characters,
                    bytes(near_words), *small):
        step = 4096 if section is weights or section is small[0] else 64
        body += bytes(-(HEADER + len(body)) % step)
        offsets.append(HEADER + len(body))
        if sys.byteorder == "big" and isinstance(section, array.array):
            section.byteswap()
        body += section if isinstance(section, bytes) else section.tobytes()
    header = MAGIC + struct.pack("<IIQ", VERSION, HEADER, HEADER + len(body))
    header += struct.pack("<8I", dims, config["num_hidden_layers"], heads, config["intermediate_size"],
                          config["max_position_embeddings"], len(pieces), READ_AT_ONCE, SLOTS)
    header += struct.pack("<3If", *(pieces.index(mark) for mark in (b"[UNK]", b"[CLS]", b"[SEP]")),
                          config["layer_norm_eps"])
    header += NAME.ljust(32, b"\0") + digest.digest() + hashlib.sha256(body).digest()
    header += struct.pack("<14Q", *offsets)
    # Beside its place and then renamed: nobody meets a half of it.
    partial = f"{out}.{os.getpid()}"
    try:
        with open(partial, "wb") as file:
            file.write(header.ljust(HEADER, b"\0") + body)
        os.replace(partial, out)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def is_whole(path):
    try:
        with open(path, "rb") as file:
            header, body = file.read(HEADER), file.read()
    except OSError:
        return False
    return (len(header) == HEADER and header[:8] == MAGIC and struct.unpack_from("<I", header, 8)[0] == VERSION
            and header[136:168] == hashlib.sha256(body).digest() and header[104:136].hex() == WEIGHTS_SHA256)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__.split("\n\n")[1])
    if sys.argv[1] == "--check":
        raise SystemExit(0 if is_whole(sys.argv[2]) else 1)
    convert(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    main()
