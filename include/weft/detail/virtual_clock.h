// Gives a program that includes <weft/testing.h> its own std::chrono::steady_clock::now() and system_clock::now(): inside
// a bubble or an exploration they tell virtual time, elsewhere the real one.
//
// The definitions are weak and stand in each file that includes this one. The linker takes one of them rather than the C++
// library's: the shared one because a program's own definition comes first, the static one because the member of the
// archive that holds both functions is then never asked for. So no program has them that does not test. Where they do not
// apply (another C++ library than libstdc++; this header only in a shared object that is loaded later), the first
// bubble says so on stderr (docs/testing.md).
// Refused: the definitions in libweft.a: a linker takes them from there for every program that asks for the time.
#pragma once

#include <chrono>
#include <cstdint>

namespace weft::testing::impl {

std::int64_t steady_now_ns() noexcept;
std::int64_t system_now_ns() noexcept;

}  // namespace weft::testing::impl

#if defined(__GLIBCXX__)
namespace std::chrono {
inline namespace _V2 {

[[gnu::weak]] steady_clock::time_point steady_clock::now() noexcept {
  return time_point(duration(weft::testing::impl::steady_now_ns()));
}
[[gnu::weak]] system_clock::time_point system_clock::now() noexcept {
  return time_point(std::chrono::duration_cast<duration>(nanoseconds(weft::testing::impl::system_now_ns())));
}

}  // namespace _V2
}  // namespace std::chrono
#endif
