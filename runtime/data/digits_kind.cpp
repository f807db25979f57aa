// digits
#include "runtime/data/data_kind.hpp"
#include "runtime/data/digits.hpp"
#include "runtime/data/files.hpp"

namespace eightfold::runtime::data {
namespace {

struct NoOptions {};

constexpr std::int64_t kTrain = 20'000, kTest = 4'000;

std::shared_ptr<const Source> open_part(const Request& request, DigitPart part) {
  if (part == DigitPart::train)
    return make_digits(request.seed, part, request.train > 0 ? request.train : kTrain);
  return make_digits(request.seed, part, request.test > 0 ? request.test : kTest);
}

Split open_both(const NoOptions&, const Request& request) {
  return {open_part(request, DigitPart::train), open_part(request, DigitPart::test)};
}

Split open_test_part(const NoOptions&, const Request& request, const Trained& trained) {
  return fitting({nullptr, open_part(request, DigitPart::test)}, trained.shape, "data.kind = digits");
}

}  // namespace

const DataKind& digits() {
  static const DataKind kind = data_kind<NoOptions>(
      {.name = "digits", .help = "drawn digits, generated from the seed, no files needed."}, open_both,
      open_test_part, {.has_files = false, .default_train = kTrain});
  return kind;
}

}  // namespace eightfold::runtime::data
