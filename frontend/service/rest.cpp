#include "service/rest.h"

#include <utility>

#include "http/problem.h"
#include "service/answer_form.h"

namespace bulla::service {
namespace {

using database::Outcome;
using database::Pool;

constexpr std::size_t kMostClients = 10'000;  // that a rate limit remembers
constexpr std::string_view kRetrySeconds = "2";

http::Response Unavailable(const std::string& request_id, std::string_view detail) {
  http::Response response =
      http::MakeProblem({.status = 503, .detail = detail, .request_id = request_id});
  response.fields.emplace_back("Retry-After", kRetrySeconds);
  return response;
}

http::Response TooMany(const std::string& request_id, const Operation& operation,
                       std::chrono::milliseconds wait) {
  const std::string detail =
      "this may be asked for " + std::to_string(operation.calls_per_minute) + " times a minute";
  http::Response response =
      http::MakeProblem({.status = 429, .detail = detail, .request_id = request_id});
  response.fields.emplace_back(
      "Retry-After", std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()));
  return response;
}

// What the function returned: HTTP status and JSON, also where it refuses.
http::Response FunctionsAnswer(const Operation& operation, const std::string& request_id,
                               Outcome outcome, Log& log) {
  int status = 0;
  if (outcome.row.size() == 2 && outcome.row[0]) status = std::atoi(outcome.row[0]->c_str());
  if (status < 200 || status > 599) {
    log.Write(Level::kError, "a function gave no status to answer with",
              {{"request_id", request_id}, {"function", operation.function}});
    return http::MakeProblem(
        {.status = 500, .detail = "the request failed inside", .request_id = request_id});
  }
  http::Response response{.status = status, .body = std::move(outcome.row[1]).value_or("")};
  if (!operation.content_type.empty() && status < 400) {
    response.content_type = operation.content_type;
    response.fields.emplace_back("Cache-Control", operation.caching);
  }
  if (status >= 400) response.content_type = "application/problem+json";
  if (status == 401) response.fields.emplace_back("WWW-Authenticate", kBadToken);
  return response;
}

http::Response ErrorsAnswer(const Operation& operation, const std::string& request_id,
                            const database::SqlError& error, Log& log) {
  const database::Meaning meaning = database::MeaningOf(error);
  if (meaning.told) {
    http::Response response = http::MakeProblem({.status = meaning.status,
                                                 .detail = error.message,
                                                 .hint = error.hint,
                                                 .sqlstate = error.sqlstate,
                                                 .request_id = request_id});
    if (meaning.status == 401) response.fields.emplace_back("WWW-Authenticate", kBadToken);
    return response;
  }
  // Not the DETAIL: it can hold rows.
  log.Write(meaning.retry ? Level::kWarning : Level::kError, "a function failed",
            {{"request_id", request_id},
             {"function", operation.function},
             {"sqlstate", error.sqlstate},
             {"error", error.message},
             {"hint", error.hint}});
  if (meaning.retry)
    return Unavailable(request_id,
                       "the database cannot do this now; nothing was changed: try again");
  return http::MakeProblem({.status = meaning.status,
                            .detail = "the request failed inside; the service's log has the reason",
                            .request_id = request_id});
}

http::Response UnknownAnswer(const Operation& operation, const std::string& request_id, Log& log) {
  log.Write(Level::kWarning,
            "the answer of the database was lost: the outcome of the call is unknown",
            {{"request_id", request_id}, {"function", operation.function}});
  if (operation.if_unknown.empty())
    return Unavailable(request_id, "the answer of the database was lost: try again");
  // Without Retry-After: whether to send it again is for somebody to decide who knows what it was.
  const std::string detail =
      "the answer of the database was lost, and it is not known whether this was recorded. " +
      std::string(operation.if_unknown);
  return http::MakeProblem({.status = 503, .detail = detail, .request_id = request_id});
}

}  // namespace

std::vector<std::string> PreparedStatements() {
  std::vector<std::string> statements;
  for (const Operation& operation : Operations()) statements.push_back(SqlOf(operation));
  statements.emplace_back("SELECT status, answer FROM agentidp_api.verify_all($1::text)");
  // What a version that seals no more has sealed is nobody's concern.
  statements.emplace_back(
      "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(key, version, messages_sealed, "
      "messages_budget)) FROM bulla.key_messages() WHERE is_primary");
  statements.emplace_back(
      "SELECT pg_catalog.json_agg(pg_catalog.json_build_array(witness, vkey, url, "
      "extract(epoch FROM heard_at), is_due)) FROM "
      "bulla.witnesses_to_ask(every => $1::pg_catalog.interval)");
  statements.emplace_back("SELECT bulla.witness_request($1::text, $2::bigint)");
  statements.emplace_back("SELECT bulla.add_cosignatures($1::text)");
  return statements;
}

