"""The reader's page in a real browser on a real gibsey-serve. Usage: test_page.py FOLDER-OF-THE-PROGRAMS [NAME…]"""
import json
import os
import shutil
import sys
import unittest

from browser import Browser
from marking import Marking  # noqa: F401: run as tests of this module
from pagetest import PageTest
from provider import CUT, HOLD

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "measure.js")) as file:
    MEASURE = file.read()
# Each word of what can be pressed, and of what names things, with the lines that it stands on.
WORDS = """[...document.querySelectorAll("button, label, legend, h1, h2, summary, #state, .speaker")].flatMap((element) => {
  if (!element.checkVisibility({ visibilityProperty: true }) || element.closest(".unseen, .question")) return [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const words = [];
  while (walker.nextNode()) {
    for (const match of walker.currentNode.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, match.index);
      range.setEnd(walker.currentNode, match.index + match[0].length);
      words.push([match[0], new Set([...range.getClientRects()].map((rect) => Math.round(rect.top))).size]);
    }
  }
  return words;
})"""
LEAST_CONTRAST = 4.5
SHIFT = 8


class Talking(PageTest):
    def test_tokens_appear_one_after_the_other_and_in_order(self):
        words = ["The ", "machine ", "waits", ".\n", "\nIt ", "does ", "not ", "know ", "for ", "what", "."]
        steps = [step for word in words for step in (word, HOLD)]
        reader = self.reader().open()
        reader.choose("london-fox")
        # Each token is held back until the one before it can be seen: what is seen must be all that was sent, and no more.
        script = self.script("order?", *steps)
        reader.ask("In what order?")
        seen = ""
        for word in words:
            seen += word
            self.assertTrue(script.holding.acquire(timeout=20))
            reader.tab.wait(f"document.querySelector('.turn .answer')?.textContent.endsWith({json.dumps(word.strip())})")
            self.assertEqual(reader.answer(), seen.rstrip())
            script.go()
        reader.ended()
        self.assertEqual(reader.answer(), "The machine waits.\n\nIt does not know for what.")
        self.assertEqual(reader.texts(".speaker"), ["London Fox"])

    def test_stop_ends_the_model_s_work_and_keeps_what_was_said(self):
        script = self.script("stopping?", "Half ", "of ", HOLD, "it")
        reader = self.reader().open()
        reader.ask("Is it worth stopping?")
        reader.says("Half of")
        reader.click("#stop")
        reader.ended()
        self.assertTrue(script.left.wait(5), "the model went on")
        self.assertEqual(reader.answer(), "Half of")
        self.assertEqual(reader.texts(".asides"), ["You stopped the answer here."])
        reader.ask("And now?")
        reader.ended(count=2)
        self.assertEqual(reader.answer(), "Yes.")

    def test_a_failed_question_is_told_beside_the_voice_and_can_be_tried_again(self):
        self.script("breaks?", status=500)
        reader = self.reader().open()
        reader.ask("What breaks?")
        reader.ended("failed")
        self.assertEqual(reader.answer(), "")
        self.assertEqual(reader.texts(".said"), [], "the character said something")
        self.assertEqual(reader.texts(".asides"), ["The language model failed."])
        reader.reload()
        reader.ended("failed")
        self.assertEqual(reader.texts(".said"), [], "the character said something once the page was loaded again")
        self.assertEqual(reader.texts(".asides"), ["No whole answer came."])
        self.script("breaks?", "Nothing.")
        reader.click(".again")
        reader.ended()
        self.assertEqual(reader.texts(".answer"), ["Nothing."])
        self.assertEqual(len(reader.texts(".turn")), 1, "the failed turn is gone")
        reader.reload()
        reader.ended()
        self.assertEqual(len(reader.texts(".turn")), 1, "the failed turn is back")

    def test_what_is_asked_again_follows_what_it_followed(self):
        self.script("once?", "Once it was.")
        script = self.script("different?", "A first try.")
        reader = self.reader().open()
        reader.ask("How was it once?")
        reader.ended()
        reader.ask("Is it different?")
        reader.ended(count=2)
        for count in 3, 4:  # the one that was asked here, and one of an earlier visit
            reader.click(".turn:last-child .again")
            reader.ended(count=count)
            self.assertEqual(script.asked, count - 1)
            self.assertIn("Once it was.", script.prompts[-1])
            self.assertNotIn("A first try.", script.prompts[-1])
            reader.reload()
            reader.ended(count=count)
        # One that others came after is asked as any question is: behind them.
        once = self.script("once?", "Twice.")
        reader.click(".turn:first-child .again")
        reader.ended(count=5)
        self.assertIn("A first try.", once.prompts[-1])

    def test_what_is_asked_again_is_asked_once_and_of_nobody_else(self):
        script = self.script("patient?", "Very.")
        reader = self.reader().open()
        reader.choose("london-fox")
        reader.ask("Are you patient?")
        reader.ended()
        # The server's answers are held back, and it is told when one of them has been read.
        reader.tab.run("window.answering = []; window.read = 0; const fetched = window.fetch; window.fetch = async (...what) => {"
                       "await new Promise((go) => window.answering.push(go)); const answer = await fetched(...what);"
                       "answer.clone().text().then(() => setTimeout(() => window.read++, 100)); return answer; }")
        goes_on = "window.answering.splice(0).forEach((go) => go())"
        reader.click(".again")
        reader.tab.wait("window.answering.length > 0")
        reader.choose("old-natalie-weissman")
        reader.tab.run(goes_on)
        reader.tab.wait("window.read === 1")
        reader.choose("london-fox")
        reader.click(".again")
        reader.click(".again")
        reader.tab.wait("window.answering.length > 0")
        reader.tab.run(goes_on)
        reader.ended(count=2)
        reader.ask("And now?")
        reader.ended(count=3)
        self.assertEqual(script.asked, 2)
        reader.choose("old-natalie-weissman")
        self.assertEqual(reader.texts(".turn"), [])

    def test_an_answer_that_broke_off_stays_and_says_so(self):
        self.script("broken?", "This far", CUT)
        reader = self.reader().open()
        reader.ask("Is it broken?")
        reader.ended("failed")
        self.assertEqual(reader.answer(), "This far")
        self.assertEqual(reader.texts(".asides"), ["The answer broke off here."])

    def test_foreign_text_is_only_ever_text(self):
        nasty = ("<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> &lt;b&gt; "
                 "\u202egnp.exe\u202c \u2066a\u2069 \u001b[31mred\u0007 [page 2](javascript:alert(1))")
        self.script("nasty?", nasty)
        reader = self.reader().open()
        reader.read_to(12)
        reader.ask("Are you <b>nasty?</b> \u202eno")
        reader.ended()
        self.assertEqual(
            reader.answer(), "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"> "
            "&lt;b&gt; gnp.exe a [31mred page 2(javascript:alert(1))")
        self.assertEqual(reader.texts(".question-text"), ["Are you <b>nasty?</b> no"])
        self.assertEqual(reader.tab.run("document.querySelectorAll('.turn script, .turn img, .turn b, .turn a').length"), 0)
        self.assertEqual(reader.tab.run("document.title"), "gibsey")

    def test_each_character_keeps_a_conversation_of_its_own(self):
        self.script("fox?", "I am the Fox.")
        reader = self.reader().open()
        reader.choose("london-fox")
        reader.ask("Are you the fox?")
        reader.ended()
        reader.choose("jack-parlance")
        self.assertEqual(reader.texts(".answer"), [])
        self.assertEqual(reader.texts("#welcome-name"), ["Jack Parlance"])
        reader.choose("london-fox")
        self.assertEqual(reader.texts(".answer"), ["I am the Fox."])


