// Leaves errno as it was. For functions of os/ that the compiler cannot inline: errno's address may be cached across calls,
// and a goroutine may have moved to another thread meanwhile.
#pragma once

#include <cerrno>

namespace weft::os {

class keep_errno {
 public:
  keep_errno() noexcept = default;
  keep_errno(const keep_errno&) = delete;
  keep_errno& operator=(const keep_errno&) = delete;
  ~keep_errno() { errno = kept_; }

 private:
  int kept_ = errno;
};

}  // namespace weft::os
