// Loads a server that speaks gibsey-serve's frames and checks every token; one JSON line a scenario, exit status 1 when a
// token was lost, doubled or crossed, or anything else of the protocol was broken.
//
// Usage: load SCENARIO port=PORT upstream=PORT [pid=PID] [conversations=N] [NAME=NUMBER…]
//
//   talk     all ask at once (or spread over ramp=MILLISECONDS): tokens=N rate=TOKENS_A_SECOND (0: full speed) chunk=LINES
//   idle     connections that do nothing: memory and CPU of each, then a ping of some: hold=SECONDS
//   ping     pings of one reader while others' answers stream at full speed: seconds=N
//   stalled  readers that read one answer and stop in the next, others that go on: watch=SECONDS
//   leaving  readers that leave in the middle, by a close frame, FIN, RST or ai_chat_cancel: how soon the provider's work ends
//   churn    readers that come, ask, leave and come again, for seconds=N beside paced conversations
#include "load.h"

static int argument_count;
static char **arguments;
struct reader *readers;
int welcome_count;
struct endings endings;

const char *text_option(const char *name, const char *otherwise) {
  size_t length = strlen(name);
  for (int i = 2; i < argument_count; i++)
    if (!strncmp(arguments[i], name, length) && arguments[i][length] == '=') return arguments[i] + length + 1;
  return otherwise;
}

long option(const char *name, long otherwise) {
  const char *text = text_option(name, NULL);
  return text ? atol(text) : otherwise;
}

void row_begin(const char *figure) { printf("{\"figure\":\"%s\"", text_option("figure", figure)); }

void row_number(const char *key, double value, int decimals) { printf(",\"%s\":%.*f", key, decimals, value); }

void row_text(const char *key, const char *value) { printf(",\"%s\":\"%s\"", key, value); }

int row_end(void) {
  struct { const char *name; long count; } all[] = {
      {"lost", faults.lost}, {"doubled", faults.doubled}, {"crossed", faults.crossed}, {"seq_faults", faults.seq},
      {"late", faults.late}, {"endless", faults.endless}, {"bad_frames", faults.frames}, {"refused", faults.refused},
      {"failed", endings.error + endings.other}};
  long sum = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    sum += all[i].count;
    if (all[i].count || i < 3) row_number(all[i].name, all[i].count, 0);
  }
  if (endings.code[0]) row_text("error_code", endings.code);
  puts("}");
  return sum ? 1 : 0;
}

void count_ending(struct reader *reader) {
  struct answer *answer = &reader->answer;
  if (!strcmp(answer->ending, "stop")) endings.stop++;
  else if (!strcmp(answer->ending, "cancelled")) endings.cancelled++;
  else if (!strcmp(answer->ending, "error")) endings.error++;
  else endings.other++;
  if (answer->code[0]) snprintf(endings.code, sizeof endings.code, "%s", answer->code);
}

void note_welcome(struct reader *reader, const char *record, size_t size) {
  static const char welcome[] = "{\"type\":\"connection_established\"";
  (void)reader;
  if (size > sizeof welcome && !memcmp(record, welcome, sizeof welcome - 1)) welcome_count++;
}

// ---- gathering: at most so many handshakes at once, as many as any listener's backlog takes

enum { AT_ONCE = 100 };
static int gather_count, gather_begun;
static const char *gather_query;
static struct handlers gathered;

static int64_t gather_tick(void) {
  if (welcome_count == gather_count) return -1;
  char session[48];
  while (gather_begun < gather_count && gather_begun - welcome_count < AT_ONCE) {
    snprintf(session, sizeof session, "load-%s-%d", text_option("run", "a"), gather_begun);
    readers[gather_begun].index = gather_begun;
    reader_connect(&readers[gather_begun], session, gather_query);
    gather_begun++;
  }
  return now() + 100000000;
}

