# Models of the scheduler. machine.cpp says what is real in them and what is not.

# Tiny capacities. A queue of 256 behaves as one of 4, only later.
weft_model_edit(src/sched/run_queue.h FIND "capacity = 256" BY "capacity = 4")
weft_model_edit(src/sched/run_queue.h FIND "initial = 256" BY "initial = 4")
# The switch of stacks is the model's: the engine's threads run on stacks of their own (park_model.cpp). What saves and takes
# the permit to resume stays as it is.
weft_model_edit(src/arch/switch.h FIND "static_assert(sizeof(context) == 3 * sizeof(void*));"
  BY "void model_switch(context& from, context& to, void* to_sp) noexcept;")
weft_model_edit(src/arch/switch.h FIND "inline void switch_to(context& from, context& to, void* to_sp) noexcept {"
  BY "inline void switch_to(context& from, context& to, void* to_sp) noexcept { return model_switch(from, to, to_sp);")

weft_model_edit(src/arch/switch.h FIND "inline void switch_for_good(context& to, void* to_sp) noexcept {"
  BY "inline void switch_for_good(context& to, void* to_sp) noexcept { context nowhere; model_switch(nowhere, to, to_sp);")

# What depends on threads of the kernel: machine.cpp.
weft_model_edit(src/sched/worker.cpp FIND "pthread_create(&thread, &attributes, begin_worker, w)"
  BY "(thread = {}, static_cast<void>(begin_worker), model::start_thread(w))")
weft_model_edit(src/sched/worker.cpp FIND "pthread_setname_np(thread, \"weft-worker\");" BY "static_cast<void>(thread);")
weft_model_edit(src/sched/monitor.cpp FIND "pthread_create(&thread, &attributes, watch_for_ever, nullptr)"
  BY "(thread = {}, model::start_monitor(watch_for_ever))")
weft_model_edit(src/sched/monitor.cpp FIND "pthread_setname_np(thread, \"weft-monitor\");" BY "static_cast<void>(thread);")
weft_model_edit(src/sched/monitor.cpp FIND "pthread_detach(thread);" BY "")
weft_model_edit(src/sched/thread_sleeper.cpp FIND "constinit thread_local thread_sleeper own_sleeper;"
  BY "constinit thread_sleeper own_sleepers[8];")
weft_model_edit(src/sched/thread_sleeper.cpp FIND "return own_sleeper;" BY "return own_sleepers[model::thread_number()];")
weft_model_edit(src/sched/nursery.cpp FIND "std::realloc(" BY "model::reallocate(")
weft_model_edit(src/sched/nursery.cpp FIND "std::free(memory)" BY "::operator delete(memory)")
weft_model_edit(src/sched/nursery.h FIND "initial = 512" BY "initial = 16")
weft_model_edit(src/sched/birth.cpp FIND "if (has_left_its_block(*g, s))" BY "if (false && has_left_its_block(*g, s))")  # made anew for each execution
weft_model_edit(src/sched/monitor.cpp FIND "settle_ns = 20 * ms" BY "settle_ns = 0 * ms")
# All clocks are the model's.
weft_model_edit(src/arch/cycles.h FIND "has_cycles = true" BY "has_cycles = false")
# Counters that nothing depends on.
weft_model_edit(src/sched/idle.cpp FIND "the.wakeups.fetch_add(1, base::relaxed);" BY "")
weft_model_edit(src/sched/steal.cpp FIND "mine.steals.add_owned(1);" BY "")
weft_model_edit(src/sched/monitor.cpp FIND "the.retakes.add_owned(1);" BY "")
# What reports alone read.
weft_model_edit(src/sched/thread_sleeper.cpp FIND "if (me.thread == 0) list_thread(me);" BY "")
# Spins that only save time.
weft_model_edit(src/sched/thread_sleeper.cpp FIND "spins < 200" BY "spins < 0")
weft_model_edit(src/sched/loop.cpp FIND "search_ns = 30'000" BY "search_ns = -1")
weft_model_edit(src/sched/loop.cpp FIND "short_search_ns = 6'000" BY "short_search_ns = -1")
weft_model_edit(src/sched/loop.cpp FIND "i < pauses; ++i) base::pause()" BY "i < 0; ++i) base::pause()")
weft_model_edit(src/sched/steal.cpp FIND "stuck_ns = 5'000" BY "stuck_ns = -1")

set(scheduler_sources tests/model/machine.cpp src/base/spinlock.cpp src/sched/birth.cpp src/sched/deadline_clock.cpp
  src/sched/due_calls.cpp src/sched/idle.cpp src/sched/loop.cpp src/sched/monitor.cpp src/sched/nursery.cpp src/sched/own_queue.cpp
  src/sched/poller.cpp src/sched/run_queue.cpp src/sched/schedule.cpp src/sched/seam.cpp src/sched/sharing.cpp
  src/sched/spawn.cpp src/sched/steal.cpp src/sched/soonest.cpp src/sched/thread_sleeper.cpp src/sched/timer_heap.cpp src/sched/timers.cpp
  src/sched/watch.cpp src/sched/wheel.cpp src/sched/worker.cpp src/sched/yield.cpp src/trace/trace.cpp)

