# Models of what sleeps above the scheduler: channels, select, locks. sleepers.cpp is the scheduler for them.
# What is drawn comes from the model (sleepers.h); a static with a guard is beyond the checker.
weft_model_edit(src/chan/select.cpp FIND "static constinit base::atomic<std::uint64_t> state"
  BY "base::atomic<std::uint64_t> state")
weft_model_edit(src/sync/mutex.cpp FIND "constexpr int spins = 30" BY "constexpr int spins = 0")

weft_model_edit(src/sched/biased_lock.h FIND "first_wanted = 256" BY "first_wanted = 1")

set(sleeping tests/model/sleepers.cpp src/base/spinlock.cpp src/sched/biased_lock.cpp src/sched/own_queue.cpp src/trace/trace.cpp)
weft_model(biased_lock SOURCES src/chan/select.cpp src/chan/channel.cpp src/os/own_memory.cpp ${sleeping})
weft_mutant(owner_does_not_look_again MODEL biased_lock SOURCE src/sched/biased_lock.h FILTER biased_lock.owner*
  FIND "if (word_.load(base::relaxed) == bias_to(&w)) [[likely]] return true;" BY "if (bias_to(&w) != 0) return true;")
weft_mutant(revocation_does_not_wait MODEL biased_lock SOURCE src/sched/biased_lock.cpp FILTER biased_lock.owner*
  FIND "while (names(*owner, this)) spin.wait();" BY "static_cast<void>(spin), static_cast<void>(names);")
weft_mutant(both_locks_in_one_slot MODEL biased_lock SOURCE src/sched/biased_lock.h FILTER biased_lock.two_at_once*
  FIND "if (slot >= worker::lock_slots || arch::is_set(w.holds[slot], base::relaxed)) [[unlikely]] return false;" BY "slot = 0;")
weft_mutant(a_bias_is_believed_without_a_look MODEL biased_lock SOURCE src/chan/select.cpp FILTER biased_lock.a_token*
  FIND "obstacles |= ch->lock.unlike_bias_to(*w);" BY "")
weft_mutant(short_sleep_without_the_locks MODEL biased_lock SOURCE src/chan/select.cpp FILTER biased_lock.a_select_sleeps*
  FIND "is_done = c.channel_->lock.try_lock_by_bias(w, locked);"
  BY "static_cast<void>(c.channel_->lock.try_lock_by_bias(w, locked));")
weft_mutant(short_sleep_is_not_taken_back MODEL biased_lock SOURCE src/chan/select.cpp FILTER biased_lock.a_select_sleeps*
  FIND "if (!is_done) [[unlikely]] take_back(i);" BY "")
weft_model(chan SOURCES src/chan/channel.cpp ${sleeping})
weft_mutant(sender_behind_a_full_buffer_stays MODEL chan SOURCE src/chan/channel.h FILTER chan.a_receive_lets*
  FIND "if (waiter* sender = senders.pop()) {" BY "if (waiter* sender = nullptr) {")
weft_mutant(close_forgets_the_senders MODEL chan SOURCE src/chan/channel.cpp FILTER chan.a_close_wakes*
  FIND "for (waiter_queue* queue : {&receivers, &senders})" BY "for (waiter_queue* queue : {&receivers})")
