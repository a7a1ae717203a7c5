// What happens before what, told to ThreadSanitizer.
//
// The library is compiled without ThreadSanitizer's instrumentation, so that its own atomics and queues order nothing: a
// detector that saw them would believe that two goroutines are synchronised because they passed through one run queue.
// Instead each primitive says here, at the place that makes the promise, what it promises to the program, and no more.
// In other builds all of this is nothing.
//
//   race::release(&state_);           // unlock: what this goroutine did ...
//   race::acquire(&state_);           // ... happens before what is done after the next lock
//
//   R1  Park and ready order nothing. The primitive that uses them does.
//   R2  A place is an address, and dies with its memory: of the heap when it is freed, of a stack when its goroutine ends.
//   R3  The scheduler's own stacks and threads are mute (mute_this_thread): they neither learn nor tell anything.
//   R4  What the library allocates, frees and copies is not looked at (race.cpp); values that it moves for the program
//       are moved inside a `quiet` scope, since their new place is handed over by waiters, not by the program's order.
// Refused: instrumenting the library (false order between goroutines hides races; asymmetric fences are not understood,
// so there would be false reports as well); suppressions (they hide by name, not by reason).
// Checked by tests/race: each edge has a program that is silent with it, and each edge that must not be has a race that
// is found.
#pragma once

namespace weft::base::race {

#ifdef WEFT_TSAN

inline constexpr bool is_watched = true;

void acquire(const void* place) noexcept;  // everything released there happens before what follows
void release(const void* place) noexcept;  // adds what went before
// What was released at `from` is released at `to`, and the caller learns nothing of it: for a goroutine that acts for
// another one.
void forward(const void* from, const void* to) noexcept;

// Model of an access that races with others of its kind, although no memory is touched.
void as_read(const void* place) noexcept;
void as_write(const void* place) noexcept;

void mute_this_thread() noexcept;

// Accesses by instrumented code that is called here are not looked at.
class quiet {
 public:
  quiet() noexcept;
  ~quiet();
  quiet(const quiet&) = delete;
  quiet& operator=(const quiet&) = delete;
};

// As quiet, and what is called here, a system call that the detector knows of, orders nothing: for descriptors of the
// library's own.
class mute {
 public:
  mute() noexcept;
  ~mute();
  mute(const mute&) = delete;
  mute& operator=(const mute&) = delete;
};

// The scope runs as somebody who knows nothing but what he acquires in it, and is not looked at: he stands on a stack
// that is not his. What is started there knows as little as he does. Nothing in it may park.
class stranger {
 public:
  stranger() noexcept;
  ~stranger();
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;

 private:
  void* caller_;
  void* fiber_;
};

#else

inline constexpr bool is_watched = false;
inline void acquire(const void*) noexcept {}
inline void release(const void*) noexcept {}
inline void forward(const void*, const void*) noexcept {}
inline void as_read(const void*) noexcept {}
inline void as_write(const void*) noexcept {}
inline void mute_this_thread() noexcept {}
struct [[maybe_unused]] quiet {
  quiet() noexcept {}
};
struct [[maybe_unused]] mute {
  mute() noexcept {}
};
struct [[maybe_unused]] stranger {
  stranger() noexcept {}
};

#endif

}  // namespace weft::base::race
