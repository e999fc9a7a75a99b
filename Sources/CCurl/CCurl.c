// libcurl, opened at its first use, and typed forms of its variadic calls. Nothing else.
#include "library.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

#if defined(__APPLE__)
static const char library_name[] = "libcurl.4.dylib";
#else
static const char library_name[] = "libcurl.so.4";
#endif

struct ccurl_library library;
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
