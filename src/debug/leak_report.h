// WEFT_DEBUG=leaks=1.
#pragma once

namespace weft::debug {

void report_leaks_at_exit();  // if the setting asks for it

}  // namespace weft::debug
