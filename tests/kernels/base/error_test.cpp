#include "kernels/base/error.hpp"

#include "tests/support/test.hpp"

#include <string>
#include <system_error>

using namespace eightfold::base;

TEST_CASE("raise throws the type it names, with its exit code, message and place") {
  try {
    raise<DataError>("{}: {} bytes missing", "train.idx", 3);
    FAIL("raise returned");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) == "train.idx: 3 bytes missing");
    CHECK(error.exit_code() == ExitCode::data);
    CHECK(std::string(error.where().file_name()).ends_with("error_test.cpp"));
    CHECK(error.where().line() > 0);
  }
}

TEST_CASE("each family has the exit code that scripts see") {
  CHECK_THROWS_AS(raise<ConfigError>("x"), ConfigError);
  CHECK(static_cast<int>(ConfigError("x").exit_code()) == 2);
  CHECK(static_cast<int>(EnvironmentError("x").exit_code()) == 3);
  CHECK(static_cast<int>(DataError("x").exit_code()) == 4);
  CHECK(static_cast<int>(DivergenceError("x").exit_code()) == 7);
}

TEST_CASE("require passes on true and blames this program on false") {
  CHECK_NOTHROW(require(true, "never seen {}", 1));
  CHECK_THROWS_AS(require(false, "two and two are {}", 5), InternalError);
}

TEST_CASE("a library's error names the call, its code and reason, and is a matter of the environment") {
  const LibraryError error("MPI_Init", 17, "no network");
  CHECK(std::string(error.what()) == "MPI_Init failed with code 17: no network");
  CHECK(error.call() == "MPI_Init");
  CHECK(error.library_code() == 17);
  CHECK(error.exit_code() == ExitCode::environment);
}

TEST_CASE("a thread that the system refuses names the key that asks for fewer") {
  const std::system_error refused(std::make_error_code(std::errc::resource_unavailable_try_again));
  CHECK(exit_code_of(refused) == ExitCode::environment);
  CHECK(describe(refused).find("job.threads") != std::string::npos);
  const std::system_error other(std::make_error_code(std::errc::io_error));
  CHECK(describe(other) == other.what());
}
