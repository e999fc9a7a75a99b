"""Makes pages of about 1.2 KB from a seed: words of a Zipf distribution, so that an index looks like a book's."""
import json
import random


def words(count, rng):
    consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
    made = set()
    while len(made) < count:
        syllables = rng.choice((1, 2, 2, 3, 3, 4))
        made.add("".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(syllables)))
    return sorted(made, key=lambda word: (len(word), word))


def pages(count, seed=1, text_bytes=1200):
    """Yields page objects with ids "00001"…, each of about `text_bytes` bytes."""
    rng = random.Random(seed)
    vocabulary = words(20_000, rng)
    weights = [1 / (rank + 10) for rank in range(len(vocabulary))]
    totals, total = [], 0
    for weight in weights:
        total += weight
        totals.append(total)
    for index in range(1, count + 1):
        drawn = rng.choices(vocabulary, cum_weights=totals, k=text_bytes // 5)
        text, sentence = "", 0
        for word in drawn:
            if len(text) > text_bytes:
                break
            text += word.capitalize() if sentence == 0 else " " + word
            sentence += 1
            if sentence > rng.randint(6, 18):
                text += ".\n\n" if rng.random() < 0.2 else ". "
                sentence = 0
        yield {"id": f"{index:05}", "title": f"Chapter {index // 40 + 1}", "page_index": index, "text": text.strip()}


def write(path, count, seed=1):
    with open(path, "w", encoding="utf-8") as file:
        for page in pages(count, seed):
            file.write(json.dumps(page, ensure_ascii=False) + "\n")
