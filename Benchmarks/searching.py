"""The rows of bench.py about vectors and searching: pages that bring their vectors, whole processes, recall.

Vectors are clustered, as those of texts are: 384 components around one of some hundred centres, from a seeded generator.
"""
import array
import base64
import json
import math
import os
import random
import statistics
import subprocess
import sys

import story_generator

DIMENSIONS = 384
CENTRES = 400
QUESTION_WORDS = (100, 200, 500, 2000)

PEER = """
import base64, json, sqlite3, sys
db = sqlite3.connect(sys.argv[2], isolation_level=None)
db.executescript('''CREATE TABLE page (page_id INTEGER PRIMARY KEY, id TEXT UNIQUE, title TEXT, page_index INTEGER, text TEXT);
CREATE TABLE vector (page_id INTEGER PRIMARY KEY, vector BLOB);
CREATE VIRTUAL TABLE page_text USING fts5 (text, content='page', content_rowid='page_id', tokenize='porter unicode61');''')
db.execute("BEGIN")
for row, line in enumerate(open(sys.argv[1], encoding="utf-8"), 1):
    page = json.loads(line)
    db.execute("INSERT INTO page VALUES (?, ?, ?, ?, ?)", (row, page["id"], page["title"], page["page_index"], page["text"]))
    db.execute("INSERT INTO page_text (rowid, text) VALUES (?, ?)", (row, page["text"]))
    db.execute("INSERT INTO vector VALUES (?, ?)", (row, base64.b64decode(page["vector"])))
db.execute("COMMIT")
"""

VEC_MAKE = """
import sqlite3, sys, sqlite_vec
db = sqlite3.connect(sys.argv[2]); db.enable_load_extension(True); sqlite_vec.load(db)
db.execute("ATTACH ? AS other", (sys.argv[1],))
db.execute("CREATE VIRTUAL TABLE vec USING vec0(vector float[384])")
db.execute("INSERT INTO vec(rowid, vector) SELECT page_id, vector FROM other.vector")
db.commit()
"""

VEC_ASK = """
import sqlite3, sys, time, sqlite_vec
start = time.perf_counter()
db = sqlite3.connect(sys.argv[1]); db.enable_load_extension(True); sqlite_vec.load(db)
db.execute("PRAGMA mmap_size = 8000000000")
rows = db.execute("SELECT rowid FROM vec WHERE vector MATCH ? AND k = 10", (open(sys.argv[2], "rb").read(),)).fetchall()
print(time.perf_counter() - start)
"""

