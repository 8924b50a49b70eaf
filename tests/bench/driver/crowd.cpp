#include "tests/bench/driver/crowd.h"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>

namespace saslift::bench {
namespace {

std::string numbered(std::string text, unsigned number) {
  const auto place = text.find('%');
  return place == std::string::npos ? text : text.replace(place, 1, std::to_string(number));
}

class Crowd {
 public:
  explicit Crowd(const Order& order) : order_(order), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw Unexpected("no epoll");
  }
  ~Crowd() { ::close(epoll_); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  Outcome run() {
    start_more();
    while (!members_.empty()) {
      wait();
      if (!holding_) start_more();
      if (order_.script.work == Work::idle && !holding_ && outcome_.login_ms.size() == order_.count) hold();
    }
    outcome_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    return std::move(outcome_);
  }

 private:
  struct Member {
    std::unique_ptr<Connection> connection;
    std::uint32_t interest = 0;
    bool counted = false;
  };

  void start_more() {
    while (started_ < order_.count && busy_ < order_.at_once) {
      auto connection = std::make_unique<Connection>(order_.target, order_.script, numbered(order_.user, started_));
      const int descriptor = connection->descriptor();
      Member& member = members_[descriptor] = {std::move(connection), 0, false};
      watch(descriptor, EPOLL_CTL_ADD, member.connection->interest());
      member.interest = member.connection->interest();
      ++started_;
      ++busy_;
    }
  }

  void wait() {
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), left_ms());
    if (count == 0) throw Unexpected(fmt::format("not done in time; {}", where()));
    if (count < 0 && errno != EINTR) throw Unexpected("epoll failed");
    for (int i = 0; i < count; ++i) {
      const int descriptor = events.at(static_cast<std::size_t>(i)).data.fd;
      if (descriptor == STDIN_FILENO) {
        input_moved();
      } else if (const auto member = members_.find(descriptor); member != members_.end()) {
        advance(member);
      }
    }
  }

  void advance(std::map<int, Member>::iterator place) {
    Member& member = place->second;
    member.connection->advance();
    if (!member.counted && member.connection->logged_in()) {
      member.counted = true;
      outcome_.login_ms.push_back(member.connection->login_ms());
      if (order_.script.work == Work::idle) --busy_;
    }
    if (member.connection->ended()) {
      if (order_.script.work != Work::idle) --busy_;
      members_.erase(place);
      return;
    }
    if (const auto interest = member.connection->interest(); interest != member.interest) {
      watch(place->first, EPOLL_CTL_MOD, interest);
      member.interest = interest;
    }
  }

  void hold() {
    holding_ = true;
    watch(STDIN_FILENO, EPOLL_CTL_ADD, EPOLLIN);
    order_.all_idle();
  }

  void input_moved() {
    std::array<char, 256> ignored{};
    if (::read(STDIN_FILENO, ignored.data(), ignored.size()) != 0) return;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
    for (auto& [descriptor, member] : members_) member.connection->leave();
  }

  void watch(int descriptor, int operation, std::uint32_t interest) const {
    epoll_event event{};
    event.events = interest;
    event.data.fd = descriptor;
    if (::epoll_ctl(epoll_, operation, descriptor, &event) != 0) throw Unexpected("epoll refuses a descriptor");
  }

  [[nodiscard]] int left_ms() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(start_ + order_.time - Clock::now());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
  }

  [[nodiscard]] std::string where() const {
    const auto& one = members_.begin()->second.connection->conversation();
    return fmt::format("{} of {} logged in, {} open, one of them {}", outcome_.login_ms.size(), order_.count,
                       members_.size(), one.state());
  }

  const Order& order_;
  Clock::time_point start_ = Clock::now();
  int epoll_;
  std::map<int, Member> members_;  // by descriptor
  unsigned started_ = 0;
  unsigned busy_ = 0;  // not yet done, or, of idle ones, not yet logged in
  bool holding_ = false;
  Outcome outcome_;
};

}  // namespace

Outcome run(const Order& order) { return Crowd(order).run(); }

}  // namespace saslift::bench
