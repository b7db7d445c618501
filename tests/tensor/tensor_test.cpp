// npy, archive and shape claims.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "ref/base/sha256.hpp"
#include "ref/tensor/archive.hpp"
#include "ref/tensor/npy.hpp"
#include "ref/tensor/type_text.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

using test::message_of;
using testing::HasSubstr;

Bytes npy(const std::string& descr, const std::string& shape, const Bytes& data, const std::string& order = "False") {
  const std::string header = "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
  Bytes file{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  store_le(file, header.size(), 2);
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

TEST(Npy, every_integer_width_survives) {
  for (const IntType type : {kInt4, kInt8, kUInt8, kInt16, kUInt16, kInt32}) {
    Tensor t(Shape{2, 2}, type, {static_cast<std::int32_t>(type.min()), static_cast<std::int32_t>(type.max()), 0, 1});
    const NpyArray array = parse_npy(format_npy(npy_from(t)), "t");
    EXPECT_EQ(npy_to_tensor(array, type, "t"), t) << type_text(type);
  }
}

TEST(Npy, header_is_what_numpy_writes) {
  const Bytes file = format_npy(npy_from(Tensor(Shape{3}, kInt8, {1, 2, 3})));
  EXPECT_EQ(file.size() % 64, 3U);  // header padded to 64
  EXPECT_THAT(as_text(file), HasSubstr("{'descr': '|i1', 'fortran_order': False, 'shape': (3,), }"));
}

TEST(Npy, scalars_and_empty_arrays) {
  EXPECT_EQ(parse_npy(npy("<i4", "()", {1, 0, 0, 0}), "s").shape, Shape{});
  EXPECT_EQ(parse_npy(npy("<i4", "(0, 5)", {}), "s").shape, (Shape{0, 5}));
}

TEST(Npy, float16_and_bool_are_read) {
  EXPECT_EQ(npy_to_floats(parse_npy(npy("<f2", "(2,)", {0x00, 0x3C, 0x01, 0x00}), "h"), "h").data,
            (std::vector<float>{1.0F, 5.9604645e-08F}));
  EXPECT_EQ(npy_to_int64(parse_npy(npy("|b1", "(2,)", {1, 0}), "b"), "b"), (std::vector<std::int64_t>{1, 0}));
}

TEST(Npy, damage_gives_one_sentence_that_names_the_file) {
  const auto error = [](const Bytes& file) { return message_of<Error>([&] { parse_npy(file, "x.npy"); }); };
  EXPECT_THAT(error({}), HasSubstr("x.npy: not a .npy file"));
  EXPECT_THAT(error(npy("<i4", "(2,)", {1, 2, 3})), HasSubstr("expected 8 bytes of data for 2 int32, got 3"));
  EXPECT_THAT(error(npy(">i4", "(1,)", {0, 0, 0, 1})), HasSubstr("little-endian"));
  EXPECT_THAT(error(npy("<c8", "(1,)", {})), HasSubstr("'descr'"));
  EXPECT_THAT(error(npy("<i4", "(2, 2)", Bytes(16), "True")), HasSubstr("Fortran"));
  EXPECT_THAT(error(npy("<i4", "(99999, 99999)", {})), HasSubstr("at most"));
  EXPECT_THAT(error(npy("<i4", "(-1,)", {})), HasSubstr(">= 0"));
  EXPECT_THAT(error(npy("<i4", "[1]", {})), HasSubstr("tuple"));
  Bytes truncated = npy("<i4", "(1,)", {1, 0, 0, 0});
  truncated.resize(20);
  EXPECT_THAT(error(truncated), HasSubstr("truncated"));
}

TEST(Npy, values_outside_the_type_name_their_element) {
  const NpyArray array = parse_npy(npy("<i2", "(2,)", {5, 0, 200, 0}), "x");
  EXPECT_THAT(message_of<Error>([&] { npy_to_tensor(array, kInt8, "x.npy"); }), HasSubstr("got 200 at element 1"));
}

TEST(Archive, round_trip_is_deterministic_and_ordered) {
  const ArchiveEntries entries{{"b.npy", Bytes(1000, 7)}, {"a.txt", {'h', 'i'}}, {"empty", {}}};
  const Bytes file = format_archive(entries);
  EXPECT_EQ(file, format_archive(entries));
  const auto read = parse_archive(file, "z");
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read.at("b.npy"), entries[0].second);
  EXPECT_EQ(read.at("empty"), Bytes());
}

TEST(Archive, damage_and_bombs_are_refused) {
  Bytes file = format_archive({{"data", Bytes(100000, 1)}});
  EXPECT_THAT(message_of<Error>([&] { parse_archive(file, "z", 1000); }), HasSubstr("claims 100000 bytes"));
  Bytes flipped = file;
  flipped[45] ^= 0xFF;
  EXPECT_NE(message_of<Error>([&] { parse_archive(flipped, "z"); }), "");
  EXPECT_NE(message_of<Error>([&] { parse_archive({}, "z"); }), "");
}

TEST(Shape, broadcasting_follows_numpy) {
  EXPECT_EQ(broadcast(Shape{2, 1, 4}, Shape{3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(broadcast_strides(Shape{3, 1}, Shape{2, 3, 4}), (std::vector<std::int64_t>{0, 1, 0}));
  EXPECT_THROW(broadcast(Shape{2}, Shape{3}), Error);
}

TEST(Types, spelling) {
  EXPECT_EQ(type_from_text("int8"), kInt8);
  EXPECT_EQ(type_from_text("u4"), kUInt4);
  for (const char* bad : {"", "int", "int0", "int65", "uint64", "float32", "int8x", "8"})
    EXPECT_FALSE(type_from_text(bad)) << bad;
}

TEST(Sha256, known_answer) {
  EXPECT_EQ(sha256_hex(as_bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace obz
