// obz plan as users call it, and what it says of bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ref/base/file.hpp"
#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using test::shell;
using testing::HasSubstr;

class CliPlan : public testing::Test {
 protected:
  CliPlan() {
    put("t.csv",
        "layer,weights,activations,same_as,omega,bytes,latency_us,latency_us_lo,latency_us_hi\n"
        "a,8,8,,0.1,100,10,9,12\na,4,4,,1.0,50,6,5,9\n"
        "b,8,8,,0.2,200,20,18,24\nb,4,4,,0.9,100,11,10,14\n"
        "c,8,8,a,0.05,40,4,3,6\nc,4,4,a,0.3,20,3,2,4\n"
        "d,8,8,,0,10,1,1,1\n");
  }
  void put(const char* name, const std::string& text) const { write_file(dir_ / name, as_bytes(text)); }
  test::ObzResult plan(const std::string& rest) const {
    return shell("cd " + dir_.path().string() + " && obz plan " + rest);
  }
  std::string refusal(const std::string& rest) const {
    const auto r = plan(rest);
    EXPECT_EQ(r.exit_code, 2) << rest << "\n" << r.out;
    EXPECT_EQ(r.out, "") << rest;
    return r.err;
  }
  std::string file(const char* name) const { return test::slurp(dir_ / name); }
  test::TempDir dir_;
};

TEST_F(CliPlan, finds_the_optimum_and_writes_every_form_of_it) {
  const auto r = plan("t.csv --size 260 -o p.json --csv p.csv --lp p.lp --svg p.svg --pareto size --points 0");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("proved least"));
  const auto json = nlohmann::json::parse(file("p.json"));
  EXPECT_EQ(json["layers"]["a"]["weights"], 8);
  EXPECT_EQ(json["layers"]["b"]["weights"], 4);
  EXPECT_EQ(json["layers"]["c"]["activations"], 8) << "tied to a";
  EXPECT_EQ(json["plan"]["totals"]["bytes"], 250);
  EXPECT_EQ(file("p.csv"), "layer,weights,activations\na,8,8\nb,4,4\nc,8,8\nd,8,8\n");
  EXPECT_THAT(file("p.lp"), HasSubstr("Minimize"));
  EXPECT_THAT(file("p.lp"), HasSubstr("<= 26\n")) << "bytes in units of ten";
  EXPECT_THAT(file("p.svg"), HasSubstr("<svg"));
  EXPECT_THAT(r.out, HasSubstr("3 points"));
}

TEST_F(CliPlan, percentages_lie_between_fewest_and_most_bits) {
  const auto json = nlohmann::json::parse(plan("t.csv --size 50% --json").out);
  EXPECT_EQ(json["plan"]["budgets"]["bytes"], 265);
}

TEST_F(CliPlan, says_why_and_what_would_change_it) {
  const auto r = plan("t.csv --size 260 --why b --runner-up 2");
  EXPECT_THAT(r.out, HasSubstr("b has 4x4, tied to nothing"));
  EXPECT_THAT(r.out, HasSubstr("at 8x8: no assignment keeps the budgets")) << r.out;
  EXPECT_THAT(r.out, HasSubstr("bytes of 350 gives it 8x8")) << r.out;
  EXPECT_THAT(plan("t.csv --size 290 --why c").out, HasSubstr("c has 8x8, tied to a"));
  EXPECT_THAT(plan("t.csv --why d").out, HasSubstr("d has 8x8: it is pinned"));
}