weft_model(run_queue SOURCES src/sched/run_queue.cpp)
weft_mutant(push_into_a_full_ring MODEL run_queue SOURCE src/sched/run_queue.h FILTER run_queue.a_slow*
  FIND "- head_.load(base::acquire) >= capacity" BY "- head_.load(base::acquire) > capacity")
weft_mutant(pop_without_compare_and_swap MODEL run_queue SOURCE src/sched/run_queue.h FILTER run_queue.every*
  FIND "if (head_.compare_exchange_weak(head, head + 1, base::acq_rel, base::acquire)) return runnable(word);"
  BY "head_.store(head + 1, base::release); return runnable(word);")
weft_model(idle SOURCES ${scheduler_sources})
weft_mutant(go_idle_without_second_look MODEL idle SOURCE src/sched/idle.cpp FILTER idle.injected_work_is_run
  FIND "what comes later sees us hungry\n  const refusal refused = std::exchange(w.refused, {});\n  if (work_is_visible(refused)) wake_one();\n  else if (refused.by)"
  BY "what comes later sees us hungry\n  const refusal refused = std::exchange(w.refused, {});\n  if (refused.by)")
weft_mutant(refused_thief_does_not_look_again MODEL idle SOURCE src/sched/idle.cpp FILTER idle.work_made*
  FIND "else if (refused.by) w.look_again_ns" BY "else if (false) w.look_again_ns")
weft_mutant(watcher_leaves_without_second_look MODEL idle SOURCE src/sched/idle.cpp FILTER idle.an_armed_timer_fires
  FIND "if (the.idle_processors.load(base::relaxed) != 0) ensure_watched();" BY "")
weft_mutant(earlier_timer_does_not_poke_the_watcher MODEL idle SOURCE src/sched/watch.cpp FILTER idle.an_armed_timer_fires
  FIND "if (the.watcher.load(base::acquire)) current_poller().wake();" BY "if (the.watcher.load(base::acquire)) {}")
weft_mutant(watcher_gathers_for_too_long MODEL idle SOURCE src/sched/watch.cpp FILTER idle.a_gathered*
  FIND "the.watch_deadline.store(deadline - slack, base::seq_cst);" BY "the.watch_deadline.store(now, base::seq_cst);")
weft_model(seize SOURCES ${scheduler_sources})
weft_mutant(outsider_does_not_look_again MODEL seize SOURCE src/sched/worker.h FILTER seize.thief*
  FIND "owned = w.inside.load(base::acquire) == 0;" BY "owned = true;")
weft_mutant(entering_worker_does_not_look MODEL seize SOURCE src/sched/worker.h FILTER seize.thief*
  FIND "if (arch::is_set(w.seized, base::acquire)) [[unlikely]] wait_while_seized(w);" BY "")
weft_model(timers SOURCES ${scheduler_sources})
weft_mutant(stop_does_not_wait_for_fire MODEL timers SOURCE src/sched/timers.cpp FILTER timers.stop_and*
  FIND "case timer::state::firing: break;" BY "case timer::state::firing: return false;")
weft_mutant(timer_is_disarmed_where_it_is_not MODEL timers SOURCE src/sched/timers.cpp FILTER timers.stop_finds*
  FIND "if (t.home.load(base::relaxed) != this || !wheel_.remove(t)) return false;"
  BY "if (!wheel_.remove(t)) return false;")
weft_mutant(deadline_does_not_claim MODEL timers SOURCE src/sched/schedule.cpp FILTER timers.deadline*
  FIND "if (self.claim.compare_exchange_strong(open, self.index, base::acq_rel, base::relaxed)) ready(self.who);"
  BY "if (self.claim.store(self.index, base::release), open == 0) ready(self.who);")

weft_model(spinlock SOURCES src/base/spinlock.cpp)

weft_model(park SOURCES ${scheduler_sources})
weft_mutant(resumed_before_it_left MODEL park SOURCE src/sched/loop.cpp FILTER park.a_goroutine*
  FIND "  if (!sp) {  // its last worker is still on its way off that stack" BY "  if (false) {")
weft_mutant(permit_of_a_late_ready_is_lost MODEL park SOURCE src/sched/thread_sleeper.cpp FILTER park.a_thread*
  FIND "if (me.permit.compare_exchange_strong(nothing, counted, base::seq_cst, base::acquire)) {"
  BY "static_cast<void>(nothing), me.permit.store(counted, base::seq_cst); {")

weft_model(monitor SOURCES ${scheduler_sources})
weft_mutant(busy_processor_wakes_no_monitor MODEL monitor SOURCE src/sched/monitor.cpp FILTER monitor.it_does*
  FIND "  if (!is_asleep.load(base::relaxed)) [[likely]] return;
  alarm" BY "  if (is_asleep.load(base::relaxed)) return;
  alarm")
weft_mutant(retaken_processor_is_given_to_nobody MODEL monitor SOURCE src/sched/monitor.cpp FILTER monitor.a_loop*
  FIND "  hand_over(&p);
  return true;" BY "  return true;")

weft_model(account SOURCES src/sync/wait_group.cpp ${scheduler_sources})
weft_mutant(ends_uncounted_by_its_account MODEL account SOURCE src/sched/birth.cpp FILTER account.those_that_are_given*
  FIND "if (g.born_into) wake(is_usual, p, leave_group(p ? &p->births : nullptr, *g.born_into));"
  BY "if (g.born_into) wake(is_usual, p, leave_group(nullptr, *g.born_into));")
