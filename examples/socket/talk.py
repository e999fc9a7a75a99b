"""Asks a character over a WebSocket and prints the answer as it comes; Control-C stops the answer, not the program.

Usage: talk.py ADDRESS SESSION CHARACTER PAGE QUESTION…, as in talk.py ws://127.0.0.1:8000 ann london-fox 012 "Who are you?"
Wants the package websockets.
"""
import asyncio
import json
import os
import signal
import sys

try:
    from websockets.asyncio.client import connect
except ImportError:
    sys.exit(__doc__)


async def ask(socket, character, page, question, number):
    async def say(kind, **data):
        await socket.send(json.dumps({"type": kind, "data": data}))

    request = f"q{number}"
    stop = asyncio.get_running_loop()
    stop.add_signal_handler(signal.SIGINT, lambda: asyncio.ensure_future(say("ai_chat_cancel", request_id=request)))
    await say("ai_chat_request", prompt=question, character_id=character, current_page_id=page, request_id=request)
    async for frame in socket:
        record = json.loads(frame)
        kind, data = record["type"], record["data"]
        if data.get("request_id") != request:
            continue  # A greeting, a page that changed: not of this answer.
        if kind == "error":
            sys.exit(f"talk.py: {data['message']}")
        if kind == "ai_response_stream":
            print(data["token"], end="", flush=True)
            if data["is_complete"]:
                print(f"\n[{data['finish_reason']}] cited:", *(c["page_id"] for c in data["citations"]))
                return


async def main(address, session, character, page, *questions):
    token = os.environ.get("GIBSEY_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with connect(f"{address}/ws/{session}", additional_headers=headers, proxy=None) as socket:
        for number, question in enumerate(questions):
            await ask(socket, character, page, question, number)


if len(sys.argv) < 6:
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