# Runs a command from a small process: a child starts with the peak of whoever starts it.
RESIDENT = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Vectors:
    """Draws unit vectors around centres."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        centres = random.Random(1)
        self.centres = [[centres.random() - 0.5 for _ in range(DIMENSIONS)] for _ in range(CENTRES)]

    def draw(self):
        draw = self.random.random
        numbers = [middle + (draw() - 0.5) for middle in self.random.choice(self.centres)]
        length = math.sqrt(sum(number * number for number in numbers))
        return array.array("f", [number / length for number in numbers])


def write_story(path, count):
    vectors = Vectors(2)
    kept = []
    with open(path, "w", encoding="utf-8") as file:
        for page in story_generator.pages(count):
            vector = vectors.draw()
            kept.append(vector)
            page["vector"] = base64.b64encode(vector.tobytes()).decode()
            file.write(json.dumps(page) + "\n")
    return kept


def common_words(path, count=2000):
    """Words of the story by rank, for a question whose words many pages have."""
    pages_with = {}
    with open(path, encoding="utf-8") as file:
        for _, line in zip(range(count), file):
            for word in set(json.loads(line)["text"].lower().replace(".", " ").split()):
                pages_with[word] = pages_with.get(word, 0) + 1
    ranked = sorted(pages_with, key=lambda word: (-pages_with[word], word))
    return [ranked[rank] for rank in QUESTION_WORDS if rank < len(ranked)]


def recall(index, database, vectors, questions=20):
    """The share of the ten nearest by exact float products that the search finds too."""
    try:
        import numpy
    except ImportError:
        return None
    matrix = numpy.frombuffer(b"".join(vector.tobytes() for vector in vectors), "<f4").reshape(-1, DIMENSIONS)
    drawn = Vectors(3)
    asked = [drawn.draw() for _ in range(questions)]
    lines = "".join(
        json.dumps({"prompt": "x", "vector": base64.b64encode(vector.tobytes()).decode()}) + "\n" for vector in asked)
    done = subprocess.run([index, "--database", database, "--mode", "vectors", "--search", "10"], input=lines, text=True,
                          stdout=subprocess.PIPE, check=True)
    found = [json.loads(line)["data"]["page_index"] for line in done.stdout.splitlines()]
    hits = 0
    for number, vector in enumerate(asked):
        nearest = numpy.argpartition(-(matrix @ numpy.frombuffer(vector.tobytes(), "<f4")), 10)[:10] + 1
        hits += len(set(nearest.tolist()) & set(found[number * 10:number * 10 + 10]))
    return hits / (10 * questions)


def makes_vec(python, other, vec, remove):
    """Whether a Python has sqlite-vec; the vectors of `other` are then in `vec`."""
    remove(vec)
    try:
        return subprocess.run([python, "-c", VEC_MAKE, other, vec], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def bench(programs, folder, pages, rounds, run, compare, say, remove, shell):
    story, ours_path = os.path.join(folder, "vectors.jsonl"), os.path.join(folder, "vectors.db")
    other, vec = os.path.join(folder, "vectors-peer.db"), os.path.join(folder, "vec.db")
    vectors = write_story(story, pages)
    index, context = os.path.join(programs, "gibsey-index"), os.path.join(programs, "gibsey-context")

    def fresh(path, command):
        remove(path)
        return run(command)

    made = compare(1 if pages > 20_000 else rounds,
                   lambda: fresh(ours_path, [index, "--database", ours_path, "--embedder", "given", story]),
                   {"python_sqlite3": lambda: fresh(other, [sys.executable, "-c", PEER, story, other])})
    say("index_vectors", pages=pages, pages_per_second=pages / made["ours"][0],
        python_sqlite3_pages_per_second=pages / made["python_sqlite3"][0],
        ratio_to_python_sqlite3=made["python_sqlite3"][0] / made["ours"][0],
        bytes_per_page=os.path.getsize(ours_path) / pages,
        python_sqlite3_bytes_per_page=os.path.getsize(other) / pages)

    words = common_words(story)
    query = Vectors(4).draw()
    request, raw = os.path.join(folder, "request.jsonl"), os.path.join(folder, "query.bin")
    with open(request, "w", encoding="utf-8") as file:
        vector = base64.b64encode(query.tobytes()).decode()
        file.write(json.dumps({"prompt": " ".join(words), "vector": vector}) + "\n")
    with open(raw, "wb") as file:
        file.write(query.tobytes())

    def ask(mode):
        with open(request, encoding="utf-8") as file:
            return run([context, "--database", ours_path, "--mode", mode, "--search", "10"], file)

    peers = {}
    # Not every Python is built to load extensions; Debian's is.
    python = next((each for each in (sys.executable, "/usr/bin/python3") if makes_vec(each, other, vec, remove)), None)
    if python:
        def ask_vec():
            done = subprocess.run([python, "-c", VEC_ASK, vec, raw], stdout=subprocess.PIPE, text=True, check=True)
            # Without Python's start, which the peer is not to blame for.
            return (float(done.stdout),) * 2
        peers["sqlite_vec"] = ask_vec
    taken = compare(rounds * 4, lambda: ask("vectors"), peers)
    with open(request, encoding="utf-8") as file:
        resident = subprocess.run(
            [sys.executable, "-S", "-c", RESIDENT, context, "--database", ours_path, "--mode", "vectors", "--search", "10"],
            stdin=file, stdout=subprocess.PIPE, text=True, check=True)
    say("search_vectors", pages=pages, milliseconds=taken["ours"][0] * 1000,
        **{name + "_milliseconds": taken[name][0] * 1000 for name in peers},
        **{"ratio_to_" + name: taken[name][0] / taken["ours"][0] for name in peers},
        recall_at_10=recall(context, ours_path, vectors), peak_resident_megabytes=int(resident.stdout) / 1024)
    if not shell:
        return say("search_hybrid", skipped="the sqlite3 shell is not installed")
    match = " OR ".join(f'"{word}"' for word in words)
    sql = ("SELECT rowid FROM page_text WHERE page_text MATCH '" + match + "' ORDER BY rank LIMIT 10")
    taken = compare(rounds * 4, lambda: ask("hybrid"), {
        "sqlite3": lambda: run([shell, "-readonly", other, sql]), "keywords": lambda: ask("keywords")})
    say("search_hybrid", pages=pages, milliseconds=taken["ours"][0] * 1000,
        keywords_milliseconds=taken["keywords"][0] * 1000, sqlite3_milliseconds=taken["sqlite3"][0] * 1000,
        ratio_to_sqlite3=taken["ours"][0] / taken["sqlite3"][0])


def novel(programs, folder, story, cases, rounds, run, say):
    """The novel, embedded, asked in a whole process; and how well its cases are found."""
    database = os.path.join(folder, "novel-vectors.db")
    index, context = os.path.join(programs, "gibsey-index"), os.path.join(programs, "gibsey-context")
    wall, cpu = run([index, "--database", database, "--embedder", "minilm", story])
    ours = [context, "--database", database, "--character", "london-fox",
            "What did London Fox build to prove that no machine is conscious?"]
    times = [run(ours) for _ in range(rounds * 10)]
    done = subprocess.run([context, "--database", database, "--evaluate"], stdin=open(cases, "rb"),
                          stdout=subprocess.PIPE, check=True)
    figures = json.loads(done.stdout)["data"]
    pages = figures_of_pages(index, database)
    say("novel_hybrid", milliseconds_p50=statistics.median(wall for wall, _ in times) * 1000,
        cpu_milliseconds_p50=statistics.median(cpu for _, cpu in times) * 1000,
        pages_embedded_per_cpu_second=pages / cpu, seconds=wall,
        **{name: figures[name] for name in ("hit@1", "hit@10", "mrr@10", "in_context", "spoilers")})


def figures_of_pages(index, database):
    status = subprocess.run([index, "--database", database, "--status"], stdout=subprocess.PIPE, text=True, check=True)
    return next(int(line.split()[1]) for line in status.stdout.splitlines() if line.startswith("pages"))
