// SPDX-License-Identifier: Apache-2.0
// Pathology letters as a department's system prints them: a head with the patient's data, what was seen by eye and under the
// microscope, the diagnosis, the stains. The same findings as in report_text.cpp, worded by several hands.
#include "data/base/random.hpp"
#include "data/synthetic/raw.hpp"
#include "data/synthetic/report_text.hpp"

#include <fmt/format.h>

#include <array>
#include <initializer_list>

namespace hepar::synthetic {

namespace {

using Degrees = std::array<std::vector<const char*>, 3>;

const char* one_of(Stream& s, const std::vector<const char*>& wordings) { return wordings[s.below(wordings.size())]; }

// The six signs of the last latent, each in three degrees, with several wordings a degree.
using Signs = std::array<Degrees, 6>;
const Signs& signs_zh() {
  static const Signs kSigns{{
      {{{"肿瘤周围见完整纤维包膜", "肿物包膜完整"},
        {"包膜不完整，局灶受侵", "肿瘤有部分包膜"},
        {"未见包膜，肿瘤与周围肝组织分界不清", "肿瘤无包膜，呈浸润性生长"}}},
      {{{"未见明显坏死", "肿瘤内无坏死"}, {"见小灶坏死（约10%）", "伴灶性坏死，坏死范围约15%"}, {"见大片坏死及出血，坏死约占50%", "坏死明显，约40%，伴出血"}}},
      {{{"癌细胞排列呈细梁状", "肿瘤以细梁索型为主"},
        {"呈梁索型及假腺管型", "梁索型为主，部分呈假腺管型"},
        {"以粗梁型、团片型为主", "实体型及巨梁型生长为主"}}},
      {{{"间质大量淋巴细胞弥漫浸润", "肿瘤内淋巴细胞弥漫浸润"}, {"间质散在淋巴细胞浸润", "少许淋巴细胞散在"}, {"间质未见淋巴细胞浸润", "几乎无淋巴细胞浸润"}}},
      {{{"CK19(-)", "CK19阴性"}, {"CK19(灶+)", "CK19局灶阳性"}, {"CK19(+++)", "CK19弥漫强阳性"}}},
      {{{"Ki-67(5%+)", "Ki-67指数约5%"}, {"Ki-67(20%+)", "Ki-67阳性率约25%"}, {"Ki-67(60%+)", "Ki-67指数约50%"}}},
  }};
  return kSigns;
}
const Signs& signs_en() {
  static const Signs kSigns{{
      {{{"The tumor is completely encapsulated", "A complete fibrous capsule surrounds the tumor"},
        {"The capsule is incomplete and focally breached", "Partially encapsulated tumor"},
        {"No capsule is seen; the border is infiltrative", "The tumor is unencapsulated with an ill-defined border"}}},
      {{{"No tumor necrosis", "Necrosis: none"},
        {"Focal necrosis (approximately 10%)", "Necrosis: present, about 15%"},
        {"Extensive necrosis and hemorrhage, about 50%", "Necrosis: present, approximately 40%, with hemorrhage"}}},
      {{{"Growth pattern: thin trabecular", "The tumor cells form thin trabecular cords"},
        {"Growth pattern: trabecular and pseudoglandular", "Trabecular with focal pseudoglandular architecture"},
        {"Growth pattern: macrotrabecular and solid", "Predominantly solid and macrotrabecular"}}},
      {{{"Dense, diffuse lymphocytic infiltrate in the stroma", "Diffuse lymphocytic infiltrate within the tumor"},
        {"Scattered lymphocytic infiltrate", "A few scattered lymphocytes"},
        {"No lymphocytic infiltrate", "Lymphocytic infiltrate is absent"}}},
      {{{"CK19: negative", "negative for CK19"},
        {"CK19: focally positive", "CK19 focal positive"},
        {"CK19: diffusely and strongly positive", "CK19 diffuse strong positive"}}},
      {{{"Ki-67 index 5%", "Ki-67: approximately 5%"}, {"Ki-67 index 20%", "Ki-67: approximately 25%"}, {"Ki-67 index 60%", "Ki-67: about 50%"}}},
  }};
  return kSigns;
}

std::string grade_zh(Stream& s, const Person& p) {
  static const Degrees kGrades{{{"高分化（Edmondson-Steiner Ⅰ级）", "高分化"},
                                {"中分化（E-S Ⅱ级）", "中分化，Edmondson Ⅱ～Ⅲ级"},
                                {"低分化（E-S Ⅲ级）", "低分化，Edmondson-Steiner Ⅲ-Ⅳ级"}}};
  return one_of(s, kGrades[static_cast<std::size_t>(p.differentiation)]);
}

std::string mvi_zh(Stream& s, const Person& p) {
  if (p.mvi == 0) return one_of(s, {"未见微血管侵犯（M0）", "微血管癌栓：未见，MVI分级M0", "脉管内癌栓(-)，MVI：M0"});
  if (p.mvi == 1) return one_of(s, {"可见微血管侵犯2处，均位于近癌旁（M1）", "MVI分级：M1（低危组）", "脉管内癌栓(+)，MVI：M1"});
  return one_of(s, {"微血管侵犯多于5处，见于远癌旁肝组织（M2）", "MVI分级：M2（高危组）", "脉管内癌栓(+)，MVI：M2"});
}

std::string letter_zh(Stream& s, const Centre& centre, const Person& p, const std::string& date) {
  const auto sign = [&](std::size_t i) { return one_of(s, signs_zh()[i][static_cast<std::size_t>(p.report_signs[i])]); };
  const char* side = s.chance(0.6) ? "右" : "左";
  std::string text = fmt::format("{}合成医院　病理诊断报告单\n姓名：合成患者　　病理号：{}　　住院号：{}　　送检日期：{}\n送检标本：{}肝肿瘤\n\n", centre.name,
                                 p.id, p.id, date, side);
  text += fmt::format("【肉眼所见】\n{}肝部分切除标本一件，大小{:.0f}×{:.0f}×{:.0f}cm，切面见{}，大小{:.1f}×{:.1f}×{:.1f}cm，灰黄质软，{}切缘{:.1f}cm。\n",
                      side, p.size_cm + 6, p.size_cm + 3, p.size_cm + 1, p.multiple != 0 ? "结节多枚，最大者" : "结节一枚", p.size_cm, p.size_cm * 0.9,
                      p.size_cm * 0.75, s.chance(0.5) ? "距" : "肿瘤距", p.r1 ? 0.1 : 0.5 + 1.5 * s.uniform());
  text += fmt::format("【镜下所见】\n{}。{}；{}。{}。\n", sign(2), sign(0), sign(1), sign(3));
  const char* kind = p.other_histology ? "肝内胆管癌" : one_of(s, {"肝细胞癌", "肝细胞性肝癌"});
  text += fmt::format("【病理诊断】\n（{}肝）{}，{}{}。\n{}。{}。{}。\n", side, kind, grade_zh(s, p), p.multiple != 0 ? "，多发" : "", mvi_zh(s, p),
                      p.satellite != 0 ? one_of(s, {"见卫星结节", "可见卫星子灶"}) : one_of(s, {"未见卫星结节", "未见卫星灶"}),
                      p.r1 ? one_of(s, {"切缘见癌", "切缘阳性"}) : one_of(s, {"手术切缘未见癌", "切缘净"}));
  text += fmt::format("周围肝组织{}。\n",
                      p.cirrhosis != 0 ? one_of(s, {"呈结节性肝硬化", "肝硬化（G2S4）"}) : one_of(s, {"慢性肝炎，无肝硬化", "未见肝硬化改变，汇管区轻度炎症"}));
  return text + fmt::format("【免疫组化】\nHepatocyte(+)，Arg-1(+)，GPC3(+)，CD34(血管+)，{}，{}。\n\n报告医师：合成　　审核：合成\n", sign(4), sign(5));
}

std::string letter_en(Stream& s, const Centre& centre, const Person& p, const std::string& date) {
  const auto sign = [&](std::size_t i) { return one_of(s, signs_en()[i][static_cast<std::size_t>(p.report_signs[i])]); };
  static const Degrees kGrades{{{"well differentiated", "well differentiated (Edmondson-Steiner grade I)"},
                                {"moderately differentiated", "moderately differentiated (Edmondson-Steiner grade II)"},
                                {"poorly differentiated", "poorly differentiated (Edmondson-Steiner grade III)"}}};
  static const Degrees kMvi{{{"Microvascular invasion: not identified (M0)", "No microvascular invasion (MVI M0)"},
                             {"Microvascular invasion: present, 3 vessels within 1 cm (M1)", "MVI: M1"},
                             {"Microvascular invasion: present, more than 5 vessels (M2)", "MVI: M2"}}};
  const char* side = s.chance(0.6) ? "right" : "left";
  std::string text =
      fmt::format("SYNTHETIC HOSPITAL {} - DEPARTMENT OF PATHOLOGY\nPatient: Synthetic   Accession: {}   Received: {}\n\n", centre.name, p.id, date);
  text += fmt::format(
      "GROSS DESCRIPTION\nReceived is a {} hepatectomy specimen, {:.0f} x {:.0f} x {:.0f} cm. The cut surface shows {} measuring {:.1f} x {:.1f} x {:.1f} cm, "
      "tan-yellow and soft.\n\n",
      side, p.size_cm + 6, p.size_cm + 3, p.size_cm + 1, p.multiple != 0 ? "multiple nodules, the largest" : "a solitary nodule", p.size_cm, p.size_cm * 0.9,
      p.size_cm * 0.75);
  text += fmt::format("MICROSCOPIC DESCRIPTION\n{}. {}. {}. {}.\n\n", sign(2), sign(0), sign(1), sign(3));
  text += fmt::format("FINAL DIAGNOSIS\nLiver, {} lobe, resection: {}, {}.\n{}.\n", side,
                      p.other_histology ? "intrahepatic cholangiocarcinoma" : "hepatocellular carcinoma",
                      one_of(s, kGrades[static_cast<std::size_t>(p.differentiation)]), one_of(s, kMvi[static_cast<std::size_t>(p.mvi)]));
  text += p.satellite != 0 ? "Satellite nodules are identified.\n" : one_of(s, {"Satellite nodules: absent.\n", "No satellite nodules.\n"});
  text += p.r1 ? "Resection margin is involved by tumor.\n" : fmt::format("Resection margin is free of tumor; closest distance {} mm.\n", 2 + s.below(15));
  text += p.cirrhosis != 0 ? one_of(s, {"Background liver: cirrhosis.\n", "Non-neoplastic liver with established cirrhosis (Ishak stage 6).\n"})
                           : "Background liver: mild chronic inflammation, no cirrhosis.\n";
  return text + fmt::format("\nIMMUNOHISTOCHEMISTRY\nHepPar-1: positive. Arginase-1: positive. Glypican-3: positive. {}. {}.\n", sign(4), sign(5));
}

}  // namespace

std::string report_letter(const Options& options, const Centre& centre, const Person& p) {
  Stream s({options.seed, 441, static_cast<std::uint64_t>(p.number)});
  const std::string date = date_after_surgery(options, p, 4);
  if (!in_chinese(options, p)) return letter_en(s, centre, p, date);
  const std::string text = letter_zh(s, centre, p, date);
  // A hospital's system writes GB18030, or UTF-8 with or without a byte-order mark.
  return p.centre % 3 == 0 ? gb18030(text) : p.centre % 3 == 1 ? "\xef\xbb\xbf" + text : text;
}

}  // namespace hepar::synthetic
