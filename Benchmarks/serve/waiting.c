// Scenarios of readers that wait: idle ones, one that pings, those that stop reading.
#include "load.h"

static void sleep_seconds(double seconds) { run_loop(now() + (int64_t)(seconds * 1e9), NULL); }

// ---- idle

int idle(void) {
  int count = option("conversations", 1000), pid = option("pid", 0);
  double hold = option("hold", 4);
  on = (struct handlers){.other = note_welcome};
  readers = must(calloc(count + 64, sizeof *readers));
  // The first connection makes what every server makes once.
  gather(1, "");
  sleep_seconds(0.5);
  reader_drop(&readers[0], false);
  sleep_seconds(0.5);
  struct usage before = usage_of(pid);
  int64_t start = now();
  gather(count, "");
  double seconds = (now() - start) / 1e9;
  sleep_seconds(1);
  struct usage open = usage_of(pid);
  sleep_seconds(hold);
  struct usage held = usage_of(pid);
  for (int i = 0; i < count; i += count / 20 + 1) reader_ping(&readers[i]);
  sleep_seconds(1);
  long alive = 0;
  for (int i = 0; i < count; i++) alive += readers[i].state == OPEN;
  for (int i = 0; i < count; i++) reader_drop(&readers[i], false);
  sleep_seconds(1);
  struct usage after = usage_of(pid);
  row_begin("idle");
  row_number("connections", count, 0);
  row_number("still_open", alive, 0);
  row_number("connected_in_seconds", seconds, 2);
  row_number("kib_per_connection", (double)(held.rss_kib - before.rss_kib) / count, 2);
  row_number("cpu_percent", (held.cpu_seconds - open.cpu_seconds) / hold * 100, 2);
  row_number("pings_answered", pongs.count, 0);
  row_number("rss_mib", held.rss_kib / 1024.0, 1);
  row_number("files_before", before.files, 0);
  row_number("files_after", after.files, 0);
  faults.refused += count - alive;
  return row_end();
}

// ---- ping

static int64_t ping_tick(void) {
  struct reader *pinger = &readers[option("conversations", 10)];
  if (!pinger->pinged && loop_time >= pinger->act_at) {
    reader_ping(pinger);
    pinger->act_at = loop_time + 10000000;
  }
  return pinger->act_at > loop_time ? pinger->act_at : loop_time + 1000000;
}

int ping(void) {
  int count = option("conversations", 10);
  double seconds = option("seconds", 3);
  on = (struct handlers){.other = note_welcome};
  gather(count + 1, "");
  for (int i = 0; i < count; i++) reader_ask(&readers[i], 100000000, 0, 1);
  sleep_seconds(0.3);
  long before = tokens_taken;
  run_loop(now() + (int64_t)(seconds * 1e9), ping_tick);
  row_begin("ping");
  row_number("streams", count, 0);
  row_number("tokens_per_second", (tokens_taken - before) / seconds, 0);
  row_number("pings", pongs.count, 0);
  row_number("ping_p50_ms", percentile(&pongs, 0.5), 2);
  row_number("ping_p99_ms", percentile(&pongs, 0.99), 2);
  if (!pongs.count) faults.endless++;
  return row_end();
}

// ---- stalled

static void stall(struct reader *reader) {
  if (reader->deaf && !reader->plan && reader->answer.first) reader_deafen(reader);
}

int stalled(void) {
  int count = option("conversations", 100), others = option("others", 10), pid = option("pid", 0);
  double watch = option("watch", 8);
  readers = must(calloc(count + others + 64, sizeof *readers));
  for (int i = 0; i < count; i++) readers[i].deaf = true;
  on = (struct handlers){.token = stall, .ended = count_ending, .other = note_welcome};
  gather(count + others, "");
  counts_gaps = true;
  for (int i = count; i < count + others; i++) reader_ask(&readers[i], (long)(watch + 8) * 50, 50, 1);
  sleep_seconds(1);
  // First they read like everybody: what a reader costs as such is not what one costs that stops.
  for (int i = 0; i < count; i++) {
    readers[i].plan = 1;
    reader_ask(&readers[i], 50, 25, 1);
  }
  sleep_seconds(5);
  struct usage before = usage_of(pid);
  gaps.count = 0;
  for (int i = 0; i < count; i++) readers[i].plan = 0;
  for (int i = 0; i < count; i++) reader_ask(&readers[i], 100000000, 0, 1);
  long most = 0;
  int64_t end = now() + (int64_t)(watch * 1e9);
  while (now() < end) {
    sleep_seconds(0.25);
    struct usage usage = usage_of(pid);
    if (usage.rss_kib > most) most = usage.rss_kib;
  }
  double gap = percentile(&gaps, 0.99);
  struct usage after = usage_of(pid);
  sleep_seconds(3);
  // The write deadline: how many of them the server has cut by now, told by the provider.
  long open = -1;
  double cut_after = -1;
  for (int64_t begin = now(); now() < begin + INT64_C(15000000000) && open != 0; sleep_seconds(0.25)) {
    char *text = http_get(provider_port, "/stats"), value[24];
    if (!text) break;
    if (member(text, strlen(text), "open", value, sizeof value)) open = atol(value);
    free(text);
    if (open == 0) cut_after = (now() - end) / 1e9 + watch;
  }
  row_begin("stalled");
  row_number("stalled", count, 0);
  row_number("more_mib", (most - before.rss_kib) / 1024.0, 1);
  row_number("cpu_percent", (after.cpu_seconds - before.cpu_seconds) / watch * 100, 1);
  row_number("others", others, 0);
  row_number("others_gap_p99_ms", gap, 1);
  row_number("streams_left_at_provider", open, 0);
  row_number("cut_after_seconds", cut_after, 1);
  return row_end();
}
