"""A headless Chromium, driven over the DevTools protocol through two pipes: no port, nothing to install but the browser."""
import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

DEADLINE_SECONDS = 30


class BrowserError(Exception):
    pass


class Browser:
    """One browser process; `tab()` opens a page with storage of its own."""

    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="gibsey-page-")
        to_browser, self.outlet = os.pipe()
        self.inlet, from_browser = os.pipe()
        # Chromium reads descriptor 3 and writes descriptor 4; high numbers until then, lest one overwrites the other.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in (to_browser, from_browser)]

        arguments = [
            program, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "--no-first-run",
            "--disable-gpu", "--disable-dev-shm-usage", "--no-default-browser-check", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-proxy-server", "--hide-scrollbars", "--mute-audio",
        ]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium's sandbox refuses to run as root
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}', "bash", *arguments, "about:blank"], pass_fds=ends,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (to_browser, from_browser, *ends):
            os.close(end)
        self.number = 0
        self.answers = {}
        self.tabs = {}
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.version = self.call("Browser.getVersion")["product"]

    def _read(self):
        buffered = b""
        while True:
            try:
                piece = os.read(self.inlet, 1 << 16)
            except OSError:
                piece = b""
            if not piece:
                with self.changed:
                    self.answers = None
                    self.changed.notify_all()
                return
            buffered += piece
            *messages, buffered = buffered.split(b"\0")
            for message in map(json.loads, messages):
                with self.changed:
                    if "id" in message:
                        self.answers[message["id"]] = message
                    elif (tab := self.tabs.get(message.get("sessionId"))) is not None:
                        tab.events.append((message["method"], message["params"]))
                    self.changed.notify_all()

    def call(self, method, session=None, **parameters):
        with self.changed:
            self.number += 1
            number = self.number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.outlet, json.dumps(message).encode() + b"\0")
        with self.changed:
            if not self.changed.wait_for(lambda: self.answers is None or number in self.answers, DEADLINE_SECONDS):
                raise BrowserError(f"{method}: no answer")
            if self.answers is None:
                raise BrowserError(f"{method}: the browser is gone")
            answer = self.answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def tab(self, **options):
        return Tab(self, **options)

    def close(self):
        try:
            self.call("Browser.close")
        except (BrowserError, OSError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Tab:
    """A page in a context of its own: nothing of another tab's storage."""

    KEYS = {
        "Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), "Escape": ("Escape", 27, ""), "Space": ("Space", 32, " "),
        "ArrowDown": ("ArrowDown", 40, ""), "ArrowUp": ("ArrowUp", 38, ""), "ArrowLeft": ("ArrowLeft", 37, ""),
        "ArrowRight": ("ArrowRight", 39, ""), "Backspace": ("Backspace", 8, ""),
    }

    def __init__(self, browser, width=1200, height=850, is_dark=False, is_still=False, beside=None):
        """`beside` is a tab whose storage this one shares."""
        self.browser = browser
        self.events = []
        self.is_guest = beside is not None
        self.context = beside.context if beside else browser.call("Target.createBrowserContext")["browserContextId"]
        self.target = target = browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.tabs[self.session] = self
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.look(is_dark, is_still)

    def look(self, is_dark=False, is_still=False):
        """Sets what the reader prefers: darkness, stillness."""
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if is_still else "no-preference"},
        ])

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def go(self, address):
        self.call("Page.navigate", url=address)

    def reload(self):
        self.call("Page.reload")

    def run(self, script):
        """The value of an expression in the page; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True,
                           allowUnsafeEvalBlockedByCSP=False)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(f"{details.get('exception', {}).get('description', details['text'])}\nin {script}")
        return answer["result"].get("value")

    def wait(self, script, seconds=DEADLINE_SECONDS):
        """Waits until an expression is true in the page, and returns its value."""
        end = time.monotonic() + seconds
        while True:
            try:
                value = self.run(f"(value => value instanceof Node || value)({script})")
            except BrowserError as error:
                if "context" not in str(error) and "navigat" not in str(error):
                    raise
                value = None  # between two documents
            if value:
                return value
            if time.monotonic() > end:
                raise BrowserError(f"never true: {script}")
            time.sleep(0.02)

    def press(self, key, modifiers=0):
        code, number, text = self.KEYS[key]
        common = {"key": " " if key == "Space" else key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path):
        image = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(image))

    def close(self):
        if self.is_guest:
            return self.browser.call("Target.closeTarget", targetId=self.target)
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)
