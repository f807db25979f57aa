#pragma once

// The one way into Catch2: Debian 12 has version 2, Ubuntu 24.04 version 3.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

// Runs the test cases that the command line selects; 0 if all passed.
int run_test_session(int argc, char** argv);
