// SPDX-License-Identifier: Apache-2.0
#include "data/base/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace hepar {

namespace {

// Okabe and Ito's palette, which colour-blind readers can tell apart; darker or lighter with the theme.
constexpr const char* kStyle = R"(
:root{--ink:#1b1f24;--paper:#fff;--soft:#5c6670;--rule:#dfe3e8;--card:#f6f8fa;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#a0527f;--good:#0a7d4f;
--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--paper:#14181c;--soft:#9aa5b0;--rule:#2d353d;--card:#1c2228;--c0:#56b4e9;--c1:#f0914a;--c2:#3fc79a;--c3:#e0a3c6;--good:#4cc38a;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 4rem}header h1{margin:0 0 .25rem;font-size:1.7rem;line-height:1.2}
.notice{display:inline-block;margin:.5rem 0 0;padding:.15rem .6rem;border:1px solid var(--c1);border-radius:1rem;color:var(--c1);font-size:.85rem}
nav{margin:1rem 0;font-size:.9rem;color:var(--soft)}nav a{color:var(--c0);margin-right:.9rem;text-decoration:none;white-space:nowrap}
nav a:hover{text-decoration:underline}
h2{font-size:1.2rem;margin:2.4rem 0 .6rem;padding-bottom:.3rem;border-bottom:1px solid var(--rule)}
.scroll{overflow-x:auto;margin:.6rem 0}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;min-width:60%}
.stacked td .ci{display:block;white-space:normal;max-width:11rem;margin-left:auto}.sliding th:first-child{position:sticky;left:0;background:var(--paper);z-index:1}
td .why{display:inline-block;white-space:normal;max-width:8rem}th,td{padding:.35rem .5rem;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th[scope=row],thead th:first-child{text-align:left;font-weight:600;white-space:normal;min-width:8rem}thead th{color:var(--soft);font-weight:600;white-space:normal}
#provenance td{text-align:left;white-space:normal;overflow-wrap:anywhere}.ci,.muted{color:var(--soft)}.good{color:var(--good);font-weight:600}
.bad{color:var(--bad);font-weight:600}.whole{white-space:nowrap}
figure{margin:1rem 0;padding:.8rem;background:var(--card);border-radius:.5rem}figcaption{font-size:.88rem;color:var(--soft);margin-top:.4rem}
svg{width:100%;height:auto;display:block;max-width:44rem}
.narrow-only{display:none}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem}.pair figure{margin:0}
.frame{stroke:var(--soft);fill:none}.grid{stroke:var(--rule);fill:none}.chance{stroke:var(--soft);stroke-dasharray:4 4;fill:none}.tick,.axis,.name{font-size:12px;fill:var(--soft)}
.name{fill:var(--ink)}text.muted{fill:var(--soft);font-size:12px}
.line{fill:none;stroke:currentColor;stroke-width:2}.thin{stroke-width:1.2;opacity:.85}.band{stroke:none;fill:currentColor;opacity:.13}
.whisker{stroke:var(--c0);stroke-width:1.6;fill:none}.mark{fill:var(--c0)}.diamond{fill:var(--c1)}
.r0{color:var(--c2)}.r1{color:var(--c0)}.r2{color:var(--c1)}text.r0{fill:var(--c2)}text.r1{fill:var(--c0)}text.r2{fill:var(--c1)}
.line.r1{stroke-dasharray:9 3}.line.r2{stroke-dasharray:3 3}
.prediction{stroke:var(--c1);stroke-width:1.6;stroke-dasharray:5 3;fill:none}
.c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}text.c0{fill:var(--c0)}text.c1{fill:var(--c1)}text.c2{fill:var(--c2)}
text.c3{fill:var(--c3)}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.35rem 1rem;margin:.6rem 0}dt{font-weight:600}dd{margin:0}
.sentences{padding-left:1.1rem}.sentences li{margin:.25rem 0}summary{cursor:pointer;margin:.8rem 0 .2rem}
.legend{list-style:none;margin:.3rem 0 0;padding:0;font-size:.88rem;display:flex;flex-wrap:wrap;gap:.2rem 1rem}
.legend li::before{content:"";display:inline-block;width:1.1rem;height:3px;margin-right:.4rem;vertical-align:middle;background:currentColor}
.legend span{color:var(--ink)}
.flow{list-style:none;padding:0;max-width:30rem}
.flow li{padding:.45rem .8rem;border:1px solid var(--rule);border-radius:.4rem;margin:.35rem 0;background:var(--card)}
.flow .out{margin-left:2.5rem;border-style:dashed;font-size:.92rem}
.thumbs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17rem),1fr));gap:1rem}.thumbs figure{margin:0}
img{max-width:100%;display:block;border-radius:.25rem}.thumbs img{width:100%;background:#000;margin-bottom:.4rem}td img{width:9rem;max-width:none}
.bar{display:inline-block;height:.7em;background:var(--c0);margin-right:.5rem;border-radius:2px}code{font-size:.85em}
@media (max-width:40rem){.wide-only{display:none}.narrow-only{display:block}.narrow-only .tick,.narrow-only .name{font-size:15px}
.tick,.axis,.name,text.muted{font-size:17px}figure{padding:.6rem .4rem;margin:1rem -.3rem}dl{display:block}dd{margin:0 0 .5rem}
.stacked,.stacked tbody,.stacked tr,.stacked td,.stacked th{display:block}.stacked thead{display:none}
.stacked tr{border:1px solid var(--rule);border-radius:.4rem;margin:.5rem 0;padding:.3rem .6rem}.stacked th,.stacked td{border:0;padding:.15rem 0;white-space:normal;text-align:left}
.stacked td{display:flex;justify-content:flex-end;gap:.5rem;text-align:right}.stacked td:empty{display:none}.stacked td .ci{display:inline;max-width:none;margin-left:0}
.stacked td::before{content:attr(data-of);color:var(--soft);text-align:left;flex:none;max-width:45%;margin-right:auto}td .why{max-width:none}
#provenance td{display:block;text-align:left}.flow .out{margin-left:1rem}}
@media print{body{font-size:10pt}nav{display:none}figure,tr{break-inside:avoid}h2{break-after:avoid}main{max-width:none;padding:0}
.scroll{overflow:visible}
.sliding th:first-child{position:static}details>summary{list-style:none}table{font-size:8pt;min-width:0}th,td{white-space:normal;padding:.15rem .35rem}svg{max-width:26rem}.pair{grid-template-columns:1fr 1fr}}
)";

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string number(double value, int digits) { return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "not known"; }

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kLetters[group >> (18 - 6 * k) & 63u] : '=';
  }
  return out;
}

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  return "<section id=\"" + id + "\"><h2>" + title + "</h2>" + body + "</section>";
}

std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows, Narrow narrow) {
  std::string out = std::string("<div class=\"scroll\"><table class=\"") + (narrow == Narrow::stacked ? "stacked" : "sliding") + "\"><thead><tr>";
  for (const std::string& cell : header) out += "<th scope=\"col\">" + cell + "</th>";
  out += "</tr></thead><tbody>";
  for (const auto& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) out += (i == 0 ? "<th scope=\"row\">" : "<td data-of=\"" + header[i] + "\">") + row[i] + (i == 0 ? "</th>" : "</td>");
    out += "</tr>";
  }
  return out + "</tbody></table></div>";
}

std::string html_of(const PageFrame& frame) {
  std::string navigation;
  for (const auto& [id, words] : frame.navigation) navigation += "<a href=\"#" + id + "\">" + words + "</a> ";
  return frame.first_bytes + "<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta "
         "name=\"color-scheme\" content=\"light dark\"><title>" +
         frame.title + "</title><style>" + kStyle + "</style></head><body><main><header><h1>" + frame.title + "</h1><p>" + frame.lead +
         "</p><span class=\"notice\">" + frame.notice + "</span></header><nav>" + navigation + "</nav>" + frame.body + "</main></body></html>\n";
}

}  // namespace hepar
