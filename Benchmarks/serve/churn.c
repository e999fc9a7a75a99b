// Scenarios of readers that leave: how soon the provider's work ends, and hours of coming and going.
#include "load.h"

enum way { BY_CLOSE, BY_FIN, BY_RESET, BY_CANCEL, WAYS };
static const char *const way_names[] = {"close", "fin", "reset", "cancel"};

static void sleep_seconds(double seconds) { run_loop(now() + (int64_t)(seconds * 1e9), NULL); }

// ---- leaving

struct left { char tag[48]; int64_t at; bool ended; };
static struct samples cancels;

static void leaving_ended(struct reader *reader) {
  if (reader->plan == BY_CANCEL && !strcmp(reader->answer.ending, "cancelled"))
    note(&cancels, loop_time - reader->pinged);
  count_ending(reader);
}

static void leave_by(struct reader *reader, enum way way) {
  switch (way) {
    case BY_CLOSE: return reader_close(reader, 1000);
    case BY_FIN: return reader_drop(reader, false);
    case BY_RESET: return reader_drop(reader, true);
    default: return reader_cancel(reader);
  }
}

// Which of those that left the provider has noticed, and how long that took it.
static void match(struct left *left, int count, struct samples *delays) {
  char *text = http_get(provider_port, "/aborted"), *rest = text, *line;
  while (text && (line = strsep(&rest, "\n")) && *line) {
    char tag[48];
    int64_t at;
    if (sscanf(line, "%47s %" SCNd64, tag, &at) != 2) continue;
    for (int i = 0; i < count; i++) {
      if (left[i].ended || strcmp(left[i].tag, tag)) continue;
      left[i].ended = true;
      note(delays, at - left[i].at);
    }
  }
  free(text);
}

int leaving(void) {
  int count = option("conversations", 100);
  on = (struct handlers){.ended = leaving_ended, .other = note_welcome};
  gather(count, "");
  for (int i = 0; i < count; i++) reader_ask(&readers[i], 100000000, option("rate", 50), 1);
  sleep_seconds(2);
  struct left *left = must(calloc(count, sizeof *left));
  long streaming = 0;
  for (int i = 0; i < count; i++) {
    streaming += readers[i].answer.first > 0;
    readers[i].plan = i % WAYS;
    memcpy(left[i].tag, readers[i].answer.tag, sizeof left[i].tag);
    left[i].at = now();
    leave_by(&readers[i], i % WAYS);
  }
  sleep_seconds(3);
  struct samples delays[WAYS] = {0}, all = {0};
  match(left, count, &all);
  long unended = 0;
  for (int i = 0; i < count; i++) unended += !left[i].ended;
  // One way at a time, from what was matched.
  for (int way = 0; way < WAYS; way++) {
    struct left *some = must(calloc(count, sizeof *some));
    int some_count = 0;
    for (int i = way; i < count; i += WAYS) {
      some[some_count] = left[i];
      some[some_count++].ended = false;
    }
    match(some, some_count, &delays[way]);
    free(some);
  }
  row_begin("leaving");
  row_number("conversations", count, 0);
  row_number("streaming", streaming, 0);
  row_number("provider_ends_p50_ms", percentile(&all, 0.5), 1);
  row_number("provider_ends_max_ms", percentile(&all, 1), 1);
  for (int way = 0; way < WAYS; way++) {
    char key[48];
    snprintf(key, sizeof key, "max_ms_after_%s", way_names[way]);
    row_number(key, percentile(&delays[way], 1), 1);
  }
  row_number("cancelled_after_max_ms", percentile(&cancels, 1), 1);
  row_number("provider_goes_on", unended, 0);
  faults.endless += unended;
  return row_end();
}

// ---- churn

enum plan { STEADY, WHOLE, CLOSES, DROPS, RESETS, CANCELS, TWO_IN_A_ROW, HASTY, RESUMES, PLANS };
static const char *const plan_names[] = {"steady", "whole", "closes", "drops", "resets", "cancels", "two", "hasty", "resumes"};
static int steady, fickle;
static long sessions, session_count, done[PLANS];
static int64_t churn_end, sample_at, began;
static double sample_every;
static bool is_closing;
static uint32_t chance = 1;
static struct samples cancel_times;

