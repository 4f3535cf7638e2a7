#include "service/config.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "service/config_keys.h"

namespace bulla::service {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bulla-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_ = (folder_ / "bullad.toml").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& content) {
    std::ofstream(file_, std::ios::binary) << content;
    ASSERT_EQ(chmod(file_.c_str(), 0600), 0);
  }
  Config Read(const std::string& content, const Environment& environment = {}) {
    Write(content);
    return ReadConfig(file_, environment);
  }
  // What is wrong, with FILE for the file's name; "nothing" when nothing is.
  std::string Mistake(const std::string& content, const Environment& environment = {}) {
    try {
      Read(content, environment);
    } catch (const ConfigError& error) {
      std::string what = error.what();
      for (size_t at; (at = what.find(file_)) != std::string::npos;)
        what.replace(at, file_.size(), "FILE");
      return what;
    }
    return "nothing";
  }

  fs::path folder_;
  std::string file_;
};

TEST_F(ConfigTest, NothingGivenMeansTheDefaults) {
  const Config config = ReadConfig("", {});
  EXPECT_EQ(config.api.listen, std::vector<std::string>{"127.0.0.1:8080"});
  EXPECT_EQ(config.admin.listen, std::vector<std::string>{"127.0.0.1:8081"});
  EXPECT_EQ(config.database.connections, 4U);
  EXPECT_EQ(config.database.deadline, 10s);
  EXPECT_EQ(config.limits.body, 1024U * 1024);
  EXPECT_EQ(config.verify_every, 1h);
  EXPECT_EQ(config.messages_every, 1min);
}

TEST_F(ConfigTest, AFileSetsWhatItNames) {
  const Config config = Read(R"(
[api]
listen = ["[::1]:1", "unix:/run/x"]
trusted_proxies = []
[database]
conninfo = "host=/run user=bullad"
queue = 7
deadline = "1500ms"
[limits]
body = "64KiB"
head = 2048
[timeouts]
idle = "2min"
drain = "0"
[log]
level = "warning"
)");
  EXPECT_EQ(config.api.listen, (std::vector<std::string>{"[::1]:1", "unix:/run/x"}));
  EXPECT_EQ(config.database.conninfo, "host=/run user=bullad");
  EXPECT_EQ(config.database.queue, 7U);
  EXPECT_EQ(config.database.deadline, 1500ms);
  EXPECT_EQ(config.limits.body, 65536U);
  EXPECT_EQ(config.limits.head, 2048U);
  EXPECT_EQ(config.limits.idle_time, 2min);
  EXPECT_EQ(config.drain, 0ms);
  EXPECT_EQ(config.log_level, Level::kWarning);
}

TEST_F(ConfigTest, TheEnvironmentGoesAboveTheFile) {
  const Config config = Read("[database]\nqueue = 7\nconnections = 2\n",
                             {{"BULLAD_DATABASE_QUEUE", "8"},
                              {"BULLAD_API_LISTEN", "127.0.0.1:1,unix:/run/x"},
                              {"BULLAD_API_TRUSTED_PROXIES", ""},
                              {"BULLAD_LIMITS_BODY", "2MiB"},
                              {"BULLAD_LOG_LEVEL", "debug"}});
  EXPECT_EQ(config.database.queue, 8U);
  EXPECT_EQ(config.database.connections, 2U);
  EXPECT_EQ(config.api.listen, (std::vector<std::string>{"127.0.0.1:1", "unix:/run/x"}));
  EXPECT_EQ(config.limits.body, 2U * 1024 * 1024);
  EXPECT_EQ(config.log_level, Level::kDebug);
}

TEST_F(ConfigTest, AMistakeIsNamedByItsLine) {
  EXPECT_EQ(Mistake("[database]\nconnections = 4\nqueue = 0\n"),
            "FILE:3: database.queue must be a whole number from 1 to 100000");
  EXPECT_EQ(Mistake("[database]\nqueue = \"8\"\n"),
            "FILE:2: database.queue must be a whole number from 1 to 100000");
  EXPECT_EQ(Mistake("[database]\nqueue = 8.5\n"),
            "FILE:2: database.queue must be a whole number from 1 to 100000");
  EXPECT_EQ(Mistake("[database]\nqueue = -1\n"),
            "FILE:2: database.queue must be a whole number from 1 to 100000");
  EXPECT_EQ(Mistake("[database]\ndeadline = 10\n"),
            "FILE:2: database.deadline must be a time from \"10ms\" to \"10min\"");
  EXPECT_EQ(Mistake("[database]\ndeadline = \"1d\"\n"),
            "FILE:2: database.deadline must be a time from \"10ms\" to \"10min\"");
  EXPECT_EQ(Mistake("[limits]\nbody = \"1TiB\"\n"),
            "FILE:2: limits.body must be a size from \"1KiB\" to \"64MiB\"");
  EXPECT_EQ(Mistake("[log]\nlevel = \"loud\"\n"),
            "FILE:2: log.level must be one of \"debug\", \"info\", \"warning\", \"error\"");
  EXPECT_EQ(Mistake("[api]\nlisten = \"127.0.0.1:1\"\n"),
            "FILE:2: api.listen must be a list of one or more texts in quotes");
  EXPECT_EQ(Mistake("[api]\nlisten = []\n"),
            "FILE:2: api.listen must be a list of one or more texts in quotes");
  EXPECT_EQ(Mistake("[api]\nlisten = [8080]\n"),
            "FILE:2: api.listen must be a list of one or more texts in quotes");
  EXPECT_EQ(Mistake("[api]\ntls_key = true\n"), "FILE:2: api.tls_key must be a text in quotes");
}

