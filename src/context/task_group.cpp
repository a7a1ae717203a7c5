#include <weft/task_group.h>

#include <string>
#include <system_error>

namespace weft {
namespace {

// What ctx().cause() says of an exception.
error describe(const std::exception_ptr& thrown) {
  std::string what = "exception";
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {}
  return error(std::make_error_code(std::errc::operation_canceled), "task_group", std::move(what));
}

}  // namespace

task_group::task_group(const context& parent, group_options options)
    : ctx_(with_cancel(parent)), is_limited_(options.limit > 0), slots_(is_limited_ ? options.limit : 0) {}

task_group::~task_group() {
  ctx_.cancel();
  running_.wait();
}

result<void> task_group::wait_in_turn() {
  running_.wait();
  if (thrown_) std::rethrow_exception(thrown_);
  if (error_) return fail(error_);
  return {};
}

void task_group::fail_with(const error& e) noexcept {
  if (has_failed_.exchange(true, base::acq_rel)) return;
  error_ = e;
  ctx_.cancel(e);
}

void task_group::fail_with(std::exception_ptr thrown) noexcept {
  if (has_failed_.exchange(true, base::acq_rel)) return;
  ctx_.cancel(describe(thrown));
  thrown_ = std::move(thrown);
}

void task_group::finish_one() noexcept {
  if (is_limited_) slots_.release();
  running_.done();
}

}  // namespace weft