static int draw(int below) {
  chance = chance * 1664525 + 1013904223;
  return (chance >> 8) % below;
}

static void begin_churn(struct reader *reader) {
  char session[48];
  reader->questions = 0;
  reader->plan = reader->index < steady ? STEADY : WHOLE + draw(PLANS - WHOLE);
  if (reader->plan == RESUMES && !option("resume", 1)) reader->plan = WHOLE;
  snprintf(session, sizeof session, "churn-%s-%ld", text_option("run", "a"), sessions++ % session_count);
  reader->extra = NULL;
  reader_connect(reader, session, reader->plan == RESUMES ? "?resume=1" : "");
}

static void ask(struct reader *reader) {
  if (reader->plan == STEADY) return reader_ask(reader, 200, 50, 1);
  reader_ask(reader, reader->plan == RESUMES ? 60 : 20 + 20 * draw(10), reader->plan == RESUMES || draw(2) ? 50 : 0, 1);
}

static void churn_other(struct reader *reader, const char *record, size_t size) {
  char type[40] = "";
  member(record, size, "type", type, sizeof type);
  if (strcmp(type, "connection_established")) return;
  if (reader->extra) {  // came back: the rest of its answer, please
    reader_resume(reader);
    return;
  }
  ask(reader);
  if (reader->plan == HASTY) reader_drop(reader, true);
}

static void churn_token(struct reader *reader) {
  if (!reader->answer.running || reader->answer.next < 5 + reader->index % 7) return;
  switch (reader->plan) {
    case CLOSES: return reader_close(reader, 1000);
    case DROPS: return reader_drop(reader, false);
    case RESETS: return reader_drop(reader, true);
    case CANCELS:
      if (!reader->pinged) reader_cancel(reader);
      return;
    case RESUMES:
      if (reader->extra) return;
      reader->extra = reader;
      return reader_drop(reader, draw(2));
    default: return;
  }
}

static void churn_ended(struct reader *reader) {
  struct answer *answer = &reader->answer;
  bool is_cancel = !strcmp(answer->ending, "cancelled");
  if (is_cancel && reader->plan == CANCELS) note(&cancel_times, loop_time - reader->pinged);
  count_ending(reader);
  reader->pinged = 0;
  done[reader->plan]++;
  int questions = reader->plan == STEADY ? 5 : reader->plan == TWO_IN_A_ROW || reader->plan == CANCELS ? 2 : 1;
  if (reader->questions < questions && !is_closing) return ask(reader);
  reader_close(reader, 1000);
}

static void churn_gone(struct reader *reader) {
  bool left = reader->plan == CLOSES || reader->plan == DROPS || reader->plan == RESETS || reader->plan == HASTY;
  if (reader->answer.running && reader->plan == RESUMES && reader->extra && reader->state == GONE && reader->act_at == 0) {
    reader->act_at = loop_time + draw(300) * INT64_C(1000000);  // comes back in a moment
    return;
  }
  if (reader->answer.running && !left) faults.endless++;
  if (left) done[reader->plan]++;
  reader->answer.running = false;
  reader->act_at = loop_time + draw(200) * INT64_C(1000000);
}

// ---- memory over time: the slope of the least squares, after the first fifth

static struct { double at, rss; } line[100000];
static int line_count;
static struct usage last_usage;

static void sample(void) {
  last_usage = usage_of(option("pid", 0));
  if (line_count < 100000) {
    line[line_count].at = (loop_time - began) / 1e9;
    line[line_count++].rss = last_usage.rss_kib / 1024.0;
  }
  fprintf(stderr, "%6.0f s: %.1f MiB, %d files, %ld tokens, %ld answers; lost %ld, doubled %ld, crossed %ld, other faults %ld\n",
          (loop_time - began) / 1e9, last_usage.rss_kib / 1024.0, last_usage.files, tokens_taken,
          endings.stop + endings.cancelled, faults.lost, faults.doubled, faults.crossed,
          faults.seq + faults.late + faults.endless + faults.frames + faults.refused + endings.error);
}

