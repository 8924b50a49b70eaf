#include "proxy/keeper/configuration_reader.h"

#include <uv.h>

#include <exception>
#include <stdexcept>
#include <utility>

namespace saslift::proxy::keeper {

struct ConfigurationReader::Reading {
  uv_work_t request{};
  ConfigurationReader* reader = nullptr;
  std::string path;
  config::LoadResult result;
  Done done;
};

ConfigurationReader::ConfigurationReader(net::Loop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}

ConfigurationReader::~ConfigurationReader() {
  if (reading_ != nullptr) reading_->reader = nullptr;
}

void ConfigurationReader::read(Done done) {
  if (busy()) throw std::logic_error("the configuration is being read");
  auto reading = std::make_unique<Reading>();
  reading->request.data = reading.get();
  reading->reader = this;
  reading->path = path_;
  reading->done = std::move(done);
  const auto work = [](uv_work_t* request) {
    auto* self = static_cast<Reading*>(request->data);
    try {
      self->result = config::load(self->path);
    } catch (const std::exception& failure) {
      self->result = std::unexpected(std::vector{config::Problem{self->path, 0, 0, failure.what()}});
    }
  };
  const auto after = [](uv_work_t* request, int) {
    const std::unique_ptr<Reading> self(static_cast<Reading*>(request->data));
    if (self->reader == nullptr) return;
    self->reader->reading_ = nullptr;
    self->done(std::move(self->result));
  };
  if (uv_queue_work(loop_.raw(), &reading->request, work, after) != 0) {
    throw std::runtime_error("the configuration cannot be read now");
  }
  reading_ = reading.release();
}

}  // namespace saslift::proxy::keeper