std::size_t VerifyAllStatement() { return Operations().size(); }
std::size_t KeyMessagesStatement() { return VerifyAllStatement() + 1; }
std::size_t WitnessesToAskStatement() { return VerifyAllStatement() + 2; }
std::size_t WitnessRequestStatement() { return VerifyAllStatement() + 3; }
std::size_t AddCosignaturesStatement() { return VerifyAllStatement() + 4; }

Rest::Rest(LanePool everyday, LanePool long_calls, LanePool open, Log& log)
    : everyday_(everyday), long_calls_(long_calls), open_(open), log_(log) {
  for (const Operation& operation : Operations()) {
    limits_.push_back(operation.calls_per_minute == 0
                          ? nullptr
                          : std::make_unique<RateLimit>(operation.calls_per_minute, kMostClients));
  }
}

void Rest::AddTo(http::Router& router) {
  for (std::size_t index = 0; index < Operations().size(); ++index) {
    const Operation& operation = Operations()[index];
    router.Add(std::string(operation.method), std::string(operation.pattern), operation.judge,
               [this, index](const std::shared_ptr<http::Exchange>& exchange,
                             const http::Parameters& path) { Handle(index, exchange, path); });
  }
}

const LanePool& Rest::PoolFor(const Operation& operation) const {
  switch (operation.lane) {
    case Lane::kLong:
      return long_calls_;
    case Lane::kOpen:
      return open_;
    case Lane::kEveryday:
      break;
  }
  return everyday_;
}

void Rest::Handle(std::size_t index, const std::shared_ptr<http::Exchange>& exchange,
                  const http::Parameters& path) {
  const Operation& operation = Operations()[index];
  const http::Request& request = exchange->request();
  auto read = ReadCall(operation, request, path);
  if (auto* const refused = std::get_if<http::Response>(&read))
    return exchange->Answer(std::move(*refused));
  const auto texts = std::make_shared<const CallTexts>(std::get<CallTexts>(std::move(read)));
  if (limits_[index]) {
    const auto wait = limits_[index]->Take(texts->token_digest, http::Clock::now());
    if (wait.count() > 0) return exchange->Answer(TooMany(request.id, operation, wait));
  }

  const LanePool& lane = PoolFor(operation);
  database::Job job;
  job.statement = index;
  // They point into what `done` keeps.
  job.parameters = {request.id.c_str(),
                    operation.lane == Lane::kOpen ? nullptr : texts->token_digest.c_str(),
                    texts->client.empty() ? nullptr : texts->client.c_str(),
                    texts->parameters.c_str(), operation.body ? request.body.c_str() : nullptr};
  job.binary = !operation.content_type.empty();
  job.deadline = exchange->arrived() + lane.deadline;
  job.unwanted = [exchange] { return exchange->abandoned(); };
  job.done = [this, &operation, exchange, texts](Outcome outcome) {
    exchange->Answer(InForm(operation, exchange->request(),
                            AnswerTo(operation, exchange->request().id, std::move(outcome), log_)));
  };
  switch (lane.pool.Submit(std::move(job))) {
    case Pool::Submitted::kYes:
      return;
    case Pool::Submitted::kFull:
      return exchange->Answer(
          Unavailable(request.id, "too many requests wait for the database: try again"));
    case Pool::Submitted::kDown:
      return exchange->Answer(Unavailable(request.id, "the database cannot be reached: try again"));
  }
}

http::Response AnswerTo(const Operation& operation, const std::string& request_id, Outcome outcome,
                        Log& log) {
  switch (outcome.kind) {
    case Outcome::Kind::kAnswer:
      return FunctionsAnswer(operation, request_id, std::move(outcome), log);
    case Outcome::Kind::kSqlError:
      return ErrorsAnswer(operation, request_id, outcome.error, log);
    case Outcome::Kind::kDeadline:
      return Unavailable(request_id,
                         "the database did not answer in time; nothing was changed: try again");
    case Outcome::Kind::kNotRun:
      return Unavailable(request_id,
                         "the database could not be reached; nothing was changed: try again");
    case Outcome::Kind::kUnknown:
      break;
  }
  return UnknownAnswer(operation, request_id, log);
}

}  // namespace bulla::service
