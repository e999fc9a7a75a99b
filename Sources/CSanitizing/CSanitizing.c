// Tells ThreadSanitizer how Swift's Mutex waits. Without that sanitizer this file is empty.
//
// A lock that is free is taken by an atomic exchange in our own code, which the sanitizer sees. One that is not is waited for, and
// handed on, in the standard library, which it does not see: it would take every lock that was ever waited for as a race. These
// two stand in for those of the library (Synchronization's _MutexHandle), call them, and tell.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

void __tsan_acquire(void *address);
void __tsan_release(void *address);

SWIFT void csanitizing_lock(uint32_t thread, SELF void *handle) __asm__(LOCK);
SWIFT void csanitizing_unlock(SELF void *handle) __asm__(UNLOCK);

SWIFT void csanitizing_lock(uint32_t thread, SELF void *handle) {
  typedef SWIFT void (*lock)(uint32_t thread, SELF void *handle);
  ((lock)dlsym(RTLD_NEXT, LOCK))(thread, handle);
  __tsan_acquire(handle);
}

SWIFT void csanitizing_unlock(SELF void *handle) {
  typedef SWIFT void (*unlock)(SELF void *handle);
  __tsan_release(handle);
  ((unlock)dlsym(RTLD_NEXT, UNLOCK))(handle);
}
#endif
#endif
