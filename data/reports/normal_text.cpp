// SPDX-License-Identifier: Apache-2.0
#include "data/reports/normal_text.hpp"

#include "data/base/text.hpp"
#include "data/reports/lexicon.hpp"
#include "data/reports/pattern.hpp"

#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace hepar::reports {

namespace {

// Traditional characters of pathology reports, each before its simplified form.
constexpr std::u16string_view kTraditional =
    u"細细膽胆門门靜静脈脉轉转移移衛卫結结節节緣缘陽阳陰阴見见無无壞坏纖纤維维組组織织級级個个發发單单約约徑径釐厘離离標标診诊斷断彌弥瀰弥間间遠远膜膜淋淋"
    u"島岛葉叶體体腫肿塊块顆颗數数側侧檢检驗验顯显鏡镜圍围變变樑梁實实質质異异態态類类與与兩两處处經经侵侵範范圓圆邊边鄰邻絡络團团擴扩達达應应環环確确認认"
    u"稱称還还條条層层總总內内達达嚴严後后術术臨临錄录報报補补訂订從从為为並并來来張张區区廣广癥症雙双腸肠臟脏寬宽";
// Signs that stand for others.
constexpr std::u16string_view kSigns =
    u"—-–-−-‐-‑-―-﹣-➖-〜~∼~∽~✕×╳×х×✖×\u00a0 \u3000 \t \u2002 \u2003 \u2009 \r\n√☑✓☑✔☑●☑■☑☒☑▣☑◉☑○□◯□☐□▢□【[】]〔(〕)﹙(﹚)，,";
constexpr std::array<std::pair<std::string_view, char16_t>, 6> kEntities{
    {{"&lt;", u'<'}, {"&gt;", u'>'}, {"&nbsp;", u' '}, {"&amp;", u'&'}, {"&quot;", u'"'}, {"&times;", u'×'}}};

const std::unordered_map<char16_t, char16_t>& spellings() {
  static const std::unordered_map<char16_t, char16_t> kMap = [] {
    std::unordered_map<char16_t, char16_t> made;
    for (const std::u16string_view pairs : {kTraditional, kSigns})
      for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) made[pairs[i]] = pairs[i + 1];
    return made;
  }();
  return kMap;
}

bool han(char16_t c) { return c >= 0x4e00 && c <= 0x9fff; }
bool blank(char16_t c) { return c == u' ' || c == u'\n'; }
bool invisible(char16_t c) { return c == 0x200b || c == 0x200c || c == 0x200d || c == 0xfeff || c == 0xad; }

