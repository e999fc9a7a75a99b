"""The rows of bench.py about conversations: a prompt behind a session of many turns, and what keeping a turn costs.

The turns are written as the programs write them, by way of Python's sqlite3: a hundred thousand answers would take minutes.
`gibsey-index --check` then says whether they are what the programs would have written.
"""
import json
import os
import random
import sqlite3
import struct
import subprocess
import sys
import time

import story_generator

TURNS_PER_BLOCK = 256
CODES_ABREAST = 8
# Turns whose vectors the model makes; those of all others are put together of theirs.
EMBEDDED_TURNS = 256
FIRST_QUESTION = "Where did we leave the zanzibar lantern?"
# Shares two words with the same turn, among words that were never said.
LONG_QUESTION = "Tell me again what the man with the lantern said to his sister about Zanzibar last winter."


def turns(count, seed=7):
    """Yields questions of about 12 words and answers of about 80, of the words that stories are made of."""
    for index, page in enumerate(story_generator.pages(count, seed, text_bytes=500)):
        words = page["text"].split()
        if index == count // 3:
            words[:6] = ["Under", "the", "zanzibar", "lantern", "of", "Moll."]
        yield " ".join(words[:12]), " ".join(words[12:])


def words_of(blob):
    total = value = 0
    for byte in blob:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            total, value = total + value, 0
    return total


