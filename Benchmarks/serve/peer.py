"""The reference: the same frames over FastAPI and uvicorn, relaying the same provider; one process, uvloop, orjson.

Usage: peer.py PORT PROVIDER_PORT

It keeps no history, searches no page, builds no prompt and limits nothing: what it does is the least that such a server does.
"""
import asyncio
import contextlib
import datetime
import sys
import uuid

import aiohttp
import orjson
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

PORT, PROVIDER = int(sys.argv[1]), f"http://127.0.0.1:{sys.argv[2]}/api/chat"
http = None


@contextlib.asynccontextmanager
async def lifespan(_):
    global http
    # aiohttp's own limit of 100 connections would make the others wait for their first token.
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), read_bufsize=1 << 18,
                                 timeout=aiohttp.ClientTimeout(total=None))
    yield
    await http.close()


app = FastAPI(lifespan=lifespan)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def tell(socket, kind, **data):
    await socket.send_text(orjson.dumps({"type": kind, "data": data}).decode())


async def answer(socket, asked):
    response, request, seq = str(uuid.uuid4()), asked.get("request_id"), 0
    body = {"model": "load", "stream": True, "messages": [{"role": "user", "content": asked["prompt"]}]}
    async with http.post(PROVIDER, json=body) as reply:
        async for line in reply.content:
            part = orjson.loads(line)
            token = part["message"]["content"]
            if token:
                await tell(socket, "ai_response_stream", response_id=response, token=token, is_complete=False,
                           timestamp=now(), seq=seq, request_id=request)
                seq += 1
    await tell(socket, "ai_response_stream", response_id=response, token="", is_complete=True, timestamp=now(), seq=seq,
               request_id=request, finish_reason="stop")


@app.websocket("/ws/{session}")
async def conversation(socket: WebSocket, session: str):
    await socket.accept()
    await tell(socket, "connection_established", session_id=session, timestamp=now(), protocol=1, resumable=[])
    running = set()
    try:
        while True:
            record = orjson.loads(await socket.receive_text())
            if record["type"] == "ping":
                await tell(socket, "pong", timestamp=record["data"].get("timestamp"))
            elif record["type"] == "ai_chat_request":
                task = asyncio.create_task(answer(socket, record["data"]))
                running.add(task)
                task.add_done_callback(running.discard)
    except WebSocketDisconnect:
        pass
    finally:
        for task in running:
            task.cancel()


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error", backlog=4096, ws_ping_interval=None, ws="websockets")
