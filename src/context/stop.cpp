// Asks a stop_source to stop, and runs its callbacks.
//
// In a file of its own, and under ThreadSanitizer the one file of the library that is instrumented: the order between a
// std::stop_callback's registration and its call is made by the atomics of <stop_token>, on both sides.
#include "context/cancel_node.h"

namespace weft::detail {

void request_stop(std::stop_source& source) noexcept { source.request_stop(); }

}  // namespace weft::detail