class Hurrying(PageTest):
    def test_no_token_of_a_flood_is_lost_doubled_or_out_of_order(self):
        tokens = [f"{number} " for number in range(20_000)]
        self.script("flood?", *tokens)
        reader = self.reader().open()
        reader.ask("Is this a flood?")
        reader.ended()
        self.assertEqual(reader.answer(), "".join(tokens).rstrip())


class Pages(PageTest):
    def test_a_cited_page_opens_with_the_quoted_words_marked(self):
        reader = self.reader().open()
        self.ask_of_the_machine(reader)
        reader.click(".sources .page-link")
        reader.tab.wait("document.querySelector('#leaf mark')")
        self.assertEqual(reader.texts("#leaf mark"), ["The machine is called the Purser"])
        self.assertEqual(reader.texts("#leaf-number"), ["2"])
        self.assertIn("It sells tickets, counts the lifejackets", reader.texts("#leaf-text")[0])
        reader.tab.press("Escape")
        reader.tab.wait("!document.querySelector('#leaf').open")

    def test_a_page_after_the_reader_s_is_refused_and_never_comes(self):
        reader = self.reader().open()
        self.ask_of_the_machine(reader)
        reader.tab.run("[...document.querySelectorAll('.sources .page-link')].find((b) => b.textContent === 'Page 33').click()")
        reader.tab.wait("document.querySelector('#leaf-text').getAttribute('aria-busy') === 'false'")
        self.assertEqual(reader.texts("#leaf-text"), ["This page is not for you yet: you have read to page 12."])
        self.assertNotIn("fourth time", reader.tab.run("document.documentElement.outerHTML"))

    def test_leafing_ends_where_the_reader_is(self):
        reader = self.reader().open()
        self.ask_of_the_machine(reader)
        reader.read_to(3)
        reader.click(".sources .page-link")
        for number in ("2", "3"):
            reader.tab.wait(f"document.querySelector('#leaf-number').textContent === '{number}'")
            self.assertEqual(reader.tab.run("document.querySelector('#leaf-on').disabled"), number == "3")
            reader.tab.press("ArrowRight")
        self.assertEqual(reader.texts("#leaf-number"), ["3"])

    def test_a_page_that_is_none_is_told_and_changes_nothing(self):
        reader = self.reader().open()
        reader.read_to(12)
        reader.read_to(4000)
        reader.tab.wait("document.querySelector('#page-trouble').textContent")
        self.assertEqual(reader.texts("#page-trouble"), ["A page is a number from 1 to 40."])
        self.assertEqual(reader.tab.run("document.querySelector('#page').getAttribute('aria-invalid')"), "true")
        reader.reload()
        self.assertEqual(reader.tab.run("document.querySelector('#page').value"), "12")


