// Mistakes that a test makes on purpose, to see what becomes of them: the race detector would report each.
#pragma once

#include "base/race.h"

namespace support {

// A close() that may overtake a send.
template <class Channel>
void close_under_senders(Channel& ch) {
  const weft::base::race::quiet meant;
  ch.close();
}

}  // namespace support