// One character of the original, spelled as the rules know it.
std::u16string spelled(std::string_view character) {
  std::u16string units;
  if (character.size() == 1) {
    const char c = character.front();
    units = static_cast<char16_t>(static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
  } else {
    const icu::UnicodeString raw = icu::UnicodeString::fromUTF8({character.data(), static_cast<int32_t>(character.size())});
    const bool plain = raw.length() == 1 && (han(raw[0]) || spellings().contains(raw[0]));
    const icu::UnicodeString folded = plain ? raw : icu::UnicodeString::fromUTF8(fold_case(nfkc(character)));
    units.assign(folded.getBuffer(), static_cast<std::size_t>(folded.length()));
  }
  std::erase_if(units, &invisible);
  for (char16_t& unit : units)
    if (const auto other = spellings().find(unit); other != spellings().end()) unit = other->second;
  return units;
}

NormalText spelled_text(std::string_view utf8) {
  NormalText normal;
  std::size_t character = 0;
  const auto add = [&](std::u16string_view units) {
    normal.origin.insert(normal.origin.end(), units.size(), character);
    normal.text += units;
  };
  for (std::size_t at = 0; at < utf8.size(); ++character) {
    normal.byte_of.push_back(at);
    const auto entity = utf8[at] != '&' ? kEntities.end()
                                        : std::find_if(kEntities.begin(), kEntities.end(), [&](const auto& e) { return utf8.substr(at).starts_with(e.first); });
    if (entity != kEntities.end()) {
      add(std::u16string(1, entity->second));
      for (std::size_t i = 1; i < entity->first.size(); ++i, ++character) normal.byte_of.push_back(at + i);
      at += entity->first.size();
      continue;
    }
    const auto lead = static_cast<unsigned char>(utf8[at]);
    const std::size_t bytes = std::min<std::size_t>(lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4, utf8.size() - at);
    if (!utf8.substr(at).starts_with("\r\n")) add(spelled(utf8.substr(at, bytes)));  // else the line feed says it
    at += bytes;
  }
  normal.origin.push_back(character);
  normal.byte_of.push_back(utf8.size());
  // "(一)": the character for one in place of the minus sign.
  for (std::size_t i = 1; i + 1 < normal.text.size(); ++i)
    if (normal.text[i] == u'一' && normal.text[i - 1] == u'(' && normal.text[i + 1] == u')') normal.text[i] = u'-';
  return normal;
}

// Terms that are worth being put together again when an export has broken them.
const std::unordered_set<std::u16string>& chinese_terms() {
  static const std::unordered_set<std::u16string> kTerms = [] {
    std::unordered_set<std::u16string> made;
    for (const std::string_view term : lexicon()) {
      const icu::UnicodeString units = icu::UnicodeString::fromUTF8({term.data(), static_cast<int32_t>(term.size())});
      const bool judges = units.length() > 0 && std::u16string_view(u"无有未见").find(units[0]) != std::u16string_view::npos;
      if (units.length() >= 3 && units.length() <= 8 && han(units[0]) && !judges) made.emplace(units.getBuffer(), static_cast<std::size_t>(units.length()));
    }
    return made;
  }();
  return kTerms;
}

// Does a term reach over the gap [from, to)?
bool joins_a_term(std::u16string_view text, std::size_t from, std::size_t to) {
  for (std::size_t left = 1; left <= 7 && left <= from && han(text[from - left]); ++left)
    for (std::size_t right = 1; right <= 8 - left && to + right <= text.size() && han(text[to + right - 1]); ++right)
      if (chinese_terms().contains(std::u16string(text.substr(from - left, left)) + std::u16string(text.substr(to, right)))) return true;
  return false;
}

// A break of lines is one of the page when the line was full, ends or starts with a sign that goes on, or breaks a word.
bool soft(std::u16string_view text, std::size_t from, std::size_t to) {
  static const Pattern kHanging(R"((?:[,、(:]|未见|可见|无|伴|伴有|及|和|与|或|为|呈|约)"
                                R"(|‹(?:no|not|of|and|or|with|without|for|the|is|are|is not|to|by|in|at|from|measuring))$)");
  if (to >= text.size() || from == 0) return false;
  const std::size_t start = text.find_last_of(u'\n', from - 1) == std::u16string_view::npos ? 0 : text.find_last_of(u'\n', from - 1) + 1;
  if (std::u16string_view(u",、。;:)").find(text[to]) != std::u16string_view::npos) return true;
  const std::u16string_view line = text.substr(start, from - start);
  if (line.size() >= 2 && line.back() == u':') return false;  // a heading on a line of its own
  if (kHanging.in(text, {start, from})) return true;
  const auto wide = static_cast<std::size_t>(std::count_if(line.begin(), line.end(), &han));
  const bool closed = std::u16string_view(u"。;.!?").find(line.back()) != std::u16string_view::npos;
  const auto small = [](char16_t c) { return c >= u'a' && c <= u'z'; };
  return !closed &&
         ((wide >= 24 && han(text[to]) && text.substr(to, 12).find(u':') == std::u16string_view::npos) || (line.size() >= 60 && wide == 0 && small(text[to])));
}

void join_broken_lines(NormalText& normal) {
  NormalText joined;
  const std::u16string& text = normal.text;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && blank(text[end])) ++end;
    const std::u16string_view gap = std::u16string_view(text).substr(at, end - at);
    const bool breaks = gap.find(u'\n') != std::u16string_view::npos, paragraph = std::count(gap.begin(), gap.end(), u'\n') > 1;
    const bool inside = !gap.empty() && at > 0 && end < text.size() && han(text[at - 1]) && han(text[end]);
    const bool drop = inside && gap.size() <= 3 && !paragraph && joins_a_term(text, at, end);
    const bool page = breaks && !drop && !paragraph && soft(text, at, end);
    if (!gap.empty() && !drop && !(page && inside)) {
      const std::u16string kept = breaks ? (page ? u" " : paragraph ? u"\n\n" : u"\n") : std::u16string(gap);
      joined.text += kept;
      joined.origin.insert(joined.origin.end(), kept.size(), normal.origin[at]);
    }
    if (end < text.size()) {
      joined.text += text[end];
      joined.origin.push_back(normal.origin[end]);
    }
    at = end + 1;
  }
  joined.origin.push_back(normal.origin.back());
  normal.text = std::move(joined.text);
  normal.origin = std::move(joined.origin);
}

