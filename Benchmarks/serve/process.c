// What the kernel says of the server, samples, and a small HTTP question to the provider.
#include "client.h"
#include <dirent.h>

struct usage usage_of(int pid) {
  struct usage usage = {0};
  if (pid <= 0) return usage;
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) return usage;
  size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[size] = 0;
  char *fields = strrchr(text, ')');
  unsigned long user = 0, system = 0;
  if (fields)
    sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %d", &user, &system,
           &usage.threads);
  usage.cpu_seconds = (double)(user + system) / sysconf(_SC_CLK_TCK);
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  if ((file = fopen(path, "r"))) {
    while (fgets(text, sizeof text, file)) sscanf(text, "VmRSS: %ld", &usage.rss_kib);
    fclose(file);
  }
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  DIR *folder = opendir(path);
  if (folder) {
    while (readdir(folder)) usage.files++;
    usage.files -= 2;
    closedir(folder);
  }
  return usage;
}

void note(struct samples *samples, int64_t nanoseconds) {
  if (samples->count == samples->room)
    samples->values = must(realloc(samples->values, (samples->room = samples->room * 2 + 4096) * sizeof *samples->values));
  int64_t microseconds = nanoseconds / 1000;
  samples->values[samples->count++] = microseconds > INT32_MAX ? INT32_MAX : microseconds;
}

static int earlier(const void *one, const void *other) {
  int32_t a = *(const int32_t *)one, b = *(const int32_t *)other;
  return (a > b) - (a < b);
}

double percentile(struct samples *samples, double share) {
  if (!samples->count) return -1;
  qsort(samples->values, samples->count, sizeof *samples->values, earlier);
  long at = (long)(share * (samples->count - 1) + 0.5);
  return samples->values[at] / 1000.0;
}

char *http_get(int port, const char *path) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval wait = {5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  char request[256];
  int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, port);
  char *text = NULL, *body = NULL;
  size_t count = 0, room = 0, wanted = SIZE_MAX;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) || !send_all(fd, request, size)) goto done;
  while (count < wanted) {
    if (room - count < 4096) text = must(realloc(text, (room = room * 2 + 65536) + 1));
    ssize_t got = recv(fd, text + count, room - count, 0);
    if (got <= 0) break;
    text[count += got] = 0;
    char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");
    if (end && length && length < end) wanted = end + 4 - text + strtoul(length + 15, NULL, 10);
  }
  if (count == wanted) body = strdup(strstr(text, "\r\n\r\n") + 4);
done:
  free(text);
  if (fd >= 0) close(fd);
  return body;
}
