"""Where the reader's bookmark lies, and that nothing behind it is asked for or shown."""
import json

from pagetest import PageTest


def told(page):
    """A word that stands on that page alone."""
    return f"canary-{page:03d}"


def book(indices, names=None):
    """Pages with these places in the reading order; None leaves the place to the order that they come in."""
    numbers = names or indices
    return [{"id": f"{number:03d}", "page_index": index, "text": f"The lantern swings, and {told(number)} counts the boats."}
            for number, index in zip(numbers, indices)]


class Marking(PageTest):
    """Where the bookmark lies in books that are not numbered from 1 on, or not as they were."""
    story = book(range(10, 410, 10))

    asked = 0

    def prompts(self, reader):
        """Asks what nobody has asked before, waits for its end, and returns the prompts that came of it."""
        Marking.asked += 1
        question = f"Where does the lantern swing for the time of number {Marking.asked}?"
        script = self.script(question, "There.")
        reader.ask(question)
        reader.tab.wait(f"[...document.querySelectorAll('.turn:has(.again) .question-text')]"
                        f".some((words) => words.textContent === {json.dumps(question)})")
        return script.prompts

    def check(self, reader, page, pages):
        """That the page says so, and that a question is asked as from there."""
        self.assertEqual(reader.tab.run("document.querySelector('#page').value"), str(page))
        prompts = self.prompts(reader)
        self.assertEqual(len(prompts), 1, reader.texts(".turn, #page-trouble, #note"))
        self.assertIn(told(pages[0]), prompts[0])
        later = [number for number in range(1, 500) if told(number) in prompts[0] and number not in pages]
        self.assertEqual(later, [], "the prompt holds pages that the reader has not read")
        self.assertEqual(reader.texts(".turn:last-child .at"), [f"at page {page}"])

    def told(self, reader, words):
        reader.tab.wait(f"document.querySelector('#page-trouble').textContent === {json.dumps(words)}")

    def test_a_book_that_begins_at_ten_is_read_from_there(self):
        self.stage.index(self.story)
        reader = self.reader().open()
        self.assertEqual(reader.texts("#page-total"), ["of 400"])
        self.check(reader, 10, [10])
        reader.read_to(30)
        reader.tab.wait("document.querySelector('#page-trouble').textContent === ''")
        self.check(reader, 30, [10, 20, 30])
        reader.reload()
        self.check(reader, 30, [10, 20, 30])

    def test_a_place_without_a_page_is_told_and_nothing_is_asked_from_there(self):
        self.stage.index(self.story)
        reader = self.reader().open()
        for place, words in (("35", "There is no page 35 in this book. The one before it is 30."),
                             ("5", "A page is a number from 10 to 400."), ("401", "A page is a number from 10 to 400."),
                             ("12.5", "A page is a number from 10 to 400.")):
            reader.read_to(place)
            self.told(reader, words)
            script = self.script("anything?", "No.")
            # So that what is told next is told to the question.
            reader.tab.run("document.querySelector('#page-trouble').textContent = ''")
            reader.ask("Is there anything?")
            self.told(reader, words)
            self.assertEqual((script.asked, reader.tab.run("document.querySelector('#question').value")), (0, "Is there anything?"))
            reader.tab.run("document.querySelector('#question').value = ''")
        reader.read_to(10)
        self.told(reader, "")
        reader.read_to(20)
        self.check(reader, 20, [10, 20])

    def test_where_its_page_is_gone_the_bookmark_lies_before_it(self):
        self.stage.index(book(range(1, 21)))
        reader = self.reader().open()
        reader.read_to(12)
        self.check(reader, 12, list(range(1, 13)))
        self.stage.index(book([number for number in range(1, 21) if number != 12]))
        reader.reload()
        self.told(reader, "Page 12 is not in this book any more. Now it is page 11: say so if you have read on.")
        reader.click("#afresh")
        reader.connected()
        self.assertEqual(reader.texts("#welcome-words"),
                         ["You have read to page 11. Ask what you like: nothing that comes later will be told."])
        self.check(reader, 11, list(range(1, 12)))

    def test_a_page_that_goes_while_it_is_open_leaves_no_question_with_the_whole_book(self):
        self.stage.index(book(range(1, 21)))
        reader = self.reader().open()
        reader.read_to(12)
        self.check(reader, 12, list(range(1, 13)))
        # The later pages move up: what stands at 12 now has not been read.
        self.stage.index(book([None] * 19, [number for number in range(1, 21) if number != 12]))
        self.assertEqual(self.prompts(reader), [])
        self.assertEqual(reader.texts(".turn:last-child .asides"), ["There is no such page in this book."])
        self.told(reader, "Page 12 is not in this book any more. Now it is page 11: say so if you have read on.")
        self.check(reader, 11, list(range(1, 12)))

    def test_a_page_that_moves_takes_the_bookmark_along(self):
        self.stage.index(book(range(1, 21)))
        reader = self.reader().open()
        reader.read_to(12)
        self.check(reader, 12, list(range(1, 13)))
        self.stage.index(book([None] * 18, range(3, 21)))
        reader.reload()
        self.assertEqual(reader.texts("#page-total"), ["of 18"])
        self.check(reader, 10, list(range(3, 13)))
