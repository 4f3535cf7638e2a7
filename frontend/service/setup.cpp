#include "service/setup.h"

#include <utility>

#include <openssl/crypto.h>

#include "service/access_token.h"

namespace bulla::service {
namespace {

using database::Session;
using database::Text;

constexpr const char* kAdministrator = "administrator";

// With any of these at another value, the server's log could hold what a request's parameters hold.
constexpr std::pair<const char*, const char*> kQuietSettings[] = {
    {"log_parameter_max_length", "0"},
    {"log_parameter_max_length_on_error", "0"},
    {"debug_print_parse", "off"},
    {"debug_print_rewritten", "off"},
    {"debug_print_plan", "off"},
    {"auto_explain.log_min_duration", "-1"},  // its plans show bound values
};

class Refused : public database::StatementError {
 public:
  Refused(std::string message, std::string hint)
      : StatementError({{}, std::move(message), {}, std::move(hint)}) {}
};

bool IsSuperuser(Session& session) {
  return session.Finds("SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper");
}

// Nobody who may create in a schema can put a function of his own before PostgreSQL's.
void Begin(Session& session) {
  session.Run("BEGIN");
  session.Run("SET LOCAL search_path = pg_catalog, pg_temp");
  // Digests and verifiers are parameters, too. Who is no superuser may not set these.
  if (!IsSuperuser(session)) return;
  for (const auto& [setting, value] : kQuietSettings)
    session.Run(std::string("SET LOCAL ") + setting + " = '" + value + "'");
}

void Add(Session& session, const NewToken& token, const HandOver& hand_over) {
  std::string text = NewAccessToken();
  std::string scopes;
  for (const std::string& scope : token.scopes) scopes += (scopes.empty() ? "" : ",") + scope;
  const Text lifetime = token.lifetime
                            ? Text(std::to_string(token.lifetime->count()) + " milliseconds")
                            : std::nullopt;
  session.Run(
      "SELECT agentidp.add_access_token($1::bytea, $2, string_to_array($3, ','), $4::uuid, "
      "now() + $5::interval)",
      {DigestAsBytea(text), token.name, scopes, token.organization, lifetime});
  hand_over(text);
  OPENSSL_cleanse(text.data(), text.size());
}

class SettingUp {
 public:
  SettingUp(Session& session, const Setup& setup) : session_(session), setup_(setup) {}

  void CheckRights();
  void MakeOwner();
  void MakeExtensions();
  void MakeServiceRole();
  void MakeAdministrator(const HandOver& hand_over);

  const std::vector<std::string>& made() const { return made_; }

 private:
  bool HasRole(const std::string& role) {
    return session_.Finds("SELECT FROM pg_roles WHERE rolname = $1", {role});
  }
  void RefuseSuperuser(const std::string& role);
  void MakeExtension(const std::string& name);

