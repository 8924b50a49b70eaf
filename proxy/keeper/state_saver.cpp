#include "proxy/keeper/state_saver.h"

#include <utility>

namespace saslift::proxy::keeper {

struct StateSaver::Job {
  uv_work_t work{};
  StateSaver* saver = nullptr;  // null once that is gone
  std::shared_ptr<StateFile> file;
  auth::SaveState order;
  auth::SaveOutcome outcome;
};

StateSaver::StateSaver(net::Loop& loop, StateFile file, Saved saved)
    : loop_(loop), file_(std::make_shared<StateFile>(std::move(file))), saved_(std::move(saved)) {}

StateSaver::~StateSaver() {
  if (running_ != nullptr) running_->saver = nullptr;
}

void StateSaver::save(auth::SaveState order) {
  auto job = std::make_unique<Job>();
  job->saver = this;
  job->file = file_;
  job->order = std::move(order);
  job->work.data = job.get();
  const int error = uv_queue_work(
      loop_.raw(), &job->work,
      [](uv_work_t* work) {
        auto& self = *static_cast<Job*>(work->data);
        self.outcome = self.file->save(self.order.sealed);
      },
      [](uv_work_t* work, int) {
        const std::unique_ptr<Job> done(static_cast<Job*>(work->data));
        if (done->saver == nullptr) return;
        done->saver->running_ = nullptr;
        done->saver->saved_(std::move(done->outcome));
      });
  if (error != 0) return saved_(std::unexpected(std::string(uv_strerror(error))));
  running_ = job.release();
}

}  // namespace saslift::proxy::keeper
