# One step of the install test; see CMakeLists.txt for the variables.

# Runs a command, shows what it says when it fails, leaves its stdout in `output`.
macro(expect)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}\n${output}\n${errors}")
  endif()
endmacro()

macro(expect_output text)
  if(NOT output STREQUAL "${text}\n")
    message(FATAL_ERROR "expected '${text}', got '${output}'")
  endif()
endmacro()

set(greeting "42 from weft ${VERSION}")

if(STEP STREQUAL "copy")
  # Moved after it was installed: nothing in it may know where it was made.
  file(REMOVE_RECURSE "${STAGED}" "${PREFIX}")
  expect(${CMAKE_COMMAND} --install "${BUILD_DIR}" --prefix "${STAGED}")
  file(RENAME "${STAGED}" "${PREFIX}")
  file(GLOB_RECURSE texts "${PREFIX}/*.cmake" "${PREFIX}/*.pc" "${PREFIX}/*.h")
  foreach(text IN LISTS texts)
    file(READ "${text}" content)
    string(FIND "${content}" "${SOURCE_DIR}/" place)
    if(NOT place EQUAL -1)
      message(FATAL_ERROR "${text} names the source tree")
    endif()
  endforeach()

elseif(STEP STREQUAL "find_package")
  file(REMOVE_RECURSE "${WORK}")
  expect(${CMAKE_COMMAND} -S "${CONSUMER}" -B "${WORK}" -G Ninja "-DCMAKE_PREFIX_PATH=${PREFIX}"
    "-DCMAKE_CXX_COMPILER=${CXX}" "-DWANTED_VERSION=${VERSION}")
  expect(${CMAKE_COMMAND} --build "${WORK}")
  expect("${WORK}/consumer")
  expect_output("${greeting}")

elseif(STEP STREQUAL "pkg_config")
  file(MAKE_DIRECTORY "${WORK}")
  set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${LIBDIR}/pkgconfig")
  expect(pkg-config --modversion weft)
  expect_output("${VERSION}")
  expect(pkg-config --cflags weft)
  separate_arguments(compile_flags UNIX_COMMAND "${output}")
  expect(pkg-config --libs weft)
  separate_arguments(link_flags UNIX_COMMAND "${output}")
  expect(${CXX} ${compile_flags} "${CONSUMER}/main.cpp" ${link_flags} -o "${WORK}/consumer")
  expect("${WORK}/consumer")
  expect_output("${greeting}")

elseif(STEP STREQUAL "command")
  set(ENV{XDG_CACHE_HOME} "${WORK}")
  expect("${PREFIX}/bin/weft" run "${CONSUMER}/main.cpp")
  expect_output("${greeting}")
  file(REMOVE_RECURSE "${WORK}")

elseif(STEP STREQUAL "subdirectory")
  # Configured only: the library itself is the same, what may break is its targets and its options.
  file(REMOVE_RECURSE "${WORK}")
  expect(${CMAKE_COMMAND} -S "${CONSUMER}" -B "${WORK}" -G Ninja "-DWEFT_TREE=${SOURCE_DIR}" "-DCMAKE_CXX_COMPILER=${CXX}")
  if(EXISTS "${WORK}/weft/tests" OR EXISTS "${WORK}/weft/tools")
    message(FATAL_ERROR "a subdirectory builds its tests or tools without being asked to")
  endif()
else()
  message(FATAL_ERROR "no step '${STEP}'")
endif()