TEST_F(ConfigTest, AnUnknownKeyOrSectionIsAMistake) {
  EXPECT_EQ(Mistake("[log]\n\nlevl = \"info\"\n"),
            "FILE:3: there is no log.levl; allowed in [log]: level");
  EXPECT_EQ(Mistake("[logs]\nlevel = \"info\"\n"),
            "FILE:1: there is no logs; allowed: the sections [api], [admin], [database], [limits], "
            "[timeouts], [log], [audit], [keys], [seal], [witnesses]");
  EXPECT_NE(Mistake("level = \"info\"\n").find("FILE:1: there is no level"), std::string::npos);
  EXPECT_NE(Mistake("database = 1\n").find("FILE:1: "), std::string::npos);
}

TEST_F(ConfigTest, WhatIsNotTomlIsAMistakeInItsLine) {
  EXPECT_TRUE(Mistake("[log]\nlevel = \n").starts_with("FILE:2: "));
  EXPECT_TRUE(Mistake("[log]\nlevel = \"info\"\nlevel = \"info\"\n").starts_with("FILE:3: "));
  EXPECT_TRUE(Mistake("[log\n").starts_with("FILE:1: "));
}

TEST_F(ConfigTest, AFileThatIsNotThereIsAMistake) {
  try {
    ReadConfig(file_, {});
    FAIL() << "read what is not there";
  } catch (const ConfigError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(file_ + ": ")) << error.what();
  }
}

TEST_F(ConfigTest, AFolderIsAMistake) {
  try {
    ReadConfig(fs::temp_directory_path().string(), {});
    FAIL() << "read a folder";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.what(), fs::temp_directory_path().string() + ": is a folder");
  }
}

TEST_F(ConfigTest, WhatIsNoNetworkIsAMistakeInItsLine) {
  const std::string mistake = Mistake("[api]\ntrusted_proxies = [\"::1\", \"10.0.0.0/99\"]\n");
  EXPECT_TRUE(mistake.starts_with("FILE:2: api.trusted_proxies: ")) << mistake;
}

TEST_F(ConfigTest, WhatIsNoAddressIsAMistakeInItsLine) {
  for (const char* section : {"api", "admin"}) {
    const std::string key = std::string(section) + ".listen";
    const std::string mistake =
        Mistake("[" + std::string(section) + "]\nlisten = [\"127.0.0.1:0\", \"localhost:80\"]\n");
    EXPECT_TRUE(mistake.starts_with("FILE:2: " + key + ": ")) << mistake;
    EXPECT_NE(mistake.find("\"localhost:80\""), std::string::npos) << mistake;
  }
}

TEST_F(ConfigTest, AMistakeInTheEnvironmentIsNamedByTheVariable) {
  EXPECT_EQ(Mistake("", {{"BULLAD_DATABASE_QUEUE", "many"}}),
            "BULLAD_DATABASE_QUEUE: database.queue must be a whole number from 1 to 100000");
  EXPECT_EQ(Mistake("", {{"BULLAD_DATABASE_QUEU", "8"}}),
            "BULLAD_DATABASE_QUEU: there is no such key; bullad check-config lists them");
  // Orchestrators set such variables for a service that is called bullad.
  EXPECT_EQ(
      Mistake("", {{"BULLAD_SERVICE_HOST", "10.0.0.1"}, {"BULLAD_PORT", "tcp://10.0.0.1:80"}}),
      "nothing");
}

TEST_F(ConfigTest, AllMistakesAreTold) {
  EXPECT_EQ(
      Mistake("[database]\nqueue = 0\n[log]\nlevel = \"loud\"\n", {{"BULLAD_LIMITS_FIELDS", "0"}}),
      "FILE:2: database.queue must be a whole number from 1 to 100000\n"
      "FILE:4: log.level must be one of \"debug\", \"info\", \"warning\", \"error\"\n"
      "BULLAD_LIMITS_FIELDS: limits.fields must be a whole number from 1 to 10000");
}

