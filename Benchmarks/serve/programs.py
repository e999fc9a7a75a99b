"""The programs of a measurement: the scripted provider, the daemon, its peer; each started, awaited and ended here."""
import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NOVEL = os.path.join(ROOT, "..", "shared", "corpus", "entrance-way.jsonl")
PYTHON = os.path.join(ROOT, ".demo", "load", "bin", "python")
PACKAGES = ["fastapi==0.165.0", "uvicorn[standard]==0.54.0", "aiohttp==3.14.5", "orjson==3.13.0"]


def say(figure, **values):
    rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in values.items()}
    print(json.dumps({"figure": figure, **rounded}), flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process, wait=10):
    """Ends a process of ours; returns its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


class Programs:
    """Where the built programs are, and a folder that lives as long as this."""

    def __init__(self, swift, load):
        self.swift, self.load = os.path.abspath(swift), os.path.abspath(load)
        self.folder = tempfile.mkdtemp(prefix="gibsey-load-")
        self.database = None

    def __enter__(self):
        # What was started here ends here, when the measurement is told to end, too.
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        self.provider = subprocess.Popen([os.path.join(self.load, "upstream"), "0"], stdout=subprocess.PIPE, text=True)
        self.provider_port = int(self.provider.stdout.readline())
        return self

    def __exit__(self, *_):
        end(self.provider)
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, **more):
        """Nothing of the person's own settings: a provider on loopback and no key."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("GIBSEY_", "OPENAI_", "OLLAMA_", "ANTHROPIC_", "CLAUDE_"))}
        return {**kept, "OLLAMA_BASE_URL": f"http://127.0.0.1:{self.provider_port}", "OLLAMA_MODEL": "load",
                "GIBSEY_FALLBACK": "ollama", **more}

    def story(self):
        """A database of the novel, or of generated pages where it is not here; made once."""
        if self.database:
            return self.database
        self.database = os.path.join(self.folder, "story.db")
        source = NOVEL
        if not os.path.exists(NOVEL):
            sys.path.insert(0, os.path.dirname(HERE))
            import story_generator
            source = os.path.join(self.folder, "story.jsonl")
            story_generator.write(source, 700)
        subprocess.run([os.path.join(self.swift, "gibsey-index"), "--database", self.database, source], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, env=self.environment())
        return self.database

    @contextlib.contextmanager
    def daemon(self, *flags, files=None, port=None, database=None, **environment):
        """gibsey-serve on a port of its own; gives its process and port."""
        port = port or free_port()
        database = database or self.story()
        command = [os.path.join(self.swift, "gibsey-serve"), "--database", database, "--listen", f"127.0.0.1:{port}",
                   *flags]
        log = open(os.path.join(self.folder, "serve.log"), "ab")

        def limit():
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, preexec_fn=limit if files else None,
                                   env=self.environment(**environment))
        try:
            self.await_port(process, port)
            yield process, port
        finally:
            end(process)
            log.close()

    def log(self):
        with open(os.path.join(self.folder, "serve.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    @contextlib.contextmanager
    def peer(self):
        """The reference on a port of its own; gives nothing when it cannot be installed."""
        if not install():
            yield None, None
            return
        port = free_port()
        process = subprocess.Popen([PYTHON, os.path.join(HERE, "peer.py"), str(port), str(self.provider_port)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        try:
            self.await_port(process, port)
            yield process, port
        finally:
            end(process)

    def await_port(self, process, port):
        deadline = time.monotonic() + 30
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"nothing listens on port {port}:\n{self.log()[-2000:]}")
            time.sleep(0.002)

    def run(self, scenario, process, port, **options):
        """One scenario of the load client; its line as a dictionary, and its exit status."""
        command = [os.path.join(self.load, "load"), scenario, f"port={port}", f"pid={process.pid}",
                   f"upstream={self.provider_port}", *(f"{name}={value}" for name, value in options.items())]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        line = json.loads(done.stdout) if done.stdout.startswith("{") else {"figure": scenario, "broken": "it ended early"}
        return line, done.returncode


def install():
    """The peer's packages in a place of their own, once. False where there is no index of packages."""
    if os.path.exists(PYTHON):
        return True
    base = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
    home = os.path.dirname(os.path.dirname(PYTHON))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    made = subprocess.run([base, "-m", "venv", home], **quiet)
    filled = made.returncode or subprocess.run([os.path.join(home, "bin", "pip"), "install", *PACKAGES], **quiet).returncode
    if filled:
        shutil.rmtree(home, ignore_errors=True)
    return not filled
