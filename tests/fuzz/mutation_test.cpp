// Tens of thousands of damaged files through every reader, under AddressSanitizer and UndefinedBehaviorSanitizer: each
// gives one sentence or is harmless; none crashes, hangs or leaks.
#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/philox.hpp"
#include "ref/tensor/archive.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/support/run_obz.hpp"

namespace obz::fuzz {
namespace {

/// One to a few small damages; which ones is a function of seed and index.
Bytes damage(const Bytes& seed, CaseRandom& rng) {
  Bytes b = seed;
  const int times = 1 + static_cast<int>(rng.bits32() % 4);
  for (int i = 0; i < times && !b.empty(); ++i) {
    const auto at = static_cast<std::size_t>(rng.between(0, static_cast<std::int64_t>(b.size()) - 1));
    const auto rest = static_cast<std::int64_t>(b.size() - at);
    const auto length = static_cast<std::ptrdiff_t>(rng.between(1, std::min<std::int64_t>(rest, 32)));
    const auto begin = b.begin() + static_cast<std::ptrdiff_t>(at);
    switch (rng.bits32() % 8) {
      case 0: b.resize(at); break;                                                  // truncate
      case 1: b[at] ^= static_cast<std::uint8_t>(1U << (rng.bits32() % 8)); break;  // flip a bit
      case 2: b[at] = static_cast<std::uint8_t>(rng.bits32()); break;
      case 3: std::fill(begin, begin + length, rng.one_in(2) ? 0xFF : 0x00); break;
      case 4: b.erase(begin, begin + length); break;
      case 5: {
        const Bytes copy(begin, begin + length);
        b.insert(b.begin() + static_cast<std::ptrdiff_t>(at), copy.begin(), copy.end());
        break;
      }
      case 6: {  // an extreme 32-bit integer
        const std::uint32_t extremes[] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000, 0xFFFFFFFE};
        const std::uint32_t v = extremes[rng.bits32() % std::size(extremes)];
        for (std::size_t k = 0; k < 4 && at + k < b.size(); ++k) b[at + k] = static_cast<std::uint8_t>(v >> (8 * k));
        break;
      }
      default: {  // another place's bytes
        const auto from = static_cast<std::size_t>(rng.between(0, static_cast<std::int64_t>(b.size()) - 1));
        for (std::ptrdiff_t k = 0; k < length && from + static_cast<std::size_t>(k) < b.size(); ++k) {
          b[at + static_cast<std::size_t>(k)] = b[from + static_cast<std::size_t>(k)];
        }
      }
    }
  }
  return b;
}

/// JSON damage that stays JSON: one value somewhere is replaced.
void damage_value(nlohmann::ordered_json& json, CaseRandom& rng) {
  nlohmann::ordered_json* at = &json;
  while (at->is_structured() && !at->empty() && !rng.one_in(6)) {
    auto it = at->begin();
    std::advance(it, rng.between(0, static_cast<std::int64_t>(at->size()) - 1));
    at = &*it;
  }
  switch (rng.bits32() % 8) {
    case 0: *at = -1; break;
    case 1: *at = INT64_MAX; break;
    case 2: *at = nullptr; break;
    case 3: *at = "nonsense"; break;
    case 4: *at = nlohmann::ordered_json::array(); break;
    case 5: *at = rng.between(-70, 70); break;
    case 6: *at = 1e300; break;
    default:
      if (at->is_object() && !at->empty()) {
        at->erase(at->begin());
      } else {
        *at = 0;
      }
  }
}

/// An .obz damaged behind its checksums: an entry changed, then zipped again.
Bytes damage_inside(const Bytes& seed, CaseRandom& rng) {
  auto entries = parse_archive(seed, "seed");
  if (rng.one_in(3)) {
    auto it = entries.begin();
    std::advance(it, rng.between(0, static_cast<std::int64_t>(entries.size()) - 1));
    it->second = damage(it->second, rng);
  } else {
    Bytes& text = entries["net.json"];
    auto json = nlohmann::ordered_json::parse(text.begin(), text.end());
    damage_value(json, rng);
    const std::string edited = json.dump();
    text = Bytes(edited.begin(), edited.end());
  }
  return format_archive(ArchiveEntries(entries.begin(), entries.end()));
}

/// How one reader fared.
struct Tally {
  int refused = 0, harmless = 0;
};

void feed(const Reader& r, const Bytes& input, Tally& tally) {
  constexpr unsigned hang_s = 20;
  ::alarm(hang_s);
  try {
    r.read(input);
    ++tally.harmless;
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_FALSE(message.empty());
    EXPECT_EQ(message.find('\n'), std::string::npos) << "one sentence, one line: " << message;
    ++tally.refused;
  } catch (const std::exception& e) {
    ADD_FAILURE() << r.name << ": an exception that is no Error: " << e.what();
  }
  ::alarm(0);
}

class Mutation : public testing::TestWithParam<std::string> {};

constexpr std::uint64_t kPerReader = 4000;

TEST_P(Mutation, damaged_files_give_one_sentence_or_no_harm) {
  const Reader& r = reader(GetParam());
  for (const Bytes& seed : r.seeds) ASSERT_NO_THROW(r.read(seed)) << "the undamaged file must be accepted";
  Tally tally;
  for (std::uint64_t i = 0; i < kPerReader && !testing::Test::HasFailure(); ++i) {
    CaseRandom rng(2026, i);
    const Bytes& seed = r.seeds[i % r.seeds.size()];
    feed(r, r.name == "obz" && i % 4 != 0 ? damage_inside(seed, rng) : damage(seed, rng), tally);
  }
  std::printf("%s: %d refused with a sentence, %d harmless\n", r.name.c_str(), tally.refused, tally.harmless);
  EXPECT_GT(tally.refused, static_cast<int>(kPerReader) / 20) << "the damage hardly ever matters: the test is too tame";
}

TEST_P(Mutation, every_prefix_is_refused_or_harmless) {
  const Reader& r = reader(GetParam());
  Tally tally;
  const Bytes& seed = r.seeds.front();
  const std::size_t step = std::max<std::size_t>(1, seed.size() / 400);
  for (std::size_t length = 0; length < seed.size(); length += step) {
    feed(r, Bytes(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(length)), tally);
  }
  EXPECT_GT(tally.refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Readers, Mutation,
                         testing::Values("tflite", "onnx", "float_onnx", "obz", "npy", "manifest", "stream",
                                         "tensor_proto", "plan_table", "port_map", "machine", "ptx"),
                         [](const auto& reader) { return reader.param; });

TEST(MutationExecutable, bad_files_end_with_exit_code_2_and_one_line) {
  const test::TempDir dir;
  const auto expect_refusal = [](const test::ObzResult& r, const std::string& what) {
    EXPECT_EQ(r.exit_code, 2) << what << ": " << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << what << ": " << r.err;
    EXPECT_EQ(r.err.rfind("obz: ", 0), 0U) << what << ": " << r.err;
  };
  for (std::uint64_t i = 0; i < 24; ++i) {
    CaseRandom rng(7, i);
    for (const char* name : {"tflite", "onnx", "obz"}) {
      Bytes bytes = reader(name).seeds[0];
      bytes.resize(bytes.size() * (i + 1) / 26);
      const std::string path = (dir / (std::string("bad.") + name)).string();
      write_file(path, bytes);
      const std::string out = (dir / "out.obz").string();
      expect_refusal(test::shell(std::string(name) == "obz" ? "obz info " + path : "obz import " + path + " -o " + out),
                     name);
      EXPECT_FALSE(std::filesystem::exists(out)) << "nothing half-written";
    }
  }
}

}  // namespace
}  // namespace obz::fuzz
