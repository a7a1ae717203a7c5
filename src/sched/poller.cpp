#include "sched/poller.h"

#include "base/atomic.h"
#include "os/futex.h"

namespace weft::sched {
namespace {

class sleep_only final : public poller {
 public:
  ready_list wait(std::int64_t deadline_ns) override {
    if (woken_.exchange(0, base::acquire) != 0) return {};
    os::futex_wait(woken_, 0, deadline_ns);
    woken_.store(0, base::relaxed);
    return {};
  }
  ready_list poll() override { return {}; }  // GCOVR_EXCL_LINE: not armed, so nobody calls it
  void wake() override {
    woken_.store(1, base::release);
    os::futex_wake(woken_, 1);
  }
  [[nodiscard]] bool armed() const override { return false; }
  [[nodiscard]] bool awaited() const override { return false; }

 private:
  base::atomic<std::uint32_t> woken_{0};
};

sleep_only& fallback() noexcept {
  static auto* instance = new sleep_only;
  return *instance;
}
base::atomic<poller*> registered{nullptr};

}  // namespace

// A watcher may sit in the fallback: it is sent to the new one. Whoever still wakes it through the fallback's successor,
// which it has not reached yet, does no harm: it looks around before it sleeps again, and that wake() is not lost.
void register_poller(poller* instance) noexcept {
  registered.store(instance, base::seq_cst);
  fallback().wake();
}

poller& current_poller() noexcept {
  if (poller* p = registered.load(base::acquire)) return *p;
  return fallback();
}

}  // namespace weft::sched
