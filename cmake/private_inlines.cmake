# Gives an archive inline functions of its own, and memory functions that ThreadSanitizer does not look at.
#
#   cmake -D ARCHIVE=libweft.a -D INSTRUMENTED=member.o -D AR=ar -D NM=nm -D OBJCOPY=objcopy -P private_inlines.cmake
#
# An inline function or a template is compiled into every object that uses it, and the linker keeps one copy for all. A
# program for ThreadSanitizer brings instrumented copies of std::vector and of the runtime's own headers; were they taken
# for the library as well, its locks and queues would order goroutines that have nothing to do with each other, and its
# plain fields would be races. So the weak functions of the archive get names that nobody else has. Weak data, the
# type information and static variables of inline functions, stay shared.
#
# The one member that is instrumented gets names of its own in turn: its copies are for itself, and it takes nobody else's.
#
# And malloc, operator new, memcpy and their kin, which the detector's runtime intercepts wherever they are called, are
# led past it: see src/base/race.cpp.

# Lines for objcopy: the weak functions of a file, and their new names.
function(rename_weak file prefix into)
  execute_process(COMMAND "${NM}" --defined-only --format=posix "${file}"
    OUTPUT_VARIABLE symbols ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^ \n]+ W " weak "${symbols}")
  list(TRANSFORM weak REPLACE " W $" "")
  list(REMOVE_DUPLICATES weak)
  list(FILTER weak EXCLUDE REGEX "^weft_(own|instrumented)_")
  list(TRANSFORM weak REPLACE "(.+)" "\\1 ${prefix}\\1\n")
  string(CONCAT lines ${weak})
  set(${into} "${lines}" PARENT_SCOPE)
endfunction()

get_filename_component(folder "${ARCHIVE}" DIRECTORY)
if(INSTRUMENTED)
  execute_process(COMMAND "${AR}" x "${ARCHIVE}" "${INSTRUMENTED}" WORKING_DIRECTORY "${folder}" COMMAND_ERROR_IS_FATAL ANY)
  rename_weak("${folder}/${INSTRUMENTED}" weft_instrumented_ renamed)
  file(WRITE "${ARCHIVE}.instrumented" "${renamed}")
  execute_process(COMMAND "${OBJCOPY}" "--redefine-syms=${ARCHIVE}.instrumented" "${INSTRUMENTED}"
    WORKING_DIRECTORY "${folder}" COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${AR}" r "${ARCHIVE}" "${INSTRUMENTED}" WORKING_DIRECTORY "${folder}" COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE "${folder}/${INSTRUMENTED}")
endif()

rename_weak("${ARCHIVE}" weft_own_ renamed)
set(real "")
foreach(name malloc calloc realloc free memcpy memmove memset memcmp bcmp strlen _Znwm _Znam _ZnwmSt11align_val_t _ZnamSt11align_val_t _ZdlPv
        _ZdlPvm _ZdaPv _ZdaPvm _ZdlPvSt11align_val_t _ZdlPvmSt11align_val_t _ZdaPvSt11align_val_t _ZdaPvmSt11align_val_t)
  string(APPEND renamed "${name} weft_quiet_${name}\n")
  string(APPEND real "weft_real_${name} ${name}\n")
endforeach()
file(WRITE "${ARCHIVE}.renamed" "${renamed}")
file(WRITE "${ARCHIVE}.real" "${real}")
execute_process(COMMAND "${OBJCOPY}" "--redefine-syms=${ARCHIVE}.renamed" "${ARCHIVE}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${OBJCOPY}" "--redefine-syms=${ARCHIVE}.real" "${ARCHIVE}" COMMAND_ERROR_IS_FATAL ANY)
