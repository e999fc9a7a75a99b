"""Measures whose voice a text has: how near it is to each character's own pages. No model, nothing to install.

Usage: voice.py [--pages FILE] [--folds N]                      the pages themselves, left out in turn
       voice.py [--pages FILE] --as CHARACTER < ANSWER          one answer, a text
       voice.py [--pages FILE] --answers < LINES                many: {"character_id": ..., "text": ...}
       voice.py [--pages FILE] --answers --prompts FILE < LINES  what `gibsey-ask --json` wrote; FILE has its ai_prompts

A text is its counts of function words, of marks and of lengths of sentences; what it is about is not looked at. Each
character's rates come from its pages, drawn towards everybody's where the pages are few. The nearest character is the one whose
rates make the counts likeliest, as in Mosteller and Wallace, "Inference and Disputed Authorship" (1964).
"""
import argparse
import collections
import json
import math
import os
import re
import sys

NOVEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "shared", "corpus", "entrance-way.jsonl")

FUNCTION_WORDS = frozenset(
    """a about above after again against all almost along already also although always am among an and another any anyone
    anything are around as at away back be because been before behind being below beneath between both but by can cannot could
    did do does doing done down during each either else enough even ever every everyone everything few first for from further
    had has have having he her here hers herself him himself his how however i if in inside instead into is it its itself just
    last least less like many may maybe me might mine more most much must my myself near nearly neither never no nobody none
    nor not nothing now of off often on once one only onto or other others our ours ourselves out outside over own perhaps
    quite rather really same several shall she should since so some someone something sometimes somewhere still such than that
    the their theirs them themselves then there these they thing things this those though through thus to together too toward
    towards under until up upon us very was we well were what whatever when where whether which while who whole whom whose why
    will with within without would yes yet you your yours yourself n't 's 'm 're 've 'll 'd""".split())
MARKS = frozenset(",.?!-—:;()\"…*'")
WORD = re.compile(r"[a-z]+n(?='t)|n't|'(?:s|m|re|ve|ll|d)\b|[a-z]+")
SENTENCE_END = re.compile(r"[.?!…]+[\"')]*\s+|\n\n")
LABEL = re.compile(r"\[page [^\]]*\]", re.IGNORECASE)
# A character's rates count as if this many words, or sentences, of everybody's were among its own.
WORDS_OF_ALL = 200
SENTENCES_OF_ALL = 40


class Counts:
    """What is counted of a text: words and marks for each word of it, sentences by the power of two of their length."""

    def __init__(self, text=""):
        plain = LABEL.sub("", text).translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}).lower()
        words = WORD.findall(plain)
        self.words = len(words)
        self.rates = collections.Counter(word for word in words if word in FUNCTION_WORDS)
        self.rates.update(mark for mark in plain if mark in MARKS)
        self.rates["paragraph"] = len(re.findall(r"\n\s*\n", plain.strip())) + 1 if words else 0
        lengths = (len(WORD.findall(sentence)) for sentence in SENTENCE_END.split(plain))
        self.sentences = collections.Counter(min(6, length.bit_length()) for length in lengths if length)

    @classmethod
    def of(cls, all_counts):
        total = cls()
        for counts in all_counts:
            total.words += counts.words
            total.rates.update(counts.rates)
            total.sentences.update(counts.sentences)
        return total


class Voices:
    """The characters' rates, relative to everybody's."""

    def __init__(self, counts_by_character):
        everybody = Counts.of(counts for pages in counts_by_character.values() for counts in pages)
        self.voices = {
            name: self._voice(Counts.of(pages), everybody) for name, pages in counts_by_character.items() if pages}

    @staticmethod
    def _voice(own, everybody):
        rates, expected = {}, 0.0
        for feature, count in everybody.rates.items():
            base = count / everybody.words
            rate = (own.rates[feature] + WORDS_OF_ALL * base) / (own.words + WORDS_OF_ALL)
            rates[feature] = math.log(rate / base)
            expected += rate
        lengths, sentences = {}, sum(everybody.sentences.values())
        for length, count in everybody.sentences.items():
            base = count / sentences
            share = (own.sentences[length] + SENTENCES_OF_ALL * base) / (sum(own.sentences.values()) + SENTENCES_OF_ALL)
            lengths[length] = math.log(share / base)
        return rates, lengths, expected

    def ranked(self, counts):
        """The characters, nearest first, each with the log-likelihood of the counts; ties by id."""
        likelihoods = []
        for name, (rates, lengths, expected) in self.voices.items():
            value = sum(number * rates.get(feature, 0.0) for feature, number in counts.rates.items())
            value += sum(number * lengths.get(length, 0.0) for length, number in counts.sentences.items())
            likelihoods.append((value - counts.words * expected, name))
        return [(name, value) for value, name in sorted(likelihoods, key=lambda pair: (-pair[0], pair[1]))]


class Tally:
    """How often the right one was first, and among the first three."""

    def __init__(self):
        self.ranks = collections.defaultdict(list)
        self.mistaken = collections.defaultdict(collections.Counter)

    def add(self, name, ranked):
        names = [other for other, _ in ranked]
        self.ranks[name].append(names.index(name) + 1)
        if names[0] != name:
            self.mistaken[name][names[0]] += 1

    def share(self, best, names=None):
        ranks = [rank for name in (names or self.ranks) for rank in self.ranks[name]]
        return sum(rank <= best for rank in ranks) / len(ranks)

    def mean_share(self, best):
        return sum(self.share(best, [name]) for name in self.ranks) / len(self.ranks)

    def most_frequent(self, best):
        """What always naming the characters with the most texts would get."""
        counts = sorted((len(ranks) for ranks in self.ranks.values()), reverse=True)
        return sum(counts[:best]) / sum(counts)