class Changing(PageTest):
    def test_a_page_that_changes_is_read_again_where_it_is_open(self):
        story = self.stage.pages()
        reader = self.reader().open()
        self.ask_of_the_machine(reader)
        reader.click(".sources .page-link")
        reader.tab.wait("document.querySelector('#leaf mark')")
        reader.tab.run("document.querySelector('#leaf-on').focus()")
        story[1]["text"] = "A page that was written anew. The machine is called the Purser."
        self.stage.index(story + [{"id": "041", "title": "After", "page_index": 41, "text": "A page behind all others."}])
        reader.tab.wait("document.querySelector('#leaf-text').textContent.includes('written anew')")
        self.assertEqual(reader.texts("#leaf mark"), ["The machine is called the Purser"])
        self.assertEqual(reader.focused(), "leaf-on", "who was about to leaf on still is")
        reader.tab.wait("document.querySelector('#page-total').textContent === 'of 41'")
        self.stage.index([page for page in story if page["id"] != "002"])
        reader.tab.wait("document.querySelector('#leaf-text').textContent.includes('no longer')")
        self.assertEqual(reader.texts("#leaf-text"), ["This page is no longer in the book."])
        reader.tab.wait("document.querySelector('#page-total').textContent === 'of 40'")


class Going(PageTest):
    def test_an_answer_goes_on_after_a_reload(self):
        script = self.script("going?", "One, ", "two, ", HOLD, "three.")
        reader = self.reader().open()
        reader.choose("london-fox")
        reader.ask("Are you going?")
        reader.says("One, two,")
        reader.reload()
        reader.says("One, two,")
        self.assertEqual(reader.answer(), "One, two,")
        script.go()
        reader.ended()
        self.assertEqual(reader.answer(), "One, two, three.")
        self.assertEqual(script.asked, 1)
        self.assertEqual(len(reader.texts(".turn")), 1)

    def test_an_answer_that_goes_to_another_tab_is_told_as_one_that_is_being_made(self):
        script = self.script("elsewhere?", "Here ", HOLD, "and there.")
        reader = self.reader().open()
        reader.choose("london-fox")
        reader.ask("Or elsewhere?")
        reader.says("Here")
        other = self.reader(beside=reader.tab).open()
        other.tab.wait("document.querySelector('.turn[data-state=elsewhere]')")
        self.assertEqual(other.texts(".asides"), ["This answer is being made just now, for another page or program of yours."])
        self.assertEqual(other.texts(".again"), [])
        script.go()
        reader.ended()
        other.ended()
        self.assertEqual(other.answer(), "Here and there.")
        self.assertEqual(other.texts(".asides"), [""] if other.texts(".asides") else [])
        self.assertEqual(script.asked, 1)

    def test_what_was_said_is_there_after_a_reload(self):
        self.script("remember?", "I never forget.")
        reader = self.reader().open()
        reader.choose("old-natalie-weissman")
        reader.read_to(30)
        reader.ask("Do you remember?")
        reader.ended()
        reader.reload()
        reader.tab.wait("document.querySelector('.turn .answer p')")
        self.assertEqual(reader.texts(".question-text"), ["Do you remember?"])
        self.assertEqual(reader.texts(".answer"), ["I never forget."])
        self.assertEqual(reader.tab.run("document.querySelector('#page').value"), "30")
        self.assertEqual(reader.texts("#cast-name") or reader.texts(".speaker"), ["Old Natalie Weissman"])

    def test_what_an_answer_cited_is_there_after_a_reload(self):
        reader = self.reader().open()
        self.ask_of_the_machine(reader)
        sources, answer = reader.texts(".sources li"), reader.texts(".answer")
        labels = reader.texts(".answer .page-link")
        self.assertTrue(labels)
        reader.reload()
        reader.tab.wait("document.querySelector('.sources li')")
        self.assertEqual(reader.texts(".answer"), answer)
        self.assertEqual(reader.texts(".sources li"), sources)
        self.assertEqual(reader.texts(".answer .page-link"), labels)
        reader.click(".sources .page-link")
        reader.tab.wait("document.querySelector('#leaf mark')")

    def test_a_new_conversation_forgets_the_old_one(self):
        self.script("private?", "Between us.")
        reader = self.reader().open()
        reader.ask("Is this private?")
        reader.ended()
        reader.click("#afresh")
        reader.connected()
        self.assertEqual(reader.texts(".turn"), [])
        reader.reload()
        self.assertEqual(reader.texts(".turn"), [])


