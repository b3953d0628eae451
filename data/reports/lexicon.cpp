// SPDX-License-Identifier: Apache-2.0
#include "data/reports/lexicon.hpp"

#include <array>

namespace hepar::reports {

namespace {

constexpr std::array<std::string_view, 658> kTerms{
    "<other>", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", ".", ",", ";", ":", "(", ")", "[", "]", "/",
    "×", "x", "*", "+", "-", "±", "%", "<", ">", "=", "~", "、", "。", "“", "”", "【", "】", "—",
    "...", "?", "!", "#", "&", "肝细胞癌", "肝细胞性肝癌", "肝癌", "肝内胆管癌",
    "胆管细胞癌", "混合型肝癌", "胆管癌", "腺癌", "转移癌", "转移", "癌", "肿瘤", "肿物",
    "结节", "病灶", "标本", "切除", "部分切除", "肝叶", "右肝", "左肝", "右叶", "左叶",
    "尾状叶", "肝段", "肝组织", "癌旁", "癌旁肝组织", "周围肝组织", "肝被膜", "被膜",
    "微血管侵犯", "微血管癌栓", "脉管内癌栓", "脉管癌栓", "脉管侵犯", "微脉管侵犯",
    "大血管侵犯", "血管侵犯", "门静脉癌栓", "门脉癌栓", "肝静脉癌栓", "胆管癌栓",
    "癌栓", "门静脉", "肝静脉", "下腔静脉", "胆管", "侵犯", "累及", "浸润", "突破",
    "紧邻", "卫星结节", "卫星灶", "卫星子灶", "子灶", "包膜", "包膜完整", "包膜不完整",
    "部分包膜", "无包膜", "有包膜", "包膜侵犯", "完整", "不完整", "切缘", "切缘阴性",
    "切缘阳性", "切缘净", "切缘未见癌", "切缘见癌", "距切缘", "最近", "距", "分化",
    "高分化", "中分化", "低分化", "未分化", "高-中分化", "中-低分化", "分级", "级",
    "组织学分级", "梁索型", "假腺管型", "实体型", "团片型", "巨梁型", "硬化型",
    "透明细胞", "脂肪变", "脂肪肝", "脂肪性肝炎", "坏死", "出血", "囊性变", "纤维化",
    "纤维间隔", "炎症", "炎", "肝炎", "乙型肝炎", "丙型肝炎", "肝硬化", "结节性肝硬化",
    "早期肝硬化", "小结节性", "大结节性", "假小叶", "汇管区", "界面炎", "淤胆",
    "胆汁淤积", "异型增生", "异型增生结节", "淋巴结", "淋巴细胞", "浸润性", "神经",
    "神经侵犯", "神经束", "胆囊", "慢性胆囊炎", "膈肌", "免疫组化", "免疫组织化学",
    "特殊染色", "阳性", "阴性", "弱阳性", "强阳性", "灶状", "灶性", "弥漫", "散在",
    "部分", "局灶", "指数", "约", "未见", "未查见", "未发现", "未累及", "未侵犯", "无",
    "可见", "见", "有", "查见", "不除外", "不能除外", "考虑", "可疑", "疑似", "倾向",
    "待排", "无法评估", "明确", "建议", "结合临床", "请", "补充报告", "更正", "修正",
    "以此为准", "大小", "直径", "最大径", "最大直径", "最大者", "最小者", "单发", "多发",
    "两枚", "三枚", "枚", "个", "数目", "部位", "位于", "切面", "灰白", "灰黄", "质硬",
    "质软", "质中", "界清", "界不清", "边界", "清楚", "不清", "病理诊断", "病理", "诊断",
    "镜检", "镜下", "肉眼", "大体", "送检", "冰冻", "石蜡", "术中", "术后", "术前",
    "治疗后", "改变", "手术", "病变", "符合", "提示", "其余", "另见", "伴", "及", "和", "或",
    "并", "为", "呈", "于", "中", "内", "外", "上", "下", "左", "右", "大", "小", "低危组",
    "高危组", "危险", "分期", "近癌旁", "远癌旁", "厘米", "毫米", "公分", "hepatocellular",
    "carcinoma", "cholangiocarcinoma", "intrahepatic", "combined", "adenocarcinoma", "metastatic", "metastasis",
    "metastases", "tumor", "tumour", "tumors", "tumours", "lesion", "lesions", "nodule", "nodules", "mass",
    "focus", "foci", "specimen", "liver", "hepatic", "hepatectomy", "lobectomy", "segmentectomy", "resection",
    "resected", "partial", "wedge", "lobe", "segment", "right", "left", "caudate", "parenchyma", "microvascular",
    "macrovascular", "vascular", "lymphovascular", "venous", "vein", "portal", "hepatic-vein", "thrombus",
    "thrombi", "emboli", "embolus", "invasion", "invaded", "involvement", "involved", "involves", "vessel",
    "vessels", "bile", "duct", "ducts", "perineural", "nerve", "capsule", "capsular", "encapsulated",
    "unencapsulated", "encapsulation", "complete", "incomplete", "satellite", "satellites", "satellitosis",
    "margin", "margins", "resection-margin", "free", "clear", "negative", "positive", "uninvolved", "closest",
    "distance", "from", "differentiated", "differentiation", "well", "moderately", "moderate", "poorly", "poor",
    "undifferentiated", "grade", "edmondson", "steiner", "edmondson-steiner", "histologic", "histological",
    "trabecular", "pseudoglandular", "acinar", "solid", "compact", "macrotrabecular", "scirrhous",
    "fibrolamellar", "clear-cell", "steatohepatitic", "steatosis", "steatotic", "fatty", "necrosis", "necrotic",
    "hemorrhage", "haemorrhage", "cystic", "fibrosis", "fibrotic", "septa", "bridging", "inflammation",
    "inflammatory", "hepatitis", "chronic", "active", "viral", "cirrhosis", "cirrhotic", "macronodular",
    "micronodular", "background", "nonneoplastic", "non-neoplastic", "adjacent", "surrounding", "stage", "score",
    "metavir", "ishak", "scheuer", "cholestasis", "dysplastic", "dysplasia", "lymph", "node", "nodes",
    "lymphocytic", "infiltrate", "infiltration", "gallbladder", "diaphragm", "immunohistochemistry",
    "immunohistochemical", "stain", "stains", "stained", "staining", "immunoreactive", "expression", "index",
    "weak", "weakly", "strong", "strongly", "focal", "focally", "diffuse", "diffusely", "patchy", "scattered",
    "no", "not", "none", "without", "absent", "absence", "present", "presence", "identified", "seen", "found",
    "noted", "evidence", "of", "cannot", "be", "excluded", "assessed", "indeterminate", "suspicious",
    "suggestive", "possible", "probable", "favor", "favour", "consistent", "with", "compatible", "denied",
    "addendum", "amended", "corrected", "size", "measuring", "measures", "measure", "measured", "greatest",
    "largest", "maximum", "maximal", "dimension", "diameter", "cm", "mm", "solitary", "single", "multiple",
    "multifocal", "two", "three", "four", "five", "six", "one", "number", "located", "location", "gross",
    "grossly", "microscopic", "microscopically", "macroscopic", "cut", "surface", "tan", "yellow", "gray", "grey",
    "white", "firm", "soft", "well-circumscribed", "circumscribed", "ill-defined", "border", "borders",
    "diagnosis", "final", "pathologic", "pathological", "pathology", "report", "comment", "clinical", "history",
    "received", "submitted", "labeled", "frozen", "section", "margins-free", "the", "a", "an", "and", "or", "in",
    "is", "are", "was", "were", "at", "to", "by", "for", "on", "as", "this", "that", "there", "shows", "show",
    "showing", "composed", "cells", "cell", "pattern", "growth", "type", "predominantly", "approximately",
    "about", "up", "less", "more", "than", "extending", "extends", "extension", "beyond", "into", "within",
    "through", "outside", "pt", "ptnm", "ajcc", "tnm", "pn", "pm", "hepatocyte", "heppar", "heppar-1", "arginase",
    "arginase-1", "arg-1", "glypican", "glypican-3", "gpc-3", "gpc3", "afp", "cd34", "ck7", "ck8", "ck18", "ck19",
    "p53", "gs", "hsp70", "cd10", "epcam", "beta-catenin", "pd-l1", "cd8", "cd3", "ki-67", "ki67", "mvi", "hcc",
    "icc", "hbv", "hcv", "hbsag", "m0", "m1", "m2", "i", "ii", "iii", "iv", "i-ii", "ii-iii", "iii-iv", "e-s",
    "g1", "g2", "g3", "g4", "s0", "s1", "s2", "s3", "s4", "f0", "f1", "f2", "f3", "f4", "t1", "t2", "t3", "t4",
    "n0", "n1", "mri", "ct", "tace",
};

}  // namespace

std::span<const std::string_view> lexicon() { return kTerms; }

}  // namespace hepar::reports
