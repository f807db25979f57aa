#pragma once

// Decides when to log a condition that begins and ends again and again: a line for each would fill the log.

#include "runtime/health/lasting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace eightfold::runtime::health {

class Recurrence {
 public:
  enum class News {
    none,
    begun,
    over,
    counted  // it has begun count() times since the last news
  };

  // Takes the condition of one more look; returns the news to log. The first beginning and its end are news
  // at once. Then there are none for 64 looks, and twice as many whenever the condition soon begins again.
  // Beginnings in that time are counted.
  News look(bool is_now) {
    const bool begins = lasting_.has_changed(is_now) && lasting_.holds();
    ++looks_;
    count_ += begins ? 1 : 0;
    return looks_ < silence_ ? News::none : say(begins);
  }
  // The news after the last look: the beginnings counted so far.
  News finish() { return count_ > 0 ? say(false) : News::none; }

  bool holds() const noexcept { return lasting_.holds(); }
  // Of the news.
  int count() const noexcept { return said_count_; }

 private:
  static constexpr int kShortest = 64, kLongest = 1 << 20;
  static constexpr int kSoon = 8;  // silences

  News say(bool begins) {
    if (count_ == 0 && holds() == said_) return News::none;
    const News news = count_ == 0 ? News::over : begins && count_ == 1 ? News::begun : News::counted;
    if (news != News::over) length_ = looks_ < kSoon * length_ ? std::min(2 * length_, kLongest) : kShortest;
    silence_ = news == News::begun ? 0 : length_;
    said_count_ = count_;
    said_ = holds();
    count_ = looks_ = 0;
    return news;
  }

  Lasting lasting_;
  bool said_ = false;               // whether it was the case by the last news
  int count_ = 0, said_count_ = 0;  // beginnings since the last news, and before it
  int looks_ = kSoon * kShortest;   // since the last news
  int silence_ = 0, length_ = kShortest;
};

// "3 more times since the last line about it"
inline std::string counted_times(int count) {
  return fmt::format("{} more time{} since the last line about it", count, count == 1 ? "" : "s");
}

}  // namespace eightfold::runtime::health
