// Checks what comes: each token against the number that must come next.
#include "client.h"

struct faults faults;
struct samples first_tokens, gaps, pongs;
long tokens_taken, messages_taken;
bool counts_gaps;

static const char *find(const char *record, size_t size, const char *name) {
  size_t length = strlen(name);
  const char *found = memmem(record, size, name, length);
  return found ? found + length : NULL;
}

// The value of a member that is a string without escapes, or a number; false when it is not there.
bool member(const char *record, size_t size, const char *name, char *value, size_t room) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char *found = find(record, size, key), *end = record + size;
  if (!found) return false;
  bool is_string = found < end && *found == '"';
  if (is_string) found++;
  size_t length = 0;
  while (found + length < end && length < room - 1 &&
         (is_string ? found[length] != '"' : (found[length] != ',' && found[length] != '}'))) length++;
  memcpy(value, found, length);
  value[length] = 0;
  return true;
}

static void end_answer(struct reader *reader, const char *ending) {
  struct answer *answer = &reader->answer;
  snprintf(answer->ending, sizeof answer->ending, "%s", ending);
  answer->running = false;
  answer->ended = loop_time;
  if (!strcmp(ending, "stop") && answer->next != answer->tokens) faults.lost += answer->tokens - answer->next;
  if (on.ended) on.ended(reader);
}

// The tokens of one record: " TAG:0", or several when they were merged.
static void take_tokens(struct reader *reader, const char *text, const char *end) {
  struct answer *answer = &reader->answer;
  size_t length = strlen(answer->tag);
  while (text < end) {
    if (*text != ' ' || (size_t)(end - text) < length + 3 || memcmp(text + 1, answer->tag, length) ||
        text[length + 1] != ':') {
      faults.crossed++;
      return;
    }
    text += length + 2;
    long number = 0;
    const char *digits = text;
    while (text < end && *text >= '0' && *text <= '9') number = number * 10 + *text++ - '0';
    if (digits == text) faults.frames++;
    if (number < answer->next) faults.doubled++;
    else faults.lost += number - answer->next;
    answer->next = number + 1;
    tokens_taken++;
    if (!answer->first) note(&first_tokens, (answer->first = loop_time) - answer->asked);
    else if (counts_gaps && !reader->deaf) note(&gaps, loop_time - answer->last);
    answer->last = loop_time;
  }
}

static void take_stream(struct reader *reader, const char *record, size_t size) {
  struct answer *answer = &reader->answer;
  const char *response = find(record, size, "\"response_id\":\""), *token = find(record, size, "\"token\":\"");
  const char *seq = find(record, size, "\"seq\":"), *complete = find(record, size, "\"is_complete\":");
  if (!response || !token || !seq || !complete || record + size - response < 37) {
    faults.frames++;
    return;
  }
  if (!answer->running) {
    faults.late++;
    return;
  }
  if (!answer->response[0]) memcpy(answer->response, response, 36);
  else if (memcmp(answer->response, response, 36)) faults.crossed++;
  const char *end = memchr(token, '"', record + size - token);
  if (end > token) take_tokens(reader, token, end);
  // Numbers count records: one that was merged of several tokens has one.
  if (atol(seq) != answer->seq) faults.seq++;
  answer->seq = atol(seq) + 1;
  if (*complete == 't') {
    char reason[16] = "stop";
    member(record, size, "finish_reason", reason, sizeof reason);
    end_answer(reader, reason);
  }
}

void take_record(struct reader *reader, const char *record, size_t size) {
  static const char stream[] = "{\"type\":\"ai_response_stream\"", pong[] = "{\"type\":\"pong\"",
                    error[] = "{\"type\":\"error\"";
  messages_taken++;
  if (size >= sizeof stream && !memcmp(record, stream, sizeof stream - 1)) return take_stream(reader, record, size);
  if (size >= sizeof pong && !memcmp(record, pong, sizeof pong - 1)) {
    note(&pongs, now() - reader->pinged);
    reader->pinged = 0;
    if (on.ponged) on.ponged(reader);
    return;
  }
  char request[48] = "";
  if (size >= sizeof error && !memcmp(record, error, sizeof error - 1) && reader->answer.running &&
      member(record, size, "request_id", request, sizeof request) && !strcmp(request, reader->answer.tag)) {
    member(record, size, "code", reader->answer.code, sizeof reader->answer.code);
    return end_answer(reader, "error");
  }
  if (on.other) on.other(reader, record, size);
}
