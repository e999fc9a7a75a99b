"""Records from standard input to a WebSocket, one a line, and what comes back to standard output: the socket as a pipe.

Usage: records.py ADDRESS SESSION, as in records.py ws://127.0.0.1:8000 ann. Wants the package websockets.
Ends when the input has ended and every question in it has its answer.
"""
import json
import os
import sys
import threading

from websockets.sync.client import connect

address, session = sys.argv[1:]
token = os.environ.get("GIBSEY_TOKEN")
headers = {"Authorization": f"Bearer {token}"} if token else {}
with connect(f"{address}/ws/{session}", additional_headers=headers, proxy=None) as socket:
    open_questions, has_ended, lock = 0, False, threading.Lock()

    def close_if_done():
        if has_ended and open_questions == 0:
            socket.close()

    def send():
        global open_questions, has_ended
        for line in sys.stdin:
            with lock:
                open_questions += json.loads(line)["type"] == "ai_chat_request"
            socket.send(line.strip())
        with lock:
            has_ended = True
            close_if_done()

    threading.Thread(target=send, daemon=True).start()
    for frame in socket:
        print(frame, flush=True)
        record = json.loads(frame)
        data = record["data"]
        is_end = record["type"] == "error" or record["type"] == "ai_response_stream" and data["is_complete"]
        with lock:
            open_questions -= is_end
            close_if_done()
