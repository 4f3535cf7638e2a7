// A list with room for N elements in place: no heap, and trivially destructible where T is, so that
// PostgreSQL may raise (longjmp) while one is alive.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace bulla {

template <class T, size_t N>
class FixedList {
 public:
  // The caller knows that there is room: every list of the tree has a bound that its use cannot pass.
  void Add(const T& element) { elements_[size_++] = element; }
  void RemoveLast() { --size_; }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return elements_[i]; }
  const T& operator[](size_t i) const { return elements_[i]; }
  T& back() { return elements_[size_ - 1]; }
  const T& back() const { return elements_[size_ - 1]; }
  T* begin() { return elements_.data(); }
  T* end() { return elements_.data() + size_; }
  const T* begin() const { return elements_.data(); }
  const T* end() const { return elements_.data() + size_; }
  std::span<const T> span() const { return {elements_.data(), size_}; }

 private:
  size_t size_ = 0;
  std::array<T, N> elements_{};
};

}  // namespace bulla
