#include "sched/debug_layout.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "os/process_memory.h"
#include "sched/birth.h"
#include "sched/idle.h"
#include "sched/litter.h"
#include "sched/processor.h"
#include "sched/wait_reason.h"
#include "sched/worker.h"
#include "stack/slab.h"

// Offsets in classes with bases are "conditionally supported"; both compilers support them where no base is virtual.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace weft::sched {

static_assert(sizeof(base::atomic<std::int64_t>) == sizeof(std::int64_t), "readers see the value at the atomic's address");

namespace {

constexpr void copy(char* to, std::size_t room, std::string_view text) {
  if (text.size() >= room) throw "a name of the layout table is too long";  // at compile time
  std::copy(text.begin(), text.end(), to);
}

constexpr layout_entry entry(std::string_view name, char kind, std::size_t width, std::uint64_t number) {
  layout_entry made{{}, kind, static_cast<std::uint8_t>(width), {number}};
  copy(made.name, sizeof made.name, name);
  return made;
}
constexpr layout_entry address(std::string_view name, const void* where) {
  layout_entry made = entry(name, 'a', sizeof(void*), 0);
  made.address = where;
  return made;
}

#define WEFT_STRUCTURE(type) entry(#type, 's', 0, sizeof(type))
#define WEFT_FIELD(type, member) entry(#type "." #member, 'f', sizeof(type::member), offsetof(type, member))
// A member that its class keeps to itself: said by the class's friend.
#define WEFT_HIDDEN(name, type, member) entry(name, 'f', sizeof(type::member), offsetof(type, member))
#define WEFT_NUMBER(name, value) entry(name, 'n', 0, value)

}  // namespace

extern "C" [[gnu::visibility("hidden")]] const char weft_debug_note[];  // arch/debugger.S

struct layout_access {
  using slab = stack::slab;
  using newborn = detail::newborn;