  Session& session_;
  const Setup& setup_;
  std::vector<std::string> made_;
};

void SettingUp::CheckRights() {
  if (!IsSuperuser(session_))
    throw Refused("the database role is no superuser",
                  "Setting up needs one: name it in the connection.");
}

void SettingUp::RefuseSuperuser(const std::string& role) {
  if (session_.Finds("SELECT FROM pg_roles WHERE rolname = $1 AND rolsuper", {role}))
    throw Refused("role " + role + " is a superuser, and must not be one",
                  "Choose another with --role.");
}

void SettingUp::MakeOwner() {
  if (HasRole("agentidp")) return RefuseSuperuser("agentidp");
  session_.Run("CREATE ROLE agentidp NOLOGIN");
  made_.push_back("made role agentidp, which owns the tables and cannot log in");
}

void SettingUp::MakeExtension(const std::string& name) {
  if (session_.Finds("SELECT FROM pg_extension WHERE extname = $1", {name})) return;
  session_.Run("CREATE EXTENSION " + name);
  made_.push_back("made extension " + name);
}

void SettingUp::MakeExtensions() {
  MakeExtension("bulla");
  // agentidp belongs to its role, which for making it, and no longer, may create in the database.
  const std::string database =
      session_.Quoted(session_.Run("SELECT current_database()")[0][0].value_or(""));
  const bool may_create = session_.Finds(
      "SELECT WHERE has_database_privilege('agentidp', current_database(), 'CREATE')");
  if (!may_create) session_.Run("GRANT CREATE ON DATABASE " + database + " TO agentidp");
  session_.Run("SET LOCAL ROLE agentidp");
  MakeExtension("agentidp");
  if (session_.Run("SELECT agentidp.set_up()")[0][0] == "t")
    made_.push_back("made ledger agentidp.audit_events");
  session_.Run("RESET ROLE");
  if (!may_create) session_.Run("REVOKE CREATE ON DATABASE " + database + " FROM agentidp");
}

void SettingUp::MakeServiceRole() {
  const std::string role = session_.Quoted(setup_.role);
  if (HasRole(setup_.role)) {
    RefuseSuperuser(setup_.role);
  } else {
    session_.Run("CREATE ROLE " + role + " LOGIN");
    made_.push_back("made role " + setup_.role +
                    ", which may call agentidp_api, seal ledgers, ask witnesses and read "
                    "bulla.key_messages, and nothing else");
  }
  session_.Run("SELECT agentidp.grant_service($1::regrole)", {role});
  // For its metrics. To be a member of pg_monitor would be far more.
  session_.Run("GRANT EXECUTE ON FUNCTION bulla.key_messages() TO " + role);
  // For the regular sealing (bulla.seal_round), whoever owns the ledgers.
  session_.Run(
      "GRANT EXECUTE ON FUNCTION bulla.try_seal_round(), bulla.seal_as_owner(regclass) TO " + role);
  // For asking witnesses, whose cosignatures verify or are refused.
  session_.Run(
      "GRANT EXECUTE ON FUNCTION bulla.witnesses_to_ask(interval, interval), "
      "bulla.witness_request(text, bigint, text), bulla.add_cosignatures(text) TO " +
      role);
  for (const auto& [setting, value] : kQuietSettings)
    session_.Run("ALTER ROLE " + role + " SET " + setting + " = '" + value + "'");
  if (setup_.password.empty()) return;
  // A statement can stand in the server's log, and this one takes no parameters.
  session_.Run(
      "SELECT set_config('bullad.role', $1, true), set_config('bullad.verifier', $2, true)",
      {setup_.role, session_.PasswordVerifier(setup_.role, setup_.password)});
  session_.Run(
      "DO $$BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', current_setting('bullad.role'), "
      "current_setting('bullad.verifier')); END$$");
  made_.push_back("set the password of role " + setup_.role + " to the one in the configuration");
}

void SettingUp::MakeAdministrator(const HandOver& hand_over) {
  if (session_.Finds("SELECT FROM agentidp.access_tokens WHERE name = $1", {kAdministrator}))
    return made_.push_back(
        "the access token administrator was made before and is stored nowhere; for another: "
        "bullad token add NAME --scope admin");
  Add(session_, {kAdministrator, {"admin"}, std::nullopt, std::nullopt}, hand_over);
}

}  // namespace

void SetUpDatabase(Session& session, const Setup& setup, const Tell& tell,
                   const HandOver& hand_over) {
  SettingUp setting_up(session, setup);
  Begin(session);
  setting_up.CheckRights();
  // One at a time.
  session.Run("SELECT pg_advisory_xact_lock(hashtextextended('bullad init', 0))");
  setting_up.MakeOwner();
  setting_up.MakeExtensions();
  setting_up.MakeServiceRole();
  setting_up.MakeAdministrator(hand_over);
  session.Run("COMMIT");
  for (const std::string& what : setting_up.made()) tell(what);
}

void AddToken(Session& session, const NewToken& token, const HandOver& hand_over) {
  Begin(session);
  Add(session, token, hand_over);
  session.Run("COMMIT");
}

void RevokeToken(Session& session, const std::string& name) {
  session.Run("SELECT agentidp.revoke_access_token($1)", {name});
}

}  // namespace bulla::service
