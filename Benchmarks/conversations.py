"""The rows of bench.py about conversations: a prompt behind a session of many turns, and what keeping a turn costs.

The turns are written as the programs write them, by way of Python's sqlite3: a hundred thousand answers would take minutes.
`gibsey-index --check` then says whether they are what the programs would have written.
"""
import json
import os
import sqlite3
import struct
import subprocess
import sys
import time

import story_generator

TURNS_PER_BLOCK = 256
FIRST_QUESTION = "Where did we leave the zanzibar lantern?"


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
        parent = db.execute(
            "INSERT INTO turn (session_id, place, parent_turn, character_id, question, answer, outcome, prompt_id, made_at)"
            " VALUES (?, ?, ?, 'london-fox', ?, ?, 'complete', 'p', '2026-01-01T00:00:00.000000Z')",
            (session, place, parent, question, answer)).lastrowid
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
    run([index, "--database", database, story])
    fill(database, "long", count)
    run([index, "--database", database, "--check"])
    common = [context, "--database", database, "--character", "london-fox"]
    found = json.loads(subprocess.run([*common, "--session", "long", FIRST_QUESTION], stdout=subprocess.PIPE, check=True).stdout)
    recalled = [turn["id"] for turn in found["data"]["turns"] if turn["recalled"]]
    ranked = frequency(count)
    questions = {"rare": FIRST_QUESTION, "common": " ".join(ranked[rank] for rank in (100, 200, 500, 2000)),
                 "frequent": " ".join(ranked[8:12])}
    for name, question in questions.items():
        medians = compare(rounds * 6, lambda: run([*common, "--session", "long", question]),
                          {"without": lambda: run([*common, question])})
        say("session_context", turns=count, words=name, milliseconds=medians["ours"][0] * 1000,
            without_milliseconds=medians["without"][0] * 1000,
            session_milliseconds=(medians["ours"][0] - medians["without"][0]) * 1000,
            session_cpu_milliseconds=(medians["ours"][1] - medians["without"][1]) * 1000,
            **({"recalled": count // 3 + 1 in recalled} if name == "rare" else {}))

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


def frequency(count):
    """The words of the turns, those first that most turns have."""
    counts = {}
    for question, answer in turns(min(count, 4000)):
        for word in set((question + " " + answer).lower().replace(".", "").split()):
            counts[word] = counts.get(word, 0) + 1
    return sorted(counts, key=lambda word: (-counts[word], word))
