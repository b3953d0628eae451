// SPDX-License-Identifier: Apache-2.0
// Lengths, counts and shares.
#include "data/base/table.hpp"
#include "data/base/text.hpp"
#include "data/reports/rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace hepar::reports {

namespace {

std::string rounded(double value) { return number_text(std::round(value * 1000) / 1000); }

constexpr const char* kUnit = R"((?:cm|mm|公分|厘米|毫米|centimet(?:er|re)s?|millimet(?:er|re)s?|cms|mms))";

// "4.5×4×3cm", "0.3-0.5 cm", "2 cm x 15 mm": a row of numbers that end in a unit; each without its own has the last one.
struct Length {
  Span where;
  double largest = 0, smallest = 0;  // mm
};

std::vector<Length> lengths_in(const Reading& reading, const Span& where) {
  const std::string unit = kUnit;
  static const Pattern kRow(R"((?<![\d.])(?<![a-z])\d+(?:\.\d+)?(?:\s*)" + unit +
                            R"(?\s*(?:[×x*~/、-]|,? ?‹and›|,|‹(?:by|to)›|至|到|和|及|乘)\s*\d+(?:\.\d+)?)*\s*-?\s*)" + unit + R"((?![a-z0-9]))");
  static const Pattern kOne("@n\\s*(" + unit + ")?");
  std::vector<Length> lengths;
  for (const Match& row : kRow.all(reading.text(), where)) {
    Length length{row.whole};
    std::vector<std::pair<double, double>> numbers;  // value, mm a unit or 0
    for (const Match& one : kOne.all(reading.text(), row.whole)) {
      const std::u16string_view said = reading.text(one.groups[2]);
      numbers.emplace_back(reading.number(one.groups[1]).value_or(0), said.empty()                                                                    ? 0
                                                                      : said.starts_with(u"mm") || said.starts_with(u"毫") || said.starts_with(u"mi") ? 1
                                                                                                                                                      : 10);
    }
    const std::u16string_view last = reading.text(row.whole);
    const double scale = last.ends_with(u"mm") || last.ends_with(u"毫米") || last.find(u"millim") != std::u16string_view::npos ? 1 : 10;
    for (const auto& [value, own] : numbers) {
      const double mm = value * (own > 0 ? own : scale);
      length.largest = std::max(length.largest, mm);
      length.smallest = length.smallest == 0 ? mm : std::min(length.smallest, mm);
    }
    lengths.push_back(length);
  }
  return lengths;
}

std::optional<Span> last_of(const Reading& reading, const Pattern& pattern, const Span& where) {
  const std::vector<Match> all = pattern.all(reading.text(), where);
  return all.empty() ? std::nullopt : std::optional(all.back().whole);
}

// Is this length one of the tumour? By the noun next before it, or the one right behind it.
bool of_tumour(const Reading& reading, const Unit& unit, const Clause& clause, const Length& length) {
  static const Pattern kTumour(R"(肿瘤|肿物|肿块|包块|病灶|瘤体|占位|(?<!距)癌(?!旁|栓|周)|结节|瘤(?!栓)|(?<!卫星|子)灶)"
                               R"(|‹(?:tumou?rs?|mass(?:es)?|lesions?|nodules?|\w*carcinomas?|foc(?:us|i)|hcc|icc|neoplasms?)›)");
  static const Pattern kOther(R"(切缘|切除面|断(?:端|面)|标本|肝组织|组织一|(?:部分|左|右)?半?肝(?:切除|一)|肝脏(?:一|大小)|(?:肝)?叶(?:一|切除)|胆囊)"
                              R"(|淋巴结|卫星(?:结节|灶)?)"
                              R"(|子灶|癌栓|瘤栓|囊肿|血管瘤|包膜|坏死|膈肌|异型增生|再生结节|硬化结节|子结节|癌旁)"
                              R"(|‹(?:margins?|clearance|(?:resection|transection|surgical) (?:surface|line|edge|plane)|cut edge|specimen|hepatectomy)"
                              R"(|segmentectomy|lobectomy|resection|gall ?bladder|nodes?|satellites?(?: nodules?)?|thromb\w+)"
                              R"(|cysts?|ha?emangioma|capsule|biops\w+|cores?|fragments?|necrosis|adenoma)"
                              R"(|(?:dysplastic|regenerative|cirrhotic|satellite) nodules?|liver(?= (?:specimen|weigh|measur|tissue|,)))"
                              R"(|(?:liver|tissue) (?:tissue|measuring|weighing))›)");
  static const Pattern kSize(R"(大小|直径|最大径|长径|最大者|体积|‹(?:size|measur\w+|largest|greatest|dimensions?|diameter|max(?:imum|imal)?)›)");
  static const Pattern kAway(R"(距|间距|距离|瘤旁|癌旁|厚|宽|‹(?:distance|clearance|within|away|thick\w*)›)");
  static const Pattern kBehindAway(R"(^\s*(?:\([^)]*\)\s*)?(?:‹(?:away|from|to the|short of|beyond|below|deep to|of the (?:\w+ )?margin|clear)›|的?切缘|厚)"
                                   R"(|thick))");
  static const Pattern kStage(R"(‹p?t[1-4][ab]?\s*[:(]?[^,。;]{0,6}$)");
  static const Pattern kBehind(R"(^\s*(?:in (?:greatest|largest|maximum|maximal) (?:dimension|diameter),? )?[的)]?(?:(?:灰白|灰黄|质硬|质中|质软|结节状)"
                               R"(|类圆形|圆形|不规则|实性)[色]?的?)*(?:(?!‹(?:from|away|and|with|of|to)›)[a-z-]+,? ){0,5}?(?:结节|肿物|肿块|肿瘤|病灶)"
                               R"(|癌灶|包块|‹(?:tumou?rs?|mass(?:es)?|lesions?|nodules?|\w*carcinomas?|hcc)›))");
  static const Pattern kDysplastic(R"(异型增生|再生结节|dysplastic|regenerative)");
  static const Pattern kCirrhosis(R"(硬化|假小叶|‹cirrho)");
  static const Pattern kGeneric(R"(结节|nodule)");
  std::size_t from = unit.span.begin;
  for (const Length& other : lengths_in(reading, {clause.span.begin, length.where.begin})) from = std::max(from, other.where.end);
  const Span before{unit.span.begin, length.where.begin}, near{std::max(from, clause.span.begin), length.where.begin},
      after{length.where.end, std::min(unit.span.end, length.where.end + 60)};
  if (reading.in(kAway, near) || reading.in(kBehindAway, after) || reading.in(kStage, near)) return false;
  const std::optional<Match> behind = kBehind.starts(reading.text(), after);
  const std::optional<Span> tumour = last_of(reading, kTumour, before), other = last_of(reading, kOther, before);
  // A nodule that turns out to be dysplastic is not the tumour.
  const std::optional<Span> noun = behind ? std::optional(behind->whole) : tumour;
  if (noun && reading.in(kGeneric, *noun) && reading.in(kCirrhosis, unit.span)) return false;
  if (noun && reading.in(kGeneric, *noun) && kDysplastic.in(reading.text(), {length.where.end, unit.span.end})) return false;
  if (behind) return !kOther.in(reading.text(), behind->whole);
  if (other && (!tumour || tumour->end <= other->end)) return false;
  return tumour.has_value() || reading.in(kSize, before);
}

struct CountWord {
  std::u16string_view word;
  int count;
};
constexpr std::array<CountWord, 22> kCountWords{
    {{u"一", 1}, {u"单", 1},  {u"两", 2},     {u"二", 2},  {u"双", 2},    {u"三", 3},   {u"四", 4},   {u"五", 5},  {u"六", 6},    {u"七", 7},    {u"八", 8},
     {u"九", 9}, {u"one", 1}, {u"single", 1}, {u"two", 2}, {u"three", 3}, {u"four", 4}, {u"five", 5}, {u"six", 6}, {u"seven", 7}, {u"eight", 8}, {u"nine", 9}}};

int count_of(const Reading& reading, const Span& span) {
  const std::u16string_view text = reading.text(span);
  const auto word = std::find_if(kCountWords.begin(), kCountWords.end(), [&](const CountWord& w) { return w.word == text; });
  return word == kCountWords.end() ? static_cast<int>(reading.number(span).value_or(0)) : word->count;
}

}  // namespace

