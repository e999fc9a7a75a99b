"""How often a fact that the reader told N turns ago is in the prompt for a question about it.

Usage: recall.py FOLDER_OF_THE_PROGRAMS [--embedder NAME]

Forty facts (told.jsonl) stand ten turns apart in a conversation whose other turns are questions about fairy tales from
../shared/eval with the pages that answer them. For each fact there is a question in its words (near) and one in others
(far). The prompt is built with --at behind the turn that is N later; `last` is the share of facts among the last turns
alone, which is what a prompt without recall would have.
"""
import argparse
import json
import os
import subprocess
import tempfile

import conversations

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.path.join(HERE, "..", "..", "shared")
APART = 10
DISTANCES = (5, 20, 50, 200, 1000)


def lines(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def conversation(facts):
    """Questions and answers; returns them, and where each fact stands among them."""
    pages = {page["id"]: page["text"] for page in lines(SHARED, "eval", "fairytales-dev-pages.jsonl")}
    cases = lines(SHARED, "eval", "fairytales-dev.jsonl")
    fillers = [(case["prompt"], " ".join(pages[case["page_ids"][0]].split()[:90])) for case in cases]
    said, places = [], []
    total = APART * len(facts) + max(DISTANCES) + 1
    for place in range(total):
        if place % APART == 0 and len(places) < len(facts):
            places.append(place)
            said.append((facts[len(places) - 1]["told"], "I shall remember it, reader."))
        else:
            said.append(fillers[place % len(fillers)])
    return said, places


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs")
    parser.add_argument("--embedder", default="minilm")
    arguments = parser.parse_args()
    index, context = (os.path.join(arguments.programs, "gibsey-" + name) for name in ("index", "context"))
    facts = lines(HERE, "told.jsonl")
    said, places = conversation(facts)
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "talk.db")
        novel = os.path.join(SHARED, "corpus", "entrance-way.jsonl")
        index_it = [index, "--database", database, "--embedder", arguments.embedder]
        subprocess.run([*index_it, novel], stdout=subprocess.DEVNULL, check=True)
        numbers = conversations.fill(database, "long", len(said), said)
        subprocess.run([*index_it, novel], stdout=subprocess.DEVNULL, check=True)
        common = [context, "--database", database, "--session", "long", "--character", "london-fox", "--page", "300"]

        def turns(at, question):
            out = subprocess.run([*common, "--at", str(at), question], stdout=subprocess.PIPE, check=True).stdout
            return json.loads(out)["data"].get("turns", [])

        for distance in DISTANCES:
            row = {"figure": "recall", "turns_ago": distance, "facts": len(facts)}
            ends = [numbers[place + distance - 1] for place in places]
            row["last"] = sum(
                numbers[place] in [turn["id"] for turn in turns(end, "?!")] for place, end in zip(places, ends))
            for kind in ("near", "far"):
                row[kind] = row[kind + "_noise"] = 0
                for fact, place, end in zip(facts, places, ends):
                    found = turns(end, fact[kind])
                    row[kind] += numbers[place] in [turn["id"] for turn in found]
                    row[kind + "_noise"] += sum(turn["recalled"] and turn["id"] != numbers[place] for turn in found)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
