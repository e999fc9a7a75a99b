#define _GNU_SOURCE
#include "CSpawn.h"

int cspawn_begin_in(posix_spawn_file_actions_t *actions, const char *folder, int first) {
  int code = posix_spawn_file_actions_addchdir_np(actions, folder);
  return code ? code : posix_spawn_file_actions_addclosefrom_np(actions, first);
}
