# The suite in a build for a sanitizer (docs/sanitizers.md): all of it, but for what is named here, and why.
#
# A program's tests share one process: to start one costs more than most tests take. GTEST_FILTER leaves out what is to be.
if(NOT WEFT_SANITIZE)
  return()
endif()

# Debian's Clang 19 looks for a symbolizer that only the package llvm-19 has. No second of sleep at each end.
find_program(WEFT_SYMBOLIZER NAMES llvm-symbolizer-19 llvm-symbolizer addr2line)
set(sanitizer_options "TSAN_OPTIONS=external_symbolizer_path=${WEFT_SYMBOLIZER}:atexit_sleep_ms=0"
  "ASAN_OPTIONS=external_symbolizer_path=${WEFT_SYMBOLIZER}"
  "UBSAN_OPTIONS=external_symbolizer_path=${WEFT_SYMBOLIZER}:print_stacktrace=1")

# Folders. The models bring a runtime of their own for -fsanitize=thread; installation, tools and texts are the same in every
# build.
set(not_sanitized model install cli docs layers lab)
if(WEFT_SANITIZE STREQUAL "thread")
  # weft::hook's functions take the place of the detector's, which would then know of no lock and no descriptor.
  list(APPEND not_sanitized hook)
endif()
# They replace malloc, as the sanitizers do; measure memory, CPU time at rest (the race detector's own thread takes some), or how
# often somebody is disturbed; read all memory, shadow memory too, which takes minutes.
set(not_sanitized_programs semantics_no_allocation semantics_memory semantics_idle semantics_sharing debug_leaks)
# All tests of the poller in one process take minutes there.
set(not_sanitized_variants uring.poll)

# Programs whose tests need a process each, as all have in other builds: what they bring about stays.
set(one_by_one debug_deadlocks unit_sched)

