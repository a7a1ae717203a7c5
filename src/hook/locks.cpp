// The C library's locks, noted while held, for WEFT_DEBUG=heldlocks=1 (sched/held_locks.h). std::mutex, std::shared_mutex and
// what C libraries lock come here. Off, a call costs one predictable branch and a jump.
//
// A wait for a condition variable gives its mutex back and takes it again inside the C library: the note stays, as the
// caller holds it on both sides.
#include <pthread.h>

#include "hook/real.h"
#include "sched/held_locks.h"

namespace weft::hook {
namespace {

int locked(int failed, const void* lock, const void* site) noexcept {
  if (failed == 0 && sched::notes_held_locks.load(base::relaxed)) [[unlikely]] sched::note_lock(lock, site);
  return failed;
}
void unlocking(const void* lock) noexcept {
  if (sched::notes_held_locks.load(base::relaxed)) [[unlikely]] sched::note_unlock(lock);
}

namespace libc {
#define WEFT_REAL(name, ...) constinit real_function<__VA_ARGS__> name{#name}
WEFT_REAL(pthread_mutex_lock, int(pthread_mutex_t*));
WEFT_REAL(pthread_mutex_trylock, int(pthread_mutex_t*));
WEFT_REAL(pthread_mutex_timedlock, int(pthread_mutex_t*, const timespec*));
WEFT_REAL(pthread_mutex_clocklock, int(pthread_mutex_t*, clockid_t, const timespec*));
WEFT_REAL(pthread_mutex_unlock, int(pthread_mutex_t*));
WEFT_REAL(pthread_rwlock_rdlock, int(pthread_rwlock_t*));
WEFT_REAL(pthread_rwlock_tryrdlock, int(pthread_rwlock_t*));
WEFT_REAL(pthread_rwlock_timedrdlock, int(pthread_rwlock_t*, const timespec*));
WEFT_REAL(pthread_rwlock_wrlock, int(pthread_rwlock_t*));
WEFT_REAL(pthread_rwlock_trywrlock, int(pthread_rwlock_t*));
WEFT_REAL(pthread_rwlock_timedwrlock, int(pthread_rwlock_t*, const timespec*));
WEFT_REAL(pthread_rwlock_unlock, int(pthread_rwlock_t*));
WEFT_REAL(pthread_spin_lock, int(pthread_spinlock_t*));
WEFT_REAL(pthread_spin_trylock, int(pthread_spinlock_t*));
WEFT_REAL(pthread_spin_unlock, int(pthread_spinlock_t*));
#undef WEFT_REAL
}  // namespace libc

const void* address(const volatile void* lock) noexcept { return const_cast<const void*>(lock); }

}  // namespace
}  // namespace weft::hook

using namespace weft::hook;

#define WEFT_SITE __builtin_return_address(0)

extern "C" {
int pthread_mutex_lock(pthread_mutex_t* m) noexcept { return locked(libc::pthread_mutex_lock(m), m, WEFT_SITE); }
int pthread_mutex_trylock(pthread_mutex_t* m) noexcept { return locked(libc::pthread_mutex_trylock(m), m, WEFT_SITE); }
int pthread_mutex_timedlock(pthread_mutex_t* m, const timespec* until) noexcept {
  return locked(libc::pthread_mutex_timedlock(m, until), m, WEFT_SITE);
}
int pthread_mutex_clocklock(pthread_mutex_t* m, clockid_t clock, const timespec* until) noexcept {
  return locked(libc::pthread_mutex_clocklock(m, clock, until), m, WEFT_SITE);
}
int pthread_mutex_unlock(pthread_mutex_t* m) noexcept {
  unlocking(m);
  return libc::pthread_mutex_unlock(m);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* l) noexcept { return locked(libc::pthread_rwlock_rdlock(l), l, WEFT_SITE); }
int pthread_rwlock_tryrdlock(pthread_rwlock_t* l) noexcept { return locked(libc::pthread_rwlock_tryrdlock(l), l, WEFT_SITE); }
int pthread_rwlock_timedrdlock(pthread_rwlock_t* l, const timespec* until) noexcept {
  return locked(libc::pthread_rwlock_timedrdlock(l, until), l, WEFT_SITE);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* l) noexcept { return locked(libc::pthread_rwlock_wrlock(l), l, WEFT_SITE); }
int pthread_rwlock_trywrlock(pthread_rwlock_t* l) noexcept { return locked(libc::pthread_rwlock_trywrlock(l), l, WEFT_SITE); }
int pthread_rwlock_timedwrlock(pthread_rwlock_t* l, const timespec* until) noexcept {
  return locked(libc::pthread_rwlock_timedwrlock(l, until), l, WEFT_SITE);
}
int pthread_rwlock_unlock(pthread_rwlock_t* l) noexcept {
  unlocking(l);
  return libc::pthread_rwlock_unlock(l);
}
int pthread_spin_lock(pthread_spinlock_t* l) noexcept { return locked(libc::pthread_spin_lock(l), address(l), WEFT_SITE); }
int pthread_spin_trylock(pthread_spinlock_t* l) noexcept { return locked(libc::pthread_spin_trylock(l), address(l), WEFT_SITE); }
int pthread_spin_unlock(pthread_spinlock_t* l) noexcept {
  unlocking(address(l));
  return libc::pthread_spin_unlock(l);
}

// Its being there says that locks are noted (debug/held_locks.cpp).
extern const int weft_hook_notes_locks;
const int weft_hook_notes_locks = 1;
}
