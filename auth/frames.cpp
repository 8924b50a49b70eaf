#include "auth/frames.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "auth/message_fields.h"
#include "auth/plain_cbor.h"

namespace saslift::auth {
namespace {

using Json = nlohmann::json;

constexpr std::size_t length_size = 4;
constexpr std::size_t head_size = 3;  // type, CBOR length
// The two directions have types of their own, so that a frame sent the wrong way is malformed.
constexpr std::size_t first_type_from_worker = 0x01;
constexpr std::size_t first_type_to_worker = 0x41;

class Writer {
 public:
  void operator()(const char* name, const std::string& value) { json_[name] = value; }
  void operator()(const char* name, Duration value) { json_[name] = value.count(); }
  void operator()(const char* name, std::integral auto value) { json_[name] = value; }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void operator()(const char* name, Enum value) {
    json_[name] = static_cast<unsigned>(value);
  }
  void operator()(const char* name, const std::vector<std::string>& value) { json_[name] = value; }
  void operator()(const char* name, const std::vector<std::pair<std::string, std::string>>& value) {
    json_[name] = value;
  }
  void operator()(const char* name, const config::Secret& value) {
    json_[name] = value.size();
    secrets_.push_back(value.reveal());
  }
  void operator()(const char* name, const std::vector<config::Secret>& values) {
    Json& sizes = json_[name] = Json::array();
    for (const config::Secret& value : values) {
      sizes.push_back(value.size());
      secrets_.push_back(value.reveal());
    }
  }
  void operator()(const char* name, const std::vector<WorkerListener>& values) {
    Json& list = json_[name] = Json::array();
    for (const WorkerListener& value : values) list.push_back(nested(value));
  }
  void operator()(const char* name, const PhaseTimes& value) { json_[name] = nested(value); }

  [[nodiscard]] config::Secret frame(std::size_t type) const {
    const std::vector<std::uint8_t> cbor = Json::to_cbor(json_);
    std::size_t size = head_size + cbor.size();
    for (const std::string_view secret : secrets_) size += secret.size();
    if (cbor.size() > std::numeric_limits<std::uint16_t>::max() || size > largest_frame) return {};
    std::string bytes;
    bytes.reserve(length_size + size);  // never moved while it fills: no stray copy of a secret
    for (unsigned shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(size >> shift & 0xFFU));
    bytes.push_back(static_cast<char>(type));
    bytes.push_back(static_cast<char>(cbor.size() & 0xFFU));
    bytes.push_back(static_cast<char>(cbor.size() >> 8U));
    bytes.append(cbor.begin(), cbor.end());
    for (const std::string_view secret : secrets_) bytes.append(secret);
    return config::Secret::taken_from(bytes);
  }

 private:
  template <class Part>
  [[nodiscard]] static Json nested(const Part& part) {
    Writer writer;
    fields(writer, part);
    return std::move(writer.json_);
  }

  Json json_ = Json::object();
  std::vector<std::string_view> secrets_;
};

// Reads what Writer wrote; the first member that is missing or of another kind is remembered in wrong().
class Reader {
 public:
  Reader(const Json& json, std::string_view secrets) : json_(json), secrets_(secrets) {}

