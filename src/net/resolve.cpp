// Names are looked up by the C library, in a goroutine of its own that declares the call as blocking: only that knows
// /etc/hosts, nsswitch and search domains as every other program of the machine does. Whoever asked waits for the answer or
// for its context, whichever is first; an answer that nobody waits for any more is dropped.
//
// Refused: c-ares. It saves a thread per lookup in progress, and answers differently from the rest of the system.
#include <weft/net/resolve.h>

#include <memory>

#include <netdb.h>

#include <weft/chan.h>
#include <weft/select.h>
#include <weft/semaphore.h>

#include "net/failure.h"
#include "net/sockaddr.h"
#include "os/names.h"

namespace weft::net {
namespace {

class names final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.names"; }
  std::string message(int code) const override {
    switch (static_cast<name_errc>(code)) {
      case name_errc::not_found: return "no such host";
      case name_errc::no_address: return "the host has no address";
      case name_errc::try_again: return "name lookup failed for the time being";
      case name_errc::failed: return "name lookup failed";
    }
    return "unknown lookup error";
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<name_errc>(code)) {
      case name_errc::not_found:
      case name_errc::no_address: return std::errc::no_such_device_or_address;
      case name_errc::try_again: return std::errc::resource_unavailable_try_again;
      case name_errc::failed: break;
    }
    return {code, *this};
  }
};

std::error_code code_of(const os::lookup_outcome& outcome) {
  switch (outcome.failed) {
    case EAI_NONAME: return name_errc::not_found;
#ifdef EAI_NODATA
    case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY:
#endif
      return name_errc::no_address;
    case EAI_AGAIN: return name_errc::try_again;
    case EAI_SYSTEM: return {outcome.system_error, std::generic_category()};
    case EAI_MEMORY: return std::make_error_code(std::errc::not_enough_memory);
    default: return name_errc::failed;
  }
}

// Each lookup may occupy a thread for as long as a name server is silent.
semaphore& lookups() {
  static auto& limit = *new semaphore(64);
  return limit;
}

result<std::vector<address>> look_up(const std::string& host) {
  const os::lookup_outcome outcome = blocking([&] { return os::look_up(host); });
  if (outcome.failed) return fail(error(code_of(outcome), "resolve", host));
  std::vector<address> found;
  for (const os::socket_address& each : outcome.found)
    if (const address a = from_kernel(each); a.family() != address::kind::none) found.push_back(a);
  if (found.empty()) return fail(error(name_errc::no_address, "resolve", host));
  return found;
}

}  // namespace

const std::error_category& name_category() noexcept {
  // Never destroyed: an error may be looked at while static objects go.
  static const auto& instance = *new names;
  return instance;
}

result<std::vector<address>> resolve(const context& ctx, std::string_view host) {
  if (ctx.cancelled()) return fail(error(ctx.err().code(), "resolve", std::string(host)));
  if (auto number = address::parse(host); number && !number->is_unix() && number->port() == 0) return std::vector{*number};
  if (host.empty() || host.find('\0') != host.npos) return fail(error(name_errc::not_found, "resolve", std::string(host)));
  if (auto free = lookups().acquire(ctx, 1); !free) return fail(error(free.error().code(), "resolve", std::string(host)));
  chan<result<std::vector<address>>> answers(1);
  constexpr std::size_t stack = 1024 * 1024;  // plug-ins of nsswitch expect a thread's
  go(go_options{.name = "resolve", .stack_size = stack}, [answers, name = std::string(host)] {
    auto answer = look_up(name);
    lookups().release(1);
    answers.send(std::move(answer));
  });
  auto answer = on_recv(answers);
  auto quit = on_done(ctx);
  select(answer, quit);
  if (answer) return *answer.take();
  return fail(error(ctx.err().code(), "resolve", std::string(host)));
}

}  // namespace weft::net