def read_pages(path):
    """The counts of each character's pages in reading order."""
    with open(path, encoding="utf-8") as lines:
        pages = [json.loads(line) for line in lines if line.strip()]
    pages = [page.get("data", page) for page in pages]
    by_character = collections.defaultdict(list)
    for page in sorted(pages, key=lambda page: page["page_index"]):
        if page.get("character_id"):
            by_character[page["character_id"]].append(page["text"])
    return by_character


def fold_tally(pages, folds, in_a_row):
    """Each page named from the others: a fold is a stretch of every character's pages, so that a page's neighbours, which tell of
    the same things, are left out with it."""
    tally = Tally()
    counts = {name: [Counts(text) for text in texts] for name, texts in pages.items()}
    fold_of = {name: [place * folds // len(texts) for place in range(len(texts))] for name, texts in pages.items()}
    for fold in range(folds):
        voices = Voices({
            name: [count for count, its in zip(counts[name], fold_of[name]) if its != fold] for name in pages})
        for name in sorted(pages):
            tested = [count for count, its in zip(counts[name], fold_of[name]) if its == fold]
            if name in voices.voices:
                for start in range(0, len(tested), in_a_row):
                    tally.add(name, voices.ranked(Counts.of(tested[start:start + in_a_row])))
    return tally


def percent(share):
    return f"{100 * share:5.1f} %"


def show_folds(pages, folds):
    tallies = {number: fold_tally(pages, folds, number) for number in (1, 5)}
    print(f"{sum(map(len, pages.values()))} pages of {len(pages)} characters, {folds} folds\n")
    print(f"{'':34}{'first':>8}{'of the first three':>20}")
    for number, tally in tallies.items():
        what = "one page" if number == 1 else f"{number} pages in a row"
        print(f"{what:34}{percent(tally.share(1)):>8}{percent(tally.share(3)):>20}")
        print(f"{'  always the most frequent':34}{percent(tally.most_frequent(1)):>8}{percent(tally.most_frequent(3)):>20}")
        print(f"{'  mean over the characters':34}{percent(tally.mean_share(1)):>8}{percent(tally.mean_share(3)):>20}")
        chance = [best / len(pages) for best in (1, 3)]
        print(f"{'  by chance':34}{percent(min(1, chance[0])):>8}{percent(min(1, chance[1])):>20}")
    tally = tallies[1]
    print(f"\n{'one page of':24}{'pages':>6}{'first':>9}{'three':>9}  taken for")
    for name in sorted(pages, key=lambda name: (-len(pages[name]), name)):
        others = ", ".join(f"{other} {count}" for other, count in tally.mistaken[name].most_common(2))
        print(f"{name:24}{len(pages[name]):6}{percent(tally.share(1, [name])):>9}{percent(tally.share(3, [name])):>9}  {others}")


def answers(lines, prompts):
    """The answers of the lines as pairs of character and text; an answer in tokens ends with the id of its prompt."""
    partial = collections.defaultdict(list)
    for number, line in enumerate(lines, 1):
        record = json.loads(line)
        data = record.get("data", record)
        if "token" not in data:
            if "character_id" in data and "text" in data:
                yield data["character_id"], data["text"]
            continue
        partial[data["response_id"]].append(data["token"])
        if data["is_complete"]:
            text = "".join(partial.pop(data["response_id"]))
            if data.get("prompt_id") not in prompts:
                sys.exit(f"voice.py: line {number}: no prompt of that id: name the prompts with --prompts")
            yield prompts[data["prompt_id"]], text


def read_prompts(path):
    if not path:
        return {}
    with open(path, encoding="utf-8") as lines:
        prompts = [json.loads(line)["data"] for line in lines if line.strip()]
    return {prompt["prompt_id"]: prompt.get("character_id") for prompt in prompts}


def show_answers(voices, pairs):
    tally = Tally()
    for name, text in pairs:
        counts = Counts(text)
        if name not in voices.voices or not counts.words:
            print(f"{name or '(nobody)':24} no pages of its own, or no words in the answer: passed over")
            continue
        ranked = voices.ranked(counts)
        tally.add(name, ranked)
        rank = tally.ranks[name][-1]
        nearest = ", ".join(other for other, _ in ranked[:3])
        # How much likelier the nearest voice makes each word, in thousandths of a natural logarithm.
        behind = 1000 * (ranked[0][1] - dict(ranked)[name]) / counts.words
        print(f"{name:24} rank {rank:2} of {len(ranked)}  {counts.words:4} words  {behind:6.1f} behind  nearest: {nearest}")
    if not tally.ranks:
        sys.exit("voice.py: no answer to measure")
    number = sum(map(len, tally.ranks.values()))
    print(f"\n{number} answers: first {percent(tally.share(1)).strip()}, of the first three {percent(tally.share(3)).strip()}; "
          f"by chance {percent(1 / len(voices.voices)).strip()} and {percent(3 / len(voices.voices)).strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", default=NOVEL, help="pages as JSON lines, with character_id")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--as", dest="character", help="whose answer standard input is")
    parser.add_argument("--answers", action="store_true", help="read answers as lines from standard input")
    parser.add_argument("--prompts", help="the ai_prompt records that the answers belong to")
    options = parser.parse_args()
    if not os.path.exists(options.pages):
        print(f"skipped: no pages at {options.pages}")
        return
    if options.folds < 2:
        parser.error("--folds is at least 2")
    pages = read_pages(options.pages)
    if not options.answers and not options.character:
        return show_folds(pages, options.folds)
    voices = Voices({name: [Counts(text) for text in texts] for name, texts in pages.items()})
    if options.character:
        return show_answers(voices, [(options.character, sys.stdin.read())])
    show_answers(voices, answers(sys.stdin, read_prompts(options.prompts)))


if __name__ == "__main__":
    main()
