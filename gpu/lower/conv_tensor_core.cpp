// Convolutions for gpu/kernels/conv.cuh: which kernel, which tile, and the weights in the order in which it multiplies.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "gpu/kernels/known_recipes.hpp"
#include "gpu/kernels/tile.hpp"
#include "gpu/lower/conv_problem.hpp"
#include "gpu/lower/move.hpp"

namespace obz::gpu {
namespace {

constexpr std::int64_t kChannelPad = Large::kColumns;
constexpr int kPieceBytes = 16;

std::int64_t round_up(std::int64_t v, std::int64_t to) { return (v + to - 1) / to * to; }

/// How a kernel wants its operands.
struct Scheme {
  std::string module, kernel;  ///< without the tile's name
  int x_bits = 8;              ///< of an element in memory; bit planes: 1
  int x_planes = 1;
  int w_planes = 1;        ///< bytes of limbs, or bit planes
  int w_bits = 8;          ///< of an element in a plane of the weights
  bool w_signed = true;    ///< bit planes: the top one counts negative
  bool all_tiles = false;  ///< else medium only
};

/// The narrowest product that takes these operands; no kernel: none does.
Scheme scheme_of(const ConvProblem& p) {
  const IntType x = p.x.storage.type;
  const Weights& w = p.weights;
  const char sign = x.is_signed ? 's' : 'u';
  for (const bool is_signed : {false, true}) {
    for (int w_bits = 1; w_bits <= 2; ++w_bits) {
      // Two planes at most; beyond that four bits do the same in the same time.
      if (x.bits * w_bits > 2 || !w.fit(w_bits, is_signed)) continue;
      return {.module = "conv1",
              .kernel = fmt::format("conv_planes_{}x{}", x.bits, w_bits),
              .x_bits = 1,
              .x_planes = x.bits,
              .w_planes = w_bits,
              .w_bits = 1,
              .w_signed = is_signed};
    }
  }
  const int stored = p.x.storage.bits();
  const bool positive = p.x.storage.row_bytes() > 4;  // weights of eight (four) bits without sign: not for stems
  if (stored == 4 && positive && !w.fit(4) && w.fit(4, false)) {
    return {.module = "conv4", .kernel = fmt::format("conv_{}4u4", sign), .x_bits = 4, .w_bits = 4};
  }
  if (stored == 4 && w.fit(4)) {
    return {.module = "conv4", .kernel = fmt::format("conv_{}4", sign), .x_bits = 4, .w_bits = 4, .all_tiles = true};
  }
  if (stored <= 8 && positive && !w.fit(8) && w.fit(8, false)) {
    return {.module = "conv8", .kernel = fmt::format("conv_{}8u8", sign)};
  }
  if (stored <= 8 && w.fit(8)) return {.module = "conv8", .kernel = fmt::format("conv_{}8", sign), .all_tiles = true};
  if (stored <= 16 && w.fit(16)) {
    const int x_bytes = stored == 16 ? 2 : 1, w_bytes = w.fit(8) ? 1 : 2;
    return {.module = fmt::format("conv16{}", sign),
            .kernel = fmt::format("conv_{}_{}x{}", sign, x_bytes, w_bytes),
            .x_bits = 8 * x_bytes,
            .w_planes = w_bytes};
  }
  return {};
}

/// Where the elements of a piece of x's depth come from: a tap and the first channel, or pixels side by side.
struct Depth {
  bool narrow = false;  ///< pixels of four bytes
  std::int64_t pieces_per_tap = 0, pieces_per_line = 0;
  std::int64_t elems_per_piece = 0, elems_per_pixel = 0;
  std::int64_t kernel_h = 0, kernel_w = 0, inputs = 0;
  std::int64_t pieces = 0;  ///< a multiple of 4

