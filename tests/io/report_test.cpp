// SPDX-License-Identifier: Apache-2.0
// Reports: well-formed and self-contained pages, escaped texts, and numbers at the right positions.
#include "heed/io/report.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <cmath>

#include "temporary.hpp"
#include "xml.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using heed::io::Report;

Xml check(const Report& report) {
  Xml page(report.html());
  CHECK(page.first_error == "");
  CHECK(heed::detail::utf8_valid_prefix(page.text) == page.text.size());
  // The page loads nothing and has no scripts.
  for (const std::string tag : {"script", "link", "img", "iframe", "object", "a"}) CHECK(page.count(tag) == 0);
  CHECK_THAT(page.text, !Contains("url(") && !Contains("@import") && !Contains("src="));
  // By this a program knows a file that it may replace.
  CHECK_THAT(page.text, Contains("<meta name=\"generator\" content=\"heed\"/>"));
  return page;
}

TEST_CASE("report: the XML checker detects malformed pages", "[io]") {
  const auto ok = [](const std::string& body) { return Xml("<!DOCTYPE html>\n" + body).first_error.empty(); };
  CHECK(ok("<a b=\"1\"><c/>x &amp; y</a>\n"));
  for (const std::string bad : {"<a>", "<a></b>", "<a><b></a></b>", "<a>&nbsp;</a>", "<a> & </a>", "<a b=1></a>",
                                "<a b=\"1\" b=\"2\"/>", "<a b=\"<\"/>", "<a/><a/>", "<a>\x01</a>"}) {
    CAPTURE(bad);
    CHECK_FALSE(ok(bad));
  }
}

TEST_CASE("report: every text is escaped, and invalid UTF-8 is replaced", "[io]") {
  const std::string nasty = "<b onclick=\"x\">&amp; 'q' ]]> \u00e9";
  Report report(nasty);
  report.heading(nasty).text(nasty);
  report.table(nasty, {{nasty}, {{nasty}}});
  report.line_chart({nasty, nasty, {{nasty, {1, 2}}}});
  report.heat_map({nasty, {nasty}, {nasty}, {1}});
  const Xml page = check(report);
  CHECK(std::count(page.content.begin(), page.content.end(), nasty) >= 8);
  CHECK(page.count("b") == 0);

  Report broken(std::string("a\0b\x1b", 4));
  broken.text("Caf\xe9 \xc0\xaf \xed\xa0\x80 \xef\xbf\xbf ok");
  CHECK_THAT(check(broken).text, Contains("Caf\uFFFD \uFFFD\uFFFD") && Contains("ok"));
  Report reordered("0\u202e1\u202c \u009b \u2069");
  CHECK(check(reordered).contains("0\uFFFD1\uFFFD \uFFFD \uFFFD"));
}

TEST_CASE("report: columns of numbers are aligned right", "[io]") {
  Report report("t");
  report.table("",
               {{"model", "NDCG", "interval", "mixed"},
                {{"60 CAKE CASES", "0.2951 \u00b1 0.0006", "[-0.1, 0.2]", "1"}, {"b", "12 %", "\u2212 3e-5", "none"}}});
  const Xml page = check(report);
  CHECK_THAT(page.text, Contains("<th>model</th><th class=\"number\">NDCG</th><th class=\"number\">interval</th>"
                                 "<th>mixed</th>"));
  CHECK_THAT(page.text, Contains("<td>60 CAKE CASES</td>") && Contains("<td class=\"number\">12 %</td>"));
  CHECK(page.count("td") == 8);
  CHECK_THROWS_AS(report.table("", {{"a", "b"}, {{"1"}}}), heed::ShapeError);
}

TEST_CASE("report: a chart has ticks, a legend and one mark per finite value", "[io]") {
  Report report("t");
  report.line_chart({"Loss", "epoch", {{"training", {6, 5, NAN, 3, 2}}, {"validation", {INFINITY, 5.5}}}});
  const Xml page = check(report);
  CHECK(page.count("circle") == 5);
  for (const std::string tick : {"2", "3", "4", "5", "6"}) CHECK(page.contains(tick));
  for (const std::string text : {"Loss", "epoch", " training", " validation", "training, epoch 4: 3"}) {
    CAPTURE(text);
    CHECK(page.contains(text));
  }
  // Epoch 1 at the left edge; 6 is the top of [2, 6]; the NaN breaks the line; 2 is at the bottom right.
  CHECK_THAT(page.text, Contains("d=\"M58.0 10.0L190.5 63.0M455.5 169.0L588.0 222.0\""));
}

TEST_CASE("report: charts of no, one, large, small and constant values are well-formed", "[io]") {
  for (const std::vector<double>& values :
       std::vector<std::vector<double>>{{}, {NAN}, {0}, {5}, {-3, -3}, {1e9, 2e9}, {1e-9, 3e-9}, {1, 1 + 1e-15},
                                        {1.6e308}, {-1.7e308, 1.7e308}, {1e300}, {-1e300, 1e300}, {5e-324}, {0, 5e-324},
                                        {1e300, 1}, {1e16, 1e16 + 2}}) {
    Report report("t");
    report.line_chart({"c", "epoch", {{"s", values}}});
    const Xml page = check(report);
    CHECK_THAT(page.text, !Contains("nan") && !Contains("inf"));
    CHECK(page.text.size() < 12'000);
  }
  for (const double first_x : std::initializer_list<double>{NAN, -INFINITY, 1.6e308, 1e300, 1e17, -5e-324}) {
    CAPTURE(first_x);
    Report report("t");
    report.line_chart({"c", "epoch", {{"s", {1, 2, 3}, first_x}}});
    const Xml page = check(report);
    CHECK_THAT(page.text, !Contains("nan") && !Contains("inf"));
    CHECK(page.text.size() < 12'000);
  }
  Report empty("t");
  empty.line_chart({"c", "epoch", {}}).heat_map({"m", {}, {}, {}}).table("t", {});
  CHECK(check(empty).contains("No data."));
}

TEST_CASE("report: a heat map shades by weight and names every cell", "[io]") {
  Report report("t");
  report.heat_map({"m", {"lamp", "heart"}, {"first", "second", "third"}, {0.1, 0.4, 0, NAN, 0.2, 0.2}});
  const Xml page = check(report);
  CHECK(page.contains("heart for first: 0.4000"));
  CHECK(page.contains("lamp for third: 0.2000"));
  CHECK_THAT(page.text, Contains("fill-opacity=\"1.000\"/><title>heart for first"));
  CHECK_THAT(page.text, Contains("fill-opacity=\"0.250\"/><title>lamp for first"));
  CHECK_THAT(page.text, Contains("fill-opacity=\"0.000\"/><title>heart for second: nan"));
  CHECK(page.contains("0.400"));  // the end of the scale
  CHECK(page.count("li") == 3);
  CHECK_THROWS_AS(report.heat_map({"m", {"a"}, {"b"}, {1, 2}}), heed::ShapeError);
  Report large("t");
  large.heat_map({"m", {"a"}, {"b"}, {1e300}});
  CHECK(check(large).contains("a for b: " + heed::io::fixed(1e300, 4)));  // all digits
}

TEST_CASE("report: the file is written atomically", "[io]") {
  const temporary::Folder folder;
  Report report("t");
  report.write(folder.file("report.html"));
  CHECK(temporary::read_bytes(folder.file("report.html")) == report.html());
  CHECK_THROWS_WITH(report.write("/nonexistent/report.html"), Contains("write_report: cannot create"));
}

}  // namespace HEED_TEST_UNIT
