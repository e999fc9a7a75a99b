"""A language model that says what it was told to: OpenAI's wire on loopback, one script for each question."""
import http.server
import json
import select
import socket
import threading

HOLD = object()  # waits here until it is released, or the one who asked has left
CUT = object()  # drops the connection


class Script:
    """What is said to a question: tokens, and what happens between them."""

    def __init__(self, *steps, status=200):
        self.steps = steps
        self.status = status
        self.holding = threading.Semaphore(0)
        self.released = threading.Semaphore(0)
        self.left = threading.Event()
        self.asked = 0
        self.prompts = []  # each with all of its messages, as text

    def go(self):
        """Lets it go on from where it holds, or will hold next."""
        self.released.release()


class Provider:
    """Answers `say[name]` to every question that holds the name; other questions are answered with one word."""

    def __init__(self):
        self.say = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.plain(404, b"{}")

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if not self.path.endswith("/chat/completions"):
                    return self.plain(404, b"{}")
                last = body["messages"][-1]["content"]
                script = next((script for name, script in outer.say.items() if name in last), Script("Yes."))
                script.asked += 1
                script.prompts.append("\n".join(message["content"] for message in body["messages"]))
                if script.status != 200:
                    return self.plain(script.status, b'{"error":{"message":"scripted"}}')
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                try:
                    self.play(script)
                except OSError:
                    script.left.set()

            def plain(self, status, body):
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def play(self, script):
                for step in script.steps:
                    if step is CUT:
                        return
                    if step is HOLD:
                        script.holding.release()
                        if not self.hold(script):
                            return
                    else:
                        self.event({"choices": [{"index": 0, "delta": {"content": step}, "finish_reason": None}]})
                self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                count = sum(isinstance(step, str) for step in script.steps)
                self.event({"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": count}})
                self.wfile.write(b"data: [DONE]\n\n")

            def hold(self, script):
                while not script.released.acquire(timeout=0.02):
                    if select.select([self.connection], [], [], 0)[0]:
                        if self.connection.recv(1, socket.MSG_PEEK) == b"":
                            script.left.set()
                            return False
                return True

            def event(self, value):
                self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")
                self.wfile.flush()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