class Losing(PageTest):
    def test_a_lost_server_is_told_and_found_again(self):
        script = self.script("stay?", "I will ", HOLD, "stay.")
        reader = self.reader().open()
        reader.ask("Will you stay?")
        reader.says("I will")
        self.stage.kill()
        reader.tab.wait("document.querySelector('#state').dataset.state === 'lost'")
        self.assertRegex(reader.texts("#state-words")[0], "^not connected")
        self.assertEqual(reader.texts(".wait"), ["The connection is lost. The answer goes on when it is back."])
        reader.ask("Can you hear me?")
        self.assertEqual(reader.texts("#note"), ["Not connected: your question stays here until it can be asked."])
        self.assertEqual(reader.tab.run("document.querySelector('#question').value"), "Can you hear me?")
        script.go()
        self.stage.start()
        reader.click("#state-now")
        reader.connected()
        reader.ended("lost")
        self.assertEqual(reader.texts(".turn:last-child .asides"), ["The connection was lost, and the rest of the answer with it."])
        reader.tab.run("document.querySelector('#question').focus()")
        reader.tab.press("Enter")
        reader.ended("whole")
        self.assertEqual(reader.answer(), "Yes.")


class Reading(PageTest):
    def test_everything_can_be_done_with_the_keyboard(self):
        script = self.script("keys?", "With [page 2] ", HOLD, "keys.")
        quoted = self.script("again?", "As on [page 2].")
        reader = self.reader().open()
        press, tab = reader.tab.press, reader.tab
        press("Tab")
        self.assertEqual(reader.texts(":focus"), ["Skip to your question"])
        press("Tab")
        self.assertEqual(tab.run("document.activeElement.name"), "character")
        first = tab.run("document.activeElement.value")
        press("ArrowDown")
        self.assertNotEqual(tab.run("document.activeElement.value"), first)
        self.assertEqual(tab.run("document.activeElement.checked"), True)
        name = tab.run("document.activeElement.closest('label').querySelector('.member-name').textContent")
        while reader.focused() != "page":
            press("Tab")
        for _ in range(11):
            press("ArrowUp")
        press("Tab", modifiers=SHIFT)
        self.assertEqual(reader.focused(), "question")
        tab.type("Does it work with keys?")
        press("Enter")
        reader.says("With [page 2]")
        self.assertEqual(reader.texts(".speaker"), [name])
        press("Escape")
        reader.ended()
        self.assertTrue(script.left.wait(5))
        self.assertEqual(reader.focused(), "question")
        tab.type("And again?")
        press("Enter")
        reader.ended(count=2)
        self.assertEqual(quoted.asked, 1)
        for _ in range(20):
            if "page-link" in reader.focused():
                break
            press("Tab", modifiers=SHIFT)
        press("Enter")
        tab.wait("document.querySelector('#leaf-number').textContent === '2'")
        press("Escape")
        tab.wait("!document.querySelector('#leaf').open")
        self.assertIn("page-link", reader.focused(), "the focus comes back to where it was")

    def test_enter_belongs_to_a_word_that_is_being_composed(self):
        reader = self.reader().open()
        reader.tab.run("document.querySelector('#question').focus()")
        reader.tab.type("こん")
        reader.tab.run("document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
                       "{ key: 'Enter', isComposing: true, bubbles: true, cancelable: true }))")
        self.assertEqual(reader.texts(".turn"), [])
        self.assertEqual(reader.tab.run("document.activeElement.value"), "こん")

    def test_nothing_is_wider_than_a_phone(self):
        self.script("wide?", "W" * 400 + " and " + "https://example.org/" + "x/" * 120 + ' "The machine is called the Purser." [page 2]')
        reader = self.reader(width=360, height=740).open()
        width = "Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('dialog[open] *')]" \
                ".map((e) => e.getBoundingClientRect().right))"
        self.assertLessEqual(reader.tab.run(width), 360)
        reader.click("#cast-button")
        self.assertLessEqual(reader.tab.run(width), 360)
        reader.click("#cast-button")
        reader.read_to(12)
        reader.ask("How wide? The machine is called the Purser." + "w" * 300)
        reader.ended()
        self.assertLessEqual(reader.tab.run(width), 360)
        reader.click(".sources .page-link")
        reader.tab.wait("document.querySelector('#leaf-number').textContent === '2'")
        self.assertLessEqual(reader.tab.run(width), 360)

    def test_a_phone_without_a_connection_can_still_choose(self):
        reader = self.reader(width=360, height=740).open()
        self.stage.kill()
        self.addCleanup(self.stage.start)
        reader.tab.wait("document.querySelector('#state').dataset.state === 'lost'")
        left, top, right, bottom = reader.box("#state")
        name = reader.box("#cast-button")
        self.assertTrue(right > left and bottom > top and name[2] > name[0])
        self.assertFalse(left < name[2] and name[0] < right and top < name[3] and name[1] < bottom)

    def test_no_word_of_a_button_is_broken_on_a_phone(self):
        pages = self.stage.pages()
        pages[1]["title"] = "Of the machine that sells tickets, counts the lifejackets, and is called the Purser by everybody"
        self.stage.index(pages)
        self.addCleanup(self.stage.index, self.stage.pages())
        reader = self.reader(width=390, height=844).open()
        reader.choose("old-natalie-weissman")
        self.ask_of_the_machine(reader)
        self.check_words(reader)
        reader.click("#cast-button")
        self.check_words(reader)
        reader.click("#cast-button")
        reader.click(".sources .page-link")
        reader.tab.wait("document.querySelector('#leaf-number').textContent === '2'")
        self.assertIn("Close", self.check_words(reader))

    def check_words(self, reader):
        seen = reader.tab.run(WORDS)
        self.assertGreater(len(seen), 3)
        self.assertEqual([word for word, lines in seen if lines > 1], [], "words that stand on two lines")
        return [word for word, _ in seen]

    def test_every_text_can_be_read_in_every_character_s_colour_by_day_and_by_night(self):
        self.script("colour?", 'Read [page 2], "The machine is called the Purser."', " and [page 33]")
        self.script("fails?", status=500)
        reader = self.reader().open()
        reader.read_to(12)
        characters = reader.tab.run("[...document.querySelectorAll('#cast-list input')].map((input) => input.value)")
        self.assertEqual(len(characters), 17)
        for character in characters:
            reader.choose(character)
            reader.ask("Which colour? The machine is called the Purser.")
            reader.ended()
            if character == characters[0]:
                reader.ask("What fails?")
                reader.ended("failed")
            for is_dark in (False, True):
                reader.tab.look(is_dark=is_dark)
                self.check_contrast(reader, f"{character}, dark: {is_dark}")
            reader.click(".sources .page-link")
            reader.tab.wait("document.querySelector('#leaf-number').textContent === '2'")
            self.check_contrast(reader, f"{character}: a page, dark")
            reader.tab.look(is_dark=False)
            self.check_contrast(reader, f"{character}: a page")
            reader.tab.press("Escape")
            reader.tab.wait("!document.querySelector('#leaf').open")

    def check_contrast(self, reader, where):
        seen = reader.tab.run(MEASURE)
        self.assertGreater(len(seen), 4)
        faint = [item for item in seen if item["ratio"] < LEAST_CONTRAST]
        self.assertEqual(faint, [], where)

    def test_a_screen_reader_hears_sentences_and_not_tokens(self):
        sentences = [f"This is sentence number {number} of the answer. " for number in range(1, 61)]
        tokens = [word + " " for sentence in sentences for word in sentence.split()]
        self.script("hear?", *tokens)
        reader = self.reader().open()
        reader.choose("london-fox")
        reader.tab.run("window.heard = []; new MutationObserver((changes) => { for (const change of changes)"
                       "for (const node of change.addedNodes) heard.push(node.textContent); })"
                       ".observe(document.querySelector('[aria-live=polite]'), { childList: true, subtree: true, characterData: true })")
        reader.ask("What do you hear?")
        reader.ended()
        heard = reader.tab.run("heard")
        self.assertEqual(heard[0], "London Fox answers.")
        self.assertEqual(" ".join(heard[1:]), "".join(tokens).strip() + " End of the answer.")
        self.assertLess(len(heard), 12)
        self.assertEqual(reader.tab.run("document.querySelectorAll('[aria-live]:not(#announcer), main [role=log]').length"), 0)

    def test_nothing_moves_for_who_wants_it_still(self):
        script = self.script("still?", "Quite ", HOLD, "still.")
        reader = self.reader().open()
        reader.ask("Are you still?")
        reader.says("Quite")
        self.assertEqual(reader.tab.run("document.getAnimations().length"), 1)
        reader.tab.look(is_still=True)
        self.assertEqual(reader.tab.run("document.getAnimations().length"), 0)
        script.go()
        reader.ended()