  void operator()(const char* name, std::string& value) {
    if (const Json* member = take(name, &Json::is_string)) value = member->get_ref<const std::string&>();
  }
  void operator()(const char* name, Duration& value) {
    std::int64_t count = 0;
    (*this)(name, count);
    if (count < 0) wrong_ = name;
    value = Duration(count);
  }
  void operator()(const char* name, bool& value) {
    if (const Json* member = take(name, &Json::is_boolean)) value = member->get<bool>();
  }
  template <std::integral Number>
  void operator()(const char* name, Number& value) {
    if (const Json* member = take(name, &Json::is_number_integer)) number(name, *member, value);
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void operator()(const char* name, Enum& value) {
    std::uint8_t number = 0;
    (*this)(name, number);
    if (number > static_cast<std::uint8_t>(last_of(Enum{}))) {
      wrong_ = name;
    } else {
      value = static_cast<Enum>(number);
    }
  }
  void operator()(const char* name, std::vector<std::string>& values) {
    const Json* list = take(name, &Json::is_array);
    if (list == nullptr) return;
    for (const Json& item : *list) values.push_back(text(name, item));
  }
  void operator()(const char* name, std::vector<std::pair<std::string, std::string>>& values) {
    const Json* list = take(name, &Json::is_array);
    if (list == nullptr) return;
    for (const Json& item : *list) {
      if (!item.is_array() || item.size() != 2) {
        wrong_ = name;
        return;
      }
      values.emplace_back(text(name, item[0]), text(name, item[1]));
    }
  }
  void operator()(const char* name, config::Secret& value) {
    if (const Json* size = take(name, &Json::is_number_integer)) value = secret(name, *size);
  }
  void operator()(const char* name, std::vector<config::Secret>& values) {
    const Json* list = take(name, &Json::is_array);
    if (list == nullptr) return;
    for (const Json& size : *list) values.push_back(secret(name, size));
  }
  void operator()(const char* name, std::vector<WorkerListener>& values) {
    const Json* list = take(name, &Json::is_array);
    if (list == nullptr) return;
    for (const Json& item : *list) nested(name, item, values.emplace_back());
  }
  void operator()(const char* name, PhaseTimes& value) {
    if (const Json* member = take(name, &Json::is_object)) nested(name, *member, value);
  }

  // Every member was asked for, every secret byte belongs to one.
  void finish() {
    if (wrong_.empty() && taken_ != json_.size()) wrong_ = "unknown member";
    if (wrong_.empty() && !secrets_.empty()) wrong_ = "secret bytes";
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  [[nodiscard]] const Json* take(const char* name, bool (Json::*kind)() const noexcept) {
    const auto found = json_.find(name);
    if (found != json_.end() && ((*found).*kind)()) {
      ++taken_;
      return &*found;
    }
    wrong_ = name;
    return nullptr;
  }
  template <std::integral Number>
  void number(const char* name, const Json& item, Number& value) {
    const bool in_range = item.is_number_unsigned() ? std::in_range<Number>(item.get<std::uint64_t>())
                                                    : std::in_range<Number>(item.get<std::int64_t>());
    if (in_range) {
      value = item.get<Number>();
    } else {
      wrong_ = name;
    }
  }
  [[nodiscard]] std::string text(const char* name, const Json& item) {
    if (item.is_string()) return item.get<std::string>();
    wrong_ = name;
    return {};
  }
  [[nodiscard]] config::Secret secret(const char* name, const Json& item) {
    std::size_t size = 0;
    if (item.is_number_integer()) {
      number(name, item, size);
    } else {
      wrong_ = name;
    }
    if (size > secrets_.size()) {
      wrong_ = name;
      return {};
    }
    config::Secret taken(secrets_.substr(0, size));
    secrets_.remove_prefix(size);
    return taken;
  }
  template <class Part>
  void nested(const char* name, const Json& item, Part& part) {
    if (!item.is_object()) {
      wrong_ = name;
      return;
    }
    Reader reader(item, {});
    fields(reader, part);
    reader.finish();
    if (!reader.wrong().empty()) wrong_ = reader.wrong();
  }

  const Json& json_;
  std::string_view secrets_;
  std::size_t taken_ = 0;
  std::string wrong_;
};

template <class Message>
config::Secret encode_as(const Message& message, std::size_t first_type) {
  return std::visit(
      [&](const auto& alternative) {
        Writer writer;
        fields(writer, alternative);
        return writer.frame(first_type + message.index());
      },
      message);
}

// The alternative numbered `index`, made empty and then filled by `read`.
template <class Message, std::size_t... Indices>
Message alternative(std::size_t index, std::index_sequence<Indices...>) {
  Message message;
  const bool found = ((index == Indices && (message.template emplace<Indices>(), true)) || ...);
  (void)found;
  return message;
}

template <class Message>
std::expected<Message, MalformedFrame> decode_as(std::string_view frame, std::size_t first_type) {
  if (frame.size() < head_size) return std::unexpected(MalformedFrame{"shorter than its head"});
  if (frame.size() > largest_frame) return std::unexpected(MalformedFrame{"too long"});
  const std::size_t type = static_cast<std::uint8_t>(frame[0]);
  if (type < first_type || type >= first_type + std::variant_size_v<Message>)
    return std::unexpected(MalformedFrame{"unknown type"});
  const std::size_t cbor_size =
      static_cast<std::size_t>(static_cast<std::uint8_t>(frame[1]) | static_cast<std::uint8_t>(frame[2]) << 8);
  frame.remove_prefix(head_size);
  if (cbor_size > frame.size()) return std::unexpected(MalformedFrame{"shorter than its CBOR"});
  const std::string_view cbor = frame.substr(0, cbor_size);
  if (!is_plain_cbor(cbor)) return std::unexpected(MalformedFrame{"not plain CBOR"});
  const Json json = Json::from_cbor(cbor.begin(), cbor.end(), true, false);
  if (!json.is_object()) return std::unexpected(MalformedFrame{"not a map"});

  auto message = alternative<Message>(type - first_type, std::make_index_sequence<std::variant_size_v<Message>>{});
  Reader reader(json, frame.substr(cbor_size));
  std::visit([&](auto& empty) { fields(reader, empty); }, message);
  reader.finish();
  if (!reader.wrong().empty()) return std::unexpected(MalformedFrame{reader.wrong()});
  return message;
}

}  // namespace

config::Secret encode(const FromWorker& message) { return encode_as(message, first_type_from_worker); }
config::Secret encode(const ToWorker& message) { return encode_as(message, first_type_to_worker); }

std::expected<FromWorker, MalformedFrame> decode_from_worker(std::string_view frame) {
  return decode_as<FromWorker>(frame, first_type_from_worker);
}

std::expected<ToWorker, MalformedFrame> decode_to_worker(std::string_view frame) {
  return decode_as<ToWorker>(frame, first_type_to_worker);
}

FrameReader::~FrameReader() { config::wipe(buffer_); }

void FrameReader::append(std::string_view bytes) {
  const std::string_view kept = std::string_view(buffer_).substr(consumed_);
  const std::size_t size = kept.size() + bytes.size();
  if (size > buffer_.capacity()) {
    // Growing in place would leave the old bytes behind in freed memory.
    std::string larger;
    larger.reserve(std::max(size, 2 * buffer_.capacity()));
    larger.append(kept);
    config::wipe(buffer_);
    buffer_.swap(larger);
  } else if (consumed_ > 0) {
    std::copy(kept.begin(), kept.end(), buffer_.begin());
    config::wipe(buffer_.data() + kept.size(), buffer_.size() - kept.size());
    buffer_.resize(kept.size());
  }
  consumed_ = 0;
  wiped_ = 0;
  buffer_.append(bytes);
}

std::expected<std::optional<std::string_view>, MalformedFrame> FrameReader::next() {
  config::wipe(buffer_.data() + wiped_, consumed_ - wiped_);
  wiped_ = consumed_;
  const std::string_view rest = std::string_view(buffer_).substr(consumed_);
  if (rest.size() < length_size) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = length_size; i-- > 0;) size = size << 8U | static_cast<std::uint8_t>(rest[i]);
  if (size < head_size || size > largest_frame) return std::unexpected(MalformedFrame{"impossible length"});
  if (rest.size() < length_size + size) return std::nullopt;
  consumed_ += length_size + size;
  return rest.substr(length_size, size);
}

}  // namespace saslift::auth
