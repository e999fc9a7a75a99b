"""What gibsey-serve must survive: crashes, no descriptors left, readers that dribble, fall silent, do not read, or leave.
One JSON line each.

Usage: torture.py FOLDER_OF_THE_SWIFT_PROGRAMS FOLDER_OF_THE_LOAD_PROGRAMS [--only SCENARIO…] [--seed N] [--crashes N]

Exit status 1 when one did not hold; its line then has "broken".
"""
import argparse
import base64
import json
import os
import random
import select
import shutil
import signal
import socket
import sqlite3
import struct
import sys
import threading
import time
import urllib.error
import urllib.request

from programs import Programs, say


class Reader:
    """A WebSocket that does what it is told and nothing by itself."""

    def __init__(self, port, session, token=None, room=None):
        self.socket = socket.socket()
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        self.socket.sendall(f"GET /ws/{session} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n{bearer}"
                            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())

    def more(self):
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError("closed")
        self.buffer += got

    def frame(self):
        """Opcode and payload of the next frame."""
        while True:
            if len(self.buffer) >= 2:
                size, head = self.buffer[1] & 127, 2
                if size >= 126:
                    head = 4 if size == 126 else 10
                    size = struct.unpack(">H" if size == 126 else ">Q", self.buffer[2:head])[0] if len(self.buffer) >= head else 1 << 62
                if len(self.buffer) >= head + size:
                    opcode, payload = self.buffer[0] & 15, self.buffer[head:head + size]
                    self.buffer = self.buffer[head + size:]
                    return opcode, payload
            self.more()

    def record(self):
        """The next record; pings are passed over without an answer."""
        while True:
            opcode, payload = self.frame()
            if opcode == 1:
                return json.loads(payload)
            if opcode == 8:
                raise ConnectionError(f"closed with {int.from_bytes(payload[:2], 'big')}")

    def say(self, kind, **data):
        text = json.dumps({"type": kind, "data": data}).encode()
        head = bytes([0x81, 0x80 | len(text)]) if len(text) < 126 else bytes([0x81, 0xFE]) + struct.pack(">H", len(text))
        self.socket.sendall(head + bytes(4) + text)

    def close(self):
        self.socket.close()


