# Compiler flags, in one place.
#
#   weft_warnings(target)       what every target of this project is compiled with
#   weft_library_flags(target)  the above, and what only the runtime needs

function(weft_warnings target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic>)
  if(WEFT_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
endfunction()

function(weft_library_flags target)
  weft_warnings(${target})
  # Position independent, so that a shared library may contain the runtime; the linker relaxes the calls back in an
  # executable. Thread-locals are initial-exec: one load, and no call that could allocate inside a stack switch.
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer -ftls-model=initial-exec -fno-semantic-interposition>)
  # Debug builds check the order in which runtime locks are taken (weft/detail/spinlock.h).
  target_compile_definitions(${target} PUBLIC $<BUILD_INTERFACE:$<$<CONFIG:Debug>:WEFT_LOCK_CHECKS>>)
  if(WEFT_COVERAGE)
    # -O1 keeps lines apart; the counters are atomic, as goroutines move between threads.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:--coverage -fprofile-update=atomic -O1>)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()
