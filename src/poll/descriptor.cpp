#include "poll/descriptor.h"

#include "os/descriptor.h"
#include "poll/backend.h"
#include "poll/registry.h"

namespace weft::poll {

descriptor* open(int fd, int& error) {
  backend& kernel = current_backend();
  descriptor* const d = registry::take(fd);
  error = d ? kernel.add(fd, registry::key_of(*d)) : ENFILE;
  if (error == 0) return d;
  if (d) {
    d->disown();
    d->forget();
  }
  return nullptr;
}

int error_of(outcome why, const patience& limits) noexcept {
  switch (why) {
    case outcome::ready: return 0;
    case outcome::timed_out: return ETIMEDOUT;
    case outcome::closed: return ECANCELED;
    case outcome::cancelled: break;
  }
  return limits.ctx->err().code().value();
}

void descriptor::mute() {
  if (current_backend().mute(fd_, key())) rounds_.note_muted(true);
}

void descriptor::unmute() {
  rounds_.note_muted(false);
  current_backend().unmute(fd_, key());
}

void descriptor::set_deadline(direction d, std::int64_t when_ns) {
  if (!gate_.enter()) return;
  ready_.set_deadline(d, when_ns);
  leave();
}

void descriptor::close() {
  if (!gate_.shut()) return;
  ready_.close();
  leave();
}

// The last user, and nobody can enter (G3).
void descriptor::finish() {
  ready_.retire();
  if (fd_ >= 0) {
    current_backend().remove(fd_, key());
    os::close_descriptor(fd_);
  }
  if (gate_.finished()) registry::give_back(this);
}

void descriptor::forget() {
  close();
  if (gate_.forget()) registry::give_back(this);
}

}  // namespace weft::poll
