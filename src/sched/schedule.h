// The scheduler as the layers above see it: park and ready are the only two ways to block and to resume.
//
//   detail::waiter me{.who = self()};
//   queue.lock(); queue.push(me); queue.unlock();
//   park(wait_reason::chan_receive, &queue);       // returns once somebody who took `me` called ready(me.who)
#pragma once

#include <cstdint>

#include <weft/detail/waiter.h>

#include "sched/goroutine.h"
#include "sched/wait_reason.h"

namespace weft::sched {

// The calling goroutine, or the calling plain thread.
detail::sleeper* self() noexcept;

// Blocks until ready(self()), which may have come before. Exactly one ready per park. Nothing may be locked.
void park(wait_reason reason, const void* object);

// As park, but gives up at the deadline by claiming the sleep as `index`: *claim tells who won (detail/waiter.h, W2).
void park_until(std::int64_t deadline_ns, base::atomic<std::uint32_t>& claim, std::uint32_t index, wait_reason reason,
                const void* object);

// Makes a parked sleeper runnable; from anywhere, with no runtime lock held.
void ready(detail::sleeper* who);

// The same for a goroutine whose memory has left the cache: while there are no worlds it is not touched.
void ready_outside_worlds(goroutine& g);

// The same, but on the caller's processor, which tells no other one: for those who would only get in each other's way.
void ready_here(detail::sleeper* who);

// A lock was found held by somebody who runs. True: this worker has seen little else lately, so its goroutines are better
// off where the others are; park at once, to be made runnable there by ready_here().
bool note_contention() noexcept;

// Makes all sleepers of a list runnable; the list is linked through waiter::next and dies with the sleepers.
void ready_all(detail::waiter* first);

// Lets others run: the goroutine goes behind those that are runnable. No point of an exploration, unlike weft::yield().
void yield();

// As yield(), for goroutines that have at least `least` others ahead of them in the line of their processor. False: there
// are fewer, or none are known (threads, worlds); nothing has happened. What the caller started stays where it is.
bool yield_behind(std::uint32_t least);

// A goroutine whose processor was taken queues for one; for the others, two loads. Called by operations that may block
// also when they need not, so that a detached loop does not stay outside the processors' count for ever.
void checkpoint();

}  // namespace weft::sched
