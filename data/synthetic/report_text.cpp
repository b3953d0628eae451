// SPDX-License-Identifier: Apache-2.0
#include "data/synthetic/report_text.hpp"

#include "data/base/random.hpp"
#include "data/synthetic/person.hpp"

#include <fmt/format.h>

#include <array>

namespace hepar::synthetic {

namespace {

using Choices = std::array<const char*, 3>;

// Six signs of the latent, each in three degrees, two languages.
constexpr std::array<std::array<Choices, 2>, 6> kSigns{{
    {{{"肿瘤包膜完整，边界清楚。", "肿瘤部分包膜，边界尚清楚。", "肿瘤无包膜，边界不清，浸润周围肝组织。"}, {"Tumor is encapsulated and well-circumscribed.", "Capsule is incomplete.", "Unencapsulated tumor with ill-defined border, extending into adjacent parenchyma."}}},
    {{{"未见坏死及出血。", "灶性坏死，约10%。", "弥漫坏死伴出血，坏死约40%。"}, {"No necrosis or hemorrhage seen.", "Focal necrosis, approximately 10%.", "Diffuse necrosis and hemorrhage, about 40%."}}},
    {{{"细胞呈梁索型生长。", "细胞呈假腺管型及梁索型生长。", "细胞呈团片型、巨梁型生长。"}, {"Trabecular growth pattern.", "Pseudoglandular and trabecular pattern.", "Solid, macrotrabecular growth pattern."}}},
    {{{"淋巴细胞弥漫浸润。", "淋巴细胞散在浸润。", "未见淋巴细胞浸润。"}, {"Diffuse lymphocytic infiltrate is present.", "Scattered lymphocytic infiltrate.", "Lymphocytic infiltrate is absent."}}},
    {{{"CK19阴性。", "CK19灶状阳性。", "CK19弥漫强阳性。"}, {"CK19 negative.", "CK19 focally positive.", "CK19 diffuse strong positive."}}},
    {{{"Ki-67约5%阳性。", "Ki-67约20%阳性。", "Ki-67约60%阳性。"}, {"Ki-67 index 5%.", "Ki-67 index 20%.", "Ki-67 index 60%."}}},
}};

std::string chinese(Stream& s, const Person& p) {
  std::string text = fmt::format("病理诊断：（{}肿瘤）{}，{}。大小{:.1f}×{:.1f}×{:.1f}cm，{}。", s.chance(0.6) ? "右肝" : "左肝", s.chance(0.5) ? "肝细胞癌" : "肝细胞性肝癌",
                                 Choices{"高分化", "中分化", "低分化"}[static_cast<std::size_t>(p.differentiation)], p.size_cm, p.size_cm * 0.9, p.size_cm * 0.75, p.multiple != 0 ? "多发结节" : "单发");
  text += p.mvi == 0 ? (s.chance(0.5) ? "未见微血管侵犯（MVI分级：M0）。" : "未见脉管内癌栓，MVI：M0。") : fmt::format("可见微血管侵犯，MVI分级：M{}。", p.mvi);
  text += p.satellite != 0 ? "见卫星结节。" : "未见卫星灶及子灶。";
  text += p.r1 ? "切缘见癌。" : s.chance(0.5) ? "切缘未见癌。" : "切缘阴性。";
  text += p.cirrhosis != 0 ? "周围肝组织结节性肝硬化，假小叶形成。" : "周围肝组织无肝硬化，汇管区轻度炎症。";
  for (std::size_t i = 0; i < kSigns.size(); ++i) text += kSigns[i][0][static_cast<std::size_t>(p.report_signs[i])];
  return text + (s.chance(0.5) ? "胆囊：慢性胆囊炎。" : "免疫组化：Hepatocyte(+)，Arginase-1(+)，GPC3(+)。") + "\n";
}

std::string english(Stream& s, const Person& p) {
  std::string text = fmt::format("FINAL DIAGNOSIS\nLiver, {} lobe, {}: {}, {} differentiated.\nTumor size: {:.1f} x {:.1f} x {:.1f} cm, {}.\n", s.chance(0.6) ? "right" : "left",
                                 s.chance(0.5) ? "partial hepatectomy" : "segmentectomy", p.other_histology ? "intrahepatic cholangiocarcinoma" : "hepatocellular carcinoma",
                                 Choices{"well", "moderately", "poorly"}[static_cast<std::size_t>(p.differentiation)], p.size_cm, p.size_cm * 0.9, p.size_cm * 0.75, p.multiple != 0 ? "multiple nodules" : "solitary");
  text += p.mvi == 0 ? "Microvascular invasion: not identified (M0).\n" : fmt::format("Microvascular invasion is present (M{}).\n", p.mvi);
  text += p.satellite != 0 ? "Satellite nodules are present. " : "No satellite nodule is seen. ";
  text += p.r1 ? "Resection margin involved by carcinoma.\n" : "Margins are free of tumor.\n";
  text += p.cirrhosis != 0 ? "Background liver: cirrhosis, macronodular.\n" : "Background liver: no cirrhosis; chronic inflammation.\n";
  for (std::size_t i = 0; i < kSigns.size(); ++i) text += std::string(kSigns[i][1][static_cast<std::size_t>(p.report_signs[i])]) + " ";
  return text + "\nImmunohistochemical stains: hepatocyte positive, arginase-1 positive, glypican-3 positive.\n";
}

}  // namespace

bool in_chinese(const Options& options, const Person& p) { return Stream({options.seed, 201, static_cast<std::uint64_t>(p.number)}).chance(0.7); }

std::string report_text(const Options& options, const Person& p) {
  Stream s({options.seed, 202, static_cast<std::uint64_t>(p.number)});
  std::string text = in_chinese(options, p) ? chinese(s, p) : english(s, p);
  if (in_chinese(options, p) && p.other_histology) text = "病理诊断：肝内胆管癌。" + text.substr(text.find("大小"));
  return text;
}

}  // namespace hepar::synthetic
