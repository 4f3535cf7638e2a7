#include "service/request_log.h"

namespace bulla::service {

void LogAnswered(Log& log, const http::Answered& answered) {
  log.Write(Level::kInfo, "request",
            {{"request_id", answered.request_id},
             {"client", answered.client},
             {"method", answered.method},
             {"route", answered.route},
             {"path", answered.path},
             {"status", answered.status},
             {"duration_ms", static_cast<double>(answered.duration.count()) / 1000},
             {"request_bytes", static_cast<std::int64_t>(answered.request_bytes)},
             {"response_bytes", static_cast<std::int64_t>(answered.response_bytes)}});
}

}  // namespace bulla::service
