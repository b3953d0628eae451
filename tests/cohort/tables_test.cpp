// SPDX-License-Identifier: Apache-2.0
// Tables: what is fatal (exit 3 with file:line), what becomes a counted query, and the spellings that hospitals use.
#include "tests/cohort/folder.hpp"

#include "data/cohort/cells.hpp"
#include "data/cohort/column_kinds.hpp"
#include "data/cohort/units.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace hepar::test {
namespace {

constexpr const char* kTables =
    "follow_up: follow_up.csv\ntreatments: treatments.csv\nimaging: imaging.csv\nslides: slides.csv\nreports: "
    "reports.csv\n"
    "endpoints:\n  rfs: {events: [recurrence, death], horizon_months: 36}\n";

// A folder with every table; one of them is then spoilt.
class Whole : public Folder {
 public:
  Whole() {
    yaml(kTables);
    write("follow_up.csv", "patient_id,recurrence_day,death_day,last_contact_day\nP1,100,,500\nP2,,400,400\n");
    write("treatments.csv", "patient_id,kind,start_day,stop_day\nP1,tace,30,40\n");
    write("imaging.csv", "patient_id,path,timing,study_day\nP1,ct1,pre_op,-3\n");
    write("slides.csv", "patient_id,path,um_per_pixel\nP1,s.h5,0.5\n");
    write("reports.csv", "patient_id,text\nP1,hepatocellular carcinoma\n");
  }
};

struct Spoilt {
  const char* file;
  const char* bytes;
  const char* place;
  const char* message;
};
class Fatal : public testing::TestWithParam<Spoilt> {};

TEST_P(Fatal, IsInputErrorWithLine) {
  const Whole folder;
  folder.write(GetParam().file, GetParam().bytes);
  expect_error([&] { (void)folder.read(); }, ExitCode::input, GetParam().place, GetParam().message);
}

constexpr Spoilt kFatal[] = {
    {"patients.csv", "", "patients.csv", "is empty"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\n", "patients.csv", "no patients"},
    {"patients.csv", "patient,centre,age,afp,mvi,cirrhosis\nP1,A,1,1,M0,0\n", "patients.csv:1",
     "no column 'patient_id'"},
    {"patients.csv", "patient_id,centre,Age,afp,mvi,cirrhosis\nP1,A,1,1,M0,0\n", "patients.csv:1",
     "did you mean 'Age'?"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,1,M0,0\nP1,A,50,1,M0,0\n", "patients.csv:3",
     "stands twice"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\n,A,50,1,M0,0\n", "patients.csv:2", "no patient_id"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,,50,1,M0,0\n", "patients.csv:2", "no centre"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,fifty,1,M0,0\n", "patients.csv:2",
     "'fifty' in column 'age' is no number"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,\"12,5\",M0,0\n", "patients.csv:2",
     "a comma may mean"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,\"60,500\",M0,0\n", "patients.csv:2",
     "a comma may mean"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,nan,M0,0\n", "patients.csv:2", "'nan'"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,1,M3,0\n", "patients.csv:2",
     "did you mean 'M0'?"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,1,M0,2\n", "patients.csv:2", "is no flag"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,1,M0\n", "patients.csv:2", "5 fields"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,1,\"M0,0\n", "patients.csv:2", "never closed"},
    {"patients.csv", "patient_id,centre,age,age,mvi,cirrhosis\nP1,A,50,1,M0,0\n", "patients.csv:1",
     "twice in the header"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,1,\xff\xfe\x80,0\n", "patients.csv",
     "neither UTF-8"},
    {"follow_up.csv", "patient_id,last_contact_day\nP1,-5\n", "follow_up.csv:2", "negative time -5"},
    {"follow_up.csv", "patient_id,recurrence_day,last_contact_day\nP1,-5,10\n", "follow_up.csv:2", "'recurrence_day'"},
    {"follow_up.csv", "patient_id,last_contact_day\nP1,\n", "follow_up.csv:2", "no last contact"},
    {"follow_up.csv", "patient_id,death_day\nP1,5\n", "follow_up.csv:1", "'last_contact_day'"},
    {"follow_up.csv", "patient_id,last_contact_day\nP9,5\n", "follow_up.csv:2", "not in the patients table"},
    {"follow_up.csv", "patient_id,last_contact_day\nP1,5\nP1,6\n", "follow_up.csv:3", "two rows"},
    {"follow_up.csv", "patient_id,last_contact_day\nP1,soon\n", "follow_up.csv:2", "no number of days"},
    {"follow_up.csv", "patient_id,last_contact_date\nP1,2024-13-01\n", "follow_up.csv:2", "no date"},
    {"follow_up.csv", "patient_id,last_contact_date\nP1,2024-01-01\n", "follow_up.csv:2", "needs the surgery_date"},
    {"follow_up.csv", "patient_id,last_contact_day\n", "follow_up.csv", "no rows"},
    {"follow_up.csv", "patient_id,last_contact_day\nP1,44321\n", "follow_up.csv:2", "a spreadsheet's number for 2021-05-05: give days after surgery, or the date in 'last_contact_date'"},
    {"follow_up.csv", "patient_id,last_contact_day\nP1,1e300\n", "follow_up.csv:2", "more than a hundred years of days; give days after surgery"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis,surgery_date\nP1,A,1,1,M0,0,44321\n", "patients.csv:2", "a spreadsheet's number for 2021-05-05"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis,surgery_date\nP1,A,1,1,M0,0,0024-05-05\n", "patients.csv:2", "outside the years 1900 to 2100"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,C01,50,1,M0,0\nP2,ｃ０ 1,50,1,M0,0\n", "patients.csv:3", "is called 'C01' in line 2"},
    {"treatments.csv", "patient_id,kind,start_day\nP1,tacee,5\n", "treatments.csv:2", "did you mean 'tace'?"},
    {"treatments.csv", "patient_id,kind,start_day\nP1,tace,\n", "treatments.csv:2", "no start"},
    {"treatments.csv", "patient_id,kind,start_day\nP1,tace,-4\n", "treatments.csv:2", "negative time"},
    {"treatments.csv", "patient_id,kind\nP1,tace\n", "treatments.csv:1", "'start_day'"},
    {"imaging.csv", "patient_id,path,timing\nP1,ct,before\n", "imaging.csv:2", "known: pre_op, post_op"},
    {"imaging.csv", "patient_id,path,timing\nP1,,pre_op\n", "imaging.csv:2", "no path"},
    {"imaging.csv", "patient_id,timing\nP1,pre_op\n", "imaging.csv:1", "no column 'path'"},
    {"slides.csv", "patient_id,path,um_per_pixel\nP1,s.h5,-1\n", "slides.csv:2", "no positive number"},
    {"reports.csv", "patient_id,language\nP1,en\n", "reports.csv:1", "no column 'path'"},
    {"reports.csv", "patient_id,text\nP1,\n", "reports.csv:2", "neither path nor text"},
};
INSTANTIATE_TEST_SUITE_P(Tables, Fatal, testing::ValuesIn(kFatal));

struct Asked {
  const char* file;
  const char* bytes;
  const char* problem;
};
class Counted : public testing::TestWithParam<Asked> {};

TEST_P(Counted, IsAQueryOfThatPatientAndNotFatal) {
  const Whole folder;
  folder.write(GetParam().file, GetParam().bytes);
  const Cohort cohort = folder.read();
  const auto found = std::find_if(cohort.queries.begin(), cohort.queries.end(),
                                  [](const Query& query) { return query.problem == GetParam().problem; });
  ASSERT_NE(found, cohort.queries.end());
  EXPECT_EQ(found->patient, "P1");
  EXPECT_EQ(found->centre, "A");
  EXPECT_FALSE(found->action.empty());
  EXPECT_EQ(found->place.line, 2);
}

constexpr Asked kAsked[] = {
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,130,1,M0,0\nP2,B,1,1,M0,0\n", "out of range"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,1e300,1,M0,0\nP2,B,1,1,M0,0\n", "out of range"},
    {"patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,>50,1,M0,0\nP2,B,1,1,M0,0\n",
     "limit value without limits: keep"},
    {"follow_up.csv", "patient_id,last_contact_day\nP1,0\n", "time 0"},
    {"follow_up.csv", "patient_id,death_day,last_contact_day\nP1,20,10\n", "death after last contact"},
    {"follow_up.csv", "patient_id,recurrence_day,last_contact_day\nP1,20,10\n", "recurrence after last contact"},
    {"follow_up.csv", "patient_id,recurrence_day,death_day,last_contact_day\nP1,20,10,30\n", "recurrence after death"},
    {"follow_up.csv", "patient_id,death_day,last_contact_day\nP1,20,30\n", "last contact after death"},
    {"follow_up.csv", "patient_id,recurrence_day,recurrence_free_day,last_contact_day\nP1,20,25,30\n",
     "recurrence-free after recurrence"},
    {"treatments.csv", "patient_id,kind,start_day\nP1,tace,501\n", "treatment after last contact"},
    {"treatments.csv", "patient_id,kind,start_day,stop_day\nP1,tace,30,20\n", "stop before start"},
    {"imaging.csv", "patient_id,path,timing,study_day\nP1,ct,pre_op,2\n", "pre-operative image dated after surgery"},
    {"imaging.csv", "patient_id,path,timing,study_day\nP1,ct,post_op,35\n",
     "post-operative image after treatment start or recurrence"},
};
INSTANTIATE_TEST_SUITE_P(Tables, Counted, testing::ValuesIn(kAsked));

TEST(Queries, LeaveOutTheValueAndNothingElse) {
  Whole folder;
  folder.write("follow_up.csv", "patient_id,recurrence_day,death_day,last_contact_day\nP1,30,20,25\nP2,0,0,0\n");
  folder.write("treatments.csv", "patient_id,kind,start_day\nP1,tace,19\nP1,systemic,21\n");
  folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,130,1,M0,0\nP2,B,60,1,M0,0\n");
  const Cohort cohort = folder.read();
  const PatientRecord& first = cohort.patients.at(0);
  EXPECT_FALSE(first.follow_up.recurrence_day.has_value());
  EXPECT_EQ(first.follow_up.death_day, 20);
  ASSERT_EQ(first.treatments.size(), 1u);
  EXPECT_EQ(first.treatments.front().kind, "tace");
  EXPECT_EQ(first.cells.at(0).state, Cell::State::missing);
  EXPECT_TRUE(std::isnan(first.cells.at(0).value));
  EXPECT_EQ(first.cells.at(1).value, 1);
  const FollowUp& second = cohort.patients.at(1).follow_up;
  EXPECT_EQ(second.recurrence_day, 0.5);
  EXPECT_EQ(second.death_day, 0.5);
  EXPECT_EQ(second.last_contact_day, 0.5);
}

TEST(Rows, ThatSayTheSameTwiceCountOnceAndAreSaid) {
  const Whole folder;
  folder.write("treatments.csv", "patient_id,kind,start_day,remark\nP1,tace,30,x\nP1,tace,30,y\nP1,tace,31,x\nP2,tace,30,x\n");
  folder.write("slides.csv", "patient_id,path,um_per_pixel\nP1,s.h5,0.5\nP1,./s.h5,0.25\nP2,s.h5,0.5\n");
  folder.write("imaging.csv", "patient_id,path,timing,phase\nP1,ct,pre_op,arterial\nP1,ct,pre_op,portal\nP1,ct,pre_op,portal\n");
  const Cohort cohort = folder.read();
  EXPECT_EQ(cohort.patients[0].treatments.size(), 2U) << "a column that nobody declared makes no difference";
  EXPECT_EQ(cohort.patients[1].treatments.size(), 1U);
  EXPECT_EQ(cohort.patients[0].slides.size(), 1U);
  EXPECT_EQ(cohort.patients[0].slides[0].um_per_pixel, 0.5);
  EXPECT_EQ(cohort.patients[1].slides.size(), 1U) << "another patient's slide";
  EXPECT_EQ(cohort.patients[0].imaging.size(), 2U) << "one folder with two phases";
  std::vector<std::string> said;
  for (const Query& query : cohort.queries) said.push_back(query.patient + " " + query.place.text().substr(query.place.text().rfind('/') + 1) + " " + query.problem + " " + query.value);
  EXPECT_EQ(said, (std::vector<std::string>{"P1 treatments.csv:3 row given twice as line 2", "P1 imaging.csv:4 row given twice as line 3", "P1 slides.csv:3 slide given twice ./s.h5"}));
}

// "é" as one character, and as an e and an accent, as some systems write names.
TEST(Ids, ThatLookTheSameAreTheSame) {
  const std::string one = "Zo\u00e9", two = "Zoe\u0301";
  const Whole folder;
  for (const auto& [known, named] : {std::pair(one, two), std::pair(two, one)}) {
    folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\n" + known + "," + known + ",50,1,M0,0\nP1,A,50,1,M0,0\nP2,B,60,3,M1,1\n");
    folder.write("slides.csv", "patient_id,centre,path\n" + named + "," + named + ",s.h5\n");
    const Cohort cohort = folder.read();
    EXPECT_EQ(cohort.patients.back().id, one) << "whatever the table wrote: so are key and pseudonym";
    EXPECT_EQ(cohort.patients.back().centre, known) << "cohort.yaml may name it by these bytes";
    EXPECT_EQ(cohort.patients.back().slides.size(), 1U);
  }
  folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\n" + one + ",A,50,1,M0,0\n" + two + ",A,50,1,M0,0\nP1,A,50,1,M0,0\nP2,B,60,3,M1,1\n");
  expect_error([&] { (void)folder.read(); }, ExitCode::input, "patients.csv:3", "stands twice");
}

TEST(Tables, SeparatedOtherwiseAreReadAndSaid) {
  const Whole folder;
  const std::string before = folder.read().tables_digest;
  folder.write("follow_up.csv", "patient_id;recurrence_day;death_day;last_contact_day\nP1;100;;500\nP2;;400;400\n");
  folder.write("patients.csv", "patient_id\tcentre\tage\tafp\tmvi\tcirrhosis\nP1\tA\t50\t12.5\tM0\t0\nP2\tB\t60\t3\tM1\t1\n");
  const Cohort cohort = folder.read();
  EXPECT_EQ(cohort.tables_digest, before);
  EXPECT_EQ(cohort.notes, (std::vector<std::string>{"patients.csv: fields are separated by tabs", "follow_up.csv: fields are separated by ';'"}));
}

TEST(Numbers, AreReadAsHospitalsWriteThem) {
  ColumnSpec column;
  column.name = column.source_column = "afp";
  column.keep_limits = true;
  column.missing = {"", "NA", "未查"};
  using State = Cell::State;
  struct Row {
    const char* text;
    double value;
    State state;
  };
  for (const Row& row :
       {Row{"60500", 60500, State::known}, Row{"６０５００", 60500, State::known}, Row{"１２．５", 12.5, State::known},
        Row{">60500", 60500, State::above_limit}, Row{"＞60500", 60500, State::above_limit},
        Row{"≥ 400", 400, State::above_limit}, Row{">=400", 400, State::above_limit},
        Row{"<0.8", 0.8, State::below_limit}, Row{"≤5", 5, State::below_limit}, Row{" 1e3 ", 1000, State::known},
        Row{"+7", 7, State::known}, Row{"-0.5", -0.5, State::known}}) {
    const ParsedCell parsed = parse_cell(column, row.text, "A", {});
    EXPECT_EQ(parsed.cell.value, row.value) << row.text;
    EXPECT_EQ(parsed.cell.state, row.state) << row.text;
    EXPECT_TRUE(parsed.problem.empty());
  }
  for (const char* missing : {"", "NA", "未查", "  "})
    EXPECT_EQ(parse_cell(column, missing, "A", {}).cell.state, State::missing) << missing;
  for (const char* wrong : {"1,5", "1.234,5", "12 ng/mL", "positive", ">", "0x10", "--1", "1 2"})
    EXPECT_THROW((void)parse_cell(column, wrong, "A", {}), Error) << wrong;
}

// What a store or a model holds is the place in the table; a number of a later version is refused, not taken for another kind.
TEST(ColumnKinds, AreKnownByTheirNumber) {
  for (const ColumnKind& kind : column_kinds()) EXPECT_EQ(stored_column_type(static_cast<int>(kind.type), "x"), kind.type);
  for (const int number : {-1, static_cast<int>(column_kinds().size())}) {
    try {
      (void)stored_column_type(number, "x");
      ADD_FAILURE() << number;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::store);
    }
  }
}

TEST(Units, ConvertExactlyOrNotAtAll) {
  struct Row {
    double value;
    const char* from;
    const char* to;
    double molar_mass, expected;
  };
  for (const Row& row :
       {Row{3.7, "ug/L", "ng/mL", 0, 3.7}, Row{3.7, "µg/L", "ng/mL", 0, 3.7}, Row{3.7, "μg/L", "ng/mL", 0, 3.7},
        Row{0.4, "mg/L", "ng/mL", 0, 400}, Row{45, "mm", "cm", 0, 4.5}, Row{4.5, "cm", "mm", 0, 45},
        Row{4.1, "g/dL", "g/L", 0, 41}, Row{41, "g/L", "g/dL", 0, 4.1}, Row{40, "AU/L", "mAU/mL", 0, 40},
        Row{1, "mg/dL", "umol/L", 584.66, 17.104}, Row{17.104, "umol/L", "mg/dL", 584.66, 1},
        Row{5, "same unit", "same unit", 0, 5}}) {
    const auto converted = convert_unit(row.value, row.from, row.to, row.molar_mass);
    ASSERT_TRUE(converted.has_value()) << row.from;
    EXPECT_NEAR(*converted, row.expected, row.molar_mass > 0 ? 1e-3 : 1e-12) << row.from << " to " << row.to;
  }
  for (const auto& [from, to] :
       {std::pair{"mg/dL", "umol/L"}, {"IU/mL", "ng/mL"}, {"cm", "g/L"}, {"mAU/mL", "ng/mL"}, {"spoon", "g"}})
    EXPECT_FALSE(convert_unit(1, from, to, 0).has_value()) << from;
  // There and back is the same value for every pair that converts.
  for (const char* a : {"ng/mL", "ug/L", "mg/L", "g/L", "mg/dL", "pg/mL"})
    for (const char* b : {"ng/mL", "ug/L", "mg/L", "g/L", "mg/dL", "pg/mL"})
      EXPECT_NEAR(*convert_unit(*convert_unit(7.3, a, b, 0), b, a, 0), 7.3, 1e-13);
}

TEST(Units, DifferByCentre) {
  const Folder folder;
  const Cohort cohort = folder.read();
  EXPECT_EQ(cohort.patients.at(0).cells.at(1).value, 12.5);  // centre A: ng/mL
  EXPECT_EQ(cohort.patients.at(1).cells.at(1).value, 3000);  // centre B: mg/L
  folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,1,M0,0\n");
  ASSERT_EQ(folder.read().notes.size(), 1u);
  EXPECT_NE(folder.read().notes.front().find("centre 'B', which has no patient"), std::string::npos);
}

TEST(Encodings, GiveTheSameCohort) {
  const Folder folder;
  const std::string plain = "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,未查,M0,是\nP2,B,60,3,M1,否\n";
  folder.write("patients.csv", plain);
  const std::string digest = folder.read().tables_digest;
  const std::string crlf = "patient_id,centre,age,afp,mvi,cirrhosis\r\nP1,A,50,未查,M0,是\r\nP2,B,60,3,M1,否\r\n";
  const std::string gb18030 =
      "patient_id,centre,age,afp,mvi,cirrhosis\r\nP1,A,50,\xce\xb4\xb2\xe9,M0,\xca\xc7\r\nP2,B,60,3,M1,\xb7\xf1\r\n";
  const std::string quoted =
      "\"patient_id\",centre,\"age\",afp,mvi,cirrhosis,\"free, text\"\n\"P1\",A,\"50\",未查,M0,是,\"said "
      "\"\"yes\"\",\nthen no\"\nP2,B,60,3,M1,否,\n";
  const std::string reordered = "cirrhosis,mvi,patient_id,centre,afp,age\n否,M1,P2,B,3.0,６０\n1,M0,P1,A,NA,50\n";
  for (const std::string& bytes : {"\xef\xbb\xbf" + plain, crlf, "\xef\xbb\xbf" + crlf, gb18030, quoted, reordered}) {
    folder.write("patients.csv", bytes);
    EXPECT_EQ(folder.read().tables_digest, digest) << bytes;
  }
  folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nP1,A,50,未查,M0,是\nP2,B,61,3,M1,否\n");
  EXPECT_NE(folder.read().tables_digest, digest);
}

TEST(Columns, NotDeclaredAreNotedAndNeverUsed) {
  const Folder folder;
  folder.write("patients.csv",
               "patient_id,centre,age,afp,mvi,cirrhosis,vital_status\nP1,A,50,1,M0,0,dead\nP2,B,5,1,M0,0,dead\n");
  const Cohort cohort = folder.read();
  ASSERT_EQ(cohort.notes.size(), 1u);
  EXPECT_NE(cohort.notes.front().find("vital_status"), std::string::npos);
  EXPECT_EQ(cohort.patients.front().cells.size(), 4u);
}

TEST(Dates, CountFromSurgeryInEveryPattern) {
  Folder folder;
  const auto read_with = [&](const char* pattern, const char* surgery, const char* contact) {
    folder.yaml(kTables, std::string("dates: '") + pattern + "'\n");
    folder.write("patients.csv", std::string("patient_id,centre,age,afp,mvi,cirrhosis,surgery_date\nP1,A,50,1,M0,0,") +
                                     surgery + "\nP2,B,5,1,M0,0,\n");
    folder.write("follow_up.csv", std::string("patient_id,last_contact_date\nP1,") + contact + "\n");
    folder.write("treatments.csv", "patient_id,kind,start_day\n");
    folder.write("imaging.csv", "patient_id,path,timing\nP1,x,pre_op\n");
    folder.write("slides.csv", "patient_id,path\nP1,x\n");
    folder.write("reports.csv", "patient_id,text\nP1,x\n");
    return folder.read().patients.front().follow_up.last_contact_day;
  };
  EXPECT_EQ(read_with("iso", "2024-02-28", "2024-03-01"), 2);  // a leap year
  EXPECT_EQ(read_with("%d.%m.%Y", "28.02.2023", "01.03.2023"), 1);
  EXPECT_EQ(read_with("%Y年%m月%d日", "2023年12月31日", "2024年01月01日"), 1);
  EXPECT_THROW((void)read_with("iso", "2023-02-29", "2023-03-01"), Error);
  EXPECT_THROW((void)read_with("iso", "28.02.2023", "2023-03-01"), Error);
}

TEST(Ids, RepeatBetweenCentresWithTheCentreInEveryTable) {
  Folder folder;
  folder.yaml("follow_up: follow_up.csv\n");
  folder.write("patients.csv",
               "patient_id,centre,age,afp,mvi,cirrhosis\n1,A,50,1,M0,0\n1,B,60,1,M1,0\n2,B,130,1,M1,0\n");
  folder.write("follow_up.csv", "patient_id,centre,last_contact_day\n1,B,20\n1,A,10\n2,,30\n");
  const Cohort cohort = folder.read();
  ASSERT_EQ(cohort.patients.size(), 3u);
  EXPECT_EQ(cohort.patients.at(0).key, "2");
  EXPECT_EQ(cohort.patients.at(1).key, "A/1");
  EXPECT_EQ(cohort.patients.at(2).key, "B/1");
  EXPECT_EQ(cohort.patients.at(1).follow_up.last_contact_day, 10);
  EXPECT_EQ(cohort.patients.at(2).follow_up.last_contact_day, 20);
  EXPECT_EQ(cohort.queries.front().patient, "2");
  folder.write("follow_up.csv", "patient_id,last_contact_day\n1,20\n");
  expect_error([&] { (void)folder.read(); }, ExitCode::input, "follow_up.csv:2", "several centres");
  folder.write("follow_up.csv", "patient_id,centre,last_contact_day\n2,A,20\n");
  expect_error([&] { (void)folder.read(); }, ExitCode::input, "follow_up.csv:2", "of centre 'A'");
}

TEST(Privacy, PseudonymsReplaceIdsEverywhere) {
  Folder folder;
  folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\nMRN001,A,130,1,M0,0\nMRN002,B,60,1,M1,0\n");
  folder.write("key.txt", "a secret of sufficient length\n");
  folder.yaml("privacy: {pseudonymise: true, key_file: key.txt}\n");
  const Cohort cohort = folder.read();
  std::vector<std::string> keys;
  for (const PatientRecord& patient : cohort.patients) {
    EXPECT_EQ(patient.id.find("MRN"), std::string::npos);
    EXPECT_EQ(patient.id, patient.key);
    keys.push_back(patient.key);
  }
  // HMAC-SHA256("a secret of sufficient length", "MRN001"), first 24 hex digits, from openssl dgst.
  EXPECT_NE(std::find(keys.begin(), keys.end(), "540103f1442ec2e8b65ceab1"), keys.end())
      << keys.at(0) << " " << keys.at(1);
  ASSERT_EQ(cohort.queries.size(), 1u);
  EXPECT_NE(std::find(keys.begin(), keys.end(), cohort.queries.front().patient), keys.end());
  folder.write("key.txt", "short");
  expect_error([&] { (void)folder.read(); }, ExitCode::usage, "key.txt", "16 characters");
}

TEST(Privacy, NoMessageRepeatsACell) {
  Folder folder;
  folder.write("key.txt", "a secret of sufficient length\n");
  folder.yaml("privacy: {pseudonymise: true, key_file: key.txt}\n");
  const auto refused = [&](const std::string& rows) {
    folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis\n" + rows);
    try {
      (void)folder.read();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  // Apostrophes of the cell's own, at its ends too.
  for (const char* cell : {"Quartermain", "O'Quartermain", "Quartermains' Quartermain", "'Quartermain'", "'Quartermain' in 'Quartermain"}) {
    const std::string number = refused("MRN001,A,1,1,M0,0\nMRN002,B," + std::string(cell) + ",1,M1,0\n"), category = refused("MRN001,A,1,1," + std::string(cell) + ",0\n");
    for (const std::string& said : {number, category}) {
      EXPECT_EQ(said.find("Quartermain"), std::string::npos) << said;
      EXPECT_NE(said.find("patients.csv:"), std::string::npos) << "the place stays: " << said;
    }
  }
  EXPECT_NE(refused("MRN001,A,O'Quartermain,1,M0,0\n").find("'age'"), std::string::npos) << "so does the column";
  EXPECT_EQ(refused("MRN001,A,1,1,M0,0\nMRN001,A,1,1,M0,0\n").find("MRN001"), std::string::npos);
  folder.write("patients.csv", "patient_id,centre,age,afp,mvi,cirrhosis,MRN777\nMRN001,A,130,1,M0,0,x\n");
  const Cohort cohort = folder.read();
  for (const std::string& note : cohort.notes) EXPECT_EQ(note.find("MRN"), std::string::npos) << note;
  ASSERT_EQ(cohort.queries.size(), 1u);
  EXPECT_EQ(cohort.queries.front().value, "") << "the row says where to look";
}

TEST(DirectEndpoints, AreReadInTheirUnit) {
  const Folder folder;
  const auto read_with = [&](const char* unit, const char* rows) {
    folder.yaml(std::string("endpoints:\n  os: {time: t, event: e, unit: ") + unit + ", horizon_months: 60}\n");
    folder.write("patients.csv", std::string("patient_id,centre,age,afp,mvi,cirrhosis,t,e\n") + rows);
    return folder.read();
  };
  const char* rows = "P1,A,1,1,M0,0,10,1\nP2,B,1,1,M0,0,0,0\nP3,B,1,1,M0,0,,\nP4,B,1,1,M0,0,5,\n";
  EXPECT_EQ(read_with("months", rows).patients.at(0).direct_months.at(0), 10);
  EXPECT_DOUBLE_EQ(read_with("weeks", rows).patients.at(0).direct_months.at(0), 70 / 30.4375);
  EXPECT_DOUBLE_EQ(read_with("years", rows).patients.at(0).direct_months.at(0), 120);
  const Cohort cohort = read_with("days", rows);
  EXPECT_DOUBLE_EQ(cohort.patients.at(1).direct_months.at(0), 0.5 / 30.4375);
  EXPECT_TRUE(std::isnan(cohort.patients.at(2).direct_months.at(0)));
  EXPECT_TRUE(std::isnan(cohort.patients.at(3).direct_event.at(0)));
  EXPECT_EQ(cohort.queries.size(), 2u);
  expect_error([&] { (void)read_with("days", "P1,A,1,1,M0,0,-1,1\nP2,B,1,1,M0,0,1,1\n"); }, ExitCode::input,
               "patients.csv:2", "negative time");
  expect_error([&] { (void)read_with("days", "P1,A,1,1,M0,0,1,2\nP2,B,1,1,M0,0,1,1\n"); }, ExitCode::input,
               "patients.csv:2", "neither 0 nor 1");
  folder.yaml("endpoints:\n  os: {time: tt, event: e, unit: days, horizon_months: 60}\n");
  expect_error([&] { (void)folder.read(); }, ExitCode::usage, "cohort.yaml:9", "no column of the patients table");
}

TEST(Sources, TheFirstKnownOneWinsAndDisagreementIsAQuery) {
  const Folder folder;
  folder.write(
      "cohort.yaml",
      "schema: hepar-cohort/1\npatients: patients.csv\ncolumns:\n"
      "  mvi: {type: category, values: [M0, M1, M2], known: post_op, from: [table, report.mvi], conflict: query}\n"
      "  size: {type: number, unit: cm, known: post_op, from: [report.size_mm, table]}\n"
      "  cirrhosis: {type: flag, known: post_op, from: [table, report.cirrhosis]}\n"
      "modalities:\n  report: {kind: sequence, source: reports}\n");
  folder.write("patients.csv", "patient_id,mvi,size,cirrhosis\nP1,M1,4,\nP2,,,\n");
  const Cohort cohort = folder.read();
  const auto fact = [](const char* text) { return Fact{Fact::State::known, text, "report"}; };
  const PatientRecord& first = cohort.patients.at(0);
  const PatientRecord& second = cohort.patients.at(1);
  Facts facts{{"report.mvi", fact("M1")}, {"report.size_mm", fact("45")}, {"report.cirrhosis", fact("present")}};
  std::vector<Cell> cells = resolve_cells(first, cohort.spec, &facts);
  EXPECT_EQ(cells.at(0).value, 1);
  EXPECT_EQ(cells.at(1).value, 4.5);  // the report comes first, in mm
  EXPECT_EQ(cells.at(2).value, 1);
  EXPECT_TRUE(conflicts_of(first, cohort.spec, facts).empty());
  facts["report.mvi"] = fact("M2");
  EXPECT_EQ(resolve_cells(first, cohort.spec, &facts).at(0).state, Cell::State::query);
  EXPECT_EQ(conflicts_of(first, cohort.spec, facts).at(0).value, "table M1, report.mvi M2");
  EXPECT_EQ(resolve_cells(second, cohort.spec, &facts).at(0).value, 2);  // only one source speaks
  facts["report.mvi"] = Fact{Fact::State::conflict, "", "report"};
  EXPECT_EQ(resolve_cells(second, cohort.spec, &facts).at(0).state, Cell::State::query);
  facts["report.mvi"] = fact("positive");  // says less than the column declares
  EXPECT_EQ(resolve_cells(first, cohort.spec, &facts).at(0).value, 1);
  facts["report.size_mm"] = fact("multiple");
  EXPECT_EQ(resolve_cells(first, cohort.spec, &facts).at(1).value, 4);
  EXPECT_EQ(resolve_cells(first, cohort.spec, nullptr).at(1).value, 4);
}

}  // namespace
}  // namespace hepar::test
