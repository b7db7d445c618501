// Vectors, streams, sets, engines and the comparison.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/cases/coverage.hpp"
#include "golden/cases/requant_stream.hpp"
#include "golden/cases/synth.hpp"
#include "golden/engines/check.hpp"
#include "golden/engines/child.hpp"
#include "golden/engines/pipe_engine.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/philox.hpp"
#include "ref/net/save_load.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

using test::message_of;
using testing::HasSubstr;

TEST(Philox, known_answer_of_the_published_generator) {
  // Salmon et al., kat_vectors: philox4x32-10, counter and key all ones.
  const r123::Philox4x32::ctr_type counter{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}};
  const r123::Philox4x32::key_type key{{0xffffffff, 0xffffffff}};
  const auto out = r123::Philox4x32()(counter, key);
  EXPECT_EQ(out.v[0], 0x408f276dU);
  EXPECT_EQ(out.v[1], 0x41c83b0eU);
  EXPECT_EQ(out.v[2], 0xa20bc7c6U);
  EXPECT_EQ(out.v[3], 0x6d5451fdU);
}

TEST(CaseRandom, draws_cover_a_range_and_nothing_else) {
  std::vector<int> seen(7, 0);
  for (std::uint64_t i = 0; i < 7000; ++i) {
    const std::int64_t v = CaseRandom(5, i).between(-3, 3);
    ASSERT_GE(v, -3);
    ASSERT_LE(v, 3);
    ++seen[static_cast<std::size_t>(v + 3)];
  }
  for (const int n : seen) EXPECT_GT(n, 800);
  EXPECT_EQ(CaseRandom(1, 2).between(INT64_MIN / 2, INT64_MAX / 2),
            CaseRandom(1, 2).between(INT64_MIN / 2, INT64_MAX / 2));
}

TEST(RequantCases, are_a_pure_function_of_seed_and_index) {
  const RequantSpace space{.profile = &find_profile("hawq-v3/exact"), .goal = Goal::corners, .seed = 9};
  std::vector<RequantCase> forward, backward;
  for (std::uint64_t i = 0; i < 500; ++i) forward.push_back(make_requant_case(space, i));
  for (std::uint64_t i = 500; i-- > 0;) backward.push_back(make_requant_case(space, i));
  std::reverse(backward.begin(), backward.end());
  EXPECT_EQ(forward, backward);
  RequantSpace other = space;
  other.seed = 10;
  EXPECT_NE(make_requant_case(other, 3), forward[3]);
}

TEST(RequantCases, are_pinned_forever) {
  // Same seed, same bytes, on any machine: a change here breaks every vector set in the field.
  const RequantSpace space{.profile = &find_profile("tflite/double"), .goal = Goal::corners, .seed = 1};
  const RecordLayout layout = record_layout(*space.profile, space.out);
  std::string text;
  for (std::uint64_t i = 0; i < 3; ++i) append_text(text, layout, make_requant_case(space, i), nullptr);
  EXPECT_EQ(text, "00000636 449efb90 22 80 80 7f\nfffffe48 7c5787d4 22 5f 80 29\nfffca876 4d800000 29 7f 80 7f\n");
}

TEST(RequantCases, stay_in_their_profiles_domain_and_reach_its_corners) {
  for (const Profile& p : profile_catalogue()) {
    const RequantSpace space{.profile = &p, .goal = Goal::corners};
    std::vector<RequantCase> cases;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      cases.push_back(make_requant_case(space, i));
      ASSERT_TRUE(in_domain(p, cases.back())) << p.id << " case " << i;
    }
    for (const auto& [event, times] : count_events(p, kInt8, cases)) {
      const bool optional = event == "multiplier 2^31" || event == "left shift" || event == "zero point odd" ||
                            event == "zero point at a rail" || event == "accumulator beyond 24 bits" ||
                            event == "accumulator at a 32-bit rail";
      if (!optional) EXPECT_GT(times, 0) << p.id << ": " << event;
    }
  }
}

TEST(RequantCases, the_2_31_corner_occurs_where_it_is_kept) {
  const auto count = [](const char* id) {
    const RequantSpace space{.profile = &find_profile(id), .goal = Goal::corners};
    int n = 0;
    for (std::uint64_t i = 0; i < 4000; ++i)
      n += make_requant_case(space, i).channel.multiplier == std::int64_t{1} << 31 ? 1 : 0;
    return n;
  };
  EXPECT_GT(count("hawq-v3/exact"), 0);
  EXPECT_GT(count("vela/natural"), 0);
  EXPECT_EQ(count("tflite/double"), 0);
}

