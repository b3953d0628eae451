// SPDX-License-Identifier: Apache-2.0
#include "tools/hepar/command_line.hpp"

#include "data/base/text.hpp"
#include "data/base/yaml.hpp"

#include <boost/program_options.hpp>

#include <algorithm>

namespace hepar::program {

namespace {

namespace po = boost::program_options;

struct Chosen {
  Command* command;
  std::size_t used;  // words of the name
};

std::vector<std::string> command_names(const Commands& commands) {
  std::vector<std::string> names;
  for (const auto& command : commands) names.emplace_back(command->name());
  return names;
}

Chosen choose_command(const std::vector<std::string>& arguments, const Commands& commands) {
  for (const auto& command : commands) {
    const std::vector<std::string> name = split(command->name(), ' ');
    if (arguments.size() >= name.size() && std::equal(name.begin(), name.end(), arguments.begin())) return {command.get(), name.size()};
  }
  const std::string given = arguments.front() == "cohort" && arguments.size() > 1 ? "cohort " + arguments[1] : arguments.front();
  throw usage_error("unknown command '" + given + "'", {}, name_advice(given, command_names(commands)));
}

void apply_configs(const po::variables_map& values, Command& command, std::vector<Row>& rows) {
  if (values.count("config") == 0) return;
  for (const std::string& file : values["config"].as<std::vector<std::string>>()) {
    const Yaml document = Yaml::read(file);
    if (const auto schema = document.find("schema"); schema && schema->text() != command.schema() && schema->text() != command.also_reads())
      throw schema->error("is '" + schema->text() + "'", "this command reads " + std::string(command.schema()));
    std::vector<std::string> others = command.sections();
    others.emplace_back("schema");
    apply(document, rows, others);
    command.take(document);
  }
}

// Underscores of a flag become hyphens; a switch without a value means true (Boost would take the next word for it).
void normalise(std::string& word, const std::vector<Row>& rows) {
  if (!word.starts_with("--")) return;
  const std::size_t end = std::min(word.find('='), word.size());
  std::replace(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(end), '_', '-');
  const bool is_switch = std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.flag_only && word == "--" + flag_of(row); });
  if (is_switch) word += "=true";
}

// Boost reports an unknown option by its own text: name it and the nearest known one instead.
[[noreturn]] void rethrow_readable(const po::error& error, const std::vector<std::string>& known) {
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&error)) {
    std::string name = unknown->get_option_name();
    name.erase(0, name.find_first_not_of('-'));
    std::vector<std::string> flags;
    for (const std::string& one : known) flags.push_back("--" + one);
    throw usage_error("unknown option '--" + name + "'", {}, name_advice("--" + name, flags));
  }
  throw usage_error(error.what(), {}, "see --help");
}

std::optional<std::string> answer_without_command(const std::vector<std::string>& arguments, const Commands& commands) {
  const std::string first = arguments.empty() ? "help" : arguments.front();
  if (first == "--help" || first == "-h" || first == "help") return overview(commands);
  if (first == "--version") return "hepar " HEPAR_VERSION "\n";
  if (first == "reference") return reference_page(commands);
  if (first != "completion") return std::nullopt;
  if (arguments.size() != 2 || arguments[1] != "bash") throw usage_error("completion is made for bash", {}, "hepar completion bash > ~/.local/share/bash-completion/completions/hepar");
  return bash_completion(commands);
}

void apply_values(const po::variables_map& values, Command& command, std::vector<Row>& rows) {
  apply_configs(values, command, rows);
  if (values.count("set") > 0)
    for (const std::string& assignment : values["set"].as<std::vector<std::string>>()) apply_assignment(assignment, rows);
  for (Row& row : rows) {
    if (values.count(flag_of(row)) > 0) {
      row.set(values[flag_of(row)].as<std::string>(), {"--" + flag_of(row)});
      row.origin = "command line";
    } else if (row.required && row.origin == "default") {
      throw usage_error("'" + std::string(command.name()) + "' needs --" + flag_of(row), {}, "example: " + std::string(command.example()));
    }
  }
  command.resolved(rows);
}

// Takes the words of the wrapped command out of `rest`: everything but this command's own flags and their values. A flag before
// the wrapped command's name is this command's, known or not.
std::vector<std::string> take_wrapped(std::vector<std::string>& rest, const std::vector<Row>& rows) {
  std::vector<std::string> own, wrapped;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const std::string flag = rest[i].substr(0, rest[i].find('='));
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return flag == "--" + flag_of(r); });
    const bool general = flag == "--json" || flag == "--quiet" || (wrapped.empty() && flag.starts_with('-'));
    if (row == rows.end() && !general) {
      wrapped.push_back(rest[i]);
      continue;
    }
    own.push_back(rest[i]);
    const bool takes_next = row != rows.end() && !row->flag_only && rest[i] == flag;
    if (takes_next && i + 1 < rest.size()) own.push_back(rest[++i]);
  }
  rest = std::move(own);
  return wrapped;
}

}  // namespace

std::string flag_of(const Row& row) {
  std::string flag = row.name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

CommandLine parse_command_line(const std::vector<std::string>& arguments, const Commands& commands) {
  CommandLine line;
  if (const std::optional<std::string> text = answer_without_command(arguments, commands)) {
    line.text = *text;
    return line;
  }
  const Chosen chosen = choose_command(arguments, commands);
  Command& command = *chosen.command;
  std::vector<Row> rows = command.rows();

  po::options_description description;
  auto add = description.add_options();
  add("help,h", "")("quiet", "")("json", "")("set", po::value<std::vector<std::string>>()->composing(), "");
  add("words", po::value<std::vector<std::string>>(), "");
  std::vector<std::string> known{"help", "quiet", "json", "set"};
  if (!command.schema().empty()) {
    add("config", po::value<std::vector<std::string>>()->composing(), "");
    known.emplace_back("config");
  }
  for (const Row& row : rows) {
    known.push_back(flag_of(row));
    add(flag_of(row).c_str(), po::value<std::string>(), "");
  }
  po::positional_options_description positional;
  positional.add("words", -1);
  po::variables_map values;
  std::vector<std::string> rest(arguments.begin() + static_cast<std::ptrdiff_t>(chosen.used), arguments.end());
  if (command.wraps_a_command()) line.words = take_wrapped(rest, rows);
  for (std::string& word : rest) normalise(word, rows);
  try {
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(rest).options(description).positional(positional).style(style).run(), values);
  } catch (const po::error& error) {
    rethrow_readable(error, known);
  }
  if (values.count("help") > 0) {
    line.text = help(command);
    return line;
  }
  apply_values(values, command, rows);
  line.command = &command;
  line.quiet = values.count("quiet") > 0;
  line.json = values.count("json") > 0;
  line.configured = values.count("config") > 0;
  if (values.count("words") > 0 && line.words.empty()) line.words = values["words"].as<std::vector<std::string>>();
  if (!line.words.empty() && command.positional().empty())
    throw usage_error("'" + line.words.front() + "' is no option of '" + std::string(command.name()) + "'", {}, "see hepar " + std::string(command.name()) + " --help");
  return line;
}

}  // namespace hepar::program
