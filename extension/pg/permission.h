// The changes that bulla.refuse_change lets through, each kind for as long as Bulla's own code makes it.
#pragma once

namespace bulla {

// While one is alive, the Change that it holds is what may be done, and what it hid until then may not. It lives
// inside Enter, so that an error ends it, too.
template <class Change>
class Permission {
 public:
  explicit Permission(const Change& change) : change_(change), outer_(innermost_) {
    innermost_ = this;
  }
  ~Permission() { innermost_ = outer_; }
  Permission(const Permission&) = delete;
  Permission& operator=(const Permission&) = delete;

  // Null where nothing may be done.
  static const Change* Current() { return innermost_ != nullptr ? &innermost_->change_ : nullptr; }

 private:
  static inline const Permission* innermost_ = nullptr;
  const Change change_;
  const Permission* const outer_;
};

}  // namespace bulla
