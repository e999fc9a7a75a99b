// Doorstep to libsqlite3: typed wrappers of what Swift cannot import, nothing else.
#ifndef GIBSEY_CSQLITE_SHIM_H
#define GIBSEY_CSQLITE_SHIM_H
#include <sqlite3.h>

/// SQLITE_TRANSIENT is a cast macro that Swift does not import: SQLite copies the text before it returns.
static inline int gibsey_bind_text(sqlite3_stmt *statement, int index, const char *text, int count) {
  return sqlite3_bind_text(statement, index, text, count, SQLITE_TRANSIENT);
}

static inline int gibsey_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
  return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// sqlite3_db_config is variadic. Defensive mode refuses writes to shadow tables, and a schema that is not trusted runs
/// no function or virtual table of its own: a database may come from a stranger.
static inline int gibsey_make_defensive(sqlite3 *database) {
  int code = sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
  return code != SQLITE_OK ? code : sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
}

/// sqlite3_config is variadic. Nobody asks how much memory SQLite has; to count it takes one lock for all connections with each
/// piece. To be called before anything else of SQLite; later it does nothing.
static inline int gibsey_count_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
#endif
