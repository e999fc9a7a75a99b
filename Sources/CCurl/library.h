// The functions of libcurl that are looked up, with the types that its header gives them.
#pragma once
#include "CCurl.h"

// curl/curl.h wraps these in macros that check types; here they are names of symbols.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define EACH_SYMBOL(X) \
  X(curl_global_init) X(curl_easy_init) X(curl_easy_cleanup) X(curl_easy_setopt) X(curl_easy_getinfo) \
  X(curl_easy_pause) X(curl_easy_strerror) X(curl_slist_append) X(curl_slist_free_all) X(curl_multi_init) \
  X(curl_multi_cleanup) X(curl_multi_add_handle) X(curl_multi_remove_handle) X(curl_multi_setopt) \
  X(curl_multi_socket_action) X(curl_multi_info_read)

struct ccurl_library {
#define DECLARE(name) __typeof__(name) *name;
  EACH_SYMBOL(DECLARE)
#undef DECLARE
};

extern struct ccurl_library library __attribute__((visibility("hidden")));
