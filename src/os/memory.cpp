// See memory.h. What is worth explaining here is how a process names itself to process_madvise.

#include "os/memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "base/atomic.h"
#include "os/file.h"

namespace weft::os {
namespace {

// Newer than the headers of the distributions we build on.
constexpr int advice_populate_write = 23;  // MADV_POPULATE_WRITE
constexpr int advice_guard_install = 102;
constexpr int pidfd_of_self = -10001;  // PIDFD_SELF_THREAD_GROUP, Linux 6.14

// The kernel takes at most IOV_MAX ranges; more than this many per call gain nothing and hold the mmap lock for longer.
constexpr std::size_t ranges_per_call = 64;

struct errno_keeper {
  int saved = errno;
  ~errno_keeper() { errno = saved; }
};

// A descriptor of the own process for kernels that do not know pidfd_of_self. It is tied to the process that opened
// it: a forked child that used its parent's would advise its parent's memory. Hence the pid beside it, compared at
// each use.
struct own_pidfd {
  base::atomic<std::int64_t> pid_and_fd{0};

  int get() noexcept {
    const std::int64_t pid = getpid();
    std::int64_t known = pid_and_fd.load(base::relaxed);
    if (known >> 32 == pid) return static_cast<int>(known & 0x7fffffff);
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) return -1;
    if (pid_and_fd.compare_exchange_strong(known, pid << 32 | fd, base::relaxed, base::relaxed)) return fd;
    close(fd);
    return known >> 32 == pid ? static_cast<int>(known & 0x7fffffff) : -1;
  }
};

enum class batching : std::uint8_t { by_self, by_pidfd, none };

constinit own_pidfd self;
constinit base::atomic<batching> batch_by{batching::by_self};

// Bytes treated, or -1 with errno set. Forgets a way of naming oneself that the kernel does not know.
long advise_batch(std::span<const memory_range> ranges, int advice) noexcept {
  static_assert(sizeof(memory_range) == sizeof(iovec) && offsetof(memory_range, bytes) == offsetof(iovec, iov_len));
  for (;;) {
    const batching way = batch_by.load(base::relaxed);
    if (way == batching::none) return -1;
    const int fd = way == batching::by_self ? pidfd_of_self : self.get();
    const long treated = syscall(SYS_process_madvise, fd, ranges.data(), ranges.size(), advice, 0);
    if (treated >= 0 || errno != EBADF) return treated;
    batch_by.store(way == batching::by_self ? batching::by_pidfd : batching::none, base::relaxed);
  }
}

// How many of the leading ranges `bytes` covers completely: a partly treated range is treated again.
std::size_t whole_ranges(std::span<const memory_range> ranges, long bytes) noexcept {
  std::size_t whole = 0;
  while (whole < ranges.size() && bytes >= static_cast<long>(ranges[whole].bytes))
    bytes -= static_cast<long>(ranges[whole++].bytes);
  return whole;
}

advice_result advise(std::span<const memory_range> ranges, int advice) noexcept {
  errno_keeper keep;
  std::size_t done = 0;
  while (done < ranges.size()) {
    const auto batch = ranges.subspan(done, std::min(ranges.size() - done, ranges_per_call));
    std::size_t treated = 0;
    if (batch.size() > 1) treated = whole_ranges(batch, advise_batch(batch, advice));
    if (treated == 0) {  // a batch of one, no batching here, or its first range is the one that fails
      const bool batch_failed = batch.size() > 1;
      do {
        if (madvise(batch[treated].start, batch[treated].bytes, advice) != 0) return {done + treated, errno};
      } while (++treated < batch.size());
      if (batch_failed) batch_by.store(batching::none, base::relaxed);  // all could be done, only not at once
    }
    done += treated;
  }
  return {done, 0};
}

std::size_t read_number(const char* path) noexcept {
  std::array<char, 32> buffer;
  const std::string_view text = read_file(path, buffer);
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void* map(void* hint, std::size_t bytes) noexcept {
  // MAP_STACK: newer kernels keep huge pages away at once, so that the mapping joins its neighbour's VMA.
  void* at = mmap(hint, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}

bool is_aligned(const void* at, std::size_t alignment) noexcept {
  return (reinterpret_cast<std::uintptr_t>(at) & (alignment - 1)) == 0;
}

// Over-reserves and keeps the highest aligned part: the kernel hands out addresses downwards, so the room below stays
// free for the next neighbour and small mappings of others fill the hole above.
void* map_aligned(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t slack = alignment - page_size();
  auto* low = static_cast<std::byte*>(map(nullptr, bytes + slack));
  if (low == nullptr) return nullptr;
  std::byte* const high = low + bytes + slack;
  std::byte* const start =
      reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(high - bytes) & ~(std::uintptr_t{alignment} - 1));
  if (start != low) munmap(low, static_cast<std::size_t>(start - low));
  if (start + bytes != high) munmap(start + bytes, static_cast<std::size_t>(high - (start + bytes)));
  return start;
}

}  // namespace

std::size_t page_size() noexcept {
  static constinit base::atomic<std::size_t> known{0};
  std::size_t size = known.load(base::relaxed);
  if (size == 0) [[unlikely]] known.store(size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), base::relaxed);
  return size;
}

void* reserve(std::size_t bytes, std::size_t alignment, void* hint) noexcept {
  errno_keeper keep;
  void* at = map(hint, bytes);
  if (at == nullptr) return nullptr;
  if (!is_aligned(at, alignment)) {
    munmap(at, bytes);
    at = map_aligned(bytes, alignment);
    if (at == nullptr) return nullptr;
  }
  madvise(at, bytes, MADV_NOHUGEPAGE);  // refused by kernels without huge pages
  return at;
}

bool release(void* start, std::size_t bytes) noexcept {
  errno_keeper keep;
  return munmap(start, bytes) == 0;
}

advice_result discard(std::span<const memory_range> ranges) noexcept { return advise(ranges, MADV_DONTNEED); }
void populate(std::span<const memory_range> ranges) noexcept {
  errno_keeper keep;
  if (ranges.size() > 1) advise_batch(ranges, advice_populate_write);
}
advice_result guard(std::span<const memory_range> ranges) noexcept { return advise(ranges, advice_guard_install); }

int protect(void* start, std::size_t bytes) noexcept {
  errno_keeper keep;
  return mprotect(start, bytes, PROT_NONE) == 0 ? 0 : errno;
}

bool is_unreadable(const void* address) noexcept {
  errno_keeper keep;
  // The kernel reads the page as a path. What it finds there does not matter, only whether it could read.
  return access(static_cast<const char*>(address), F_OK) != 0 && errno == EFAULT;
}

address_space_limits read_address_space_limits() noexcept {
  errno_keeper keep;
  rlimit address_space{};
  const bool limited = getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY;
  return {.max_map_count = read_number("/proc/sys/vm/max_map_count"),
          .overcommit = static_cast<int>(read_number("/proc/sys/vm/overcommit_memory")),
          .max_bytes = limited ? static_cast<std::size_t>(address_space.rlim_cur) : 0};
}

}  // namespace weft::os