  Depth(const ConvProblem& p, std::int64_t row_bytes, int x_bits) {
    kernel_h = p.g.kernel_h;
    kernel_w = p.g.kernel_w;
    inputs = p.weights.inputs;
    narrow = row_bytes == 4;
    elems_per_piece = kPieceBytes * 8 / x_bits;
    elems_per_pixel = narrow ? elems_per_piece / 4 : 0;
    pieces_per_tap = narrow ? 0 : row_bytes / kPieceBytes;
    pieces_per_line = narrow ? (kernel_w + 3) / 4 : pieces_per_tap * kernel_w;
    pieces = round_up(pieces_per_line * kernel_h, 4);
  }

  /// The weight that element e of piece k meets; nullopt: none, it is padding.
  std::optional<std::pair<std::int64_t, std::int64_t>> tap_and_input(std::int64_t k, std::int64_t e) const {
    const std::int64_t kh = k / pieces_per_line, in_line = k % pieces_per_line;
    if (kh >= kernel_h) return std::nullopt;
    std::int64_t kw = 0, i = 0;
    if (narrow) {
      kw = in_line * 4 + e / elems_per_pixel;
      i = e % elems_per_pixel;
    } else {
      kw = in_line / pieces_per_tap;
      i = in_line % pieces_per_tap * elems_per_piece + e;
    }
    if (kw >= kernel_w || i >= inputs) return std::nullopt;
    return std::pair{kh * kernel_w + kw, i};
  }