// Of "□M0 ☑M1 □M2", "M0□ M1☑" and "M0( ) M1(√)" only the ticked option stays; the others become blanks.
void keep_ticked_options(NormalText& normal) {
  static const Pattern kRow(R"([^\n。;]*(?:☑|\(\s*x\s*\)|\[\s*x\s*\])[^\n。;]*)");
  static const Pattern kBox(R"(\(\s*[☑x]\s*\)|\[\s*[☑x]\s*\]|☑|\(\s*\)|\[\s*\]|□)");
  static const Pattern kOption(R"([^\s/,:☑()]+(?:\([^()]*\))?)");
  const auto wipe = [&](std::size_t from, std::size_t to) {
    std::fill(normal.text.begin() + static_cast<long>(from), normal.text.begin() + static_cast<long>(to), u' ');
  };
  for (const Match& row : kRow.all(normal.text, {0, normal.text.size()})) {
    const std::u16string text = normal.text;  // as it was: options are judged before any is wiped
    const std::size_t colon = text.substr(0, row.whole.end).find(u':', row.whole.begin);
    const Span options{colon == std::u16string::npos ? row.whole.begin : colon + 1, row.whole.end};
    const std::vector<Match> boxes = kBox.all(text, options);
    if (boxes.empty()) continue;  // a bullet before the row
    const auto ticked = [&](const Match& box) { return text.substr(box.whole.begin, box.whole.size()).find_first_of(u"☑x") != std::u16string::npos; };
    if (std::any_of(boxes.begin(), boxes.end(), [&](const Match& box) { return !ticked(box); })) {
      const bool before = text.find_first_not_of(u' ', options.begin) == boxes.front().whole.begin;
      for (std::size_t i = 0; i < boxes.size(); ++i) {
        const std::size_t from = before ? boxes[i].whole.begin : i == 0 ? options.begin : boxes[i - 1].whole.end;
        const std::size_t to = !before                ? boxes[i].whole.end
                               : i + 1 < boxes.size() ? boxes[i + 1].whole.begin
                                                      : std::min(text.find_first_of(u",。;\n ", boxes[i].whole.end + 1), options.end);
        if (!ticked(boxes[i])) wipe(from, std::min(to, options.end));
      }
    } else if (colon != std::u16string::npos) {
      // Options without boxes: those beside the ticked one, as long as they are single words.
      for (const Match& option : kOption.all(text, options)) {
        const bool near =
            (option.whole.begin > 0 && text[option.whole.begin - 1] == u'☑') || (option.whole.end < text.size() && text[option.whole.end] == u'☑');
        if (!near && option.whole.size() <= 8 && text.substr(options.begin, options.size()).find(u',') == std::u16string::npos)
          wipe(option.whole.begin, option.whole.end);
      }
    }
    for (const Match& box : boxes)
      if (ticked(box)) wipe(box.whole.begin, box.whole.end);
  }
}

// Options of which none is ticked ("□有 □无", "__ present __ absent") say nothing: they become blanks.
void drop_unticked_options(NormalText& normal) {
  static const Pattern kRow(R"([^\n。;]+)");
  static const Pattern kBox(R"(\(\s*\)|\[\s*\]|□|_{2,}\s?(?=(?!cm|mm|个|枚|级)[a-z\p{Han}]))");
  for (const Match& row : kRow.all(normal.text, {0, normal.text.size()})) {
    const std::vector<Match> boxes = kBox.all(normal.text, row.whole);
    if (boxes.size() < 2) continue;
    const std::size_t colon = normal.text.find(u':', row.whole.begin);
    const std::size_t begin = colon < boxes.front().whole.begin ? colon + 1 : row.whole.begin;
    const bool before = normal.text.find_first_not_of(u' ', begin) == boxes.front().whole.begin;
    std::size_t end = boxes.back().whole.end;
    while (before && end < row.whole.end && normal.text[end] != u',' && normal.text.compare(end, 2, u"  ") != 0) ++end;
    std::fill(normal.text.begin() + static_cast<long>(begin), normal.text.begin() + static_cast<long>(end), u' ');
  }
}

}  // namespace

NormalText normal_text(std::string_view utf8) {
  NormalText normal = spelled_text(utf8);
  join_broken_lines(normal);
  keep_ticked_options(normal);
  drop_unticked_options(normal);
  return normal;
}

}  // namespace hepar::reports