TEST_F(CliPlan, judges_other_assignments) {
  put("good.csv", "layer,bits\na,8\nb,4\nc,8\n");
  put("poor.csv", "layer,weights,activations\na,4,4\nb,4,4\nc,4,4\nd,8,8\n");
  put("big.csv", "layer,other,mine\na,4,8x8\nb,4,8\nc,4,w8a8\n");
  EXPECT_EQ(plan("t.csv --size 260 --compare good.csv").exit_code, 0);
  const auto poor = plan("t.csv --size 260 --compare poor.csv");
  EXPECT_EQ(poor.exit_code, 1);
  EXPECT_THAT(poor.out, HasSubstr("feasible, but not optimal\n  a from 4x4 to 8x8\n  c from 4x4 to 8x8"));
  const auto big = plan("t.csv --size 260 --compare big.csv:mine");
  EXPECT_EQ(big.exit_code, 1);
  EXPECT_THAT(big.out, HasSubstr("not feasible: exceeds bytes"));
  put("split.csv", "layer,bits\na,8\nb,4\nc,4\n");
  EXPECT_THAT(refusal("t.csv --compare split.csv"), HasSubstr("the assignment: layers a (8x8) and c (4x4) are tied"));
  put("lacks.csv", "layer,bits\na,8\nc,8\n");
  EXPECT_THAT(refusal("t.csv --compare lacks.csv"), HasSubstr("expected a row for layer b"));
}

TEST_F(CliPlan, robust_plans_hold_everywhere_in_the_intervals) {
  const auto r = plan("t.csv --latency 30us --robust 1 -o p.json");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("100.00 %"));
  EXPECT_EQ(nlohmann::json::parse(file("p.json"))["layers"]["a"]["weights"], 4) << "26 us as given, 33 at worst";
  EXPECT_THAT(refusal("t.csv --robust 1.5"), HasSubstr("--robust 1.5: expected a number in 0..1"));
}

TEST_F(CliPlan, budgets_that_cannot_hold_name_the_nearest_that_can) {
  EXPECT_EQ(refusal("t.csv --size 100 -o p.json"),
            "obz: no assignment keeps the budgets: bytes 100: at least 180 is needed\n");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "p.json"));
  put("two.csv", "layer,weights,activations,omega,x,y\na,8,8,0,1,9\na,4,4,1,9,1\n");
  EXPECT_EQ(refusal("two.csv --budget x=5 --budget y=5"),
            "obz: no assignment keeps the budgets: x 5: at least 9 is needed with y as they are; y 5: at least 9 is "
            "needed with x as they are\n");
}

TEST_F(CliPlan, an_integer_network_is_planned_by_its_relative_weight_error) {
  const std::string cd = "cd " + dir_.path().string() + " && ";
  ASSERT_EQ(shell(cd + "obz zoo resnet20-cifar -o n.obz").exit_code, 0);
  const auto r = plan("n.obz --size 50% -o p.json --save-table n.csv");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("proved least"));
  ASSERT_EQ(plan("zoo:resnet20-cifar --size 50% --save-table f.csv").exit_code, 0);
  // The same layers with the same bytes, whatever the sensitivity.
  const auto column = [&](const char* name) { return shell(cd + "cut -d, -f1-6 " + name).out; };
  EXPECT_EQ(column("n.csv"), column("f.csv"));
  EXPECT_EQ(shell(cd + "obz zoo resnet20-cifar --bits p.json -o m.obz").exit_code, 0);
}

TEST_F(CliPlan, no_output_takes_the_place_of_another_file) {
  const std::string before = file("t.csv");
  EXPECT_EQ(refusal("t.csv -o ./t.csv"), "obz: --out ./t.csv: the same file is SOURCE\n");
  EXPECT_EQ(file("t.csv"), before);
  EXPECT_EQ(refusal("t.csv --csv q --lp q"), "obz: --lp q: the same file is --csv\n");
}

TEST_F(CliPlan, flips_are_found_where_bisection_would_miss_them) {
  put("why.csv", "layer,weights,activations,bytes,omega\na,8,8,100,.01\na,4,4,50,.5\nb,8,8,500,.05\nb,4,4,250,.7\n");
  EXPECT_THAT(plan("why.csv --size 525 --why a").out, HasSubstr("bytes of 550 gives it 4x4"));
  EXPECT_THAT(plan("why.csv --size 600 --why a").out, HasSubstr("no larger bytes changes it"));
}

