// SPDX-License-Identifier: Apache-2.0
#include "trainer/report/page.hpp"

#include "data/base/error.hpp"
#include "data/base/run_folder.hpp"
#include "trainer/report/source.hpp"
#include "trainer/report/svg.hpp"

#include <array>

namespace hepar::report {

namespace {

struct Section {
  const char* id;
  const char* title;
  std::string (*make)(const Source&);
};
// A new section is one function and one line here.
constexpr std::array<Section, 17> kSections{{{"headline", "Result", &headline_section},
                                             {"reading", "Reading", &reading_section},
                                             {"flow", "Cohort", &flow_section},
                                             {"strategies", "Strategies", &strategies_section},
                                             {"centres", "Centres", &forest_section},
                                             {"survival", "Survival", &survival_section},
                                             {"calibration", "Calibration", &calibration_section},
                                             {"accuracy", "Accuracy", &accuracy_section},
                                             {"availability", "What is missing", &availability_section},
                                             {"policies", "Policies", &policies_section},
                                             {"evaluation", "Consistent or not", &evaluation_section},
                                             {"example", "One patient", &example_section},
                                             {"training", "Training", &training_section},
                                             {"cost", "Time", &cost_section},
                                             {"audit", "Leak audit", &audit_section},
                                             {"checklist", "Guidelines", &checklist_section},
                                             {"provenance", "Provenance", &provenance_section}}};

std::string page_of(const Source& source) {
  const bool validation = source.validation.is_object();
  const bool evaluation = source.evaluation.is_object();
  std::vector<Part> parts;
  for (const Section& section : kSections) parts.push_back({section.id, section.title, section.make(source)});
  const std::string title = evaluation ? "Hepar prospective evaluation" : validation ? "Hepar validation report" : "Hepar training report";
  const std::string what = evaluation ? "Predictions that were sealed before follow-up, against what happened." : validation ? "Each model below was tested on patients that it never saw (" + escaped(source.validation.value("scheme", "")) + ", " +
                                            std::to_string(source.validation.at("folds").size()) + " folds)."
                                      : "One model, trained on all eligible patients of a store.";
  return whole_page(title, what, parts);
}

}  // namespace

std::string whole_page(const std::string& title, const std::string& what, const std::vector<Part>& parts) {
  PageFrame frame;
  frame.first_bytes = kFirstBytes;
  frame.title = title;
  frame.lead = what;
  frame.notice = "research use only";
  for (const Part& part : parts) {
    if (part.html.empty()) continue;
    frame.navigation.emplace_back(part.id, part.title);
    frame.body += part.html;
  }
  return html_of(frame);
}

std::string page(const PageRequest& request) {
  try {
    std::error_code ignored;
    if (std::filesystem::exists(SweepFolder{request.run}.results(), ignored)) return sweep_page(request.run);
    return page_of(read_source(request));
  } catch (const nlohmann::json::exception& problem) {
    throw store_error(std::string("lacks what the page shows: ") + problem.what(), {request.run.string()}, "run the command that made it again, with this version");
  }
}

}  // namespace hepar::report
