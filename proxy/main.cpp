#include "proxy/commands/commands.h"

int main(int argc, char** argv) { return saslift::proxy::run_command(argc, argv); }
