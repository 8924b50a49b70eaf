#include "proxy/fetch/assertion.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include "auth/grants/base64url.h"
#include "config/released_by.h"

namespace saslift::proxy::fetch {
namespace {

using Bio = std::unique_ptr<BIO, config::ReleasedBy<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, config::ReleasedBy<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, config::ReleasedBy<EVP_MD_CTX_free>>;
using Store = std::unique_ptr<OSSL_STORE_CTX, config::ReleasedBy<OSSL_STORE_close>>;
using StoreInfo = std::unique_ptr<OSSL_STORE_INFO, config::ReleasedBy<OSSL_STORE_INFO_free>>;

constexpr std::size_t largest_assertion = 32 * 1024;

std::unexpected<NoAssertion> refuse(std::string why) {
  ERR_clear_error();
  return std::unexpected(NoAssertion{std::move(why)});
}

// The library's last word, without file and line.
std::string reason() {
  const char* words = ERR_reason_error_string(ERR_peek_last_error());
  return words != nullptr ? words : "unknown error";
}

Key key_in_store(const std::string& uri) {
  // Without a terminal: a PIN stands in the URI.
  const Store store(OSSL_STORE_open(uri.c_str(), UI_null(), nullptr, nullptr, nullptr));
  if (!store || OSSL_STORE_expect(store.get(), OSSL_STORE_INFO_PKEY) != 1) return nullptr;
  while (OSSL_STORE_eof(store.get()) != 1) {
    const StoreInfo info(OSSL_STORE_load(store.get()));
    if (!info) return nullptr;
    if (OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_PKEY) return Key(OSSL_STORE_INFO_get1_PKEY(info.get()));
  }
  return nullptr;
}

Key key_of(const auth::AssertionToSign& assertion) {
  if (!assertion.key_store.empty()) return key_in_store(assertion.key_store);
  const auto pem = assertion.key_pem.reveal();
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
}

bool prepare(EVP_MD_CTX* digest, EVP_PKEY* key, config::AssertionAlgorithm algorithm) {
  EVP_PKEY_CTX* context = nullptr;
  if (EVP_DigestSignInit(digest, &context, EVP_sha256(), nullptr, key) != 1) return false;
  if (algorithm == config::AssertionAlgorithm::rs256)
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

// Base64url parts between dots, at most a line end behind them.
bool is_jwt(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

std::expected<config::Secret, NoAssertion> jwt_in_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return refuse(fmt::format("{} cannot be read: {}", path, std::generic_category().message(errno)));
  std::string bytes(largest_assertion + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < bytes.size()) {
    got = read(file, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  const int error = errno;
  close(file);
  const config::Secret whole = config::Secret::taken_from(bytes);
  if (got < 0) return refuse(fmt::format("{} cannot be read: {}", path, std::generic_category().message(error)));
  std::string_view text = whole.reveal().substr(0, size);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() > largest_assertion || !is_jwt(text)) return refuse(fmt::format("{} holds no JWT", path));
  return config::Secret(text);
}

struct SourceOf {
  std::expected<config::Secret, NoAssertion> operator()(const auth::AssertionToSign& one) const {
    return signed_jwt(one);
  }
  std::expected<config::Secret, NoAssertion> operator()(const auth::AssertionInFile& one) const {
    return jwt_in_file(one.path);
  }
};

}  // namespace

std::expected<config::Secret, NoAssertion> signed_jwt(const auth::AssertionToSign& assertion) {
  ERR_clear_error();
  const Key key = key_of(assertion);
  if (!key) {
    return refuse(fmt::format("the key cannot be had{}: {}",
                              assertion.key_store.empty() ? "" : " from 'certificate_key'", reason()));
  }
  const Digest digest(EVP_MD_CTX_new());
  const auto* input = reinterpret_cast<const unsigned char*>(assertion.signing_input.data());
  std::size_t size = 0;
  if (!prepare(digest.get(), key.get(), assertion.algorithm) ||
      EVP_DigestSign(digest.get(), nullptr, &size, input, assertion.signing_input.size()) != 1) {
    return refuse("the key cannot sign: " + reason());
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, input,
                     assertion.signing_input.size()) != 1) {
    return refuse("the key did not sign: " + reason());
  }
  signature.resize(size);
  std::string jwt = assertion.signing_input + '.' + auth::to_base64url(signature);
  return config::Secret::taken_from(jwt);
}

std::expected<config::Secret, NoAssertion> whole_body(const auth::TokenRequest& request) {
  if (!request.assertion) return request.body.copy();
  const auto jwt = std::visit(SourceOf{}, request.assertion->source);
  if (!jwt) return std::unexpected(jwt.error());
  std::string body;
  body.reserve(request.body.size() + request.assertion->field.size() + jwt->size() + 3);
  body += request.body.reveal();
  body += '&';
  body += request.assertion->field;
  body += '=';
  body += jwt->reveal();
  return config::Secret::taken_from(body);
}

}  // namespace saslift::proxy::fetch