TEST_F(ConfigTest, KeysThatNeedEachOtherComeTogether) {
  EXPECT_EQ(Mistake("[api]\ntls_certificate = \"c.pem\"\n"),
            "FILE:2: api.tls_certificate needs api.tls_key");
  EXPECT_EQ(Mistake("", {{"BULLAD_API_TLS_KEY", "k.pem"}}),
            "BULLAD_API_TLS_KEY: api.tls_key needs api.tls_certificate");
  EXPECT_EQ(Mistake("[api]\ntls_client_ca = \"ca.pem\"\n"),
            "FILE:2: api.tls_client_ca needs api.tls_certificate and api.tls_key");
  EXPECT_EQ(Mistake("[limits]\nbody = \"2MiB\"\nheld_bytes = \"1MiB\"\n"),
            "FILE:2: limits.body and limits.head must fit into limits.held_bytes");
}

TEST_F(ConfigTest, NoMessageHoldsASecret) {
  for (const char* conninfo :
       {"password=hunter2 hunter2", "password='hunter2", "postgresql://u:hunter2@[h/", "hunter2"}) {
    const std::string mistake =
        Mistake("[database]\nconninfo = \"" + std::string(conninfo) + "\"\n");
    EXPECT_TRUE(mistake.starts_with("FILE:2: database.conninfo must be a connection string"))
        << mistake;
    EXPECT_EQ(mistake.find("hunter2"), std::string::npos) << mistake;
  }
}

TEST_F(ConfigTest, AFileWithAPasswordIsNotForEverybody) {
  const std::string content = "[database]\nconninfo = \"user=bullad password=hunter2\"\n";
  EXPECT_EQ(Mistake(content), "nothing");
  ASSERT_EQ(chmod(file_.c_str(), 0644), 0);
  try {
    ReadConfig(file_, {});
    FAIL() << "read a password that everybody may read";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find(":2: everybody may read the password"),
              std::string::npos)
        << error.what();
  }
  // Given elsewhere it is not in the file.
  Write("[log]\nlevel = \"info\"\n");
  ASSERT_EQ(chmod(file_.c_str(), 0644), 0);
  ReadConfig(file_, {{"BULLAD_DATABASE_CONNINFO", "user=bullad password=hunter2"}});
}

TEST_F(ConfigTest, WhatIsShownIsReadAgainAndHasNoSecret) {
  const Config config = Read(
      "[database]\nconninfo = \"user=bullad password=hunter2 dbname='a b'\"\nqueue = 9\n"
      "[api]\ntrusted_proxies = [\"10.0.0.0/8\"]\n[timeouts]\nlinger = \"0\"\n");
  const std::string shown = ShowConfig(config);
  EXPECT_EQ(shown.find("hunter2"), std::string::npos);
  EXPECT_NE(shown.find("password=***"), std::string::npos) << shown;
  EXPECT_EQ(ShowConfig(Read(shown)), shown);
}

TEST_F(ConfigTest, EveryKeyIsShownOnceWithItsVariable) {
  const std::string shown = ShowConfig(Config());
  for (const ConfigKey& key : ConfigKeys()) {
    const auto first = shown.find("; " + key.variable() + "\n" + std::string(key.name) + " = ");
    ASSERT_NE(first, std::string::npos) << key.variable();
    EXPECT_EQ(shown.find(key.variable() + "\n", first + 5), std::string::npos) << key.variable();
  }
}

// A default that its own range refuses would be read back as a mistake.
TEST_F(ConfigTest, DefaultsAreAllowed) { EXPECT_EQ(Mistake(ShowConfig(Config())), "nothing"); }

TEST_F(ConfigTest, AWitnessHasKeysAndDefaultsOfItsOwn) {
  const Config config = DefaultConfig(Role::kWitness);
  const std::string shown = ShowConfig(config, Role::kWitness);
  for (const ConfigKey& key : ConfigKeys(Role::kWitness))
    EXPECT_NE(shown.find("; " + key.variable() + "\n"), std::string::npos) << key.variable();
  EXPECT_EQ(shown.find("[database]"), std::string::npos);
  EXPECT_EQ(ShowConfig(DefaultConfig(Role::kService)).find("[witness]"), std::string::npos);
  Write(shown);
  EXPECT_EQ(ShowConfig(ReadConfig(file_, {}, Role::kWitness), Role::kWitness), shown);
  EXPECT_NE(config.api.listen, DefaultConfig(Role::kService).api.listen);
  EXPECT_EQ(ReadConfig("", {{"BULLAD_WITNESS_STATE", "/x"}}, Role::kWitness).witness.state, "/x");
  EXPECT_EQ(Mistake("[witness]\nstate = \"/x\"\n").find("FILE:1: there is no witness"), 0U);
}

TEST_F(ConfigTest, WhereAWitnessPublishesIsNotShownWhole) {
  Write(
      "[publish]\nwebhooks = [\"https://hooks.example.com/T0/secret?x=y\", "
      "\"https://a.example\"]\n");
  const Config config = ReadConfig(file_, {}, Role::kWitness);
  EXPECT_EQ(config.publish.webhooks[0], "https://hooks.example.com/T0/secret?x=y");
  const std::string shown = ShowConfig(config, Role::kWitness);
  EXPECT_NE(shown.find(R"(webhooks = ["https://hooks.example.com/...", "https://a.example"])"),
            std::string::npos)
      << shown;
}

}  // namespace
}  // namespace bulla::service
