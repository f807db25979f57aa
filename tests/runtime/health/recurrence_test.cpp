#include "runtime/health/recurrence.hpp"

#include "tests/support/test.hpp"

#include <map>

using namespace eightfold::runtime::health;
using News = Recurrence::News;

namespace {

// What `looks` looks bring, each News as often as it came.
std::map<News, int> look(Recurrence& recurrence, bool is_now, int looks) {
  std::map<News, int> all;
  for (int i = 0; i < looks; ++i) ++all[recurrence.look(is_now)];
  all.erase(News::none);
  return all;
}

}  // namespace

TEST_CASE("what begins and ends once is told twice") {
  Recurrence recurrence;
  CHECK(look(recurrence, false, 1000).empty());
  CHECK(look(recurrence, true, 1000) == std::map<News, int>{{News::begun, 1}});
  CHECK(look(recurrence, false, 1000) == std::map<News, int>{{News::over, 1}});
  CHECK(recurrence.finish() == News::none);
}

TEST_CASE("what comes back at once and stays is told within the silence") {
  Recurrence recurrence;
  look(recurrence, true, 10);
  look(recurrence, false, 10);
  CHECK(look(recurrence, true, 50).empty());
  CHECK(look(recurrence, true, 10) == std::map<News, int>{{News::counted, 1}});
  CHECK(recurrence.count() == 1);
  CHECK(recurrence.holds());
  CHECK(look(recurrence, true, 10000).empty());
  CHECK(look(recurrence, false, 10) == std::map<News, int>{{News::over, 1}});
}

TEST_CASE("what comes back after a long time is told at once, as the first time") {
  Recurrence recurrence;
  for (int time = 0; time < 3; ++time) {
    CHECK(look(recurrence, true, 10) == std::map<News, int>{{News::begun, 1}});
    CHECK(look(recurrence, false, 1000) == std::map<News, int>{{News::over, 1}});
  }
}

TEST_CASE("the more often something comes back, the rarer are lines about it") {
  for (const int length : {2, 10, 30, 100}) {
    CAPTURE(length);
    Recurrence recurrence;
    int news = 0, told = 0;
    const auto take = [&](News each) {
      news += each == News::none ? 0 : 1;
      told += each == News::begun || each == News::counted ? recurrence.count() : 0;
    };
    for (int spell = 0; spell < 1000; ++spell)
      for (const bool is_now : {true, false})
        for (int i = 0; i < length; ++i) take(recurrence.look(is_now));
    take(recurrence.finish());
    CHECK(told == 1000);
    CHECK(news < 30);
  }
}
