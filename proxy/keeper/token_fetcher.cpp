#include "proxy/keeper/token_fetcher.h"

#include <array>
#include <optional>
#include <stdexcept>

#include "proxy/fetch/messages.h"

namespace saslift::proxy::keeper {
namespace {

auth::FetchOutcome failed(auth::FetchFailure kind, std::string detail) {
  return std::unexpected(auth::FetchError{kind, std::move(detail)});
}

uv_stdio_container_t pipe_to_child(uv_pipe_t* ours, uv_stdio_flags direction) {
  uv_stdio_container_t container{};
  container.flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | direction);
  container.data.stream = reinterpret_cast<uv_stream_t*>(ours);
  return container;
}

struct PendingRequest {
  uv_write_t write{};
  config::Secret bytes;
};

}  // namespace

class TokenFetcher::Run {
 public:
  struct Events {
    std::function<void(auth::FetchOutcome)> ended;  // once
    std::function<void()> reapable;
  };

  Run(net::Loop& loop, const Program& program, const Limits& limits, config::Secret request, Events events)
      : loop_(loop),
        events_(std::move(events)),
        deadline_(loop, [this] { give_up(auth::FetchFailure::timeout, "no reply in time"); }),
        request_([&](uv_pipe_t* pipe) { return uv_pipe_init(loop.raw(), pipe, 0); }),
        reply_([&](uv_pipe_t* pipe) { return uv_pipe_init(loop.raw(), pipe, 0); }) {
    reply_bytes_.reserve(fetch::largest_outcome);  // so that growing leaves no copy behind
    const std::array descriptors{pipe_to_child(request_.get(), UV_READABLE_PIPE),
                                 pipe_to_child(reply_.get(), UV_WRITABLE_PIPE), child_error_output()};
    process_.emplace(loop, program, descriptors, [this](Exit exit) { exited(exit); });
    request_.set_owner(this);
    reply_.set_owner(this);
    deadline_.set(started() ? limits.life : auth::Duration{0});
    if (!started()) return;
    read_reply();
    send(std::move(request));
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { config::wipe(reply_bytes_); }

  [[nodiscard]] bool done() const { return done_ && !process_->running(); }

 private:
  [[nodiscard]] bool started() const { return process_->error() == 0; }

  void send(config::Secret request) {
    auto pending = std::make_unique<PendingRequest>();
    pending->bytes = std::move(request);
    pending->write.data = pending.get();
    const auto bytes = pending->bytes.reveal();
    const auto buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int error = uv_write(&pending->write, request_.stream(), &buffer, 1, [](uv_write_t* write, int) {
      const std::unique_ptr<PendingRequest> sent(static_cast<PendingRequest*>(write->data));
      // The end of the pipe is the end of the request. Without an owner it is closed already.
      if (auto* self = static_cast<Run*>(write->handle->data)) self->request_.close();
    });
    if (error == 0) static_cast<void>(pending.release());
  }

  void read_reply() {
    uv_read_start(
        reply_.stream(),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
          const auto space = static_cast<net::Loop*>(handle->loop->data)->read_buffer();
          *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
        },
        [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
          auto* self = static_cast<Run*>(stream->data);
          if (self == nullptr) return;
          if (size > 0) self->received({buffer->base, static_cast<std::size_t>(size)});
          if (size < 0) self->reply_ended();
        });
  }

  void received(std::span<char> bytes) {
    const bool fits = reply_bytes_.size() + bytes.size() <= fetch::largest_outcome;
    if (fits) reply_bytes_.append(bytes.data(), bytes.size());
    config::wipe(bytes.data(), bytes.size());
    if (!fits) give_up(auth::FetchFailure::too_long, "the fetch process said too much");
  }

  void reply_ended() {
    reply_.close();
    if (exit_) finish();
  }

  void exited(Exit exit) {
    exit_ = exit;
    if (!reply_) finish();
    events_.reapable();
  }

  void finish() {
    if (!exit_->clean()) return report(failed(auth::FetchFailure::died, "the fetch process ended: " + exit_->text()));
    auto outcome = fetch::decode_outcome(reply_bytes_);
    if (!outcome) return report(failed(auth::FetchFailure::died, "the fetch process: " + outcome.error().what));
    report(std::move(*outcome));
  }

  void give_up(auth::FetchFailure kind, std::string detail) {
    if (!started()) {
      return report(failed(auth::FetchFailure::died, std::string("no process: ") + uv_strerror(process_->error())));
    }
    process_->kill();
    report(failed(kind, std::move(detail)));
  }

  void report(auth::FetchOutcome outcome) {
    if (done_) return;
    done_ = true;
    deadline_.cancel();
    events_.ended(std::move(outcome));
    events_.reapable();
  }

  net::Loop& loop_;
  Events events_;
  net::Timer deadline_;
  net::UvHandle<uv_pipe_t> request_;
  net::UvHandle<uv_pipe_t> reply_;
  std::optional<ChildProcess> process_;
  std::optional<Exit> exit_;
  std::string reply_bytes_;
  bool done_ = false;
};

TokenFetcher::TokenFetcher(net::Loop& loop, Program program, Limits limits, Fetched fetched)
    : loop_(loop), program_(std::move(program)), limits_(limits), fetched_(std::move(fetched)), next_(loop, [this] {
        reap_and_start();
      }) {}

TokenFetcher::~TokenFetcher() = default;

void TokenFetcher::fetch(auth::FetchToken order) {
  waiting_.push_back(std::move(order));
  next_.set(auth::Duration{0});
}

void TokenFetcher::reap_and_start() {
  std::erase_if(running_, [](const auto& run) { return run->done(); });
  while (running_.size() < most_at_once && !waiting_.empty()) {
    auth::FetchToken order = std::move(waiting_.front());
    waiting_.pop_front();
    start(std::move(order));
  }
}

void TokenFetcher::start(auth::FetchToken order) {
  config::Secret request;
  try {
    request = fetch::encode(order.request);
  } catch (const std::length_error& error) {
    return fetched_(order.key, failed(auth::FetchFailure::died, error.what()));
  }
  Run::Events events{[this, key = order.key](auth::FetchOutcome outcome) { fetched_(key, std::move(outcome)); },
                     [this] { next_.set(auth::Duration{0}); }};
  running_.push_back(std::make_unique<Run>(loop_, program_, limits_, std::move(request), std::move(events)));
}

}  // namespace saslift::proxy::keeper
