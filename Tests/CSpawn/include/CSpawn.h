// What posix_spawn(3) can do and Swift does not see, for it is GNU's.
#ifndef CSPAWN_H
#define CSPAWN_H
#include <spawn.h>

/// Has the child begin in a folder, with no descriptor open from `first` on. 0, or an error number.
int cspawn_begin_in(posix_spawn_file_actions_t *_Nonnull actions, const char *_Nonnull folder, int first);

#endif
