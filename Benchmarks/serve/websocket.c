// The client's half of RFC 6455 on one epoll loop.
#include "client.h"

enum { READ = 256 << 10, FRAME = 2 << 20, FIN = 0x80, TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

struct handlers on;
int server_port, provider_port;
long bytes_taken;
int64_t loop_time;
static int poller = -1;
static uint32_t mask_seed = 0x9E3779B9;

static void leave(struct reader *reader, int code) {
  if (reader->state == FREE || reader->state == GONE) return;
  close(reader->fd);
  reader->state = GONE;
  if (!reader->close_code) reader->close_code = code;
  free(reader->rest);
  free(reader->message);
  reader->rest = reader->message = NULL;
  reader->rest_count = reader->rest_room = reader->message_count = 0;
  if (on.gone) on.gone(reader);
}

static void watch(struct reader *reader, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = reader};
  if (poller < 0) poller = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ctl(poller, operation, reader->fd, &event)) die("epoll_ctl");
}

// Each thousand readers come from an address of their own: 127.0.0.1, 127.0.0.2, …
static void bind_source(int fd, int index) {
  int yes = 1;
  struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / 1000)};
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&source, sizeof source)) die("bind");
}

void reader_connect(struct reader *reader, const char *session, const char *query) {
  if (session != reader->session) snprintf(reader->session, sizeof reader->session, "%s", session);
  reader->query = query;
  reader->close_code = 0;
  reader->opened = now();
  reader->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (reader->fd < 0) die("socket");
  int on = 1, room = 8192;
  setsockopt(reader->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (reader->deaf) setsockopt(reader->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  bind_source(reader->fd, reader->index);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(server_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(reader->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) die("connect");
  reader->state = CONNECTING;
  watch(reader, EPOLL_CTL_ADD, EPOLLOUT);
}

static void upgrade(struct reader *reader) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(reader->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    faults.refused++;
    return leave(reader, 1006);
  }
  char text[512];
  int count = snprintf(text, sizeof text,
                       "GET /ws/%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                       reader->session, reader->query, server_port);
  send_all(reader->fd, text, count);
  reader->state = UPGRADING;
  watch(reader, EPOLL_CTL_MOD, EPOLLIN);
}

void reader_send(struct reader *reader, int opcode, const char *text, size_t size) {
  unsigned char frame[4096 + 8];
  if (reader->state != OPEN || size > 4096) return;
  size_t head = 2;
  frame[0] = FIN | opcode;
  frame[1] = 0x80 | (size < 126 ? size : 126);
  if (size >= 126) {
    frame[2] = size >> 8;
    frame[3] = size;
    head = 4;
  }
  mask_seed = mask_seed * 1664525 + 1013904223;
  memcpy(frame + head, &mask_seed, 4);
  for (size_t i = 0; i < size; i++) frame[head + 4 + i] = text[i] ^ frame[head + i % 4];
  send_all(reader->fd, (char *)frame, head + 4 + size);
}

// The provider's number of a script, which it is told once.
static long script_number(long tokens, long rate, long chunk) {
  static struct script { long tokens, rate, chunk, number; } *told;
  static int count;
  for (int i = 0; i < count; i++)
    if (told[i].tokens == tokens && told[i].rate == rate && told[i].chunk == chunk) return told[i].number;
  char path[96];
  snprintf(path, sizeof path, "/script?n=%ld&rate=%ld&chunk=%ld", tokens, rate, chunk);
  char *number = http_get(provider_port, path);
  if (!number) die("the provider takes no script");
  told = must(realloc(told, (count + 1) * sizeof *told));
  told[count] = (struct script){tokens, rate, chunk, atol(number)};
  free(number);
  return told[count++].number;
}

void reader_ask(struct reader *reader, long tokens, long rate, long chunk) {
  static long questions;
  struct answer *answer = &reader->answer;
  long script = script_number(tokens, rate, chunk);
  *answer = (struct answer){.tokens = tokens, .asked = now(), .running = true};
  // No two runs of one provider have a script's number together.
  snprintf(answer->tag, sizeof answer->tag, "%ldx%dx%ld", script, reader->index, ++questions);
  reader->questions++;
  char text[512];
  // A reader's question, and one word that no book has, for the provider: together some 14 pieces of the embedding model, as many as
  // readers' questions have.
  int size = snprintf(text, sizeof text,
                      "{\"type\":\"ai_chat_request\",\"data\":{\"prompt\":\"What is consciousness? load%s\","
                      "\"character_id\":\"london-fox\",\"request_id\":\"%s\"}}",
                      answer->tag, answer->tag);
  reader_send(reader, TEXT, text, size);
}

void reader_ping(struct reader *reader) {
  static const char text[] = "{\"type\":\"ping\",\"data\":{\"timestamp\":1}}";
  reader->pinged = now();
  reader_send(reader, TEXT, text, sizeof text - 1);
}

void reader_cancel(struct reader *reader) {
  char text[160];
  reader->pinged = now();
  reader_send(reader, TEXT, text,
              snprintf(text, sizeof text, "{\"type\":\"ai_chat_cancel\",\"data\":{\"request_id\":\"%s\"}}", reader->answer.tag));
}

void reader_resume(struct reader *reader) {
  char text[200];
  reader_send(reader, TEXT, text,
              snprintf(text, sizeof text, "{\"type\":\"ai_response_resume\",\"data\":{\"response_id\":\"%s\",\"after_seq\":%ld}}",
                       reader->answer.response, reader->answer.seq - 1));
}

void reader_deafen(struct reader *reader) { watch(reader, EPOLL_CTL_MOD, 0); }
void reader_listen(struct reader *reader) { watch(reader, EPOLL_CTL_MOD, EPOLLIN); }

void reader_drop(struct reader *reader, bool resets) {
  struct linger linger = {.l_onoff = 1};
  if (resets) setsockopt(reader->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  leave(reader, 1006);
}

void reader_close(struct reader *reader, int code) {
  char text[2] = {code >> 8, code & 255};
  reader_send(reader, CLOSE, text, 2);
}

// One whole frame. False when the reader is gone.
static bool take_frame(struct reader *reader, int head, const char *text, size_t size) {
  int opcode = head & 15;
  if (head & 0x70) faults.frames++;
  if (opcode == PING && !reader->silent) reader_send(reader, PONG, text, size < 126 ? size : 125);
  else if (opcode == CLOSE) {
    reader->close_code = size >= 2 ? (unsigned char)text[0] << 8 | (unsigned char)text[1] : 1005;
    reader_send(reader, CLOSE, text, size < 126 ? size : 0);
    return leave(reader, 1005), false;
  } else if (opcode == TEXT && head & FIN && !reader->message) take_record(reader, text, size);
  else if (opcode <= TEXT) {
    reader->message = must(realloc(reader->message, reader->message_count + size + 1));
    memcpy(reader->message + reader->message_count, text, size);
    reader->message_count += size;
    if (head & FIN) {
      char *message = reader->message;
      reader->message = NULL;
      take_record(reader, message, reader->message_count);
      reader->message_count = 0;
      free(message);
    }
  } else if (opcode != PONG && opcode != PING) faults.frames++;
  return reader->state == OPEN;
}

// Takes the whole frames of the bytes; returns how many bytes they were, or -1 when the reader is gone.
static ssize_t take_frames(struct reader *reader, const char *bytes, size_t count) {
  size_t place = 0;
  while (count - place >= 2) {
    const unsigned char *frame = (const unsigned char *)bytes + place;
    size_t head = 2, size = frame[1] & 127;
    if (size == 126) {
      if (count - place < 4) break;
      size = frame[2] << 8 | frame[3];
      head = 4;
    } else if (size == 127) {
      if (count - place < 10) break;
      size = 0;
      for (int i = 2; i < 10; i++) size = size << 8 | frame[i];
      head = 10;
    }
    if (frame[1] & 0x80 || size > FRAME) faults.frames++;
    if (count - place - head < size) break;
    if (!take_frame(reader, frame[0], (const char *)frame + head, size)) return -1;
    place += head + size;
  }
  return place;
}

static ssize_t take_handshake(struct reader *reader, const char *bytes, size_t count) {
  const char *end = memmem(bytes, count, "\r\n\r\n", 4);
  if (!end) return 0;
  if (memcmp(bytes, "HTTP/1.1 101", 12) || !memmem(bytes, end - bytes, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28)) {
    faults.refused++;
    leave(reader, 1006);
    return -1;
  }
  reader->state = OPEN;
  if (on.opened) on.opened(reader);
  return reader->state == OPEN ? end + 4 - bytes : -1;
}

static void keep(struct reader *reader, const char *bytes, size_t count) {
  if (count > reader->rest_room) reader->rest = must(realloc(reader->rest, reader->rest_room = count));
  memmove(reader->rest, bytes, count);
  reader->rest_count = count;
}

static void take(struct reader *reader) {
  static char buffer[READ + FRAME];
  size_t before = reader->rest_count;
  if (before > FRAME) die("a frame over 2 MiB");
  memcpy(buffer, reader->rest, before);
  ssize_t got = recv(reader->fd, buffer + before, READ, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return leave(reader, 1006);
  bytes_taken += got;
  long tokens = tokens_taken;
  size_t count = before + got, place = 0;
  if (reader->state == UPGRADING) {
    ssize_t taken = take_handshake(reader, buffer, count);
    if (taken < 0) return;
    place = taken;
  }
  if (reader->state == OPEN) {
    ssize_t taken = take_frames(reader, buffer + place, count - place);
    if (taken < 0) return;
    place += taken;
  }
  keep(reader, buffer + place, count - place);
  if (tokens_taken > tokens && on.token) on.token(reader);
}

void run_loop(int64_t until, int64_t (*tick)(void)) {
  struct epoll_event events[512];
  if (poller < 0) poller = epoll_create1(EPOLL_CLOEXEC);
  while ((loop_time = now()) < until) {
    int64_t next = tick ? tick() : until;
    if (next < 0) return;
    int64_t wait = (next < until ? next : until) - now();
    struct timespec time = {wait > 0 ? wait / 1000000000 : 0, wait > 0 ? wait % 1000000000 : 0};
    int ready = epoll_pwait2(poller, events, 512, &time, NULL);
    if (ready < 0 && errno != EINTR) die("epoll_pwait2");
    for (int i = 0; i < ready; i++) {
      struct reader *reader = events[i].data.ptr;
      loop_time = now();
      if (reader->state == CONNECTING) upgrade(reader);
      else if (reader->state != GONE) take(reader);
    }
  }
}