  static constexpr auto entries = std::to_array<layout_entry>({
      // Nobody needs the note's address: naming it brings its member of the archive into every program, the script too.
      address("note", weft_debug_note),

      WEFT_STRUCTURE(goroutine),
      WEFT_FIELD(goroutine, mark),
      WEFT_FIELD(goroutine, id),
      WEFT_FIELD(goroutine, creator),
      WEFT_FIELD(goroutine, start_site),
      WEFT_FIELD(goroutine, name),
      WEFT_FIELD(goroutine, reason),
      WEFT_FIELD(goroutine, object),
      WEFT_FIELD(goroutine, since_ns),
      WEFT_FIELD(goroutine, context.sp),
      WEFT_FIELD(goroutine, context.pc),
      WEFT_FIELD(goroutine, context.fp),
      WEFT_FIELD(goroutine, pinned_to),
      WEFT_FIELD(goroutine, membership),
      WEFT_FIELD(goroutine, stack.base),
      WEFT_FIELD(goroutine, stack.top),
      WEFT_NUMBER("alive_mark", goroutine::alive_mark),

      // The control block of the stack that ends at `top`: top - size - (top / colour_page) % colours * colour_bytes.
      WEFT_NUMBER("colours", stack_colours),
      WEFT_NUMBER("colour_bytes", stack_colour_bytes),
      WEFT_NUMBER("colour_page", stack_colour_page),

      WEFT_STRUCTURE(newborn),
      WEFT_FIELD(newborn, id),
      WEFT_FIELD(newborn, creator),
      WEFT_FIELD(newborn, start_site),
      WEFT_FIELD(newborn, name),
      WEFT_FIELD(newborn, kind),
      WEFT_FIELD(newborn, more),

      WEFT_STRUCTURE(litter),
      WEFT_FIELD(litter, twice_words),
      WEFT_FIELD(litter, taken),
      WEFT_FIELD(litter, count),
      WEFT_FIELD(litter, stride),
      WEFT_FIELD(litter, first),

      WEFT_STRUCTURE(worker),
      WEFT_FIELD(worker, tid),
      WEFT_FIELD(worker, held),
      WEFT_FIELD(worker, current),
      WEFT_FIELD(worker, detached),
      WEFT_FIELD(worker, is_idle),
      WEFT_FIELD(worker, is_searching),
      WEFT_FIELD(worker, waits_pinned),
      WEFT_FIELD(worker, next_all),

      WEFT_STRUCTURE(processor),
      WEFT_FIELD(processor, index),
      WEFT_FIELD(processor, holder),
      WEFT_FIELD(processor, tick),
      WEFT_FIELD(processor, spawned),
      WEFT_FIELD(processor, ended),
      WEFT_FIELD(processor, next),
      WEFT_FIELD(processor, offer),
      WEFT_FIELD(processor, is_retired),
      WEFT_FIELD(processor, queue),
      WEFT_FIELD(processor, shared),
      WEFT_HIDDEN("own_queue.line", own_queue, line_),
      WEFT_HIDDEN("own_queue.nursery", own_queue, nursery_),
      WEFT_HIDDEN("private_queue.head", private_queue, head_),
      WEFT_HIDDEN("private_queue.tail", private_queue, tail_),
      WEFT_HIDDEN("private_queue.mask", private_queue, mask_),
      WEFT_HIDDEN("private_queue.slots", private_queue, slots_),
      WEFT_HIDDEN("shared_queue.head", shared_queue, head_),
      WEFT_HIDDEN("shared_queue.tail", shared_queue, tail_),
      WEFT_HIDDEN("shared_queue.slots", shared_queue, slots_),
      WEFT_NUMBER("shared_queue.capacity", shared_queue::capacity),
      WEFT_HIDDEN("nursery.words", nursery, words_),
      WEFT_HIDDEN("nursery.batches", nursery, batches_),
      WEFT_HIDDEN("nursery.oldest", nursery, oldest_),
      WEFT_HIDDEN("nursery.batches_used", nursery, batches_used_),
      WEFT_HIDDEN("nursery.open", nursery, open_),
      WEFT_HIDDEN("nursery.open_begin", nursery, open_begin_),
      WEFT_HIDDEN("nursery.end", nursery, end_),
      WEFT_HIDDEN("nursery.live", nursery, live_),
      WEFT_HIDDEN("nursery.batch.base", nursery::batch, base),
      WEFT_HIDDEN("nursery.batch.begin", nursery::batch, begin),
      WEFT_NUMBER("nursery.batch", sizeof(nursery::batch)),

      address("scheduler", &the),
      WEFT_FIELD(scheduler, processors),
      WEFT_FIELD(scheduler, created),
      WEFT_FIELD(scheduler, limit),
      WEFT_FIELD(scheduler, searching),
      WEFT_FIELD(scheduler, idle_processors),
      WEFT_FIELD(scheduler, injected),
      WEFT_FIELD(scheduler, inject),
      WEFT_FIELD(scheduler, all_workers),
      WEFT_FIELD(scheduler, workers),
      WEFT_FIELD(scheduler, idle_workers),
      WEFT_FIELD(scheduler, coarse_now),
      WEFT_FIELD(scheduler, spawned_outside),
      WEFT_FIELD(scheduler, ended_outside),

      address("slab_chunks", &stack::directory::chunks),
      address("slab_ids", &stack::directory::ids_used),
      WEFT_NUMBER("slabs_per_chunk", stack::directory::chunk_slabs),
      WEFT_STRUCTURE(slab),
      WEFT_FIELD(slab, base),
      WEFT_FIELD(slab, shape.usable),
      WEFT_FIELD(slab, shape.guard),
      WEFT_FIELD(slab, opened),
      WEFT_FIELD(slab, out),
      WEFT_FIELD(slab, published),
  });
};

constexpr std::size_t reason_count = static_cast<std::size_t>(wait_reason::count_);

struct layout_table {
  layout_head head;
  std::array<layout_entry, layout_access::entries.size()> entries;
  std::array<layout_reason, reason_count> reasons;
};

namespace {

constexpr std::array<layout_reason, reason_count> reason_texts() {
  std::array<layout_reason, reason_count> texts{};
  for (std::size_t i = 0; i < reason_count; ++i)
    copy(texts[i].text, sizeof texts[i].text, describe(static_cast<wait_reason>(i)));
  return texts;
}

}  // namespace

extern "C" {
[[gnu::visibility("hidden")]] extern const layout_table weft_debug_layout;
constinit const layout_table weft_debug_layout = {
    {{'w', 'e', 'f', 't', '-', 'l', 'a', 'y'}, debug_layout_version, layout_access::entries.size(), sizeof(layout_entry),
     reason_count, sizeof(layout_reason), 0},
    layout_access::entries,
    reason_texts(),
};
}

void open_to_debuggers(bool inspection) noexcept {
  if (inspection) os::let_others_inspect();
}

}  // namespace weft::sched
