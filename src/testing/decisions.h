// The trace of an exploration: every choice, start and step of the clock, as text that is the same, byte for byte, whenever
// the same schedule of the same program runs. So it holds no address, no id of the process and no real time.
//
//     seed pct:3:57:0x9f3b
//            g1 starts: explore
//            g2 starts by g1: reader
//        1  g1 at go: g1 of g1 g2            at the point "go" of g1, g1 was chosen among g1 and g2
//        2  g1 at mutex lock: g2 of g1 g2
//        3  g2 in chan receive: g1           g2 blocks; only g1 could run
//            clock 3600.000000000
//        4  g1 ends: g2
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weft::testing {

class decision_log {
 public:
  enum class reason : std::uint8_t { point, park, end, outside };

  explicit decision_log(std::string title) : title_(std::move(title)) {}

  void start(std::uint32_t who, std::uint64_t by, const char* name);
  void choice(reason why, const char* what, std::uint32_t from, std::uint32_t chosen,
              std::span<const std::uint32_t> candidates);
  void clock(std::int64_t elapsed_ns);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string last(std::size_t lines) const;  // the end of text()

 private:
  struct entry {
    enum class kind : std::uint8_t { start, choice, clock } what;
    reason why{};
    const char* operation = nullptr;
    std::uint32_t from = 0, chosen = 0;
    std::uint32_t first = 0, count = 0;  // of the candidates; a start's name
    std::int64_t elapsed_ns = 0;
  };
  void print(std::string& out, const entry& e, std::size_t& number) const;

  std::string title_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> candidates_;
  std::vector<std::string> names_;
};

}  // namespace weft::testing
