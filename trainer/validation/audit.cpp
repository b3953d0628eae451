// SPDX-License-Identifier: Apache-2.0
#include "trainer/validation/audit.hpp"

#include <algorithm>
#include <set>

namespace hepar::validation {

namespace {

using Set = std::set<std::string>;

std::string first_common(const Set& a, const std::vector<std::string>& b) {
  for (const std::string& key : b)
    if (a.contains(key)) return key;
  return {};
}

std::string first_outside(const Set& allowed, const std::vector<std::string>& keys) {
  for (const std::string& key : keys)
    if (!allowed.contains(key)) return key;
  return {};
}

void check_fold(const FoldRecord& fold, const std::map<std::string, std::string>& centre_of, const std::vector<Twins>& twins, std::vector<std::string>& problems) {
  const auto leak = [&](const std::string& what) { problems.push_back("fold " + fold.name + ": " + what); };
  const Set test(fold.test.begin(), fold.test.end()), train(fold.train.begin(), fold.train.end()), inner(fold.inner.begin(), fold.inner.end());
  if (const std::string key = first_common(test, fold.train); !key.empty()) leak("patient " + key + " is trained on and tested on");
  if (const std::string key = first_common(test, fold.inner); !key.empty()) leak("patient " + key + " calibrates and is tested on");
  if (const std::string key = first_common(train, fold.inner); !key.empty()) leak("patient " + key + " is trained on and calibrates");
  const Set held_out(fold.held_out.begin(), fold.held_out.end());
  for (const auto* keys : {&fold.train, &fold.inner})
    for (const std::string& key : *keys)
      if (held_out.contains(centre_of.at(key))) {
        leak("patient " + key + " of the held-out centre " + centre_of.at(key) + " is in the training fold");
        break;
      }
  Set training = train;
  training.insert(inner.begin(), inner.end());
  for (const auto& [what, keys] : fold.fitted_on) {
    if (const std::string key = first_outside(what == "calibration" ? inner : train, keys); !key.empty())
      leak(what + " was fitted on patient " + key + ", who is outside its part of the training fold");
    if (const std::string key = first_common(test, keys); !key.empty()) leak(what + " saw the test patient " + key);
  }
  if (!fold.not_trained.empty() && !fold.predicted.empty()) leak("it was not trained and yet predicts");
  if (fold.not_trained.empty() && (Set(fold.predicted.begin(), fold.predicted.end()) != test || fold.predicted.size() != fold.test.size()))
    leak("its predictions are not its test patients, each once");
  if (const Twins* pair = parted(twins, fold)) leak("patients " + pair->one + " and " + pair->other + " have the same " + pair->modality + ", and one of them is tested on what the other taught");
  const Set choosers(fold.settings_chosen_on.begin(), fold.settings_chosen_on.end());
  const auto chooser = std::ranges::find_if(fold.test, [&](const std::string& key) { return choosers.contains(centre_of.at(key)); });
  if (chooser != fold.test.end()) leak("patient " + *chooser + " is tested with settings that were chosen on the centre " + centre_of.at(*chooser));
  for (const std::string& input : fold.inputs_known_late) leak("the input " + input + " is not known at the prediction time");
}

}  // namespace

const Twins* parted(const std::vector<Twins>& twins, const FoldRecord& fold) {
  const Set test(fold.test.begin(), fold.test.end());
  Set training(fold.train.begin(), fold.train.end());
  training.insert(fold.inner.begin(), fold.inner.end());
  for (const Twins& pair : twins)
    if ((test.contains(pair.one) && training.contains(pair.other)) || (test.contains(pair.other) && training.contains(pair.one))) return &pair;
  return nullptr;
}

Audit audit(const std::vector<FoldRecord>& folds, const std::vector<std::string>& everyone, const std::map<std::string, std::string>& centre_of, const std::vector<Twins>& twins) {
  Audit result;
  result.checks = {"no test patient is trained on, calibrates or is seen by anything fitted",
                   "nobody of a held-out centre is in its training fold",
                   "no slide or volume of a test patient is, under another id, in the training fold",
                   "the network's steps and every fitted thing saw only its part of the training fold",
                   "every patient is predicted exactly once, or nobody of a fold that could not be trained",
                   "no test patient is of a centre on which the settings were chosen",
                   "all folds used one store",
                   "every input is known at the prediction time"};
  for (const FoldRecord& fold : folds) check_fold(fold, centre_of, twins, result.problems);
  std::map<std::string, int> times;
  for (const FoldRecord& fold : folds)
    for (const std::string& key : fold.test) ++times[key];
  for (const std::string& key : everyone)
    if (times[key] != 1) {
      result.problems.push_back("patient " + key + " is held out " + std::to_string(times[key]) + " times");
      break;
    }
  for (const auto& [key, n] : times)
    if (n > 1 && everyone.empty()) result.problems.push_back("patient " + key + " is held out " + std::to_string(n) + " times");
  for (const FoldRecord& fold : folds)
    if (fold.features_sha256 != folds.front().features_sha256 || fold.tables_sha256 != folds.front().tables_sha256)
      result.problems.push_back("fold " + fold.name + " was made from another store");
  return result;
}

}  // namespace hepar::validation
