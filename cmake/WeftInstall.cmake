# Install rules: headers, the archive, the CMake package (weft::weft), weft.pc and the command.
include(CMakePackageConfigHelpers)
set(WEFT_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/weft")

install(TARGETS weft weft_hook_archive weft_hook EXPORT weftTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(FILES "${PROJECT_BINARY_DIR}/include/weft/version.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/weft")
# Programs have it inside; this copy is for those that were stripped.
install(FILES "${PROJECT_SOURCE_DIR}/tools/gdb/weft_gdb.py" DESTINATION "${CMAKE_INSTALL_DATADIR}/weft/gdb")
install(EXPORT weftTargets NAMESPACE weft:: DESTINATION "${WEFT_CMAKE_DIR}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/weftConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/weftConfig.cmake" INSTALL_DESTINATION "${WEFT_CMAKE_DIR}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/weftConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/weftConfig.cmake" "${PROJECT_BINARY_DIR}/weftConfigVersion.cmake"
  DESTINATION "${WEFT_CMAKE_DIR}")

# weft.pc finds its prefix from its own place, so that an installed copy may be moved.
file(RELATIVE_PATH WEFT_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" WEFT_PC_PREFIX "${WEFT_PC_PREFIX}")
configure_file(cmake/weft.pc.in "${PROJECT_BINARY_DIR}/weft.pc" @ONLY)
configure_file(cmake/weft-hook.pc.in "${PROJECT_BINARY_DIR}/weft-hook.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/weft.pc" "${PROJECT_BINARY_DIR}/weft-hook.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