void gather(int count, const char *query) {
  if (!readers) readers = must(calloc(count + 64, sizeof *readers));
  gather_count = count;
  gather_begun = welcome_count = 0;
  gather_query = query;
  gathered = on;
  on = (struct handlers){.other = note_welcome};
  run_loop(now() + INT64_C(60000000000), gather_tick);
  on = gathered;
  if (welcome_count == count) return;
  fprintf(stderr, "only %d of %d readers were welcome within a minute (%ld refused)\n", welcome_count, count, faults.refused);
  exit(1);
}

// ---- talk

static int conversations, asked, ended;
static long tokens, rate;
static int64_t start, spread;
static int64_t all_first, first_end;
static long first_count, at_all_first, at_first_end;

static int64_t talk_tick(void) {
  if (ended == conversations) return -1;
  while (asked < conversations && loop_time >= start + spread * asked / conversations) {
    reader_ask(&readers[asked++], tokens, rate, option("chunk", 1));
  }
  return asked < conversations ? start + spread * asked / conversations : now() + 100000000;
}

static void talk_token(struct reader *reader) {
  if (reader->act_at) return;
  reader->act_at = 1;
  if (++first_count == conversations) {
    all_first = loop_time;
    at_all_first = tokens_taken;
  }
}

static void talk_ended(struct reader *reader) {
  count_ending(reader);
  ended++;
  if (first_end) return;
  first_end = loop_time;
  at_first_end = tokens_taken;
}

static void talk_gone(struct reader *reader) {
  if (!reader->answer.running) return;
  reader->answer.running = false;
  faults.endless++;
  ended++;
}

int talk(void) {
  conversations = option("conversations", 100);
  tokens = option("tokens", 3000);
  rate = option("rate", 0);
  spread = option("ramp", 0) * 1000000;
  counts_gaps = rate > 0;
  on = (struct handlers){.token = talk_token, .ended = talk_ended, .gone = talk_gone, .other = note_welcome};
  gather(conversations, "");
  struct usage before = usage_of(option("pid", 0));
  start = now();
  run_loop(start + option("timeout", 60) * 1000000000, talk_tick);
  double seconds = (now() - start) / 1e9;
  struct usage after = usage_of(option("pid", 0));
  faults.endless += conversations - ended;
  row_begin(rate ? "talk_paced" : "talk_full_speed");
  row_number("conversations", conversations, 0);
  if (spread) row_number("spread_over_seconds", spread / 1e9, 2);
  row_number("tokens", tokens_taken, 0);
  row_number("messages", messages_taken, 0);
  row_number("tokens_per_second", tokens_taken / seconds, 0);
  // While all of them stream.
  if (rate && first_end > all_first && all_first)
    row_number("steady_tokens_per_second", (at_first_end - at_all_first) * 1e9 / (first_end - all_first), 0);
  if (after.cpu_seconds) row_number("cpu_us_per_token", (after.cpu_seconds - before.cpu_seconds) * 1e6 / tokens_taken, 2);
  row_number("first_token_p50_ms", percentile(&first_tokens, 0.5), 1);
  row_number("first_token_p99_ms", percentile(&first_tokens, 0.99), 1);
  if (rate) {
    row_number("gap_p50_ms", percentile(&gaps, 0.5), 1);
    row_number("gap_p99_ms", percentile(&gaps, 0.99), 1);
    row_number("gap_max_ms", percentile(&gaps, 1), 1);
  }
  if (after.rss_kib) row_number("rss_mib", after.rss_kib / 1024.0, 1);
  return row_end();
}

int main(int argc, char **argv) {
  static const struct { const char *name; int (*run)(void); } scenarios[] = {
      {"talk", talk}, {"idle", idle}, {"ping", ping}, {"stalled", stalled}, {"leaving", leaving}, {"churn", churn}};
  (argument_count = argc, arguments = argv);
  raise_files();
  server_port = option("port", 8000);
  provider_port = option("upstream", 0);
  for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof *scenarios; i++)
    if (!strcmp(argv[1], scenarios[i].name)) return scenarios[i].run();
  fprintf(stderr, "usage: load talk|idle|ping|stalled|leaving|churn port=PORT upstream=PORT [NAME=VALUE…]\n");
  return 64;
}
