#include "debug/wait_graph.h"

#include <algorithm>
#include <ctime>
#include <map>

#include "debug/lock_owners.h"
#include "debug/object_text.h"
#include "os/clock.h"

namespace weft::debug {

using sched::wait_reason;

namespace {

class graph {
 public:
  explicit graph(std::vector<wait> parks) : parks_(std::move(parks)) {
    for (std::size_t i = 0; i < parks_.size(); ++i)
      if (is_for_lock(parks_[i])) at_.emplace(parks_[i].by, i);
    note_first_writers();
  }

  [[nodiscard]] std::vector<cycle> cycles() {
    std::vector<mark> marks(parks_.size(), mark::fresh);
    std::vector<cycle> found;
    for (const auto& [who, start] : at_)
      if (marks[start] == mark::fresh) walk_from(start, marks, found);
    return found;
  }

  // Is all of it still as it was?
  [[nodiscard]] bool has(const cycle& c) {
    for (std::size_t i = 0; i < c.size(); ++i) {
      const auto here = at_.find(c[i].by);
      if (here == at_.end() || !is_same_park(parks_[here->second], c[i])) return false;
      const std::vector<std::size_t> next = awaited_by(here->second);
      if (std::none_of(next.begin(), next.end(), [&](std::size_t n) { return parks_[n].by == c[(i + 1) % c.size()].by; })) return false;
    }
    return true;
  }

 private:
  enum class mark : std::uint8_t { fresh, on_path, done };

  void note_first_writers() {
    for (const auto& [who, i] : at_) {
      if (parks_[i].reason != wait_reason::rw_mutex_lock) continue;
      const auto [first, is_new] = first_writer_.emplace(parks_[i].object, i);
      if (!is_new && parks_[i].since_ns < parks_[first->second].since_ns) first->second = i;
    }
  }

  const lock_owners& owners(const wait& w) {
    const auto [known, is_new] = owners_.try_emplace({w.object, w.reason == wait_reason::mutex_lock});
    if (is_new) known->second = owners_of(w, parks_);
    return known->second;
  }

  // Those of them that wait for a lock themselves.
  std::vector<std::size_t> awaited_by(std::size_t i) {
    const wait& w = parks_[i];
    const lock_owners& by = owners(w);
    std::vector<std::size_t> next;
    if (w.reason == wait_reason::rw_mutex_lock_shared && !by.is_write_locked) {
      if (const auto first = first_writer_.find(w.object); first != first_writer_.end()) next.push_back(first->second);
      return next;
    }
    for (const party& p : by.known)
      if (const auto there = at_.find(p); there != at_.end()) next.push_back(there->second);
    return next;
  }

  // Depth first, with the path in memory: chains may be as long as there are goroutines.
  void walk_from(std::size_t start, std::vector<mark>& marks, std::vector<cycle>& found) {
    struct place {
      std::size_t at;
      std::vector<std::size_t> next;
    };
    std::vector<place> path;
    const auto enter = [&](std::size_t i) {
      marks[i] = mark::on_path;
      path.push_back({i, awaited_by(i)});
    };
    for (enter(start); !path.empty();) {
      if (path.back().next.empty()) {
        marks[path.back().at] = mark::done;
        path.pop_back();
        continue;
      }
      const std::size_t next = path.back().next.back();
      path.back().next.pop_back();
      if (marks[next] == mark::fresh) {
        enter(next);
      } else if (marks[next] == mark::on_path) {
        const auto first = std::find_if(path.begin(), path.end(), [&](const place& p) { return p.at == next; });
        cycle c;
        for (auto p = first; p != path.end(); ++p) c.push_back(parks_[p->at]);
        std::rotate(c.begin(), std::min_element(c.begin(), c.end(), [](const wait& a, const wait& b) { return a.by < b.by; }), c.end());
        found.push_back(std::move(c));
      }
    }
  }

  std::vector<wait> parks_;
  std::map<party, std::size_t> at_;  // those that wait for locks
  std::map<const void*, std::size_t> first_writer_;
  std::map<std::pair<const void*, bool>, lock_owners> owners_;
};

bool is_steady(const cycle& c) noexcept {
  const std::int64_t now = os::monotonic_ns();
  return std::all_of(c.begin(), c.end(), [&](const wait& w) { return now - w.since_ns >= steady_ns; });
}

}  // namespace

std::vector<cycle> find_cycles() {
  std::vector<cycle> cycles = graph(look_at_all_parks()).cycles();
  std::erase_if(cycles, [](const cycle& c) { return !is_steady(c); });
  if (cycles.empty()) return cycles;
  const timespec apart{.tv_sec = 0, .tv_nsec = look_apart_ns};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &apart, nullptr);
  graph again(look_at_all_parks());
  std::erase_if(cycles, [&](const cycle& c) { return !again.has(c); });
  return cycles;
}

std::string cycle_text(const cycle& c) {
  const bool has_threads = std::any_of(c.begin(), c.end(), [](const wait& w) { return w.by.is_thread; });
  const std::vector<wait> parks = look_at_all_parks();
  std::string text = "deadlock of " + std::to_string(c.size()) + (has_threads ? " goroutines and threads" : c.size() == 1 ? " goroutine" : " goroutines");
  text += c.size() == 1 ? ":\n" : ", each waiting for the next:\n";
  for (const wait& w : c) text += '\t' + party_text(w.by) + " waits for " + object_text(w, parks) + '\n';
  return text;
}

std::string explanation() {
  constexpr std::size_t most_objects = 100, most_listed = 10;
  struct crowd {
    wait example;
    std::vector<party> first;
    std::size_t count = 0;
  };
  std::map<std::pair<const void*, wait_reason>, crowd> objects;
  const std::vector<wait> parks = look_at_all_parks();
  for (const wait& w : parks) {
    if (!w.object) continue;
    crowd& all = objects[{w.object, w.reason}];
    if (all.count++ == 0) all.example = w;
    if (all.first.size() < most_listed) all.first.push_back(w.by);
  }
  std::string text;
  for (const cycle& c : graph(parks).cycles()) text += cycle_text(c) + '\n';
  if (!objects.empty()) text += "Who waits for what:\n";
  std::size_t shown = 0;
  for (const auto& [key, all] : objects) {
    if (++shown > most_objects) break;
    text += '\t' + parties_text(all.first);
    if (all.count > all.first.size()) text += " and " + std::to_string(all.count - all.first.size()) + " more";
    text += std::string(" [") + sched::describe(key.second) + "]: " + object_text(all.example, parks) + '\n';
  }
  if (objects.size() > most_objects) text += "\t... and " + std::to_string(objects.size() - most_objects) + " more objects\n";
  return text;
}

}  // namespace weft::debug
