#include "testing/report.h"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <string_view>
#include <typeinfo>

#include "debug/dump_text.h"
#include "debug/site_text.h"
#include "testing/virtual_world.h"

namespace weft::testing {
namespace {

template <class... Args>
std::string print(const char* format, Args... args) {
  char line[256];
  const int length = std::snprintf(line, sizeof line, format, args...);
  return std::string(line, static_cast<std::size_t>(length < 0 ? 0 : length));
}

std::string demangled(const char* symbol) {
  const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(symbol, nullptr, nullptr, nullptr), std::free);
  return readable ? readable.get() : symbol;
}

struct facts {
  std::uint64_t id, creator;
  const void* site;
  std::string_view name;
  std::string state;
  const void* object;
};

std::string paragraph(const facts& f) {
  std::string text = print("\ngoroutine %llu [", static_cast<unsigned long long>(f.id)) + f.state + "]:";
  if (!f.name.empty()) text.append(" ").append(f.name);
  if (f.object) text += print("\n  waits for %p", f.object);
  text += "\n  created by " + debug::site_text(f.site);
  if (f.creator) text += print(" in goroutine %llu", static_cast<unsigned long long>(f.creator));
  return text + "\n";
}

std::string state_of(const sched::goroutine& g, std::int64_t now_ns) {
  const sched::wait_reason reason = g.reason.load(base::relaxed);
  if (reason == sched::wait_reason::none) return "runnable";
  return std::string(sched::describe(reason)) + ", " + debug::age_text(now_ns - g.since_ns.load(base::relaxed));
}

const void* object_of(const sched::goroutine& g) noexcept {
  return g.reason.load(base::relaxed) == sched::wait_reason::none ? nullptr : g.object.load(base::relaxed);
}

}  // namespace

std::string paragraph(const inhabitant& who, std::int64_t now_ns) {
  facts f{who.id, who.started_by, who.started_at, who.name, "not yet run", nullptr};
  if (who.state == inhabitant::phase::running) {
    f.state = "running";
  } else if (who.body) {
    f.state = state_of(*who.body, now_ns);
    f.object = object_of(*who.body);
  }
  return paragraph(f);
}

std::string paragraph(const sched::goroutine& g, std::int64_t now_ns) {
  return paragraph(facts{g.id, g.creator, g.start_site, g.name, state_of(g, now_ns), object_of(g)});
}

std::string describe(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return demangled(typeid(e).name()) + ": " + e.what();
  } catch (const char* text) {
    return text;
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type ? demangled(type->name()) : "an exception";
  }
}

}  // namespace weft::testing
