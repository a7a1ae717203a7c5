#include "debug/object_text.h"

#include <algorithm>
#include <cstdio>

#include "chan/channel.h"
#include "debug/lock_owners.h"
#include "os/own_memory.h"
#include "sync/inspect.h"

namespace weft::debug {

using sched::wait_reason;

namespace {

std::string pointer_text(const char* format, const void* object) {
  char text[64];
  std::snprintf(text, sizeof text, format, object);
  return text;
}

std::string channel_text(const void* object) {
  const auto* at = static_cast<const detail::channel*>(object);
  alignas(detail::channel) std::byte copy[sizeof(detail::channel)];
  std::string text = pointer_text("channel %p", object);
  if (!os::copy_own_memory(at, copy, sizeof copy)) return text;
  const auto& ch = *reinterpret_cast<const detail::channel*>(copy);
  text += ch.capacity == 0 ? " (unbuffered, " : " (" + std::to_string(ch.occupied.load(base::relaxed)) + " of " + std::to_string(ch.capacity) + " used, ";
  const auto handles = ch.references.load(base::relaxed);
  return text + std::to_string(handles) + (handles == 1 ? " handle)" : " handles)");
}

std::string lock_text(const wait& w, const std::vector<wait>& parks) {
  const lock_owners by = owners_of(w, parks);
  const std::string text = pointer_text(w.reason == wait_reason::mutex_lock ? "mutex %p, " : "rw_mutex %p, ", w.object);
  if (by.by_goroutine_that_ended) return text + (by.readers ? "read-locked" : "locked") + " by a goroutine that has ended";
  if (by.is_write_locked) return text + "locked by " + parties_text(by.known);
  if (by.readers == 0) return text + "free by now";
  return text + "read-locked by " + (by.known.empty() ? std::to_string(by.readers) : parties_text(by.known));
}

}  // namespace

std::string parties_text(const std::vector<party>& parties) {
  if (parties.size() < 2 || std::any_of(parties.begin(), parties.end(), [](const party& p) { return p.is_thread; })) {
    std::string text;
    for (const party& p : parties) text += (text.empty() ? "" : ", ") + party_text(p);
    return text;
  }
  std::string text = "goroutines ";
  for (const party& p : parties) text += (&p == &parties[0] ? "" : ", ") + std::to_string(p.id);
  return text;
}

std::string object_text(wait_reason reason, const void* object) {
  wait w;
  w.reason = reason;
  w.object = object;
  return object_text(w, is_for_lock(w) && reason != wait_reason::mutex_lock ? look_at_all_parks() : std::vector<wait>());
}

std::string object_text(const wait& w, const std::vector<wait>& parks) {
  switch (w.reason) {
    case wait_reason::mutex_lock:
    case wait_reason::rw_mutex_lock:
    case wait_reason::rw_mutex_lock_shared: return lock_text(w, parks);
    case wait_reason::chan_send:
    case wait_reason::chan_receive: return channel_text(w.object);
    case wait_reason::cond_wait: return pointer_text("cond %p", w.object);
    case wait_reason::wait_group_wait: {
      std::int64_t counter = 0;
      const bool is_there = detail::inspector::look(*static_cast<const wait_group*>(w.object), counter);
      return pointer_text("wait_group %p", w.object) + (is_there ? ", counter " + std::to_string(counter) : "");
    }
    case wait_reason::semaphore_acquire: {
      std::int64_t available = 0, capacity = 0;
      const bool is_there = detail::inspector::look(*static_cast<const semaphore*>(w.object), available, capacity);
      return pointer_text("semaphore %p", w.object) +
             (is_there ? ", " + std::to_string(available) + " of " + std::to_string(capacity) + " available" : "");
    }
    default: return pointer_text("%p", w.object);
  }
}

}  // namespace weft::debug
