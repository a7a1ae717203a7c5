#include "trace/trace.h"

namespace weft::trace {

base::atomic<sink> current_sink{nullptr};

}  // namespace weft::trace