Statements size_mm(const Reading& reading) {
  // The unit may stand in the label: "Tumour size (mm): 44".
  static const Pattern kLabelled(R"((?:(?:肿瘤|肿物|病灶|结节)[^,。;:()\n]{0,6}(?:大小|直径|最大径|长径))"
                                 R"(|‹(?:(?:tumou?r|lesion|nodule) (?:size|diameter|dimension))"
                                 R"(|(?:size|diameter|dimension) of (?:the )?(?:\w+ )?(?:tumou?r|lesion|nodule)))\s*\((mm|cm)\)\s*[:=]\s*@n(?!\s*[×x*.\d]))");
  Statements said;
  for (const Unit& unit : reading.units())
    for (const Clause& clause : unit.clauses) {
      if (clause.history) continue;
      for (const Length& length : lengths_in(reading, clause.span))
        if (of_tumour(reading, unit, clause, length)) said.push_back({rounded(length.largest), length.where, 0.9});
    }
  reading.each(kLabelled, [&](const Unit&, const Clause&, const Match& field) {
    const double value = reading.number(field.groups[2]).value_or(0);
    said.push_back({rounded(reading.text(field.groups[1]) == u"mm" ? value : value * 10), field.whole, 0.9});
  });
  return said;
}

Statements margin_mm(const Reading& reading) {
  static const Pattern kMargin(R"(切缘|切除面|断(?:端|面)|‹(?:margins?|clearance)›)"
                               R"(|‹(?:resection|transection|surgical|cut) (?:surface|line|edge|plane)›)");
  static const Pattern kDistance(R"(距|间距|距离|最近|宽|‹(?:distance|clearance|within|closest|nearest|away|by|margin|margins)›|切缘|切除面|断(?:端|面))");
  static const Pattern kBehind(R"(^\s*(?:away )?(?:‹(?:from|to|of)›)[^,.;]{0,50}‹(?:margin)"
                               R"(|(?:resection|transection|surgical|cut) (?:surface|line|edge|plane))|^[^,。;]{0,4}的?切缘|^\s*(?:\w+ ){0,3}margins?›)"
                               R"(|^\s*‹(?:away|clearance)›)");
  static const Pattern kSize(R"(大小|直径|最大径|体积|‹(?:measur\w+|size|diameter|dimension)›)");
  static const Pattern kOther(R"(距(?:离)?(?:肝)?(?:被膜|包膜|肝门|门静脉|胆管)|‹(?:capsule|satellite|thick\w*)›|卫星|子灶)");
  Statements said;
  for (const Unit& unit : reading.units())
    for (const Clause& clause : unit.clauses) {
      if (clause.history) continue;
      std::size_t from = clause.span.begin;
      for (const Length& length : lengths_in(reading, clause.span)) {
        const Span near{from, length.where.begin}, after{length.where.end, unit.span.end};
        from = length.where.end;
        const bool named = reading.in(kMargin, {unit.span.begin, length.where.begin});
        const bool behind = kBehind.starts(reading.text(), after).has_value();
        const bool first = near.begin == clause.span.begin;  // "closest, posterior, 3 mm": the word may stand a clause earlier
        const std::size_t close = length.where.begin - std::min<std::size_t>(length.where.begin - unit.span.begin, 28);
        const bool other_length = !lengths_in(reading, {close, length.where.begin}).empty();
        const Span told{first && !other_length ? std::min(close, near.begin) : near.begin, near.end};
        const std::optional<Span> distance = last_of(reading, kDistance, told), size = last_of(reading, kSize, told);
        const bool listed = distance.has_value() && !(size && size->begin > distance->begin);
        const bool goes_on = near.begin > clause.span.begin && !said.empty() && near.size() <= 4 && said.back().where.end == near.begin;
        if ((behind || (named && (listed || goes_on))) && !reading.in(kOther, near)) said.push_back({rounded(length.smallest), length.where, 0.9});
      }
    }
  return said;
}

