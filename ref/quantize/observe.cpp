#include "ref/quantize/observe.hpp"

#include <algorithm>
#include <cmath>

#include "ref/real/float_run.hpp"

namespace obz {
namespace {

constexpr std::size_t kBins = 4096;

bool wants_histogram(Observer by) { return by == Observer::percentile || by == Observer::mse; }

void add_means(Observation& o, const FloatTensor& x, std::int64_t samples) {
  if (x.shape.rank() < 2) return;
  const auto channels = static_cast<std::size_t>(x.shape[1]);
  const std::size_t plane = x.data.size() / channels;
  o.channel_means.resize(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < plane; ++i) sum += static_cast<double>(x.data[c * plane + i]);
    o.channel_means[c] += sum / static_cast<double>(plane) / static_cast<double>(samples);
  }
}

FloatRange extremes_of(const FloatTensor& x) {
  const auto [lo, hi] = std::minmax_element(x.data.begin(), x.data.end());
  return {*lo, *hi};
}

FloatRange joined(FloatRange a, FloatRange b) { return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)}; }

void fill_histogram(Observation& o, const FloatTensor& x) {
  const float width = o.seen.hi - o.seen.lo;
  if (width <= 0) return;
  const float per = static_cast<float>(kBins) / width;
  for (const float v : x.data) {
    const auto bin = static_cast<std::size_t>(std::max(0.0F, (v - o.seen.lo) * per));
    ++o.histogram[std::min(bin, kBins - 1)];
  }
}

double centre(const Observation& o, std::size_t bin) {
  const double width = static_cast<double>(o.seen.hi) - static_cast<double>(o.seen.lo);
  return static_cast<double>(o.seen.lo) + (static_cast<double>(bin) + 0.5) * width / static_cast<double>(kBins);
}

FloatRange percentile_of(const Observation& o, double percentile) {
  std::uint64_t total = 0;
  std::vector<std::pair<double, std::uint64_t>> sizes;
  for (std::size_t i = 0; i < kBins; ++i) {
    total += o.histogram[i];
    sizes.emplace_back(std::abs(centre(o, i)), o.histogram[i]);
  }
  std::sort(sizes.begin(), sizes.end());
  const double wanted = static_cast<double>(total) * percentile / 100;
  double seen = 0;
  for (const auto& [size, count] : sizes) {
    seen += static_cast<double>(count);
    if (seen < wanted) continue;
    const auto limit = static_cast<float>(size);
    return {std::max(o.seen.lo, -limit), std::min(o.seen.hi, limit)};
  }
  return o.seen;
}

double error_of(const Observation& o, FloatRange range, const Grid& grid) {
  const double top = static_cast<double>(grid.hi);
  const double scale =
      grid.symmetric ? std::max(std::abs(static_cast<double>(range.lo)), std::abs(static_cast<double>(range.hi))) / top
                     : (static_cast<double>(range.hi) - static_cast<double>(range.lo)) / top;
  if (scale <= 0) return INFINITY;
  const double zero = grid.symmetric || range.lo >= 0 ? 0 : std::nearbyint(-static_cast<double>(range.lo) / scale);
  double error = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (o.histogram[i] == 0) continue;
    const double v = centre(o, i);
    const double q = std::clamp(std::nearbyint(v / scale) + zero, static_cast<double>(grid.lo), top);
    const double d = (q - zero) * scale - v;
    error += d * d * static_cast<double>(o.histogram[i]);
  }
  return error;
}

FloatRange least_error(const Observation& o, const Grid& grid) {
  constexpr int steps = 100;
  constexpr int least = 10;
  FloatRange best = o.seen;
  double best_error = INFINITY;
  for (int i = steps; i >= least; --i) {
    const float part = static_cast<float>(i) / steps;
    const FloatRange r{o.seen.lo * part, o.seen.hi * part};
    const double e = error_of(o, r, grid);
    if (e < best_error) {
      best_error = e;
      best = r;
    }
  }
  return best;
}

}  // namespace

Observations observe(const FloatNet& net, std::int64_t count, const std::function<FloatTensor(std::int64_t)>& sample,
                     const ObserveOptions& options, const std::function<void(std::int64_t)>& progress) {
  Observations all;
  std::map<int, FloatRange> batch;
  const auto end_batch = [&](bool first) {
    const auto m = static_cast<float>(options.momentum);
    for (const auto& [value, range] : batch) {
      FloatRange& r = all[net.values[static_cast<std::size_t>(value)].name].extremes;
      r = first ? range : FloatRange{r.lo * m + range.lo * (1 - m), r.hi * m + range.hi * (1 - m)};
    }
    batch.clear();
  };
  for (std::int64_t i = 0; i < count; ++i) {
    run_float(net, sample(i), [&](int value, const FloatTensor& x) {
      Observation& o = all[net.values[static_cast<std::size_t>(value)].name];
      const FloatRange r = extremes_of(x);
      o.seen = i == 0 ? r : joined(o.seen, r);
      const auto [it, fresh] = batch.emplace(value, r);
      if (!fresh) it->second = joined(it->second, r);
      add_means(o, x, count);
    });
    const bool last = i + 1 == count || (i + 1) % options.batch == 0;
    if (options.by == Observer::momentum && last) end_batch(i < options.batch);
    if (progress) progress(i + 1);
  }
  if (options.by != Observer::momentum) {
    for (auto& [name, o] : all) o.extremes = o.seen;
  }
  if (!wants_histogram(options.by)) return all;
  for (auto& [name, o] : all) o.histogram.assign(kBins, 0);
  for (std::int64_t i = 0; i < count; ++i) {
    run_float(net, sample(i), [&](int value, const FloatTensor& x) {
      fill_histogram(all[net.values[static_cast<std::size_t>(value)].name], x);
    });
    if (progress) progress(count + i + 1);
  }
  return all;
}

FloatRange range_of(const Observation& o, const ObserveOptions& options, const Grid& grid) {
  if (o.histogram.empty()) return o.extremes;
  return options.by == Observer::percentile ? percentile_of(o, options.percentile) : least_error(o, grid);
}

}  // namespace obz
