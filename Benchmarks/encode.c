// Encodes texts in pieces with the kernels of the toolkit.
// Usage: encode MODEL ROUNDS [question] <IDS, a text a line, numbers between spaces. Pages are encoded by weights of 16 bits, a
// question by those of 8.
// Prints the CPU seconds of each text's encoding, without start-up and without cutting text into pieces.
#include "CKernels.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

static double cpu_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// Scripts/convert-model.py documents the header.
static int open_model(const char *path, int is_question, ckernels_encoder *model) {
  struct stat status;
  int file = open(path, O_RDONLY);
  if (file < 0 || fstat(file, &status) != 0 || status.st_size < 320) return 0;
  const char *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED || memcmp(bytes, "gibseyEM\2", 9) != 0) return 0;
  uint32_t shape[6];
  uint64_t places[14];
  memcpy(shape, bytes + 24, sizeof shape);
  memcpy(places, bytes + 168, sizeof places);
  *model = (ckernels_encoder){
      .dims = shape[0], .layers = shape[1], .heads = shape[2], .inner = shape[3], .positions = shape[4], .vocabulary = shape[5],
      .words = (const void *)(bytes + places[0]), .word_scales = (const void *)(bytes + places[1]),
      .position_rows = (const void *)(bytes + places[2]), .vectors = (const void *)(bytes + places[3]),
      .weights = (const void *)(bytes + places[4])};
  memcpy(&model->epsilon, bytes + 68, sizeof model->epsilon);
  if (is_question) {
    model->small_weights = (const void *)(bytes + places[11]);
    model->small_scales = (const void *)(bytes + places[12]);
    model->small_totals = (const void *)(bytes + places[13]);
  }
  return ckernels_encoder_can_run(model);
}

int main(int count, char **arguments) {
  ckernels_encoder model;
  int is_question = count == 4 && strcmp(arguments[3], "question") == 0;
  if (count != 3 + is_question || !open_model(arguments[1], is_question, &model)) return 64;
  static char line[1 << 16];
  int32_t ids[512];
  float *sum = malloc(model.dims * sizeof *sum);
  void *workspace = aligned_alloc(64, (ckernels_encoder_workspace(&model, 512) + 63) & ~(size_t)63);
  while (fgets(line, sizeof line, stdin)) {
    size_t pieces = 0;
    char *place = line, *end;
    for (long id; pieces < 512 && (id = strtol(place, &end, 10), end != place); place = end) ids[pieces++] = (int32_t)id;
    if (pieces == 0 || pieces > model.positions) return 65;
    int rounds = atoi(arguments[2]);
    uint32_t bounds[] = {0, (uint32_t)pieces};
    double before = cpu_seconds();
    for (int round = 0; round < rounds; round++)
      if (ckernels_encode(&model, ids, pieces, workspace, bounds, 1, sum) != 0) return 74;
    model.source = ckernels_near;  // the pages are mapped from now on
    printf("%.9f\n", (cpu_seconds() - before) / rounds);
  }
  return 0;
}
