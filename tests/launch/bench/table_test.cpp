#include "launch/bench/table.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::launch;

TEST_CASE("a table's columns are flush right, and its heading is no row") {
  const std::vector<bench::Column> columns = {{4, "size", "(B)"}, {6, "time", "(us)"}, {3, "ok"}};
  CHECK(bench::table_heading(columns) == "#size   time  ok\n# (B)   (us)    \n");
  CHECK(bench::table_row(columns, {"8", "1.5", "yes"}) == "    8    1.5 yes\n");
  CHECK(bench::table_row(columns, {"123456", "", "no"}) == " 123456         no\n");
  CHECK_THROWS_AS(bench::table_row(columns, {"8"}), base::InternalError);
}
