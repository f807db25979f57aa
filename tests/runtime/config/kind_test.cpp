#include "runtime/config/kind.hpp"

#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::runtime::config;

namespace {

struct Square {
  std::int64_t side = 2;
  std::int64_t border = 0;  // 0: the side
};
struct Circle {
  std::int64_t side = 7;
};

Key<Square> side_of_square(const Range& range) {
  return field("side", &Square::side, {.help = "Length of a side.", .range = range});
}

KindFacts square(const Range& range = at_least(1)) {
  return facts_of(std::make_shared<const Kind<Square>>(
      Kind<Square>{.name = "square",
                   .help = "four sides.",
                   .keys = {side_of_square(range), field("border", &Square::border, {.help = "Its width."})},
                   .complete = [](Square& options) {
                     if (options.border == 0) options.border = options.side;
                   }}));
}

KindFacts circle(const std::string& help) {
  return facts_of(std::make_shared<const Kind<Circle>>(
      Kind<Circle>{.name = "circle",
                   .help = "one side.",
                   .keys = {field("side", &Circle::side, {.help = help, .range = at_least(1)})}}));
}

Value whole(std::int64_t number) {
  return number;
}

}  // namespace

TEST_CASE("a key of several kinds stands once, says where they differ, and answers for the kind") {
  const KindFacts first = square(), second = circle("Length of a side.");
  const std::vector<Key<Choice>> keys = keys_of({&first, &second});
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].name == "side");
  CHECK(keys[0].only_with.empty());  // all kinds have it
  CHECK(keys[0].help == "Length of a side. Default with circle: 7.");
  CHECK(keys[0].get({"square"}) == whole(2));
  CHECK(keys[0].get({"circle"}) == whole(7));
  CHECK(keys[0].get({"circle", {{"side", whole(5)}}}) == whole(5));
  CHECK(keys[1].only_with == std::vector<Condition>{{"kind", {"square"}}});

  const KindFacts other = circle("Its circumference.");
  CHECK(keys_of({&first, &other})[0].help ==
        "square: Length of a side. circle: Its circumference. Default with circle: 7.");
}

TEST_CASE("kinds that mean different things by one name are a defect") {
  const KindFacts first = square(at_least(3)), second = circle("Length of a side.");
  CHECK_THROWS_AS(keys_of({&first, &second}), base::InternalError);
}

TEST_CASE("a completed choice has all values of its kind, with those that follow from others") {
  Choice choice{"square", {{"side", whole(4)}}};
  square().complete(choice);
  CHECK(choice.values.at("side") == whole(4));
  CHECK(choice.values.at("border") == whole(4));
}

TEST_CASE("a kind is found by its name") {
  const KindFacts first = square(), second = circle("");
  const Kinds kinds = {&first, &second};
  CHECK(find_kind(kinds, "circle") == &second);
  CHECK(find_kind(kinds, "triangle") == nullptr);
  CHECK_THROWS_AS(require_kind(kinds, "triangle"), base::InternalError);
  CHECK(help_of(kinds) == "\"square\": four sides. \"circle\": one side.");
}