Statements tumour_number(const Reading& reading) {
  const std::string count = R"((\d{1,2}|[一单两二双三四五六七八九]|‹(?:one|single|two|three|four|five|six|seven|eight|nine)))";
  static const Pattern kCount(R"((?:肿瘤|肿物|肿块|结节|病灶|癌)(?:数目|数量|个数)?[^,。;:\d]{0,6}?[:(为,]?\s*)" + count + R"(\s*(?:个|枚|处|灶|颗))");
  static const Pattern kBefore(count + R"(\s*(?:个|枚|处|颗)(?:[^,。;:]{0,10}?)(?:肿瘤|肿物|肿块|结节|病灶|癌))");
  static const Pattern kEnglish(R"((?<![\d.])‹)" + count +
                                R"( (?:(?!and›|margin|lymph|cm›|mm›|x›)[\w.-]+,? ){0,6}?‹(?:tumou?rs|masses|lesions|nodules|foci|carcinomas|hccs)›)");
  static const Pattern kField(R"((?:(?:肿瘤|病灶|结节)?(?:数目|数量|个数))"
                              R"(|‹(?:number of (?:tumou?rs|lesions|nodules|foci)|tumou?r number|no\. of tumou?rs))\s*(?:\(n=|\(|:|=|为)\s*)" +
                              count);
  static const Pattern kChinese(R"((?:见|有|示|为)[^,。;:\d]{0,6}?(一)(?![致般些直定并起])[^,。;:\d个枚处颗]{0,10}?(?:肿物|肿块|肿瘤|结节|病灶))");
  static const Pattern kListed(R"((?:lesion|tumou?r|nodule|mass|肿瘤|肿物|结节|病灶)\s*(?:#|no\.? ?|编号)?\s*([1-9])\s*[:,(])");
  static const Pattern kUnsure(R"(‹number of (?:tumou?rs|lesions|nodules|foci) (?:\w+ )?(?:uncertain|unclear|indeterminate|cannot))"
                               R"(|(?:肿瘤|病灶|结节)?(?:数目|数量|个数)[^,。;:]{0,4}(?:不清|不明|难以|无法|不确定))");
  static const Pattern kFoci(R"(\(?)" + count + R"(\s*(?:灶|foci|nodules|tumors)\)?)");
  static const Pattern kOne(R"(单发|孤立(?:性)?|单个(?:肿瘤|结节|病灶|肿物)|单结节)"
                            R"(|‹(?:single|one) (?:[\w.-]+ ){0,4}?(?:tumou?r|mass|lesion|nodule|focus)›)"
                            R"(|‹(?:solitary|unifocal|(?:number|focality|tumou?rs?)[^,.;]{0,12}: ?single)›)");
  static const Pattern kMany(R"(多发|多(?:个|枚|处|灶)(?:性)?|数(?:个|枚)|多结节)"
                             R"(|‹(?:multiple|multifocal|multinodular|numerous|several)›)");
  static const Pattern kInexact(R"((?:>|≥|more than|over|at least|≥|超过|大于|至少|不少于)\s*$)");
  static const Pattern kVessels(R"(mvi|vascul|vessel|venule|embol|thromb|微血管|脉管|癌栓|静脉|卫星|satellit)");
  static const Pattern kTumours(R"(肿瘤|肿物|肿块|病灶|tumou?r|hcc|mass|lesion)");
  static const Pattern kOther(R"(卫星|子灶|淋巴|蜡块|囊肿|转移|再生|异型增生|硬化结节|假小叶|脉管|血管|癌栓|mvi|神经|包膜|侵犯|汇管区|细胞|送检|切片)"
                              R"(|‹(?:satellite|lymph|block|section|cyst|regenerative|dysplastic|cirrhotic|vessel|vascular|fragments?|pieces|portal)"
                              R"(|segments?|metasta\w+)\w*)");
  Statements said;
  const auto add = [&](const Pattern& pattern, const char* value, double confidence) {
    reading.each(pattern, [&](const Unit& unit, const Clause& clause, const Match& match) {
      const Span around{match.whole.begin - std::min<std::size_t>(match.whole.begin - clause.span.begin, 4), std::min(match.whole.end + 12, clause.span.end)};
      const bool known =
          std::any_of(said.begin(), said.end(), [&](const Statement& s) { return s.where.begin < match.whole.end && match.whole.begin < s.where.end; });
      if (known || reading.in(kOther, around) || polarity(reading, unit, match.whole, {false, false}) != Polarity::present) return;
      const int count = value != nullptr ? 1 : count_of(reading, match.groups[1]);
      if (count <= 0 || (reading.in(kVessels, clause.span) && !reading.in(kTumours, match.whole))) return;
      const bool inexact = value == nullptr && reading.in(kInexact, {clause.span.begin, match.groups[1].begin});
      said.push_back({value != nullptr ? value : inexact ? "multiple" : std::to_string(count), match.whole, confidence});
    });
  };
  reading.each(kUnsure, [&](const Unit&, const Clause&, const Match& match) { said.push_back({"uncertain", match.whole, 0.9}); });
  if (!said.empty()) return said;
  for (const Pattern* pattern : {&kField, &kCount, &kBefore, &kChinese, &kEnglish, &kFoci}) add(*pattern, nullptr, 0.9);
  if (said.empty()) {  // "Lesion 1: …, lesion 2: …": the last number
    Statements listed;
    reading.each(kListed, [&](const Unit&, const Clause&, const Match& match) {
      const int index = count_of(reading, match.groups[1]);
      if (index == static_cast<int>(listed.size()) + 1) listed.push_back({std::to_string(index), match.whole, 0.8});
    });
    if (listed.size() > 1) said.push_back(listed.back());
  }
  add(kOne, "1", 1);
  // A count says more than "multiple".
  const bool counted = std::any_of(said.begin(), said.end(), [](const Statement& s) { return s.value != "1"; });
  if (!counted) add(kMany, "multiple", 1);
  std::sort(said.begin(), said.end(), [](const Statement& a, const Statement& b) { return a.where.begin < b.where.begin; });
  return said;
}

