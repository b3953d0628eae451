// SPDX-License-Identifier: Apache-2.0
#include "data/reports/attributes.hpp"

#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/reports/normal_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <span>

namespace hepar::reports {

namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 16> kNegations{"未见", "未查见", "未发现", "未累及", "未侵犯", "无", "阴性", "(-)", "no ", "not ", "none", "without", "absent", "absence", "negative", "denied"};
constexpr std::array<std::string_view, 17> kDoubts{"考虑", "可疑", "疑似", "不除外", "不能除外", "倾向", "待排", "无法评估", "suspicious", "cannot", "indeterminate", "possible", "favor", "favour", "probable", "rule out", "not assessed"};
constexpr std::array<std::string_view, 8> kCorrections{"更正", "补充报告", "修正", "以此为准", "addendum", "amended", "corrected to", "corrected"};
constexpr std::array<std::string_view, 6> kHistory{"clinical history", "history of", "previous", "临床病史", "既往", "病史"};

// A place in the normalised text with the value it states.
struct Statement {
  std::string value;
  Span where;
  double confidence = 1;
};

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// `word` in the text from `from` on; Latin words must stand alone.
std::size_t find_word(std::string_view text, std::string_view word, std::size_t from = 0) {
  for (std::size_t at = text.find(word, from); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool left = !word_character(word.front()) || at == 0 || !word_character(text[at - 1]);
    const std::size_t end = at + word.size();
    const bool right = !word_character(word.back()) || end == text.size() || !word_character(text[end]) || text[end] == 's';
    if (left && right) return at;
  }
  return std::string_view::npos;
}

bool holds_any(std::string_view text, Words words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return find_word(text, trim(word)) != std::string_view::npos; });
}

// A finding's polarity by its sentence: doubt first, for 不除外 is no denial. A denial stands before the finding, spanning
// an enumeration, or right behind it.
std::string polarity(std::string_view sentence, std::size_t finding, std::size_t length) {
  if (holds_any(sentence, kDoubts)) return "uncertain";
  const std::string_view before = sentence.substr(0, finding), after = sentence.substr(finding + length);
  const std::size_t turn = std::max(before.rfind("可见") + 1, before.rfind("but ") + 1);  // npos + 1 is 0
  if (holds_any(before.substr(turn), kNegations)) return "absent";
  const std::string_view near = after.substr(0, std::min({after.size(), after.find(",  "), after.find("，")}));
  constexpr std::array<std::string_view, 9> kBehind{"阴性", "(-)", ":无", "not identified", "not seen", "absent", "not present", "negative", "none"};
  return holds_any(near, kBehind) ? "absent" : "present";
}

class Report {
 public:
  explicit Report(std::string_view utf8) : original_(utf8), normal_(normal_text(utf8)), sentences_(sentences_of(normal_.text)) {}

  [[nodiscard]] std::string_view sentence(const Span& span) const { return std::string_view(normal_.text).substr(span.begin, span.end - span.begin); }

  // Calls `visit(sentence, begin)` for every sentence that speaks of the specimen.
  template <class Visit>
  void each(Visit visit) const {
    for (const Span& span : sentences_)
      if (!holds_any(sentence(span), kHistory)) visit(sentence(span), span.begin);
  }

  [[nodiscard]] Attribute attribute(const std::string& name, const Statement& said, const char* rule) const {
    const std::size_t start = normal_.origin[said.where.begin], end = std::max(normal_.origin[said.where.end], start + 1);
    return {name, said.value, std::string(original_.substr(normal_.byte_of[start], normal_.byte_of[end] - normal_.byte_of[start])), start, end, rule, said.confidence};
  }

  // One value of several statements: the same, or the one after a correcting phrase, or "conflict".
  [[nodiscard]] std::optional<Statement> settle(const std::vector<Statement>& said) const {
    if (said.empty()) return std::nullopt;
    const bool same = std::all_of(said.begin(), said.end(), [&](const Statement& s) { return s.value == said.front().value; });
    if (same) return said.front();
    for (std::size_t i = 1; i < said.size(); ++i) {
      const std::string_view between = std::string_view(normal_.text).substr(said[i - 1].where.end, said[i].where.end - said[i - 1].where.end);
      if (holds_any(between, kCorrections)) return settle({said.begin() + static_cast<long>(i), said.end()});
    }
    Statement conflict = said.back();
    conflict.value = "conflict";
    return conflict;
  }

 private:
  std::string_view original_;
  NormalText normal_;
  std::vector<Span> sentences_;
};

// Present, absent or uncertain, by polarity.
std::vector<Statement> findings(const Report& report, std::initializer_list<std::string_view> names) {
  std::vector<Statement> said;
  report.each([&](std::string_view sentence, std::size_t begin) {
    for (const std::string_view name : names) {
      const std::size_t at = find_word(sentence, name);
      if (at == std::string_view::npos) continue;
      said.push_back({polarity(sentence, at, name.size()), {begin + at, begin + at + name.size()}, 0.9});
      return;
    }
  });
  return said;
}

