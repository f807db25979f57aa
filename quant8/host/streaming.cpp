#include "quant8/host/streaming.hpp"

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace eightfold::quant8::host {

void copy_streaming(const std::uint8_t* from, std::size_t bytes, std::uint8_t* to) {
  std::size_t done = 0;
#ifdef __SSE2__
  const auto stream16 = [&] {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + done),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done)));
    done += 16;
  };
#ifdef __AVX__
  if (bytes >= 32 && reinterpret_cast<std::uintptr_t>(to) % 32 != 0) stream16();
  for (; done + 32 <= bytes; done += 32)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + done),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + done)));
#endif
  while (done + 16 <= bytes) stream16();
#endif
  std::memcpy(to + done, from + done, bytes - done);
}

void fill_streaming(float* to, std::size_t count, float value) {
  std::size_t done = 0;
#ifdef __SSE2__
  for (; done + 4 <= count; done += 4) _mm_stream_ps(to + done, _mm_set1_ps(value));
#endif
  std::fill(to + done, to + count, value);
  finish_streaming();
}

void finish_streaming() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

}  // namespace eightfold::quant8::host
