"""A reader in front of the page: what somebody does there, and what can be seen."""
import json


class Reader:
    def __init__(self, browser, stage, **options):
        self.stage = stage
        self.tab = browser.tab(**options)

    def open(self, path="/test", is_open=True):
        self.tab.go(self.stage.address + path)
        if is_open:
            self.connected()
        return self

    def reload(self):
        self.tab.run("window.isOld = true")
        self.tab.reload()
        self.tab.wait("!window.isOld && document.readyState === 'complete'")
        self.connected()

    def connected(self):
        self.tab.wait("document.querySelector('#state')?.dataset.state === 'open'")

    def choose(self, character):
        self.tab.run(f"document.querySelector('#cast-list input[value=\"{character}\"]').click()")

    def read_to(self, page):
        self.tab.run(f"{{ const page = document.querySelector('#page'); page.value = {page};"
                     "page.dispatchEvent(new Event('change')); }")

    def ask(self, question):
        self.tab.run("document.querySelector('#question').focus()")
        self.tab.type(question)
        self.tab.press("Enter")

    def ended(self, state="whole", count=1):
        """Waits until so many turns ended in a state."""
        self.tab.wait(f"document.querySelectorAll('.turn[data-state={state}] .again').length >= {count}")

    def texts(self, selector):
        """The text of each such element that can be seen."""
        return self.tab.run(f"[...document.querySelectorAll({json.dumps(selector)})]"
                            ".filter((element) => element.checkVisibility()).map((element) => element.innerText.trim())")

    def answer(self):
        """The paragraphs of the last answer."""
        return self.tab.run("[...document.querySelectorAll('.turn:last-child .answer p')].map((p) => p.textContent).join('\\n\\n')")

    def says(self, words):
        """Waits until the words stand in the last answer."""
        self.tab.wait(f"document.querySelector('.turn:last-child .answer')?.textContent.includes({json.dumps(words)})")

    def box(self, selector):
        """Where an element is: left, top, right, bottom, in pixels of the window."""
        return self.tab.run(f"(({{ left, top, right, bottom }}) => [left, top, right, bottom])"
                            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")

    def click(self, selector):
        self.tab.run(f"document.querySelector({json.dumps(selector)}).click()")

    def focused(self):
        return self.tab.run("document.activeElement.id || document.activeElement.className || ''")

    def addresses(self):
        """Every address that the page asked for; what its rules kept from being sent does not count."""
        kept = {parameters["requestId"] for method, parameters in self.tab.events
                if method == "Network.loadingFailed" and parameters.get("blockedReason") == "csp"}
        found = []
        for method, parameters in self.tab.events:
            if method == "Network.requestWillBeSent" and parameters["requestId"] not in kept:
                found.append(parameters["request"]["url"])
            elif method == "Network.webSocketCreated":
                found.append(parameters["url"])
        return found

    def troubles(self):
        """What the console complained of, but for pages that were refused."""
        found = []
        for method, parameters in self.tab.events:
            if method == "Runtime.exceptionThrown":
                found.append(parameters["exceptionDetails"]["exception"].get("description", "?"))
            elif method == "Log.entryAdded" and parameters["entry"]["source"] not in ("network",):
                found.append(parameters["entry"]["text"])
        return found

    def close(self):
        self.tab.close()
