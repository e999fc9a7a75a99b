"""Lets readers come, ask, leave and come again for a long while, and tells whether memory or descriptors grow.

Usage: soak.py FOLDER_OF_THE_SWIFT_PROGRAMS FOLDER_OF_THE_LOAD_PROGRAMS [--minutes N] [--conversations N] [--fickle N]

100 conversations at 50 tokens/s, each of five questions on one socket, and beside them 30 that leave in every way there is.
Exit status 1 when a token was lost, doubled or crossed, an answer had no end or two, descriptors did not come back, or memory
grew by a MiB in ten minutes (judged in runs of ten minutes or more).
"""
import argparse
import json
import sys

from programs import Programs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("swift")
    parser.add_argument("load")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--fickle", type=int, default=30)
    arguments = parser.parse_args()
    with Programs(arguments.swift, arguments.load) as programs, programs.daemon() as (process, port):
        # What every server does once is no growth: its first answers, and the connections to the provider, which are kept for
        # the next question. As many as there will be at once: paced, or a few would serve for all.
        programs.run("talk", process, port, conversations=arguments.conversations + arguments.fickle, tokens=100, rate=50,
                     run="warm")
        line, status = programs.run(
            "churn", process, port, seconds=int(arguments.minutes * 60), conversations=arguments.conversations,
            fickle=arguments.fickle, figure=f"{arguments.minutes:g} minutes of churn")
        print(json.dumps(line), flush=True)
        if process.poll() is not None:
            sys.exit(f"gibsey-serve ended with {process.returncode}:\n{programs.log()[-2000:]}")
    sys.exit(status)


if __name__ == "__main__":
    main()
