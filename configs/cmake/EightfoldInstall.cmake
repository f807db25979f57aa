# find_package(eightfold) for others: eightfold::eightfold is the whole library, eightfold::<folder> a part of it.
include(CMakePackageConfigHelpers)

add_library(eightfold INTERFACE)
add_library(eightfold::eightfold ALIAS eightfold)
target_link_libraries(eightfold INTERFACE eightfold_runtime)
install(TARGETS eightfold EXPORT eightfoldTargets)

set(eightfold_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/eightfold)
install(EXPORT eightfoldTargets NAMESPACE eightfold:: DESTINATION ${eightfold_package_dir})
configure_package_config_file(configs/cmake/eightfoldConfig.cmake.in
  ${PROJECT_BINARY_DIR}/eightfoldConfig.cmake INSTALL_DESTINATION ${eightfold_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/eightfoldConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/eightfoldConfig.cmake ${PROJECT_BINARY_DIR}/eightfoldConfigVersion.cmake
  configs/cmake/FindcuDNN.cmake configs/cmake/FindoneDNN.cmake configs/cmake/FindxxHash.cmake
  DESTINATION ${eightfold_package_dir})
install(DIRECTORY configs/jobs configs/fabrics configs/workloads DESTINATION ${CMAKE_INSTALL_DATADIR}/eightfold)
