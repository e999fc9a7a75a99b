// The scenarios and what they share.
#pragma once
#include "client.h"

// An argument NAME=NUMBER of the command line.
long option(const char *name, long otherwise);
const char *text_option(const char *name, const char *otherwise);

extern struct reader *readers;
// Makes `count` readers, connects them, and returns when all are welcome (connection_established). Ends the program if not.
void gather(int count, const char *query);
// How many readers are welcome.
extern int welcome_count;
void note_welcome(struct reader *reader, const char *record, size_t size);

// One JSON line: name, then pairs of a key and a number with so many decimals.
void row_begin(const char *figure);
void row_number(const char *key, double value, int decimals);
void row_text(const char *key, const char *value);
// Ends the line with the faults; returns the exit status.
int row_end(void);

// What answers came to: how many ended well, and otherwise.
struct endings { long stop, cancelled, error, other; char code[48]; };
extern struct endings endings;
void count_ending(struct reader *reader);

int talk(void);
int idle(void);
int ping(void);
int stalled(void);
int leaving(void);
int churn(void);
