// A scripted provider that speaks Ollama's /api/chat on loopback, cheap enough to stand before a server under load.
//
// Usage: upstream [PORT]        prints "PORT\n" once it listens; port 0 or none is one that is free.
//
// The script of an answer stands in the question, the last one of the body that has it:
//   (load n=TOKENS tag=TAG rate=TOKENS_A_SECOND chunk=LINES_A_CHUNK delay=MILLISECONDS stall=K cut=K error=K)
// n tokens " TAG:0" " TAG:1" …; rate 0 is as fast as they are taken; delay comes before the first; after K tokens the stream
// stalls for ever, is cut without its end, or tells an error. Or it was told before, and the question has its number and a tag that
// begins with it, in one word: load7x1x3. A question without a script gets twenty tokens.
//
//   GET /script?n=TOKENS&rate=…&chunk=…    the number of a script, another one each time
//   GET /stats      {"open":…,"started":…,"completed":…,"aborted":…}
//   GET /aborted    "TAG NANOSECONDS TOKENS\n" for each answer whose reader left before its end (CLOCK_MONOTONIC), oldest first
#include "net.h"

enum { INPUT_LIMIT = 4 << 20, OUTPUT = 64 << 10, LINE = 256, ABORTED = 1 << 16, TURN = 16 << 10 };

struct script { long n, rate, chunk, delay, stall, cut, error; char tag[48]; };

struct stream {
  int fd, slot;
  char *in;
  size_t in_count, in_room;
  char *out;
  size_t out_start, out_end;
  bool answering, finished, closing, wants_write;
  struct script script;
  char opening[LINE]; // of each line of the answer, up to the token's number
  size_t opening_size;
  long sent;          // tokens so far
  int64_t due;        // of the next token, nanoseconds; 0 is now
  int heap;           // place in the heap of those that wait, or -1
};

static struct { long open, started, completed, aborted; } count;
static struct { char tag[48]; int64_t at; long tokens; } aborted[ABORTED];
static struct script *scripts; // that were told before, by their number
static long script_count;
static struct stream **heap;
static int heap_count, heap_room;
static int poller;

// ---- those that wait for their next token, the earliest first

static void place(int at, struct stream *stream) {
  heap[at] = stream;
  stream->heap = at;
}

