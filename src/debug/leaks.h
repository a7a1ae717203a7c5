// Goroutines that can never run again, by counting handles.
//
// A goroutine that waits on a channel runs again only if somebody with a handle to the channel acts. Handles are counted
// (channel::references), and a handle can be told from everything else in memory: it holds an address of its own kind, and
// none when it is dead (detail/channel.h). So:
//
//   LK1  Suspects are the goroutines parked on channels alone: send, receive, select without a deadline. Channels that timers
//        feed, and those that are closed, make no suspect.
//   LK2  A suspect is cleared if one of its channels is alive. A channel is alive if a handle to it is anywhere but on
//        the stack of a suspect: on another goroutine's stack, a thread's, in globals, on the heap (closures of newborns and
//        of timers are there);
//   LK3  ... or if the suspects' stacks hold fewer handles than are counted: some handle is where we cannot see it. What
//        functions have saved there of their callers' registers does not count: it is a copy of a handle, mostly.
//   LK4  Until nothing changes: a suspect that is cleared makes the channels alive to which it holds handles.
//   LK5  At the end each must still be parked in the same park, and the counts be what they were.
//
// Either of LK2 and LK3 would do if the world stood still: a handle that moves while we look may be missed by LK2, but
// then LK3 counts too few. What deceives both is a second copy of a handle's bits on a suspect's own stack (a register that the
// compiler spilled) together with a handle that moves at that moment from where we have not looked to where we have.
// The stacks of threads are read from the stack pointer up, as what is below was left there by calls that are over. That of a
// thread that is blocked in the kernel is known. One that runs is read whole: what it left behind may hide a leak. Who asks
// tells its own: it may still be on its way into the kernel, to wait for the answer. Registers of others are not looked at,
// and where a signal's handler has left some, neither: LK3 misses a handle that is nowhere else.
//
// Refused: stopping the world for the time of reading the heap (a second per 3 GB); tracing what is reachable, as a garbage
// collector (an allocator of the program's own would have to tell where objects begin).
#pragma once

#include <cstdint>
#include <vector>

namespace weft::sched {
struct goroutine;
}

namespace weft::debug {

// Ids of the goroutines that are proven to be leaked now. `asker_sp`: in the stack of whoever waits for the answer, below
// all that may hold a handle.
std::vector<std::uint64_t> find_proven_leaks(std::uint64_t asker_sp);

}  // namespace weft::debug
