// The main of test programs that run as one process.
#include "tests/support/test.hpp"

int main(int argc, char** argv) {
  return run_test_session(argc, argv);
}