TEST_F(CliPlan, names_may_hold_anything_that_is_text) {
  put("names.csv",
      "# a comment\nlayer,weights,activations,bytes,omega\n#conv,8,8,10,0\n#conv,4,4,5,1\n\"a, \"\"b\"\" "
      "<&>\",8,8,10,0\n");
  ASSERT_EQ(plan("names.csv -o n.json --csv n.csv --svg n.svg").exit_code, 0);
  EXPECT_EQ(file("n.csv"), "layer,weights,activations\n#conv,8,8\n\"a, \"\"b\"\" <&>\",8,8\n");
  EXPECT_EQ(plan("names.csv --compare n.csv").exit_code, 0);
  EXPECT_EQ(plan("names.csv --compare n.json").exit_code, 0);
  EXPECT_THAT(file("n.svg"), HasSubstr("&lt;&amp;&gt;"));
  put("bad.csv", "layer,weights,activations,bytes,omega\nc\xFF,8,8,1,1\n");
  EXPECT_THAT(refusal("bad.csv"), HasSubstr("bad.csv: line 2: expected text in UTF-8"));
}

TEST_F(CliPlan, refuses_bad_input_in_one_sentence) {
  EXPECT_THAT(refusal("none.csv"), HasSubstr("none.csv"));
  EXPECT_THAT(refusal("t.csv --bops 50%"), HasSubstr("expected a column \"bops\" in the table"));
  EXPECT_THAT(refusal("t.csv --size much"),
              HasSubstr("--size: expected a number, a percentage or a number with a unit"));
  EXPECT_THAT(refusal("t.csv --size 10 --budget bytes=20"), HasSubstr("has a budget already"));
  EXPECT_THAT(refusal("t.csv --budget bytes"), HasSubstr("expected COLUMN=LIMIT"));
  EXPECT_THAT(refusal("t.csv --why e"), HasSubstr("--why e: the table has no such layer"));
  EXPECT_THAT(refusal("t.csv --pareto area"), HasSubstr("the table has no column \"area\""));
  EXPECT_THAT(refusal("t.csv --choices 8x8"), HasSubstr("--choices"));
  EXPECT_THAT(refusal("m.obz"), HasSubstr("m.obz"));
  EXPECT_THAT(refusal("m.obz --sensitivity kl"), HasSubstr("--sensitivity: measured on float networks"));
  EXPECT_THAT(refusal("zoo:resnet20-cifar --choices 9x9"), HasSubstr("expected bits such as 8, 8x4 or w8a4"));
  EXPECT_THAT(refusal("zoo:resnet20-cifar --pin nothing=8"), HasSubstr("has no such layer"));
  EXPECT_THAT(refusal("zoo:resnet20-cifar --machine t5"), HasSubstr("--machine t5: expected one of t4"));
  put("never.csv", "layer,weights,activations,bytes,omega\na,8,8,1e30,0\na,4,4,0.5,1\n");
  EXPECT_THAT(refusal("never.csv --size 1"), HasSubstr("column bytes: layer a at 4x4 has 0.5, too little beside"));
  EXPECT_THAT(refusal("t.csv --points 3"), HasSubstr("--points: expected with --pareto"));
  EXPECT_THAT(refusal("zoo:resnet20-cifar --calib x.npy"), HasSubstr("--sensitivity mse measures on no samples"));
  put("tr.csv", "layer,trace\nnothing,1\n");
  EXPECT_THAT(refusal("zoo:resnet20-cifar --traces tr.csv"), HasSubstr("the network has no layer \"nothing\""));
  EXPECT_THAT(refusal("t.csv --runner-up -1"), HasSubstr("expected 0..1000"));
}

TEST_F(CliPlan, a_zoo_network_is_planned_quantized_and_the_same_on_both_engines) {
  const auto r = plan("zoo:resnet20-cifar --latency 50% -o p.json --save-table z.csv");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  ASSERT_EQ(plan("z.csv --latency 50% --csv again.csv").exit_code, 0);
  const std::string cd = "cd " + dir_.path().string() + " && ";
  ASSERT_EQ(shell(cd + "obz zoo resnet20-cifar --bits p.json -o n.obz --image x.npy").exit_code, 0);
  const auto checked = shell(cd + "obz check n.obz --engines ref,fast -i x.npy");
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr(" 0 differ"));
  EXPECT_THAT(checked.out, HasSubstr("4x4"));
  EXPECT_THAT(checked.out, HasSubstr("8x8"));
}

}  // namespace
}  // namespace obz
