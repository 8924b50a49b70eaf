#include "proxy/pop3/watch.h"

namespace saslift::proxy::pop3 {
namespace {

constexpr std::size_t first_answers = 1024;

bool is_refusal(std::string_view line) { return line.starts_with("-ERR"); }

bool is_status(std::string_view line) { return line.starts_with("+") || is_refusal(line); }

}  // namespace

Watch watch() { return {.is_refusal = is_refusal, .bytes_watched = first_answers, .is_status = is_status}; }

}  // namespace saslift::proxy::pop3
