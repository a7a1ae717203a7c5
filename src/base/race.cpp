// The calls into ThreadSanitizer's runtime, and the memory functions of the library under it.
//
// The runtime intercepts malloc, operator new and memcpy in every object that is linked, and takes them for accesses by
// the goroutine that happens to call. A run queue that one goroutine made larger and another one made smaller would be a
// race. cmake/private_inlines.cmake therefore makes the library call the weft_quiet_ functions below in their place, and
// makes weft_real_ what they were.
#include "base/race.h"

#ifdef WEFT_TSAN

#include <cstddef>

extern "C" {
void __tsan_acquire(void*);
void __tsan_release(void*);
void __tsan_read1_pc(void*, void*);
void __tsan_write1_pc(void*, void*);
void __tsan_func_entry(void* caller);
void __tsan_func_exit();
void __tsan_ignore_thread_begin();
void __tsan_ignore_thread_end();
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void*);
void __tsan_switch_to_fiber(void*, unsigned flags);
}

namespace weft::base::race {

namespace {
constexpr unsigned without_order = 1;  // __tsan_switch_to_fiber_no_sync
}

void acquire(const void* place) noexcept { __tsan_acquire(const_cast<void*>(place)); }
void release(const void* place) noexcept { __tsan_release(const_cast<void*>(place)); }

void forward(const void* from, const void* to) noexcept {
  stranger messenger;
  acquire(from);
  release(to);
}

// noinline: the one return address is in the operation of the channel or wait_group, the other where the program called
// it, and the report shows both.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wframe-address"
[[gnu::noinline]] void as_read(const void* place) noexcept {
  __tsan_func_entry(__builtin_return_address(1));
  __tsan_read1_pc(const_cast<void*>(place), __builtin_return_address(0));
  __tsan_func_exit();
}
[[gnu::noinline]] void as_write(const void* place) noexcept {
  __tsan_func_entry(__builtin_return_address(1));
  __tsan_write1_pc(const_cast<void*>(place), __builtin_return_address(0));
  __tsan_func_exit();
}

#pragma GCC diagnostic pop

void mute_this_thread() noexcept {
  __tsan_ignore_thread_begin();
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
}

quiet::quiet() noexcept { __tsan_ignore_thread_begin(); }
quiet::~quiet() { __tsan_ignore_thread_end(); }

mute::mute() noexcept { mute_this_thread(); }
mute::~mute() {
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  __tsan_ignore_thread_end();
}

stranger::stranger() noexcept : caller_(__tsan_get_current_fiber()) {
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);  // a fiber knows what its creator knew
  fiber_ = __tsan_create_fiber(0);
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  __tsan_switch_to_fiber(fiber_, without_order);
  __tsan_ignore_thread_begin();
}

stranger::~stranger() {
  __tsan_ignore_thread_end();
  __tsan_switch_to_fiber(caller_, without_order);
  __tsan_destroy_fiber(fiber_);
}

}  // namespace weft::base::race

extern "C" {

void* weft_real_malloc(std::size_t);
void* weft_real_calloc(std::size_t, std::size_t);
void* weft_real_realloc(void*, std::size_t);
void weft_real_free(void*);
void* weft_real_memcpy(void*, const void*, std::size_t);
void* weft_real_memmove(void*, const void*, std::size_t);
void* weft_real_memset(void*, int, std::size_t);
int weft_real_memcmp(const void*, const void*, std::size_t);
int weft_real_bcmp(const void*, const void*, std::size_t);
std::size_t weft_real_strlen(const char*);
void* weft_real__Znwm(std::size_t);
void* weft_real__ZnwmSt11align_val_t(std::size_t, std::size_t);
void weft_real__ZdlPv(void*);
void weft_real__ZdlPvSt11align_val_t(void*, std::size_t);

#define WEFT_QUIET(call)              \
  weft::base::race::quiet unnoticed; \
  return call

void* weft_quiet_malloc(std::size_t bytes) { WEFT_QUIET(weft_real_malloc(bytes)); }
void* weft_quiet_calloc(std::size_t count, std::size_t bytes) { WEFT_QUIET(weft_real_calloc(count, bytes)); }
void* weft_quiet_realloc(void* block, std::size_t bytes) { WEFT_QUIET(weft_real_realloc(block, bytes)); }
void weft_quiet_free(void* block) { WEFT_QUIET(weft_real_free(block)); }
void* weft_quiet_memcpy(void* to, const void* from, std::size_t bytes) { WEFT_QUIET(weft_real_memcpy(to, from, bytes)); }
void* weft_quiet_memmove(void* to, const void* from, std::size_t bytes) { WEFT_QUIET(weft_real_memmove(to, from, bytes)); }
void* weft_quiet_memset(void* to, int byte, std::size_t bytes) { WEFT_QUIET(weft_real_memset(to, byte, bytes)); }
int weft_quiet_memcmp(const void* one, const void* other, std::size_t bytes) { WEFT_QUIET(weft_real_memcmp(one, other, bytes)); }
int weft_quiet_bcmp(const void* one, const void* other, std::size_t bytes) { WEFT_QUIET(weft_real_bcmp(one, other, bytes)); }
std::size_t weft_quiet_strlen(const char* text) { WEFT_QUIET(weft_real_strlen(text)); }
void* weft_quiet__Znwm(std::size_t bytes) { WEFT_QUIET(weft_real__Znwm(bytes)); }
void* weft_quiet__Znam(std::size_t bytes) { WEFT_QUIET(weft_real__Znwm(bytes)); }
void* weft_quiet__ZnwmSt11align_val_t(std::size_t bytes, std::size_t align) {
  WEFT_QUIET(weft_real__ZnwmSt11align_val_t(bytes, align));
}
void* weft_quiet__ZnamSt11align_val_t(std::size_t bytes, std::size_t align) {
  WEFT_QUIET(weft_real__ZnwmSt11align_val_t(bytes, align));
}
void weft_quiet__ZdlPv(void* block) { WEFT_QUIET(weft_real__ZdlPv(block)); }
void weft_quiet__ZdlPvm(void* block, std::size_t) { WEFT_QUIET(weft_real__ZdlPv(block)); }
void weft_quiet__ZdaPv(void* block) { WEFT_QUIET(weft_real__ZdlPv(block)); }
void weft_quiet__ZdaPvm(void* block, std::size_t) { WEFT_QUIET(weft_real__ZdlPv(block)); }
void weft_quiet__ZdlPvSt11align_val_t(void* block, std::size_t align) {
  WEFT_QUIET(weft_real__ZdlPvSt11align_val_t(block, align));
}
void weft_quiet__ZdlPvmSt11align_val_t(void* block, std::size_t, std::size_t align) {
  WEFT_QUIET(weft_real__ZdlPvSt11align_val_t(block, align));
}
void weft_quiet__ZdaPvSt11align_val_t(void* block, std::size_t align) {
  WEFT_QUIET(weft_real__ZdlPvSt11align_val_t(block, align));
}
void weft_quiet__ZdaPvmSt11align_val_t(void* block, std::size_t, std::size_t align) {
  WEFT_QUIET(weft_real__ZdlPvSt11align_val_t(block, align));
}

#undef WEFT_QUIET

}  // extern "C"

#endif  // WEFT_TSAN
