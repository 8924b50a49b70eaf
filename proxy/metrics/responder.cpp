#include "proxy/metrics/responder.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "config/text_forms.h"
#include "proxy/http/request_head.h"
#include "proxy/net/tcp_stream.h"

namespace saslift::proxy::metrics {
namespace {

using http::Response;

constexpr std::string_view openmetrics_type = "application/openmetrics-text";

struct Page {
  std::string_view path;
  Question question;
};
constexpr std::array pages{Page{"/healthz", Question::health}, Page{"/readyz", Question::readiness},
                           Page{"/metrics", Question::prometheus}};

std::string content_type_of(Question question) {
  switch (question) {
    case Question::prometheus:
      return "text/plain; version=0.0.4; charset=utf-8";
    case Question::openmetrics:
      return std::string(openmetrics_type) + "; version=1.0.0; charset=utf-8";
    case Question::health:
    case Question::readiness:
      break;
  }
  return Response{}.content_type;
}

Response plain(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.body = std::string(text) + "\n";
  return response;
}

bool wants_openmetrics(const http::RequestHead& request) {
  return std::ranges::any_of(request.fields, [](const http::Field& field) {
    return field.name == "accept" && config::folded(field.value).find(openmetrics_type) != std::string::npos;
  });
}

Response told(http::HeadFault fault) {
  return fault == http::HeadFault::too_long ? plain(431, "the request is too long") : plain(400, "not a request");
}

}  // namespace

class Responder::Connection final : private net::ByteStream::Reader {
 public:
  Connection(Responder& all, std::unique_ptr<net::TcpStream> stream)
      : all_(all), stream_(std::move(stream)), patience_(all.loop_, [this] { out_of_patience(); }) {
    stream_->set_reader(*this);
    stream_->limit_reads(longest_head);
    stream_->start_reading();
    patience_.set(patience_for_request);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool waits_for(Question question) const { return waits_for_ == question; }
  void say(const Response& response) {
    waits_for_.reset();
    said_ = true;
    stream_->write(text_of(response));
    stream_->finish_writing();
    patience_.set(patience_for_request);
  }

 private:
  void received(std::span<char> bytes) override {
    if (said_ || waits_for_) return;  // pipelined requests and bodies are not read
    received_.append(bytes.data(), bytes.size());
    const auto head = http::read_request_head(received_, longest_head);
    if (!head) return say(told(head.error()));
    if (*head) asked(**head);
  }
  void ended(net::Ending) override { end(); }
  void failed(const net::StreamError&) override { end(); }
  void drained() override {}

  void asked(const http::RequestHead& request) {
    const auto page = std::ranges::find(pages, request.path, &Page::path);
    if (page == pages.end()) return say(plain(404, "there are: /metrics /healthz /readyz"));
    if (request.method != "GET") return say(plain(405, "GET only"));
    const bool other_format = page->question == Question::prometheus && wants_openmetrics(request);
    const Question question = other_format ? Question::openmetrics : page->question;
    if (const auto response = all_.respond_to(question)) return say(*response);
    waits_for_ = question;
    patience_.set(patience_for_keeper);
  }

  void out_of_patience() {
    if (waits_for_) return say(plain(503, "the keeper does not answer"));
    end();
  }

  void end() {
    ended_ = true;
    patience_.cancel();
    stream_->stop_reading();
    all_.reap_.set(auth::Duration{0});
  }

  Responder& all_;
  std::unique_ptr<net::TcpStream> stream_;
  net::Timer patience_;
  std::string received_;
  std::optional<Question> waits_for_;
  bool said_ = false;
  bool ended_ = false;
};

Responder::Responder(Descriptors given)
    : pipe_(std::make_unique<net::FramePipe>(
          loop_, given.pipe,
          net::FramePipe::Events{[this](std::string_view frame) { answer_came(frame); },
                                 [this](std::string_view) { loop_.stop(); }})),
      reap_(loop_, [this] { reap(); }),
      listener_(std::make_unique<net::Listener>(
          loop_, given.listening, [this](std::unique_ptr<net::TcpStream> stream) { accepted(std::move(stream)); })) {}

Responder::~Responder() = default;

void Responder::run() {
  loop_.run();
  connections_.clear();
  listener_.reset();
}

void Responder::accepted(std::unique_ptr<net::TcpStream> stream) {
  if (connections_.size() >= most_connections) return;  // closed, and no descriptor kept
  connections_.push_back(std::make_unique<Connection>(*this, std::move(stream)));
}

std::optional<http::Response> Responder::respond_to(Question question) {
  Known& known = known_.at(static_cast<std::size_t>(question));
  if (known.answer && loop_.now() - known.at < answers_keep) {
    return Response{known.answer->verdict == Verdict::good ? 200 : 503, content_type_of(question), known.answer->text};
  }
  if (!std::exchange(known.asked, true)) pipe_->send(encode(question));
  return std::nullopt;
}

void Responder::answer_came(std::string_view frame) {
  auto answer = reader_.receive(frame);
  if (!answer) return loop_.stop();
  if (!*answer) return;
  const Question question = (*answer)->question;
  known_.at(static_cast<std::size_t>(question)) = Known{std::move(**answer), loop_.now(), false};
  for (const auto& connection : connections_) {
    if (!connection->waits_for(question)) continue;
    if (const auto response = respond_to(question)) connection->say(*response);
  }
}

void Responder::reap() {
  std::erase_if(connections_, [](const auto& connection) { return connection->ended(); });
}

}  // namespace saslift::proxy::metrics
