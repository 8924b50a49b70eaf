#include "proxy/smtp/rewriting/stamps.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
namespace saslift::proxy::smtp::rewriting {

std::string date_of(std::chrono::system_clock::time_point time) {
  static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000", days.at(std::chrono::weekday(day).c_encoding()),
                     static_cast<unsigned>(date.day()), months.at(static_cast<unsigned>(date.month()) - 1),
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::string new_message_id(std::string_view mailbox) {
  std::array<unsigned char, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::string random;
  for (const unsigned char byte : bytes) random += fmt::format("{:02x}", byte);
  const auto at = mailbox.rfind('@');
  return fmt::format("<{}@{}>", random, at == std::string_view::npos ? "localhost" : mailbox.substr(at + 1));
}

}  // namespace saslift::proxy::smtp::rewriting
