#include "trace/trace.h"

#include "base/unusual.h"

namespace weft::trace {

base::atomic<sink> current_sink{nullptr};

void send_to(sink to) noexcept {
  current_sink.store(to, base::release);
  base::note_unusual(base::unusual_trace, to != nullptr);
}

}  // namespace weft::trace