  std::vector<Tap> taps(const ConvProblem& p, std::int64_t row_bytes) const {
    const std::int64_t step_w = p.hwnc ? p.g.n * row_bytes : row_bytes, step_h = p.g.w * step_w;
    std::vector<Tap> list(static_cast<std::size_t>(pieces), Tap{.offset_bytes = 0, .dy = 1 << 24, .dx = 0});
    for (std::int64_t k = 0; k < pieces_per_line * kernel_h; ++k) {
      const std::int64_t in_line = k % pieces_per_line;
      const std::int64_t dy = k / pieces_per_line * p.g.dilation_h;
      const std::int64_t dx = (narrow ? in_line * 4 : in_line / pieces_per_tap) * p.g.dilation_w;
      const std::int64_t inside = narrow ? 0 : in_line % pieces_per_tap * kPieceBytes;
      list[static_cast<std::size_t>(k)] = {
          .offset_bytes = static_cast<std::int32_t>(dy * step_h + dx * step_w + inside),
          .dy = static_cast<std::int32_t>(dy),
          .dx = static_cast<std::int32_t>(dx)};
    }
    return list;
  }
};

/// All planes, one after the other. An element of plane q: byte q of the weight, or bit q, or all of it.
std::vector<std::byte> packed_weights(const ConvProblem& p, const Scheme& s, const Depth& d,
                                      std::int64_t* plane_bytes) {
  const bool pairs = s.x_bits == 16;  // two pieces of x meet one of the weights, the bytes of x interleaved
  const std::int64_t w_elems = kPieceBytes * 8 / s.w_bits, w_pieces = pairs ? d.pieces / 2 : d.pieces;
  const std::int64_t row_bytes = w_pieces * kPieceBytes;
  *plane_bytes = round_up(p.weights.outputs, kChannelPad) * row_bytes;
  std::vector<std::byte> bytes(static_cast<std::size_t>(*plane_bytes * s.w_planes));
  for (std::int64_t o = 0; o < p.weights.outputs; ++o) {
    for (std::int64_t k = 0; k < w_pieces; ++k) {
      for (std::int64_t e = 0; e < w_elems; ++e) {
        std::int64_t x_piece = k, x_elem = e;
        if (pairs) {  // lane t = e / 4 holds elements 2t, 2t + 1 of the first piece, then of the second
          x_piece = 2 * k + e % 4 / 2;
          x_elem = e / 4 * 2 + e % 2;
        }
        const auto from = d.tap_and_input(x_piece, x_elem);
        if (!from) continue;
        const auto v = static_cast<std::uint64_t>(p.weights.at(o, from->first, from->second));
        for (int q = 0; q < s.w_planes; ++q) {
          const std::uint64_t field = v >> (q * s.w_bits) & ((std::uint64_t{1} << s.w_bits) - 1);
          const std::int64_t bit = e * s.w_bits;
          bytes[static_cast<std::size_t>(q * *plane_bytes + o * row_bytes + k * kPieceBytes + bit / 8)] |=
              static_cast<std::byte>(field << (bit % 8));
        }
      }
    }
  }
  return bytes;
}

/// What large tiles can keep in registers.
bool is_compact(const ConvProblem& p) {
  const Requant& r = *p.requant;
  if (kind_of(r.recipe) == RecipeKind::any) return false;
  if (p.accumulator.bits != 32 || p.accumulator.overflow != Overflow::wrap) return false;
  const Channel& first = r.channels[0];
  return std::all_of(r.channels.begin(), r.channels.end(), [&](const Channel& c) {
    return kInt32.holds(c.multiplier) && c.addend == 0 && c.zero_point == first.zero_point && c.lo == first.lo &&
           c.hi == first.hi;
  });
}

/// The largest tile that gives every SM of a T4 a block, and that the channels fill by more than half.
TileSize tile_for(const ConvProblem& p, bool compact) {
  constexpr std::int64_t kSms = 40;
  const auto fits = [&](TileSize size) {
    const TileShape tile = shape_of(size);
    const std::int64_t down = (p.y.storage.rows() + tile.rows - 1) / tile.rows;
    const std::int64_t across = (p.weights.outputs + tile.columns - 1) / tile.columns;
    return p.weights.outputs > tile.columns / 2 && down * across >= kSms;
  };
  if (compact && fits(TileSize::large)) return TileSize::large;
  return fits(TileSize::medium) ? TileSize::medium : TileSize::small;
}

/// A byte pattern repeated over 32 bits.
std::uint32_t padding_of(std::int64_t v, int bits) {
  std::uint32_t word = 0;
  const std::uint64_t field = static_cast<std::uint64_t>(v) & ((std::uint64_t{1} << bits) - 1);
  for (int at = 0; at < 32; at += bits) word |= static_cast<std::uint32_t>(field << at);
  return word;
}

/// x taken apart into bit planes.
void make_planes(Builder& builder, const ConvProblem& p, const Scheme& s, ConvArgs& args) {
  const std::int64_t row_bytes = round_up(p.x.storage.channels(), 128) / 8;
  const std::int64_t plane_bytes = row_bytes * p.x.storage.rows();
  PlanesArgs planes{.x = p.x.view(),
                    .planes_out = builder.memory().allocate(plane_bytes * s.x_planes, builder.layer() + ": bit planes"),
                    .planes = s.x_planes,
                    .row_bytes = static_cast<std::int32_t>(row_bytes),
                    .plane_bytes = plane_bytes};
  builder.call("movement", "planes", p.x.storage.rows() * row_bytes / 4, planes);
  args.x.data = planes.planes_out;
  args.x.row_bytes = planes.row_bytes;
  args.x_plane_bytes = plane_bytes;
  for (int q = 0; q < s.x_planes; ++q) args.padding[q] = (p.x_zero_point >> q & 1) != 0 ? ~0U : 0U;
  std::vector<std::int32_t> sums(static_cast<std::size_t>(round_up(p.weights.outputs, kChannelPad)));
  for (std::int64_t o = 0; o < p.weights.outputs; ++o) {
    sums[static_cast<std::size_t>(o)] = static_cast<std::int32_t>(p.weights.sum(o));
  }
  args.weight_sums = builder.memory().constant(sums, builder.layer() + ": sums of weights");
  args.weights_signed = s.w_signed ? 1 : 0;
}

template <class Tile>
TileShape shape_of(const char* name) {
  return {.name = name, .rows = Tile::kRows, .columns = Tile::kColumns, .threads = Tile::kThreads};
}

}  // namespace

TileShape shape_of(TileSize tile) {
  if (tile == TileSize::large) return shape_of<Large>("large");
  return tile == TileSize::small ? shape_of<Small>("small") : shape_of<Medium>("medium");
}

bool for_tensor_cores(const ConvProblem& p) {
  const Scheme scheme = scheme_of(p);
  const IntType stored{static_cast<std::uint8_t>(p.x.storage.bits()), p.x.storage.type.is_signed};
  if (scheme.kernel.empty() || p.groups != 1 || !p.sums_fit_32() || !stored.holds(p.x_zero_point)) return false;
  return scheme.module != "conv1" || p.x.storage.type.holds(p.x_zero_point);
}

void conv_on_tensor_cores(Builder& builder, const ConvProblem& p, TileSize tile) {
  const Scheme scheme = scheme_of(p);
  // Four bits in memory and wider weights: x is widened first.
  ConvProblem wide = p;
  if (scheme.module != "conv1" && p.x.storage.bits() < scheme.x_bits) {
    Storage storage = p.x.storage;
    storage.type = IntType{static_cast<std::uint8_t>(scheme.x_bits), storage.type.is_signed};
    wide.x = builder.scratch(storage, "x, widened");
    move(builder, p.x, wide.x, transposed(p.x.storage, storage));
  }

  ConvArgs args{.x = wide.x.view(),
                .y = p.y.view(),
                .g = p.g,
                .requant = requantizer_of(*p.requant, p.accumulator),
                .hwnc = p.hwnc ? 1 : 0};
  if (p.residual) args.residual = *p.residual;
  args.padding[0] = padding_of(p.x_zero_point, scheme.x_bits);
  if (scheme.module == "conv1") make_planes(builder, p, scheme, args);

  const Depth depth(wide, args.x.row_bytes, scheme.x_bits);
  args.depth_chunks = static_cast<std::int32_t>(depth.pieces);
  const std::vector<std::byte> weights = packed_weights(wide, scheme, depth, &args.weight_plane_bytes);
  args.weights = builder.memory().constant(std::span(weights), builder.layer() + ": weights");
  args.taps = builder.memory().constant(depth.taps(wide, args.x.row_bytes), builder.layer() + ": taps");

  const bool compact = is_compact(p);
  if (!scheme.all_tiles || depth.narrow) {
    tile = TileSize::medium;
  } else if (tile == TileSize::automatic || (tile == TileSize::large && !compact)) {
    tile = tile_for(p, compact);
  }
  const auto bias = [&](std::int64_t o) { return p.filter->bias_of(o) - p.x_zero_point * p.weights.sum(o); };
  const std::int64_t padded = round_up(p.weights.outputs, kChannelPad);
  if (tile == TileSize::large) {
    std::vector<CompactChannel> channels(static_cast<std::size_t>(padded));
    for (std::int64_t o = 0; o < p.weights.outputs; ++o) {
      const Channel& c = p.requant->channel(o);
      channels[static_cast<std::size_t>(o)] = {.multiplier = static_cast<std::int32_t>(c.multiplier),
                                               .shift = c.shift,
                                               .bias = static_cast<std::uint32_t>(bias(o))};
    }
    args.channels = builder.memory().constant(channels, builder.layer() + ": channels");
    args.lo = static_cast<std::int32_t>(p.requant->channels[0].lo);
    args.hi = static_cast<std::int32_t>(p.requant->channels[0].hi);
    args.zero_point = p.requant->channels[0].zero_point;
  } else {
    args.channels = builder.memory().constant(channels_of(*p.requant, p.weights.outputs, padded, bias),
                                              builder.layer() + ": channels");
  }

  const TileShape shape = shape_of(tile);
  const std::string kernel = scheme.module == "conv1"
                                 ? scheme.kernel
                                 : fmt::format("{}_{}", scheme.kernel, depth.narrow ? "stem" : shape.name);
  const auto tiles = [](std::int64_t v, std::int64_t of) { return static_cast<std::uint32_t>((v + of - 1) / of); };
  builder.call_grid(scheme.module.c_str(), kernel,
                    {tiles(p.y.storage.rows(), shape.rows), tiles(p.y.storage.row_lanes(), shape.columns), 1},
                    shape.threads, args);
}

}  // namespace obz::gpu
