// Catch2's own code, compiled once for the whole suite.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

int run_test_session(int argc, char** argv);
int run_test_session(int argc, char** argv) { return Catch::Session().run(argc, argv); }