TEST(RequantStream, text_and_binary_survive_for_every_profile_and_type) {
  for (const Profile& p : profile_catalogue()) {
    for (const IntType out : {kInt8, kUInt8, kInt16, kInt4}) {
      const RequantSpace space{.profile = &p, .out = out, .goal = Goal::corners, .seed = 4};
      const RecordLayout layout = record_layout(p, out);
      for (std::uint64_t i = 0; i < 64; ++i) {
        const RequantCase c = make_requant_case(space, i);
        const std::int64_t want = apply_recipe(c.acc, p.recipe, c.channel);
        std::string text;
        append_text(text, layout, c, &want);
        std::int64_t got = 0;
        ASSERT_EQ(parse_text(text.substr(0, text.size() - 1), layout, true, got, "t"), c) << p.id;
        ASSERT_EQ(got, want);
        Bytes bytes;
        append_binary(bytes, layout, c, &want);
        ASSERT_EQ(static_cast<int>(bytes.size()), layout.record_bytes());
        ASSERT_EQ(parse_binary(bytes.data(), layout, got), c) << p.id;
        ASSERT_EQ(got, want);
      }
    }
  }
}

TEST(RequantStream, bad_lines_name_the_field) {
  const RecordLayout layout = record_layout(find_profile("tflite/double"), kInt8);
  const auto error = [&](const std::string& line) {
    std::int64_t out = 0;
    return message_of<Error>([&] { parse_text(line, layout, true, out, "line 7"); });
  };
  EXPECT_THAT(error("00000001 40000000 1f 00 80"), HasSubstr("line 7: field hi is missing"));
  EXPECT_THAT(error("0000001 40000000 1f 00 80 7f 01"), HasSubstr("field acc: expected 8 hex digits"));
  EXPECT_THAT(error("00000001 40000000 1f 00 80 7f zz"), HasSubstr("field out"));
  EXPECT_THAT(error("00000001 40000000 1f 00 80 7f 01 99"), HasSubstr("got more"));
}

TEST(Formats, mem_packs_lanes_low_nibble_first) {
  const Tensor t(Shape{5}, kInt4, {1, -1, 2, 7, -8});
  const std::string text = as_text(format_tensor(t, Format::mem, "t", {4}));
  EXPECT_THAT(text, HasSubstr("\n72f1\n0008\n"));
}

TEST(Formats, c_header_and_csv) {
  const Tensor t(Shape{2, 2}, kInt8, {1, -2, 3, 127});
  EXPECT_THAT(as_text(format_tensor(t, Format::h, "my layer")),
              HasSubstr("static const int8_t my_layer[4] = {\n    1, -2, 3, 127,\n};"));
  EXPECT_THAT(as_text(format_tensor(t, Format::csv, "t")), HasSubstr("\n1,-2\n3,127\n"));
  EXPECT_THAT(message_of<Error>([] { parse_formats("npy,xml"); }), HasSubstr("unknown format \"xml\""));
}

TEST(VectorSet, requant_set_is_reproducible_and_checked) {
  const test::TempDir dir;
  const RequantSpace space{.profile = &find_profile("tosa-1.0/single"), .goal = Goal::corners, .seed = 3};
  const SetOptions options{.formats = {Format::npy, Format::mem, Format::csv, Format::h}};
  write_requant_set(dir / "a", space, 300, options);
  write_requant_set(dir / "b", space, 300, options);
  for (const auto& entry : std::filesystem::directory_iterator(dir / "a")) {
    EXPECT_EQ(read_file(entry.path()), read_file(dir / "b" / entry.path().filename())) << entry.path();
  }
  Engines engines = make_engines({"ref,fast"});
  const CheckReport report = check_set(dir / "a", engines, nullptr);
  EXPECT_EQ(report.compared(), 600);
  EXPECT_EQ(report.differ(), 0);
}

TEST(VectorSet, a_changed_file_is_noticed) {
  const test::TempDir dir;
  write_requant_set(dir / "s", {.profile = &find_profile("tflite/double")}, 50, {});
  Bytes records = read_file(dir / "s/cases.bin");
  records.back() ^= 1;
  write_file(dir / "s/cases.bin", records);
  EXPECT_THAT(message_of<Error>([&] { load_manifest(dir / "s"); }), HasSubstr("changed since the set was made"));
}

TEST(VectorSet, manifests_cannot_reach_outside_their_folder) {
  for (const char* name : {"../secret", "/etc/passwd", "a/../../b", "./x"}) {
    Manifest m{.op = "requant", .profile = "tflite/double", .count = 1};
    m.files.emplace_back(name, "00");
    EXPECT_THAT(message_of<Error>([&] { parse_manifest(format_manifest(m), "manifest.json"); }),
                HasSubstr("plain relative names"))
        << name;
  }
}