Statements necrosis_pct(const Reading& reading) {
  static const Pattern kBehind(R"((?:坏死)"
                               R"(|‹necro(?:sis|tic)›)(?:(?!存活|残存|脂肪|ki-?67|viable)"
                               R"(|steatosis)[^。;%\d]){0,30}?(?:[<>≤≥~]\s*)?\d+(?:\.\d+)?\s*%?\s*(?:(?:[-~]|至|到|‹to›)\s*)?(\d+(?:\.\d+)?)?\s*%)");
  static const Pattern kBefore(R"((\d+(?:\.\d+)?)\s*%\s*(?:的?(?:肿瘤|区域|癌组织|瘤组织|面积)?(?:呈|为|发生|见|可见)?(?:凝固性|缺血性)?坏死)"
                               R"(|‹(?:(?:of the )?(?:tumou?r|lesion|mass) (?:\w+ ){0,3})?(?:coagulative |tumou?r |ischemic )?necro(?:sis|tic)›))");
  static const Pattern kNumbers("@n");
  Statements said;
  const auto add = [&](const Match& match) {
    if (match.groups[1].size() > 0) return said.push_back({rounded(reading.number(match.groups[1]).value_or(0)), match.whole, 0.9});
    const std::vector<Match> numbers = kNumbers.all(reading.text(), match.whole);
    if (!numbers.empty()) said.push_back({rounded(reading.number(numbers.back().whole).value_or(0)), match.whole, 0.9});
  };
  reading.each(kBehind, [&](const Unit&, const Clause&, const Match& match) { add(match); });
  if (said.empty()) reading.each(kBefore, [&](const Unit&, const Clause&, const Match& match) { add(match); });
  return said;
}

}  // namespace hepar::reports
