#include "service/commands.h"

int main(int argc, char** argv) { return bulla::service::RunCommand(argc, argv); }
