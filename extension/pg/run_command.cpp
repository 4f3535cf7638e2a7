#include "pg/run_command.h"

extern "C" {
#include "postgres.h"
#include "executor/spi.h"
}

namespace bulla {

void RunCommand(const char* command) {
  if (SPI_execute(command, false, 0) < 0) elog(ERROR, "SPI failed on: %s", command);
}

}  // namespace bulla
