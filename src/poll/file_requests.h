// Files through io_uring: the goroutine is parked until the kernel has done it.
//
// The ring is one descriptor of the poller, which whoever polls empties (registry::relay).
//
//   Q1  `reached` leaves `begun` once: to `asleep` by the caller, who then parks, or to `done` by whoever took the
//       completion. The second of the two knows of the first: it wakes the caller, or the caller does not park at all.
//   Q2  Whoever has set `done` after `begun` touches the request no more: its caller may have returned.
//   Q3  registry::expected counts requests from before they are submitted until their sleepers are in the list of those to
//       be woken: the deadlock detector asks for it.
#pragma once

#include <cstdint>
#include <optional>

#include "os/file_ring.h"

namespace weft::poll {

// Blocks the goroutine; the result is the system call's. Nothing: a plain thread calls, or there is no ring (refused, not
// built in, WEFT_DEBUG=files=blocking, full). Then nothing has been done.
std::optional<std::int64_t> on_file_ring(const os::file_ring::operation& op);

}  // namespace weft::poll
