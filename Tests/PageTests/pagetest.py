"""What all tests of the reader's page stand on."""
import unittest

from provider import Script
from reader import Reader
from stage import Stage


class PageTest(unittest.TestCase):
    """One server for all tests of a class, one tab with a storage of its own for each."""

    programs = None
    browser = None
    token = None
    story = None
    is_provoking = False

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage(cls.programs, token=cls.token, story=cls.story)

    @classmethod
    def tearDownClass(cls):
        cls.stage.close()

    def reader(self, **options):
        reader = Reader(self.browser, self.stage, **options)
        self.addCleanup(self.leave, reader)
        return reader

    def leave(self, reader):
        """Of every visit of every test: nothing left the origin, and nothing went wrong unseen."""
        own = self.stage.address
        strangers = [address for address in reader.addresses()
                     if not address.startswith((own + "/", own.replace("http", "ws") + "/", "data:"))]
        troubles = reader.troubles()
        reader.close()
        self.assertEqual(strangers, [], "a request left the origin")
        if not self.is_provoking:
            self.assertEqual(troubles, [], "the console has complaints")

    def script(self, name, *steps, **options):
        script = self.stage.provider.say[name] = Script(*steps, **options)
        return script

    def ask_of_the_machine(self, reader):
        self.script(
            "machine?", 'It sells tickets. "The machine is called the Purser." [page 002] ', "And what it says is "
            'on [page 33], or "nobody ever wrote this sentence" [page 2].')
        reader.read_to(12)
        reader.ask("What is the machine? It is called the Purser and sells tickets.")
        reader.ended()
