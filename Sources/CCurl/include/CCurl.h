// libcurl, opened at its first use (docs/design/0002-curl-at-first-use.md), and typed forms of its variadic calls.
#ifndef CCURL_H
#define CCURL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/// Opens libcurl once and for all. NULL when it is ready, else the reason why not. Any thread; first call costs 5 ms.
/// Every other function here must only be called after this one returned NULL.
const char *_Nullable ccurl_open(void);

/// A callback that takes bytes: `size` is always 1; returns how many it took, or CURL_WRITEFUNC_PAUSE.
typedef size_t (*ccurl_take)(char *_Nonnull bytes, size_t size, size_t count, void *_Nullable context);

CURL *_Nullable ccurl_easy_new(void);
void ccurl_easy_free(CURL *_Nonnull easy);
CURLcode ccurl_set_long(CURL *_Nonnull easy, CURLoption option, long value);
CURLcode ccurl_set_size(CURL *_Nonnull easy, CURLoption option, int64_t value);
CURLcode ccurl_set_string(CURL *_Nonnull easy, CURLoption option, const char *_Nonnull value);
CURLcode ccurl_set_bytes(CURL *_Nonnull easy, CURLoption option, const void *_Nonnull value);
CURLcode ccurl_set_pointer(CURL *_Nonnull easy, CURLoption option, void *_Nullable value);
CURLcode ccurl_set_list(CURL *_Nonnull easy, CURLoption option, struct curl_slist *_Nullable value);
CURLcode ccurl_set_take(CURL *_Nonnull easy, CURLoption option, ccurl_take _Nonnull value);
CURLcode ccurl_get_long(CURL *_Nonnull easy, CURLINFO info, long *_Nonnull value);
CURLcode ccurl_get_size(CURL *_Nonnull easy, CURLINFO info, int64_t *_Nonnull value);
CURLcode ccurl_resume(CURL *_Nonnull easy);
const char *_Nonnull ccurl_words(CURLcode code);

/// Whether a host that is written as an address is link-local, however it is written.
bool ccurl_is_link_local(const char *_Nonnull host);
/// What became of the addresses that a transfer was to connect to: whether any was refused, and whether any was tried.
typedef struct { bool refused, tried; } ccurl_addresses;
/// Lets the transfer open no connection to a link-local address, of a server or of a proxy, whatever name it has. `addresses` must live
/// as long as the transfer.
CURLcode ccurl_refuse_link_local(CURL *_Nonnull easy, ccurl_addresses *_Nonnull addresses);

struct curl_slist *_Nullable ccurl_list_append(struct curl_slist *_Nullable list, const char *_Nonnull text);
void ccurl_list_free(struct curl_slist *_Nullable list);

/// Transfers that run side by side, and what they wait for. One thread uses it; only `ccurl_multi_wake` is for all.
/// Its cost grows with the transfers that something happens on, not with those that wait.
typedef struct ccurl_multi ccurl_multi;

/// NULL when it cannot be made; `errno` tells why.
ccurl_multi *_Nullable ccurl_multi_new(void);
void ccurl_multi_free(ccurl_multi *_Nonnull multi);
CURLMcode ccurl_multi_add(ccurl_multi *_Nonnull multi, CURL *_Nonnull easy);
CURLMcode ccurl_multi_remove(ccurl_multi *_Nonnull multi, CURL *_Nonnull easy);
/// On so many transfers something can have happened after one wait; the next one tells of others.
enum { ccurl_multi_events = 128 };
/// Waits until something happens on a transfer, `ccurl_multi_wake` is called or the time is over.
void ccurl_multi_wait(ccurl_multi *_Nonnull multi, int milliseconds);
/// Moves the next transfer on which something has happened; false when there was none, and what is due by the clock was done.
bool ccurl_multi_perform(ccurl_multi *_Nonnull multi);
void ccurl_multi_wake(ccurl_multi *_Nonnull multi);
/// The next transfer that ended, and how; NULL when there is none.
CURL *_Nullable ccurl_multi_ended(ccurl_multi *_Nonnull multi, CURLcode *_Nonnull code);

#endif