struct Phrase {
  std::string_view words, value;
};

// Fixed phrases, the first of the list that a sentence holds; longer ones stand first.
std::vector<Statement> phrases(const Report& report, std::span<const Phrase> list) {
  std::vector<Statement> said;
  report.each([&](std::string_view sentence, std::size_t begin) {
    for (const Phrase& phrase : list) {
      const std::size_t at = find_word(sentence, phrase.words);
      if (at == std::string_view::npos) continue;
      said.push_back({std::string(phrase.value), {begin + at, begin + at + phrase.words.size()}});
      return;
    }
  });
  return said;
}

std::vector<Statement> mvi(const Report& report) {
  std::vector<Statement> graded, plain;
  report.each([&](std::string_view sentence, std::size_t begin) {
    for (const std::string_view name : {std::string_view("微血管侵犯"), std::string_view("微脉管侵犯"), std::string_view("脉管内癌栓"), std::string_view("微血管癌栓"), std::string_view("mvi"), std::string_view("microvascular invasion"), std::string_view("microvessel invasion")}) {
      const std::size_t at = find_word(sentence, name);
      if (at == std::string_view::npos) continue;
      for (const std::string_view grade : {std::string_view("m0"), std::string_view("m1"), std::string_view("m2")}) {
        const std::size_t stated = find_word(sentence, grade, at);
        if (stated != std::string_view::npos) return graded.push_back({std::string("M") + grade[1], {begin + at, begin + stated + 2}});
      }
      const std::string polar = polarity(sentence, at, name.size());
      return plain.push_back({polar == "absent" ? "M0" : polar == "present" ? "positive" : polar, {begin + at, begin + at + name.size()}, 0.9});
    }
  });
  return graded.empty() ? plain : graded;
}

constexpr std::array<Phrase, 16> kDifferentiation{{{"高-中分化", "well-moderate"}, {"高~中分化", "well-moderate"}, {"中-低分化", "moderate-poor"}, {"中~低分化", "moderate-poor"}, {"高分化", "well"}, {"中分化", "moderate"}, {"低分化", "poor"}, {"未分化", "undifferentiated"},
                                                   {"well to moderately differentiated", "well-moderate"}, {"moderately to poorly differentiated", "moderate-poor"}, {"moderate to poorly differentiated", "moderate-poor"}, {"well differentiated", "well"}, {"well-differentiated", "well"},
                                                   {"moderately differentiated", "moderate"}, {"poorly differentiated", "poor"}, {"undifferentiated", "undifferentiated"}}};
constexpr std::array<Phrase, 15> kCapsule{{{"包膜不完整", "incomplete"}, {"部分包膜", "incomplete"}, {"包膜侵犯", "incomplete"}, {"突破包膜", "incomplete"}, {"包膜完整", "complete"}, {"无包膜", "absent"}, {"有包膜", "present"}, {"capsule is incomplete", "incomplete"},
                                           {"incomplete capsule", "incomplete"}, {"partially encapsulated", "incomplete"}, {"capsular invasion", "incomplete"}, {"unencapsulated", "absent"}, {"not encapsulated", "absent"}, {"capsule formation is absent", "absent"}, {"encapsulated", "complete"}}};

std::vector<Statement> margin(const Report& report) {
  constexpr std::array<std::string_view, 14> kNegative{"未见癌", "未见肿瘤", "切缘净", "切缘阴性", "阴性", "(-)", "未有癌", "free", "clear", "uninvolved", "not involved", "negative", "no tumor", "no carcinoma"};
  constexpr std::array<std::string_view, 6> kPositive{"见癌", "切缘阳性", "阳性", "(+)", "involved", "positive"};
  std::vector<Statement> said;
  report.each([&](std::string_view sentence, std::size_t begin) {
    for (const std::string_view name : {std::string_view("切缘"), std::string_view("切除面"), std::string_view("margin")}) {
      const std::size_t at = find_word(sentence, name);
      if (at == std::string_view::npos) continue;
      const std::string_view rest = sentence.substr(at);
      const std::string_view value = holds_any(rest, kDoubts) ? "uncertain" : holds_any(rest, kNegative) ? "negative" : holds_any(rest, kPositive) ? "positive" : "";
      if (!value.empty()) said.push_back({std::string(value), {begin + at, begin + sentence.size()}, 0.9});
      return;
    }
  });
  return said;
}

// The number that starts at `at`, and its end.
std::optional<std::pair<double, std::size_t>> number_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && (std::isdigit(static_cast<unsigned char>(text[end])) != 0 || (text[end] == '.' && end > at && end + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[end + 1])) != 0))) ++end;
  const std::optional<double> value = parse_number(text.substr(at, end - at));
  return value ? std::optional(std::pair(*value, end)) : std::nullopt;
}