TEST(VectorSet, a_foreign_folder_is_not_replaced) {
  const test::TempDir dir;
  write_file(dir / "mine/thesis.txt", as_bytes("years of work"));
  EXPECT_THAT(
      message_of<Error>([&] { write_requant_set(dir / "mine", {.profile = &find_profile("tflite/double")}, 5, {}); }),
      HasSubstr("is not replaced"));
  EXPECT_TRUE(std::filesystem::exists(dir / "mine/thesis.txt"));
}

TEST(VectorSet, a_folder_with_a_foreign_file_beside_a_manifest_is_not_replaced) {
  const test::TempDir dir;
  write_requant_set(dir / "s", {.profile = &find_profile("tflite/double")}, 5, {});
  write_requant_set(dir / "s", {.profile = &find_profile("tflite/double")}, 6, {});  // ours alone: replaced
  write_file(dir / "s/thesis.txt", as_bytes("years of work"));
  EXPECT_THAT(
      message_of<Error>([&] { write_requant_set(dir / "s", {.profile = &find_profile("tflite/double")}, 5, {}); }),
      HasSubstr("is not replaced"));
  EXPECT_TRUE(std::filesystem::exists(dir / "s/thesis.txt"));
}

TEST(VectorSet, links_are_followed_and_devices_are_not_replaced) {
  const test::TempDir dir;
  write_file(dir / "real.txt", as_bytes("old"));
  std::filesystem::create_symlink("real.txt", dir / "link.txt");
  write_file(dir / "link.txt", as_bytes("new"));
  EXPECT_TRUE(std::filesystem::is_symlink(dir / "link.txt"));
  EXPECT_EQ(as_text(read_file(dir / "real.txt")), "new");
  write_file("/dev/null", as_bytes("gone"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(VectorSet, manifests_are_flat_complete_and_of_this_version) {
  const test::TempDir dir;
  write_requant_set(dir / "s", {.profile = &find_profile("tflite/double")}, 5, {});
  const std::string good(as_text(read_file(dir / "s/manifest.json")));
  const auto error_with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return message_of<Error>([&] { parse_manifest(text, "manifest.json"); });
  };
  EXPECT_THAT(error_with("\"seed\": 1", "\"seed\": " + std::string(100000, '[') + std::string(100000, ']')),
              HasSubstr("levels"));
  EXPECT_THAT(error_with("\"profile\": \"tflite/double\"", "\"profile\": \"tflite/single\""),
              HasSubstr("profile_fields"));
  EXPECT_THAT(error_with("half_away", "half_even"), HasSubstr("profile_fields"));
  Manifest unlisted = load_manifest(dir / "s");
  std::erase_if(unlisted.files, [](const auto& f) { return f.first == "cases.bin"; });
  EXPECT_THAT(message_of<Error>([&] { load_requant_set(dir / "s", unlisted); }), HasSubstr("cases.bin is missing"));
}

TEST(VectorSet, layer_and_network_sets_replay) {
  const test::TempDir dir;
  for (const char* op : {"conv2d", "depthwise", "dense", "mma", "add", "mul", "avgpool"}) {
    const IntNet net = synthesize({.op = op, .conv = {2, 5, 5, 7, 6, 3, 3, 1, 1}});
    write_layer_set(dir / op, net, 0, nullptr, Goal::corners, 2, 3,
                    {.formats = {Format::npy, Format::mem}, .mem_lanes = 2});
    write_network_set(dir / (std::string(op) + "-net"), net, nullptr, Goal::random, 2, 2, {});
    for (const std::string& folder : {std::string(op), std::string(op) + "-net"}) {
      Engines engines = make_engines({"ref", "fast"});
      const CheckReport report = check_set(dir / folder, engines, nullptr);
      EXPECT_GT(report.compared(), 0) << folder;
      EXPECT_EQ(report.differ(), 0) << folder;
    }
  }
}

TEST(Synth, every_profile_fills_every_operator_or_says_why) {
  for (const Profile& p : profile_catalogue()) {
    for (const char* op : {"conv2d", "depthwise", "dense", "mma", "add", "mul", "avgpool"}) {
      const std::string error = message_of<Error>([&] {
        synthesize({.op = op, .profile = std::string(p.id), .conv = {1, 6, 6, 8, 8, 3, 3, 1, 1}});
      });
      if (!error.empty()) EXPECT_THAT(error, HasSubstr(std::string(p.id))) << op;
    }
  }
}

TEST(Check, a_wrong_value_is_counted_and_located) {
  const test::TempDir dir;
  write_requant_set(dir / "s", {.profile = &find_profile("tflite/double"), .goal = Goal::random}, 2000, {});
  // The same cases, judged as if the device rounded once.
  const RequantSet set = load_requant_set(dir / "s", load_manifest(dir / "s"));
  const Recipe& single = find_profile("tflite/single").recipe;
  std::string program = "awk '/^#/{print;next}{print $0\" 00\"}'";
  Engines engines;
  engines.push_back(std::make_unique<PipeEngine>(program));
  const CheckReport report = check_set(dir / "s", engines, nullptr);
  EXPECT_GT(report.differ(), 1000);
  EXPECT_EQ(report.rows[0].cells[0].verdict, Verdict::mismatch);
  EXPECT_THAT(report.rows[0].cells[0].first, HasSubstr("want"));
  int differ = 0;
  for (std::size_t i = 0; i < set.cases.size(); ++i)
    differ += apply_recipe(set.cases[i].acc, single, set.cases[i].channel) != set.expected[i] ? 1 : 0;
  EXPECT_GT(differ, 0);
}

TEST(Pipe, devices_that_misbehave_get_a_sentence) {
  const RequantSpace space{.profile = &find_profile("tflite/double")};
  const std::vector<RequantCase> cases{make_requant_case(space, 0), make_requant_case(space, 1)};
  const RequantJob job{space.profile, space.profile->recipe, kInt8, cases};
  const auto error = [&](const char* command) {
    return message_of<std::runtime_error>([&] { PipeEngine(command, 1).run(job); });
  };
  EXPECT_THAT(error("cat >/dev/null"), HasSubstr("answered 0 of 2 cases"));
  EXPECT_THAT(error("cat"), HasSubstr("field out is missing"));
  EXPECT_THAT(error("exit 3"), HasSubstr("answered 0 of 2 cases (exit code 3)"));
  EXPECT_THAT(error("sleep 60"), HasSubstr("made no progress"));
  EXPECT_THAT(error("no-such-program-here"), HasSubstr("cannot be started"));
  EXPECT_THAT(error("awk '/^#/{next}{print $0\" 00\";print $0\" 00\"}'"), HasSubstr("answers another case"));
}

TEST(Pipe, a_child_that_floods_is_ended) {
  EXPECT_THAT(message_of<Error>([] { run_child("yes", "", 5, 1 << 20); }), HasSubstr("wrote more than"));
}

TEST(Pipe, layers_reach_the_device_through_their_accumulators) {
  const IntNet net = synthesize({.op = "conv2d", .conv = {1, 4, 4, 3, 5, 3, 3, 1, 1}});
  const InputSet inputs(net, {npy_from(random_inputs(net, Goal::random, 1, 0)[0])}, {"x"});
  // A device that is right about nothing but answers in the right form.
  Engines engines = make_engines({"pipe:awk '/^#/{print;next}{print $0\" 7f\"}'"});
  const CheckReport report = check_net(net, inputs, 1, engines, nullptr);
  EXPECT_EQ(report.compared(), 4 * 4 * 5);
  EXPECT_GT(report.differ(), 0);
}

TEST(Engines, a_device_that_dies_or_answers_another_case_is_an_error) {
  const std::vector<RequantCase> cases{make_requant_case({.profile = &find_profile("tflite/double")}, 0)};
  const RequantJob job{&find_profile("tflite/double"), find_profile("tflite/double").recipe, kInt8, cases};
  const auto error = [&](const char* command) {
    return message_of<Error>([&] { make_engine(std::string("pipe:") + command)->run(job); });
  };
  constexpr const char* answer = "sed '/^#/!s/$/ 00/'";
  EXPECT_EQ(error(answer), "");
  EXPECT_THAT(error("sed '/^#/!s/$/ 00/'; exit 7"), HasSubstr("exit code 7"));
  EXPECT_THAT(error("sed '/^#/!s/$/ 00/'; kill -SEGV $$"), HasSubstr("signal 11"));
  EXPECT_THAT(error("sed '/^#/!{s/7f$/7e/;s/$/ 00/}'"), HasSubstr("another case"));
  EXPECT_THAT(error("yes"), HasSubstr("wrote more than"));
}

TEST(Engines, unknown_names_are_refused) {
  EXPECT_THAT(message_of<Error>([] { make_engine("fsat"); }), HasSubstr("did you mean \"fast\"?"));
  EXPECT_THAT(message_of<Error>([] { make_engines({""}); }), HasSubstr("a name is missing"));
  EXPECT_THAT(message_of<Error>([] { make_engines({"fast,fast"}); }), HasSubstr("twice"));
  const auto none = [](const std::string&) { return std::unique_ptr<Engine>(); };
  EXPECT_THAT(message_of<Error>([&] { make_engine("gpus", 60, none); }), HasSubstr("did you mean \"gpu\"?"));
  EXPECT_THAT(message_of<Error>([] { make_engine("gpu"); }), Not(HasSubstr("ptx")));
}

}  // namespace
}  // namespace obz