# Names as for --gtest_filter.
set(left_out
  # They measure memory, or take minutes.
  dump_of_many.is_quick_and_small
  # Clang's -g1 tells an inlined function's name without its namespaces, so that the runtime's own frames are not known for
  # such; and the functions that the sanitizers put in front of libstdc++'s have other names.
  dump.shows_parked_goroutines_in_the_form_of_go escaping_exception.dumps_where_it_was_thrown_and_all_others
  # operator new does not throw there.
  thrown.a_channel_that_no_memory_could_hold_throws_bad_alloc
  # They count threads, of which a sanitizer has one of its own.
  process_threads.count_* signals.keep_no_thread_when_nothing_is_watched
  # It measures memory; others that do skip themselves (tests/unit/stack/process.h).
  many.ten_thousand_connections_idle_and_busy
  # Their bounds count what others do meanwhile, for who is as quick as without a sanitizer: the monitor comes by the clock.
  fairness_of_the_inject_queue.a_burst_from_outside_runs_within_a_few_rounds_of_those_inside
  net_fairness.no_connection_waits_while_others_are_served_again_and_again
  # A turn under a sanitizer is a long one.
  on/lone_events.wake_nobody_else/*
  # Where no thread can be started, a sanitizer's runtime has no memory either, and says that first.
  limits.a_thread_that_the_kernel_refuses_is_a_clear_error
  # The sanitizers end a program that crashes themselves.
  stack_overflow.another_segmentation_fault_is_not_called_one
  exploration.the_seed_is_printed_when_the_process_dies_in_a_schedule
  # What it looks for is inlined in the builds that it is written for.
  symbols.name_function_file_and_line_of_inlined_frames_too
  # The caller of a system call is a function of the sanitizer there.
  unwind.walks_threads_that_are_blocked_in_the_kernel
  dump.ends_with_the_users_frames_where_the_first_function_blocks_in_the_kernel
)
if(WEFT_SANITIZE STREQUAL "address")
  list(APPEND left_out
    # It copies a whole section of the program, redzones included.
    unwind.survives_broken_data
    # Frames are many times larger.
    stacks.a_64_MiB_stack_on_request_holds_a_60_MiB_recursion
    # UndefinedBehaviorSanitizer asks a pipe whether memory can be read, and none can be had where descriptors are short.
    limits.without_descriptors_accept_waits_and_recovers_and_nothing_is_lost limits.close_ends_an_accept_that_pauses
  )
else()
  list(APPEND left_out
    # Unit tests that rely on the order which the runtime's inner parts make. Nothing is told of it, so that it hides no
    # race of a program (R1 in src/base/race.h).
    spinlock.one_holder_at_a_time_who_sees_what_the_last_one_wrote
    from/poll_gate.callers_of_one_direction_take_turns_and_directions_do_not_mind_each_other/*
    from/poll_gate.turns_come_first_come_first_served/*
    unwind.walks_parked_goroutines unwind.asks_threads_that_run
    # The signal comes in the middle of what the detector does itself.
    sigquit.finds_the_program_in_the_middle_of_anything
    # Races that explorations are to find.
    exploration.a_failed_expectation_is_a_failure_of_its_schedule
    is/planted_bug.replays_from_its_seed_with_the_same_bytes_in_another_process/send_after_close
    exploration.one_goroutine_runs_at_a_time_on_any_number_of_processors exploration.point_is_where_plain_memory_races_show
    is/planted_bug.found_within_1000_schedules_from_every_seed_by_random_and_by_pct/send_after_close
    is/planted_bug.found_within_1000_schedules_from_every_seed_by_random_and_by_pct/group_misuse
    # They rely on what one processor or one thread does in turn, which is no order for the detector.
    procs.with_one_processor_goroutines_take_turns
    from/migration.a_thread_local_belongs_to_the_thread_that_runs_the_goroutine/*
    from/pin_everywhere.thread_locals_are_stable_inside_a_pin/*
    # Copies of an exception_ptr are counted in libstdc++, which is not instrumented.
    from/exceptions_everywhere.an_exception_pointer_travels_through_a_channel/*
    # Its runtime has a thread that might wake anybody, as far as weft can tell: no deadlock is ever seen.
    deadlock.* deadlock_report.* chan_nil_alone.* poll_descriptor.a_descriptor_nobody_waits_for_hides_no_deadlock
  )
endif()

# Variants run whole programs: they learn by their environment what to leave out.
list(JOIN left_out ":" filter)
list(APPEND sanitizer_options "GTEST_FILTER=-${filter}")

function(weft_join_sanitized program)
  if(NOT TARGET tests_sanitized)
    add_custom_target(tests_sanitized)  # what a build for a sanitizer runs
  endif()
  add_dependencies(tests_sanitized ${program})
endfunction()

# All tests of a program in one process.
function(weft_add_sanitized_program program folder labels serial)
  add_test(NAME ${folder}.${program} COMMAND ${program})
  set_tests_properties(${folder}.${program} PROPERTIES
    ENVIRONMENT "${sanitizer_options}" LABELS "${labels}" TIMEOUT 400 RUN_SERIAL ${serial})
  weft_join_sanitized(${program})
endfunction()

# Appends to a file that ctest reads after it has found the tests of a program.
function(weft_sanitize_tests program file)
  set(patterns "${left_out}")
  list(TRANSFORM patterns REPLACE "[.]" "[.]")
  list(TRANSFORM patterns REPLACE "[*]" ".*")
  list(JOIN patterns "|" patterns)
  file(APPEND "${file}" "set_tests_properties(\${${program}_tests} PROPERTIES ENVIRONMENT \"${sanitizer_options}\")
set(left_out \${${program}_tests})
list(FILTER left_out INCLUDE REGEX \"^[^.]+[.](${patterns})( |$)\")
if(left_out)
  set_tests_properties(\${left_out} PROPERTIES DISABLED TRUE)
endif()
")
  weft_join_sanitized(${program})
endfunction()