def get(port, path, token=None, body=None, wait=10):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=wait) as answer:
        return json.loads(answer.read())


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def texts(value):
    """All strings of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


def crash(programs, arguments):
    """kill -9 in the middle of an answer: what was told of it is kept, marked as interrupted, and the database is whole."""
    database, chance = os.path.join(programs.folder, "crash.db"), random.Random(arguments.seed)
    shutil.copy(programs.story(), database)
    kept, broken = 0, []
    for number in range(arguments.crashes):
        session, tag = f"crash-{number}", f"crash.{number}"
        with programs.daemon(database=database) as (process, port):
            reader = Reader(port, session)
            reader.record()
            reader.say("ai_chat_request", prompt=f"(load n=100000 rate=200 tag={tag})", character_id="london-fox")
            told, end = 0, chance.randrange(1, 400)
            while told < end:
                told += reader.record()["type"] == "ai_response_stream"
            process.send_signal(signal.SIGKILL)
            process.wait()
            reader.close()
        with programs.daemon(database=database) as (process, port):
            history = get(port, f"/api/v1/sessions/{session}")
        answer = max((text for text in texts(history) if f" {tag}:0" in text), key=len, default="")
        numbers = [int(word.split(":")[1]) for word in answer.split() if word.startswith(tag + ":")]
        if "interrupted" not in json.dumps(history):
            broken.append(f"{session} is not marked as interrupted")
        if numbers != list(range(len(numbers))):
            broken.append(f"{session} has a gap")
        kept += bool(numbers)
        with sqlite3.connect(database) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                broken.append(f"the database is damaged after {session}")
    return {"crashes": arguments.crashes, "answers_kept": kept}, broken


def descriptors(programs, _):
    """More connections than descriptors: those that are in go on, nothing spins, and the next one that fits is served."""
    broken, files = [], 64
    with programs.daemon(files=files) as (process, port):
        inside = Reader(port, "inside")
        inside.record()
        crowd = []
        for _ in range(files + 60):
            outsider = socket.socket()
            outsider.settimeout(2)
            outsider.connect(("127.0.0.1", port))
            crowd.append(outsider)
        time.sleep(0.5)
        before = cpu_seconds(process.pid)
        time.sleep(2)
        busy = (cpu_seconds(process.pid) - before) / 2 * 100
        if busy > 20:
            broken.append("it spins")
        inside.say("ping", timestamp=1)
        if inside.record()["type"] != "pong":
            broken.append("a connection that was in is not served")
        for outsider in crowd:
            outsider.close()
        begin = time.monotonic()
        try:
            Reader(port, "after").record()
        except OSError as error:
            broken.append(f"nobody is served afterwards: {error}")
        return {"files": files, "connections": len(crowd) + 1, "cpu_percent": busy,
                "served_again_after_seconds": time.monotonic() - begin}, broken


def dribble(programs, _):
    """Heads that come a byte at a time are cut at the deadline of the whole head, and others are served meanwhile."""
    broken, count, deadline = [], 100, 3
    with programs.daemon("--head-time", str(deadline)) as (_, port):
        head = f"GET /ws/slow HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Slow: {'x' * 4000}".encode()
        slow = []
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port))
            one.setblocking(False)
            slow.append(one)
        begin, last, slowest, place = time.monotonic(), 0.0, 0.0, 0
        open_ones = set(slow)
        while open_ones and time.monotonic() - begin < deadline + 5:
            for one in list(open_ones):
                try:
                    one.send(head[place:place + 1])
                    if select.select([one], [], [], 0)[0] and not one.recv(4096):
                        raise ConnectionError
                except OSError:
                    open_ones.discard(one)
                    last = time.monotonic() - begin
            place += 1
            asked = time.monotonic()
            get(port, "/health")
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.2)
        if open_ones:
            broken.append(f"{len(open_ones)} are still open")
        for one in slow:
            one.close()
    return {"connections": count, "head_time": deadline, "last_cut_after_seconds": last,
            "others_slowest_ms": slowest * 1000}, broken


def silent(programs, _):
    """Peers that answer no ping are dropped, also those that keep half a frame coming."""
    broken, count, heartbeat = [], 40, 1
    with programs.daemon("--heartbeat", str(heartbeat)) as (_, port):
        peers, came = [], {}
        for number in range(count):
            peers.append(Reader(port, f"silent-{number}"))
            came[peers[-1]] = time.monotonic()
        begin, gone = time.monotonic(), {}
        half = bytes([0x81, 0xFE, 0x10, 0x00, 1, 2, 3, 4])
        for peer in peers[::2]:
            peer.socket.sendall(half)
        while len(gone) < count and time.monotonic() - begin < 8 * heartbeat:
            for peer in peers[::2]:
                if peer not in gone:
                    try:
                        peer.socket.sendall(b"x")
                    except OSError:
                        gone[peer] = time.monotonic() - came[peer]
            ready = select.select([peer.socket for peer in peers if peer not in gone], [], [], 0.1)[0]
            for peer in peers:
                if peer.socket in ready and peer not in gone:
                    try:
                        if not peer.socket.recv(65536):
                            raise ConnectionError
                    except OSError:
                        gone[peer] = time.monotonic() - came[peer]
        if len(gone) < count:
            broken.append(f"{count - len(gone)} are still there")
        if gone and min(gone.values()) < 2 * heartbeat:
            broken.append("one was dropped too early")
        for peer in peers:
            peer.close()
    return {"peers": count, "heartbeat": heartbeat, "first_dropped_after_seconds": min(gone.values(), default=-1.0),
            "last_dropped_after_seconds": max(gone.values(), default=-1.0)}, broken


def broadcast(programs, _):
    """A broadcast reaches those that read at once, whoever else does not."""
    broken, messages = [], 200
    tokens = os.path.join(programs.folder, "tokens")
    with open(os.open(tokens, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write("teacher:abcdefghijklmnopqrstuvwxyz0123456789\n")
    token = "abcdefghijklmnopqrstuvwxyz0123456789"
    with programs.daemon("--token-file", tokens) as (process, port):
        deaf = [Reader(port, f"deaf-{number}", token, room=4096) for number in range(20)]
        readers = [Reader(port, f"hears-{number}", token) for number in range(20)]
        for reader in readers:
            reader.record()
        times = [[] for _ in readers]

        def listen(reader, mine):
            while len(mine) < messages:
                record = reader.record()
                if record["type"] == "cluster_event":
                    mine.append(time.monotonic() - record["data"]["event_data"]["at"])

        threads = [threading.Thread(target=listen, args=pair, daemon=True) for pair in zip(readers, times)]
        for thread in threads:
            thread.start()
        slowest = 0.0
        for _ in range(messages):
            asked = time.monotonic()
            get(port, "/api/v1/broadcast", token, json.dumps(
                {"event_type": "broadcast", "event_data": {"at": time.monotonic(), "text": "x" * 20000}}).encode())
            slowest = max(slowest, time.monotonic() - asked)
        for thread in threads:
            thread.join(10)
        delays = sorted(delay for mine in times for delay in mine)
        if len(delays) != messages * len(readers):
            broken.append(f"{messages * len(readers) - len(delays)} were not delivered")
        for one in deaf + readers:
            one.close()
    return {"readers": 20, "deaf": 20, "messages": messages, "slowest_post_ms": slowest * 1000,
            "delay_p99_ms": delays[int(len(delays) * 0.99)] * 1000 if delays else -1.0}, broken


def leaving(programs, _):
    """Who asks with resume=1 and is gone in the same instant is answered; who does nothing else costs no more than is bounded."""
    broken, count, seconds, clients, most = [], 200, 10, 4, 256
    with programs.daemon() as (process, port):
        for number in range(count):
            reader = Reader(port, f"leaving-{number}?resume=1")
            reader.record()
            reader.say("ai_chat_request", prompt=f"(load n=3 tag=leave.{number})", character_id="london-fox")
            reader.close()
        kept, end = 0, time.monotonic() + 10
        while kept < count and time.monotonic() < end:
            time.sleep(0.2)
            kept = sum(f"leave.{number}:2" in json.dumps(get(port, f"/api/v1/sessions/leaving-{number}"))
                       for number in range(count))
        if kept < count:
            broken.append(f"{count - kept} questions were not answered")
        before, stop, numbers = resident_mib(process.pid), time.monotonic() + seconds, [0] * clients

        def hit(client):
            while time.monotonic() < stop:
                reader = Reader(port, f"hit-{client}-{numbers[client]}?resume=1")
                reader.say("ai_chat_request", prompt="(load n=3 tag=hit)", character_id="london-fox")
                reader.close()
                numbers[client] += 1

        threads = [threading.Thread(target=hit, args=(client,), daemon=True) for client in range(clients)]
        for thread in threads:
            thread.start()
        other, peak, delays = Reader(port, "other"), before, []
        other.record()
        while time.monotonic() < stop:
            asked = time.monotonic()
            other.say("ping", timestamp=1)
            other.record()
            delays.append(time.monotonic() - asked)
            peak = max(peak, resident_mib(process.pid))
            time.sleep(0.05)
        for thread in threads:
            thread.join(10)
        if peak - before > most:
            broken.append(f"more than {most} MiB")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        left, end = True, time.monotonic() + 20
        while left and time.monotonic() < end:
            time.sleep(0.2)
            left = b"\ngibsey_sockets_absent 0\n" not in opener.open(f"http://127.0.0.1:{port}/metrics", timeout=10).read()
        if left:
            broken.append("somebody who left is known for ever")
    return {"asked_and_gone": count, "answered": kept, "clients": clients, "connections": sum(numbers), "seconds": seconds,
            "mib_more": peak - before, "others_ping_median_ms": sorted(delays)[len(delays) // 2] * 1000}, broken


SCENARIOS = {"leaving": leaving, "crash": crash, "descriptors": descriptors, "dribble": dribble, "silent": silent,
             "broadcast": broadcast}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("swift")
    parser.add_argument("load")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crashes", type=int, default=10)
    arguments = parser.parse_args()
    failed = []
    with Programs(arguments.swift, arguments.load) as programs:
        for name in arguments.only or SCENARIOS:
            try:
                figures, broken = SCENARIOS[name](programs, arguments)
            except (OSError, urllib.error.URLError, KeyError, ValueError) as error:
                figures, broken = {}, [f"{type(error).__name__}: {error}"]
            say(name, **figures, **({"broken": broken} if broken else {}))
            if broken:
                failed.append(name)
    if failed:
        sys.exit("broken: " + ", ".join(failed))


if __name__ == "__main__":
    main()
