#include "stack/guard.h"

#include <algorithm>
#include <string_view>

#include "base/assert.h"
#include "base/settings.h"
#include "base/unusual.h"
#include "os/valgrind.h"
#include "stack/stack.h"

namespace weft::stack {
namespace detail {
constinit base::atomic<bool> canaries_in_use{false};
}

namespace {

constexpr std::uint8_t undecided = 255;
constexpr std::uint32_t slots_per_batch = 64;
constexpr std::int64_t vmas_per_guard = 2;

constinit base::atomic<std::uint8_t> chosen{undecided};  // a guard_kind
constinit base::atomic<std::int64_t> vmas_left{0};       // what mprotect guards may still take

bool kernel_has_guard_markers() noexcept {
  if (os::runs_under_valgrind()) return false;  // which does not know them, and reads pages itself that it takes for readable
  const std::size_t page = os::page_size();
  void* probe = os::reserve(page, page);
  if (probe == nullptr) return false;
  const os::memory_range range{probe, page};
  const bool faults = os::guard({&range, 1}) && os::is_unreadable(probe);
  os::release(probe, page);
  return faults;
}

void choose(guard_kind kind, std::size_t vma_limit) noexcept {
  if (kind == guard_kind::mprotect) {
    const std::size_t limit = vma_limit != 0 ? vma_limit : os::read_address_space_limits().max_map_count;
    vmas_left.store(static_cast<std::int64_t>(limit == 0 ? 65'530 : limit) / 2, base::relaxed);
  }
  chosen.store(static_cast<std::uint8_t>(kind), base::release);
}

// The best that works, or what WEFT_DEBUG=guard= asks for.
guard_kind wanted_kind() {
  const std::string_view forced = base::settings().debug_guard;
  for (const guard_kind kind : {guard_kind::mprotect, guard_kind::canary})
    if (forced == name_of(kind)) return kind;
  return guard_kind::madvise;
}

void choose_or_fall_back(guard_kind kind, std::size_t vma_limit = 0) noexcept {
  choose(kind == guard_kind::madvise && !kernel_has_guard_markers() ? guard_kind::mprotect : kind, vma_limit);
}

guard_kind chosen_kind() {
  // Two threads may decide at once, and will decide alike.
  if (chosen.load(base::acquire) == undecided) choose_or_fall_back(wanted_kind());
  return static_cast<guard_kind>(chosen.load(base::acquire));
}

void mark_fenced(slab& s, std::uint32_t first, std::uint32_t count) noexcept {
  for (std::uint32_t slot = first; slot < first + count; ++slot)
    s.fenced[slot / 64].fetch_or(slot_bit(slot), base::relaxed);
}

// Each returns how many of the leading slots it guarded.
std::uint32_t guard_by_marker(slab& s, std::uint32_t first, std::uint32_t count) noexcept {
  std::array<os::memory_range, slots_per_batch> ranges;
  std::uint32_t done = 0;
  while (done < count) {
    const std::uint32_t batch = std::min(count - done, slots_per_batch);
    for (std::uint32_t i = 0; i < batch; ++i) ranges[i] = {s.slot_start(first + done + i), s.shape.guard};
    const os::advice_result result = os::guard({ranges.data(), batch});
    done += static_cast<std::uint32_t>(result.done);
    if (!result) break;
  }
  return done;
}

std::uint32_t guard_by_protection(slab& s, std::uint32_t first, std::uint32_t count) noexcept {
  std::uint32_t done = 0;
  for (; done < count; ++done) {
    if (vmas_left.fetch_sub(vmas_per_guard, base::relaxed) < vmas_per_guard ||
        os::protect(s.slot_start(first + done), s.shape.guard) != 0) {
      vmas_left.fetch_add(vmas_per_guard, base::relaxed);
      break;
    }
  }
  s.mprotected.fetch_add(done, base::relaxed);
  return done;
}

}  // namespace

void install_guards(slab& s, std::uint32_t first, std::uint32_t count) {
  const guard_kind kind = chosen_kind();
  std::uint32_t guarded = 0;
  if (kind == guard_kind::madvise) guarded = guard_by_marker(s, first, count);
  if (kind != guard_kind::canary && guarded < count)
    guarded += guard_by_protection(s, first + guarded, count - guarded);
  mark_fenced(s, first, guarded);
  for (std::uint32_t slot = first; slot < first + count; ++slot)
    os::tell_valgrind_of_stack(s.usable_start(slot), s.top(slot));
  if (guarded == count) return;
  detail::canaries_in_use.store(true, base::relaxed);
  base::note_unusual(base::unusual_canaries);
}

void return_guards(std::uint32_t mprotected) noexcept {
  vmas_left.fetch_add(vmas_per_guard * mprotected, base::relaxed);
}

guard_kind guard() {
  const guard_kind kind = chosen_kind();
  if (kind == guard_kind::mprotect && vmas_left.load(base::relaxed) < vmas_per_guard) return guard_kind::canary;
  return kind;
}

void force_guard(guard_kind kind, std::size_t vma_limit) { choose_or_fall_back(kind, vma_limit); }

const char* name_of(guard_kind kind) noexcept {
  switch (kind) {
    case guard_kind::madvise: return "madvise";
    case guard_kind::mprotect: return "mprotect";
    case guard_kind::canary: return "canary";
  }
  return "?";
}

bool detail::is_canary_intact(stack_ref s) noexcept {
  const slab* home = slab_of(s.base);
  weft_assert(home != nullptr, "canary_intact of what is no stack");
  if (home->is_fenced(home->slot_of(s.base))) return true;
  // The page below base is enough: frames smaller than a page cannot step over it.
  const std::size_t page = os::page_size();
  const auto* word = reinterpret_cast<const std::uint64_t*>(s.base - page);
  std::uint64_t any_bit = 0;
  for (std::size_t i = 0; i < page / sizeof *word; ++i) any_bit |= word[i];
  return any_bit == 0;
}

}  // namespace weft::stack