class Guarding(PageTest):
    def test_only_the_page_s_own_scripts_run(self):
        self.is_provoking = True
        reader = self.reader().open()
        run = reader.tab.run
        run("window.blocked = []; document.addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective))")
        for attempt in (
            "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.taken = 1' }))",
            "document.body.setAttribute('onclick', 'window.taken = 2'); document.body.click()",
            "document.body.innerHTML = '<img src=x onerror=\"window.taken = 3\">'",
            "eval('window.taken = 4')",
            "setTimeout('window.taken = 5', 0)",
        ):
            self.assertEqual(run(f"(() => {{ try {{ {attempt}; return 'done'; }} catch (error) {{ return error.name; }} }})()"),
                             "EvalError" if "eval" in attempt else "TypeError", attempt)
        run("document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { display: none }' }))")
        run("new Image().src = 'https://example.org/pixel.png'")
        run("fetch('https://example.org/').catch(() => 0)")
        reader.tab.wait("blocked.includes('img-src') && blocked.includes('connect-src')")
        self.assertNotEqual(run("getComputedStyle(document.body).display"), "none")
        self.assertIn("style-src-elem", run("blocked"))
        # As if somebody had got markup into the page on its way.
        frame = reader.tab.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        reader.tab.call("Page.setDocumentContent", frameId=frame, html="<p id=foreign onclick='window.taken = 6'>x</p><script>window.taken = 7</script>")
        reader.tab.wait("document.querySelector('#foreign')")
        reader.click("#foreign")
        self.assertIsNone(run("window.taken ?? null"))


