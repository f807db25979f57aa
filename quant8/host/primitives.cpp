#include "quant8/host/primitives.hpp"

namespace eightfold::quant8::host {
namespace {

template <Format kFormat>
constexpr LevelIndex kIndex = make_level_index(kFormat);

// What the index promises.
constexpr bool shares_no_bucket(const LevelTable& levels) {
  for (int i = 1; i + 1 < levels.count; ++i)
    if (LevelIndex::bucket(levels.threshold[i - 1]) == LevelIndex::bucket(levels.threshold[i])) return false;
  return true;
}
static_assert(shares_no_bucket(kIndex<Format::dynamic_tree8>.levels));
static_assert(shares_no_bucket(kIndex<Format::linear8>.levels));
static_assert(shares_no_bucket(kIndex<Format::static_tree8>.levels));
static_assert(shares_no_bucket(kIndex<Format::mantissa8>.levels));
static_assert(shares_no_bucket(kIndex<Format::fp8_e4m3>.levels));
static_assert(shares_no_bucket(kIndex<Format::fp8_e5m2>.levels));
static_assert(shares_no_bucket(kIndex<Format::linear4>.levels));

}  // namespace

const LevelIndex* level_index(Format format) {
  switch (format) {
    case Format::dynamic_tree8:
      return &kIndex<Format::dynamic_tree8>;
    case Format::linear8:
      return &kIndex<Format::linear8>;
    case Format::static_tree8:
      return &kIndex<Format::static_tree8>;
    case Format::mantissa8:
      return &kIndex<Format::mantissa8>;
    case Format::fp8_e4m3:
      return &kIndex<Format::fp8_e4m3>;
    case Format::fp8_e5m2:
      return &kIndex<Format::fp8_e5m2>;
    case Format::linear4:
      return &kIndex<Format::linear4>;
    default:
      return nullptr;
  }
}

Primitives primitives_of(Format format, Instructions instructions) {
#ifdef EIGHTFOLD_QUANT8_X86
  if (instructions == Instructions::avx512) return avx512_primitives(format);
  if (instructions == Instructions::avx2) return avx2_primitives(format);
#endif
  static_cast<void>(instructions);
  return portable_primitives(format);
}

}  // namespace eightfold::quant8::host
