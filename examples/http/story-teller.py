"""Stands in for a model, so that the examples need none: speaks Ollama's protocol on loopback and always says the same.

Usage: story-teller.py; the first line that it prints is its port. Ends with its standard input.
"""
import http.server
import json
import re
import sys
import threading

WORDS = ["The ", "fog ", "has ", "its ", "own ", "opinions ", "[page 012]."]

# What it counts as a token: a word or a mark. No tokenizer makes fewer.
TOKEN = re.compile(r"\w+|[^\w\s]")


class Teller(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        read = sum(len(TOKEN.findall(message["content"])) for message in asked.get("messages", []))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        for word in WORDS:
            self.tell({"message": {"role": "assistant", "content": word}, "done": False})
        self.tell({"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
                   "prompt_eval_count": read, "eval_count": len(WORDS)})

    def tell(self, line):
        self.wfile.write(json.dumps(line).encode() + b"\n")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Teller)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