class Entering(PageTest):
    token = "a/word=with:marks,that(no)subprotocol+has=="

    def test_a_token_lets_in_and_is_kept_for_this_tab_only(self):
        self.script("inside?", "You are.")
        reader = self.reader().open(is_open=False)
        tab = reader.tab
        tab.wait("document.querySelector('#door')?.open")
        tab.type("a-wrong-word-of-32-letters-or-so")
        tab.press("Enter")
        tab.wait("document.querySelector('#door-trouble').textContent")
        self.assertEqual(reader.texts("#door-trouble"), ["The server does not know this token."])
        tab.type(self.token)
        tab.press("Enter")
        reader.connected()
        reader.read_to(12)
        reader.ask("Am I inside?")
        reader.ended()
        self.assertEqual(reader.answer(), "You are.")
        self.assertNotIn(self.token, tab.run("JSON.stringify(localStorage) + location.href + document.documentElement.outerHTML"))
        self.assertFalse([address for address in reader.addresses() if self.token in address])
        reader.reload()
        reader.tab.wait("document.querySelector('.turn .answer p')")
        self.assertEqual(reader.answer(), "You are.")


def main():
    PageTest.programs = os.path.abspath(sys.argv.pop(1))
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("skipped  the page: there is no chromium")
        return
    PageTest.browser = Browser(chromium)
    print(PageTest.browser.version, file=sys.stderr)
    try:
        unittest.main(module=sys.modules[__name__], verbosity=2)
    finally:
        PageTest.browser.close()


if __name__ == "__main__":
    main()