static void sift(int at) {
  struct stream *stream = heap[at];
  while (at > 0 && heap[(at - 1) / 2]->due > stream->due) {
    place(at, heap[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  for (int child; (child = 2 * at + 1) < heap_count; at = child) {
    if (child + 1 < heap_count && heap[child + 1]->due < heap[child]->due) child++;
    if (heap[child]->due >= stream->due) break;
    place(at, heap[child]);
  }
  place(at, stream);
}

static void await_due(struct stream *stream) {
  if (stream->heap < 0) {
    if (heap_count == heap_room) heap = must(realloc(heap, (heap_room = heap_room * 2 + 64) * sizeof *heap));
    place(heap_count++, stream);
  }
  sift(stream->heap);
}

static void forget_due(struct stream *stream) {
  if (stream->heap < 0) return;
  int at = stream->heap;
  stream->heap = -1;
  if (at == --heap_count) return;
  place(at, heap[heap_count]);
  sift(at);
}

// ---- answers

static long number(const char *script, const char *name, long otherwise) {
  const char *found = strstr(script, name);
  return found ? atol(found + strlen(name)) : otherwise;
}

static const struct script PLAIN = {.n = 20, .chunk = 1, .stall = -1, .cut = -1, .error = -1, .tag = "plain"};

// Text is "load n=5 rate=50": a blank before each name.
static void parse_script(const char *text, struct script *script) {
  script->n = number(text, " n=", 20);
  script->rate = number(text, " rate=", 0);
  script->chunk = number(text, " chunk=", 1);
  if (script->chunk < 1 || script->chunk > 64) script->chunk = 1;
  script->delay = number(text, " delay=", 0);
  script->stall = number(text, " stall=", -1);
  script->cut = number(text, " cut=", -1);
  script->error = number(text, " error=", -1);
}

static void read_script(const char *body, size_t size, struct script *script) {
  *script = PLAIN;
  const char *mark = NULL, *end = body + size;
  for (const char *at = body; (at = memmem(at, end - at, "load", 4)); at += 4) {
    char next = at + 4 < end ? at[4] : 0;
    if ((next >= '0' && next <= '9') || (next == ' ' && at > body && at[-1] == '(')) mark = at;
  }
  if (!mark) return;
  char text[256] = "";
  size_t length = 0;
  while (mark + length < end && length < sizeof text - 1 && mark[length] != ')') length++;
  memcpy(text, mark, length);
  char tag[48] = "";
  if (sscanf(text, "load%47[0-9x]", tag) == 1 && atol(tag) < script_count) {
    *script = scripts[atol(tag)];
    memcpy(script->tag, tag, sizeof tag);
    return;
  }
  parse_script(text, script);
  const char *named = strstr(text, " tag=");
  if (named) sscanf(named + 5, "%47[A-Za-z0-9._-]", script->tag);
}

// Keeps the script of a request's line; returns its number.
static long keep_script(const char *line) {
  char text[256];
  snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\r\n"), line);
  for (char *at = text; *at; at++)
    if (*at == '?' || *at == '&') *at = ' ';
  scripts = must(realloc(scripts, (script_count + 1) * sizeof *scripts));
  scripts[script_count] = PLAIN;
  parse_script(text, &scripts[script_count]);
  return script_count++;
}

static void put(struct stream *stream, const char *text, size_t size) {
  memcpy(stream->out + stream->out_end, text, size);
  stream->out_end += size;
}

// A chunk of a body, without printf: this is done for each token, on processors that the server wants, too.
static void put_chunk(struct stream *stream, const char *text, size_t size) {
  char head[18], *start = head + sizeof head - 2;
  memcpy(start, "\r\n", 2);
  size_t left = size;
  do *--start = "0123456789abcdef"[left & 15];
  while (left >>= 4);
  put(stream, start, head + sizeof head - start);
  put(stream, text, size);
  put(stream, "\r\n", 2);
}

static const char CLOSING[] = "\"},\"done\":false}\n";

// A line of the answer, without printf as well.
static size_t write_line(struct stream *stream, char *line) {
  char digits[20];
  int count = 0;
  long number = stream->sent++;
  do digits[count++] = '0' + number % 10;
  while (number /= 10);
  char *end = line + stream->opening_size;
  memcpy(line, stream->opening, stream->opening_size);
  while (count) *end++ = digits[--count];
  memcpy(end, CLOSING, sizeof CLOSING - 1);
  return end + sizeof CLOSING - 1 - line;
}

static const char HEAD[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";

static void end_answer(struct stream *stream) {
  char line[LINE];
  int size = snprintf(line, sizeof line,
                      "{\"model\":\"load\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":"
                      "\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":0,\"eval_count\":%ld}\n", stream->sent);
  put_chunk(stream, line, size);
  put(stream, "0\r\n\r\n", 5);
  stream->finished = true;
}

// One chunk of the answer. False when there is nothing to say now.
static bool say(struct stream *stream) {
  struct script *script = &stream->script;
  if (stream->sent == script->stall) return false;
  if (stream->sent == script->cut) {
    stream->finished = stream->closing = true;
    return false;
  }
  if (stream->sent == script->error) {
    static const char line[] = "{\"error\":\"the model runner has stopped\"}\n";
    put_chunk(stream, line, sizeof line - 1);
    put(stream, "0\r\n\r\n", 5);
    stream->finished = true;
    return true;
  }
  if (stream->sent == script->n) {
    end_answer(stream);
    return true;
  }
  char lines[64 * LINE];
  size_t size = 0;
  for (long i = 0; i < script->chunk && stream->sent < script->n; i++) {
    size += write_line(stream, lines + size);
    if (stream->sent == script->stall || stream->sent == script->cut || stream->sent == script->error) break;
  }
  put_chunk(stream, lines, size);
  if (script->rate > 0) stream->due += 1000000000 * script->chunk / script->rate;
  if (stream->sent == script->n) end_answer(stream);
  return true;
}

static void drop(struct stream *stream) {
  if (stream->answering && !stream->finished) {
    if (stream->script.cut < 0 || stream->sent != stream->script.cut) {
      int at = count.aborted++ % ABORTED;
      memcpy(aborted[at].tag, stream->script.tag, sizeof aborted[at].tag);
      aborted[at].at = now();
      aborted[at].tokens = stream->sent;
    }
  }
  if (stream->answering) count.open--;
  forget_due(stream);
  close(stream->fd);
  free(stream->in);
  free(stream->out);
  free(stream);
}

static void watch(struct stream *stream, bool writing) {
  if (stream->wants_write == writing) return;
  stream->wants_write = writing;
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0), .data.ptr = stream};
  epoll_ctl(poller, EPOLL_CTL_MOD, stream->fd, &event);
}

static bool take_request(struct stream *stream);

// Says and sends what can be said and sent now. False when the stream is gone.
static bool go_on(struct stream *stream) {
  size_t said = 0;
  while (true) {
    while (stream->answering && !stream->finished && OUTPUT - stream->out_end > 64 * LINE + 64) {
      if (stream->due && stream->due > now()) break;
      if (!stream->script.rate) stream->due = 0;
      if (!say(stream)) break;
      if (stream->script.rate > 0) continue;
      if (stream->out_end >= TURN) break;
    }
    if (stream->out_end > stream->out_start) {
      ssize_t sent = send(stream->fd, stream->out + stream->out_start, stream->out_end - stream->out_start, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return drop(stream), false;
      if (sent > 0) {
        stream->out_start += sent;
        said += sent;
      }
      if (stream->out_start < stream->out_end) {
        memmove(stream->out, stream->out + stream->out_start, stream->out_end - stream->out_start);
        stream->out_end -= stream->out_start;
        stream->out_start = 0;
        forget_due(stream);
        return watch(stream, true), true;
      }
      stream->out_start = stream->out_end = 0;
    }
    if (stream->answering && stream->finished) {
      stream->answering = false;
      count.open--;
      if (stream->closing) return drop(stream), false;
      count.completed++;
      if (!take_request(stream)) return false;
      if (!stream->answering) return watch(stream, false), true;
      continue;
    }
    if (!stream->answering) return watch(stream, false), true;
    if (stream->script.stall == stream->sent) return forget_due(stream), watch(stream, false), true;
    if (stream->due && stream->due > now()) return await_due(stream), watch(stream, false), true;
    if (said >= TURN) return watch(stream, true), true; // the others' turn
  }
}

static void reply(struct stream *stream, const char *status, const char *body, size_t size) {
  char head[256];
  int count = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                       status, size);
  int on = 0;
  setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  send_all(stream->fd, head, count);
  send_all(stream->fd, body, size);
  on = 1;
  setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void tell_aborted(struct stream *stream) {
  long first = count.aborted > ABORTED ? count.aborted - ABORTED : 0;
  char *text = must(malloc((count.aborted - first + 1) * 96));
  size_t size = 0;
  for (long i = first; i < count.aborted; i++)
    size += sprintf(text + size, "%s %" PRId64 " %ld\n", aborted[i % ABORTED].tag, aborted[i % ABORTED].at,
                    aborted[i % ABORTED].tokens);
  reply(stream, "200 OK", text, size);
  free(text);
}

static void answer(struct stream *stream, const char *line, const char *body, size_t size) {
  if (!strncmp(line, "POST /api/chat ", 15)) {
    read_script(body, size, &stream->script);
    stream->opening_size = sprintf(
        stream->opening,
        "{\"model\":\"load\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\" %s:",
        stream->script.tag);
    stream->answering = true;
    stream->finished = stream->closing = false;
    stream->sent = 0;
    stream->due = now() + stream->script.delay * 1000000;
    count.open++;
    count.started++;
    put(stream, HEAD, sizeof HEAD - 1);
  } else if (!strncmp(line, "GET /stats ", 11)) {
    char text[160];
    reply(stream, "200 OK", text,
          sprintf(text, "{\"open\":%ld,\"started\":%ld,\"completed\":%ld,\"aborted\":%ld}\n", count.open, count.started,
                  count.completed, count.aborted));
  } else if (!strncmp(line, "GET /script?", 12)) {
    char text[24];
    reply(stream, "200 OK", text, sprintf(text, "%ld", keep_script(line)));
  } else if (!strncmp(line, "GET /aborted ", 13)) {
    tell_aborted(stream);
  } else if (!strncmp(line, "GET /api/version ", 17)) {
    reply(stream, "200 OK", "{\"version\":\"0.33.0\"}", 20);
  } else if (!strncmp(line, "GET /api/tags ", 14)) {
    reply(stream, "200 OK", "{\"models\":[{\"name\":\"load\",\"model\":\"load\"}]}", 44);
  } else if (!strncmp(line, "GET / ", 6) || !strncmp(line, "HEAD / ", 7)) {
    reply(stream, "200 OK", "Ollama is running", line[0] == 'G' ? 17 : 0);
  } else {
    reply(stream, "404 Not Found", "{\"error\":\"not found\"}", 21);
  }
}

// Reads one request if a whole one is there. False when the stream is gone.
static bool take_request(struct stream *stream) {
  while (!stream->answering && stream->in_count) {
    char *end = memmem(stream->in, stream->in_count, "\r\n\r\n", 4);
    if (!end) return true;
    *end = 0;
    char *length = strcasestr(stream->in, "\r\ncontent-length:");
    size_t size = length ? strtoul(length + 17, NULL, 10) : 0, head = end + 4 - stream->in;
    if (size > INPUT_LIMIT) return drop(stream), false;
    if (stream->in_count < head + size) {
      *end = '\r';
      return true;
    }
    answer(stream, stream->in, stream->in + head, size);
    memmove(stream->in, stream->in + head + size, stream->in_count -= head + size);
  }
  return true;
}

static bool take(struct stream *stream) {
  while (true) {
    if (stream->in_room - stream->in_count < 4096) {
      if (stream->in_room > INPUT_LIMIT) return drop(stream), false;
      stream->in = must(realloc(stream->in, stream->in_room = stream->in_room * 2 + 8192));
    }
    ssize_t got = recv(stream->fd, stream->in + stream->in_count, stream->in_room - stream->in_count, 0);
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) return drop(stream), false;
    stream->in_count += got;
  }
  return take_request(stream) && go_on(stream);
}

static void welcome(int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct stream *stream = must(calloc(1, sizeof *stream));
    stream->fd = fd;
    stream->heap = -1;
    stream->out = must(malloc(OUTPUT));
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = stream};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(int argc, char **argv) {
  raise_files();
  int port = argc > 1 ? atoi(argv[1]) : 0;
  int listener = listen_on(&port);
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  printf("%d\n", port);
  fflush(stdout);
  struct epoll_event events[256];
  while (true) {
    int64_t wait = heap_count ? heap[0]->due - now() : 1000000000;
    struct timespec time = {0, wait < 0 ? 0 : wait > 999999999 ? 999999999 : wait};
    int ready = epoll_pwait2(poller, events, 256, &time, NULL);
    if (ready < 0 && errno != EINTR) die("epoll_pwait2");
    for (int i = 0; i < ready; i++) {
      struct stream *stream = events[i].data.ptr;
      if (!stream) welcome(listener);
      else if (events[i].events & (EPOLLERR | EPOLLHUP)) drop(stream);
      else if (events[i].events & (EPOLLIN | EPOLLRDHUP)) take(stream);
      else go_on(stream);
    }
    // Those that an event dropped are out of the heap by now.
    for (int64_t time = now(); heap_count && heap[0]->due <= time;) {
      struct stream *stream = heap[0];
      forget_due(stream);
      go_on(stream);
    }
  }
}