class SampledVectors:
    """Vectors for many turns out of those that the embedder made for some: halves of two that stand at the same place in their
    turns, the question or a part of the answer, so that each is new and as near to a question as those of texts are."""

    def __init__(self, database, seed=8):
        db = sqlite3.connect(database)
        self.embedder, dimensions = db.execute("SELECT embedder_id, dimensions FROM embedder WHERE is_active").fetchone()
        self.half, self.stride = dimensions // 4, 4 + dimensions // 2
        self.kept = {number: blob for number, blob in db.execute("SELECT turn_id, vectors FROM turn_vector ORDER BY turn_id")}
        self.pool = [[blob[at:at + self.stride] for at in range(0, len(blob), self.stride)] for blob in self.kept.values()]
        self.random = random.Random(seed)
        db.close()

    def draw(self):
        first, second = self.random.choice(self.pool), self.random.choice(self.pool)
        cut = 4 + self.half
        return b"".join(left[:cut] + right[cut:] for left, right in zip(first, second))

    def codes(self, blob):
        """The signs of each vector: four bits a component, two components a byte, the even one low."""
        for at in range(0, len(blob), self.stride):
            components = blob[at + 4:at + self.stride]
            yield int(components[::-1].translate(SIGNS), 4).to_bytes(self.half // 2, "little")


SIGNS = bytes(ord("0") + (byte >> 3 & 1) + (byte >> 7 << 1) for byte in range(256))


def packed(entries):
    """A block of codes, from (slot, row, code): see SearchBlocks.swift."""
    blob = struct.pack("<I", len(entries))
    blob += b"".join(struct.pack("<H", slot) for slot, _, _ in entries)
    blob += b"".join(struct.pack("<I", row) for _, row, _ in entries)
    size = len(entries[0][2])
    codes = [code for _, _, code in entries] + [bytes(size)] * (-len(entries) % CODES_ABREAST)
    return blob + b"".join(code[word:word + 8] for group in range(0, len(codes), CODES_ABREAST)
                           for word in range(0, size, 8) for code in codes[group:group + CODES_ABREAST])


def add_vectors(database, name, vectors, kept):
    """Gives each turn of a session its vectors; `kept` are those of certain places."""
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("BEGIN")
    session, = db.execute("SELECT session_id FROM session WHERE id = ?", (name,)).fetchone()
    entries = []
    turns = db.execute("SELECT place, turn_id FROM turn WHERE session_id = ? ORDER BY place", (session,)).fetchall()
    for place, turn in turns:
        blob = kept.get(place) or vectors.draw()
        db.execute("INSERT INTO turn_vector VALUES (?, ?, ?)", (vectors.embedder, turn, blob))
        entries += ((place % TURNS_PER_BLOCK, turn, code) for code in vectors.codes(blob))
        if place % TURNS_PER_BLOCK == TURNS_PER_BLOCK - 1 or place == len(turns) - 1:
            db.execute("INSERT INTO turn_code_block VALUES (?, ?, ?, ?)",
                       (vectors.embedder, session, place // TURNS_PER_BLOCK, packed(entries)))
            entries = []
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def fill(database, name, count, said=None):
    """One session of so many turns, each behind the last; returns their numbers. `said` are other turns than `turns` makes."""
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("BEGIN")
    session = db.execute(
        "INSERT INTO session (id, made_at, seen_at, character_id, turns) VALUES (?, ?, ?, 'london-fox', ?)",
        (name, "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z", count)).lastrowid
    parent, facts = None, []
    numbers = []
    for place, (question, answer) in enumerate(said or turns(count)):
        parent_place = place if parent else 0
        before = struct.pack("<q", parent) if parent else b""
        parent = db.execute(
            "INSERT INTO turn (session_id, place, parent_turn, character_id, question, answer, outcome, prompt_id, made_at)"
            " VALUES (?, ?, ?, 'london-fox', ?, ?, 'complete', 'p', '2026-01-01T00:00:00.000000Z')",
            (session, place, parent, question, answer)).lastrowid
        # It has seen no page, and what was said just before.
        db.execute("INSERT INTO turn_source VALUES (?, 0, x'', ?)", (parent, before))
        numbers.append(parent)
        row = session << 32 | place
        db.execute("INSERT INTO turn_text (rowid, text) VALUES (?, ?)", (row, question + "\n" + answer))
        size = words_of(db.execute("SELECT sz FROM turn_text_docsize WHERE id = ?", (row,)).fetchone()[0])
        facts.append(struct.pack("<qqIII", parent, 0, parent_place, size, 1))
        if len(facts) == TURNS_PER_BLOCK or place == count - 1:
            db.execute("INSERT INTO turn_block VALUES (?, ?, ?)", (session, place // TURNS_PER_BLOCK, b"".join(facts)))
            facts = []
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return numbers


def bench(programs, folder, novel, count, rounds, run, compare, say, server):
    """A prompt with the session and without; then prompts asked with the session and without, of which the difference is told.

    `server` is where gibsey-ask finds a provider.
    """
    index, context, ask = (os.path.join(programs, "gibsey-" + name) for name in ("index", "context", "ask"))
    database = os.path.join(folder, "talk.db")
    story = novel
    if not os.path.exists(story):
        story = os.path.join(folder, "story.jsonl")
        story_generator.write(story, 710)
    index_it = [index, "--database", database, story]
    run(index_it)
    rare = count // 3
    said = list(turns(count))
    sample = [said[rare], *said[:EMBEDDED_TURNS]]
    numbers = fill(database, "sample", len(sample), sample)
    run(index_it)
    vectors = SampledVectors(database) if has_embedder(database) else None
    run([index, "--database", database, "--forget", "sample"])
    numbers_long = fill(database, "long", count, said)
    run([index, "--database", database, "--check"])
    common = [context, "--database", database, "--character", "london-fox"]
    ranked = frequency(said)
    questions = {"rare": FIRST_QUESTION, "common": " ".join(ranked[rank] for rank in (100, 200, 500, 2000)),
                 "frequent": " ".join(ranked[8:12])}

    def prompts_behind(with_vectors):
        recalled = {}
        for name, question in (("recalled", FIRST_QUESTION), ("recalled_among_words_never_said", LONG_QUESTION)):
            found = json.loads(
                subprocess.run([*common, "--session", "long", question], stdout=subprocess.PIPE, check=True).stdout)
            recalled[name] = numbers_long[rare] in [turn["id"] for turn in found["data"]["turns"] if turn["recalled"]]
        for name, question in questions.items():
            medians = compare(rounds * 6, lambda: run([*common, "--session", "long", question]),
                              {"without": lambda: run([*common, question])})
            say("session_context", turns=count, vectors=with_vectors, words=name,
                milliseconds=medians["ours"][0] * 1000, without_milliseconds=medians["without"][0] * 1000,
                session_milliseconds=(medians["ours"][0] - medians["without"][0]) * 1000,
                session_cpu_milliseconds=(medians["ours"][1] - medians["without"][1]) * 1000,
                **(recalled if name == "rare" else {}))

    prompts_behind(False)
    if vectors:
        add_vectors(database, "long", vectors, {rare: vectors.kept[numbers[0]]})
        run([index, "--database", database, "--check"])
        prompts_behind(True)
    else:
        say("session_context", turns=count, vectors=True, skipped="no model; run make model")

    prompts = 200
    lines = "".join(f"hello {number}\n" for number in range(prompts)).encode()

    def asked(arguments):
        done = subprocess.run([ask, "--provider", "ollama", "--lines", *arguments], input=lines,
                              stdout=subprocess.DEVNULL, env=server.environment)
        if done.returncode:
            sys.exit("gibsey-ask failed")

    def timed(arguments):
        start = time.perf_counter()
        asked(arguments)
        return time.perf_counter() - start, 0

    keeping = ["--database", database, "--session", "long"]
    medians = compare(rounds, lambda: timed(keeping), {"without": lambda: timed([])})
    # A turn is written twice: begun before its answer, and finished.
    say("session_append", turns=count, prompts=prompts,
        turn_milliseconds=(medians["ours"][0] - medians["without"][0]) * 1000 / prompts,
        write_milliseconds=(medians["ours"][0] - medians["without"][0]) * 1000 / prompts / 2)
    run([index, "--database", database, "--check"])


def has_embedder(database):
    db = sqlite3.connect(database)
    active = db.execute("SELECT count(*) FROM embedder WHERE is_active").fetchone()[0]
    db.close()
    return active == 1


def frequency(said):
    """The words of the turns, those first that most turns have."""
    counts = {}
    for question, answer in said[:4000]:
        for word in set((question + " " + answer).lower().replace(".", "").split()):
            counts[word] = counts.get(word, 0) + 1
    return sorted(counts, key=lambda word: (-counts[word], word))
