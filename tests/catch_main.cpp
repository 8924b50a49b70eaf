// Catch2 2 wants its main made here; Catch2 3 (Debian 13) brings it as a library.
#if __has_include(<catch2/catch.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
