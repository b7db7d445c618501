#include "cli/progress.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace obz::cli {

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)),
      terminal_(::isatty(STDERR_FILENO) != 0),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::update(std::int64_t done, std::int64_t total) {
  if (!terminal_ || total <= 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  using namespace std::chrono_literals;
  if (now - start_ < 2s || now - last_ < 100ms) return;
  last_ = now;
  drawn_ = true;
  constexpr std::int64_t width = 30;
  const std::int64_t filled = done * width / total;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double left = done > 0 ? elapsed * static_cast<double>(total - done) / static_cast<double>(done) : 0;
  const std::string bar =
      std::string(static_cast<std::size_t>(filled), '#') + std::string(static_cast<std::size_t>(width - filled), '.');
  std::fputs(fmt::format("\r{} [{}] {:3} %  {:.0f} s left \033[K", label_, bar, 100 * done / total, left).c_str(),
             stderr);
}

}  // namespace obz::cli
