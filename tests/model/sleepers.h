// Sleeping and waking for models of what is above the scheduler: channels, select, locks. sleepers.cpp defines park, ready
// and their kin for the engine's threads, as sched/thread_sleeper.cpp does for plain ones, and checks the caller's half of
// the contract: exactly one ready() per park() (sched/goroutine.h, G2).
#pragma once

namespace sleepers {

// At the end of a model: nobody was made runnable who did not sleep.
void check_no_wake_is_left_over() noexcept;

// What the runtime draws becomes a choice of the model: every order in which select may look at up to three cases.
void explore_random_choices() noexcept;

}  // namespace sleepers
