// Many transfers on one thread: libcurl tells which sockets it waits for, epoll tells which of them are ready
// (curl.se/libcurl/c/curl_multi_socket_action.html). curl_multi_perform and curl_multi_poll look at every transfer each time.
#include "library.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct ccurl_multi {
  CURLM *curl;
  int poller;
  int alarm;                 // an eventfd: somebody wants us
  int64_t due;               // when libcurl wants to be called whatever happens, in milliseconds; -1 is never
  int next, ready;           // of `events` these wait for ccurl_multi_perform
  struct epoll_event events[ccurl_multi_events];
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int note_timer(CURLM *curl, long milliseconds, void *context) {
  (void)curl;
  ccurl_multi *multi = context;
  // A millisecond later rather than earlier: libcurl does not tell the same time twice.
  multi->due = milliseconds < 0 ? -1 : now() + milliseconds + (milliseconds > 0);
  return 0;
}

// `known` is what curl_multi_assign keeps for a socket: nothing here, so adding is tried first.
static int note_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *known) {
  (void)easy, (void)known;
  ccurl_multi *multi = context;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(multi->poller, EPOLL_CTL_DEL, socket, NULL);
    // A number that is used again must not get what happened on the one that it was.
    for (int i = multi->next; i < multi->ready; i++)
      if (multi->events[i].data.fd == socket) multi->events[i].events = 0;
    return 0;
  }
  struct epoll_event event = {
      .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u), .data.fd = socket};
  if (epoll_ctl(multi->poller, EPOLL_CTL_MOD, socket, &event)) epoll_ctl(multi->poller, EPOLL_CTL_ADD, socket, &event);
  return 0;
}

ccurl_multi *ccurl_multi_new(void) {
  ccurl_multi *multi = calloc(1, sizeof *multi);
  if (!multi) return NULL;
  multi->due = -1;
  multi->curl = library.curl_multi_init();
  multi->poller = epoll_create1(EPOLL_CLOEXEC);
  multi->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = multi->alarm};
  if (!multi->curl || multi->poller < 0 || multi->alarm < 0 ||
      epoll_ctl(multi->poller, EPOLL_CTL_ADD, multi->alarm, &event)) {
    int reason = multi->curl ? errno : ENOMEM;
    ccurl_multi_free(multi);
    errno = reason;
    return NULL;
  }
  library.curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, note_socket);
  library.curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
  library.curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, note_timer);
  library.curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
  return multi;
}

void ccurl_multi_free(ccurl_multi *multi) {
  if (multi->curl) library.curl_multi_cleanup(multi->curl);
  if (multi->alarm >= 0) close(multi->alarm);
  if (multi->poller >= 0) close(multi->poller);
  free(multi);
}

CURLMcode ccurl_multi_add(ccurl_multi *multi, CURL *easy) { return library.curl_multi_add_handle(multi->curl, easy); }
CURLMcode ccurl_multi_remove(ccurl_multi *multi, CURL *easy) {
  return library.curl_multi_remove_handle(multi->curl, easy);
}

void ccurl_multi_wait(ccurl_multi *multi, int milliseconds) {
  if (multi->due >= 0) {
    int64_t left = multi->due - now();
    if (left < milliseconds) milliseconds = left > 0 ? (int)left : 0;
  }
  int ready = epoll_wait(multi->poller, multi->events, ccurl_multi_events, milliseconds);
  multi->next = 0;
  multi->ready = ready > 0 ? ready : 0;
}

bool ccurl_multi_perform(ccurl_multi *multi) {
  int running;
  if (multi->next < multi->ready) {
    struct epoll_event event = multi->events[multi->next++];
    if (event.data.fd == multi->alarm) {
      uint64_t count;
      while (read(multi->alarm, &count, sizeof count) > 0) {}
      return true;
    }
    int mask = (event.events & EPOLLIN ? CURL_CSELECT_IN : 0) | (event.events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (event.events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    if (mask) library.curl_multi_socket_action(multi->curl, event.data.fd, mask, &running);
    return true;
  }
  if (multi->due >= 0 && multi->due <= now()) {
    multi->due = -1;
    library.curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  return false;
}

void ccurl_multi_wake(ccurl_multi *multi) {
  uint64_t one = 1;
  ssize_t written = write(multi->alarm, &one, sizeof one);
  (void)written;  // a full counter wakes as well
}

CURL *ccurl_multi_ended(ccurl_multi *multi, CURLcode *code) {
  int left = 0;
  CURLMsg *message;
  while ((message = library.curl_multi_info_read(multi->curl, &left))) {
    if (message->msg == CURLMSG_DONE) {
      *code = message->data.result;
      return message->easy_handle;
    }
  }
  return NULL;
}
