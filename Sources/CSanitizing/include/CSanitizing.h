// Nothing to call: see CSanitizing.c.