weft_mutant(recv_does_not_look_for_the_close MODEL chan SOURCE src/chan/channel.cpp FILTER chan.close_comes*
  FIND "  if (ch.closed.load(base::relaxed)) {
    ch.lock.unlock();
    return false;" BY "  if (false) {
    ch.lock.unlock();
    return false;")
weft_mutant(waiter_queued_after_the_lock MODEL chan SOURCE src/chan/channel.cpp FILTER chan.a_value*
  FIND "  queue.push_back(me);
  ch.lock.unlock();" BY "  ch.lock.unlock();
  queue.push_back(me);")

weft_model(select SOURCES src/chan/select.cpp src/chan/channel.cpp src/os/own_memory.cpp ${sleeping})
weft_mutant(claim_that_always_wins MODEL select SOURCE include/weft/detail/waiter.h FILTER select.two_wakers*
  FIND "return node.claim->compare_exchange_strong(open, node.index, base::acq_rel, base::acquire);"
  BY "node.claim->compare_exchange_strong(open, node.index, base::acq_rel, base::acquire); return true;")
weft_mutant(losing_waiters_stay_queued MODEL select SOURCE src/chan/select.cpp FILTER select.two_wakers*
  FIND "queue_of(c).remove(c.waiter_);" BY ";")
weft_mutant(nothing_is_ready_without_versions MODEL select SOURCE src/chan/select.cpp FILTER select.a_token_that_goes*
  FIND "|| c->channel_->version.load(base::acquire) != versions[i]" BY "|| !versions")
set_tests_properties(model.select.mutant_nothing_is_ready_without_versions_is_caught PROPERTIES
  ENVIRONMENT WEFT_MODEL_DEPTH=2)  # the mistake takes five switches
weft_mutant(waits_without_a_second_look MODEL select SOURCE src/chan/select.cpp FILTER select.two_wakers*
  FIND "if (const std::size_t position = choose_locked(); position != none_ready) return position;" BY "")

weft_model(mutex SOURCES src/sync/mutex.cpp src/sync/restartable.cpp ${sleeping})
weft_mutant(stores_given_up_without_a_restart MODEL mutex SOURCE src/sync/restartable.cpp FILTER mutex.stores*
  FIND "  os::restart_threads();
  must_restart" BY "  must_restart")
weft_mutant(stores_allowed_before_restarts MODEL mutex SOURCE src/sync/restartable.cpp FILTER mutex.stores*
  FIND "must_restart.store(true, base::relaxed);
  base::thread_fence(base::seq_cst);  // who did not see that has changed the word before: its fence came first
  stores_allowed.store(1, base::release);"
  BY "stores_allowed.store(1, base::release);
  must_restart.store(true, base::relaxed);")
weft_mutant(waiters_not_announced MODEL mutex SOURCE src/sync/mutex.cpp FILTER mutex.two_threads*
  FIND "seen = announce();" BY "seen = state_.load(base::relaxed);")
weft_mutant(careful_is_not_made_sure_of MODEL mutex SOURCE src/sync/mutex.cpp FILTER mutex.two_threads*
  FIND "    restart_all();" BY "    seen |= careful, static_cast<void>(restart_all);")
weft_mutant(careful_is_not_looked_for_again MODEL mutex SOURCE src/sync/mutex.cpp FILTER mutex.two_threads*
  FIND "    seen = state_.fetch_or(waiters | careful, base::relaxed);
  }" BY "    seen |= careful;
  }")
weft_mutant(bit_cleared_while_others_wait MODEL mutex SOURCE src/sync/mutex.cpp FILTER mutex.three*
  FIND "if (waiters_.empty()) state_.fetch_and(~queue_bits, base::relaxed);
          return;" BY "state_.fetch_and(~queue_bits, base::relaxed);
          return;")
weft_mutant(woken_gives_way_to_who_starves MODEL mutex SOURCE src/sync/mutex.cpp FILTER mutex.who_is_woken*
  FIND "(!(seen & starving) || waiting_since != 0)) {" BY "(!(seen & starving) || overdue)) {")
weft_mutant(unlock_looks_back MODEL mutex SOURCE src/sync/mutex.cpp FILTER mutex.the_last_owner*
  FIND "return crowded ? sched::ready_here(next) : sched::ready(next);"
  BY "sched::ready(next); static_cast<void>(crowded); state_.load(base::relaxed); return;")
weft_mutant(handed_over_and_let_go MODEL mutex SOURCE src/sync/mutex.cpp FILTER mutex.it_is_handed*
  FIND "if (!first->success) state_.fetch_and" BY "state_.fetch_and")

weft_model(wait_group SOURCES src/sync/wait_group.cpp ${sleeping})
weft_mutant(wait_does_not_look_again MODEL wait_group SOURCE src/sync/wait_group.cpp FILTER wait_group.both*
  FIND "      if (counter(seen) == 0) return base::race::acquire(&state);" BY "")
weft_mutant(waiter_counted_before_it_is_queued MODEL wait_group SOURCE src/sync/wait_group.cpp FILTER wait_group.both*
  FIND "    if ((seen & waiters_mask) != 0) {
      waiters_.push_back(me);
    } else {" BY "    if ((seen & waiters_mask) != 0) {
      queue_lock_.unlock();
      queue_lock_.lock();
      waiters_.push_back(me);
    } else {")
weft_mutant(last_one_does_not_put_the_waiter_back MODEL wait_group SOURCE src/sched/account.h FILTER wait_group.both*
  FIND "if (detail::group::counter(last) > 0) g.first_waiter.store(who, base::release);" BY "")

weft_model(semaphore SOURCES src/sync/semaphore.cpp ${sleeping})
weft_mutant(release_that_wakes_nobody MODEL semaphore SOURCE src/sync/semaphore.cpp FILTER semaphore.one_unit*
  FIND "    granted = take_granted();" BY "")
weft_mutant(newcomer_past_the_queue MODEL semaphore SOURCE src/sync/semaphore.cpp FILTER semaphore.a_large*
  FIND "    if (waiters_.empty() && available_ >= n) {" BY "    if (available_ >= n) {")

weft_model(rw_mutex SOURCES src/sync/rw_mutex.cpp ${sleeping})
weft_mutant(last_reader_wakes_nobody MODEL rw_mutex SOURCE src/sync/rw_mutex.cpp FILTER rw_mutex.readers_see*
  FIND "if (!(left & all_readers) && (next = writers_.pop()))" BY "if ((left & all_readers) == one_reader && (next = writers_.pop()))")
weft_mutant(reader_enters_beside_a_writer MODEL rw_mutex SOURCE src/sync/rw_mutex.cpp FILTER rw_mutex.readers_see*
  FIND "if (!(seen & writer) && writers_.empty()) {" BY "if (seen != ~0u && writers_.empty()) {")

weft_model(cond SOURCES src/sync/cond.cpp src/sync/mutex.cpp src/sync/restartable.cpp ${sleeping})
weft_mutant(queued_after_the_unlock MODEL cond SOURCE src/sync/cond.cpp FILTER cond.a_notify*
  FIND "  lock.unlock();
  sched::park(sched::wait_reason::cond_wait, this);" BY "  sched::park(sched::wait_reason::cond_wait, this);
  lock.unlock();")
weft_mutant(notify_that_a_deadline_swallows MODEL cond SOURCE src/sync/cond.cpp FILTER cond.a_deadline*
  FIND "    first = waiters_.pop();" BY "    if ((first = waiters_.front())) waiters_.remove(*first);
    if (first && !detail::waiter_queue::claim(*first)) first = nullptr;")