std::size_t skip(std::string_view text, std::size_t at, std::initializer_list<std::string_view> words) {
  for (bool moved = true; moved;) {
    moved = false;
    for (const std::string_view word : words)
      if (at < text.size() && text.substr(at, word.size()) == word) {
        at += word.size();
        moved = true;
      }
  }
  return at;
}

// "4.5×4×3cm", "measuring 27 mm": the largest number before a unit, of the first such group behind a size word.
std::vector<Statement> size_mm(const Report& report) {
  std::vector<Statement> largest;
  double most = 0;
  report.each([&](std::string_view sentence, std::size_t begin) {
    std::size_t from = std::string_view::npos;
    for (const std::string_view word : {std::string_view("大小"), std::string_view("直径"), std::string_view("最大径"), std::string_view("size"), std::string_view("measuring"), std::string_view("measures"), std::string_view("largest"), std::string_view("greatest dimension"), std::string_view("diameter")}) from = std::min(from, find_word(sentence, word));
    if (from == std::string_view::npos || sentence.substr(0, from).find("肝组织一") != std::string_view::npos || find_word(sentence, "specimen") < from) return;
    double group = 0;
    std::size_t start = 0;
    for (std::size_t at = from; at < sentence.size();) {
      const auto number = std::isdigit(static_cast<unsigned char>(sentence[at])) != 0 ? number_at(sentence, at) : std::nullopt;
      if (!number) {
        ++at;
        continue;
      }
      if (group == 0) start = at;
      group = std::max(group, number->first);
      at = skip(sentence, number->second, {" "});
      const std::size_t next = skip(sentence, at, {" ", "×", "x", "*"});
      const double unit = sentence.substr(at, 2) == "cm" || sentence.substr(at, 6) == "公分" || sentence.substr(at, 6) == "厘米" ? 10 : sentence.substr(at, 2) == "mm" || sentence.substr(at, 6) == "毫米" ? 1 : 0;
      if (unit > 0 && group * unit > most) {
        most = group * unit;
        largest = {{number_text(std::round(most * 1000) / 1000), {begin + start, begin + std::min(sentence.size(), at + 2)}, 0.9}};
      }
      if (unit > 0 || next == at) group = 0;
      at = unit > 0 ? at + 2 : std::max(next, number->second);
    }
  });
  return largest;
}

constexpr std::array<Phrase, 16> kNumber{{{"单发", "1"}, {"多发", "multiple"}, {"两枚", "2"}, {"三枚", "3"}, {"肿物1个", "1"}, {"2个", "2"}, {"3个", "3"}, {"2灶", "2"}, {"3灶", "3"}, {"solitary", "1"}, {"2 foci", "2"}, {"two nodule", "2"}, {"three nodule", "3"}, {"3 foci", "3"}, {"multifocal", "multiple"}, {"multiple", "multiple"}}};

std::vector<Statement> necrosis_pct(const Report& report) {
  std::vector<Statement> said;
  report.each([&](std::string_view sentence, std::size_t begin) {
    for (const std::string_view name : {std::string_view("坏死"), std::string_view("necrosis")}) {
      const std::size_t found = sentence.find(name), percent = sentence.find('%', found == std::string_view::npos ? sentence.size() : found);
      if (found == std::string_view::npos || percent == std::string_view::npos) continue;
      std::size_t first = percent;
      while (first > found && (std::isdigit(static_cast<unsigned char>(sentence[first - 1])) != 0 || sentence[first - 1] == '.')) --first;
      if (const auto number = number_at(sentence, first)) said.push_back({number_text(number->first), {begin + found, begin + percent + 1}, 0.9});
      return;
    }
  });
  return said;
}

struct Rule {
  const char* name;
  const char* rule;
  std::vector<Statement> (*statements)(const Report&);
};
const std::array<Rule, 9> kRules{{
    {"mvi", "mvi.grade_or_polarity", &mvi},
    {"differentiation", "differentiation.phrase", [](const Report& r) { return phrases(r, kDifferentiation); }},
    {"capsule", "capsule.phrase", [](const Report& r) { return phrases(r, kCapsule); }},
    {"satellite", "satellite.polarity", [](const Report& r) { return findings(r, {"卫星结节", "卫星灶", "卫星子灶", "子灶", "satellite nodule", "satellite lesion", "satellite"}); }},
    {"margin", "margin.polarity", &margin},
    {"cirrhosis", "cirrhosis.polarity", [](const Report& r) { return findings(r, {"肝硬化", "cirrhosis"}); }},
    {"size_mm", "size.largest_before_unit", &size_mm},
    {"number", "number.phrase", [](const Report& r) { return phrases(r, kNumber); }},
    {"necrosis_pct", "necrosis.percent", &necrosis_pct},
}};

}  // namespace

std::vector<Attribute> attributes_of(std::string_view utf8) {
  const Report report(utf8);
  std::vector<Attribute> found;
  for (const Rule& rule : kRules)
    if (const std::optional<Statement> said = report.settle(rule.statements(report))) found.push_back(report.attribute(rule.name, *said, rule.rule));
  return found;
}

}  // namespace hepar::reports
