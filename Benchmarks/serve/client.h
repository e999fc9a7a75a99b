// A reader of gibsey-serve as the load client sees it: one WebSocket, one question at a time, every token checked.
#pragma once
#include "net.h"

enum state { FREE, CONNECTING, UPGRADING, OPEN, GONE };

// What is wrong with what came: all of these must be 0.
struct faults { long lost, doubled, crossed, seq, late, endless, frames, refused; };

struct samples { int32_t *values; long count, room; };  // microseconds

struct answer {
  char tag[48];          // in every token; another one for each answer of the provider
  char response[48];     // its response_id, once known
  long tokens, next;     // how many are to come; the number of the next one
  long seq;              // the next one
  int64_t asked, first, last, ended;
  bool running;
  char ending[16];       // finish_reason, or "error"
  char code[48];         // of the error
};

struct reader {
  int fd, index;
  enum state state;
  char session[48];
  const char *query;     // of the address: "", "?resume=1", "?watch=1"
  bool deaf;             // does not read
  bool silent;           // does not answer pings
  char *rest;            // of a frame that is not whole yet, or of the handshake
  size_t rest_count, rest_room;
  char *message;         // of a fragmented message
  size_t message_count;
  int close_code;        // 0 none; 1006 without a close frame
  struct answer answer;
  long questions;
  int64_t opened, pinged, act_at;
  int plan;              // what a scenario wants of it
  void *extra;
};

struct handlers {
  void (*opened)(struct reader *);
  void (*token)(struct reader *);       // after each read that had tokens
  void (*ended)(struct reader *);       // an answer
  void (*ponged)(struct reader *);
  void (*other)(struct reader *, const char *record, size_t size);
  void (*gone)(struct reader *);
};

extern struct handlers on;
extern struct faults faults;
extern struct samples first_tokens, gaps, pongs;
extern long tokens_taken, messages_taken, bytes_taken;
extern int server_port, provider_port;
extern bool counts_gaps;

// The time at which the loop last woke: what is read counts as come then.
extern int64_t loop_time;

void reader_connect(struct reader *reader, const char *session, const char *query);
void reader_send(struct reader *reader, int opcode, const char *text, size_t size);
// A question whose answer has so many tokens, at so many a second (0: full speed), so many lines to a chunk of the provider's.
void reader_ask(struct reader *reader, long tokens, long rate, long chunk);
void reader_ping(struct reader *reader);
void reader_cancel(struct reader *reader);
void reader_resume(struct reader *reader);
void reader_deafen(struct reader *reader);
void reader_listen(struct reader *reader);
// Leaves without a word: by FIN, or by RST.
void reader_drop(struct reader *reader, bool resets);
void reader_close(struct reader *reader, int code);

// Runs events until `until`, or until `tick` says stop (a negative answer); tick tells when it wants to be called again.
void run_loop(int64_t until, int64_t (*tick)(void));

// records.c
void take_record(struct reader *reader, const char *record, size_t size);
bool member(const char *record, size_t size, const char *name, char *value, size_t room);

// process.c
struct usage { double cpu_seconds; long rss_kib; int files, threads; };
struct usage usage_of(int pid);
void note(struct samples *samples, int64_t nanoseconds);
double percentile(struct samples *samples, double share);  // milliseconds; -1 without samples
// The body of a small HTTP response of 127.0.0.1; to be freed. NULL when there is none.
char *http_get(int port, const char *path);
