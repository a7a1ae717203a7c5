# The model of descriptors: poll/ over the timers. poller_model.cpp says what is real and what is not.
weft_model(poller SOURCES src/poll/deadline.cpp src/poll/descriptor.cpp src/poll/gate.cpp src/poll/readiness.cpp
  src/poll/rounds.cpp src/poll/sleep.cpp src/chan/channel.cpp src/sched/deadline_clock.cpp src/sched/soonest.cpp
  src/sched/timer_heap.cpp
  src/sched/timers.cpp src/sched/wheel.cpp ${sleeping})
weft_mutant(waiter_does_not_look_for_an_edge MODEL poller SOURCE src/poll/readiness.cpp FILTER poller.an_edge*
  FIND "if (!even_if_ready && l.edges.load(base::relaxed) != l.drained.load(base::relaxed)) return outcome::ready;"
  BY "static_cast<void>(even_if_ready);")
weft_mutant(drained_up_to_an_edge_after_the_call MODEL poller SOURCE src/poll/descriptor.h FILTER poller.every_edge*
  FIND "      ready_.drained(d, edge);" BY "      ready_.drained(d, ready_.edge(d));")
weft_mutant(hang_up_told_after_its_edge MODEL poller SOURCE src/poll/readiness.cpp FILTER poller.the_end*
  FIND "  if (what & post_closing) closing_told_.store(true, base::relaxed);
  for (auto [bit, l] : {std::pair{post_read, &lanes_[0]}, std::pair{post_write, &lanes_[1]}}) {
    if (!(what & bit)) continue;
    l->edges.store(l->edges.load(base::relaxed) + 1, base::release);
    take_out_all(*l, woken);
  }" BY "  for (auto [bit, l] : {std::pair{post_read, &lanes_[0]}, std::pair{post_write, &lanes_[1]}}) {
    if (!(what & bit)) continue;
    l->edges.store(l->edges.load(base::relaxed) + 1, base::release);
    take_out_all(*l, woken);
  }
  if (what & post_closing) closing_told_.store(true, base::relaxed);")
weft_mutant(generation_is_not_compared MODEL poller SOURCE src/poll/readiness.cpp FILTER poller.an_event*
  FIND "if (is_closed_ || generation != generation_) return;" BY "if (is_closed_ || generation == 0) return;")
weft_mutant(close_forgets_who_reads MODEL poller SOURCE src/poll/readiness.cpp FILTER poller.a_close*
  FIND "    take_out_all(lanes_[0], woken);" BY "")
weft_mutant(who_queues_for_a_turn_misses_the_shut MODEL poller SOURCE src/poll/gate.cpp FILTER poller.a_close*
  FIND "if (now & shut_bit) return outcome::closed;
      const bool" BY "const bool")
weft_mutant(who_queues_for_a_turn_is_not_announced MODEL poller SOURCE src/poll/gate.cpp FILTER poller.readers*
  FIND "(now + one_user) | busy(d) : now | queued(d);" BY "(now + one_user) | busy(d) : now;")
weft_mutant(early_timer_is_not_armed_again MODEL poller SOURCE src/poll/deadline.cpp FILTER poller.*was_moved*
  FIND "if (is_early) adjust(d);" BY "")
weft_mutant(adjuster_does_not_look_again MODEL poller SOURCE src/poll/deadline.cpp FILTER poller.one_of_two*
  FIND "if (!is_closed_ && wanted_ns(d) < a.armed_ns) continue;" BY "")
weft_mutant(retire_does_not_wait_for_the_adjuster MODEL poller SOURCE src/poll/deadline.cpp FILTER poller.no_timer*
  FIND "if (!a.adjusting) {" BY "if (true) {")
weft_mutant(fired_deadline_wakes_nobody MODEL poller SOURCE src/poll/deadline.cpp FILTER poller.a_deadline_wakes*
  FIND "      expired_of(d).store(true, base::release);
      take_out_all(lane_of(d), woken);" BY "      expired_of(d).store(true, base::release);")
weft_mutant(impatient_waiter_stays_queued MODEL poller SOURCE src/poll/readiness.cpp FILTER poller.data_and*
  FIND "    withdraw(d, rest.request);
    return end == sleep::cancelled ? outcome::cancelled : outcome::timed_out;"
  BY "    return end == sleep::cancelled ? outcome::cancelled : outcome::timed_out;")
weft_mutant(reader_sleeps_on_a_muted_descriptor MODEL poller SOURCE src/poll/descriptor.h FILTER poller.nobody*
  FIND "if (rounds_.is_muted()) [[unlikely]] unmute();" BY "")
weft_mutant(what_unmuting_tells_is_taken_for_old MODEL poller SOURCE src/poll/descriptor.h FILTER poller.nobody*
  FIND "if (rounds_.is_muted()) [[unlikely]] unmute();"
  BY "if (rounds_.is_muted()) { unmute(); ready_.drained(d, ready_.edge(d)); }")
