#pragma once

// Filters a condition: a change counts only if it lasts, because one slow moment is noise.

namespace eightfold::runtime::health {

class Lasting {
 public:
  // Takes the condition of one more look. True when it has changed: two looks in a row differ from before.
  bool has_changed(bool is_now) {
    contrary_looks_ = is_now == holds_ ? 0 : contrary_looks_ + 1;
    if (contrary_looks_ < kLooks) return false;
    contrary_looks_ = 0;
    holds_ = is_now;
    return true;
  }
  bool holds() const noexcept { return holds_; }

 private:
  static constexpr int kLooks = 2;

  bool holds_ = false;
  int contrary_looks_ = 0;
};

}  // namespace eightfold::runtime::health
