// libcurl, opened at its first use, and typed forms of its variadic calls. Nothing else.
#include "CCurl.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

// curl/curl.h wraps these in macros that check types; here they are names of symbols.
#undef curl_easy_setopt
#undef curl_easy_getinfo

#if defined(__APPLE__)
static const char library_name[] = "libcurl.4.dylib";
#else
static const char library_name[] = "libcurl.so.4";
#endif

// Every symbol that is looked up, with the type that the header gives it.
#define EACH_SYMBOL(X) \
  X(curl_global_init) X(curl_easy_init) X(curl_easy_cleanup) X(curl_easy_setopt) X(curl_easy_getinfo) \
  X(curl_easy_pause) X(curl_easy_strerror) X(curl_slist_append) X(curl_slist_free_all) X(curl_multi_init) \
  X(curl_multi_cleanup) X(curl_multi_add_handle) X(curl_multi_remove_handle) X(curl_multi_perform) \
  X(curl_multi_poll) X(curl_multi_wakeup) X(curl_multi_info_read)

static struct {
#define DECLARE(name) __typeof__(name) *name;
  EACH_SYMBOL(DECLARE)
#undef DECLARE
} library;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *failure;

static void open_library(void) {
  void *handle = dlopen(library_name, RTLD_LAZY | RTLD_LOCAL);
  if (!handle) {
    failure = dlerror();
    if (!failure) failure = library_name;
    return;
  }
#define LOOK_UP(name) \
  library.name = (__typeof__(name) *)dlsym(handle, #name); \
  if (!library.name) failure = "it is too old: it lacks " #name;
  EACH_SYMBOL(LOOK_UP)
#undef LOOK_UP
  if (!failure && library.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) failure = "it does not start";
}

const char *ccurl_open(void) {
  pthread_once(&once, open_library);
  return failure;
}

CURL *ccurl_easy_new(void) { return library.curl_easy_init(); }
void ccurl_easy_free(CURL *easy) { library.curl_easy_cleanup(easy); }

CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
  return library.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_size(CURL *easy, CURLoption option, int64_t value) {
  return library.curl_easy_setopt(easy, option, (curl_off_t)value);
}
CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value) {
  return library.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_bytes(CURL *easy, CURLoption option, const void *value) {
  return library.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) {
  return library.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
  return library.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_take(CURL *easy, CURLoption option, ccurl_take value) {
  return library.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value) {
  return library.curl_easy_getinfo(easy, info, value);
}
CURLcode ccurl_get_size(CURL *easy, CURLINFO info, int64_t *value) {
  curl_off_t size = 0;
  CURLcode code = library.curl_easy_getinfo(easy, info, &size);
  *value = size;
  return code;
}
CURLcode ccurl_resume(CURL *easy) { return library.curl_easy_pause(easy, CURLPAUSE_CONT); }
const char *ccurl_words(CURLcode code) { return library.curl_easy_strerror(code); }

struct curl_slist *ccurl_list_append(struct curl_slist *list, const char *text) {
  return library.curl_slist_append(list, text);
}
void ccurl_list_free(struct curl_slist *list) { library.curl_slist_free_all(list); }

CURLM *ccurl_multi_new(void) { return library.curl_multi_init(); }
void ccurl_multi_free(CURLM *multi) { library.curl_multi_cleanup(multi); }
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy) { return library.curl_multi_add_handle(multi, easy); }
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *easy) {
  return library.curl_multi_remove_handle(multi, easy);
}
CURLMcode ccurl_multi_perform(CURLM *multi, int *running) {
  return library.curl_multi_perform(multi, running);
}
CURLMcode ccurl_multi_wait(CURLM *multi, int milliseconds) {
  return library.curl_multi_poll(multi, NULL, 0, milliseconds, NULL);
}
CURLMcode ccurl_multi_wake(CURLM *multi) { return library.curl_multi_wakeup(multi); }

CURL *ccurl_multi_ended(CURLM *multi, CURLcode *code) {
  int left = 0;
  CURLMsg *message;
  while ((message = library.curl_multi_info_read(multi, &left))) {
    if (message->msg == CURLMSG_DONE) {
      *code = message->data.result;
      return message->easy_handle;
    }
  }
  return NULL;
}
