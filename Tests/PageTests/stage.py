"""gibsey-serve with the sample story and a scripted model, in a folder of its own."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from provider import Provider

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STORY = os.path.join(ROOT, "examples/story/the-night-ferry.jsonl")
DEADLINE_SECONDS = 20


class Stage:
    """`programs` is the folder of the built programs; `token` makes the server ask for one; `story` are its pages."""

    def __init__(self, programs, token=None, story=None):
        self.programs = programs
        self.folder = tempfile.mkdtemp(prefix="gibsey-stage-")
        self.provider = Provider()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": self.folder, "GIBSEY_EMBEDDER": "none", "GIBSEY_FALLBACK": "openai",
            "OPENAI_BASE_URL": self.provider.address, "OPENAI_API_KEY": "none", "OPENAI_MODEL": "scripted",
            "GIBSEY_RETRY_WAIT": "0",
        }
        self.arguments = [f"--listen=127.0.0.1:{self.port}", f"--database={self.folder}/story.db"]
        if token:
            path = os.path.join(self.folder, "tokens")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(f"reader:{token}\n")
            self.arguments.append(f"--token-file={path}")
        self.index(self.pages() if story is None else story)
        self.process = None
        self.start()

    @staticmethod
    def pages():
        """The pages of the sample story, as they are indexed."""
        with open(STORY, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def index(self, pages):
        """Makes these the pages of the book, and all of them."""
        subprocess.run(
            [os.path.join(self.programs, "gibsey-index"), f"--database={self.folder}/story.db", "--source=story", "--sync", "-"],
            env=self.environment, cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
            input="".join(json.dumps(page) + "\n" for page in pages), text=True)

    def start(self):
        with open(os.path.join(self.folder, "log"), "a") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.programs, "gibsey-serve"), *self.arguments], env=self.environment, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        end = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.address + "/health", timeout=2):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"gibsey-serve does not answer:\n{self.log()}")
                time.sleep(0.02)

    def log(self):
        with open(os.path.join(self.folder, "log")) as file:
            return file.read()[-4000:]

    def kill(self):
        """Ends the server as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.provider.close()
        shutil.rmtree(self.folder, ignore_errors=True)