static double slope(void) {
  int from = line_count / 5, count = line_count - from;
  double mean_at = 0, mean_rss = 0, top = 0, bottom = 0;
  for (int i = from; i < line_count; i++) mean_at += line[i].at / count, mean_rss += line[i].rss / count;
  for (int i = from; i < line_count; i++) {
    top += (line[i].at - mean_at) * (line[i].rss - mean_rss);
    bottom += (line[i].at - mean_at) * (line[i].at - mean_at);
  }
  return bottom > 0 ? top / bottom * 600 : 0;  // MiB in ten minutes
}

static int64_t churn_tick(void) {
  if (loop_time >= sample_at) {
    sample();
    sample_at += sample_every * 1e9;
  }
  is_closing = loop_time >= churn_end;
  int64_t next = sample_at;
  int busy = 0;
  for (int i = 0; i < steady + fickle; i++) {
    struct reader *reader = &readers[i];
    bool waits = reader->state == FREE || reader->state == GONE;
    if (waits && reader->act_at <= loop_time) {
      bool returns = reader->answer.running && reader->plan == RESUMES;
      reader->act_at = 0;
      if (returns) reader_connect(reader, reader->session, "?resume=1");
      else if (!is_closing) begin_churn(reader);
    } else if (waits && reader->act_at < next) next = reader->act_at;
    if (reader->state != GONE && reader->state != FREE) busy++;
    else if (reader->answer.running) busy++;
  }
  if (is_closing && !busy) return -1;
  int64_t soon = loop_time + 5000000;
  return next < soon ? soon : next > loop_time + 50000000 ? loop_time + 50000000 : next;
}

int churn(void) {
  int pid = option("pid", 0);
  double seconds = option("seconds", 60);
  steady = option("conversations", 100);
  fickle = option("fickle", 30);
  session_count = option("sessions", 500);
  chance = option("seed", 1);
  sample_every = seconds >= 300 ? 10 : 2;
  on = (struct handlers){.token = churn_token, .ended = churn_ended, .other = churn_other, .gone = churn_gone};
  readers = must(calloc(steady + fickle, sizeof *readers));
  struct usage before = usage_of(pid);
  began = now();
  churn_end = began + (int64_t)(seconds * 1e9);
  sample_at = began + (int64_t)(sample_every * 1e9);
  for (int i = 0; i < steady + fickle; i++) {
    readers[i].index = i;
    readers[i].act_at = began + i * INT64_C(20000000);
  }
  run_loop(churn_end + INT64_C(60000000000), churn_tick);
  for (int i = 0; i < steady + fickle; i++) faults.endless += readers[i].answer.running;
  double loaded = slope();
  sleep_seconds(option("rest", 8));
  struct usage after = usage_of(pid);
  row_begin("churn");
  row_number("seconds", seconds, 0);
  row_number("tokens", tokens_taken, 0);
  row_number("answers", endings.stop + endings.cancelled, 0);
  for (int plan = 0; plan < PLANS; plan++) row_number(plan_names[plan], done[plan], 0);
  row_number("first_token_p99_ms", percentile(&first_tokens, 0.99), 1);
  row_number("cancelled_after_max_ms", percentile(&cancel_times, 1), 1);
  row_number("rss_mib_before", before.rss_kib / 1024.0, 1);
  row_number("rss_mib_loaded", last_usage.rss_kib / 1024.0, 1);
  row_number("rss_mib_after", after.rss_kib / 1024.0, 1);
  row_number("mib_in_ten_minutes", loaded, 2);
  row_number("files_before", before.files, 0);
  row_number("files_after", after.files, 0);
  // A slope of a short run is the warming up.
  long limit = option("files_more", 2);
  bool grows = seconds >= 600 && loaded >= 1, leaks = after.files > before.files + limit;
  if (grows) row_text("broken", "memory grows by a MiB in ten minutes, or more");
  if (leaks) row_text("broken", "descriptors are not given back");
  int status = row_end();
  return status || grows || leaks;
}
