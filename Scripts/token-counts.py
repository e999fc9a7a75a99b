"""Counts tokens as five real tokenizers do, for the tests of the estimate: docs/design/0005-token-estimate.md.

Usage: token-counts.py VOCABULARIES --texts FILE ...    one line a text: the first half of its SHA-256, then five counts
       token-counts.py VOCABULARIES --prompts < LINES   ai_prompt records: what each takes, with a chat template, of its estimate

FILE has JSON lines with `text`, or ai_prompt records, of which every message is a text. VOCABULARIES is the folder that
token-counts.sh fills. The tokenizers: cl100k_base and o200k_base of OpenAI, Llama 2's, SmolLM2's, and Claude's as published for
the models before Claude 3. The words of Llama 2 are merged here, by the scores of its vocabulary, as sentencepiece does.
"""
import argparse
import hashlib
import heapq
import json
import os
import struct
import sys

import bpe_openai
import tokenizers


def gguf_fields(path):
    """The fields of a GGUF file, without its tensors (github.com/ggml-org/ggml/blob/master/docs/gguf.md)."""
    formats = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
    with open(path, "rb") as file:
        def number(format):
            return struct.unpack(format, file.read(struct.calcsize(format)))[0]

        def value(kind):
            if kind == 8:
                return file.read(number("<Q")).decode("utf-8", "replace")
            if kind == 9:
                element, count = number("<I"), number("<Q")
                return [value(element) for _ in range(count)]
            return number(formats[kind])

        if file.read(4) != b"GGUF":
            sys.exit(f"token-counts.py: {path}: no GGUF file")
        number("<I")
        _, count = number("<Q"), number("<Q")
        return dict((value(8), value(number("<I"))) for _ in range(count))


class Llama:
    """Llama 2's sentencepiece: pairs are merged as long as one is in the vocabulary, the one of the highest score first."""

    def __init__(self, path):
        fields = gguf_fields(path)
        self.ids = {token: place for place, token in enumerate(fields["tokenizer.ggml.tokens"])}
        self.scores = fields["tokenizer.ggml.scores"]

    def tokens(self, text):
        if not text:
            return []
        parts = list("\u2581" + text.replace(" ", "\u2581"))
        before, after = list(range(-1, len(parts) - 1)), list(range(1, len(parts) + 1))
        heap = []

        def offer(left):
            right = after[left] if left >= 0 else len(parts)
            if left >= 0 and right < len(parts) and (place := self.ids.get(parts[left] + parts[right])) is not None:
                heapq.heappush(heap, (-self.scores[place], left, parts[left], parts[right]))

        for left in range(len(parts) - 1):
            offer(left)
        while heap:
            _, left, mine, its = heapq.heappop(heap)
            right = after[left]
            if parts[left] != mine or right >= len(parts) or parts[right] != its:
                continue
            parts[left], parts[right], after[left] = mine + its, "", after[right]
            if after[left] < len(parts):
                before[after[left]] = left
            offer(before[left])
            offer(left)
        ids = []
        for part in filter(None, parts):
            if part in self.ids:
                ids.append(self.ids[part])
            else:
                ids += [self.ids[f"<0x{byte:02X}>"] for byte in part.encode()]
        return ids

    def check(self, path):
        """Holds it against the examples that lie beside the vocabulary."""
        with open(path + ".inp", encoding="utf-8", newline="") as file:
            texts = file.read().split("\n__ggml_vocab_test__\n")
        with open(path + ".out", encoding="utf-8") as file:
            wanted = [[int(id) for id in line.split()] for line in file.read().split("\n")]
        wrong = [text for text, ids in zip(texts, wanted) if self.tokens(text) != ids]
        if wrong or len(texts) < 40:
            sys.exit(f"token-counts.py: {path}: {len(wrong)} of {len(texts)} examples come out otherwise: {wrong[:3]}")


def smollm(path):
    fields = gguf_fields(path)
    vocabulary = {token: place for place, token in enumerate(fields["tokenizer.ggml.tokens"])}
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    pre = tokenizers.pre_tokenizers
    tokenizer.pre_tokenizer = pre.Sequence([pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False)])
    return tokenizer


class Counters:
    """The five tokenizers, by name: a text becomes a number."""

    def __init__(self, folder):
        llama_path = os.path.join(folder, "ggml-vocab-llama-spm.gguf")
        llama = Llama(llama_path)
        llama.check(llama_path)
        smol = smollm(os.path.join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"))
        claude = tokenizers.Tokenizer.from_file(os.path.join(folder, "claude.json"))
        cl100k, o200k = (bpe_openai.get_encoding(name) for name in ("cl100k_base", "o200k_base"))
        self.by_name = {
            "cl100k": lambda text: len(cl100k.encode(text)),
            "o200k": lambda text: len(o200k.encode(text)),
            "llama2": lambda text: len(llama.tokens(text)),
            "smollm2": lambda text: len(smol.encode(text, add_special_tokens=False).ids),
            "claude": lambda text: len(claude.encode(text).ids),
        }

    def of_prompt(self, name, messages):
        """What the template adds is text for Llama 2 and Claude, and marks of one token each for the others."""
        count = self.by_name[name]
        if name in ("cl100k", "o200k"):
            return 3 + sum(4 + count(message["content"]) for message in messages)
        if name == "smollm2":
            return 3 + sum(5 + count(message["content"]) for message in messages)
        system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
        others = [message for message in messages if message["role"] != "system"]
        if name == "claude":
            turns = ("\n\nHuman: ", "\n\nAssistant: ")
            return count(system + "".join(turns[m["role"] == "assistant"] + m["content"] for m in others) + turns[1])
        text = f"[INST] <<SYS>>\n{system}\n<</SYS>>\n\n" + "".join(
            m["content"] + " [/INST] " if m["role"] == "user" else m["content"] + " </s><s>[INST] " for m in others)
        return 1 + count(text)


def texts(path):
    with open(path, encoding="utf-8") as lines:
        for line in filter(str.strip, lines):
            data = json.loads(line)
            data = data.get("data", data)
            yield from (message["content"] for message in data["messages"]) if "messages" in data else [data["text"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vocabularies")
    parser.add_argument("--texts", nargs="+", default=[])
    parser.add_argument("--prompts", action="store_true")
    options = parser.parse_args()
    counters = Counters(options.vocabularies)
    names = list(counters.by_name)
    if options.texts:
        print("# sha256/2 " + " ".join(names))
    seen = set()
    for path in options.texts:
        for text in texts(path):
            key = hashlib.sha256(text.encode()).hexdigest()[:32]
            if key not in seen:
                print(key, *(counters.by_name[name](text) for name in names))
            seen.add(key)
    if options.prompts:
        worst, sums = {name: 0.0 for name in names}, {name: 0.0 for name in names}
        prompts = [json.loads(line)["data"] for line in sys.stdin]
        over = 0
        for prompt in prompts:
            for name in names:
                tokens = counters.of_prompt(name, prompt["messages"])
                over += tokens > prompt["tokens"]["budget"]
                worst[name] = max(worst[name], tokens / prompt["tokens"]["total"])
                sums[name] += tokens / prompt["tokens"]["total"]
        print(f"{len(prompts)} prompts, {over} times over their budget; real tokens for each estimated:")
        for name in names:
            print(f"{name:8} {sums[name] / len(prompts):.3f} on average, {worst[name]:.3f} at worst")


if __name__ == "__main__":
    main()
