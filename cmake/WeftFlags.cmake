# Compiler flags, in one place.
#
#   weft_warnings(target)       what every target of this project is compiled with
#   weft_library_flags(target)  the above, and what only the runtime needs
#   weft_sanitize_everything()  WEFT_SANITIZE for all targets made after it; the library takes some of it back

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
  # No frames there; the register stays the caller's, so the chain of frames misses one and does not break.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT WEFT_SANITIZE)
    set_source_files_properties("${PROJECT_SOURCE_DIR}/src/sched/yield.cpp" PROPERTIES
      COMPILE_OPTIONS "-fomit-frame-pointer;-ffixed-rbp" SKIP_PRECOMPILE_HEADERS ON)
  endif()
  # Debug builds check the order in which runtime locks are taken (weft/detail/spinlock.h).
  target_compile_definitions(${target} PUBLIC $<BUILD_INTERFACE:$<$<CONFIG:Debug>:WEFT_LOCK_CHECKS>>)
  weft_sanitize_library(${target})
  if(WEFT_COVERAGE)
    # -O1 keeps lines apart; the counters are atomic, as goroutines move between threads.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:--coverage -fprofile-update=atomic -O1>)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()

function(weft_sanitize_everything)
  if(WEFT_SANITIZE STREQUAL "thread")
    set(flags -fsanitize=thread)
    add_compile_definitions(WEFT_TSAN)  # for tests too, which see the library's own headers
  elseif(WEFT_SANITIZE STREQUAL "address")
    set(flags -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    add_compile_definitions(WEFT_ASAN)
  elseif(WEFT_SANITIZE)
    message(FATAL_ERROR "WEFT_SANITIZE is `${WEFT_SANITIZE}`; there are: thread, address")
  endif()
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:${flags}>")
  add_link_options(${flags})
endfunction()

# The library is not instrumented against races, it says itself what is in order (src/base/race.h), but for stop.cpp, which
# says why. Its copies of inline functions and templates must then be its own: the linker would take the program's.
function(weft_sanitize_library target)
  if(WEFT_SANITIZE STREQUAL "thread")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=thread>)
    set_source_files_properties("${PROJECT_SOURCE_DIR}/src/context/stop.cpp" PROPERTIES
      COMPILE_OPTIONS -fsanitize=thread SKIP_PRECOMPILE_HEADERS ON)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND "${CMAKE_COMMAND}" -D "ARCHIVE=$<TARGET_FILE:${target}>" -D "INSTRUMENTED=$<$<STREQUAL:${target},weft>:stop.cpp.o>"
              -D "AR=${CMAKE_AR}" -D "NM=${CMAKE_NM}" -D "OBJCOPY=${CMAKE_OBJCOPY}"
              -P "${PROJECT_SOURCE_DIR}/cmake/private_inlines.cmake")
  endif()
endfunction()
