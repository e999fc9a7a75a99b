"""Measures gibsey-serve under load, each row beside the reference in the same run; one JSON line a row.

Usage: bench.py FOLDER_OF_THE_SWIFT_PROGRAMS FOLDER_OF_THE_LOAD_PROGRAMS [--only ROW…] [--rounds N]

Every token is checked. Exit status 1 when one was lost, doubled or crossed by gibsey-serve, or a frame was not what it must be;
the figures themselves decide nothing. The provider, the client and the server share the machine.
"""
import argparse
import os
import socket
import statistics
import subprocess
import sys
import time

from programs import Programs, end, free_port, listens, say
from torture import Reader, get

# What a row asks of the load client, and which of its figures are compared with the reference's (ours / theirs).
ROWS = {
    "full": ("talk", {"conversations": 100, "tokens": 3000, "figure": "100 conversations at full speed"}, {"tokens": 500},
             ["tokens_per_second", "cpu_us_per_token", "first_token_p99_ms"]),
    "paced": ("talk", {"conversations": 500, "tokens": 400, "rate": 50, "ramp": 4000,
                       "figure": "500 conversations at 50 tokens/s, begun within 4 s"}, {},
              ["steady_tokens_per_second", "cpu_us_per_token", "first_token_p99_ms", "gap_p99_ms"]),
    "paced_at_once": ("talk", {"conversations": 500, "tokens": 400, "rate": 50,
                               "figure": "500 conversations at 50 tokens/s, all at once"}, {},
                      ["steady_tokens_per_second", "cpu_us_per_token", "first_token_p99_ms", "gap_p99_ms"]),
    "idle": ("idle", {"conversations": 1000, "figure": "1000 idle connections"}, {}, ["kib_per_connection", "cpu_percent"]),
    "open": ("idle", {"conversations": 10000, "hold": 2, "figure": "connections open at once"}, {}, ["kib_per_connection"]),
    "stalled": ("stalled", {"conversations": 100, "figure": "100 readers that stop reading"}, None, ["more_mib"]),
    "ping": ("ping", {"conversations": 10, "figure": "ping while 10 answers stream at full speed"}, {},
             ["ping_p50_ms", "ping_p99_ms"]),
    "leaving": ("leaving", {"conversations": 100, "figure": "100 readers leave in the middle"}, None,
                ["provider_ends_max_ms", "cancelled_after_max_ms"]),
}


def row(programs, name, rounds):
    """One row: rounds of ours and theirs in turn, on fresh servers; the median of each compared figure.

    Each round of each row has readers of its own: a session that comes back brings its last answer with it, up to 2 MiB, and its
    prompt costs more."""
    scenario, options, theirs, compared = ROWS[name]
    ours, references, broken = [], [], False
    for number in range(rounds):
        with programs.daemon() as (process, port):
            warm(programs, process, port)
            line, status = programs.run(scenario, process, port, run=f"{name}-{number}", **options)
            ours.append(line)
            broken = broken or status != 0
        if theirs is None:
            continue
        with programs.peer() as (process, port):
            if process:
                warm(programs, process, port)
                references.append(programs.run(scenario, process, port, **{**options, **theirs})[0])
    best = dict(ours[len(ours) // 2])
    for key in compared:
        best[key] = median(ours, key, best)
        if references:
            best["fastapi_" + key] = median(references, key, best, "fastapi_")
            if best["fastapi_" + key] > 0:
                best["ratio_" + key] = best[key] / best["fastapi_" + key]
    if theirs is not None and not references:
        best["fastapi"] = "skipped: its packages cannot be installed here"
    if broken:
        best["broken"] = best.get("broken", True)
    say(best.pop("figure"), **best)
    return broken


def median(lines, key, told, whose=""):
    """The median of a figure over the rounds; where there are several, each of them is told, too."""
    each = [line.get(key, -1) for line in lines]
    if len(each) > 1:
        told[f"each_{whose}{key}"] = each
    return statistics.median(each)


def warm(programs, process, port):
    """What every server does once: its first connection, its first answer."""
    programs.run("talk", process, port, conversations=2, tokens=50, run="warm")


def start(programs, rounds):
    """From the start of the process to its listening, with the novel; and to its first answer to a request."""
    database, listening, ready = programs.story(), [], []
    for _ in range(max(5, rounds * 3)):
        port = free_port()
        begin = time.perf_counter()
        process = subprocess.Popen(
            [os.path.join(programs.swift, "gibsey-serve"), "--database", database, "--listen", f"127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=programs.folder,
            env=programs.environment())
        while not listens(port):
            if process.poll() is not None or time.perf_counter() - begin > 30:
                sys.exit("gibsey-serve does not start")
            time.sleep(0.0005)
        listening.append((time.perf_counter() - begin) * 1000)
        end(process)
    say("start to listening", milliseconds=statistics.median(listening), slowest_milliseconds=max(listening))
    return False


def health(programs, _):
    """How long /health takes while fifty readers wait for a provider that takes connections and says nothing."""
    times = []
    with socket.socket() as hung:
        hung.bind(("127.0.0.1", 0))
        hung.listen(128)
        address = f"http://127.0.0.1:{hung.getsockname()[1]}"
        with programs.daemon(OLLAMA_BASE_URL=address) as (_, port):
            readers = [Reader(port, f"waits-{number}") for number in range(50)]
            for reader in readers:
                reader.say("ai_chat_request", prompt="Who is there?", character_id="london-fox")
            for _ in range(200):
                begin = time.perf_counter()
                status = get(port, "/health")["status"]
                times.append((time.perf_counter() - begin) * 1000)
                if status != "ok":
                    sys.exit(f"/health says {status}")
            for reader in readers:
                reader.close()
    say("/health while a provider hangs", readers=50, requests=len(times), milliseconds=statistics.median(times),
        slowest_milliseconds=max(times))
    return False


OTHERS = {"start": start, "health": health}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("swift")
    parser.add_argument("load")
    parser.add_argument("--only", nargs="+", choices=[*OTHERS, *ROWS])
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    broken = []
    with Programs(arguments.swift, arguments.load) as programs:
        for name in arguments.only or [*OTHERS, *ROWS]:
            failed = OTHERS[name](programs, arguments.rounds) if name in OTHERS else row(programs, name, arguments.rounds)
            if failed:
                broken.append(name)
    if broken:
        sys.exit("broken: " + ", ".join(broken))


if __name__ == "__main__":
    main()
