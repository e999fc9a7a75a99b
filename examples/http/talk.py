"""Asks a character over HTTP and prints the answer as it comes, with nothing but Python's own library.

Usage: talk.py ADDRESS CHARACTER PAGE QUESTION, as in talk.py http://127.0.0.1:8000 london-fox 012 "Who are you?"
"""
import json
import sys
import urllib.error
import urllib.request

if len(sys.argv) != 5:
    sys.exit(__doc__)
address, character, page, question = sys.argv[1:]
body = {"prompt": question, "character_id": character, "current_page_id": page, "session_id": "talk"}
request = urllib.request.Request(
    f"{address}/api/v1/ask", json.dumps(body).encode(), {"Content-Type": "application/json"})
# Where the server wants a token: request.add_header("Authorization", f"Bearer {token}")
try:
    answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
except urllib.error.HTTPError as error:
    sys.exit(f"talk.py: {json.load(error)['data']['message']}")
except urllib.error.URLError as error:
    sys.exit(f"talk.py: cannot reach {address}: {error.reason}")
for line in answer:
    record = json.loads(line)
    data = record["data"]
    if record["type"] == "error":
        sys.exit(f"\ntalk.py: {data['message']}")
    if record["type"] == "ai_response_stream":
        print(data["token"], end="", flush=True)
        if data["is_complete"]:
            print()
            print("cited:", *(citation["page_id"] for citation in data["citations"]), file=sys.stderr)
