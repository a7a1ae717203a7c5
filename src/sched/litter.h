// Litters: newborns that differ in their closures only, kept in one record of the nursery.
//
// A loop that calls go() starts goroutines of one kind: the same function, the same place in the program, the same group,
// consecutive ids. What they have in common is written down once, and each adds the words of its closure, often one: 8 bytes
// instead of a block of 64 and a word in a queue. Only closures that may be copied as bytes come here (detail/newborn.h),
// so a litter moves when the nursery does, and one goroutine of it is taken out by copying.
//
//   LT1  A litter lies in one nursery: a head of litter_words words, then `count` closures of equal size, in the order in
//        which they were started, or one that is all of theirs; the first `taken` of them are no longer there. What leaves the
//        processor is a newborn in a block of its own like any other (take_out): nobody else knows of litters but those who
//        list goroutines from outside.
//   LT2  The first word of a litter is even, and a newborn's word in a queue is odd: so a nursery holds both.
//   LT3  The processor's own choice is laid into its worker's cradle (lay_out), not into a block. The worker runs it next,
//        and its closure has moved to its stack before its code begins: the cradle is empty before it is needed again.
//   LT4  Closures that capture by reference are alike in all goroutines of a loop. While all of a litter are, only one is there,
//        however many they are; a litter of one becomes one of different closures by the second.
//
// Refused: blocks for litters, linked (all ends of a litter are known to the nursery anyway, and blocks are to be freed);
// closures with destructors (moving them needs calls, and a nursery that grows moves all).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include <weft/detail/newborn.h>

#include "sched/runnable.h"

namespace weft::sched {

static_assert(std::endian::native == std::endian::little, "LT2: the word's lowest bit is that of its first member");

// The newborn that its worker runs next: LT3.
struct cradle_block {
  detail::newborn newborn;
  std::uint64_t closure[detail::small_closure_words];
};
static_assert(sizeof(detail::newborn) == detail::newborn_header_bytes, "the closure follows where newborn_closure() says");

// What siblings have in common.
struct breed {
  const detail::small_kind* kind;
  const void* start_site;
  detail::group* born_into;  // null: none
  std::uint64_t creator;

  void describe(detail::newborn& n, std::uint64_t id) const noexcept {
    n.run = kind->run;
    n.id = id;
    n.creator = creator;
    n.start_site = start_site;
    if (born_into) n.born_into = born_into;
    else n.name = "";
    n.stack_kib = 0;
    n.size_class = detail::newborn_in_place;
    n.more = 0;
    n.kind = born_into ? detail::newborn_kind::in_group : detail::newborn_kind::named;
  }
};

// Word by word: a load of two that were just written by two stores waits 13 cycles for them, and `rep movs` for longer.
inline void copy_words(detail::newborn& to, const detail::newborn& from) noexcept {
  using word [[gnu::may_alias]] = std::uint64_t;
  const auto* const source = reinterpret_cast<const volatile word*>(&from);
  auto* const target = reinterpret_cast<volatile word*>(&to);
  target[0] = source[0];
  target[1] = source[1];
  target[2] = source[2];
  target[3] = source[3];
  target[4] = source[4];
  target[5] = source[5];
}

struct litter {
  std::uint16_t twice_words;  // of a closure: LT2
  std::uint16_t taken, count;
  std::uint16_t stride;       // from one closure to the next, in words; 0: they are alike (LT4)
  detail::newborn first;      // what the first one was like; of the i-th the id is larger by i

  static constexpr std::uint16_t most = 0xFFFF;

  [[nodiscard]] std::uint32_t closure_words() const noexcept { return twice_words / 2u; }
  [[nodiscard]] std::uint32_t words() const noexcept;  // all of it
  // Goroutine `id` of that kind is one more of these, unless all of them are like each other and not like it.
  [[nodiscard]] bool takes(const breed& b, std::uint64_t id) const noexcept {
    return first.run == b.kind->run && first.start_site == b.start_site && first.creator == b.creator &&
           (b.born_into ? first.born_into == b.born_into : first.kind == detail::newborn_kind::named) &&
           first.id + count == id && count != most;
  }
  // The i-th closure.
  [[nodiscard]] const std::uint64_t* closure(std::uint32_t i) const noexcept;
  [[nodiscard]] bool is_like_first(const std::uint64_t* other) const noexcept {
    const std::uint64_t* const mine = closure(0);
    std::uint64_t difference = 0;
    for (std::uint32_t i = 0; i < closure_words(); ++i) difference |= mine[i] ^ other[i];
    return difference == 0;
  }

  void lay_out(cradle_block& into, std::uint32_t i) const noexcept {
    copy_words(into.newborn, first);
    if (i != 0) into.newborn.id = first.id + i;
    const std::uint64_t* from = closure(i);
    for (std::uint32_t k = 0; k < closure_words(); ++k) into.closure[k] = from[k];
  }
  // The same in a block of its own.
  [[nodiscard]] runnable take_out(std::uint32_t i) const noexcept;
};
inline constexpr std::uint32_t litter_words = sizeof(litter) / sizeof(std::uint64_t);

inline std::uint32_t litter::words() const noexcept { return litter_words + (stride == 0 ? closure_words() : count * stride); }
inline const std::uint64_t* litter::closure(std::uint32_t i) const noexcept {
  return reinterpret_cast<const std::uint64_t*>(this) + litter_words + i * stride;
}

}  // namespace weft::sched
