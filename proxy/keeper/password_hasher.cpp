#include "proxy/keeper/password_hasher.h"

#include <memory>
#include <vector>

#include "auth/password.h"

namespace saslift::proxy::keeper {
namespace {

auth::HashOutcome outcome_of(auth::PasswordCheck check) {
  switch (check) {
    case auth::PasswordCheck::matches:
      return auth::HashOutcome::matches;
    case auth::PasswordCheck::differs:
      return auth::HashOutcome::differs;
    case auth::PasswordCheck::out_of_memory:
      return auth::HashOutcome::overloaded;
  }
  return auth::HashOutcome::overloaded;
}

}  // namespace

struct PasswordHasher::Job {
  uv_work_t work{};
  PasswordHasher* hasher = nullptr;  // null once that is gone
  auth::HashPassword order;
  auth::HashOutcome outcome = auth::HashOutcome::differs;
};

PasswordHasher::PasswordHasher(net::Loop& loop, Limits limits, Hashed hashed)
    : loop_(loop), limits_(limits), hashed_(std::move(hashed)) {}

PasswordHasher::~PasswordHasher() {
  for (Job* job : running_) job->hasher = nullptr;
}

void PasswordHasher::hash(auth::HashPassword order) {
  if (running_.size() >= limits_.at_once && waiting_.size() >= limits_.waiting) {
    return hashed_(order.id, auth::HashOutcome::overloaded);
  }
  waiting_.push_back(std::move(order));
  start_waiting();
}

void PasswordHasher::cancel(auth::HashId id) {
  std::erase_if(waiting_, [id](const auth::HashPassword& order) { return order.id == id; });
}

void PasswordHasher::start_waiting() {
  while (running_.size() < limits_.at_once && !waiting_.empty()) {
    auto job = std::make_unique<Job>();
    job->hasher = this;
    job->order = std::move(waiting_.front());
    job->work.data = job.get();
    waiting_.pop_front();
    const int error = uv_queue_work(
        loop_.raw(), &job->work,
        [](uv_work_t* work) {
          auto& self = *static_cast<Job*>(work->data);
          self.outcome = outcome_of(auth::verify_password(self.order.phc, self.order.password));
        },
        [](uv_work_t* work, int) {
          const std::unique_ptr<Job> done(static_cast<Job*>(work->data));
          if (done->hasher != nullptr) done->hasher->finished(*done);
        });
    if (error != 0) {
      hashed_(job->order.id, auth::HashOutcome::overloaded);
      continue;
    }
    running_.push_back(job.release());
  }
}

void PasswordHasher::finished(const Job& job) {
  std::erase(running_, &job);
  start_waiting();
  hashed_(job.order.id, job.outcome);
}

}  // namespace saslift::proxy::keeper
